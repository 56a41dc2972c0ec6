"""Charts as static SVG inside the page: a house style, and the only module that knows matplotlib.

A chart is a frozen value: panels, and in them marks in the units of the data. `to_svg` lets
matplotlib draw it and hands the shapes to the page. Colours become variables of the page's style
sheet, so that one drawing serves light, dark and print; text keeps the page's font. There is no
script, no clip path and no id that could meet another chart's.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from training.report.svg import DOT_RADIUS, INK, hover_id, page_svg

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a panel, in units of the drawing."""
Tick = tuple[float, str]

TEXT_SIZE, SMALL_SIZE = 13, 12
LABEL_GAP = 15.0
"""Two labels at the ends of lines stand at least this far apart."""
LABEL_LENGTH, KEY_LENGTH = 20, 36
"""Longer labels of lines are cut; hovering shows the whole."""

_HOUSE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pacesetter",
    "path.simplify": False,
    "lines.scale_dashes": False,
    "font.family": "DejaVu Sans",
    "text.parse_math": False,
    "text.usetex": False,
}
"""What differs from matplotlib's own defaults; nothing that a user has configured counts."""

_LINES: dict[str, dict[str, Any]] = {
    "model": {"color": INK["main"], "linewidth": 2.6, "zorder": 4},
    "happened": {"color": INK["ink"], "linewidth": 2.4},
    "truth": {"color": INK["ink"], "linewidth": 1.2},
    "reference": {"color": INK["soft"], "linewidth": 1.2, "dashes": (5, 4)},
    "capacity": {"color": INK["soft"], "linewidth": 1.6, "dashes": (2, 3)},
    "quota": {"color": INK["warm"], "linewidth": 1.4, "dashes": (5, 4)},
    "rival 0": {"color": INK["r0"], "linewidth": 1.6, "dashes": (7, 3)},
    "rival 1": {"color": INK["r1"], "linewidth": 1.6, "dashes": (2, 3)},
    "rival 2": {"color": INK["r2"], "linewidth": 1.6, "dashes": (9, 3, 2, 3)},
    "rival 3": {"color": INK["r3"], "linewidth": 1.6},
    "rival 4": {"color": INK["r4"], "linewidth": 1.6, "dashes": (1, 3)},
    "rival 5": {"color": INK["r5"], "linewidth": 1.6, "dashes": (5, 2, 1, 2, 1, 2)},
}
RIVALS = sum(style.startswith("rival") for style in _LINES)


@dataclass(frozen=True)
class Line:
    """A line through points.

    Attributes:
        x: where the points lie.
        y: as many values.
        style: a key of the house's lines.
        label: written beside the right end; none where it is empty.
    """

    x: Sequence[float]
    y: Sequence[float]
    style: str
    label: str = ""

    def draw(self, axes: Any) -> None:
        """Draw the line."""
        axes.plot(self.x, self.y, gid=hover_id(self.label), clip_on=False, **_LINES[self.style])


@dataclass(frozen=True)
class Band:
    """The area between two lines: an interval along x."""

    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]

    def draw(self, axes: Any) -> None:
        """Fill the area."""
        x, y = [*self.x, *reversed(self.x)], [*self.high, *reversed(self.low)]
        axes.fill(x, y, color=INK["band"], linewidth=0, clip_on=False, zorder=1.5)


@dataclass(frozen=True)
class Point:
    """A dot, with an upright interval where there is one."""

    x: float
    y: float
    hover: str = ""
    interval: tuple[float, float] | None = None
    colour: str = "main"

    def draw(self, axes: Any) -> None:
        """Draw the interval, and the dot upon it."""
        colour = INK[self.colour]
        if self.interval:
            style = {"color": colour, "linewidth": 2.2, "solid_capstyle": "butt"}
            axes.plot([self.x, self.x], self.interval, clip_on=False, zorder=5, **style)
        style = {"color": colour, "markeredgecolor": INK["card"], "markeredgewidth": 1.2}
        axes.plot(
            [self.x], [self.y], "o", ms=2 * DOT_RADIUS,
            gid=hover_id(self.hover), clip_on=False, zorder=6, **style,
        )  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """A rectangle; an outlined one is empty and dashed."""

    left: float
    bottom: float
    width: float
    height: float
    colour: str
    hover: str = ""
    outlined: bool = False

    def draw(self, axes: Any) -> None:
        """Draw the rectangle."""
        look: dict[str, Any] = {"color": INK[self.colour], "linewidth": 0}
        if self.outlined:
            look = {"edgecolor": INK[self.colour], "fill": False, "linestyle": (0, (3, 3))}
        axes.bar(
            self.left, self.height, self.width, self.bottom,
            align="edge", gid=hover_id(self.hover), clip_on=False, zorder=2, **look,
        )  # fmt: skip


@dataclass(frozen=True)
class Text:
    """Words at a place of the data."""

    x: float
    y: float
    words: str
    align: str = "center"
    lift: float = 0.0
    bold: bool = False
    colour: str = "soft"

    def draw(self, axes: Any) -> None:
        """Write the words, `lift` units above their place."""
        axes.annotate(
            self.words, (self.x, self.y), (0, self.lift), textcoords="offset points",
            ha=self.align, va="center_baseline", size=SMALL_SIZE, color=INK[self.colour],
            weight="bold" if self.bold else "normal", annotation_clip=False, zorder=7,
        )  # fmt: skip


Mark = Line | Band | Point | Bar | Text


@dataclass(frozen=True)
class Axis:
    """The values that a side of a panel spans, and what is written along it.

    Attributes:
        low: the left or lower end.
        high: the other end.
        title: what the values are.
        ticks: values with their labels.
        write: writes values; where it is given, round values inside the axis are ticks as well.
        most: so many intervals lie between round values, at most.
        grid: whether thin lines run across the panel at the ticks.
    """

    low: float
    high: float
    title: str = ""
    ticks: Sequence[Tick] = ()
    write: Callable[[float], str] | None = None
    most: int = 6
    grid: bool = True

    def labelled(self) -> list[Tick]:
        """Return all ticks."""
        if self.write is None:
            return list(self.ticks)
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as in `Chart.to_svg`

        steps = MaxNLocator(self.most, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        slack = 1e-9 * (self.high - self.low)
        inside = [float(v) for v in steps if self.low - slack <= v <= self.high + slack]
        return [*self.ticks, *((value, self.write(value)) for value in inside)]


@dataclass(frozen=True)
class Panel:
    """A rectangle of the drawing, its two axes, and what is drawn in it.

    Attributes:
        box: where it lies.
        x: the axis below it.
        y: the axis left of it.
        marks: what is drawn.
        title: stands above it.
        key: styles of lines and their words, in the lower right corner; for lines that end in one
            place and so leave no room for labels of their own.
        key_title: stands above the key.
    """

    box: Box
    x: Axis
    y: Axis
    marks: Sequence[Mark]
    title: str = ""
    key: Sequence[tuple[str, str]] = ()
    key_title: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawing.

    Attributes:
        size: width and height; the page scales it.
        title: what it shows.
        says: the same in numbers, for those who cannot see it.
        panels: its parts.
    """

    size: tuple[int, int]
    title: str
    says: str
    panels: Sequence[Panel]

    def to_svg(self) -> Markup:
        """Draw the chart as markup for the page; the same chart gives the same bytes."""
        # Imported here: it takes half a second, and only a written report needs it.
        from matplotlib import style  # noqa: PLC0415
        from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415

        text = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        with style.context(["default", _HOUSE]), warnings.catch_warnings():
            # The browser's fonts have what the one that measures has not.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure = Figure(figsize=(self.size[0] / 72, self.size[1] / 72), dpi=72)
            figure.patch.set_visible(False)
            for panel in self.panels:
                _draw_panel(figure, self.size, panel)
            FigureCanvasSVG(figure).print_svg(text, metadata=nothing)
        return page_svg(text.getvalue(), self.size, self.title, self.says)


def _draw_panel(figure: Any, size: tuple[int, int], panel: Panel) -> None:
    left, top, right, bottom = panel.box
    width, height = size
    place = (left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height)
    axes = figure.add_axes(place, frame_on=False, axisbelow=True)
    for mark in panel.marks:
        mark.draw(axes)
    axes.tick_params(length=0, pad=8, labelsize=SMALL_SIZE, labelcolor=INK["soft"])
    axes.tick_params(axis="x", pad=10)
    for name, side in (("x", panel.x), ("y", panel.y)):
        ticks = side.labelled()
        axes.set(**{f"{name}ticks": [v for v, _ in ticks], f"{name}lim": (side.low, side.high)})
        axes.set(**{f"{name}ticklabels": [words for _, words in ticks]})
        getattr(axes, f"set_{name}label")(side.title, size=TEXT_SIZE, color=INK["soft"])
        if side.grid:
            axes.grid(axis=name, color=INK["line"], linewidth=1, clip_on=False)
    axes.set_title(panel.title, loc="left", size=TEXT_SIZE, weight="bold", color=INK["ink"], pad=9)
    _label_lines(axes, panel)
    if panel.key:
        _draw_key(axes, panel)


def _label_lines(axes: Any, panel: Panel) -> None:
    lines = [mark for mark in panel.marks if isinstance(mark, Line) and mark.label]
    _, top, _, bottom = panel.box
    unit = (panel.y.high - panel.y.low) / (bottom - top)
    ends = [(line.y[-1] - panel.y.low) / unit for line in lines]
    for line, end in zip(lines, spread(ends, LABEL_GAP, (0.0, bottom - top)), strict=True):
        axes.annotate(
            _short(line.label, LABEL_LENGTH), (1, panel.y.low + end * unit), (8, 0),
            gid=hover_id(line.label), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center_baseline", annotation_clip=False,
            size=SMALL_SIZE, color=_colour(line.style),
            weight="bold" if line.style == "model" else "normal",
        )  # fmt: skip


def _draw_key(axes: Any, panel: Panel) -> None:
    samples = [axes.plot([], [], **_LINES[style])[0] for style, _ in panel.key]
    words = [_short(label, KEY_LENGTH) for _, label in panel.key]
    key = axes.legend(
        samples, words, title=panel.key_title, loc="lower right", frameon=False, alignment="left",
        fontsize=SMALL_SIZE, title_fontsize=SMALL_SIZE, handlelength=2.4,
    )  # fmt: skip
    key.get_title().set_color(INK["soft"])
    for (style, _), text in zip(panel.key, key.get_texts(), strict=True):
        text.set_color(_colour(style))
        text.set_weight("bold" if style == "model" else "normal")


def _colour(style: str) -> str:
    return str(_LINES[style]["color"])


def _short(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def spread(places: Sequence[float], gap: float, within: tuple[float, float]) -> list[float]:
    """Move places apart until neighbours have a gap between them, and keep their order.

    >>> spread([10.0, 11.0, 40.0], 5.0, (0.0, 40.0))
    [10.0, 15.0, 40.0]
    >>> spread([39.0, 40.0], 5.0, (0.0, 40.0))
    [35.0, 40.0]
    """
    order = sorted(range(len(places)), key=lambda k: places[k])
    moved = list(places)
    floor = within[0]
    for k in order:
        moved[k] = max(moved[k], floor)
        floor = moved[k] + gap
    ceiling = within[1]
    for k in reversed(order):
        moved[k] = min(moved[k], ceiling)
        ceiling = moved[k] - gap
    return moved
