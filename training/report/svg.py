"""From matplotlib's SVG to the page's: nested groups, fonts and colours give way to the page's own.

matplotlib wants colours where it draws, but the page has a light, a dark and a printed palette. So
each variable of the style sheet gets a number that stands for it in the drawing, and here the
number becomes `var(--name)`. An artist's words for hovering travel in the id of its group. Dots,
which matplotlib defines once and refers to by an id, become circles: ids could meet those of
another chart of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from markupsafe import Markup

COLOURS = (
    *("ink", "soft", "line", "card", "main", "band", "warm", "train", "calibrate", "open", "new"),
    *("r0", "r1", "r2", "r3", "r4", "r5"),
)
"""Variables of the style sheet that charts may use."""
INK = {name: f"#{number:06x}" for number, name in enumerate(COLOURS, 1)}
"""The number that stands for each of them in a drawing."""
DOT_RADIUS = 4

_VARIABLE = {number: f"var(--{name})" for name, number in INK.items()}
_HOVER = "hover:"
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_SVG = "{http://www.w3.org/2000/svg}"


def hover_id(words: str) -> str | None:
    """Return the id of a group that the page shows `words` for, None without words."""
    return _HOVER + words if words else None


def page_svg(drawing: str, size: tuple[int, int], title: str, says: str) -> Markup:
    """Turn a drawing of matplotlib into markup for the page, with a title and a description."""
    root = ET.fromstring(_NOT_XML.sub("", drawing))  # noqa: S314 - matplotlib has just written it
    shapes = "".join(ET.tostring(shape, encoding="unicode") for shape in _shapes(root))
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(
        *size,
        f"{title}. {says}",
        title,
        says,
        Markup(shapes),  # noqa: S704 - ElementTree has escaped all text and attributes in it
    )


def _shapes(group: ET.Element) -> Iterator[ET.Element]:
    """Yield the shapes inside nested groups; only groups with words for hovering are kept."""
    for element in group:
        name = element.tag.removeprefix(_SVG)
        if name == "g":
            words = element.get("id", "")
            yield from _hovering(words, element) if words.startswith(_HOVER) else _shapes(element)
        elif name == "use":
            yield _dot(element)
        elif name != "defs":
            # What is defined is the shape of dots, and a style for `*` that would reach the page.
            yield _plain(element)


def _hovering(words: str, group: ET.Element) -> Iterator[ET.Element]:
    kept = ET.Element("g")
    ET.SubElement(kept, "title").text = words.removeprefix(_HOVER)
    kept.extend(_shapes(group))
    yield kept


def _dot(element: ET.Element) -> ET.Element:
    plain = _plain(element)
    place = {"cx": plain.get("x", ""), "cy": plain.get("y", "")}
    return ET.Element("circle", {**place, "r": str(DOT_RADIUS), "style": plain.get("style", "")})


def _plain(element: ET.Element) -> ET.Element:
    """Copy a shape without matplotlib's namespaces, fonts and colours."""
    plain = ET.Element(element.tag.removeprefix(_SVG))
    plain.text = element.text if plain.tag == "text" else None
    for name, value in element.items():
        if name == "style":
            plain.set("style", _page_style(value))
        elif name in ("d", "x", "y"):
            plain.set(name, _LONG_NUMBER.sub(_hundredths, " ".join(value.split())))
        elif not value.startswith("rotate(-0 "):
            plain.set(name, value)
    return plain


def _hundredths(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"


def _page_style(style: str) -> str:
    rules = (rule.split(": ", 1) for rule in style.split("; "))
    return "; ".join(
        f"{name}: {_VARIABLE.get(value, value)}" for name, value in rules if name != "font-family"
    )
