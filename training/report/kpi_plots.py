"""The pictures of key figures: lines over time, and the tree as boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from markupsafe import Markup

from features.feature import Unit
from features.kpi.catalogue import KPIS
from features.kpi.declare import Kpi
from training.report.chart import Axis, Chart, Line, Mark, Panel, Point
from training.report.kpi_tree import Tree
from training.report.kpi_words import factor_value, points, tone, written
from training.report.page import page_template
from training.report.plots import NO_CHART, month_ticks

SIZE = (380, 190)
BOX = (62, 12, 366, 152)
MOST_TICKS = 4
BOX_WIDTH, GAP, DRIVER_HEIGHT = 172, 22, 44
TOP, FACTOR_TOP, FACTOR_HEIGHT, DRIVER_TOP = 84, 128, 118, 264
TIMES, DIVIDED = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"
_DAY = timedelta(days=1)


def line_chart(kpi: Kpi, own: pd.Series, other: pd.Series, open_periods: int) -> Markup:
    """Draw a figure over time, with the company's beside it where there is one.

    Args:
        kpi: the figure.
        own: values by the period's start; NaN where there are too few cases.
        other: the company's, by the same; may be empty.
        open_periods: so many of the last are not settled: they are dots, no line leads to them.
    """
    settled = own.iloc[: len(own) - open_periods]
    values = settled.dropna()
    if len(values) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    starts = [start.to_pydatetime() for start in own.index]
    first = starts[0]
    reference = other.reindex(settled.index).dropna()
    marks: list[Mark] = []
    if len(reference) > 1:
        marks.append(Line(_days(reference, first), list(reference), "reference"))
    for x, y in _unbroken(settled, first):
        marks.append(Line(x, y, "model") if len(x) > 1 else _dot(x[0], y[0], kpi, first))
    newest = float(values.iloc[-1])
    marks.append(_dot(_days(values, first)[-1], newest, kpi, first))
    unsettled = own.iloc[len(settled) :].dropna()
    for at, value in zip(_days(unsettled, first), unsettled, strict=True):
        hover = f"so far: {written(value, kpi.unit)}"
        marks.append(Point(at, value, hover, colour="warm"))
    low, high = _span([*values, *reference, *unsettled], kpi.unit)
    x_axis = Axis(0, max((starts[-1] - first) / _DAY, 1), ticks=_dates(starts), grid=False)
    y_axis = Axis(low, high, write=lambda value: written(value, kpi.unit), most=4)
    says = f"newest: {written(newest, kpi.unit)}"
    return Chart(SIZE, kpi.label, says, [Panel(BOX, x_axis, y_axis, marks)]).to_svg()


def _dot(x: float, value: float, kpi: Kpi, first: datetime) -> Point:
    return Point(x, value, f"{first + x * _DAY:%Y-%m-%d}: {written(value, kpi.unit)}")


def _unbroken(values: pd.Series, first: datetime) -> Iterator[tuple[list[float], list[float]]]:
    """Yield stretches of a line between gaps."""
    x: list[float] = []
    y: list[float] = []
    for start, value in values.items():
        if np.isfinite(value):
            x.append((pd.Timestamp(str(start)).to_pydatetime() - first) / _DAY)
            y.append(float(value))
        elif x:
            yield x, y
            x, y = [], []
    if x:
        yield x, y


def _days(values: pd.Series, first: datetime) -> list[float]:
    return [(start.to_pydatetime() - first) / _DAY for start in values.index]


def _span(values: Sequence[float], unit: Unit) -> tuple[float, float]:
    """Return what the axis spans: from 0, but where values lie below it."""
    low, high = min(0.0, *values), max(values)
    if high <= low:
        high = low + 1.0
    if unit is Unit.COUNT:
        high = max(high, 4.0)
    return low * 1.1, high * 1.1


def _dates(starts: Sequence[datetime]) -> list[tuple[float, str]]:
    months = month_ticks(starts[0], starts[-1])
    if len(months) < 2:  # noqa: PLR2004 - one label does not tell a scale
        ends = (starts[0], starts[-1])
        return [((end - starts[0]) / _DAY, f"{end:%Y-%m-%d}") for end in ends]
    return months[:: -(-len(months) // MOST_TICKS)]


@dataclass(frozen=True)
class Node:
    """A box of the tree.

    Attributes:
        x: its left side.
        y: its top.
        width: of it.
        height: of it.
        label: what it is.
        value: the own value.
        beside: the other side's value, in words.
        adds: what it adds to the result, in words; empty for drivers.
        tone: good, bad or even.
        sign: between it and the box to its left.
        is_blocked: the river is blocked here.
    """

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    beside: str = ""
    adds: str = ""
    tone: str = "even"
    sign: str = ""
    is_blocked: bool = False


def tree_chart(tree: Tree, title: str, result: Node, against: str) -> Markup:
    """Draw the tree: the result, the factors it is the product of, and drivers below each.

    Args:
        tree: what is drawn.
        title: what it shows.
        result: the box at its top, whose place is set here.
        against: what the values beside are of.
    """
    if not tree.factors:
        return NO_CHART
    count = len(tree.factors)
    width = count * BOX_WIDTH + (count - 1) * GAP
    factors = [_factor(tree, place) for place in range(count)]
    drivers = [list(_drivers(tree, place)) for place in range(count)]
    height = DRIVER_TOP + max(len(column) for column in drivers) * (DRIVER_HEIGHT + 8)
    top = Node(
        (width - 300) / 2, 4, 300, TOP - 4, result.label, result.value, result.beside, result.adds,
        result.tone,
    )  # fmt: skip
    says = "; ".join(f"{node.label} {node.value} {node.beside} {node.adds}" for node in factors)
    drawn = page_template("kpi_tree.svg.j2").render(
        width=width + 4, height=height, title=title, says=says, top=top, factors=factors,
        drivers=drivers, against=against,
    )  # fmt: skip
    return Markup(drawn)  # noqa: S704 - the template has escaped all text in it


def _factor(tree: Tree, place: int) -> Node:
    factor = tree.factors[place]
    shares = {s.factor.name: s for s in tree.differences[0].shares} if tree.differences else {}
    share = shares.get(factor.name)
    blocked = tree.differences[0].blocked if tree.differences else None
    x = 2 + place * (BOX_WIDTH + GAP)
    sign = "" if place == 0 else DIVIDED if factor.is_inverse else TIMES
    box = (x, FACTOR_TOP, BOX_WIDTH, FACTOR_HEIGHT)
    value = factor_value(tree.own.value(factor), factor)
    if share is None:
        return Node(*box, factor.label, value, sign=sign)
    return Node(
        *box,
        factor.label,
        value,
        f"against {factor_value(share.other, factor)}",
        points(tree, share.points),
        tone(share, tree.differences[0]),
        sign,
        is_blocked=blocked is not None and blocked.factor.name == factor.name,
    )


def _drivers(tree: Tree, place: int) -> Iterator[Node]:
    factor = tree.factors[place]
    for row, driver in enumerate(tree.drivers.get(factor.name, ())):
        kpi = KPIS[driver.name]
        beside = f"against {written(driver.other, kpi.unit)}" if np.isfinite(driver.other) else ""
        yield Node(
            2 + place * (BOX_WIDTH + GAP) + 10,
            DRIVER_TOP + row * (DRIVER_HEIGHT + 8),
            BOX_WIDTH - 10,
            DRIVER_HEIGHT,
            kpi.label,
            written(driver.own, kpi.unit),
            beside,
        )


def lines_shown(absent: Mapping[str, str]) -> list[str]:
    """Choose the figures that get a chart: all that can be told, but for growth."""
    return [name for name in KPIS if name not in absent and not name.startswith("growth")]
