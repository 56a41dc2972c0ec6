"""Laws of the pages: who sees what, what is said and withheld, and what forms leave behind."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from office import GRANTS, SETTINGS, Office
from starlette.testclient import TestClient

from features.evidence import EvidenceState
from serving.access.rights import PAGE_ROUTES, Needs
from serving.api.service import build_service
from serving.pages.app import HANDLERS
from serving.pages.desk import Desk
from serving.pages.facts import Facts
from serving.pages.frame import NAVIGATION, handler_of
from serving.store.commits import CommitLog
from serving.store.overrides import OverrideLog

MOST_BYTES = 100_000


def words(page: str) -> str:
    """Return the text of a page, without markup and charts."""
    plain = re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(plain).split())


def test_every_page_is_in_the_table_of_rights() -> None:
    """What the pages answer and what the table knows of pages are the same, and all is there."""
    table = {(right.path, right.method) for right in PAGE_ROUTES}
    own = {(path, method) for path, methods, _ in HANDLERS for method in methods}
    files = {("/pages.css", "GET"), ("/pages.js", "GET")}
    assert table == own | files | {("/sign-in", "GET"), ("/sign-in", "POST")}
    assert all(callable(handler_of(name)) for _, _, name in HANDLERS)


def test_nobody_gets_in_without_signing_in(office: Office) -> None:
    """Every page leads to the sign-in page, and remembers where the reader wanted to go."""
    client = office.nobody().client
    for right in PAGE_ROUTES:
        if right.needs is Needs.OPEN or right.method != "GET":
            continue
        answer = client.get(right.path.format(kind="leads", name="card.html"))
        assert answer.status_code == 303, right
        assert answer.headers["location"].startswith("/sign-in?next=%2F")


def test_a_wrong_token_is_told(office: Office) -> None:
    """A token that nobody has begins no session, and the page says what to do."""
    browser = office.nobody()
    page = browser.post("/sign-in", browser.get("/sign-in"), 401, token="pace_no").text  # noqa: S106 - wrong on purpose
    assert "unknown, revoked or expired" in words(page)
    assert browser.client.get("/today").status_code == 303


def test_a_form_of_another_browser_is_refused(office: Office) -> None:
    """A form counts only in the browser that it was made for."""
    page = office.browser("r1").get("/quarter")
    answer = office.browser("admin").post(
        "/settings", page, 403, name="pages.talk_below", value="1"
    )
    assert "form" in answer.text


@pytest.mark.parametrize("who", list(GRANTS))
def test_everybody_begins_on_a_page_of_their_own(office: Office, who: str) -> None:
    """The beginning leads to the first page of the role, and all of its links answer 200."""
    browser = office.browser(who)
    start = browser.client.get("/").headers["location"]
    links = [link for link, _ in NAVIGATION[GRANTS[who].role]]
    assert start == links[0]
    for link in links:
        page = browser.get(link)
        assert "not for employment decisions" in words(page), link
        assert len(page.encode()) < MOST_BYTES


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("r1", "/quarter?rep_id=r3"), ("r1", "/today?rep_id=r3"), ("r1", "/sheet?rep_id=r2"),
        ("r1", "/team"), ("r1", "/model"), ("r1", "/people"), ("r1", "/settings"),
        ("m1", "/quarter?rep_id=r3"), ("m1", "/team?manager_id=m2"), ("m1", "/model"),
        ("m1", "/team/history?manager_id=m2"),
        ("analyst", "/team"), ("analyst", "/quarter?rep_id=r1"), ("analyst", "/people"),
    ],
)  # fmt: skip
def test_others_are_not_for_everybody(office: Office, who: str, path: str) -> None:
    """A rep sees only themselves, a manager the own team, an analyst nobody."""
    refused = words(office.browser(who).get(path, 403))
    assert "quota" not in refused
    assert len(refused) < 300


def test_the_file_of_leads_holds_those_of_the_reader(office: Office, facts: Facts) -> None:
    """A rep's own, those of a manager's tree, all for an admin; somebody else's for nobody."""
    assert not isinstance(facts.leads, str)
    owners = facts.leads.table["rep_id"].to_dict()

    def owned(who: str, query: str = "") -> set[str | None]:
        text = office.browser(who).get(f"/leads.csv{query}")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [*rows[0]] == ["lead_id", "score", "rank", "band", "reasons", "as_of"]
        return {owners[row["lead_id"]] for row in rows}

    assert owned("r1") == owned("m1", "?rep_id=r1") == {"r1"}
    assert owned("m1") == owned("admin", "?manager_id=m1") == {"r1", "r2"}
    assert {"r1", "r2", "r3"} <= owned("admin")
    for who, query in (("r1", "?rep_id=r3"), ("r1", "?manager_id=m1"), ("m1", "?manager_id=m2")):
        office.browser(who).get(f"/leads.csv{query}", 403)
    office.browser("analyst").get("/leads.csv", 403)
    refused = words(office.browser("r1").get("/leads.csv?for=lotus", 400))
    assert "should be one of plain, salesforce" in refused


def test_a_snoozed_lead_makes_room_for_another(office: Office, paged: Desk) -> None:
    """The page shows the new one behind the others; a call that was made makes no room."""
    browser = office.browser("r3")

    def listed() -> list[str]:
        page = browser.get("/today")
        return re.findall(r'name="lead_id" value="([^"]+)"', page)

    def say(act: str, lead: str) -> None:
        browser.post("/today", browser.get("/today"), act=act, lead_id=lead)

    before = list(dict.fromkeys(listed()))
    say("done", before[0])
    assert set(listed()) == set(before)
    say("snooze", before[1])
    added = set(listed()) - set(before)
    facts = paged.facts()
    assert not isinstance(facts.leads, str)
    is_more = (facts.leads.table["rep_id"] == "r3").sum() > len(before)
    assert len(added) == int(is_more)


def test_the_model_page_names_nobody(office: Office, facts: Facts) -> None:
    """No name and no id of a person stands on the page of the models."""
    page = words(office.browser("analyst").get("/model"))
    for rep in facts.staff.managers:
        assert not re.search(rf"\b({rep}|{facts.staff.name(rep)})\b", page), rep


def test_a_rep_sees_what_the_manager_sees(office: Office) -> None:
    """The same facts stand on the page of the rep and on that of the manager."""
    own = words(office.browser("r1").get("/quarter"))
    managers = words(office.browser("m1").get("/quarter?rep_id=r1"))
    facts = own[own.index("Where it stands") : own.index("Committed")]
    assert facts in managers


def test_a_view_is_shown_to_the_rep_who_may_note_beside_it(office: Office) -> None:
    """A manager's look at the 1:1 sheet stands on the rep's page, with what the rep says to it."""
    office.browser("m1").get("/sheet?rep_id=r1")
    rep = office.browser("r1")
    page = rep.get("/quarter")
    assert "m1 (manager)" in words(page)
    view = re.search(r'name="view" value="(\d+)"', page)
    assert view is not None
    rep.post("/quarter/view", page, view=view[1], text="We had agreed on <b>this</b>.")
    shown = rep.get("/quarter")
    assert "We had agreed on <b>this</b>." in words(shown) or "&lt;b&gt;this" in shown
    assert "<b>this</b>" not in shown


def test_a_call_is_done_and_taken_back(office: Office, facts: Facts) -> None:
    """What a rep says of a lead moves it to the bottom, and taking it back brings it back."""
    assert not isinstance(facts.leads, str)
    lead = facts.leads.lists["r1"][0].lead_id
    rep = office.browser("r1")
    page = rep.get("/today")
    assert f"1. {lead}" in words(page)
    rep.post("/today?rep_id=r1", page, lead_id=lead, act="done")
    after = rep.get("/today")
    assert f"1. {lead}" not in words(after)
    assert f"{lead}: done" in words(after)
    key = re.search(r'name="undoes" value="([^"]+)"', after)
    assert key is not None
    rep.post("/today?rep_id=r1", after, lead_id=lead, act="undo", undoes=key[1])
    assert f"1. {lead}" in words(rep.get("/today"))


def test_a_wrong_lead_needs_a_reason(office: Office, facts: Facts) -> None:
    """Without a reason nothing is kept; with one, the lead is marked."""
    assert not isinstance(facts.leads, str)
    lead = facts.leads.lists["r1"][1].lead_id
    rep = office.browser("r1")
    page = rep.get("/today")
    refused = rep.post("/today?rep_id=r1", page, 400, lead_id=lead, act="wrong")
    assert "say why" in words(refused.text).lower()
    rep.post("/today?rep_id=r1", page, lead_id=lead, act="wrong", reason="left the company")
    assert f"{lead}: marked as wrong" in words(rep.get("/today"))


def test_a_lead_of_somebody_else_is_not_on_the_list(office: Office, facts: Facts) -> None:
    """A rep can say nothing of leads that are not on the own list."""
    assert not isinstance(facts.leads, str)
    other = facts.leads.lists["r3"][0].lead_id
    rep = office.browser("r1")
    answer = rep.post("/today?rep_id=r1", rep.get("/today"), 404, lead_id=other, act="done")
    assert "not on this list" in words(answer.text)


def test_commits_stand_beside_each_other(office: Office, paged: Desk) -> None:
    """A later number never replaces an earlier one, and both stand on the page."""
    rep = office.browser("r1")
    page = rep.get("/quarter")
    rep.post("/quarter/commit?rep_id=r1", page, amount="8 000", best_case="9500")
    rep.post("/quarter/commit?rep_id=r1", page, amount="7000", best_case="")
    rep.post("/quarter/commit?rep_id=r1", page, 400, amount="seven")
    rep.post("/quarter/commit?rep_id=r1", page, 400, amount="7000", best_case="6000")
    shown = words(rep.get("/quarter"))
    assert "7,000, by r1" in shown
    assert "8,000, in the best case 9,500, by r1" in shown
    assert len(CommitLog(paged.store).all("r1")) == 2


def test_notes_are_escaped_and_read_by_both(office: Office) -> None:
    """A note beside the figures is text, whatever it holds, and the manager reads it."""
    rep = office.browser("r1")
    rep.post("/quarter/note?rep_id=r1", rep.get("/quarter"), text="<script>alert(1)</script>")
    shown = office.browser("m1").get("/quarter?rep_id=r1")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_sliders_as_they_are_change_nothing_and_more_deals_help(office: Office) -> None:
    """At 100 % nothing is said; with twice the deals the sentence names both chances."""
    rep = office.browser("r1")
    assert "instead of" not in words(rep.get("/quarter?volume=100&win_rate=100&deal_size=100"))
    assert "instead of" in words(rep.get("/quarter?volume=200&win_rate=100&deal_size=100"))
    assert "association" not in words(rep.get("/quarter"))
    for wrong in ("volume=9000", "volume=nan", "win_rate=x", "deal_size=-1"):
        rep.get(f"/quarter?{wrong}", 400)


def test_thin_evidence_withholds_numbers(office: Office, facts: Facts) -> None:
    """Where a forecast rests on little, its page shows no chance in percent and says why."""
    assert not isinstance(facts.quota, str)
    thin = [
        rep for rep, own in facts.quota.forecasts.items()
        if own[0].evidence is not EvidenceState.ENOUGH and own[0].has_quota and not own[0].has_left
    ]  # fmt: skip
    for rep in thin:
        page = words(office.browser("admin").get(f"/quarter?rep_id={rep}"))
        assert "Some numbers are not shown" in page
        assert not re.search(r"\d+\s?% chance", page)


def test_numbers_follow_the_readers_region(office: Office) -> None:
    """A German browser reads 9.000, a British one 9,000; the words stay English."""
    rep = office.browser("r1")
    german = words(rep.get("/quarter", language="de-DE,de;q=0.9"))
    assert "of quota is closed" in german
    assert "9.000" in german
    assert "9,000" in words(rep.get("/quarter"))


def test_a_setting_is_tried_kept_and_taken_back(office: Office, paged: Desk) -> None:
    """A preview keeps nothing; a kept value counts, stands in the log, and can be taken back."""
    admin, log = office.browser("admin"), OverrideLog(paged.store)
    kept = len(log.all())
    page = admin.get("/settings?worklist.calls_a_day=9")
    assert "Keep 9" in words(page)
    assert len(log.all()) == kept
    admin.post("/settings", page, name="worklist.calls_a_day", value="9")
    assert "Calls a day: 9" in words(admin.get("/settings"))
    admin.post("/settings", page, 400, name="worklist.calls_a_day", value="-3")
    admin.post("/settings", page, 400, name="database.url", value="1")
    admin.post("/settings", page, name="worklist.calls_a_day", reset="1")
    assert "Calls a day: 7" in words(admin.get("/settings"))
    assert [row.value for row in log.all()[kept:]] == [9, None]


def test_an_admin_gives_and_takes_access(office: Office) -> None:
    """A new token is shown once and signs in; revoked, it ends the session."""
    admin = office.browser("admin")
    page = admin.get("/people")
    made = admin.post("/people", page, 200, name="New rep", role="rep", rep="r2", days="30").text
    secret = re.search(r"pace_[\w-]+", made)
    assert secret is not None
    assert secret[0] not in admin.get("/people")
    newcomer = Office(office.app, {"new": secret[0]}).browser("new")
    newcomer.get("/today")
    token_id = re.findall(r'name="token_id" value="([^"]+)"', admin.get("/people"))[-1]
    admin.post("/people/revoke", page, token_id=token_id)
    assert newcomer.client.get("/today").status_code == 303
    admin.post("/people", page, 400, name="x", role="rep", rep="", days="")


def test_signing_out_ends_the_session(office: Office) -> None:
    """The cookie of before signs nobody in any more."""
    rep = office.browser("r1")
    cookies = dict(rep.client.cookies)
    rep.post("/sign-out", rep.get("/today"))
    again = TestClient(rep.client.app, cookies=cookies, follow_redirects=False)
    assert again.get("/today").status_code == 303


def test_pages_wait_in_words(paged: Desk) -> None:
    """Before the facts are there, a page says so with 503 and loads again by itself."""
    early = Office.of(Desk(paged.home, SETTINGS, paged.scores), SETTINGS)
    page = early.browser("r1").get("/today", 503)
    assert "being made ready" in page
    assert 'http-equiv="refresh"' in page


def test_the_service_has_the_pages(paged: Desk) -> None:
    """The running service answers the sign-in page and the style sheet, and reads no pickle."""
    with TestClient(build_service(paged.home, SETTINGS).to_asgi()) as client:
        assert client.get("/sign-in").status_code == 200
        style = client.get("/pages.css")
        assert style.headers["content-type"].startswith("text/css")
        assert client.get("/pages.js").status_code == 200
        assert client.get("/today", follow_redirects=False).status_code == 303
        pickled = client.post(
            "/sign-in", content=b"x", headers={"Content-Type": "application/pickle"}
        )
        assert pickled.status_code == 415
