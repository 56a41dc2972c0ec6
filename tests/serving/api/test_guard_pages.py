"""Laws of pages behind the guard: signing in and out, forms, content policy, proxies, limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.access import tokens
from serving.access.access import Access
from serving.access.people import Role
from serving.access.rights import Needs, RouteRight
from serving.access.sessions import SESSION_COOKIE, keep_cookie
from serving.access.tokens import Grant
from serving.api.guard import Guard
from serving.api.metrics import RequestMetrics
from serving.params import AccessParams
from serving.store.database import Store

RIGHTS = (
    RouteRight("/sign-in", "GET", Needs.OPEN, is_page=True),
    RouteRight("/sign-in", "POST", Needs.OPEN, is_page=True),
    RouteRight("/sign-out", "POST", Needs.ANYONE, is_page=True),
    RouteRight("/today", "GET", Needs.OWN_REP, is_page=True),
    RouteRight("/reps/{rep_id}", "GET", Needs.OWN_REP, is_page=True),
    RouteRight("/settings", "GET", Needs.ADMIN, is_page=True),
    RouteRight("/settings", "POST", Needs.ADMIN, is_page=True),
    RouteRight("/data", "GET", Needs.ANYONE),
)


def show(request: Request) -> Response:
    """Show a page with a form, and who sees it."""
    state = request.state
    who = state.person.name if state.person else "nobody"
    return HTMLResponse(
        f"<style nonce='{state.nonce}'></style><p>{who}</p>"
        f"<form method=post><input name=csrf value={state.csrf}></form>"
    )


async def sign_in(request: Request) -> Response:
    """Sign in by a token in a form."""
    form = await request.form()
    cookie = request.state.access.sessions.sign_in(str(form["token"]))
    if cookie is None:
        return HTMLResponse("wrong", 403)
    response = RedirectResponse("/today", 303)
    keep_cookie(response, SESSION_COOKIE, cookie, is_https=request.state.is_https)
    return response


def sign_out(request: Request) -> Response:
    """Sign out."""
    request.state.access.sessions.sign_out(request.cookies[SESSION_COOKIE])
    return RedirectResponse("/sign-in", 303)


@requires("admin", status_code=418)
async def save(request: Request) -> Response:
    """Take a form whole, as Starlette's own authentication lets an admin do."""
    return HTMLResponse((await request.body()).decode())


def data(request: Request) -> Response:
    """Tell a program who it is."""
    return HTMLResponse(request.state.person.name)


APP = Starlette(
    routes=[
        Route("/sign-in", show),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/today", show),
        Route("/reps/{rep_id}", show),
        Route("/settings", show),
        Route("/settings", save, methods=["POST"]),
        Route("/data", data),
    ]
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A home without data."""
    return Store(tmp_path)


Browsers = Callable[..., TestClient]


@pytest.fixture
def browser(store: Store) -> Iterator[Browsers]:
    """Open browsers at one service, whose settings the first one names."""
    opened: list[TestClient] = []

    def open_one(address: str = "127.0.0.1", scheme: str = "http", **params: Any) -> TestClient:
        access = Access(store, AccessParams(**params))
        guarded = Guard(APP, access, {}, RequestMetrics([]), RIGHTS)
        client = TestClient(
            guarded,
            base_url=f"{scheme}://testserver",
            follow_redirects=False,
            raise_server_exceptions=False,
            client=(address, 50000),
        )
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def secret(store: Store) -> str:
    """A rep's token."""
    return tokens.create(store, "Ann", Grant(Role.REP, "r1"))[1]


@pytest.fixture
def admin(store: Store) -> str:
    """An admin's token."""
    return tokens.create(store, "Di")[1]


def csrf_of(client: TestClient, path: str) -> str:
    """Open a page and return the token of its form."""
    found = re.search(r"name=csrf value=(\w+)", client.get(path).text)
    assert found is not None
    return found.group(1)


def enter(client: TestClient, secret: str) -> Response:
    """Sign in as a browser does."""
    form = {"csrf": csrf_of(client, "/sign-in"), "token": secret}
    answer: Any = client.post("/sign-in", data=form)
    return answer


def test_a_page_leads_to_sign_in_and_opens_afterwards(browser: Browsers, secret: str) -> None:
    """Without a session 303 with the way back; with it the page; after signing out 303 again."""
    client = browser()
    answer = client.get("/reps/r1?period=2025-01&x=é")
    assert answer.status_code == 303
    assert (
        answer.headers["location"]
        == "/sign-in?next=%2Freps%2Fr1%3Fperiod%3D2025-01%26x%3D%25C3%25A9"
    )
    assert enter(client, secret).status_code == 303
    assert "<p>Ann</p>" in client.get("/today").text
    kept = client.cookies[SESSION_COOKIE]
    assert client.post("/sign-out", data={"csrf": csrf_of(client, "/today")}).status_code == 303
    client.cookies.set(SESSION_COOKIE, kept)
    assert client.get("/today").headers["location"] == "/sign-in?next=%2Ftoday"
    assert client.post("/sign-out").headers["location"] == "/sign-in"


def test_a_wrong_token_does_not_sign_in(browser: Browsers, secret: str) -> None:
    """No cookie of a session is set, and pages stay closed."""
    client = browser()
    assert enter(client, secret + "x").status_code == 403
    assert SESSION_COOKIE not in client.cookies
    assert client.get("/today").status_code == 303


def test_pages_follow_the_table_of_rights(browser: Browsers, secret: str) -> None:
    """Somebody else's page, an admin's page and a page that is not there are refused in words."""
    client = browser()
    enter(client, secret)
    assert client.get("/reps/r1").status_code == 200
    for path, status in (("/reps/r2", 403), ("/today?rep_id=r2", 403), ("/settings", 403)):
        answer = client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
    assert "&#x27;r2&#x27; is neither you nor in your team" in client.get("/reps/r2").text
    assert client.put("/today").status_code == 405
    typed = {"Accept": "text/html,*/*"}
    assert "There is no such page" in client.get("/nowhere", headers=typed).text
    assert browser().get("/nowhere", headers=typed).status_code == 303
    assert browser().get("/nowhere").status_code == 401


def test_a_session_is_for_pages_alone(browser: Browsers, secret: str) -> None:
    """A program's route asks for a token, so that no site can use a browser's cookie there."""
    client = browser()
    enter(client, secret)
    assert client.get("/data").status_code == 401
    answer = client.get("/data", headers={"Authorization": f"Bearer {secret}"})
    assert answer.text == "Ann"


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_its_token_does_nothing(browser: Browsers, admin: str, token: str) -> None:
    """A form of another browser, without a token, with two, or of another type is refused."""
    client, other = browser(), browser()
    enter(client, admin)
    enter(other, admin)
    own, others = csrf_of(client, "/settings"), csrf_of(other, "/settings")
    assert own != others
    for form in ({"csrf": token}, {"csrf": others}, {"csrf": [own, token]}, {"name": "x"}):
        answer = client.post("/settings", data=form)
        assert answer.status_code == 403, form
        assert "open the page again" in answer.text
    assert client.post("/settings", json={"csrf": own}).status_code == 415
    assert client.post("/settings", data={"csrf": own, "a": "b"}).text == f"csrf={own}&a=b"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none", "Origin": "http://elsewhere"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "null"}, 200),
        ({"Origin": "http://elsewhere"}, 403),
        ({}, 200),
    ],
)
def test_a_form_of_another_site_does_nothing(
    browser: Browsers, admin: str, headers: dict[str, str], status: int
) -> None:
    """Where the browser says that another site sent it, the right token does not help."""
    client = browser()
    enter(client, admin)
    form = {"csrf": csrf_of(client, "/settings")}
    assert client.post("/settings", data=form, headers=headers).status_code == status


def test_forms_are_read_up_to_a_limit(browser: Browsers, admin: str) -> None:
    """Too long, too many fields, compressed or no text: refused in words, and nothing breaks."""
    client = browser()
    enter(client, admin)
    own = csrf_of(client, "/settings")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for content, status in (
        (f"csrf={own}&a=" + "x" * 2**20, 413),
        (f"csrf={own}&" + "a=1&" * 2000, 400),
        (b"csrf=\xff\xfe", 400),
    ):
        assert client.post("/settings", content=content, headers=headers).status_code == status
    packed = headers | {"Content-Encoding": "gzip"}
    assert client.post("/settings", content=b"x", headers=packed).status_code == 415
    assert client.post("/settings", data={"csrf": own}).status_code == 200


def test_a_page_allows_what_carries_its_nonce(browser: Browsers) -> None:
    """The policy names the nonce of this very answer; nothing from elsewhere and no frame."""
    client = browser()
    policies = []
    for _ in range(2):
        answer = client.get("/sign-in")
        nonce = re.search(r"nonce='([^']+)'", answer.text)
        assert nonce is not None
        policy = answer.headers["content-security-policy"]
        assert f"script-src 'self' 'nonce-{nonce.group(1)}';" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src-attr" not in policy
        policies.append(policy)
    assert policies[0] != policies[1]


def test_https_is_kept_by_browsers(browser: Browsers, secret: str) -> None:
    """By HTTPS cookies are Secure and the browser stays with HTTPS; by HTTP neither."""
    for client, is_https in ((browser(scheme="https"), True), (browser(), False)):
        enter(client, secret)
        answer = client.get("/today")
        assert ("strict-transport-security" in answer.headers) == is_https
        secure = [cookie.secure for cookie in client.cookies.jar]
        assert secure == [is_https] * 2
    behind = browser()
    answer = behind.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]
    spoofed = browser(address="10.9.9.9")
    answer = spoofed.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" not in answer.headers["set-cookie"]


def test_a_trusted_proxy_signs_people_in(browser: Browsers, store: Store, secret: str) -> None:
    """Its header names a token; elsewhere the header says nothing; an unknown name is refused."""
    assert secret
    settings = {"user_header": "X-Forwarded-Email", "proxies": ["10.0.0.1"]}
    header = {"X-Forwarded-Email": "Ann"}
    client = browser("10.0.0.1", **settings)
    assert "<p>Ann</p>" in client.get("/today", headers=header).text
    assert client.get("/data", headers=header).text == "Ann"
    assert client.get("/reps/r2", headers=header).status_code == 403
    unknown = client.get("/today", headers={"X-Forwarded-Email": "Eve"})
    assert unknown.status_code == 401
    assert "no active token has that name" in unknown.text
    assert browser("10.0.0.2", **settings).get("/today", headers=header).status_code == 303
    assert browser("10.0.0.1").get("/today", headers=header).status_code == 303
    (token,) = tokens.list_tokens(store)
    tokens.revoke(store, token.id)
    assert client.get("/today", headers=header).status_code == 401


def test_too_many_requests_have_to_wait(browser: Browsers, secret: str, admin: str) -> None:
    """Beyond the limit the answer is 429 and says for how long; others and admins go on."""
    client = browser(requests_a_minute=12)
    headers = {"Authorization": f"Bearer {secret}"}
    answers = [client.get("/data", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 5
    page = client.get("/today", headers=headers)
    assert page.status_code == 429
    assert "Too many requests" in page.text
    of_admin = {"Authorization": f"Bearer {admin}"}
    assert all(client.get("/data", headers=of_admin).status_code == 200 for _ in range(20))
