"""Laws of access: who is let in, what is refused, what is logged and what never is."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from serving.access import tokens
from serving.access.access import Access
from serving.access.rights import Needs, RouteRight
from serving.api import bodies
from serving.api.guard import Guard
from serving.api.metrics import RequestMetrics
from serving.api.service import ENDPOINTS, build_service
from serving.params import ServingParams
from serving.settings import Settings
from serving.store.database import Store

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without data: access comes before everything else."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def secret(place: Path) -> str:
    """A token."""
    return tokens.create(Store(place), "tests")[1]


@pytest.fixture(scope="module")
def client(place: Path) -> Iterator[TestClient]:
    """The service, without a token."""
    with TestClient(build_service(place, Settings()).to_asgi()) as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    """Write the header that carries a token."""
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/docs.json"])
def test_open_doors(client: TestClient, path: str) -> None:
    """Health and the document need no token."""
    assert client.get(path).status_code == 200


def test_readiness_is_open_too(client: TestClient) -> None:
    """Whether it is ready may be asked by anybody."""
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("path", [*(e.path for e in ENDPOINTS.values())])
def test_no_endpoint_answers_without_a_token(client: TestClient, path: str) -> None:
    """Without a token the answer is 401, and says what is missing and how to get it."""
    response = client.post(path, json={})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="pacesetter"'
    assert "a token is required" in response.json()["error"]
    assert "pacesetter token create NAME" in response.json()["error"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/metrics", "/schema.json", "/livez/", "/livez/../metrics", "/nothing", "/LIVEZ"]
)
def test_everything_else_is_closed(client: TestClient, method: str, path: str) -> None:
    """No other path, whatever the method and whether it exists or not, answers without a token."""
    assert client.request(method, path).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/today", "/team", "/settings"])
def test_pages_lead_to_the_sign_in(client: TestClient, method: str, path: str) -> None:
    """A page is shown to nobody who has not signed in, whatever the method."""
    response = client.request(method, path, follow_redirects=False)
    assert response.status_code in (303, 401, 403, 405)
    if method == "GET":
        assert response.status_code == 303
        assert response.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer pace_wrong", "Bearer \xff", "pace_x"],
)
def test_wrong_tokens_open_nothing(client: TestClient, header: str) -> None:
    """Whatever is not an active token's secret is answered by 401."""
    response = client.post("/health", headers={"Authorization": header.encode("latin-1")})
    assert response.status_code == 401


def test_a_token_opens_and_a_revoked_one_closes(client: TestClient, place: Path) -> None:
    """A token works from its creation to its revocation, without a restart."""
    token_id, secret = tokens.create(Store(place), "for a while")
    assert client.get("/metrics", headers=bearer(secret)).status_code == 200
    tokens.revoke(Store(place), token_id)
    response = client.get("/metrics", headers=bearer(secret))
    assert response.status_code == 401
    assert "unknown or revoked" in response.json()["error"]


def test_metrics_need_a_token(client: TestClient, secret: str) -> None:
    """Prometheus reads metrics with a token, and made-up paths leave no trace in them."""
    client.get("/a-path-nobody-asked-for")
    text = client.get("/metrics", headers=bearer(secret)).text
    assert "pacesetter_requests_total" in text
    assert "a-path-nobody-asked-for" not in text


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("unpickled"),))


@pytest.mark.parametrize("has_token", [True, False])
@pytest.mark.parametrize("path", ["/next_calls", "/score_leads", "/health", "/livez", "/"])
def test_pickles_are_never_opened(
    client: TestClient, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str,
    *, has_token: bool
) -> None:  # fmt: skip
    """A pickled body is answered by 415 and not loaded, with a token or without."""
    monkeypatch.chdir(tmp_path)
    headers = {"Content-Type": "application/vnd.bentoml+pickle"} | (
        bearer(secret) if has_token else {}
    )
    response = client.post(path, content=pickle.dumps(_Bomb()), headers=headers)
    assert response.status_code == 415
    if path != "/":
        assert "send JSON as 'application/json'" in response.json()["error"]
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/vnd.bentoml+arrow",
        "APPLICATION/VND.BENTOML+PICKLE; charset=utf-8",
        "application/jsonp",
    ],
)
def test_only_json_is_taken(client: TestClient, secret: str, media_type: str) -> None:
    """Any other content type is answered by 415."""
    headers = {"Content-Type": media_type} | bearer(secret)
    assert client.post("/health", content=b"{}", headers=headers).status_code == 415


def test_compressed_bodies_are_refused(client: TestClient, secret: str) -> None:
    """Nothing is unpacked: a small body could become a very long one."""
    headers = JSON | bearer(secret) | {"Content-Encoding": "gzip"}
    assert client.post("/health", content=b"{}", headers=headers).status_code == 415


def test_long_bodies_are_refused(client: TestClient, secret: str) -> None:
    """A body beyond the limit is answered by 413, whether its length is declared or not."""
    body = b"[" + b"1," * (bodies.MOST_BYTES // 2 + 1)
    headers = JSON | bearer(secret)
    declared = client.post("/score_leads", content=body, headers=headers)
    streamed = client.post(
        "/score_leads", content=iter([body[:1000], body[1000:], body]), headers=headers
    )
    assert declared.status_code == streamed.status_code == 413
    assert "send fewer leads" in declared.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/next_calls", "{}", "'rep_id' is missing, but required"),
        ("/next_calls", "", "'rep_id' is missing, but required"),
        ("/next_calls", "[1", "the body is not valid JSON: EOF while parsing"),
        ("/next_calls", "[]", "the body should be an object"),
        ("/next_calls", '{"rep_id": 1.5}', "'rep_id' is 1.5, but should be a string: a number"),
        ("/next_calls", '{"rep_id": true}', "'rep_id' is true, but should be a valid string"),
        ("/next_calls", '{"rep_id": "a", "limit": 0}', "'limit' is 0, but should be greater"),
        ("/next_calls", '{"rep_id": "a", "limit": "5"}', "'limit' is \"5\", but should be"),
        ("/next_calls", '{"rep_id": "a", "rep": 1}', "unknown key 'rep'"),
        ("/explain_lead", '{"lead_id": ""}', "'lead_id' is \"\""),
        ("/explain_lead", '{"lead_id": "a", "as_of": "noon"}', "a time like 2025-03-31T14:05:00Z"),
        ("/explain_lead", '{"lead_id": "a", "as_of": 17}', "'as_of' is 17"),
        ("/explain_lead", '{"lead_id": "\\ud800"}', "the body is not valid JSON"),
        (
            "/score_leads",
            '{"leads": []}',
            "'leads' is a list of 0, but should have at least 1 item",
        ),
        (
            "/score_leads",
            '{"leads": [{"lead_id": "a"}]}',
            "'leads[0].created_at' is missing, but required",
        ),
        ("/health", '{"deep": 1}', "unknown key 'deep'"),
    ],
)
def test_wrong_bodies_are_answered_in_words(
    client: TestClient, secret: str, caplog: pytest.LogCaptureFixture,
    path: str, body: str, says: str,
) -> None:  # fmt: skip
    """A wrong body is a 400 that says what was wrong, and no traceback reaches the log."""
    response = client.post(path, content=body, headers=JSON | bearer(secret))
    assert response.status_code == 400
    assert says in response.json()["error"]
    assert not [record for record in caplog.records if record.exc_info]


def test_unknown_paths_and_methods_are_answered_in_words(client: TestClient, secret: str) -> None:
    """With a token, what is not there is 404, and a wrong method 405 with the right one."""
    missing = client.get("/nothing", headers=bearer(secret))
    assert missing.status_code == 404
    assert "there is no path /nothing" in missing.json()["error"]
    wrong = client.get("/next_calls", headers=bearer(secret))
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    other = client.put("/livez")
    assert other.status_code == 405
    assert other.json()["error"] == "/livez does not accept PUT; it accepts GET, HEAD"


def test_what_fails_is_answered_at_once(
    place: Path, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that breaks is a 500 without its inside, at once, and the log has the traceback."""

    def broken(_: Request) -> Response:
        raise ValueError("of the inside")

    app = Starlette(routes=[Route("/broken", broken)])
    rights = (RouteRight("/broken", "GET", Needs.ANYONE),)
    guarded = Guard(app, Access.of(place, ServingParams()), {}, RequestMetrics([]), rights)
    with TestClient(guarded, headers=bearer(secret), raise_server_exceptions=False) as client:
        began = time.monotonic()
        response = client.get("/broken")
        assert time.monotonic() - began < 5
        assert client.get("/nothing").status_code == 404
    assert response.status_code == 500
    assert "of the inside" not in response.text
    assert "of the inside" in caplog.text


def test_every_answer_has_its_headers(client: TestClient, secret: str) -> None:
    """Open, refused and given answers alike are not to be sniffed, framed or kept."""
    answers = (
        client.get("/livez"),
        client.post("/health"),
        client.get("/metrics", headers=bearer(secret)),
    )
    for response in answers:
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "server" not in response.headers


def test_the_log_has_one_line_a_request_and_no_secret(
    client: TestClient, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A line names method, path, status and token id; neither token, query nor body."""
    caplog.set_level(logging.INFO)
    client.post("/health?key=hidden", headers=bearer(secret))
    client.get("/x%0AFAKE LINE")
    client.get("/livez")
    # The client of this test logs too, but it is no part of the service.
    logged = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    lines = [line for line in logged if " ms" in line]
    assert len(lines) == 2
    assert lines[0].startswith("POST /health 503 ")
    assert "'tests'" in lines[0]
    assert lines[1].startswith("GET /x%0AFAKE%20LINE 401 ")
    assert not any(secret in line or "hidden" in line for line in logged)


@pytest.mark.parametrize("broken", ["store.sqlite", "tokens.json"])
def test_a_broken_store_lets_nobody_in(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When tokens cannot be read, nobody has access, and the log names the file."""
    _, secret = tokens.create(Store(tmp_path), "tests")
    (tmp_path / "data" / broken).write_text("{" * 2000, encoding="utf-8")
    with TestClient(build_service(tmp_path, Settings()).to_asgi()) as client:
        assert client.post("/health", headers=bearer(secret)).status_code == 503
        assert client.get("/livez").status_code == 200
    assert broken in caplog.text


class Greeting(BaseModel):
    """The body that the application below wants."""

    name: str


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body, as an application that knows nothing of the guard."""
    if scope["type"] != "http":
        await send({"type": f"{scope['type']}.seen"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if body == b'{"name": "nobody"}':
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"x")]})
    await send({"type": "http.response.body", "body": body})


def exchange(home: Path, scope: dict[str, Any], *messages: Message) -> list[Message]:
    """Send messages of one connection through a guard; returns what comes back."""
    inbox, outbox = list(messages), []

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        outbox.append(message)

    access = Access.of(home, ServingParams())
    rights = (RouteRight("/greet", "POST", Needs.ANYONE),)
    app = Guard(echo, access, {"/greet": Greeting}, RequestMetrics(["/greet"]), rights)
    asyncio.run(app(scope, receive, send))
    return outbox


def post(secret: str, **headers: str) -> dict[str, Any]:
    """Return the scope of a POST with a token."""
    fields = {"authorization": f"Bearer {secret}", "content-type": "application/json", **headers}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return {"type": "http", "method": "POST", "path": "/greet", "headers": raw}


def chunk(body: bytes, *, more: bool = False) -> Message:
    """Return a part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_valid_body_reaches_the_application_whole(place: Path, secret: str) -> None:
    """However many parts it comes in, the application reads the very bytes that were sent."""
    body = b'{"name":  "Ann"}'
    start, end = exchange(place, post(secret), chunk(body[:5], more=True), chunk(body[5:]))
    assert (start["status"], end["body"]) == (200, body)
    names = {name for name, _ in start["headers"]}
    assert b"server" not in names
    assert b"x-content-type-options" in names


def test_an_invalid_body_does_not_reach_the_application(place: Path, secret: str) -> None:
    """A body that does not fit its model is refused before the application is asked."""
    start, end = exchange(place, post(secret), chunk(b'{"nam": "Ann"}'))
    assert (start["status"], json.loads(end["body"])) == (
        400,
        {"error": "'name' is missing, but required"},
    )


def test_a_connection_that_breaks_off_is_no_body(place: Path, secret: str) -> None:
    """Half a body is never taken for a whole one, though it may look complete."""
    half = chunk(b'{"name": "Ann"}', more=True)
    start, end = exchange(place, post(secret), half, {"type": "http.disconnect"})
    assert start["status"] == 400
    assert b"the connection closed before the body was complete" in end["body"]


@pytest.mark.parametrize("declared", ["x", "-1", "3", ""])
def test_a_declared_length_is_not_believed(place: Path, secret: str, declared: str) -> None:
    """A length that is no number, or too small, neither fails nor cuts the body."""
    body = b'{"name": "Ann"}'
    _, end = exchange(place, post(secret, content_length=declared), chunk(body))
    assert end["body"] == body


def test_an_application_that_does_not_answer_is_a_failure(place: Path, secret: str) -> None:
    """Nobody waits for an answer that never comes."""
    start, end = exchange(place, post(secret), chunk(b'{"name": "nobody"}'))
    assert start["status"] == 500
    assert json.loads(end["body"]) == {"error": "the service failed; its log has the details"}


def test_websockets_are_closed_and_the_lifespan_is_not_guarded(place: Path) -> None:
    """No data flows through a websocket; start and stop are the server's own messages."""
    assert exchange(place, {"type": "websocket"}) == [{"type": "websocket.close", "code": 1008}]
    assert exchange(place, {"type": "lifespan"}) == [{"type": "lifespan.seen"}]
