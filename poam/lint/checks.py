"""The checks of one row, and on which sheets each is made."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from poam.asset_lines import AssetLine, asset_lines
from poam.assets import AssetIndex
from poam.cells import is_attachment_line
from poam.classes import base_identifier
from poam.deadlines import deadline, is_worse, rating_of, standing, vendor_releases
from poam.identifiers import cve_ids, lists_images, row_identity
from poam.layout import FieldType
from poam.lint.line import Check, Fault, Line, folded
from poam.lint_rules import LintCode
from poam.model import RiskRating, Sheet
from poam.rollup import has_its_name, is_roll_up

LISTED = 10  # assets named in one finding before "and n more"
EMPTY = "nothing"
ASKED_FOR = ("Yes", "Pending")
DEVIATIONS = ("risk_adjustment", "false_positive", "operational_requirement")
GROWING = ("milestone_changes", "comments")
# Checks of their own say that these are empty.
SPECIAL = {"original_detection_date", "asset_identifier"}
CONTROL = re.compile(r"[A-Z]{2}-\d{1,2}(?!\d).*", re.DOTALL)
DATED = re.compile(r"\d{4}-\d\d-\d\d")
# The line that closing by a scan's proof leaves in Comments.
CLOSED_BY_PROOF = re.compile(r"^\d{4}-\d\d-\d\d: Closed\. \S", re.MULTILINE)
DAY = r"\d{1,4}[\\/-]\d{1,2}[\\/-]\d{1,4}"
# The template's own regular expressions, one milestone at a time. Source: template v2.1,
# conditional formats of M8 and N8.
MILESTONES = {
    "planned_milestones": re.compile(rf"\(\d+\)\s*{DAY}\s*:.*", re.DOTALL),
    "milestone_changes": re.compile(
        rf"\(\d+\)\s*(?:new|update|complete)\s*{DAY}\s*:.*", re.DOTALL | re.IGNORECASE
    ),
}
MILESTONE_FORMS = {
    "planned_milestones": "(1) 2026-11-03: Description",
    "milestone_changes": "(1) Update 2026-11-03: Description",
}


def _required(line: Line) -> Iterator[Fault]:
    for name, rule in line.context.policy.templates.fields.items():
        own = name in SPECIAL or (name == "status_date" and line.record.sheet == Sheet.CLOSED)
        if rule.mandatory and not own and line.empty(name):
            yield Fault(name, EMPTY, "a value: the column is mandatory")


def _service(line: Line) -> Iterator[Fault]:
    if line.empty("service_name"):
        yield Fault("service_name", EMPTY, "a service's name, All or Internal")


def _detection_missing(line: Line) -> Iterator[Fault]:
    if line.empty("original_detection_date"):
        yield Fault("original_detection_date", EMPTY, "the day the weakness was first detected")


def _detection_future(line: Line) -> Iterator[Fault]:
    detected = line.day("original_detection_date")
    if detected and detected > line.context.as_of:
        wanted = f"{line.context.as_of} at the latest"
        yield Fault("original_detection_date", str(detected), wanted)


def _detection_after_completion(line: Line) -> Iterator[Fault]:
    detected, due = line.day("original_detection_date"), line.day("scheduled_completion_date")
    kev_due = line.day("bod_22_01_due_date")  # may lie before the detection: late at once
    if detected and due and detected > due != kev_due:
        wanted = f"a day before the scheduled completion date {due}"
        yield Fault("original_detection_date", str(detected), wanted)


def _completion_too_late(line: Line) -> Iterator[Fault]:
    detected, due = line.day("original_detection_date"), line.day("scheduled_completion_date")
    if not (detected and due and line.rating) or line.text("vendor_dependency") == "Yes":
        return
    kev_due = line.day("bod_22_01_due_date") if line.text("bod_22_01_tracking") == "Yes" else None
    last = deadline(line.rating, detected, kev_due, line.context.policy.timelines)
    if due > max(last.due, detected):
        wanted = f"{last.due} at the latest ({last.basis})"
        yield Fault("scheduled_completion_date", str(due), wanted)


def _status_date(line: Line) -> Iterator[Fault]:
    day, detected = line.day("status_date"), line.day("original_detection_date")
    if day and day > line.context.as_of:
        yield Fault("status_date", str(day), f"{line.context.as_of} at the latest")
    elif day and detected and detected <= line.context.as_of and day < detected:
        yield Fault("status_date", str(day), f"the detection date {detected} at the earliest")


def _past_due(line: Line) -> Iterator[Fault]:
    if is_roll_up(line.record, line.context.policy):
        return  # it counts neither as open nor as late
    stands = standing(line.record, line.context.as_of, line.context.policy.timelines)
    if stands.late:
        wanted = "a closed item, or an approved deviation or vendor dependency"
        why = "; ".join(stands.because[1:])
        found = f"{stands.due}, before {line.context.as_of}" + (f" ({why})" if why else "")
        yield Fault("scheduled_completion_date", found, wanted)


def _rating_unknown(line: Line) -> Iterator[Fault]:
    yield from _outside(line, "original_risk_rating")


def _choice_unknown(line: Line) -> Iterator[Fault]:
    for name, rule in line.context.policy.templates.fields.items():
        if rule.type is FieldType.CHOICE and name != "original_risk_rating":
            yield from _outside(line, name)


def _outside(line: Line, name: str) -> Iterator[Fault]:
    rule, text = line.context.rule(name), line.text(name)
    if line.has(name) and text and text not in (*rule.choices, *rule.tolerated):
        yield Fault(name, text, ", ".join(rule.choices))


def _adjusted_without_approval(line: Line) -> Iterator[Fault]:
    said = line.text("risk_adjustment")
    adjusted = line.text("adjusted_risk_rating")
    if rating_of(adjusted) and line.has("risk_adjustment") and said in ("", "No", "N/A"):
        wanted = f"Yes or Pending beside the adjusted rating {adjusted}"
        yield Fault("risk_adjustment", said or EMPTY, wanted)


def _approval_without_adjusted(line: Line) -> Iterator[Fault]:
    adjusted = line.text("adjusted_risk_rating")
    if line.text("risk_adjustment") == "Yes" and adjusted in ("", "N/A", "None"):
        wanted = "the rating that the approved risk adjustment gives"
        yield Fault("adjusted_risk_rating", adjusted or EMPTY, wanted)


def _requirement_on_high(line: Line) -> Iterator[Fault]:
    said = line.text("operational_requirement")
    if said in ASKED_FOR and line.rating is RiskRating.HIGH:
        wanted = "No while the item is High, or an approved risk adjustment first"
        yield Fault("operational_requirement", said, wanted)


def _dependency_without_checkin(line: Line) -> Iterator[Fault]:
    if line.text("vendor_dependency") == "Yes" and line.empty("last_vendor_checkin_date"):
        yield Fault("last_vendor_checkin_date", EMPTY, "the day of the last vendor check-in")


def _dependency_without_product(line: Line) -> Iterator[Fault]:
    if line.text("vendor_dependency") == "Yes" and line.empty("vendor_dependent_product_name"):
        yield Fault("vendor_dependent_product_name", EMPTY, "the product that the vendor must fix")


def _checkin_old(line: Line) -> Iterator[Fault]:
    as_of, rule = line.context.as_of, line.context.policy.timelines.vendor_dependency
    day = line.day("last_vendor_checkin_date")
    oldest = as_of - timedelta(days=rule.checkin_days)
    if line.text("vendor_dependency") != "Yes" or vendor_releases(line.record, as_of, rule):
        return  # check-ins are about a fix that is pending
    if day and not oldest <= day <= as_of:
        wanted = f"{oldest} to {as_of}: within {rule.checkin_days} days of the submission"
        yield Fault("last_vendor_checkin_date", str(day), wanted)


def _dependency_on_high(line: Line) -> Iterator[Fault]:
    if line.text("vendor_dependency") == "Yes" and line.rating is RiskRating.HIGH:
        yield Fault("vendor_dependency", "Yes on a High", "a mitigation that lowers the rating")


def _rationale_empty(line: Line) -> Iterator[Fault]:
    asked = [name for name in DEVIATIONS if line.text(name) in ASKED_FOR]
    if asked == ["risk_adjustment"] and _raised(line):
        return  # a scanner's upgrade needs no deviation request: CG p. 5
    if asked and line.empty("deviation_rationale"):
        named = ", ".join(name.replace("_", " ") for name in asked)
        yield Fault("deviation_rationale", EMPTY, f"the rationale of the {named}")


def _raised(line: Line) -> bool:
    original, adjusted = (
        rating_of(line.text(name)) for name in ("original_risk_rating", "adjusted_risk_rating")
    )
    return original is not None and adjusted is not None and is_worse(adjusted, original)


def _false_positive_open(line: Line) -> Iterator[Fault]:
    if line.text("false_positive") == "Yes":
        yield Fault("false_positive", "Yes on an open item", "the item on the Closed sheet")


def _kev_without_date(line: Line) -> Iterator[Fault]:
    if line.text("bod_22_01_tracking") == "Yes" and line.empty("bod_22_01_due_date"):
        yield Fault("bod_22_01_due_date", EMPTY, "the due date of CISA's KEV catalogue")


def _kev_date_alone(line: Line) -> Iterator[Fault]:
    day, said = line.day("bod_22_01_due_date"), line.text("bod_22_01_tracking")
    if day and said in ("", "No", "N/A"):
        yield Fault("bod_22_01_due_date", str(day), "blank, or BOD 22-01 tracking Yes")


def _asset_empty(line: Line) -> Iterator[Fault]:
    if line.empty("asset_identifier"):
        yield Fault("asset_identifier", EMPTY, "each affected asset on a line of its own")


def _asset_twice(line: Line) -> Iterator[Fault]:
    counts = Counter(folded(asset.text) for asset in _assets(line))
    if twice := [text for text, count in counts.items() if count > 1]:
        yield Fault("asset_identifier", f"{_some(twice)} more than once", "each asset line once")


def _identifier_empty(line: Line) -> Iterator[Fault]:
    detector, text = (
        line.text(name) for name in ("weakness_detector_source", "weakness_source_identifier")
    )
    if has_its_name(line.record, line.context.policy):
        return  # the roll-up item stands for findings that have one each
    identity = row_identity(detector, text, line.context.policy)
    scanner = identity.detectors and not identity.keys and not identity.unscoped
    if scanner and line.has("weakness_source_identifier"):
        wanted = f"the identifier that {' and '.join(sorted(identity.detectors))} gives"
        yield Fault("weakness_source_identifier", text or EMPTY, wanted)


def _several_identifiers(line: Line) -> Iterator[Fault]:
    detector, text = (
        line.text(name) for name in ("weakness_detector_source", "weakness_source_identifier")
    )
    keys = row_identity(detector, text, line.context.policy).keys
    weaknesses = {(owner, base_identifier(identifier)) for owner, identifier in keys}
    if any(count > 1 for count in Counter(owner for owner, _ in weaknesses).values()):
        found = ", ".join(sorted({identifier for _, identifier in weaknesses}))
        yield Fault("weakness_source_identifier", found, "one weakness of a scanner in a row")


def _cve_malformed(line: Line) -> Iterator[Fault]:
    text = line.text("cve")
    if text and not cve_ids(text):
        yield Fault("cve", text, "CVE numbers such as CVE-2026-12345, or a blank cell")


def _control_malformed(line: Line) -> Iterator[Fault]:
    parts = [part.strip() for part in re.split(r"[,;\n]+", line.text("controls"))]
    if wrong := [part for part in parts if part and not CONTROL.fullmatch(part)]:
        yield Fault("controls", ", ".join(wrong), "controls such as RA-5 or SC-7 (3)")


def _closed_without_date(line: Line) -> Iterator[Fault]:
    if line.empty("status_date"):
        yield Fault("status_date", EMPTY, "the day the item was closed")


def _closed_without_evidence(line: Line) -> Iterator[Fault]:
    evidence = ("supporting_documents", "comments")
    if not any(line.text(name) for name in evidence):
        wanted = "the evidence of the remediation, or a comment that names it"
        yield Fault("supporting_documents", EMPTY, wanted)


def _not_closeable(line: Line) -> Iterator[Fault]:
    proven = CLOSED_BY_PROOF.search(line.text("comments"))
    for name in ("vendor_dependency", "operational_requirement"):
        if line.text(name) == "Yes" and not proven:
            yield Fault(name, "Yes on a closed item", "the item on the Open sheet, or No")


def _milestones_empty(line: Line) -> Iterator[Fault]:
    if line.empty("planned_milestones"):
        yield Fault("planned_milestones", EMPTY, MILESTONE_FORMS["planned_milestones"])


def _milestone_malformed(line: Line) -> Iterator[Fault]:
    for name, form in MILESTONES.items():
        parts = [part.strip() for part in re.split(r"\n\s*\n|\n(?=\(\d+\))", line.text(name))]
        if wrong := [part for part in parts if part and not form.fullmatch(part)]:
            yield Fault(name, wrong[0], MILESTONE_FORMS[name])


def _detection_changed(line: Line) -> Iterator[Fault]:
    now = line.day("original_detection_date")
    then = line.before.day("original_detection_date") if line.before else None
    if now and then and now != then:
        yield Fault("original_detection_date", str(now), f"{then}, as last month")


def _completion_moved(line: Line) -> Iterator[Fault]:
    now = line.day("scheduled_completion_date")
    then = line.before.day("scheduled_completion_date") if line.before else None
    allowed = "Yes" in (line.text("risk_adjustment"), line.text("vendor_dependency"))
    if now and then and now > then and not allowed:
        wanted = f"{then}, as last month, or an approved risk adjustment or a vendor dependency"
        yield Fault("scheduled_completion_date", str(now), wanted)


def _rating_changed(line: Line) -> Iterator[Fault]:
    now = line.text("original_risk_rating")
    then = line.before.text("original_risk_rating") if line.before else ""
    if now and then and now != then:
        yield Fault("original_risk_rating", now, f"{then}, as last month")


def _milestone_changed(line: Line) -> Iterator[Fault]:
    then = line.before.text("planned_milestones") if line.before else ""
    now = line.text("planned_milestones")
    if line.has("planned_milestones") and not now.startswith(then):
        wanted = "last month's milestones as they were; changes go to Milestone Changes"
        yield Fault("planned_milestones", now or EMPTY, wanted)


def _text_shortened(line: Line) -> Iterator[Fault]:
    for name in GROWING if line.before else ():
        now = {text.strip() for text in line.text(name).splitlines()}
        then = [text.strip() for text in line.before.text(name).splitlines()] if line.before else []
        gone = [text for text in then if text and text not in now]
        if gone and line.has(name):
            yield Fault(name, f"without '{gone[0]}'", "every line of last month, new ones below")


def _asset_not_in_inventory(line: Line) -> Iterator[Fault]:
    index = line.context.index
    if index is None:
        return
    unknown = [asset.text for asset in _assets(line) if not _listed(asset, index)]
    if unknown:
        found = _some(list(dict.fromkeys(unknown)))
        yield Fault("asset_identifier", found, "identifiers of the inventory")


def _listed(asset: AssetLine, index: AssetIndex) -> bool:
    host = re.sub(r"^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?", "", asset.name, flags=re.IGNORECASE)
    names = (asset.text, *asset.names, host, re.sub(r":\d+$", "", host))
    return any(index.identifier(name) in index.in_inventory for name in names)


def _assets(line: Line) -> list[AssetLine]:
    images = lists_images(line.text("weakness_detector_source"), line.context.policy)
    lines = asset_lines(line.text("asset_identifier"), images)
    return [asset for asset in lines if not is_attachment_line(asset.text)]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


EVERY = frozenset(Sheet)
OPEN = frozenset({Sheet.OPEN})
CLOSED = frozenset({Sheet.CLOSED})
UNCLOSED = EVERY - CLOSED

CHECKS: tuple[tuple[LintCode, frozenset[Sheet], Check], ...] = (
    (LintCode.REQUIRED_EMPTY, EVERY, _required),
    (LintCode.SERVICE_EMPTY, UNCLOSED, _service),
    (LintCode.DETECTION_MISSING, EVERY, _detection_missing),
    (LintCode.DETECTION_FUTURE, EVERY, _detection_future),
    (LintCode.DETECTION_AFTER_COMPLETION, EVERY, _detection_after_completion),
    (LintCode.COMPLETION_TOO_LATE, OPEN, _completion_too_late),
    (LintCode.STATUS_DATE_OUTSIDE, EVERY, _status_date),
    (LintCode.PAST_DUE, OPEN, _past_due),
    (LintCode.RATING_UNKNOWN, EVERY, _rating_unknown),
    (LintCode.CHOICE_UNKNOWN, EVERY, _choice_unknown),
    (LintCode.ADJUSTED_WITHOUT_APPROVAL, EVERY, _adjusted_without_approval),
    (LintCode.APPROVAL_WITHOUT_ADJUSTED, EVERY, _approval_without_adjusted),
    (LintCode.REQUIREMENT_ON_HIGH, UNCLOSED, _requirement_on_high),
    (LintCode.DEPENDENCY_WITHOUT_CHECKIN, UNCLOSED, _dependency_without_checkin),
    (LintCode.DEPENDENCY_WITHOUT_PRODUCT, UNCLOSED, _dependency_without_product),
    (LintCode.CHECKIN_OLD, UNCLOSED, _checkin_old),
    (LintCode.DEPENDENCY_ON_HIGH, UNCLOSED, _dependency_on_high),
    (LintCode.RATIONALE_EMPTY, EVERY, _rationale_empty),
    (LintCode.FALSE_POSITIVE_OPEN, UNCLOSED, _false_positive_open),
    (LintCode.KEV_WITHOUT_DATE, EVERY, _kev_without_date),
    (LintCode.KEV_DATE_ALONE, EVERY, _kev_date_alone),
    (LintCode.ASSET_EMPTY, EVERY, _asset_empty),
    (LintCode.ASSET_TWICE, EVERY, _asset_twice),
    (LintCode.IDENTIFIER_EMPTY, EVERY, _identifier_empty),
    (LintCode.SEVERAL_IDENTIFIERS, EVERY, _several_identifiers),
    (LintCode.CVE_MALFORMED, EVERY, _cve_malformed),
    (LintCode.CONTROL_MALFORMED, EVERY, _control_malformed),
    (LintCode.CLOSED_WITHOUT_DATE, CLOSED, _closed_without_date),
    (LintCode.CLOSED_WITHOUT_EVIDENCE, CLOSED, _closed_without_evidence),
    (LintCode.NOT_CLOSEABLE, CLOSED, _not_closeable),
    (LintCode.MILESTONES_EMPTY, UNCLOSED, _milestones_empty),
    (LintCode.MILESTONE_MALFORMED, UNCLOSED, _milestone_malformed),
    (LintCode.DETECTION_CHANGED, EVERY, _detection_changed),
    (LintCode.COMPLETION_MOVED, EVERY, _completion_moved),
    (LintCode.RATING_CHANGED, EVERY, _rating_changed),
    (LintCode.MILESTONE_CHANGED, EVERY, _milestone_changed),
    (LintCode.TEXT_SHORTENED, EVERY, _text_shortened),
    (LintCode.ASSET_NOT_IN_INVENTORY, UNCLOSED, _asset_not_in_inventory),
)
"""The checks of an item's row: code, the sheets it is for, and the function."""
