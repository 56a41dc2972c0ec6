"""Laws of a rep's day: what is said of the list, and what is left unsaid where little is known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from made import NOW, facts

from features.evidence import EvidenceState
from serving.pages.facts import Facts, LeadFacts, ModelFacts
from serving.pages.region import region_of
from serving.pages.today import FIRST, Today, today_of, trend_words
from serving.store.actions import Act, KeptAction
from serving.store.trend import Moved, Trend
from serving.store.worklist import Listing, Why

EN = region_of("en-US")


def reason(label: str, points: float) -> dict[str, Any]:
    """A reason as a score has it."""
    return {"feature": label, "label": label, "value": "so", "points": points}


def row(lead: str, **other: Any) -> dict[str, Any]:
    """A lead's score as the table has it."""
    plain = {
        "lead_id": lead, "rep_id": "a", "amount": 1200.0, "reach": 0.4, "gain": 0.03, "p": 0.25,
        "horizon_days": 14, "call_reasons": json.dumps({"news": [f"{lead} wrote"]}),
        "reasons": json.dumps({"items": [reason("calls", 4.0), reason("size", 0.2)]}),
    }  # fmt: skip
    return plain | other


def moved(days: int, change: float, reason: Moved | None = None) -> Trend:
    """A trend of a score that is at 30 now, by the same model."""
    since = NOW - timedelta(days=days)
    return Trend(days, since, 30.0 - change, change, is_same_model=True, moved=reason)


def day(
    *rows: dict[str, Any],
    said: dict[str, KeptAction] | None = None,
    evidence: EvidenceState = EvidenceState.ENOUGH,
    trends: dict[str, list[Trend]] | None = None,
    why: Why = Why.ORDER,
    listed: list[str] | None = None,
) -> Today:
    """The day of rep a, whose list holds the rows' leads unless others are named."""
    names = [entry["lead_id"] for entry in rows] if listed is None else listed
    lists = {
        "a": [Listing(NOW.date(), NOW, "a", lead, place, why, 1.0, "1")
              for place, lead in enumerate(names, 1)]
    }  # fmt: skip
    table = pd.DataFrame([*rows], columns=[*row("x")])
    model = ModelFacts("leads", "1", NOW, evidence, "only 3 leads converted", {}, (), {})
    leads = LeadFacts(NOW, table, NOW.date(), lists, trends or {}, model)
    shown = today_of(replace(facts({}), leads=leads), "a", said or {}, EN)
    assert isinstance(shown, Today)
    return shown


def said_of(lead: str, act: Act) -> dict[str, KeptAction]:
    """What a rep said of a lead."""
    return {lead: KeptAction(f"key of {lead}", lead, act, at=NOW, by="Ada")}


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "No calls are listed for you today."),
        (1, "1 call for Aug 5, 2026. Begin at the top."),
        (12, "12 calls for Aug 5, 2026. Begin at the top."),
    ],
)
def test_the_headline_counts_calls(count: int, words: str) -> None:
    """None, one and many."""
    assert day(*(row(f"L{place}") for place in range(count))).headline == words


def test_the_headline_counts_what_is_done() -> None:
    """Some, then the only one, then all of several."""
    done = said_of("L1", Act.DONE)
    some = day(row("L1"), row("L2"), row("L3"), said=done)
    assert some.headline == "2 calls for Aug 5, 2026, 1 done so far. Begin at the top."
    assert day(row("L1"), said=done).headline == "The one call of today is done. Well worked."
    both = day(row("L1"), row("L2"), said=done | said_of("L2", Act.SKIP))
    assert both.headline == "All 2 calls of today are done. Well worked."


@pytest.mark.parametrize("seed", range(20))
def test_every_listed_lead_stands_once(seed: int) -> None:
    """Waiting or over, in the order of the list; the first few before "more"."""
    chance = Random(seed)  # noqa: S311 - no secret
    names = [f"L{place}" for place in range(chance.randrange(1, 15))]
    said: dict[str, KeptAction] = {}
    for name in names:
        if chance.random() < 0.4:
            said |= said_of(name, chance.choice([*Act]))
    shown = day(*map(row, names), said=said)
    waiting = [name for name in names if name not in said or said[name].action is Act.UNDO]
    assert [call.lead_id for call in shown.calls] == waiting
    assert sorted(call.lead_id for call in (*shown.calls, *shown.over)) == sorted(names)
    assert (*shown.first, *shown.more) == shown.calls
    assert len(shown.first) == min(FIRST, len(waiting))


@pytest.mark.parametrize(
    ("act", "words"),
    [(Act.DONE, "done"), (Act.SKIP, "skipped for today"), (Act.SNOOZE, "snoozed"),
     (Act.WRONG, "marked as wrong")],
)  # fmt: skip
def test_what_was_said_can_be_taken_back_by_its_key(act: Act, words: str) -> None:
    """The line says what was said, and carries the key that takes it back."""
    (call,) = day(row("L1"), said=said_of("L1", act)).over
    assert (call.state, call.key) == (words, "key of L1")


def test_a_lead_that_closed_since_is_not_called() -> None:
    """The list of this morning may hold a lead that is not open any more: it is left out."""
    shown = day(row("L1"), listed=["L0", "L1"])
    assert [(call.lead_id, call.position) for call in shown.calls] == [("L1", 2)]
    assert day(listed=["L0"]).headline == "No calls are listed for you today."


def test_a_call_says_what_is_known() -> None:
    """Amount, reach, gain, chance, news and reasons in words; tiny reasons are no reasons."""
    (call,) = day(row("L1")).calls
    assert (call.amount, call.reach, call.gain, call.chance) == (
        "1,200", "40%", "+3 points", "25%",
    )  # fmt: skip
    assert call.news == ("L1 wrote",)
    assert [(line.text, line.points) for line in call.reasons] == [("calls: so", "+4 points")]


def test_a_call_leaves_out_what_is_not_known() -> None:
    """Without an amount, reach and gain the words are empty, not "nan"."""
    nothing = float("nan")
    shown = day(row("L1", amount=nothing, reach=nothing, gain=nothing))
    (call,) = shown.calls
    assert (call.amount, call.reach, call.gain) == ("", "", "")
    assert not shown.is_learned
    assert day(row("L1", reach=nothing), row("L2")).is_learned


@pytest.mark.parametrize("evidence", [EvidenceState.THIN, EvidenceState.NONE])
def test_little_evidence_shows_no_chance(evidence: EvidenceState) -> None:
    """Neither the chance, nor its trend, nor its reasons; and the page says why."""
    trends = {"L1": [moved(7, 20.0)]}
    shown = day(row("L1"), evidence=evidence, trends=trends)
    (call,) = shown.calls
    assert (call.chance, call.trend, call.reasons) == ("", (), ())
    assert shown.thin == "only 3 leads converted"
    assert day(row("L1"), trends=trends).thin == ""


@pytest.mark.parametrize("why", [*Why])
def test_a_lot_is_told(why: Why) -> None:
    """Only a lead in the order's own place needs no word on why it is there."""
    (call,) = day(row("L1"), why=why).calls
    assert bool(call.listed_by) == (why is not Why.ORDER)
    assert ("lot" in call.listed_by) == (why is Why.LOT)


def test_a_trend_names_its_way_its_size_and_its_reason() -> None:
    """Up or down, in points; what stood still is not said, a reason only where there is one."""
    calls = Moved("calls", "calls", "2 calls", "4 calls", 3.0)
    gone = Moved("stage", "stage", "meeting", None, -5.0)
    still = moved(90, 0.4, calls)
    assert trend_words([moved(7, 8.3, calls), moved(28, -12.0), still], EN) == (
        "Up 8.3 points in 7 days; mainly: 4 calls",
        "Down 12 points in 28 days",
    )
    assert trend_words([replace(moved(7, -6.0, gone), is_same_model=False)], EN) == (
        "Down 6 points in 7 days; no longer so: meeting; another model",
    )
    assert trend_words([], EN) == ()


def test_without_scores_the_page_says_why() -> None:
    """The reason that there are no leads is what the page says."""
    none: Facts = replace(facts({}), leads="no champion of leads: run `pacesetter train leads`")
    assert today_of(none, "a", {}, EN) == "no champion of leads: run `pacesetter train leads`"


def test_a_rep_without_a_list_has_an_empty_day() -> None:
    """Somebody who is on no list gets a sentence, not an error."""
    model = SimpleNamespace(evidence=EvidenceState.ENOUGH)
    leads: Any = SimpleNamespace(lists={}, rows={}, table=pd.DataFrame(), model=model)
    shown = today_of(replace(facts({}), leads=leads), "nobody", {}, EN)
    assert isinstance(shown, Today)
    assert (shown.title, shown.calls, shown.horizon_days) == ("Today: nobody", (), 0)
