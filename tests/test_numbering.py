"""The numbers of new items: the site's scheme goes on, and no ID is given twice."""

from datetime import date
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poam.numbering import LONGEST, poam_ids
from tests.core_support import AS_OF


def new(existing, prefix="V-", as_of=AS_OF, count=2):
    """Return the first new IDs."""
    return list(islice(poam_ids(existing, prefix, as_of), count))


@pytest.mark.parametrize(
    ("existing", "ids"),
    [
        pytest.param([], ["V-1", "V-2"], id="scenario-1 empty"),
        pytest.param(["V-1", "V-7"], ["V-8", "V-9"], id="after the highest, gaps stay"),
        pytest.param(["CSP-00450"], ["CSP-00451", "CSP-00452"], id="scenario-33 CSP-00450"),
        pytest.param(["12"], ["13", "14"], id="scenario-33 a bare number"),
        pytest.param(["POAM 17"], ["POAM 18", "POAM 19"], id="scenario-33 a blank inside"),
        pytest.param([" V-3 "], ["V-4", "V-5"], id="scenario-33 trailing spaces"),
        pytest.param(["V-1Example", ""], ["V-1", "V-2"], id="scenario-33 not numbered"),
        pytest.param(["V-3", "V-12a"], ["V-4", "V-5"], id="a letter behind is no number"),
        pytest.param(["V-3", "V-3", "V-3"], ["V-4", "V-5"], id="scenario-34 one on two sheets"),
        pytest.param(["V-2026"], ["V-2027", "V-2028"], id="a year is a number at the end"),
        pytest.param(["V-" + "9" * 30], [f"V-1{'0' * 30}", f"V-1{'0' * 29}1"], id="huge"),
    ],
)
def test_numbers_go_on_in_the_workbooks_scheme(existing, ids):
    """The workbook's prefix and the number after the highest; the site's where there is none."""
    assert new(existing) == ids


@pytest.mark.parametrize(
    ("existing", "ids"),
    [
        pytest.param(["V-99"], ["V-100", "V-101"], id="no padding to hold"),
        pytest.param(["V-098"], ["V-099", "V-100"], id="past the width"),
        pytest.param(["CSP-99998", "CSP-00001"], ["CSP-99999", "CSP-100000"], id="outgrown"),
        pytest.param(["V-01", "V-0002"], ["V-0003", "V-0004"], id="the longest padding"),
        pytest.param(["V-007", "V-8"], ["V-9", "V-10"], id="the newest is not padded any more"),
        pytest.param(["V-8", "V-008"], ["V-009", "V-010"], id="the newest both ways"),
        pytest.param(["V-000"], ["V-001", "V-002"], id="nothing but zeros"),
        pytest.param(["2026-10-012"], ["2026-11-001", "2026-11-002"], id="a new month"),
        pytest.param(
            ["2026-09-12", "2026-10-007"], ["2026-11-001", "2026-11-002"], id="newest by month"
        ),
        pytest.param(["2026-10-12"], ["2026-11-1", "2026-11-2"], id="a new month, unpadded"),
    ],
)
def test_padding_holds(existing, ids):
    """Numbers are as wide as the longest padded one, unless the newest is shorter than that."""
    assert new(existing) == ids


@pytest.mark.parametrize(
    ("existing", "ids"),
    [
        pytest.param(["A-1", "A-2", "B-90"], ["A-3", "A-4"], id="the commonest"),
        pytest.param(["A-5", "V-3"], ["V-4", "V-5"], id="a tie: the site's"),
        pytest.param(["A-5", "v-3"], ["v-4", "v-5"], id="a tie: the site's in other case"),
        pytest.param(["B-5", "A-3"], ["A-4", "A-5"], id="a tie of others: by text"),
        pytest.param(["v-12", "V-3", "V-4"], ["V-13", "V-14"], id="the commonest spelling"),
        pytest.param(["v-12", "V-3"], ["V-13", "V-14"], id="a tie of spellings: the site's"),
        pytest.param(
            ["2026-09-001", "2026-10-001", "V-1"], ["2026-11-001", "2026-11-002"], id="months count"
        ),
    ],
)
def test_the_commonest_scheme_wins(existing, ids):
    """IDs that differ in case or in their month are of one scheme."""
    assert new(existing) == ids


@pytest.mark.parametrize(
    ("existing", "as_of", "first"),
    [
        pytest.param(["2026-11-007"], "2026-11-30", "2026-11-008", id="the same month"),
        pytest.param(["2026-11-007"], "2026-12-01", "2026-12-001", id="the next month"),
        pytest.param(["2026-11-007"], "2027-11-01", "2027-11-001", id="the month a year later"),
        pytest.param(["2026-11-007"], "2026-10-31", "2026-11-008", id="a month to come is none"),
        pytest.param(["2026/11-7"], "2026-11-30", "2026/11-8", id="another separator"),
        pytest.param(["2026/11-7"], "2027-03-01", "2027/03-1", id="a month has two digits"),
        pytest.param(["2026/9-7"], "2027-03-01", "2027/3-1", id="unless it had one"),
        pytest.param(["X202611-07"], "2026-12-01", "X202612-01", id="no separator"),
        pytest.param(["HR-2026-014"], "2026-11-30", "HR-2026-015", id="the same year"),
        pytest.param(["HR-2026-014"], "2027-01-01", "HR-2027-001", id="the next year"),
        pytest.param(["CSP-2019-0452"], "2026-11-30", "CSP-2026-0001", id="an earlier year"),
        pytest.param(
            ["CSP-2019-0452", "CSP-2026-0003"], "2026-11-30", "CSP-2026-0004", id="several years"
        ),
        pytest.param(["CSP-2027-0452"], "2026-11-30", "CSP-2027-0453", id="a year to come is none"),
        pytest.param(["CSP-1999-0452"], "2026-11-30", "CSP-1999-0453", id="nor one so long ago"),
        pytest.param(["2026-V-0099"], "2026-11-30", "2026-V-0100", id="a word between"),
        pytest.param(["2026-13-007"], "2026-11-30", "2026-13-008", id="no month 13"),
        pytest.param(["2026-11-03-07"], "2026-11-30", "2026-11-03-08", id="a day is not read"),
        pytest.param(["11-2026-07"], "2027-01-01", "11-2026-08", id="nor a month in front"),
        pytest.param(["1-2026-07"], "2027-01-01", "1-2026-08", id="of one digit"),
        pytest.param(["12026-07"], "2027-01-01", "12026-08", id="nor a part of a number"),
        pytest.param(["V2-2026-07"], "2027-01-01", "V2-2027-01", id="a digit of the name"),
        pytest.param(["20261107"], "2026-12-01", "20261108", id="digits alone are a number"),
    ],
)
def test_numbers_begin_again_with_the_date_in_the_prefix(existing, as_of, first):
    """A year, or year and month, not after as_of is a date; other digits never change."""
    assert new(existing, as_of=date.fromisoformat(as_of))[0] == first


def test_a_number_too_long_to_read_is_only_text():
    """It stops nothing, and is still an ID that somebody has, in whatever case."""
    assert new(["V-" + "9" * 5000, "V-7"]) == ["V-8", "V-9"]
    longest, following = f"V-{'9' * LONGEST}", f" v-1{'0' * LONGEST} "
    assert new([longest])[0] == following.strip().upper()
    assert new([longest, following])[0] == f"V-1{'0' * (LONGEST - 1)}1"


@pytest.mark.parametrize(
    ("prefix", "ids"),
    [
        pytest.param("ACME-", ["ACME-1", "ACME-2"], id="a word"),
        pytest.param("V-000", ["V-0001", "V-0002"], id="with padding"),
        pytest.param("V2", ["V21", "V22"], id="ends in a digit"),
        pytest.param("HR-2025-", ["HR-2026-1", "HR-2026-2"], id="dated"),
        pytest.param("", ["1", "2"], id="none"),
    ],
)
def test_the_sites_prefix_counts_where_there_is_none(prefix, ids):
    """A workbook without any number begins with the site's own scheme."""
    assert new([], prefix=prefix) == ids


WORDS = st.sampled_from(["V-", "v-", "CSP-0", "HR-2026-", "hr-2019-", "2026-11-", "2026/1-", ""])
NUMBERS = st.one_of(
    st.integers(0, 60).map(str), st.integers(0, 200).map("{:03}".format), st.integers(0).map(str)
)
IDS = st.one_of(
    st.builds("{}{}{}".format, WORDS, NUMBERS, st.sampled_from(["", "", "", " ", "a"])),
    st.text("vV-0129/ \u0130\u00df\u0663", max_size=8),
    st.text(max_size=12),
)
DAYS = st.sampled_from([AS_OF, date(2026, 1, 31), date(2027, 1, 1)])


@settings(deadline=None)
@given(st.lists(IDS), WORDS, DAYS)
def test_no_id_is_given_twice(existing, prefix, as_of):
    """Whatever IDs there are, new ones are unlike all of them and go on where they ended."""
    ids = new(existing, prefix, as_of, count=50)
    folded = {text.strip().casefold() for text in ids}
    assert len(folded) == 50
    assert not folded & {text.strip().casefold() for text in existing}
    assert new([*existing, *ids[:10]], prefix, as_of, count=40) == ids[10:]
