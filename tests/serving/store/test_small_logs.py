"""Laws of the small logs and secrets of a store: added to, read in order, made once."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy.exc import IntegrityError

from features.clock import utc_now
from features.errors import InputError
from serving.store.actions import Absence, Act, Action, ActionLog
from serving.store.commits import CommitLog, RepCommit
from serving.store.database import Store
from serving.store.digests import DigestLog
from serving.store.forgotten import ForgottenList
from serving.store.overrides import OverrideLog
from serving.store.posted import EventKind, PostedEvent, PostedLog
from serving.store.promotions import Entry, How, PromotionLog, before_present
from serving.store.retrains import Event, RetrainLine, RetrainLog
from serving.store.secret import Purpose, replace_secret, secret_of

AT = datetime(2026, 5, 20, 8, 0, 0, 7)
HASHES = [f"{number:064x}" for number in range(4)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path)


def test_every_change_of_a_setting_stays_and_the_newest_counts(store: Store) -> None:
    """Numbers keep their kind; taking a change back is a change too."""
    log = OverrideLog(store)
    assert (log.all(), log.newest()) == ([], {})
    before = utc_now()
    for value in (12, 0.25, None, 30):
        log.add("worklist.calls_a_day", value, "Ann")
    log.add("pages.talk_below", 0.4, "Ben")
    rows = log.all()
    assert [(row.value, row.by) for row in rows] == [
        (12, "Ann"), (0.25, "Ann"), (None, "Ann"), (30, "Ann"), (0.4, "Ben"),
    ]  # fmt: skip
    assert {name: row.value for name, row in log.newest().items()} == {
        "worklist.calls_a_day": 30, "pages.talk_below": 0.4,
    }  # fmt: skip
    assert isinstance(rows[0].value, int)
    assert before <= rows[0].at <= rows[-1].at <= utc_now()


def test_a_digest_keeps_what_it_was_based_on(store: Store) -> None:
    """Figures come back as they were, of each reader the newest, whatever letters they hold."""
    log = DigestLog(store)
    log.add("Zoë", {"chance": 0.1, "top": ["L1"], "until": None})
    log.add("r2", {})
    log.add("Zoë", {"chance": 0.30000000000000004, "top": ["“L2”"], "until": None})
    newest = log.newest()
    assert dict(newest["Zoë"].items) == {
        "chance": 0.30000000000000004, "top": ["“L2”"], "until": None,
    }  # fmt: skip
    assert dict(newest["r2"].items) == {}
    assert set(newest) == {"Zoë", "r2"}


@pytest.mark.parametrize("table", ["setting_overrides", "digests", "forgotten"])
@pytest.mark.parametrize("change", ["UPDATE {} SET at = '2020-01-01'", "DELETE FROM {}"])
def test_small_logs_only_grow(store: Store, table: str, change: str) -> None:
    """Past the product, straight in the database, a change is refused."""
    OverrideLog(store).add("pages.talk_below", 0.4, "Ben")
    DigestLog(store).add("r1", {"a": 1})
    ForgottenList(store).add("lead", {HASHES[0]}, AT)
    with closing(sqlite3.connect(store.path)) as connection:
        before = connection.execute(f"SELECT * FROM {table}").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match=r"append-only|stays forgotten"):
            connection.execute(change.format(table))
        connection.rollback()
        assert connection.execute(f"SELECT * FROM {table}").fetchall() == before != []


def test_whoever_is_forgotten_stays_so_once(store: Store) -> None:
    """Adding people again adds nobody twice, and kinds are apart."""
    log = ForgottenList(store)
    assert not any(log.people().hashes.values())
    log.add("lead", set(HASHES[:2]), AT)
    log.add("lead", set(HASHES[1:3]), AT + timedelta(days=1))
    log.add("rep", {HASHES[0]}, AT)
    people = log.people().hashes
    assert people["lead"] == set(HASHES[:3])
    assert people["rep"] == {HASHES[0]}
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM forgotten").scalar() == 4


def test_a_secret_is_made_once_and_each_purpose_has_its_own(store: Store) -> None:
    """256 bits, the same for whoever asks, and another in another home."""
    first = secret_of(store, Purpose.SESSIONS)
    assert len(bytes.fromhex(first)) == 32
    assert secret_of(Store(store.home), Purpose.SESSIONS) == first
    assert secret_of(store, Purpose.FORGOTTEN) != first
    assert secret_of(Store(store.home / "other"), Purpose.SESSIONS) != first


def test_many_who_need_a_secret_at_once_get_one(store: Store) -> None:
    """Of six threads that find none, one makes it."""
    store.upgrade()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(secret_of(store, Purpose.SESSIONS)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_a_replaced_secret_is_the_one_that_counts(store: Store) -> None:
    """What was hashed with the one before is unknown; the other purpose keeps its own."""
    kept = secret_of(store, Purpose.FORGOTTEN)
    replace_secret(store, Purpose.SESSIONS, "ab" * 32)
    assert secret_of(store, Purpose.SESSIONS) == "ab" * 32
    assert secret_of(store, Purpose.FORGOTTEN) == kept


@pytest.mark.parametrize("kind", [*EventKind])
def test_a_posted_event_comes_back_with_its_arrival(store: Store, kind: EventKind) -> None:
    """Ids may hold the sign that parts kind and id; the row comes back as it was posted."""
    log, row = PostedLog(store), {"a": None, "ü": [1.5, "“x”"], "n": 3}
    (receipt,) = log.add([PostedEvent(kind, "a:b:c", row)], "crm")
    (kept,) = log.all()
    assert (kept.kind, kept.id, kept.row, kept.known_at) == (kind, "a:b:c", row, receipt.at)


def test_one_id_may_be_an_activity_and_a_lead(store: Store) -> None:
    """Kinds have ids of their own; within a kind another row under one id is refused."""
    log = PostedLog(store)
    log.add([PostedEvent(kind, "1", {"x": 1}) for kind in EventKind], "crm")
    with pytest.raises(InputError, match="'lead:1' was used before, for something else"):
        log.add([PostedEvent(EventKind.LEAD, "1", {"x": 2})], "crm")
    assert len(log.all()) == 3


@pytest.mark.parametrize("seed", range(3))
def test_absences_stand_unless_they_were_taken_back(store: Store, seed: int) -> None:
    """Random absences, some taken back: those that stand are the others, in their order."""
    chance = Random(seed)  # noqa: S311 - no secret
    first = date(2026, 5, 1)
    rows = [Absence(f"a{place}", "r1", first, first) for place in range(8)]
    undone = chance.sample(rows, 3)
    back = [Absence(f"u{row.key}", "r1", first, first, undoes=row.key) for row in undone]
    log = ActionLog(store)
    log.add_absences(rows, "Ann")
    log.add_absences(back, "Ben")
    assert log.absences() == [row for row in rows if row not in undone]
    assert log.all_absences() == [*rows, *back]


@pytest.mark.parametrize("seed", range(3))
def test_commits_are_in_the_order_in_which_they_were_said(store: Store, seed: int) -> None:
    """However they arrive; of one rep, those of the rep alone, and none is lost."""
    chance = Random(seed)  # noqa: S311 - no secret
    rows = [
        RepCommit(f"k{place}", chance.choice("ab"), AT, float(place), AT + timedelta(days=day))
        for place, day in enumerate(chance.sample(range(40), 12))
    ]
    log = CommitLog(store)
    log.add(rows[:5], "Ann")
    log.add(rows[5:], "Ben")
    said = sorted(rows, key=lambda row: row.made_at or AT)
    assert [row.key for row in log.all()] == [row.key for row in said]
    assert [row.key for row in log.all("a")] == [row.key for row in said if row.rep_id == "a"]
    assert {row.by for row in log.all()} == {"Ann", "Ben"}


def entry(version: str, how: How, before: str | None = None, day: int = 0) -> Entry:
    """A change of champion."""
    return Entry(
        AT + timedelta(days=day), "leads", before, version, how, None, "because", {}, "d", "f", "m"
    )


@pytest.mark.parametrize(
    ("changes", "back"),
    [
        ([], None),
        ([("1", How.FIRST)], None),
        ([("1", How.FIRST), ("2", How.GATE)], "1"),
        ([("1", How.FIRST), ("2", How.GATE), ("3", How.PERSON)], "2"),
        ([("1", How.FIRST), ("2", How.GATE), ("1", How.ROLLBACK)], None),
        ([("1", How.FIRST), ("2", How.GATE), ("3", How.GATE), ("2", How.ROLLBACK)], "1"),
        ([("1", How.FIRST), ("2", How.GATE), ("1", How.ROLLBACK), ("3", How.GATE)], "1"),
        ([("1", How.FIRST), ("2", How.GATE), ("1", How.PERSON)], "2"),
        ([("1", How.ROLLBACK)], None),
    ],
)
def test_a_rollback_goes_to_what_stood_before(
    changes: list[tuple[str, How]], back: str | None
) -> None:
    """Promotions pile up, a rollback takes the topmost away."""
    assert before_present([entry(version, how) for version, how in changes]) == back


@pytest.mark.parametrize("seed", range(10))
def test_rolling_back_again_and_again_ends_at_the_first(seed: int) -> None:
    """Each rollback goes one further down, and after the first champion there is none."""
    count = Random(seed).randrange(1, 8)  # noqa: S311 - no secret
    log = [entry(str(number), How.GATE) for number in range(count)]
    seen = []
    while (back := before_present(log)) is not None:
        seen.append(back)
        log.append(entry(back, How.ROLLBACK))
    assert seen == [str(number) for number in reversed(range(count - 1))]


def test_promotions_are_kept_whole_or_not_at_all(store: Store) -> None:
    """Two changes of one kind at one moment are none; an empty list changes nothing."""
    log = PromotionLog(store)
    log.append([])
    first = entry("1", How.FIRST)
    with pytest.raises(IntegrityError):
        log.append([first, entry("2", How.GATE)])
    assert log.entries() == []
    log.append([first, entry("2", How.GATE, "1", day=1)])
    assert [row.to_version for row in log.entries("leads")] == ["1", "2"]
    assert log.entries("quota") == []


def test_a_retrain_that_was_killed_has_no_end(store: Store) -> None:
    """The newest line is its beginning, until another line says how it ended."""
    log = RetrainLog(store)
    assert log.last() is None
    begun = RetrainLine("run", AT, Event.STARTED, "folder", None, {"data": "x"}, {}, ())
    log.append(begun)
    assert log.last() == RetrainLine(**{**vars(begun), "steps": []})
    done = RetrainLine("run", AT, Event.DONE, "folder", "m.yaml", {}, {"v": 3}, [{"says": "ok"}])
    log.append(done)
    assert log.last() == done
    with pytest.raises(IntegrityError):
        log.append(done)


def test_an_action_without_a_rep_or_a_reason_comes_back_so(store: Store) -> None:
    """Empty stays empty, and is no text."""
    log = ActionLog(store)
    log.add([Action("k", "L", Act.DONE)], "Ann")
    (kept,) = log.all()
    assert (kept.rep_id, kept.until, kept.reason, kept.undoes) == (None, None, None, None)


def test_a_text_is_kept_as_it_was_typed(store: Store) -> None:
    """Quotes, line ends, signs of SQL and of other scripts."""
    text = "Robert'); DROP TABLE work_actions;--\n“Zoë” \u202e 李 \U0001f600"
    log = ActionLog(store)
    log.add([Action("k", text, Act.WRONG, reason=text)], text)
    (kept,) = log.all()
    assert (kept.lead_id, kept.reason, kept.by) == (text, text, text)
