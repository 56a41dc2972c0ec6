"""The charts of a backtest report.

Each says in its description what it shows in numbers, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.lead_group import Comparison
from training.evaluation.leads import Evaluation, ReliabilityBin
from training.report.svg import (
    Axes,
    Point,
    bar,
    dot,
    drawing,
    frame,
    line,
    path,
    share_label,
    text,
    ticks,
)

WIDTH = 560
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FoldSpan:
    """When one fold learned, calibrated and was tested; all UTC, ends exclusive.

    Attributes:
        label: the fold's name.
        train: first and last moment of the training cutoffs.
        calibrate: the same for calibration, or None where there was none.
        tests: the test cutoffs.
    """

    label: str
    train: tuple[datetime, datetime]
    calibrate: tuple[datetime, datetime] | None
    tests: tuple[datetime, ...]


def time_split(folds: Sequence[FoldSpan], horizon_days: int) -> Markup:
    """Draw for every fold what it learned from, what it skipped, and what it was tested on."""
    shown = [fold for fold in folds if fold.tests]
    if not shown:
        return Markup()
    start = min(fold.train[0] for fold in shown)
    end = max(fold.tests[-1] for fold in shown) + timedelta(days=horizon_days)
    height = 34 * len(shown) + 36
    axes = Axes((0, (end - start) / _DAY), (0, 1), (92, 8, 920, height - 30))
    parts = _months(axes, start, end)
    for row, fold in enumerate(shown):
        parts += _fold(axes, start, fold, 14 + 34 * row)
    says = "; ".join(_fold_words(fold) for fold in shown)
    label = ("What each fold learned from and was tested on", says)
    return drawing((960, height), label, parts)


def _fold(axes: Axes, start: datetime, fold: FoldSpan, y: float) -> list[Markup]:
    def across(moment: datetime) -> float:
        return axes.at(((moment - start) / _DAY, 0))[0]

    spans = [(*fold.train, "train", "learns")]
    if fold.calibrate:
        spans += [(*fold.calibrate, "calibrate", "calibrates")]
    last = fold.tests[-1] + _DAY
    spans += [(fold.tests[0], last, "test", "is tested")]
    parts = [text((84, y + 15), fold.label, "tick end strong")]
    parts += [
        bar((across(a), y), (max(across(b) - across(a), 3), 22), kind, f"{says}: {_dates(a, b)}")
        for a, b, kind, says in spans
    ]
    for (_, before, *_), (after, *_) in pairwise(spans):
        if after > before:
            gap = (across(after) - across(before), 10.0)
            words = f"left out: {_dates(before, after)}"
            parts += [bar((across(before), y + 6), gap, "gap", words)]
    return parts


def _months(axes: Axes, start: datetime, end: datetime) -> list[Markup]:
    months = (end.year - start.year) * 12 + end.month - start.month
    step = next((s for s in (1, 2, 3, 6, 12) if months / s <= 9), 24)  # noqa: PLR2004 - labels fit
    _, top, _, bottom = axes.box
    parts = []
    for k in range(1, months + 1):
        month = start.month - 1 + k
        moment = datetime(start.year + month // 12, month % 12 + 1, 1)
        if (moment.month - 1) % step == 0 or step > 12:  # noqa: PLR2004 - months
            x = axes.at(((moment - start) / _DAY, 0))[0]
            parts += [line((x, top), (x, bottom), "grid")]
            parts += [text((x, bottom + 18), f"{moment:%b %Y}", "tick mid")]
    return parts


def _fold_words(fold: FoldSpan) -> str:
    words = f"{fold.label}: learns {_dates(*fold.train)}"
    if fold.calibrate:
        words += f", calibrates {_dates(*fold.calibrate)}"
    return words + f", is tested {_dates(fold.tests[0], fold.tests[-1])}"


def _dates(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"


def gains(evaluation: Evaluation) -> Markup:
    """Draw the share of conversions found against the share of leads called."""
    curves, share = evaluation.gains, evaluation.settings.capacity
    if MODEL not in curves:
        return Markup()
    axes = Axes((0, 1), (0, 1))
    marks = [0, 0.2, 0.4, 0.6, 0.8, 1]
    parts = [frame(axes, (marks, marks), percent=True)]
    parts += [path([axes.at((0, 0)), axes.at((1, 1))], "chance")]
    names = [name for name in curves if name != MODEL]
    for k, name in enumerate(names):
        parts += [path(_curve(axes, curves[name]), f"rival r{k % 4}")]
    parts += [path(_curve(axes, curves[MODEL]), "model")]
    top, bottom = axes.at((share, 1)), axes.at((share, 0))
    parts += [line(top, bottom, "capacity")]
    found = evaluation.overall.model["capture"]
    parts += whisker(axes, share, found, f"{share_label(share)} called")
    parts += [text((295, 352), "share of the open leads called, best first", "axis mid")]
    scores = evaluation.overall.scores
    words = ", ".join(f"{n} {share_label(scores[n]['capture'].value or 0)}" for n in curves)
    return drawing((WIDTH, 360), ("Conversions found", f"At {share_label(share)}: {words}"), parts)


def _curve(axes: Axes, curve: Sequence[float]) -> list[Point]:
    return [axes.at((k / (len(curve) - 1), value)) for k, value in enumerate(curve)]


def whisker(axes: Axes, x: float, figure: Estimate, says: str) -> list[Markup]:
    """Draw an estimate with its interval, upright."""
    if figure.value is None:
        return []
    parts = []
    if figure.low is not None and figure.high is not None:
        parts += [line(axes.at((x, figure.low)), axes.at((x, figure.high)), "whisker")]
    return [*parts, dot(axes.at((x, figure.value)), "point", f"{says}: {figure.value:.3g}")]


def reliability(bins: Sequence[ReliabilityBin], counts: Sequence[tuple[float, int]]) -> Markup:
    """Draw what happened against what was said, above how often what was said."""
    if not bins:
        return Markup()
    high = 1.06 * max(max(b.mean_forecast, b.rate.high or b.rate.value or 0.0) for b in bins)
    axes = Axes((0, high), (0, high), (56, 14, 534, 262))
    marks = ticks(0, high)
    parts = [frame(axes, (marks, marks), percent=True)]
    parts += [path([axes.at((0, 0)), axes.at((high, high))], "chance")]
    for b in bins:
        words = f"said {share_label(b.mean_forecast)} ({b.n_rows} forecasts), happened"
        parts += whisker(axes, b.mean_forecast, b.rate, words)
    parts += _histogram(
        Axes((0, high), (0, max(n for _, n in counts)), (56, 292, 534, 330)), counts
    )
    parts += [text((295, 352), "what the forecast said", "axis mid")]
    says = "; ".join(
        f"said {share_label(b.mean_forecast)}, happened {share_label(b.rate.value or 0)}"
        for b in bins
    )
    return drawing((WIDTH, 360), ("Said and happened", says), parts)


def _histogram(axes: Axes, counts: Sequence[tuple[float, int]]) -> list[Markup]:
    parts, before = [], 0.0
    for edge, n in counts:
        if before < axes.x[1]:
            (left, top), (right, bottom) = axes.at((before, n)), axes.at((min(edge, axes.x[1]), 0))
            words = f"{n} forecasts of {share_label(before)} to {share_label(edge)}"
            parts += [bar((left + 0.5, top), (right - left - 1, bottom - top), "count", words)]
        before = edge
    return parts


def over_time(cutoffs: Sequence[Comparison], metric: str) -> Markup:
    """Draw the AUC, or what was said and what happened, cutoff by cutoff.

    Args:
        cutoffs: in the order of time, the model alone; withheld ones are passed over.
        metric: `auc`, or `mean_forecast` to set against the rate that came.
    """
    shown = [c for c in cutoffs if c.withheld is None]
    if len(shown) < 2:  # noqa: PLR2004 - one point is no course
        return Markup()
    is_auc = metric == "auc"
    figures = [c.model[metric] if is_auc else c.base_rate for c in shown]
    said = [] if is_auc else [c.model["mean_forecast"].value or 0.0 for c in shown]
    low, high = reach(figures, [0.5] if is_auc else [*said, 0.0])
    days = [float(date.fromisoformat(c.label).toordinal()) for c in shown]
    axes = Axes((days[0], days[-1]), (low, high + 0.03 * (high - low)), (56, 14, 534, 230))
    parts = [frame(axes, ((), ticks(*axes.y, 5)), percent=not is_auc), band(axes, days, figures)]
    if is_auc:
        parts += [line(axes.at((days[0], 0.5)), axes.at((days[-1], 0.5)), "chance")]
    parts += [course(axes, days, said, "rival r0")]
    parts += [course(axes, days, [f.value or 0.0 for f in figures], "model")]
    parts += _day_labels(axes, days)
    name = "AUC by cutoff" if is_auc else "Said and happened by cutoff"
    says = "; ".join(f"{c.label} {f.value:.3g}" for c, f in zip(shown, figures, strict=True))
    return drawing((WIDTH, 258), (name, says), parts)


def course(axes: Axes, days: Sequence[float], values: Sequence[float], kind: str) -> Markup:
    """Draw values as a line along days."""
    return path([axes.at(point) for point in zip(days, values, strict=False)], kind)


def _day_labels(axes: Axes, days: Sequence[float]) -> list[Markup]:
    parts = []
    for part, kind in ((0.0, "start"), (1 / 3, "mid"), (2 / 3, "mid"), (1.0, "end")):
        day = days[0] + part * (days[-1] - days[0])
        words = f"{date.fromordinal(round(day)):%d %b %Y}"
        parts += [text((axes.at((day, 0))[0], 250), words, f"tick {kind}")]
    return parts


def reach(figures: Sequence[Estimate], more: Sequence[float]) -> tuple[float, float]:
    """Give the lowest and the highest value that has to fit, intervals included."""
    ends = [v for f in figures for v in (f.low, f.value, f.high) if v is not None]
    return min([*ends, *more]), max([*ends, *more])


def band(axes: Axes, days: Sequence[float], figures: Sequence[Estimate]) -> Markup:
    """Fill the intervals of estimates along days; those without one are passed over."""
    known = [(d, f) for d, f in zip(days, figures, strict=True) if f.low is not None]
    edge = [axes.at((d, f.high or 0)) for d, f in known]
    edge += [axes.at((d, f.low or 0)) for d, f in reversed(known)]
    return Markup('<polygon points="{}" class="band"/>').format(
        " ".join(f"{x:.1f},{y:.1f}" for x, y in edge)
    )


def interval_mark(figure: Estimate, span: tuple[float, float], reference: float) -> Markup:
    """Draw one estimate with its interval along a row of a table; it stretches with the page.

    Args:
        figure: what to draw.
        span: the values at the left and the right end.
        reference: where a thin upright line stands, such as the figure of all leads.
    """

    def across(value: float) -> str:
        inside = (value - span[0]) / ((span[1] - span[0]) or 1)
        return f"{100 * min(max(inside, 0.0), 1.0):.2f}%"

    parts = [_across("ref", across(reference), across(reference), (2, 22))]
    if figure.low is not None and figure.high is not None:
        parts += [_across("whisker", across(figure.low), across(figure.high), (12, 12))]
    if figure.value is not None:
        parts += [
            Markup('<circle cx="{}" cy="12" r="4" class="point"/>').format(across(figure.value))
        ]
    return Markup('<svg class="mark" aria-hidden="true">{}</svg>').format(Markup("").join(parts))


def _across(kind: str, start: str, end: str, heights: tuple[int, int]) -> Markup:
    return Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="{}"/>').format(
        start, end, *heights, kind
    )


def segment_span(parts: Mapping[str, Sequence[Comparison]]) -> tuple[float, float]:
    """Give the range of AUC that all segments fit in, so that their marks can be compared."""
    figures = [c.model["auc"] for group in parts.values() for c in group if c.withheld is None]
    if not figures:
        return 0.5, 1.0
    low, high = reach(figures, [0.5])
    return low - 0.01, high + 0.01
