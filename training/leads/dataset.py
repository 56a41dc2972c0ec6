"""What a lead model learns from: examples, mature labels, and a split in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import logit

from features.arrays import Bools, Floats
from features.as_of.working_time import counts_at_end, days_found, time_that_passed
from features.build import Examples, build
from features.definitions.lead import lead_features
from features.definitions.time_ahead import DAYS_AHEAD, days_ahead
from features.feature import FeatureSet
from features.history.quiet_days import DailyCounts
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.checks.suspicion import Suspicion, suspicious_features
from training.cutoffs import taken_over, training_cutoffs
from training.estimators.boosting import TrainingRows
from training.leads.exposure import Exposure
from training.params import TrainingParams
from training.split import Split, split_in_time


@dataclass(frozen=True)
class TrainingSet:
    """What a lead model learns from.

    A lead that is open at many cutoffs has a row at each of them, all with labels of their own:

    | lead | cutoff | converts | y at a horizon of 30 days |
    |------|--------|----------|---------------------------|
    | L1   | Mar 1  | Apr 10   | 0: later than Mar 31      |
    | L1   | Mar 15 | Apr 10   | 1                         |
    | L2   | Mar 15 | never    | 0                         |

    Attributes:
        examples: features of every open lead at every training cutoff.
        y: its label, 0 or 1; all of them are mature.
        split: the parts of the cutoffs in time.
        suspicions: features that the audit suspects of leakage.
        vocabulary: the words of the data that features were declared with.
        horizon_days: how far the labels look ahead.
    """

    examples: Examples
    y: Floats
    split: Split
    suspicions: tuple[Suspicion, ...]
    vocabulary: Vocabulary
    horizon_days: int

    @property
    def base_rate(self) -> float:
        """The share of rows that convert."""
        return smoothed_rate(float(self.y.sum()), len(self.y))

    @property
    def suspected(self) -> frozenset[str]:
        """What a model does without: suspected features, and all that are made of them."""
        names = {s.feature for s in self.suspicions if s.left_out}
        # What is made of a suspected column knows what it knows.
        return self.examples.feature_set.depends_on(names).union(names)

    def part(
        self, cutoffs: Sequence[datetime], columns: Sequence[str], level: float = 0.0
    ) -> TrainingRows:
        """Return the rows of some cutoffs, each with weight 1.

        Args:
            cutoffs: the moments.
            columns: the features that trees may use.
            level: log-odds that trees start from where the working time ahead is the usual one.
        """
        rows = self.rows(cutoffs)
        X = self.examples.X.loc[rows, list(columns)]
        start = level + self.offsets(cutoffs)
        return TrainingRows(X, self.y[rows], np.ones(int(rows.sum())), start)

    def offsets(self, cutoffs: Sequence[datetime]) -> Floats:
        """Return what the working time ahead adds to the log-odds of the rows of some cutoffs."""
        return self.exposure.offsets(self.examples.X[self.rows(cutoffs)])

    def level(self, cutoffs: Sequence[datetime]) -> float:
        """Return the log-odds of a lead of some cutoffs, whichever it is."""
        y = self.y[self.rows(cutoffs)]
        return float(logit(smoothed_rate(float(y.sum()), len(y))))

    @cached_property
    def exposure(self) -> Exposure:
        """What the working time ahead adds to log-odds."""
        return Exposure.usual_in(self.examples.X)

    def rows(self, cutoffs: Sequence[datetime]) -> Bools:
        """Return a mask of the rows of some cutoffs."""
        moments = np.asarray(cutoffs, dtype="datetime64[us]")
        return np.isin(self.examples.keys[CUTOFF].to_numpy(dtype="datetime64[us]"), moments)


def smoothed_rate(converted: float, rows: int) -> float:
    """Return the share that converts, pulled towards one in ten by five imagined rows.

    >>> smoothed_rate(0, 0), smoothed_rate(1, 10)
    (0.1, 0.1)
    """
    return float((converted + 0.5) / (rows + 5))


def build_training_set(
    warehouse: Warehouse, horizon_days: int, features: FeatureParams, params: TrainingParams
) -> TrainingSet:
    """Build everything a lead model may learn from.

    Args:
        warehouse: already cut to the moment of training.
        horizon_days: how far the labels look ahead.
        features: the section of that name.
        params: the section `training`.

    Returns:
        The training set; without a row where history is too short.
    """
    vocabulary = read_vocabulary(warehouse, features)
    left_out = frozenset(params.leads.leave_out)
    declared = lead_features(vocabulary, features).without(left_out)
    cutoffs = training_cutoffs(warehouse, horizon_days, params)
    daily = counts_at_end(warehouse, features)
    if cutoffs:
        examples = build(warehouse, declared, vocabulary, cutoffs, features)
        y = conversion(warehouse, examples.keys, horizon_days)
    else:
        examples, y = _no_examples(declared), np.empty(0)
    if DAYS_AHEAD not in left_out:
        examples = _as_it_came(examples, daily, horizon_days, features)
    suspicions = suspicious_features(examples, y, params.leads.allow_suspicious)
    # A cutoff at which no lead is open, as in a pause of the business, has nothing to learn from.
    peopled = [moment.to_pydatetime() for moment in sorted(examples.keys[CUTOFF].unique())]
    split = split_in_time(peopled, horizon_days, params.split)
    says = (*split.says, *taken_over(warehouse), *days_found(daily, features))
    split = replace(split, says=says)
    return TrainingSet(examples, y, split, suspicions, vocabulary, horizon_days)


def _as_it_came(
    examples: Examples, daily: DailyCounts, horizon_days: int, params: FeatureParams
) -> Examples:
    """Put the working days ahead beside the other features, as they came to pass.

    A holiday that nobody could foresee explains why little was won, as part of the label's story.
    """
    moments = sorted(examples.keys[CUTOFF].unique())
    days = time_that_passed(daily, moments, horizon_days, params)
    passed = examples.keys[CUTOFF].map(pd.Series(days, index=pd.to_datetime(moments)))
    X = examples.X.assign(**{DAYS_AHEAD: passed.to_numpy(np.float64)})
    declared = examples.feature_set.joined([days_ahead(horizon_days, params)])
    return replace(examples, X=X, feature_set=declared)


def _no_examples(declared: FeatureSet) -> Examples:
    keys = pd.DataFrame({"lead_id": [], CUTOFF: [], "owner": []})
    return Examples(keys, pd.DataFrame(columns=declared.names, dtype=np.float64), declared)
