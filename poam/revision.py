"""What may change in an item once it is written: the exceptions to "set once, then never"."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from poam.deadlines import (
    Deadline,
    deadline,
    effective_rating,
    is_worse,
    kev_deadline,
    rating_of,
    rules_give,
    vendor_release,
)
from poam.existing import Item
from poam.frames import Row
from poam.identifiers import cve_ids
from poam.kev import KevCatalogue
from poam.model import RiskRating
from poam.policy import Policy


@dataclass(frozen=True)
class Kev:
    """Whether a CVE is in the catalogue (None where none was asked), its due date, the words."""

    listed: bool | None
    due: date | None
    basis: str


@dataclass(frozen=True)
class Reviser:
    """The rules by which dates and ratings of existing items move. `as_of` is the only clock."""

    as_of: date
    policy: Policy
    kev: KevCatalogue | None = None

    def in_kev(self, cves: Iterable[str], cited: date | None) -> Kev:
        """Look CVEs up; without a catalogue what the scanner itself cites counts.

        Of several CVEs the one that is due first counts, also where CISA's due date is before the
        day on which it was added to the catalogue: the real one has such.
        """
        if self.kev is None:
            if cited is None:
                return Kev(None, None, "")
            return Kev(True, cited, f"the scanner cites CISA KEV with due date {cited}")
        entry = self.kev.earliest(cves)
        if entry is None:
            return Kev(False, None, "")
        basis = f"{entry.cve} is in CISA KEV {self.kev.version}, due {entry.due_date}"
        if entry.date_added and entry.due_date < entry.date_added:
            basis += f", before CISA listed it on {entry.date_added}"
        return Kev(True, entry.due_date, basis)

    def refresh(self, item: Item, weakness: Row, own: bool) -> None:
        """Bring an open item up to date with a weakness that the batch shows on it.

        CVE and KEV columns follow the scan; the completion date may come closer, and never moves
        away. `own` says that the item is this scanner's, whose change of rating counts.
        """
        listed = cve_ids(str(item.now("cve")))
        union = tuple(dict.fromkeys((*listed, *weakness.cves)))
        if set(union) != set(listed):
            item.after["cve"] = "\n".join(union)
            new = ", ".join(cve for cve in union if cve not in listed)
            item.because.append(f"{weakness.detector} now lists {new}")
        self._track(item, self.in_kev(union, weakness.kev_due))
        if own:
            self._follow_rating(item, weakness)

    def settle(self, item: Item) -> None:
        """Move the date of an item as its approved risk adjustment or its vendor's release asks.

        Both may give more time, and do so only where the date is still one that the rules gave:
        any other is a person's. Source: POA&M Template Completion Guide v2.2 p. 4-5.
        """
        record, timelines = item.record, self.policy.timelines
        original, rating = rating_of(record.original_risk_rating), effective_rating(record)
        given = list(rules_give(record, self.as_of, self._kev_due(item), timelines))
        if original is None or rating is None or item.due is None or not given:
            return
        new, *before = given
        if new.due == item.due:
            return
        released = vendor_release(record, self.as_of, timelines.vendor_dependency)
        was_given = item.due in {one.due for one in before}
        if released and was_given:
            self._move(item, new, f"the vendor released its fix on {released}")
        elif rating is not original:
            raised = is_worse(rating, original)
            if new.due < item.due if raised else was_given:
                self._move(item, new, f"risk adjustment from {original} to {rating} approved")

    def _track(self, item: Item, kev: Kev) -> None:
        record = item.record
        tracked = str(item.now("bod_22_01_tracking")).strip() == "Yes"
        if not kev.listed or kev.due is None:
            if kev.listed is False and tracked:
                item.note("no CVE of it is in CISA KEV any more; its tracking stays")
            return
        if not tracked or item.now("bod_22_01_due_date") != kev.due:
            item.after |= {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": kev.due}
            item.because.append(f"{kev.basis} [{self.policy.cite('timelines.kev.mode')}]")
            item.said.append(f"{self.as_of}: {kev.basis}.")
        detected = record.original_detection_date
        if item.due is None or not isinstance(detected, date):
            return
        due, rule = kev_deadline(kev.due, detected, self.policy.timelines)
        if due < item.due:
            self._move(item, Deadline(due, "CISA's date comes first", (rule,)), kev.basis)

    def _follow_rating(self, item: Item, weakness: Row) -> None:
        """Raise the adjusted rating with the scanner's; a lower rating is a note only."""
        record = item.record
        original, now = rating_of(record.original_risk_rating), weakness.original_risk_rating
        if original is None or now is None:
            return
        now = RiskRating(now)
        basis = f"{weakness.detector} {weakness.source_identifier} is now rated {now}"
        basis += f" ({weakness.rating_basis})"
        adjusted = rating_of(str(item.now("adjusted_risk_rating")))
        said = str(item.now("risk_adjustment")).strip()
        raised = said == "Yes" and adjusted is not None and is_worse(adjusted, original)
        if raised and adjusted and not is_worse(now, adjusted):
            if adjusted is not now:
                item.note(f"{basis}; the raised rating {adjusted} stays")
            return
        if not is_worse(now, original):
            if now is not original:
                item.note(f"{basis}; the original rating {original} stays")
            return
        cited = self.policy.cite("timelines.rating_changes.raised", weakness.rating_rule)
        is_a_persons = said == "Pending" or (said == "Yes" and not raised)
        if is_a_persons or self.policy.timelines.rating_changes.raised == "review":
            item.asks.append(
                f"{basis}, worse than the original rating {original}; Risk Adjustment is "
                f"{said or 'blank'}: decide on the adjusted rating [{cited}]"
            )
            return
        item.after |= {"adjusted_risk_rating": now.value, "risk_adjustment": "Yes"}
        item.said.append(f"{self.as_of}: Adjusted Risk Rating raised to {now}: {basis}.")
        item.because.append(f"adjusted rating raised to {now}: {basis} [{cited}]")
        detected = record.original_detection_date
        if isinstance(detected, date) and item.due:
            timelines = self.policy.timelines
            released = vendor_release(record, self.as_of, timelines.vendor_dependency)
            new = deadline(now, detected, self._kev_due(item), timelines, released)
            if new.due < item.due:
                self._move(item, new, f"the scanner raised its rating from {original} to {now}")

    def _kev_due(self, item: Item) -> date | None:
        tracked = str(item.now("bod_22_01_tracking")).strip() == "Yes"
        due = item.now("bod_22_01_due_date")
        return due if tracked and isinstance(due, date) else None

    def _move(self, item: Item, new: Deadline, why: str) -> None:
        if item.due and new.due < min(self.as_of, item.due):
            why += "; late at once"
        item.because.append(
            f"due date moved from {item.due} to {new.due}: {why}; {new.basis} "
            f"[{self.policy.cite(*new.rules)}]"
        )
        item.moved.append(why)
        item.after["scheduled_completion_date"] = new.due
