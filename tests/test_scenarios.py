"""The scenarios of the domain, by number: what a reviewer expects of a month's POA&M.

Every test id has the number of its scenario, every scenario a test; the headings are the domain's.
"""

import json
import re
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest
from lxml import etree
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from flows.pipeline import edits
from poam.cells import CELL_LIMIT
from poam.changes import applied
from poam.dedupe import sightings, weaknesses
from poam.errors import WorkbookError
from poam.kev import read_kev
from poam.ledger import memory_frame, remembered
from poam.lint import lint
from poam.metrics import open_items, open_summary, past_due, scan_counts, unique_threshold
from poam.model import Authenticated, ChangeKind, Kind, Sheet
from poam.report import run_report
from poam.severity import rate
from poam.trigger_rules import Level
from poam.triggers import triggers
from poam.workbook import (
    RowAddition,
    RowUpdate,
    WorkbookEdits,
    build_template,
    read_workbook,
    write_workbook,
)
from tests.core_support import (
    AS_OF,
    SCANNED,
    batch,
    closed,
    definition,
    finding,
    item,
    items,
    kev,
    kinds,
    memory,
    only,
    plan,
    policy,
    run,
    scan,
    seen,
    with_timelines,
)
from tests.parsers_support import read

CLOSED, HELD, OPENED, UPDATED = (
    ChangeKind.CLOSED,
    ChangeKind.HELD,
    ChangeKind.OPENED,
    ChangeKind.UPDATED,
)
CVE = "CVE-2026-0001"
K, L = date(2026, 11, 3), date(2026, 12, 3)  # of what the scan of `SCANNED` shows as High
LAYOUTS = policy().templates
V21 = LAYOUTS.editions["v2.1"]
OFFICIAL = Path(__file__).parents[2] / "shared" / "templates"
TEMPLATES = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}
OPEN_SHEET, CLOSED_SHEET = (V21.sheets[sheet].name for sheet in (Sheet.OPEN, Sheet.CLOSED))
NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

# Every column of an item, also those that a person fills.
WHOLE = {
    "poam_id": "V-1",
    "controls": "RA-5",
    "weakness_name": "Weakness 10001",
    "weakness_description": "An old library",
    "weakness_detector_source": "Nessus",
    "weakness_source_identifier": "10001",
    "asset_identifier": "web-01",
    "point_of_contact": "Ada Heron",
    "resources_required": "two days",
    "remediation_plan": "Install the update",
    "original_detection_date": date(2026, 11, 3),
    "scheduled_completion_date": date(2026, 12, 3),
    "planned_milestones": "(1) 2026-12-03: Install the update",
    "milestone_changes": "(1) Update 2026-11-20: Tested",
    "status_date": date(2026, 11, 10),
    "vendor_dependency": "No",
    "last_vendor_checkin_date": date(2026, 11, 9),
    "vendor_dependent_product_name": "Gateway",
    "original_risk_rating": "High",
    "adjusted_risk_rating": "N/A",
    "risk_adjustment": "No",
    "false_positive": "No",
    "operational_requirement": "No",
    "deviation_rationale": "Risk Adjustment : denied",
    "supporting_documents": "Evidence : ticket-7.pdf",
    "comments": "A person's note",
    "auto_approve": "No",
    "bod_22_01_tracking": "Yes",
    "bod_22_01_due_date": date(2026, 12, 3),
    "cve": CVE,
    "service_name": "Heron Records",
}


def scenario(number):
    """Give a test that is no table its scenario's number."""
    return pytest.mark.parametrize((), [pytest.param(id=f"scenario-{number}")])


def day(text):
    """Midnight of a day."""
    return datetime.fromisoformat(text)


def shows(*assets, identifier="10001", detector="Nessus", day=SCANNED, **said):
    """The records of a scan that finds a weakness, of which the scanner says so much."""
    return [
        definition(identifier, detector=detector, **said),
        *(finding(asset, identifier, detector=detector) for asset in assets),
        *(scan(asset, detector=detector, ended=day) for asset in assets),
    ]


def opened(*files, **given):
    """The values of every item that a batch opens."""
    return [decision.after for decision in run(*files, **given).of(OPENED)]


def new(*files, **given):
    """The values of the one item that a batch opens."""
    (values,) = opened(*files, **given)
    return values


def lines(values, field="asset_identifier"):
    """The lines of a cell."""
    return values[field].split("\n")


def settled(*files, poam, **given):
    """The items as a batch leaves them, by POA&M ID."""
    changes = run(*files, poam=poam, **given)
    return applied(items(*poam), changes).set_index("poam_id", drop=False)


def left(decided, *rows):
    """The items as a decided batch leaves them, of a workbook that had these rows."""
    return applied(items(*rows), decided.changes)


def reported(decided, as_of=AS_OF):
    """What the summary of a run counts."""
    told = ("run", as_of, 1, decided.changes, decided.open_items, (), ())
    return run_report(*told, gates=decided.gates)


def late_ones(decided, as_of=AS_OF):
    """The POA&M IDs that the summary of a run has as late."""
    return [one.poam_id for one in reported(decided, as_of).late]


def counted(*rows, as_of=AS_OF):
    """How the items of the Open sheet stand."""
    return open_items(items(*rows), as_of, policy().timelines)


def is_late(as_of=AS_OF, **given):
    """Whether one open item counts as late."""
    (found,) = counted(item(**given), as_of=as_of)
    return found.standing.late


def official(edition):
    """An official template beside the project; the test skips where it is absent."""
    path = OFFICIAL / f"FedRAMP-POAM-Template-{TEMPLATES[edition]}"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the project ships no official template")
    return path


def template(folder, source, edition="v2.1"):
    """A blank workbook: the official one, or one of our own."""
    if source == "official":
        return official(edition)
    path = folder / f"blank{Path(TEMPLATES[edition]).suffix}"
    build_template(path, edition, LAYOUTS)
    return path


def saved(path, *rows, source=None, edition="v2.1"):
    """A workbook with some items, in a template of our own where none is given."""
    if source is None:
        build_template(path, edition, LAYOUTS)
    columns = set(LAYOUTS.editions[edition].columns)
    additions = tuple(
        RowAddition(row["sheet"], {f: v for f, v in row.items() if f in columns and v})
        for row in rows
    )
    change = WorkbookEdits(additions=additions, poam_date=AS_OF)
    write_workbook(source or path, path, change, LAYOUTS)
    return path


def book_of(path):
    """A workbook as read."""
    return read_workbook(path, LAYOUTS)


def item_rows(path):
    """A workbook's items, as `run` takes them."""
    return book_of(path).items.to_dict("records")


def month(path, out, *files, as_of=AS_OF, **given):
    """Hold scans against a workbook, write what they change, and return the changes."""
    book = book_of(path)
    given = {"poam": book.items.to_dict("records"), "edition": book.edition} | given
    changes = run(*files, as_of=as_of, **given)
    write_workbook(path, out, edits(changes, as_of), LAYOUTS)
    return changes


def cells(path, sheet=OPEN_SHEET, row=9, header_row=5):
    """The cells of a row of a v2.1 workbook, by field."""
    fields = {V21.columns[field].casefold(): field for field in V21.columns}
    ws = openpyxl.load_workbook(path)[sheet]
    names = {fields.get(str(c.value or "").casefold()): c.column for c in ws[header_row]}
    return {name: ws.cell(row, column) for name, column in names.items() if name}


def parts(path):
    """Every part of a workbook file."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sheet_xml(path):
    """The XML of each sheet of a workbook, by its name."""
    found = parts(path)
    rels = etree.fromstring(found["xl/_rels/workbook.xml.rels"])
    targets = {r.get("Id"): r.get("Target").removeprefix("/xl/") for r in rels}
    sheets = etree.fromstring(found["xl/workbook.xml"]).iter(f"{NS}sheet")
    part_of = {
        s.get("name"): targets[next(v for k, v in s.items() if k[-3:] == "}id")] for s in sheets
    }
    return {name: etree.fromstring(found[f"xl/{part}"]) for name, part in part_of.items()}


def ranges(sheet, tag):
    """The ranges of a sheet's data validations or conditional formats."""
    return {one for element in sheet.iter(NS + tag) for one in element.get("sqref").split()}


def elements(sheet, tag):
    """Some elements of a sheet, as canonical XML."""
    return [etree.tostring(element, method="c14n") for element in sheet.iter(NS + tag)]


def values_of(path, sheet, rows, columns=40):
    """The stored values of a sheet's first rows, as a reader finds them that computes nothing."""
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    table = list(book[sheet].iter_rows(1, rows, max_col=columns, values_only=True))
    book.close()
    return table


def written(path, first, last):
    """Rows of the Open sheet, each a cell by its column's letters."""
    book = openpyxl.load_workbook(path, read_only=True)
    table = [
        {get_column_letter(n): cell for n, cell in enumerate(row, start=1)}
        for row in book[OPEN_SHEET].iter_rows(first, last)
    ]
    book.close()
    return table


def listed(*names):
    """An inventory that marks every asset In Latest Scan."""
    rows = [(name, (), True) for name in names]
    return pd.DataFrame(rows, columns=["identifier", "names", "in_latest_scan"])


def looks(count, without=0):
    """Scans of so many assets, some of them without a login."""
    given = [Authenticated.NO] * without + [Authenticated.YES] * (count - without)
    return [scan(f"web-{n:04}", authenticated=one) for n, one in enumerate(given)]


def gate(decided, name):
    """One gate of a run."""
    return next(one for one in decided.gates if one.id == name)


def level(decided, name):
    """What one trigger of a run leads to."""
    return next(one.level for one in decided.triggers if one.id == name)


def errors(path, previous=None):
    """The codes of what is wrong with a workbook."""
    found = lint(book_of(path), policy(), AS_OF, previous and book_of(previous))
    return [one.code for one in found if one.level == "error"]


def scanned(records):
    """What the scans of a batch found, as reviewers count it."""
    found = batch(*records)
    detections = found.detections.assign(asset_identifier=found.detections["asset"])
    coverage = found.coverage.assign(asset_identifier=found.coverage["asset"])
    places = sightings(detections, coverage, memory_frame(), AS_OF, policy())
    return scan_counts(rate(weaknesses(places, found.definitions, policy()), policy()), places)


# New findings


@scenario(1)
def test_one_finding_of_an_empty_poam(tmp_path):
    """One row V-1, each of its cells as the scan, the score and the policy ask."""
    blank, out = saved(tmp_path / "blank.xlsx"), tmp_path / "out.xlsx"
    found = seen("10.0.0.1", port=443, protocol="tcp")
    month(blank, out, found, catalogue=kev())
    assert book_of(out).items[["sheet", "row", "poam_id"]].to_numpy().tolist() == [
        ["open", 9, "V-1"]
    ]
    row = {field: cell.value for field, cell in cells(out).items()}
    expected = {
        "original_risk_rating": "High",
        "original_detection_date": day("2026-11-03"),
        "scheduled_completion_date": day("2026-12-03"),
        "asset_identifier": "10.0.0.1 (443/tcp)",
        "weakness_source_identifier": 10001,
        "risk_adjustment": "No",
        "false_positive": "No",
        "operational_requirement": "No",
        "adjusted_risk_rating": "N/A",
        "bod_22_01_tracking": "No",
        "bod_22_01_due_date": None,
        "status_date": day(str(AS_OF)),
    }
    assert {field: row[field] for field in expected} == expected
    assert book_of(out).metadata["poam_date"] == str(AS_OF)
    planned = re.findall(r"^\(\d+\) (\S+): ", row["planned_milestones"], re.MULTILINE)
    assert planned
    assert all(date.fromisoformat(when) <= L for when in planned)


@pytest.mark.parametrize(
    ("score", "rating", "days"),
    [
        pytest.param(6.9, "Moderate", 90, id="scenario-2 6.9"),
        pytest.param(4.0, "Moderate", 90, id="scenario-2 4.0"),
        pytest.param(3.9, "Low", 180, id="scenario-2 3.9"),
        pytest.param(7.0, "High", 30, id="scenario-2 7.0"),
    ],
)
def test_rating_and_window_of_a_score(score, rating, days):
    """The base score gives the rating, the rating the days from the detection."""
    values = new(shows("web-01", cvss3_base=score))
    assert values["original_risk_rating"] == rating
    assert values["original_detection_date"] == K
    assert values["scheduled_completion_date"] == K + timedelta(days=days)


INFORMATIONAL = [
    pytest.param({"cvss3_base": 0.0}, id="scenario-3 score 0"),
    pytest.param({"cvss3_base": None, "native_severity": "0"}, id="scenario-3 risk None"),
]


@pytest.mark.parametrize("said", INFORMATIONAL)
def test_information_is_no_item(said):
    """No row and no unique vulnerability; the run's evidence keeps the record."""
    found = [definition(**said), finding(kind=Kind.INFORMATIONAL), scan()]
    changes = run(found)
    assert changes.decisions == ()
    assert changes.membership[["detections", "poam_id"]].to_numpy().tolist() == [[1, ""]]
    assert scanned(found)["unique"].sum() == 0


@pytest.mark.parametrize("said", INFORMATIONAL)
def test_information_counts_in_the_raw_statistics(said):
    """It is counted, in the raw statistics only."""
    found = [definition(**said), finding(kind=Kind.INFORMATIONAL), scan()]
    assert scanned(found)["raw"].sum() == 1


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        pytest.param({"cvss3_base": None, "cvss2_base": 7.2}, "High", id="scenario-4 v2 alone"),
        pytest.param({"cvss3_base": 5.0, "cvss2_base": 9.0}, "Moderate", id="scenario-4 v3 wins"),
        pytest.param(
            {"cvss3_base": None, "native_severity": "4"}, "High", id="scenario-4 Nessus Critical"
        ),
    ],
)
def test_which_score_rates(said, rating):
    """CVSS v3, else CVSS v2, else the scanner's own severity."""
    assert new(shows("web-01", **said))["original_risk_rating"] == rating


@scenario(5)
def test_nvd_outranks_the_scanner():
    """NVD's score rates, and the scanner's other severity is written down."""
    found = shows("web-01", cvss3_base=None, native_severity="3", cves=(CVE,))
    decision = only(run(found, nvd={CVE: 5.5}), OPENED)
    assert decision.after["original_risk_rating"] == "Moderate"
    (why,) = (reason for reason in decision.because if reason.startswith("rated Moderate"))
    assert "NVD CVSS v3 base 5.5" in why
    assert "the scanner's own severity 3 is High" in why


@pytest.mark.parametrize(
    ("found", "listed"),
    [
        pytest.param(
            [*seen("c", "a", "b"), finding("a")], ["a", "b", "c"], id="scenario-6 three hosts"
        ),
        pytest.param(
            [*seen("a", port=8443, protocol="tcp"), finding("a", port=443, protocol="tcp")],
            ["a (443/tcp)", "a (8443/tcp)"],
            id="scenario-6 two ports",
        ),
    ],
)
def test_one_row_lists_every_asset(found, listed):
    """One row; a line for each host and port, sorted, none twice."""
    assert lines(new(found)) == listed


@scenario(7)
def test_two_plugins_are_two_rows():
    """Different identifiers are never grouped, whatever CVE and host they share."""
    found = [*shows("web-01", cves=(CVE,)), *shows("web-01", identifier="10002", cves=(CVE,))]
    rows = opened(found)
    assert [row["weakness_source_identifier"] for row in rows] == ["10001", "10002"]
    assert {(row["cve"], row["asset_identifier"]) for row in rows} == {(CVE, "web-01")}


@scenario(8)
def test_two_files_of_one_run_are_one_row():
    """The union of the assets of both files."""
    assert lines(new(seen("a", "b"), seen("b", "c"))) == ["a", "b", "c"]


ADVISORY = "RHSA-2026:1234"
PROVEN = {"name": f"openssl update ({ADVISORY})", "cves": (CVE, "CVE-2026-0002")}
SAME, SEPARATE = ({"rules": with_timelines(cross_detector=n)} for n in ("same_item", "separate"))


def two_scanners(nessus, qualys, asset="web-01", name="web-01"):
    """One weakness by Nessus and by Qualys, which found its first ten days before."""
    early = SCANNED - timedelta(days=10)
    return [
        shows(asset, identifier="10001", **nessus),
        shows(name, identifier="38657", detector="Qualys", day=early, **qualys),
    ]


ONE_CVE = (
    {"name": "Library A is old", "cves": (CVE,)},
    {"name": "Product B leaks", "cves": (CVE,)},
)


@pytest.mark.parametrize("given", [SAME], ids=["scenario-9 same_item"])
def test_two_scanners_of_one_weakness(given):
    """Proven by advisory and equal CVEs on one asset: one row, with the earliest date."""
    values = new(*two_scanners(PROVEN, PROVEN), **given)
    assert values["original_detection_date"] == K - timedelta(days=10)
    assert values["asset_identifier"] == "web-01"


@pytest.mark.parametrize("given", [SAME], ids=["scenario-9 same_item, both named"])
def test_a_row_of_two_scanners_names_both(given):
    """Detector and source identifier have a line for each scanner."""
    values = new(*two_scanners(PROVEN, PROVEN), **given)
    assert lines(values, "weakness_detector_source") == ["Nessus", "Qualys"]
    assert lines(values, "weakness_source_identifier") == ["10001", "38657"]


TWO_ROWS = [
    pytest.param(two_scanners(PROVEN, PROVEN), SEPARATE, id="scenario-9 separate"),
    pytest.param(two_scanners(*ONE_CVE), SAME, id="scenario-9 same CVE only, same_item"),
    pytest.param(two_scanners(*ONE_CVE), SEPARATE, id="scenario-9 same CVE only, separate"),
    pytest.param(
        two_scanners(PROVEN, PROVEN, "web-01", "web-02"),
        SAME,
        id="scenario-9 no common asset, same_item",
    ),
    pytest.param(
        two_scanners(PROVEN, PROVEN, "web-01", "web-02"),
        SEPARATE,
        id="scenario-9 no common asset, separate",
    ),
]


@pytest.mark.parametrize(("found", "given"), TWO_ROWS)
def test_two_scanners_of_two_rows(found, given):
    """What is not proven to be one weakness on one asset, or is to be separate, is two rows."""
    rows = opened(*found, **given)
    assert sorted(row["weakness_detector_source"] for row in rows) == ["Nessus", "Qualys"]


@pytest.mark.parametrize(("found", "given"), TWO_ROWS)
def test_two_scanners_name_each_other(found, given):
    """Each of the two rows names the other."""
    one, two = opened(*found, **given)
    assert two["poam_id"] in one["comments"]
    assert one["poam_id"] in two["comments"]


@scenario(10)
def test_one_of_three_cves_is_known_to_be_exploited():
    """All CVEs are listed; CISA's date is the tracking date, and due where it is the earlier."""
    cves = (CVE, "CVE-2026-0002", "CVE-2026-0003")
    for text, due in (("2026-11-12", date(2026, 11, 12)), ("2026-12-24", L)):
        values = new(shows("web-01", cves=cves), catalogue=kev(CVE_2026_0002=text))
        assert lines(values, "cve") == list(cves)
        assert values["bod_22_01_tracking"] == "Yes"
        assert values["bod_22_01_due_date"] == date.fromisoformat(text)
        assert values["scheduled_completion_date"] == due


@scenario(11)
def test_a_kev_date_before_the_detection():
    """CISA's date stays as it is, and the item is reported late at once."""
    as_of = K
    decided = plan(
        shows("web-01", cves=(CVE,)), catalogue=kev(CVE_2026_0001="2026-10-01"), as_of=as_of
    )
    values = only(decided.changes, OPENED).after
    assert values["bod_22_01_due_date"] == date(2026, 10, 1)
    assert values["original_detection_date"] == K
    assert late_ones(decided, as_of) == ["V-1"]


@scenario(12)
def test_a_kev_date_before_the_day_it_was_added(tmp_path):
    """The real catalogue has such entries: the date is CISA's, verbatim."""
    entry = {"cveID": "CVE-2021-34527", "dateAdded": "2021-11-03", "dueDate": "2021-07-20"}
    path = tmp_path / "kev.json"
    path.write_text(json.dumps({"catalogVersion": "2025.08.25", "vulnerabilities": [entry]}))
    decided = plan(shows("web-01", cves=("CVE-2021-34527",)), catalogue=read_kev(path))
    values = only(decided.changes, OPENED).after
    assert values["bod_22_01_tracking"] == "Yes"
    assert values["bod_22_01_due_date"] == date(2021, 7, 20)
    assert late_ones(decided) == ["V-1"]


@scenario(13)
def test_only_what_is_late_is_tracked():
    """Not on Open on day 10; the memory keeps the day, and day 31 opens the row with it."""
    rules = with_timelines(track="past_due")
    early = plan(seen("web-01"), rules=rules, as_of=K + timedelta(days=10))
    assert [decision.kind for decision in early.changes.decisions] == [HELD]
    assert left(early).empty
    assert early.open_items == ()
    known = remembered(memory_frame(), early.changes.membership, early.changes.cleaned)
    assert known["first_seen"].dt.date.tolist() == [K]
    for days, kind in ((30, HELD), (31, OPENED)):
        then = SCANNED + timedelta(days=days)
        found = seen("web-01", day=then)
        late = run(found, known=known, rules=rules, as_of=then.date())
        assert [decision.kind for decision in late.decisions] == [kind]
    values = only(late, OPENED).after
    assert values["original_detection_date"] == K
    assert values["scheduled_completion_date"] == L


@pytest.mark.parametrize(
    "score",
    [
        pytest.param(9.8, id="scenario-14 High"),
        pytest.param(5.0, id="scenario-14 Moderate"),
        pytest.param(0.1, id="scenario-14 Low"),
    ],
)
def test_everything_is_tracked(score):
    """With the scope `all` what has a rating is on Open at once."""
    found = shows("web-01", cvss3_base=score)
    decided = plan(found, rules=with_timelines(track="all"), as_of=K)
    assert left(decided)[["sheet", "poam_id"]].to_numpy().tolist() == [["open", "V-1"]]


@pytest.mark.parametrize(
    ("detector", "rule"),
    [
        pytest.param("ZAP", "40012", id="scenario-15 ZAP"),
        pytest.param("Burp Suite", "2097920", id="scenario-15 Burp"),
    ],
)
def test_a_web_finding(detector, rule):
    """The asset is the URL without port, the identifier the rule's, the source the scanner."""
    url = "https://shop.example.com/cart"
    found = seen("https://shop.example.com", detector=detector, identifier=rule, location=url)
    values = new(found)
    assert values["asset_identifier"] == url
    assert values["weakness_source_identifier"] == rule
    assert values["weakness_detector_source"] == detector


@scenario(16)
def test_forty_pods_of_one_image():
    """One line, and it is the image."""
    header = "Repository,Tag,QID,Title,Severity,CVSS3 Base,Type,Last Scanned,Container"
    row = "repo/app,1.2,376000,Old library,4,8.1,Confirmed,2026-11-03T02:00:00Z,pod-{}"
    export = "\n".join([header, *(row.format(number) for number in range(40))])
    values = new(("images.csv", read(export, "images.csv")))
    assert lines(values) == ["repo/app:1.2"]


@pytest.mark.parametrize(
    "roll_up",
    [
        pytest.param(False, id="scenario-17 each alone"),
        pytest.param(True, id="scenario-17 with one item for all on Open"),
    ],
)
def test_benchmark_failures(roll_up):
    """They stand on their own sheet only, under CM-6, and count neither open nor late."""
    found = seen("web-01", identifier="CIS 1.1.1", kind=Kind.CONFIGURATION, day=day("2026-09-01"))
    decided = plan(found, rules=with_timelines(roll_up=roll_up))
    rows = left(decided)
    checks = rows[rows["weakness_source_identifier"] == "CIS 1.1.1"]
    assert checks[["sheet", "controls"]].to_numpy().tolist() == [["configuration", "CM-6"]]
    assert max(checks["scheduled_completion_date"]) < AS_OF
    assert (rows["sheet"] == "open").sum() == roll_up
    summary = reported(decided)
    assert set(summary.open_by_rating.values()) == {0}
    assert summary.late == ()


# Updates to existing POA&M


@scenario(18)
def test_the_same_scans_again(tmp_path):
    """No cell changes and no row opens; Status Date stays on a later day, too."""
    blank, first, second, later = (tmp_path / f"{n}.xlsx" for n in range(4))
    build_template(blank, "v2.1", LAYOUTS)
    found = [*seen("a", "b", port=443, protocol="tcp"), *seen("a", identifier="10002")]
    assert [kind for _, kind in kinds(month(blank, first, found))] == ["opened", "opened"]
    again = month(first, second, found)
    assert kinds(again) == [("V-1", "unchanged"), ("V-2", "unchanged")]
    assert second.read_bytes() == first.read_bytes()
    month(first, later, found, as_of=AS_OF + timedelta(days=5))
    assert item_rows(later) == item_rows(first)
    assert {row["status_date"] for row in item_rows(later)} == {AS_OF}


@scenario(19)
def test_still_there_next_month():
    """Detection, due date, rating and milestones stay; nothing was done, so nothing changes."""
    row = item(planned_milestones="(1) 2026-11-05: Patch")
    changes = run(seen("web-01"), poam=[row])
    assert kinds(changes) == [("V-1", "unchanged")]
    kept = settled(seen("web-01"), poam=[row]).loc["V-1"]
    assert kept.drop("row").to_dict() == {k: v for k, v in row.items() if k != "row"}


@pytest.mark.parametrize("new_assets", ["new_row"], ids=["scenario-20 new_row"])
def test_a_new_host_gets_a_row(new_assets):
    """A row with its own ID and dates; the old one is untouched."""
    rules = with_timelines(new_assets=new_assets)
    changes = run(seen("web-01", "web-02"), poam=[item()], rules=rules)
    assert kinds(changes) == [("V-1", "unchanged"), ("V-2", "opened")]
    values = only(changes, OPENED).after
    assert lines(values) == ["web-02"]
    assert (values["original_detection_date"], values["scheduled_completion_date"]) == (K, L)
    assert not changes.decisions[0].after


@pytest.mark.parametrize("new_assets", ["append"], ids=["scenario-20 append"])
def test_a_new_host_joins_the_row(new_assets):
    """The old row lists the host, and keeps its dates."""
    rules = with_timelines(new_assets=new_assets)
    found = seen("web-01", "web-02")
    assert kinds(run(found, poam=[item()], rules=rules)) == [("V-1", "updated")]
    row = settled(found, poam=[item()], rules=rules).loc["V-1"]
    assert lines(row) == ["web-01", "web-02"]
    assert row["original_detection_date"] == item()["original_detection_date"]
    assert row["scheduled_completion_date"] == item()["scheduled_completion_date"]


TWO_HOSTS = item(asset_identifier="web-01\nweb-02")


@scenario(21)
def test_some_hosts_are_clean():
    """A host that a scan with login shows clean leaves the list, with a note; the row is open."""
    found = [*seen("web-01"), scan("web-02")]
    row = settled(found, poam=[TWO_HOSTS], known=memory("web-01", "web-02")).loc["V-1"]
    assert (row["sheet"], row["asset_identifier"]) == ("open", "web-01")
    assert f"{AS_OF}: Remediated on web-02." in row["comments"]


@scenario(21)
def test_all_hosts_are_clean():
    """The row can close."""
    changes = run(
        [scan("web-01"), scan("web-02")], poam=[TWO_HOSTS], known=memory("web-01", "web-02")
    )
    assert kinds(changes) == [("V-1", "closed")]


@scenario(22)
def test_a_host_that_was_not_scanned():
    """The row stays open, and the run warns of the coverage."""
    inventory = listed("web-01", "web-02")
    decided = plan([scan("web-02")], poam=[item()], known=memory("web-01"), inventory=inventory)
    assert kinds(decided.changes) == [("V-1", "unverified")]
    assert left(decided, item())["sheet"].tolist() == ["open"]
    summary = reported(decided).markdown()
    assert "web-01 was not scanned by Nessus" in summary
    assert "**Coverage**: 1 of 2 assets (50.0 %)" in summary


@pytest.mark.parametrize(
    "authenticated",
    [
        pytest.param(Authenticated.NO, id="scenario-23 no login"),
        pytest.param(Authenticated.PARTIAL, id="scenario-23 an incomplete login"),
    ],
)
def test_a_login_that_failed(authenticated):
    """What such a scan does not show is not proven gone."""
    found = [scan(authenticated=authenticated)]
    changes = run(found, poam=[item()], known=memory("web-01"))
    assert kinds(changes) == [("V-1", "unverified")]


@pytest.mark.parametrize(
    ("source", "edition"),
    [
        pytest.param("official", "v2.1", id="scenario-24 official v2.1"),
        pytest.param("official", "rev4", id="scenario-24 official rev4"),
        pytest.param("built", "v2.1", id="scenario-24 built"),
    ],
)
def test_closing_moves_the_row(tmp_path, source, edition):
    """From Open to row 6 of Closed, with date and proof; every other column is as it was."""
    blank = template(tmp_path, source, edition)
    before, after = (tmp_path / f"{name}{blank.suffix}" for name in ("before", "after"))
    saved(before, {"sheet": "open", **WHOLE}, source=blank, edition=edition)
    (old,) = item_rows(before)
    changes = month(before, after, [scan()], known=memory("web-01"))
    assert kinds(changes) == [("V-1", "closed")]
    (row,) = item_rows(after)
    assert (row["sheet"], row["row"], row["status_date"]) == ("closed", 6, AS_OF)
    assert row["comments"].startswith(f"A person's note\n{AS_OF}: Closed. Nessus scanned web-01")
    assert "0.nessus" in row["comments"]
    assert row["supporting_documents"] == "Evidence : ticket-7.pdf"
    assert row["deviation_rationale"] == "Risk Adjustment : denied"
    moved = ("sheet", "row", "status_date", "comments")
    assert {f: v for f, v in row.items() if f not in moved} == {
        f: v for f, v in old.items() if f not in moved
    }


@pytest.mark.parametrize(
    ("deviation", "kind"),
    [
        pytest.param({"vendor_dependency": "Yes"}, "unchanged", id="scenario-25 VD"),
        pytest.param({"operational_requirement": "Yes"}, "unchanged", id="scenario-25 OR"),
        pytest.param(
            {"vendor_dependency": "Yes", "operational_requirement": "Yes"},
            "unchanged",
            id="scenario-25 VD and OR",
        ),
        pytest.param({"false_positive": "Pending"}, "unchanged", id="scenario-25 FP pending"),
        pytest.param({"false_positive": "Yes"}, "closed", id="scenario-25 FP approved"),
    ],
)
def test_what_a_scan_still_shows(deviation, kind):
    """Only an approved false positive may leave Open."""
    assert kinds(run(seen("web-01"), poam=[item(**deviation)])) == [("V-1", kind)]


RECURRING, RETURNING = (with_timelines(after_closing=n) for n in ("new_item", "reopen"))
TWO_MONTHS_AGO, THIS_CYCLE = date(2026, 9, 3), date(2026, 10, 28)


@pytest.mark.parametrize("rules", [RECURRING], ids=["scenario-26 new_item, two months later"])
def test_a_recurrence_is_a_new_item(rules):
    """Another ID and its own dates, with a reference to the closed row, which stays."""
    row = closed(status_date=TWO_MONTHS_AGO)
    changes = run(seen("web-01"), poam=[row], rules=rules)
    assert kinds(changes) == [("V-2", "opened")]
    values = only(changes, OPENED).after
    assert values["original_detection_date"] == K
    assert f"Recurrence of V-1, closed {TWO_MONTHS_AGO}" in values["comments"]


@pytest.mark.parametrize(
    ("rules", "closing"),
    [
        pytest.param(RECURRING, THIS_CYCLE, id="scenario-26 new_item, same cycle"),
        pytest.param(RETURNING, THIS_CYCLE, id="scenario-26 reopen, same cycle"),
        pytest.param(RETURNING, TWO_MONTHS_AGO, id="scenario-26 reopen, two months later"),
    ],
)
def test_a_closed_row_comes_back(rules, closing):
    """The original row is on Open again, with its ID and its original detection date."""
    row = closed(status_date=closing)
    after = settled(seen("web-01"), poam=[row], rules=rules)
    assert after["sheet"].to_dict() == {"V-1": "open"}
    kept = after.loc["V-1"]
    assert kept["original_detection_date"] == row["original_detection_date"]
    assert kept["scheduled_completion_date"] == row["scheduled_completion_date"]
    assert f"{AS_OF}: Reopened." in kept["comments"]


WAS_LOW = item(
    original_risk_rating="Low",
    adjusted_risk_rating="N/A",
    risk_adjustment="No",
    scheduled_completion_date=date(2027, 4, 4),
)


@pytest.mark.parametrize("raised", ["adjust"], ids=["scenario-27 raised, adjust"])
def test_a_raised_rating(raised):
    """It is the adjusted rating; the date comes closer, and nobody has to ask for it."""
    decided = plan(seen("web-01"), poam=[WAS_LOW], rules=with_timelines(raised=raised))
    row = left(decided, WAS_LOW).iloc[0]
    assert (row["adjusted_risk_rating"], row["risk_adjustment"]) == ("High", "Yes")
    assert row["original_risk_rating"] == "Low"
    assert row["scheduled_completion_date"] == row["original_detection_date"] + timedelta(days=30)
    assert decided.deviation_requests.empty


@pytest.mark.parametrize("raised", ["review"], ids=["scenario-27 raised, review"])
def test_a_raised_rating_is_flagged(raised):
    """A person decides; until then nothing changes."""
    decided = plan(seen("web-01"), poam=[WAS_LOW], rules=with_timelines(raised=raised))
    assert sorted(kinds(decided.changes)) == [("V-1", "needs_review"), ("V-1", "unchanged")]
    assert decided.deviation_requests.empty


@pytest.mark.parametrize("score", [2.0], ids=["scenario-27 lowered"])
def test_a_lowered_rating(score):
    """A note, and no cell changes."""
    changes = run(shows("web-01", cvss3_base=score), poam=[item()])
    assert kinds(changes) == [("V-1", "unchanged")]
    assert not changes.decisions[0].after
    (note,) = changes.notices
    assert "now rated Low" in note
    assert "the original rating High stays" in note


@pytest.mark.parametrize(
    ("said", "days"),
    [
        pytest.param("Yes", 90, id="scenario-28 approved"),
        pytest.param("Pending", 30, id="scenario-28 pending"),
        pytest.param("No", 30, id="scenario-28 denied"),
    ],
)
def test_a_risk_adjustment(said, days):
    """High to Moderate gives the window of a Moderate once it is approved, and not before."""
    row = item(adjusted_risk_rating="Moderate", risk_adjustment=said)
    after = settled(seen("web-01"), poam=[row]).loc["V-1"]
    assert (after["adjusted_risk_rating"], after["risk_adjustment"]) == ("Moderate", said)
    detected = row["original_detection_date"]
    assert after["scheduled_completion_date"] == detected + timedelta(days=days)


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        pytest.param({"operational_requirement": "Pending"}, ["L305"], id="scenario-29 asked for"),
        pytest.param({"operational_requirement": "Yes"}, ["L305"], id="scenario-29 approved"),
        pytest.param(
            {
                "operational_requirement": "Pending",
                "risk_adjustment": "Yes",
                "adjusted_risk_rating": "Moderate",
            },
            [],
            id="scenario-29 with a risk adjustment",
        ),
    ],
)
def test_an_operational_requirement_on_a_high(tmp_path, given, codes):
    """Without a risk adjustment it is an error."""
    assert errors(saved(tmp_path / "p.xlsx", {"sheet": "open", **WHOLE, **given})) == codes


VENDOR = {
    "vendor_dependency": "Yes",
    "vendor_dependent_product_name": "Gateway",
    "scheduled_completion_date": AS_OF - timedelta(days=1),
}
LOWERED = {"risk_adjustment": "Yes", "adjusted_risk_rating": "Moderate"}


@pytest.mark.parametrize(
    ("rating", "days", "late"),
    [
        pytest.param("Moderate", 35, True, id="scenario-30 asked 35 days ago"),
        pytest.param("Moderate", 30, False, id="scenario-30 asked 30 days ago"),
        pytest.param("High", 30, True, id="scenario-30 no excuse for a High"),
    ],
)
def test_a_vendor_dependency(rating, days, late):
    """A Moderate is not late while the vendor was asked within 30 days of the POA&M's date."""
    asked = AS_OF - timedelta(days=days)
    given = {"original_risk_rating": rating, "last_vendor_checkin_date": asked}
    assert is_late(**VENDOR | given) is late


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        pytest.param({}, ["error"], id="scenario-30 High is an error"),
        pytest.param(LOWERED, [], id="scenario-30 High with a risk adjustment"),
    ],
)
def test_a_vendor_dependency_on_a_high(tmp_path, given, levels):
    """It is an error unless its rating was adjusted."""
    asked = {"vendor_dependency": "Yes", "last_vendor_checkin_date": AS_OF}
    path = saved(tmp_path / "p.xlsx", {"sheet": "open", **WHOLE, **asked, **given})
    found = lint(book_of(path), policy(), AS_OF)
    assert [one.level for one in found if one.field == "vendor_dependency"] == levels


@scenario(31)
def test_the_vendors_release_restarts_the_window():
    """A High is due 30 days after the day that Comments give, and no later day moves it again."""
    released, again = date(2026, 11, 20), date(2026, 11, 28)
    row = item(vendor_dependency="Yes", comments=f"Vendor release date: {released}")
    first = settled(seen("web-01"), poam=[row]).loc["V-1"]
    assert first["scheduled_completion_date"] == released + timedelta(days=30)
    more = {"comments": f"{first['comments']}\nVendor release date: {again}"}
    changes = run(seen("web-01"), poam=[first.to_dict() | more])
    assert kinds(changes) == [("V-1", "unchanged")]


@scenario(32)
def test_a_cve_enters_the_kev_catalogue():
    """Tracking is filled, the date comes closer, and the change is logged and dated."""
    row = item(cve=CVE, planned_milestones="(1) 2026-11-05: Patch")
    found, catalogue = shows("web-01", cves=(CVE,)), kev(CVE_2026_0001="2026-11-04")
    after = settled(found, poam=[row], catalogue=catalogue).loc["V-1"]
    assert after["bod_22_01_tracking"] == "Yes"
    assert after["bod_22_01_due_date"] == date(2026, 11, 4)
    assert after["scheduled_completion_date"] == date(2026, 11, 4)
    assert after["milestone_changes"].startswith("(1) Update 2026-11-04 : ")
    assert after["status_date"] == AS_OF


@pytest.mark.parametrize(
    ("cell", "following"),
    [
        pytest.param("CSP-00450", "CSP-00451", id="scenario-33 CSP-00450"),
        pytest.param(12, "13", id="scenario-33 the number 12"),
        pytest.param("V-7  ", "V-8", id="scenario-33 trailing spaces"),
        pytest.param(None, "V-1", id="scenario-33 V-1Example alone"),
    ],
)
def test_the_next_id(tmp_path, cell, following):
    """The site's own scheme goes on; the template's example row is no item."""
    path = saved(tmp_path / "p.xlsx", *([item(asset_identifier="z")] if cell else []))
    book = openpyxl.load_workbook(path)
    assert book[OPEN_SHEET]["A8"].value == "V-1Example"
    if cell:
        book[OPEN_SHEET]["A9"].value = cell
    book.save(path)
    assert len(item_rows(path)) == (cell is not None)
    changes = run(seen("web-01", identifier="7"), poam=item_rows(path))
    assert only(changes, OPENED).poam_id == following


@scenario(34)
def test_an_id_on_two_sheets(tmp_path):
    """An error that names both cells."""
    rows = [item(), closed("V-2", comments="2026-10-20: Closed. Patched.")]
    path = saved(tmp_path / "p.xlsx", *rows)
    book = openpyxl.load_workbook(path)
    book[CLOSED_SHEET]["A6"].value = " v-1"
    book.save(path)
    (problem,) = (p for p in book_of(path).problems if "POAM ID" in p.found)
    assert f"{CLOSED_SHEET}!A6" in problem.address
    assert f"{OPEN_SHEET}!A9" in problem.found
    (found,) = (one for one in lint(book_of(path), policy(), AS_OF) if one.code == "L102")
    assert found.level == "error"
    assert (found.address, f"{OPEN_SHEET}!A9" in found.found) == (f"{CLOSED_SHEET}!A6", True)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        pytest.param("original_detection_date", date(2026, 11, 5), "L701", id="scenario-35 K"),
        pytest.param("scheduled_completion_date", date(2026, 12, 9), "L702", id="scenario-35 L"),
        pytest.param("original_risk_rating", "Moderate", "L703", id="scenario-35 S"),
        pytest.param("planned_milestones", "(1) 2026-12-09: Later", "L704", id="scenario-35 M"),
    ],
)
def test_what_a_person_may_not_edit(tmp_path, field, value, code):
    """What is set once and differs from last month's workbook is an error of its cell."""
    last, now = tmp_path / "last.xlsx", tmp_path / "now.xlsx"
    saved(last, {"sheet": "open", **WHOLE})
    write_workbook(
        last, now, WorkbookEdits(updates=(RowUpdate("open", 9, {field: value}),)), LAYOUTS
    )
    assert errors(last, last) == []
    found = lint(book_of(now), policy(), AS_OF, book_of(last))
    (change,) = (one for one in found if one.code.startswith("L7"))
    assert (change.code, change.level, change.field, change.row) == (code, "error", field, 9)


@scenario(36)
def test_dates_of_every_type(tmp_path):
    """Each is the same day; what is no date is named with its cell."""
    written = [datetime(2026, 11, 3, 14, 5), "11/03/2026", "2026-11-03", 46329, "soon"]  # noqa: DTZ001
    path = saved(tmp_path / "p.xlsx", *(item(f"V-{n}") for n in range(1, 6)))
    book = openpyxl.load_workbook(path)
    for row, value in enumerate(written, start=9):
        book[OPEN_SHEET].cell(row, 11).value = value
        book[OPEN_SHEET].cell(row, 11).number_format = "General"
    book.save(path)
    found = book_of(path)
    assert found.items["original_detection_date"].tolist() == [K, K, K, K, None]
    assert [(p.address, p.found) for p in found.problems] == [(f"{OPEN_SHEET}!K13", "'soon'")]


EASTERN = "Mon Nov  2 23:30:00 2026"
EPOCH = str(int(datetime(2026, 11, 2, 23, 30, tzinfo=ZoneInfo("US/Eastern")).timestamp()))


@pytest.mark.parametrize(
    ("zone", "stamped", "detected"),
    [
        pytest.param("US/Eastern", True, date(2026, 11, 2), id="scenario-37 US/Eastern"),
        pytest.param("UTC", True, date(2026, 11, 3), id="scenario-37 UTC"),
        pytest.param("US/Eastern", False, date(2026, 11, 2), id="scenario-37 no zone in the file"),
    ],
)
def test_the_day_of_a_scan(zone, stamped, detected):
    """The detection date is the end of the scan in the site's time zone."""
    stamp = f'<tag name="HOST_END_TIMESTAMP">{EPOCH}</tag>' if stamped else ""
    export = f"""<?xml version="1.0"?><NessusClientData_v2><Report name="r">
    <ReportHost name="10.0.0.1"><HostProperties>
    <tag name="HOST_END">{EASTERN}</tag>{stamp}</HostProperties>
    <ReportItem port="443" svc_name="www" protocol="tcp" severity="3" pluginID="10001"
    pluginName="Old TLS" pluginFamily="General"><cvss3_base_score>7.5</cvss3_base_score>
    </ReportItem></ReportHost></Report></NessusClientData_v2>"""
    values = new(read(export, "scan.nessus"), rules=policy(timezone=zone))
    assert values["original_detection_date"] == detected


@pytest.mark.parametrize(
    ("score", "detected", "due"),
    [
        pytest.param(2.0, "2027-12-31", date(2028, 6, 28), id="scenario-38 over 29 February"),
        pytest.param(9.8, "2028-01-30", date(2028, 2, 29), id="scenario-38 onto 29 February"),
        pytest.param(9.8, "2027-01-30", date(2027, 3, 1), id="scenario-38 past the month's end"),
    ],
)
def test_windows_are_calendar_days(score, detected, due):
    """Leap days and month ends are days like others."""
    found = shows("web-01", cvss3_base=score, day=day(detected))
    values = new(found, as_of=date.fromisoformat(detected))
    assert values["scheduled_completion_date"] == due


@pytest.mark.parametrize(
    ("as_of", "late"),
    [
        pytest.param("2026-12-01", [], id="scenario-39 day 30 is on time"),
        pytest.param("2026-12-02", ["V-1"], id="scenario-39 day 31 is late"),
    ],
)
def test_when_an_item_is_late(as_of, late):
    """The day itself is on time, the next is late."""
    as_of = date.fromisoformat(as_of)
    decided = plan(seen("web-01", day=day("2026-11-01")), as_of=as_of)
    assert left(decided)["original_detection_date"].tolist() == [date(2026, 11, 1)]
    assert late_ones(decided, as_of) == late


# Workbook and format


@scenario(40)
def test_five_rows_in_the_official_template(tmp_path):
    """Headers, validations, formats, panes, merges and widths stay; the new cells are right."""
    source, out = official("v2.1"), tmp_path / "out.xlsx"
    rows = [{"sheet": "open", **WHOLE, "poam_id": f"V-{number}"} for number in range(1, 6)]
    saved(out, *rows, source=source)
    before, after = sheet_xml(source), sheet_xml(out)
    assert list(after) == list(before)
    for name in before:
        for tag in (
            *("dataValidation", "conditionalFormatting", "mergeCell", "col"),
            *("sheetView", "pane", "sheetFormatPr"),
        ):
            assert elements(after[name], tag) == elements(before[name], tag), (name, tag)
    items_sheets = [V21.sheets[sheet].name for sheet in Sheet]
    assert sum(len(elements(after[name], "dataValidation")) for name in items_sheets) == 25
    for name in items_sheets:
        assert values_of(out, name, 5, 31)[4] == values_of(source, name, 5, 31)[4]
    (first, *_, last) = written(out, 9, 13)
    for row in (first, last):
        assert row["L"].value == day("2026-12-03")
        assert {row[c].number_format for c in ("K", "L", "O", "Q", "AC")} == {"mm-dd-yy"}
        assert all(row[column].alignment.wrap_text for column in ("G", "M", "N", "AE"))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("official", id="scenario-41 official .xlsm"),
        pytest.param("built", id="scenario-41 built .xlsm"),
    ],
)
def test_macros_stay(tmp_path, source):
    """An .xlsm stays one, its macros byte for byte."""
    blank = template(tmp_path, source, "rev4")
    if source == "built":
        with zipfile.ZipFile(blank, "a") as archive:
            archive.writestr("xl/vbaProject.bin", bytes(range(256)))
    out = saved(tmp_path / "out.xlsm", item(), source=blank, edition="rev4")
    assert parts(out)["xl/vbaProject.bin"] == parts(blank)["xl/vbaProject.bin"]
    assert b"macroEnabled.main" in parts(out)["[Content_Types].xml"]
    assert len(item_rows(out)) == 1


@scenario(41)
def test_a_workbook_keeps_its_type(tmp_path):
    """An .xlsx stays one; neither becomes the other."""
    path = saved(tmp_path / "p.xlsx", item())
    assert b"spreadsheetml.sheet.main" in parts(path)["[Content_Types].xml"]
    assert not any("vba" in name for name in parts(path))
    with pytest.raises(WorkbookError, match="same type"):
        write_workbook(path, tmp_path / "p.xlsm", WorkbookEdits(), LAYOUTS)


@pytest.fixture
def annotated(tmp_path):
    """A workbook with an item in which a person marked, noted and linked something."""
    path = saved(tmp_path / "p.xlsx", {"sheet": "open", **WHOLE})
    book = openpyxl.load_workbook(path)
    ws = book[OPEN_SHEET]
    secret = TextBlock(InlineFont(i=True), "the password")
    ws["D9"].value = CellRichText("An old library; ", secret, " is in it")
    ws["C9"].comment = Comment("ask Ann", "Ann")
    ws["Y9"].hyperlink = "https://example.com/evidence"
    book.save(path)
    return path


def italic(cell):
    """The italic texts of a cell."""
    return [block.text for block in cell.value if isinstance(block, TextBlock) and block.font.i]


@scenario(42)
def test_marks_in_a_changed_row(annotated, tmp_path):
    """A row that a run changes keeps what is italic, its notes and its links."""
    out = tmp_path / "out.xlsx"
    changes = month(annotated, out, shows("web-01", cves=(CVE, "CVE-2026-0002")))
    assert kinds(changes) == [("V-1", "updated")]
    ws = openpyxl.load_workbook(out, rich_text=True)[OPEN_SHEET]
    assert italic(ws["D9"]) == ["the password"]
    assert str(ws["D9"].value) == "An old library; the password is in it"
    assert ws["C9"].comment.text == "ask Ann"
    assert ws["Y9"].hyperlink.target == "https://example.com/evidence"


@scenario(42)
def test_marks_in_a_closed_row(annotated, tmp_path):
    """A row that moves keeps what is italic, and the words of its notes and links."""
    out = tmp_path / "out.xlsx"
    changes = month(annotated, out, [scan()], known=memory("web-01"))
    assert kinds(changes) == [("V-1", "closed")]
    ws = openpyxl.load_workbook(out, rich_text=True)[CLOSED_SHEET]
    assert italic(ws["D6"]) == ["the password"]
    assert "ask Ann" in str(ws["Z6"].value)
    assert "https://example.com/evidence" in str(ws["Z6"].value)


HEADERS = list(V21.columns.values())


def arranged(path, headers, header_row):
    """A workbook of one item, its columns in this order under a header in this row."""
    book = openpyxl.Workbook()
    book.active.title = OPEN_SHEET
    book.create_sheet(CLOSED_SHEET)
    values = {V21.columns[field]: value for field, value in WHOLE.items()} | {"Ticket": "T-1"}
    for ws in book.worksheets:
        for column, name in enumerate(headers, start=1):
            ws.cell(header_row, column).value = name
    for column, name in enumerate(headers, start=1):
        book[OPEN_SHEET].cell(header_row + 1, column).value = values[name]
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("headers", "header_row"),
    [
        pytest.param(HEADERS, 7, id="scenario-43 header in row 7"),
        pytest.param(HEADERS[::-1], 5, id="scenario-43 other order"),
        pytest.param(["Ticket", *HEADERS], 5, id="scenario-43 a column more"),
        pytest.param([*HEADERS[::-1], "Ticket"], 7, id="scenario-43 all of it"),
    ],
)
def test_columns_are_found_by_their_headers(tmp_path, headers, header_row):
    """Reading and writing go by the header's text, wherever it stands."""
    path = arranged(tmp_path / "p.xlsx", headers, header_row)
    (row,) = item_rows(path)
    assert {field: row[field] for field in WHOLE} == WHOLE
    out = tmp_path / "out.xlsx"
    changes = month(path, out, seen("web-01"), seen("web-02", identifier="10002"))
    values = only(changes, OPENED).after
    old, added = item_rows(out)
    assert old == row
    assert {field: added[field] for field in values} == values | {"bod_22_01_due_date": None}
    if "Ticket" in headers:
        ticket = openpyxl.load_workbook(out)[OPEN_SHEET].cell(
            header_row + 1, headers.index("Ticket") + 1
        )
        assert ticket.value == "T-1"


@scenario(43)
def test_a_header_is_missing(tmp_path):
    """The error names the sheet and the header."""
    headers = [name for name in HEADERS if name != V21.columns["asset_identifier"]]
    path = arranged(tmp_path / "p.xlsx", headers, 5)
    with pytest.raises(WorkbookError, match=rf"{OPEN_SHEET}.*Asset Identifier"):
        book_of(path)


LOT = 5000
LAST = 8 + LOT


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The official template with 5,000 items, each with a risk adjustment that is pending."""
    asked = {"adjusted_risk_rating": "Moderate", "risk_adjustment": "Pending"}
    rows = (item(f"V-{n}", weakness_source_identifier=str(n), **asked) for n in range(1, LOT + 1))
    path = saved(tmp_path_factory.mktemp("large") / "p.xlsx", *rows, source=official("v2.1"))
    return sheet_xml(path)[OPEN_SHEET]


@scenario(44)
def test_rules_reach_beyond_the_template(large):
    """From row 4023 on, validations and formats are those of the rows above."""
    before = sheet_xml(official("v2.1"))[OPEN_SHEET]
    assert [row.get("r") for row in large.iter(f"{NS}row")][-1] == str(LAST) == "5008"
    validated, formatted = (ranges(large, t) for t in ("dataValidation", "conditionalFormatting"))
    assert {"K1:K5008", "L1:L5008", "S1:S5008", "T7:T5008", "U1:W5008"} <= validated
    assert {"A8:AE5008", "M8:M5008", "N8:N5008"} <= formatted
    for tag, now in (("dataValidation", validated), ("conditionalFormatting", formatted)):
        assert now == {one.replace("4022", "5008") for one in ranges(before, tag)}


@scenario(44)
def test_rules_reach_beyond_a_built_template(tmp_path):
    """One row more than our own template is made for, and its rules reach it."""
    blank = tmp_path / "blank.xlsx"
    build_template(blank, "v2.1", LAYOUTS)
    book = openpyxl.load_workbook(blank)
    book[OPEN_SHEET]["A4022"], book[OPEN_SHEET]["C4022"] = "V-1", "The last row"
    book.save(blank)
    out = saved(tmp_path / "out.xlsx", item("V-2"), source=blank)
    assert book_of(out).items["row"].tolist() == [4022, 4023]
    before, after = (sheet_xml(path)[OPEN_SHEET] for path in (blank, out))
    for tag in ("dataValidation", "conditionalFormatting"):
        old = ranges(before, tag)
        assert any(one.endswith("4022") for one in old)
        assert ranges(after, tag) == {one.replace("4022", "4023") for one in old}


@scenario(28)
def test_a_pending_adjustment_below_row_1254(large):
    """The due date is a literal that a pending rating does not move, whatever the formula says."""
    for row in (1253, 1254, LAST):
        (cell,) = (c for c in large.iter(f"{NS}c") if c.get("r") == f"L{row}")
        assert cell.find(f"{NS}f") is None
        due = date(1899, 12, 30) + timedelta(days=int(cell.findtext(f"{NS}v")))
        assert due == item()["original_detection_date"] + timedelta(days=30)


@pytest.mark.parametrize(
    ("source", "edition"),
    [
        *(pytest.param("official", e, id=f"scenario-45 official {e}") for e in TEMPLATES),
        pytest.param("built", "v2.1", id="scenario-45 built v2.1"),
    ],
)
def test_due_dates_read_as_values(tmp_path, source, edition):
    """A reader that takes stored values only finds every due date."""
    blank = template(tmp_path, source, edition)
    out = tmp_path / f"out{blank.suffix}"
    records = [*seen("a"), *seen("a", identifier="10002"), *seen("b", identifier="10003")]
    month(blank, out, records)
    layout = LAYOUTS.editions[edition]
    rows = values_of(out, layout.sheets[Sheet.OPEN].name, 12)
    name = layout.header(Sheet.OPEN, "scheduled_completion_date")
    at = next(row.index(name) for row in rows if name in row)
    first = book_of(out).items["row"].min()
    assert [row[at] for row in rows[first - 1 : first + 2]] == [day("2026-12-03")] * 3


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("=cmd|' /C calc'!A0", id="scenario-46 equals sign"),
        pytest.param("+1-1", id="scenario-46 plus sign"),
        pytest.param("@SUM(A1)", id="scenario-46 at sign"),
        pytest.param("a\x00b\x1b[0mc\ufffed", id="scenario-46 characters that XML forbids"),
        pytest.param("=" + "x" * 40_000, id="scenario-46 too long"),
    ],
)
def test_scanner_text_is_text(tmp_path, text):
    """Never a formula, no character that XML forbids, and a mark where it was cut."""
    blank, out = saved(tmp_path / "p.xlsx"), tmp_path / "out.xlsx"
    month(blank, out, shows("web-01", name=text, description=text, solution=text))
    row = cells(out)
    for field in ("weakness_name", "weakness_description", "remediation_plan"):
        cell = row[field]
        assert cell.data_type in ("s", "inlineStr")
        assert not set(cell.value) & {"\x00", "\x1b", "\ufffe"}
        assert len(cell.value) <= CELL_LIMIT
        plain = re.sub("[\x00\x1b\ufffe]", " ", text)
        if len(text) <= CELL_LIMIT:
            assert cell.value == plain
        else:
            assert cell.value.startswith("=xxx")
            assert "[cut: 40,001 characters" in cell.value


# Source: template v2.1, conditional formats of M8 and N8, read as VBScript does, whatever the case.
ENTRY = r"\d{1,4}[\\\/\-]\d{1,2}[\\\/\-]\d{1,4}\s*:\s*(.|(.\n.))*"
PLANNED = re.compile(rf"^(\(\d+\)\s*{ENTRY}\n\n)*(\(\d+\)\s*{ENTRY})(\n\s)*$", re.IGNORECASE)
WORD = r"(new|update|complete)"
CHANGED = re.compile(
    rf"^(\(\d+\)\s*{WORD}\s*{ENTRY}\n\n)*(\(\d+\)\s*{WORD}\s*{ENTRY})(\n\s)*$", re.IGNORECASE
)


@scenario(47)
def test_newlines_of_a_weakness(tmp_path):
    """Its text keeps them; the milestone is as the template's own expression asks."""
    blank, out = saved(tmp_path / "p.xlsx"), tmp_path / "out.xlsx"
    rules = policy(milestone="Patch\n\nand verify\r\nby a rescan")
    text = "First line\nsecond line\n\nfourth line"
    month(blank, out, shows("web-01", name="Old\nlibrary", description=text), rules=rules)
    row = cells(out)
    assert row["weakness_description"].value == text
    assert PLANNED.match(row["planned_milestones"].value)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("", id="scenario-47 first change"),
        pytest.param("(1) Update 2026-10-20: Tested", id="scenario-47 one more change"),
    ],
)
def test_milestone_changes_match_the_template(before):
    """What a run adds to Milestone Changes is as the template's own expression asks."""
    row = item(cve=CVE, planned_milestones="(1) 2026-11-05: Patch", milestone_changes=before)
    found, catalogue = shows("web-01", cves=(CVE,)), kev(CVE_2026_0001="2026-11-04")
    after = settled(found, poam=[row], catalogue=catalogue).loc["V-1", "milestone_changes"]
    assert after.startswith(before)
    assert after != before
    assert CHANGED.match(after)


# Deliverables and metrics


def rated(rating, adjusted="", late=0, **given):
    """An open item, its rating adjusted where so said, past due by so many days."""
    said = {"adjusted_risk_rating": adjusted, "risk_adjustment": "Yes"} if adjusted else {}
    due = {"scheduled_completion_date": AS_OF - timedelta(days=late)}
    return item(original_risk_rating=rating, **due | said | given)


@scenario(48)
def test_the_table_of_open_items():
    """Rows as in the Quick Guide: what was adjusted has its own, deviations follow the total."""
    found = counted(
        rated("High"),
        rated("High", false_positive="Pending"),
        rated("High", "Moderate"),
        rated("High", "Low"),
        rated("Moderate", operational_requirement="Pending"),
        rated("Moderate", "Low"),
        rated("Low", operational_requirement="Yes"),
        rated("High", sheet="closed"),
        rated("High", sheet="configuration"),
    )
    assert open_summary(found) == {
        "High": 2,
        "High/Mod": 1,
        "High/Low": 1,
        "Moderate": 1,
        "Mod/Low": 1,
        "Low": 1,
        "Total": 7,
        "Pending FP": 1,
        "OR (Pending and Active)": 2,
    }


@scenario(48)
def test_the_table_of_past_due_items():
    """Buckets end with day 30, 60, 90 and 120; the day itself is in none."""
    days = {"High": (0, 1, 30, 31, 60), "Low": (61, 90, 91, 120, 121)}
    rows = [rated(rating, late=n) for rating, late in days.items() for n in late]
    rows += [rated("High", "Moderate", late=31, false_positive="Pending")]
    table = past_due(counted(*rows), policy().triggers.past_due).set_index("rating")
    buckets = ["0-30", "31-60", "61-90", "91-120", "121+"]
    columns = [*buckets, "Past Due Total", "Pending FP"]
    assert {line: table.loc[line, columns].tolist() for line in table.index} == {
        "High": [2, 2, 0, 0, 0, 4, 0],
        "High/Mod": [0, 1, 0, 0, 0, 1, 1],
        "High/Low": [0, 0, 0, 0, 0, 0, 0],
        "Moderate": [0, 0, 0, 0, 0, 0, 0],
        "Mod/Low": [0, 0, 0, 0, 0, 0, 0],
        "Low": [0, 0, 2, 2, 1, 5, 0],
        "Total": [2, 3, 2, 2, 1, 10, 1],
    }


@pytest.mark.parametrize(
    ("count", "flagged"),
    [
        pytest.param(949, True, id="scenario-49 coverage 94.9 %"),
        pytest.param(950, False, id="scenario-49 coverage 95.0 %"),
    ],
)
def test_coverage(count, flagged):
    """Under 95 % of the inventory would be rejected."""
    inventory = listed(*(f"web-{n:04}" for n in range(1000)))
    coverage = gate(plan(looks(count), inventory=inventory), "coverage")
    assert coverage.figure == count / 1000
    assert coverage.flagged is flagged


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        pytest.param(100, Level.DFR, id="scenario-49 10.0 % without login"),
        pytest.param(99, Level.NONE, id="scenario-49 9.9 % without login"),
    ],
)
def test_scans_without_login(without, expected):
    """A tenth is a Detailed Finding Review."""
    decided = plan(looks(1000, without))
    assert level(decided, "unauthenticated_scans") is expected
    assert gate(decided, "unauthenticated").flagged is (expected is Level.DFR)


@pytest.mark.parametrize(
    ("rating", "count", "age", "fired"),
    [
        pytest.param("High", 5, 30, {}, id="scenario-50 5 High, 30 days"),
        pytest.param(
            "High", 5, 31, {"high_over_30_days": Level.DFR}, id="scenario-50 5 High, 31 days"
        ),
        pytest.param(
            "High",
            5,
            61,
            {"high_over_30_days": Level.DFR, "high_over_60_days": Level.CAP},
            id="scenario-50 5 High, 61 days",
        ),
        pytest.param(
            "Moderate",
            10,
            91,
            {"moderate_over_90_days": Level.DFR},
            id="scenario-50 10 Moderate, 91 days",
        ),
        pytest.param(
            "Moderate",
            10,
            121,
            {"moderate_over_90_days": Level.DFR, "moderate_over_120_days": Level.CAP},
            id="scenario-50 10 Moderate, 121 days",
        ),
    ],
)
def test_aged_items_escalate(rating, count, age, fired):
    """A Detailed Finding Review first, a Corrective Action Plan later."""
    detected = AS_OF - timedelta(days=age)
    dates = {
        "original_detection_date": detected,
        "scheduled_completion_date": detected
        + timedelta(days=policy().timelines.remediation.days[rating]),
    }
    rows = [
        item(f"V-{n}", weakness_source_identifier=str(n), original_risk_rating=rating, **dates)
        for n in range(1, count + 1)
    ]
    decided = plan([scan("elsewhere")], poam=rows)
    assert {one.id: one.level for one in decided.triggers if one.fired} == fired


@pytest.mark.parametrize(
    ("baseline", "threshold", "below", "above"),
    [
        pytest.param(178, 213.6, 213, 214, id="scenario-51 baseline 178"),
        pytest.param(30, 40, 40, 41, id="scenario-51 baseline 30"),
    ],
)
def test_threshold_of_unique_vulnerabilities(baseline, threshold, below, above):
    """The baseline and a fifth of it, or ten where that is more; more than that escalates."""
    rules = policy().triggers
    unique = rules.unique_vulnerabilities.model_copy(update={"baseline": baseline})
    rules = rules.model_copy(update={"unique_vulnerabilities": unique})
    assert unique_threshold(baseline, unique) == threshold
    for count, expected in ((below, Level.NONE), (above, Level.DFR)):
        found = {one.id: one for one in triggers([], count, None, rules, AS_OF)}
        assert found["unique_vulnerabilities"].threshold == threshold
        assert found["unique_vulnerabilities"].level is expected


@pytest.mark.parametrize(
    ("said", "kind", "requested"),
    [
        pytest.param(
            {"risk_adjustment": "Pending", "adjusted_risk_rating": "Low"},
            "RA",
            "Low",
            id="scenario-52 U pending",
        ),
        pytest.param({"false_positive": "Pending"}, "FP", "", id="scenario-52 V pending"),
        pytest.param({"operational_requirement": "Pending"}, "OR", "", id="scenario-52 W pending"),
    ],
)
def test_rows_of_the_deviation_request_form(said, kind, requested):
    """A row for each, with all that POA&M and scan know."""
    row = item(original_risk_rating="Moderate", cve=CVE, asset_identifier="web-01\nweb-02", **said)
    found = shows("web-01", "web-02", cvss3_base=5.0, cves=(CVE,), description="What it is.")
    (request,) = plan(found, poam=[row]).deviation_requests.to_dict("records")
    expected = {
        "Type of DR": kind,
        "POA&M ID": "V-1",
        "Scan ID": "10001",
        "CVE": CVE,
        "Assets Impacted": "web-01\nweb-02",
        "Vulnerability Name": "Weakness 10001",
        "Vulnerability Source": "Nessus",
        "Initial Risk Rating": "Moderate",
        "Requested Risk Rating/Impact": requested,
        "CVSS Base Score": 5.0,
        "Original Detection Date": date(2026, 10, 6),
        "Tool-Provided Vulnerability Description": "What it is.",
    }
    assert {name: request[name] for name in expected} == expected


@scenario(53)
def test_scans_against_the_inventory():
    """What was scanned and is not listed, and what is listed and was not scanned."""
    decided = plan([scan("web-01"), scan("web-03")], inventory=listed("web-01", "web-02"))
    assert [host.asset for host in gate(decided, "unexpected").hosts] == ["web-03"]
    assert [host.asset for host in gate(decided, "coverage").hosts] == ["web-02"]


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(
            rule,
            id=f"scenario-{number}",
            marks=pytest.mark.skip(reason=f"a later capability: {rule}"),
        )
        for number, rule in (
            (54, "an OSCAL export, valid and with every deadline inside its window"),
            (55, "the VDR policy's due times by class, reachability and impact"),
            (56, "VDR weaknesses 193 days after evaluation on the accepted list"),
            (57, "BOD 26-04 due days by KEV, exposure, automation and impact"),
        )
    ],
)
def test_later_capabilities(rule):
    """What the product does not have yet."""
    pytest.fail(rule)


# The table is whole


def ids_of(test):
    """The scenarios that the ids of a test name."""
    ids = [
        str(name)
        for mark in getattr(test, "pytestmark", ())
        if mark.name == "parametrize"
        for name in (*(mark.kwargs.get("ids") or ()), *(getattr(c, "id", "") for c in mark.args[1]))
    ]
    return {int(number) for name in ids for number in re.findall(r"scenario-(\d+)", name)}


def test_every_scenario_has_its_test():
    """The ids of this file are the scenarios 1 to 57, and every other test here has one."""
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    numbered = {name: ids_of(test) for name, test in tests.items()}
    assert set().union(*numbered.values()) == set(range(1, 58))
    assert [name for name, found in numbered.items() if not found] == [
        test_every_scenario_has_its_test.__name__
    ]
