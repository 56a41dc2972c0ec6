"""Past attempts to reach a lead: each is a small experiment whose answer is close to luck.

One row is one lead on one day on which somebody tried. Features are as of the midnight before, as
a morning's call list would have had them; the answer and what came of the lead lie after it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.build import Examples, build_pairs
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.calls.answers import Answers
from training.estimators.effects import Experiments


def attempt_days(warehouse: Warehouse, answers: Answers, most: int) -> pd.DataFrame:
    """Return the newest days on which leads were tried: `lead_id, cutoff, reached`.

    Several attempts on one day are one row, reached if one of them got through:

    | lead | attempt        | outcome   | row                 |
    |------|----------------|-----------|---------------------|
    | L1   | Mar 3, 09:10   | no answer |                     |
    | L1   | Mar 3, 15:40   | connected | L1, Mar 3, reached  |
    | L2   | Mar 3, 10:00   | voicemail | L2, Mar 3, missed   |

    Args:
        warehouse: cut to the moment of training.
        answers: which activities are attempts.
        most: rows at most; earlier days are left out.
    """
    rows = answers.attempts(warehouse["activities"])
    rows = rows.select("lead_id", "reached", **{CUTOFF: rows.occurred_at.truncate("D")})
    days = rows.group_by(["lead_id", CUTOFF]).aggregate(reached=rows.reached.max())
    frame = warehouse.arrow(days).to_pandas()
    frame = frame.sort_values([CUTOFF, "lead_id"], kind="stable").tail(most)
    return frame.reset_index(drop=True)


def built_attempts(
    warehouse: Warehouse,
    days: pd.DataFrame,
    declared: FeatureSet,
    vocabulary: Vocabulary,
    params: FeatureParams,
) -> tuple[Examples, Experiments]:
    """Build the features of attempts; those of leads that came in on the very day are left out.

    Args:
        warehouse: cut to the moment of training.
        days: from `attempt_days`.
        declared: the features, no ranks among them.
        vocabulary: the words they were declared with.
        params: calendar and windows.

    Returns:
        The examples, and the same as experiments whose outcome is not known yet (0).
    """
    examples = build_pairs(warehouse, declared, vocabulary, days, params)
    known = days.set_index(["lead_id", CUTOFF])["reached"]
    reached = known.reindex(pd.MultiIndex.from_frame(examples.keys[["lead_id", CUTOFF]]))
    group = np.unique(examples.keys["lead_id"].to_numpy(dtype=object), return_inverse=True)[1]
    rows = Experiments(
        X=examples.X,
        treated=reached.to_numpy(np.float64),
        y=np.zeros(len(examples)),
        group=group,
        categorical=tuple(declared.categorical),
    )
    return examples, rows


def with_outcomes(
    warehouse: Warehouse, examples: Examples, rows: Experiments, horizon_days: int
) -> tuple[Examples, Experiments]:
    """Return the attempts whose horizon is over, with whether the lead converted within it."""
    y = conversion(warehouse, examples.keys, horizon_days)
    mature = ~np.isnan(y)
    kept = rows.take(mature)
    own = Experiments(kept.X, kept.treated, y[mature], kept.group, kept.categorical)
    return examples.take(mature), own
