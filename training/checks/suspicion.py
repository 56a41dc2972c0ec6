"""Features that separate outcomes too well to have been known beforehand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Bools, Floats
from features.build import Examples
from features.snapshot import CUTOFF
from training.checks.column_auc import FEWEST, best_auc, sample_of

TOO_GOOD = 0.95
"""A single column with an AUC above this holds the answer: honest lead models reach 0.6 to 0.8
with all their columns together, fields that are filled in after the fact reach 0.98."""


MOST = 5_000
"""Rows of each label that are looked at; the AUC does not depend on how many of each there are."""


MOST_CUTOFFS = 12
"""Cutoffs that a check builds features at."""


@dataclass(frozen=True)
class Suspicion:
    """A feature that predicts better than anything known beforehand could.

    Attributes:
        feature: its column.
        says: why it is suspected, and what can be done.
        auc: what it reaches alone, 0.5 to 1.
        left_out: nobody vouched for it by name, so the model does without it and without
            everything that is made of it.
    """

    feature: str
    says: str
    auc: float
    left_out: bool


def suspicious_features(
    examples: Examples, y: Floats, allowed: Collection[str]
) -> tuple[Suspicion, ...]:
    """Name the features that alone predict the label almost perfectly.

    A feature is suspected if the lower bound of its AUC lies above `TOO_GOOD`: as a number, by its
    categories' rates on other leads, or by being missing. Fewer than 20 leads of either label
    support no suspicion. A column that never changes for a lead is also judged by the lead's final
    outcome: if it was filled at the end of the story, it knows that the lead converts, not when.

    Args:
        examples: features at mature cutoffs.
        y: their mature labels.
        allowed: features that stay even if they are suspected, since a person vouches for them.
    """
    if len(y) == 0:
        return ()
    leads = examples.keys["lead_id"].to_numpy()
    rows, (first, won) = _thin(y), _outcomes(examples, y)
    at_cutoffs, in_the_end = sample_of(y[rows], leads[rows]), sample_of(won, leads[first])
    starts = np.append(True, leads[1:] != leads[:-1])
    categorical, suspicions = set(examples.feature_set.categorical), []
    for name in examples.X.columns:
        values = examples.X[name].to_numpy(np.float64)
        samples = [(at_cutoffs, values[rows])]
        if _is_fixed(values, starts):
            samples.append((in_the_end, values[first]))
        areas = [
            (best_auc(some, sample, ordered=name not in categorical), sample)
            for sample, some in samples
            if sample.is_enough
        ]
        too_good = [area for area, sample in areas if sample.lower_bound(area) > TOO_GOOD]
        if too_good:
            suspicions.append(_suspicion(name, max(too_good), left_out=name not in allowed))
    return tuple(suspicions)


def _thin(y: Floats) -> npt.NDArray[np.intp]:
    """Take rows of each label, evenly over all of them."""
    of_label = [np.flatnonzero(y == label) for label in (0, 1)]
    return np.sort(np.concatenate([rows[:: max(1, -(-len(rows) // MOST))] for rows in of_label]))


def _outcomes(examples: Examples, y: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return the first row of each lead, and whether the lead converted in the end.

    Leads that are open at the last cutoff may still convert. They are left aside if enough others
    left the list without a conversion.
    """
    rows = examples.keys.assign(row=np.arange(len(y)), won=y).groupby("lead_id", sort=False)
    leads = rows.agg(first=("row", "first"), won=("won", "max"), last=(CUTOFF, "max"))
    lost = (leads["last"] < examples.keys[CUTOFF].max()) & (leads["won"] == 0)
    if lost.sum() >= FEWEST:
        leads = leads[lost | (leads["won"] == 1)]
    return leads["first"].to_numpy(np.intp), leads["won"].to_numpy(np.float64)


def _is_fixed(values: Floats, starts: Bools) -> bool:
    """Whether a column never changes for a lead; rows are ordered by lead."""
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
