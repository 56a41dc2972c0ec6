"""Laws of misuse: whatever is sent, no request fails in the service, and it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from malformed_bodies import WAYS, malformed_posts
from starlette.testclient import TestClient

from serving.access import tokens
from serving.api.service import build_service
from serving.settings import Settings
from serving.store.database import Store

BODIES = 250


@pytest.fixture(scope="module")
def client(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service of a copy of the small company, once it is ready: some bodies are kept."""
    place = tmp_path_factory.mktemp("misuse") / "home"
    shutil.copytree(home, place)
    headers = {"Authorization": f"Bearer {tokens.create(Store(place), 'tests')[1]}"}
    app = build_service(place, Settings()).to_asgi()
    with TestClient(app, headers=headers, raise_server_exceptions=True) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


@pytest.mark.parametrize("seed", range(2))
def test_no_body_fails_in_the_service(client: TestClient, seed: int) -> None:
    """Each is answered, or refused in words; none by an error of the service."""
    described = client.get("/docs.json").json()
    statuses = set()
    for post in malformed_posts(Random(seed), described, BODIES):  # noqa: S311 - a sample
        headers = {"Content-Type": post.media_type} if post.media_type.isprintable() else {}
        answer = client.post(post.path, content=post.body, headers=headers)
        # This home has no deals, so that its reps have no forecasts, whoever asks.
        lacks = answer.status_code == 503 and "needs the table 'deals'" in answer.text
        assert answer.status_code < 500 or lacks, (post, answer.text)
        statuses.add(answer.status_code)
        if answer.status_code != 200:
            # Sheets are made in the background, for which a client is asked to wait.
            assert answer.json()["waiting" if answer.status_code == 202 else "error"], post
    assert {200, 400, 415} <= statuses
    assert client.post("/health").status_code == 200


def test_bodies_of_every_kind_are_tried() -> None:
    """One seed, the same bodies; and every way to spoil a body is gone."""
    described = {
        "paths": {"/a": {"post": {"requestBody": {"content": {"j": {"schema": {
            "properties": {"n": {"examples": [1]}, "l": {"examples": [[{"x": "y"}]]}}}}}}}}},
        "components": {"schemas": {}},
    }  # fmt: skip
    first, again = (list(malformed_posts(Random(3), described, 300)) for _ in range(2))  # noqa: S311 - a sample
    assert first == again
    assert len({post.body for post in first}) > 150
    assert len(WAYS) == 11
