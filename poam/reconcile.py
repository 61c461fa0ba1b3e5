"""A batch against the workbook: what opens, changes, closes, stays and waits for a person."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import pandas as pd

from poam.answers import Doubt, doubt_id, fingerprint
from poam.asset_lines import AssetLine, asset_lines
from poam.assets import AssetIndex
from poam.cells import is_attachment_line
from poam.changes import ChangeSet, Decision, doubtful, held, undecided, unlisted, unrated
from poam.cross_references import cross_references
from poam.deadlines import deadline, is_late
from poam.dedupe import SIGHTING
from poam.existing import Item, Settlement, place_text, some
from poam.frames import Row, rows
from poam.identifiers import row_identity
from poam.kev import KevCatalogue
from poam.model import ChangeKind, Kind, RiskRating, Sheet
from poam.numbering import poam_ids
from poam.opening import Cohort, Edition, facts, item_values, text_of
from poam.policy import Policy
from poam.proof import ScanRecord
from poam.recurrence import Recurrences
from poam.revision import Reviser
from poam.sighted import Sighted

RATING_ORDER = {rating: order for order, rating in enumerate(RiskRating)}
DAYS = ("first_seen", "first_seen_basis", "last_seen")
TOLD = (*SIGHTING, *DAYS, "kind", "locator", "finders")  # what of a sighting decides


@dataclass(frozen=True)
class Opening:
    """A new item before it has its number: its sightings' labels, its comment, and why."""

    cohort: Cohort
    sightings: tuple[int, ...]
    comment: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class Reconciler:
    """The rules and facts of one run. `decide` holds a batch against a workbook.

    `kev` is None where no catalogue was given. `record` proves absence. `recorded` has, by POA&M
    ID, the assets that the ledger or an attachment knows of an item: some lists do not fit their
    cell. `clean_days`
    has, by a sighting's key, the day on which it was last proven clean. `poam_ids` are those
    of every sheet: no new item gets one of them. Nothing is read or written here, and `as_of` is
    the only clock.
    """

    as_of: date
    policy: Policy
    edition: Edition
    index: AssetIndex
    record: ScanRecord
    kev: KevCatalogue | None = None
    recorded: Mapping[str, tuple[AssetLine, ...]] = field(default_factory=dict)
    clean_days: Mapping[tuple[object, ...], date] = field(default_factory=dict)
    poam_ids: tuple[str, ...] = ()

    def decide(
        self,
        items: pd.DataFrame,
        weaknesses: pd.DataFrame,
        sightings: pd.DataFrame,
        links: pd.DataFrame,
    ) -> ChangeSet:
        """Hold this batch's rated weaknesses and their sightings against the workbook's items.

        `items` as the workbook gives them, `weaknesses` with `original_risk_rating`, `sightings`
        as `poam.dedupe` makes them, both folded by `poam.twins`; `links` from `poam.correlate`.
        """
        states = {(r.sheet, r.row): self._item(r) for r in rows(items)}
        linked, proposed = _by_weakness(links)
        members: dict[int, str] = {}
        review: list[Decision] = []
        cohorts: list[Opening] = []
        seen = Sighted(sightings, TOLD)
        closed_before = Recurrences(self.as_of, self.policy, self.index, self.clean_days)
        for weakness in rows(weaknesses):
            key = (weakness.detector, weakness.source_identifier)
            same, elsewhere = self._by_detector(linked[key])
            mine = [states[link.sheet, link.row] for link in same]
            left = self._claim(weakness, seen.of(key), same, states, members)
            if weakness.kind == Kind.INFORMATIONAL:
                continue
            left = [sighting for sighting in left if sighting.kind != Kind.INFORMATIONAL]
            if left and weakness.original_risk_rating is None:
                if not weakness.native_informational:
                    review.append(unrated(weakness))
                continue
            left = self._succeed(weakness, left, mine, members)
            closed = [item for item in mine if item.record.sheet == Sheet.CLOSED]
            found = closed_before.sort(weakness, left, closed)
            left = list(found.news)
            members |= found.back
            self._refresh([item for item in closed if item.back], weakness)
            review += found.asides
            comment = "\n".join([*filter(None, [found.comment]), *self._named_beside(elsewhere)])
            if left and not mine and proposed[key]:
                review.append(
                    doubtful(weakness, self._doubts(weakness, left, proposed[key], states))
                )
            elif left and (unread := [item for item in mine if item.goes_on]):
                review.append(unlisted(weakness, unread[0].record, unread[0].goes_on, len(left)))
            elif left:
                cohorts += self._cohorts(weakness, left, mine, comment, members)
        decisions = self._settled(states.values())
        decisions += review + self._open(cohorts, states.values(), members)
        ids = pd.Series(members, dtype=object).reindex(sightings.index).fillna("")
        membership = sightings.assign(poam_id=ids.astype("str"))
        cleaned = tuple(place for state in states.values() for place in state.cleaned)
        return ChangeSet(tuple(decisions), membership, cleaned, _notices(states.values()))

    def _settled(self, states: Collection[Item]) -> list[Decision]:
        """Decide on the items of the workbook, and what of them a person is asked."""
        settlement = Settlement(self.as_of, self.policy, self.edition, self.index, self.record)
        decisions: list[Decision] = []
        asked: list[Decision] = []
        for state in states:
            if state.back or state.record.sheet != Sheet.CLOSED:
                self._reviser.settle(state)
            decision = settlement.decide(state)
            if decision:
                decisions.append(decision)
            if state.asks and not (decision and decision.kind is ChangeKind.CLOSED):
                asked.append(undecided(state.record, tuple(state.asks)))
        return decisions + asked

    def _refresh(self, items: Iterable[Item], weakness: Row) -> None:
        for item in items:
            self._reviser.refresh(item, weakness, own=True)

    @cached_property
    def _reviser(self) -> Reviser:
        return Reviser(self.as_of, self.policy, self.kev)

    def _doubts(
        self,
        weakness: Row,
        left: list[Row],
        links: list[Row],
        states: Mapping[tuple[str, int], Item],
    ) -> tuple[Doubt, ...]:
        scanner = self.policy.scanner(weakness.detector)
        number = (
            f"{scanner.identifier_word if scanner else ''} {weakness.source_identifier}".strip()
        )
        doubts = []
        for link in links:
            record = states[link.sheet, link.row].record
            about = (weakness.detector, weakness.source_identifier, record.poam_id)
            doubts.append(
                Doubt(
                    id=doubt_id(*about),
                    detector=weakness.detector,
                    source_identifier=weakness.source_identifier,
                    weakness_name=text_of(weakness.name),
                    assets=tuple(dict.fromkeys(place_text(sighting) for sighting in left)),
                    poam_id=record.poam_id,
                    sheet=link.sheet,
                    row=link.row,
                    item_name=record.weakness_name,
                    item_detector=record.weakness_detector_source,
                    item_identifier=record.weakness_source_identifier,
                    item_assets=record.asset_identifier,
                    item=fingerprint(record),
                    points=link.points,
                    evidence=link.evidence,
                    settled_by=f"{number} in the row's Weakness Source Identifier",
                )
            )
        return tuple(doubts)

    def _by_detector(self, links: list[Row]) -> tuple[list[Row], list[Row]]:
        """Return the links that are the weakness's items, and those to name beside its own."""
        if self.policy.timelines.items.cross_detector == "same_item":
            return links, []
        crossing = [link for link in links if link.cross_detector]
        return [link for link in links if not link.cross_detector], crossing

    def _named_beside(self, links: list[Row]) -> list[str]:
        return [
            f"{self.as_of}: Another scanner's {link.poam_id} is the same weakness: {link.evidence}."
            for link in links
        ]

    def _item(self, record: Row) -> Item:
        identity = row_identity(
            record.weakness_detector_source, record.weakness_source_identifier, self.policy
        )
        images = any(map(self.policy.scans_images, identity.detectors))
        lines = asset_lines(record.asset_identifier, images)
        listed = tuple(line for line in lines if not is_attachment_line(line.text))
        if len(listed) == len(lines):
            return Item(record, identity.keys, listed, of_images=images)
        recorded = self.recorded.get(record.poam_id, ())
        known = {(self.index.identifier(x.name), x.location, x.parameter, x.port) for x in listed}
        named = ((self.index.identifier(x.name), x) for x in recorded)
        rest = [x for n, x in named if (n, x.location, x.parameter, x.port) not in known]
        goes_on = "" if recorded else f"assets-{record.poam_id}.csv"
        return Item(record, identity.keys, (*listed, *rest), goes_on)

    def _claim(
        self,
        weakness: Row,
        seen: Sequence[Row],
        links: list[Row],
        states: Mapping[tuple[str, int], Item],
        members: dict[int, str],
    ) -> list[Row]:
        """Give each sighting to the open items that list its place; return those of none.

        The scanner's own items come first: another scanner's takes what none of them lists.
        """
        left = []
        shown: dict[tuple[str, int], Row] = {}
        current = [link for link in links if link.sheet != Sheet.CLOSED]
        for sighting in seen:
            holders = [
                (link, item, line)
                for link in current
                for item in (states[link.sheet, link.row],)
                for line in item.lists(sighting, self.index)
            ]
            own = [holder for holder in holders if not holder[0].cross_detector]
            day = sighting.first_seen.date()
            for link, item, line in own or holders:
                item.seen.add(line)
                item.first_seen = min(day, item.first_seen or day)
                members.setdefault(sighting.Index, item.record.poam_id)
                shown[link.sheet, link.row] = link
            if not holders:
                left.append(sighting)
        for place, link in shown.items():
            item = states[place]
            why = f"{weakness.detector} {weakness.source_identifier}: {link.evidence}"
            item.found[why] = None
            if link.cross_detector:
                self._name_finder(weakness, link, item)
            self._reviser.refresh(item, weakness, not link.cross_detector)
        return left

    def _succeed(
        self, weakness: Row, left: list[Row], mine: list[Item], members: dict[int, str]
    ) -> list[Row]:
        """Give a new version of an image to the oldest item that lists another version of it.

        A weakness that stays through a new version is the same weakness, with its date.
        """
        rules = self.policy.timelines.containers
        if rules.new_version == "new_row" or not self.policy.scans_images(weakness.detector):
            return left
        current = [i for i in mine if i.record.sheet != Sheet.CLOSED and not i.goes_on]
        current.sort(key=lambda i: (str(i.record.original_detection_date), i.record.row))
        rest = []
        joined: dict[tuple[str, int], Item] = {}
        for sighting in left:
            earlier = ((i, lines) for i in current if (lines := i.versions(sighting, self.index)))
            item, lines = next(earlier, (None, []))
            if item is None:
                rest.append(sighting)
                continue
            place = place_text(sighting)
            item.added.append(place)
            for line in lines:
                item.replaced.setdefault(line, place)
            members[sighting.Index] = item.record.poam_id
            joined[item.record.sheet, item.record.row] = item
        self._refresh(joined.values(), weakness)
        return rest

    def _name_finder(self, weakness: Row, link: Row, item: Item) -> None:
        """Say once, in the item of another scanner, that this one finds the weakness too."""
        finds = f"{weakness.detector} {weakness.source_identifier} finds the same weakness"
        if not any(finds in text for text in (item.record.comments, *item.said)):
            item.said.append(f"{self.as_of}: {finds}: {link.evidence}.")
            item.because.append(f"{finds}: {link.evidence}")

    def _cohorts(
        self,
        weakness: Row,
        left: list[Row],
        mine: list[Item],
        comment: str,
        members: dict[int, str],
    ) -> Iterator[Opening]:
        """Split new assets by detection date; each day is an item of its own."""
        current = [item for item in mine if item.record.sheet != Sheet.CLOSED]
        if current and self.policy.timelines.items.new_assets == "append":
            item = min(current, key=lambda i: (str(i.record.original_detection_date), i.record.row))
            for sighting in left:
                item.added.append(place_text(sighting))
                members[sighting.Index] = item.record.poam_id
            self._refresh([item], weakness)
            return
        by_day: dict[date, list[Row]] = defaultdict(list)
        for sighting in left:
            by_day[sighting.first_seen.date()].append(sighting)
        for day, group in sorted(by_day.items()):
            yield self._cohort(weakness, day, group, mine, comment)

    def _why_new(self, mine: Sequence[Item]) -> str:
        """Say why no item of the workbook takes what the scan shows."""
        current = sorted(i.record.poam_id for i in mine if i.record.sheet != Sheet.CLOSED)
        closed = sorted(i.record.poam_id for i in mine if i.record.sheet == Sheet.CLOSED)
        if current:
            cited = self.policy.cite("timelines.items.new_assets")
            words = "other assets; these get an item of their own"
            return f"{', '.join(current)} lists {words} [{cited}]"
        if closed:
            cited = self.policy.cite("timelines.recurrence.after_closing")
            return f"{', '.join(closed)} with this identifier is closed [{cited}]"
        return "no item of the workbook has this identifier"

    def _cohort(
        self, weakness: Row, day: date, group: list[Row], mine: list[Item], comment: str
    ) -> Opening:
        finders = dict.fromkeys(finder for sighting in group for finder in sighting.finders)
        also = [f"{self.as_of}: {d} {i} finds the same weakness: {why}." for d, i, why in finders]
        comment = "\n".join(line for line in (*also, comment) if line)
        rating = RiskRating(weakness.original_risk_rating)
        kev = self._reviser.in_kev(weakness.cves, weakness.kev_due)
        due = deadline(rating, day, kev.due, self.policy.timelines)
        controls = self.policy.controls.choose(facts(weakness, self.policy))
        assets = tuple(dict.fromkeys(place_text(sighting) for sighting in group))
        cohort = Cohort(
            detector=weakness.detector,
            source_identifier=weakness.source_identifier,
            kind=Kind(weakness.kind),
            name=text_of(weakness.name),
            description=text_of(weakness.description),
            solution=text_of(weakness.solution),
            cves=tuple(weakness.cves),
            rating=rating,
            detected=day,
            assets=assets,
            deadline=due,
            controls=controls,
            # One identifier of a detector: several would be several weaknesses.
            finders=tuple({d: (d, i) for d, i, _ in reversed(finders)}.values())[::-1],
            in_kev=kev.listed,
            kev_due=kev.due,
        )
        cite = self.policy.cite
        places = "1 asset" if len(assets) == 1 else f"{len(assets)} assets"
        because = (
            f"{weakness.detector} {weakness.source_identifier} seen on {places}, first on {day} "
            f"({group[0].first_seen_basis}; {group[0].locator}) "
            f"[{cite('timelines.detection.counts')}]",
            self._why_new(mine),
            f"rated {rating}: {weakness.rating_basis} [{cite(weakness.rating_rule)}]",
            f"due {due.due}: {due.basis} [{cite(*due.rules)}]",
            f"controls {controls.because} [{cite(controls.rule)}]",
            *([f"{kev.basis} [{cite('timelines.kev.mode')}]"] if kev.listed else []),
        )
        return Opening(cohort, tuple(sighting.Index for sighting in group), comment, because)

    def _open(
        self, openings: list[Opening], states: Collection[Item], members: dict[int, str]
    ) -> list[Decision]:
        """Number the new items: worst first, then by detector, identifier and date."""
        prefix = self.policy.site.poam_id_prefix
        ids = poam_ids(self.poam_ids, prefix, self.as_of)
        decisions = []
        numbered: dict[str, Opening] = {}
        for opening in sorted(openings, key=lambda opening: _order(opening.cohort)):
            if self._is_held(opening.cohort):
                cited = self.policy.cite("timelines.scope.track")
                because = (*opening.because, f"not late yet [{cited}]")
                decisions.append(held(opening.cohort, because))
            else:
                numbered[next(ids)] = opening
        named = cross_references(
            (opening.cohort.listing(poam_id) for poam_id, opening in numbered.items()),
            (state.listing for state in states if state.record.sheet != Sheet.CLOSED),
        )
        for poam_id, opening in numbered.items():
            others = named.get(poam_id)
            beside = f"{self.as_of}: Other scanners, a CVE in common: {others}." if others else ""
            members |= dict.fromkeys(opening.sightings, poam_id)
            decisions.append(self._opened(poam_id, opening, beside))
        return decisions

    def _opened(self, poam_id: str, opening: Opening, beside: str) -> Decision:
        cohort = opening.cohort
        comment = "\n".join(filter(None, (opening.comment, beside)))
        values, attachment = item_values(
            cohort, poam_id, self.as_of, self.edition, self.policy, comment
        )
        sheet = Sheet.CONFIGURATION if cohort.kind is Kind.CONFIGURATION else Sheet.OPEN
        return Decision(
            kind=ChangeKind.OPENED,
            because=opening.because,
            poam_id=poam_id,
            sheet=sheet if sheet in self.edition.sheets else Sheet.OPEN,
            after=values,
            detector=cohort.detector,
            source_identifier=cohort.source_identifier,
            weakness_name=cohort.name,
            attachment=attachment,
        )

    def _is_held(self, cohort: Cohort) -> bool:
        """Whether a weakness is not on the POA&M yet: only what is late is tracked."""
        only_late = self.policy.timelines.scope.track == "past_due"
        counted = cohort.kind is not Kind.CONFIGURATION
        return only_late and counted and not is_late(cohort.deadline.due, self.as_of)


def _notices(states: Collection[Item]) -> tuple[str, ...]:
    """What a person ought to know of items that do not change for it."""
    notes = [f"{state.record.poam_id}: {note}." for state in states for note in state.notes]
    later = [
        f"{state.record.poam_id} ({detected}, seen since {state.first_seen})"
        for state in states
        if state.first_seen
        and isinstance(detected := state.record.original_detection_date, date)
        and state.first_seen < detected
    ]
    if later:
        notes.append(
            "Original detection dates that are later than the first day a scanner or the ledger "
            f"knows stay as they are: {some(later)}."
        )
    return tuple(notes)


def _order(cohort: Cohort) -> tuple[object, ...]:
    number = cohort.source_identifier
    return (
        RATING_ORDER[cohort.rating],
        cohort.detector,
        number.zfill(12) if number.isdigit() else number,
        cohort.detected,
    )


def _by_weakness(
    links: pd.DataFrame,
) -> tuple[dict[tuple[str, str], list[Row]], dict[tuple[str, str], list[Row]]]:
    linked: dict[tuple[str, str], list[Row]] = defaultdict(list)
    proposed: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for link in rows(links):
        key = (link.detector, link.source_identifier)
        (linked if link.verdict == "linked" else proposed)[key].append(link)
    return linked, proposed
