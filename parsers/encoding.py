"""Which Unicode encoding a text file is in, by its first bytes."""

import codecs


def encoding_of(start: bytes) -> str:
    """Return a codec that reads the file, its byte order mark included; UTF-8 without signs."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start[:2]:
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8"


def head_text(head: bytes) -> str:
    """Return the text of a file's first bytes, which may be cut within a character."""
    return head.decode(encoding_of(head), errors="ignore")
