"""Laws of posted events about forgotten people."""

from __future__ import annotations

from typing import Any

from features.ingest.forgotten import PREFIX, Forgotten
from serving.home.left_out import without_forgotten
from serving.store.posted import EventKind, PostedEvent

KEY = Forgotten("a key")
GONE = Forgotten(
    "a key",
    {
        "lead": frozenset({KEY.hash_of("lead", "L1")}),
        "rep": frozenset({KEY.hash_of("rep", "r1")}),
    },
)


def event(kind: EventKind, **row: Any) -> PostedEvent:
    """A posted row."""
    return PostedEvent(kind, "id", row)


def change(entity: str, entity_id: str, field: str, value: str) -> PostedEvent:
    """A posted change."""
    return event(
        EventKind.CHANGE, entity_type=entity, entity_id=entity_id, field=field, value=value
    )


def test_events_about_forgotten_people_are_left_out() -> None:
    """A lead's activities, its own row and its changes; also once the store holds pseudonyms."""
    about = [
        event(EventKind.ACTIVITY, lead_id="L1", rep_id="r2"),
        event(EventKind.LEAD, lead_id="L1"),
        event(EventKind.LEAD, lead_id=f"{PREFIX}0123456789abcdef"),
        change("lead", "L1", "stage", "won"),
        change("rep", "r1", "team", "north"),
    ]
    others = [
        event(EventKind.ACTIVITY, lead_id="L2", rep_id="r2"),
        event(EventKind.ACTIVITY, lead_id=None, rep_id=None),
        change("lead", "L2", "stage", "won"),
    ]
    assert without_forgotten([*about, *others], GONE) == others


def test_a_forgotten_rep_is_a_pseudonym_in_rows_about_others() -> None:
    """What they did on a lead still counts, under no name; nobody else's is touched."""
    rows = [
        event(EventKind.ACTIVITY, lead_id="L2", rep_id="r1", type="call"),
        change("lead", "L2", "rep_id", "r1"),
        change("lead", "L2", "rep_id", "r2"),
    ]
    first, second, third = without_forgotten(rows, GONE)
    alias = GONE.pseudonym("rep", "r1")
    assert (first.row["rep_id"], first.row["type"]) == (alias, "call")
    assert (second.row["value"], third) == (alias, rows[2])


def test_without_anybody_forgotten_nothing_changes() -> None:
    """The rows come back as they are."""
    rows = [event(EventKind.ACTIVITY, lead_id="L1", rep_id="r1")]
    assert without_forgotten(rows, Forgotten()) == rows
