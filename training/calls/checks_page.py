"""The page of what a call is worth: whether past calls can be compared, in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from training.calls.checks import points_of, statements
from training.evaluation.treatment import BALANCED
from training.report.chart import Axis, Bar, Chart, Line, Mark, Panel, Point, Text
from training.report.page import page_template

TITLE = "What is a call worth, and can that be believed?"
WIDTH, LEFT, RIGHT = 760, 300, 700
ROW = 26
"""Height of a row of a chart, in units of the drawing."""
LONGEST = 44
"""Letters of a feature's name on the page; hovering shows all of it."""
INNER, OUTER = (2, 4), (1, 5)
"""Places in `treatment.QUANTILES` of the middle half, and of the middle nine tenths."""
MIDDLE = 3


def render(about: Mapping[str, Any]) -> str:
    """Return the page as text.

    Args:
        about: figures of what past calls taught, from `fit_calls`, and `says`: what it rests on,
            or why there is none, in words.
    """
    is_checked = "balance" in about
    average = about.get("average", {})
    charts = {}
    if is_checked:
        charts = {
            "overlap": overlap_chart(about["overlap"]),
            "balance": balance_chart(about["balance"]["widest"]),
        }
        if any(each["value"] is not None for each in about["placebos"]):
            charts["zero"] = zero_chart(average, about["placebos"])
    return page_template("calls.html.j2").render(
        title=TITLE,
        about=about,
        # What the checks showed is a list of its own.
        says=about["says"].partition("; checks: ")[0],
        checks=statements(about) if is_checked else [],
        charts=charts,
        average=points_of(average) if average.get("value") is not None else "",
    )


def overlap_chart(overlap: Mapping[str, Any]) -> Markup:
    """Draw the chance to get through, of attempts that did and of those that did not.

    Args:
        overlap: quantiles of both, at `QUANTILES`.
    """
    marks: list[Mark] = []
    words = []
    for y, name, arm in ((2.0, "got through", "treated"), (1.0, "did not", "control")):
        values = overlap[arm]
        low, high = (values[k] for k in OUTER)
        first, third = (values[k] for k in INNER)
        hover = f"{name}: {_percent(values[MIDDLE])} in the middle, nine tenths "
        hover += f"between {_percent(low)} and {_percent(high)}"
        marks += [
            Line([low, high], [y, y], "reference"),
            Bar(first, y - 0.22, third - first, 0.44, "band", hover),
            Point(values[MIDDLE], y, hover),
        ]
        words.append(hover)
    top = min(1.0, 1.1 * max(overlap[arm][OUTER[1]] for arm in ("treated", "control")))
    panel = Panel(
        (LEFT, 12, RIGHT, 12 + 4 * ROW),
        Axis(0, top, "chance to get through, as known before the attempt", write=_percent),
        Axis(0.4, 2.6, ticks=[(2.0, "got through"), (1.0, "did not")], grid=False),
        marks,
    )
    return Chart((WIDTH, 4 * ROW + 66), "Overlap", "; ".join(words), [panel]).to_svg()


def balance_chart(widest: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw how far features lie apart between reached and missed, before and after weighting.

    Args:
        widest: the features furthest apart, the furthest first.
    """
    count = len(widest)
    marks: list[Mark] = [
        Line([end, end], [0.4, count + 0.6], "reference", "") for end in (-BALANCED, BALANCED)
    ]
    for place, each in enumerate(widest):
        y = float(count - place)
        before, after = float(each["before"]), float(each["after"])
        hover = f"{each['says']}: {before:+.2f} before, {after:+.2f} after"
        marks += [
            Line([before, after], [y, y], "truth"),
            Point(before, y, hover, colour="warm"),
            Point(after, y, hover),
        ]
    ends = [abs(float(each[when])) for each in widest for when in ("before", "after")]
    span = 1.1 * max(*ends, BALANCED)
    ticks = [(float(count - k), _short(each["says"])) for k, each in enumerate(widest)]
    bottom = 12 + ROW * (count + 1)
    panel = Panel(
        (LEFT, 12, RIGHT, bottom),
        Axis(-span, span, "difference in standard deviations", write=lambda v: f"{v:+.1f}"),
        Axis(0.4, count + 0.6, ticks=ticks, grid=False),
        marks,
    )
    worst = widest[0]
    says = f"{worst['says']}: {worst['before']:+.2f} before weighting, {worst['after']:+.2f} after"
    return Chart((WIDTH, bottom + 54), "Balance", says, [panel]).to_svg()


def zero_chart(average: Mapping[str, Any], placebos: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the gain beside the effects that must be zero, each with its interval.

    Args:
        average: the gain of getting through.
        placebos: the effects that must be zero.
    """
    shown = [("getting through", average), *((each["name"], each) for each in placebos)]
    rows = [(name, each) for name, each in shown if each["value"] is not None]
    count = len(rows)
    marks: list[Mark] = [Line([0, 0], [0.4, count + 0.6], "reference", "")]
    for place, (name, each) in enumerate(rows):
        y = float(count - place)
        marks += [
            Line([each["low"], each["high"]], [y, y], "model"),
            Point(float(each["value"]), y, f"{name}: {points_of(each)}"),
            Text(float(each["high"]), y, f"{100 * each['value']:+.1f}", lift=12.0),
        ]
    ends = [float(each[end]) for _, each in rows for end in ("low", "high")]
    low, high = min(*ends, 0.0), max(*ends, 0.0)
    room = 0.08 * (high - low)
    ticks = [(float(count - k), _short(name)) for k, (name, _) in enumerate(rows)]
    bottom = 12 + 2 * ROW * count
    panel = Panel(
        (LEFT, 12, RIGHT, bottom),
        Axis(low - room, high + room, "percentage points", write=lambda v: f"{100 * v:+.1f}"),
        Axis(0.4, count + 0.6, ticks=ticks, grid=False),
        marks,
    )
    says = "; ".join(f"{name}: {points_of(each)}" for name, each in rows)
    return Chart((WIDTH, bottom + 54), "Effects that must be zero", says, [panel]).to_svg()


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
