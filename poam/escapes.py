"""Character references (`&amp;`, `&#8211;`) in the texts of strangers."""

import html
import re

_ENDLESS = re.compile(r"&#[0-9]{1000,};?")


def unescaped(text: str) -> str:
    """Return a text with the characters that its references stand for.

    A number of a thousand digits is no character's: Python itself fails from 4,300 on.
    """
    return html.unescape(_ENDLESS.sub("\ufffd", text)) if "&" in text else text
