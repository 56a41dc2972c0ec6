"""Leakage audit: features and columns that know too much to be known beforehand.

`suspicious_features` guards every training; `audit` is `pacesetter check`: the columns as they
were delivered, the law of time, canaries, and the health of the rows. Both see only what could be
seen at the moment they are asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from features.build import Examples, build
from features.labels import conversion, last_mature_cutoff
from features.lead import lead_features
from features.params import FeatureParams
from features.snapshot import CUTOFF, grid, midnight
from features.store import NO_EVENTS
from features.vocabulary import read_vocabulary
from features.warehouse import Warehouse
from training.afterwards import afterwards_findings
from training.attributes import attribute_findings
from training.canaries import canary_findings, spaced
from training.currencies import currency_findings
from training.finding import Finding, by_severity
from training.health import health_findings
from training.law import law_findings
from training.params import TrainingParams
from training.quota_leak import quota_leak_findings
from training.separation import FEWEST, sample_of, separation

Floats = npt.NDArray[np.float64]
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


def _is_fixed(values: Floats, starts: npt.NDArray[np.bool_]) -> bool:
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


def audit(warehouse: Warehouse, features: FeatureParams, params: TrainingParams) -> list[Finding]:
    """Check an extract: its columns, its clocks, and that no forecast of it reads the future.

    Args:
        warehouse: cut to the moment of the audit; nothing later is looked at.
        features: the section of that name.
        params: the section `training`.

    Returns:
        What was found, the worst first.
    """
    if warehouse.data_until == NO_EVENTS:
        says = "there is no event in the data, so there is nothing to check"
        return [Finding("leads", None, "no_events", "warning", says)]
    found = list(health_findings(warehouse))
    found += quota_leak_findings(warehouse)
    found += currency_findings(warehouse)
    if "leads" in warehouse.present:
        horizon = params.leads.horizon_days
        words = read_vocabulary(warehouse, features)
        found += attribute_findings(warehouse, horizon, words)
        found += afterwards_findings(warehouse, words)
        if cutoffs := mature_cutoffs(warehouse, horizon):
            declared = lead_features(words, features).without(frozenset(params.leads.leave_out))
            moments = spaced(cutoffs, MOST_CUTOFFS)
            examples = build(warehouse, declared, words, moments, features)
            found += _suspected(warehouse, examples, params)

            def rebuild(extract: Warehouse, cutoff: datetime) -> Examples:
                return build(extract, declared, words, [cutoff], features)

            found += law_findings(warehouse, examples, horizon, rebuild)
            found += canary_findings(warehouse, cutoffs, features, params)
    return by_severity(found)


def mature_cutoffs(warehouse: Warehouse, horizon_days: int) -> list[datetime]:
    """Lay a cutoff on every midnight that has leads before it and a ripe label."""
    leads = warehouse["leads"]
    first = warehouse.arrow(leads.aggregate(first=leads.created_at.min()))["first"].to_pylist()[0]
    if first is None:
        return []
    start = midnight(first) + timedelta(days=1)
    if warehouse.data_until - start < timedelta(days=horizon_days):
        return []
    return grid(start, last_mature_cutoff(horizon_days, warehouse.data_until), 1)


def _suspected(
    warehouse: Warehouse, examples: Examples, params: TrainingParams
) -> Iterator[Finding]:
    """Suspect features as training would."""
    y = conversion(warehouse, examples.keys, params.leads.horizon_days)
    for one in suspicious_features(examples, y, params.leads.allow_suspicious):
        yield Finding("features", one.feature, "too_good", "warning", one.says)
