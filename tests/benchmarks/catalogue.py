"""A seeded catalogue of made-up checks: weaknesses of a month and a book of items, any size."""

import random
from collections.abc import Iterator

import pandas as pd

SYSTEMS = ("RHEL 8", "Ubuntu 22.04 LTS", "Debian", "Oracle Linux 8", "SUSE SLES15")
PREFIXES = ("RHSA-{y}:{n}", "USN-{n}-1", "DSA-{n}-1", "ELSA-{y}-{n}", "SUSE-SU-{y}:{n}-1")
PACKAGES = ("kernel", "openssl", "glibc", "firefox", "bind", "sudo", "curl", "python3", "nginx")
SERVICES = (
    ("104743", "TLS Version 1.0 Protocol Detection"),
    ("42873", "SSL Medium Strength Cipher Suites Supported (SWEET32)"),
    ("51192", "SSL Certificate Cannot Be Trusted"),
    ("70658", "SSH Server CBC Mode Ciphers Enabled"),
)


def checks(count: int, seed: int = 1) -> Iterator[dict[str, object]]:
    """Yield checks: an identifier, a title with an advisory, CVEs, hosts."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(count):
        system = chance.randrange(len(SYSTEMS))
        year, advisory = chance.randint(2019, 2026), 1000 + number
        title = f"{SYSTEMS[system]} : {chance.choice(PACKAGES)}"
        cves = tuple(
            f"CVE-{year}-{chance.randint(1000, 99999)}" for _ in range(chance.choice((1, 1, 2, 5)))
        )
        yield {
            "source_identifier": str(200_000 + number),
            "name": f"{title} ({PREFIXES[system].format(y=year, n=advisory)})",
            "cves": cves,
            "hosts": chance.sample(range(500), k=chance.choice((1, 2, 5, 20))),
        }


def weaknesses_and_places(count: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a month's weaknesses and their sightings, as the steps before correlate give them."""
    month = list(checks(count, seed))
    frame = pd.DataFrame(month).assign(detector="Nessus", original_risk_rating="High")
    places = [
        {
            "detector": "Nessus",
            "source_identifier": check["source_identifier"],
            "asset_identifier": f"heron-{host:03}.example.com",
            "location": "",
            "parameter": "",
            "port": 0,
            "present": True,
        }
        for check in month
        for host in check["hosts"]  # type: ignore[attr-defined]
    ]
    return frame, pd.DataFrame(places)


def book(count: int, seed: int = 1) -> pd.DataFrame:
    """Return items, half of them a month's checks: by number, without, of another scanner."""
    chance = random.Random(seed + 1)  # noqa: S311
    rows = []
    for at, check in enumerate(checks(count, seed)):
        known, hosts = at % 2 == 0, check["hosts"]
        kind = chance.random()
        rows.append(
            {
                "sheet": "closed" if chance.random() < 0.2 else "open",
                "row": at + 2,
                "poam_id": f"V-{at + 1}",
                "weakness_name": check["name"] if known else f"Another matter, number {at}",
                "weakness_detector_source": "Qualys" if kind < 0.2 else "Nessus",
                "weakness_source_identifier": ""
                if kind < 0.4
                else check["source_identifier"]
                if known
                else str(700_000 + at),
                "asset_identifier": "\n".join(f"heron-{host:03}.example.com" for host in hosts),  # type: ignore[attr-defined]
                "cve": "\n".join(check["cves"]) if known else "",  # type: ignore[arg-type]
                "original_risk_rating": "High",
            }
        )
    return pd.DataFrame(rows)
