"""Laws of the desk: facts follow the scores, previews rest on tests, and words for what is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from office import SETTINGS

from features.errors import InputError, InTheMaking, NotReady
from serving.cli.console import Console
from serving.cli.demo_people import say_sign_ins, sign_ins
from serving.cli.session import Session
from serving.home.cache import ScoreCache
from serving.home.overlay import overlaid, replaced
from serving.pages.desk import Desk
from serving.pages.facts import MOST_DRAWN, Facts
from serving.pages.models import models_page
from serving.pages.preview import listed_share, preview
from serving.pages.region import region_of
from serving.store.database import Store
from serving.store.overrides import OverrideLog

EN = region_of("en-US")


def test_a_home_without_data_says_so(tmp_path: Path) -> None:
    """The desk tells why, and makes nothing up; before anybody has looked, it asks to wait."""
    scores = ScoreCache(tmp_path, SETTINGS)
    desk = Desk(tmp_path, SETTINGS, scores)
    desk.look()
    with pytest.raises(InTheMaking):
        desk.coaching()
    scores.look()
    desk.look()
    with pytest.raises(NotReady, match="ingest") as missing:
        desk.coaching()
    assert not isinstance(missing.value, InTheMaking)
    with pytest.raises(NotReady, match="ingest"):
        desk.facts()


def test_facts_are_worked_out_once_for_the_same_scores(paged: Desk) -> None:
    """Looking again changes nothing while the scores are the same."""
    before = paged.facts()
    paged.look()
    assert paged.facts() is before
    assert before.coaching is not None


def test_everybody_present_has_a_sheet(facts: Facts) -> None:
    """Sheets are there for those who have not left, and for nobody else."""
    assert facts.coaching is not None
    assert "r1" in facts.coaching.sheets
    assert not set(facts.coaching.sheets) & facts.staff.gone


def test_forecasts_of_monday_are_of_the_same_period(facts: Facts) -> None:
    """Whoever is compared with Monday is compared within one quota period."""
    assert not isinstance(facts.quota, str)
    assert timedelta(0) <= facts.quota.as_of - facts.quota.monday < timedelta(days=7)
    for rep, then in facts.quota.on_monday.items():
        now = facts.quota.first(rep)
        assert now is not None
        assert then.period_start == now.period_start


def test_what_was_drawn_is_kept_and_never_grows_without_end(facts: Facts) -> None:
    """The same key is made once; a thousand regions later memory is free again."""
    own, made = replace(facts, drawn={}), list[int]()
    for _ in range(3):
        own.once("chart", lambda: made.append(1))
    assert made == [1]
    for number in range(2 * MOST_DRAWN):
        own.once(number, lambda: 0)
    assert len(own.drawn) <= MOST_DRAWN


def test_longer_lists_hold_more_leads(facts: Facts) -> None:
    """The share of leads on the lists rises with the places, up to all of them."""
    assert not isinstance(facts.leads, str)
    shares = [listed_share(facts.leads, places) for places in (0, 1, 5, 10_000)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("name", ["worklist.calls_a_day", "pages.talk_below", "pages.most_talks"])
def test_a_preview_without_a_test_says_so(facts: Facts, name: str) -> None:
    """The small company's models were registered without a test: no figure is made up."""
    says = preview(facts, name, 3, 0.5, EN)
    assert says.startswith("It cannot be said") or "talks a week" in says


def test_the_model_page_tells_what_is_not_known(facts: Facts) -> None:
    """Without a test there is no calibration and no figure, and the page says so."""
    page = models_page(facts, (), EN)
    assert [model.kind for model in page.models] == ["leads", "quota"]
    for model in page.models:
        assert model.calibration is None
        assert model.figures == ()
        assert "was not measured" in model.trust[0]
    assert page.worth
    assert page.watched_at == ""


def test_an_admins_change_is_laid_over_the_settings(tmp_path: Path) -> None:
    """The newest change counts, one that was taken back does not, and others stay as they are."""
    store = Store(tmp_path)
    log = OverrideLog(store)
    log.add("worklist.calls_a_day", 9, "Ann")
    log.add("pages.talk_below", 0.3, "Ann")
    log.add("pages.talk_below", None, "Ann")
    serving = overlaid(SETTINGS, store).serving
    assert serving.worklist.calls_a_day == 9
    assert serving.pages == SETTINGS.serving.pages
    assert serving.worklist.hold_out == SETTINGS.serving.worklist.hold_out


@pytest.mark.parametrize(
    ("name", "value"),
    [("worklist.calls_a_day", 0), ("pages.talk_below", 1.5), ("nothing.there", 1), ("port", 1)],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: float) -> None:
    """A change is checked like params.yaml itself, and a name that is not there is refused."""
    with pytest.raises(InputError):
        replaced(SETTINGS, {name: value})


def test_the_demo_has_three_sign_ins(
    sales: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A rep, the rep's manager and an admin, each with a token and the page to begin with."""
    home = tmp_path / "home"
    shutil.copytree(sales, home)
    session = Session(home, SETTINGS, Console(is_json=False), None)
    people = sign_ins(session, "r1")
    assert [person.role.value for person in people] == ["rep", "manager", "admin"]
    assert [person.name for person in people] == ["R1", "m1", "demo"]
    say_sign_ins(session, people, "http://127.0.0.1:3000")
    said = capfd.readouterr().err
    for person in people:
        assert person.secret in said.replace("\n", "")
        assert person.path in said
    assert [person.role.value for person in sign_ins(session, None)] == ["admin"]
