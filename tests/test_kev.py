"""The KEV catalogue: read from a file, as it is, odd dates and all."""

import json
from datetime import date

import pytest

from poam.errors import KevError
from poam.kev import KevEntry, read_kev
from tests.core_support import kev


def catalogue(tmp_path, *entries, **more):
    """Write a catalogue file."""
    path = tmp_path / "kev.json"
    path.write_text(json.dumps({"vulnerabilities": list(entries), **more}), encoding="utf-8")
    return path


def test_reading_keeps_what_is_needed(tmp_path):
    """The version and each CVE's dates are read; fields it does not know are ignored."""
    path = catalogue(
        tmp_path,
        {
            "cveID": "cve-2026-0001",
            "dateAdded": "2026-10-22",
            "dueDate": "2026-11-12",
            "knownRansomwareCampaignUse": "Known",
        },
        catalogVersion="2026.11.01",
        unheard="of",
    )
    found = read_kev(path)
    assert found.version == "2026.11.01"
    assert dict(found.entries) == {
        "CVE-2026-0001": KevEntry("CVE-2026-0001", date(2026, 10, 22), date(2026, 11, 12))
    }


@pytest.mark.parametrize(
    ("added", "due"),
    [
        pytest.param("2021-12-10", "2021-11-24", id="scenario-12 due before added"),
        pytest.param(None, "2021-11-24", id="no date added"),
    ],
)
def test_odd_dates_of_the_real_catalogue_are_kept(tmp_path, added, due):
    """A due date before the date added is kept as it is, and a missing date added is no error."""
    entry = {"cveID": "CVE-2021-44228", "dateAdded": added, "dueDate": due}
    found = read_kev(catalogue(tmp_path, entry)).entries["CVE-2021-44228"]
    assert found.due_date == date.fromisoformat(due)
    assert found.date_added == (date.fromisoformat(added) if added else None)


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    """Files saved by Windows tools begin with one."""
    path = tmp_path / "kev.json"
    path.write_text('{"vulnerabilities": []}', encoding="utf-8-sig")
    assert not read_kev(path).entries


@pytest.mark.parametrize(
    ("cves", "earliest"),
    [
        pytest.param(("CVE-2026-0001", "CVE-2026-0002"), "CVE-2026-0002", id="scenario-10 of two"),
        pytest.param(("CVE-2026-0003", "CVE-2026-0002"), "CVE-2026-0002", id="a tie by number"),
        pytest.param(("CVE-2026-0001", "CVE-2020-9999"), "CVE-2026-0001", id="one is not listed"),
        pytest.param(("CVE-2020-9999",), None, id="none is listed"),
        pytest.param((), None, id="no CVE"),
    ],
)
def test_of_several_cves_the_first_due_counts(cves, earliest):
    """The earliest due date of the listed CVEs, whatever their order."""
    found = kev(CVE_2026_0001="2026-11-12", CVE_2026_0002="2026-11-10", CVE_2026_0003="2026-11-10")
    for order in (cves, cves[::-1]):
        entry = found.earliest(order)
        assert (entry and entry.cve) == earliest


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"cveID": "CVE-2026-0001"}, "dueDate"),
        ({"dueDate": "2026-11-12"}, "cveID"),
        ({"cveID": "CVE-2026-0001", "dueDate": "11/12/2026"}, "11/12/2026"),
    ],
    ids=["no due date", "no CVE", "date in another form"],
)
def test_a_broken_entry_is_named(tmp_path, entry, place):
    """The error gives the entry's place in the list, what was wrong and what was expected."""
    good = {"cveID": "CVE-2026-0001", "dueDate": "2026-11-12"}
    with pytest.raises(KevError, match=r"kev\.json, vulnerabilities\[1\]") as e:
        read_kev(catalogue(tmp_path, good, entry))
    assert place in str(e.value)


@pytest.mark.parametrize("content", ["", "<html>", "{}", "[]"])
def test_what_is_no_catalogue_is_refused(tmp_path, content):
    """Another file, or none, is a KevError and not a traceback."""
    path = tmp_path / "kev.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KevError, match=r"kev\.json"):
        read_kev(path)
    with pytest.raises(KevError):
        read_kev(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "content", ['{"vulnerabilities": ["CVE-2026-0001"]}', '{"vulnerabilities": 1}']
)
def test_entries_that_are_none(tmp_path, content):
    """Whatever stands in an entry's place is named, not a traceback."""
    path = tmp_path / "kev.json"
    path.write_text(content)
    with pytest.raises(KevError, match=r"kev\.json"):
        read_kev(path)
