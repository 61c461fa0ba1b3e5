"""A batch against the workbook: what opens, changes, closes, stays and waits for a person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from poam.answers import Doubt, doubt_id, fingerprint
from poam.assets import AssetIndex, AssetLine, asset_lines
from poam.cells import is_attachment_line
from poam.changes import ChangeSet, Decision, aside, doubtful, stale, unlisted, unrated
from poam.deadlines import deadline
from poam.dedupe import SIGHTING
from poam.existing import Item, Settlement, place_text
from poam.frames import WEAKNESS, Row, rows
from poam.identifiers import cve_ids, row_identity
from poam.kev import KevCatalogue
from poam.model import ChangeKind, Kind, RiskRating, Sheet
from poam.opening import Cohort, Edition, item_values, poam_ids, text_of
from poam.policy import Policy
from poam.proof import ScanRecord

RATING_ORDER = {rating: order for order, rating in enumerate(RiskRating)}


@dataclass(frozen=True)
class Reconciler:
    """The rules and facts of one run. `decide` holds a batch against a workbook.

    `kev` is None where no catalogue was given. `record` proves absence. `recorded` has, by POA&M
    ID, the assets that the ledger knows of an item: some lists do not fit their cell. `clean_days`
    has, by a sighting's key, the day on which it was last proven clean. Nothing is read or written
    here, and `as_of` is the only clock.
    """

    as_of: date
    policy: Policy
    edition: Edition
    index: AssetIndex
    record: ScanRecord
    kev: KevCatalogue | None = None
    recorded: Mapping[str, tuple[AssetLine, ...]] = field(default_factory=dict)
    clean_days: Mapping[tuple[object, ...], date] = field(default_factory=dict)

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
        cohorts: list[tuple[Cohort, list[int], str, tuple[str, ...]]] = []
        seen = _present_by_weakness(sightings)
        for weakness in rows(weaknesses):
            key = (weakness.detector, weakness.source_identifier)
            same, elsewhere = self._by_detector(linked[key])
            mine = [states[link.sheet, link.row] for link in same]
            left = self._claim(weakness, seen[key], same, states, members)
            if weakness.kind == Kind.INFORMATIONAL:
                continue
            left = [sighting for sighting in left if sighting.kind != Kind.INFORMATIONAL]
            if left and weakness.original_risk_rating is None:
                if not weakness.native_informational:
                    review.append(unrated(weakness))
                continue
            left, asides, comment = self._closed_before(weakness, left, mine)
            comment = "\n".join([*filter(None, [comment]), *self._named_beside(elsewhere)])
            review += asides
            if left and not mine and proposed[key]:
                review.append(
                    doubtful(weakness, self._doubts(weakness, left, proposed[key], states))
                )
            elif left and (unread := [item for item in mine if item.goes_on]):
                review.append(unlisted(weakness, unread[0].record, unread[0].goes_on, len(left)))
            elif left:
                cohorts += self._cohorts(weakness, left, mine, comment, members)
        settlement = Settlement(self.as_of, self.edition, self.index, self.record)
        decisions = [d for state in states.values() if (d := settlement.decide(state))]
        decisions += review + self._open(cohorts, items, members)
        ids = pd.Series(members, dtype=object).reindex(sightings.index).fillna("")
        membership = sightings.assign(poam_id=ids.astype("str"))
        cleaned = tuple(place for state in states.values() for place in state.cleaned)
        return ChangeSet(tuple(decisions), membership, cleaned)

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
        lines = asset_lines(record.asset_identifier)
        listed = tuple(line for line in lines if not is_attachment_line(line.text))
        if len(listed) == len(lines):
            return Item(record, identity.keys, listed)
        recorded = self.recorded.get(record.poam_id, ())
        known = {(self.index.identifier(x.name), x.location, x.parameter, x.port) for x in listed}
        rest = [x for x in recorded if (x.name, x.location, x.parameter, x.port) not in known]
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
        current = [link for link in links if link.sheet != Sheet.CLOSED]
        for sighting in seen:
            holders = [
                (link, item, line)
                for link in current
                for item in (states[link.sheet, link.row],)
                for line in item.lists(sighting, self.index)
            ]
            own = [holder for holder in holders if not holder[0].cross_detector]
            for link, item, line in own or holders:
                item.seen.add(line)
                item.found[f"{weakness.detector} {weakness.source_identifier}: {link.evidence}"] = (
                    None
                )
                members.setdefault(sighting.Index, item.record.poam_id)
                if link.cross_detector:
                    self._name_finder(weakness, link, item)
            if not holders:
                left.append(sighting)
        for link in current:
            item = states[link.sheet, link.row]
            if item.seen and weakness.original_risk_rating is not None:
                self._refresh(item, weakness)
        return left

    def _name_finder(self, weakness: Row, link: Row, item: Item) -> None:
        """Say once, in the item of another scanner, that this one finds the weakness too."""
        finds = f"{weakness.detector} {weakness.source_identifier} finds the same weakness"
        if not any(finds in text for text in (item.record.comments, *item.said)):
            item.said.append(f"{self.as_of}: {finds}: {link.evidence}.")
            item.because.append(f"{finds}: {link.evidence}")

    def _refresh(self, item: Item, weakness: Row) -> None:
        """Bring the machine's own columns of an open item up to date: CVE, KEV, a tighter date."""
        record = item.record
        listed = cve_ids(record.cve)
        union = tuple(dict.fromkeys((*listed, *weakness.cves)))
        if set(union) != set(listed):
            item.after["cve"] = "\n".join(union)
            item.because.append(
                f"{weakness.detector} now lists {', '.join(set(union) - set(listed))}"
            )
        in_kev, kev_due, basis = self._kev(union, weakness.kev_due)
        if not in_kev:
            return
        if record.bod_22_01_tracking != "Yes" or record.bod_22_01_due_date != kev_due:
            item.after |= {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": kev_due}
            item.because.append(basis)
        due = record.scheduled_completion_date
        if due is not None and kev_due is not None and kev_due < due:
            item.after["scheduled_completion_date"] = kev_due
            item.because.append(f"due date tightened from {due} to {kev_due}: {basis}")

    def _closed_before(
        self, weakness: Row, left: list[Row], mine: list[Item]
    ) -> tuple[list[Row], list[Decision], str]:
        """Sort out sightings on assets that a closed item of the same identifier lists."""
        closed = [item for item in mine if item.record.sheet == Sheet.CLOSED]
        news: list[Row] = []
        asides: list[Decision] = []
        recurrence: dict[str, date | None] = {}
        for sighting in left:
            place = place_text(sighting)
            before = [item for item in closed if item.lists(sighting, self.index)]
            false_positive = [i for i in before if i.record.false_positive == "Yes"]
            later = [i for i in before if _closed_after(i, sighting)]
            if false_positive:
                asides.append(
                    aside(
                        ChangeKind.SUPPRESSED,
                        weakness,
                        false_positive[0].record,
                        f"seen again on {place}; {false_positive[0].record.poam_id} is an approved "
                        "false positive there",
                    )
                )
            elif later:
                record = later[0].record
                asides.append(
                    aside(
                        ChangeKind.NEEDS_REVIEW,
                        weakness,
                        record,
                        f"seen on {place} on {sighting.last_seen.date()}, and {record.poam_id} for "
                        f"it was closed on {record.status_date}: was it closed too early, or is "
                        "the scan older than the fix?",
                    )
                )
            elif clean := self._clean_since(sighting):
                asides.append(stale(weakness, place, sighting.last_seen.date(), clean))
            else:
                news.append(sighting)
                recurrence |= {i.record.poam_id: i.record.status_date for i in before}
        comment = "\n".join(
            f"{self.as_of}: Recurrence of {poam_id}, closed {day or 'earlier'}."
            for poam_id, day in sorted(recurrence.items())
        )
        return news, asides, comment

    def _clean_since(self, sighting: Row) -> date | None:
        """The day after this sighting on which an earlier run proved its place clean, if any."""
        key = tuple(getattr(sighting, name) for name in SIGHTING)
        day = self.clean_days.get(key)
        return day if day and sighting.last_seen.date() < day else None

    def _cohorts(
        self,
        weakness: Row,
        left: list[Row],
        mine: list[Item],
        comment: str,
        members: dict[int, str],
    ) -> Iterator[tuple[Cohort, list[int], str, tuple[str, ...]]]:
        """Split new assets by detection date; each day is an item of its own."""
        current = [item for item in mine if item.record.sheet != Sheet.CLOSED]
        if current and self.policy.timelines.items.new_assets == "append":
            item = min(current, key=lambda i: (str(i.record.original_detection_date), i.record.row))
            for sighting in left:
                item.added.append(place_text(sighting))
                members[sighting.Index] = item.record.poam_id
            return
        by_day: dict[date, list[Row]] = defaultdict(list)
        for sighting in left:
            by_day[sighting.first_seen.date()].append(sighting)
        for day, group in sorted(by_day.items()):
            yield self._cohort(weakness, day, group, current, comment)

    def _cohort(
        self, weakness: Row, day: date, group: list[Row], current: list[Item], comment: str
    ) -> tuple[Cohort, list[int], str, tuple[str, ...]]:
        also = dict.fromkeys(sighting.also for sighting in group)
        comment = "\n".join(line for line in (*also, comment) if line)
        rating = RiskRating(weakness.original_risk_rating)
        in_kev, kev_due, kev_basis = self._kev(weakness.cves, weakness.kev_due)
        due = deadline(rating, day, kev_due, self.policy.timelines)
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
            in_kev=in_kev,
            kev_due=kev_due,
        )
        others = ", ".join(sorted(item.record.poam_id for item in current))
        because = (
            f"{weakness.detector} {weakness.source_identifier} seen on {len(assets)} assets, "
            f"first on {day} ({group[0].first_seen_basis}; {group[0].locator})",
            f"{others} has it on other assets; these were seen later, so they get an item of their "
            f"own [{self.policy.timelines.items.source}]"
            if others
            else "no item of the workbook has this identifier",
            f"rated {rating}: {weakness.rating_basis} [{self.policy.severity.source}]",
            f"due {due.due}: {due.basis} [{self.policy.timelines.remediation.source}]",
            *([kev_basis] if in_kev else []),
        )
        return cohort, [sighting.Index for sighting in group], comment, because

    def _kev(self, cves: Iterable[str], cited: date | None) -> tuple[bool | None, date | None, str]:
        """Whether a CVE is in the catalogue, its due date, and the words for it."""
        if self.kev is None:
            if cited is None:
                return None, None, ""
            return True, cited, f"the scanner cites CISA KEV with due date {cited}"
        entry = self.kev.earliest(cves)
        if entry is None:
            return False, None, ""
        basis = f"{entry.cve} is in CISA KEV {self.kev.version}, due {entry.due_date}"
        return True, entry.due_date, f"{basis} [{self.policy.timelines.kev.source}]"

    def _open(
        self,
        cohorts: list[tuple[Cohort, list[int], str, tuple[str, ...]]],
        items: pd.DataFrame,
        members: dict[int, str],
    ) -> list[Decision]:
        """Number the new items: worst first, then by detector, identifier and date."""
        ids = poam_ids(items["poam_id"], self.policy.site.poam_id_prefix)
        decisions = []
        for cohort, sightings, comment, because in sorted(cohorts, key=lambda c: _order(c[0])):
            poam_id = next(ids)
            values, attachment = item_values(
                cohort, poam_id, self.as_of, self.edition, self.policy, comment
            )
            members |= dict.fromkeys(sightings, poam_id)
            sheet = Sheet.CONFIGURATION if cohort.kind is Kind.CONFIGURATION else Sheet.OPEN
            decisions.append(
                Decision(
                    kind=ChangeKind.OPENED,
                    because=because,
                    poam_id=poam_id,
                    sheet=sheet if sheet in self.edition.sheets else Sheet.OPEN,
                    after=values,
                    detector=cohort.detector,
                    source_identifier=cohort.source_identifier,
                    weakness_name=cohort.name,
                    attachment=attachment,
                )
            )
        return decisions


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


def _present_by_weakness(sightings: pd.DataFrame) -> dict[tuple[str, str], list[Row]]:
    seen: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for sighting in rows(sightings[sightings["present"]]):
        seen[tuple(getattr(sighting, name) for name in WEAKNESS)].append(sighting)
    return seen


def _closed_after(item: Item, sighting: Row) -> bool:
    closed = item.record.status_date
    return closed is not None and sighting.last_seen.date() < closed
