"""Laws of tokens: a secret works from creation to revocation; no change is lost or half done."""

from __future__ import annotations

import json
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from features.errors import InputError, NotFoundError
from serving.access import tokens


def token_file(home: Path) -> Path:
    """Return where a home keeps its tokens."""
    return home / "data" / "tokens.json"


def test_a_home_without_tokens_lets_nobody_in(tmp_path: Path) -> None:
    """Nothing was created: nothing is listed, nothing is verified, nothing is written."""
    assert tokens.list_tokens(tmp_path) == ()
    assert tokens.verify(tmp_path, "pace_anything") is None
    assert not list(tmp_path.iterdir())


def test_tokens_are_verified_listed_and_revoked(tmp_path: Path) -> None:
    """A secret finds its token until it is revoked; revoking twice keeps the first time."""
    token_id, secret = tokens.create(tmp_path, "  Ann's laptop ")
    token = tokens.verify(tmp_path, secret)
    assert token is not None
    assert (token.id, token.name, token.is_active) == (token_id, "Ann's laptop", True)
    revoked = tokens.revoke(tmp_path, token_id)
    assert not revoked.is_active
    assert tokens.revoke(tmp_path, token_id) == revoked
    assert tokens.verify(tmp_path, secret) is None
    assert tokens.list_tokens(tmp_path) == (revoked,)


def test_a_revocation_concerns_one_token(tmp_path: Path) -> None:
    """The others keep their access and their places in the list, those of the same name too."""
    created = [tokens.create(tmp_path, "Ann") for _ in range(3)]
    tokens.revoke(tmp_path, created[1][0])
    listed = tokens.list_tokens(tmp_path)
    assert [token.id for token in listed] == [token_id for token_id, _ in created]
    assert [token.is_active for token in listed] == [True, False, True]
    assert [tokens.verify(tmp_path, secret) is not None for _, secret in created] == [
        True, False, True,
    ]  # fmt: skip


def test_an_unknown_id_is_named_beside_the_known_ones(tmp_path: Path) -> None:
    """A token that is not there cannot be revoked; the error lists those that are."""
    with pytest.raises(NotFoundError, match="no token has the id 'zz'; the ids are: none"):
        tokens.revoke(tmp_path, "zz")
    token_id, _ = tokens.create(tmp_path, "Ann")
    with pytest.raises(NotFoundError, match=f"no token has the id 'zz'; the ids are: {token_id}"):
        tokens.revoke(tmp_path, "zz")


@pytest.mark.parametrize("change", [str.upper, lambda s: s + "x", lambda s: s[:-1], lambda _: ""])
def test_nearly_right_secrets_are_wrong(tmp_path: Path, change: object) -> None:
    """Only the very secret finds its token."""
    _, secret = tokens.create(tmp_path, "Ann")
    assert callable(change)
    assert tokens.verify(tmp_path, change(secret)) is None
    assert tokens.verify(tmp_path, "\ud800") is None


def test_a_home_does_not_know_the_tokens_of_another(tmp_path: Path) -> None:
    """A token gives access to the service of its own home."""
    _, secret = tokens.create(tmp_path / "a", "Ann")
    tokens.create(tmp_path / "b", "Ann")
    assert tokens.verify(tmp_path / "b", secret) is None


def test_secrets_are_not_stored(tmp_path: Path) -> None:
    """The file is readable by its owner alone and holds no secret; no two secrets are alike."""
    created = [tokens.create(tmp_path, "Ann") for _ in range(3)]
    path = token_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stored = path.read_text(encoding="utf-8")
    for _, secret in created:
        assert secret.startswith("pace_")
        assert secret.removeprefix("pace_") not in stored
    assert len({secret for _, secret in created}) == len({id_ for id_, _ in created}) == 3
    listed = json.dumps([asdict(token) for token in tokens.list_tokens(tmp_path)])
    assert "sha256" not in listed, "what is listed does not even hold a hash"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x1b[31m", "x" * 101])
def test_names_of_tokens_are_readable(tmp_path: Path, name: str) -> None:
    """A name that would break lists or logs is refused, and nothing is written."""
    with pytest.raises(InputError, match="1 to 100 printable characters"):
        tokens.create(tmp_path, name)
    assert not token_file(tmp_path).exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"tokens": 1}', '{"tokens": [{"token": {}}]}'])
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    """What cannot be read lets nobody in, and is never overwritten."""
    _, secret = tokens.create(tmp_path, "Ann")
    token_file(tmp_path).write_text(content, encoding="utf-8")
    for ask in (
        lambda: tokens.list_tokens(tmp_path),
        lambda: tokens.verify(tmp_path, secret),
        lambda: tokens.create(tmp_path, "Bob"),
        lambda: tokens.revoke(tmp_path, "zz"),
    ):
        with pytest.raises(InputError, match=r"tokens\.json cannot be read as tokens"):
            ask()
    assert token_file(tmp_path).read_text(encoding="utf-8") == content


def test_a_home_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    """Where the folder cannot be, the error names it."""
    (tmp_path / "data").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(InputError, match=f"cannot write under {tmp_path / 'data'}"):
        tokens.create(tmp_path, "Ann")


def test_what_an_interrupted_change_left_behind_does_no_harm(tmp_path: Path) -> None:
    """A half-written file is never read, and does not stop the next change."""
    token_id, _ = tokens.create(tmp_path, "Ann")
    half = token_file(tmp_path).with_name("tokens.json.new")
    half.write_text('{"tokens": [', encoding="utf-8")
    assert [token.id for token in tokens.list_tokens(tmp_path)] == [token_id]
    tokens.create(tmp_path, "Bob")
    assert [token.name for token in tokens.list_tokens(tmp_path)] == ["Ann", "Bob"]


def test_no_token_is_lost_when_many_change_at_once(tmp_path: Path) -> None:
    """Creations and revocations wait for each other; a reader meets only whole files."""
    stopped, counts = threading.Event(), [0]

    def read() -> None:
        while not stopped.is_set():
            counts.append(len(tokens.list_tokens(tmp_path)))

    reader = threading.Thread(target=read)
    reader.start()
    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(lambda number: tokens.create(tmp_path, f"t{number}"), range(24)))
        list(pool.map(lambda token: tokens.revoke(tmp_path, token[0]), created[::2]))
    stopped.set()
    reader.join()
    active = [token.id for token in tokens.list_tokens(tmp_path) if token.is_active]
    assert sorted(active) == sorted(token_id for token_id, _ in created[1::2])
    assert counts == sorted(counts), "tokens are added, never taken away"
