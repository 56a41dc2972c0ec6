"""Cutoffs to learn from: equal steps back from the last mature one, and never too many rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from extract import Extract, Row
from sellers import HORIZON, START, TRAINING, UNTIL, open_warehouse

from features.storage.warehouse import Warehouse
from training.cutoffs import taken_over, thinned, training_cutoffs

SEEDS = range(8)


def lives(seed: int) -> tuple[list[datetime], np.ndarray, np.ndarray]:
    """Draw cutoffs, and when things began and ended, some never."""
    rng = np.random.default_rng(seed)
    cutoffs = [START + timedelta(days=int(k)) for k in range(0, 120, int(rng.integers(1, 9)))]
    born = np.datetime64(START) + (rng.uniform(-30, 120, 300) * 86_400e6).astype("timedelta64[us]")
    ended = born + (rng.exponential(20, 300) * 86_400e6).astype("timedelta64[us]")
    return cutoffs, born, ended[rng.random(300) < 0.8]


def open_rows(cutoffs: list[datetime], born: np.ndarray, ended: np.ndarray) -> int:
    """Count the rows the slow way: for each cutoff who has come, less who has gone."""
    moments = [np.datetime64(cutoff) for cutoff in cutoffs]
    return sum(int((born < m).sum() - (ended < m).sum()) for m in moments)


@pytest.mark.parametrize("seed", SEEDS)
def test_enough_room_changes_nothing(seed: int) -> None:
    """As many rows as there may be leave every cutoff in place; one fewer drops some."""
    cutoffs, born, ended = lives(seed)
    rows = open_rows(cutoffs, born, ended)
    born, ended = np.sort(born), np.sort(ended)
    assert thinned(cutoffs, born, ended, rows) == cutoffs
    assert len(thinned(cutoffs, born, ended, rows - 1)) < len(cutoffs)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("most", [50, 400, 1_500])
def test_thinned_cutoffs_lie_in_equal_steps_back_from_the_last(seed: int, most: int) -> None:
    """The newest stays, steps are equal, and about as many rows are left as there may be."""
    cutoffs, born, ended = lives(seed)
    kept = thinned(cutoffs, np.sort(born), np.sort(ended), most)
    assert kept[-1] == cutoffs[-1]
    assert set(kept) <= set(cutoffs)
    assert kept == sorted(kept)
    assert len({later - earlier for earlier, later in pairwise(kept)}) <= 1
    step = -(-open_rows(cutoffs, born, ended) // most)
    assert kept == cutoffs[::-1][::step][::-1]


@pytest.mark.parametrize("days", [HORIZON + 3, 90, 211])
def test_every_label_is_mature_and_every_step_equal(history: Warehouse, days: int) -> None:
    """Whenever training takes place, the last cutoff is the latest mature midnight."""
    until = START + timedelta(days=days, hours=5)
    cutoffs = training_cutoffs(history.until(until), HORIZON, TRAINING)
    assert cutoffs[-1] == START + timedelta(days=days - HORIZON)
    assert all(cutoff + timedelta(days=HORIZON) <= until for cutoff in cutoffs)
    assert {b - a for a, b in pairwise(cutoffs)} <= {timedelta(days=TRAINING.split.every_days)}


def test_a_history_shorter_than_the_horizon_has_no_cutoff(history: Warehouse) -> None:
    """Nothing has had its time yet."""
    assert training_cutoffs(history.until(START + timedelta(days=5)), HORIZON, TRAINING) == []


def test_a_company_that_was_not_taken_over_says_nothing(history: Warehouse) -> None:
    """A note is for data that lack something."""
    assert taken_over(history.until(None)) == ()


def test_without_leads_there_is_nothing_to_learn_or_to_say(tmp_path: Path) -> None:
    """An empty table is no error."""
    empty = open_warehouse(Extract({"leads": []}, UNTIL), tmp_path).until(None)
    assert training_cutoffs(empty, HORIZON, TRAINING) == []
    assert taken_over(empty) == ()


@pytest.mark.parametrize(("waited", "notes"), [(58, 0), (70, 1)])
def test_leads_that_waited_long_for_the_first_ending_were_taken_over(
    waited: int, notes: int, tmp_path: Path
) -> None:
    """Two months are a young company's; more, and learning begins at the first ending."""
    end = START + timedelta(days=waited)
    leads: list[Row] = [
        {"lead_id": f"L{n}", "created_at": START, "lost_at": end + timedelta(days=n)}
        for n in range(30)
    ]
    past = open_warehouse(Extract({"leads": leads}, UNTIL), tmp_path).until(None)
    assert len(taken_over(past)) == notes
    begin = end if notes else START
    first = training_cutoffs(past, HORIZON, TRAINING)[0]
    assert begin < first <= begin + timedelta(days=1 + TRAINING.split.every_days)
