"""Laws of sessions and forms: signed, ending, bound to one browser; and of rate limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from serving.access import tokens
from serving.access.access import Access
from serving.access.authentication import TrustedProxy
from serving.access.limits import Limiter
from serving.access.people import Person, Role
from serving.access.sessions import SESSION_COOKIE, Sessions, keep_cookie, new_visitor, way_back
from serving.access.tokens import Grant
from serving.params import AccessParams
from serving.store.database import Store

START = datetime(2025, 3, 1, 12)


class Time:
    """A clock that stands until it is moved."""

    now = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def time() -> Time:
    """A clock of the test's own."""
    return Time()


@pytest.fixture
def sessions(tmp_path: Path, time: Time) -> Sessions:
    """The sessions of a new home, each lasting two hours."""
    return Access(Store(tmp_path), AccessParams(session_hours=2.0), time).sessions


@pytest.fixture
def secret(sessions: Sessions, time: Time) -> str:
    """A rep's token that works for a day."""
    return tokens.create(sessions.store, "Ann", Grant(Role.REP, "r1", days=1), time)[1]


def sign_in(sessions: Sessions, secret: str) -> str:
    """Sign in; returns the cookie."""
    cookie = sessions.sign_in(secret)
    assert cookie is not None
    return cookie


def test_a_session_stands_for_who_signed_in_until_it_ends(
    sessions: Sessions, secret: str, time: Time
) -> None:
    """The cookie finds the person until its last moment, and not at it."""
    cookie = sign_in(sessions, f" {secret}\n")
    person = sessions.person(cookie)
    assert person is not None
    assert (person.name, person.role, person.rep_id) == ("Ann", Role.REP, "r1")
    time.now = START + timedelta(hours=2, microseconds=-1)
    assert sessions.person(cookie) == person
    time.now = START + timedelta(hours=2)
    assert sessions.person(cookie) is None


def test_a_wrong_token_begins_no_session(sessions: Sessions, secret: str) -> None:
    """Nobody is signed in by what is not an active token's secret."""
    assert sessions.sign_in(secret + "x") is None
    assert sessions.sign_in("") is None
    (token,) = tokens.list_tokens(sessions.store)
    tokens.revoke(sessions.store, token.id)
    assert sessions.sign_in(secret) is None


def test_signing_out_ends_one_session(sessions: Sessions, secret: str) -> None:
    """The other browser stays signed in; signing out twice changes nothing."""
    one, other = sign_in(sessions, secret), sign_in(sessions, secret)
    assert one != other
    sessions.sign_out(one)
    sessions.sign_out(one)
    assert sessions.person(one) is None
    assert sessions.person(other) is not None


def test_a_session_ends_with_its_token(sessions: Sessions, secret: str, time: Time) -> None:
    """Revoking a token signs everybody out who came with it; so does its expiry."""
    cookie = sign_in(sessions, secret)
    (token,) = tokens.list_tokens(sessions.store)
    tokens.revoke(sessions.store, token.id)
    assert sessions.person(cookie) is None
    _, brief = tokens.create(sessions.store, "Ben", Grant(days=1), lambda: START - timedelta(1))
    time.now = START - timedelta(minutes=1)
    cookie = sign_in(sessions, brief)
    time.now = START
    assert sessions.person(cookie) is None


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: "x" + c, lambda c: c.split(".")[0]])
def test_a_cookie_that_was_changed_is_nobodys(
    sessions: Sessions, secret: str, change: object
) -> None:
    """A cookie counts as it was signed, and signs nobody out otherwise."""
    cookie = sign_in(sessions, secret)
    assert callable(change)
    assert sessions.person(change(cookie)) is None
    sessions.sign_out(change(cookie))
    assert sessions.person(cookie) is not None
    assert sessions.person("é.\ud800".encode("utf-8", "replace").decode()) is None


def test_the_store_holds_no_cookie(sessions: Sessions, secret: str) -> None:
    """Whoever reads the store cannot take over a session."""
    cookie = sign_in(sessions, secret)
    stored = b"".join(f.read_bytes() for f in sessions.store.path.parent.iterdir())
    assert cookie.split(".")[0].encode() not in stored


@pytest.mark.parametrize(
    "asked",
    ["", "//evil", "/\\evil", "https://evil", "evil", "javascript:alert(1)", "/\t/evil", "\n/a"],
)
def test_signing_in_leads_to_no_other_site(asked: str) -> None:
    """Whatever a link asks for, the way back is a path of this service."""
    assert way_back(asked) == "/"
    assert way_back(None) == "/"
    assert way_back("/today?x=1") == "/today?x=1"


def test_a_form_belongs_to_one_browser(sessions: Sessions) -> None:
    """A form's token counts with the cookie it was made for, and no other."""
    one, other = new_visitor(), new_visitor()
    token = sessions.form_token(one)
    assert sessions.is_form_token(token, one)
    assert not sessions.is_form_token(token, other)
    assert not sessions.is_form_token("", one)
    assert not sessions.is_form_token("é", one)


def test_two_homes_do_not_know_each_others_forms(sessions: Sessions, tmp_path: Path) -> None:
    """Each home signs with a secret of its own."""
    other = Access(Store(tmp_path / "other"), AccessParams()).sessions
    assert other.form_token("v") != sessions.form_token("v")


@pytest.mark.parametrize("is_https", [True, False])
def test_cookies_are_kept_from_scripts_and_other_sites(*, is_https: bool) -> None:
    """HttpOnly and SameSite always, Secure where the browser came by HTTPS; empty removes it."""
    response = Response()
    keep_cookie(response, SESSION_COOKIE, "v", is_https=is_https)
    line = response.headers["set-cookie"]
    assert line.startswith("pacesetter_session=v;")
    assert "HttpOnly" in line
    assert "SameSite=lax" in line
    assert ("Secure" in line) == is_https
    keep_cookie(response, SESSION_COOKIE, "", is_https=is_https)
    assert "Max-Age=0" in response.headers.getlist("set-cookie")[1]


def connection(host: str, **headers: str) -> HTTPConnection:
    """Return a request from an address."""
    raw = Headers({name.replace("_", "-"): value for name, value in headers.items()}).raw
    return HTTPConnection(
        {"type": "http", "scheme": "http", "client": (host, 1), "headers": raw, "path": "/"}
    )


def test_only_the_proxy_s_own_word_counts() -> None:
    """Headers from another address, from an unnamed header, or written twice say nothing."""
    proxy = TrustedProxy(frozenset({"10.0.0.1"}), "X-User")
    assert proxy.user(connection("10.0.0.1", x_user=" Ann ")) == "Ann"
    assert proxy.user(connection("10.0.0.2", x_user="Ann")) is None
    assert proxy.user(connection("10.0.0.1", x_user=" ")) is None
    assert proxy.user(connection("10.0.0.1")) is None
    twice = connection("10.0.0.1", x_user="Ann")
    twice.scope["headers"] += [(b"x-user", b"Ben")]
    assert proxy.user(twice) is None
    assert TrustedProxy(proxy.addresses).user(connection("10.0.0.1", x_user="Ann")) is None


def test_https_is_known_by_the_connection_or_the_proxy() -> None:
    """A browser cannot claim it; the proxy nearest to us is believed."""
    proxy = TrustedProxy(frozenset({"10.0.0.1"}))
    assert proxy.is_https(connection("10.0.0.1", x_forwarded_proto="https"))
    assert not proxy.is_https(connection("10.0.0.1", x_forwarded_proto="https, http"))
    assert not proxy.is_https(connection("10.0.0.9", x_forwarded_proto="https"))
    direct = connection("10.0.0.9")
    direct.scope["scheme"] = "https"
    assert proxy.is_https(direct)


class Seconds:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_person_may_send_so_many_requests_a_minute() -> None:
    """A burst of ten seconds' worth goes through, then the steady pace; others do not suffer."""
    seconds = Seconds()
    limiter = Limiter(60, 0, seconds)
    ann, ben = Person("a", "Ann", Role.REP, "r1"), Person("b", "Ben", Role.ANALYST)
    assert [limiter.seconds_to_wait(ann) for _ in range(10)] == [0.0] * 10
    assert limiter.seconds_to_wait(ann) == pytest.approx(1.0)
    assert limiter.seconds_to_wait(ben) == 0.0
    passed = 0
    for _ in range(600):
        seconds.now += 0.1
        passed += limiter.seconds_to_wait(ann) == 0.0
    assert 59 <= passed <= 60
    seconds.now += 3600
    assert [limiter.seconds_to_wait(ann) for _ in range(11)].count(0.0) == 10


def test_admins_have_a_limit_of_their_own() -> None:
    """Programs work with an admin's token: 0 stops nobody, and another number does."""
    admin = Person("d", "Di", Role.ADMIN)
    assert not any(Limiter(1, 0, Seconds()).seconds_to_wait(admin) for _ in range(1000))
    strict = Limiter(0, 6, Seconds())
    assert [strict.seconds_to_wait(admin) for _ in range(2)] == [0.0, pytest.approx(10.0)]
