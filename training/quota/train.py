"""From an extract to a forecast of attainment with a judgement: what `train quota` does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from features.clock import midnight
from features.params import FeatureParams
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.checks.currencies import currency_findings
from training.checks.quota_leak import quota_leak_findings
from training.params import TrainingParams
from training.quota.backtest import QuotaBacktest, backtest_quota
from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet, build_quota_training_set
from training.quota.fit import fit_quota
from training.rolling import Range

TEST_EVERY = 14


@dataclass(frozen=True)
class QuotaTrained:
    """A forecast of attainment, and how one made the same way did on the last ended period.

    Attributes:
        bundle: learned from every period that has ended.
        lesson: what it learned from.
        test: forecasts of the last ended period by a model fitted before it; None without one.
        notes: what people should know, in words.
    """

    bundle: QuotaBundle
    lesson: QuotaTrainingSet
    test: QuotaBacktest | None
    notes: tuple[str, ...]


def train_quota(
    warehouse: Warehouse,
    features: FeatureParams,
    params: TrainingParams,
    progress: Progress = silent,
) -> QuotaTrained:
    """Learn a forecast from an extract that is cut to the moment of training.

    Quality is measured on a forecast made in the same way one period earlier: the one that is kept
    has seen how that period ended.
    """
    with progress("learning", 3) as advance:
        lesson = build_quota_training_set(warehouse, features, params)
        advance(1)
        bundle = fit_quota(lesson, features, params)
        advance(1)
        test = _test(warehouse, lesson, features, params)
        advance(1)
    notes = [bundle.evidence.says]
    if test is None:
        notes.append("no quota period has ended after another, so nothing could be tested")
    findings = (*quota_leak_findings(warehouse), *currency_findings(warehouse))
    notes += [finding.says for finding in findings]
    return QuotaTrained(bundle, lesson, test, tuple(notes))


def _test(
    warehouse: Warehouse, lesson: QuotaTrainingSet, features: FeatureParams, params: TrainingParams
) -> QuotaBacktest | None:
    """Forecast the last ended period with a model fitted at its beginning."""
    ends = lesson.ripe_ends()
    if len(ends) < 2:  # noqa: PLR2004 - one to learn from, one to test on
        return None
    keys = lesson.reps.keys
    last = keys[keys["period_end"] == lesson.last_end(ends)]
    start = midnight(last["cutoff"].min().to_pydatetime())
    end = midnight(last["cutoff"].max().to_pydatetime())
    if not (keys["period_end"] <= start).any():
        return None
    once = params.quota.model_copy(update={"most_refits": 1})
    asked = Range(start, max(end - timedelta(days=1), start), TEST_EVERY)
    return backtest_quota(warehouse, asked, features, params.model_copy(update={"quota": once}))
