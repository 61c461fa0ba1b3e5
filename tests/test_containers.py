"""Items of container images: what lists an image, and what becomes of it with a new version."""

from datetime import date

import pandas as pd
import pytest

from poam.assets import AssetIndex
from poam.model import ChangeKind
from tests.core_support import closed, item, kinds, only, policy, run, scan, seen

DETECTOR = "Qualys Container Security"
PORTAL = "registry.example.com:5000/heron/portal"
DETECTED = date(2026, 9, 1)


def images(*versions):
    """The records of a scan that finds the weakness in these versions of the portal."""
    return seen(*(f"{PORTAL}:{version}" for version in versions), detector=DETECTOR)


def clean(*versions):
    """The records of a scan that finds nothing in these versions of the portal."""
    return [scan(f"{PORTAL}:{version}", detector=DETECTOR) for version in versions]


def listing(*lines, **given):
    """An item that lists images."""
    row = {"weakness_detector_source": DETECTOR, "original_detection_date": DETECTED}
    return item(asset_identifier="\n".join(lines), **row | given)


def new_rows():
    """The policy under which a new version is a new asset."""
    own = policy()
    containers = own.timelines.containers.model_copy(update={"new_version": "new_row"})
    timelines = own.timelines.model_copy(update={"containers": containers})
    return own.model_copy(update={"timelines": timelines})


@pytest.mark.parametrize(
    "line",
    [
        f"{PORTAL}:24",
        "heron/portal:24",
        "heron/portal/24",
        "heron / portal / 24",
        "Heron/Portal:24",
        "registry.example.com/heron/portal:24",
    ],
)
def test_one_image_in_every_spelling(line):
    """A line names the scanned image with or without registry, as a tag or as the inventory."""
    assert kinds(run(images("24"), poam=[listing(line)])) == [("V-1", "unchanged")]


def test_the_inventory_names_an_image():
    """A new item lists an image as the inventory has it."""
    inventory = pd.DataFrame(
        {"identifier": ["heron/portal/2.4.1"], "names": [()], "in_latest_scan": [True]}
    )
    opened = only(run(images("2.4.1"), inventory=inventory), ChangeKind.OPENED)
    assert opened.after["asset_identifier"] == "heron/portal/2.4.1"


@pytest.mark.parametrize(
    ("records", "lines", "said"),
    [
        pytest.param(
            images("2.5.0"), [f"{PORTAL}:2.5.0"], "takes the place of", id="old one not scanned"
        ),
        pytest.param(
            images("2.4.1", "2.5.0"),
            ["heron/portal:2.4.1", f"{PORTAL}:2.5.0"],
            "Also seen on",
            id="both vulnerable",
        ),
        pytest.param(
            [*images("2.5.0"), *clean("2.4.1")],
            [f"{PORTAL}:2.5.0"],
            "Remediated on heron/portal:2.4.1",
            id="old one clean",
        ),
    ],
)
def test_a_new_version_keeps_the_item(records, lines, said):
    """A weakness that stays through a new version is the same item, with its date."""
    (update,) = run(records, poam=[listing("heron/portal:2.4.1")]).decisions
    assert update.kind is ChangeKind.UPDATED
    assert update.after["asset_identifier"].split("\n") == lines
    assert said in update.after["comments"]
    assert "original_detection_date" not in update.after


def test_a_new_version_joins_the_oldest_item():
    """Of several items that list earlier versions, that of the earliest date takes the new one."""
    later = listing("heron/portal:2.4.2", poam_id="V-2", original_detection_date=date(2026, 10, 1))
    changes = run(images("2.5.0"), poam=[later, listing("heron/portal:2.4.1")])
    assert only(changes, ChangeKind.UPDATED).poam_id == "V-1"


@pytest.mark.parametrize(
    ("records", "row", "rules"),
    [
        pytest.param(images("2.5.0"), listing("heron/portal:2.4.1"), new_rows, id="new_row"),
        pytest.param(images("2.5.0"), listing("heron/door:2.4.1"), policy, id="another image"),
        pytest.param(
            images("2.5.0"),
            closed(weakness_detector_source=DETECTOR, asset_identifier="heron/portal:2.4.1"),
            policy,
            id="a closed item",
        ),
    ],
)
def test_a_new_item(records, row, rules):
    """Where the policy says so, or no open item lists the image, a new version is a new item."""
    assert ("V-2", "opened") in kinds(run(records, poam=[row], rules=rules()))


def listed(*names):
    """An inventory of images."""
    rows = [(name, (), True) for name in names]
    return pd.DataFrame.from_records(rows, columns=["identifier", "names", "in_latest_scan"])


OLD, NEWER = f"{PORTAL}:2.4.1", f"{PORTAL}:2.5.0"
LAST_LISTED = date(2026, 10, 26)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param([NEWER], "unverified", id="another version is listed"),
        pytest.param(["heron/portal/2.5.0"], "unverified", id="in another spelling"),
        pytest.param(["db-01"], "closed", id="no version is listed"),
        pytest.param(["heron/door:2.4.1"], "closed", id="another image is listed"),
    ],
)
def test_a_version_that_left_the_inventory(names, expected):
    """An image is decommissioned when no version of it is listed any more."""
    given = {"inventory": listed(*names), "inventoried": {OLD: LAST_LISTED}}
    changes = run([scan("db-01")], poam=[listing(OLD)], **given)
    assert kinds(changes) == [("V-1", expected)]
    said = "decommissioned" in changes.decisions[0].because[0]
    assert said is (expected == "closed")


def test_a_host_is_no_version_of_another():
    """Only images have versions: a host that left is decommissioned whatever else is listed."""
    row = item(asset_identifier="heron/portal:2.4.1")
    left = {"heron/portal:2.4.1": LAST_LISTED}
    given = {"inventory": listed("heron/portal:2.5.0"), "inventoried": left}
    assert kinds(run([scan("db-01")], poam=[row], **given)) == [("V-1", "closed")]


@pytest.mark.parametrize(
    ("name", "names", "has"),
    [
        (OLD, [NEWER], True),
        (OLD, ["heron/portal/2.5.0"], True),
        ("heron/portal:2.4.1", [NEWER], True),
        (OLD, ["heron/door:2.4.1"], False),
        (OLD, ["other.example.com/heron/portal:2.5.0"], False),
        (OLD, [], False),
        (OLD, ["10.0.0.1", "web-01"], False),
        ("10.0.0.1", [NEWER], False),
    ],
)
def test_which_image_has_another_version(name, names, has):
    """The same repository, of the same registry where both name one."""
    assert AssetIndex(in_inventory=frozenset(names)).has_version_of(name) is has


def test_a_new_version_takes_the_place_of_one_that_left():
    """The weakness goes on in the new version: its line is the item's, and Comments say so."""
    given = {"inventory": listed(NEWER), "inventoried": {OLD: LAST_LISTED}}
    (update,) = run(images("2.5.0"), poam=[listing(OLD)], **given).decisions
    assert update.kind is ChangeKind.UPDATED
    assert update.after["asset_identifier"] == NEWER
    assert f"2026-11-30: {NEWER} takes the place of {OLD}: " in update.after["comments"]
    assert "decommissioned" not in update.after["comments"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([listing(OLD, NEWER)], [("V-1", "updated")], id="an item of both versions"),
        pytest.param(
            [listing(OLD), listing(NEWER, poam_id="V-2")],
            [("V-1", "unverified"), ("V-2", "unchanged")],
            id="an item of each",
        ),
    ],
)
def test_a_vulnerable_new_version_proves_nothing(rows, expected):
    """A scan that finds the weakness in the new version is no proof that the old one is rid of it.

    An item that lists both goes on with the new one alone.
    """
    given = {"inventory": listed(NEWER), "inventoried": {OLD: LAST_LISTED}}
    changes = run(images("2.5.0"), poam=rows, **given)
    said = " ".join(text for d in changes.decisions for text in d.because)
    assert f"scanned {NEWER}" not in said
    assert kinds(changes) == expected


def test_a_clean_new_version_takes_the_place_of_one_that_left():
    """Its scan proves the weakness gone: the old version runs nowhere any more."""
    given = {"inventory": listed(NEWER), "inventoried": {OLD: LAST_LISTED}}
    (closing,) = run(clean("2.5.0"), poam=[listing(OLD)], **given).decisions
    assert closing.kind is ChangeKind.CLOSED
    assert f"scanned {NEWER} on 2026-11-03" in closing.after["comments"]


def test_a_clean_new_version_proves_nothing_of_the_old():
    """The old version may still run: its item waits for a scan of it, or for a person."""
    assert kinds(run(clean("2.5.0"), poam=[listing("heron/portal:2.4.1")])) == [
        ("V-1", "unverified")
    ]
