"""What the readers of web scanners say alike of a site and of an issue on it."""

from collections.abc import Iterable
from datetime import datetime

from parsers.text import unique
from poam.locations import host_name, is_ip, is_url
from poam.model import ScanCoverage


def site_coverage(
    detector: str,
    file: str,
    asset: str,
    *,
    ips: Iterable[str] = (),
    started: datetime | None = None,
    ended: datetime | None = None,
    policy: str | None = None,
) -> ScanCoverage:
    """Return the coverage of a site as `poam.locations.site` spells it.

    `ips` are addresses the export gives beside the site's name.
    """
    host = host_name(asset) or asset
    named = not is_ip(host)
    return ScanCoverage(
        detector=detector,
        asset=asset,
        locator=f"{file}: site {asset}",
        ips=unique(ips if named else [host, *ips]),
        fqdns=(host,) if named else (),
        started=started,
        ended=ended,
        policy=policy,
    )


def issue_locator(
    file: str, asset: str, issue: str, method: str | None, where: str, parameter: str | None
) -> str:
    """Return the words that lead back to an issue: `x.xml: site …, issue …, GET …, parameter q`.

    `where` is its location; `parameter` comes with its kind (`cookie sid`).
    """
    request = f"{method or ''} {where}".strip()
    words = [f"{file}: site {asset}", f"issue {issue}", request, parameter]
    return ", ".join(word for word in words if word)


def page(asset: str, path: str) -> str:
    """Return the address of a page of a site that a report gives in full or as a path."""
    path = path.strip()
    return path if is_url(path) else f"{asset}/{path.removeprefix('/')}"


def same_server(asset: str, other: str) -> bool:
    """Tell whether two sites are one server, which a scheme of its own does not make two."""
    return asset.partition("://")[2] == other.partition("://")[2]
