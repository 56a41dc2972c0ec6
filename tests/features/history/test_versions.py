"""How deals and leads stood, by hand: what was shown from when to when, and who owned it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from by_hand import MICRO, Opened, answer, day, deal
from extract import Row, lead, touch

from features.history.versions import deal_versions, lead_versions
from features.snapshot import NEVER


def change(
    field: str, value: str | None, changed: float, known: float | None = None, of: str = "deal x"
) -> Row:
    """Write a change of the deal (or lead) `x`."""
    kind, entity = of.split()
    row = {"entity_type": kind, "entity_id": entity, "field": field, "value": value}
    return {**row, "changed_at": day(changed), "known_at": day(changed if known is None else known)}


def versions(
    opened: Opened, deals: Sequence[Row], changes: Sequence[Row], *columns: str, **more: Any
) -> list[Any]:
    """Lay out deals; moments come as `valid_from, valid_to` beside the columns asked for."""
    with opened(deals=list(deals), changes=list(changes), **more) as warehouse:
        return answer(warehouse, deal_versions(warehouse), "valid_from", "valid_to", *columns)


def test_a_deal_without_a_story_has_one_version(opened: Opened) -> None:
    """From its creation on, without end, as its columns show it."""
    rows = versions(opened, [deal("x", 3)], [], "owner", "stage", "amount", "ended", "won")
    assert rows == [(day(3), NEVER, "a", None, 100.0, 0, 0)]


def test_an_end_begins_a_version_of_its_own(opened: Opened) -> None:
    """Open up to the moment at which it closed, then won or lost for good."""
    for won in (True, False):
        rows = versions(opened, [deal("x", 3, 9, won=won)], [], "ended", "won")
        assert rows == [(day(3), day(9), 0, 0), (day(9), NEVER, 1, int(won))]


def test_an_end_before_the_beginning_counts_as_the_beginning(opened: Opened) -> None:
    """Dates without times of day may lie so; the deal is never open."""
    assert versions(opened, [deal("x", 3, 2)], [], "ended") == [(day(3), NEVER, 1)]


def test_a_change_that_is_shown_late_displaces_nothing(opened: Opened) -> None:
    """The stage of day 4 is shown on day 9, when that of day 6 has been shown already."""
    changes = [
        change("stage", "new", 2),
        change("stage", "offer", 4, known=9),
        change("stage", "talk", 6),
    ]
    assert versions(opened, [deal("x", 1)], changes, "stage") == [
        (day(1), day(2), None),
        (day(2), day(6), "new"),
        (day(6), day(9), "talk"),
        (day(9), NEVER, "talk"),
    ]


def test_a_change_that_is_shown_early_waits_for_its_event(opened: Opened) -> None:
    """Both clocks count: what is planned for day 6 is not so on day 2."""
    rows = versions(opened, [deal("x", 1)], [change("stage", "talk", 6, known=2)], "stage")
    assert rows == [(day(1), day(6), None), (day(6), NEVER, "talk")]


def test_a_change_from_before_the_deal_is_seen_with_it(opened: Opened) -> None:
    """No version begins before the deal exists."""
    rows = versions(opened, [deal("x", 5)], [change("stage", "new", 2)], "stage")
    assert rows == [(day(5), NEVER, "new")]


def test_of_two_values_of_one_moment_the_greater_text_counts(opened: Opened) -> None:
    """An empty one is the least, and the order of rows is of no matter."""
    changes = [change("stage", value, 2) for value in ("new", None, "talk", "offer")]
    for rows in (changes, changes[::-1]):
        assert versions(opened, [deal("x", 1)], rows, "stage")[-1] == (day(2), NEVER, "talk")


def test_an_emptied_field_is_empty(opened: Opened) -> None:
    """Of an emptied owner neither the own column nor an earlier owner comes back."""
    changes = [
        change("amount", None, 2),
        change("rep_id", "b", 2),
        change("rep_id", None, 4),
        change("expected_close_at", None, 4),
    ]
    deals = [deal("x", 1, expected_close_at=day(90))]
    columns = ("owner", "amount", "thousandths", "expected_close_at")
    assert versions(opened, deals, changes, *columns) == [
        (day(1), day(2), "a", 100.0, 100_000, day(90)),
        (day(2), day(4), "b", None, None, day(90)),
        (day(4), NEVER, None, None, None, None),
    ]


def test_where_owners_have_a_history_work_names_the_owner_before_it_is_shown(
    opened: Opened,
) -> None:
    """Of two at one moment the lesser id; no longer once an owner was shown, emptied or not."""
    changes = [change("rep_id", "b", 6, known=7), change("rep_id", None, 9)]
    touches = [
        {**touch("L", day(moment), rep_id=rep), "deal_id": "x"}
        for moment, rep in ((2, "d"), (4, "e"), (4, "c"), (8, "f"), (10, "g"))
    ]
    touches.append({**touch("L", day(5), rep_id="h"), "deal_id": "other"})
    touches.append({**touch("L", day(5), rep_id="h"), "deal_id": None})
    touches.append({**touch("L", day(5), rep_id="i"), "deal_id": "x", "known_at": day(12)})
    own = deal("x", 1, rep_id=None)
    more = {"histories": ["deal rep_id"], "activities": touches}
    assert versions(opened, [own], changes, "owner", **more) == [
        (day(1), day(2), None),
        (day(2), day(4), "d"),
        (day(4), day(7), "c"),
        (day(7), day(9), "b"),
        (day(9), NEVER, None),
    ]
    from_creation = [change("rep_id", "b", 1), *changes[1:]]
    assert versions(opened, [own], from_creation, "owner", **more) == [
        (day(1), day(9), "b"),
        (day(9), NEVER, None),
    ]


def test_what_a_deal_belongs_to_is_read_from_its_history(opened: Opened) -> None:
    """Its lead and its account as they were shown; without a history, the own columns."""
    changes = [
        change("lead_id", "L", 1),
        change("lead_id", "M", 5),
        change("account_id", "A", 3),
        change("account_id", None, 5),
    ]
    columns = ("lead_id", "account_id")
    more = {"histories": ["deal lead_id", "deal account_id"]}
    assert versions(opened, [deal("x", 1)], changes, *columns, **more) == [
        (day(1), day(3), "L", None),
        (day(3), day(5), "L", "A"),
        (day(5), NEVER, "M", None),
    ]
    own = deal("x", 1, lead_id="N", account_id="B")
    assert versions(opened, [own], [], *columns) == [(day(1), NEVER, "N", "B")]


def test_values_are_read_as_what_they_are(opened: Opened) -> None:
    """Amounts are numbers, dates are moments, and what cannot be read is empty."""
    changes = [
        change("amount", "12.5", 2),
        change("expected_close_at", "2024-03-01T06:00", 2),
        change("amount", "a lot", 3),
        change("expected_close_at", "soon", 3),
    ]
    rows = versions(opened, [deal("x", 1)], changes, "thousandths", "expected_close_at")
    assert rows[1:] == [(day(2), day(3), 12_500, day(60.25)), (day(3), NEVER, None, None)]


def test_changes_of_others_do_not_count(opened: Opened) -> None:
    """Not of another deal, nor of a lead with the same id, nor of a field without a meaning."""
    changes = [
        change("stage", "won", 2, of="deal y"),
        change("stage", "won", 2, of="lead x"),
        change("colour", "red", 2),
    ]
    assert versions(opened, [deal("x", 1)], changes, "stage") == [(day(1), NEVER, None)]


@pytest.mark.parametrize("seed", range(3))
def test_every_moment_of_a_deal_has_exactly_one_version(opened: Opened, seed: int) -> None:
    """Versions follow each other without a gap from the creation on, whatever is shown when."""
    rng = Random(seed)  # noqa: S311 - no secret
    deals = [
        deal(f"d{n}", rng.randrange(5), rng.choice([None, rng.randrange(20)])) for n in range(6)
    ]
    changes = [
        change(
            rng.choice(["stage", "amount", "rep_id"]),
            rng.choice([None, "1", "2"]),
            rng.randrange(20),
            rng.choice([None, rng.randrange(25)]),
            of=f"deal d{rng.randrange(6)}",
        )
        for _ in range(40)
    ]
    with opened(deals=deals, changes=changes) as warehouse:
        rows = answer(warehouse, deal_versions(warehouse), "deal_id", "valid_from", "valid_to")
    for row in deals:
        own = [(start, end) for deal_id, start, end in rows if deal_id == row["deal_id"]]
        assert own[0][0] == row["created_at"]
        assert own[-1][1] == NEVER
        assert [end for _, end in own[:-1]] == [start for start, _ in own[1:]]
        assert all(start < end for start, end in own)


def owners(opened: Opened, leads: list[Row], **tables: list[Row]) -> list[Any]:
    """Lay out leads: from when on they have which owner."""
    with opened(leads=leads, **tables) as warehouse:
        return answer(warehouse, lead_versions(warehouse), "valid_from", "owner")


def test_a_lead_belongs_to_its_rep_until_it_is_handed_over(opened: Opened) -> None:
    """An emptied owner leaves it to nobody, whoever works on it."""
    changes = [
        change("rep_id", "b", 4, known=6, of="lead x"),
        change("rep_id", None, 8, of="lead x"),
    ]
    rows = owners(opened, [lead("x", day(1), rep_id="a")], changes=changes)
    assert rows == [(day(1), "a"), (day(6), "b"), (day(8), None)]
    touches = [touch("x", day(moment), rep_id="c") for moment in (2, 7, 9)]
    rows = owners(opened, [lead("x", day(1))], changes=changes, activities=touches)
    assert rows == [(day(1), None), (day(2), "c"), (day(6), "b"), (day(8), None)]


def test_a_lead_without_a_rep_belongs_to_who_worked_on_it_last(opened: Opened) -> None:
    """Of two at one moment, to the lesser id; work on a lead with a rep changes no owner."""
    touches = [
        touch("x", day(3), rep_id="c"),
        touch("x", day(5), rep_id="d"),
        touch("x", day(5), rep_id="b"),
        touch("x", day(7)),
        touch("y", day(3), rep_id="c"),
    ]
    leads = [lead("x", day(1)), lead("y", day(2), rep_id="a")]
    rows = owners(opened, leads, activities=touches)
    assert rows == [(day(1), None), (day(2), "a"), (day(3), "c"), (day(5), "b")]


def test_of_two_ends_of_a_lead_the_first_counts(opened: Opened) -> None:
    """Of a win and a loss at one moment, the win."""
    leads = [
        lead("won first", day(1), converted_at=day(5), lost_at=day(6)),
        lead("lost first", day(1), converted_at=day(6), lost_at=day(6 - MICRO)),
        lead("both", day(1), converted_at=day(5), lost_at=day(5)),
        lead("open", day(1)),
    ]
    with opened(leads=leads) as warehouse:
        rows = lead_versions(warehouse)
        ended = answer(warehouse, rows.filter(rows.ended == 1), "lead_id", "valid_from", "won")
    assert ended == [
        ("both", day(5), 1),
        ("lost first", day(6 - MICRO), 0),
        ("won first", day(5), 1),
    ]


DELETIONS = {name: {"deleted_at": pa.timestamp("us")} for name in ("deals", "changes")}


def test_with_its_deletion_a_deals_versions_are_over(opened: Opened) -> None:
    """Open or won: the last version ends then, and none begins afterwards."""
    won = {**deal("x", 3, 9), "deleted_at": day(12)}
    rows = versions(opened, [won], [], "ended", attributes=DELETIONS)
    assert rows == [(day(3), day(9), 0), (day(9), day(12), 1)]
    late = {**deal("x", 3, 9), "deleted_at": day(5)}
    assert versions(opened, [late], [], "ended", attributes=DELETIONS) == [(day(3), day(5), 0)]


def test_once_a_change_is_deleted_the_one_before_it_holds(opened: Opened) -> None:
    """Of those that are left, the last counts; the field is as it was where none is left."""
    changes = [
        {**change("stage", "new", 4), "deleted_at": day(20)},
        {**change("stage", "offer", 6), "deleted_at": day(9)},
    ]
    assert versions(opened, [deal("x", 3)], changes, "stage", attributes=DELETIONS) == [
        (day(3), day(4), None),
        (day(4), day(6), "new"),
        (day(6), day(9), "offer"),
        (day(9), day(20), "new"),
        (day(20), NEVER, None),
    ]
