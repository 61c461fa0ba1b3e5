"""What becomes of an item that the workbook has: it stays, changes, closes, or waits for proof."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from poam.assets import AssetIndex, AssetLine, asset_text
from poam.cells import appended, asset_cell
from poam.changes import Cleaned, Decision
from poam.frames import Row
from poam.locations import parameters, without_query
from poam.model import ChangeKind, Sheet, Value
from poam.opening import Edition
from poam.proof import ScanRecord

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
    cleaned: list[Cleaned] = field(default_factory=list)

    def lists(self, sighting: Row, index: AssetIndex) -> list[AssetLine]:
        """Return the lines that name the place of a sighting."""
        return [line for line in self.lines if _same_place(line, sighting, index)]


@dataclass(frozen=True)
class Settlement:
    """Decides on items once every sighting of a batch has found its place.

    `record` proves absence; `as_of` is the only clock.
    """

    as_of: date
    edition: Edition
    index: AssetIndex
    record: ScanRecord

    def decide(self, item: Item) -> Decision | None:
        """What becomes of one existing item, now that every sighting has found its place."""
        record = item.record
        if record.sheet == Sheet.CLOSED:
            return None
        gone, unproven = self._absences(item)
        if gone and not (item.seen or unproven or item.added or item.goes_on):
            return self._close(item, gone)
        if item.goes_on:
            gone = {}  # a list that is not all here cannot be rewritten
        if item.added or gone:
            self._relist(item, gone)
        if item.said:
            item.after["comments"] = appended(record.comments, "\n".join(item.said))
        if item.after:
            item.after["status_date"] = self.as_of
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
        identifiers: dict[str, list[str]] = defaultdict(list)
        for detector, name in sorted(item.keys):
            identifiers[detector].append(name)
        for line in item.lines:
            if line in item.seen or not identifiers:
                continue
            asset = self.index.identifier(line.name)
            verdicts = [
                self.record.verdict(
                    detector, tuple(names), asset, line, item.record.original_detection_date
                )
                for detector, names in identifiers.items()
            ]
            missing = [verdict.because for verdict in verdicts if not verdict.gone]
            if missing:
                unproven[line] = "; ".join(missing)
            else:
                gone[line] = "; ".join(verdict.because for verdict in verdicts)
                day = min(verdict.day for verdict in verdicts if verdict.day)
                where = (line.location, line.parameter, line.port)
                place = Cleaned(item.record.poam_id, asset, *where, day)
                item.cleaned.append(place)
        return gone, unproven

    def _close(self, item: Item, gone: Mapping[AssetLine, str]) -> Decision:
        record = item.record
        if record.operational_requirement == "Yes":
            return self._decision(
                ChangeKind.NEEDS_REVIEW,
                item,
                (
                    "an approved operational requirement that no scan finds any more: close "
                    "it if its circumstance is gone",
                    *gone.values(),
                ),
            )
        proof = list(dict.fromkeys(gone.values()))
        comment = f"{self.as_of}: Closed. {some(proof)}."
        item.after = {
            "status_date": self.as_of,
            "comments": appended(record.comments, comment),
        }
        return self._decision(ChangeKind.CLOSED, item, tuple(proof), to_sheet=Sheet.CLOSED)

    def _relist(self, item: Item, gone: Mapping[AssetLine, str]) -> None:
        """Take proven-gone assets off the list and put new ones on; kept lines stay as typed."""
        kept = [line.text for line in item.lines if line not in gone]
        listed = list(dict.fromkeys([*kept, *item.added]))
        cell, is_long = asset_cell(listed, item.record.poam_id)
        item.after["asset_identifier"] = cell
        item.attachment = "\n".join(listed) if is_long else None
        if gone:
            names = some([line.text for line in gone])
            proof = some(list(dict.fromkeys(gone.values())))
            item.said.append(f"{self.as_of}: Remediated on {names}. {proof}.")
            item.because += dict.fromkeys(gone.values())
        if item.added:
            item.said.append(f"{self.as_of}: Also seen on {some(item.added)}.")
            item.because.append(f"also seen on {some(item.added)}")

    def _decision(
        self, kind: ChangeKind, item: Item, because: tuple[str, ...], to_sheet: str | None = None
    ) -> Decision:
        record = item.record
        values = {f: v for f, v in item.after.items() if f in self.edition.fields}
        return Decision(
            kind=kind,
            because=because,
            poam_id=record.poam_id,
            sheet=record.sheet,
            row=record.row,
            to_sheet=to_sheet,
            after=values if kind in (ChangeKind.UPDATED, ChangeKind.CLOSED) else {},
            before={name: getattr(record, name) for name in values},
            detector=record.weakness_detector_source,
            source_identifier=record.weakness_source_identifier,
            weakness_name=record.weakness_name,
            attachment=item.attachment,
        )


def _same_place(line: AssetLine, sighting: Row, index: AssetIndex) -> bool:
    if sighting.location:
        return _same_page(line, sighting)
    identifiers = {index.identifier(name) for name in line.names}
    if line.location or sighting.asset_identifier not in identifiers:
        return False
    if line.port and line.port != sighting.port:
        return False
    return not line.protocol or not sighting.protocol or line.protocol == sighting.protocol.lower()


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
