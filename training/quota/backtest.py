"""Rolling origin for quota attainment: what would have been said of each rep at each cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.build import Examples
from features.errors import InputError
from features.ingest.commits import Commits
from features.labels.attainment import attained_parts, attainment
from features.params import FeatureParams
from features.progress import Progress, silent
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.checks.currencies import currency_findings
from training.checks.quota_leak import leak_notes
from training.evaluation.quota_forecasts import QuotaPredictions
from training.params import TrainingParams
from training.quota.baselines import COLUMNS as RULE_COLUMNS
from training.quota.baselines import baseline_forecasts
from training.quota.bundle import QuotaBundle
from training.quota.commits import commit_notes, commit_part, with_commits
from training.quota.dataset import QuotaTrainingSet, build_quota_training_set
from training.quota.evidence import rep_evidence
from training.quota.fit import fit_quota, forecast
from training.quota.futures import Futures
from training.quota.ranges import said_of
from training.quota.teams import _with_actual, roll_up
from training.rolling import Range, folds_of

RAMP_DAYS = 180
WEEK_DAYS = 7
QUARTERS = np.array(["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"], dtype=object)


@dataclass(frozen=True)
class QuotaFold:
    """One model and the cutoffs it forecast; it saw nothing at or after the first of them."""

    number: int
    cutoffs: tuple[datetime, ...]
    about: dict[str, Any]


@dataclass(frozen=True)
class QuotaBacktest:
    """What a rolling origin gave.

    Attributes:
        predictions: to be judged.
        folds: the models behind them.
        last: the latest of them.
        notes: what people should know of the data, in words.
    """

    predictions: QuotaPredictions
    folds: tuple[QuotaFold, ...]
    last: QuotaBundle
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    fold: QuotaFold
    frame: pd.DataFrame
    baselines: dict[str, pd.DataFrame]
    rollups: pd.DataFrame
    segments: pd.DataFrame
    bundle: QuotaBundle


def backtest_quota(
    warehouse: Warehouse,
    asked: Range,
    features: FeatureParams,
    params: TrainingParams,
    progress: Progress = silent,
    commits: Commits | None = None,
) -> QuotaBacktest:
    """Forecast every rep with a running quota at every cutoff, by models that knew only the past.

    Args:
        warehouse: the whole history.
        asked: the cutoffs.
        features: the section of that name.
        params: the section `training`.
        progress: told of every fold.
        commits: what people committed to, where that was handed over.
    """
    days = (asked.end - asked.start).days + 1
    refit = max(params.quota.refit_days, -(-days // params.quota.most_refits))
    divided = folds_of(asked.cutoffs, refit)
    parts = []
    with progress("backtesting quota attainment", len(divided)) as advance:
        for number, cutoffs in enumerate(divided):
            part = _one_fold(warehouse, number, cutoffs, features, params, commits)
            parts += [] if part is None else [part]
            advance(1)
    if not parts:
        raise InputError(
            f"no rep has a running quota from {asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}: "
            f"{_quotas_run(warehouse)}"
        )
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    names = parts[0].baselines
    segments = pd.concat([part.segments for part in parts], ignore_index=True)
    segments = segments.assign(**commit_part(frame))
    predictions = QuotaPredictions(
        frame=frame,
        baselines={
            name: pd.concat([part.baselines[name] for part in parts], ignore_index=True)
            for name in names
        },
        rollups=pd.concat([part.rollups for part in parts], ignore_index=True),
        segments={
            str(n): segments[n].fillna("unknown") for n in segments if len(segments[n].unique()) > 1
        },
        target=params.quota.target,
    )
    notes = [*leak_notes(warehouse, frame), *(f.says for f in currency_findings(warehouse))]
    notes += [*commit_notes(commits, frame), *_idle_notes(asked, frame)]
    folds = tuple(part.fold for part in parts)
    return QuotaBacktest(predictions, folds, parts[-1].bundle, tuple(notes))


def _one_fold(
    warehouse: Warehouse,
    number: int,
    cutoffs: tuple[datetime, ...],
    features: FeatureParams,
    params: TrainingParams,
    commits: Commits | None,
) -> _Part | None:
    """Forecast one fold; None where nobody has a quota at its cutoffs."""
    lesson = build_quota_training_set(warehouse.until(cutoffs[0]), features, params)
    bundle = fit_quota(lesson, features, params)
    reps, deals = forecast(bundle, warehouse, cutoffs)
    if not len(reps):
        return None
    draws = bundle.draw(reps, deals)
    parts = attained_parts(warehouse, reps.keys)
    final = attainment(warehouse, reps.keys, parts)
    frame = forecast_frame(draws, bundle).assign(attainment=final, fold=np.int64(number))
    frame["evidence"] = rep_evidence(bundle.evidence.state, reps.X)["evidence"].to_numpy()
    rollups = roll_up(draws)
    past = with_commits(_rule_rows(lesson.reps), warehouse, lesson.reps.keys, commits)
    new = with_commits(_rule_rows(reps), warehouse, reps.keys, commits)
    return _Part(
        QuotaFold(number, cutoffs, dict(bundle.about)),
        with_commits(frame, warehouse, reps.keys, commits),
        _baselines(lesson, past, new, params),
        _with_actual(rollups, draws, parts),
        _describe(reps),
        bundle,
    )


def _quotas_run(warehouse: Warehouse) -> str:
    """Say when there are quotas."""
    quotas = warehouse["quotas"]
    ends = warehouse.arrow(
        quotas.aggregate(first=quotas.period_start.min(), last=quotas.period_end.max())
    ).to_pylist()[0]
    if ends["first"] is None:
        return "there are no quotas at all"
    return f"quotas run from {ends['first']:%Y-%m-%d} to {ends['last']:%Y-%m-%d}"


def _idle_notes(asked: Range, frame: pd.DataFrame) -> list[str]:
    """Tell of cutoffs at which nobody has a quota."""
    idle = sorted(set(asked.cutoffs) - {c.to_pydatetime() for c in frame[CUTOFF].unique()})
    if not idle:
        return []
    share = f"{len(idle)} of {len(asked.cutoffs)} cutoffs (the first is {idle[0]:%Y-%m-%d})"
    return [f"no rep has a running quota at {share}: they are passed over"]


def forecast_frame(draws: Futures, bundle: QuotaBundle) -> pd.DataFrame:
    """Read everything that is said of a rep off one distribution.

    Returns:
        `rep_id, period_start, period_end, cutoff, quota, closed, expected_open, expected_new,
        evidence`, and what `said_of` gives.
    """
    keys = draws.keys[["rep_id", "period_start", "period_end", CUTOFF, "quota"]]
    told = keys.assign(
        closed=draws.closed,
        expected_open=draws.open.mean(axis=1),
        expected_new=draws.new.mean(axis=1),
        evidence=bundle.evidence.state,
    )
    return told.join(said_of(draws, bundle.target))


def _baselines(
    lesson: QuotaTrainingSet, past: pd.DataFrame, new: pd.DataFrame, params: TrainingParams
) -> dict[str, pd.DataFrame]:
    """Make the simple forecasts, from what had ended when the model was fitted."""
    positive = bool((lesson.won["amount"] >= 0).all())
    past = past.assign(attainment=lesson.attainment)
    return baseline_forecasts(past, new, params.quota.target, positive=positive)


def _rule_rows(reps: Examples) -> pd.DataFrame:
    keys = reps.keys
    week = (keys[CUTOFF] - keys["period_start"]).dt.days // WEEK_DAYS
    spell = keys.groupby(["rep_id", "period_start"]).ngroup()
    return reps.X[[*RULE_COLUMNS]].assign(week=week, spell=spell)


def _describe(reps: Examples) -> pd.DataFrame:
    """Say of each row which part of the company, and of the period, it belongs to."""
    gone = reps.X["share_gone"].to_numpy()
    quarter = QUARTERS[np.clip((gone * 4).astype(int), 0, 3)]
    tenure = reps.X["tenure_at_start_days"].to_numpy()
    settled = np.where(tenure < RAMP_DAYS, "ramping", "settled").astype(object)
    settled[np.isnan(tenure)] = None
    told = {"quarter of the period": quarter, "tenure": settled}
    told |= {n: reps.keys[n].to_numpy() for n in ("role", "territory", "team")}
    return pd.DataFrame(told)
