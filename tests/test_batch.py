"""What a run reads beside the scans: the asset lists that earlier months attached."""

from datetime import date

import pytest

from flows.batch import Request, read
from poam.frames import merged
from poam.model import ChangeKind
from poam.policy import load_policy
from poam.workbook import RowAddition, WorkbookEdits, build_template, write_workbook
from tests.core_support import item, kinds, only, run, scan, seen

HOSTS = tuple(f"host-{n:05}.corp.example" for n in range(2000))


@pytest.fixture(scope="module")
def opened():
    """The row of a weakness on more hosts than a cell takes."""
    return only(run(seen(*HOSTS)), ChangeKind.OPENED)


@pytest.fixture
def workbook(opened, tmp_path):
    """A workbook with that row, and no other memory of it."""
    policy = load_policy()
    blank, path = tmp_path / "blank.xlsx", tmp_path / "poam.xlsx"
    build_template(blank, "v2.1", policy.templates)
    rows = WorkbookEdits(additions=(RowAddition("open", opened.after),))
    write_workbook(blank, path, rows, policy.templates)
    return path


def attach(folder, hosts):
    """Write a list of assets as a run attaches it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(("asset_identifier", *hosts))
    (folder / "assets-V-1.csv").write_text(f"{lines}\n", encoding="utf-8")


def attachments(workbook):
    """Read what a run on a workbook reads."""
    runs = workbook.parent / "runs"
    request = Request(scans=(), poam=workbook, as_of=date(2026, 11, 30), runs=runs)
    return read(request, load_policy(), (), merged([])).attachments


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({".": HOSTS}, HOSTS, id="beside the workbook"),
        pytest.param({"runs/2026-10-30-a": HOSTS}, HOSTS, id="in a run's folder"),
        pytest.param(
            {"runs/2026-10-30-a": HOSTS, "runs/2026-11-20-b": HOSTS[::-1]},
            HOSTS[::-1],
            id="the newest run's",
        ),
        pytest.param(
            {"runs/2026-10-30-a": HOSTS, "runs/2026-11-20-b": HOSTS[:1999]},
            HOSTS,
            id="another month's list has another number of assets",
        ),
        pytest.param({}, None, id="nowhere"),
    ],
)
def test_where_an_attachment_is_found(workbook, files, expected):
    """The list that a cell points at is read, if it has as many assets as the cell says."""
    for folder, hosts in files.items():
        attach(workbook.parent / folder, hosts)
    assert attachments(workbook) == ({"V-1": expected} if expected else {})


def test_an_attachment_is_as_good_as_the_cell(opened):
    """Without a ledger the whole list is known: nothing opens twice, and all of it can close."""
    row, given = item(**opened.after), {"attachments": {"V-1": HOSTS}}
    assert kinds(run(seen(*HOSTS), poam=[row], **given)) == [("V-1", "unchanged")]
    assert kinds(run([scan(host) for host in HOSTS], poam=[row], **given)) == [("V-1", "closed")]
    partly = run([*seen(*HOSTS[1:]), scan(HOSTS[0])], poam=[row], **given)
    update = only(partly, ChangeKind.UPDATED)
    assert update.attachment.splitlines() == list(HOSTS[1:])
