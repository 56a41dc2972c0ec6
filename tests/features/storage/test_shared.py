"""Laws of what homes share, on a real PostgreSQL server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgres_server import PASSWORD

from features.errors import InputError
from features.storage.shared import PostgresSchema, SharedHome


def test_a_lock_is_held_by_one_at_a_time(postgres_url: str) -> None:
    """Nobody enters before the one inside has left; another schema's lock is another lock."""
    schema, other = PostgresSchema(postgres_url, "acme"), PostgresSchema(postgres_url, "globex")
    inside: list[int] = []
    crowds: list[int] = []

    def enter(number: int) -> None:
        with schema.locked("store"):
            inside.append(number)
            time.sleep(0.02)
            crowds.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool, other.locked("store"):
        list(pool.map(enter, range(4)))
    assert crowds == [1, 1, 1, 1]


def test_a_lock_dies_with_its_holder(postgres_url: str) -> None:
    """Whoever holds a lock and loses the connection holds it no longer."""
    schema = PostgresSchema(postgres_url, "acme")
    end_holders = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks "
        "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    with schema.locked("store"):
        schema.ask(end_holders)
        with schema.locked("store"):
            pass


def test_a_server_that_cannot_be_reached_is_one_clear_error() -> None:
    """The error names the database and where a password is looked for."""
    schema = PostgresSchema("postgresql://crm@127.0.0.1:1/sales", "acme")
    for ask in (lambda: schema.ask("SELECT 1"), lambda: schema.locked("x").__enter__()):
        with pytest.raises(InputError, match=r"schema acme of .*127\.0\.0\.1:1.*refused.*pgpass"):
            ask()


def test_a_wrong_password_is_not_repeated(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the error nor the address holds the password."""
    monkeypatch.setenv("PGPASSWORD", f"{PASSWORD}-not")
    schema = PostgresSchema(postgres_url, "acme")
    with pytest.raises(InputError, match="password authentication failed") as caught:
        schema.ask("SELECT 1")
    assert PASSWORD not in f"{caught.value} {schema} {schema.uri}"


def test_a_folder_that_is_not_mounted_is_refused(tmp_path: Path) -> None:
    """It is not made: it would lie on this machine's own disk."""
    shared = SharedHome("postgresql://crm@db/sales", "acme", tmp_path / "mount")
    with pytest.raises(InputError, match="is it mounted"):
        shared.require_folder()
    assert not shared.folder.exists()
