"""Risks as of a moment: each rep's chance, range, what attainment is made of, and the reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.evaluation.quota_forecasts import CHANCE, HELD, LIKELY, RANGE
from training.quota.bundle import QuotaBundle
from training.quota.evidence import rep_evidence
from training.quota.explain import explain_reps, open_amounts, rep_reasons
from training.quota.fit import forecast_examples
from training.quota.futures import Futures
from training.quota.ranges import read_off
from training.quota.teams import roll_up

AT_RISK = 0.5
"""A chance to attain below this is called a risk."""


@dataclass(frozen=True)
class RepOutlooks:
    """The futures of every rep with a running quota at a moment, and what they rest on.

    Attributes:
        futures: drawn attainment, a row for each rep and period.
        reps: what is known of each.
        open_amount: amount of each one's open deals, as counted in the forecast.
        target: a miss is attainment below this.
    """

    futures: Futures
    reps: Examples
    open_amount: Floats
    target: float

    @classmethod
    def draw(cls, warehouse: Warehouse, bundle: QuotaBundle, as_of: datetime) -> RepOutlooks:
        """Forecast every rep whose quota period runs at a moment.

        Args:
            warehouse: the history.
            bundle: the model.
            as_of: the cutoff.
        """
        reps, deals = forecast_examples(bundle, warehouse, [as_of])
        inputs = bundle.draw_inputs(reps, deals)
        futures = bundle.draw_from(reps, inputs)
        amount = open_amounts(len(reps), inputs.rep, inputs.amount)
        return cls(futures, reps, amount, bundle.target)


def score_reps(
    warehouse: Warehouse, bundle: QuotaBundle, version: str, as_of: datetime
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast every rep whose quota period runs at a moment; see `tables_of`."""
    return tables_of(RepOutlooks.draw(warehouse, bundle, as_of), bundle, version)


def tables_of(
    outlooks: RepOutlooks, bundle: QuotaBundle, version: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put forecasts into the contract's form.

    Args:
        outlooks: of every rep at a moment.
        bundle: the model that made them.
        version: its version in the registry.

    Returns:
        The rows of `rep_scores.parquet`, the least likely to attain first and those who have left
        last; and the roll-ups of teams.
    """
    futures, reps = outlooks.futures, outlooks.reps
    forecasts = read_off(futures, bundle.target)
    explained = explain_reps(futures, reps, outlooks.open_amount, bundle.target)
    reasons = rep_reasons(explained, forecasts[CHANCE].to_numpy())
    frame = _table(futures, version, forecasts)
    evidence = rep_evidence(bundle.evidence.state, reps.X)
    texts = {"reasons": [json.dumps(row, ensure_ascii=False) for row in reasons]}
    texts |= {str(name): evidence[name].to_list() for name in evidence}
    for name, column in texts.items():
        # Text also where there is no rep: an empty list alone has no type.
        frame[name] = pd.Series(column, index=frame.index, dtype="str")
    order = ["has_left", "p_attain", "rep_id", "period_start", "period_end"]
    ordered = frame.sort_values(order, ignore_index=True)
    rollups = roll_up(futures) if len(reps) else pd.DataFrame()
    return ordered, rollups


def _table(futures: Futures, version: str, forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the file in their order; evidence and reasons are filled in later."""
    keys = futures.keys
    return pd.DataFrame(
        {
            "rep_id": keys["rep_id"],
            "period_start": keys["period_start"],
            "period_end": keys["period_end"],
            "as_of": keys[CUTOFF],
            "quota": keys["quota"].astype(np.float64),
            "attained": futures.closed,
            **forecasts[[CHANCE, *RANGE]],
            "at_risk": forecasts[CHANCE] < AT_RISK,
            "evidence": "",
            "reasons": "",
            "model_version": version,
            "manager_id": keys["manager_id"],
            "has_left": keys["has_left"].to_numpy() > 0,
            "expected_open": futures.open.mean(axis=1),
            "expected_new": futures.new.mean(axis=1),
            **forecasts[[*LIKELY, HELD]],
        }
    )
