"""What becomes of an item that the workbook has: it stays, changes, closes, or waits for proof."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from poam.asset_lines import AssetLine, asset_text
from poam.assets import AssetIndex
from poam.cells import appended, asset_cell
from poam.changes import Cleaned, Decision
from poam.cross_references import Listing
from poam.frames import Row
from poam.identifiers import cve_ids
from poam.images import image, same_repository
from poam.locations import parameters, without_query
from poam.milestones import changed
from poam.model import ChangeKind, Sheet, Value
from poam.opening import Edition
from poam.policy import Policy
from poam.proof import ScanRecord

# What only a person ends: a dependency on a vendor, an operational requirement.
PAPERWORK = {
    "vendor_dependency": "a vendor dependency",
    "operational_requirement": "an operational requirement",
}
DEVIATIONS = ("risk_adjustment", "false_positive", "operational_requirement")
LISTED = 10  # asset lines named in a comment before "and n more"


@dataclass
class Item:
    """A workbook row while the batch is held against it."""

    record: Row
    keys: frozenset[tuple[str, str]]
    lines: tuple[AssetLine, ...]
    goes_on: str = ""  # the attachment that holds the rest of the list, where no memory does
    seen: set[AssetLine] = field(default_factory=set)
    added: list[str] = field(default_factory=list)
    after: dict[str, Value] = field(default_factory=dict)
    because: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # lines for Comments
    found: dict[str, None] = field(default_factory=dict)  # which weaknesses it is, and why
    attachment: str | None = None
    replaced: dict[AssetLine, str] = field(default_factory=dict)  # images by their new version
    cleaned: list[Cleaned] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)  # why the completion date is another
    notes: list[str] = field(default_factory=list)  # for the summary; no cell changes
    asks: list[str] = field(default_factory=list)  # for a person to decide
    back: list[str] = field(default_factory=list)  # why a closed item comes back
    cites: dict[str, str] = field(default_factory=dict)  # the policy line behind a reason
    of_images: bool = False
    is_configuration: bool = False
    first_seen: date | None = None  # the earliest day that a sighting of it is known for
    by_place: dict[str, list[AssetLine]] = field(default_factory=lambda: defaultdict(list))

    def versions(self, sighting: Row, index: AssetIndex) -> list[AssetLine]:
        """Return the lines that name an image of which a sighting is another version."""
        return [line for line in self.lines if _same_image(line, sighting, index)]

    @property
    def listing(self) -> Listing:
        """The item as another may name it."""
        detectors = frozenset(detector for detector, _ in self.keys)
        return Listing(self.record.poam_id, detectors, cve_ids(self.record.cve))

    @property
    def due(self) -> date | None:
        """The scheduled completion date, as this run leaves it."""
        due = self.now("scheduled_completion_date")
        return due if isinstance(due, date) else None

    def note(self, words: str) -> None:
        """Keep words for the summary, once."""
        if words not in self.notes:
            self.notes.append(words)

    def now(self, name: str) -> Value:
        """Return a field's value, as this run leaves it."""
        value: Value = self.after.get(name, getattr(self.record, name))
        return value

    def lists(self, sighting: Row, index: AssetIndex) -> list[AssetLine]:
        """Return the lines that name the place of a sighting."""
        if not self.by_place:
            for line in self.lines:
                for place in _places(line, index):
                    self.by_place[place].append(line)
        near = self.by_place.get(_place(sighting), ())
        return [line for line in near if _same_place(line, sighting)]


@dataclass(frozen=True)
class Settlement:
    """Decides on items once every sighting of a batch has found its place.

    `record` proves absence; `as_of` is the only clock.
    """

    as_of: date
    policy: Policy
    edition: Edition
    index: AssetIndex
    record: ScanRecord

    def decide(self, item: Item) -> Decision | None:
        """What becomes of one existing item, now that every sighting has found its place."""
        record = item.record
        if record.sheet == Sheet.CLOSED:
            return self._reopen(item) if item.back else None
        if record.false_positive.strip() == "Yes":
            waiting = [words for name, words in PAPERWORK.items() if self._says(item, name, "Yes")]
            if not waiting:
                proof = "its false positive request was approved"
                item.cites[proof] = "timelines.deviations"
                return self._closed(item, (proof,))
            item.asks.append(f"an approved false positive, and {' and '.join(waiting)}: which?")
        gone, unproven = self._absences(item)
        if gone and not (item.seen or unproven or item.added or item.goes_on):
            return self._close(item, gone)
        if item.goes_on:
            gone = {}  # a list that is not all here cannot be rewritten
        replaced = self._replaced(item, unproven)
        if item.added or gone or replaced:
            self._relist(item, gone, replaced)
        self._say(item)
        if item.after:
            because = (*item.because, *unproven.values(), *item.found)
            return self._decision(ChangeKind.UPDATED, item, because)
        if unproven and not item.seen:
            return self._decision(ChangeKind.UNVERIFIED, item, tuple(unproven.values()))
        because = (_why_unchanged(item), *unproven.values(), *item.found)
        return self._decision(ChangeKind.UNCHANGED, item, because)

    def _absences(self, item: Item) -> tuple[dict[AssetLine, str], dict[AssetLine, str]]:
        """Lines that no scan of this batch shows: proven gone, or not, each with its reason."""
        gone: dict[AssetLine, str] = {}
        unproven: dict[AssetLine, str] = {}
        identifiers: dict[str, tuple[str, ...]] = {}
        for detector, name in sorted(item.keys):
            identifiers[detector] = (*identifiers.get(detector, ()), name)
        for line in item.lines:
            if line in item.seen or not identifiers:
                continue
            asset = self._scanned_as(item, line)
            detected = item.record.original_detection_date
            verdicts = [
                self.record.verdict(detector, names, asset, line, detected)
                for detector, names in self.record.witnesses(identifiers, asset).items()
            ]
            missing = [verdict.because for verdict in verdicts if not verdict.gone]
            if missing and (left := self._decommissioned(item, line)):
                item.cites[left] = "timelines.closing.decommissioned"
                if self.policy.timelines.closing.decommissioned == "close":
                    gone[line] = left
                else:
                    unproven[line] = left
                    item.asks.append(f"{left}: confirm it")
            elif missing:
                unproven[line] = "; ".join(missing)
            else:
                day = min(verdict.day for verdict in verdicts if verdict.day)
                item.cleaned.append(_cleaned(item, asset, line, day))
                words = "; ".join(verdict.because for verdict in verdicts)
                confirmed = all(verdict.confirmed for verdict in verdicts)
                (gone if confirmed else unproven)[line] = words
        return gone, unproven

    def _scanned_as(self, item: Item, line: AssetLine) -> str:
        """Return a line's asset, or the image's version that the inventory has in its place."""
        asset = self.index.identifier(line.name)
        one = image(asset) if item.of_images and asset in self.index.departed else None
        if one is None or self.record.was_scanned(asset):
            return asset
        listed = sorted({name for _, name in self.record.scans if name in self.index.in_inventory})
        versions = [
            name for name in listed if (other := image(name)) and same_repository(one, other)
        ]
        shown = any(name in self.record.seen.get(key, ()) for key in item.keys for name in versions)
        return versions[0] if versions and not shown else asset

    def _decommissioned(self, item: Item, line: AssetLine) -> str:
        """Say that a host left the inventory, and no scan reached it; "" where it did not."""
        asset = self.index.identifier(line.name)
        listed = self.index.departed.get(asset)
        if listed is None or self.record.failed or self.record.was_scanned(asset):
            return ""
        if item.of_images and self.index.has_version_of(asset):
            return ""  # a new version of the image takes its place
        return (
            f"{asset} is decommissioned: it left the inventory, which listed it on {listed}, and "
            "no scan of this batch reached it"
        )

    def _replaced(self, item: Item, unproven: dict[AssetLine, str]) -> list[AssetLine]:
        """Take out the versions of an image that a new one replaces: no scan looked at them."""
        for line in unproven:
            if newer := self._seen_version(item, line):
                item.replaced.setdefault(line, newer)
        replaced = [line for line in item.replaced if line in unproven and not self.record.failed]
        for line in replaced:
            words = f"{item.replaced[line]} takes the place of {line.text}: {unproven.pop(line)}"
            item.said.append(f"{self.as_of}: {words}.")
            item.because.append(words)
        return replaced

    def _seen_version(self, item: Item, line: AssetLine) -> str:
        """Return the line of a version that was seen, where this one left the inventory."""
        asset = self.index.identifier(line.name)
        one = image(asset) if item.of_images and asset in self.index.departed else None
        if one is None:
            return ""
        seen = ((other.text, image(self.index.identifier(other.name))) for other in item.seen)
        newer = (text for text, other in seen if other and same_repository(one, other))
        return min(newer, default="")

    def _close(self, item: Item, gone: Mapping[AssetLine, str]) -> Decision:
        if self._says(item, "operational_requirement", "Yes"):
            return self._decision(
                ChangeKind.NEEDS_REVIEW,
                item,
                (
                    "an approved operational requirement that no scan finds any more: close "
                    "it if its circumstance is gone",
                    *gone.values(),
                ),
            )
        return self._closed(item, tuple(dict.fromkeys(gone.values())))

    def _says(self, item: Item, name: str, word: str) -> bool:
        return bool(getattr(item.record, name).strip() == word)

    def _closed(self, item: Item, proof: tuple[str, ...]) -> Decision:
        words = some(proof)
        comment = f"{self.as_of}: Closed. {words[0].upper()}{words[1:]}."
        pending = [
            name.replace("_", " ") for name in DEVIATIONS if self._says(item, name, "Pending")
        ]
        if pending:
            item.note(f"closed with proof; withdraw its pending {' and '.join(pending)}")
        item.after = {
            "status_date": self.as_of,
            "comments": appended(item.record.comments, comment),
        }
        for reason in proof:
            item.cites.setdefault(reason, "timelines.closing.confirm_scans")
        return self._decision(ChangeKind.CLOSED, item, proof, to_sheet=Sheet.CLOSED)

    def _reopen(self, item: Item) -> Decision:
        """Bring a closed row back with its dates; only what was seen again is on its list."""
        lines = [line.text for line in item.lines if line in item.seen]
        item.after["asset_identifier"], _ = asset_cell(lines, item.record.poam_id)
        item.said.insert(0, f"{self.as_of}: Reopened. {some(item.back)}.")
        self._say(item)
        back_to = Sheet.CONFIGURATION if item.is_configuration else Sheet.OPEN
        to_sheet = back_to if back_to in self.edition.sheets else Sheet.OPEN
        because = (*item.back, *item.because)
        return self._decision(ChangeKind.REOPENED, item, because, to_sheet=to_sheet)

    def _say(self, item: Item) -> None:
        """Write down what happened to an item, and the day, where anything did."""
        self._say_moved(item)
        if item.said:
            item.after["comments"] = appended(item.record.comments, "\n".join(item.said))
        if item.after:
            item.after["status_date"] = self.as_of

    def _say_moved(self, item: Item) -> None:
        """Write a moved date into Milestone Changes, or Comments where there is no such column."""
        if not item.moved or item.due is None:
            return
        record, why = item.record, "; ".join(item.moved)
        before = record.scheduled_completion_date
        if "milestone_changes" in self.edition.fields:
            words = f"Scheduled completion moved from {before}: {why}"
            item.after["milestone_changes"] = changed(
                record.planned_milestones, record.milestone_changes, item.due, words
            )
        else:
            words = f"Scheduled completion moved from {before} to {item.due}: {why}."
            item.said.append(f"{self.as_of}: {words}")
            item.note(f"due {item.due} now; the milestone in its plan is yours to change")

    def _relist(
        self, item: Item, gone: Mapping[AssetLine, str], replaced: Collection[AssetLine] = ()
    ) -> None:
        """Take proven-gone assets off the list and put new ones on; kept lines stay as typed."""
        kept = [line.text for line in item.lines if line not in gone and line not in replaced]
        listed = list(dict.fromkeys([*kept, *item.added]))
        cell, is_long = asset_cell(listed, item.record.poam_id)
        item.after["asset_identifier"] = cell
        item.attachment = "\n".join(listed) if is_long else None
        left = {line: why for line, why in gone.items() if why in item.cites}  # decommissioned
        for word, lines in (("Remediated on", gone.keys() - left.keys()), ("Off the list:", left)):
            if named := [line for line in gone if line in lines]:
                proof = some(list(dict.fromkeys(gone[line] for line in named)))
                names = some([line.text for line in named])
                item.said.append(f"{self.as_of}: {word} {names}. {proof}.")
        item.because += dict.fromkeys(gone.values())
        if item.added:
            item.said.append(f"{self.as_of}: Also seen on {some(item.added)}.")
            item.because.append(f"also seen on {some(item.added)}")

    def _decision(
        self, kind: ChangeKind, item: Item, because: tuple[str, ...], to_sheet: str | None = None
    ) -> Decision:
        record = item.record
        values = {f: v for f, v in item.after.items() if f in self.edition.fields}
        because = tuple(
            f"{reason} [{self.policy.cite(item.cites[reason])}]" if reason in item.cites else reason
            for reason in (*because, *item.notes)
        )
        writes = kind in (ChangeKind.UPDATED, ChangeKind.CLOSED, ChangeKind.REOPENED)
        return Decision(
            kind=kind,
            because=because,
            poam_id=record.poam_id,
            sheet=record.sheet,
            row=record.row,
            to_sheet=to_sheet,
            after=values if writes else {},
            before={name: getattr(record, name) for name in values},
            detector=record.weakness_detector_source,
            source_identifier=record.weakness_source_identifier,
            weakness_name=record.weakness_name,
            attachment=item.attachment,
        )


def _cleaned(item: Item, asset: str, line: AssetLine, day: date) -> Cleaned:
    return Cleaned(
        item.record.poam_id,
        asset,
        line.location,
        line.parameter,
        line.port,
        day,
        tuple(sorted(item.keys)),
        item.record.original_detection_date,
    )


def _place(sighting: Row) -> str:
    return without_query(sighting.location) if sighting.location else str(sighting.asset_identifier)


def _places(line: AssetLine, index: AssetIndex) -> set[str]:
    """Return the pages or assets that a line names: where sightings of it are."""
    if line.location:
        return {without_query(line.location)}
    return {index.identifier(name) for name in line.names}


def _same_place(line: AssetLine, sighting: Row) -> bool:
    """Compare what else tells places of one page or asset apart."""
    if sighting.location:
        return _same_page(line, sighting)
    if line.location or line.port not in (0, sighting.port):
        return False
    return not line.protocol or not sighting.protocol or line.protocol == sighting.protocol.lower()


def _same_image(line: AssetLine, sighting: Row, index: AssetIndex) -> bool:
    if line.port not in (0, sighting.port):
        return False
    one, other = image(index.identifier(line.name)), image(sighting.asset_identifier)
    return one is not None and other is not None and same_repository(one, other)


def _same_page(line: AssetLine, sighting: Row) -> bool:
    """Compare pages; with a parameter at fault the page counts without its query."""
    if line.location == sighting.location and line.parameter == sighting.parameter:
        return True
    if not sighting.parameter or without_query(line.location) != without_query(sighting.location):
        return False
    named = {line.parameter} if line.parameter else parameters(line.location)
    return not named or sighting.parameter in named


def place_text(sighting: Row) -> str:
    """Return a sighting's place as a line of the Asset Identifier cell."""
    return asset_text(
        sighting.asset_identifier,
        sighting.location,
        sighting.port,
        sighting.protocol.lower(),
        sighting.parameter,
    )


def some(parts: Sequence[str]) -> str:
    """Join parts, the first few of many."""
    more = f" and {len(parts) - LISTED} more" if len(parts) > LISTED else ""
    return "; ".join(parts[:LISTED]) + more


def _why_unchanged(item: Item) -> str:
    if item.seen:
        return f"still seen on {len(item.seen)} of {len(item.lines)} listed assets"
    if not item.keys:
        return "no scanner identifier: only a person can say whether it is remediated"
    return "it lists no asset that a scan could confirm"
