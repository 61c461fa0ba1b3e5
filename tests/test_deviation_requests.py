"""Rows for the Deviation Request Form: which items need one, and what is filled in."""

from datetime import date

import openpyxl
import pandas as pd
import pytest

from poam.deviation_requests import FORM, REQUESTS, deviation_requests
from tests.core_support import AS_OF, batch, closed, definition, item, items, policy

DUE = date(2026, 12, 5)


def requests(*poam, definitions=None, as_of=AS_OF):
    """Return the requests of items as records."""
    frame = deviation_requests(items(*poam), definitions, as_of, policy())
    assert list(frame.columns) == [*FORM, "why"]
    assert dict(frame.dtypes.astype(str)) == REQUESTS
    return frame.to_dict("records")


def one(definitions=None, **given):
    """Return the only request of one item, a pending false positive where nothing else is."""
    given = {"scheduled_completion_date": DUE, "false_positive": "Pending"} | given
    (request,) = requests(item(**given), definitions=definitions)
    return request


def said(
    adjustment="No", false_positive="No", requirement="No", vendor="No", rating="High", adjusted=""
):
    """Return an item by what its deviation columns say."""
    return item(
        risk_adjustment=adjustment,
        false_positive=false_positive,
        operational_requirement=requirement,
        vendor_dependency=vendor,
        original_risk_rating=rating,
        adjusted_risk_rating=adjusted,
        scheduled_completion_date=DUE,
    )


LOWERED = {"adjustment": "Yes", "adjusted": "Moderate"}


@pytest.mark.parametrize(
    ("given", "types"),
    [
        pytest.param({}, [], id="nothing asked for"),
        pytest.param({"adjustment": "Pending"}, ["RA"], id="scenario-52 RA pending"),
        pytest.param({"false_positive": "Pending"}, ["FP"], id="scenario-52 FP pending"),
        pytest.param(
            {"requirement": "Pending", "rating": "Moderate"}, ["OR"], id="scenario-52 OR pending"
        ),
        pytest.param({"requirement": "Pending"}, ["OR RA"], id="scenario-29 OR pending on a High"),
        pytest.param({"requirement": "Yes"}, ["OR RA"], id="scenario-29 OR approved on a High"),
        pytest.param({"requirement": "Yes", "rating": "Moderate"}, [], id="OR approved"),
        pytest.param({"requirement": "Yes", **LOWERED}, [], id="OR approved, High lowered"),
        pytest.param({"requirement": "Pending", **LOWERED}, ["OR"], id="OR pending, High lowered"),
        pytest.param({"vendor": "Yes"}, ["RA"], id="scenario-30 VD on a High"),
        pytest.param({"vendor": "Yes", "rating": "Moderate"}, [], id="VD on a Moderate"),
        pytest.param({"vendor": "Yes", **LOWERED}, [], id="scenario-30 VD, High lowered"),
        pytest.param(
            {"vendor": "Yes", "adjustment": "Pending", "adjusted": "Moderate"},
            ["RA"],
            id="VD on a High until the adjustment is approved",
        ),
        pytest.param(
            {"vendor": "Yes", "rating": "Low", "adjustment": "Yes", "adjusted": "High"},
            ["RA"],
            id="VD on a Low raised to High",
        ),
        pytest.param(
            {"vendor": "Yes", "requirement": "Pending"}, ["OR RA"], id="VD and OR are one request"
        ),
        pytest.param(
            {"adjustment": "Pending", "requirement": "Pending", "rating": "Low"},
            ["OR RA"],
            id="RA and OR are one request",
        ),
        pytest.param(
            {"adjustment": "Pending", "requirement": "Yes", "rating": "Moderate"},
            ["RA"],
            id="RA pending beside an approved OR",
        ),
        pytest.param(
            {"adjustment": "Pending", "false_positive": "Pending"},
            ["FP", "RA"],
            id="FP is a request of its own",
        ),
        pytest.param(
            {"false_positive": "Yes", "vendor": "Yes", "requirement": "Yes"},
            [],
            id="an approved FP needs nothing else",
        ),
        pytest.param(
            {"false_positive": "Yes", "adjustment": "Pending"}, ["RA"], id="but what is pending is"
        ),
        pytest.param({"adjustment": " Pending "}, ["RA"], id="blanks around the word"),
        pytest.param(
            dict.fromkeys(("adjustment", "false_positive", "requirement", "vendor"), ""),
            [],
            id="v3.0 blank is no",
        ),
        pytest.param(
            dict.fromkeys(("adjustment", "false_positive", "requirement", "vendor"), "N/A"),
            [],
            id="nor is N/A a yes",
        ),
        pytest.param({"vendor": "Yes", "rating": ""}, [], id="no rating is no High"),
    ],
)
def test_which_requests_an_item_needs(given, types):
    """What is Pending, and a risk adjustment where a High may be no VD or OR."""
    assert [request["Type of DR"] for request in requests(said(**given))] == types


def test_every_sheet_but_the_closed_one_counts():
    """A closed item has no request; a configuration finding's is like any other."""
    config = item("V-2", sheet="configuration", false_positive="Pending")
    found = requests(closed(false_positive="Pending", vendor_dependency="Yes"), config)
    assert [request["POA&M ID"] for request in found] == ["V-2"]


def test_the_row_fills_the_form():
    """scenario-52: ID, Scan ID, CVE, assets, ratings and dates are the row's own."""
    found = one(
        poam_id="V-7",
        cve="CVE-2026-0001\nCVE-2026-0002",
        asset_identifier="web-01 (443/tcp)\nweb-02",
        weakness_description="What it is.",
        deviation_rationale="False Positive : The package is backported.",
    )
    assert {name: value for name, value in found.items() if value} == {
        "POA&M ID": "V-7",
        "Scan ID": "10001",
        "CVE": "CVE-2026-0001\nCVE-2026-0002",
        "Assets Impacted": "web-01 (443/tcp)\nweb-02",
        "Vulnerability Name": "Weakness 10001",
        "Vulnerability Source": "Nessus",
        "Initial Risk Rating": "High",
        "CVSS Base Score": pytest.approx(float("nan"), nan_ok=True),
        "Original Detection Date": date(2026, 10, 6),
        "Tool-Provided Vulnerability Description": "What it is.",
        "Type of DR": "FP",
        "DR Rationale": "False Positive : The package is backported.",
        "why": found["why"],
    }


def scans(*records):
    """Return the definitions of one export."""
    return batch(*records).definitions


BOTH = {
    "weakness_detector_source": "Nessus\nQualys",
    "weakness_source_identifier": "10001\n38657",
}


@pytest.mark.parametrize(
    ("given", "definitions", "score"),
    [
        pytest.param({}, [definition(cvss3_base=7.8, cvss2_base=9.0)], 7.8, id="v3 before v2"),
        pytest.param({}, [definition(cvss3_base=None, cvss2_base=6.5)], 6.5, id="v2 without v3"),
        pytest.param({}, [definition(cvss3_base=None)], None, id="no score"),
        pytest.param({}, [definition(cvss3_base=0.0)], 0.0, id="zero is a score"),
        pytest.param({}, [definition("10002")], None, id="another identifier's"),
        pytest.param({}, [definition(detector="Qualys")], None, id="another scanner's"),
        pytest.param(
            {"weakness_source_identifier": "Plugin ID: 10001"},
            [definition(cvss3_base=7.8)],
            7.8,
            id="a prefix before the identifier",
        ),
        pytest.param(
            BOTH,
            [definition(cvss3_base=7.8), definition("38657", detector="Qualys")],
            9.8,
            id="two scanners: the worst",
        ),
        pytest.param(
            {"weakness_detector_source": "Qualys WAS"},
            [definition(detector="Qualys WAS", cvss3_base=7.8)],
            7.8,
            id="a scanner that shares its vendor's series",
        ),
        pytest.param(
            {"weakness_detector_source": "Penetration test", "weakness_source_identifier": "None"},
            [definition()],
            None,
            id="no scanner",
        ),
    ],
)
def test_the_score_is_the_scanners(given, definitions, score):
    """CVSS v3 where there is one, else v2, the worst over the item's identifiers."""
    found = one(scans(*definitions), **given)["CVSS Base Score"]
    assert found == score if score is not None else pd.isna(found)


def test_tool_provided_is_what_the_scanner_says():
    """The scanner's own words, each once; the row's description where no scan is at hand."""
    words = {"description": "The tool's words.", "solution": "Update it."}
    other = words | {"detector": "Qualys", "solution": "Patch it."}
    found = one(
        scans(definition(**words), definition("38657", **other)),
        weakness_description="An analyst's words.",
        remediation_plan="Move to the next release.",
        **BOTH,
    )
    assert found["Tool-Provided Vulnerability Description"] == "The tool's words."
    assert found["Tool-Provided Recommeded Action"] == "Update it.\n\nPatch it."
    alone = one(weakness_description="An analyst's words.", remediation_plan="Move on.")
    assert alone["Tool-Provided Vulnerability Description"] == "An analyst's words."
    assert alone["Tool-Provided Recommeded Action"] == ""


@pytest.mark.parametrize(
    ("given", "requested"),
    [
        pytest.param({"adjustment": "Pending", "adjusted": "Moderate"}, "Moderate", id="pending"),
        pytest.param({"vendor": "Yes", "adjusted": "Low"}, "Low", id="needed"),
        pytest.param({"adjustment": "Pending", "adjusted": ""}, "", id="v3.0 blank"),
        pytest.param({"adjustment": "Pending", "adjusted": "N/A"}, "", id="N/A"),
        pytest.param({"adjustment": "Pending", "adjusted": "None"}, "", id="None"),
        pytest.param({"false_positive": "Pending", "adjusted": "Low"}, "", id="not for an FP"),
        pytest.param(
            {"requirement": "Pending", "rating": "Moderate", "adjusted": "Low"},
            "",
            id="not for an OR alone",
        ),
        pytest.param(
            {"vendor": "Yes", "rating": "Low", "adjustment": "Yes", "adjusted": "High"},
            "",
            id="not what is approved already",
        ),
    ],
)
def test_the_requested_rating_is_one_the_row_says(given, requested):
    """Adjusted Risk Rating, for a risk adjustment that is not approved yet."""
    (found,) = requests(said(**given))
    assert found["Requested Risk Rating/Impact"] == requested


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"adjustment": "Pending"}, ["risk adjustment is Pending"], id="RA"),
        pytest.param({"false_positive": "Pending"}, ["false positive is Pending"], id="FP"),
        pytest.param(
            {"requirement": "Pending"},
            ["operational requirement is Pending", "on a High needs a risk adjustment"],
            id="OR on a High",
        ),
        pytest.param(
            {"vendor": "Yes"}, ["vendor dependency on a High needs a risk adjustment"], id="VD"
        ),
        pytest.param(
            {"false_positive": "Pending"}, ["urgent", "the first POA&M"], id="a High at once"
        ),
        pytest.param(
            {"adjustment": "Pending", "rating": "Moderate"}, ["the third POA&M"], id="a Moderate RA"
        ),
    ],
)
def test_why_gives_every_reason(given, words):
    """What is pending or missing, and how soon its kind of request is wanted."""
    (found,) = requests(said(**given))
    assert all(word in found["why"] for word in words)


@pytest.mark.parametrize(
    ("as_of", "days", "urgent"),
    [
        pytest.param("2026-11-30", "days left: 5", False, id="before"),
        pytest.param("2026-12-04", "days left: 1", False, id="the day before"),
        pytest.param("2026-12-05", "", True, id="the due date itself is too late"),
        pytest.param("2026-12-06", "", True, id="after"),
    ],
)
def test_a_request_comes_before_the_due_date(as_of, days, urgent):
    """Never on the due date or after it."""
    moderate = said(false_positive="Pending", rating="Moderate")
    (found,) = requests(moderate, as_of=date.fromisoformat(as_of))
    assert "2026-12-05" in found["why"]
    assert days in found["why"]
    assert ("urgent" in found["why"]) == urgent
    assert "third POA&M" not in found["why"]


def test_the_next_due_comes_first():
    """By due date; what has none comes last and says so."""
    pending = {"false_positive": "Pending"}
    found = requests(
        item("V-1", scheduled_completion_date=None, **pending),
        item("V-2", scheduled_completion_date=date(2026, 12, 9), **pending),
        item("V-3", scheduled_completion_date=DUE, risk_adjustment="Pending", **pending),
    )
    order = [(request["POA&M ID"], request["Type of DR"]) for request in found]
    assert order == [("V-3", "FP"), ("V-3", "RA"), ("V-2", "FP"), ("V-1", "FP")]
    assert "no scheduled completion date" in found[-1]["why"]


@pytest.mark.filterwarnings("ignore:Data Validation extension is not supported")
def test_columns_are_the_forms(shared):
    """The form's first columns, as it writes and orders them, but for surrounding blanks."""
    path = shared / "templates" / "FedRAMP-Vulnerability-Deviation-Request-Form.xlsx"
    if not path.is_file():
        pytest.skip("the Deviation Request Form is not beside the project")
    sheet = openpyxl.load_workbook(path)["DR Sheet"]
    assert tuple(cell.value.strip() for cell in sheet[10][: len(FORM)]) == FORM
