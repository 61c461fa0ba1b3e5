"""What scan files say, one record per detection: the `poam findings` table."""

from collections.abc import Sequence

import pandas as pd

from flows.ingest import Parsed
from poam.dedupe import named
from poam.frames import SCAN, WEAKNESS, merged
from poam.policy import Policy
from poam.severity import BASIS_WORDS, rate

FINDINGS = (
    "file",
    "detector",
    "source_identifier",
    "name",
    "kind",
    "native_severity",
    "original_risk_rating",
    "asset",
    "port",
    "protocol",
    "cves",
    "cvss3_base",
    "cvss2_base",
    "first_seen",
    "last_seen",
    "authenticated",
    "locator",
)


def findings_frame(parsed: Sequence[Parsed], policy: Policy) -> pd.DataFrame:
    """One row per detection with its definition beside it, as plain values (None where missing).

    A web finding's asset is its URL; `cves` is a list. Ratings are those the policy gives, None for
    informational.
    """
    found = merged([p.tables for p in parsed if p.tables is not None])
    scans = found.coverage.groupby(SCAN, as_index=False)["authenticated"].last()
    frame = found.detections.merge(
        named(found.definitions, policy).drop(columns=["file", "seen"]),
        on=WEAKNESS,
        how="left",
        validate="m:1",
        suffixes=("", "_defined"),
    )
    frame = frame.merge(scans, on=SCAN, how="left", validate="m:1")
    frame["native_severity"] = frame["native_severity"].fillna(frame.pop("native_severity_defined"))
    frame["asset"] = frame["location"].fillna(frame["asset"])
    frame["cves"] = frame["cves"].map(lambda cves: list(cves) if isinstance(cves, tuple) else [])
    basis = [*WEAKNESS, "native_severity", *BASIS_WORDS]
    rated = rate(frame[basis].drop_duplicates(ignore_index=True), policy)
    frame = frame.merge(rated[[*basis, "original_risk_rating"]], on=basis, how="left")
    informational = frame["kind"] == "informational"
    frame["original_risk_rating"] = frame["original_risk_rating"].mask(informational, None)
    for column in ("first_seen", "last_seen"):
        frame[column] = frame[column].dt.strftime("%Y-%m-%dT%H:%M:%S")
    out = frame[list(FINDINGS)].astype(object)
    return out.where(out.notna(), None)
