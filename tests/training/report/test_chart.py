"""Laws of charts: the page's colours and fonts, escaped words, the same bytes again."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import training.report.chart as module
from training.report.chart import Axis, Band, Bar, Chart, Line, Panel, Point, Text, spread
from training.report.svg import COLOURS, INK

EVIL = '<script>alert("1")</script> & $x^2$'
STYLE_SHEET = Path(module.__file__).parent / "templates" / "report.css.j2"


def panel(**changes: object) -> Panel:
    """Return a panel with one mark of each kind."""
    marks = (
        Line((0, 1), (0, 1), "model", "model"),
        Line((0, 1), (1, 0), "rival 0", "rival"),
        Band((0, 0.5, 1), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
        Point(0.5, 0.5, "a point", (0.4, 0.6)),
        Bar(0.1, 0.0, 0.1, 0.4, "train", "a bar"),
        Bar(0.3, 0.0, 0.1, 0.4, "soft", "an empty bar", outlined=True),
        Text(0.2, 0.8, "words"),
    )
    axis = Axis(0, 1, "axis", write=lambda value: f"{value:.1f}")
    return replace(Panel((50, 20, 350, 220), axis, axis, marks, "title"), **changes)


def chart(*panels: Panel) -> Chart:
    """Return a chart of these panels, or of the usual one."""
    return Chart((400, 260), "Title", "says 1, then 2", panels or (panel(),))


def drawn(of: Chart) -> ET.Element:
    """Return the drawing, parsed."""
    return ET.fromstring(str(of.to_svg()))  # noqa: S314 - our own text


def texts(root: ET.Element) -> list[str]:
    """Return everything that is written in a drawing."""
    return [element.text or "" for element in root.iter("text")]


def titles(root: ET.Element) -> list[str]:
    """Return what hovering shows."""
    return [element.text or "" for element in root.iter("title")][1:]


def test_a_chart_is_described_for_those_who_cannot_see_it() -> None:
    """Role, label, title and description come first; the page scales by the view box."""
    root = drawn(chart())
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Title. says 1, then 2"
    assert root.get("viewBox") == "0 0 400 260"
    assert [root[0].tag, root[0].text] == ["title", "Title"]
    assert [root[1].tag, root[1].text] == ["desc", "says 1, then 2"]


def test_the_same_chart_gives_the_same_bytes() -> None:
    """Twice in one process, and whatever a user has configured."""
    import matplotlib as mpl  # noqa: PLC0415 - as in the module under test

    first = chart().to_svg()
    strange = {"axes.grid": True, "font.size": 30, "svg.hashsalt": "x", "lines.linewidth": 9}
    with mpl.rc_context(strange):
        assert chart().to_svg() == first
    assert chart().to_svg() == first


def test_colours_are_variables_of_the_style_sheet() -> None:
    """No colour of its own: light, dark and print have theirs, each with every variable."""
    svg = str(chart().to_svg())
    assert not re.search(r"#[0-9a-f]{6}", svg)
    used = set(re.findall(r"var\(--([\w-]+)\)", svg))
    assert {"main", "band", "train", "soft", "line", "card", "ink", "r0"} <= used <= set(COLOURS)
    light, dark = STYLE_SHEET.read_text("utf-8").split("prefers-color-scheme: dark")
    for part in (light, dark):
        assert all(f"--{name}:" in part for name in COLOURS)


def test_every_colour_has_a_number_of_its_own() -> None:
    """Two variables that shared a number would look alike in every palette."""
    assert len(set(INK.values())) == len(COLOURS) == len(set(COLOURS))


def test_text_keeps_the_font_of_the_page() -> None:
    """Text stays text, without a font family."""
    svg = str(chart().to_svg())
    assert "font-family" not in svg
    assert {"words", "title", "axis", "model", "rival"} <= set(texts(drawn(chart())))


def test_a_chart_needs_nothing_from_elsewhere() -> None:
    """No script, no style element that would reach the page, no clip path, no id, no reference."""
    svg = str(chart().to_svg())
    assert not re.search(r"<script|<style|clip-path|url\(|href|http|\bid=", svg)


def test_hostile_words_stay_words() -> None:
    """Labels, hovers, ticks and titles are escaped, and read as they were written."""
    axis = Axis(0, 1, EVIL, ticks=[(0.5, EVIL)])
    marks = (Line((0, 1), (0, 1), "model", EVIL), Point(0, 0, EVIL), Text(0, 0, EVIL))
    hostile = Chart((400, 260), EVIL, EVIL, [panel(x=axis, marks=marks, title=EVIL)])
    svg = str(hostile.to_svg())
    assert "<script" not in svg
    root = drawn(hostile)
    assert texts(root).count(EVIL) == 4
    assert EVIL in titles(root)
    assert root.findtext("title") == root.findtext("desc") == EVIL


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("words", ["李雷", "рекламный звонок", "📞 calls", "a\x0bb\x00c", "$50"])
def test_any_script_can_be_written(words: str) -> None:
    """Names in any writing are drawn without a warning; control characters are dropped."""
    printable = "".join(letter for letter in words if letter >= " ")
    assert printable in texts(drawn(chart(panel(marks=(Text(0, 0, words),)))))


def test_hovering_shows_the_words_of_a_mark() -> None:
    """Points, bars and labelled lines carry a title each; bands and texts do not."""
    assert sorted(set(titles(drawn(chart())))) == [
        *("a bar", "a point", "an empty bar", "model", "rival")
    ]


def test_marks_lie_where_the_data_are() -> None:
    """The box spans 300 x 200 units from (50, 20): the middle of the data is at (200, 120)."""
    marks = (Point(0.5, 0.5), Line((0, 1), (0, 1), "model"))
    root = drawn(chart(panel(marks=marks)))
    dot = next(iter(root.iter("circle")))
    assert (float(dot.get("cx", "0")), float(dot.get("cy", "0"))) == pytest.approx((200, 120))
    line = next(
        path.get("d", "") for path in root.iter("path") if "--main" in (path.get("style") or "")
        and "fill: none" in (path.get("style") or "")
    )  # fmt: skip
    numbers = [float(number) for number in re.findall(r"[\d.]+", line)]
    assert numbers == pytest.approx([50, 220, 350, 20])


def test_round_ticks_lie_inside_the_axis() -> None:
    """Values are written where they are round, and the ends count as inside."""
    written = [label for _, label in Axis(0.0, 0.4, write=lambda v: f"{v:g}", most=4).labelled()]
    assert written == ["0", "0.1", "0.2", "0.3", "0.4"]
    inside = [value for value, _ in Axis(0.5, 0.83, write=str, most=5).labelled()]
    assert inside == pytest.approx([0.5, 0.6, 0.7, 0.8])


@examples(derandomize=True, deadline=None, max_examples=60)
@given(low=st.floats(-100, 100), width=st.floats(0.001, 100), most=st.integers(2, 8))
def test_ticks_are_few_evenly_spaced_and_inside(low: float, width: float, most: int) -> None:
    """Whatever the range: no more than asked for, with one distance between them."""
    ticks = [value for value, _ in Axis(low, low + width, write=str, most=most).labelled()]
    assert len(ticks) <= most + 1
    slack = 1e-6 * width
    assert all(low - slack <= tick <= low + width + slack for tick in ticks)
    gaps = np.diff(ticks)
    assert gaps == pytest.approx(gaps[:1].repeat(len(gaps)), rel=1e-6)


def test_an_axis_without_a_writer_has_only_its_own_ticks() -> None:
    """Ticks with words are shown as they are."""
    assert Axis(0, 1, ticks=[(0.3, "here")]).labelled() == [(0.3, "here")]
    assert Axis(0, 1).labelled() == []


@examples(derandomize=True, deadline=None)
@given(places=st.lists(st.floats(0, 200), max_size=8))
def test_labels_are_spread_without_changing_their_order(places: list[float]) -> None:
    """Neighbours keep a gap of 15, all stay inside, and the order is that of the lines' ends."""
    moved = spread(places, 15.0, (0.0, 200.0))
    order = sorted(range(len(places)), key=lambda k: places[k])
    for a, b in pairwise(order):
        assert moved[b] - moved[a] >= 15 - 1e-9
    assert all(-1e-9 <= place <= 200 + 1e-9 for place in moved)


def test_labels_with_room_stay_where_their_lines_end() -> None:
    """Nothing is moved that does not have to be."""
    assert spread([10.0, 90.0, 40.0], 15.0, (0.0, 100.0)) == [10.0, 90.0, 40.0]


def test_long_labels_are_cut_and_shown_whole_on_hovering() -> None:
    """A name of forty letters would leave the drawing."""
    name = "a" * 40
    root = drawn(chart(panel(marks=(Line((0, 1), (0, 1), "model", name),))))
    assert "a" * 19 + "…" in texts(root)
    assert name in titles(root)


def test_a_key_names_the_lines_that_end_in_one_place() -> None:
    """Each style with its words, under a title."""
    keyed = panel(key=[("model", "53 % model"), ("rival 1", "20 % rule")], key_title="found")
    assert {"found", "53 % model", "20 % rule"} <= set(texts(drawn(chart(keyed))))


def test_matplotlib_is_imported_only_when_a_chart_is_drawn() -> None:
    """Importing the module costs nothing: every import of matplotlib stands in a function."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in top if "matplotlib" in ast.unparse(node)]
    assert "matplotlib" in ast.unparse(tree)
