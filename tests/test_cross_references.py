"""Items of several scanners that name each other: an item for each, with a CVE in common."""

from datetime import date

import pytest

from poam.cross_references import Listing, cross_references
from poam.model import ChangeKind
from tests.core_support import closed, definition, finding, item, run, scan, with_timelines

ONE, TWO, THREE = (f"CVE-2026-000{n}" for n in (1, 2, 3))
OPENED = ChangeKind.OPENED


def nessus(poam_id, *cves):
    """Return an item of Nessus."""
    return Listing(poam_id, frozenset({"Nessus"}), cves)


def qualys(poam_id, *cves):
    """Return an item of Qualys."""
    return Listing(poam_id, frozenset({"Qualys"}), cves)


def of_both(poam_id, *cves):
    """Return an item that both scanners find."""
    return Listing(poam_id, frozenset({"Nessus", "Qualys"}), cves)


def trivy(poam_id, *cves):
    """Return an item of a third scanner."""
    return Listing(poam_id, frozenset({"Trivy"}), cves)


@pytest.mark.parametrize(
    ("new", "current", "named"),
    [
        pytest.param(
            [nessus("V-2", ONE)], [qualys("V-1", ONE)], {"V-2": f"V-1 ({ONE})"}, id="an open item"
        ),
        pytest.param(
            [nessus("V-1", ONE), qualys("V-2", ONE)],
            [],
            {"V-1": f"V-2 ({ONE})", "V-2": f"V-1 ({ONE})"},
            id="both are new",
        ),
        pytest.param([nessus("V-2", ONE)], [nessus("V-1", ONE)], {}, id="the same scanner"),
        pytest.param([nessus("V-1", ONE), nessus("V-2", ONE)], [], {}, id="both new, one scanner"),
        pytest.param([nessus("V-2", ONE)], [qualys("V-1", TWO)], {}, id="another CVE"),
        pytest.param([nessus("V-2")], [qualys("V-1")], {}, id="no CVE"),
        pytest.param([nessus("V-2", ONE)], [of_both("V-1", ONE)], {}, id="an item of both"),
        pytest.param(
            [of_both("V-2", ONE)],
            [nessus("V-1", ONE), trivy("V-3", ONE)],
            {"V-2": f"V-3 ({ONE})"},
            id="of both, and a third",
        ),
        pytest.param(
            [nessus("V-2", ONE, TWO)],
            [qualys("V-1", TWO, ONE)],
            {"V-2": f"V-1 ({ONE})"},
            id="two CVEs in common: once, by the first",
        ),
        pytest.param(
            [nessus("V-3", TWO, THREE)],
            [qualys("V-1", THREE), qualys("V-2", TWO)],
            {"V-3": f"V-2 ({TWO}), V-1 ({THREE})"},
            id="two items, in the order of its CVEs",
        ),
        pytest.param([], [nessus("V-1", ONE), qualys("V-2", ONE)], {}, id="nothing is new"),
    ],
)
def test_who_names_whom(new, current, named):
    """A new item names what another scanner has under one of its CVEs, each once."""
    assert cross_references(new, current) == named


def shows(detector, identifier, *cves, asset="web-01", **said):
    """Return the records of a scan that finds a weakness with these CVEs."""
    return [
        definition(identifier, detector=detector, cves=cves, **said),
        finding(asset, identifier, detector=detector),
        scan(asset, detector=detector),
    ]


def comments(*files, **given):
    """Return the Comments of the items that a batch opens, by POA&M ID."""
    return {d.poam_id: d.after["comments"] for d in run(*files, **given).of(OPENED)}


def line(named):
    """Return the dated line of Comments that names other items."""
    return f"2026-11-30: Other scanners, a CVE in common: {named}."


def test_new_items_name_each_other():
    """scenario-9: of two scanners' rows with one CVE each names the other, with its date."""
    found = [*shows("Nessus", "10001", ONE), *shows("Qualys", "7", ONE, asset="web-02")]
    assert comments(found) == {"V-1": line(f"V-2 ({ONE})"), "V-2": line(f"V-1 ({ONE})")}


@pytest.mark.parametrize(
    ("row", "named"),
    [
        pytest.param(item("V-7", cve=ONE), True, id="open"),
        pytest.param(item("V-7", cve=ONE, sheet="configuration"), True, id="a configuration"),
        pytest.param(closed("V-7", cve=ONE), False, id="closed"),
        pytest.param(item("V-7", cve=TWO), False, id="another CVE"),
        pytest.param(
            item("V-7", cve=ONE, weakness_detector_source="Qualys"), False, id="its own scanner"
        ),
        pytest.param(
            item(
                "V-7",
                cve=ONE,
                weakness_detector_source="Nessus\nQualys",
                weakness_source_identifier="10001\n8",
            ),
            False,
            id="its own scanner is one of two",
        ),
    ],
)
def test_a_new_item_names_an_open_one(row, named):
    """A row of the workbook is named while it is open; it is not written to itself."""
    changes = run(shows("Qualys", "7", ONE, asset="web-02"), poam=[row])
    (opened,) = (d for d in changes.of(OPENED) if d.source_identifier == "7")
    assert opened.after["comments"] == (line(f"V-7 ({ONE})") if named else "")
    assert not [d for d in changes.decisions if d.poam_id == "V-7" and d.after]


def test_what_is_held_names_nothing():
    """Where only what is late is tracked, a weakness that has no row yet names and gets nothing."""
    rules = with_timelines(track="past_due")
    found = [
        *shows("Nessus", "10001", ONE),
        *shows("Qualys", "7", ONE, asset="web-02", cvss3_base=2.0),
    ]
    assert comments(found, rules=rules) == {}
    assert comments(found, rules=rules, as_of=date(2026, 12, 4)) == {"V-1": ""}


def test_a_row_of_two_scanners_names_neither():
    """One row for what both find: no second item is there to be named."""
    told = {"name": "openssl update (RHSA-2026:1234)"}
    found = [*shows("Nessus", "10001", ONE, TWO, **told), *shows("Qualys", "7", ONE, TWO, **told)]
    (said,) = comments(found, rules=with_timelines(cross_detector="same_item")).values()
    assert "Qualys 7 finds the same weakness" in said
    assert "Other scanners" not in said


def test_a_recurrence_names_others_too():
    """The line follows what else Comments say of a new row."""
    rows = [closed(cve=ONE, asset_identifier="web-02"), item("V-7", cve=ONE)]
    rows[0] |= {"weakness_detector_source": "Qualys", "weakness_source_identifier": "7"}
    (said,) = comments(shows("Qualys", "7", ONE, asset="web-02"), poam=rows).values()
    assert said == f"2026-11-30: Recurrence of V-1, closed 2026-10-20.\n{line(f'V-7 ({ONE})')}"
