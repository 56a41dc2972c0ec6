"""The table of rights against the running service: every route, every role, own and other's data.

Nothing answers that should not, and what answers names nobody whom its reader may not see.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.storage.catalog import current
from serving.access import tokens
from serving.access.company import read_company
from serving.access.people import Role
from serving.access.rights import ROUTES, Needs, RouteRight, match_route
from serving.access.tokens import Grant
from serving.api.service import ENDPOINTS, ROUTED, build_service
from serving.api.work_routes import WORK
from serving.settings import Settings
from serving.store.database import Store
from serving.store.views import ViewLog

WHOM = (None, "r1", "r2", "r3", "m1", "m2")
"""r1 and r2 work for m1, r3 for m2; None names nobody."""
OWN: dict[str, set[str | None]] = {
    "rep": {None, "r1"},
    "manager": {None, "r1", "r2", "m1"},
    "analyst": set(),
    "admin": set(WHOM),
}
ALLOWED: dict[Needs, dict[str, set[str | None]]] = {
    Needs.OPEN: {who: set(WHOM) for who in ("nobody", *OWN)},
    Needs.ANYONE: {**OWN, "analyst": {None}},
    Needs.OWN_REP: OWN,
    Needs.TEAM: {**OWN, "rep": set()},
    Needs.ANALYST: {"analyst": {None}, "admin": set(WHOM)},
    Needs.ADMIN: {"admin": set(WHOM)},
}
"""Whom each role may name on a route of each need: r1 the rep, m1 the manager."""
GRANTS = {
    "rep": Grant(Role.REP, "r1"),
    "manager": Grant(Role.MANAGER, "m1"),
    "analyst": Grant(Role.ANALYST),
    "admin": Grant(),
}
POSTS = {
    endpoint.path: endpoint.request
    for endpoint in (*ENDPOINTS.values(), *ROUTED.values(), *WORK.values())
}
NAMES = ("rep_id", "manager_id")


@pytest.fixture(scope="module")
def place(sales: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both champions that these tests may write into."""
    copy = tmp_path_factory.mktemp("rights") / "home"
    shutil.copytree(sales, copy)
    return copy


@pytest.fixture(scope="module")
def secrets(place: Path) -> dict[str, str]:
    """A token for each role."""
    store = Store(place)
    return {name: tokens.create(store, name, grant)[1] for name, grant in GRANTS.items()}


@pytest.fixture(scope="module")
def leads(place: Path) -> dict[str | None, str]:
    """An open lead of each owner."""
    company = read_company(current(place))
    return {owner: lead_id for lead_id, owner in sorted(company.owners.items(), reverse=True)}


@pytest.fixture(scope="module")
def client(place: Path) -> Iterator[TestClient]:
    """The service with scores, and without a token."""
    with TestClient(build_service(place, Settings()).to_asgi(), follow_redirects=False) as client:
        deadline = time.monotonic() + 180
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield client


def body_of(path: str, whom: str | None, leads: dict[str | None, str]) -> dict[str, Any]:
    """Return a body made of the document's examples that names somebody wherever it can."""
    fields = POSTS[path].model_fields
    body = {
        name: field.examples[0]
        for name, field in fields.items()
        if field.examples and (field.is_required() or name in NAMES)
    }
    body.update({name: whom for name in NAMES if name in body})
    if "lead_id" in body:
        body["lead_id"] = leads.get(whom, "unknown")
    if path == "/score_leads":
        body = {"leads": [{"lead_id": "X", "created_at": "2025-07-01", "rep_id": whom}]}
    if path == "/worklist/actions":
        lead = leads.get(whom, "unknown")
        body = {"actions": [{"key": f"skip {lead}", "lead_id": lead, "action": "skip"}]}
    return body


def names_people(right: RouteRight) -> bool:
    """Tell whether a request to a route can name somebody."""
    if right.path not in POSTS:
        return right.method == "GET"
    return right.about_lead or bool({*NAMES, "leads"} & set(POSTS[right.path].model_fields))


def ask(
    client: TestClient, right: RouteRight, whom: str | None, leads: dict[str | None, str], who: str
) -> Any:
    """Send the request of a route that names somebody; returns the answer."""
    path = right.path
    for name in ("rep_id", "manager_id"):
        path = path.replace(f"{{{name}}}", whom or "r1")
    path = path.replace("{lead_id}", leads.get(whom, "unknown"))
    headers = {} if who == "nobody" else {"Authorization": f"Bearer {secrets_of[who]}"}
    if right.path in POSTS:
        return client.post(path, json=body_of(right.path, whom, leads), headers=headers)
    query = {} if whom is None else {"rep_id": whom}
    return client.request(right.method, path, params=query, headers=headers)


secrets_of: dict[str, str] = {}


@pytest.mark.parametrize("who", ["nobody", *GRANTS])
@pytest.mark.parametrize("right", ROUTES, ids=lambda right: f"{right.method} {right.path}")
def test_nothing_answers_that_should_not(
    client: TestClient, secrets: dict[str, str], leads: dict[str | None, str],
    right: RouteRight, who: str,
) -> None:  # fmt: skip
    """Every route, asked by everybody about everybody: refused exactly where the table says so."""
    secrets_of.update(secrets)
    allowed = ALLOWED[right.needs].get(who, set())
    for whom in WHOM if names_people(right) else (None,):
        answer = ask(client, right, whom, leads, who)
        is_refused = answer.status_code in {401, 403} or (
            answer.status_code == 303 and "/sign-in" in answer.headers["location"]
        )
        is_form = right.is_page and right.method == "POST"
        if who == "nobody" and right.needs is not Needs.OPEN:
            assert answer.status_code == (303 if right.is_page else 401)
        elif right.about_lead and whom not in leads:
            assert answer.status_code in {403, 404}
        elif is_form:
            assert answer.status_code in {403, 404, 415}, "a form without its token does nothing"
        elif right.about_lead and whom is None and who == "rep":
            assert is_refused, "a lead without an owner is in the pool, which managers hand out"
        else:
            is_unclear = whom is None and answer.status_code == 400
            assert is_refused == (whom not in allowed) or is_unclear, (whom, answer.text)


def named_in(value: Any) -> set[str]:
    """Return every rep that an answer names."""
    if isinstance(value, dict):
        own = {value["rep_id"]} if isinstance(value.get("rep_id"), str) else set()
        return own.union(*(named_in(inner) for inner in value.values()))
    return set().union(*map(named_in, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("who", ["rep", "manager"])
@pytest.mark.parametrize("path", sorted(POSTS))
def test_an_answer_names_only_whom_its_reader_may_see(
    client: TestClient, secrets: dict[str, str], leads: dict[str | None, str], path: str, who: str
) -> None:
    """A request that names nobody is about a rep's own data, or a manager's own team."""
    headers = {"Authorization": f"Bearer {secrets[who]}"}
    answer = client.post(path, json=body_of(path, None, leads), headers=headers)
    assert answer.status_code in {200, 400, 403, 404, 503}
    if answer.status_code == 200:
        assert named_in(answer.json()) <= OWN[who]


def test_who_names_nobody_gets_their_own(client: TestClient, secrets: dict[str, str]) -> None:
    """The answers say whose they are, and differ from an admin's, who gets all."""

    def post(who: str, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {secrets[who]}"}
        answer = client.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert post("rep", "/next_calls", {"rep_id": None})["rep_id"] == "r1"
    assert post("manager", "/next_calls", {"rep_id": None})["rep_id"] is None
    assert post("manager", "/at_risk_reps", {})["manager_id"] == "m1"
    assert post("admin", "/at_risk_reps", {})["manager_id"] is None
    assert len(named_in(post("admin", "/at_risk_reps", {}))) > 2


def test_a_query_does_not_hide_whom_it_names(client: TestClient, secrets: dict[str, str]) -> None:
    """Somebody else named in the query is refused, as often as they are named, in any spelling."""
    headers = {"Authorization": f"Bearer {secrets['rep']}"}
    for query, status in (
        ("rep_id=r1", 200),
        ("rep_id=r1&rep_id=r3", 403),
        ("rep_id=%723", 403),
        ("rep%5Fid=r3", 403),
        ("manager_id=m1", 403),
        ("other=r3", 200),
    ):
        assert client.get(f"/me/views?{query}", headers=headers).status_code == status, query


def test_a_body_does_not_hide_whom_it_names(client: TestClient, secrets: dict[str, str]) -> None:
    """A number for an id, white space and a name said twice are read as the answer reads them."""
    headers = {
        "Authorization": f"Bearer {secrets['rep']}",
        "Content-Type": "application/json",
    }
    for body, status in (
        ('{"rep_id": "r1"}', 200),
        ('{"rep_id": " r1 "}', 200),
        ('{"rep_id": " r3 "}', 403),
        ('{"rep_id": "r1", "rep_id": "r3"}', 403),
        ('{"rep_id": "r3", "rep_id": "r1"}', 200),
        ('{"rep_id": 3}', 403),
    ):
        answer = client.post("/rep_outlook", content=body, headers=headers)
        assert answer.status_code == status, (body, answer.text)
        if status == 200:
            assert answer.json()["rep_id"] == "r1"


def test_every_documented_path_is_in_the_table(client: TestClient) -> None:
    """What the document promises has a right, for each method; else the guard would refuse it."""
    for path, operations in client.get("/docs.json").json()["paths"].items():
        match = match_route(path)
        assert match is not None, path
        assert {method.upper() for method in operations} <= set(match.methods)


def test_whoever_is_looked_at_reads_who_looked(
    client: TestClient, secrets: dict[str, str], place: Path
) -> None:
    """A manager's look at a rep's risk is kept; the rep reads it and writes beside it."""

    def post(who: str, path: str, body: dict[str, Any]) -> Any:
        return client.post(path, json=body, headers={"Authorization": f"Bearer {secrets[who]}"})

    log = ViewLog(Store(place))
    before = {rep: len(log.of(rep)) for rep in ("r1", "r2", "r3")}
    outlook = post("manager", "/rep_outlook", {"rep_id": "r1"})
    assert outlook.status_code == 200
    assert post("manager", "/rep_outlook", {"rep_id": "r3"}).status_code == 403
    assert post("rep", "/rep_outlook", {"rep_id": "r1"}).status_code == 200
    listed = post("manager", "/at_risk_reps", {"manager_id": "m1"})
    after = {rep: len(log.of(rep)) for rep in ("r1", "r2", "r3")}
    assert {rep: after[rep] - before[rep] for rep in after} == {"r1": 2, "r2": 1, "r3": 0}
    assert {"r1", "r2"} <= named_in(listed.json())
    headers = {"Authorization": f"Bearer {secrets['rep']}"}
    newest, second = client.get("/me/views", headers=headers).json()["views"][:2]
    assert (newest["viewer"], newest["role"]) == ("manager", "manager")
    assert (newest["what"], second["what"]) == ("at-risk list", "rep outlook")
    note = {"view_id": newest["id"], "text": "We had spoken about it."}
    assert post("rep", "/me/views/notes", note).status_code == 200
    assert post("manager", "/me/views/notes", note).status_code == 404
    assert post("analyst", "/me/views/notes", note).status_code == 404
    (written,) = client.get("/me/views", headers=headers).json()["views"][0]["notes"]
    assert (written["by"], written["text"]) == ("rep", "We had spoken about it.")
    before_it = client.get(f"/me/views?before={newest['id']}", headers=headers).json()["views"]
    assert before_it[0]["id"] == second["id"]
    assert client.get("/me/views?before=x", headers=headers).status_code == 400


def test_a_risk_that_cannot_be_logged_is_not_shown(
    client: TestClient, secrets: dict[str, str], place: Path
) -> None:
    """When a view cannot be kept, the answer is an error in words, and the next one is well."""
    store = Store(place)
    moved = store.path.with_name("aside.sqlite")
    headers = {"Authorization": f"Bearer {secrets['manager']}"}
    body = {"rep_id": "r1"}
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE views RENAME TO views_aside")
    try:
        answer = client.post("/rep_outlook", json=body, headers=headers)
    finally:
        with store.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE views_aside RENAME TO views")
    assert answer.status_code in {500, 503}
    assert "periods" not in answer.text
    assert not moved.exists()
    assert client.post("/rep_outlook", json=body, headers=headers).status_code == 200
