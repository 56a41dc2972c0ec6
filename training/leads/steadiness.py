"""Which columns' effects have not held in the past a lead model learns from, and what to do.

Only training rows are read: open leads at cutoffs whose labels are mature.

The newest part of the past decides. If less than half of an effect is left there, a model would
learn an average that no longer is, so it does without the column and all that is made of it. An
effect that is new, or that has come back, stays: nobody can tell a wave that has just begun from a
new rule. Then it is only said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from features.arrays import Bools, Moments
from features.feature import FeatureSet, Unit
from features.snapshot import CUTOFF
from training.estimators.regression import fit_regression
from training.evaluation.steadiness import Column, Past, Shift, find_shifts
from training.leads.dataset import TrainingSet

UNSTEADY = "unsteady"
"""Where a model's facts hold the shifts."""
MOST_PARTS = 4
HORIZONS = 2
"""A part of the past is at least so many horizons long: few leads have one outcome in two parts."""
MOST_ROWS = 20_000
"""Beyond that, cutoffs further apart are looked at: a lead's rows tell nearly the same."""
LEAST_CUTOFFS = 12
"""Rather than fewer of them, fewer leads are looked at."""
MOST_SAID = 5
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Shifts:
    """Effects that have not held.

    Attributes:
        shifts: those of columns made of others last, and each the clearest first.
        features: the declarations of the columns.
        spans: the first and the last cutoff of each part of the past.
    """

    shifts: tuple[Shift, ...]
    features: FeatureSet
    spans: tuple[tuple[str, str], ...] = ()

    @property
    def left_out(self) -> frozenset[str]:
        """What a model does without: columns whose effect is gone, and all made of them."""
        gone = {shift.column for shift in self.shifts if shift.is_gone}
        return self.features.depends_on(gone).union(gone)

    def to_json(self) -> list[dict[str, Any]]:
        """Return every shift as plain values, with its words."""
        of = {feature.name: feature for feature in self.features}
        return [
            {
                **vars(shift),
                "shares": list(shift.shares),
                "others": list(shift.others),
                "spans": [list(span) for span in self.spans],
                "label": of[shift.column].says,
                "topic": of[shift.column].topic,
                "left_out": shift.column in self.left_out,
                "says": self._says(shift, of[shift.column].says),
            }
            for shift in self.shifts
        ]

    def _says(self, shift: Shift, label: str) -> str:
        """Say what changed and when, and what became of the column.

        Other parts' shares are averaged, for all parts are equally long.
        """
        first, last = self.spans[shift.part]
        now = [values[shift.part] for values in (shift.shares, shift.others)]
        other = [
            float(np.mean([*values[: shift.part], *values[shift.part + 1 :]]))
            for values in (shift.shares, shift.others)
        ]
        became = (
            "less than half of its mean effect is left in the newest months, so the model was "
            "taught without it"
            if shift.column in self.left_out
            else "at least half of its mean effect shows in the newest months, so the model uses it"
        )
        here, all_here, usual, all_usual = (
            f"{share:.1%}".replace("%", " %") for share in (*now, *other)
        )
        return (
            f"{label}: where it is {shift.group}, {here} converted as of {first} to {last} and "
            f"{usual} at other times (of all leads {all_here} and {all_usual}); {became}"
        )


def find_lead_shifts(training_set: TrainingSet, columns: Sequence[str]) -> Shifts:
    """Judge the columns of a lead model.

    They are judged given each other: beside a regression of all of them whose effects are the same
    at all times. What is the same for every lead of a cutoff tells the date, and is not judged.

    Args:
        training_set: what the model learns from.
        columns: what it would use.

    Returns:
        The effects that have not held; none where the past is shorter than two parts.
    """
    declared = training_set.examples.feature_set
    kept = {f.name for f in declared if not f.is_common}.intersection(columns)
    names = [name for name in columns if name in kept]
    rows = _sample(training_set.examples.keys)
    y, keys = training_set.y[rows], training_set.examples.keys[rows]
    moments = keys[CUTOFF].to_numpy(dtype="datetime64[us]")
    cutoffs = np.unique(moments)
    starts = _starts(cutoffs, training_set.horizon_days)
    if len(starts) < 2 or not names or not 0 < y.sum() < len(y):  # noqa: PLR2004 - before and after
        return Shifts((), declared)
    X = training_set.examples.X.loc[rows, names]
    offset = training_set.exposure.offsets(training_set.examples.X[rows])
    categorical = [name for name in declared.categorical if name in kept]
    regression = fit_regression(X, y, categorical, offset)
    past = Past(
        y,
        np.asarray(expit(regression.margins(X) + offset)),
        np.searchsorted(starts, moments, side="right") - 1,
        pd.factorize(keys["lead_id"], sort=True)[0],
    )
    judged = [
        Column(f.name, X[f.name].to_numpy(np.float64), f.categories, is_share=f.unit is Unit.SHARE)
        for f in declared
        if f.name in kept
    ]
    made = {f.name for f in declared if f.made_of}
    # A value itself says more to people than what is made of it, a rank say.
    shifts = sorted(find_shifts(judged, past), key=lambda shift: shift.column in made)
    return Shifts(tuple(shifts), declared, _spans(cutoffs, starts))


def most_telling(shifts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the clearest shift of each topic, five at most."""
    first: dict[str, Mapping[str, Any]] = {}
    for shift in shifts:
        first.setdefault(shift["topic"], shift)
    return list(first.values())[:MOST_SAID]


def words(shifts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what people should know of shifts, in sentences."""
    said = most_telling(shifts)
    notes = [str(shift["says"]) for shift in said]
    if more := len(shifts) - len(said):
        out = sum(shift["left_out"] for shift in shifts)
        notes.append(
            f"{more} more columns shift with these; of all {len(shifts)}, {out} were left out"
        )
    return notes


def _sample(keys: pd.DataFrame) -> Bools:
    """Return a mask of rows: evenly spaced cutoffs, the newest among them, and few leads.

    | rows    | cutoffs | taken                            |
    |---------|---------|----------------------------------|
    | 20,000  | 200     | all                              |
    | 200,000 | 200     | 20 cutoffs                       |
    | 200,000 | 24      | 12 cutoffs, of every fifth lead  |
    """
    moments = keys[CUTOFF].to_numpy(dtype="datetime64[us]")
    cutoffs = np.unique(moments)
    step = min(_times(len(keys)), max(1, len(cutoffs) // LEAST_CUTOFFS))
    rows = np.isin(moments, cutoffs[::-1][::step])
    number = pd.factorize(keys["lead_id"], sort=True)[0]
    return np.asarray(rows & (number % _times(int(rows.sum())) == 0))


def _times(rows: int) -> int:
    """Return how many times too many rows there are."""
    return max(1, -(-rows // MOST_ROWS))


def _starts(cutoffs: Moments, horizon_days: int) -> Moments:
    """Return the first cutoff of each part of the past; parts have equally many.

    | days of cutoffs | horizon | parts |
    |-----------------|---------|-------|
    | 100             | 30      | 1     |
    | 130             | 30      | 2     |
    | 400             | 30      | 4     |
    """
    if not len(cutoffs):
        return cutoffs
    days = int((cutoffs[-1] - cutoffs[0]) / _DAY)
    parts = min(MOST_PARTS, max(1, days // (HORIZONS * horizon_days)), len(cutoffs))
    return cutoffs[[len(cutoffs) * k // parts for k in range(parts)]]


def _spans(cutoffs: Moments, starts: Moments) -> tuple[tuple[str, str], ...]:
    """Return the first and the last cutoff of each part, as dates."""
    days = cutoffs.astype("datetime64[D]").astype(str)
    bounds = [*np.searchsorted(cutoffs, starts), len(cutoffs)]
    return tuple((str(days[a]), str(days[b - 1])) for a, b in pairwise(bounds))
