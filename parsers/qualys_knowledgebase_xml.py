"""Qualys' KnowledgeBase as its API gives it: definitions of QIDs, no findings."""

from collections.abc import Iterator

from parsers.export import Export
from parsers.qualys import DETECTOR, prose, references, score_and_vector
from parsers.text import cve_ids, paragraphs, score, vector
from parsers.xml import Element, elements, root_name, text_of, texts_of
from poam.errors import ScanParseError
from poam.model import Definition, Record

NAME = "qualys_knowledgebase_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete KNOWLEDGE_BASE_VULN_LIST_OUTPUT of Qualys"


def recognises(head: bytes) -> bool:
    """Tell the answer of Qualys' KnowledgeBase API by its root element."""
    return root_name(head) == "KNOWLEDGE_BASE_VULN_LIST_OUTPUT"


def records(export: Export) -> Iterator[Record]:
    """Yield one Definition per QID."""
    file = export.file
    for _, element in elements(export, EXPORT, {"VULN"}):
        yield _definition(element, file)


def _definition(vuln: Element, file: str) -> Definition:
    qid = text_of(vuln, "QID")
    if not qid:
        raise ScanParseError(file, "VULN_LIST", "a VULN without QID", "a QID")
    cvss2, vector2 = score_and_vector(text_of(vuln, "CVSS/BASE"))
    cvss3, vector3 = score_and_vector(text_of(vuln, "CVSS_V3/BASE"))
    return Definition(
        detector=DETECTOR,
        source_identifier=qid,
        name=text_of(vuln, "TITLE"),
        description=paragraphs(prose(vuln, "DIAGNOSIS"), prose(vuln, "CONSEQUENCE")),
        solution=prose(vuln, "SOLUTION"),
        native_severity=text_of(vuln, "SEVERITY_LEVEL"),
        cvss2_base=score(cvss2, file, f"QID {qid}, CVSS/BASE"),
        cvss2_vector=vector(text_of(vuln, "CVSS/VECTOR_STRING") or vector2),
        cvss3_base=score(cvss3, file, f"QID {qid}, CVSS_V3/BASE"),
        cvss3_vector=vector(text_of(vuln, "CVSS_V3/VECTOR_STRING") or vector3),
        cves=cve_ids(texts_of(vuln, "CVE_LIST/CVE/ID")),
        references=references(vuln, "BUGTRAQ_LIST/BUGTRAQ/ID"),
        family=text_of(vuln, "CATEGORY"),
    )
