"""Whom a rep calls today, and why: the list of the day, as the page shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from serving.pages.facts import Facts, LeadFacts
from serving.pages.region import Region
from serving.store.actions import Act, KeptAction
from serving.store.trend import Trend
from serving.store.worklist import Listing, Why

STILL = 0.5
"""A movement or a reason of fewer points is not said."""
FIRST = 5
"""Calls that are shown before "more"."""
LISTED_BY = {
    Why.ORDER: "",
    Why.LONG_TAIL: "waited longest",
    Why.LOT: "chosen by lot, to measure what the list is worth",
}
SAID = {
    Act.DONE: "done",
    Act.SKIP: "skipped for today",
    Act.SNOOZE: "snoozed",
    Act.WRONG: "marked as wrong",
}


@dataclass(frozen=True)
class Reason:
    """One reason behind a chance, in words.

    Attributes:
        text: what it is.
        points: how far it moves the chance, in words.
    """

    text: str
    points: str


@dataclass(frozen=True)
class Call:
    """One lead of the list.

    Attributes:
        lead_id: the lead.
        position: 1 is called first.
        amount: what it may bring, in words; empty where the data do not say.
        reach: the chance to get through, in words; empty where it was not learned.
        gain: what getting through goes along with, in words; likewise.
        chance: to convert within the horizon, in words.
        news: what happened lately.
        trend: how the chance has moved, in words.
        listed_by: why it is on the list, where that is not its place in the order.
        reasons: behind the chance.
        state: what the rep has said of it, in words; empty before that.
        key: of what the rep has said, by which it can be taken back.
    """

    lead_id: str
    position: int
    amount: str
    reach: str
    gain: str
    chance: str
    news: tuple[str, ...]
    trend: tuple[str, ...]
    listed_by: str
    reasons: tuple[Reason, ...]
    state: str
    key: str


@dataclass(frozen=True)
class Today:
    """A rep's day.

    Attributes:
        title: whose list.
        headline: what matters, in a sentence.
        calls: still to be done, in their order.
        over: those of which the rep has said something.
        horizon_days: how far the chances look ahead.
        is_learned: whether chances to get through and gains were learned.
        thin: why chances are not shown, where they rest on little; empty otherwise.
    """

    title: str
    headline: str
    calls: tuple[Call, ...]
    over: tuple[Call, ...]
    horizon_days: int
    is_learned: bool
    thin: str

    @property
    def first(self) -> Sequence[Call]:
        """The calls before "more"."""
        return self.calls[:FIRST]

    @property
    def more(self) -> Sequence[Call]:
        """The others."""
        return self.calls[FIRST:]


def today_of(
    facts: Facts, rep_id: str, standing: Mapping[str, KeptAction], region: Region
) -> Today | str:
    """Return a rep's day, or why there is none.

    Args:
        facts: of the home.
        rep_id: whose; a manager's is the pool of those who left or are away.
        standing: by lead, what was said of it last.
        region: writes numbers.
    """
    leads = facts.leads
    if isinstance(leads, str):
        return leads
    listings = leads.lists.get(rep_id, ())
    listed = facts.once(
        ("calls", rep_id, len(listings), region),
        lambda: [_call(leads, row, region) for row in listings],
    )
    shown = [_marked(call, standing.get(call.lead_id)) for call in listed if call is not None]
    waiting = tuple(call for call in shown if not call.state)
    table = leads.table
    return Today(
        title=f"Today: {facts.staff.name(rep_id)}",
        headline=_headline(waiting, len(shown), leads, region),
        calls=waiting,
        over=tuple(call for call in shown if call.state),
        horizon_days=int(table["horizon_days"].iloc[0]) if len(table) else 0,
        is_learned=any(call.reach for call in shown),
        thin="" if _is_firm(leads) else leads.model.evidence_says,
    )


def _is_firm(leads: LeadFacts) -> bool:
    return leads.model.evidence.value == "enough"


def _headline(waiting: Sequence[Call], listed: int, leads: LeadFacts, region: Region) -> str:
    if not listed:
        return "No calls are listed for you today."
    if not waiting:
        all_of_them = (
            "The one call of today is" if listed == 1 else f"All {listed} calls of today are"
        )
        return f"{all_of_them} done. Well worked."
    when = region.day(leads.day)
    noun = "call" if len(waiting) == 1 else "calls"
    done = listed - len(waiting)
    so_far = f", {done} done so far" if done else ""
    return f"{len(waiting)} {noun} for {when}{so_far}. Begin at the top."


def _marked(call: Call, action: KeptAction | None) -> Call:
    """Return a call with what the rep has said of it."""
    if action is None or action.action not in SAID:
        return call
    return replace(call, state=SAID[action.action], key=action.key)


def _call(leads: LeadFacts, listing: Listing, region: Region) -> Call | None:
    """Return one lead of the list; None where it is not open any more."""
    lead = listing.lead_id
    row = leads.rows.get(lead)
    if row is None:
        return None
    is_firm = _is_firm(leads)
    return Call(
        lead_id=lead,
        position=listing.position,
        amount="" if pd.isna(row["amount"]) else region.amount(row["amount"]),
        reach="" if pd.isna(row["reach"]) else region.chance(row["reach"]),
        gain="" if pd.isna(row["gain"]) else region.points(row["gain"]),
        chance=region.chance(row["p"]) if is_firm else "",
        news=tuple(json.loads(row["call_reasons"])["news"]),
        trend=trend_words(leads.trends.get(lead, ()), region) if is_firm else (),
        listed_by=LISTED_BY[listing.why],
        reasons=_reasons(row["reasons"], region) if is_firm else (),
        state="",
        key="",
    )


def trend_words(trends: Sequence[Trend], region: Region) -> tuple[str, ...]:
    """Say how a score has moved, with the reason that moved; what stood still is not said."""
    return tuple(
        f"{'Up' if trend.change > 0 else 'Down'} {region.number(abs(trend.change))} points in "
        f"{trend.days} days{_because(trend)}"
        for trend in trends
        if abs(trend.change) >= STILL
    )


def _because(trend: Trend) -> str:
    words = ""
    if trend.moved is not None:
        gone = trend.moved.now is None
        words = f"; no longer so: {trend.moved.before}" if gone else f"; mainly: {trend.moved.now}"
    return words if trend.is_same_model else f"{words}; another model"


def _reasons(text: str, region: Region) -> tuple[Reason, ...]:
    items: Sequence[Mapping[str, Any]] = json.loads(text)["items"]
    return tuple(
        Reason(f"{item['label']}: {item['value']}", region.points(item["points"] / 100))
        for item in items
        if abs(item["points"]) >= STILL
    )
