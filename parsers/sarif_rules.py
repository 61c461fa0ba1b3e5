"""What SARIF says of a rule: its severity, its texts, its CVEs and CWEs."""

import re

from parsers.cvss import with_cvss
from parsers.json import Object, text, texts, within
from parsers.sarif import Run
from parsers.text import cve_ids, cwe_ids, paragraphs, plain_text, score, unique
from poam.model import Definition

# Kinds of results that ask for nothing: severity has no meaning for them (3.27.9).
NO_FAULT = ("pass", "informational", "notApplicable")
# What a number under `security-severity` means to those who show it. It is the tool's own, not
# a CVSS base score. Source: GitHub, SARIF support for code scanning, reportingDescriptor object.
SECURITY_SEVERITY = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))

_NUMBER = re.compile(r"\d{1,2}(?:\.\d+)?")
_CWE_TAG = re.compile(r"\bCWE-\d+", re.IGNORECASE)


def severity_of(run: Run, result: Object) -> str:
    """Return a result's severity: the tool's security-severity, or else the level.

    A level that is not given is the rule's, or `warning` (3.27.10). A result that somebody has
    to judge first (`review`, `open`) has none; its kind stands for it.
    """
    _, rule = run.rule(result)
    kind, level = text(result, "kind") or "fail", text(result, "level")
    if kind in NO_FAULT:
        return "none"
    if kind != "fail" and level in ("", "none"):
        return kind
    level = level or run.default_level(result, rule)
    written, number = _security_severity(result, rule)
    if level == "none" or not written or (number is not None and number < SECURITY_SEVERITY[-1][0]):
        return level
    bands = [word for bound, word in SECURITY_SEVERITY if number is not None and number >= bound]
    return f"security-severity {bands[0] if bands else written}"


def _security_severity(result: Object, rule: Object) -> tuple[str, float | None]:
    """Return the tool's own score of a result or its rule, as written and as a number."""
    bags = within(result, "properties"), within(rule, "properties")
    written = next((found for bag in bags if (found := text(bag, "security-severity"))), "")
    is_number = _NUMBER.fullmatch(written) and float(written) <= 10
    return written, float(written) if is_number else None


def definition_of(detector: str, run: Run, result: Object, place: str) -> Definition:
    """Return what a log says of a result's rule; without such, the message is its description.

    Raises ScanParseError where the result has no rule, or a score that is none.
    """
    identifier, rule = run.rule(result)
    if not identifier:
        raise run.export.error(place, "no ruleId", "the identifier of a rule")
    short, full, guide, message = (
        plain_text(text(within(holder, key), "text"))
        for holder, key in (
            (rule, "shortDescription"),
            (rule, "fullDescription"),
            (rule, "help"),
            (result, "message"),
        )
    )
    stated, own = within(rule, "properties"), within(result, "properties")
    solution = text(stated, "solution") or text(within(stated, "solution"), "text")
    definition = Definition(
        detector=detector,
        source_identifier=identifier,
        name=short or text(rule, "name") or None,
        description=paragraphs(full or short, guide) or message,
        solution=plain_text(solution),
        # OWASP Dependency-Check writes the scores of the NVD under these names.
        cvss2_base=score(text(own, "cvssv2_score"), run.export.file, place),
        cvss3_base=score(text(own, "cvssv3_baseScore"), run.export.file, place),
        cves=cve_ids([identifier, *texts(stated, "tags")]),
        cwes=_cwes(run, result, rule, place),
        references=unique([text(rule, "helpUri"), *texts(stated, "references")]),
    )
    vectors = (
        text(bag, key) for bag in (own, stated) for key in bag if text(bag, key).startswith("CVSS:")
    )
    if definition.cvss3_base is None and (vector := next(vectors, None)):
        _, base = _security_severity(result, rule)  # beside a vector it is the vector's score
        return with_cvss(definition, vector, base)
    return definition


def _cwes(run: Run, result: Object, rule: Object, place: str) -> tuple[str, ...]:
    """Return the CWEs among the taxa of a result and its rule, its tags and its properties."""
    relations = run.entries(rule, "relationships", place)
    taxa = [within(relation, "target") for relation in relations]
    taxa += run.entries(result, "taxa", place)
    properties = within(rule, "properties")
    return cwe_ids(
        [
            *(text(taxon, "id") for taxon in taxa if run.taxonomy(taxon).upper() == "CWE"),
            *(cwe for tag in texts(properties, "tags") for cwe in _CWE_TAG.findall(tag)),
            *texts(properties, "cwe"),
        ]
    )
