"""The charts of a monitoring page: counts and indices in time with the band of what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from markupsafe import Markup

from training.monitoring.calibration import Calibrated
from training.monitoring.drift import Shift
from training.monitoring.weekly import Weekly
from training.monitoring.windows import Layout
from training.report.chart import Axis, Band, Chart, Line, Mark, Panel, Point, Tick
from training.report.plots import NO_CHART, WIDTH, month_ticks, share_label

SMALL = (380, 190)
SMALL_BOX = (58, 12, 366, 152)
WIDE = (WIDTH, 240)
WIDE_BOX = (58, 14, 440, 200)
MOST_WEEKS = 52
MOST_DATES = 4
_DAY = timedelta(days=1)


def weekly_chart(line: Weekly) -> Markup:
    """Draw a count week by week with the band of what was to be expected of each week."""
    shown = min(len(line.rows), MOST_WEEKS)
    starts = list(reversed(line.starts[:shown]))
    rows, low, high = (values[:shown][::-1] for values in (line.rows, line.low, line.high))
    x = [(start - starts[0]) / _DAY for start in starts]
    # A band may open very wide where the past was short: the chart shows the counts.
    top = 1.15 * max(float(rows.max()), 1.5 * float(np.median(line.expected)), 1.0)
    hover = f"newest week: {rows[-1]:,.0f}, expected {line.expected[0]:,.0f}"
    marks: list[Mark] = [
        Band(x, [min(v, top) for v in low], [min(v, top) for v in high]),
        Line(x, list(rows), "model"),
        Point(x[-1], float(rows[-1]), hover, colour="warm" if line.is_off else "main"),
    ]
    return _small(line.where, hover, starts, Axis(0, top, write=_count, most=4), marks)


def shift_chart(shift: Shift, layout: Layout) -> Markup:
    """Draw how far a column was from its reference, window by window."""
    index = shift.index[::-1]
    ends = [layout.cutoffs[k][-1] for k in range(len(shift.index))][::-1]
    if len(ends) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    x = [(end - ends[0]) / _DAY for end in ends]
    high = shift.by_luck
    if shift.usual is not None:
        high = max(high, float(np.exp(shift.usual.high)))
    top = 1.15 * max(float(index.max()), 0.25)
    hover = f"newest window: {index[-1]:.2f} +- {shift.error:.2f}, usual up to {high:.2f}"
    marks: list[Mark] = [
        Band(x, [0.0] * len(x), [min(high, top)] * len(x)),
        Line(x, list(index), "model"),
        Point(x[-1], float(index[-1]), hover, colour="warm" if shift.is_off else "main"),
    ]
    return _small(shift.says, hover, ends, Axis(0, top, write=_index, most=4), marks)


def calibration_chart(kind: str, calibrated: Calibrated) -> Markup:
    """Draw forecast and outcome by cutoff, outcomes with their intervals."""
    weeks = calibrated.weeks
    if len(weeks) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    first, last = weeks[0].cutoff, weeks[-1].cutoff
    x = [(week.cutoff - first) / _DAY for week in weeks]
    forecast = [week.forecast for week in weeks]
    points = [
        Point(
            at, week.happened.value or 0.0,
            f"{week.cutoff:%Y-%m-%d}: {share_label(week.forecast)} forecast, "
            f"{share_label(week.happened.value or 0.0)} happened, {week.n_rows:,} forecasts",
            (week.happened.low or 0.0, week.happened.high or 0.0), "ink",
        )
        for at, week in zip(x, weeks, strict=True)
    ]  # fmt: skip
    top = 1.1 * max(*forecast, *(week.happened.high or 0.0 for week in weeks))
    panel = Panel(
        box=WIDE_BOX,
        x=Axis(-1, x[-1] + 1, ticks=_dates(first, last), grid=False),
        y=Axis(0, top, write=share_label, most=4),
        marks=[Line(x, forecast, "model", "forecast"), *points],
    )
    return Chart(WIDE, f"{kind}: forecast and outcome by cutoff", calibrated.note, [panel]).to_svg()


def _small(
    title: str,
    says: str,
    moments: Sequence[datetime],
    y: Axis,
    marks: Sequence[Mark],
) -> Markup:
    days = (moments[-1] - moments[0]) / _DAY
    x = Axis(0, max(days, 1), ticks=_dates(moments[0], moments[-1]), grid=False)
    return Chart(SMALL, title, says, [Panel(SMALL_BOX, x, y, marks)]).to_svg()


def _dates(first: datetime, last: datetime) -> list[Tick]:
    """Return a few months between two moments, or the two moments where no month begins."""
    months = month_ticks(first, last)
    if len(months) < 2:  # noqa: PLR2004 - one label does not tell a scale
        return [(0.0, f"{first:%Y-%m-%d}"), ((last - first) / _DAY, f"{last:%Y-%m-%d}")]
    return months[:: -(-len(months) // MOST_DATES)]


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _index(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
