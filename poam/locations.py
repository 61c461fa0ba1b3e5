"""Web addresses as assets and locations: the same page has the same spelling."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]", re.IGNORECASE)
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;?#]*", re.IGNORECASE)


def site(url: str) -> str:
    """Return `scheme://host[:port]` in lower case, without the scheme's default port."""
    return _origin(_split(url)) or url.strip().lower()


def location(url: str) -> str:
    """Return where a page is: no values of the query, no fragment, no session identifier.

    Names of query parameters stay, each once: they tell one page of a site from another,
    and their values change with every scan.
    """
    parts = _split(url)
    names = dict.fromkeys(pair.partition("=")[0] for pair in parts.query.split("&"))
    query = "&".join(name for name in names if name)
    path = _SESSION.sub("", parts.path) or "/"
    return f"{_origin(parts) or ''}{path}{'?' * bool(query)}{query}"


def without_query(url: str) -> str:
    """Return the page of an address: what stands before its query."""
    return location(url).partition("?")[0].rstrip("/")


def parameters(url: str) -> frozenset[str]:
    """Return the names of the parameters in an address's query."""
    names = (pair.partition("=")[0] for pair in _split(url).query.split("&"))
    return frozenset(name for name in names if name)


def is_url(text: str) -> bool:
    """Whether a text names a web location rather than a host."""
    return bool(_URL.match(text.strip()))


def is_ip(text: str) -> bool:
    """Whether a text is an address of IPv4 or IPv6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def host_name(url: str) -> str | None:
    """Return the host of an address, in lower case."""
    return _split(url).hostname


def _split(url: str) -> SplitResult:
    """Split an address; one that cannot be (`http://[x/`) is a path as a whole."""
    try:
        return urlsplit(url.strip())
    except ValueError:
        return SplitResult("", "", *url.strip().partition("?")[::2], "")


def _origin(parts: SplitResult) -> str | None:
    if not parts.netloc:
        return None
    scheme = parts.scheme.lower()
    host, _, port = parts.netloc.rpartition("@")[2].lower().rpartition(":")
    if not host or not (port.isdecimal() and len(port) <= 5):
        host, port = parts.netloc.rpartition("@")[2].lower().rstrip(":"), ""
    if port and int(port) == _DEFAULT_PORTS.get(scheme):
        port = ""
    return f"{scheme}://{host}{':' * bool(port)}{port}"
