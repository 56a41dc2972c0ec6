"""The page of a monitoring run: what was found, and the weeks behind it as charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from training.report.chart import Axis, Band, Bar, Chart, Line, Panel, Point, Text
from training.report.page import templates

WIDTH = 1100
ACROSS = 3
PANEL = (300, 120)
GAP = (50, 84)
MOST_SHIFTS = 15


@dataclass(frozen=True)
class WeekChart:
    """One figure in every week, beside what is usual.

    Attributes:
        title: what it is.
        values: the newest last; NaN where there is none.
        low: the lower end of what is usual; None where nothing is said of it.
        high: the upper end.
        is_alarming: whether something was found there.
    """

    title: str
    values: Sequence[float]
    low: float | None = None
    high: float | None = None
    is_alarming: bool = False


@dataclass(frozen=True)
class FindingLine:
    """A finding as the page shows it: `alarm` or `watch`, what, says, advice."""

    severity: str
    what: str
    says: str
    advice: str


@dataclass(frozen=True)
class ShiftBar:
    """A column's shift beside the largest of its past.

    Attributes:
        label: the column in words.
        psi: the index now.
        before: the largest in the past.
        is_alarming: whether it counts as a shift.
    """

    label: str
    psi: float
    before: float
    is_alarming: bool


@dataclass(frozen=True)
class KeptPoint:
    """What happened over what was forecast, at a cutoff."""

    cutoff: datetime
    ratio: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class ChampionPart:
    """A champion on the page.

    Attributes:
        title: which.
        notes: what could not be looked at.
        shifts: the largest shifts, the largest first.
        kept: cutoff by cutoff.
        forecasts: the mean forecast in every week, the newest last.
    """

    title: str
    notes: tuple[str, ...]
    shifts: tuple[ShiftBar, ...]
    kept: tuple[KeptPoint, ...]
    forecasts: tuple[float, ...]


@dataclass(frozen=True)
class MonitorPage:
    """What the page shows.

    Attributes:
        as_of: the moment.
        source: what the home is called.
        findings: alarms first.
        groups: charts by heading.
        champions: one part each.
    """

    as_of: datetime
    source: str
    findings: tuple[FindingLine, ...]
    groups: Mapping[str, tuple[WeekChart, ...]]
    champions: tuple[ChampionPart, ...]

    def render(self) -> str:
        """Return the page as text."""
        alarms = sum(line.severity == "alarm" for line in self.findings)
        watches = len(self.findings) - alarms
        return (
            templates()
            .get_template("monitor.html.j2")
            .render(
                page=self,
                alarms=alarms,
                watches=watches,
                charts={
                    title: weeks_chart(title, charts, self.as_of)
                    for title, charts in self.groups.items()
                    if charts
                },
                shift_charts=[shift_chart(c.shifts) for c in self.champions],
                kept_charts=[kept_chart(c.kept) for c in self.champions],
                forecast_charts=[
                    weeks_chart(
                        "Mean forecast",
                        (WeekChart("mean forecast, per cent", [100 * v for v in c.forecasts]),),
                        self.as_of,
                    )
                    if any(not math.isnan(v) for v in c.forecasts)
                    else Markup("")
                    for c in self.champions
                ],
            )
        )


def weeks_chart(title: str, charts: Sequence[WeekChart], as_of: datetime) -> Markup:
    """Draw small charts side by side, the usual range as a band, the newest week as a dot."""
    panels = []
    for k, chart in enumerate(charts):
        row, column = divmod(k, ACROSS)
        left = 56 + column * (PANEL[0] + GAP[0])
        top = 30 + row * (PANEL[1] + GAP[1])
        panels.append(_week_panel(chart, as_of, (left, top)))
    rows = -(-len(charts) // ACROSS)
    height = rows * (PANEL[1] + GAP[1]) + 12
    says = "; ".join(
        f"{c.title}: {c.values[-1]:,.4g} in the newest week" for c in charts if len(c.values)
    )
    return Chart((WIDTH, height), title, says, panels).to_svg()


def _week_panel(chart: WeekChart, as_of: datetime, corner: tuple[int, int]) -> Panel:
    left, top = corner
    at = [float(k - len(chart.values) + 1) for k in range(len(chart.values))]
    points = [(x, v) for x, v in zip(at, chart.values, strict=True) if not math.isnan(v)]
    highest = max([v for _, v in points] + [chart.high or 0.0], default=1.0) or 1.0
    highest = min(highest, 3 * max([v for _, v in points], default=1.0) or 1.0)
    marks: list[Band | Line | Point] = []
    if chart.low is not None and chart.high is not None and at:
        ends = [at[0], at[-1]]
        marks.append(Band(ends, [chart.low] * 2, [min(chart.high, 1.05 * highest)] * 2))
    marks.append(Line([x for x, _ in points], [v for _, v in points], "model"))
    if points:
        x, v = points[-1]
        colour = "warm" if chart.is_alarming else "main"
        marks.append(Point(x, v, f"newest week: {v:,.4g}", colour=colour))
    ticks = [
        (float(-k), f"{as_of - timedelta(days=7 * k):%d %b}")
        for k in range(0, len(chart.values), max(1, len(chart.values) // 3))
    ]
    return Panel(
        box=(left, top, left + PANEL[0], top + PANEL[1]),
        x=Axis(at[0] - 0.5 if at else -1, 0.8, ticks=ticks, grid=False),
        y=Axis(0, 1.08 * highest, write=lambda v: f"{v:,.4g}", most=3),
        marks=marks,
        title=chart.title,
    )


def shift_chart(shifts: Sequence[ShiftBar]) -> Markup:
    """Draw the largest shifts, each with a mark where the largest of its past lies."""
    shown = list(shifts)[:MOST_SHIFTS]
    if not shown:
        return Markup("")
    highest = max(max(s.psi, s.before if s.before == s.before else 0.0) for s in shown) or 1.0
    marks: list[Bar | Line | Text] = []
    for k, shift in enumerate(shown):
        y = float(len(shown) - 1 - k)
        colour = "warm" if shift.is_alarming else "open"
        words = f"{shift.label}: {shift.psi:.2f} now, at most {shift.before:.2f} before"
        marks.append(Bar(0.0, y - 0.32, shift.psi, 0.64, colour, words))
        if shift.before == shift.before:
            marks.append(Line([shift.before] * 2, [y - 0.42, y + 0.42], "happened"))
    names = [(float(len(shown) - 1 - k), s.label[:58]) for k, s in enumerate(shown)]
    height = 26 * len(shown) + 60
    panel = Panel(
        box=(420, 10, 1070, height - 46),
        x=Axis(0.0, 1.05 * highest, "population stability index", write=lambda v: f"{v:.2g}"),
        y=Axis(-0.6, len(shown) - 0.4, ticks=names, grid=False),
        marks=marks,
    )
    says = "; ".join(f"{s.label}: {s.psi:.2f}, before {s.before:.2f}" for s in shown)
    return Chart((WIDTH, height), "Shifts", says, [panel]).to_svg()


def kept_chart(kept: Sequence[KeptPoint]) -> Markup:
    """Draw what happened over what was forecast, cutoff by cutoff."""
    if not kept:
        return Markup("")
    at = [float(k) for k in range(len(kept))]
    high = min(max(*(k.high for k in kept), 1.3), 3.0)
    low = max(min(*(k.low for k in kept), 0.7), 0.0)
    marks: list[Line | Point] = [
        Line([-0.5, len(kept) - 0.5], [1, 1], "reference", "as forecast"),
        *(
            Point(x, k.ratio, k.words, (max(k.low, low), min(k.high, high)))
            for x, k in zip(at, kept, strict=True)
        ),
    ]
    panel = Panel(
        box=(76, 14, 900, 220),
        x=Axis(
            -0.5,
            len(kept) - 0.5,
            "cutoff",
            ticks=[(x, f"{k.cutoff:%d %b %Y}") for x, k in zip(at, kept, strict=True)],
            grid=False,
        ),
        y=Axis(low, high, "happened / forecast", write=lambda v: f"{v:.1f}", most=5),
        marks=marks,
    )
    says = "; ".join(k.words for k in kept)
    return Chart((WIDTH, 280), "What came of the forecasts", says, [panel]).to_svg()
