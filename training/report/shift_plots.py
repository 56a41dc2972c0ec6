"""Charts of effects that have not held: a group's conversion beside all leads', part by part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from training.report.chart import Axis, Chart, Line, Panel, Point
from training.report.plots import NO_CHART, WIDTH, share_label

HEIGHT = 220


@dataclass(frozen=True)
class Unsteady:
    """An effect that has not held from one part of the past to the next.

    Attributes:
        label: the feature in words.
        group: the values of which it shows most, in words.
        says: what changed, in a sentence.
        spans: first and last cutoff of each part, as ISO dates.
        shares: the share of the group that converted, in each part.
        others: the share of all leads that converted, in each part.
    """

    label: str
    group: str
    says: str
    spans: tuple[tuple[str, str], ...]
    shares: tuple[float, ...]
    others: tuple[float, ...]


def shift_chart(item: Unsteady) -> Markup:
    """Draw an effect part by part, each at its place in the order of time."""
    if len(item.spans) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    at = [float(k) for k in range(len(item.spans))]
    names = [f"{first} to {last}" for first, last in item.spans]
    starts = [f"from {date.fromisoformat(first):%b %Y}" for first, _ in item.spans]
    hovers = [
        f"{name}: {share_label(round(share, 3))} of this group, {share_label(round(other, 3))} of "
        "all leads"
        for name, share, other in zip(names, item.shares, item.others, strict=True)
    ]
    panel = Panel(
        box=(56, 14, 464, 184),
        x=Axis(-0.15, at[-1] + 0.15, ticks=list(zip(at, starts, strict=True)), grid=False),
        y=Axis(0, 1.08 * max(*item.shares, *item.others, 0.01), write=share_label, most=4),
        marks=[
            Line(at, item.others, "reference", "all leads"),
            Line(at, item.shares, "model", "this group"),
            *(Point(x, y, words) for x, y, words in zip(at, item.shares, hovers, strict=True)),
        ],
    )
    title = f"{item.label}: {item.group}"
    return Chart((WIDTH, HEIGHT), title, "; ".join(hovers), [panel]).to_svg()
