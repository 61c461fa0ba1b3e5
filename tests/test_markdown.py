"""What a scanner wrote does nothing in a page that shows Markdown."""

import pytest
from markdown_it import MarkdownIt

from flows.markdown import inert, verbatim

HOSTILE = [
    "![seen](https://elsewhere.example/pixel.png)",
    r"\![seen](https://elsewhere.example/pixel.png)",
    "[open](https://elsewhere.example/)",
    "<img src=https://elsewhere.example/pixel.png>",
    "<script>fetch('https://elsewhere.example/')</script>",
    "<https://elsewhere.example/>",
    "[seen]: https://elsewhere.example/ 'x'",
    "~~~~~\n![seen](https://elsewhere.example/pixel.png)",
    "```\n![seen](https://elsewhere.example/pixel.png)",
    "\n\n<img src=https://elsewhere.example/pixel.png>",
    "\u2028![seen](https://elsewhere.example/pixel.png)",
]


def kinds(markdown):
    """Return what a text is made of, and of its spans."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return {one.type for token in tokens for one in (token, *(token.children or ()))}


@pytest.mark.parametrize("written", HOSTILE)
@pytest.mark.parametrize("before", ["", "- V-1, ", "## Notes\n\n- "])
def test_inert(before, written):
    """No link, image or tag is left in a text, wherever it stands."""
    found = kinds(f"{before}{inert(written)}")
    assert not found & {"image", "link_open", "html_inline", "html_block"}


@pytest.mark.parametrize("written", HOSTILE)
def test_inert_still_says_it(written):
    """What is shown is what was written."""
    (line, *_) = inert(written).strip().splitlines()
    shown = "".join(
        one.content
        for token in MarkdownIt("commonmark").parse(f"x {line}")
        for one in token.children or ()
    )
    assert shown == f"x {written.strip().splitlines()[0]}"


@pytest.mark.parametrize("written", HOSTILE)
def test_verbatim(written):
    """A block of code, and nothing else."""
    assert kinds(verbatim(f"doubt\n{written}\n  more")) == {"code_block"}
