"""The run store: a file is read once, and again only where something that decides it changed."""

import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from upath import UPath

import parsers
import poam
from flows.ingest import Conventions, parse, parse_into
from flows.parts import NAMES, OF_CORE, Store
from flows.sources import discover
from poam.frames import chunks, merged, tables
from poam.model import DateOrder
from tests.conftest import SAMPLE_SCANS
from tests.core_support import SCANNED, definition, seen

UTC = ZoneInfo("UTC")
NESSUS = SAMPLE_SCANS / "nessus_xml" / "2026-11.nessus"


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path):
    """Return the folder of a store: on this machine, and behind a URL."""
    if request.param == "local":
        return tmp_path / "parsed"
    return UPath("memory://parsed") / tmp_path.name


def same(one, other):
    """Hold two batches of tables against each other, cell by cell and by type."""
    for name in NAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_what_is_kept_is_what_was_read(place):
    """Tables come back from the store as they went in: texts, lists, days, times, missing ones."""
    records = [
        *seen("web-01", identifier="1", port=443, location="https://a/", first_seen=SCANNED),
        *seen("web-02", "web-03", identifier="2", parameter="q"),
        definition("3", cves=("CVE-2026-1", "CVE-2026-2"), kev_due=SCANNED.date()),
    ]
    store = Store(place)
    store.put("one", chunks(records, "a.nessus", UTC, size=2))
    store.put("two", chunks([], "b.nessus", UTC))
    found = store.merged(["one", "two"])
    same(found, merged([tables(records, "a.nessus", UTC), tables([], "b.nessus", UTC)]))


def test_every_sample_comes_back(tmp_path, policy):
    """What a parser says of each sample scan is the same from the store as at once."""
    store = Store(tmp_path)
    for source in discover([SAMPLE_SCANS]):
        direct = parse(source, policy)
        kept = parse_into(source, Conventions.of(policy), store)
        assert kept.refused == direct.refused
        if not direct.refused:
            same(store.merged([kept.part]), merged([direct.tables]))


@pytest.fixture
def read(place, policy, tmp_path):
    """Return a function that reads the sample from a copy: the part's key, and if it was there."""
    copy = tmp_path / "scan.nessus"
    shutil.copyfile(NESSUS, copy)

    def again(name="scan.nessus", conventions=None, program="1"):
        (source,) = discover([copy])
        store = Store(place, program)
        made = conventions or Conventions.of(policy)
        result = parse_into(replace(source, name=name), made, store)
        return result.part, result.cached

    again.file, again.own = copy, Conventions.of(policy)
    return again


def test_a_file_is_read_once(read):
    """The same content is not parsed again, and its tables are those of the first time."""
    first, second = read(), read()
    assert (first[1], second) == (False, (first[0], True))


def test_another_content_is_read(read):
    """One byte more makes another part."""
    first = read()
    with read.file.open("ab") as file:
        file.write(b"\n")
    assert read() != (first[0], True)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"name": "other.nessus"}, id="another name, which the locators have"),
        pytest.param({"program": "2"}, id="another version of the parser"),
        pytest.param({"zone": "Asia/Tokyo"}, id="another time zone"),
        pytest.param({"dates": DateOrder.DAY_FIRST}, id="another order of dates"),
        pytest.param({"encoding": "latin-1"}, id="another encoding"),
    ],
)
def test_what_decides_a_part_is_in_its_key(read, changed):
    """The file's name, the program and what the site says of the format: each changes the key."""
    first = read()
    own, changed = read.own, dict(changed)
    conventions = Conventions(
        ZoneInfo(changed.pop("zone", own.zone.key)),
        {**own.dates, "nessus_xml": changed.pop("dates", None)},
        {"nessus_xml": changed.pop("encoding")} if "encoding" in changed else {},
    )
    part, cached = read(conventions=conventions, **changed)
    assert part != first[0]
    assert not cached


def test_the_program_is_every_parsers_code(monkeypatch, tmp_path):
    """A changed parser makes every part anew; the same code finds them."""
    from flows import parts

    folder = tmp_path / "parsers"
    shutil.copytree(Path(parts.parsers.__file__).parent, folder)
    monkeypatch.setattr(parts.parsers, "__file__", str(folder / "__init__.py"))
    before = parts.program_sha256.__wrapped__()
    assert before == parts.program_sha256.__wrapped__()
    (folder / "zap_xml.py").write_text("changed", encoding="utf-8")
    assert parts.program_sha256.__wrapped__() != before


def test_the_program_is_what_parsers_import():
    """No module of the core that a parser reads with is left out, near or far."""
    own = Path(poam.__file__).parent
    needed, looked = {"frames"}, set()
    files = [*Path(parsers.__file__).parent.glob("*.py"), own / "frames.py"]
    while files:
        file = files.pop()
        looked.add(file)
        found = set(
            re.findall(r"^from poam\.(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        )
        needed |= found
        files += [own / f"{name}.py" for name in found if own / f"{name}.py" not in looked]
    assert needed == set(OF_CORE)


@pytest.mark.parametrize("name", [*(f"{name}.parquet" for name in NAMES), "part.json"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_half_a_part_is_no_part(read, place, name, damage):
    """A part that lost a file, or the end of one, is made again."""
    key, _ = read()
    file = place / key / name
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-1])
    assert read() == (key, False)
    assert file.read_bytes() == content


def test_a_broken_file_leaves_nothing(place):
    """Where the file breaks half way, no part is there, and no draft either."""

    def broken():
        yield from chunks(seen("web-01"), "a", UTC)
        raise OSError(5, "Input/output error")

    store = Store(place)
    with pytest.raises(OSError, match="Input/output"):
        store.put("key", broken())
    assert store.facts("key") is None
    assert [path for path in place.rglob("*") if path.is_file()] == []


def test_what_a_parser_said_is_said_again(tmp_path, policy):
    """Warnings about a file belong to what was read of it: the store repeats them."""
    scan = tmp_path / "empty.xml"
    scan.write_text(
        '<?xml version="1.0"?>\n<ScanGroup ExportedOn="03/11/2026"></ScanGroup>', encoding="utf-8"
    )
    (source,) = discover([scan])
    store = Store(tmp_path / "parsed")
    first, second = (parse_into(source, Conventions.of(policy), store) for _ in range(2))
    assert (first.cached, second.cached) == (False, True)
    assert first.said == second.said
    assert "no Scan in it" in first.said[0][1]


def test_interrupted_reading_goes_on(run, tmp_path, month, monkeypatch):
    """A run that is cut after some files reads only the others the next time."""
    from flows import pipeline

    scans, counted = month("2026-11"), Counter()
    real = pipeline.parse_into

    def cut_off(source, **given):
        counted["called"] += 1
        if counted["called"] == 4:
            raise KeyboardInterrupt
        return real(source, **given)

    poam = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
    as_of = SCANNED.date()
    monkeypatch.setattr(pipeline, "parse_into", cut_off)
    with pytest.raises(KeyboardInterrupt):
        run(scans, poam, tmp_path / "out.xlsx", as_of, parts=None)

    def counting(source, **given):
        result = real(source, **given)
        counted["cached" if result.cached else "read"] += 1
        return result

    monkeypatch.setattr(pipeline, "parse_into", counting)
    run(scans, poam, tmp_path / "out.xlsx", as_of, parts=None)
    assert (counted["cached"], counted["read"]) == (3, len(scans) - 3)
    assert os.listdir(tmp_path / "runs" / "parsed")  # noqa: PTH208
