"""A workbook file as the zip package it is: named parts, carried over byte for byte."""

import os
import zipfile
import zlib
from pathlib import Path
from posixpath import dirname, join, normpath

from lxml import etree

from poam.errors import WorkbookError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
# ISO/IEC 29500-1 "strict" workbooks use other namespaces; Excel writes them only on request.
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"

CALC_CHAIN = "calcChain"

_PROLOG = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'


def parse(data: bytes, part: str) -> etree._Element:
    """Parse a part without resolving entities or touching the network."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as e:
        raise WorkbookError(f"{part}: not well-formed ({e}). Expected a workbook part.") from e


def serialise(root: etree._Element) -> bytes:
    """Give a part's bytes, with the prolog spreadsheet programs write."""
    return _PROLOG + etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=False)


def discard(element: etree._Element, *names: str) -> None:
    """Take attributes off an element, there or not."""
    for name in names:
        if name in element.attrib:
            del element.attrib[name]


class Package:
    """The parts of one workbook file: read when asked for, edited in memory, written once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changed: dict[str, bytes] = {}
        self._dropped: set[str] = set()
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as e:
            raise WorkbookError(f"{path.name}: cannot be opened ({e.strerror}).") from e
        except zipfile.BadZipFile as e:
            raise WorkbookError(
                f"{path.name}: not an .xlsx or .xlsm file (protected with a password, or in "
                "the old .xls format?). Expected a workbook that opens without a password."
            ) from e
        self.names = [i.filename for i in self._zip.infolist()]
        if len(set(self.names)) != len(self.names):
            self.close()
            raise WorkbookError(f"{path.name}: two parts share a name. Expected each part once.")

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def read(self, part: str) -> bytes:
        """Give a part's bytes, as edited so far."""
        if part in self._changed:
            return self._changed[part]
        try:
            return self._zip.read(part)
        except (KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as e:
            raise WorkbookError(f"{self.path.name}: part {part} is missing or damaged.") from e

    def xml(self, part: str) -> etree._Element:
        """Parse a part."""
        return parse(self.read(part), f"{self.path.name}, {part}")

    def has(self, part: str) -> bool:
        """Tell whether the package has a part."""
        return part in self.names and part not in self._dropped

    def replace(self, part: str, data: bytes) -> None:
        """Set a part's bytes."""
        self._changed[part] = data

    def drop(self, part: str) -> None:
        """Leave a part out."""
        self._dropped.add(part)

    def drop_related(self, kind: str) -> None:
        """Leave out a part the workbook refers to, with the reference and its content type."""
        rels = rels_part(self.workbook_part)
        root = self.xml(rels)
        for rel in list(root):
            if rel.get("Type", "").endswith(f"/{kind}"):
                target = self.relations(self.workbook_part)[rel.get("Id", "")][1]
                root.remove(rel)
                self.replace(rels, serialise(root))
                self.drop(target)
                types = self.xml("[Content_Types].xml")
                for override in list(types):
                    if override.get("PartName") == f"/{target}":
                        types.remove(override)
                self.replace("[Content_Types].xml", serialise(types))

    @property
    def is_changed(self) -> bool:
        """Whether writing gives anything else than the source."""
        return bool(self._changed or self._dropped)

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Give a part's relationships: id to (type's last word, target part or address)."""
        rels = rels_part(part)
        if not self.has(rels):
            return {}
        found = {}
        for rel in self.xml(rels).iterfind(f"{{{RELS}}}Relationship"):
            target = rel.get("Target", "")
            if rel.get("TargetMode") != "External":
                target = (
                    target.lstrip("/")
                    if target.startswith("/")
                    else normpath(join(dirname(part), target))
                )
            found[rel.get("Id", "")] = (rel.get("Type", "").rsplit("/", 1)[-1], target)
        return found

    @property
    def workbook_part(self) -> str:
        """The part that lists the sheets."""
        for kind, target in self.relations("").values():
            if kind == "officeDocument":
                return target
        raise WorkbookError(f"{self.path.name}: has no workbook part. Expected an Excel file.")

    def write(self, target: Path) -> None:
        """Write the package: same parts, same order, same times, synced to disk."""
        with target.open("wb") as stream:
            with zipfile.ZipFile(stream, "w") as out:
                for entry in self._zip.infolist():
                    if entry.filename not in self._dropped:
                        out.writestr(_same_entry(entry), self.read(entry.filename), compresslevel=6)
            stream.flush()
            os.fsync(stream.fileno())


def _same_entry(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(entry.filename, entry.date_time)
    made.compress_type = zipfile.ZIP_DEFLATED if entry.compress_type else zipfile.ZIP_STORED
    made.external_attr = entry.external_attr
    made.create_system = entry.create_system
    return made


def rels_part(part: str) -> str:
    """Name the part that holds a part's relationships."""
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
