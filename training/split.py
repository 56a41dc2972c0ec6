"""Splits that follow time: train, then calibrate, then (in a backtest) test, with gaps between.

A part may use a label only if the label was ripe before the next part's first cutoff; so the
last cutoff of a part lies one horizon before the next part begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from training.params import SplitParams


@dataclass(frozen=True)
class Split:
    """Mature cutoffs in time order, divided.

    Attributes:
        train: what the trees of the calibrated model learn from.
        tune: where early stopping looks, later than `train` and a gap; empty when history is
            too short, and then `folds` inside `train` take its place.
        folds: pairs of (earlier, later) parts of `train`, a gap between the two.
        calibrate: later than all of them and a gap.
        says: what was decided, in words.
    """

    train: tuple[datetime, ...]
    tune: tuple[datetime, ...]
    folds: tuple[tuple[tuple[datetime, ...], tuple[datetime, ...]], ...]
    calibrate: tuple[datetime, ...]
    says: tuple[str, ...]


def split_in_time(cutoffs: Sequence[datetime], horizon_days: int, params: SplitParams) -> Split:
    """Divide mature cutoffs in time order.

    Args:
        cutoffs: rising, all mature.
        horizon_days: the gap between any two parts.
        params: the sizes of the parts.

    Returns:
        The split; parts are empty where history does not reach that far.
    """
    if not cutoffs:
        return Split((), (), (), (), ("no label is ripe yet",))
    gap = timedelta(days=horizon_days)
    span = (cutoffs[-1] - cutoffs[0]).days + 1
    share = round(span * params.calibrate_share)
    length = min(max(share, params.calibrate_min_days), params.calibrate_max_days)
    calibrate_from = cutoffs[-1] - timedelta(days=length - 1)
    calibrate = tuple(c for c in cutoffs if c >= calibrate_from)
    before = tuple(c for c in cutoffs if c <= calibrate_from - gap)
    if not before:
        says = f"{span} days of ripe labels leave no room for training, a gap and calibration"
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
        f"{span} days of ripe labels leave no room for a window of its own for early stopping; "
        f"the number of trees comes from {len(folds)} time-ordered folds of the training part"
    )
    return Split(before, (), folds, calibrate, (says,))


def _folds(
    cutoffs: tuple[datetime, ...], gap: timedelta, count: int
) -> tuple[tuple[tuple[datetime, ...], tuple[datetime, ...]], ...]:
    """Earlier and later parts: the later parts are neighbours and end with the last cutoff."""
    span = cutoffs[-1] - cutoffs[0]
    width = (span - gap) / (count + 1)
    if width < timedelta(days=1):
        return ()
    made = []
    for k in range(count):
        start = cutoffs[-1] - width * (count - k)
        later = tuple(c for c in cutoffs if start < c <= start + width)
        earlier = tuple(c for c in cutoffs if c <= start - gap)
        if later and earlier:
            made.append((earlier, later))
    return tuple(made)
