"""Laws of whom a request names, of bodies that are no bodies, and of answers on their way out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.access import tokens
from serving.access.access import Access
from serving.access.company import Company
from serving.access.people import Person, Role
from serving.access.rights import ManagerTree, Needs, RouteRight
from serving.access.tokens import Grant
from serving.api.answering import Sender
from serving.api.guard import Guard
from serving.api.lead_contracts import NextCallsRequest, ScoreLeadsRequest
from serving.api.metrics import RequestMetrics
from serving.api.refused import Refused, SignInFirst
from serving.api.rep_contracts import AtRiskRepsRequest, RepOutlookRequest
from serving.api.service import ENDPOINTS
from serving.api.subjects import Subjects, own_subject, subjects_of, why_not, with_fields
from serving.params import AccessParams, ServingParams
from serving.store.database import Store

REP = Person("a", "Ann", Role.REP, "r1")
MANAGER = Person("b", "Ben", Role.MANAGER, "m1")
ANALYST = Person("c", "Cy", Role.ANALYST)
LEADS = RouteRight("/lead", "POST", Needs.OWN_REP, about_lead=True)


def test_everybody_in_a_body_is_found() -> None:
    """At the top, in lists of objects, as a number: all the same as in the path and the query."""
    leads = [
        {"lead_id": "L1", "created_at": "2025-01-01", "rep_id": 17},
        {"lead_id": "L2", "created_at": "2025-01-01"},
    ]
    call = {"lead_id": "L1", "occurred_at": "2025-01-02", "type": "call", "rep_id": "r3"}
    body = ScoreLeadsRequest.model_validate({"leads": leads, "activities": [call]})
    found = subjects_of({"rep_id": "r4", "page": "x"}, "manager_id=m9&rep=r8&lead_id=L3", body)
    assert found.leads == {"L1", "L2", "L3"}
    assert found.reps == {"17", "r4", "m9"}, "whoever called before is not asked about"


def test_nobody_is_named_by_null() -> None:
    """A field that is left out or null names nobody."""
    for body in ({"rep_id": None}, {"rep_id": ""}):
        found = subjects_of({}, "", NextCallsRequest.model_validate(body))
        assert found == Subjects(frozenset(), frozenset())


def test_a_request_for_nobody_means_oneself() -> None:
    """Filled is the field of the role where it is empty, and no other."""
    nobody = NextCallsRequest.model_validate({"rep_id": None})
    assert own_subject(REP, nobody) == {"rep_id": "r1"}
    assert own_subject(MANAGER, nobody) == {}
    assert own_subject(MANAGER, AtRiskRepsRequest()) == {"manager_id": "m1"}
    assert own_subject(ANALYST, AtRiskRepsRequest()) == {}
    assert own_subject(REP, RepOutlookRequest.model_validate({"rep_id": "r3"})) == {}
    filled = with_fields(b'{"rep_id": null, "limit": 3}', {"rep_id": "r1"})
    assert json.loads(filled) == {"rep_id": "r1", "limit": 3}


@pytest.fixture
def access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Access:
    """A company of two teams, and a lead for each rep and one for nobody."""
    access = Access(Store(tmp_path), AccessParams())
    owners = {"L1": "r1", "L2": "r2", "L3": "r3", "L0": None}
    company = Company(ManagerTree({"r1": "m1", "r2": "m1", "r3": "m2"}), owners)
    monkeypatch.setattr(access.company, "current", lambda: company)
    return access


@pytest.mark.parametrize(
    ("person", "allowed"),
    [(REP, {"L1", "L9"}), (MANAGER, {"L0", "L1", "L2", "L9"}), (ANALYST, set())],
)
def test_a_lead_is_its_owner_s(access: Access, person: Person, allowed: set[str]) -> None:
    """A rep's own, a manager's team's and the pool's; one that is not there is for the answer."""
    may_ask = {
        lead
        for lead in ("L0", "L1", "L2", "L3", "L9")
        if why_not(access, person, LEADS, Subjects(frozenset(), frozenset({lead}))) is None
    }
    assert may_ask == allowed


def test_one_foreign_name_among_many_refuses_all(access: Access) -> None:
    """Whoever names ten needs the right to ten; the refusal names the one."""
    route = RouteRight("/any", "POST", Needs.ANYONE)
    own = Subjects(frozenset({"r1", "r2"}), frozenset())
    assert why_not(access, MANAGER, route, own) is None
    says = why_not(access, MANAGER, route, Subjects(own.reps | {"r3"}, frozenset()))
    assert says is not None
    assert "'r3' is neither you nor in your team" in says
    leads = Subjects(frozenset(), frozenset({"L1", "L3"}))
    assert "'L3'" in str(why_not(access, MANAGER, LEADS, leads))


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whatever comes."""
    assert scope["type"] == "http"
    assert json.loads((await receive())["body"]) is not None
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


TOKENS = ("{", "}", "[", "]", ":", ",", '"', "null", "true", "1e999", "-0", "\\u0000", "\\ud800",
          "é", "NaN", '"rep_id"', '"lead_id"', '"leads"', '"r1"', "\x00", " ", '{"rep_id":',
          "99999999999", '"as_of"', '"2025-13-45"', '"manager_id"', "//", "\ufeff")  # fmt: skip


def test_ten_thousand_malformed_bodies_do_no_harm(tmp_path: Path) -> None:
    """Each is answered in words, none by a failure, and a good one afterwards is let through."""
    chance = Random(11)  # noqa: S311 - a sample, no secret
    access = Access.of(tmp_path, ServingParams.model_validate({"access": {"requests_a_minute": 0}}))
    secrets = [
        tokens.create(access.store, "all")[1],
        tokens.create(access.store, "rep", Grant(Role.REP, "r1"))[1],
    ]
    bodies = {e.path: e.request for e in ENDPOINTS.values()}
    guard = Guard(fine, access, bodies, RequestMetrics([]))
    paths = sorted(bodies)

    async def ask(path: str, body: bytes, secret: str) -> tuple[int, bytes]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"authorization", f"Bearer {secret}".encode()), (b"content-type", JSON)]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers,
                 "query_string": b"", "client": ("1.2.3.4", 5), "scheme": "http"}  # fmt: skip
        await guard(scope, receive, send)
        return sent[0]["status"], sent[1]["body"]

    async def ask_all() -> set[int]:
        statuses = set()
        for number in range(10_000):
            parts = chance.choices(TOKENS, k=chance.randrange(12))
            body = "".join(parts).encode("utf-8", "surrogatepass")
            if number % 5 == 0:
                body = chance.randbytes(chance.randrange(60))
            status, answer = await ask(chance.choice(paths), body, secrets[number % 2])
            assert status in {200, 400, 403}, body
            assert status == 200 or json.loads(answer)["error"]
            statuses.add(status)
        good = json.dumps({"rep_id": "r1"}).encode()
        assert (await ask("/rep_outlook", good, secrets[1]))[0] == 200
        return statuses

    assert asyncio.run(ask_all()) >= {400}


JSON = b"application/json"


def sent_by(sender_of: Any, *messages: Message) -> list[Message]:
    """Send messages through a sender; returns what reaches the network."""
    out: list[Message] = []

    async def send(message: Message) -> None:
        out.append(message)

    async def run() -> None:
        sender = sender_of(send)
        for message in messages:
            await sender(message)

    asyncio.run(run())
    return out


def start(status: int = 200) -> Message:
    """Return the beginning of an answer."""
    return {"type": "http.response.start", "status": status, "headers": []}


def part(body: bytes, *, more: bool = False) -> Message:
    """Return a part of an answer."""
    return {"type": "http.response.body", "body": body, "more_body": more}


def test_an_answer_goes_out_after_it_was_kept() -> None:
    """However many parts it has, everybody in it is kept once, before the first byte is sent."""
    kept: list[set[str]] = []
    seen: list[int] = []

    def sender_of(send: Send) -> Sender:
        async def noted(message: Message) -> None:
            seen.append(len(kept))
            await send(message)

        sender = Sender(noted)
        sender.keeps = kept.append
        return sender

    body = json.dumps(
        {"reps": [{"rep_id": "r1"}, {"rep_id": "r2", "x": [{"rep_id": "r3"}]}]}
    ).encode()
    out = sent_by(sender_of, start(), part(body[:9], more=True), part(body[9:]))
    assert kept == [{"r1", "r2", "r3"}]
    assert seen == [1, 1, 1]
    assert b"".join(message.get("body", b"") for message in out) == body


def test_a_refusal_shows_nobody() -> None:
    """What is no answer is sent on at once, and nobody is kept."""
    kept: list[set[str]] = []

    def sender_of(send: Send) -> Sender:
        sender = Sender(send)
        sender.keeps = kept.append
        return sender

    assert len(sent_by(sender_of, start(404), part(b'{"rep_id": "r1"}'))) == 2
    assert kept == []


def test_a_refused_page_is_html_that_repeats_nothing_live() -> None:
    """What was asked for comes back as text, never as markup."""
    page = Refused(403, "<script>alert(1)</script>").answer(is_page=True)
    assert page.media_type == "text/html"
    assert b"<script>" not in bytes(page.body)
    assert b"&lt;script&gt;" in bytes(page.body)
    data = Refused(403, "no").answer(is_page=False)
    assert json.loads(bytes(data.body)) == {"error": "no"}


@pytest.mark.parametrize(
    ("method", "query", "leads_to"),
    [
        ("GET", b"", "/sign-in?next=%2Ftoday"),
        ("GET", b"a=1&b=/x", "/sign-in?next=%2Ftoday%3Fa%3D1%26b%3D%2Fx"),
        ("POST", b"a=1", "/sign-in"),
    ],
)
def test_the_way_to_sign_in_remembers_the_way_back(
    method: str, query: bytes, leads_to: str
) -> None:
    """A page can be opened again; a form that was sent cannot."""
    scope = {"path": "/today", "query_string": query, "method": method}
    assert SignInFirst(scope).answer(is_page=True).headers["location"] == leads_to
