"""The report of a run: text is text, only its own script runs, and it agrees with the CSV."""

import csv
import json
import re
from base64 import b64encode
from datetime import date
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import openpyxl
import pandas as pd
import pytest

from flows.batch import Request
from flows.pipeline import update
from flows.report_page import SHOWN, report_page
from flows.steps import DirectSteps
from poam.executive import executive_summary
from poam.model import Authenticated
from poam.report import run_report
from tests.conftest import MONTHS, SAMPLE_SCANS
from tests.core_support import AS_OF, closed, definition, finding, item, plan, policy, scan, seen

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">&\'"'
HEADERS = policy().templates.editions["v3.0"].columns


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Leave the pictures out where a test is not about them: drawing takes half of its time."""
    if "november" not in request.fixturenames:
        monkeypatch.setattr("flows.report_page.pictures", lambda _summary: {})


def page(*records, poam=(), refused=(), notes=(), **given):
    """Return the page of a run."""
    decided = plan(list(records), poam=poam, **given)
    report = run_report(
        "run-1",
        AS_OF,
        1,
        decided.changes,
        decided.open_items,
        refused,
        notes,
        decided.gates,
        decided.triggers,
        decided.submission,
        decided.late_soon,
    )
    summary = executive_summary(
        report,
        decided.counts,
        (),
        decided.open_items,
        decided.deviation_requests,
        decided.coverage,
        policy().triggers,
    )
    return report_page(report, decided, summary, HEADERS)


class Reader(HTMLParser):
    """Reads the table of changes: a row's kind and ID, and its fields with what went and came."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self._inside = [], [], None
        self._table = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        """Note every element; begin a row or a field."""
        given = dict(attributes)
        self.tags.append((tag, given))
        if tag == "table":
            self._table = given.get("id") == "changes-table"
        if self._table and tag == "tr" and "data-kind" in given:
            self.rows.append({"kind": given["data-kind"], "poam_id": "", "fields": []})
        if self._table and tag == "div":
            self.rows[-1]["fields"].append({"b": "", "del": "", "ins": ""})
        self._inside = tag

    def handle_endtag(self, tag):
        """Leave what ends."""
        self._inside = None
        self._table = self._table and tag != "table"

    def handle_data(self, text):
        """Add to what the element inside a row says."""
        if not (self._table and self.rows):
            return
        if self._inside == "th":
            self.rows[-1]["poam_id"] += text
        elif self._inside in ("b", "del", "ins") and self.rows[-1]["fields"]:
            self.rows[-1]["fields"][-1][self._inside] += text


def text_of(page, section):
    """Return what a section of the page says, without markup."""
    (found,) = re.findall(rf'<section id="{section}">(.*?)</section>', page, re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", found)))


def test_whatever_a_scanner_wrote_is_text():
    """Names, assets, descriptions, files and notes with markup in them make no element."""
    found = page(
        scan(EVIL, locator=EVIL),
        definition("10001", name=EVIL, description=EVIL),
        finding(EVIL, "10001"),
        poam=[item("V-1", weakness_name=EVIL, asset_identifier="x", comments=EVIL)],
        refused=(EVIL,),
        notes=(EVIL,),
    )
    tags = Reader(found).tags
    assert [given for tag, given in tags if tag == "script"] == [{}]
    assert not [tag for tag, _ in tags if tag == "img"]
    assert not [name for _, given in tags for name in given if name.startswith("on")]
    assert found.count("alert(1)") >= 6


def test_only_its_own_style_and_script_run():
    """The policy names both by hash, and allows nothing else; no element asks for a network."""
    found = page(*seen("web-01"), poam=[item()])
    (allowed,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', found)
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", found, re.DOTALL)
        digest = b64encode(sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in unescape(allowed)
    assert unescape(allowed).startswith("default-src 'none'; ")
    tags = Reader(found).tags
    assert not [tag for tag, given in tags if "src" in given or "style" in given]
    links = [given.get("href") or given.get("xlink:href") for _, given in tags]
    assert all(link.startswith("#") for link in links if link)
    assert not re.findall(r"url\((?!#)|@import", found)


def test_every_link_leads_somewhere():
    """Sections and cited rules are on the page, each identifier once."""
    found = page(scan("a"), *seen("web-02"), poam=[item(asset_identifier="a")])
    tags = Reader(found).tags
    ids = [given["id"] for _, given in tags if "id" in given]
    assert len(ids) == len(set(ids))
    links = {given["href"][1:] for tag, given in tags if tag == "a"}
    assert any(link.startswith("note-") for link in links)
    assert links <= set(ids)


def test_the_same_run_gives_the_same_page():
    """No clock, no chance."""
    assert page(*seen("web-01")) == page(*seen("web-01"))


def fields(found):
    """Return the fields of every row by their labels: what went and what came."""
    return {
        (row["poam_id"], field["b"]): (field["del"], field["ins"])
        for row in Reader(found).rows
        for field in row["fields"]
    }


def test_a_change_is_told_field_by_field():
    """Of a list only the lines that went and came; of a value what it was and is."""
    row = item(asset_identifier="a\nb", comments="Seen by a person.", cve="CVE-2026-0001")
    found = page(*seen("a"), scan("b"), poam=[row])
    told = fields(found)
    assert told["V-1", HEADERS["asset_identifier"]] == ("b", "")
    gone, came = told["V-1", HEADERS["comments"]]
    assert gone == ""
    assert came.startswith("2026-11-30: Remediated on b.")
    assert told["V-1", HEADERS["status_date"]] == ("2026-10-06", "2026-11-30")
    assert "1 line stays" in text_of(found, "changes")


@pytest.mark.parametrize(("length", "cut"), [(SHOWN, False), (SHOWN + 1, True)])
def test_a_long_value_is_cut_and_says_so(length, cut):
    """A new item's description, whole in changes.csv, begins on the page."""
    records = [scan("a"), definition(description="x" * length), finding("a")]
    found = page(*records)
    assert (f"cut: {length:,} characters" in found) == cut
    assert ("x" * length in found) == (not cut)


def test_what_new_items_have_alike_is_told_once():
    """Of several new items the columns with one value stand above the table; of one, in its row."""
    label = HEADERS["status_date"]
    first, second = seen("a"), seen("b", identifier="10002")
    found = page(*first, *second)
    assert alike_in(found)[label] == "2026-11-30"
    assert {name for _, name in fields(found)}.isdisjoint(alike_in(found))
    assert fields(found)["V-2", HEADERS["asset_identifier"]] == ("", "b")
    single = page(*first)
    assert 'class="alike"' not in single
    assert fields(single)["V-1", label] == ("", "2026-11-30")


def test_reasons_without_their_citations():
    """A reason's rules are numbers; each rule stands once at the end of the page."""
    found = page(*seen("a", "b"), *seen("c", identifier="10002"))
    assert "[timelines.yaml" not in found
    notes = text_of(found, "notes")
    (rule,) = re.findall(r"timelines.yaml line \d+, timelines.remediation.days.High = 30", notes)
    assert found.count(rule) == 1


def test_a_doubt_stands_with_both_sides_and_the_sum():
    """The scan's side beside the workbook's, the evidence, and the commands that answer."""
    row = item(
        "V-9",
        weakness_detector_source="Security Assessment Report",
        weakness_source_identifier="",
        weakness_name="SSL certificate cannot be trusted",
        asset_identifier="web-01 (443/tcp)",
    )
    named = definition("51192", name="SSL Certificate Cannot Be Trusted")
    found = page(scan(), named, finding("web-01", "51192", port=443, protocol="tcp"), poam=[row])
    eye = text_of(found, "eye")
    for words in ("V-9: is it the same weakness?", "Nessus 51192", "Security Assessment Report"):
        assert words in eye
    assert re.search(r"\(\d+\) \+ .* = \d+", eye)
    assert re.search(r"poam review RUN --accept [0-9a-f]{6}", eye)


def test_what_waits_without_a_doubt():
    """A weakness without a rating is listed with its reason."""
    found = page(scan(), definition(cvss3_base=None), finding())
    assert "no rating" in text_of(found, "eye")
    assert "Nothing waits for a person." in text_of(page(scan()), "eye")


def test_what_is_late_and_will_be():
    """Late items with their days; those that become late before the submission, with its day."""
    soon = item("V-2", weakness_source_identifier="10002", scheduled_completion_date=AS_OF)
    rules = policy(submission_day=4)
    found = text_of(page(*seen("x"), poam=[item("V-1"), soon], rules=rules), "late")
    late, later = found.split("Late before the next submission, 2026-12-04")
    assert "V-1 Weakness 10001 High 2026-11-05 25 55 late" in late
    assert "V-2" not in late
    assert "V-2 Weakness 10001 High 2026-11-30" in later
    assert "V-1" not in later


def test_assets_with_their_login_and_the_missing_by_name():
    """Every look of a scanner, and the inventory's assets that none reached, first."""
    listed = pd.DataFrame(
        {"identifier": ["a", "z"], "names": [(), ()], "in_latest_scan": [True, True]}
    )
    records = [scan("a", authenticated=Authenticated.NO, feed_date=date(2026, 11, 2))]
    found = text_of(page(*records, inventory=listed), "coverage")
    _, assets = found.split("Assets Find in assets")
    assert " z not scanned a Nessus 2026-11-03 no 2026-11-02 0.nessus" in assets
    assert "Flagged Share of the inventory" in found


def test_files_that_could_not_be_read_stand_on_top():
    """They are named before anything else, with what follows."""
    found = page(scan(), refused=("bad.nessus: broken.",))
    top = found.split("<nav")[0]
    assert "bad.nessus: broken." in top
    assert "1 file could not be read; nothing closed" in top
    assert "could not be read" not in page(scan()).split("<nav")[0]


def test_triggers_with_their_sums():
    """Every trigger, fired or not, with its figure and its threshold in a sentence."""
    found = text_of(page(scan(authenticated=Authenticated.NO)), "triggers")
    assert "unauthenticated scans DFR 100 % unauthenticated: 10 % or more is a DFR" in found
    assert "high over 30 days none 0 High items aged more than 30 days: 5 or more is a DFR" in found


@pytest.fixture(scope="module")
def november(tmp_path_factory):
    """Return the run folder of two months of sample scans, the second one's."""
    folder = tmp_path_factory.mktemp("months")
    workbook = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
    for name, day in MONTHS.items():
        out = folder / f"POAM-{name}.xlsx"
        scans = [p for p in SAMPLE_SCANS.glob(f"*/{name}.*") if p.parent.name != "poam"]
        request = Request(
            scans=tuple(sorted(scans)),
            poam=workbook,
            runs=folder / "runs",
            as_of=day,
            out=out,
            inventory=SAMPLE_SCANS / "inventory" / "inventory.xlsx",
            ledger=f"sqlite:///{folder}/ledger.sqlite",
        )
        workbook = out
        found = update(request, DirectSteps()).folder
    return found


def read_csv(folder, name):
    """Return the rows of a CSV, without the apostrophes that guard a spreadsheet."""
    with (folder / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        {k: v[1:] if v[:2] in ("'=", "'+", "'-", "'@") else v for k, v in r.items()} for r in rows
    ]


def read_sheet(path, name):
    """Return the rows of a sheet as texts, by its first row."""
    head, *rest = openpyxl.load_workbook(path)[name].iter_rows(values_only=True)
    return [
        {k: "" if v is None else str(v) for k, v in zip(head, row, strict=True)} for row in rest
    ]


def test_the_csv_and_the_workbook_say_the_same(november):
    """changes.xlsx has the rows of changes.csv, cell by cell."""
    assert read_sheet(november / "changes.xlsx", "Changes") == read_csv(november, "changes.csv")


def test_the_csv_and_the_page_say_the_same(november):
    """Each decision but the unchanged is a row of the page, with the fields that changed.

    Of a new item those that stand beside it, or are alike on all, are not told again.
    """
    shown = (november / "report.html").read_text(encoding="utf-8")
    told, alike = Reader(shown).rows, alike_in(shown)
    assert alike[HEADERS["status_date"]] == "2026-11-20"
    expected = []
    for row in read_csv(november, "changes.csv"):
        if row["kind"] == "unchanged":
            continue
        key = (row["kind"], row["poam_id"], row["weakness_name"], row["because"])
        if not expected or expected[-1][0] != key:
            expected.append((key, []))
        if row["before"] != row["after"]:
            expected[-1][1].append(row)
    assert [(row["kind"], row["poam_id"]) for row in told] == [key[:2] for key, _ in expected]
    for row, (_, changed) in zip(told, expected, strict=True):
        if row["kind"] == "opened":
            same = [one for one in changed if alike.get(HEADERS[one["field"]]) == one["after"]]
            beside = [one for one in changed if one["field"] in BESIDE]
            assert len(beside) == len(BESIDE)
            changed = [one for one in changed if one not in same and one not in beside]
        assert [f["b"] for f in row["fields"]] == [HEADERS[one["field"]] for one in changed]
        for field, one in zip(row["fields"], changed, strict=True):
            was, now = one["before"].split("\n"), one["after"].split("\n")
            lines = len(was) + len(now) > 2 and one["before"] and one["after"]
            gone = "\n".join(x for x in was if x not in now) if lines else one["before"]
            came = "\n".join(x for x in now if x not in was) if lines else one["after"]
            assert (cut(field["del"]), cut(field["ins"])) == (cut(gone), cut(came))


BESIDE = (
    "poam_id",
    "weakness_name",
    "weakness_detector_source",
    "weakness_source_identifier",
    "scheduled_completion_date",
    "original_risk_rating",
)


def alike_in(page):
    """Return what the page says of all new items at once, by label."""
    (told,) = re.findall(r'<details class="alike">(.*?)</details>', page, re.DOTALL)
    return dict(re.findall(r"<b>([^<]*)</b><ins>([^<]*)</ins>", unescape(told)))


def cut(text):
    """Return as much of a text as the page shows."""
    return text[: SHOWN - 1]


def test_the_summarys_three_forms_say_the_same(november):
    """summary.json, summary.xlsx and the page have the same tables, figure by figure."""
    content = json.loads((november / "summary.json").read_text(encoding="utf-8"))
    shown = (november / "report.html").read_text(encoding="utf-8")
    assert content["said"] in unescape(shown)
    for table in content["tables"].values():
        expected = [
            ["" if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in r.values()]
            for r in table["rows"]
        ]
        sheet = read_sheet(november / "summary.xlsx", table["title"])
        assert [list(row.values()) for row in sheet] == expected
        for row in expected:
            cells = "".join(f">{re.escape(v)}</t[hd]>(?:<t[hd][^<]*)?" for v in map(quoted, row))
            assert re.search(cells, shown), (table["title"], row)


def quoted(text):
    """Return a text as the page writes it."""
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;").replace('"', "&#34;")
    )


def test_the_second_month_knows_the_first(november):
    """The trend has October's counts from the ledger, and the months before are empty."""
    content = json.loads((november / "summary.json").read_text(encoding="utf-8"))
    (total,) = [r for r in content["tables"]["open_items"]["rows"] if r["rating"] == "Total"]
    assert [total[f"2026-{n:02d}"] for n in range(6, 10)] == [None] * 4
    assert total["2026-10"] > 0
    assert total["2026-11"] > 0


def test_all_are_in_the_manifest(november):
    """What people look at is named with its hash."""
    outputs = json.loads((november / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    for name in ("report.html", "summary.json", "summary.xlsx", "changes.xlsx"):
        assert outputs[name] == sha256((november / name).read_bytes()).hexdigest()


def test_a_closed_item_found_again_is_told():
    """An approved false positive that is seen again is a row of its own, without fields."""
    found = page(*seen("fp"), poam=[closed("V-5", asset_identifier="fp", false_positive="Yes")])
    (row,) = Reader(found).rows
    assert (row["kind"], row["poam_id"], row["fields"]) == ("suppressed", "V-5", [])
    assert "false positive again" in text_of(found, "changes")
