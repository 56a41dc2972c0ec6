"""The one door, function by function: half-open on both clocks, to the microsecond."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from by_hand import (
    DAY_0,
    MICRO,
    Opened,
    answer,
    day,
    days_us,
    deal,
    quota,
    snapshots,
    spine_of,
    table,
)
from extract import lead, touch

from features.errors import InputError
from features.snapshot import (
    AVAILABLE_AT,
    CUTOFF,
    ENTITY,
    EVENT_TIME,
    SNAPSHOT,
    as_of_extract,
    as_of_join,
    censor,
    cutoff_table,
    grid,
    hired,
    observable,
    open_leads,
    quotas_at,
    versions_at,
    visible,
    within,
)
from features.tables import ACCOUNTS, ACTIVITIES, DEALS, LEADS, QUOTAS, REPS


def test_a_row_is_visible_once_both_clocks_lie_before_the_cutoff(opened: Opened) -> None:
    """At the cutoff an event, and a row that is shown then, are not seen yet."""
    rows = [
        touch("before", day(10 - MICRO)),
        touch("at", day(10)),
        touch("shown before", day(3), known_at=day(10 - MICRO)),
        touch("shown at", day(3), known_at=day(10)),
        touch("planned", day(11), known_at=day(3)),
    ]
    with opened(activities=rows) as warehouse:
        activities = warehouse["activities"]
        seen = activities.filter(visible(activities, ACTIVITIES, day(10)))
        assert answer(warehouse, seen, "lead_id") == ["before", "shown before"]


def test_a_quota_is_visible_at_the_moment_it_is_known(opened: Opened) -> None:
    """Quotas are the one exception to half-open: known at the cutoff is known."""
    rows = [
        quota("at", 10, 20),
        quota("later", 10 + MICRO, 20),
        quota("told", 50, 60, known_at=day(9)),
    ]
    with opened(quotas=rows) as warehouse:
        quotas = warehouse["quotas"]
        seen = quotas.filter(visible(quotas, QUOTAS, day(10)))
        assert answer(warehouse, seen, "rep_id") == ["at", "told"]


def test_a_rep_without_a_date_of_hire_is_known(opened: Opened) -> None:
    """A rep hired at the cutoff is not known yet; one of no known date always is."""
    reps = [
        {"rep_id": "before", "hired_at": day(10 - MICRO)},
        {"rep_id": "at", "hired_at": day(10)},
        {"rep_id": "no date"},
    ]
    with opened(reps=reps) as warehouse:
        rows = warehouse["reps"]
        assert answer(warehouse, rows.filter(hired(rows, day(10))), "rep_id") == [
            "before",
            "no date",
        ]


def test_the_end_of_a_story_is_emptied_at_or_after_the_cutoff(opened: Opened) -> None:
    """How a deal ended goes with the moment at which it did."""
    rows = [deal("before", closed=10 - MICRO), deal("at", closed=10), deal("open")]
    with opened(deals=rows) as warehouse:
        censored = censor(warehouse["deals"], DEALS, day(10))
        assert answer(warehouse, censored, "deal_id", "closed_at", "won") == [
            ("at", None, None),
            ("before", day(10 - MICRO), True),
            ("open", None, None),
        ]


def test_every_end_of_a_lead_is_emptied_by_itself(opened: Opened) -> None:
    """A wish not to be called may be visible while the conversion is not."""
    ends = {"converted_at": day(12), "lost_at": day(10), "do_not_contact_at": day(9)}
    with opened(leads=[lead("x", day(1), **ends)]) as warehouse:
        censored = censor(warehouse["leads"], LEADS, day(10))
        assert answer(warehouse, censored, *ends) == [(None, None, day(9))]


def test_a_table_without_an_end_is_left_alone(opened: Opened) -> None:
    """There is nothing to empty in activities."""
    with opened(activities=[touch("x", day(1))]) as warehouse:
        assert censor(warehouse["activities"], ACTIVITIES, day(0)) is warehouse["activities"]


def test_an_extract_as_of_a_moment_has_fewer_rows_and_emptier_ones(opened: Opened) -> None:
    """Rows at or after the moment are gone, ends at or after it are emptied."""
    rows = [lead("old", day(1), converted_at=day(10)), lead("new", day(10))]
    with opened(leads=rows) as warehouse:
        past = as_of_extract(warehouse["leads"], LEADS, day(10))
        assert answer(warehouse, past, "lead_id", "converted_at") == [("old", None)]


def test_reps_are_never_left_out_of_an_extract(opened: Opened) -> None:
    """The reps table has no clock; only when somebody left is emptied."""
    reps = [{"rep_id": "x", "hired_at": day(50), "left_at": day(60)}]
    with opened(reps=reps) as warehouse:
        past = as_of_extract(warehouse["reps"], REPS, day(10))
        assert answer(warehouse, past, "rep_id", "left_at") == [("x", None)]


def test_each_snapshot_meets_the_rows_it_sees(opened: Opened) -> None:
    """Two cutoffs of one lead see one row and two; ages are counted back from the cutoff."""
    rows = [touch("x", day(1)), touch("x", day(5)), touch("y", day(1))]
    taken = snapshots((4, "x"), (6, "x"), lead_id="string")
    with opened(activities=rows) as warehouse:
        joined = as_of_join(taken, warehouse["activities"], ACTIVITIES, "lead_id")
        ages = answer(warehouse, joined, SNAPSHOT, "age_us")
    assert ages == [(0, 3 * 86_400e6), (1, 1 * 86_400e6), (1, 5 * 86_400e6)]


def test_a_table_without_a_clock_cannot_be_joined(opened: Opened) -> None:
    """Accounts have no event time: to ask for their history is an error."""
    with (
        opened(accounts=[]) as warehouse,
        pytest.raises(InputError, match=r"accounts .*event time"),
    ):
        as_of_join(
            snapshots((1, "x"), account_id="string"), warehouse["accounts"], ACCOUNTS, "account_id"
        )


def test_every_row_that_any_snapshot_sees_comes_once(opened: Opened) -> None:
    """A row is available from the later of its clocks; what no snapshot sees does not come."""
    rows = [
        touch("x", day(1)),
        touch("x", day(3), known_at=day(7)),
        touch("x", day(3), known_at=day(2)),
        touch("x", day(9)),
        touch("nobody", day(1)),
    ]
    taken = snapshots((4, "a"), (4, "x"), (9, "x"), lead_id="string")
    with opened(activities=rows) as warehouse:
        seen = observable(taken, warehouse["activities"], ACTIVITIES, "lead_id")
        assert answer(warehouse, seen, ENTITY, EVENT_TIME, AVAILABLE_AT) == [
            (1, day(1), day(1)),
            (1, day(3), day(3)),
            (1, day(3), day(7)),
        ]


def test_a_lead_is_open_after_its_creation_and_up_to_its_end(opened: Opened) -> None:
    """Created at the cutoff is too late; ended at the cutoff is still open."""
    rows = [
        lead("created at", day(10)),
        lead("created before", day(10 - MICRO)),
        lead("won before", day(1), converted_at=day(10 - MICRO)),
        lead("lost at", day(1), lost_at=day(10)),
    ]
    with opened(leads=rows) as warehouse:
        leads = open_leads(warehouse["leads"], cutoff_table([day(10)]))
        assert answer(warehouse, leads, "lead_id", "lost_at") == [
            ("created before", None),
            ("lost at", None),
        ]


def test_a_column_of_the_name_of_the_cutoff_is_left_aside(opened: Opened) -> None:
    """An extract may have a column `Cutoff`; the moment that is asked about wins."""
    rows = [{**lead("x", day(1)), "Cutoff": "last"}]
    with opened(leads=rows, attributes={"leads": {"Cutoff": pa.string()}}) as warehouse:
        leads = open_leads(warehouse["leads"], cutoff_table([day(10)]))
        assert answer(warehouse, leads, "lead_id", CUTOFF) == [("x", day(10))]


VERSIONS = {"owner": "string", "valid_from": "day", "valid_to": "day", "stage": "string"}


def test_a_version_is_valid_after_its_beginning_and_up_to_its_end(opened: Opened) -> None:
    """Each cutoff meets one of two versions that follow each other; at the seam, the earlier."""
    versions = table(VERSIONS, ("a", 1, 5, "new"), ("a", 5, 9, "offer"))
    taken = snapshots(
        (1, "a"), (1 + MICRO, "a"), (5, "a"), (5 + MICRO, "a"), (9, "a"), (10, "a"), rep_id="string"
    )
    with opened() as warehouse:
        rows = versions_at(taken, versions, "rep_id")
        assert answer(warehouse, rows, SNAPSHOT, "stage") == [
            (1, "new"),
            (2, "new"),
            (3, "offer"),
            (4, "offer"),
        ]


def test_versions_are_met_by_their_owner_or_by_everybody(opened: Opened) -> None:
    """With a key only the owner's versions are met, without one all are; columns are carried."""
    versions = table(VERSIONS, ("a", 1, 9, "new"), ("b", 1, 9, "offer"), (None, 1, 9, "lost"))
    taken = snapshots((5, "a", 7), rep_id="string", period="int64")
    with opened() as warehouse:
        own = versions_at(taken, versions, "rep_id", ("period",))
        assert answer(warehouse, own, "period", "stage") == [(7, "new")]
        assert answer(warehouse, versions_at(taken, versions, None), "stage") == [
            "lost",
            "new",
            "offer",
        ]


@pytest.mark.parametrize(
    ("cutoff", "running", "ended"),
    [
        (10, ["first"], []),
        (20 - MICRO, ["first"], []),
        (20, ["second"], ["first"]),
        (30, [], ["first", "second"]),
    ],
)
def test_a_period_runs_from_its_start_and_ends_at_its_end(
    opened: Opened, cutoff: float, running: list[str], ended: list[str]
) -> None:
    """At the seam of two periods the first has ended and the second runs."""
    rows = [quota("first", 10, 20), quota("second", 20, 30)]
    with opened(quotas=rows) as warehouse:
        moments = cutoff_table([day(cutoff)])
        for is_ended, expected in ((False, running), (True, ended)):
            quotas = quotas_at(warehouse["quotas"], moments, ended=is_ended)
            assert answer(warehouse, quotas, "rep_id") == expected


def test_the_last_known_revision_of_a_quota_counts(opened: Opened) -> None:
    """A revision counts from the moment it is known; of two at one moment, the greater."""
    rows = [
        quota("a", 10, 20, 100.0),
        quota("a", 10, 20, 200.0, known_at=day(12)),
        quota("a", 10, 20, 150.0, known_at=day(12)),
        quota("a", 10, 20, 300.0, known_at=day(15)),
    ]
    with opened(quotas=rows) as warehouse:
        cutoffs = cutoff_table([day(11), day(12), day(14), day(15)])
        quotas = quotas_at(warehouse["quotas"], cutoffs, ended=False)
        assert answer(warehouse, quotas, CUTOFF, "quota") == [
            (day(11), 100.0),
            (day(12), 200.0),
            (day(14), 200.0),
            (day(15), 300.0),
        ]


def test_the_start_of_a_period_belongs_to_it_and_its_end_does_not() -> None:
    """Half-open, like everything else."""
    assert [within(moment, 10, 20) for moment in (9, 10, 19, 20)] == [False, True, True, False]


def test_snapshots_of_an_entity_stand_together() -> None:
    """Each snapshot knows its entity's first and the one after its entity's last."""
    spine = spine_of([1, 2, 3], [5], [1, 9])
    assert len(spine) == 6
    assert spine.entity.tolist() == [0, 0, 0, 3, 4, 4]
    assert spine.end.tolist() == [3, 3, 3, 4, 6, 6]
    assert set(spine.created.tolist()) == set(days_us([0]).tolist())


@pytest.mark.parametrize("seed", range(5))
def test_the_first_snapshot_after_a_moment_is_the_one_a_walk_finds(seed: int) -> None:
    """Strictly after; the search keeps to its bounds, and says the upper one if there is none."""
    rng = np.random.default_rng(seed)
    cutoffs = [np.sort(rng.choice(40, rng.integers(1, 12), replace=False)) for _ in range(20)]
    spine = spine_of(*cutoffs)
    entity = rng.choice(spine.entity, 200)
    low = entity + rng.integers(0, spine.end[entity] - entity)
    moments = days_us(rng.integers(-1, 42, 200).tolist())
    found = spine.first_after(moments, low, spine.end[entity])
    for moment, start, stop, place in zip(moments, low, spine.end[entity], found, strict=True):
        walk = (number for number in range(start, stop) if spine.cutoff[number] > moment)
        assert place == next(walk, stop)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_parts_cover_all_snapshots_and_split_no_entity(size: int) -> None:
    """Laid side by side, the parts are the whole; each numbers its own snapshots from 0."""
    spine = spine_of([1, 2, 3], [5], [1, 9], [4, 5, 6, 7])
    parts = list(spine.parts(size))
    assert np.concatenate([part.cutoff for part in parts]).tolist() == spine.cutoff.tolist()
    whole = np.concatenate([part.entity + part.offset for part in parts])
    assert whole.tolist() == spine.entity.tolist()
    assert all(part.entity[0] == 0 and part.end[-1] == len(part) for part in parts)


@pytest.mark.parametrize(
    ("end", "every", "days"),
    [(0, 7, [0]), (6, 7, [0]), (7, 7, [0, 7]), (15, 7, [0, 7, 14]), (3, 1, [0, 1, 2, 3])],
)
def test_a_grid_starts_at_its_first_midnight_and_keeps_its_step(
    end: int, every: int, days: list[int]
) -> None:
    """The end counts if the step reaches it; times of day are cut off."""
    noon = timedelta(hours=12)
    assert grid(DAY_0 + noon, day(end) + noon, every) == [day(number) for number in days]


@pytest.mark.parametrize(
    ("bounds", "every", "said"),
    [((0, 5), 0, "must be 1 day or more, it was 0"), ((5, 4), 1, "2024-01-05 .*2024-01-06")],
)
def test_a_grid_that_leads_nowhere_is_refused(bounds: Any, every: int, said: str) -> None:
    """A step below a day and an end before the start are errors that name what was given."""
    with pytest.raises(InputError, match=said):
        grid(day(bounds[0]), day(bounds[1]), every)


def test_cutoffs_are_asked_about_once_and_in_order(opened: Opened) -> None:
    """Asked twice is looked at once."""
    moments: list[datetime] = [day(3), day(1), day(3)]
    with opened() as warehouse:
        assert warehouse.arrow(cutoff_table(moments))[CUTOFF].to_pylist() == [day(1), day(3)]
