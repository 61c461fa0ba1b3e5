"""URLs as assets: one spelling for one place."""

import re
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
SESSION_IDS = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?#]*", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether the text names a web location rather than a host."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*://[^\s/]", text.strip(), re.IGNORECASE))


def location_of(url: str) -> str:
    """The page a URL points at: lower-case scheme and host, no default port, query or session id.

    Query values, fragments and session ids change from scan to scan while the page stays.
    """
    parts = urlsplit(SESSION_IDS.sub("", url.strip()))
    return _origin(parts.scheme, parts.netloc) + (parts.path.rstrip("/") or "/")


def site_of(url: str) -> str:
    """The scheme, host and port (unless it is the scheme's own) of a URL."""
    parts = urlsplit(url.strip())
    return _origin(parts.scheme, parts.netloc)


def _origin(scheme: str, netloc: str) -> str:
    scheme, host = scheme.lower(), netloc.rpartition("@")[2].lower()
    suffix = f":{DEFAULT_PORTS.get(scheme)}"
    return f"{scheme}://{host.removesuffix(suffix)}"
