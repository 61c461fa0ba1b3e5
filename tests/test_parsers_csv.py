"""What parsers.csv promises."""

import io

import pytest

from parsers import csv
from parsers.export import Export
from poam.errors import ScanParseError

COLUMNS = ("IP", "QID")


def rows(content, encoding=None, **options):
    """Return the rows of a CSV given as text or bytes."""
    content = content.encode() if isinstance(content, str) else content
    export = Export(io.BytesIO(content), "x.csv", encoding=encoding)
    return list(csv.rows(export, "a report", COLUMNS, **options))


@pytest.mark.parametrize("preamble", [0, 1, 3, 7, 128, 1999])
def test_header_behind_a_preamble(preamble):
    """The header is found by its columns, in whatever order, behind up to 2000 lines."""
    content = '"Report, of ""2026"""\n' * preamble + "QID,Title,IP\n1,a,10.0.0.1\n"
    assert csv.has_columns(content.encode(), *COLUMNS)
    (row,) = rows(content)
    assert (row.get("IP"), row.get("qid"), row.line) == ("10.0.0.1", "1", preamble + 2)


def test_header_too_far():
    """Behind more lines than that it is no such file, and the reader says what it missed."""
    content = "x\n" * 2000 + "IP,QID\n"
    assert not csv.has_columns(content.encode(), *COLUMNS)
    with pytest.raises(ScanParseError) as error:
        rows(content)
    assert str(error.value) == (
        "x.csv, lines 1 to 2000: found no header with IP, QID. Expected a report."
    )


@pytest.mark.parametrize(
    "encoded",
    [
        "IP,QID\n10.0.0.1,é\n".encode(),
        "IP,QID\n10.0.0.1,é\n".encode("utf-8-sig"),
        "IP,QID\n10.0.0.1,é\n".encode("utf-16"),
        "IP,QID\n10.0.0.1,é\n".encode("utf-16-le"),
        b"IP;QID\r\n10.0.0.1;\xc3\xa9\r\n",
        b"IP\tQID\r\n10.0.0.1\t\xc3\xa9",
        b'\n\n" ip ","QID "\n"10.0.0.1"," \xc3\xa9 "\n',
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-le", "crlf ;", "tab, no end", "case and blanks"],
)
def test_encodings_and_delimiters(encoded):
    """Encoding, delimiter and line ends are those of the file."""
    assert csv.has_columns(encoded, *COLUMNS)
    assert [row.cells for row in rows(encoded)] == [{"ip": "10.0.0.1", "qid": "é"}]


def test_stated_encoding():
    """Another encoding is never guessed: it is refused with its line, or read as the site says."""
    content = "IP,QID\n10.0.0.1,1\n10.0.0.2,é\n".encode("latin-1")
    with pytest.raises(ScanParseError) as error:
        rows(content)
    assert str(error.value) == (
        "x.csv, line 3: found the byte 0xE9, which is not UTF-8. "
        "Expected a report in UTF-8 (another encoding is stated under site: encodings:)."
    )
    assert rows(content, encoding="latin-1")[1].get("QID") == "é"


def test_cells():
    """Cells may be large and have lines; blank rows and blank cells beyond the header go."""
    large = "x" * 200_000
    content = f'IP,QID\n,\n\n10.0.0.1,"a\r\nb"\n10.0.0.2,{large},,\n'
    first, second = rows(content)
    assert (first.get("QID"), first.line) == ("a\nb", 4)
    assert (second.get("QID"), second.line) == (large, 6)


def test_columns_without_a_name_of_their_own():
    """A blank or a repeated name is told by its place."""
    (row,) = rows("IP,,QID,,IP\n1,2,3,4,5\n")
    assert row.cells == {
        "ip": "1",
        "(column 2)": "2",
        "qid": "3",
        "(column 4)": "4",
        "(column 5)": "5",
    }


def test_rows_quoted_as_a_whole():
    """A row that was quoted once too often is taken apart again, the header too."""
    content = '"IP,""QID"",""Title"""\n"10.0.0.1,""1"",""a, """"b"""""""\n'
    assert csv.has_columns(content.encode(), *COLUMNS)
    (row,) = rows(content)
    assert row.cells == {"ip": "10.0.0.1", "qid": "1", "title": 'a, "b"'}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "x.csv: found no header with IP, QID"),
        ("IP,QID\n1,2\n3\n", "x.csv, line 3: found a row of 1 cells under a header of 2"),
        ("IP,QID\n1,2,3\n", "x.csv, line 2: found a row of 3 cells under a header of 2"),
        ('IP,QID\n1,2\n3,"4\n', r"x.csv, line 3: found broken CSV \(unexpected end of data\)"),
        ('IP,QID\n"1"2,3\n', r"x.csv, line 2: found broken CSV \("),
        ('IP,QID\n"1,2\n3"\n', r"x.csv, line 2: found broken CSV \("),
        ("IP,QID\r1,2\r", "x.csv, lines 1 to 1: found no header with IP, QID"),
    ],
    ids=["empty", "short", "long", "open quote", "text after a quote", "lines in it", "CR alone"],
)
def test_broken(content, said):
    """What does not fit its header is refused with the line, never padded or cut."""
    with pytest.raises(ScanParseError, match=said):
        rows(content)


def test_end():
    """Reading stops where a format's footer begins."""
    content = "IP,QID\n1,2\n----END\n3\n"
    assert len(rows(content, is_end=lambda cells: cells[:1] == ["----END"])) == 1


def test_beside():
    """What stands above the header and from the end on reaches those who ask for it."""
    content = '"Report","2026"\n\nIP,QID\n1,2\nEND\n"a b"\n\n'
    found = []
    assert len(rows(content, is_end=lambda cells: cells == ["END"], beside=found.append)) == 1
    assert found == [["Report", "2026"], [], ["END"], ["a b"], []]


def test_no_rows():
    """A header alone is an empty scan."""
    assert rows("IP,QID\n") == []


def test_raw_rows():
    """A file of several tables comes row by row as it stands, each with its line."""
    content = 'Title\n\nIP;QID\n"10.0.0.1";"1\n2";more\nOther\n'
    export = Export(io.BytesIO(content.encode()), "x.csv")
    assert list(csv.raw_rows(export, "a report", COLUMNS)) == [
        (1, ["Title"]),
        (2, []),
        (3, ["IP", "QID"]),
        (4, ["10.0.0.1", "1\n2", "more"]),
        (6, ["Other"]),
    ]


def test_raw_rows_without_the_table():
    """The columns that tell the delimiter have to be there."""
    with pytest.raises(ScanParseError, match="lines 1 to 1: found no header with IP, QID"):
        list(csv.raw_rows(Export(io.BytesIO(b"a,b"), "x.csv"), "a report", COLUMNS))
