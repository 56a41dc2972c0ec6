"""Laws of kept answers: the same as BentoML's, made once, and never older than the scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from serving.access import tokens
from serving.access.people import Person, Role
from serving.api import service as service_module
from serving.api.prepared import KeptBytes, PreparedAnswers
from serving.api.service import PREPARED, build_service
from serving.home.cache import ScoreCache
from serving.settings import Settings
from serving.store.database import Store

QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/next_calls", {"rep_id": "r1"}),
    ("/next_calls", {"rep_id": None, "limit": 3}),
    ("/next_calls", {"rep_id": "nobody"}),
    ("/explain_lead", {"lead_id": "L9999"}),
    ("/at_risk_reps", {}),
    ("/at_risk_reps", {"manager_id": "m1", "limit": 1}),
    ("/rep_outlook", {"rep_id": "r1"}),
    ("/rep_outlook", {"rep_id": "r9"}),
)


@pytest.fixture(scope="module")
def cache(sales: Path) -> ScoreCache:
    """The scores of a home with leads and reps."""
    cache = ScoreCache(sales, Settings())
    cache.look()
    return cache


class Behind:
    """An application behind kept answers; it counts what comes through to it."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.bodies: list[bytes] = []
        self.app = Starlette(
            routes=[Route(path, self.answer, methods=["GET", "POST"]) for path in PREPARED]
        )

    async def answer(self, request: Request) -> Response:
        """Answer that it came through."""
        self.bodies.append(await request.body())
        return JSONResponse({"through": True})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        await self.app(scope, receive, send)


@pytest.fixture
def behind() -> Behind:
    """The application behind."""
    return Behind()


@pytest.fixture
def client(cache: ScoreCache, behind: Behind) -> TestClient:
    """Kept answers, without a guard."""
    return TestClient(PreparedAnswers(behind, cache, PREPARED))


def start(sales: Path) -> Iterator[TestClient]:
    """Run the whole service."""
    _, secret = tokens.create(Store(sales), "tests")
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(build_service(sales, Settings()).to_asgi(), headers=headers) as client:
        while client.get("/readyz").status_code != 200:
            pass
        yield client


@pytest.fixture(scope="module")
def answers(sales: Path) -> list[tuple[int, Any]]:
    """What BentoML alone answers to all questions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_module, "PREPARED", {})
        for client in start(sales):
            found = [client.post(path, json=body) for path, body in QUESTIONS]
    return [(answer.status_code, answer.json()) for answer in found]


def test_kept_answers_are_those_of_bentoml(
    sales: Path, answers: list[tuple[int, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status and content are the same, the first time and the second; errors included."""
    for client in start(sales):
        for _ in range(2):
            found = [client.post(path, json=body) for path, body in QUESTIONS]
            assert [(answer.status_code, answer.json()) for answer in found] == answers
            assert all("x-content-type-options" in answer.headers for answer in found), "guarded"
        # What was kept needs no scores looked through any more.
        monkeypatch.setattr("serving.home.lookup.call_list", lambda *_: pytest.fail("made again"))
        path, body = QUESTIONS[0]
        assert client.post(path, json=body).json() == answers[0][1]


def test_an_answer_is_made_once(
    client: TestClient, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time the same bytes come without being made; other questions get their own."""
    first = client.post("/next_calls", json={"rep_id": "r1"})
    other = client.post("/next_calls", json={"rep_id": "r2"})
    monkeypatch.setattr(PreparedAnswers, "_make", lambda *_: pytest.fail("made again"))
    assert client.post("/next_calls", json={"rep_id": "r1"}).content == first.content
    assert first.content != other.content
    assert first.headers["content-type"] == "application/json"
    assert not behind.bodies


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"rep_id": "nobody"}', b'{"limit": 0}'])
def test_what_cannot_be_answered_goes_on_whole(
    client: TestClient, behind: Behind, body: bytes
) -> None:
    """Refusals are BentoML's own: the body comes through as it was sent."""
    assert client.post("/next_calls", content=body).json() == {"through": True}
    assert behind.bodies == [body]
    assert client.get("/next_calls").json() == {"through": True}


def test_without_scores_all_goes_on(tmp_path: Path, behind: Behind) -> None:
    """A service that has no scores yet answers as it always did."""
    client = TestClient(PreparedAnswers(behind, ScoreCache(tmp_path, Settings()), PREPARED))
    assert client.post("/next_calls", json={"rep_id": "r1"}).json() == {"through": True}


def test_new_scores_make_new_answers(sales: Path, behind: Behind) -> None:
    """As soon as other scores stand, no answer made of the old ones is given."""
    cache = ScoreCache(sales, Settings())
    cache.look()
    client = TestClient(PreparedAnswers(behind, cache, PREPARED))
    before = client.post("/next_calls", json={"rep_id": "r1"}).json()
    current = cache.current()
    leads = cache.leads()
    few = replace(leads, table=leads.table[leads.table["lead_id"] != before["calls"][0]["lead_id"]])
    cache._current = replace(current, leads=few)  # noqa: SLF001 - else data would have to change
    after = client.post("/next_calls", json={"rep_id": "r1"}).json()
    assert after["calls"][0] == before["calls"][1]


def test_each_person_has_their_own_answers(cache: ScoreCache, behind: Behind) -> None:
    """What was made for one is not given to another, who may be told something else."""
    prepared = PreparedAnswers(behind, cache, PREPARED)
    made: list[bytes] = []
    make = prepared._make
    prepared._make = lambda *of: made.append(of[1]) or make(*of)  # type: ignore[method-assign, func-returns-value]
    for name in ("ann", "ann", "bob"):

        async def app(scope: Scope, receive: Receive, send: Send, name: str = name) -> None:
            scope["state"] = {"person": Person(name, name, Role.ADMIN, None)}
            await prepared(scope, receive, send)

        assert TestClient(app).post("/next_calls", json={"rep_id": "r1"}).status_code == 200
    assert len(made) == 2


def test_kept_bytes_stay_within_bounds(cache: ScoreCache) -> None:
    """Those not asked for the longest give way; one that is too large is not kept at all."""
    run = cache.current()
    kept = KeptBytes(most_bytes=10)
    assert kept.get(run, ("/a", "", b"1")) is None
    for number in (b"1", b"2", b"3"):
        kept.put(run, ("/a", "", number), b"four")
        kept.get(run, ("/a", "", b"1"))
    found = [kept.get(run, ("/a", "", number)) for number in (b"1", b"2", b"3")]
    assert found == [b"four", None, b"four"]
    kept.put(run, ("/a", "", b"large"), b"x" * 11)
    assert kept.get(run, ("/a", "", b"large")) is None
    other = replace(run)
    kept.put(other, ("/a", "", b"late"), b"late")
    assert kept.get(run, ("/a", "", b"late")) is None, "made of scores that do not stand"
    assert kept.get(other, ("/a", "", b"1")) is None
