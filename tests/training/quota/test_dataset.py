"""What a forecast of attainment learns from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from quota_company import FEATURES, TRAINING, opened, sellers

from training.quota.dataset import build_quota_training_set


def test_cutoffs_are_taken_further_apart_where_there_are_too_many_rows(tmp_path: Path) -> None:
    """Half as many rows as there are: every second cutoff, from the last one backwards."""
    history = opened(sellers(datetime(2024, 4, 1)), tmp_path)
    quota = TRAINING.quota.model_copy(update={"every_days": 1})

    def seen(most: int) -> tuple[int, list[pd.Timestamp]]:
        params = quota.model_copy(update={"max_snapshots": most})
        training_set = build_quota_training_set(
            history, FEATURES, TRAINING.model_copy(update={"quota": params})
        )
        return len(training_set.deals), sorted(training_set.reps.keys["cutoff"].unique())

    rows, daily = seen(10**9)
    assert seen(rows) == (rows, daily)
    fewer, thin = seen(rows - 1)
    assert thin == daily[::-1][::2][::-1]
    assert fewer == pytest.approx(rows / 2, rel=0.05)
