"""Scan files wherever they lie: folders, gzip, zip, names that are alike."""

import gzip
import hashlib
import zipfile

import pytest

from flows.sources import discover
from poam.errors import RunError


def content(source):
    """Read a source's own bytes, unpacked."""
    with source.open() as stream:
        return stream.read()


def names(sources):
    """Return how the sources are called."""
    return [source.name for source in sources]


def test_folder(tmp_path):
    """A folder gives every file below it by its path, in order of name; hidden ones are none."""
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("z.xml", "b/a.xml", ".hidden", ".git/config"):
        (tmp_path / name).write_text(name)
    assert names(discover([tmp_path])) == ["b/a.xml", "z.xml"]


def test_nothing(tmp_path):
    """A folder without a scan, and a path that does not exist, are refused by name."""
    with pytest.raises(RunError, match="found no scan file"):
        discover([tmp_path])
    with pytest.raises(RunError, match=r"no\.xml: there is no such file or folder"):
        discover([tmp_path / "no.xml"])


def test_gzip(tmp_path):
    """A gzipped file reads as what it holds; its hash is that of the file handed over."""
    path = tmp_path / "a.xml.gz"
    path.write_bytes(gzip.compress(b"<a/>"))
    (source,) = discover([path])
    assert content(source) == b"<a/>"
    assert source.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_zip(tmp_path):
    """Each file of an archive is a source of its own, gzipped members too."""
    path = tmp_path / "scans.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("web/b.xml", "<b/>")
        archive.writestr("a.xml.gz", gzip.compress(b"<a/>"))
        archive.mkdir("empty")
    found = discover([path])
    assert names(found) == ["scans.zip/a.xml.gz", "scans.zip/web/b.xml"]
    assert [content(source) for source in found] == [b"<a/>", b"<b/>"]
    assert found[1].sha256() == hashlib.sha256(b"<b/>").hexdigest()


def test_archive_by_content(tmp_path):
    """An archive is known by its content: a workbook is none, a zip of any name is one."""
    workbook, odd = tmp_path / "a.xlsx", tmp_path / "b.bin"
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    with zipfile.ZipFile(odd, "w") as archive:
        archive.writestr("c.xml", "<c/>")
    assert names(discover([tmp_path])) == ["a.xlsx", "b.bin/c.xml"]


def test_alike_names(tmp_path):
    """Two files of one name get their folders' names, so that reports can tell them apart."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scan.xml").write_text(folder)
    paths = [tmp_path / "one" / "scan.xml", tmp_path / "two" / "scan.xml"]
    assert names(discover(paths)) == ["one/scan.xml", "two/scan.xml"]


def test_given_twice(tmp_path):
    """The same path given twice is one source, whatever the order of the arguments."""
    a, b = tmp_path / "a.xml", tmp_path / "b.xml"
    a.write_text("<a/>")
    b.write_text("<b/>")
    assert discover([b, a, a]) == discover([a, b])


def test_names_that_are_alike_higher_up_stay_apart(tmp_path):
    """Names stay distinct where the folders above are alike too."""
    paths = [tmp_path / top / "scans" / "scan.xml" for top in ("one", "two")]
    for path in paths:
        path.parent.mkdir(parents=True)
        path.write_text(str(path))
    assert [s.name for s in discover(paths)] == ["one/scans/scan.xml", "two/scans/scan.xml"]
