"""Risks as of a moment: each rep's chance, range, what it is made of, and the reasons."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pandas as pd

from features.snapshot import CUTOFF
from features.warehouse import Warehouse
from training.outlook import Draws, chance_to_attain, quantiles, share_within
from training.quota_backtest import roll_up
from training.quota_bundle import QuotaBundle
from training.quota_explain import explain_reps, open_amounts, rep_reasons
from training.quota_model import forecast
from training.rep_evidence import judge_reps

AT_RISK = 0.5
"""A chance to attain below this is called a risk."""


def score_reps(
    warehouse: Warehouse, bundle: QuotaBundle, version: str, as_of: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast every rep whose quota period runs at a moment.

    Args:
        warehouse: the history.
        bundle: the model.
        version: its name in the registry.
        as_of: the cutoff.

    Returns:
        The columns of `rep_scores.parquet` in the contract, with `manager_id`, `has_left`,
        `expected_open`, `expected_new`, `p_in_range` and `evidence_says`, the least likely to
        attain first and who has left last; and the roll-ups of teams.
    """
    reps, deals = forecast(bundle, warehouse, [as_of])
    chances = bundle.chances(reps, deals)
    draws = bundle.draw(reps, deals)
    p = chance_to_attain(draws.attainment(), bundle.target)
    mine = open_amounts(len(reps), chances.rep, chances.amount)
    told = rep_reasons(explain_reps(draws, reps, mine, bundle.target), p)
    frame = _table(draws, bundle, version, p)
    judged = judge_reps(bundle.evidence.state, reps.X)
    for name in ("evidence", "evidence_says"):
        frame[name] = judged[name].to_numpy()
    frame["reasons"] = pd.Series([json.dumps(r, ensure_ascii=False) for r in told], dtype="str")
    order = ["has_left", "p_attain", "rep_id", "period_start", "period_end"]
    ordered = frame.sort_values(order, ignore_index=True)
    rollups = roll_up(draws) if len(reps) else pd.DataFrame()
    return ordered, rollups


def _table(draws: Draws, bundle: QuotaBundle, version: str, p: np.ndarray) -> pd.DataFrame:
    keys = draws.keys
    ratio = draws.attainment()
    ends = quantiles(ratio, bundle.target)
    low, middle, high = ends.T
    return pd.DataFrame(
        {
            "rep_id": keys["rep_id"],
            "period_start": keys["period_start"],
            "period_end": keys["period_end"],
            "as_of": keys[CUTOFF],
            "quota": keys["quota"].astype(np.float64),
            "attained": draws.closed,
            "p_attain": p,
            "attainment_p10": low,
            "attainment_p50": middle,
            "attainment_p90": high,
            "at_risk": p < AT_RISK,
            "evidence": "",
            "reasons": "",
            "model_version": version,
            "manager_id": keys["manager_id"],
            "has_left": keys["has_left"].to_numpy() > 0,
            "expected_open": draws.open.mean(axis=1),
            "expected_new": draws.new.mean(axis=1),
            "p_in_range": share_within(ratio, ends),
        }
    )
