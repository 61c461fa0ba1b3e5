"""What scanners wrote, in Markdown that a page shows and that does nothing."""

import re

ACTIVE = re.compile(r"([\\<\[])")
"""What begins a tag, a link or an image, and what takes their meaning from these."""


def inert(markdown: str) -> str:
    """Markdown without links, images and tags: a page that shows them may call other hosts."""
    return ACTIVE.sub(r"\\\1", markdown)


def verbatim(text: str) -> str:
    """Text as a block of code, which nothing in it can end."""
    return "".join(f"    {line}\n" for line in text.splitlines())
