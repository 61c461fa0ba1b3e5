"""The pages in a browser: nothing is asked of a network, and mouse, keyboard and paper work."""

import re
import shutil
import subprocess
from collections import Counter

import pytest

from flows.diff_page import diff_page
from flows.report_page import report_page
from poam.difference import difference
from poam.executive import executive_summary
from poam.policy import load_policy
from poam.report import run_report
from poam.workbook import read_workbook
from tests.conftest import MONTHS, SAMPLE_SCANS
from tests.core_support import AS_OF, definition, finding, item, plan, policy, scan

pytestmark = pytest.mark.heavy
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
ITEMS = 5000
TEXT = "A crafted request lets an attacker run code on the remote host. " * 20
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """Return axe-core's script, from npm, or skip."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, and axe-core comes from there")
    folder = tmp_path_factory.mktemp("axe")
    asked = [
        "npm",
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "axe-core@4",
    ]
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        pytest.skip(f"npm does not give axe-core: {done.stderr[-200:]}")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chromium():
    """Return a browser, or skip."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as programs:
        browser = programs.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def month(run, tmp_path_factory):
    """Return the page of the second month of the sample scans."""
    folder = tmp_path_factory.mktemp("month")
    workbook = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
    books = [workbook]
    for name, day in MONTHS.items():
        scans = [p for p in SAMPLE_SCANS.glob(f"*/{name}.*") if p.parent.name != "poam"]
        out = folder / f"POAM-{name}.xlsx"
        found = run(
            sorted(scans),
            books[-1],
            out,
            day,
            inventory=SAMPLE_SCANS / "inventory" / "inventory.xlsx",
            ledger=f"sqlite:///{folder}/ledger.sqlite",
        )
        books.append(out)
    layouts = load_policy().templates
    before, after = (read_workbook(book, layouts) for book in books[1:])
    (folder / "diff.html").write_text(
        diff_page(difference(before, after, layouts)), encoding="utf-8"
    )
    return {"month": found.folder / "report.html", "diff": folder / "diff.html"}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Return the page of a month that closes 1,000 items, opens 500 and touches 3,500."""
    hosts = [f"web-{n:03}" for n in range(200)]
    records, rows = [scan(host) for host in hosts], []
    for n in range(ITEMS):
        identifier, host = str(20_000 + n), hosts[n % len(hosts)]
        if n % 5:
            score = (9.8, 5.5, 2.1)[n % 3]
            records += [
                definition(identifier, description=TEXT, cvss3_base=score),
                finding(host, identifier, port=443, protocol="tcp"),
            ]
        if n % 10 != 3:
            where = {"asset_identifier": f"{host} (443/tcp)", "weakness_name": f"Weakness {n}"}
            rows.append(item(f"V-{n}", weakness_source_identifier=identifier, **where))
    decided = plan(records, poam=rows)
    assert Counter(d.kind.value for d in decided.changes.decisions)["closed"] == 1000
    report = run_report(
        "many",
        AS_OF,
        1,
        decided.changes,
        decided.open_items,
        (),
        (),
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
    path = tmp_path_factory.mktemp("many") / "report.html"
    headers = policy().templates.editions["v3.0"].columns
    path.write_text(report_page(report, decided, summary, headers), encoding="utf-8")
    return path


@pytest.fixture(params=["month", "many", "diff"])
def path(request):
    """Return each page."""
    if request.param == "many":
        return request.getfixturevalue("many")
    return request.getfixturevalue("month")[request.param]


@pytest.fixture
def opened(chromium):
    """Return a function that opens a page; in the end nothing may have been said or asked."""
    contexts, said, asked = [], [], []

    def go(path, **given):
        context = chromium.new_context(**given)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda one: asked.append(one.url))
        page.goto(path.as_uri())
        assert asked.pop(0) == path.as_uri()
        return page

    yield go
    assert (said, asked) == ([], [])
    for context in contexts:
        context.close()


LOOKS = [("month", "light", 390), ("many", "light", 1280)]  # axe-core needs a minute for many
LOOKS += [(name, scheme, 1280) for name in ("month", "diff") for scheme in ("light", "dark")]


@pytest.mark.parametrize(("path", "scheme", "width"), LOOKS, indirect=["path"])
def test_accessible(opened, axe, path, scheme, width):
    """axe-core finds no serious fault: contrast, names, order, reach by keyboard."""
    page = opened(path, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    faults = [
        (v["id"], v["nodes"][0]["html"][:200])
        for v in found["violations"]
        if v["impact"] in SERIOUS
    ]
    assert faults == []


@pytest.mark.parametrize("width", [1280, 390])
def test_no_wider_than_the_window(opened, path, width):
    """Only tables scroll sideways, not the page."""
    page = opened(path, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


REPORTS = pytest.mark.parametrize("path", ["month", "many"], indirect=True)
ROWS = "#changes-table tbody tr"


def column(page, number):
    """Return what a column of the rows says that are not filtered out, in sight or below."""
    script = "(rows, number) => rows.map(row => row.cells[number].textContent.trim())"
    return page.locator(f"{ROWS}:visible").evaluate_all(script, number)


@REPORTS
def test_filter_by_mouse(opened, path):
    """A choice shows the rows of its kind, and how many there are; the first shows all again."""
    page = opened(path)
    every = page.locator(ROWS).count()
    page.get_by_label("Kind").select_option("closed")
    shown = column(page, 0)
    assert set(shown) == {"closed"}
    assert page.locator("#changes output").text_content() == f"{len(shown)} of {every} rows"
    page.get_by_label("Kind").select_option("")
    assert page.locator(f"{ROWS}:visible").count() == every


@REPORTS
def test_filter_by_keyboard(opened, path):
    """Tab leads to the field, and what is typed there stays in sight: every word of it."""
    page = opened(path)
    last = page.locator(ROWS).last.locator("th").text_content()
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#changes input[type=search]')"):
            break
    page.keyboard.type(f"{last.lower()} weakness" if "many" in str(path) else last.lower())
    page.locator(f"{ROWS}[hidden]").first.wait_for(state="attached")
    assert last in column(page, 1)
    page.keyboard.type(" no such word")
    said = page.locator("#changes output").filter(has_text=re.compile("^0 of"))
    said.wait_for()


@REPORTS
@pytest.mark.parametrize("by", ["mouse", "Enter", "Space"])
def test_sort(opened, path, by):
    """A head sorts up, then down, and says which; V-9 comes before V-10."""
    page = opened(path)
    head = page.locator("#changes-table thead th").nth(1)
    button = head.locator("button")
    for order in ("ascending", "descending"):
        if by == "mouse":
            button.click()
        else:
            button.focus()
            page.keyboard.press(by)
        assert head.get_attribute("aria-sort") == order
        numbers = [int(one.removeprefix("V-")) for one in column(page, 1) if one.count("-") == 1]
        assert numbers == sorted(numbers, reverse=order == "descending")
        assert len(numbers) > 10


@REPORTS
def test_without_a_script(opened, path):
    """Every row is there, and no control that would do nothing."""
    page = opened(path, java_script_enabled=False)
    assert page.locator(ROWS).first.is_visible()
    assert page.locator(".picks:visible, th button").count() == 0


def test_printed_rows_are_whole(opened, path, tmp_path):
    """No row of a table lies on two sheets of paper, unless it is longer than one."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (poppler-utils)")
    page = opened(path)
    page.emulate_media(media="print")
    broken = page.evaluate(
        "[...document.querySelectorAll('tbody tr')]"
        ".filter(row => getComputedStyle(row).breakInside !== 'avoid').length"
    )
    assert broken == 0
    printed = tmp_path / "page.pdf"
    page.pdf(path=printed, format="Letter")
    done = subprocess.run(  # noqa: S603  a fixed program
        [shutil.which("pdftotext"), "-layout", printed, "-"], capture_output=True, check=True
    )
    sheets = done.stdout.decode().split("\f")
    if "report" in path.name:
        assert sum("Weakness" in sheet and "Why" in sheet for sheet in sheets) > 3, "heads"
    for row in page.locator("tbody tr").all()[:60]:
        words = " ".join(row.inner_text().split()).split(" ")[:3]
        assert any(all(word in sheet for word in words) for sheet in sheets), words


def test_a_report_of_5000_items_stays_small(many):
    """It opens from a mail attachment: under 2 MB where nearly every item changed."""
    assert many.stat().st_size < 2_000_000
