"""Laws of the directory under change: restored stores, broken ones, clocks, and many requests."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from features.clock import utc_now
from features.errors import InputError
from serving.access import limits, tokens
from serving.access.access import Access
from serving.access.directory import Directory
from serving.access.limits import Limiter
from serving.access.people import Person, Role
from serving.params import AccessParams
from serving.store.backup import back_up, put_back
from serving.store.database import Store


def test_a_restored_store_counts_at_once(tmp_path: Path) -> None:
    """Tokens made after the backup are unknown again, those revoked since work again."""
    store, copy = Store(tmp_path / "home"), tmp_path / "copy"
    copy.mkdir()
    early_id, early = tokens.create(store, "early")
    back_up(store, copy)
    _, late = tokens.create(store, "late")
    tokens.revoke(store, early_id)
    directory = Directory(store, utc_now)
    assert (directory.of_token(early), directory.of_token(late) is not None) == (None, True)
    put_back(store, copy)
    assert (directory.of_token(early) is not None, directory.of_token(late)) == (True, None)


def test_a_store_that_breaks_lets_nobody_in(tmp_path: Path) -> None:
    """Whoever was known before the file broke is not let in by what is remembered."""
    store = Store(tmp_path)
    _, secret = tokens.create(store, "Ann")
    directory = Directory(store, utc_now)
    assert directory.of_token(secret) is not None
    for ending in ("-wal", "-shm"):
        store.path.with_name(store.path.name + ending).unlink(missing_ok=True)
    store.path.write_text("{" * 5000)
    with pytest.raises(InputError, match="cannot be used as a store"):
        directory.of_token(secret)


def test_a_clock_that_is_set_back_ends_no_session_early(tmp_path: Path) -> None:
    """A session that began runs on; one that was signed out stays so, whatever the clock says."""
    now = [datetime(2025, 3, 1, 12)]
    access = Access(Store(tmp_path), AccessParams(session_hours=2.0), lambda: now[0])
    _, secret = tokens.create(access.store, "Ann", clock=access.clock)
    one, other = access.sessions.sign_in(secret), access.sessions.sign_in(secret)
    assert one is not None
    assert other is not None
    access.sessions.sign_out(other)
    now[0] -= timedelta(days=1)
    assert access.sessions.person(one) is not None
    assert access.sessions.person(other) is None


def test_many_threads_ask_one_directory(tmp_path: Path) -> None:
    """Requests in many threads find the same people while tokens come and go."""
    store = Store(tmp_path)
    _, secret = tokens.create(store, "Ann")
    directory, wrong = Directory(store, utc_now), list[None]()

    def ask() -> None:
        found = [directory.of_token(secret) for _ in range(40)]
        wrong.extend(person for person in found if person is None)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(5):
        tokens.revoke(store, tokens.create(store, f"t{number}")[0])
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_limiter_forgets_who_asks_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory does not grow with everybody who ever came; whoever is at work keeps counting."""
    monkeypatch.setattr(limits, "MOST_KEPT", 5)
    now = [0.0]
    limiter = Limiter(6, 0, lambda: now[0])
    busy = Person("busy", "Bo", Role.REP, "r0")
    for number in range(50):
        now[0] += 1.0
        limiter.seconds_to_wait(Person(f"p{number}", "X", Role.REP, "r1"))
        limiter.seconds_to_wait(busy)
    assert len(limiter._buckets) <= 20  # noqa: SLF001 - what is kept is the point
    assert limiter.seconds_to_wait(busy) > 0
