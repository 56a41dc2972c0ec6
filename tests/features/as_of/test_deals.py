"""Open deals at their cutoffs, by hand: as they stood, their moves, their context."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from by_hand import MICRO, Opened, answer, day, deal
from extract import Row, change, lead

from features.as_of.deals import (
    MOVES,
    company_totals,
    deal_context,
    deals,
    moves,
    open_deal_snapshots,
)
from features.history.relations import SnapshotSet
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, ENTITY, EVENT_TIME
from features.storage.warehouse import Warehouse

STAGES = Vocabulary(stages=("new", "talk", "offer"), columns={"reps.team": None})
DESCRIBED = Vocabulary(
    fields={"product": ("car",)},
    columns={"deals.region": None, "accounts.city": None, "leads.source": None},
)


def taken(warehouse: Warehouse, *cutoffs: float, vocabulary: Vocabulary = STAGES) -> SnapshotSet:
    """Take snapshots of all open deals on day 10, or on other days."""
    moments = [day(number) for number in cutoffs or (10,)]
    return open_deal_snapshots(warehouse, vocabulary, moments, FeatureParams())


def test_a_deal_is_open_as_it_was_shown(opened: Opened) -> None:
    """Numbered by id and cutoff, with the owner and amount of the moment."""
    rows = [deal("b", 1), deal("a", 2, 9), deal("c", 10), deal("d", 3, 10)]
    changes = [
        change("b", day(6), "amount", "50", "deal"),
        change("b", day(6), "rep_id", "z", "deal"),
    ]
    with opened(deals=rows, changes=changes) as warehouse:
        columns = ("snapshot", "deal_id", CUTOFF, "owner", "amount", "deal_age_us")
        numbered = answer(warehouse, taken(warehouse, 5, 10).snapshots, *columns)
    day_us = 86_400_000_000
    assert numbered == [
        (0, "a", day(5), "a", 100.0, 3 * day_us),
        (1, "b", day(5), "a", 100.0, 4 * day_us),
        (2, "b", day(10), "z", 50.0, 9 * day_us),
        (3, "d", day(5), "a", 100.0, 2 * day_us),
        (4, "d", day(10), "a", 100.0, 7 * day_us),
    ]


def test_a_deal_is_described_by_itself_its_account_and_its_lead(opened: Opened) -> None:
    """A lead that came in at the cutoff is not seen yet; changed fields are the new ones."""
    tables: dict[str, Any] = {
        "deals": [
            deal("x", 1, lead_id="L", account_id="A", region="north"),
            deal("y", 1, lead_id="M", region="south"),
        ],
        "leads": [lead("L", day(0), source="web"), lead("M", day(10), source="fair")],
        "accounts": [{"account_id": "A", "city": "Bonn"}],
        "changes": [
            change("x", day(5), "product", "car", "deal"),
            change("y", day(5), "region", "west", "deal"),
            change("A", day(10), "city", "Ulm", "account"),
        ],
        "attributes": {"deals": {"region": pa.string()}, "accounts": {"city": pa.string()}},
    }
    columns = ("deal_id", "deals__region", "accounts__city", "leads__source", "field__0", "lead_us")
    with opened(**tables) as warehouse:
        assert answer(warehouse, deals(taken(warehouse, vocabulary=DESCRIBED)), *columns) == [
            ("x", "north", "Bonn", "web", "car", 10 * 86_400_000_000),
            ("y", "west", None, None, None, None),
        ]


def test_a_deal_belongs_to_the_lead_and_the_account_of_the_moment(opened: Opened) -> None:
    """Where these have a history; the lead of the moment is among the deal's keys."""
    tables: dict[str, Any] = {
        "deals": [deal("x", 1), deal("y", 1)],
        "leads": [lead("L", day(0), source="web"), lead("M", day(2), source="fair")],
        "accounts": [{"account_id": "A", "city": "Bonn"}, {"account_id": "B", "city": "Ulm"}],
        "changes": [
            change("x", day(1), "lead_id", "L", "deal"),
            change("x", day(5), "lead_id", "M", "deal"),
            change("x", day(10), "lead_id", "L", "deal"),
            change("x", day(1), "account_id", "A", "deal"),
            change("x", day(5), "account_id", None, "deal"),
            change("y", day(9), "account_id", "B", "deal"),
        ],
        "attributes": {"deals": {"region": pa.string()}, "accounts": {"city": pa.string()}},
        "histories": ["deal lead_id", "deal account_id"],
    }
    columns = ("deal_id", "lead_id", "leads__source", "accounts__city")
    with opened(**tables) as warehouse:
        assert answer(warehouse, deals(taken(warehouse, vocabulary=DESCRIBED)), *columns) == [
            ("x", "M", "fair", None),
            ("y", None, None, "Ulm"),
        ]


MOVED: list[tuple[str, str, str | None, str | None, int | None]] = [
    ("stage", "new", "offer", "stage forward", 0),
    ("stage", "offer", "talk", "stage back", 0),
    ("stage", "new", "new", None, 0),
    ("stage", "new", "odd", None, 0),
    ("amount", "10", "10.5", "amount up", 0),
    ("amount", "9", "-10", "amount down", 0),
    ("amount", "10", "much", None, 0),
    ("expected_close_at", "2024-03-01", "2024-03-08", "close pushed", 7000),
    ("expected_close_at", "2024-03-01", "2024-02-29", "close pulled in", -1000),
    ("expected_close_at", "2024-03-01", None, None, None),
    ("colour", "red", "blue", None, 0),
]
"""A field, the value shown first and the next one, the move that is, and by how far."""


def moved(opened: Opened, changes: list[Row]) -> list[Any]:
    """Return the moves of deals, by name; None is a change that is not a move."""
    ids = sorted({str(row["entity_id"]) for row in changes})
    with opened(deals=[deal(name) for name in ids], changes=changes) as warehouse:
        rows = answer(warehouse, moves(taken(warehouse, 50)), ENTITY, EVENT_TIME, "move", "days")
    return [(None if place is None else MOVES[place], days) for _, _, place, days in rows]


def test_a_change_is_a_move_where_both_values_can_be_compared(opened: Opened) -> None:
    """Stages by their usual order, amounts as numbers, dates by thousandths of a day."""
    changes = [
        change(f"deal {place:02}", day(5 + step), field, value, "deal")
        for place, (field, *values, _, _) in enumerate(MOVED)
        for step, value in enumerate(values)
    ]
    rows = moved(opened, changes)
    assert [move for move, _ in rows[::2]] == [None] * len(MOVED)
    assert rows[1::2] == [(move, days) for *_, move, days in MOVED]


def test_moves_follow_the_order_in_which_values_were_shown(opened: Opened) -> None:
    """A value of day 6 that is shown on day 9 comes after that of day 7."""
    late = {**change("x", day(6), "amount", "50", "deal"), "known_at": day(9)}
    changes = [
        change("x", day(5), "amount", "10", "deal"),
        late,
        change("x", day(7), "amount", "30", "deal"),
    ]
    # By event time: 10, then 50 (up from the 30 shown before it), then 30 (up from 10).
    assert [move for move, _ in moved(opened, changes)] == [None, "amount up", "amount up"]


def test_a_deal_brings_its_owners_record_and_the_companys(opened: Opened) -> None:
    """As of the same cutoff; a deal that nobody owns has the company's alone."""
    rows = [
        deal("x", 1),
        deal("y", 1, rep_id="b"),
        deal("p", 1, 8, amount=10.0),
        deal("q", 1, 9, amount=30.0, rep_id="b"),
        deal("r", 1, 10, amount=99.0),
    ]
    reps = [{"rep_id": "a", "team": "red"}, {"rep_id": "b", "team": "blue", "hired_at": day(10)}]
    columns = ("deal_id", "owner_won_ever", "owner_won_amount_90d", "reps__team", "all_won_ever")
    with opened(deals=rows, reps=reps) as warehouse:
        assert answer(warehouse, deal_context(taken(warehouse)), *columns) == [
            ("r", 1, 10_000, "red", 2),
            ("x", 1, 10_000, "red", 2),
            ("y", 1, 30_000, None, 2),
        ]


def test_the_company_is_summed_up_once_a_cutoff(opened: Opened) -> None:
    """With the calendar of the business, whose day begins before UTC's."""
    params = FeatureParams(timezone="Asia/Kathmandu")
    with opened(deals=[deal("x", 1, 8 - MICRO), deal("y", 1)]) as warehouse:
        snapshot_set = taken(warehouse, 7.9, 8)
        rows = company_totals(warehouse, snapshot_set.snapshots, snapshot_set.deals, params)
        assert answer(warehouse, rows, CUTOFF, "all_won_ever", "all_open", "day_of_month") == [
            (day(7.9), 0, 2, 9),
            (day(8), 1, 1, 9),
        ]
