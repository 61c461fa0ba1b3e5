"""Items of container images: what lists an image, and what becomes of it with a new version."""

from datetime import date

import pandas as pd
import pytest

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


def test_a_clean_new_version_proves_nothing_of_the_old():
    """The old version may still run: its item waits for a scan of it, or for a person."""
    assert kinds(run(clean("2.5.0"), poam=[listing("heron/portal:2.4.1")])) == [
        ("V-1", "unverified")
    ]
