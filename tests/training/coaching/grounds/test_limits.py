"""What the comparison cannot tell is said, and what it is made from can be looked at."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from extract import Extract
from ground_company import QUARTERS, REPS, UNTIL, laid_open

from features.storage.warehouse import Warehouse
from training.coaching.grounds import equal_grounds, ground_inputs, grounds_limits
from training.params import TrainingParams

PARAMS = TrainingParams()


def test_a_full_extract_has_no_limits(even_history: Warehouse, compared: pd.DataFrame) -> None:
    """Where everything is there, nothing is left to say."""
    assert grounds_limits(even_history, PARAMS, UNTIL, compared) == ()


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("leads", "No leads are loaded"),
        ("deals", "No deals are loaded"),
        ("quotas", "calendar quarters"),
        ("reps", "when reps were hired"),
    ],
)
def test_what_is_missing_is_said(even: Extract, tmp_path: Path, missing: str, says: str) -> None:
    """Each absent table is named with what it would have told."""
    tables = {name: rows for name, rows in even.tables.items() if name != missing}
    warehouse = laid_open(Extract(tables, UNTIL), tmp_path)
    empty = pd.DataFrame({"metric": ["wins"], "actual": [100.0]})
    assert any(says in said for said in grounds_limits(warehouse, PARAMS, UNTIL, empty))


def test_a_short_history_is_said(even_history: Warehouse) -> None:
    """In the first quarter on record, nothing is known from before it, and little was won."""
    moment = QUARTERS[0].replace(day=20)
    frame = equal_grounds(even_history, PARAMS, moment)
    said = " ".join(grounds_limits(even_history, PARAMS, moment, frame))
    assert "No earlier period is on record" in said
    assert "most of the differences are luck" in said


def test_inputs_are_those_of_the_ground(even_history: Warehouse) -> None:
    """Who gets cold leads only shows in what expectations are made from; skill does not."""
    inputs = ground_inputs(even_history, PARAMS, UNTIL).set_index("rep_id")
    assert set(inputs.index) == set(REPS)
    assert inputs["share_of_cold"].idxmax() == "r6"
    assert inputs["share_of_cold"]["r3"] == pytest.approx(inputs["share_of_cold"]["r4"], abs=0.05)
    assert (inputs["tenure_days"] > 900).all()
