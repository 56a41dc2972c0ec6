"""Canaries: random outcomes and a random column, sent down the whole path to a forecast.

Nothing in the past predicts a random draw. If features built from an extract with random outcomes
predict them all the same, the path reads the future somewhere. In the same way a random column must
say nothing about the true outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import ibis
import numpy as np
import numpy.typing as npt

from features.arrays import Floats
from features.build import Examples, build
from features.definitions.lead import lead_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.checks.column_auc import FEWEST, roc_auc
from training.checks.finding import Finding
from training.estimators.boosting import TrainingRows, fit_ensemble
from training.params import BoosterParams, TrainingParams
from training.split import split_in_time

Build = Callable[[Warehouse, FeatureSet, Vocabulary, Sequence[datetime], FeatureParams], Examples]
NAME = "pacesetter_canary"
RANDOM_END = "random_end"
MOST_LEADS = 3_000
MOST_CUTOFFS = 6
"""Cutoffs learned from, and cutoffs tested on, at the most."""
ROUNDS = 40
RANDOM_RATE = 0.25
"""The chance of every lead, at any age, to convert at random within a horizon."""
TOLERANCE = 4.0
"""Standard errors around 0.5 that chance may take: it strays further once in 16,000 checks."""


@dataclass(frozen=True)
class Canary:
    """Something random that no forecast may know.

    Attributes:
        failure: what it means if it is predicted better than by chance.
        has_random_outcomes: the outcomes are random and all features are used; otherwise the
            outcomes are true, and the random column is the only feature.
    """

    failure: str
    has_random_outcomes: bool


CANARIES = (
    Canary("a random column predicts the outcome", has_random_outcomes=False),
    Canary("random outcomes are predicted", has_random_outcomes=True),
)


@dataclass(frozen=True)
class Trial:
    """How well something random was predicted on later cutoffs.

    Attributes:
        auc: what was reached.
        error: its standard error if there is nothing to know; infinite with too few leads.
    """

    auc: float
    error: float

    @property
    def passes(self) -> bool:
        """Whether the AUC lies within what chance does."""
        return not abs(self.auc - 0.5) > TOLERANCE * self.error


def canary_findings(
    warehouse: Warehouse,
    cutoffs: Sequence[datetime],
    features: FeatureParams,
    params: TrainingParams,
    path: Build = build,
) -> Iterator[Finding]:
    """Send a random column and random outcomes down the path, and report those it predicts.

    Args:
        warehouse: cut to the moment of the audit.
        cutoffs: mature ones, rising.
        features: the section of that name.
        params: the section `training`.
        path: what builds the features.
    """
    split = split_in_time(cutoffs, params.leads.horizon_days, params.split)
    earlier = spaced(split.train or split.tune, MOST_CUTOFFS)
    later = spaced(split.calibrate, MOST_CUTOFFS)
    if not earlier or not later:
        says = "too little mature history to send canaries through training: " + split.says[0]
        yield Finding("features", None, "canary", "info", says)
        return
    known = (*features.known_at_creation, f"leads.{NAME}")
    features = features.model_copy(update={"known_at_creation": known})
    for canary in CANARIES:
        randomized = _randomized(warehouse, params, canary)
        examples = _examples(randomized, [*earlier, *later], features, path, canary)
        trial = _trial(randomized, examples, later[0], params)
        if not trial.passes:
            says = (
                f"{canary.failure}: AUC {trial.auc:.3f} where chance gives 0.500 ± "
                f"{TOLERANCE * trial.error:.3f}; the path from rows to forecasts reads the "
                "future, so no figure of it can be trusted: please report this"
            )
            yield Finding("features", NAME, "canary", "error", says)


def spaced(cutoffs: Sequence[datetime], most: int) -> list[datetime]:
    """Take so many cutoffs evenly, the first and the last among them.

    >>> spaced([datetime(2024, 1, day) for day in range(1, 8)], 3)[1]
    datetime.datetime(2024, 1, 4, 0, 0)
    """
    places = np.linspace(0, len(cutoffs) - 1, min(most, len(cutoffs)))
    return [cutoffs[int(i)] for i in np.unique(places.astype(int))]


def _randomized(warehouse: Warehouse, params: TrainingParams, canary: Canary) -> Warehouse:
    """Return an extract of some leads with a random column and, if asked, random outcomes.

    A random outcome comes at a constant rate from the lead's first day, so that not even the
    lead's age says anything about it.
    """
    leads = warehouse.ever("leads")
    sample = warehouse.arrow(leads.select("lead_id", "created_at")).sort_by("lead_id")
    rng = np.random.default_rng(params.evaluation.seed)
    chosen = np.sort(rng.permutation(len(sample))[:MOST_LEADS])
    sample = sample.take(chosen)
    mean = -params.leads.horizon_days * 86_400e6 / np.log(1 - RANDOM_RATE)
    waits = rng.exponential(mean, len(sample)).astype("timedelta64[us]")
    ends = sample["created_at"].to_numpy().astype("datetime64[us]") + waits
    ends[ends >= np.datetime64(warehouse.data_until, "us")] = np.datetime64("NaT")
    columns = {
        "lead_id": sample["lead_id"].to_pylist(),
        RANDOM_END: ends.tolist(),
        NAME: rng.random(len(sample)).tolist(),
    }
    schema = {"lead_id": "string", RANDOM_END: "timestamp(6)", NAME: "float64"}
    joined = leads.inner_join(ibis.memtable(columns, schema=schema), "lead_id")
    if canary.has_random_outcomes:
        joined = joined.mutate(converted_at=joined[RANDOM_END], lost_at=ibis.null("timestamp(6)"))
    tables = {**warehouse.tables, "leads": joined.drop(RANDOM_END)}
    return replace(warehouse, tables=MappingProxyType(tables))


def _examples(
    warehouse: Warehouse,
    cutoffs: Sequence[datetime],
    features: FeatureParams,
    path: Build,
    canary: Canary,
) -> Examples:
    vocabulary = read_vocabulary(warehouse, features)
    declared = lead_features(vocabulary, features)
    if not canary.has_random_outcomes:
        declared = declared.without(frozenset(declared.names) - {f"leads_{NAME}"})
    return path(warehouse, declared, vocabulary, cutoffs, features)


def _trial(
    warehouse: Warehouse, examples: Examples, later: datetime, params: TrainingParams
) -> Trial:
    """Learn on the earlier cutoffs, forecast the later ones; a gap of one horizon lies between."""
    y = conversion(warehouse, examples.keys, params.leads.horizon_days)
    test = (examples.keys[CUTOFF] >= later).to_numpy()
    part = TrainingRows(examples.X[~test], y[~test], np.ones(int((~test).sum())))
    error = standard_error(examples.keys["lead_id"].to_numpy()[test], y[test])
    if len(set(part.y)) < 2 or not np.isfinite(error):  # noqa: PLR2004 - both outcomes
        return Trial(0.5, np.inf)
    booster: BoosterParams = params.booster.model_copy(update={"bags": 1})
    ensemble = fit_ensemble(part, examples.feature_set.categorical, ROUNDS, booster)
    return Trial(roc_auc(y[test], ensemble.margins(examples.X[test])), error)


def standard_error(leads: npt.NDArray[np.object_], y: Floats) -> float:
    """Return the standard error of an AUC of 0.5 (Mann & Whitney 1947), counting leads, not rows.

    A lead with many rows weighs more. Kish's effective number of leads accounts for that: leads
    with 1, 1 and 2 rows count as (1 + 1 + 2)² / (1² + 1² + 2²) = 2.7 leads.
    """
    sizes = [np.unique(leads[y == label], return_counts=True)[1] for label in (0, 1)]
    if min(len(size) for size in sizes) < FEWEST:
        return float("inf")
    n, m = (size.sum() ** 2 / (size**2).sum() for size in sizes)
    return float(np.sqrt((n + m + 1) / (12 * n * m)))
