"""Laws of the log of call lists and lots: one list a day, one lot at a time, no change."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from serving.store.database import Store
from serving.store.worklist import (
    Arm,
    DayList,
    Enrolment,
    Listing,
    LotState,
    Place,
    Why,
    WorklistLog,
)

AT = datetime(2026, 5, 20, 6, 0, 0, 7)
DAY = AT.date()


def lot(lead_id: str = "L1", number: int = 0, at: datetime = AT) -> Enrolment:
    """A lot that holds a lead out."""
    return Enrolment(
        lead_id, number, None, at, at + timedelta(days=30), Place.NEXT_IN_LINE, Arm.HELD_OUT, 0.5,
        0.1, 2_000.0, 12.5, "3",
    )  # fmt: skip


def listing(lead_id: str = "L2", day: date = DAY) -> Listing:
    """A place on a list."""
    as_of = datetime.combine(day, AT.time())
    return Listing(day, as_of, "Zoë", lead_id, 1, Why.LONG_TAIL, 12.5, "3")


def lists(*rows: Enrolment | Listing) -> DayList:
    """The lists of a day."""
    return DayList(
        [row for row in rows if isinstance(row, Listing)],
        [row for row in rows if isinstance(row, Enrolment)],
    )


@pytest.fixture
def log(tmp_path: Path) -> WorklistLog:
    """An empty log."""
    return WorklistLog(Store(tmp_path))


def test_what_was_written_comes_back(log: WorklistLog) -> None:
    """Every field of lists and lots."""
    assert log.of_day(DAY) == []
    assert log.once(DAY, "calls", lambda _: lists(lot(), listing())) == [listing()]
    assert log.of_day(DAY) == [listing()]
    assert log.enrolments() == [lot()]


def test_a_day_has_one_list(log: WorklistLog) -> None:
    """Whoever comes second gets the first one's list, and draws no lots."""
    log.once(DAY, "retrain", lambda _: lists(lot(), listing()))
    again = log.once(DAY, "calls", lambda _: lists(lot("L9"), listing("L8")))
    assert again == [listing()]
    assert log.enrolments() == [lot()]


def test_nothing_is_kept_for_a_day_before_the_newest(log: WorklistLog) -> None:
    """A list of an earlier day may be looked at, and that is all."""
    log.once(DAY, "calls", lambda _: lists(listing()))
    before = DAY - timedelta(days=1)
    early = [listing("L5", before)]
    assert log.once(before, "calls", lambda _: DayList(early, [lot("L5")])) == early
    assert (log.of_day(before), log.enrolments()) == ([], [])


def test_a_day_knows_only_what_came_before_it(log: WorklistLog) -> None:
    """The newest lot of each lead, its last day on a list, and the one secret."""
    log.once(DAY, "calls", lambda _: lists(lot(), listing()))
    after = AT + timedelta(days=31)
    second = lot("L1", 1, after)
    log.once(after.date(), "calls", lambda _: lists(second, listing("L3", after.date())))
    first = log.state(DAY)
    assert (first.enrolments, first.last_listed) == ({}, {})
    later = log.state(after.date())
    assert (later.enrolments, later.last_listed) == ({"L1": lot()}, {"L2": DAY})
    latest = log.state(after.date() + timedelta(days=1))
    assert latest.enrolments == {"L1": second}
    assert latest.last_listed == {"L2": DAY, "L3": after.date()}
    assert first.secret == later.secret == latest.secret
    assert len(first.secret) == 64


def test_all_is_written_or_nothing(log: WorklistLog) -> None:
    """A lead with two lots of one number breaks the list, and leaves no row of it."""
    with pytest.raises(IntegrityError, match="append-only"):
        log.once(DAY, "calls", lambda _: lists(listing(), lot(), lot()))
    assert (log.of_day(DAY), log.enrolments()) == ([], [])


def test_many_at_once_make_one_list(log: WorklistLog) -> None:
    """Of eight that come at the same time, one makes the list and all get it."""
    answers: list[list[Listing]] = []
    makers: list[int] = []

    def ask(number: int) -> None:
        def make(state: LotState) -> DayList:
            assert not state.enrolments
            makers.append(number)
            return lists(lot(f"L{number}"), listing(f"L{number}"))

        answers.append([*log.once(DAY, "calls", make)])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (maker,) = makers
    assert answers == [[listing(f"L{maker}")]] * 8
    assert log.enrolments() == [lot(f"L{maker}")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE enrolments SET arm = 'listed'",
        "DELETE FROM enrolments",
        "INSERT OR REPLACE INTO enrolments SELECT * FROM enrolments",
        "UPDATE listings SET position = 2",
        "DELETE FROM listings",
        "INSERT OR REPLACE INTO listings SELECT * FROM listings",
        "UPDATE lot_secret SET secret = 'known'",
        "DELETE FROM lot_secret",
        "INSERT OR REPLACE INTO lot_secret SELECT id, at, 'known' FROM lot_secret",
    ],
)
def test_the_database_refuses_to_forget(log: WorklistLog, change: str) -> None:
    """Nobody changes a lot, a list or the secret, with pacesetter or without."""
    log.once(DAY, "calls", lambda _: lists(lot(), listing()))
    secret = log.state(DAY).secret
    with (
        closing(sqlite3.connect(log.store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match=r"append-only|never changes"),
    ):
        connection.execute(change)
    assert (log.of_day(DAY), log.enrolments()) == ([listing()], [lot()])
    assert log.state(DAY).secret == secret
