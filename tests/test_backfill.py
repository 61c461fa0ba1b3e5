"""An archive of scans, month by month: each month's output is the next one's input."""

import re
import shutil
from datetime import date, datetime

import pytest

from flows.archive import backfill, months_of
from flows.asking import asked
from flows.ingest import Conventions, parse_into
from flows.parts import Store
from flows.pipeline import update
from flows.sources import discover
from flows.steps import DirectSteps
from poam.ledger import Ledger
from poam.policy import load_policy
from poam.workbook import RowAddition, WorkbookEdits, build_template, write_workbook
from tests.conftest import MONTHS, SAMPLE_SCANS

POAM = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
SCAN = """<?xml version="1.0"?>
<NessusClientData_v2><Report name="r">{hosts}</Report></NessusClientData_v2>"""
HOST = """<ReportHost name="{name}"><HostProperties>
<tag name="HOST_END">{end:%a %b %d %H:%M:%S %Y}</tag>
<tag name="HOST_START">{end:%a %b %d %H:%M:%S %Y}</tag>
<tag name="Credentialed_Scan">true</tag></HostProperties>{items}</ReportHost>"""
ITEM = """<ReportItem port="0" svc_name="general" protocol="tcp" severity="3" pluginID="{id}"
pluginName="Check {id}" pluginFamily="General"><description>About {id}</description>
<cvss3_base_score>8.1</cvss3_base_score><risk_factor>High</risk_factor></ReportItem>"""
LAYOUTS = load_policy().templates


def scan(file, day, *plugins, host="web-01"):
    """Write a Nessus scan of one host on a day."""
    items = "".join(ITEM.format(id=one) for one in plugins)
    end = datetime.fromisoformat(f"{day}T04:00:00")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SCAN.format(hosts=HOST.format(name=host, end=end, items=items)), "utf-8")


def item(poam_id, plugin, detected):
    """The values of an open item on web-01."""
    return {
        "poam_id": poam_id,
        "weakness_name": f"Check {plugin}",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": str(plugin),
        "asset_identifier": "web-01",
        "original_detection_date": date.fromisoformat(detected),
        "scheduled_completion_date": date.fromisoformat("2026-12-31"),
        "original_risk_rating": "High",
    }


@pytest.fixture
def site(tmp_path):
    """Return a function that backfills an archive in a folder of its own."""

    class Site:
        archive = tmp_path / "archive"
        runs = tmp_path / "runs"
        poam = tmp_path / "POAM.xlsx"
        out = tmp_path / "updated.xlsx"

        def workbook(self, *items, day=None):
            build_template(self.poam, "v2.1", LAYOUTS)
            edits = WorkbookEdits(
                additions=tuple(RowAddition("open", one) for one in items),
                poam_date=date.fromisoformat(day) if day else None,
            )
            write_workbook(self.poam, self.poam, edits, LAYOUTS)

        def __call__(self, since=None, until=None, **given):
            request = asked([self.archive], self.poam, self.runs, out=self.out, **given)
            return backfill(request, DirectSteps(), since, until)

        def memory(self):
            ledger = Ledger(f"sqlite:///{self.runs / 'ledger.sqlite'}")
            try:
                rows = ledger.memory()
            finally:
                ledger.close()
            return {
                row.source_identifier: (str(row.first_seen.date()), str(row.last_seen.date()))
                for row in rows.itertuples()
            }

    return Site()


def test_months_in_order(site, items_of):
    """From a blank workbook the months leave rows that are dated by their first scans."""
    scan(site.archive / "b.nessus", "2026-03-10", 10001, 10002)
    scan(site.archive / "a.nessus", "2026-05-12", 10002, 10003)
    scan(site.archive / "c.nessus", "2026-04-11", 10002)
    site.workbook()
    done = site()
    assert [str(one.month.day) for one in done.months] == ["2026-03-10", "2026-04-11", "2026-05-12"]
    items = items_of(site.out).set_index("weakness_source_identifier")
    assert {n: str(day) for n, day in items["original_detection_date"].items()} == {
        "10001": "2026-03-10",
        "10002": "2026-03-10",
        "10003": "2026-05-12",
    }
    assert items["sheet"].to_dict() == {"10001": "closed", "10002": "open", "10003": "open"}
    assert str(items.loc["10001", "status_date"]) == "2026-04-11"
    assert done.conflicts == ()


def test_the_same_as_run_by_run(site, month, tmp_path):
    """A backfill of two months writes the bytes that the two monthly runs write."""
    for name in MONTHS:
        for file in month(name):
            folder = site.archive / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / file.name)
    shutil.copyfile(POAM, site.poam)
    done = site()
    by_hand, poam = tmp_path / "by hand", POAM
    for one in done.months:
        scans = by_hand / one.month.name
        for parsed in one.month.parsed:
            (scans / parsed.file).parent.mkdir(parents=True)
            shutil.copyfile(site.archive / parsed.file, scans / parsed.file)
        out = by_hand / f"{one.month.name}.xlsx"
        update(asked([scans], poam, by_hand / "runs", one.month.day, out=out), DirectSteps())
        poam = out
    assert len(done.months) == 2
    assert site.out.read_bytes() == poam.read_bytes()


def test_history(site):
    """Months that the workbook speaks of change none of its cells: the ledger learns first days."""
    scan(site.archive / "1.nessus", "2026-03-10", 10001, 10002, 10004)
    scan(site.archive / "2.nessus", "2026-04-11", 10001, 10003)
    scan(site.archive / "3.nessus", "2026-05-12", 10001, 10002, 10003)
    site.workbook(
        item("V-1", 10001, "2026-05-12"),
        item("V-2", 10002, "2026-05-12"),
        item("V-3", 10003, "2026-04-11"),
        day="2026-05-31",
    )
    done = site()
    assert site.out.read_bytes() == site.poam.read_bytes()
    assert [one.report for one in done.months] == [None] * 3
    assert site.memory() == {
        "10001": ("2026-03-10", "2026-05-12"),
        "10002": ("2026-05-12", "2026-05-12"),  # clean in April: it began anew
        "10003": ("2026-04-11", "2026-05-12"),
        "10004": ("2026-03-10", "2026-03-10"),
    }
    (conflict,) = done.conflicts
    assert str(conflict) == (
        "V-1: detected 2026-05-12 by the workbook, 2026-03-10 by the archive (web-01). "
        "The workbook's date is left as it is."
    )


def test_history_then_updates(site, items_of):
    """Months after the workbook's day update it; what opens has the first day of history."""
    scan(site.archive / "1.nessus", "2026-03-10", 10001, 10002)
    scan(site.archive / "2.nessus", "2026-06-09", 10001, 10002)
    site.workbook(item("V-1", 10001, "2026-03-10"), day="2026-04-30")
    done = site()
    assert [one.report is None for one in done.months] == [True, False]
    items = items_of(site.out)
    assert str(items.loc["V-1", "original_detection_date"]) == "2026-03-10"
    (new,) = (poam_id for poam_id in items.index if poam_id != "V-1")
    assert str(items.loc[new, "original_detection_date"]) == "2026-03-10"


def test_older_months_than_the_ledger_knows(site):
    """Archives found later move no date on the workbook; each conflict is told."""
    scan(site.archive / "2.nessus", "2026-05-12", 10001)
    site.workbook()
    site()
    before = site.out.read_bytes()
    scan(site.archive / "1.nessus", "2026-02-10", 10001)
    site.poam = site.out
    site.out = site.out.with_name("again.xlsx")
    done = site()
    assert site.out.read_bytes() == before
    assert [one.report for one in done.months] == [None, None]
    assert [(str(c.recorded), str(c.first_seen)) for c in done.conflicts] == [
        ("2026-05-12", "2026-02-10")
    ]
    assert site.memory() == {"10001": ("2026-02-10", "2026-05-12")}


def test_resumed(site, monkeypatch):
    """A backfill that was cut goes on where it was, and ends with the same bytes."""
    from flows import archive

    for at in range(1, 6):
        scan(site.archive / f"{at}.nessus", f"2026-0{at}-10", 10000 + at, 10000 + at + 1)
    site.workbook()
    undisturbed = site().workbook.read_bytes()
    shutil.rmtree(site.runs)
    site.out.unlink()
    real, called = archive.update, []

    def cut_off(request, *arguments, **given):
        called.append(f"{request.as_of:%m}")
        if len(called) == 4:
            raise KeyboardInterrupt
        return real(request, *arguments, **given)

    monkeypatch.setattr(archive, "update", cut_off)
    with pytest.raises(KeyboardInterrupt):
        site()
    done = site()
    assert called == ["01", "02", "03", "04", "04", "05"]
    assert [one.recorded for one in done.months] == [True, True, True, False, False]
    assert site.out.read_bytes() == undisturbed


def test_only_some_months(site):
    """`--from` and `--to` choose months, both ends included."""
    for at in range(1, 6):
        scan(site.archive / f"{at}.nessus", f"2026-0{at}-10", 10001)
    site.workbook()
    done = site("2026-02", "2026-04")
    assert [one.month.name for one in done.months] == ["2026-02", "2026-03", "2026-04"]


def test_dry_run(site, listing, tmp_path):
    """A dry run tells every month's outcome and leaves no file."""
    scan(site.archive / "1.nessus", "2026-01-10", 10001)
    scan(site.archive / "2.nessus", "2026-02-10", 10002)
    site.workbook()
    before = listing(tmp_path)
    rehearsed = site(dry_run=True)
    assert listing(tmp_path) == before
    assert rehearsed.workbook is None
    assert rehearsed.table() == site().table()
    assert "1 opened, 1 closed" in rehearsed.table()


UNDATED = SCAN.format(hosts=re.sub(r"<tag name=.HOST_(END|START).>.*", "", HOST))


@pytest.mark.parametrize(
    ("name", "months"),
    [
        pytest.param("2026-03/app.nessus", ["2026-03"], id="folder"),
        pytest.param("app_202603.nessus", ["2026-03"], id="name"),
        pytest.param("app-2026-03-14.nessus", ["2026-03"], id="day in the name"),
        pytest.param("20260314.nessus", ["2026-03"], id="day without signs"),
        pytest.param("app.nessus", [], id="nothing"),
    ],
)
def test_a_file_without_a_date(tmp_path, policy, name, months):
    """A file that tells no date has the month of its name, else it is refused by name."""
    file = tmp_path / "archive" / name
    file.parent.mkdir(parents=True)
    items = ITEM.format(id=10001)
    file.write_text(UNDATED.format(name="web-01", items=items), encoding="utf-8")
    store = Store(tmp_path / "parsed")
    parsed = [
        parse_into(one, Conventions.of(policy), store) for one in discover([tmp_path / "archive"])
    ]
    found, undated = months_of(parsed, store)
    assert [one.name for one in found] == months
    assert [name in sentence for sentence in undated] == ([] if months else [True])


def test_command(site, poam):
    """The command prints a line per month, the conflicts, and where the workbook is."""
    scan(site.archive / "1.nessus", "2026-03-10", 10001)
    scan(site.archive / "2.nessus", "2026-06-09", 10001, 10002)
    site.workbook(item("V-1", 10001, "2026-04-01"), day="2026-04-30")
    ran = poam(
        "backfill", site.archive, "--poam", site.poam, "--out", site.out, "--runs", site.runs
    )
    first, second, conflict = ran.out.splitlines()
    assert ran.status == 0
    assert first.split(maxsplit=1)[0] == "2026-03-10"
    assert "history" in first
    assert second.endswith("1 opened, 1 updated, 1 late") or "1 opened" in second
    assert conflict.startswith("V-1: detected 2026-04-01 by the workbook, 2026-03-10")
    assert poam("backfill", site.archive, "--poam", site.poam, "--from", "March").status == 2
