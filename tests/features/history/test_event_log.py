"""The rows of a history in order, whatever order they came in; and cut into parts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from by_hand import days_us, events, spine_of

from features.history.counts import WindowCounts
from features.history.event_log import PART, EventLog, parts_of
from features.snapshot import ENTITY

ROWS = [(0, 1, 1), (0, 4, 9), (0, 5, 5), (2, 2, 2), (2, 2, 7)]


@pytest.mark.parametrize("seed", range(4))
def test_rows_stand_by_entity_and_event_time(seed: int) -> None:
    """Shuffled rows come out in the same order, with their columns."""
    order = np.random.default_rng(seed).permutation(len(ROWS))
    rows = events([ROWS[place] for place in order], amount=[10 * int(place) for place in order])
    log = EventLog(spine_of([6, 12], [6, 12]), rows, [3])
    assert log.entity.tolist() == [0, 0, 0, 2, 2]
    assert log.event_time.tolist() == days_us([1, 4, 5, 2, 2]).tolist()
    assert log.amounts("amount")[:3].tolist() == [0, 10, 20]
    assert sorted(log.amounts("amount")[3:]) == [30, 40]


def test_each_row_knows_its_span() -> None:
    """From the first cutoff after both clocks, up to the last whose window holds it."""
    log = EventLog(spine_of([6, 12], [6, 12]), events(ROWS), [3, 10])
    # Available on days 1, 9, 5, 2 and 7; cutoffs on days 6 and 12 of each entity.
    assert log.start.tolist() == [0, 1, 0, 2, 3]
    assert log.stops[None].tolist() == [2, 2, 2, 4, 4]
    # 3 days after the events: days 4, 7, 8, 5 and 5. No span ends before it starts.
    assert log.stops[3].tolist() == [0, 1, 1, 2, 3]
    # 10 days after them: 11, 14, 15, 12 and 12, and day 12 is not after 12.
    assert log.stops[10].tolist() == [1, 2, 2, 4, 4]


def test_columns_say_what_is_empty() -> None:
    """Categories are -1, amounts 0, and both are told apart from what is filled."""
    columns = {
        "type": pa.array([2, None, 0], pa.int16()),
        "amount": pa.array([None, 5, 0], pa.int64()),
        "day": [date(1970, 1, 3), date(1, 1, 1), date(1970, 1, 3)],
    }
    log = EventLog(spine_of([9]), events([(0, 1, 1), (0, 2, 2), (0, 3, 3)], **columns), [])
    assert log.codes("type").tolist() == [2, -1, 0]
    assert log.amounts("amount").tolist() == [0, 5, 0]
    assert log.filled("amount").tolist() == [False, True, True]
    # Exports write the year 1 for "never": days count from there, for codes must not be negative.
    days = (date(1970, 1, 3) - date(1, 1, 1)).days
    assert log.codes("day").tolist() == [days, 0, days]


@pytest.mark.parametrize("shuffled", [False, True])
def test_parts_hold_all_snapshots_with_the_rows_of_their_entities(*, shuffled: bool) -> None:
    """Counted part by part, and counted at once: the same, also where rows lie in disorder."""
    entities = PART
    spine = spine_of(*[[5, 9]] * 50)
    spine = type(spine)(
        np.tile([False, True], entities),
        np.tile(spine.cutoff[:2], entities),
        np.tile(spine.age[:2], entities),
    )
    rng = np.random.default_rng(1)
    entity = np.sort(rng.integers(0, entities, 3000)) * 2
    if shuffled:
        entity = rng.permutation(entity)
    rows = events([(int(number), 6, 6) for number in entity])
    parts = list(parts_of(spine, rows))
    assert len(parts) > 1
    assert sum(len(own) for _, own in parts) == len(rows)
    counts = []
    for part, own in parts:
        numbers = own[ENTITY].to_numpy() - part.offset
        assert ((numbers >= 0) & (numbers < len(part))).all()
        renumbered = own.set_column(0, ENTITY, pa.array(numbers, pa.int32()))
        counts.append(WindowCounts(part, renumbered).count())
    assert (np.concatenate(counts) == WindowCounts(spine, rows).count()).all()
