"""Files made to harm: each is read within its limits or refused in a sentence, by name."""

import gzip
import io
import re
import socket
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.ingest import Conventions, parse_into
from flows.parts import Store
from flows.sources import discover
from parsers.export import Export
from parsers.registry import HEAD_SIZE, identify
from parsers.xml import DEPTH, elements
from poam.errors import PoamError, ScanParseError
from poam.model import Definition
from tests.parsers_support import item, nessus, policy

SAMPLES = Path(__file__).parents[1] / "sample_scans"
KINDS = ("xml", "csv", "json")
SAMPLE_OF = {
    folder.name: min(folder.iterdir())
    for folder in sorted(SAMPLES.iterdir())
    if folder.name.rpartition("_")[2] in KINDS
}
XML, CSV, JSON = ([name for name in SAMPLE_OF if name.endswith(kind)] for kind in KINDS)
DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>", re.DOTALL)


def read(content, held_mb=None):
    """Return the records of an export: bytes, or an object with `read`."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    head = source.read(HEAD_SIZE)
    source.seek(0)
    parser = identify(head, "march.xml")
    order = policy().date_order(parser.NAME)
    return list(parser.records(Export(source, "march.xml", dates=order, held_mb=held_mb)))


def with_doctype(name, rest):
    """Return a sample in XML with a DOCTYPE, and whatever it says of entities and subsets."""
    content = DOCTYPE.sub(b"", SAMPLE_OF[name].read_bytes())
    content = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", content)
    root = re.search(rb"<(?![!?])([\w:.-]+)", content)[1].decode()
    return f"<!DOCTYPE {root} {rest}>".encode() + content


def opened(name):
    """Return a sample in XML whose root element is not closed."""
    content = SAMPLE_OF[name].read_bytes()
    return content[: content.rindex(b"</")]


def ingested(folder, **limits):
    """Read every file of a folder into a store, within these limits; what became of each."""
    conventions = Conventions.of(policy())
    set_limits = policy().site.limits.model_copy(update=limits)
    conventions = Conventions(policy().zone, conventions.dates, {}, set_limits)
    store = Store(folder.with_name("store"))
    return [parse_into(source, conventions, store) for source in discover([folder])]


@pytest.fixture
def scans(tmp_path):
    """A folder for scans."""
    folder = tmp_path / "scans"
    folder.mkdir()
    return folder


BOMBS = {
    "billion laughs": '[<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]',
    "quadratic": f'[<!ENTITY a "{"a" * 1000}">]',
    "external": '[<!ENTITY a SYSTEM "file:///etc/passwd">]',
    "parameter": '[<!ENTITY % a SYSTEM "http://127.0.0.1/a.dtd"> %a;]',
    "parameter within": "[<!ENTITY % a '<!ENTITY b \"b\">'> %a;]",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("name", XML)
def test_entities(name, bomb):
    """No format reads a file that declares entities, whatever they are for."""
    with pytest.raises(ScanParseError, match=r"march\.xml, DOCTYPE: found"):
        read(with_doctype(name, BOMBS[bomb]))


@pytest.mark.parametrize("name", XML)
def test_external_subset(name, monkeypatch):
    """A DOCTYPE may name a DTD elsewhere, as vendors write it; nothing is fetched for it."""

    def no_socket(*_, **__):
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket, "socket", no_socket)
    expected = read(SAMPLE_OF[name].read_bytes())
    assert len(read(with_doctype(name, 'SYSTEM "http://127.0.0.1/scan.dtd"'))) == len(expected)


@pytest.mark.parametrize("name", XML)
def test_deep_xml(name):
    """Elements in one another to no end are refused; it is their number that is wrong."""
    with pytest.raises(ScanParseError, match=f"found more than {DEPTH} elements in one another"):
        read(opened(name) + b"<a>" * 100_000)


@pytest.mark.parametrize("name", JSON)
def test_deep_json(name):
    """Lists in one another to no end are refused, in whatever format they stand."""
    content = SAMPLE_OF[name].read_bytes().strip()
    opening = content[:1] + (b"" if content[:1] == b"{" else b"{")
    deep = b'"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b","
    start = content.index(b"{") + 1
    with pytest.raises(PoamError, match=r"broken JSON|no parser claims it|deep"):
        read(opening + deep + content[start:])


@pytest.mark.parametrize("markup", ["{}", "<![CDATA[{}<a>]]>"])
def test_long_text(markup):
    """A text of 10 MB is read whole; one beyond the limit is refused, and the limit named."""
    text = "x" * 10_000_000
    content = nessus(item(inner=f"<description>{markup.format(text)}</description>")).encode()
    (definition,) = [one for one in read(content, 128) if isinstance(one, Definition)]
    assert definition.description.startswith(text)
    with pytest.raises(ScanParseError) as error:
        read(content, 9)
    assert str(error.value) == (
        "march.xml: found a text of more than 9 MB. Expected less (site: limits: held_mb)."
    )


class Stream:
    """A start, then the same bytes over and over, up to a gigabyte."""

    def __init__(self, start, again):
        """Begin with `start`."""
        self._start, self._again, self.given = start, again * (65536 // len(again)), 0

    def read(self, _=-1):
        """Return some bytes."""
        assert self.given < 1_000_000_000, "read to the end"
        given = self._start if self.given == 0 else self._again
        self.given += len(given)
        return given

    def seek(self, _):
        """Begin anew."""
        self.given = 0


@pytest.mark.parametrize("again", [b" ", b"\n", b"<!- ", b"x='<' "], ids=repr)
@pytest.mark.parametrize("name", XML)
def test_endless_text(name, again):
    """White space, or a tag, without end is no more read than a text may be long."""
    stream = Stream(opened(name), again)
    with pytest.raises(ScanParseError, match=r"found (an? .* of more than 1 MB|broken XML)"):
        read(stream, 1)
    assert stream.given < 2_000_000


@pytest.mark.parametrize("again", [b"<a/>", b"<a>x</a>\n"], ids=repr)
@pytest.mark.parametrize("start", [b"<r>", b"<r><item>"], ids=repr)
def test_endless_element(start, again):
    """Elements without end are refused, in a record and where no record comes."""
    stream = Stream(start, again)
    with pytest.raises(ScanParseError, match="an element with all in it of more than 1 MB"):
        list(elements(Export(stream, "march.xml", held_mb=1), "an export", {"item"}))
    assert stream.given < 2_000_000


def test_many_elements():
    """However many records there are, each is held alone."""
    stream = Stream(b"<r>", b"<item>x</item>")
    found = elements(Export(stream, "march.xml", held_mb=1), "an export", {"item"})
    for _ in range(200_000):
        next(found)
    assert stream.given > 2_000_000


@pytest.mark.parametrize("again", [b"<a/>", b"<cve>CVE-2026-1</cve>"], ids=repr)
def test_endless_report_item(again):
    """An item of a .nessus export is as limited; items may be as many as there are."""
    content = nessus(item()).encode()
    stream = Stream(content[: content.rindex(b"</ReportItem>")], again)
    with pytest.raises(ScanParseError, match="an element with all in it of more than 1 MB"):
        read(stream, 1)
    assert stream.given < 12_000_000
    assert read(nessus(*[item(str(n)) for n in range(1, 20_000)]).encode(), 1)


@pytest.mark.parametrize("name", CSV)
def test_endless_line(name):
    """A line without end is refused, as is a quoted cell without end."""
    start = SAMPLE_OF[name].read_bytes()
    for again in (b"x,", b'"x\n'):
        stream = Stream(start + b'"', again)
        with pytest.raises(ScanParseError, match=r"a line of more than 1 MB|broken CSV|a row of"):
            read(stream, 1)
        assert stream.given < 4_000_000


@pytest.mark.parametrize("name", CSV)
def test_many_columns(name):
    """A million columns are so many names and cells, and no reason to stop."""
    lines = SAMPLE_OF[name].read_bytes().decode("utf-8-sig").splitlines(keepends=True)
    more = ",x" * 1_000_000
    try:
        found = read("".join(line.rstrip("\r\n") + more + "\n" for line in lines).encode())
    except PoamError as e:
        assert len(str(e)) < 3000  # noqa: PT017  either is right, but in a sentence
    else:
        assert isinstance(found, list)


@pytest.mark.parametrize("name", SAMPLE_OF)
def test_nul(name):
    """A NUL in the middle of a file is refused, or stands in a text: it breaks nothing."""
    content = SAMPLE_OF[name].read_bytes()
    middle = len(content) // 2
    try:
        found = read(content[:middle] + b"\0" + content[middle:])
    except PoamError as e:
        assert "march.xml" in str(e)  # noqa: PT017
    else:
        assert name not in XML
        assert found


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", SAMPLE_OF)
def test_utf16_without_mark(name, codec):
    """UTF-16 is told without a byte order mark, too."""
    text = SAMPLE_OF[name].read_text(encoding="utf-8-sig")
    text = re.sub(r"""^(<\?xml[^>]*?) encoding=["'][^"']*["']""", r"\1", text)
    assert len(read(text.encode(codec))) == len(read(text.encode()))


def zipped(path, **members):
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


SCAN = nessus(item()).encode()
BOMB = nessus(item(inner=f"<description>{'x' * 5_000_000}</description>")).encode()
PACKED = {
    "a.nessus.gz": lambda path: path.write_bytes(gzip.compress(BOMB)),
    "a.zip": lambda path: zipped(path, **{"a.nessus": BOMB}),
    "b.zip": lambda path: zipped(path, **{"a.nessus.gz": gzip.compress(BOMB)}),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"unpacked_ratio": 2}, "Expected at most 2 times its packed size (site: limits: unpacked"),
        ({"unpacked_mb": 2, "unpacked_ratio": 9999}, "found more than 2 MB unpacked"),
    ],
)
def test_bombs(scans, name, limits, sentence):
    """What unpacks to more than is allowed is refused, and the limit named."""
    PACKED[name](scans / name)
    (parsed,) = ingested(scans, **limits)
    assert sentence in parsed.refused
    assert parsed.refused.startswith(name)


def test_limits_let_pass(scans):
    """A file at the limit is read: 1 MB is free of any ratio."""
    (scans / "a.nessus.gz").write_bytes(gzip.compress(SCAN + b" " * (1_000_000 - len(SCAN))))
    (scans / "b.nessus.gz").write_bytes(gzip.compress(SCAN + b" " * (1_000_001 - len(SCAN))))
    (passed, refused) = ingested(scans, unpacked_ratio=1)
    assert not passed.refused
    assert "unpacked_ratio" in refused.refused


def test_archives_of_archives(scans):
    """An archive in an archive is not opened: it is a file that no parser claims."""
    inner = io.BytesIO()
    zipped(inner, **{"a.nessus": SCAN})
    zipped(scans / "a.zip", **{"b.zip": inner.getvalue()})
    (parsed,) = ingested(scans)
    assert "a.zip/b.zip: no parser claims it; it looks like a zip archive" in parsed.refused


def test_paths_that_leave_an_archive(scans, tmp_path):
    """A member's path is a name and nothing more: nothing is written where it points."""
    zipped(scans / "a.zip", **{"../../evil.nessus": SCAN, "/etc/evil.nessus": SCAN})
    assert [parsed.refused for parsed in ingested(scans)] == ["", ""]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scans", "store"]
    assert not list(tmp_path.parent.glob("*evil*"))


@pytest.mark.parametrize("garbage", [b"garbage", b"\x1f\x8b", b"\x1f\x8b\x08\x00broken"])
def test_garbage_after_gzip(scans, garbage):
    """What follows a gzip file is no part of it, and nobody knows what it was."""
    (scans / "a.nessus.gz").write_bytes(gzip.compress(SCAN) + garbage)
    (parsed,) = ingested(scans)
    assert "a.nessus.gz: found a damaged archive" in parsed.refused


def test_links(scans, tmp_path):
    """A link to a folder above ends somewhere, and a file under two names is one scan."""
    (scans / "a.nessus").write_bytes(SCAN)
    (scans / "b.nessus").symlink_to(scans / "a.nessus")
    (scans / "loop").symlink_to(tmp_path)
    (scans / "lost.nessus").symlink_to(tmp_path / "nowhere")
    (parsed,) = ingested(scans)
    assert not parsed.refused


def test_growing_file(scans):
    """A file that is written to while it is read is refused, and read again the next time."""
    path = scans / "a.nessus"
    path.write_bytes(SCAN)

    def records(export):
        if path.read_bytes() == SCAN:
            path.write_bytes(SCAN + b"\n")
        yield from identify(SCAN, "a").records(export)

    parser = SimpleNamespace(
        NAME="nessus_xml", DETECTORS=(), recognises=lambda _: True, records=records
    )
    conventions, store = Conventions.of(policy()), Store(scans.with_name("store"))
    first, second = (
        parse_into(source, conventions, store, [parser]) for source in (*discover([scans]),) * 2
    )
    assert first.refused.startswith("a.nessus: found that it was written to while it was read")
    assert not second.refused
