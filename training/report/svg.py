"""Shapes as SVG text: no picture files, no scripts, colours from the page's own style sheet.

Every function returns markup that is safe to put into a page: whatever comes from data went
through `Markup.format`, which escapes it. Sizes are in the units of the drawing's own `viewBox`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Point = tuple[float, float]
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axes:
    """A rectangle of the drawing and the values it spans."""

    x: tuple[float, float]
    y: tuple[float, float]
    box: tuple[float, float, float, float] = (56, 14, 534, 310)

    def at(self, point: Point) -> Point:
        """Place a point of the data in the drawing."""
        left, top, right, bottom = self.box
        across = (point[0] - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (point[1] - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return left + across * (right - left), bottom - up * (bottom - top)


def drawing(size: tuple[int, int], label: tuple[str, str], parts: Iterable[Markup]) -> Markup:
    """Wrap shapes into one picture with a title and a description for those who cannot see it."""
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(*size, f"{label[0]}. {label[1]}", *label, Markup("").join(parts))


def text(at: Point, words: object, kind: str = "") -> Markup:
    """Write words."""
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}">{}</text>').format(*at, kind, words)


def line(start: Point, end: Point, kind: str) -> Markup:
    """Draw a straight line."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(
        *start, *end, kind
    )


def path(points: Sequence[Point], kind: str) -> Markup:
    """Draw a line through points."""
    return Markup('<polyline points="{}" class="{}"/>').format(
        " ".join(f"{x:.1f},{y:.1f}" for x, y in points), kind
    )


def bar(corner: Point, size: Point, kind: str, says: str = "") -> Markup:
    """Draw a rectangle; hovering tells what it is."""
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}" rx="1.5">'
        "<title>{}</title></rect>"
    ).format(*corner, *size, kind, says)


def dot(at: Point, kind: str, says: str = "") -> Markup:
    """Draw a point; hovering tells what it is."""
    return Markup(
        '<circle cx="{:.1f}" cy="{:.1f}" r="4" class="{}"><title>{}</title></circle>'
    ).format(*at, kind, says)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Give round values that cover a range.

    >>> ticks(0.0, 0.4, 4)
    [0.0, 0.1, 0.2, 0.3, 0.4]
    """
    rough = max((high - low) / most, 1e-9)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def share_label(value: float) -> str:
    """Write a share as a short percentage."""
    return f"{100 * value:.3g} %"


def frame(axes: Axes, marks: tuple[Sequence[float], Sequence[float]], *, percent: bool) -> Markup:
    """Draw the grid and the numbers along both axes.

    Args:
        axes: where.
        marks: values to mark along x and along y; shares along x.
        percent: write the values along y as percentages.
    """
    left, top, right, bottom = axes.box
    parts = []
    for value in marks[0]:
        x = axes.at((value, axes.y[0]))[0]
        parts += [line((x, top), (x, bottom), "grid")]
        parts += [text((x, bottom + 18), share_label(value), "tick mid")]
    for value in marks[1]:
        y = axes.at((axes.x[0], value))[1]
        words = share_label(value) if percent else f"{value:.3g}"
        parts += [line((left, y), (right, y), "grid")]
        parts += [text((left - 8, y + 4), words, "tick end")]
    return Markup("").join(parts)
