"""The charts of a backtest of leads, and those that both kinds of report share.

Each says in its description what it shows in numbers, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.lead_group import LeadGroup
from training.evaluation.leads import Evaluation, ReliabilityBin
from training.report.chart import (
    RIVALS,
    Axis,
    Band,
    Bar,
    Box,
    Chart,
    Line,
    Mark,
    Panel,
    Point,
    Text,
    Tick,
)

WIDTH = 560
NO_CHART = Markup()
ROW = 34
"""Height of a fold in the chart of folds."""
THINNEST = 250
"""No bar of it is thinner than this part of the width: a test may be a single day."""
MOST_MONTHS = 9
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FoldSpan:
    """When one fold was trained, calibrated and tested; all UTC, ends exclusive.

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
    """Draw for every fold what it was trained on, what it skipped, and what it was tested on."""
    tested = [fold for fold in folds if fold.tests]
    if not tested:
        return NO_CHART
    start = min(fold.train[0] for fold in tested)
    end = max(fold.tests[-1] for fold in tested) + timedelta(days=horizon_days)
    rows, days = len(tested), max((end - start) / _DAY, 1.0)
    marks = [
        bar
        for row, fold in enumerate(tested)
        for bar in _fold_bars(fold, start, rows - row, days / THINNEST)
    ]
    panel = Panel(
        box=(92, 8, 920, 8 + ROW * rows),
        x=Axis(0, days, ticks=month_ticks(start, end)),
        y=Axis(
            0.5, rows + 0.5, ticks=[(rows - k, f.label) for k, f in enumerate(tested)], grid=False
        ),
        marks=marks,
    )
    says = "; ".join(_fold_words(fold) for fold in tested)
    size = (960, ROW * rows + 40)
    return Chart(size, "What each fold was trained and tested on", says, [panel]).to_svg()


def _fold_bars(fold: FoldSpan, start: datetime, row: int, thinnest: float) -> Iterator[Bar]:
    def bar(span: tuple[datetime, datetime], colour: str, use: str) -> Bar:
        left, width = (span[0] - start) / _DAY, max((span[1] - span[0]) / _DAY, thinnest)
        return Bar(left, row - 0.32, width, 0.64, colour, f"{use}: {_dates(*span)}")

    test = fold.tests[0], fold.tests[-1] + _DAY
    spans = [fold.train, *([fold.calibrate] if fold.calibrate else []), test]
    for (_, earlier), (later, _) in pairwise(spans):
        if later > earlier:
            left, width = (earlier - start) / _DAY, (later - earlier) / _DAY
            words = f"left out: {_dates(earlier, later)}"
            yield Bar(left, row - 0.15, width, 0.3, "soft", words, outlined=True)
    yield bar(fold.train, "train", "trained on")
    if fold.calibrate:
        yield bar(fold.calibrate, "calibrate", "calibrated on")
    yield bar(test, "main", "tested on")


def month_ticks(start: datetime, end: datetime) -> list[Tick]:
    """Return the first days of months between two moments, in days since the first.

    Months are skipped evenly (quarters, halves, years) until the labels have room.
    """
    months = (end.year - start.year) * 12 + end.month - start.month
    step = next((s for s in (1, 2, 3, 6, 12) if months / s <= MOST_MONTHS), 24)
    first = start.year * 12 + start.month - 1
    counted = (first + k for k in range(1, months + 1) if (first + k) % step == 0)
    moments = [datetime(month // 12, month % 12 + 1, 1) for month in counted]
    return [((moment - start) / _DAY, f"{moment:%b %Y}") for moment in moments]


def _fold_words(fold: FoldSpan) -> str:
    words = f"{fold.label}: trained on {_dates(*fold.train)}"
    if fold.calibrate:
        words += f", calibrated on {_dates(*fold.calibrate)}"
    return words + f", tested on {_dates(fold.tests[0], fold.tests[-1])}"


def _dates(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"


def gains(evaluation: Evaluation) -> Markup:
    """Draw the share of conversions found by the share of leads called."""
    curves, share = evaluation.gains, evaluation.settings.capacity
    if MODEL not in curves:
        return NO_CHART
    scores = evaluation.overall.scores
    captured = {name: scores[name]["capture"].value or 0.0 for name in curves}
    styles = rival_styles(list(curves))
    lines = [Line((0, 1), (0, 1), "reference"), Line((share, share), (0, 1), "capacity")]
    lines += [_curve(curves[name], styles[name]) for name in reversed(list(curves))]
    dot = estimate_point(share, scores[MODEL]["capture"], f"{share_label(share)} called")
    panel = Panel(
        box=(56, 14, 534, 310),
        x=Axis(0, 1, "share of the open leads called, best first", write=share_label),
        y=Axis(0, 1, write=share_label),
        marks=[*lines, *dot],
        key=[
            (styles[name], f"{share_label(round(captured[name], 2))}  {name}")
            for name in sorted(curves, key=lambda name: -captured[name])
        ],
        key_title=f"found by calling {share_label(share)}",
    )
    words = ", ".join(f"{name} {share_label(value)}" for name, value in captured.items())
    says = f"At {share_label(share)}: {words}"
    return Chart((WIDTH, 360), "Conversions found", says, [panel]).to_svg()


def _curve(curve: Sequence[float], style: str) -> Line:
    return Line([k / (len(curve) - 1) for k in range(len(curve))], curve, style)


def rival_styles(names: Sequence[str]) -> dict[str, str]:
    """Return the style of each forecast's line: the model's own, and one for each rival."""
    rivals = [name for name in names if name != MODEL]
    return {MODEL: MODEL} | {name: f"rival {k % RIVALS}" for k, name in enumerate(rivals)}


def reliability(bins: Sequence[ReliabilityBin], counts: Sequence[tuple[float, int]]) -> Markup:
    """Draw what happened against what was forecast, above a histogram of the forecasts."""
    if not bins:
        return NO_CHART
    high = 1.06 * max(max(b.mean_forecast, b.rate.high or b.rate.value or 0.0) for b in bins)
    points = [
        point
        for b in bins
        for point in estimate_point(
            b.mean_forecast,
            b.rate,
            f"forecast {share_label(b.mean_forecast)} ({b.n_rows} forecasts), happened",
        )
    ]
    upper = diagonal_panel((56, 14, 534, 262), high, points, "perfectly calibrated")
    most = max(n for _, n in counts)
    bars = list(_count_bars(counts, high))
    says = "; ".join(
        f"forecast {share_label(b.mean_forecast)}, happened {share_label(b.rate.value or 0)}"
        for b in bins
    )
    lower = Panel((56, 292, 534, 330), Axis(0, high, "forecast"), Axis(0, most), bars)
    return Chart((WIDTH, 360), "Forecast and outcome", says, [upper, lower]).to_svg()


def diagonal_panel(
    box: Box, high: float, points: Sequence[Point], label: str, title: str = ""
) -> Panel:
    """Lay points over the diagonal on which forecasts are right."""
    diagonal = Line((0, high), (0, high), "reference")
    words = Text(high, high, label, "right", lift=10)
    x, y = Axis(0, high, title, write=share_label), Axis(0, high, write=share_label)
    return Panel(box, x, y, [diagonal, *points, words])


def _count_bars(counts: Sequence[tuple[float, int]], high: float) -> Iterator[Bar]:
    start = 0.0
    for end, n in counts:
        if start < high:
            words = f"{n} forecasts of {share_label(start)} to {share_label(end)}"
            width = min(end, high) - start
            yield Bar(start + 0.03 * width, 0, 0.94 * width, n, "open", words)
        start = end


def auc_over_time(cutoffs: Sequence[LeadGroup]) -> Markup:
    """Draw the AUC cutoff by cutoff; withheld ones are passed over."""
    known = [c for c in cutoffs if c.withheld is None]
    days, figures = _days(known), [c.model["auc"] for c in known]
    lines = [
        Line(days, [0.5] * len(days), "reference", "a coin"),
        Line(days, [f.value or 0.0 for f in figures], "model", "model"),
    ]
    return _over_time("AUC by cutoff", known, figures, lines, number_label)


def rates_over_time(cutoffs: Sequence[LeadGroup]) -> Markup:
    """Draw forecast and conversion cutoff by cutoff; withheld ones are passed over."""
    known = [c for c in cutoffs if c.withheld is None]
    days, rates = _days(known), [c.base_rate for c in known]
    forecasts = [c.model["mean_forecast"].value or 0.0 for c in known]
    lines = [
        Line(days, [rate.value or 0.0 for rate in rates], "happened", "converted"),
        Line(days, forecasts, "model", "forecast"),
    ]
    return _over_time("Forecast and conversion by cutoff", known, rates, lines, share_label)


def _days(cutoffs: Sequence[LeadGroup]) -> list[float]:
    return [float(date.fromisoformat(c.label).toordinal()) for c in cutoffs]


def _over_time(
    title: str,
    known: Sequence[LeadGroup],
    figures: Sequence[Estimate],
    lines: Sequence[Line],
    write: Callable[[float], str],
) -> Markup:
    if len(known) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    days = _days(known)
    # Shares start at 0, so that a difference does not look larger than it is.
    base = [0.0] if write is share_label else []
    low, high = value_range(figures, [*base, *(value for line in lines for value in line.y)])
    panel = Panel(
        box=(56, 14, 464, 230),
        x=Axis(days[0], days[-1], ticks=day_ticks(days), grid=False),
        y=Axis(low, high, write=write, most=5),
        marks=[*interval_band(days, figures), *lines],
    )
    says = "; ".join(f"{c.label} {f.value:.3g}" for c, f in zip(known, figures, strict=True))
    return Chart((WIDTH, 262), title, says, [panel]).to_svg()


def estimate_point(x: float, figure: Estimate, words: str) -> list[Point]:
    """Place an estimate with its interval; nothing where it is withheld."""
    if figure.value is None:
        return []
    interval = None if figure.low is None or figure.high is None else (figure.low, figure.high)
    return [Point(x, figure.value, f"{words}: {share_label(figure.value)}", interval)]


def interval_band(x: Sequence[float], figures: Sequence[Estimate]) -> list[Mark]:
    """Fill the intervals of estimates along x; those without one are passed over."""
    ends = [
        (at, f.low, f.high)
        for at, f in zip(x, figures, strict=True)
        if f.low is not None and f.high is not None
    ]
    return [Band(*map(list, zip(*ends, strict=True)))] if ends else []


def value_range(figures: Sequence[Estimate], others: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest value that has to fit, intervals included."""
    ends = [v for f in figures for v in (f.low, f.value, f.high) if v is not None]
    return min([*ends, *others]), max([*ends, *others])


def share_label(value: float) -> str:
    """Write a share as a short percentage.

    >>> share_label(0.075)
    '7.5 %'
    """
    return f"{100 * value:.3g} %"


def number_label(value: float) -> str:
    """Write a number shortly.

    >>> number_label(0.8)
    '0.8'
    """
    return f"{value:.3g}"


def day_ticks(days: Sequence[float]) -> list[Tick]:
    """Label the first and the last day, and two between them."""
    spots = [days[0] + part * (days[-1] - days[0]) / 3 for part in range(4)]
    return [(spot, f"{date.fromordinal(round(spot)):%d %b %Y}") for spot in spots]
