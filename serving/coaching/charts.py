"""The charts of a sheet: causes with their intervals, quota to expected attainment, the path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from features.snapshot import within
from serving.coaching.causes import Cause
from serving.coaching.company import Company, Period
from serving.coaching.numbers import amount, whole
from serving.coaching.sheet import Sheet
from training.report.chart import Axis, Bar, Chart, Line, Mark, Panel, Point, Text
from training.report.words import NBSP

WIDTH, ROW, HEAD, FOOT = 640, 44, 14, 44
LABELS = 250
"""Room for the names of causes."""
DAY = timedelta(days=1)
OURS, THEIRS = "open", "main"
MOST_BARS = 5
LONGEST_LABEL = 34


def causes_chart(causes: Sequence[Cause]) -> Chart | None:
    """Draw told causes as bars with their intervals; None where none is told."""
    if not causes:
        return None
    count = len(causes)
    top = 1.08 * max(0.1, *(cause.high for cause in causes))
    marks: list[Mark] = []
    for place, cause in enumerate(causes):
        y = count - 1 - place
        marks += [
            Bar(0, y - 0.2, cause.size, 0.4, THEIRS if cause.theirs else OURS, _hover(cause)),
            Line([cause.low, cause.high], [y, y], "truth"),
        ]
    ticks = [(float(count - 1 - k), _short(c.label)) for k, c in enumerate(causes)]
    panel = Panel(
        box=(LABELS, HEAD, WIDTH - 24, HEAD + ROW * count),
        x=Axis(0, top, title="share of quota", write=whole, most=4),
        y=Axis(-0.6, count - 0.4, ticks=ticks, grid=False),
        marks=marks,
    )
    says = "; ".join(_hover(cause) for cause in causes)
    size = (WIDTH, HEAD + ROW * count + FOOT)
    return Chart(size, "Causes of the gap, with 80 % intervals", says, [panel])


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _hover(cause: Cause) -> str:
    whose = "in the rep's hands" if cause.theirs else "in the company's hands"
    return (
        f"{cause.label}: {whole(cause.size)} ({whole(cause.low)} to {whole(cause.high)}), {whose}"
    )


def waterfall(sheet: Sheet) -> Chart | None:
    """Draw the way from quota down to expected attainment, cause by cause.

    The end is the forecast's middle, or what was closed once the period is over. What the told
    causes do not add up to is "all else"; None without an end or a told cause.
    """
    end = sheet.company.expected_share(sheet.rep_id)
    if end is None or not sheet.told:
        return None
    steps: list[tuple[str, float, bool | None]] = [
        (cause.label, -cause.size, cause.theirs) for cause in sheet.told
    ]
    steps.append(("All else, luck included", end - 1 + sum(c.size for c in sheet.told), None))
    bars = [("Quota", 0.0, 1.0, "soft")]
    labels = [whole(1.0), *(f"{change:+.0%}".replace("%", " %") for _, change, _ in steps)]
    labels.append(whole(end))
    level = 1.0
    for label, change, theirs in steps:
        colour = "train" if theirs is None else THEIRS if theirs else OURS
        bars.append((label, min(level, level + change), abs(change), colour))
        level += change
    bars.append((_end_label(sheet), min(0.0, end), abs(end), "ink"))
    count = len(bars)
    marks: list[Mark] = [
        Bar(left, count - 1 - k - 0.24, width, 0.48, colour, f"{label}: {whole(width)}")
        for k, (label, left, width, colour) in enumerate(bars)
    ]
    marks += [
        Text(left + width, count - 1 - k, f"{NBSP}{NBSP}{said}", align="left")
        for k, ((_, left, width, _), said) in enumerate(zip(bars, labels, strict=True))
    ]
    low = min(0.0, *(left for _, left, _, _ in bars))
    high = max(left + width for _, left, width, _ in bars)
    panel = Panel(
        box=(LABELS, HEAD, WIDTH - 60, HEAD + ROW * count),
        x=Axis(low, high, title="share of quota", write=whole, most=5),
        y=Axis(
            -0.6, count - 0.4, grid=False,
            ticks=[(float(count - 1 - k), _short(bar[0])) for k, bar in enumerate(bars)],
        ),
        marks=marks,
    )  # fmt: skip
    says = "; ".join(f"{label}: {whole(width)}" for label, _, width, _ in bars)
    size = (WIDTH, HEAD + ROW * count + FOOT)
    return Chart(size, "From quota to expected attainment", says, [panel])


def _end_label(sheet: Sheet) -> str:
    is_over = sheet.period is not None and sheet.company.as_of == sheet.period.end
    return "Closed in the period" if is_over else "Expected at the end"


def path_chart(company: Company, rep_id: str, period: Period | None) -> Chart | None:
    """Draw what is closed over the days of the period beside an even pace to quota."""
    if period is None or period.quota <= 0:
        return None
    won = company.record.endings
    won = won[(won["rep_id"] == rep_id) & (won["won"] == 1) & won["amount"].notna()]
    won = won[within(won["at"], period.start, period.end)].sort_values("at")
    days = (period.end - period.start) / DAY
    until = min((company.as_of - period.start) / DAY, days)
    x, y, total = [0.0], [0.0], 0.0
    for moment, value in zip(won["at"], won["amount"], strict=True):
        at = (moment.to_pydatetime() - period.start) / DAY
        x += [at, at]
        y += [total, total + float(value)]
        total += float(value)
    x.append(until)
    y.append(total)
    marks: list[Mark] = [
        Line([0, days], [0, period.quota], "quota", "even pace to quota"),
        Line(x, y, "model"),
        Point(until, total, f"closed so far: {amount(total)}"),
    ]
    panel = Panel(
        box=(70, HEAD, WIDTH - 140, 210),
        x=Axis(0, days, title="days into the period", write=lambda v: f"{v:.0f}", most=6),
        y=Axis(0, 1.08 * max(total, period.quota), write=lambda v: f"{v:,.0f}", most=5),
        marks=marks,
    )
    says = (
        f"{amount(total)} closed after {until:.0f} of {days:.0f} days; quota {amount(period.quota)}"
    )
    return Chart((WIDTH, 260), "What is closed, day by day", says, [panel])
