"""Asset identity: which names are one machine, and what an Asset Identifier cell lists."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from poam.asset_lines import AssetLine, asset_lines, asset_text
from poam.assets import asset_index, identified, with_assets
from poam.frames import merged, tables
from tests.core_support import batch, finding, policy, scan

FQDN = "web-01.corp.example"


def inventory(*rows):
    """Return an inventory of (identifier, names)."""
    return pd.DataFrame.from_records(list(rows), columns=["identifier", "names"])


def index(*scans, listed=None):
    """Return what the scans and the inventory say about names."""
    return asset_index(batch(*scans).coverage, listed, policy().assets)


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("web-01", [("web-01", 0, "")]),
        ("10.0.0.1 (443/tcp)", [("10.0.0.1", 443, "tcp")]),
        ("10.0.0.1 (443/TCP)", [("10.0.0.1", 443, "tcp")]),
        ("10.0.0.1(443/tcp)", [("10.0.0.1", 443, "tcp")]),
        ("10.0.0.1 ( 443 / tcp )", [("10.0.0.1", 443, "tcp")]),
        ("10.0.0.1 (443)", [("10.0.0.1", 443, "")]),
        ("10.0.0.1:443", [("10.0.0.1", 443, "")]),
        ("web-01\nweb-02", [("web-01", 0, ""), ("web-02", 0, "")]),
        ("web-01\r\n\r\n web-02 ", [("web-01", 0, ""), ("web-02", 0, "")]),
        ("web-01, web-02; web-03", [("web-01", 0, ""), ("web-02", 0, ""), ("web-03", 0, "")]),
        ("web-01 (80/tcp), web-01 (443/tcp)", [("web-01", 80, "tcp"), ("web-01", 443, "tcp")]),
        ("2001:db8::1", [("2001:db8::1", 0, "")]),
        ("2001:db8::1 (443/tcp)", [("2001:db8::1", 443, "tcp")]),
        ("[2001:db8::1]:443", [("2001:db8::1", 443, "")]),
        ("web-01 (tcp/443)", [("web-01", 443, "tcp")]),
        ("web-01 443/tcp", [("web-01", 443, "tcp")]),
        ("web-01 (443/tcp/www)", [("web-01", 443, "tcp")]),
        ("web-01 (443/tcp, 8443/tcp)", [("web-01", 443, "tcp"), ("web-01", 8443, "tcp")]),
        ("10.0.0.1:443/tcp", [("10.0.0.1", 443, "tcp")]),
        ("db-01 (primary)", [("db-01 (primary)", 0, "")]),
        ("", []),
        (" \n ", []),
    ],
)
def test_cell_spellings(cell, lines):
    """Lines, commas and semicolons part assets; port and protocol are read in every spelling."""
    assert [(x.name, x.port, x.protocol) for x in asset_lines(cell)] == lines


def test_web_addresses_are_pages_of_a_site():
    """A URL keeps its own text and commas; its page and its site have one spelling."""
    (line,) = asset_lines("HTTPS://Shop.example:443/a,b?q=1#top")
    assert line == AssetLine(
        "HTTPS://Shop.example:443/a,b?q=1#top",
        name="https://shop.example",
        location="https://shop.example/a,b?q",
    )


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("10.0.0.5-10.0.0.7", ["10.0.0.5", "10.0.0.6", "10.0.0.7"]),
        ("10.0.0.5 - 7", ["10.0.0.5", "10.0.0.6", "10.0.0.7"]),
        ("10.0.0.5\u20136 (443/tcp)", ["10.0.0.5", "10.0.0.6"]),
        ("10.0.0.5 to 10.0.0.6", ["10.0.0.5", "10.0.0.6"]),
        ("10.0.0.4/31", ["10.0.0.4", "10.0.0.5"]),
        ("10.0.0.0/8", []),
        ("10.0.0.9-10.0.0.5", []),
        ("10.0.0.5-10.0.9.5", []),
        ("999.0.0.1-5", []),
        ("web-01-05", []),
    ],
)
def test_ranges(line, names):
    """Each address of a range is a name of the line; one too large, or none, adds none."""
    (found,) = asset_lines(line)
    assert list(found.also) == names


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("WEB-01 / 10.0.0.5", ("WEB-01", "10.0.0.5")),
        ("WEB-01 / 10.0.0.5 (443/tcp)", ("WEB-01", "10.0.0.5")),
        ("web-01 (10.0.0.5)", ("web-01", "10.0.0.5")),
        ("10.0.0.5 (web-01)", ("10.0.0.5", "web-01")),
        ("web-01/10.0.0.5", ("web-01", "10.0.0.5")),
        ("10.0.0.5 | web-01", ("10.0.0.5", "web-01")),
        ("web-01 (prod)", ("web-01 (prod)",)),
        ("s.example/list", ("s.example/list",)),
    ],
)
def test_two_names_of_one_asset(line, names):
    """A name and an address on one line are one asset; other words in brackets are no name."""
    (found,) = asset_lines(line)
    assert found.names == names


@pytest.mark.parametrize(
    ("cell", "pages"),
    [
        ("https://s.example/a (parameter: q)", [("a", "q")]),
        ("https://s.example/a (param=q)", [("a", "q")]),
        ("https://s.example/a [q]", [("a", "q")]),
        ("https://s.example/a (q)", [("a", "q")]),
        ("https://s.example/a (parameters: q, r)", [("a", "q"), ("a", "r")]),
        ("https://s.example/a (parameter: q,r)", [("a", "q,r")]),
        ("https://s.example/a (parameter: get)", [("a", "get")]),
        ("https://s.example/a (GET)", [("a", "")]),
        ("GET https://s.example/a", [("a", "")]),
        ("https://s.example/a (3 instances)", [("a", "")]),
        ("https://s.example/a, https://s.example/b", [("a", ""), ("b", "")]),
        ("https://s.example/a https://s.example/b", [("a", ""), ("b", "")]),
        ("https://s.example/a;https://s.example/b", [("a", ""), ("b", "")]),
        ("https://s.example/a (parameter: q), https://s.example/b", [("a", "q"), ("b", "")]),
        ("https://s.example/a;jsessionid=1F", [("a", "")]),
        ("https://s.example/a;JSESSIONID=1F?x=1", [("a?x", "")]),
    ],
)
def test_pages_of_a_cell(cell, pages):
    """Every page with its parameter; neither method nor session is part of the place."""
    found = [
        (x.location.removeprefix("https://s.example/"), x.parameter) for x in asset_lines(cell)
    ]
    assert found == pages


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("web-01", "", 443, "tcp"), "web-01 (443/tcp)"),
        (("web-01", "", 443, ""), "web-01 (443)"),
        (("web-01", "", 0, ""), "web-01"),
        (("https://s.example", "https://s.example/a", 443, "tcp"), "https://s.example/a"),
    ],
    ids=["scenario-1 port and protocol", "port", "bare", "scenario-15 URL"],
)
def test_assets_are_written_as_the_template_asks(parts, text):
    """`identifier (port/protocol)`, less where less is known, or the URL; and it reads back."""
    assert asset_text(*parts) == text
    (line,) = asset_lines(text)
    assert line.text == text


def test_a_host_scanned_by_address_and_by_name_is_one_asset():
    """One record's address, FQDN and name tie together what other records call one of them."""
    found = index(
        scan("10.0.0.1", ips=("10.0.0.1",), fqdns=(FQDN,)),
        scan(FQDN, detector="Qualys"),
    )
    assert {found.identifier(n) for n in ("10.0.0.1", FQDN, FQDN.upper() + ".")} == {FQDN}


def test_ties_run_through_a_third_name():
    """Two records without a name in common are one asset where a third has a name of each."""
    found = index(
        scan("10.0.0.1", ips=("10.0.0.1",)),
        scan(FQDN),
        scan("agent-7", ips=("10.0.0.1",), fqdns=(FQDN,)),
    )
    assert {found.identifier(n) for n in ("10.0.0.1", FQDN, "agent-7")} == {FQDN}


@pytest.mark.parametrize("shared", ["localhost", "LOCALHOST.", "127.0.0.1", "::1", "unknown"])
def test_names_that_many_machines_carry_never_tie(shared):
    """`localhost` and its kind in two records do not make one asset of them."""
    found = index(
        scan("10.0.0.1", ips=("10.0.0.1", shared), fqdns=(shared,)),
        scan("10.0.0.2", ips=("10.0.0.2", shared), fqdns=(shared,)),
    )
    assert found.identifier("10.0.0.1") == "10.0.0.1"
    assert found.identifier("10.0.0.2") == "10.0.0.2"


def test_short_and_netbios_names_never_tie():
    """They repeat between networks, so they count only where the inventory lists them."""
    found = index(
        scan("10.0.0.1", ips=("10.0.0.1",), netbios="WEB", hostname="web"),
        scan("10.0.0.2", ips=("10.0.0.2",), netbios="WEB", hostname="web"),
    )
    assert found.identifier("10.0.0.1") != found.identifier("10.0.0.2")


def test_the_inventory_names_the_asset():
    """Any listed name stands for the inventory's identifier, and so do the names tied to it."""
    listed = inventory(("i-0abc", ("10.0.0.1", "web-01")))
    found = index(scan("10.0.0.1", ips=("10.0.0.1",), fqdns=(FQDN,)), listed=listed)
    assert {found.identifier(n) for n in ("10.0.0.1", FQDN, "WEB-01", "i-0abc")} == {"i-0abc"}
    assert found.in_inventory == {"i-0abc"}


def test_an_ambiguous_name_identifies_no_asset(caplog):
    """A name of two inventory rows points at neither, and a warning names it."""
    listed = inventory(("i-1", ("shared", "10.0.0.1")), ("i-2", ("shared", "10.0.0.2")))
    found = index(scan("shared"), listed=listed)
    assert found.identifier("shared") == "shared"
    assert found.ambiguous == {"shared"}
    assert found.identifier("10.0.0.1") == "i-1"
    assert "shared" in caplog.text


def test_a_scan_never_merges_two_inventory_assets():
    """A record with the addresses of two inventory rows leaves both as they are listed."""
    listed = inventory(("i-1", ("10.0.0.1",)), ("i-2", ("10.0.0.2",)))
    found = index(scan("vip", ips=("10.0.0.1", "10.0.0.2")), listed=listed)
    assert found.identifier("10.0.0.1") == "i-1"
    assert found.identifier("10.0.0.2") == "i-2"
    assert found.identifier("vip") not in {"i-1", "i-2"}


@pytest.mark.parametrize(
    ("record", "identifier"),
    [
        (scan("x", ips=("10.0.0.1",), fqdns=("b.example", "a.example")), "a.example"),
        (scan("x", ips=("10.0.0.9", "10.0.0.1")), "10.0.0.1"),
        (scan("x"), "x"),
    ],
    ids=["fqdn", "ip", "name"],
)
def test_without_an_inventory_the_policy_prefers(record, identifier):
    """FQDN before address before name, and the first in order of several alike."""
    assert index(record).identifier("x") == identifier


def test_a_name_never_met_is_its_own():
    """Nothing is guessed about a name that neither scan nor inventory gives."""
    assert index().identifier(" Stranger ") == "Stranger"


def test_frames_get_the_identifier():
    """Detections of either name of a host end up on one asset."""
    tables = batch(
        scan("10.0.0.1", ips=("10.0.0.1",), fqdns=(FQDN,)),
        finding("10.0.0.1"),
        finding(FQDN),
    )
    found = asset_index(tables.coverage, None, policy().assets)
    named = with_assets(tables, found, policy().assets).detections
    assert set(named["asset_identifier"]) == {FQDN}
    assert named["asset_identifier"].dtype == "str"


# Assets across time


def scanned(asset, fqdn=None, ip=None, ids=()):
    """Return the coverage of one host."""
    return scan(asset, fqdns=(fqdn,) if fqdn else (), ips=(ip,) if ip else (), ids=ids)


def test_an_address_that_two_hosts_had():
    """A lease moves on: the address ties nothing, and each host goes by its name."""
    names = ("web-01.example.gov", "db-01.example.gov")
    files = [
        tables([scanned("10.0.0.5", name, "10.0.0.5")], f"{name}.nessus", ZoneInfo("UTC"))
        for name in names
    ]
    both = merged(files)
    index = asset_index(both.coverage, None, policy().assets)
    assert index.contested == {"10.0.0.5"}
    said = "10.0.0.5: hosts of several names had it in these scans; it identifies none."
    assert index.notices == (said,)
    found = with_assets(both, index, policy().assets).coverage
    assert set(found["asset_identifier"]) == set(names)
    assert index.identifier("10.0.0.5") == "10.0.0.5"


@pytest.mark.parametrize(
    "second",
    [
        scanned("10.0.0.5", "web-01.corp.local", "10.0.0.5"),
        scanned("10.0.0.5", "web-new.example.gov", "10.0.0.5", ids=("agent 1f",)),
        scanned("10.0.0.5", None, "10.0.0.5"),
    ],
    ids=["another domain", "renamed, as its id says", "no name"],
)
def test_an_address_that_one_host_had(second):
    """One host under two domains, or renamed, is one host."""
    first = scanned("web-01.example.gov", "web-01.example.gov", "10.0.0.5", ids=("agent 1f",))
    index = asset_index(batch(first, second).coverage, None, policy().assets)
    assert index.contested == frozenset()
    assert index.identifier("10.0.0.5").startswith("web-")


def test_the_inventory_decides_whose_an_address_is():
    """An address that the inventory lists is that asset's, whatever names it had."""
    listed = pd.DataFrame({"identifier": ["heron-web"], "names": [("10.0.0.5",)]})
    hosts = [scanned("10.0.0.5", f"{name}.example.gov", "10.0.0.5") for name in ("a", "b")]
    index = asset_index(batch(*hosts).coverage, listed, policy().assets)
    assert index.identifier("10.0.0.5") == "heron-web"


def test_a_renamed_host_keeps_its_identifier():
    """An agent's or a cloud's id is the host's, whatever it is called this month."""
    renamed = scanned("app-9.example.gov", "app-9.example.gov", "10.0.0.9", ids=("aws i-0abc",))
    known = {"aws i-0abc": "app-1.example.gov"}
    index = asset_index(batch(renamed).coverage, None, policy().assets, known)
    assert index.identifier("app-9.example.gov") == "app-1.example.gov"
    assert index.identifier("10.0.0.9") == "app-1.example.gov"


def test_a_name_that_was_given_on():
    """Where another host has the old name now, the renamed one goes by its new name."""
    renamed = scanned("app-9.example.gov", "app-9.example.gov", ids=("aws i-0abc",))
    heir = scanned("app-1.example.gov", "app-1.example.gov", ids=("aws i-0def",))
    known = {"aws i-0abc": "app-1.example.gov"}
    index = asset_index(batch(renamed, heir).coverage, None, policy().assets, known)
    assert index.identifier("app-9.example.gov") == "app-9.example.gov"
    assert index.identifier("app-1.example.gov") == "app-1.example.gov"


def test_what_an_id_keeps():
    """After a run each id has the identifier its asset went by."""
    tables = batch(scanned("app-1.example.gov", "app-1.example.gov", ids=("aws i-0abc",)))
    found = with_assets(
        tables, asset_index(tables.coverage, None, policy().assets), policy().assets
    )
    assert identified(found.coverage) == {"aws i-0abc": "app-1.example.gov"}
