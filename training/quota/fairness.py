"""The rows by which a quota model is audited: which reps are called "at risk", and who wrongly?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.as_of.rep_groups import rep_groups
from features.build import Examples
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.evaluation.audited import Audited, AuditWords, FeatureRows
from training.evaluation.fairness import AuditRows
from training.evaluation.quota_metrics import TOLERANCE
from training.params import FairnessParams
from training.quota.backtest import QuotaBacktest
from training.quota.new_business import READ
from training.quota.score import AT_RISK

WORDS = AuditWords(
    flag="at risk",
    due="reps who missed their quota",
    not_due="reps who made it",
    event="makes quota",
    rows="forecasts of reps",
)


def audit_reps(warehouse: Warehouse, test: QuotaBacktest, params: FairnessParams) -> Audited:
    """Return a test's forecasts with the groups of the reps, as of the cutoffs.

    Args:
        warehouse: the history.
        test: a backtest of one fold.
        params: names further groups.
    """
    frame = test.predictions.frame
    names = params.attributes
    groups = _groups(warehouse, frame["rep_id"], frame[CUTOFF], names)
    known = test.predictions.attainment
    rows = ~np.isnan(known)
    made = known[rows] >= test.predictions.target - TOLERANCE
    p = test.predictions.chance("model")[rows]
    return Audited(
        rows=AuditRows(
            p=p,
            y=made.astype(np.float64),
            flagged=p < AT_RISK,
            due=~made,
            reps=frame["rep_id"][rows].reset_index(drop=True),
            groups={name: column[rows].reset_index(drop=True) for name, column in groups.items()},
            is_welcome=False,
        ),
        words=WORDS,
        n_left_out=0,
        features=tuple(_features(warehouse, test, names)),
    )


def _features(
    warehouse: Warehouse, test: QuotaBacktest, names: tuple[str, ...]
) -> list[FeatureRows]:
    """Return the features of reps that new business is expected from, and those of open deals."""
    reps, deals = test.examples
    used = [name for name in test.last.columns if name in deals.X]
    return [
        _read(warehouse, examples, key, columns, names)
        for examples, key, columns in ((reps, "rep_id", list(READ)), (deals, "owner", used))
        if len(examples) and columns
    ]


def _read(
    warehouse: Warehouse, examples: Examples, key: str, columns: list[str], names: tuple[str, ...]
) -> FeatureRows:
    by_name = {feature.name: feature for feature in examples.feature_set}
    return FeatureRows(
        X=examples.X[columns].reset_index(drop=True),
        labels={name: by_name[name].says for name in columns},
        categorical=frozenset(n for n in columns if by_name[n].categories is not None),
        groups=_groups(warehouse, examples.keys[key], examples.keys[CUTOFF], names),
        reps=examples.keys[key].reset_index(drop=True),
    )


def _groups(
    warehouse: Warehouse, reps: pd.Series, cutoffs: pd.Series, names: tuple[str, ...]
) -> Mapping[str, pd.Series]:
    frame = rep_groups(warehouse, reps, cutoffs, names)
    return {str(name): frame[name] for name in frame}
