"""The page about a search for better settings: how it went, what mattered, what the test said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from training.report.chart import Axis, Bar, Chart, Line, Panel, Point, Text
from training.report.page import templates
from training.trials import SearchRange, Trial

WIDTH = 1100
SHOWN = 10
"""Settings whose importance is drawn, the greatest first."""
SLICES = 6
"""Settings of which every trial's value is drawn beside its loss."""
ROOM = 0.06
FAR = 2.0
"""Losses further above the best than so many times the present ones' distance are cut off."""


@dataclass(frozen=True)
class Part:
    """A period of the past.

    Attributes:
        name: "fold 1", "test".
        learned_until: nothing at or after this moment was learned from.
        cutoffs: the first and the last that were forecast.
        n_rows: forecasts.
        loss: of the present settings; None where it is not shown.
    """

    name: str
    learned_until: datetime
    cutoffs: tuple[datetime, datetime]
    n_rows: int
    loss: float | None


@dataclass(frozen=True)
class TuningPage:
    """What the page shows.

    Attributes:
        title: the question.
        source: what the data is called.
        name: of the search.
        improves: whether better settings were found.
        headline: the answer in a few words.
        sentences: the answer, in full.
        trials: all of them.
        ranges: where was searched.
        present: the loss of the present settings.
        best: the best trial.
        importance: each setting's share; None with too few trials.
        parts: the folds, and the test.
        figures: of the test: what, present, best, difference, as text.
    """

    title: str
    source: str
    name: str
    improves: bool
    headline: str
    sentences: tuple[str, ...]
    trials: tuple[Trial, ...]
    ranges: tuple[SearchRange, ...]
    present: float
    best: Trial
    importance: Mapping[str, float] | None
    parts: tuple[Part, ...]
    figures: tuple[tuple[str, str, str, str], ...]

    def render(self) -> str:
        """Return the page as text."""
        counts = {
            state: sum(trial.state == state for trial in self.trials)
            for state in ("complete", "pruned", "fail")
        }
        return (
            templates()
            .get_template("tuning.html.j2")
            .render(
                page=self,
                counts=counts,
                history=history_chart(self.trials, self.present),
                importance=importance_chart(self.importance or {}),
                slices=slice_chart(self.trials, self._by_importance(), self.present),
                value=lambda number: f"{number:.4g}",
            )
        )

    def _by_importance(self) -> list[SearchRange]:
        shares = self.importance or {}
        return sorted(self.ranges, key=lambda r: -shares.get(r.name, 0.0))[:SLICES]


def history_chart(trials: Sequence[Trial], present: float) -> Markup:
    """Draw each trial's loss in the order of the search, and the least so far."""
    complete = [(t.number, t.loss) for t in trials if t.loss is not None]
    stopped = [t for t in trials if t.state == "pruned" and t.losses]
    low, high = _span([loss for _, loss in complete], present)
    best, so_far = math.inf, []
    for number, loss in complete:
        best = min(best, loss)
        so_far.append((float(number), best))
    last = float(max((t.number for t in trials), default=1) or 1)
    marks: list[Line | Point] = [
        Line([0.0, last], [present, present], "reference", "present settings"),
        Line([x for x, _ in so_far], [y for _, y in so_far], "model", "best so far"),
        *(
            Point(float(number), min(loss, high), f"trial {number}: {loss:.4f}")
            for number, loss in complete
        ),
        *(
            Point(
                float(t.number),
                high,
                f"trial {t.number}: stopped after {len(t.losses)} of the folds",
                colour="r3",
            )
            for t in stopped
        ),
    ]
    panel = Panel(
        box=(76, 14, 920, 280),
        x=Axis(-0.5, last + 0.5, "trial", write=lambda v: f"{v:g}" if v >= 0 else "", grid=False),
        y=Axis(low, high, "log loss, mean of the folds", write=lambda v: f"{v:.4f}", most=5),
        marks=marks,
    )
    says = "; ".join(f"trial {number}: {loss:.4f}" for number, loss in complete)
    return Chart((WIDTH, 330), "How the search went", says, [panel]).to_svg()


def importance_chart(importance: Mapping[str, float]) -> Markup:
    """Draw each setting's share in what makes good trials good."""
    shown = sorted(importance.items(), key=lambda item: -item[1])[:SHOWN]
    if not shown:
        return Markup("")
    marks: list[Bar | Text] = []
    for k, (name, share) in enumerate(shown):
        y = float(len(shown) - 1 - k)
        marks.append(Bar(0.0, y - 0.32, share, 0.64, "main", f"{name}: {share:.0%}"))
        marks.append(Text(share + 0.01, y, f"{share:.0%}", align="left", colour="ink"))
    names = [(float(len(shown) - 1 - k), name) for k, (name, _) in enumerate(shown)]
    height = 30 * len(shown) + 46
    most = max(share for _, share in shown)
    panel = Panel(
        box=(250, 10, 980, height - 36),
        x=Axis(0.0, 1.1 * most, write=lambda v: f"{v:.0%}", most=5),
        y=Axis(-0.6, len(shown) - 0.4, ticks=names, grid=False),
        marks=marks,
    )
    says = "; ".join(f"{name}: {share:.0%}" for name, share in shown)
    return Chart((WIDTH, height), "What mattered", says, [panel]).to_svg()


def slice_chart(trials: Sequence[Trial], ranges: Sequence[SearchRange], present: float) -> Markup:
    """Draw every complete trial's loss beside the value of a setting, one panel each."""
    complete = [(t, t.loss) for t in trials if t.loss is not None]
    low, high = _span([loss for _, loss in complete], present)
    panels = []
    for k, searched in enumerate(ranges):
        row, column = divmod(k, 3)
        left, top = 76 + 350 * column, 34 + 250 * row

        def place(value: float, searched: SearchRange = searched) -> float:
            return math.log10(value) if searched.is_logarithmic else float(value)

        ends = place(searched.low), place(searched.high)
        slack = ROOM * (ends[1] - ends[0]) or 0.5
        middle = searched.low * (searched.high / searched.low) ** 0.5
        if not searched.is_logarithmic:
            middle = (searched.low + searched.high) / 2
        ticks = [(place(v), f"{v:.3g}") for v in (searched.low, middle, searched.high)]
        marks: list[Line | Point] = [
            Line([place(searched.default)] * 2, [low, high], "reference", ""),
            *(
                Point(
                    place(t.values[searched.name]),
                    min(loss, high),
                    f"trial {t.number}: {t.values[searched.name]:.4g}, {loss:.4f}",
                )
                for t, loss in complete
            ),
        ]
        panels.append(
            Panel(
                box=(left, top, left + 250, top + 170),
                x=Axis(ends[0] - slack, ends[1] + slack, ticks=ticks, grid=False),
                y=Axis(low, high, write=lambda v: f"{v:.4f}", most=3),
                marks=marks,
                title=searched.name,
            )
        )
    height = 250 * (-(-len(panels) // 3)) + 10
    says = "the loss of every trial beside the value of each of the settings that mattered most"
    return Chart((WIDTH, height), "Values and losses", says, panels).to_svg()


def _span(losses: Sequence[float], present: float) -> tuple[float, float]:
    """Return the losses to draw between: the worst trials would flatten all others."""
    low = min([*losses, present])
    near = sorted([*losses, present])
    high = max(present, near[int(0.8 * (len(near) - 1))], present + FAR * (present - low))
    room = ROOM * (high - low) or 0.01 * abs(low) or 0.01
    return low - room, high + room
