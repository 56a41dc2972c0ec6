"""Grades of the forecast of quota attainment: twenty sample companies named beforehand, 31 to 50.

Seeds 1 to 3 and 11 to 30 were looked at while the model was made, so none of them is here. Results
of 31 to 40 had been seen when a rep's luck was made to fall with the time left, so how extreme
chances are is graded on 41 to 50, which were named before they were made. The first three are
graded beside the replayed truth too. Companies and what was forecast of them are kept under
build/grade, so that a run that was broken off goes on where it ended.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from grades import Grade

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaGroup, QuotaSettings
from training.evaluation.quota_truth import TRUTH
from training.evaluation.truth import QUOTAS, read_truth
from training.params import TrainingParams
from training.quota.backtest import backtest_quota
from training.rolling import Range

SEEDS = tuple(range(31, 41))
WITH_TRUTH = SEEDS[:3]
FRESH = tuple(range(41, 51))
"""Companies on which it is graded how extreme chances are."""
KEPT = Path(__file__).parents[2] / "build" / "grade"
WALKED = Range(datetime(2025, 7, 7), datetime(2026, 6, 29), 7)
"""Mondays of the last four quarters that have ended."""
RULES = ("linear pacing", "seasonal pacing", "coverage rule", "due deals")
LEAST_LEAD, NEAR_TRUTH = 0.05, 0.02
WANTED_AUC = "0.05 above every rule, or 0.02 of the truth"
LEAST_CLOSED = 0.6
SLOPES = (0.9, 1.1)
"""Calibration slopes of chances that are neither too extreme (below 1) nor too timid."""
COVERS = (0.77, 0.83)
TOUCHES = (0.75, 0.85)
MOST_ERROR = 0.10
MIDDLE = (5, 7)
"""Weeks that count as mid-quarter."""


def quota_attainment() -> list[Grade]:
    """Grade walked-forward forecasts of twenty companies."""
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(forecast, (*FRESH, *SEEDS)))
    made = {seed: read(seed) for seed in SEEDS}
    fresh = {seed: read(seed) for seed in FRESH}
    judged = {seed: judge_beside_truth(seed, made[seed]) for seed in WITH_TRUTH}
    grades = [grade for seed in WITH_TRUTH for grade in beside_truth(seed, judged[seed])]
    return [*grades, together(judged), *pooled(made), *slopes(fresh), *slopes(made, seen=True)]


def make_company(seed: int) -> Path:
    """Make a company and read it in, unless that was done before; give its home."""
    folder = KEPT / f"quota-{seed}"
    company, home, is_made = folder / "company", folder / "home", folder / "made"
    if not is_made.exists():
        company.mkdir(parents=True, exist_ok=True)
        settings = company_settings("demo", seed=seed, lead_cutoffs=0, cause_replays=0)
        life = live(settings, company)
        if seed in WITH_TRUTH:
            write_truth(life, company)
        ingest(str(company), home, FeatureParams(), None, None)
        is_made.touch()
    return home


def forecast(seed: int) -> None:
    """Walk through the last four quarters of a company, and keep what was forecast."""
    folder = KEPT / f"quota-{seed}"
    if (folder / "rollups.parquet").exists():
        return
    warehouse = Warehouse.duckdb(current(make_company(seed)))
    said = backtest_quota(warehouse, WALKED, FeatureParams(), TrainingParams()).predictions
    told = pd.DataFrame({f"segment:{n}": c.to_numpy() for n, c in said.segments.items()})
    frame = pd.concat([said.frame.reset_index(drop=True), told], axis=1)
    frame.to_parquet(folder / "forecasts.parquet")
    for name, rule in said.baselines.items():
        rule.to_parquet(folder / f"rule-{name}.parquet")
    said.rollups.to_parquet(folder / "rollups.parquet")


def read(seed: int) -> QuotaPredictions:
    """Read what was forecast of one company."""
    folder = KEPT / f"quota-{seed}"
    frame = pd.read_parquet(folder / "forecasts.parquet")
    told = [name for name in map(str, frame.columns) if name.startswith("segment:")]
    rules = sorted(folder.glob("rule-*.parquet"))
    return QuotaPredictions(
        frame=frame.drop(columns=told),
        baselines={p.stem.removeprefix("rule-"): pd.read_parquet(p) for p in rules},
        rollups=pd.read_parquet(folder / "rollups.parquet"),
        segments={name.removeprefix("segment:"): frame[name] for name in told},
    )


def judge_beside_truth(seed: int, said: QuotaPredictions) -> QuotaEvaluation:
    """Judge one company beside its replayed truth."""
    truth = read_truth(KEPT / f"quota-{seed}" / "company", QUOTAS)
    judged = evaluate_quota(said, QuotaSettings(), truth)
    if judged.truth is None:
        raise SystemExit(f"the truth of seed {seed} fits none of the forecasts")
    return judged


def areas(judged: QuotaEvaluation) -> tuple[float, float, float]:
    """Give the AUC in the early weeks: the model's, the best rule's and the truth's."""
    early = judged.early
    mine, best = _value(early, MODEL, "auc"), max(_value(early, rule, "auc") for rule in RULES)
    beside = judged.truth.groups if judged.truth else {}
    return mine, best, _value(beside[early.label], TRUTH, "auc")


def is_near(mine: float, best: float, top: float) -> bool:
    """Tell whether an AUC is far enough above the rules, or as near to the truth as is asked."""
    return mine >= best + LEAST_LEAD or mine >= top - NEAR_TRUTH


def together(judged: dict[int, QuotaEvaluation]) -> Grade:
    """Grade the mean AUC of the companies, which hangs less on the draw of a single one."""
    mine, best, top = np.mean([areas(one) for one in judged.values()], axis=0)
    names = ", ".join(map(str, judged))
    return Grade(
        f"companies {names}: mean AUC in weeks 2 to 6",
        f"{mine:.3f}; best rule {best:.3f}, truth {top:.3f}",
        WANTED_AUC,
        is_near(mine, best, top),
    )


def beside_truth(seed: int, judged: QuotaEvaluation) -> list[Grade]:
    """Grade one company beside its replayed truth."""
    name, early = f"company {seed}", judged.early
    mine, best, top = areas(judged)
    closed = judged.truth.closed[early.label].pinball if judged.truth else WITHHELD
    grades = [
        Grade(
            f"{name}: AUC in weeks 2 to 6",
            f"{_said(early.scores[MODEL]['auc'])}; best rule {best:.3f}, truth {top:.3f}",
            WANTED_AUC,
            is_near(mine, best, top),
        ),
        Grade(
            f"{name}: pinball gap closed, weeks 2 to 6",
            _said(closed),
            f">= {LEAST_CLOSED}",
            (closed.value or 0.0) >= LEAST_CLOSED,
        ),
    ]
    return [*grades, *_quarters(name, judged), _flags(name, judged)]


def _quarters(name: str, judged: QuotaEvaluation) -> list[Grade]:
    """No baseline may be better in any quarter of the period beyond its paired interval."""
    lost = [
        f"{rule} by {metric} in the {group.label}"
        for group in judged.quarters
        for rule in group.differences
        for metric in ("auc", "brier", "pinball")
        if group.verdict(rule, metric) == "worse"
    ]
    said = "; ".join(lost) or "none"
    return [Grade(f"{name}: baselines that are better in a quarter", said, "none", not lost)]


def _flags(name: str, judged: QuotaEvaluation) -> Grade:
    five = judged.truth.groups["week 5"] if judged.truth else judged.weeks[5]
    told = [
        f"{who}: precision {_value(five, who, 'precision'):.2f}, "
        f"recall {_value(five, who, 'recall'):.2f}"
        for who in ("model", TRUTH)
        if who in five.scores
    ]
    return Grade(f"{name}: 3 flags of 10 reps in week 5", "; ".join(told), "reported", None)


def as_one(made: dict[int, QuotaPredictions]) -> QuotaPredictions:
    """Put companies one below the other; what is resampled then is a company's quarter."""
    every = list(made.items())
    frame = pd.concat([p.frame.assign(company=str(s)) for s, p in every], ignore_index=True)
    names = every[0][1].baselines
    tenure = pd.concat([pd.Series(p.segments["tenure"]) for _, p in every], ignore_index=True)
    return QuotaPredictions(
        frame=frame,
        baselines={
            n: pd.concat([p.baselines[n] for _, p in every], ignore_index=True) for n in names
        },
        segments={"tenure": tenure},
    )


def slopes(made: dict[int, QuotaPredictions], *, seen: bool = False) -> list[Grade]:
    """Grade how extreme the chances of all companies together are, early and by quarter.

    Args:
        made: what was forecast of each company.
        seen: results of these companies had been seen before, so nothing is wanted of them.
    """
    judged = evaluate_quota(as_one(made), QuotaSettings())
    names = f"companies {min(made)} to {max(made)}" + (", results seen before" if seen else "")
    grades = []
    for group in (judged.early, *judged.quarters):
        own = group.scores[MODEL]
        best = max(RULES, key=lambda rule: _value(group, rule, "auc"))
        slope = own["calibration_slope"]
        is_asked = group is judged.early and not seen
        grades.append(
            Grade(
                f"{names}, {group.label}: calibration slope, {group.n_rows:,} forecasts",
                f"{_said(slope)}; ECE {_said(own['ece'])}, AUC {_said(own['auc'])}, best rule "
                f"({best}) {_value(group, best, 'auc'):.3f}, 80 % ranges cover "
                f"{_said(own['coverage'])}",
                f"{SLOPES[0]} to {SLOPES[1]}" if is_asked else "reported",
                SLOPES[0] <= (slope.value or 0.0) <= SLOPES[1] if is_asked else None,
            )
        )
    return grades


def pooled(made: dict[int, QuotaPredictions]) -> list[Grade]:
    """Grade the ranges of all companies together, clustered by company and quarter."""
    judged = evaluate_quota(as_one(made), QuotaSettings())
    whole = judged.overall.scores[MODEL]["coverage"]
    grades = [
        Grade(
            f"ten companies: 80 % ranges cover, {judged.overall.n_rows:,} forecasts",
            f"{_said(whole)}; should hold {judged.overall.should_hold:.3f}; "
            f"p10 to p90 cover {_said(judged.overall.scores[MODEL]['between'])}",
            f"{COVERS[0]} to {COVERS[1]}",
            COVERS[0] <= (whole.value or 0.0) <= COVERS[1],
        )
    ]
    ways = {"quarter of the period": judged.quarters, **judged.segments}
    for way, groups in ways.items():
        for group in groups:
            covered = group.scores[MODEL]["coverage"]
            low, high = covered.low or 0.0, covered.high or 0.0
            grades.append(
                Grade(
                    f"ten companies, {way}, {group.label}: cover, {group.n_rows:,} forecasts",
                    f"{_said(covered)}; should hold {group.should_hold:.3f}; "
                    f"p10 to p90 cover {_said(group.scores[MODEL]['between'])}",
                    f"interval touches {TOUCHES[0]} to {TOUCHES[1]}",
                    low <= TOUCHES[1] and high >= TOUCHES[0],
                )
            )
    return [*grades, *totals(made)]


def totals(made: dict[int, QuotaPredictions]) -> list[Grade]:
    """Grade the company totals at mid-quarter, and the coverage of their ranges."""
    rows = pd.concat([p.rollups.assign(company=s) for s, p in made.items()], ignore_index=True)
    rows = rows[rows["actual"].notna()]
    week = (rows["cutoff"] - rows["period_start"]).dt.days // 7
    rows = rows[week.between(*MIDDLE)]
    grades = []
    for level in ("company", "manager", "territory"):
        own = rows[rows["level"] == level]
        error = np.abs(own["mean"] / own["actual"].clip(lower=1.0) - 1)
        inside = own["actual"].between(own["p10"], own["p90"]).mean()
        median = float(error.median())
        is_met = median <= MOST_ERROR if level == "company" else None
        grades.append(
            Grade(
                f"ten companies: {level} total at mid-quarter, {len(own):,} forecasts",
                f"median error {median:.1%}; 80 % ranges cover {inside:.2f}",
                "median <= 10 %" if level == "company" else "reported",
                is_met,
            )
        )
    return grades


def _value(group: QuotaGroup, name: str, metric: str) -> float:
    return float(group.scores[name][metric].value or 0.0)


def _said(figure: Estimate) -> str:
    if figure.value is None:
        return "withheld"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
