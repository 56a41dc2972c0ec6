"""Rolling origin: what a quota model of that time would have forecast at each cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.build import Examples
from features.errors import InputError
from features.ingest.commits import Commits
from features.labels.attainment import attained_parts, attainment, deal_endings
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
from training.quota.coverage import closings_of, likely_amounts
from training.quota.dataset import QuotaTrainingSet, build_quota_training_set
from training.quota.evidence import rep_evidence
from training.quota.fit import fit_quota, forecast_examples
from training.quota.futures import Futures
from training.quota.ranges import read_off
from training.quota.teams import roll_up, with_actual
from training.rolling import Fold, Range, folds_of

RAMP_DAYS = 180
"""A rep hired less than so many days before the period is ramping."""
WEEK_DAYS = 7
QUARTERS = np.array(["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"], dtype=object)


@dataclass(frozen=True)
class QuotaBacktest:
    """The forecasts of a rolling origin, and the models behind them.

    Attributes:
        predictions: every rep with a running quota at every cutoff, beside baselines.
        folds: the models, each with its cutoffs.
        last: the model of the last fold.
        examples: what it forecast: reps at the last fold's cutoffs, and their open deals.
        notes: what people should know of the data, in words.
    """

    predictions: QuotaPredictions
    folds: tuple[Fold, ...]
    last: QuotaBundle
    examples: tuple[Examples, Examples]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """What one fold adds to a backtest."""

    fold: Fold
    frame: pd.DataFrame
    baselines: dict[str, pd.DataFrame]
    rollups: pd.DataFrame
    segments: pd.DataFrame
    bundle: QuotaBundle
    examples: tuple[Examples, Examples]


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
        asked: the cutoffs. Those at which no quota runs are passed over.
        features: the section of that name.
        params: the section `training`.
        progress: told of every fold.
        commits: what people committed to, one more baseline where it is there.

    Raises:
        InputError: the range runs backwards, or no quota runs at any of its cutoffs.
    """
    refit_days = asked.refit_days(params.quota.refit_days, params.quota.most_refits)
    folds = folds_of(asked.cutoffs, refit_days)
    parts = []
    with progress("backtesting quota attainment", len(folds)) as advance:
        for number, cutoffs in enumerate(folds):
            part = _forecast_fold(warehouse, number, cutoffs, features, params, commits)
            parts += [] if part is None else [part]
            advance(1)
    if not parts:
        raise InputError(
            f"no rep has a running quota from {asked.start:%Y-%m-%d} to {asked.end:%Y-%m-%d}: "
            f"{_quotas_run(warehouse)}"
        )
    predictions = _joined(parts, params.quota.target)
    frame = predictions.frame
    notes = [*leak_notes(warehouse, frame), *(f.says for f in currency_findings(warehouse))]
    notes += [*commit_notes(commits, frame), *_idle_notes(asked, frame)]
    return QuotaBacktest(
        predictions=predictions,
        folds=tuple(part.fold for part in parts),
        last=parts[-1].bundle,
        examples=parts[-1].examples,
        notes=tuple(notes),
    )


def _joined(parts: list[_Part], target: float) -> QuotaPredictions:
    """Put the folds' forecasts one below the other."""
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    segments = pd.concat([part.segments for part in parts], ignore_index=True)
    segments = segments.assign(**commit_part(frame))
    return QuotaPredictions(
        frame=frame,
        baselines={
            name: pd.concat([part.baselines[name] for part in parts], ignore_index=True)
            for name in parts[0].baselines
        },
        rollups=pd.concat([part.rollups for part in parts], ignore_index=True),
        # A segment with one part tells nobody apart.
        segments={
            str(n): segments[n].fillna("unknown") for n in segments if len(segments[n].unique()) > 1
        },
        target=target,
    )


def _forecast_fold(
    warehouse: Warehouse,
    number: int,
    cutoffs: tuple[datetime, ...],
    features: FeatureParams,
    params: TrainingParams,
    commits: Commits | None,
) -> _Part | None:
    """Fit at the fold's first cutoff, and forecast all of its cutoffs; None where no quota runs."""
    training_set = build_quota_training_set(warehouse.until(cutoffs[0]), features, params)
    bundle = fit_quota(training_set, features, params)
    reps, deals = forecast_examples(bundle, warehouse, cutoffs)
    if not len(reps):
        return None
    futures = bundle.draw(reps, deals)
    parts = attained_parts(warehouse, reps.keys)
    final = attainment(warehouse, reps.keys, parts)
    frame = forecast_frame(futures, bundle).assign(attainment=final, fold=np.int64(number))
    frame["evidence"] = rep_evidence(bundle.evidence.state, reps.X)["evidence"].to_numpy()
    past, new = _rule_rows(training_set, reps, deals, warehouse, features.owner_prior)
    past = with_commits(past, warehouse, training_set.reps.keys, commits)
    new = with_commits(new, warehouse, reps.keys, commits)
    return _Part(
        fold=Fold(number, cutoffs, dict(bundle.about)),
        frame=with_commits(frame, warehouse, reps.keys, commits),
        baselines=_baselines(training_set, past, new, params),
        rollups=with_actual(roll_up(futures), futures, parts),
        segments=segment_columns(reps),
        bundle=bundle,
        examples=(reps, deals),
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
    """Return a note on the cutoffs at which no quota runs, if there are any."""
    idle = sorted(set(asked.cutoffs) - {c.to_pydatetime() for c in frame[CUTOFF].unique()})
    if not idle:
        return []
    share = f"{len(idle)} of {len(asked.cutoffs)} cutoffs (the first is {idle[0]:%Y-%m-%d})"
    return [f"no rep has a running quota at {share}: they are passed over"]


def forecast_frame(futures: Futures, bundle: QuotaBundle) -> pd.DataFrame:
    """Return everything that is said of reps, read off one distribution each.

    Args:
        futures: of the reps.
        bundle: the model they were drawn by.

    Returns:
        `rep_id, period_start, period_end, cutoff, quota, closed, expected_open, expected_new,
        evidence` (the model's), and the columns of `ranges.read_off`.
    """
    keys = futures.keys[["rep_id", "period_start", "period_end", CUTOFF, "quota"]]
    frame = keys.assign(
        closed=futures.closed,
        expected_open=futures.open.mean(axis=1),
        expected_new=futures.new.mean(axis=1),
        evidence=bundle.evidence.state.value,
    )
    return frame.join(read_off(futures, bundle.target))


def _baselines(
    training_set: QuotaTrainingSet, past: pd.DataFrame, new: pd.DataFrame, params: TrainingParams
) -> dict[str, pd.DataFrame]:
    """Make the simple forecasts, from what had ended when the model was fitted."""
    positive = bool((training_set.won["amount"] >= 0).all())
    past = past.assign(attainment=training_set.attainment)
    return baseline_forecasts(past, new, params.quota.target, positive=positive)


def _rule_rows(
    training_set: QuotaTrainingSet,
    reps: Examples,
    deals: Examples,
    warehouse: Warehouse,
    owner_prior: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what the simple forecasts read, of past rows and of new ones.

    Args:
        training_set: the past.
        reps: the new rows.
        deals: open deals at their cutoffs.
        warehouse: tells which of these had closed by a later one of these cutoffs.
        owner_prior: how strongly own win rates are drawn to the company's.
    """
    earlier = closings_of(training_set.deals, training_set.endings)
    later = closings_of(deals, deal_endings(warehouse, deals.keys))
    closings = pd.concat([earlier, later], ignore_index=True).drop_duplicates(ignore_index=True)
    past, new = (
        _figures(rows).join(likely_amounts(rows, open_deals, known, owner_prior))
        for rows, open_deals, known in (
            (training_set.reps, training_set.deals, earlier),
            (reps, deals, closings),
        )
    )
    return past, new


def _figures(reps: Examples) -> pd.DataFrame:
    """Return figures of reps, the week of the period, and the number of the rep-period."""
    keys = reps.keys
    week = (keys[CUTOFF] - keys["period_start"]).dt.days // WEEK_DAYS
    rep_period = keys.groupby(["rep_id", "period_start"]).ngroup()
    return reps.X[[*RULE_COLUMNS]].assign(week=week, rep_period=rep_period)


def segment_columns(reps: Examples) -> pd.DataFrame:
    """Return the part of the company and of the period each row belongs to, a column a segment."""
    gone = reps.X["share_gone"].to_numpy()
    quarter = QUARTERS[np.clip((gone * 4).astype(int), 0, 3)]
    tenure = reps.X["tenure_at_start_days"].to_numpy()
    settled = np.where(tenure < RAMP_DAYS, "ramping", "settled").astype(object)
    settled[np.isnan(tenure)] = None
    columns = {"quarter of the period": quarter, "tenure": settled}
    columns |= {name: reps.keys[name].to_numpy() for name in ("role", "territory", "team")}
    return pd.DataFrame(columns)
