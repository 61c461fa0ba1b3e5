"""The gates of a submission: each figure at its threshold, and the assets behind it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from pydantic import ValidationError

from poam.assets import asset_index, with_assets
from poam.frames import merged, tables
from poam.gate_rules import Gates
from poam.gates import GATES, Host, gates, gates_frame
from poam.model import Authenticated
from poam.policy import read_mapping
from tests.core_support import AS_OF, SCANNED, policy, scan

MAPPING = read_mapping("gates.yaml")
YES, PARTIAL, NO, UNKNOWN = (
    Authenticated.YES,
    Authenticated.PARTIAL,
    Authenticated.NO,
    Authenticated.UNKNOWN,
)
IMAGES = "Qualys Container Security"
SITE = "https://portal.example.gov:8443"


def ruled(**changes):
    """The project's gates, with some values of some of them."""
    return Gates.model_validate(
        MAPPING | {name: MAPPING[name] | values for name, values in changes.items()}
    )


def inventory(*assets):
    """An inventory of identifiers, or of (identifier, names, marked In Latest Scan)."""
    lines = [(one, (), True) if isinstance(one, str) else one for one in assets]
    return pd.DataFrame.from_records(lines, columns=["identifier", "names", "in_latest_scan"])


def judged(*scans, listed=None, rules=None, as_of=AS_OF):
    """The gates of some scans, by their names; each of `scans` is a record or (file, record)."""
    files = {}
    for one in scans:
        file, record = one if isinstance(one, tuple) else ("scan.nessus", one)
        files.setdefault(file, []).append(record)
    found = merged(tables(records, file, ZoneInfo("UTC")) for file, records in files.items())
    index = asset_index(found.coverage, listed, policy().assets)
    coverage = with_assets(found, index, policy().assets).coverage
    made = gates(coverage, listed, index, as_of, rules or ruled(), frozenset({IMAGES}))
    return {gate.id: gate for gate in made}


def looks(count, authenticated, start=0):
    """One scan of each of so many assets."""
    numbers = range(start, start + count)
    return [scan(f"web-{number:04}", authenticated=authenticated) for number in numbers]


def site(asset=SITE, **given):
    """A scan of a web site that does not say whether it logged in."""
    return scan(asset, **{"detector": "ZAP", "authenticated": UNKNOWN} | given)


def image(asset="registry.example/app:1.2", day=SCANNED, **given):
    """A scan of a container image."""
    return scan(asset, detector=IMAGES, ended=day, authenticated=UNKNOWN, **given)


def assets(gate):
    """The identifiers behind a figure."""
    return [host.asset for host in gate.hosts]


@pytest.mark.parametrize(
    ("without", "total", "below", "flagged"),
    [
        pytest.param(99, 1000, "0.10", False, id="scenario-49 9.9 % passes"),
        pytest.param(100, 1000, "0.10", True, id="scenario-49 10.0 % is flagged"),
        pytest.param(1, 10, "0.10", True, id="scenario-49 1 of 10 is flagged"),
        pytest.param(1, 11, "0.10", False, id="1 of 11 passes"),
        pytest.param(0, 1, "0.10", False, id="none passes"),
        pytest.param(7, 100, "0.07", True, id="no binary fraction moves the limit"),
    ],
)
def test_unauthenticated_share(without, total, below, flagged):
    """A tenth of the assets scanned without a login is flagged, less is not."""
    rules = ruled(unauthenticated={"below": below})
    scans = [*looks(without, NO), *looks(total - without, YES, without)]
    gate = judged(*scans, rules=rules)["unauthenticated"]
    assert gate.flagged is flagged
    assert gate.figure == without / total
    assert len(gate.hosts) == without


@pytest.mark.parametrize(
    ("scans", "figure", "behind"),
    [
        pytest.param([PARTIAL, YES], 0.5, ["web-0"], id="a partial login is none"),
        pytest.param([NO, UNKNOWN, YES], 0.5, ["web-0", "web-1"], id="unknown is beside"),
        pytest.param([UNKNOWN], None, ["web-0"], id="only unknown is no figure"),
        pytest.param([], None, [], id="no scan is no figure"),
    ],
)
def test_what_counts_as_unauthenticated(scans, figure, behind):
    """`no` and `partial` count against the share; what the scan does not say is only listed."""
    found = [scan(f"web-{n}", authenticated=one) for n, one in enumerate(scans)]
    gate = judged(*found)["unauthenticated"]
    assert gate.figure == figure
    assert assets(gate) == behind
    assert gate.flagged is bool(figure)
    assert gate.said.startswith("Not computed: ") is (figure is None)


def test_the_words_of_a_figure():
    """The sentence has counts, share and threshold; each asset its detector, day, login, file."""
    scans = [*looks(39, YES), *looks(2, NO, 39), site()]
    gate = judged(*scans)["unauthenticated"]
    assert gate.said == (
        "2 of 41 assets (4.9 %) were scanned without a full login; expected below 10 %. "
        "Not counted: 1 whose scans do not say."
    )
    assert gate.hosts == (
        Host("web-0039", "Nessus, 2026-11-03, authenticated: no, scan.nessus"),
        Host("web-0040", "Nessus, 2026-11-03, authenticated: no, scan.nessus"),
        Host(SITE, "ZAP, 2026-11-03, authenticated: unknown, not counted, scan.nessus"),
    )
    assert gate.source == MAPPING["unauthenticated"]["source"]


@pytest.mark.parametrize(
    ("scans", "figure"),
    [
        pytest.param([scan(), scan(authenticated=NO)], 0.0, id="one login is enough"),
        pytest.param(
            [scan(authenticated=NO), scan(detector="Qualys")], 0.0, id="of whichever detector"
        ),
        pytest.param(
            [scan(ended=SCANNED - timedelta(7)), scan(authenticated=NO)],
            0.0,
            id="of whichever day",
        ),
        pytest.param(
            [scan(authenticated=NO), scan(authenticated=PARTIAL)], 1.0, id="one asset, once"
        ),
        pytest.param(
            [scan(authenticated=NO), scan(authenticated=UNKNOWN)], 1.0, id="no is an answer"
        ),
        pytest.param(
            [
                scan("portal.example.gov", authenticated=NO),
                site(authenticated=YES, fqdns=("portal.example.gov",)),
            ],
            1.0,
            id="a login to the application is none to its host",
        ),
        pytest.param([site(authenticated=YES)], 0.0, id="but to a site nobody else scans"),
        pytest.param([site(authenticated=NO)], 1.0, id="as is none"),
    ],
)
def test_the_deepest_login_counts(scans, figure):
    """An asset is authenticated when one scanner at least logged in to it."""
    files = [(f"{number}.nessus", record) for number, record in enumerate(scans)]
    assert judged(*files)["unauthenticated"].figure == figure


def test_an_image_has_no_login():
    """Container images are neither counted nor listed."""
    assert judged(image(), scan())["unauthenticated"].hosts == ()


def test_the_newest_of_the_deepest_looks_is_named():
    """Of several scans without a login the newest stands for the asset."""
    older = scan(authenticated=NO, ended=SCANNED - timedelta(1))
    gate = judged(("new.nessus", scan(authenticated=NO)), ("old.nessus", older))["unauthenticated"]
    assert [host.detail for host in gate.hosts] == [
        "Nessus, 2026-11-03, authenticated: no, new.nessus"
    ]


@pytest.mark.parametrize(
    ("scanned", "total", "at_least", "flagged", "share"),
    [
        pytest.param(949, 1000, "0.95", True, "94.9 %", id="scenario-49 94.9 % is flagged"),
        pytest.param(950, 1000, "0.95", False, "95.0 %", id="scenario-49 95.0 % passes"),
        pytest.param(19, 20, "0.95", False, "95.0 %", id="19 of 20 passes"),
        pytest.param(1899, 2000, "0.95", True, "94.95 %", id="no rounding hides the miss"),
        pytest.param(7, 100, "0.07", False, "7.0 %", id="no binary fraction moves the limit"),
        pytest.param(0, 2, "0.95", True, "0.0 %", id="nothing scanned is flagged"),
    ],
)
def test_coverage(scanned, total, at_least, flagged, share):
    """Less than 95 % of the inventory scanned is flagged; what was not scanned is listed."""
    listed = inventory(*(f"web-{number:04}" for number in range(total)))
    rules = ruled(coverage={"at_least": at_least})
    gate = judged(*looks(scanned, YES), listed=listed, rules=rules)["coverage"]
    assert gate.flagged is flagged
    assert gate.figure == scanned / total
    assert assets(gate) == [f"web-{number:04}" for number in range(scanned, total)]
    assert f"({share})" in gate.said


@pytest.mark.parametrize(
    ("marks", "figure", "missing", "words"),
    [
        pytest.param(
            {"web-01": True, "web-02": True, "web-03": False},
            0.5,
            ["web-02"],
            "that the inventory marks In Latest Scan, of the 3 it lists,",
            id="scenario-53 only those marked",
        ),
        pytest.param(
            {"web-01": False, "web-02": False},
            0.5,
            ["web-02"],
            "of the inventory, which marks none In Latest Scan,",
            id="all where none is marked",
        ),
    ],
)
def test_in_latest_scan(marks, figure, missing, words):
    """An asset that the inventory does not mark In Latest Scan need not be scanned."""
    listed = inventory(*((name, (), marked) for name, marked in marks.items()))
    gate = judged(scan("web-01"), listed=listed)["coverage"]
    assert gate.figure == figure
    assert assets(gate) == missing
    assert words in gate.said


def test_both_lists_of_the_inventory():
    """scenario-53: scanned but not listed, and listed but not scanned, are both named."""
    listed = inventory("web-01", "web-02")
    found = judged(scan("web-01"), scan("web-03"), listed=listed)
    assert found["coverage"].hosts == (Host("web-02", "not scanned"),)
    assert found["unexpected"].hosts == (Host("web-03", "Nessus, 2026-11-03, scan.nessus"),)
    assert found["unexpected"].said == (
        "1 of 2 scanned assets are not in the inventory; expected at most 0."
    )
    assert found["coverage"].flagged
    assert found["unexpected"].flagged


@pytest.mark.parametrize(
    ("at_most", "flagged"), [(0, True), (1, True), (2, False)], ids=["0", "1", "2 pass"]
)
def test_unexpected_assets(at_most, flagged):
    """As many unlisted assets as the site allows pass; each counts once."""
    scans = [scan("web-02"), scan("web-03"), scan("web-03", ended=SCANNED + timedelta(1))]
    files = [(f"{number}.nessus", record) for number, record in enumerate(scans)]
    rules = ruled(unexpected={"at_most": at_most})
    gate = judged(*files, listed=inventory("web-01"), rules=rules)["unexpected"]
    assert gate.flagged is flagged
    assert gate.figure == 2
    assert gate.hosts[1] == Host("web-03", "Nessus, 2026-11-04, 2.nessus")


@pytest.mark.parametrize(
    ("scanned", "names"),
    [
        pytest.param(scan("10.0.0.5"), ("10.0.0.5",), id="by its address"),
        pytest.param(
            scan("WEB-01.corp.example."), ("web-01.corp.example",), id="whatever the case"
        ),
        pytest.param(
            scan("web", fqdns=("web-01.corp.example",)),
            ("web-01.corp.example",),
            id="by another name of the scan",
        ),
        pytest.param(site(), ("portal.example.gov",), id="a site by its host"),
        pytest.param(site(), (SITE,), id="a site by its address"),
        pytest.param(site(), ("https://portal.example.gov/",), id="a site by another of its host"),
        pytest.param(
            site(fqdns=("portal.example.gov",)),
            ("https://portal.example.gov/login",),
            id="a site by its host, which the scan names too",
        ),
        pytest.param(site("https://10.0.0.5"), ("10.0.0.5",), id="a site by its host's address"),
        pytest.param(image(), ("registry.example/app:1.2",), id="scenario-16 an image by its name"),
    ],
)
def test_inventory_names(scanned, names):
    """An asset is the inventory's under any name that it lists for it."""
    found = judged(scanned, listed=inventory(("i-1", names, True)))
    assert found["coverage"].figure == 1.0
    assert found["unexpected"].figure == 0.0
    assert not found["coverage"].hosts
    assert not found["unexpected"].hosts


def test_a_site_of_its_own_is_not_its_host():
    """A scan of a site that the inventory lists says nothing of the host it is on."""
    listed = inventory(("i-web", (SITE,), True), ("i-host", ("portal.example.gov",), True))
    assert judged(site(), listed=listed)["coverage"].hosts == (Host("i-host", "not scanned"),)


def test_a_site_by_a_name_that_another_scan_ties():
    """A site is of the listed asset whose host name only another scan knows."""
    host = scan("10.0.0.5", fqdns=("portal.example.gov",))
    found = judged(host, site(), listed=inventory(("i-1", ("10.0.0.5",), True)))
    assert not found["unexpected"].hosts


def test_images_count_once():
    """scenario-16: an image scanned forty times is one asset."""
    scans = [(f"{number}.csv", image("app:1.2")) for number in range(40)]
    gate = judged(*scans, listed=inventory("web-01"))["unexpected"]
    assert assets(gate) == ["app:1.2"]


@pytest.mark.parametrize("name", ["10.0.0.5", "DB-01.corp.example."])
def test_a_name_of_several_assets(name):
    """A name that the inventory lists for several assets stands for each; the gate says so."""
    shared = ("10.0.0.5", "db-01.corp.example")
    listed = inventory(("i-host", shared, True), ("i-database", shared, True))
    found = judged(scan(name), listed=listed)
    assert found["unexpected"].figure == 0.0
    assert found["coverage"].figure == 1.0
    assert assets(found["coverage"]) == ["i-database", "i-host"]
    assert f"{name}, which the inventory lists for several" in found["coverage"].hosts[0].detail
    assert found["coverage"].said.endswith("Counted by a name of several assets: 2.")


@pytest.mark.parametrize("reverse", [False, True])
def test_a_name_of_its_own_settles_it(reverse):
    """An asset that one scan names for certain is not listed as shared, in either order."""
    listed = inventory(("i-1", ("10.0.0.5", "web-01"), True), ("i-2", ("10.0.0.5",), True))
    scans = [("a.nessus", scan("10.0.0.5")), ("b.nessus", scan("web-01"))]
    if reverse:
        scans = [("b.nessus", scans[0][1]), ("a.nessus", scans[1][1])]
    assert assets(judged(*scans, listed=listed)["coverage"]) == ["i-2"]


@pytest.mark.parametrize(
    ("feed", "figure", "flagged"),
    [
        pytest.param(date(2026, 11, 3), 0, False, id="the day of the scan"),
        pytest.param(date(2026, 11, 2), 1, False, id="the day before passes"),
        pytest.param(date(2026, 11, 1), 2, True, id="two days before is flagged"),
        pytest.param(date(2026, 11, 4), 0, False, id="a later day, by another clock"),
        pytest.param(None, None, False, id="no date is no figure"),
    ],
)
def test_feed_age(feed, figure, flagged):
    """A plugin feed from the day before the scan passes, an older one is flagged."""
    gate = judged(scan(feed_date=feed))["feed_age"]
    assert gate.figure == figure
    assert gate.flagged is flagged


def test_the_words_of_an_age():
    """The sentence has the oldest and what could not be judged; each asset its feed's day."""
    scans = [scan("web-01", feed_date=date(2026, 10, 31)), scan("web-02"), site()]
    gate = judged(*scans)["feed_age"]
    assert gate.said == (
        "1 of 1 assets were scanned with a plugin feed that was too old (the oldest: 3 days); "
        "expected at most 1 day. Not counted: 2 without a date."
    )
    assert [host.detail for host in gate.hosts] == [
        "Nessus, 2026-11-03, plugin feed of 2026-10-31, scan.nessus, 3 days",
        "ZAP, 2026-11-03, no plugin feed date, scan.nessus, not counted",
        "Nessus, 2026-11-03, no plugin feed date, scan.nessus, not counted",
    ]


@pytest.mark.parametrize(
    ("first", "second", "figure"),
    [
        pytest.param("Nessus", "Nessus", 0, id="the newest scan counts"),
        pytest.param("Nessus", "Tenable.sc", 9, id="of each detector"),
    ],
)
def test_the_newest_feed_of_a_detector(first, second, figure):
    """A scan again with a fresh feed makes good; another detector's feed does not."""
    old = scan(detector=first, feed_date=date(2026, 10, 25))
    new = scan(detector=second, ended=SCANNED + timedelta(1), feed_date=date(2026, 11, 4))
    assert judged(("a.nessus", new), ("b.nessus", old))["feed_age"].figure == figure


def test_a_scan_without_an_end_counts_by_its_start():
    """A scan whose end is missing is of the day it began."""
    begun = scan(ended=None, started=SCANNED, feed_date=date(2026, 11, 1))
    assert judged(begun)["feed_age"].figure == 2
    assert judged(scan(ended=None, feed_date=date(2026, 11, 1)))["feed_age"].figure is None


@pytest.mark.parametrize(
    ("as_of", "figure", "flagged"),
    [
        pytest.param(date(2026, 12, 3), 30, False, id="day 30 is in the window"),
        pytest.param(date(2026, 12, 4), 31, True, id="day 31 is out of it"),
        pytest.param(date(2026, 11, 2), 0, False, id="a scan after the day of the report"),
    ],
)
def test_image_age(as_of, figure, flagged):
    """An image may have been scanned thirty days ago, not longer; machines do not count."""
    old = datetime(2026, 1, 1)  # noqa: DTZ001 - a scanner's local time has no zone
    gate = judged(image(), scan(ended=old), as_of=as_of)["image_age"]
    assert gate.figure == figure
    assert gate.flagged is flagged
    assert assets(gate) == ["registry.example/app:1.2"] * flagged


def test_images_by_their_newest_scan():
    """An image's newest scan counts; one without a day is listed and not judged."""
    scans = [
        ("old.csv", image("app:1", SCANNED - timedelta(60))),
        ("new.csv", image("app:1")),
        ("new.csv", image("app:2", None)),
    ]
    gate = judged(*scans, as_of=date(2026, 12, 4))["image_age"]
    assert gate.hosts == (
        Host("app:1", f"{IMAGES}, 2026-11-03, new.csv, 31 days"),
        Host("app:2", f"{IMAGES}, no date, new.csv, not counted"),
    )


@pytest.mark.parametrize(
    ("gate", "listed", "why"),
    [
        ("coverage", None, "no inventory was given"),
        ("unexpected", None, "no inventory was given"),
        ("coverage", inventory(), "the inventory lists no asset"),
        ("unexpected", inventory("web-01"), "no asset was scanned"),
        ("unauthenticated", None, "no scan of a host or site says whether it logged in"),
        ("feed_age", None, "no scan has the date of its plugin feed"),
        ("image_age", None, "no container image has a scan with a date"),
    ],
)
def test_what_cannot_be_computed(gate, listed, why):
    """Without its inputs a gate has no figure and says why: it is not passed."""
    found = judged(listed=listed)[gate]
    assert found.figure is None
    assert not found.flagged
    assert found.said == f"Not computed: {why}."


def test_every_gate_in_order():
    """Every gate of the rulebook is reported, in its order and with its words and source."""
    found = judged()
    assert list(found) == list(MAPPING)
    for name, gate in found.items():
        assert (gate.text, gate.source) == (MAPPING[name]["text"], MAPPING[name]["source"])


def test_order_of_the_scans_changes_nothing():
    """The same scans in another order give the same gates."""
    scans = [*looks(3, NO), *looks(3, PARTIAL), site(), image()]
    files = [(f"{number}.nessus", record) for number, record in enumerate(scans)]
    listed = inventory("web-0000", "web-0009")
    assert judged(*files, listed=listed) == judged(*files[::-1], listed=listed)


def test_frame():
    """One row per gate and asset, and one for a gate without any, which holds its sentence."""
    found = judged(*looks(2, NO), listed=inventory("web-0000"))
    frame = gates_frame(found.values())
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == GATES
    assert list(zip(frame["gate"], frame["asset"], frame["flagged"], strict=True)) == [
        ("unauthenticated", "web-0000", True),
        ("unauthenticated", "web-0001", True),
        ("coverage", "", False),
        ("unexpected", "web-0001", True),
        ("feed_age", "web-0000", False),
        ("feed_age", "web-0001", False),
        ("image_age", "", False),
    ]
    assert list(frame["figure"].isna()) == [False, False, False, False, True, True, True]
    assert frame["detail"].iloc[2] == found["coverage"].said
    assert list(gates_frame([]).columns) == list(GATES)


@pytest.mark.parametrize(
    ("gate", "values"),
    [
        ("unauthenticated", {"below": 0}),
        ("unauthenticated", {"below": 1.1}),
        ("unauthenticated", {"unauthenticated": []}),
        ("unauthenticated", {"unauthenticated": ["yes"]}),
        ("unauthenticated", {"unauthenticated": ["unknown"]}),
        ("unauthenticated", {"unauthenticated": [False]}),
        ("coverage", {"at_least": 95}),
        ("coverage", {"at_least": -0.1}),
        ("unexpected", {"at_most": -1}),
        ("feed_age", {"at_most_days": -1}),
        ("image_age", {"at_most_days": 1.5}),
        ("image_age", {"at_most": 30}),
        ("image_age", {"source": ""}),
    ],
)
def test_nonsense_is_refused(gate, values):
    """Shares lie between nothing and all, days and counts are whole, and nothing is unsourced."""
    with pytest.raises(ValidationError):
        ruled(**{gate: values})


def test_thresholds_in_words():
    """What passes is written as a person would, without digits that say nothing."""
    words = {name: gate.threshold for name, gate in judged().items()}
    assert words == {
        "unauthenticated": "below 10 %",
        "coverage": "at least 95 %",
        "unexpected": "at most 0",
        "feed_age": "at most 1 day",
        "image_age": "at most 30 days",
    }
    assert ruled(coverage={"at_least": 0.975}).coverage.threshold == "at least 97.5 %"
