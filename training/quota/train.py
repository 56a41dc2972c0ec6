"""The recipe of `train quota`: test on the last ended period, and learn from all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from features.clock import midnight
from features.evidence import EvidenceState
from features.params import FeatureParams
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.checks.currencies import currency_findings
from training.checks.quota_leak import quota_leak_findings
from training.cutoffs import log_note
from training.params import TrainingParams
from training.quota.backtest import QuotaBacktest, backtest_quota
from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet, build_quota_training_set
from training.quota.fallback import beyond_base_rate, fall_back
from training.quota.fit import fit_quota
from training.rolling import Range

TEST_EVERY = 14


@dataclass(frozen=True)
class QuotaTrained:
    """A quota model, and how one made the same way did on the last ended period.

    Attributes:
        bundle: the model, learned from every period that has ended.
        training_set: what it learned from.
        test: forecasts of the last ended period by a model fitted before it; None without one.
        notes: what people should know, in words.
        fallback: what forecasts instead where the test shows little beyond the base rate.
    """

    bundle: QuotaBundle
    training_set: QuotaTrainingSet
    test: QuotaBacktest | None
    notes: tuple[str, ...]
    fallback: QuotaBundle | None = None


def train_quota(
    warehouse: Warehouse,
    features: FeatureParams,
    params: TrainingParams,
    progress: Progress = silent,
) -> QuotaTrained:
    """Train a quota model, and test one that was made the same way one period earlier.

    The model that is kept has seen how the last period ended, so it cannot be tested on it.

    Args:
        warehouse: already cut to the moment of training.
        features: the section of that name.
        params: the section `training`.
        progress: told of every step.
    """
    with progress("learning", 3) as advance:
        training_set = build_quota_training_set(warehouse, features, params)
        advance(1)
        bundle = fit_quota(training_set, features, params)
        advance(1)
        test = _test(warehouse, training_set, features, params)
        advance(1)
    notes, fallback = [bundle.evidence.says], None
    if test is None:
        notes.append("no quota period has ended after another, so nothing could be tested")
    elif bundle.evidence.state != EvidenceState.NONE:
        honesty = beyond_base_rate(training_set, test.predictions, params.evaluation)
        notes.append(honesty.says)
        fallback = fall_back(bundle, honesty.says) if honesty.failed else None
    notes += log_note(warehouse)
    findings = (*quota_leak_findings(warehouse), *currency_findings(warehouse))
    notes += [finding.says for finding in findings]
    return QuotaTrained(bundle, training_set, test, tuple(notes), fallback)


def _test(
    warehouse: Warehouse,
    training_set: QuotaTrainingSet,
    features: FeatureParams,
    params: TrainingParams,
) -> QuotaBacktest | None:
    """Forecast the last ended period, every two weeks, with a model fitted at its beginning."""
    ends = training_set.mature_ends()
    if len(ends) < 2:  # noqa: PLR2004 - one to learn from, one to test on
        return None
    keys = training_set.reps.keys
    last = keys[keys["period_end"] == training_set.last_end(ends)]
    start = midnight(last["cutoff"].min().to_pydatetime())
    end = midnight(last["cutoff"].max().to_pydatetime())
    if not (keys["period_end"] <= start).any():
        return None
    once = params.quota.model_copy(update={"most_refits": 1})
    window = Range(start, max(end - timedelta(days=1), start), TEST_EVERY)
    return backtest_quota(warehouse, window, features, params.model_copy(update={"quota": once}))
