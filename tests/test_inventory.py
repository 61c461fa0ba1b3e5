"""The integrated inventory workbook: which names belong to which asset identifier."""

import openpyxl
import pytest

from poam.errors import InventoryError
from poam.workbook import read_inventory
from tests.core_support import policy

HEADER = [
    "",
    "UNIQUE ASSET IDENTIFIER",
    "IPv4 or IPv6\nAddress",
    "DNS Name or URL",
    "NetBIOS Name",
    "MAC Address",
    "In Latest Scan",
]


def asset(identifier, ips="", dns="", netbios="", mac="", scanned="Yes", label=""):
    """Return a row."""
    return [label, identifier, ips, dns, netbios, mac, scanned]


@pytest.fixture
def inventory(tmp_path):
    """Return a function that writes an inventory and reads it."""

    def read(*rows, header=HEADER, above=1, sheet="Inventory"):
        book = openpyxl.Workbook()
        page = book.active
        page.title = sheet
        for _ in range(above):
            page.append(["Integrated Inventory Workbook"])
        for row in (header, *rows):
            page.append(row)
        book.save(tmp_path / "inventory.xlsx")
        return read_inventory(tmp_path / "inventory.xlsx", policy().assets.inventory)

    return read


def test_an_asset_has_all_its_names(inventory):
    """Addresses, names and MAC addresses, each once, however the cell separates them."""
    row = asset(
        "i-1", "10.0.0.1\n2001:db8::1", "web-01.example, www.example", "WEB", "00:0a", "Yes"
    )
    (found,) = inventory(row).itertuples()
    assert found.identifier == "i-1"
    assert found.names == (
        "10.0.0.1",
        "2001:db8::1",
        "web-01.example",
        "www.example",
        "WEB",
        "00:0a",
    )
    assert found.in_latest_scan


@pytest.mark.parametrize(
    ("word", "scanned"), [("Yes", True), ("YES", True), ("No", False), ("", False)]
)
def test_in_latest_scan(inventory, word, scanned):
    """Only Yes is yes."""
    assert list(inventory(asset("i-1", scanned=word))["in_latest_scan"]) == [scanned]


@pytest.mark.parametrize(
    "label", ["GUIDANCE", "Valid Values", "Mandatory or Optional?", "Container Example"]
)
def test_rows_that_explain_are_no_assets(inventory, label):
    """The guidance and example rows of the blank template are left out."""
    found = inventory(asset("An example", label=label), asset("i-1"))
    assert list(found["identifier"]) == ["i-1"]


def test_rows_without_identifier_are_no_assets(inventory):
    """An empty row, or one that only has an address, lists nothing."""
    assert list(inventory(asset(""), asset("", "10.0.0.1"), asset("i-1"))["identifier"]) == ["i-1"]


@pytest.mark.parametrize("above", [0, 1, 10])
def test_the_header_is_found_by_its_text(inventory, above):
    """Rows above it, the order of its columns, case and line breaks do not matter."""
    header = [HEADER[0], *(h.lower() for h in HEADER[:0:-1])]
    row = asset("i-1", "10.0.0.1")
    found = inventory([row[0], *row[:0:-1]], header=header, above=above)
    assert list(found["identifier"]) == ["i-1"]
    assert list(found["names"]) == [("10.0.0.1",)]


def test_a_missing_column_has_no_names(inventory):
    """Only the identifier is required."""
    assert list(inventory(["", "i-1"], header=HEADER[:2])["names"]) == [()]


def test_a_number_is_text(inventory):
    """Excel makes 1001.0 of an identifier that is a number."""
    assert list(inventory(asset(1001))["identifier"]) == ["1001"]


def test_an_identifier_listed_twice_is_refused(inventory):
    """It would not say which asset is meant."""
    with pytest.raises(InventoryError, match="found i-1 more than once"):
        inventory(asset("i-1", "10.0.0.1"), asset("i-1", "10.0.0.2"))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sheet": "Assets"}, "no sheet 'Inventory'"),
        ({"header": ["", "Asset"]}, "no column 'UNIQUE ASSET IDENTIFIER'"),
        ({"above": 25}, "no column 'UNIQUE ASSET IDENTIFIER'"),
    ],
    ids=["sheet", "column", "header too far down"],
)
def test_what_is_no_inventory_is_refused(inventory, given, named):
    """The error names the file and what was looked for."""
    with pytest.raises(InventoryError, match=r"inventory\.xlsx") as e:
        inventory(asset("i-1"), **given)
    assert named in str(e.value)


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    """Another file, or none, is an InventoryError."""
    path = tmp_path / "inventory.xlsx"
    for content in (None, "text"):
        if content:
            path.write_text(content, encoding="utf-8")
        with pytest.raises(InventoryError, match=r"inventory\.xlsx"):
            read_inventory(path, policy().assets.inventory)


def test_an_empty_inventory_lists_nothing(inventory):
    """A header without rows is an inventory of no asset."""
    assert len(inventory()) == 0
