"""Canaries: outcomes and columns made of chance, sent down the whole path to a forecast.

Nothing in the past tells a thrown die. If features built from an extract whose outcomes were
thrown tell them all the same, the path reads the future somewhere. A random column must likewise
tell nothing about the true outcomes.
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
from training.checks.column_auc import FEWEST, area_of
from training.checks.finding import Finding
from training.estimators.boosting import TrainingRows, fit_ensemble
from training.params import BoosterParams, TrainingParams
from training.split import split_in_time

Build = Callable[[Warehouse, FeatureSet, Vocabulary, Sequence[datetime], FeatureParams], Examples]
NAME = "pacesetter_canary"
MOST_LEADS = 3_000
MOST_CUTOFFS = 6
"""Cutoffs learned from, and tested on, at the most."""
ROUNDS = 40
THROWN_SHARE = 0.25
"""The chance to convert within a horizon that is thrown for every lead, at any age."""
TOLERANCE = 4.0
"""Standard errors around 0.5 that chance may take: it strays further once in 16,000 checks."""


@dataclass(frozen=True)
class Canary:
    """Something made of chance: outcomes that are thrown, or a column of random numbers.

    Attributes:
        died: what it means if it is told better than chance.
        thrown: the outcomes are thrown; else they are true, and only the column is looked at.
    """

    died: str
    thrown: bool


CANARIES = (
    Canary("a random column told the outcome", thrown=False),
    Canary("thrown outcomes were told beforehand", thrown=True),
)


@dataclass(frozen=True)
class Trial:
    """How well something made of chance was told on later cutoffs.

    Attributes:
        area: the AUC.
        spread: its standard error if there is nothing to tell; infinite with too few leads.
    """

    area: float
    spread: float

    @property
    def sings(self) -> bool:
        """Tell whether it lies within what chance does; if not, the canary is dead."""
        return not abs(self.area - 0.5) > TOLERANCE * self.spread


def canary_findings(
    warehouse: Warehouse,
    cutoffs: Sequence[datetime],
    features: FeatureParams,
    params: TrainingParams,
    path: Build = build,
) -> Iterator[Finding]:
    """Send a random column and thrown outcomes down the path.

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
        says = "too little ripe history to send canaries through training: " + split.says[0]
        yield Finding("features", None, "canary", "info", says)
        return
    moments = [*earlier, *later]
    named = (*features.known_at_creation, f"leads.{NAME}")
    features = features.model_copy(update={"known_at_creation": named})
    for canary in CANARIES:
        sent = _prepared(warehouse, params, canary)
        examples = _built(sent, moments, features, path, canary)
        trial = _trial(sent, examples, later[0], params)
        if not trial.sings:
            says = (
                f"{canary.died}: AUC {trial.area:.3f} where chance gives 0.500 ± "
                f"{TOLERANCE * trial.spread:.3f}; the path from rows to forecasts reads the "
                "future, so no figure of it can be trusted: please report this"
            )
            yield Finding("features", NAME, "canary", "error", says)


def spaced(cutoffs: Sequence[datetime], most: int) -> list[datetime]:
    """Take some cutoffs evenly, the first and the last among them."""
    places = np.linspace(0, len(cutoffs) - 1, min(most, len(cutoffs)))
    return [cutoffs[int(i)] for i in np.unique(places.astype(int))]


def _prepared(warehouse: Warehouse, params: TrainingParams, canary: Canary) -> Warehouse:
    """Give an extract of some leads with a random column and, if asked, thrown outcomes.

    A thrown outcome comes at a constant rate from the lead's first day, so that not even its age
    tells anything about it.
    """
    leads = warehouse["leads"]
    told = warehouse.arrow(leads.select("lead_id", "created_at")).sort_by("lead_id")
    rng = np.random.default_rng(params.evaluation.seed)
    some = np.sort(rng.permutation(len(told))[:MOST_LEADS])
    told = told.take(some)
    mean = -params.leads.horizon_days * 86_400e6 / np.log(1 - THROWN_SHARE)
    waits = rng.exponential(mean, len(told)).astype("timedelta64[us]")
    ends = told["created_at"].to_numpy().astype("datetime64[us]") + waits
    ends[ends >= np.datetime64(warehouse.data_until, "us")] = np.datetime64("NaT")
    made = {
        "lead_id": told["lead_id"].to_pylist(),
        "thrown": ends.tolist(),
        NAME: rng.random(len(told)).tolist(),
    }
    schema = {"lead_id": "string", "thrown": "timestamp(6)", NAME: "float64"}
    joined = leads.inner_join(ibis.memtable(made, schema=schema), "lead_id")
    if canary.thrown:
        joined = joined.mutate(converted_at=joined.thrown, lost_at=ibis.null("timestamp(6)"))
    tables = {**warehouse.tables, "leads": joined.drop("thrown")}
    return replace(warehouse, tables=MappingProxyType(tables))


def _built(
    warehouse: Warehouse,
    cutoffs: Sequence[datetime],
    features: FeatureParams,
    path: Build,
    canary: Canary,
) -> Examples:
    words = read_vocabulary(warehouse, features)
    declared = lead_features(words, features)
    if not canary.thrown:
        declared = declared.without(frozenset(declared.names) - {f"leads_{NAME}"})
    return path(warehouse, declared, words, cutoffs, features)


def _trial(
    warehouse: Warehouse, examples: Examples, later: datetime, params: TrainingParams
) -> Trial:
    """Learn on the earlier cutoffs, forecast the later ones; a gap of one horizon lies between."""
    y = conversion(warehouse, examples.keys, params.leads.horizon_days)
    test = (examples.keys[CUTOFF] >= later).to_numpy()
    part = TrainingRows(examples.X[~test], y[~test], np.ones(int((~test).sum())))
    spread = _spread(examples.keys["lead_id"].to_numpy()[test], y[test])
    if len(set(part.y)) < 2 or not np.isfinite(spread):  # noqa: PLR2004 - both outcomes
        return Trial(0.5, np.inf)
    booster: BoosterParams = params.booster.model_copy(update={"bags": 1})
    ensemble = fit_ensemble(part, examples.feature_set.categorical, ROUNDS, booster)
    return Trial(area_of(y[test], ensemble.margins(examples.X[test])), spread)


def _spread(leads: npt.NDArray[np.object_], y: Floats) -> float:
    """Give the standard error of an AUC of 0.5 (Mann & Whitney 1947), counting leads, not rows.

    A lead with many rows weighs more; Kish's effective number of leads takes that into account.
    """
    sizes = [np.unique(leads[y == label], return_counts=True)[1] for label in (0, 1)]
    if min(len(size) for size in sizes) < FEWEST:
        return float("inf")
    n, m = (size.sum() ** 2 / (size**2).sum() for size in sizes)
    return float(np.sqrt((n + m + 1) / (12 * n * m)))
