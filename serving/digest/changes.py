"""What has changed for a reader since their last digest: at most five items, the weightiest first.

Nothing is said twice: every digest keeps the figures that it was based on, and the next one is
compared with them. Where nothing material has changed there is no digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from features.snapshot import within
from serving.pages.facts import Facts
from serving.pages.region import Region
from serving.pages.settings import TeamSettings
from serving.pages.team import needs_talk
from serving.wording.forecasts import RepForecast
from serving.wording.reps import chance_withheld
from training.report.words import listing

MOST = 5
MOST_NAMED = 4
OPENS = {"/team": "Open the team", "/quarter": "Open the quarter", "/today": "Open the list"}
"""The words of a link, by the page that it leads to."""
TOP = 5
"""Leads at the head of a list whose arrival is worth a line."""


@dataclass(frozen=True)
class Item:
    """One thing that has changed.

    Attributes:
        says: what, in a sentence.
        path: the page that tells more.
    """

    says: str
    path: str

    @property
    def opens(self) -> str:
        """The words of the link to the page, which make sense alone."""
        return next(words for page, words in OPENS.items() if self.path.startswith(page))


@dataclass(frozen=True)
class Digest:
    """What one reader is told.

    Attributes:
        reader: the rep or manager.
        name: as people know them.
        items: what has changed, at most five; none where nothing has.
        figures: what they are based on, to be kept.
        is_manager: whether it is about a team.
    """

    reader: str
    name: str
    items: tuple[Item, ...]
    figures: Mapping[str, Any]
    is_manager: bool


@dataclass(frozen=True)
class Reading:
    """How a digest is read.

    Attributes:
        settings: the threshold of a talk, and which movement is material.
        region: writes numbers.
    """

    settings: TeamSettings
    region: Region


def rep_digest(
    facts: Facts,
    rep_id: str,
    before: Mapping[str, Any] | None,
    reading: Reading,
) -> Digest:
    """Return what has changed for a rep.

    Args:
        facts: of the home.
        rep_id: whose.
        before: the figures of the last digest; None for the first.
        reading: which movement is material, and how numbers are written.
    """
    quota = facts.quota
    forecast = None if isinstance(quota, str) else quota.first(rep_id)
    figures = _rep_figures(facts, rep_id, forecast)
    items = _rep_items(facts, rep_id, figures, before, reading)
    name = facts.staff.name(rep_id)
    return Digest(rep_id, name, tuple(items)[:MOST], figures, is_manager=False)


def _rep_figures(facts: Facts, rep_id: str, forecast: RepForecast | None) -> dict[str, Any]:
    listed = [] if isinstance(facts.leads, str) else facts.leads.lists.get(rep_id, ())
    is_known = forecast is not None and chance_withheld(forecast) is None
    return {
        "until": facts.data_until.isoformat(),
        "period": None if forecast is None else forecast.period_start.isoformat(),
        "chance": forecast.p_attain if is_known and forecast is not None else None,
        "top": [row.lead_id for row in listed[:TOP]],
    }


def _rep_items(
    facts: Facts,
    rep_id: str,
    figures: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    reading: Reading,
) -> Iterator[Item]:
    then = before or {}
    forecast = None if isinstance(facts.quota, str) else facts.quota.first(rep_id)
    if forecast is not None:
        yield from _chance_item(forecast, figures, then, reading)
    if "until" in then:
        since = datetime.fromisoformat(then["until"])
        yield from _won_item(facts, rep_id, since, reading.region)
    fresh = [lead for lead in figures["top"] if lead not in then.get("top", [])]
    if fresh:
        noun = "lead is" if len(fresh) == 1 else "leads are"
        where = "at the head of your list" if before is None else "new at the head of your list"
        yield Item(f"{len(fresh)} {noun} {where}: {listing(fresh)}.", _page("/today", rep_id))


def _chance_item(
    forecast: RepForecast,
    figures: Mapping[str, Any],
    then: Mapping[str, Any],
    reading: Reading,
) -> Iterator[Item]:
    """Say the chance where it is new, has moved, or has become known.

    | last time    | now  | said                     |
    |--------------|------|--------------------------|
    | no digest    | 0.40 | the chance               |
    | 0.40         | 0.42 | nothing                  |
    | 0.40         | 0.30 | that it has fallen       |
    | 0.90, of the | 0.40 | the chance               |
    | period then  |      |                          |
    | not known    | 0.40 | the chance               |
    | 0.40         | not  | nothing                  |
    """
    now, old = figures["chance"], then.get("chance")
    if now is None:
        return
    region, path = reading.region, _page("/quarter", forecast.rep_id)
    quota = region.amount(forecast.quota)
    if old is None or then.get("period") != figures["period"]:
        yield Item(f"Your chance to make the quota of {quota} is {region.chance(now)}.", path)
    elif abs(now - old) >= reading.settings.material:
        way = "risen" if now > old else "fallen"
        yield Item(
            f"Your chance to make the quota of {quota} has {way} from {region.chance(old)} to "
            f"{region.chance(now)}.",
            path,
        )


def _won_item(facts: Facts, rep_id: str, since: datetime, region: Region) -> Iterator[Item]:
    won = facts.won
    own = won[(won["rep_id"] == rep_id) & within(won["at"], since, facts.data_until)]
    if len(own):
        noun = "deal" if len(own) == 1 else "deals"
        amount = region.amount(float(own["amount"].fillna(0.0).sum()))
        says = f"You won {len(own)} {noun} worth {amount} since the last digest."
        yield Item(says, _page("/quarter", rep_id))


def manager_digest(
    facts: Facts,
    manager_id: str,
    before: Mapping[str, Any] | None,
    reading: Reading,
) -> Digest:
    """Return what has changed in a manager's team; see `rep_digest`."""
    quota = facts.quota
    team = [] if isinstance(quota, str) else facts.staff.team(manager_id)
    asking, chances = [], {}
    for rep in team:
        forecast = None if isinstance(quota, str) else quota.first(rep)
        if forecast is not None and chance_withheld(forecast) is None:
            chances[rep] = forecast.p_attain
        if needs_talk(forecast, reading.settings.talk_below):
            asking.append(rep)
    figures = {"asking": asking, "chances": chances}
    items = _team_items(facts, figures, len(team), before, reading)
    name = facts.staff.name(manager_id)
    return Digest(manager_id, name, tuple(items)[:MOST], figures, is_manager=True)


def _team_items(
    facts: Facts,
    figures: Mapping[str, Any],
    size: int,
    before: Mapping[str, Any] | None,
    reading: Reading,
) -> Iterator[Item]:
    region = reading.region
    asking, then = figures["asking"], before or {}
    new = [rep for rep in asking if rep not in then.get("asking", [])]
    over = [rep for rep in then.get("asking", []) if rep not in asking]
    if new:
        verb = "needs" if len(asking) == 1 else "need"
        since = "" if before is None else f", {len(new)} new since the last digest"
        yield Item(
            f"{len(asking)} of {size} {verb} a talk this week{since}: {_names(facts, new)}.",
            "/team",
        )
    if over:
        verb = "does" if len(over) == 1 else "do"
        yield Item(f"{_names(facts, over)} {verb} not need one any more.", "/team")
    for rep, (old, now) in _moved(figures, then, reading.settings.material, {*new, *over}):
        way = "risen" if now > old else "fallen"
        yield Item(
            f"The chance of {facts.staff.name(rep)} to make quota has {way} from "
            f"{region.chance(old)} to {region.chance(now)}.",
            _page("/quarter", rep),
        )


def _moved(
    figures: Mapping[str, Any], then: Mapping[str, Any], material: float, told: set[str]
) -> Sequence[tuple[str, tuple[float, float]]]:
    """Return whose chance has moved most, of those who were not told of already."""
    old = then.get("chances", {})
    both = {
        rep: (old[rep], now)
        for rep, now in figures["chances"].items()
        if rep in old and rep not in told and abs(now - old[rep]) >= material
    }
    return sorted(both.items(), key=lambda row: (-abs(row[1][1] - row[1][0]), row[0]))


def _names(facts: Facts, reps: Sequence[str]) -> str:
    names = [facts.staff.name(rep) for rep in reps]
    if len(names) <= MOST_NAMED:
        return listing(names)
    return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"


def _page(path: str, rep_id: str) -> str:
    """Return the address of a page about a rep, whatever signs the id holds."""
    return f"{path}?rep_id={quote(rep_id, safe='')}"
