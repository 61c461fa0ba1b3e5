"""The pictures: the same every time, without inline style, and told in words."""

import re

import pandas as pd
import pytest
from defusedxml.ElementTree import fromstring

from flows.charts import INK, PAPER, bars, lines

FRAME = pd.DataFrame(
    {
        "month": ["2026-09", "2026-10", "2026-11"],
        "High": pd.Series([3, None, 2], dtype="Int64"),
        "Moderate": pd.Series([5, None, 2], dtype="Int64"),
    }
)
SVG = "{http://www.w3.org/2000/svg}"


def across(name, title, frame):
    """Draw bars on their side."""
    return bars(name, title, frame, across=True)


@pytest.fixture(params=[lines, bars, across])
def draw(request):
    """Return each way to draw."""
    return request.param


def test_the_same_table_gives_the_same_picture(draw):
    """No time, no chance."""
    assert draw("a", "Title", FRAME) == draw("a", "Title", FRAME)


def test_a_picture_is_told_in_words(draw):
    """It has a role, a title and every figure as text; a month without a run is named."""
    found = draw("a", "Title <&>", FRAME)
    root = fromstring(found.svg)
    assert root.get("role") == "img"
    told = {child.get("id"): child.text for child in root[:2]}
    assert list(told) == root.get("aria-labelledby").split()
    assert list(told.values()) == ["Title <&>", found.said]
    assert found.said == (
        "2026-09: 3 High, 5 Moderate; 2026-10: no run; 2026-11: 2 High, 2 Moderate"
    )


def test_a_picture_is_fit_for_a_page(draw):
    """No inline style, which the page's policy forbids; the page's ink; no size, no link out."""
    svg = draw("a", "Title", FRAME).svg
    assert "style" not in svg
    assert "currentColor" in svg
    assert INK not in svg
    assert PAPER not in svg
    assert "width" not in fromstring(svg).attrib
    assert set(re.findall(r'(?:href|src)="([^"]{2})', svg)) <= {"#a"}


def test_two_pictures_share_no_identifier(draw):
    """What one defines the other does not, and what one uses it defines."""
    known = []
    for name in ("a", "b"):
        svg = draw(name, "Title", FRAME).svg
        ids = re.findall(r' id="([^"]+)"', svg)
        assert len(ids) == len(set(ids))
        used = {*re.findall(r'href="#([^"]+)"', svg), *re.findall(r"url\(#([^)]+)\)", svg)}
        assert used <= set(ids)
        known += ids
    assert len(known) == len(set(known))


def test_series_are_told_apart_without_colour():
    """Lines by marks and dashes, with their names at their ends; bars by hatches."""
    drawn = fromstring(lines("a", "Title", FRAME).svg)
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert {"High 2", "Moderate 2"} <= set(texts)
    dashes = {path.get("stroke-dasharray") for path in drawn.iter(f"{SVG}path")}
    assert len(dashes) > 1
    hatched = fromstring(bars("a", "Title", FRAME).svg)
    assert len(list(hatched.iter(f"{SVG}pattern"))) == 2


def test_nothing_to_draw(draw):
    """A table of zeros is a picture too."""
    zeros = FRAME.assign(High=0, Moderate=0)
    assert "2026-09: 0 High, 0 Moderate" in draw("a", "Title", zeros).said


def test_a_million_is_written_out(draw):
    """A count is a count, not a power of ten."""
    many = FRAME.assign(High=1_234_567)
    assert "2026-11: 1234567 High" in draw("a", "Title", many).said
