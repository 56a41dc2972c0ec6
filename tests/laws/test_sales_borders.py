"""Borders of quota periods and of what was changed at one moment, computed by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from extract import Extract, Row
from quota_company import FEATURES, TYPES, opened, quota

from features.build import build
from features.definitions.deal import deal_features
from features.definitions.rep import rep_features
from features.history.vocabulary import read_vocabulary
from features.labels.attainment import attained_parts
from features.storage.warehouse import Warehouse
from features.subjects import DEAL, REP

START, NEXT = datetime(2024, 4, 1), datetime(2024, 7, 1)
BEFORE = datetime(2024, 1, 1)
CUTOFF = datetime(2024, 5, 15)
SEEN = FEATURES.model_copy(update={"min_count": 1})
MICROSECOND, DAY = timedelta(microseconds=1), timedelta(days=1)


def won(name: str, amount: float, closed: datetime) -> Row:
    """Write a deal that is won."""
    told = {"deal_id": name, "rep_id": "r", "amount": amount, "closed_at": closed, "won": True}
    return {**told, "created_at": BEFORE + DAY, "origin": "warm"}


def changed(field: str, value: str, at: datetime, before: str | None = None) -> Row:
    """Write a change of the open deal."""
    told = {"entity_type": "deal", "entity_id": "open", "changed_at": at}
    return {**told, "field": field, "value": value, "old_value": before}


@pytest.fixture(scope="module", name="warehouse")
def fixture_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One rep, two quarters, wins on every border, and a deal that changed twice at a moment."""
    moment = CUTOFF - 9 * DAY
    rows: dict[str, list[Row]] = {name: [] for name in TYPES}
    rows["reps"] = [
        {"rep_id": "r", "manager_id": "m", "territory": "t", "hired_at": None, "left_at": None}
    ]
    rows["quotas"] = [quota("r", BEFORE, 1_000.0), quota("r", START, 1_000.0)]
    rows["deals"] = [
        won("last moment of the quarter before", 1.0, START - MICROSECOND),
        won("first moment of the quarter", 10.0, START),
        won("just before the cutoff", 100.0, CUTOFF - MICROSECOND),
        won("at the cutoff", 1_000.0, CUTOFF),
        won("last moment of the quarter", 10_000.0, NEXT - MICROSECOND),
        won("first moment of the next", 100_000.0, NEXT),
        {**won("open", 7.0, NEXT + DAY), "won": False},
    ]
    rows["changes"] = [
        changed("amount", "50", moment, "7"),
        changed("amount", "60", moment, "7"),
        changed("stage", "bid", moment),
        changed("stage", "open", moment),
        changed("stage", "won", CUTOFF),
    ]
    return opened(Extract(rows, NEXT + 9 * DAY), tmp_path_factory.mktemp("borders"))


def seen(warehouse: Warehouse, kind: str, cutoff: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the features of reps or deals at one cutoff: keys and columns."""
    subject, declare = {"rep": (REP, rep_features), "deal": (DEAL, deal_features)}[kind]
    words = read_vocabulary(warehouse, SEEN, subject)
    made = build(warehouse, declare(words, SEEN), words, [cutoff], SEEN)
    return made.keys, made.X


def test_a_period_holds_its_first_moment_and_not_its_end(warehouse: Warehouse) -> None:
    """So far: from the start on, before the cutoff. In the end: before the period's end."""
    keys, X = seen(warehouse, "rep", CUTOFF)
    assert keys["period_start"].tolist() == [START]
    assert X["attained"].tolist() == [110.0]
    assert X["attained_deals"].tolist() == [2]
    assert X["last_attainment"].tolist() == [pytest.approx(1 / 1_000)]
    parts = attained_parts(warehouse, keys)
    assert parts["closed"].tolist() == [110.0]
    assert parts["from_open"].tolist() == [11_000.0]
    assert seen(warehouse, "rep", START)[1]["attained"].tolist() == [0.0]


def test_the_past_period_holds_its_last_moment(warehouse: Warehouse) -> None:
    """A win at a period's very start is none of the period before."""
    _, X = seen(warehouse, "rep", START + DAY)
    assert X["attained"].tolist() == [10.0]
    assert X["last_attainment"].tolist() == [pytest.approx(1 / 1_000)]


def test_of_two_values_told_at_one_moment_the_greater_text_stands(warehouse: Warehouse) -> None:
    """Nothing says which came last, so the choice must not hang on the order of rows."""
    keys, X = seen(warehouse, "deal", CUTOFF)
    row = keys["deal_id"].tolist().index("open")
    assert X["amount"].iloc[row] == 60.0
    words = read_vocabulary(warehouse, SEEN, DEAL)
    assert words.stages[int(X["stage"].iloc[row])] == "open"
