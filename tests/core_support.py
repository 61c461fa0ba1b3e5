"""What the tests of the core share: records by name, small frames, and one run of the pipeline."""

from datetime import date, datetime
from functools import cache
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pandas as pd

from flows.batch import Batch
from flows.ingest import Parsed
from flows.plan import decide, dedupe
from poam.frames import merged, tables
from poam.kev import KevCatalogue, KevEntry
from poam.layout import FIELD_NAMES
from poam.ledger import Recalled, memory_frame
from poam.model import Authenticated, Definition, Finding, Kind, ScanCoverage
from poam.policy import load_policy
from poam.timeline_rules import Timelines

AS_OF = date(2026, 11, 30)
SCANNED = datetime(2026, 11, 3, 2)  # noqa: DTZ001 - a scanner's local time has no zone
DATES = {name for name in FIELD_NAMES if name.endswith("_date")}


@cache
def policy(**site):
    """The project's own policy, with some of the site's values."""
    own = load_policy()
    return own.model_copy(update={"site": own.site.model_copy(update=site)})


def with_timelines(**changes):
    """The policy with other switches of its timelines: `with_timelines(mode="supersede")`."""
    own = policy()
    values = own.timelines.model_dump()
    for name, value in changes.items():
        (block,) = (block for block in values.values() if name in block)
        block[name] = value
    return own.model_copy(update={"timelines": Timelines.model_validate(values)})


def finding(asset="web-01", identifier="10001", **given):
    """A finding of Nessus."""
    given = {"detector": "Nessus", "kind": Kind.VULNERABILITY, **given}
    locator = given.pop("locator", f"{given['detector']} {asset} {identifier} {given.get('port')}")
    return Finding(asset=asset, source_identifier=identifier, locator=locator, **given)


def definition(identifier="10001", **given):
    """A definition of Nessus that rates High."""
    scored = {"detector": "Nessus", "name": f"Weakness {identifier}", "cvss3_base": 9.8}
    return Definition(source_identifier=identifier, **scored | given)


def scan(asset="web-01", **given):
    """A scan by Nessus that logged in, with no other name of the asset."""
    looked = {"detector": "Nessus", "ended": SCANNED, "authenticated": Authenticated.YES}
    looked |= {"locator": f"scan of {asset}"}
    return ScanCoverage(asset=asset, **looked | given)


def seen(*assets, identifier="10001", day=SCANNED, **given):
    """The records of one scan that finds one weakness on every asset."""
    detector = given.get("detector", "Nessus")
    return [
        definition(identifier, detector=detector),
        *(finding(asset, identifier, **given) for asset in assets),
        *(scan(asset, detector=detector, ended=day) for asset in assets),
    ]


def batch(*records, file="scan.nessus", zone="UTC"):
    """The merged tables of one export."""
    return merged([tables(records, file, ZoneInfo(zone))])


def item(poam_id="V-1", **given):
    """An open item of Nessus 10001 on web-01, rated High, as a workbook would give it."""
    values = dict.fromkeys(FIELD_NAMES, "") | dict.fromkeys(DATES)
    values |= {
        "poam_id": poam_id,
        "weakness_name": "Weakness 10001",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": "10001",
        "asset_identifier": "web-01",
        "original_detection_date": date(2026, 10, 6),
        "scheduled_completion_date": date(2026, 11, 5),
        "status_date": date(2026, 10, 6),
        "original_risk_rating": "High",
        "bod_22_01_tracking": "No",
        "comments": "",
    }
    return {"sheet": "open", "row": None} | values | given


def items(*rows):
    """A frame like `PoamWorkbook.items`; rows are numbered from 9 on where they have no number."""
    numbered = [row | {"row": row["row"] or 9 + n} for n, row in enumerate(rows)]
    frame = {
        "sheet": pd.Series([r["sheet"] for r in numbered], dtype="str"),
        "row": pd.Series([r["row"] for r in numbered], dtype="int64"),
    }
    for name in FIELD_NAMES:
        kind = "object" if name in DATES else "str"
        frame[name] = pd.Series([r[name] for r in numbered], dtype=kind)
    return pd.DataFrame(frame)


def closed(poam_id="V-1", **given):
    """An item of the closed sheet, closed on 2026-10-20 with evidence."""
    told = {"sheet": "closed", "comments": "2026-10-20: Closed. Rescanned."}
    return item(poam_id, **told | {"status_date": date(2026, 10, 20)} | given)


def memory(*assets, identifier="10001", **given):
    """The ledger's memory of one weakness on some assets: found by a scan that logged in."""
    row = {
        "detector": "Nessus",
        "location": "",
        "parameter": "",
        "port": 0,
        "protocol": "",
        "first_seen": date(2026, 10, 6),
        "last_seen": date(2026, 10, 6),
        "first_clean": None,
        "last_clean": None,
        "authenticated": "yes",
        "poam_id": "V-1",
    } | given
    key = (row["location"], row["parameter"], row["port"], row["protocol"])
    days = (row["first_seen"], row["last_seen"], row["first_clean"], row["last_clean"])
    rest = (*key, *days, row["authenticated"], row["poam_id"])
    return memory_frame([(row["detector"], identifier, asset, *rest) for asset in assets])


def kev(**due):
    """A KEV catalogue: `kev(CVE_2026_0001="2026-11-12")`."""
    entries = [KevEntry(k.replace("_", "-"), None, date.fromisoformat(v)) for k, v in due.items()]
    return KevCatalogue("2026.11.01", {entry.cve: entry for entry in entries})


def refused(file, *detectors):
    """A file that could not be read, of these detectors; of none where it was not recognised."""
    return Parsed(file, "", detectors=detectors, refused=f"{file}: cannot be read.")


def plan(
    *files,
    poam=(),
    known=None,
    inventory=None,
    catalogue=None,
    rules=None,
    as_of=AS_OF,
    unread=(),
    edition="v2.1",
    answers=(),
    nvd=None,
    inventoried=None,
    attachments=None,
):
    """All that one batch decides: each of `files` is a list of records, or (name, records)."""
    rules = rules or policy()
    named = [f if isinstance(f, tuple) else (f"{n}.nessus", f) for n, f in enumerate(files)]
    parsed = [Parsed(name, "", "nessus_xml", ("Nessus",)) for name, _ in named]
    found = merged([tables(records, name, rules.zone) for name, records in named])
    columns = rules.templates.editions[edition].columns
    workbook = SimpleNamespace(
        items=items(*poam),
        edition=edition,
        metadata={},
        has_field=lambda _sheet, field: field in columns,
    )
    given = Batch(
        tuple(parsed) + tuple(unread),
        workbook,
        inventory,
        catalogue,
        Recalled(memory_frame() if known is None else known, inventoried=inventoried or {}),
        tuple(answers),
        nvd=nvd or {},
        attachments=attachments or {},
    )
    return decide(given, dedupe(given, found, rules, as_of), rules, as_of)


def run(*files, **given):
    """The changes that one batch decides; arguments as for `plan`."""
    return plan(*files, **given).changes


def kinds(changes):
    """What became of what: `[("V-1", "closed")]`."""
    return [(d.poam_id, d.kind.value) for d in changes.decisions]


def only(changes, kind):
    """The one decision of a kind."""
    (decision,) = changes.of(kind)
    return decision
