"""One batch decided twice, under two policies or by two versions: what differs, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Recorded = Mapping[str, Any]
"""A decision as a run's `decisions.json` holds it."""


@dataclass(frozen=True)
class Redecision:
    """An item on which two runs differ: what each did, the fields, and what only one of them says.

    `fields` are names with the value of then and of now, "" where a run sets none.
    """

    item: str
    then: str
    now: str
    fields: tuple[tuple[str, str, str], ...]
    because_then: tuple[str, ...]
    because_now: tuple[str, ...]

    def __str__(self) -> str:
        """Say it on a few lines."""
        lines = [f"{self.item}: {self.then or 'nothing'}"]
        if self.then != self.now:
            lines[0] += f" -> {self.now or 'nothing'}"
        for name, then, now in self.fields:
            lines.append(f"  {name}: {_short(then, now)} -> {_short(now, then)}")
        lines += [f"  then because {reason}" for reason in self.because_then]
        lines += [f"  now because {reason}" for reason in self.because_now]
        return "\n".join(lines)


def _short(value: str, other: str) -> str:
    """The lines of a value that the other does not have, as one."""
    there = set(other.splitlines())
    return " / ".join(line for line in value.splitlines() if line not in there) or "nothing"


def redecisions(then: Sequence[Recorded], now: Sequence[Recorded]) -> tuple[Redecision, ...]:
    """What differs between two runs on the same batch, in the order of the first.

    Decisions are told apart by item and weakness: a new item's number is no difference.
    """
    before, after = _by_item(then), _by_item(now)
    both = (
        _of_item(item, before.get(item, []), after.get(item, []))
        for item in dict.fromkeys((*before, *after))
    )
    return tuple(one for one in both if one is not None)


def leaves(values: object, above: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value of nested tables with its path, `timelines.kev.mode`."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from leaves(value, f"{above}.{key}" if above else str(key))
    elif isinstance(values, list | tuple):
        for number, value in enumerate(values):
            yield from leaves(value, f"{above}[{number}]")
    else:
        yield above, values


def policy_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """Each value of a policy that is another now, or in only one of the two: a line each."""
    old, new = dict(leaves(then)), dict(leaves(now))
    return tuple(
        f"{key}: {old.get(key, 'nothing')} -> {new.get(key, 'nothing')}"
        for key in sorted({*old, *new})
        if old.get(key, _MISSING) != new.get(key, _MISSING)
    )


_MISSING = object()


def _by_item(decisions: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    found: dict[str, list[Recorded]] = {}
    for d in decisions:
        weakness = f"{d['detector']} {d['source_identifier']}".strip().replace("\n", ", ")
        name = d["poam_id"] if d["row"] is not None or not weakness else f"new, {weakness}"
        found.setdefault(name, []).append(d)
    return found


def _of_item(item: str, then: list[Recorded], now: list[Recorded]) -> Redecision | None:
    kinds = tuple(", ".join(str(d["kind"]) for d in some) for some in (then, now))
    old, new = _fields(then), _fields(now)
    fields = tuple(
        (name, old.get(name, ""), new.get(name, ""))
        for name in dict.fromkeys((*old, *new))
        if name != "poam_id" and old.get(name, "") != new.get(name, "")
    )
    if kinds[0] == kinds[1] and not fields:
        return None
    reasons = [[reason for d in some for reason in d["because"]] for some in (then, now)]
    then_only, now_only = (
        tuple(dict.fromkeys(r for r in some if r not in other))
        for some, other in (reasons, reasons[::-1])
    )
    shown = fields if then and now else ()
    return Redecision(item, kinds[0], kinds[1], shown, then_only, now_only)


def _fields(decisions: list[Recorded]) -> dict[str, str]:
    return {
        name: "" if value is None else str(value)
        for d in decisions
        for name, value in d["after"].items()
    }
