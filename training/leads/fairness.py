"""The rows by which a lead model is audited: which owners get the leads that are called hot?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.as_of.rep_groups import rep_groups
from features.evidence import EvidenceState
from features.storage.warehouse import Warehouse
from training.evaluation.audited import Audited, AuditWords, FeatureRows
from training.evaluation.fairness import AuditRows
from training.leads.backtest import Backtest
from training.leads.score import BANDS
from training.params import FairnessParams

WORDS = AuditWords(
    flag="hot",
    due="leads that converted",
    not_due="leads that did not",
    event="converts",
    rows="forecasts of leads",
)


def audit_leads(
    warehouse: Warehouse, test: Backtest, params: FairnessParams, instead: str | None = None
) -> Audited:
    """Return a test's forecasts with the groups of the leads' owners, as of the cutoffs.

    Args:
        warehouse: the history.
        test: a backtest of one fold.
        params: names further groups.
        instead: a baseline that answers in the model's place, and calls no lead hot.
    """
    frame, examples = test.predictions.frame, test.examples
    p = test.predictions.named[instead] if instead else frame["p"].to_numpy(np.float64)
    owners = examples.keys["owner"].reset_index(drop=True)
    groups = rep_groups(warehouse, owners, examples.keys["cutoff"], params.attributes)
    y = test.predictions.y
    known = ~np.isnan(y)
    rows = known & owners.notna().to_numpy()
    is_hot = np.zeros(len(p), dtype=np.bool_) if instead else _is_hot(p, test)
    used = [*test.last.columns]
    by_name = {feature.name: feature for feature in test.last.feature_set}
    features = FeatureRows(
        X=examples.X[used].reset_index(drop=True) if not instead else pd.DataFrame(),
        labels={name: by_name[name].says for name in used},
        categorical=frozenset(n for n in used if by_name[n].categories is not None),
        groups={str(name): groups[name] for name in groups},
        reps=owners,
    )
    return Audited(
        rows=AuditRows(
            p=p[rows],
            y=y[rows],
            flagged=is_hot[rows],
            due=y[rows] > 0,
            reps=owners[rows].reset_index(drop=True),
            groups={str(n): groups[n][rows].reset_index(drop=True) for n in groups},
            is_welcome=True,
        ),
        words=WORDS,
        n_left_out=int(known.sum() - rows.sum()),
        features=() if instead else (features,),
    )


def _is_hot(p: Floats, test: Backtest) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    least, _ = BANDS[0]
    can_be = test.last.evidence.state is not EvidenceState.NONE
    return np.asarray((p / test.last.base_rate >= least) & can_be)
