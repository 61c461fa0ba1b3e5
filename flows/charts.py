"""The pictures of a report, as SVG for a page: in the page's own ink, clear in black and white.

matplotlib draws them, and is imported only then. What it draws is made fit for a page: colours
that follow the page's, no inline styles, which a page with a strict policy does not allow, and no
identifiers that another picture has too.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, register_namespace, tostring

import pandas as pd
from defusedxml.ElementTree import fromstring

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, PAPER = "#010203", "#fefdfc"  # stand for the page's colours of text and ground
SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
SIZE = (6.4, 2.8)  # inches
# Each stands out from a light page and a dark one; hatches, marks and dashes tell them apart too.
COLOURS = ("#c94f43", "#b57a1d", "#3d85bd", "#808080", "none")
HATCHES = ("////", "\\\\", "", "xxxx", "")
MARKS, DASHES = ("o", "s", "^", "D", "v"), ("-", "--", "-.", ":", ":")
GAP = 0.085  # between labels, as a part of the height
LOOK = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.size": 9.0,
    "hatch.linewidth": 0.7,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
REFERENCE = re.compile(r"url\(#([^)]+)\)")


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing for a page, with its title and what it shows in words inside."""

    title: str
    svg: str
    said: str


def lines(name: str, title: str, frame: pd.DataFrame) -> Picture:
    """Draw a line per column after the first, which names the places; a gap where one is missing.

    `name` is the picture's own on its page.
    """

    def draw(axes: "Axes") -> None:
        places, series = _table(frame)
        for number, (_, values) in enumerate(series):
            axes.plot(
                places,
                values,
                DASHES[number],
                color=COLOURS[number],
                marker=MARKS[number],
                clip_on=False,
            )
        axes.set_xlim(-0.4, len(places) - 0.6)
        axes.set_ylim(0, max([1.0, *(v for _, values in series for v in values if v == v)]) * 1.05)
        _whole_numbers(axes.yaxis)
        ends = [(v[-1], f"{said} {v[-1]:.10g}") for said, v in series if v[-1] == v[-1]]
        for height, label in _apart(ends, axes.get_ylim()[1] * GAP):
            at = (len(places) - 1, height)
            axes.annotate(
                label, at, (9, 0), textcoords="offset points", va="center", annotation_clip=False
            )

    return _picture(name, title, frame, draw)


def bars(
    name: str,
    title: str,
    frame: pd.DataFrame,
    *,
    across: bool = False,
    tones: Sequence[int] = range(len(COLOURS)),
) -> Picture:
    """Draw a stacked bar per row: the first column names it, the others are its parts.

    `across` lays the bars on their side, the first on top; `tones` are the colours of the parts,
    from the worst, 0. `name` is the picture's own.
    """

    def draw(axes: "Axes") -> None:
        places, series = _table(frame)
        base = [0.0] * len(places)
        for number, (label, values) in zip(tones, series, strict=False):
            look: dict[str, Any] = {
                "label": label,
                "color": COLOURS[number],
                "hatch": HATCHES[number],
                "edgecolor": INK,
                "linewidth": 0.7,
            }
            known = [0.0 if v != v else v for v in values]
            if across:
                axes.barh(places, known, left=base, height=0.62, **look)
            else:
                axes.bar(places, known, bottom=base, width=0.62, **look)
            base = [one + more for one, more in zip(base, known, strict=True)]
        for place, total in enumerate(base):
            given = any(values[place] == values[place] for _, values in series)
            axes.annotate(
                f"{total:.10g}" if given else "no run",
                (total, place) if across else (place, total),
                (4, 0) if across else (0, 3),
                textcoords="offset points",
                ha="left" if across else "center",
                va="center" if across else "bottom",
            )
        axes.figure.legend(loc="outside upper left", ncols=len(series), handlelength=1.8)
        if across:
            axes.invert_yaxis()
            axes.set_xlim(0, max([1.0, *base]) * 1.08)
            _whole_numbers(axes.xaxis)
        else:
            axes.set_ylim(0, max([1.0, *base]) * 1.12)
            _whole_numbers(axes.yaxis)

    return _picture(name, title, frame, draw)


def _picture(name: str, title: str, frame: pd.DataFrame, draw: "Callable[[Axes], None]") -> Picture:
    from matplotlib import style
    from matplotlib.figure import Figure

    drawn = StringIO()
    with style.context(["default", LOOK | {"svg.hashsalt": name}]):
        figure = Figure(figsize=SIZE, layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    said = _said(frame)
    return Picture(title, _fit(drawn.getvalue(), name, title, said), said)


def _table(frame: pd.DataFrame) -> tuple[list[str], list[tuple[str, list[float]]]]:
    """Return the places and the series over them; a missing figure is not a number."""
    values = frame.iloc[:, 1:].astype("Float64")
    series = [
        (str(label), [float("nan") if pd.isna(v) else float(v) for v in values[label]])
        for label in values
    ]
    return [str(place) for place in frame.iloc[:, 0]], series


def _said(frame: pd.DataFrame) -> str:
    places, series = _table(frame)
    return "; ".join(
        f"{place}: "
        + (", ".join(f"{v[n]:.10g} {label}" for label, v in series if v[n] == v[n]) or "no run")
        for n, place in enumerate(places)
    )


def _whole_numbers(axis: object) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))  # type: ignore[attr-defined]


def _apart(labels: Sequence[tuple[float, str]], gap: float) -> Iterator[tuple[float, str]]:
    """Yield labels with heights that differ by a gap at least, the lowest first."""
    floor = float("-inf")
    for height, label in sorted(labels):
        floor = max(height, floor + gap)
        yield floor, label


def _fit(drawn: str, name: str, title: str, said: str) -> str:
    """Make a drawing part of a page."""
    register_namespace("", SVG)
    register_namespace("xlink", LINK)
    root = fromstring(drawn)
    shape = root.attrib["viewBox"]
    used = set(REFERENCE.findall(drawn)) | set(re.findall(r'href="#([^"]+)"', drawn))
    for parent in list(root.iter()):
        for child in [c for c in parent if _tag(c) in ("metadata", "style")]:
            parent.remove(child)
        parent.tail = None
        parent.text = (parent.text or "").strip() or None
        _dress(parent, name, used)
    root.attrib.clear()
    root.attrib |= {"viewBox": shape, "role": "img", "class": "picture"}
    root.attrib["aria-labelledby"] = f"{name}-title {name}-said"
    for at, (tag, text) in enumerate((("title", title), ("desc", said))):
        told = Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{'said' if at else 'title'}"})
        told.text = text
        root.insert(at, told)
    return str(tostring(root, encoding="unicode"))


def _dress(element: Element, name: str, used: set[str]) -> None:
    """Turn the inline style of an element into attributes, and its identifier into the page's."""
    for rule in filter(None, element.attrib.pop("style", "").split(";")):
        key, _, value = (part.strip() for part in rule.partition(":"))
        if key != "font-family":  # the page has one of its own
            element.attrib[key] = value
    for key, value in list(element.attrib.items()):
        text = value.replace(INK, "currentColor").replace(PAPER, "none")
        if key == "id":
            if value not in used:
                del element.attrib[key]
                continue
            text = f"{name}-{value}"
        elif key.endswith("href"):
            text = f"#{name}-{value[1:]}"
        element.attrib[key] = REFERENCE.sub(rf"url(#{name}-\1)", text)


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
