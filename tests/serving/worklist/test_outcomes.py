"""What became of leads with a lot: by the label's own law, and as the moment may see it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.store.worklist import Arm, Enrolment, Place
from serving.worklist.outcomes import lots_drawn

ENROLLED = datetime(2025, 4, 1, 6)
END = datetime(2025, 7, 20)


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Warehouse:
    """The small company."""
    return Warehouse.duckdb(current(home))


def drawn(tables: dict[str, Any], at: datetime, days: int) -> list[Enrolment]:
    """A lot for every lead that is open by then; every third is held out, every fourth is next."""
    leads = [
        row["lead_id"]
        for row in tables["leads"]
        if row["created_at"] < at
        and all(row[end] is None or row[end] >= at for end in ("converted_at", "lost_at"))
    ]
    return [
        Enrolment(
            lead_id=lead,
            number=0,
            rep_id=None,
            enrolled_at=at,
            ends_at=at + timedelta(days=days),
            place=Place.NEXT_IN_LINE if k % 4 == 0 else Place.ON_THE_LIST,
            arm=Arm.HELD_OUT if k % 3 == 0 else Arm.LISTED,
            propensity=0.5 if k % 4 == 0 else 0.95,
            p=0.1,
            value=100.0 + k,
            priority=5.0,
            model_version="1",
        )
        for k, lead in enumerate(leads)
    ]


def by_hand(tables: dict[str, Any], lots: list[Enrolment]) -> list[float]:
    """Whether each lead converted while its lot stood."""
    ends = {row["lead_id"]: row["converted_at"] for row in tables["leads"]}
    return [
        float(ends[lot.lead_id] is not None and lot.enrolled_at <= ends[lot.lead_id] < lot.ends_at)
        for lot in lots
    ]


def test_outcomes_are_conversions_while_the_lot_stood(
    warehouse: Warehouse, tables: dict[str, Any]
) -> None:
    """Lots of different lengths, each by its own; arms, chances and values come along."""
    lots = [*drawn(tables, ENROLLED, 30), *drawn(tables, ENROLLED + timedelta(days=40), 14)]
    known, gone = lots_drawn(lots, warehouse, END)
    assert gone == 0
    assert known.converted.tolist() == by_hand(tables, lots)
    assert 0 < known.converted.mean() < 1
    assert known.is_listed.tolist() == [lot.arm is Arm.LISTED for lot in lots]
    assert known.is_next.tolist() == [lot.place is Place.NEXT_IN_LINE for lot in lots]
    assert known.propensity.tolist() == [lot.propensity for lot in lots]
    assert known.value.tolist() == [lot.value for lot in lots]


@pytest.mark.parametrize(("days", "is_known"), [(29, False), (30, True)])
def test_no_outcome_counts_before_the_time_is_over(
    warehouse: Warehouse, tables: dict[str, Any], days: int, *, is_known: bool
) -> None:
    """A day before the end nothing is known, not even of leads that have converted already."""
    lots = drawn(tables, ENROLLED, 30)
    known, _ = lots_drawn(lots, warehouse, ENROLLED + timedelta(days=days))
    assert np.isfinite(known.converted).all() == np.isfinite(known.converted).any() == is_known


def test_lots_that_are_drawn_later_are_not_seen(
    warehouse: Warehouse, tables: dict[str, Any]
) -> None:
    """As of a moment, lots after it change nothing."""
    early, moment = drawn(tables, ENROLLED, 14), ENROLLED + timedelta(days=20)
    late = drawn(tables, ENROLLED + timedelta(days=21), 14)
    known, _ = lots_drawn(early, warehouse, moment)
    both, _ = lots_drawn([*early, *late], warehouse, moment)
    for name, values in vars(known).items():
        np.testing.assert_array_equal(values, vars(both)[name])


def test_leads_that_are_gone_do_not_count(warehouse: Warehouse, tables: dict[str, Any]) -> None:
    """A lead that was deleted since has no outcome, and is counted apart."""
    lots = drawn(tables, ENROLLED, 14)
    forgotten = Enrolment(**{**vars(lots[0]), "lead_id": "nobody"})
    known, gone = lots_drawn([*lots, forgotten], warehouse, END)
    assert (len(known), gone) == (len(lots), 1)
    nothing, none = lots_drawn([], warehouse, END)
    assert (len(nothing), none) == (0, 0)
