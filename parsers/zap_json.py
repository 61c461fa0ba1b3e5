"""ZAP reports in JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from parsers.definitions import SeenDefinitions
from parsers.zap import DETECTOR, Site, report_time
from poam.errors import ScanParseError
from poam.model import Record

NAME = "zap_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JSON report of ZAP"

_OF_ZAP = re.compile(rb'"@generated"\s*:|"pluginid"\s*:.*"riskcode"\s*:', re.DOTALL)


def recognises(head: bytes) -> bool:
    """Tell a ZAP report by `site` and the keys ZAP alone writes."""
    # In UTF-16 every other byte is zero; the keys are ASCII.
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").lstrip()
    return text.startswith(b"{") and b'"site"' in text and bool(_OF_ZAP.search(text))


def records(source: BinaryIO, file: str) -> Iterator[Record]:
    """Yield the coverage of each site, then its definitions and findings."""
    report = _load(source, file)
    ended = report_time(_text(report, "@generated"), _text(report, "created"), file)
    seen = SeenDefinitions()
    for number, entry in enumerate(_entries(report, "site", file, "report"), start=1):
        site = Site(file, _text(entry, "@name"), ended, seen)
        for alert in _entries(entry, "alerts", file, f"site {number}"):
            place = f"site {number}, alert {_text(alert, 'pluginid')}"
            instances = _entries(alert, "instances", file, place)
            tags = (_text(tag, "tag") for tag in _entries(alert, "tags", file, place))
            site.add(_fields(alert), map(_fields, instances), tags)
        yield from site.records()


def _load(source: BinaryIO, file: str) -> dict[str, Any]:
    """Read the whole report: JSON of ZAP is one object, and its alerts are few."""
    try:
        report = json.loads(source.read())
    except json.JSONDecodeError as e:
        place = f"line {e.lineno}, column {e.colno}"
        raise ScanParseError(file, place, f"broken JSON ({e.msg})", EXPORT) from e
    except (UnicodeDecodeError, RecursionError) as e:
        raise ScanParseError(file, "", f"broken JSON ({type(e).__name__})", EXPORT) from e
    if not isinstance(report, dict):
        raise ScanParseError(file, "line 1", f"a JSON {type(report).__name__}", EXPORT)
    return report


def _entries(holder: dict[str, Any], key: str, file: str, place: str) -> list[dict[str, Any]]:
    """Return the objects under a key: a list of them, one alone, or none."""
    value = holder.get(key) or []
    entries = [value] if isinstance(value, dict) else value
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        found, expected = f"'{key}' that holds no objects", "an object or a list of objects"
        raise ScanParseError(file, place, found, expected)
    return entries


def _text(holder: dict[str, Any], key: str) -> str:
    value = holder.get(key)
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _fields(entry: dict[str, Any]) -> dict[str, str]:
    return {key: _text(entry, key) for key in entry}
