"""Texts and numbers as exports write them."""

import re
from collections.abc import Iterable
from functools import lru_cache

from poam.errors import ScanParseError
from poam.escapes import unescaped

CVE = re.compile(r"\bCVE-\d{4}-\d{4,}\b", re.IGNORECASE)
CWE = re.compile(r"\b(?:CWE[-: ]?)?(\d{1,5})\b", re.IGNORECASE)

_ELEMENT = re.compile(
    r"</?(?:a|b|blockquote|br|code|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|li|ol|p|pre|span|strong"
    r"|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ESCAPED_ELEMENT = re.compile(
    r"&lt;/?(?:a|br|code|div|li|ol|p|pre|ul)\b[^<>]{0,500}?&gt;", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp);", re.IGNORECASE)
_BLOCKS = re.compile(r"blockquote|div|d[ldt]|h[1-6r]|ol|p|pre|table|tr|ul")
# None of these spans another `<`, so that no text takes longer than its length.
_MARK = re.compile(
    r"<!\[CDATA\[(?P<data>[^<>]*)\]\]>|<(?P<tag>/?[a-z][^\s<>/]*)[^<>]*>", re.IGNORECASE
)
_SHORT = 10_000  # characters
_VECTOR_PREFIX = re.compile(r"^\(?(?:CVSS2#)?")


def plain_text(text: str | None) -> str | None:
    """Return text without markup, with its line breaks and its lists as lines.

    Text without markup stays as it is, apart from white space around it. Markup that was
    escaped once more than needed (`&lt;p&gt;`) is markup too. None and empty give None.
    """
    text = (text or "").replace("\r\n", "\n").strip()
    return _plain_again(text) if len(text) < _SHORT else _plain(text)


def _plain(text: str) -> str | None:
    if _ESCAPED_ELEMENT.search(text) and not _ELEMENT.search(text):
        text = unescaped(text)
    if _ELEMENT.search(text):
        text = _rendered(text)
    elif _ENTITY.search(text):
        text = unescaped(text)
    return text.replace("\xa0", " ").strip() or None


_plain_again = lru_cache(maxsize=1024)(_plain)  # for the same texts come on every page


def _rendered(text: str) -> str:
    found, end, preformatted = [], 0, False
    text = _without_comments(text)
    for mark in _MARK.finditer(text):
        found.append(_string(text[end : mark.start()], preformatted))
        end = mark.end()
        tag = (mark["tag"] or "").lower()
        if tag.removeprefix("/") == "pre":
            preformatted = tag == "pre"
        found.append(mark["data"] or _gap(tag))
    found.append(_string(text[end:], preformatted))
    lines = (line.strip() for line in unescaped("".join(found)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _without_comments(text: str) -> str:
    kept, end = [], 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        kept.append(text[end:start])
        end = close + 3
    return "".join((*kept, text[end:]))


def _string(text: str, preformatted: bool) -> str:
    """Return what stands between two tags: blanks are one blank, or one line break."""
    text = unescaped(text)
    if preformatted:
        return text
    if text and not text.strip(" \t\r\n\f"):
        return "\n" if "\n" in text else " "
    # Qualys mixes <BR> and bare line breaks and means both, so bare ones stay too.
    return re.sub(r"[ \t]+", " ", text)


def _gap(tag: str) -> str:
    """Return what a tag (`br`, `/p`) is in a text without markup."""
    if tag in ("br", "li"):
        return {"br": "\n", "li": "\n- "}[tag]
    name = tag.removeprefix("/")
    if _BLOCKS.fullmatch(name) is None:
        return ""
    return "\n\n" if name == "p" else "\n"


def stated(text: str | None) -> str | None:
    """Return the text, or None where it only says that there is none (`n/a`)."""
    text = (text or "").strip()
    return None if text.lower() in ("", "n/a", "-") else text


def paragraphs(*texts: str | None) -> str | None:
    """Join texts with a blank line between them, each once."""
    return "\n\n".join(dict.fromkeys(text for text in texts if text)) or None


def unique(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Return the texts in order, stripped, each once, without empty ones."""
    stripped = ((text or "").strip() for text in texts)
    return tuple(dict.fromkeys(text for text in stripped if text))


def cve_ids(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Return every CVE identifier in the texts, in upper case, each once."""
    return unique(cve.upper() for text in texts for cve in CVE.findall(text or ""))


def cwe_ids(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Return `CWE-79` for every `79`, `CWE:79` or `CWE-79`; 0 and -1 stand for none."""
    numbers = (CWE.fullmatch((text or "").strip()) for text in texts)
    return unique(f"CWE-{int(number[1])}" for number in numbers if number and int(number[1]))


def score(text: str | None, file: str, place: str) -> float | None:
    """Read a CVSS score; empty and `-` are missing, "0.0" is a score.

    Raises ScanParseError for anything else that is not a number from 0 to 10: a spreadsheet
    with a decimal comma turns 9.8 into 98.
    """
    text = (text or "").strip()
    if text in ("", "-"):
        return None
    expected = "a CVSS score from 0 to 10"
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text) or not 0 <= float(text) <= 10:
        raise ScanParseError(file, place, f"the score '{text}'", expected)
    return float(text)


def vector(text: str | None) -> str | None:
    """Return a CVSS vector without brackets and without the `CVSS2#` of Nessus."""
    text = (text or "").strip()
    return _VECTOR_PREFIX.sub("", text).rstrip(")").strip() or None if text != "-" else None


def port_number(text: str | None, file: str, place: str) -> int | None:
    """Read a port; empty and 0 mean the host as a whole, so None.

    Any other number is kept, one above 65535 too: it identifies, it is not connected to.
    """
    text = (text or "").strip()
    if text in ("", "-", "0"):
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ScanParseError(file, place, f"the port '{text}'", "a number from 0 to 65535")
    return int(text)
