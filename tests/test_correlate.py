"""Which item a weakness is: linked, to be reviewed, or new, whatever else is in the workbook."""

from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poam.assets import AssetIndex, asset_index
from poam.correlate import LINKS, Correlator
from poam.dedupe import sightings, weaknesses
from poam.ledger import memory_frame
from poam.severity import rate
from tests.benchmarks import correlation as benchmark
from tests.benchmarks.messy_rows import merged, messy
from tests.core_support import (
    AS_OF,
    batch,
    closed,
    definition,
    finding,
    item,
    items,
    policy,
    scan,
    seen,
)

UNNUMBERED = {"weakness_source_identifier": ""}
MANUAL = {"weakness_detector_source": "Assessment", "weakness_source_identifier": ""}
OPENSSH = "OpenSSH server allows weak key exchange algorithms"
TRAVERSAL = "Acme Gateway 9.1 Path Traversal"
PAGE = "https://s.example/list"


def links(records, *rows):
    """Hold records against rows; returns the verdicts as (poam_id, verdict)."""
    found = frame(records, *rows)
    return list(zip(found["poam_id"], found["verdict"], strict=True))


def frame(records, *rows):
    """Hold records against rows."""
    tables = batch(*records)
    index = asset_index(tables.coverage, None, policy().assets)
    named = tables.detections.assign(asset_identifier=tables.detections["asset"])
    places = sightings(named, tables.coverage, memory_frame(), AS_OF, policy())
    found = rate(weaknesses(places, tables.definitions, policy()), policy())
    return Correlator(items(*rows), index, policy()).links(found, places)


def named(name, cves=(), **given):
    """Return a scan that finds a weakness of this name on web-01."""
    described = {"detector": "Nessus", "identifier": "10001"} | given
    return [
        definition(described["identifier"], name=name, cves=cves, detector=described["detector"]),
        finding(**described),
        scan(detector=described["detector"]),
    ]


@pytest.mark.parametrize(
    ("detector", "identifier"),
    [
        ("Nessus", "10001"),
        ("Nessus", "10001.0"),
        ("nessus", "Plugin ID: 10001"),
        ("ACAS", "10001"),
        ("Qualys", "Nessus 10001; QID-241040"),
        ("Nessus", "10001, QID 241297"),
        ("Nessus", "Plugin 10001 / QID: 753275"),
        ("Nessus\nQualys", "10001\n38657"),
        ("Nessus", "10001, 10002"),
    ],
)
def test_the_identifier_links(detector, identifier):
    """The weakness's identifier under its own detector links, in every spelling."""
    row = item(weakness_detector_source=detector, weakness_source_identifier=identifier)
    assert links(seen("web-01"), row) == [("V-1", "linked")]


@pytest.mark.parametrize(
    ("detector", "identifier"),
    [
        pytest.param("Qualys", "10001", id="another scanner's number"),
        pytest.param("Nessus", "QID-10001", id="another scanner's by its prefix"),
        pytest.param("Nessus", "10002", id="another number"),
        pytest.param("Nessus", "N/A", id="a placeholder"),
        pytest.param("Qualys\nNessus", "10001\n10002", id="the other line's number"),
    ],
)
def test_anything_else_does_not_link(detector, identifier):
    """A number of another scanner, or none, proves nothing."""
    row = item(
        weakness_detector_source=detector,
        weakness_source_identifier=identifier,
        weakness_name="Something else",
    )
    assert links(seen("web-01"), row) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "linked"),
    [
        ("10038-1", "10038", True),
        ("10038-1", "10038-1", True),
        ("10038", "10038-2", True),
        ("10038-1", "10038-2", False),
        ("10038", "10020", False),
    ],
)
def test_variants_of_an_alert(mine, theirs, linked):
    """ZAP's `10038-1` is one of rule 10038, and not `10038-2`."""
    row = item(
        weakness_detector_source="ZAP",
        weakness_source_identifier=theirs,
        weakness_name="A flaw",
        asset_identifier=PAGE,
    )
    records = named("Another title", detector="ZAP", identifier=mine, location=PAGE)
    assert bool(links(records, row)) is linked


@pytest.mark.parametrize(
    "change",
    [
        {"weakness_name": "An entirely different title"},
        {"weakness_name": "x (USN-5991-1)", "cve": "CVE-1999-0001"},
        {"asset_identifier": "another-host"},
        {"original_risk_rating": "Low"},
    ],
    ids=["title", "advisory and CVE", "assets", "rating"],
)
def test_a_changed_row_stays_linked(change):
    """A new title, other assets or other CVEs do not break an identifier's link."""
    assert links(seen("web-01"), item(**change)) == [("V-1", "linked")]


def test_every_cohort_is_linked():
    """All rows with the identifier are: two detection dates, and the closed sheet."""
    rows = [item("V-1"), item("V-2", asset_identifier="web-02"), closed("V-3")]
    found = links(seen("web-01"), *rows)
    assert sorted(found) == [("V-1", "linked"), ("V-2", "linked"), ("V-3", "linked")]


def test_a_closed_twin_does_not_hide_the_open_one():
    """Where only the closed row kept the number, the open row is still found by its words."""
    rows = [closed("V-1"), item("V-2", **UNNUMBERED)]
    assert links(seen("web-01"), *rows) == [("V-1", "linked"), ("V-2", "linked")]


def test_a_number_keeps_its_cohorts_only():
    """Where an open row has the number, no other is proposed."""
    rows = [item("V-1", weakness_name="Other"), item("V-2", **UNNUMBERED)]
    assert links(seen("web-01"), *rows) == [("V-1", "linked")]


def test_a_row_of_two_plugins_links_each():
    """One item may carry two identifiers; each of them leads to it."""
    row = item(weakness_source_identifier="10001\n10002")
    records = [*seen("web-01"), *seen("web-01", identifier="10002")]
    assert links(records, row) == [("V-1", "linked"), ("V-1", "linked")]


def test_several_checks_on_several_pages_are_for_a_person():
    """Such a row does not say which check is on which page."""
    row = item(
        weakness_detector_source="ZAP",
        weakness_source_identifier="10038\n10020",
        asset_identifier=f"{PAGE}\n{PAGE}/b",
    )
    records = named("CSP", detector="ZAP", identifier="10038", location=PAGE)
    assert links(records, row) == [("V-1", "review")]


def test_a_tie_is_never_broken_in_silence():
    """Two rows that come as near are both shown, and the sentence says so."""
    rows = [item(f"V-{n}", weakness_name=TRAVERSAL, **UNNUMBERED) for n in (1, 2)]
    found = frame(named(TRAVERSAL), *rows)
    assert list(found["verdict"]) == ["review", "review"]
    assert found["evidence"].str.endswith("; several items come as near").all()


@pytest.mark.parametrize(
    ("records", "row", "verdicts"),
    [
        pytest.param(
            named(TRAVERSAL),
            item(weakness_name=TRAVERSAL, **UNNUMBERED),
            [("V-1", "linked")],
            id="this scanner's words, common asset",
        ),
        pytest.param(
            named(TRAVERSAL),
            item(weakness_name=TRAVERSAL, asset_identifier="web-02", **UNNUMBERED),
            [],
            id="no common asset",
        ),
        pytest.param(
            named("Apache < 2.4.58"),
            item(weakness_name="Apache < 2.4.56", **UNNUMBERED),
            [],
            id="another version",
        ),
        pytest.param(
            named(OPENSSH, ("CVE-2026-0001",)),
            item(weakness_name=OPENSSH, cve="CVE-2026-0002", **UNNUMBERED),
            [],
            id="contradicting CVE",
        ),
        pytest.param(
            named("Tomcat flaw", ("CVE-2026-0001",)),
            item(weakness_name="Old tomcat", cve="CVE-2026-0001", **MANUAL),
            [("V-1", "linked")],
            id="equal CVE sets, product and asset",
        ),
        pytest.param(
            named("Unlike", ("CVE-2026-0001",)),
            item(weakness_name="Wholly other", cve="CVE-2026-0001", **MANUAL),
            [("V-1", "review")],
            id="equal CVE sets and asset",
        ),
        pytest.param(
            named("Unlike", ("CVE-2026-0001", "CVE-2026-0002")),
            item(weakness_name="Wholly other", cve="CVE-2026-0001", **MANUAL),
            [],
            id="fewer CVEs and asset",
        ),
        pytest.param(
            named("Cross-site scripting"), item(weakness_name=OPENSSH, **MANUAL), [], id="unlike"
        ),
    ],
)
def test_three_verdicts(records, row, verdicts):
    """Linked from one sum on, for a person from a smaller one on, else new."""
    assert links(records, row) == verdicts


def test_evidence_is_in_words():
    """A link says which identifier, and every term of a sum."""
    assert frame(seen("web-01"), item())["evidence"][0] == "the scanner's own identifier"
    proposal = frame(named(TRAVERSAL), item(weakness_name=TRAVERSAL, **UNNUMBERED))
    words = "titles 100 % alike (70) + web-01 in common (30) = 100"
    assert list(proposal["evidence"]) == [words]


def test_nothing_to_link_keeps_the_columns():
    """An empty workbook gives an empty frame of the right columns."""
    found = frame(seen("web-01"))
    assert (len(found), list(found.columns)) == (0, list(LINKS))


# What holds whatever the rows. Few values, so that they meet.

TITLES = (
    "RHEL 8 : kernel (RHSA-2023:0440)",
    "RHEL 8 : kernel (RHSA-2023:0832)",
    "Red Hat Update for kernel (RHSA-2023:0440)",
    "Tomcat 9.0.x < 9.0.37 Request Smuggling",
    "Tomcat prior to 9.0.38",
    "Outdated tomcat",
    "Oracle Java SE (CPUJAN2018)",
    "SSL Certificate Cannot Be Trusted",
    "Cross Site Scripting (Reflected)",
    TRAVERSAL,
)
DETECTORS = ("Nessus", "Qualys", "ZAP")
NUMBERS = ("10001", "10002", "10038", "10038-1")
PLACES = ("web-01", "web-02.corp.example", "10.0.0.7 (443/tcp)", PAGE, f"{PAGE}/b")
CVES = ("CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003")


def some(values, **sizes):
    """Draw some of these."""
    return st.lists(st.sampled_from(values), unique=True, **sizes)


ROWS = st.builds(
    lambda title, detector, numbers, places, cves, sheet: {
        "weakness_name": title,
        "weakness_detector_source": detector,
        "weakness_source_identifier": "\n".join(numbers),
        "asset_identifier": "\n".join(places),
        "cve": "\n".join(cves),
        "sheet": sheet,
    },
    st.sampled_from(TITLES),
    st.sampled_from((*DETECTORS, "Assessment")),
    some(NUMBERS, max_size=2),
    some((*PLACES, "10.0.0.5-10.0.0.8"), min_size=1, max_size=2),
    some(CVES, max_size=2),
    st.sampled_from(("open", "open", "closed")),
)
FOUND = st.builds(
    lambda title, detector, number, place, cves: (title, detector, number, place, tuple(cves)),
    st.sampled_from(TITLES),
    st.sampled_from(DETECTORS),
    st.sampled_from(NUMBERS),
    st.sampled_from(("web-01", "web-02.corp.example", "10.0.0.7", PAGE)),
    some(CVES, max_size=2),
)
BOOKS = st.lists(ROWS, min_size=1, max_size=6)
FEW = settings(max_examples=60, deadline=None)


@cache
def _side(title, detector, number, place, cves):
    weakness = SimpleNamespace(
        detector=detector,
        source_identifier=number,
        name=title,
        cves=cves,
        original_risk_rating="High",
    )
    page = place if "://" in place else ""
    where = SimpleNamespace(asset_identifier=place, location=page, port=443, parameter="")
    return _correlator(()).weakness(weakness, [where])


def _correlator(book):
    rows = [item(f"V-{n}", row=9 + n, **row) for n, row in enumerate(book)]
    return Correlator(items(*rows), AssetIndex(), policy())


def verdicts(correlator, found):
    """Return what is said of a weakness, by POA&M ID."""
    return {
        link.candidate.poam_id: (link.verdict, link.match.words)
        for link in correlator.of(_side(*found))
    }


@FEW
@given(BOOKS, FOUND, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(book, found, chance):
    """Rows may stand in any order."""
    rows = [item(f"V-{n}", row=9 + n, **row) for n, row in enumerate(book)]
    shuffled = chance.sample(rows, k=len(rows))
    moved = [row | {"row": 9 + n} for n, row in enumerate(shuffled)]
    one, other = (Correlator(items(*r), AssetIndex(), policy()) for r in (rows, moved))
    assert verdicts(one, found) == verdicts(other, found)


@FEW
@given(BOOKS, st.lists(FOUND, min_size=2, max_size=4))
def test_the_order_of_weaknesses_changes_nothing(book, several):
    """What is said of a weakness does not depend on which were asked about before."""
    correlator = _correlator(book)
    forward = [verdicts(correlator, found) for found in several]
    assert forward == [verdicts(correlator, found) for found in reversed(several)][::-1]


@FEW
@given(BOOKS, FOUND)
def test_an_unrelated_row_changes_no_verdict(book, found):
    """A row of other hosts, numbers, CVEs and words is as if it were not there."""
    stranger = {
        "weakness_name": "Zebra Printer firmware hard-coded password (ZBR-99-0042)",
        "weakness_source_identifier": "999999",
        "asset_identifier": "printer-9\n192.0.2.9",
        "cve": "CVE-1999-9999",
        "sheet": "open",
    }
    assert verdicts(_correlator(book), found) == verdicts(_correlator([*book, stranger]), found)


@FEW
@given(BOOKS, FOUND, st.sampled_from(TITLES), st.sampled_from(TITLES))
def test_a_link_by_identifier_survives_any_title(book, found, mine, theirs):
    """Either side may be renamed as one likes: the rows with its number stay linked."""
    changed = [{**row, "weakness_name": theirs} for row in book]
    before, after = (
        {
            link.candidate.poam_id
            for link in _correlator(rows).of(_side(*asked))
            if link.match.by_identifier
        }
        for rows, asked in ((book, found), (changed, (mine, *found[1:])))
    )
    # Only a class that is of a parameter may change with a title, and no place here has one.
    assert before == after


@FEW
@given(BOOKS, FOUND)
def test_no_link_crosses_a_veto(book, found):
    """What is linked or proposed has no veto, reaches its sum, and says so."""
    correlator = _correlator(book)
    rules = policy().correlation.evidence
    for link in correlator.of(_side(*found)):
        match = correlator._weigher.weigh(_side(*found), link.candidate.side)
        assert not match.veto
        assert match == link.match
        assert match.points >= (rules.link_at if link.verdict == "linked" else rules.review_at)


@FEW
@given(BOOKS, FOUND)
def test_the_indices_leave_nothing_out(book, found):
    """Every row that would be linked, weighed one by one, is found through the indices."""
    correlator = _correlator(book)
    side = _side(*found)
    candidates = {row.poam_id for row in correlator._block.near(side)}
    for row in correlator._rows:
        match = correlator._weigher.weigh(side, row.side)
        if match.points >= policy().correlation.evidence.link_at:
            assert row.poam_id in candidates, match.words


@pytest.fixture(scope="module")
def labelled(shared):
    """Return the labelled cases and rows of the benchmark."""
    folder = shared / "correlation"
    if not (folder / "corr_dev.csv").is_file():
        pytest.skip("the labelled cases are not beside the project (../shared/correlation)")
    return [benchmark.read(folder / name) for name in ("corr_dev.csv", "poam_rows_dev.csv")]


def test_the_labelled_cases(labelled):
    """No wrong merge, nearly all found, and few questions."""
    cases, rows = labelled
    correlator = Correlator(benchmark.items(rows), AssetIndex(), policy())
    said = list(benchmark.predictions(cases, correlator, policy()))
    found = benchmark.scores(cases, said)
    positives = sum(case["expected_poam_id"] not in ("", "NEW") for case in cases)
    assert found["wrong"] == 0
    assert found["linked"] / positives >= 0.96
    assert found["review"] <= 15


@pytest.mark.parametrize("seed", [3, 7])
def test_messier_rows_merge_nothing_wrongly(labelled, seed):
    """Typos, lost columns, wrong detectors and merged rows cost matches, never a wrong one."""
    cases, rows = labelled
    damaged, gone = merged(messy(rows, seed), seed)
    moved = [
        case | {"expected_poam_id": gone.get(case["expected_poam_id"], case["expected_poam_id"])}
        for case in cases
    ]
    correlator = Correlator(benchmark.items(damaged), AssetIndex(), policy())
    found = benchmark.scores(moved, list(benchmark.predictions(moved, correlator, policy())))
    assert found["wrong"] == 0


def test_the_damage_can_be_repeated():
    """One seed, one result: a failing run can be looked at again."""
    rows = [
        {
            "POAM ID": f"V-{n}",
            "Weakness Name": TITLES[n],
            "Weakness Detector Source": "Nessus",
            "Weakness Source Identifier": "1",
            "CVE": "",
        }
        for n in range(9)
    ]
    assert messy(rows, 3) == messy(rows, 3)
