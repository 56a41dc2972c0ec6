"""Splits that follow time: train, then calibrate, then (in a backtest) test, with gaps between.

A part may use a label only if the label was mature before the next part's first cutoff. So the last
cutoff of a part lies at least one horizon before the next part begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from training.params import SplitParams

Cutoffs = tuple[datetime, ...]


@dataclass(frozen=True)
class Split:
    """Mature cutoffs, rising, split into parts.

    Attributes:
        train: what the trees of the calibrated model learn from.
        tune: what early stopping looks at, later than `train` by a gap; empty where history is too
            short, and then `folds` inside `train` take its place.
        folds: pairs of (earlier, later) parts of `train`, with a gap between the two.
        calibrate: later than all of them by a gap.
        says: what was decided, in words.
    """

    train: Cutoffs
    tune: Cutoffs
    folds: tuple[tuple[Cutoffs, Cutoffs], ...]
    calibrate: Cutoffs
    says: tuple[str, ...]


def split_in_time(cutoffs: Sequence[datetime], horizon_days: int, params: SplitParams) -> Split:
    """Split mature cutoffs into parts, the newest for calibration.

    The shorter history is, the fewer parts there are. With a cutoff a day, a horizon of 30 days and
    the default sizes, the parts hold these days:

    | days of history | train | tune    | folds           | calibrate |
    |-----------------|-------|---------|-----------------|-----------|
    | 400             | 1-222 | 252-311 | none            | 341-400   |
    | 90              | 1-47  | none    | 3 inside train  | 77-90     |
    | 30              | none  | none    | none            | 17-30     |

    Args:
        cutoffs: rising, all mature.
        horizon_days: the gap between any two parts.
        params: the sizes of the parts.
    """
    if not cutoffs:
        return Split((), (), (), (), ("no label is mature yet",))
    gap = timedelta(days=horizon_days)
    span = (cutoffs[-1] - cutoffs[0]).days + 1
    share = round(span * params.calibrate_share)
    length = min(max(share, params.calibrate_min_days), params.calibrate_max_days)
    calibrate_from = cutoffs[-1] - timedelta(days=length - 1)
    calibrate = tuple(c for c in cutoffs if c >= calibrate_from)
    before = tuple(c for c in cutoffs if c <= calibrate_from - gap)
    if not before:
        says = f"{span} days of mature labels leave no room for training, a gap and calibration"
        return Split((), (), (), calibrate, (says,))
    tune_from = before[-1] - timedelta(days=length - 1)
    train = tuple(c for c in before if c <= tune_from - gap)
    tune = tuple(c for c in before if c >= tune_from)
    trained_days = (train[-1] - train[0]).days + 1 if train else 0
    if trained_days >= 2 * length + horizon_days:
        says = f"trees stop early on {len(tune)} later cutoffs, a gap of {horizon_days} days apart"
        return Split(train, tune, (), calibrate, (says,))
    folds = _folds(before, gap, params.folds)
    says = (
        f"{span} days of mature labels leave no room for a window of its own for early stopping; "
        f"the number of trees comes from {len(folds)} time-ordered folds of the training part"
    )
    return Split(before, (), folds, calibrate, (says,))


def _folds(cutoffs: Cutoffs, gap: timedelta, count: int) -> tuple[tuple[Cutoffs, Cutoffs], ...]:
    """Split into pairs of (earlier, later) parts; the later parts are neighbours up to the end.

    With cutoffs of 100 days, a gap of 20 and three folds, a later part is 20 days long: the later
    parts are days 41-60, 61-80 and 81-100, the earlier ones all that lies a gap before them.
    """
    span = cutoffs[-1] - cutoffs[0]
    width = (span - gap) / (count + 1)
    if width < timedelta(days=1):
        return ()
    pairs = []
    for k in range(count):
        start = cutoffs[-1] - width * (count - k)
        later = tuple(c for c in cutoffs if start < c <= start + width)
        earlier = tuple(c for c in cutoffs if c <= start - gap)
        if later and earlier:
            pairs.append((earlier, later))
    return tuple(pairs)
