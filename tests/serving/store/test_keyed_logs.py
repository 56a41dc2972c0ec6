"""Laws of logs with keys: a row counts once, all or nothing, nothing changes, nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from features.clock import utc_now
from features.errors import InputError
from serving.store import keyed_log
from serving.store.actions import Absence, Act, Action, ActionLog
from serving.store.commits import CommitLog, RepCommit
from serving.store.database import Store
from serving.store.posted import EventKind, PostedEvent, PostedLog

UNTIL = datetime(2026, 6, 1, 8, 0, 0, 7)
SNOOZE = Action("k1", "L1", Act.SNOOZE, "Zoë", UNTIL, "asked for June")
AWAY = Absence("a1", "r1", date(2026, 5, 1), date(2026, 5, 9))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path)


def test_what_was_sent_comes_back(store: Store) -> None:
    """Every field, with who sent it and when."""
    before = utc_now()
    (receipt,) = ActionLog(store).add([SNOOZE], "Ann")
    (kept,) = ActionLog(store).all()
    assert (kept.key, kept.lead_id, kept.action, kept.until) == ("k1", "L1", Act.SNOOZE, UNTIL)
    assert (kept.rep_id, kept.reason, kept.by) == ("Zoë", "asked for June", "Ann")
    assert before <= kept.at == receipt.at <= utc_now()


def test_a_key_counts_once_whoever_the_owner_is_by_now(store: Store) -> None:
    """Repeated it changes nothing, and the owner, whom the service looked up, may differ."""
    log = ActionLog(store)
    log.add([SNOOZE], "Ann")
    handed_on = Action("k1", "L1", Act.SNOOZE, "r9", UNTIL, "asked for June")
    (receipt,) = log.add([handed_on], "Ben")
    assert receipt.is_repeated
    assert [row.rep_id for row in log.all()] == ["Zoë"]


def test_all_rows_are_kept_or_none(store: Store) -> None:
    """A key that was used for something else refuses the whole request."""
    log = ActionLog(store)
    log.add([SNOOZE], "Ann")
    other = Action("k1", "L1", Act.DONE)
    with pytest.raises(InputError, match="used before, for something else"):
        log.add([Action("k2", "L2", Act.DONE), other], "Ann")
    assert [row.key for row in log.all()] == ["k1"]


def test_many_at_once_count_once(store: Store) -> None:
    """Eight phones send the same row at the same time: one row, seven repetitions."""
    receipts = []

    def send() -> None:
        receipts.extend(ActionLog(store).add([SNOOZE], "Ann"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receipt.is_repeated for receipt in receipts) == [False] + [True] * 7
    assert len(ActionLog(store).all()) == 1


def test_a_clock_that_is_set_back_puts_no_row_before_earlier_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrivals never fall, so what was seen once stays seen."""
    log = PostedLog(store)
    log.add([PostedEvent(EventKind.LEAD, "L1", {"lead_id": "L1"})], "crm")
    (first,) = log.all()
    monkeypatch.setattr(keyed_log, "utc_now", lambda: utc_now() - timedelta(days=300))
    log.add([PostedEvent(EventKind.LEAD, "L2", {"lead_id": "L2"})], "crm")
    assert [row.known_at for row in log.all()] == [first.known_at] * 2


@pytest.mark.parametrize("table", ["work_actions", "absences", "posted_events", "rep_commits"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET key = 'other'",
        "DELETE FROM {}",
        "INSERT OR REPLACE INTO {} SELECT * FROM {}",
    ],
)
def test_no_row_changes(store: Store, table: str, change: str) -> None:
    """Not even past the product, straight in the database."""
    ActionLog(store).add([SNOOZE], "Ann")
    ActionLog(store).add_absences([AWAY], "Ann")
    PostedLog(store).add([PostedEvent(EventKind.LEAD, "L1", {})], "crm")
    CommitLog(store).add([RepCommit("c1", "r1", UNTIL, 5.0)], "Ann")
    with closing(sqlite3.connect(store.path)) as connection:
        before = connection.execute(f"SELECT * FROM {table}").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change.format(table, table))
        connection.rollback()
        after = connection.execute(f"SELECT * FROM {table}").fetchall()
    assert (len(before), after) == (1, before)


def test_an_absence_that_was_taken_back_does_not_stand(store: Store) -> None:
    """The row that takes it back stands for nothing itself; both stay in the log."""
    log = ActionLog(store)
    log.add_absences([AWAY], "Ann")
    assert log.absences() == [AWAY]
    undo = Absence("a2", "r1", AWAY.first_day, AWAY.last_day, undoes="a1")
    log.add_absences([undo], "Ann")
    assert (log.absences(), log.all_absences()) == ([], [AWAY, undo])


def test_commits_come_in_the_order_in_which_they_were_said(store: Store) -> None:
    """One from a file that was said earlier stands before one that was entered before it."""
    log = CommitLog(store)
    start = datetime(2026, 4, 1)
    log.add([RepCommit("c1", "r1", start, 90.0, best_case=120.0)], "Ann")
    log.add([RepCommit("c2", "r1", start, 70.0, made_at=datetime(2026, 4, 9))], "import")
    log.add([RepCommit("c3", "r2", start, 10.0)], "Ben")
    assert [row.amount for row in log.all("r1")] == [70.0, 90.0]
    assert [(row.best_case, row.by) for row in log.all("r1")] == [(None, "import"), (120.0, "Ann")]
    assert len(log.all()) == 3


def test_the_mark_of_posted_events_grows(store: Store) -> None:
    """With every new event, and not with a repetition."""
    log, event = PostedLog(store), PostedEvent(EventKind.ACTIVITY, "1", {"activity_id": "1"})
    marks = [log.mark()]
    for row in (event, event, PostedEvent(EventKind.LEAD, "1", {"lead_id": "1"})):
        log.add([row], "crm")
        marks.append(log.mark())
    assert marks == [0, 1, 1, 2]
