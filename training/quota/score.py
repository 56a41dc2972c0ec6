"""Risks as of a moment: each rep's chance, range, what it is made of, and the reasons."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pandas as pd

from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.evaluation.quota_forecasts import CHANCE, HELD, LIKELY, RANGE
from training.quota.bundle import QuotaBundle
from training.quota.evidence import rep_evidence
from training.quota.explain import explain_reps, open_amounts, rep_reasons
from training.quota.fit import forecast
from training.quota.futures import Futures
from training.quota.ranges import said_of
from training.quota.teams import roll_up

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
        `expected_open`, `expected_new`, `range_low`, `range_high`, `p_in_range` and
        `evidence_says`, the least likely to
        attain first and who has left last; and the roll-ups of teams.
    """
    reps, deals = forecast(bundle, warehouse, [as_of])
    chances = bundle.chances(reps, deals)
    draws = bundle.draw(reps, deals)
    said = said_of(draws, bundle.target)
    mine = open_amounts(len(reps), chances.rep, chances.amount)
    told = rep_reasons(explain_reps(draws, reps, mine, bundle.target), said[CHANCE].to_numpy())
    frame = _table(draws, version, said)
    judged = rep_evidence(bundle.evidence.state, reps.X)
    for name in ("evidence", "evidence_says"):
        frame[name] = judged[name].to_numpy()
    frame["reasons"] = pd.Series([json.dumps(r, ensure_ascii=False) for r in told], dtype="str")
    order = ["has_left", "p_attain", "rep_id", "period_start", "period_end"]
    ordered = frame.sort_values(order, ignore_index=True)
    rollups = roll_up(draws) if len(reps) else pd.DataFrame()
    return ordered, rollups


def _table(draws: Futures, version: str, said: pd.DataFrame) -> pd.DataFrame:
    keys = draws.keys
    return pd.DataFrame(
        {
            "rep_id": keys["rep_id"],
            "period_start": keys["period_start"],
            "period_end": keys["period_end"],
            "as_of": keys[CUTOFF],
            "quota": keys["quota"].astype(np.float64),
            "attained": draws.closed,
            **said[[CHANCE, *RANGE]],
            "at_risk": said[CHANCE] < AT_RISK,
            "evidence": "",
            "reasons": "",
            "model_version": version,
            "manager_id": keys["manager_id"],
            "has_left": keys["has_left"].to_numpy() > 0,
            "expected_open": draws.open.mean(axis=1),
            "expected_new": draws.new.mean(axis=1),
            **said[[*LIKELY, HELD]],
        }
    )
