"""Laws of access: who is let in, what is refused, what is said and what is never said."""

from __future__ import annotations

import json
import logging
import pickle
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from features.errors import InputError, NotFoundError
from serving.access import tokens
from serving.api import guard
from serving.api.service import ENDPOINTS, build_service
from serving.settings import Settings

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without data: access comes before everything else."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def secret(place: Path) -> str:
    """A token."""
    return tokens.create(place, "tests")[1]


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
    assert "no token was given" in response.json()["error"]
    assert "pacesetter token create NAME" in response.json()["error"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/schema.json", "/livez/", "/livez/../metrics", "/nothing", "/LIVEZ"]
)
def test_everything_else_is_closed(client: TestClient, method: str, path: str) -> None:
    """No other path, whatever the method and whether it exists or not, answers without a token."""
    assert client.request(method, path).status_code == 401


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
    token_id, secret = tokens.create(place, "for a while")
    assert client.get("/metrics", headers=bearer(secret)).status_code == 200
    tokens.revoke(place, token_id)
    response = client.get("/metrics", headers=bearer(secret))
    assert response.status_code == 401
    assert "unknown or was revoked" in response.json()["error"]


def test_figures_are_for_those_with_a_token(client: TestClient, secret: str) -> None:
    """Prometheus gets its figures with a token, and refused requests leave no trace in them."""
    client.get("/a-path-nobody-asked-for")
    told = client.get("/metrics", headers=bearer(secret)).text
    assert "pacesetter_requests_total" in told
    assert "a-path-nobody-asked-for" not in told


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
    """A body beyond the limit is answered by 413, whether its length is told or not."""
    body = b"[" + b"1," * (guard.MOST_BYTES // 2 + 1)
    headers = JSON | bearer(secret)
    told = client.post("/score_leads", content=body, headers=headers)
    untold = client.post(
        "/score_leads", content=iter([body[:1000], body[1000:], body]), headers=headers
    )
    assert told.status_code == untold.status_code == 413
    assert "send fewer leads" in told.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/next_calls", "{}", "'rep_id' is missing; it is required"),
        ("/next_calls", "", "'rep_id' is missing; it is required"),
        ("/next_calls", "[1", "the body is not JSON: EOF while parsing"),
        ("/next_calls", "[]", "the body should be an object"),
        ("/next_calls", '{"rep_id": 1.5}', "'rep_id' was given 1.5: an id should be a string"),
        ("/next_calls", '{"rep_id": true}', "'rep_id' was given True: should be a valid string"),
        ("/next_calls", '{"rep_id": "a", "limit": 0}', "'limit' was given 0: should be greater"),
        ("/next_calls", '{"rep_id": "a", "limit": "5"}', "'limit' was given '5': should be"),
        ("/next_calls", '{"rep_id": "a", "rep": 1}', "unknown key 'rep'; the keys here are rep_id"),
        ("/explain_lead", '{"lead_id": ""}', "'lead_id' was given ''"),
        ("/explain_lead", '{"lead_id": "a", "as_of": "noon"}', "a time like 2025-03-31T14:05:00Z"),
        ("/explain_lead", '{"lead_id": "a", "as_of": 17}', "'as_of' was given 17"),
        ("/explain_lead", '{"lead_id": "\\ud800"}', "the body is not JSON"),
        ("/score_leads", '{"leads": []}', "'leads' was given a list of 0"),
        ("/score_leads", '{"leads": [{"lead_id": "a"}]}', "'leads[0].created_at' is missing"),
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
    assert "there is nothing at /nothing" in missing.json()["error"]
    wrong = client.get("/next_calls", headers=bearer(secret))
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert client.put("/livez").status_code == 405


def test_what_fails_is_answered_at_once(
    place: Path, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A page that breaks is a 500 without its inside, at once, and the log has the traceback."""

    def broken(_: Request) -> Response:
        raise ValueError("of the inside")

    service = build_service(place, Settings())
    service.mount_asgi_app(Starlette(routes=[Route("/broken", broken)]), "/")
    with TestClient(service.to_asgi(), headers=bearer(secret)) as client:
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
    said = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    lines = [line for line in said if " ms" in line]
    assert len(lines) == 2
    assert lines[0].startswith("POST /health 503 ")
    assert "'tests'" in lines[0]
    assert lines[1].startswith("GET /x%0AFAKE%20LINE 401 ")
    assert not any(secret in line or "hidden" in line for line in said)


def test_a_broken_token_file_lets_nobody_in(tmp_path: Path) -> None:
    """When tokens cannot be read, nobody has access, and the log names the file."""
    _, secret = tokens.create(tmp_path, "tests")
    (tmp_path / "data" / "tokens.json").write_text("{", encoding="utf-8")
    with TestClient(build_service(tmp_path, Settings()).to_asgi()) as client:
        assert client.post("/health", headers=bearer(secret)).status_code == 503
        assert client.get("/livez").status_code == 200
    with pytest.raises(InputError, match="cannot be read as tokens"):
        tokens.list_tokens(tmp_path)


def test_secrets_are_not_kept(tmp_path: Path) -> None:
    """The file is its owner's alone and holds no secret; every secret is another."""
    made = [tokens.create(tmp_path, "Ann") for _ in range(3)]
    path = tmp_path / "data" / "tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_text(encoding="utf-8")
    assert not any(secret in kept or secret.removeprefix("pace_") in kept for _, secret in made)
    assert len({secret for _, secret in made}) == len({token_id for token_id, _ in made}) == 3
    assert [json.dumps(vars(token)) for token in tokens.list_tokens(tmp_path)]


def test_tokens_are_verified_listed_and_revoked(tmp_path: Path) -> None:
    """A secret finds its token until it is revoked; revoking twice keeps the first time."""
    token_id, secret = tokens.create(tmp_path, "  Ann's laptop ")
    found = tokens.verify(tmp_path, secret)
    assert found is not None
    assert (found.id, found.name, found.is_active) == (token_id, "Ann's laptop", True)
    assert tokens.verify(tmp_path, secret + "x") is None
    assert tokens.verify(tmp_path, "") is None
    revoked = tokens.revoke(tmp_path, token_id)
    assert tokens.revoke(tmp_path, token_id) == revoked
    assert tokens.verify(tmp_path, secret) is None
    assert [token.revoked_at for token in tokens.list_tokens(tmp_path)] == [revoked.revoked_at]
    with pytest.raises(NotFoundError, match=f"no token has the id 'zz'; the ids are: {token_id}"):
        tokens.revoke(tmp_path, "zz")


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101])
def test_names_of_tokens_can_be_read(tmp_path: Path, name: str) -> None:
    """A name that would break lists or logs is refused."""
    with pytest.raises(InputError, match="1 to 100 printable characters"):
        tokens.create(tmp_path, name)


def test_no_token_is_lost_when_many_are_made_at_once(tmp_path: Path) -> None:
    """Makers and revokers wait for each other; each change is whole."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: tokens.create(tmp_path, f"t{n}"), range(24)))
        list(pool.map(lambda one: tokens.revoke(tmp_path, one[0]), made[::2]))
    active = [token.id for token in tokens.list_tokens(tmp_path) if token.is_active]
    assert sorted(active) == sorted(token_id for token_id, _ in made[1::2])
