"""Makes POA&M rows messier, the way years of hands do: seeded, so a run can be repeated."""

import random
from collections.abc import Sequence

Cells = dict[str, str]

WRONG_DETECTORS = {
    "Nessus": ("ConMon scan", "Tenable", "Vulnerability Scan", "", "3PAO assessment"),
    "Qualys": ("QualysGuard", "ConMon scan", "", "VM scan"),
}
MERGED = ("Weakness Source Identifier", "Asset Identifier", "CVE")


def messy(rows: Sequence[Cells], seed: int, share: float = 0.3) -> list[Cells]:
    """Return the rows with a share of them damaged: each damaged row in one or two ways.

    Typos in names, a column lost, the detector renamed, the identifier gone, CVEs cut short,
    and two rows of one detector merged into the first. POA&M IDs never change.
    """
    chance = random.Random(seed)  # noqa: S311
    out = [dict(row) for row in rows]
    damages = (_typos, _without_cves, _without_identifier, _renamed, _shouted, _cut)
    for row in out:
        if chance.random() < share:
            for damage in chance.sample(damages, k=chance.choice((1, 1, 2))):
                damage(row, chance)
    return out


def merged(rows: Sequence[Cells], seed: int, pairs: int = 20) -> tuple[list[Cells], dict[str, str]]:
    """Merge pairs of rows of one detector into one row, and say which row went into which."""
    chance = random.Random(seed)  # noqa: S311
    out = {row["POAM ID"]: dict(row) for row in rows}
    by_detector: dict[str, list[str]] = {}
    for row in rows:
        if row["Weakness Source Identifier"].isdigit() and row["Status"] == "Open":
            by_detector.setdefault(row["Weakness Detector Source"], []).append(row["POAM ID"])
    gone: dict[str, str] = {}
    for _ in range(pairs):
        ids = chance.choice([ids for ids in by_detector.values() if len(ids) > 1])
        first, second = chance.sample(ids, k=2)
        ids.remove(first)
        ids.remove(second)
        for column in MERGED:
            parts = [out[first][column], out[second][column]]
            out[first][column] = "\n".join(part for part in parts if part)
        out[first]["Weakness Name"] = f"Outstanding updates ({chance.randint(1, 9)} of them)"
        gone[second] = first
        del out[second]
    return list(out.values()), gone


def _typos(row: Cells, chance: random.Random) -> None:
    letters = list(row["Weakness Name"])
    for _ in range(chance.randint(1, 3)):
        places = [i for i in range(len(letters) - 1) if letters[i].isalpha()]
        if places:
            at = chance.choice(places)
            match chance.randint(0, 2):
                case 0:
                    letters[at], letters[at + 1] = letters[at + 1], letters[at]
                case 1:
                    del letters[at]
                case _:
                    letters.insert(at, letters[at])
    row["Weakness Name"] = "".join(letters)


def _without_cves(row: Cells, _: random.Random) -> None:
    row["CVE"] = ""


def _without_identifier(row: Cells, chance: random.Random) -> None:
    row["Weakness Source Identifier"] = chance.choice(("", "N/A", "TBD", "-"))


def _renamed(row: Cells, chance: random.Random) -> None:
    for name, words in WRONG_DETECTORS.items():
        if name in row["Weakness Detector Source"]:
            row["Weakness Detector Source"] = chance.choice(words)
            return


def _shouted(row: Cells, chance: random.Random) -> None:
    row["Weakness Name"] = f"[{chance.choice(('HIGH', 'ConMon'))}] {row['Weakness Name'].upper()}"


def _cut(row: Cells, chance: random.Random) -> None:
    name = row["Weakness Name"]
    row["Weakness Name"] = f"{name[: chance.randint(25, 45)]}..." if len(name) > 50 else name
