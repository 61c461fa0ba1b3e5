"""Values of the rulebooks at their boundaries, where no test of a module states them."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from poam.assets import AssetIndex
from poam.correlate import Correlator
from poam.deadlines import deadline
from poam.model import Kind, RiskRating
from poam.titles import TitleReader
from poam.triggers import triggers
from tests.core_support import (
    AS_OF,
    closed,
    definition,
    finding,
    item,
    items,
    kinds,
    memory,
    policy,
    run,
    scan,
    seen,
)

NAME = "Acme Gateway 9.1 Path Traversal"
LIKE_IT = "Acme Gateway 9.2 Path Traversal"
POINTS = {
    "identifier": 100,
    "identifier_among": 80,
    "unscoped_identifier": 25,
    "advisory": 70,
    "bulletin": 70,
    "version_bound": 30,
    "month": 20,
    "cve_equal": 40,
    "cve_subset": 25,
    "cve_overlap": 10,
    "class": 70,
    "class_compatible": 40,
    "product": 30,
    "title": 70,
    "title_alone": 40,
    "title_near": 40,
    "title_begins": 40,
    "asset": 30,
    "page": 30,
    "answer": 0,
}
LINT = {
    "error": """
        L101 L102 L103 L104 L105
        L201 L202 L203 L204 L205
        L301 L302 L303 L304 L305 L306 L307 L308 L309 L310 L312
        L401 L402 L403 L404
        L501 L502 L503
        L601
        L701 L702 L703 L704 L705
        L801""",
    "warning": "L106 L107 L206 L311 L313 L405 L406 L602 L706",
}


def test_lint_levels(policy):
    """An error is a reason to reject the submission; a warning is a question it will raise."""
    levels = {code.value: check.level for code, check in policy.lint.checks.items()}
    assert levels == {code: level for level, codes in LINT.items() for code in codes.split()}


def test_points(policy):
    """An identifier is proof; an advisory or a class wants an asset; CVEs want a product, too."""
    kinds = policy.correlation.evidence.kinds
    assert {kind: level.points for kind, level in kinds.items()} == POINTS


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("quality", "DFR"),
        ("transparency", "CAP"),
        ("emergency_directive", "CAP"),
        ("zero_day", "CAP"),
    ],
)
def test_what_a_person_answers_for(name, level):
    """Bad deliverables are a DFR; no transparency, a late directive or zero-day report, a CAP."""
    found = {one.id: one for one in triggers([], None, None, policy().triggers, AS_OF)}
    assert found[name].because.startswith(f"{level}: ")


def correlator(points, *names):
    """Return a correlator of open items of these names, with other points for the evidence."""
    own = policy()
    rules = own.correlation.evidence
    kinds = {
        kind: level.model_copy(update={"points": points.get(kind, level.points)})
        for kind, level in rules.kinds.items()
    }
    evidence = rules.model_copy(update={"kinds": kinds})
    correlation = own.correlation.model_copy(update={"evidence": evidence})
    rows = [
        item(f"V-{n}", weakness_name=name, weakness_source_identifier="")
        for n, name in enumerate(names, 1)
    ]
    return Correlator(
        items(*rows), AssetIndex(), own.model_copy(update={"correlation": correlation})
    )


def verdicts(points, *names):
    """Hold the weakness NAME on the items' asset against them: POA&M IDs and verdicts."""
    against = correlator({"asset": 0} | points, *names)
    place = SimpleNamespace(asset_identifier="web-01", location="", port=0, parameter="")
    weakness = SimpleNamespace(
        detector="Nessus",
        source_identifier="10001",
        name=NAME,
        cves=(),
        original_risk_rating="High",
    )
    return [
        (link.candidate.poam_id, link.verdict)
        for link in against.of(against.weakness(weakness, [place]))
    ]


@pytest.mark.parametrize(
    ("points", "found"),
    [
        pytest.param(101, [("V-1", "linked")], id="101"),
        pytest.param(100, [("V-1", "linked")], id="100 links"),
        pytest.param(99, [("V-1", "review")], id="99 asks"),
        pytest.param(70, [("V-1", "review")], id="70 asks"),
        pytest.param(69, [], id="69 is new"),
    ],
)
def test_from_which_sum_on(points, found):
    """From 100 points on an item is linked, from 70 on a person is asked."""
    assert verdicts({"title": points}, NAME) == found


@pytest.mark.parametrize(
    ("lead", "verdict"),
    [
        pytest.param(16, "linked", id="16 better"),
        pytest.param(15, "linked", id="15 better is clearly better"),
        pytest.param(14, "review", id="14 better is as near"),
    ],
)
def test_by_how_much_the_better_item_is_better(lead, verdict):
    """Of two items that reach the sum the better one must lead by 15, else a person is asked."""
    found = verdicts({"title": 120, "title_near": 120 - lead}, NAME, LIKE_IT)
    assert found[0] == ("V-1", verdict)
    assert len(found) == (1 if verdict == "linked" else 2)


@pytest.mark.parametrize(
    ("title", "other", "verdict"),
    [
        pytest.param("Tomcat Request Smuggling", "Tomcat Reques Smugg", "same", id="88.4 %"),
        pytest.param("Telnet Service Enabled", "Telnet Servic Ena", "near", id="87.2 %"),
        pytest.param("Directory Listing Enabled", "Director Lis Ena", "near", id="78.05 %"),
        pytest.param("Telnet Service Enabled", "Telnet Ser Ena", "other", id="77.8 %"),
        pytest.param(
            "Directory Listing Shown 2",
            "Directory Listing Shown in Apache",
            "same",
            id="95.8 % of the words in common",
        ),
        pytest.param(
            "Open Redirection Possible 22",
            "Open Redirection Possible in Apache",
            "near",
            id="94.3 % of the words in common",
        ),
        pytest.param(
            "SUSE Enterprise Linux Security Update for xen",
            "SUSE Enterprise Li",
            "begins",
            id="18 letters of a cut title",
        ),
        pytest.param(
            "SUSE Enterprise Linux Security Update for xen",
            "SUSE Enterprise L",
            "other",
            id="17 letters of a cut title",
        ),
    ],
)
def test_how_alike_two_titles_are(title, other, verdict):
    """The same from 88 % on, or 95 % of common words; near from 78 %; cut from 18 letters on."""
    assert TitleReader(policy().correlation.titles).likeness(title, other).verdict == verdict


CLOSED_ON = datetime(2026, 10, 20)  # noqa: DTZ001 - a scanner's local time has no zone
LISTED = pd.DataFrame(
    [("db-01", ("db-01",), True)], columns=["identifier", "names", "in_latest_scan"]
)
ADVISORY = {"name": "Tomcat Request Smuggling (USN-5991-1)", "cves": ("CVE-2026-0001",)}


def by(detector):
    """Return the records of one scanner that finds the weakness of one advisory on web-01."""
    return [
        definition(detector=detector, **ADVISORY),
        finding(detector=detector),
        scan(detector=detector),
    ]


@pytest.mark.parametrize(
    ("files", "given", "expected"),
    [
        pytest.param([seen("web-01")], {}, ["V-1 opened"], id="scope: all, late or not"),
        pytest.param(
            [seen("web-01", "web-02")],
            {"poam": [item()]},
            ["V-1 unchanged", "V-2 opened"],
            id="items: a new asset has a new row",
        ),
        pytest.param(
            [by("Nessus"), by("Qualys")], {}, ["V-1 opened"], id="items: two scanners, one item"
        ),
        pytest.param(
            [[scan()]],
            {"poam": [item()], "known": memory("web-01")},
            ["V-1 closed"],
            id="closing: one scan is enough",
        ),
        pytest.param(
            [[scan("db-01")]],
            {"poam": [item()], "inventory": LISTED, "inventoried": {"web-01": date(2026, 10, 26)}},
            ["V-1 closed"],
            id="closing: a host that left the inventory",
        ),
        pytest.param(
            [seen("web-01", day=CLOSED_ON + timedelta(days=7))],
            {"poam": [closed(supporting_documents="report.pdf")]},
            ["V-1 reopened"],
            id="recurrence: 7 days after the closing",
        ),
        pytest.param(
            [seen("web-01", day=CLOSED_ON + timedelta(days=8))],
            {"poam": [closed(supporting_documents="report.pdf")]},
            ["V-2 opened"],
            id="recurrence: 8 days after the closing",
        ),
        pytest.param(
            [seen("web-01", kind=Kind.CONFIGURATION)],
            {},
            ["V-1 opened", "V-2 opened"],
            id="configuration: the finding, and one item for all",
        ),
    ],
)
def test_what_the_project_chose(files, given, expected):
    """Where FedRAMP leaves a choice, a run without a site's own rules takes the one of the id."""
    assert [" ".join(one) for one in kinds(run(*files, **given))] == expected


@pytest.mark.parametrize(
    ("cisa", "due"),
    [
        pytest.param("2026-12-24", "2026-12-03", id="after the window"),
        pytest.param("2026-12-02", "2026-12-02", id="in the window"),
        pytest.param("2021-11-17", "2021-11-17", id="before the detection"),
    ],
)
def test_cisas_date_by_default(cisa, due):
    """The earlier date holds, and one before the detection is kept."""
    rules, day = policy().timelines, date.fromisoformat(cisa)
    found = deadline(RiskRating.HIGH, date(2026, 11, 3), day, rules)
    assert found.due == date.fromisoformat(due)
