"""NVD's scores: read from files as they come, and what they do to a month's new items."""

import gzip
import json
import tracemalloc

import pytest

from poam.errors import NvdError
from poam.nvd import read_nvd
from tests.conftest import MONTHS, SAMPLE_SCANS
from tests.core_support import definition, finding, item, only, run, scan

LOG4J = "CVE-2021-44228"
V31, V30, V2 = "cvssMetricV31", "cvssMetricV30", "cvssMetricV2"


def metric(score, kind="Primary"):
    """One assessment of a CVE, as the API gives it."""
    data = {"version": "3.1", "vectorString": "CVSS:3.1/AV:N", "baseScore": score}
    return {"source": "nvd@nist.gov", "type": kind, "cvssData": data}


def cve(identifier=LOG4J, modified="2024-11-21T06:33:24.263", **metrics):
    """One entry of a feed."""
    entry = {"id": identifier, "lastModified": modified, "vulnStatus": "Analyzed"}
    return {"cve": entry | {"metrics": metrics}}


def feed(path, *entries, pack=False):
    """Write a feed file."""
    head = {"resultsPerPage": len(entries), "format": "NVD_CVE", "version": "2.0"}
    content = json.dumps({**head, "vulnerabilities": list(entries)}).encode()
    path.write_bytes(gzip.compress(content) if pack else content)
    return path


@pytest.mark.parametrize(
    ("metrics", "score"),
    [
        pytest.param({V31: [metric(10)]}, 10.0, id="a whole number"),
        pytest.param({V31: [metric(9.8)], V30: [metric(5.0)]}, 9.8, id="v3.1 before v3.0"),
        pytest.param({V30: [metric(5.0)]}, 5.0, id="v3.0 alone"),
        pytest.param(
            {V31: [metric(9.8, "Secondary"), metric(5.0)]}, 5.0, id="Primary before Secondary"
        ),
        pytest.param(
            {V31: [metric(9.8, "Secondary")], V30: [metric(5.0)]}, 5.0, id="Primary by v3.0 too"
        ),
        pytest.param(
            {V31: [metric(5.0, "Secondary"), metric(6.1, "Secondary")]}, 6.1, id="Secondary alone"
        ),
        pytest.param({V31: [metric(0.0)]}, 0.0, id="0.0 is a score"),
        pytest.param({V2: [metric(9.3)]}, None, id="v2 is none"),
        pytest.param({}, None, id="not analysed yet"),
    ],
)
def test_which_score_counts(tmp_path, metrics, score):
    """NVD's own before another's, v3.1 before v3.0, and no other version."""
    found = read_nvd([feed(tmp_path / "nvd.json", cve(**metrics))], {LOG4J})
    assert found == ({} if score is None else {LOG4J: score})


def test_only_what_is_asked_for_is_given(tmp_path):
    """The CVEs that no scan names are passed over, faults in their scores too."""
    path = feed(tmp_path / "nvd.json", cve("CVE-1999-0001", **{V31: [{}]}), cve(V31=[]))
    assert read_nvd([path], {LOG4J, "CVE-2020-9999"}) == {}


@pytest.mark.parametrize("pack", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("name", ["nvd.json", "nvd.json.gz"])
def test_plain_or_gzipped(tmp_path, name, pack):
    """What a file is shows in its bytes, whatever its name."""
    path = feed(tmp_path / name, cve(**{V31: [metric(9.8)]}), pack=pack)
    assert read_nvd([path], {LOG4J}) == {LOG4J: 9.8}


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    """Files saved by Windows tools begin with one."""
    path = feed(tmp_path / "nvd.json", cve(**{V31: [metric(9.8)]}))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_nvd([path], {LOG4J}) == {LOG4J: 9.8}


def test_a_folder_and_the_newest_of_several(tmp_path):
    """All feeds of a folder count; a CVE is as the file says that last modified it."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    new = cve(modified="2025-01-02T00:00:00.000", **{V31: [metric(5.0)]})
    feed(folder / "nvdcve-2.0-2021.json.gz", cve(**{V31: [metric(9.8)]}), pack=True)
    feed(folder / "nvdcve-2.0-modified.json", new)
    (folder / "nvdcve-2.0-2021.meta").write_text("sha256:0")
    (folder / ".partial.json").write_text("{")
    other = feed(tmp_path / "more.json", cve("CVE-2026-0001", **{V30: [metric(3.1)]}))
    for paths in ([folder, other], [other, *sorted(folder.glob("nvd*json*"), reverse=True)]):
        assert read_nvd(paths, {LOG4J, "CVE-2026-0001"}) == {LOG4J: 5.0, "CVE-2026-0001": 3.1}


def test_a_feed_is_never_held_whole(tmp_path):
    """Memory does not grow with the feed: of ten thousand CVEs only the one asked for is kept."""
    text = [{"lang": "en", "value": "x" * 2000}]
    block = json.dumps({"cve": {"id": "CVE-1999-0001", "descriptions": text, "metrics": {}}})
    path = tmp_path / "nvd.json.gz"
    with gzip.open(path, "wt", compresslevel=1) as out:
        out.write('{"vulnerabilities": [')
        for _ in range(10_000):
            out.write(block + ",")
        out.write(json.dumps(cve(**{V31: [metric(9.8)]})) + "]}")
    tracemalloc.start()
    try:
        assert read_nvd([path], {LOG4J}) == {LOG4J: 9.8}
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"{}",
        b"[]",
        b'{"vulnerabilities": 1}',
        b'{"CVE_Items": []}',
        b'{"vulnerabilities": [{"cveID": "CVE-2021-44228", "dueDate": "2021-12-24"}]}',
        b'{"vulnerabilities": ["CVE-2021-44228"]}',
        b'{"vulnerabilities": [{"cve": {"id": 7}}]}',
        b'{"vulnerabilities": [{"cve": {"id": "CVE-1999-0001"}}, {"cve"',
        b'{"vulnerabilities": [{"cve": {"id": "CVE-\xff"}}]}',
        gzip.compress(b'{"vulnerabilities": []}')[:-12],
        b"\x1f\x8bno gzip at all",
    ],
    ids=[
        "empty",
        "html",
        "no list",
        "a list",
        "no entries",
        "JSON 1.1",
        "the KEV catalogue",
        "texts",
        "a number for an id",
        "cut",
        "no UTF-8",
        "gz cut",
        "no gz",
    ],
)
def test_what_is_no_nvd_file_is_refused(tmp_path, content):
    """Another file, or half of one, is one sentence that names it and not a traceback."""
    path = tmp_path / "nvd.json"
    path.write_bytes(content)
    with pytest.raises(NvdError, match=r"^nvd\.json.*Expected NVD JSON 2\.0") as e:
        read_nvd([path], {LOG4J})
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "metrics",
    [
        {V31: [metric("9.8")]},
        {V31: [metric(10.1)]},
        {V31: [metric(-1)]},
        {V31: [metric(True)]},
        {V31: [{"type": "Primary"}]},
        {V31: {"type": "Primary"}},
        {V30: ["9.8"]},
    ],
    ids=["text", "above 10", "below 0", "a truth", "no data", "no list", "no object"],
)
def test_a_score_that_is_none_is_named(tmp_path, metrics):
    """The entry's place and CVE stand in the sentence."""
    path = feed(tmp_path / "nvd.json", cve("CVE-1999-0001"), cve(**metrics))
    with pytest.raises(NvdError, match=rf"^nvd\.json, vulnerabilities\[1\], {LOG4J}: "):
        read_nvd([path], {LOG4J})


def test_a_path_that_holds_nothing(tmp_path):
    """A missing file and a folder without feeds are refused by name."""
    for path in (tmp_path / "absent.json", tmp_path):
        with pytest.raises(NvdError, match=path.name):
            read_nvd([path], {LOG4J})


@pytest.mark.parametrize(
    ("scores", "rating", "due"),
    [
        pytest.param({LOG4J: 5.5}, "Moderate", "2027-02-01", id="NVD decides"),
        pytest.param({"CVE-2020-9999": 5.5}, "High", "2026-12-03", id="another CVE does not"),
    ],
)
def test_a_new_item_takes_nvds_rating(scores, rating, due):
    """Rating, due date and the reason come from NVD's score, not from the scanner's 9.8."""
    records = [definition(cves=(LOG4J,), native_severity="4"), finding(), scan()]
    opened = only(run(records, nvd=scores), "opened")
    assert opened.after["original_risk_rating"] == rating
    assert str(opened.after["scheduled_completion_date"]) == due
    why = f"NVD CVSS v3 base 5.5 ({LOG4J}) is Moderate; the scanner's own severity 4 is High"
    assert any(why in reason for reason in opened.because) == (rating == "Moderate")


def test_an_existing_item_keeps_its_rating():
    """The original rating is the one of the day it was found."""
    records = [definition(cves=(LOG4J,)), finding(), scan()]
    changes = run(records, poam=[item()], nvd={LOG4J: 2.0})
    (decision,) = changes.decisions
    assert decision.poam_id == "V-1"
    assert "original_risk_rating" not in decision.after
    assert "scheduled_completion_date" not in decision.after


@pytest.fixture
def october(poam, month, tmp_path):
    """Return a function that updates October's workbook from the command line."""

    def go(name, *more):
        where = ("--out", tmp_path / f"{name}.xlsx", "--runs", tmp_path / name)
        known = ("--poam", SAMPLE_SCANS / "poam" / "2026-09.xlsx", "--as-of", MONTHS["2026-10"])
        return poam("update", *month("2026-10"), *known, *where, "--jobs", 1, *more)

    return go


def test_update_with_nvd(october, tmp_path, items_of):
    """The workbook has NVD's rating, and the manifest each file's hash."""
    assert october("before").status == 0
    before = items_of(tmp_path / "before.xlsx")
    new = before[(before["cve"] != "") & (before["original_risk_rating"] == "High")]
    new = new[new["status_date"] == MONTHS["2026-10"]]
    row = new.iloc[0]
    named = row["cve"].split("\n")
    path = feed(tmp_path / "a.json.gz", *(cve(c, **{V31: [metric(0.1)]}) for c in named), pack=True)
    ran = october("after", "--nvd", path, "--nvd", feed(tmp_path / "b.json"))
    assert ran.status == 0, ran.err
    after = items_of(tmp_path / "after.xlsx")
    ours = after[after["weakness_source_identifier"] == row["weakness_source_identifier"]]
    assert set(ours["original_risk_rating"]) == {"Low"}
    manifests = [
        json.loads(next((tmp_path / name).glob("*/manifest.json")).read_text(encoding="utf-8"))
        for name in ("before", "after")
    ]
    assert {name for name in manifests[1]["inputs"] if name.startswith("nvd: ")} == {
        "nvd: a.json.gz",
        "nvd: b.json",
    }
    assert manifests[0]["run_id"] != manifests[1]["run_id"]


def test_update_with_a_broken_nvd(october, tmp_path):
    """One sentence, status 1, and nothing written."""
    (tmp_path / "nvd.json").write_text("<html>")
    ran = october("broken", "--nvd", tmp_path / "nvd.json")
    assert ran.status == 1
    assert ran.err.strip().startswith("nvd.json: ")
    assert len(ran.err.strip().splitlines()) == 1
    assert not (tmp_path / "broken.xlsx").exists()
