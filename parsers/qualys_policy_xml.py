"""Qualys Policy Compliance in XML: policy reports, and posture information of the API.

Written from the documentation of compliance_policy_report.dtd and posture_info_list_output.dtd.
"""

import logging
from collections.abc import Iterator, Mapping

from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.qualys import prose
from parsers.qualys_policy import DETECTOR, Host
from parsers.text import paragraphs, plain_text
from parsers.xml import Element, elements, line_of, root_name, text_of, texts_of
from poam.errors import quoted
from poam.model import Definition, Record

NAME = "qualys_policy_xml"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

REPORT, POSTURE = "COMPLIANCE_POLICY_REPORT", "POSTURE_INFO_LIST_OUTPUT"
EXPORT = f"a complete {REPORT} or {POSTURE} of Qualys"

_RESULT = {
    "CID": ("CID", "CONTROL_ID"),
    "STATUS": ("STATUS",),
    "EXCEPTION": ("EXCEPTION/STATUS",),
    "CRITICALITY": ("CRITICALITY/VALUE", "CRITICALITY/LABEL"),
    "TECHNOLOGY": ("TECHNOLOGY/NAME", "TECHNOLOGY_ID"),
    "INSTANCE": ("INSTANCE",),
    "FIRST_FAIL_DATE": ("FIRST_FAIL_DATE",),
    "LAST_FAIL_DATE": ("LAST_FAIL_DATE",),
    "LAST_PASS_DATE": ("LAST_PASS_DATE",),
}
_HOST = {
    "ID": ("ID",),
    "IP": ("IP",),
    "IPV6": ("IPV6",),
    "DNS": ("DNS", "DNS_DATA/FQDN"),
    "NETBIOS": ("NETBIOS",),
    "LAST_SCAN_DATE": ("LAST_SCAN_DATE", "LAST_COMPLIANCE_SCAN_DATETIME"),
}


def recognises(head: bytes) -> bool:
    """Tell both by their root elements."""
    return root_name(head) in (REPORT, POSTURE)


def records(export: Export) -> Iterator[Record]:
    """Yield what the export says, as its root element tells."""
    seen = SeenDefinitions()
    root = root_name(export.source.read(65536))
    export.source.seek(0)
    found = _posture(export) if root == POSTURE else _report(export)
    for record in found:
        if not isinstance(record, Definition) or seen.is_new(record):
            yield record


def _report(export: Export) -> Iterator[Record]:
    """Yield each host's definitions and findings, then its coverage."""
    for _, element in elements(export, EXPORT, {"HOST", "ERROR"}):
        if element.tag == "ERROR":
            raise export.error(line_of(element), f"the error '{text_of(element, '.')}'", EXPORT)
        host = Host(export, _fields(element, _HOST), line_of(element))
        for control in element.iterfind("CONTROL_LIST/CONTROL"):
            yield _definition(control, export)
            yield host.finding(_fields(control, _RESULT), line_of(control))
        yield host.coverage()


def _posture(export: Export) -> Iterator[Record]:
    """Yield findings and definitions, then the coverage of each host.

    Results name hosts by their id, and the glossary that has their addresses comes behind them:
    so it is read first.
    """
    hosts = {
        text_of(element, "ID"): Host(export, _fields(element, _HOST), line_of(element))
        for _, element in elements(export, EXPORT, {"HOST"})
    }
    export.source.seek(0)
    for _, element in elements(export, EXPORT, {"INFO", "CONTROL", "WARNING"}):
        place = line_of(element)
        match element.tag:
            case "CONTROL":
                yield _definition(element, export)
            case "WARNING":
                said = quoted(text_of(element, "TEXT"))
                log.warning("%s: Qualys warns: %s", export.file, said)
            case _:
                identifier = text_of(element, "HOST_ID")
                if identifier not in hosts:
                    log.warning(
                        "%s: host %s is not in the glossary", export.file, quoted(identifier)
                    )
                    hosts[identifier] = Host(export, {"ID": identifier}, place)
                finding = hosts[identifier].finding(_fields(element, _RESULT), place)
                yield Definition(
                    detector=DETECTOR,
                    source_identifier=finding.source_identifier,
                    solution=prose(element, "REMEDIATION"),
                )
                yield finding
    for host in hosts.values():
        yield host.coverage()


def _definition(control: Element, export: Export) -> Definition:
    cid = text_of(control, "CID") or text_of(control, "ID")
    if not cid:
        raise export.error(line_of(control), "a CONTROL without CID", "a CID such as 1071")
    rationale = [
        *texts_of(control, "RATIONALE"),
        *texts_of(control, "RATIONALE_LIST/RATIONALE/TEXT"),
    ]
    glossary = control.find("STATUS") is None
    return Definition(
        detector=DETECTOR,
        source_identifier=cid,
        name=prose(control, "STATEMENT"),
        description=paragraphs(*map(plain_text, rationale)),
        solution=prose(control, "REMEDIATION"),
        native_severity=_fields(control, _RESULT)["CRITICALITY"] if glossary else None,
        references=texts_of(control, "CONTROL_REFERENCES"),
    )


def _fields(element: Element, names: Mapping[str, tuple[str, ...]]) -> dict[str, str | None]:
    """Return the first text of the paths of each name."""
    return {
        name: next((text for path in paths if (text := text_of(element, path))), None)
        for name, paths in names.items()
    }
