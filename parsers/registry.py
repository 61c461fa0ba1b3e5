"""Which parser reads a file: exactly one must recognise it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from parsers import (
    acunetix_xml,
    appscan_xml,
    appspider_xml,
    arachni_json,
    arachni_xml,
    burp_dastardly_xml,
    burp_enterprise_json,
    burp_graphql_json,
    burp_xml,
    insightappsec_csv,
    invicti_json,
    invicti_xml,
    nessus_csv,
    nessus_xml,
    nikto_json,
    nikto_xml,
    nuclei_json,
    qualys_asset_data_csv,
    qualys_asset_data_xml,
    qualys_container_csv,
    qualys_container_json,
    qualys_detections_csv,
    qualys_detections_xml,
    qualys_knowledgebase_xml,
    qualys_pci_csv,
    qualys_policy_csv,
    qualys_policy_xml,
    qualys_scan_xml,
    qualys_vmdr_csv,
    qualys_was_csv,
    qualys_was_xml,
    sarif_json,
    stackhawk_json,
    tenable_sc_csv,
    tenable_vm_csv,
    tenable_vm_json,
    tenable_was_csv,
    veracode_xml,
    wapiti_xml,
    webinspect_xml,
    zap_json,
    zap_xml,
)
from parsers.export import Export
from parsers.xml import root_name
from poam.errors import ScanFormatError
from poam.model import Record

HEAD_SIZE = 65536


class Parser(Protocol):
    """What a module needs to be a parser of one export format.

    `recognises` looks at the first HEAD_SIZE bytes, never at the file's name. `records` yields
    what the export says, one asset in memory at a time, and raises ScanParseError where it
    cannot read on.
    """

    @property
    def NAME(self) -> str:  # noqa: N802
        """The format's name, and the module's."""

    @property
    def DETECTORS(self) -> tuple[str, ...]:  # noqa: N802
        """The detectors its records may name; none where only the file tells."""

    def recognises(self, head: bytes) -> bool:
        """Tell whether the file that begins with `head` is of this format."""

    def records(self, export: Export) -> Iterator[Record]:
        """Yield the records of one export."""


PARSERS: tuple[Parser, ...] = (
    acunetix_xml,
    appscan_xml,
    appspider_xml,
    arachni_json,
    arachni_xml,
    burp_dastardly_xml,
    burp_enterprise_json,
    burp_graphql_json,
    burp_xml,
    insightappsec_csv,
    invicti_json,
    invicti_xml,
    nessus_csv,
    nessus_xml,
    nikto_json,
    nikto_xml,
    nuclei_json,
    qualys_asset_data_xml,
    qualys_asset_data_csv,
    qualys_container_csv,
    qualys_container_json,
    qualys_detections_xml,
    qualys_detections_csv,
    qualys_knowledgebase_xml,
    qualys_pci_csv,
    qualys_policy_csv,
    qualys_policy_xml,
    qualys_scan_xml,
    qualys_vmdr_csv,
    qualys_was_csv,
    qualys_was_xml,
    sarif_json,
    stackhawk_json,
    tenable_sc_csv,
    tenable_vm_csv,
    tenable_vm_json,
    tenable_was_csv,
    veracode_xml,
    wapiti_xml,
    webinspect_xml,
    zap_json,
    zap_xml,
)


def identify(head: bytes, file: str, parsers: Sequence[Parser] = PARSERS) -> Parser:
    """Return the one parser that recognises a file by its first bytes.

    Raises ScanFormatError when none does, or more than one.
    """
    claims = [parser for parser in parsers if parser.recognises(head)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(parser.NAME for parser in claims)
        raise ScanFormatError(f"{file}: claimed by {names}. Expected exactly one.")
    scanners = ", ".join(sorted({name for parser in parsers for name in parser.DETECTORS}))
    raise ScanFormatError(
        f"{file}: no parser claims it; it looks like {look(head)}. Expected an export of one of "
        f"these: {scanners}, or SARIF."
    )


def look(head: bytes) -> str:
    """Say in a few words what a file that begins with `head` seems to be."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "an empty file"
    start = text[:512].lower()
    if b"<!doctype html" in start or start.startswith(b"<html"):
        return "an HTML page"
    if root := root_name(head):
        return f"XML with the root element {root}"
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive or an Office document"
    if head.startswith(b"%PDF"):
        return "a PDF document"
    if text.startswith((b"{", b"[")):
        return "JSON"
    return "binary content" if b"\0" in head else "plain text"
