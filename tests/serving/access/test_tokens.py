"""Laws of tokens: a secret works from creation to its end; no change is lost or half done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from features.errors import InputError, NotFoundError
from features.storage.shared import PostgresSchema
from serving.access import tokens
from serving.access.directory import Directory
from serving.access.people import Person, Role
from serving.access.tokens import Grant
from serving.store.database import Store

START = datetime(2025, 3, 1, 12)


class Clock:
    """A clock that stands until it is moved.

    Attributes:
        now: what it shows, naive UTC.
    """

    def __init__(self) -> None:
        """Begin at noon."""
        self.now = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that is not there yet."""
    return Store(tmp_path)


@pytest.fixture
def directory(store: Store, clock: Clock) -> Directory:
    """Whoever has access."""
    return Directory(store, clock)


def test_a_home_without_tokens_lets_nobody_in(store: Store, directory: Directory) -> None:
    """Nothing was created: nothing is listed, nobody is known."""
    assert tokens.list_tokens(store) == ()
    assert directory.of_token("pace_anything") is None
    assert directory.of_name("Ann") is None
    assert directory.of_session("anything") is None


def test_tokens_are_known_listed_and_revoked(store: Store, directory: Directory) -> None:
    """A secret finds its person until it is revoked; revoking twice keeps the first time."""
    token_id, secret = tokens.create(store, "  Ann's laptop ")
    assert directory.of_token(secret) == Person(token_id, "Ann's laptop", Role.ADMIN)
    revoked = tokens.revoke(store, token_id)
    assert revoked.revoked_at is not None
    assert tokens.revoke(store, token_id, lambda: START + timedelta(days=9000)) == revoked
    assert directory.of_token(secret) is None
    assert tokens.list_tokens(store) == (revoked,)


def test_a_token_says_who_somebody_is(store: Store, directory: Directory) -> None:
    """Role and rep come back with the person; without them a token gives full access."""
    token_id, secret = tokens.create(store, "Ann", Grant(Role.MANAGER, "m1"))
    assert directory.of_token(secret) == Person(token_id, "Ann", Role.MANAGER, "m1")
    assert directory.of_name("Ann") == Person(token_id, "Ann", Role.MANAGER, "m1")


@pytest.mark.parametrize(
    ("role", "rep_id"),
    [(Role.REP, None), (Role.MANAGER, ""), (Role.ADMIN, "r1"), (Role.ANALYST, "r1")],
)
def test_a_role_and_a_rep_go_together(role: Role, rep_id: str | None) -> None:
    """A rep or manager is somebody in the CRM, an analyst or admin nobody; else it is refused."""
    with pytest.raises(InputError, match="--rep"):
        Grant(role, rep_id)


def test_a_token_expires(store: Store, directory: Directory, clock: Clock) -> None:
    """It works until its last moment and not at it; the list keeps it."""
    _, secret = tokens.create(store, "Ann", Grant(days=2), clock)
    for moment, works in (
        (timedelta(), True),
        (timedelta(days=2, microseconds=-1), True),
        (timedelta(days=2), False),
        (timedelta(days=900), False),
    ):
        clock.now = START + moment
        assert (directory.of_token(secret) is not None) == works
        assert (directory.of_name("Ann") is not None) == works
    assert len(tokens.list_tokens(store)) == 1


def test_a_clock_that_is_set_back_brings_no_revoked_token_back(
    store: Store, directory: Directory, clock: Clock
) -> None:
    """Revoking does not depend on what time it is."""
    token_id, secret = tokens.create(store, "Ann", clock=clock)
    tokens.revoke(store, token_id, clock)
    clock.now = START - timedelta(days=400)
    assert directory.of_token(secret) is None


def test_a_revocation_concerns_one_token(store: Store, directory: Directory) -> None:
    """The others keep their access and their places in the list, those of the same name too."""
    created = [tokens.create(store, "Ann") for _ in range(3)]
    tokens.revoke(store, created[1][0])
    listed = tokens.list_tokens(store)
    assert [token.id for token in listed] == [token_id for token_id, _ in created]
    works = [directory.of_token(secret) is not None for _, secret in created]
    assert works == [True, False, True]
    newest = directory.of_name("Ann")
    assert newest is not None
    assert newest.id == created[2][0]


def test_an_unknown_id_is_named_beside_the_known_ones(store: Store) -> None:
    """A token that is not there cannot be revoked; the error lists those that are."""
    with pytest.raises(NotFoundError, match="no token has the id 'zz'; the ids are: none"):
        tokens.revoke(store, "zz")
    token_id, _ = tokens.create(store, "Ann")
    with pytest.raises(NotFoundError, match=f"no token has the id 'zz'; the ids are: {token_id}"):
        tokens.revoke(store, "zz")


@pytest.mark.parametrize("change", [str.upper, lambda s: s + "x", lambda s: s[:-1], lambda _: ""])
def test_nearly_right_secrets_are_wrong(store: Store, directory: Directory, change: object) -> None:
    """Only the very secret finds its person; a hash that was read from the store is no secret."""
    _, secret = tokens.create(store, "Ann")
    assert callable(change)
    assert directory.of_token(change(secret)) is None
    assert directory.of_token("\ud800") is None
    assert directory.of_token(tokens.sha256(secret)) is None


def test_a_home_does_not_know_the_tokens_of_another(tmp_path: Path, clock: Clock) -> None:
    """A token gives access to the service of its own home."""
    _, secret = tokens.create(Store(tmp_path / "a"), "Ann")
    tokens.create(Store(tmp_path / "b"), "Ann")
    assert Directory(Store(tmp_path / "b"), clock).of_token(secret) is None


def test_secrets_are_not_stored(store: Store) -> None:
    """No file holds a secret, no list a hash; no two secrets are alike."""
    created = [tokens.create(store, "Ann") for _ in range(3)]
    stored = b"".join(file.read_bytes() for file in store.path.parent.iterdir())
    assert tokens.sha256(created[0][1]).encode() in stored
    for _, secret in created:
        assert secret.startswith("pace_")
        assert secret.removeprefix("pace_").encode() not in stored
    assert len({secret for _, secret in created}) == len({id_ for id_, _ in created}) == 3
    listed = json.dumps([token.to_json() for token in tokens.list_tokens(store)])
    assert "sha256" not in listed


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x1b[31m", "x" * 101])
def test_names_of_tokens_are_readable(store: Store, name: str) -> None:
    """A name that would break lists or logs is refused, and nothing is written."""
    with pytest.raises(InputError, match="1 to 100 printable characters"):
        tokens.create(store, name)
    assert tokens.list_tokens(store) == ()


def test_a_directory_sees_every_change_at_once(store: Store, directory: Directory) -> None:
    """Whoever is created is known and whoever is revoked is not, however fast it goes."""
    for number in range(30):
        token_id, secret = tokens.create(store, f"t{number}")
        assert directory.of_token(secret) is not None
        tokens.revoke(store, token_id)
        assert directory.of_token(secret) is None


def test_a_directory_reads_again_only_when_there_is_reason(
    store: Store, directory: Directory
) -> None:
    """What was read counts until the store changes."""
    tokens.create(store, "Ann")
    assert not directory.is_fresh()
    directory.refresh()
    assert directory.is_fresh()
    tokens.create(store, "Ben")
    assert not directory.is_fresh()


def test_no_token_is_lost_when_many_change_at_once(store: Store) -> None:
    """Creations and revocations wait for each other."""
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: tokens.create(store, f"t{number}"), range(24)))
        list(pool.map(lambda token: tokens.revoke(store, token[0]), created[::2]))
    active = [token.id for token in tokens.list_tokens(store) if token.revoked_at is None]
    assert sorted(active) == sorted(token_id for token_id, _ in created[1::2])


EARLIER = {
    "tokens": [
        {
            "token": {
                "id": "0a1b2c3d",
                "name": "Ann",
                "created_at": "2025-01-02T03:04:05Z",
                "revoked_at": revoked_at,
            },
            "sha256": tokens.sha256(secret),
        }
        for secret, revoked_at in (("pace_old", None),)
    ]
}
"""What an earlier version kept in a file."""


@pytest.fixture
def earlier(store: Store) -> Path:
    """A home with tokens of an earlier version."""
    path = store.home / "data" / "tokens.json"
    path.parent.mkdir()
    path.write_text(json.dumps(EARLIER), encoding="utf-8")
    return path


def test_tokens_of_an_earlier_version_are_taken_over_by_command(
    store: Store, directory: Directory, earlier: Path
) -> None:
    """Until then the home lets nobody in, and says what to run; then they work as before, once."""
    for ask in (
        lambda: tokens.list_tokens(store),
        lambda: tokens.create(store, "Bob"),
        lambda: tokens.revoke(store, "0a1b2c3d"),
        lambda: directory.of_token("pace_old"),
    ):
        with pytest.raises(InputError, match=r"tokens\.json holds tokens.*pacesetter upgrade"):
            ask()
    assert tokens.take_over(store) == 1
    assert not earlier.exists()
    person = directory.of_token("pace_old")
    assert person == Person("0a1b2c3d", "Ann", Role.ADMIN)
    assert tokens.take_over(store) == 0
    earlier.write_text(json.dumps(EARLIER), encoding="utf-8")
    tokens.take_over(store)
    assert len(tokens.list_tokens(store)) == 1, "an interrupted take-over goes on where it was"


@pytest.mark.parametrize("content", ["{", "[]", '{"tokens": 1}', '{"tokens": [{"token": {}}]}'])
def test_a_broken_file_of_an_earlier_version_stays(
    store: Store, earlier: Path, content: str
) -> None:
    """What cannot be read is an error that names the file, and is not removed."""
    earlier.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"tokens\.json cannot be read as tokens"):
        tokens.take_over(store)
    assert earlier.read_text(encoding="utf-8") == content


def test_a_broken_store_is_an_error_that_names_it(store: Store) -> None:
    """What cannot be read lets nobody in."""
    tokens.create(store, "Ann")
    store.path.write_text("{" * 2000)
    for ask in (lambda: tokens.list_tokens(store), lambda: tokens.create(store, "Bob")):
        with pytest.raises(InputError, match=r"store\.sqlite cannot be used as a store"):
            ask()


def test_the_store_refuses_two_tokens_with_one_secret(store: Store) -> None:
    """A secret stands for one person."""
    tokens.create(store, "Ann")
    with (
        closing(sqlite3.connect(store.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="UNIQUE"),
    ):
        connection.execute(
            "INSERT INTO tokens SELECT number + 1, 'x', name, role, rep_id, sha256, created_at, "
            "expires_at, revoked_at FROM tokens"
        )


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on PostgreSQL, in a schema that is not there yet."""
    schema = PostgresSchema(postgres_url, "acme_access")
    yield Store(tmp_path, schema)
    schema.ask("DROP SCHEMA IF EXISTS acme_access CASCADE")


def test_homes_that_share_a_store_share_tokens(shared: Store, tmp_path: Path) -> None:
    """On PostgreSQL a token of one machine works on the other, and its end too, in a second."""
    other = Directory(Store(tmp_path / "other", shared.schema), Clock())
    token_id, secret = tokens.create(shared, "Ann", Grant(Role.REP, "r1"), Clock())
    person = other.of_token(secret)
    assert person == Person(token_id, "Ann", Role.REP, "r1")
    tokens.revoke(shared, token_id)
    other.refresh()
    assert other.of_token(secret) is None
