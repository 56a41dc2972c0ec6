"""Laws of the templates: texts of the CRM stay texts, forms carry their token, links stay whole."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from jinja2 import UndefinedError
from made import NOW, facts, forecast

from features.clock import utc_now
from serving.access.people import Person, Role
from serving.coaching.voice import REP, Voice
from serving.pages.coverage import coverage_of
from serving.pages.frame import NAVIGATION, environment, html
from serving.pages.quarter import Quarter, quarter_of
from serving.pages.region import region_of
from serving.pages.settings import TeamSettings
from serving.pages.staff import Staff
from serving.pages.team import Team, team_of
from serving.pages.today import Call, Reason, Today
from serving.store.views import View, ViewNote

EN = region_of("en-US")
EVIL = "<script>alert('x')</script>\"&><img src=x onerror=alert(1)>"
TEMPLATES = sorted(
    entry.name
    for entry in files("serving.pages").joinpath("templates").iterdir()
    if entry.name.endswith(".html.j2")
)


class Page(HTMLParser):
    """What stands on a page: its tags with attributes, and its text."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data

    def links(self) -> list[str]:
        """Return where the links lead."""
        return [attrs["href"] or "" for tag, attrs in self.tags if tag == "a"]


def shown(template: str, person: Person | None = None, **values: Any) -> Page:
    """Render a page for a manager named as evil as can be, unless another reader is named."""
    reader = person or Person("t", EVIL, Role.MANAGER, "m")
    shared: dict[str, Any] = {
        "person": reader, "region": EN, "navigation": NAVIGATION[reader.role], "path": "/team",
        "csrf_field": "csrf", "csrf": "the-token", "said": "", "purpose": "For coaching.",
        "as_of": NOW, "trust": [EVIL],
    }  # fmt: skip
    return Page(bytes(html(template, **(shared | values)).body).decode())


def is_harmless(page: Page) -> bool:
    """Tell whether an evil text stands on a page as text, and nowhere as a tag or an attribute."""
    handlers = [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    sources = [attrs.get("src") for tag, attrs in page.tags if tag in ("script", "img")]
    return not handlers and "x" not in sources and None not in sources and EVIL in page.text


def evil_call(state: str = "") -> Call:
    """A lead all of whose texts are evil."""
    return Call(EVIL, 1, "5", "40%", "", "25%", (EVIL,), (EVIL, EVIL), EVIL,
                (Reason(EVIL, "+1 point"),), state, EVIL)  # fmt: skip


def today_page(**values: Any) -> Page:
    """A day with one call that waits and one that is over."""
    day = Today(EVIL, EVIL, (evil_call(),), (evil_call("done"),), 14, is_learned=True, thin=EVIL)
    return shown("today.html.j2", today=day, rep_id="a&b=c", is_pool=False, **values)


def evil_team() -> Team:
    """A team of reps whose names are evil; two need a talk, and there is time for one."""
    own: Any = facts({"a&b": forecast("a&b", 0.1), "c": forecast("c", 0.2)})
    staff = Staff(
        {"a&b": EVIL, "c": EVIL, "m": EVIL}, {"a&b": "m", "c": "m", "m": None}, frozenset()
    )
    made = team_of(replace(own, staff=staff), "m", TeamSettings(0.5, 1, 0.05), {}, EN)
    assert isinstance(made, Team)
    return made


def quarter_page(made: Quarter | None = None, **values: Any) -> Page:
    """The page of a rep's quarter, with a view and a note of evil texts."""
    own: Any = facts({"a": forecast(evidence_says=EVIL)})
    item = {"says": EVIL, "points": 5, "value": EVIL, "usual": 1}
    own.quota.reasons, own.quota.open_amount = {"a": {"items": [item]}}, {"a": 100.0}
    if made is None:
        drawn = quarter_of(own, "a", Voice(REP, EVIL), EN)
        assert isinstance(drawn, Quarter)
        made = replace(drawn, title=EVIL)
    view = View(NOW, "t", EVIL, "manager", "a", EVIL, 3, [ViewNote(NOW, EVIL, EVIL)])
    plain: dict[str, Any] = {
        "quarter": made, "rep_id": "a&b=c", "is_own": True, "name": EVIL, "least": 0.5,
        "most": 2.0, "views": [view], "first_views": 3, "notes": [ViewNote(NOW, EVIL, EVIL)],
    }  # fmt: skip
    return shown("quarter.html.j2", **(plain | values))


def team_page(**values: Any) -> Page:
    """The page of a team with another team below it."""
    plain: dict[str, Any] = {
        "team": evil_team(), "manager_id": "m", "teams": [("x&y", EVIL)], "threshold": 0.5,
        "waits": True,
    }  # fmt: skip
    return shown("team_page.html.j2", **(plain | values))


@pytest.mark.parametrize("page", [today_page, team_page, quarter_page])
def test_texts_of_the_crm_are_never_markup(page: Any) -> None:
    """Names, leads, news, reasons and notes with tags in them are shown as they are."""
    assert is_harmless(page())


@pytest.mark.parametrize("template", ["missing.html.j2", "problem.html.j2", "wait.html.j2"])
def test_messages_are_never_markup(template: str) -> None:
    """A message may repeat what somebody sent."""
    assert is_harmless(shown(template, title="Not found", says=f"no {EVIL}"))


def test_the_word_after_a_form_is_never_markup() -> None:
    """It comes from the address, where anybody can write anything."""
    assert is_harmless(shown("missing.html.j2", title="Team", says="nothing", said=EVIL))


@pytest.mark.parametrize("page", [today_page, team_page])
def test_ids_in_links_are_one_value(page: Any) -> None:
    """An id with "&" and "=" in it adds no parameter to an address."""
    addressed = [link for link in page().links() if "?" in link]
    forms = [attrs["action"] or "" for tag, attrs in page().tags if tag == "form"]
    assert [*addressed, *(action for action in forms if "?" in action)]
    assert all(link.count("=") == 1 for link in addressed)
    assert all(action.count("=") == 1 for action in forms if "?" in action)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_form_that_changes_something_carries_the_token(name: str) -> None:
    """Between a form that posts and its end stands the field that proves where it came from."""
    text = files("serving.pages").joinpath("templates", name).read_text(encoding="utf-8")
    forms = re.findall(r"<form\b[^>]*>.*?</form>", text, re.DOTALL)
    assert len(forms) == text.count("<form")
    for form in forms:
        is_post = 'method="post"' in form
        assert ("csrf_field" in form) == is_post


def test_the_token_is_in_the_forms_as_they_are_sent() -> None:
    """Each form of the rendered day holds the token itself, once."""
    tags = today_page().tags
    posts = sum(tag == "form" and attrs.get("method") == "post" for tag, attrs in tags)
    tokens = [attrs for tag, attrs in tags if tag == "input" and attrs.get("name") == "csrf"]
    assert posts == len(tokens) == 4  # sign out, act, wrong, take back
    assert {attrs["value"] for attrs in tokens} == {"the-token"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    """No template names another site, loads a font or holds a script of its own."""
    text = files("serving.pages").joinpath("templates", name).read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"\son[a-z]+=|javascript:|\sstyle=", text)


@pytest.mark.parametrize("page", [today_page, team_page, quarter_page])
def test_no_id_stands_twice_and_labels_lead_to_fields(page: Any) -> None:
    """Whoever cannot see the page is led by labels, and they lead somewhere."""
    tags = page().tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = [attrs["for"] for tag, attrs in tags if tag == "label"]
    assert set(labels) <= set(ids)
    headed = [attrs["aria-labelledby"] for _, attrs in tags if "aria-labelledby" in attrs]
    assert set(headed) <= set(ids)


@pytest.mark.parametrize(("time_for", "word"), [(1, "1 talk a week"), (2, "2 talks a week")])
def test_one_talk_is_one_talk(time_for: int, word: str) -> None:
    """Beyond the time of the manager others are next in line, and the word follows the number."""
    own = facts({rep: forecast(rep, 0.1) for rep in "abc"})
    made = team_of(own, "m", TeamSettings(0.5, time_for, 0.05), {}, EN)
    text = " ".join(team_page(team=made).text.split())
    assert f"There is time for {word}; next in line: " in text


@pytest.mark.parametrize(
    ("attained", "expected", "open_amount", "says"),
    [
        (95.0, 24.0, 100.0, "reaches the quota on average"),
        (
            30.0,
            24.0,
            100.0,
            "about 250 would be needed to reach the quota on average. That is not enough yet.",
        ),
        (30.0, 70.0, 100.0, "That is enough."),
        (30.0, 0.0, 0.0, "Nothing is open, so it cannot be said"),
        (30.0, 0.0, 100.0, "Nothing of what is open is expected to come in, so it cannot be said"),
    ],
)
def test_pipeline_is_told_in_words(
    attained: float, expected: float, open_amount: float, says: str
) -> None:
    """A filled gap, too little, enough, nothing open, and open deals that bring nothing."""
    own = forecast(attained=attained, expected_open=expected)
    coverage = coverage_of(own, open_amount, EN)
    made = Quarter("My quarter", "x", "", (), None, (), coverage, None, (), sheet_waits=False)
    assert says in " ".join(quarter_page(made).text.split())


@pytest.mark.parametrize(
    ("age", "says"),
    [
        (timedelta(hours=5), "As of "),
        (timedelta(days=4, hours=1), "As of "),
        (timedelta(days=5, hours=1), "The data end on "),
    ],
)
def test_old_data_are_told(age: timedelta, says: str) -> None:
    """A page of data that ended long ago does not pass for today's."""
    page = shown("missing.html.j2", title="x", says="y", as_of=utc_now() - age)
    assert says in page.text
    assert ("not of today" in page.text) == says.startswith("The data")


@pytest.mark.parametrize("role", [*Role])
def test_a_role_sees_its_own_pages_in_the_navigation(role: Role) -> None:
    """The links of the role, the page that is open marked, and nothing else."""
    links = NAVIGATION[role]
    page = shown(
        "missing.html.j2", Person("t", "N", role, None), path=links[0][0], title="x", says="y"
    )
    open_ = [attrs["href"] for tag, attrs in page.tags if attrs.get("aria-current") == "page"]
    assert open_ == [links[0][0]]
    assert page.links() == ["#main", "/", *(link for link, _ in links)]


def test_a_missing_value_is_an_error_and_no_blank() -> None:
    """A template that asks for something that is not there fails loudly."""
    with pytest.raises(UndefinedError):
        environment().get_template("problem.html.j2").render(
            person=None, style="", now=datetime(2026, 1, 1)
        )
