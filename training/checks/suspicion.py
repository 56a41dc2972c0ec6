"""Features that separate outcomes too well to have been known beforehand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Bools, Floats
from features.build import Examples
from features.snapshot import CUTOFF
from training.checks.column_auc import FEWEST, sample_of, separation

TOO_GOOD = 0.95
"""A single column with an AUC above this is no forecast but an answer (honest lead models reach
0.6 to 0.8 with all their columns together; fields filled in after the fact reach 0.98)."""


MOST = 5_000
"""Rows of each label looked at; the AUC does not depend on how many of each there are."""


MOST_CUTOFFS = 12
"""Cutoffs a check builds features at."""


@dataclass(frozen=True)
class Suspicion:
    """A feature that predicts too well to be known beforehand.

    Attributes:
        feature: its column.
        says: why it is suspected, and what can be done.
        auc: what it reaches alone, 0.5 to 1.
        left_out: not allowed by name, so the model does without it.
    """

    feature: str
    says: str
    auc: float
    left_out: bool


def suspicious_features(
    examples: Examples, y: Floats, allowed: Collection[str]
) -> tuple[Suspicion, ...]:
    """Name the features that alone tell the label almost perfectly.

    Suspected is an AUC whose lower bound lies above `TOO_GOOD`: of the numbers, of the
    categories' rates on other leads, or of being missing. Fewer than 20 leads of either label
    support no suspicion. A column that never changes for a lead is judged by what became of the
    lead in the end as well: one that shows the end of the story tells that it converts, not when.

    Args:
        examples: features at mature cutoffs.
        y: their ripe labels.
        allowed: features that are suspected but kept, since a person vouches for them.
    """
    if len(y) == 0:
        return ()
    leads = examples.keys["lead_id"].to_numpy()
    rows, (first, won) = _thin(y), _fates(examples, y)
    moments, fates = sample_of(y[rows], leads[rows]), sample_of(won, leads[first])
    starts = np.append(True, leads[1:] != leads[:-1])
    categorical, found = set(examples.feature_set.categorical), []
    for name in examples.X.columns:
        values = examples.X[name].to_numpy(np.float64)
        judged = [(moments, values[rows])]
        if _is_fixed(values, starts):
            judged.append((fates, values[first]))
        areas = [
            (separation(some, sample, ordered=name not in categorical), sample)
            for sample, some in judged
            if sample.enough
        ]
        surely = [area for area, sample in areas if sample.low(area) > TOO_GOOD]
        if surely:
            found.append(_suspicion(name, max(surely), left_out=name not in allowed))
    return tuple(found)


def _thin(y: Floats) -> npt.NDArray[np.intp]:
    """Take rows of each label evenly over all of them."""
    kinds = [np.flatnonzero(y == label) for label in (0, 1)]
    return np.sort(np.concatenate([k[:: max(1, -(-len(k) // MOST))] for k in kinds]))


def _fates(examples: Examples, y: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Tell what became of leads: the first row of each, and whether it converted.

    Leads that are open at the last cutoff may still convert, so they are left aside where enough
    others left the list without a conversion.
    """
    rows = examples.keys.assign(row=np.arange(len(y)), won=y).groupby("lead_id", sort=False)
    told = rows.agg(first=("row", "first"), won=("won", "max"), last=(CUTOFF, "max"))
    gone = (told["last"] < examples.keys[CUTOFF].max()) & (told["won"] == 0)
    if gone.sum() >= FEWEST:
        told = told[gone | (told["won"] == 1)]
    return told["first"].to_numpy(np.intp), told["won"].to_numpy(np.float64)


def _is_fixed(values: Floats, starts: Bools) -> bool:
    """Tell whether a column never changes for a lead; rows are ordered by lead."""
    same = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    return bool((same | starts[1:]).all())


def _suspicion(name: str, area: float, *, left_out: bool) -> Suspicion:
    what = (
        "left out; if it is honestly known beforehand, name it in training.leads.allow_suspicious"
        if left_out
        else "used, since training.leads.allow_suspicious names it"
    )
    says = f"{name} alone tells who converts (AUC {area:.3f}), more than can be known: {what}"
    return Suspicion(name, says, round(area, 4), left_out)
