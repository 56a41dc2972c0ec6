"""Laws of the 1:1 sheet: one set of facts, kind and careful words, nothing about others."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from coached import AS_OF, START, Make, cause, ground

from features.errors import NotFoundError
from serving.coaching.advice import MOST, advise
from serving.coaching.answer import to_json
from serving.coaching.causes import LABELS, causes_of
from serving.coaching.company import Company
from serving.coaching.pages import render, sheet_page
from serving.coaching.pairs import Pair, propose_pairs
from serving.coaching.playbook import playbook, tone_of
from serving.coaching.praise import NOTHING
from serving.coaching.sheet import Sheet, make_sheet
from serving.coaching.voice import MANAGER, REP, Voice
from serving.store.coaching import CoachingEvent, CoachingLine

WITHHELD = "too little evidence to tell"


def sheet_of(company: Company, rep_id: str = "r0") -> Sheet:
    """Make a rep's sheet."""
    return make_sheet(company, rep_id, playbook(), propose_pairs(company))


def texts(sheet: Sheet, reader: str) -> list[str]:
    """Return every sentence that a reader gets."""
    page = sheet_page(sheet, Voice(reader, sheet.name))
    return [line for block in (*page.first, *page.blocks) for line in (*block.lines, block.note)]


def numbers_in(lines: list[str]) -> list[str]:
    """Return all numbers of a text."""
    return re.findall(r"\d[\d.,]*\d|\d", " ".join(lines))


def random_causes(seed: int) -> list[dict[str, Any]]:
    """Draw causes of every rep: sure and unsure, own and outside, spells and lasting ones."""
    chance = np.random.default_rng(seed)
    rows = []
    for k in range(7):
        names = chance.choice([*LABELS], chance.integers(1, 5), replace=False)
        for rank, name in enumerate(names, start=1):
            size, wide = chance.uniform(0.02, 0.6), chance.uniform(0.02, 0.5)
            since = START if chance.random() < 0.5 else None
            values = {"size": size, "low": size - wide, "high": size + wide, "since": since}
            rows.append(cause(f"r{k}", str(name), rank, p=chance.random(), **values))
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_both_readers_get_the_same_facts(make_company: Make, seed: int) -> None:
    """Every number of the manager's sheet is on the rep's, and the other way round."""
    company = make_company(random_causes(seed), [ground("r0", "wins", 9, 5.4, 3)])
    for rep in company.present():
        sheet = sheet_of(company, rep)
        assert numbers_in(texts(sheet, MANAGER)) == numbers_in(texts(sheet, REP))
        shown = [sheet_page(sheet, Voice(r, sheet.name)).numbers for r in (MANAGER, REP)]
        assert shown[0] == shown[1]


@pytest.mark.parametrize("seed", range(3))
def test_a_sheet_keeps_to_its_limits(make_company: Make, seed: int) -> None:
    """One praise, one thing to talk about, two questions, at most five numbers and three advices.

    No word in braces is left over.
    """
    company = make_company(random_causes(seed))
    for rep in company.present():
        sheet = sheet_of(company, rep)
        assert sheet.praise
        assert sheet.opportunity
        assert len(sheet.questions) == 2
        assert len(sheet.numbers) <= 5
        assert len(sheet.advice) <= MOST == 3
        for reader in (MANAGER, REP):
            assert not re.search(r"\{\w+\}", " ".join(texts(sheet, reader)))


@pytest.mark.parametrize("seed", range(3))
def test_small_numbers_are_withheld_in_words_and_never_in_json(
    make_company: Make, seed: int
) -> None:
    """A cause that is unsure, or whose interval reaches 0, has no size in any sentence."""
    company = make_company(random_causes(seed))
    for rep in company.present():
        sheet = sheet_of(company, rep)
        said = " ".join(texts(sheet, REP)).lower()
        for one in sheet.causes:
            if one in sheet.open:
                assert f"{one.label.lower()}: about" not in said
        if sheet.open:
            assert WITHHELD in said
        assert all(one.p >= 0.15 for one in sheet.open)
        assert sheet.is_short or not sheet.open
        answer = to_json(sheet)
        assert [c["size"] for c in answer["causes"]] == [c.size for c in sheet.causes]


@pytest.mark.parametrize("seed", range(3))
def test_advice_cites_a_cause_that_is_told(make_company: Make, seed: int) -> None:
    """Whatever is proposed answers a cause whose size is told, and says so."""
    company = make_company(random_causes(seed))
    for rep in company.present():
        sheet = sheet_of(company, rep)
        told = {one.name for one in sheet.told}
        assert {piece.cause.name for piece in sheet.advice} <= told
        lines = [line for line in texts(sheet, REP) if "Because of " in line]
        assert len(lines) == len(sheet.advice)
        for line, piece in zip(lines, sheet.advice, strict=True):
            assert piece.cause.label.lower() in line
            assert f"{round(100 * piece.cause.size)} points" in line


@pytest.mark.parametrize("seed", range(3))
def test_nobody_else_is_named(make_company: Make, seed: int) -> None:
    """A rep's sheet names no other rep, but for the partner of a proposed pair."""
    company = make_company(random_causes(seed))
    pairs = propose_pairs(company)
    for rep in company.present():
        sheet = make_sheet(company, rep, playbook(), pairs)
        partners = {pair.other(rep) for pair in pairs}
        said = render(sheet_page(sheet, Voice(REP, sheet.name)), "sheet", "txt")
        others = [o for o in company.present() if o != rep and o not in partners]
        assert not [o for o in others if company.name(o) in said]


@pytest.mark.parametrize("seed", range(3))
def test_every_sentence_is_kind_and_claims_nothing(make_company: Make, seed: int) -> None:
    """What is made of templates keeps to the tone of the playbook as well."""
    company = make_company(random_causes(seed))
    for rep in company.present():
        for line in texts(sheet_of(company, rep), REP):
            assert tone_of(line.replace("ask rather than tell", ""), may_claim=False) is None


def test_the_sentence_of_a_cause(make_company: Make) -> None:
    """Size, interval, whose it is, and the counts: said to the rep and to the manager."""
    says = "4 deals left it in 172 deal-days of waiting; 17 is usual"
    company = make_company([cause("r1", "internal_delay", evidence=says)])
    sheet = sheet_of(company, "r1")
    assert Voice(REP, sheet.name).says(sheet.opportunity) == (
        "Waiting on legal and finance: about 39 points of quota (16 to 69). Not yours to change. "
        "4 deals left it in 172 deal-days of waiting; 17 is usual."
    )
    assert "Not Ben Xu's to change." in Voice(MANAGER, sheet.name).says(sheet.opportunity)
    assert sheet.questions[0].startswith("Which of these can your manager walk through legal")


def test_a_spell_and_a_lasting_weakness_are_told_apart(make_company: Make) -> None:
    """One has a beginning; the other goes back as far as the data."""
    rows = [cause("r0", "closing", since=datetime(2026, 1, 1)), cause("r1", "closing")]
    company = make_company(rows)
    assert "since about January 2026" in sheet_of(company, "r0").opportunity
    assert "as long as the data reach back" in sheet_of(company, "r1").opportunity
    plays = [sheet_of(company, rep).advice[0].play.name for rep in ("r0", "r1")]
    assert plays == ["closing_changed", "closing_review"]


def test_a_cause_is_said_once(make_company: Make) -> None:
    """Of a lasting weakness and a spell of one name people read the main one; JSON holds both."""
    rows = [cause("r0", "closing"), cause("r0", "closing", 2, since=START, size=0.2)]
    rows.append(cause("r0", "closing", 3, p=0.2))
    sheet = sheet_of(make_company(rows))
    assert [(one.name, one.rank) for one in (*sheet.told, *sheet.open)] == [("closing", 1)]
    assert {piece.cause.rank for piece in sheet.advice} == {1}
    assert len(to_json(sheet)["causes"]) == 3


def test_a_leaning_cause_says_that_it_may_be_chance(make_company: Make) -> None:
    """Between 5 and 8 of 10 the size is told, and the doubt with it."""
    company = make_company([cause("r0", "closing", p=0.63)])
    assert "may still be chance: about 6 of 10" in sheet_of(company).opportunity


def test_praise_is_true(make_company: Make) -> None:
    """What was above expectation beyond luck is praised with its figures; else nothing flatters."""
    above = make_company(grounds=[ground("r0", "wins", 10, 5.4, 2)])
    assert sheet_of(above).praise == (
        "Deals won: 10, where about 5.4 (3.4 to 7.4) could be expected from the same leads, "
        "territory and market."
    )
    little = make_company(grounds=[ground("r0", "wins", 7, 5.4, 1)])
    assert sheet_of(little).praise.endswith("Some of the difference may be luck.")
    luck = make_company(grounds=[ground("r0", "wins", 9, 5.4, 5)])
    said = sheet_of(luck).praise
    assert "where about" not in said
    assert (
        said.startswith(("Steady", "Over the last year")) or said == NOTHING or "expected" in said
    )


def test_the_plan_is_proposed_only_where_there_is_a_gap(make_company: Make) -> None:
    """A rep on track gets no corrective plan; dates of one that is proposed lie ahead, rising."""
    short = sheet_of(make_company([cause("r0", "closing")]))
    dates = [step.due for step in short.plan]
    assert dates == sorted(dates)
    assert dates[0] > AS_OF
    assert sheet_of(make_company([cause("r0", "closing", share=None)])).plan == ()
    assert sheet_of(make_company([cause("r0", "closing", size=0.05, low=0.01)])).plan == ()


def test_being_new_is_no_news_to_who_makes_the_quota(make_company: Make) -> None:
    """Where the quota is in reach, being new or a high quota is left out of every sentence."""
    for name in ("ramp", "quota"):
        on_track = sheet_of(make_company([cause("r0", name, share=None)]))
        assert (on_track.told, on_track.open, on_track.advice) == ((), (), ())
        assert "nothing stands out against it" in on_track.opportunity
        assert len(to_json(on_track)["causes"]) == 1
        assert sheet_of(make_company([cause("r0", name)])).told


def test_html_stands_alone_and_escapes_names(make_company: Make) -> None:
    """Nothing is fetched, nothing runs, and a name cannot become markup."""
    log = [CoachingLine(AS_OF, "<i>me</i>", "r0", CoachingEvent.NOTE, "<script>x</script>", 1)]
    company = make_company([cause("r0", "closing")], [ground("r0", "wins", 9, 5.4, 3)], log)
    sheet = sheet_of(company)
    for reader in (MANAGER, REP):
        page = sheet_page(sheet, Voice(reader, sheet.name))
        html, markdown = (render(page, "sheet", form) for form in ("html", "md"))
        assert "<b>Abel" not in html
        assert "<script" not in html
        assert not re.search(r"(src|href)=|https?://|@import|url\(", html)
        assert html.count("<svg") >= 3
        assert "<script" not in markdown
        for text in (html, markdown):
            assert "not for employment decisions" in text


def test_what_is_missing_is_said(make_company: Make) -> None:
    """Without causes, quota or a champion the sheet still stands, and says what cannot be told."""
    company = make_company(missing=("Chances are not told: there is no model.",))
    sheet = sheet_of(company, "r7")
    assert sheet.name == "r7"
    assert "no quota in this period" in sheet.opportunity
    assert "Chances are not told: there is no model." in texts(sheet, MANAGER)
    assert to_json(sheet)["reasons"] == []


def test_an_unknown_rep_is_named_with_known_ones(make_company: Make) -> None:
    """The error says who was asked for and who is there."""
    with pytest.raises(NotFoundError, match=r"no rep has the id 'r99'.*r0, r1"):
        sheet_of(make_company(), "r99")


def test_the_json_holds_what_the_sheet_rests_on(make_company: Make) -> None:
    """Causes and equal grounds as in the files, with advice, goals, pairings and both voices."""
    rows = [cause("r1", "closing"), cause("r2", "qualifying")]
    company = make_company(rows, [ground("r1", "wins", 4, 7.5, 3)])
    answer = to_json(sheet_of(company, "r1"))
    assert answer["causes"][0]["cause"] == "closing"
    assert answer["equal_grounds"][0]["residual"] == pytest.approx(-3.5)
    assert answer["advice"][0]["because"]["cause"] == "closing"
    assert answer["advice"][0]["basis"] == "association"
    assert answer["pairings"][0]["opens"] == "r1"
    assert set(answer["says"]) == {MANAGER, REP}
    assert answer["purpose"].startswith("For coaching, not for employment decisions")


def test_complementary_needs_make_a_pair(make_company: Make) -> None:
    """Who needs help to win is paired with who needs help to open; nobody is in two pairs."""
    rows = [cause("r1", "closing"), cause("r2", "qualifying"), cause("r3", "qualifying", size=0.2)]
    pairs = propose_pairs(make_company(rows))
    assert [(pair.opens, pair.closes, pair.both) for pair in pairs] == [("r1", "r2", True)]
    members = [rep for pair in pairs for rep in (pair.opens, pair.closes)]
    assert len(members) == len(set(members))


def test_an_invitation_tells_nothing_of_the_partner() -> None:
    """On a rep's own sheet a pair says who does what, and no reason of the other's."""
    pair = Pair("r1", "r2", "why", both=True)
    said = Voice(REP, "Ben").says(pair.invites("r1", "Cleo"))
    assert said == (
        "Worth a talk, if both like the idea: a few deals together with Cleo, you opening and Cleo "
        "closing."
    )
    helped = Pair("r1", "r2", "why", both=False, skill="closing")
    assert helped.invites("r2", "Ben").endswith("a few last meetings together with Ben.")


def test_advice_takes_turns(make_company: Make) -> None:
    """Each told cause gets one piece before any gets a second."""
    rows = [cause("r0", "closing", 1), cause("r0", "volume", 2), cause("r0", "ramp", 3, p=0.4)]
    causes = causes_of(make_company(rows).inputs.causes, "r0")
    names = [piece.cause.name for piece in advise(causes, playbook())]
    assert names == ["closing", "volume", "closing"]


def test_a_measured_goal_is_dated_and_has_a_chance(make_company: Make) -> None:
    """Goals lie beyond the present value, a window ahead; a chance is called what it is."""
    sheet = sheet_of(make_company([cause("r0", "closing"), cause("r0", "qualifying", 2)]))
    for goal in sheet.goals:
        assert goal.target > goal.now
        assert goal.due == AS_OF + timedelta(days=91)
        assert 0 < goal.chance < 1
        assert goal.label == ("likely" if goal.chance >= 0.5 else "a stretch")
