"""Open leads at their cutoffs, by hand: numbers, owners, columns as they stood."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from by_hand import MICRO, Opened, answer, day, snapshots
from extract import Row, change, lead, touch

from features.as_of.leads import lead_owners, leads, open_lead_snapshots
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT

TAKEN = snapshots((10, "x", None), (10, "y", "a"), lead_id="string", rep_id="string")


@pytest.mark.parametrize(
    ("tables", "owners"),
    [
        pytest.param({}, [None, "a"], id="the lead's own rep, or nobody"),
        pytest.param(
            {"activities": [touch("x", day(3), rep_id="c"), touch("y", day(3), rep_id="c")]},
            ["c", "a"],
            id="without a rep, whoever worked on it",
        ),
        pytest.param(
            {"activities": [touch("x", day(3), rep_id=who) for who in "dbc"]},
            ["b", "a"],
            id="of workers at one moment, the lesser id",
        ),
        pytest.param(
            {"activities": [touch("x", day(3), rep_id="c"), touch("x", day(10), rep_id="b")]},
            ["c", "a"],
            id="work at the cutoff is not seen",
        ),
        pytest.param(
            {"activities": [touch("x", day(3), rep_id="c"), touch("x", day(5))]},
            ["c", "a"],
            id="work of nobody names nobody",
        ),
        pytest.param(
            {
                "activities": [touch("x", day(3), rep_id="c")],
                "changes": [
                    change("x", day(2), "rep_id", "d"),
                    change("y", day(10 - MICRO), "rep_id", "d"),
                ],
            },
            ["d", "d"],
            id="a handover comes before work, and before the own rep",
        ),
        pytest.param(
            {
                "activities": [touch("y", day(moment), rep_id="c") for moment in (1, 9)],
                "changes": [
                    change("y", day(2), "rep_id", "d"),
                    change("y", day(4), "rep_id", None),
                ],
            },
            [None, None],
            id="an emptied owner leaves it to nobody",
        ),
        pytest.param(
            {"changes": [change("y", day(10), "rep_id", "d"), change("y", day(2), "stage", "d")]},
            [None, "a"],
            id="neither a later handover nor another field counts",
        ),
    ],
)
def test_a_lead_belongs_to_the_first_that_names_somebody(
    opened: Opened, tables: dict[str, list[Row]], owners: list[str | None]
) -> None:
    """Its last visible handover, its own rep, the rep of the last visible activity, nobody."""
    with opened(**tables) as warehouse:
        rows = lead_owners(warehouse, TAKEN)
        assert answer(warehouse, rows, SNAPSHOT, "owner") == list(enumerate(owners))


VOCABULARY = Vocabulary(
    fields={"size": ("10",)},
    columns={"leads.source": None, "accounts.city": None, "reps.team": None},
)


def test_snapshots_are_numbered_by_lead_and_cutoff(opened: Opened) -> None:
    """Rising ids, for each the rising cutoffs at which it is open, with its age."""
    rows = [lead("b", day(2)), lead("a", day(3), lost_at=day(8)), lead("c", day(12))]
    with opened(leads=rows) as warehouse:
        cutoffs = [day(10), day(5), day(5)]
        taken = open_lead_snapshots(warehouse, Vocabulary(), cutoffs, FeatureParams()).snapshots
        numbered = answer(warehouse, taken, SNAPSHOT, "lead_id", CUTOFF, "lead_age_us")
    day_us = 86_400_000_000
    assert numbered == [
        (0, "a", day(5), 2 * day_us),
        (1, "b", day(5), 3 * day_us),
        (2, "b", day(10), 8 * day_us),
    ]


def described(opened: Opened, *columns: str, **tables: Any) -> list[Any]:
    """Describe leads with an account as of day 10."""
    attributes = {"accounts": {"city": pa.string()}}
    with opened(attributes=attributes, **tables) as warehouse:
        taken = open_lead_snapshots(warehouse, VOCABULARY, [day(10)], FeatureParams())
        return answer(warehouse, leads(taken), "lead_id", *columns)


def test_columns_are_those_of_creation_until_a_change_is_seen(opened: Opened) -> None:
    """Of the lead and of its account; a field without a column is empty until then."""
    tables = {
        "leads": [
            lead("x", day(1), source="web", account_id="A"),
            lead("y", day(1), source="fair"),
        ],
        "accounts": [{"account_id": "A", "city": "Bonn"}],
    }
    columns = ("leads__source", "accounts__city", "field__0")
    assert described(opened, *columns, **tables) == [
        ("x", "web", "Bonn", None),
        ("y", "fair", None, None),
    ]
    changes = [
        change("x", day(5), "source", None),
        change("A", day(5), "city", "Ulm", "account"),
        change("y", day(5), "size", "12"),
        change("y", day(10), "size", "99"),
    ]
    assert described(opened, *columns, changes=changes, **tables) == [
        ("x", None, "Ulm", None),
        ("y", "fair", None, "12"),
    ]


def test_a_lead_belongs_to_the_account_of_the_moment(opened: Opened) -> None:
    """Where accounts have a history, it says whose columns a lead is described with."""
    changes = [
        change("x", day(1), "account_id", "A"),
        change("x", day(5), "account_id", "B"),
        change("y", day(1), "account_id", "A"),
        change("y", day(10), "account_id", "B"),
        change("z", day(1), "account_id", "A"),
        change("z", day(5), "account_id", None),
    ]
    tables = {
        "leads": [lead(name, day(1)) for name in "xyz"],
        "accounts": [{"account_id": "A", "city": "Bonn"}, {"account_id": "B", "city": "Ulm"}],
    }
    rows = described(
        opened,
        "account_id",
        "accounts__city",
        changes=changes,
        histories=["lead account_id"],
        **tables,
    )
    assert rows == [("x", "B", "Ulm"), ("y", "A", "Bonn"), ("z", None, None)]


def test_words_in_a_column_of_numbers_stay_words(opened: Opened) -> None:
    """The vocabulary says how a column is read, not its type in the file."""
    vocabulary = Vocabulary(columns={"leads.size": ("large",), "leads.grade": None})
    rows: list[Row] = [{**lead(name, day(1)), "size": 7, "grade": True} for name in "xy"]
    changes = [change("x", day(5), "size", "large"), change("x", day(5), "grade", "false")]
    attributes = {"leads": {"size": pa.int64(), "grade": pa.bool_()}}
    with opened(leads=rows, changes=changes, attributes=attributes) as warehouse:
        taken = open_lead_snapshots(warehouse, vocabulary, [day(10)], FeatureParams())
        columns = ("lead_id", "leads__size", "leads__grade")
        assert answer(warehouse, leads(taken), *columns) == [("x", "large", 0.0), ("y", "7", 1.0)]


def test_a_wish_not_to_be_called_is_emptied_until_it_is_seen(opened: Opened) -> None:
    """Half-open, like every end."""
    rows = [
        lead("before", day(1), do_not_contact_at=day(10 - MICRO)),
        lead("at", day(1), do_not_contact_at=day(10)),
    ]
    assert described(opened, "do_not_contact_at", leads=rows) == [
        ("at", None),
        ("before", day(10 - MICRO)),
    ]
