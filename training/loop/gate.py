"""May a challenger take the champion's place? A pure function of two evaluations of the same rows.

A challenger is promoted if all of this holds on rows that neither model had learned from:

1. Its log loss is lower beyond luck: the lower end of the interval of the paired gain lies above 0
   (or above minus a stated share of the champion's log loss: `training.gate.margin`).
2. It is not worse beyond luck in any segment with enough rows.
3. Its calibration is not clearly worse. One that ranks better but says 40 % where 20 % convert
   would move every band and every priority.

Resamples draw leads (or reps) whole, the same for both models, so their luck in common cancels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from types import MappingProxyType

from features.arrays import Floats, Ints
from training.evaluation.bootstrap import (
    Counts,
    Estimate,
    percentile_estimate,
    resample,
    standard_error,
)
from training.evaluation.later import CHALLENGER, CHAMPION, Paired
from training.evaluation.lead_forecasts import rows_by_value
from training.evaluation.metrics import log_loss
from training.evaluation.resampled import DECILE, resampled_metrics
from training.loop.verdict import WORDS, Compared, SegmentGain, Verdict, withheld
from training.params import GateParams

FEWEST_UNITS = 10
"""Leads (or reps) with a yes among their outcomes, and with a no, below which nothing is judged."""
MOST_PARTS = 12
"""Parts of a segment that are judged on their own, as in the reports; smaller ones are pooled."""
SHOWN = ("log_loss", "brier", "auc", "ece", "calibration_intercept", "calibration_slope")
PERFECT: Mapping[str, float] = MappingProxyType(
    {"ece": 0.0, "calibration_intercept": 0.0, "calibration_slope": 1.0}
)
"""What a calibrated forecast has. The intercept (calibration in the large) is in log-odds."""
TOLERATED: Mapping[str, float] = MappingProxyType(
    {"ece": 0.005, "calibration_intercept": 0.05, "calibration_slope": 0.05}
)
"""How much farther from perfect is no matter, however surely it is measured: with enough rows any
difference is beyond luck."""


def judge(rows: Paired, params: GateParams) -> Verdict:
    """Decide whether a challenger may take the champion's place.

    With a 90 % interval of the gain in log loss and no margin:

    | gain                   | segments           | calibration     | verdict                     |
    |------------------------|--------------------|-----------------|-----------------------------|
    | 0.020, 0.010 to 0.030  | none clearly worse | not clearly worse | promoted                  |
    | 0.004, -0.002 to 0.010 | any                | any             | refused: may be luck        |
    | 0.020, 0.010 to 0.030  | one clearly worse  | any             | refused: names the segment  |
    | 0.020, 0.010 to 0.030  | none clearly worse | clearly worse   | refused: names the figure   |

    Args:
        rows: both models' forecasts of rows with known outcomes that neither had learned from.
        params: level, margin and minimum rows.
    """
    forecasts = rows.forecasts
    n_rows = len(forecasts.y)
    if (why := _too_few(rows, params)) is not None:
        return withheld(why, n_rows, params)
    counts = resample(int(forecasts.clusters.max()) + 1, params.draws, params.seed)
    drawn = resampled_metrics(forecasts, counts, DECILE)  # what depends on the share is not read
    figures = tuple(_compared(metric, drawn, params.level) for metric in SHOWN)
    champion, challenger = drawn[CHAMPION]["log_loss"], drawn[CHALLENGER]["log_loss"]
    gain = percentile_estimate(champion - challenger, params.level)
    segments = tuple(_segments(rows, counts, params))
    broken = [
        *_not_better(gain, float(champion[0]), params),
        *_worse_segments(segments),
        *_worse_calibration(figures),
    ]
    reasons = broken or [_says_gain(gain, float(champion[0]), params)]
    return Verdict(not broken, tuple(reasons), n_rows, gain, figures, segments, params.level)


def _too_few(rows: Paired, params: GateParams) -> str | None:
    if _is_enough(rows, params):
        return None
    happened, not_happened = rows.n_units
    return (
        f"too little to compare: {len(rows.forecasts.y):,} forecasts with a known outcome, "
        f"{happened:,} {rows.unit} with a yes and {not_happened:,} with a no among them; "
        f"{params.minimum_rows:,} forecasts and {FEWEST_UNITS} {rows.unit} of either are needed"
    )


def _is_enough(rows: Paired, params: GateParams) -> bool:
    """Whether there are enough forecasts, and enough leads or reps with either outcome."""
    return len(rows.forecasts.y) >= params.minimum_rows and min(rows.n_units) >= FEWEST_UNITS


def _compared(metric: str, drawn: Mapping[str, Mapping[str, Floats]], level: float) -> Compared:
    champion, challenger = drawn[CHAMPION][metric], drawn[CHALLENGER][metric]
    centred = metric == "ece"
    return Compared(
        metric,
        percentile_estimate(champion, level, centred=centred),
        percentile_estimate(challenger, level, centred=centred),
        percentile_estimate(challenger - champion, level, centred=centred, signed=True),
    )


def _not_better(gain: Estimate, champion: float, params: GateParams) -> Iterator[str]:
    """Yield why the challenger is not good enough overall: rule 1."""
    if gain.low is None:
        yield "the gain in log loss has no interval: too few resamples have a value"
    elif params.margin and gain.low <= -params.margin * champion:
        yield (
            f"it may be worse than the champion by more than {params.margin:.1%} of its log loss "
            f"({_interval(gain, params.level)})".replace("%", " %", 1)
        )
    elif not params.margin and gain.low <= 0:
        how = "is worse" if gain.high is not None and gain.high < 0 else "may be luck"
        yield f"its gain in log loss {how} ({_interval(gain, params.level)})"


def _says_gain(gain: Estimate, champion: float, params: GateParams) -> str:
    is_better = gain.low is not None and gain.low > 0
    claim = "is better beyond luck" if is_better else "is no worse than the margin allows"
    return (
        f"its log loss {claim} ({_interval(gain, params.level)}; the champion's is "
        f"{champion:.4f}), in no segment is it worse beyond luck, and its calibration is not "
        "clearly worse"
    )


def _segments(rows: Paired, counts: Counts, params: GateParams) -> Iterator[SegmentGain]:
    """Yield the gain in every part of every segment: what rule 2 is about.

    With many parts one looks worse by chance, so each interval leaves out `1 - level` divided by
    their number (Bonferroni). With 25 parts that is the 0.2 % quantile, beyond what a few hundred
    resamples show: its ends come from their standard deviation and the normal distribution
    (Efron & Tibshirani 1993, section 12.4).
    """
    parts = dict(_parts(rows))
    judged = {name for name, at in parts.items() if _is_enough(rows.take(at), params)}
    tail = (1 - params.level) / 2 / max(len(judged), 1)
    z = NormalDist().inv_cdf(1 - tail)
    p, y = rows.forecasts.named, rows.forecasts.y
    saved = log_loss(y, p[CHAMPION]) - log_loss(y, p[CHALLENGER])
    for (segment, part), at in parts.items():
        gain = Estimate(float(saved[at].mean()))
        if (segment, part) in judged:
            error = standard_error(saved[at], rows.forecasts.clusters[at], counts)
            mean = float(saved[at].mean())
            gain = Estimate(mean, mean - z * error, mean + z * error)
        yield SegmentGain(segment, part, len(at), gain)


def _parts(rows: Paired) -> Iterator[tuple[tuple[str, str], Ints]]:
    """Yield the rows of every part; a segment with one part tells nobody apart."""
    for segment, column in rows.segments.items():
        found = rows_by_value(column.astype(object), MOST_PARTS)
        if len(found) > 1:
            yield from (((segment, part), at) for part, at in found.items())


def _worse_segments(segments: tuple[SegmentGain, ...]) -> Iterator[str]:
    """Yield every part in which the challenger is worse beyond luck: rule 2."""
    for item in segments:
        if item.is_worse and item.gain.value is not None:
            yield (
                f"it is worse where {item.segment} is {item.part}: log loss "
                f"{-item.gain.value:.4f} higher over {item.n_rows:,} forecasts, beyond luck for "
                "as many segments"
            )


def _worse_calibration(figures: tuple[Compared, ...]) -> Iterator[str]:
    """Yield every figure by which calibration is clearly worse: rule 3.

    Intercept and slope have a value that is perfect, so each model's own interval tells how far off
    it surely is: the distance of the nearer end, 0 where the interval holds the perfect value. Of
    the calibration slope, with 0.05 tolerated:

    | champion          | challenger        | surely off by | clearly worse                      |
    |-------------------|-------------------|---------------|------------------------------------|
    | 1.4, 0.9 to 1.9   | 0.6, 0.5 to 0.7   | 0, 0.3        | yes                                |
    | 0.6, 0.5 to 0.7   | 0.6, 0.5 to 0.68  | 0.3, 0.32     | no: something changed for both     |
    | 2.8, 0.9 to 4.7   | 1.9, 1.5 to 2.3   | 0, 0.5        | no: less off, to the same side     |

    An ECE is above 0 even for a perfect forecast, about as far for both models: there the interval
    of the difference decides.
    """
    for figure in figures:
        ideal = PERFECT.get(figure.metric)
        if ideal is not None and _excess(figure, ideal) > TOLERATED[figure.metric]:
            yield (
                f"its calibration is clearly worse: {WORDS[figure.metric]} "
                f"{figure.challenger.value:.3f}, the champion's is {figure.champion.value:.3f}, "
                f"{ideal:g} is perfect"
            )


def _excess(figure: Compared, ideal: float) -> float:
    """Return by how much the challenger is surely farther from perfect than the champion."""
    if figure.metric == "ece":
        return figure.difference.low or 0.0
    champion, challenger = (
        (ideal if f.value is None else f.value) - ideal
        for f in (figure.champion, figure.challenger)
    )
    if champion * challenger > 0 and abs(champion) >= abs(challenger):
        return 0.0
    return _surely_off(figure.challenger, ideal) - _surely_off(figure.champion, ideal)


def _surely_off(figure: Estimate, ideal: float) -> float:
    """Return how far the nearer end of an interval is from a value; 0 where it is inside."""
    if figure.low is None or figure.high is None:
        return 0.0
    return max(0.0, figure.low - ideal, ideal - figure.high)


def _interval(gain: Estimate, level: float) -> str:
    ends = f"{gain.low:.4f} to {gain.high:.4f}" if gain.low is not None else "unknown"
    return f"{gain.value:.4f}, {level:.0%} interval {ends}".replace("%", " %")
