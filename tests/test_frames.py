"""Records to frames: columns, dtypes, zones, and one definition of each identifier."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from poam.errors import FrameError
from poam.frames import COVERAGE, DEFINITIONS, DETECTIONS, check, merged, tables
from tests.core_support import batch, definition, finding, scan, seen

UTC_ZONE = ZoneInfo("UTC")


def part(file, *records, day="2026-11-03"):
    """Return one export's tables."""
    ended = datetime.fromisoformat(day) if day else None
    return tables([*records, scan(ended=ended)], file, UTC_ZONE)


@pytest.mark.parametrize("records", [[], seen("a"), [scan()]], ids=["none", "all", "coverage"])
def test_tables_have_their_columns_and_types(records):
    """Whatever an export holds, even nothing, the three tables have one shape."""
    for found in (tables(records, "f", UTC_ZONE), batch(*records), merged([])):
        check(found.detections, DETECTIONS, "detections")
        check(found.definitions, DEFINITIONS, "definitions")
        check(found.coverage, COVERAGE, "coverage")


def test_a_broken_frame_names_every_fault():
    """Missing columns and wrong types are listed together."""
    frame = pd.DataFrame({"a": ["x"], "b": [1]})
    with pytest.raises(FrameError) as e:
        check(frame, {"a": "int64", "b": "int64", "c": "str"}, "items")
    assert str(e.value) == "items: a is str, expected int64; c is missing, expected str."


@pytest.mark.parametrize(
    ("ended", "zone", "local"),
    [
        pytest.param(
            datetime(2026, 11, 3, 3, 30, tzinfo=UTC),
            "US/Eastern",
            "2026-11-02T22:30",
            id="scenario-37 the day before",
        ),
        pytest.param(
            datetime(2026, 11, 3, 3, 30, tzinfo=UTC),
            "UTC",
            "2026-11-03T03:30",
            id="scenario-37 UTC",
        ),
        pytest.param(
            datetime(2026, 11, 2, 23, 30),  # noqa: DTZ001 - a scanner's local time has no zone
            "US/Eastern",
            "2026-11-02T23:30",
            id="scenario-37 without a zone it is local",
        ),
        pytest.param(
            datetime(2026, 11, 3, 1, 0, tzinfo=timezone(timedelta(hours=9))),
            "UTC",
            "2026-11-02T16:00",
            id="another offset",
        ),
        pytest.param(
            datetime(2026, 7, 1, 3, 30, tzinfo=UTC),
            "US/Eastern",
            "2026-06-30T23:30",
            id="summer time",
        ),
    ],
)
def test_times_are_in_the_sites_zone(ended, zone, local):
    """Aware times move to the site's zone, others are taken to be in it."""
    found = tables([scan(ended=ended)], "f", ZoneInfo(zone)).coverage["ended"][0]
    assert found == pd.Timestamp(local)


def test_a_definition_takes_each_field_from_the_newest_scan_that_gives_it():
    """What the newest scan leaves out an older one fills in."""
    old = part("a", definition(name="Old", solution="Fix", cves=("CVE-1",)), day="2026-10-01")
    new = part("b", definition(name="New", cvss3_base=5.0))
    for order in ((old, new), (new, old)):
        (row,) = merged(order).definitions.itertuples()
        assert (row.name, row.solution, row.cvss3_base, row.cves) == ("New", "Fix", 5.0, ("CVE-1",))


def test_a_knowledge_base_without_scans_only_fills_in():
    """A file without a scan date is the last to be asked, whatever its name."""
    dated = part("z", definition(name="From the scan", cvss3_base=None))
    undated = tables([definition(name="From the base", cvss3_base=5.0)], "a", UTC_ZONE)
    (row,) = merged([undated, dated]).definitions.itertuples()
    assert (row.name, row.cvss3_base) == ("From the scan", 5.0)


def test_definitions_are_scoped_by_detector():
    """The same number of two scanners is two definitions."""
    found = batch(definition("86000"), definition("86000", detector="Qualys")).definitions
    assert list(found["detector"]) == ["Nessus", "Qualys"]


def test_a_disagreement_about_a_name_is_logged(caplog):
    """Two names of one identifier are no error; the log says so."""
    with caplog.at_level("INFO"):
        merged([part("a", definition(name="A")), part("b", definition(name="B"))])
    assert "Nessus 10001 has" in caplog.text


def test_the_order_of_parts_changes_nothing():
    """A batch is the same whichever file is read first."""
    parts = [part(f, *seen("x", identifier=i)) for f, i in (("a", "1"), ("b", "2"), ("c", "1"))]
    one, other = merged(parts), merged(parts[::-1])
    for name in ("detections", "definitions", "coverage"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_missing_stays_missing():
    """No date, port or score is made up."""
    found = batch(definition(cvss3_base=None), finding(), scan(ended=None))
    assert found.detections["port"].isna().all()
    assert found.detections["first_seen"].isna().all()
    assert found.definitions["cvss3_base"].isna().all()
    assert found.coverage["ended"].isna().all()


def test_dates_and_lists_come_through():
    """Tuples and plain dates stay what they are."""
    found = batch(definition(cves=("CVE-1", "CVE-2"), kev_due=date(2026, 11, 12)))
    (row,) = found.definitions.itertuples()
    assert (row.cves, row.cwes, row.kev_due) == (("CVE-1", "CVE-2"), (), date(2026, 11, 12))
