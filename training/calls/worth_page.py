"""The page of `worth`: what the lots have shown, and how the interval has narrowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from training.calls.holdout import Answer, Look, Verdict
from training.calls.lots import CONVERSION, VALUE
from training.calls.worth_words import details, headline, wait_words
from training.report.chart import Axis, Band, Chart, Line, Mark, Panel, Point, Tick
from training.report.page import page_template
from training.report.plots import NO_CHART, month_ticks

TITLE = "Does the call list help?"
SIZE, BOX = (760, 280), (76, 16, 690, 236)
ROOM = 1.1
"""The axis reaches a little beyond the interval as it is now."""
OPENING = 3.0
"""The first intervals may be very wide: the axis ends at so many times the newest one."""
MOST_DATES = 6
MOST_ROWS = 14
"""Rows of the table of looks."""
TONES = {
    Verdict.HELPS: "good",
    Verdict.HARMS: "warn",
}
_DAY = timedelta(days=1)


def render(answer: Answer, source: str) -> str:
    """Return the page as text.

    Args:
        answer: what the lots have shown.
        source: what the page calls the data.
    """
    looks = {name: told(answer.looks[name]) for name in (CONVERSION, VALUE)}
    return page_template("worth.html.j2").render(
        title=TITLE,
        source=source,
        answer=answer,
        headline=headline(answer),
        tone=TONES.get(answer.verdict, ""),
        details=list(details(answer)),
        waits=[wait_words(answer, wait) for wait in answer.waits],
        conversion=effect_chart("effect on conversion", looks[CONVERSION], _points),
        value=effect_chart("effect on converted value per lead", looks[VALUE], _amount),
        rows=[_row(look) for look in thinned(looks[CONVERSION])],
    )


def told(looks: Sequence[Look]) -> list[Look]:
    """Return the looks from which something was told."""
    return [look for look in looks if look.effect.value is not None]


def thinned(looks: Sequence[Look]) -> list[Look]:
    """Return a few looks from the first to the last, the last among them, the newest first."""
    step = -(-len(looks) // MOST_ROWS) or 1
    return list(looks[::-1][::step])


def effect_chart(title: str, looks: Sequence[Look], write: Callable[[float], str]) -> Markup:
    """Draw an effect day by day with the interval that may be looked at every day.

    Args:
        title: what it is.
        looks: those from which something was told.
        write: writes a value.
    """
    if len(looks) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    first, last = looks[0].day, looks[-1].day
    x = [(look.day - first) / _DAY for look in looks]
    mean, low, high = (
        [float(getattr(look.effect, name)) for look in looks] for name in ("value", "low", "high")
    )
    bottom, top = _span(low, high)
    low, high = ([min(max(v, bottom), top) for v in ends] for ends in (low, high))
    mean = [min(max(v, bottom), top) for v in mean]
    says = f"{last:%Y-%m-%d}: {write(mean[-1])}, between {write(low[-1])} and {write(high[-1])}"
    marks: list[Mark] = [
        Band(x, low, high),
        Line([0, x[-1]], [0.0, 0.0], "reference", "no effect"),
        Line(x, mean, "model"),
        Point(x[-1], mean[-1], says, (low[-1], high[-1])),
    ]
    panel = Panel(
        BOX,
        Axis(0, x[-1], ticks=_dates(first, last), grid=False),
        Axis(bottom, top, write=write, most=5),
        marks,
    )
    return Chart(SIZE, title, says, [panel]).to_svg()


def _span(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: the whole course, but for a first part that is far too wide."""
    width = high[-1] - low[-1]
    middle = (high[-1] + low[-1]) / 2
    bottom = max(min(low), middle - OPENING * width / 2)
    top = min(max(high), middle + OPENING * width / 2)
    return ROOM * min(bottom, 0.0), ROOM * max(top, 0.0)


def _dates(first: datetime, last: datetime) -> list[Tick]:
    months = month_ticks(first, last)
    if len(months) < 2:  # noqa: PLR2004 - one label does not tell a scale
        return [(0.0, f"{first:%Y-%m-%d}"), ((last - first) / _DAY, f"{last:%Y-%m-%d}")]
    return months[:: -(-len(months) // MOST_DATES)]


def _row(look: Look) -> tuple[str, ...]:
    effect = look.effect
    ends = (float(end or 0.0) for end in (effect.value, effect.low, effect.high))
    return (
        f"{look.day:%Y-%m-%d}",
        f"{look.listed:,}",
        f"{look.held_out:,}",
        *(_points(end) for end in ends),
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}" if share else "0"


def _amount(amount: float) -> str:
    return f"{amount:+,.0f}" if amount else "0"
