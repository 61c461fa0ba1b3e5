"""What an Asset Identifier cell lists: its lines, read and written."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, ip_address

import pandas as pd

from poam.cells import is_attachment_line
from poam.frames import rows
from poam.locations import is_ip, is_url, location, site

PORT = r"(?:(?P<port>\d{1,5})\s*(?:/\s*(?P<protocol>\w+))?(?:/[\w.?-]+)?"
PORT += r"|(?P<first>tcp|udp)\s*/\s*(?P<second>\d{1,5}))"
WITH_PORT = re.compile(rf"^(?P<name>.+?)\s*\(\s*{PORT}\s*\)$", re.IGNORECASE)
WITH_COLON = re.compile(
    r"^(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[^:\s]+)):(?P<port>\d{1,5})(?:/(?P<protocol>[a-z]+))?$",
    re.IGNORECASE,
)
WITH_BLANK = re.compile(r"^(?P<name>\S+)\s+(?P<port>\d{1,5})/(?P<protocol>tcp|udp)$", re.IGNORECASE)
# `web-01 (443/tcp, 8443/tcp)`: one asset, several ports.
WITH_PORTS = re.compile(r"^(?P<name>[^()]+?)\s*\((?P<ports>\s*\d{1,5}[^()]*,[^()]*)\)$")
# `https://app.example.gov/list (parameter: q)`, or `[q]`: the parameter a web weakness is in.
WITH_PARAMETER = re.compile(
    r"^(?P<url>\S+)\s+(?:\(\s*(?P<word>param(?:eter)?s?\s*[:=]\s*)?(?P<round>[^()]+?)\s*\)"
    r"|\[\s*(?P<square>[^\[\]]+?)\s*\])$",
    re.IGNORECASE,
)
# What else stands behind a URL: how it was asked for, how often it was found.
NO_PARAMETER = re.compile(
    r"(?:get|post|put|head|delete|patch|options|trace)|\d+\s+\w+|x\s*\d+", re.IGNORECASE
)
METHOD = re.compile(r"^(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS|TRACE)\s+(?=[a-z][a-z0-9+.-]*://)")
# Between two assets: a line's end, or a semicolon that is not part of an address.
BETWEEN = re.compile(r"[\n\r]+|;(?!(?:jsessionid|phpsessid|sid)=)", re.IGNORECASE)
BETWEEN_URLS = re.compile(r"(?:\s*,\s*|\s+)(?=https?://)", re.IGNORECASE)
COMMA = re.compile(r",(?![^()]*\))")
OTHER_NAME = re.compile(
    r"^(?P<one>[^\s()]+)\s*(?:\(\s*(?P<other>[^\s()]+)\s*\)|[|/]\s*(?P<last>\S+))$"
)
RANGE = re.compile(
    r"^(?P<start>\d+\.\d+\.\d+\.\d+)\s*(?:-|\u2013|to)\s*(?P<end>(?:\d+\.\d+\.\d+\.)?\d+)$"
)
SUBNET = re.compile(r"^\d+\.\d+\.\d+\.\d+/\d{1,2}$")
LARGEST_RANGE = 1024


@dataclass(frozen=True, slots=True)
class AssetLine:
    """One line of an Asset Identifier cell: `web-01 (443/tcp)`, an address or a URL.

    `text` is the line as it stands. A web location has its page in `location`, its site as
    `name` and the parameter it names, if any, in `parameter`; any other line has `port` 0 and
    `protocol` empty where it gives none. `also` are the other names of the line: the address in
    `WEB-01 / 10.0.0.5`, the addresses of a range.
    """

    text: str
    name: str
    port: int = 0
    protocol: str = ""
    location: str = ""
    parameter: str = ""
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the line gives."""
        return (self.name, *self.also)


def asset_lines(cell: str, images: bool = False) -> tuple[AssetLine, ...]:
    """Read an Asset Identifier cell: one asset a line, or separated by commas or semicolons.

    With `images` the assets are container images: what stands behind a colon is a tag.
    """
    lines = []
    for line in BETWEEN.split(cell):
        if "://" in line:
            parts = BETWEEN_URLS.split(METHOD.sub("", line.strip()))
            parts = [one for part in parts for one in ([part] if is_url(part) else part.split(","))]
        else:
            parts = [line] if is_attachment_line(line) else COMMA.split(line)
        lines += [one for part in parts if part.strip() for one in _asset_parts(part.strip())]
    return tuple(map(_of_image, lines)) if images else tuple(lines)


def _of_image(line: AssetLine) -> AssetLine:
    """Read a line that names an image: its only port is one in brackets."""
    if line.location or line.text.endswith(")"):
        return line
    return AssetLine(line.text, line.text)


def asset_text(asset: str, location: str, port: int, protocol: str, parameter: str = "") -> str:
    """Write an affected asset the way the template asks: `identifier (port/protocol)`, or the URL.

    The parameter at fault follows the URL: `https://app.example.gov/list (parameter: q)`.

    Source: POA&M template v2.1, row 7 and 8 of the Asset Identifier column.
    """
    if location:
        return f"{location} (parameter: {parameter})" if parameter else location
    if not port:
        return asset
    return f"{asset} ({port}/{protocol})" if protocol else f"{asset} ({port})"


def recorded_lines(memory: pd.DataFrame) -> dict[str, tuple[AssetLine, ...]]:
    """By POA&M ID the assets that the ledger's memory gives an item, as lines of its list."""
    lines: dict[str, list[AssetLine]] = defaultdict(list)
    for row in rows(memory[memory["poam_id"] != ""]):
        place = (row.location, row.port, row.protocol.lower(), row.parameter)
        text = asset_text(row.asset_identifier, *place)
        line = AssetLine(
            text,
            row.asset_identifier,
            row.port,
            row.protocol.lower(),
            row.location,
            row.parameter,
        )
        lines[row.poam_id].append(line)
    return {poam_id: tuple(listed) for poam_id, listed in lines.items()}


def _asset_parts(text: str) -> Iterator[AssetLine]:
    """Yield a line for each port, or each parameter, that one asset is given with."""
    if is_url(text):
        yield from _pages(text)
    elif "," in text and (match := WITH_PORTS.match(text)):
        ports = (port.strip() for port in match["ports"].split(","))
        yield from (_asset_line(f"{match['name']} ({port})") for port in ports if port)
    else:
        yield _asset_line(text)


def _pages(text: str) -> Iterator[AssetLine]:
    match = WITH_PARAMETER.match(text.strip().rstrip(","))
    url = match["url"] if match else text
    named = (match["round"] or match["square"]) if match else ""
    word = ((match["word"] or "") if match else "").rstrip(" \t:=").casefold()
    names = [name.strip() for name in named.split(",")] if word.endswith("s") else [named]
    if not word and NO_PARAMETER.fullmatch(named):
        names = [""]
    for name in names:
        one = text if len(names) == 1 else f"{url} (parameter: {name})"
        yield AssetLine(one, site(url), location=location(url), parameter=name)


@lru_cache(maxsize=1 << 17)  # a fleet's hosts stand in many items
def _asset_line(text: str) -> AssetLine:
    match = None
    if text.endswith(")") or ":" in text or "/" in text:
        match = WITH_PORT.match(text) or WITH_COLON.match(text) or WITH_BLANK.match(text)
    found = match.groupdict() if match else {}
    given = (found.get("v6") or found.get("name") or text).strip()
    port = int(found.get("port") or found.get("second") or 0)
    protocol = (found.get("protocol") or found.get("first") or "").lower()
    name, *also = [part.strip() for part in given.split(" / ") if part.strip()] or [given]
    if not also:
        name, *also = _two_names(name)
    return AssetLine(text, name, port, protocol, also=(*also, *_range(name)))


def _two_names(text: str) -> Iterator[str]:
    """Yield both names of `web-01 (10.0.0.5)` or `10.0.0.5 | web-01`, one of them an address."""
    match = OTHER_NAME.match(text) if text.endswith(")") or "|" in text or "/" in text else None
    names = (match["one"], match["other"] or match["last"]) if match else ()
    if len(names) == 2 and sum(map(is_ip, names)) >= 1 and not names[1].isdigit():
        yield from names
    else:
        yield text


def _range(text: str) -> Iterator[str]:
    """Yield the addresses of `10.0.0.5-9` or `10.0.0.0/29`; none where it is no range."""
    if SUBNET.match(text):
        yield from _subnet(text)
        return
    match = RANGE.match(text)
    if match is None:
        return
    end = (
        match["end"]
        if "." in match["end"]
        else match["start"].rpartition(".")[0] + f".{match['end']}"
    )
    try:
        low, high = ip_address(match["start"]), ip_address(end)
    except ValueError:
        return
    if 0 <= int(high) - int(low) < LARGEST_RANGE:
        yield from (str(low + step) for step in range(int(high) - int(low) + 1))


def _subnet(text: str) -> Iterator[str]:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return
    if network.num_addresses <= LARGEST_RANGE:
        yield from map(str, network)
