"""Exports with something wrong in them: strategies that spoil a sound one in a few places."""

import copy
import csv
import io
import json

from hypothesis import strategies as st
from lxml import etree

WRONG = (None, [], {}, "", "x", 1, -1, 1.5, True, ["x"], [[]], [{}], {"x": None})


def json_values(content):
    """Return the values of a JSON file: one, or one a line."""
    decoder, text, values = json.JSONDecoder(), content.decode().strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:].lstrip()
    return values


@st.composite
def spoiled_json(draw, content):
    """Return a JSON file with some nodes of another type, or gone."""
    values = copy.deepcopy(json_values(content))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(values))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.sampled_from(["wrong", "wrong", "other", "gone"])):
            case "wrong":
                holder[key] = copy.deepcopy(draw(st.sampled_from(WRONG)))
            case "other":
                holder[key] = _as_other_type(holder[key])
            case _ if isinstance(holder, dict):
                del holder[key]
    return "\n".join(json.dumps(value) for value in values).encode()


def _places(holder):
    """Yield where each value stands: what holds it, and its key or index there."""
    entries = holder.items() if isinstance(holder, dict) else enumerate(holder)
    for key, value in list(entries):
        yield holder, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def _as_other_type(value):
    """Return a value as it might be meant: a number as text, one object as a list of it."""
    match value:
        case dict():
            return [value]
        case list():
            return value[0] if value else None
        case str():
            return int(value) if value.isdecimal() and value.isascii() else [value]
        case _:
            return str(value)


@st.composite
def spoiled_xml(draw, content):
    """Return an XML file with some elements or attributes gone, empty or called otherwise."""
    root = etree.fromstring(content)
    for _ in range(draw(st.integers(1, 3))):
        elements = list(root.iter(etree.Element))
        element = elements[draw(st.integers(0, len(elements) - 1))]
        attributes = sorted(element.attrib)
        name = draw(st.sampled_from(attributes)) if attributes and draw(st.booleans()) else None
        match draw(st.sampled_from(["gone", "empty", "renamed", "x"])), name:
            case "gone", None if element.getparent() is not None:
                element.getparent().remove(element)
            case "gone", str():
                del element.attrib[name]
            case "empty", None:
                element[:], element.text = [], None
            case "renamed", None if element is not root:
                element.tag = "renamed"
            case "renamed", str():
                element.set("renamed", element.attrib.pop(name))
            case word, None:
                element.text = word
            case word, _:
                element.set(name, "" if word == "empty" else word)
    return etree.tostring(root.getroottree())


@st.composite
def spoiled_csv(draw, content):
    """Return a CSV with some cells blank or wrong, a row cut short, a column gone."""
    text = content.decode("utf-8-sig")
    delimiter = max(",;\t", key=text.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.sampled_from([row for row in rows if row]))
        at = draw(st.integers(0, len(row) - 1))
        match draw(st.sampled_from(["", "x", "-1", "short", "column"])):
            case "short":
                del row[at + 1 :]
            case "column":
                for other in rows:
                    del other[at : at + 1]
            case word:
                row[at] = word
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode()
