"""Large exports made up from a seed: Nessus, Qualys host detections, ZAP, of any size.

python -m tests.benchmarks.exports nessus|qualys|zap PATH [--hosts 1000] [--items 100] [--seed 1]
    [--first-host N] [--day 2026-11-02]

One seed has one catalogue of checks, and a host of one number the same items in whatever file it
stands, so that many files can share out a fleet.
"""

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

CHECKS = 4000
COMMON = 25  # every host has these, as it has its services; the others it has by chance
DAY = date(2026, 11, 2)
WORDS = tuple(
    word
    for line in (
        "remote host affected by vulnerability attacker could exploit this issue package version",
        "installed prior fixed update security denial service memory corruption arbitrary code",
        "unauthenticated local privileges kernel driver crafted request certificate cipher server",
        "configuration buffer overflow input validation session user process component library",
        "module advisory vendor application system permission bypass information disclosure",
    )
    for word in line.split()
)
PRODUCTS = ("OpenSSL", "kernel", "Apache httpd", "glibc", "curl", "sudo", "Firefox", "Tomcat")
FAMILIES = ("Red Hat Local Security Checks", "Web Servers", "Windows", "General", "Misc.")
SERVICES = ((443, "www"), (22, "ssh"), (3389, "msrdp"), (445, "cifs"), (0, "general"))
AFTER_DETECTION = timedelta(days=40)


@dataclass(frozen=True)
class Check:
    """One check of a scanner: its number, its rating from 0 to 4, and its texts, XML escaped."""

    number: int
    severity: int
    name: str
    family: str
    synopsis: str
    description: str
    solution: str
    cves: tuple[str, ...]
    score: float
    service: tuple[int, str]


def prose(chance: random.Random, size: int) -> str:
    """Return paragraphs of about this many characters, XML escaped."""
    paragraphs: list[str] = []
    length = 0
    while length < size:
        words = chance.choices(WORDS, k=chance.randint(30, 60))
        words[len(words) // 2] += chance.choice((" <", " &", ".", ","))
        paragraphs.append(" ".join(words).capitalize() + ".")
        length += len(paragraphs[-1]) + 2
    return escape("\n\n".join(paragraphs))


def catalogue(seed: int, count: int = CHECKS) -> list[Check]:
    """Return checks, two of five of them informational."""
    chance = random.Random(f"catalogue {seed}")  # noqa: S311
    checks = []
    for number in range(count):
        severity = chance.choice((0, 0, 0, 0, 1, 2, 2, 3, 3, 4))
        year, product = chance.randint(2016, 2026), chance.choice(PRODUCTS)
        cves = chance.choice((1, 1, 2, 4, 12)) if severity else 0
        checks.append(
            Check(
                number=100_000 + number,
                severity=severity,
                name=f"{product} {' '.join(chance.choices(WORDS, k=4))} ({number})",
                family=chance.choice(FAMILIES),
                synopsis=prose(chance, 80)[:120].partition("&")[0],
                description=prose(chance, chance.randint(600, 1900) if severity else 400),
                solution=prose(chance, 150) if severity else "n/a",
                cves=tuple(f"CVE-{year}-{chance.randint(1000, 99999)}" for _ in range(cves)),
                score=round(severity * 2.4 + chance.random() * 0.3, 1),
                service=chance.choice(SERVICES),
            )
        )
    return checks


def items_of(host: int, checks: list[Check], count: int, seed: int) -> Iterator[tuple[Check, str]]:
    """Yield a host's checks, each with what was found on it."""
    chance = random.Random(f"host {seed} {host}")  # noqa: S311
    common = min(COMMON, count)
    for check in (*checks[:common], *chance.sample(checks[common:], k=count - common)):
        lines = "\n".join(
            f"    {chance.choice(WORDS)}-{host}.{at} : {chance.getrandbits(64):016x}"
            for at in range(chance.randint(2, 14))
        )
        output = f"\n  Path              : /opt/app{host}/{check.number}\n{lines}\n"
        yield check, f"{output}  Fixed version     : {host % 9}.{check.number}\n"


def address(host: int) -> str:
    """Return the IP address of a host."""
    return f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"


def name(host: int) -> str:
    """Return the name of a host."""
    return f"heron-{host:05}.example.com"


def _nessus_item(check: Check) -> tuple[str, str]:
    """Return what stands before and after the output that differs by host."""
    port, service = check.service
    scores = (
        f"<cvss3_base_score>{check.score}</cvss3_base_score>\n"
        "<cvss3_vector>CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</cvss3_vector>\n"
        "<cvss3_temporal_vector>CVSS:3.0/E:U/RL:O/RC:C</cvss3_temporal_vector>\n"
        f"<cvss_base_score>{check.score}</cvss_base_score>\n"
        "<cvss_vector>CVSS2#AV:N/AC:L/Au:N/C:C/I:C/A:C</cvss_vector>\n"
        f"<vpr_score>{check.score}</vpr_score>\n"
        if check.severity
        else ""
    )
    cves = "".join(f"<cve>{cve}</cve>\n" for cve in check.cves)
    references = "".join(
        f"<see_also>https://vendor.example.com/{cve}</see_also>\n" for cve in check.cves[:2]
    )
    risk = ("None", "Low", "Medium", "High", "Critical")[check.severity]
    before = (
        f'<ReportItem port="{port}" svc_name="{service}" protocol="tcp" '
        f'severity="{check.severity}" pluginID="{check.number}" pluginName="{check.name}" '
        f'pluginFamily="{check.family}">\n'
        f"<agent>unix</agent>\n{cves}{scores}"
        f"<description>{check.description}</description>\n"
        f"<fname>check_{check.number}.nasl</fname>\n"
        "<plugin_modification_date>2025/11/03</plugin_modification_date>\n"
        f"<plugin_name>{check.name}</plugin_name>\n"
        "<plugin_publication_date>2024/07/03</plugin_publication_date>\n"
        "<plugin_type>remote</plugin_type>\n"
        f"<risk_factor>{risk}</risk_factor>\n<script_version>1.12</script_version>\n"
        f"{references}<solution>{check.solution}</solution>\n"
        f"<synopsis>{check.synopsis}</synopsis>\n"
        + (f"<xref>CWE:{20 + check.number % 700}</xref>\n" if check.severity else "")
    )
    return f"{before}<plugin_output>", "</plugin_output>\n</ReportItem>\n"


def nessus(hosts: range, items: int, seed: int, day: date) -> Iterator[str]:
    """Yield the pieces of a .nessus export."""
    checks = catalogue(seed)
    frames = {check.number: _nessus_item(check) for check in checks}
    start = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    tags = {"Credentialed_Scan": "true", "policy-used": "Monthly", "operating-system": "Linux"}
    yield '<?xml version="1.0" ?>\n<NessusClientData_v2>\n<Policy><policyName>Monthly'
    yield '</policyName></Policy>\n<Report name="Monthly" xmlns:cm="http://www.nessus.org/cm">\n'
    for host in hosts:
        times = {
            "HOST_START_TIMESTAMP": str(int(start.timestamp())),
            "HOST_END_TIMESTAMP": str(int(start.timestamp()) + 900),
        }
        named = {"host-ip": address(host), "host-fqdn": name(host), "hostname": name(host)}
        yield f'<ReportHost name="{address(host)}"><HostProperties>\n'
        for tag, value in {**tags, **times, **named}.items():
            yield f'<tag name="{tag}">{value}</tag>\n'
        yield "</HostProperties>\n"
        for check, output in items_of(host, checks, items, seed):
            before, after = frames[check.number]
            yield f"{before}{output}{after}"
        yield "</ReportHost>\n"
    yield "</Report>\n</NessusClientData_v2>\n"


def qualys(hosts: range, items: int, seed: int, day: date) -> Iterator[str]:
    """Yield the pieces of Qualys' answer on host detections."""
    checks = catalogue(seed)
    found, first = f"{day}T02:00:00Z", f"{day - AFTER_DETECTION}T02:00:00Z"
    kinds = ("Info", "Potential", "Confirmed", "Confirmed", "Confirmed")
    yield '<?xml version="1.0" encoding="UTF-8" ?>\n<HOST_LIST_VM_DETECTION_OUTPUT>\n<RESPONSE>\n'
    yield f"<DATETIME>{found}</DATETIME>\n<HOST_LIST>\n"
    for host in hosts:
        yield (
            f"<HOST>\n<ID>{host}</ID>\n<IP>{address(host)}</IP>\n"
            "<TRACKING_METHOD>IP</TRACKING_METHOD>\n<OS><![CDATA[Linux]]></OS>\n"
            f"<DNS><![CDATA[{name(host)}]]></DNS>\n<LAST_SCAN_DATETIME>{found}"
            f"</LAST_SCAN_DATETIME>\n<LAST_VM_SCANNED_DATE>{found}</LAST_VM_SCANNED_DATE>\n"
            f"<LAST_VM_AUTH_SCANNED_DATE>{found}</LAST_VM_AUTH_SCANNED_DATE>\n<DETECTION_LIST>\n"
        )
        for check, output in items_of(host, checks, items, seed):
            yield (
                f"<DETECTION>\n<QID>{check.number}</QID>\n<TYPE>{kinds[check.severity]}</TYPE>\n"
                f"<SEVERITY>{check.severity + 1}</SEVERITY>\n<PORT>{check.service[0]}</PORT>\n"
                "<PROTOCOL>tcp</PROTOCOL>\n<SSL>0</SSL>\n"
                f"<RESULTS><![CDATA[{output}]]></RESULTS>\n<STATUS>Active</STATUS>\n"
                f"<FIRST_FOUND_DATETIME>{first}</FIRST_FOUND_DATETIME>\n"
                f"<LAST_FOUND_DATETIME>{found}</LAST_FOUND_DATETIME>\n"
                "<TIMES_FOUND>40</TIMES_FOUND>\n<IS_IGNORED>0</IS_IGNORED>\n"
                "<IS_DISABLED>0</IS_DISABLED>\n</DETECTION>\n"
            )
        yield "</DETECTION_LIST>\n</HOST>\n"
    yield "</HOST_LIST>\n</RESPONSE>\n</HOST_LIST_VM_DETECTION_OUTPUT>\n"


def zap(hosts: range, items: int, seed: int, day: date) -> Iterator[str]:
    """Yield the pieces of a ZAP report: a site for each host, an alert of five pages each item."""
    checks = catalogue(seed)
    yield f'<?xml version="1.0"?>\n<OWASPZAPReport version="2.16.0" generated="{day:%a, %d %b %Y}'
    yield ' 02:00:00">\n'
    for host in hosts:
        site = name(host)
        yield f'<site name="https://{site}" host="{site}" port="443" ssl="true">\n<alerts>\n'
        for check, output in items_of(host, checks, items, seed):
            risk = min(check.severity, 3)
            yield (
                f"<alertitem>\n<pluginid>{check.number}</pluginid>\n"
                f"<alertRef>{check.number}</alertRef>\n<alert>{check.name}</alert>\n"
                f"<name>{check.name}</name>\n<riskcode>{risk}</riskcode>\n"
                f"<confidence>2</confidence>\n<riskdesc>{risk}</riskdesc>\n"
                f"<desc>&lt;p&gt;{check.description}&lt;/p&gt;</desc>\n<instances>\n"
            )
            for page in range(5):
                yield (
                    f"<instance>\n<uri>https://{site}/{check.number}/page{page}?id={host}</uri>\n"
                    "<method>GET</method>\n<param>id</param>\n<attack></attack>\n"
                    f"<evidence>{output}</evidence>\n</instance>\n"
                )
            yield (
                f"</instances>\n<count>5</count>\n<solution>&lt;p&gt;{check.solution}&lt;/p&gt;"
                f"</solution>\n<cweid>{20 + check.number % 700}</cweid>\n<wascid>15</wascid>\n"
                "<sourceid>3</sourceid>\n</alertitem>\n"
            )
        yield "</alerts>\n</site>\n"
    yield "</OWASPZAPReport>\n"


FORMATS: dict[str, Callable[[range, int, int, date], Iterator[str]]] = {
    "nessus": nessus,
    "qualys": qualys,
    "zap": zap,
}


def write_export(
    kind: str,
    path: Path,
    hosts: int = 1000,
    items: int = 100,
    seed: int = 1,
    first_host: int = 1,
    day: date = DAY,
) -> None:
    """Write an export of one of the FORMATS, as a scan of that day gives it."""
    numbers = range(first_host, first_host + hosts)
    with path.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as file:
        file.writelines(FORMATS[kind](numbers, items, seed, day))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=FORMATS)
    parser.add_argument("path", type=Path)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--items", type=int, default=100, help="for each host")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first-host", type=int, default=1, help="the number of the first host")
    parser.add_argument("--day", type=date.fromisoformat, default=DAY, help="of the scan")
    write_export(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
