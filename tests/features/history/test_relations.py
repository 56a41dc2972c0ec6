"""The rows features are made of: codes for categories, whole numbers, one end for each lead."""

from __future__ import annotations

import pyarrow as pa
import pytest
from by_hand import MICRO, Opened, answer, day, snapshots, table
from extract import change, lead, touch

from features.history.relations import SnapshotSet, code_of, resolved_leads, stages, touches
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import AVAILABLE_AT, ENTITY, EVENT_TIME

VOCABULARY = Vocabulary(
    types=("call", "mail"), directions=("out",), numbers=("size",), stages=("new", "talk")
)
TAKEN = snapshots((5, "x"), (9, "x"), (9, "y"), lead_id="string")


@pytest.mark.parametrize(
    ("categories", "codes"),
    [(("a", "b"), [None, 0, 1, 2]), (("b",), [None, 1, 0, 1]), ((), [None, 0, 0, 0])],
)
def test_a_category_is_its_place_in_the_list(
    opened: Opened, categories: tuple[str, ...], codes: list[int | None]
) -> None:
    """Every other one has the place after the last; what is empty stays empty."""
    rows = table({"place": "int64", "name": "string"}, *enumerate([None, "a", "b", "c"]))
    with opened() as warehouse:
        numbered = rows.mutate(code=code_of(rows.name, categories))
        assert [code for _, code in answer(warehouse, numbered, "place", "code")] == codes


def test_touches_are_whole_numbers_with_both_clocks(opened: Opened) -> None:
    """Durations and further numbers in thousandths, categories as codes, a day for each."""
    rows = [
        touch("x", day(1), "mail", direction="out", duration_s=1.5, size="2", rep_id="a"),
        touch("x", day(4), "fax", direction="in", known_at=day(7), size="big"),
        touch("z", day(1)),
        {**touch("x", day(1)), "lead_id": None},
    ]
    with opened(activities=rows, attributes={"activities": {"size": pa.string()}}) as warehouse:
        seen = touches(SnapshotSet(warehouse, TAKEN, VOCABULARY, FeatureParams()))
        columns = (
            ENTITY,
            EVENT_TIME,
            AVAILABLE_AT,
            "type",
            "direction",
            "duration",
            "number__size",
        )
        assert answer(warehouse, seen, *columns, "rep_id") == [
            (0, day(1), day(1), 1, 0, 1500, 2000, "a"),
            (0, day(4), day(7), 2, 1, None, None, None),
        ]
        days = warehouse.arrow(seen.select("day"))["day"].to_pylist()
        assert sorted(days) == [day(1).date(), day(4).date()]


def test_stages_are_the_changes_of_that_field(opened: Opened) -> None:
    """Numbered in the order of the vocabulary; a deal's stages and other fields are not there."""
    rows = [
        change("x", day(1), "stage", "talk"),
        change("x", day(2), "stage", "odd"),
        change("x", day(3), "stage", None),
        change("x", day(1), "city", "talk"),
        change("x", day(1), "stage", "talk", "deal"),
    ]
    with opened(changes=rows) as warehouse:
        seen = stages(SnapshotSet(warehouse, TAKEN, VOCABULARY, FeatureParams()))
        assert answer(warehouse, seen, ENTITY, EVENT_TIME, "stage") == [
            (0, day(1), 1),
            (0, day(2), 2),
            (0, day(3), None),
        ]


def test_a_lead_ends_once(opened: Opened) -> None:
    """At the first of its two ends; at one moment, it is won."""
    leads = [
        lead("open", day(0)),
        lead("won", day(0), converted_at=day(3), rep_id="a"),
        lead("lost", day(0), lost_at=day(4)),
        lead("won first", day(0), converted_at=day(5), lost_at=day(6)),
        lead("lost first", day(0), converted_at=day(6), lost_at=day(6 - MICRO)),
        lead("at once", day(0), converted_at=day(7), lost_at=day(7)),
    ]
    with opened(leads=leads) as warehouse:
        ended = resolved_leads(warehouse)
        assert answer(warehouse, ended, "lead_id", "rep_id", "resolved_at", "won") == [
            ("at once", None, day(7), 1),
            ("lost", None, day(4), 0),
            ("lost first", None, day(6 - MICRO), 0),
            ("won", "a", day(3), 1),
            ("won first", None, day(5), 1),
        ]
