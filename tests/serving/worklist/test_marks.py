"""Laws of what people said: the newest that was not taken back, until its time, by local days."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from listed import leads_of_a_rep, lots

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.params import WorklistParams
from serving.store.actions import Absence, Act, KeptAction
from serving.worklist.day import make_day
from serving.worklist.marks import BusinessDay, comes_back_at, marks_of
from serving.worklist.pools import pools_of
from serving.worklist.rules import EVERYBODY

NOW = datetime(2026, 5, 20, 22, 30)
TODAY = BusinessDay.at(NOW, "Europe/Berlin")


def action(key: str, act: Act, at: datetime = NOW, **more: object) -> KeptAction:
    """An action on lead L1, unless told otherwise."""
    fields = {"lead_id": "L1", "by": "Ann", **more}
    return KeptAction(key=key, action=act, at=at, **fields)  # type: ignore[arg-type] # made of kwargs


def test_the_business_has_a_day_of_its_own() -> None:
    """Half past ten in the evening UTC is tomorrow in Berlin, and today in New York."""
    assert TODAY.day == date(2026, 5, 21)
    assert BusinessDay.at(NOW, "America/New_York").day == date(2026, 5, 20)


@pytest.mark.parametrize(
    ("as_of", "now", "day"),
    [
        (datetime(2026, 11, 27), datetime(2026, 11, 27, 8), date(2026, 11, 27)),
        (datetime(2026, 11, 28), datetime(2026, 11, 30, 8), date(2026, 11, 30)),
        (datetime(2026, 6, 30), datetime(2026, 11, 27, 8), date(2026, 6, 30)),
        (datetime(2026, 11, 28), datetime(2026, 11, 27, 8), date(2026, 11, 28)),
    ],
)
def test_today_is_the_data_s_day_where_data_are_old(
    as_of: datetime, now: datetime, day: date
) -> None:
    """Fresh data: the wall's day. Old data, or a clock behind them: the day on which they end."""
    assert BusinessDay.of_data(as_of, now, "UTC").day == day


@pytest.mark.parametrize("seed", range(10))
def test_an_undo_restores_what_was_before(seed: int) -> None:
    """Whatever was said, said again and undone, is as if it had never been said."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    acts = [Act.DONE, Act.SKIP, Act.SNOOZE, Act.WRONG]
    said = [
        action(
            f"k{number}", chance.choice(acts), NOW - timedelta(hours=9 - number),
            lead_id=f"L{chance.randrange(3)}", until=NOW + timedelta(days=chance.randrange(-2, 3)),
        )
        for number in range(8)
    ]  # fmt: skip
    gone = chance.choice(said)
    undo = action("undo", Act.UNDO, lead_id=gone.lead_id, undoes=gone.key)
    without = [row for row in said if row is not gone]
    assert marks_of([*said, undo], [], TODAY, 30) == marks_of(without, [], TODAY, 30)
    assert marks_of(said, [], TODAY, 30) != marks_of(said[:-1], [], TODAY, 30)


def test_a_lead_is_aside_until_its_time() -> None:
    """A snooze by its moment, a wrong lead by its own moment or the days of the settings."""
    snoozed = action("s", Act.SNOOZE, until=NOW + timedelta(hours=1))
    assert comes_back_at(snoozed, 30) == snoozed.until
    assert comes_back_at(action("w", Act.WRONG), 30) == NOW + timedelta(days=30)
    assert comes_back_at(action("d", Act.DONE), 30) is None
    for hours, is_aside in ((0, True), (1, False), (2, False)):
        moment = replace(TODAY, moment=NOW + timedelta(hours=hours))
        assert ("L1" in marks_of([snoozed], [], moment, 30).aside) == is_aside


def test_done_counts_by_the_business_s_day() -> None:
    """A call at half past ten UTC was made on the next day in Berlin."""
    marks = marks_of([action("d", Act.DONE), action("s", Act.SKIP)], [], TODAY, 30)
    assert marks.done_on == {"L1": date(2026, 5, 21)}
    assert marks.standing["L1"].action is Act.SKIP


def test_a_rep_is_away_on_the_first_day_and_on_the_last() -> None:
    """Both days belong to the absence, the days beside them do not."""
    away = [Absence("a", "r1", date(2026, 5, 21), date(2026, 5, 22))]
    days = {
        day: marks_of([], away, replace(TODAY, day=date(2026, 5, day)), 30).away
        for day in range(20, 24)
    }
    assert days == {20: set(), 21: {"r1"}, 22: {"r1"}, 23: set()}


REPS = [
    {"rep_id": "r1", "manager_id": "m1", "left_at": None},
    {"rep_id": "r2", "manager_id": "m1", "left_at": datetime(2026, 3, 1)},
    {"rep_id": "m1", "manager_id": "boss", "left_at": None},
    {"rep_id": "boss", "manager_id": None, "left_at": None},
    {"rep_id": "c1", "manager_id": "c2", "left_at": datetime(2026, 1, 5)},
    {"rep_id": "c2", "manager_id": "c1", "left_at": datetime(2026, 1, 5)},
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Reps, managers of managers, and two who manage each other."""
    home = tmp_path_factory.mktemp("pools")
    (home / "source").mkdir()
    leads = [{"lead_id": "L1", "created_at": datetime(2026, 1, 1)}]
    for name, rows in (("reps", REPS), ("leads", leads)):
        pq.write_table(pa.Table.from_pylist(rows), home / "source" / f"{name}.parquet")
    ingest(str(home / "source"), home, FeatureParams(), data_until=datetime(2026, 5, 20))
    return Warehouse.duckdb(current(home))


def test_leads_of_whoever_is_gone_are_the_next_manager_s(warehouse: Warehouse) -> None:
    """Who left counts from then on; an absent manager's pool goes one up; circles end."""
    at = datetime(2026, 5, 1)
    before = datetime(2026, 3, 1)
    circle = {"c1": EVERYBODY, "c2": EVERYBODY}
    assert pools_of(warehouse, at, set()) == {"r2": "m1", **circle}
    assert pools_of(warehouse, before, set()) == circle
    assert pools_of(warehouse, at, {"m1"}) == {"m1": "boss", "r2": "boss", **circle}
    assert pools_of(warehouse, at, {"m1", "boss", "nobody"}) == {
        "r2": EVERYBODY, "m1": EVERYBODY, "boss": EVERYBODY, "nobody": EVERYBODY, **circle,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_a_pool_is_one_order_of_several_owners(seed: int) -> None:
    """Of two owners' leads those worth most are listed, and no lead that is set aside."""
    leads = [
        replace(lead, pool_of="m1", is_set_aside=number % 5 == 0)
        for rep in ("r1", "r2")
        for number, lead in enumerate(leads_of_a_rep(seed, 20, rep))
    ]
    params = WorklistParams(calls_a_day=8, long_tail=0)
    listed = make_day(leads, lots(0), params, NOW.date()).listings
    able = [lead for lead in leads if lead.may_be_listed]
    best = sorted(able, key=lambda lead: (-lead.priority, lead.lead_id))[:8]
    assert [row.lead_id for row in listed] == [lead.lead_id for lead in best]
    assert {row.pool_of for row in listed} == {"m1"}
    assert {row.rep_id for row in listed} == {"r1", "r2"}
    assert [row.position for row in listed] == list(range(1, 9))
