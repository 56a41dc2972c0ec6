"""A manager's team: who needs a talk this week, in a sentence, and everybody in more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from features.evidence import EvidenceState
from serving.coaching.causes import told_of
from serving.pages.facts import Facts, QuotaFacts
from serving.pages.pacing import Pace, closed_path, pacing_chart
from serving.pages.quarter import Figure
from serving.pages.region import Region
from serving.pages.settings import TeamSettings
from serving.store.commits import KeptCommit
from serving.wording.forecasts import RepForecast, TeamForecast
from serving.wording.reps import chance_withheld, rep_chance, team_withheld
from training.report.words import listing

COMPANY = "company"
MOST_NAMED = 3


@dataclass(frozen=True)
class Member:
    """One rep of the team.

    Attributes:
        rep_id: the rep.
        name: as people know it.
        needs_talk: whether a talk is proposed for this week.
        is_new: whether that is so since Monday only.
        chance: to make quota, in words.
        closed: the share of quota closed, in words.
        since: how the chance has moved since Monday, in words; empty where it stood still.
        cause: what stands out, in words; empty while coaching is being worked out.
        commit: what the rep committed to last, in words.
    """

    rep_id: str
    name: str
    needs_talk: bool
    is_new: bool
    chance: str
    closed: str
    since: str
    cause: str
    commit: str


@dataclass(frozen=True)
class Team:
    """A team, as its page shows it.

    Attributes:
        title: whose.
        headline: what matters, in a sentence.
        talks: who needs a talk, at most as many as the manager has time for.
        later: who would need one, beyond that.
        members: everybody, in the order of names.
        total: where the team's total may end, in a sentence.
        figures: at most three numbers of the team.
        chart: the pacing curve of the team; None without a quota.
        unknown: of whom too little is known to say, in a sentence; empty where there is nobody.
    """

    title: str
    headline: str
    talks: tuple[Member, ...]
    later: tuple[Member, ...]
    members: tuple[Member, ...]
    total: str
    figures: tuple[Figure, ...]
    chart: Markup | None
    unknown: str


def needs_talk(forecast: RepForecast | None, talk_below: float) -> bool:
    """Tell whether a talk is proposed: the chance is known well enough, and low.

    | evidence | chance | talk |
    |----------|--------|------|
    | enough   | 0.3    | yes  |
    | enough   | 0.6    | no   |
    | thin     | 0.3    | no   |

    Args:
        forecast: of the rep; None without a running quota.
        talk_below: the threshold.
    """
    if forecast is None or forecast.has_left or chance_withheld(forecast) is not None:
        return False
    return forecast.p_attain < talk_below


def team_of(
    facts: Facts,
    manager_id: str | None,
    settings: TeamSettings,
    commits: Mapping[str, KeptCommit],
    region: Region,
) -> Team | str:
    """Return a team, or why there is nothing to say.

    Args:
        facts: of the home.
        manager_id: whose team; None is everybody's.
        settings: the threshold, and how many talks there is time for.
        commits: by rep, the newest.
        region: writes numbers.
    """
    quota = facts.quota
    if isinstance(quota, str):
        return quota
    people = [rep for rep in facts.staff.team(manager_id) if quota.first(rep) is not None]
    members = tuple(
        _member(facts, quota, rep, settings, commits.get(rep), region) for rep in people
    )
    # Those who need it most first, as far as there is time; on the page names rank nobody.
    asking = sorted(
        (m for m in members if m.needs_talk), key=lambda m: (_chance(quota, m.rep_id), m.rep_id)
    )
    first = sorted(asking[: settings.most_talks], key=lambda m: (m.name, m.rep_id))
    later = sorted(asking[settings.most_talks :], key=lambda m: (m.name, m.rep_id))
    forecast = _team_forecast(quota, manager_id, people)
    return Team(
        title="The company" if manager_id is None else f"Team of {facts.staff.name(manager_id)}",
        headline=headline(members),
        talks=tuple(first),
        later=tuple(later),
        members=members,
        total="" if forecast is None else _total(forecast, region),
        figures=() if forecast is None else tuple(_figures(forecast, region)),
        chart=None if forecast is None else _chart(facts, quota, forecast, people, region),
        unknown=_unknown(facts, quota, people),
    )


def headline(members: Sequence[Member]) -> str:
    """Say who needs a talk, and how many of them only since Monday."""
    if not members:
        return "Nobody here has a quota whose period runs now."
    asking = [member for member in members if member.needs_talk]
    if not asking:
        return f"Nobody of {len(members)} needs a talk this week by the forecasts."
    verb = "needs" if len(asking) == 1 else "need"
    new = sum(member.is_new for member in asking)
    since = f", {new} new since Monday" if new else ", nobody new since Monday"
    return f"{len(asking)} of {len(members)} {verb} a talk this week{since}."


def _chance(quota: QuotaFacts, rep_id: str) -> float:
    forecast = quota.first(rep_id)
    return 1.0 if forecast is None else forecast.p_attain


def _member(
    facts: Facts,
    quota: QuotaFacts,
    rep_id: str,
    settings: TeamSettings,
    commit: KeptCommit | None,
    region: Region,
) -> Member:
    forecast, then = quota.first(rep_id), quota.on_monday.get(rep_id)
    assert forecast is not None  # noqa: S101 - the team is those who have one
    asks = needs_talk(forecast, settings.talk_below)
    is_known = chance_withheld(forecast) is None
    chance = region.chance(forecast.p_attain) if is_known else rep_chance(forecast)
    if rep_chance(forecast) == "made already":
        chance = "made already"
    moved = 0.0 if then is None or not is_known else forecast.p_attain - then.p_attain
    return Member(
        rep_id=rep_id,
        name=facts.staff.name(rep_id),
        needs_talk=asks,
        is_new=asks and not needs_talk(then, settings.talk_below),
        chance=chance,
        closed=region.share(forecast.attained / forecast.quota) if forecast.has_quota else "",
        since=region.points(moved) if abs(moved) >= settings.material else "",
        cause=_cause(facts, rep_id),
        commit="" if commit is None else region.amount(commit.amount),
    )


def _cause(facts: Facts, rep_id: str) -> str:
    if facts.coaching is None or rep_id not in facts.coaching.sheets:
        return ""
    sheet = facts.coaching.sheets[rep_id]
    told = told_of(sheet.told)
    if told:
        return told[0].label[0].lower() + told[0].label[1:]
    return "too little evidence to tell, so ask" if sheet.is_short else "nothing stands out"


def _team_forecast(
    quota: QuotaFacts, manager_id: str | None, people: Sequence[str]
) -> TeamForecast | None:
    """Return the roll-up of the period in which most of the team have a quota."""
    if quota.teams.empty:
        return None
    rows = quota.teams
    group = COMPANY if manager_id is None else manager_id
    level = COMPANY if manager_id is None else "manager"
    rows = rows[(rows["group"] == group) & (rows["level"] == level)]
    members = [f for rep in people for f in quota.forecasts[rep]]
    best, most = None, 0
    for row in rows.to_dict("records"):
        plain = {k: v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for k, v in row.items()}
        own = [f for f in members if f.period_start == plain["period_start"]]
        if len(own) > most:
            weakest = min(own, key=lambda f: list(EvidenceState).index(f.evidence))
            evidence = quota.model.evidence, quota.model.evidence_says
            if quota.model.evidence is EvidenceState.NONE:
                evidence = weakest.evidence, weakest.evidence_says
            best, most = TeamForecast.from_row(plain, own, evidence), len(own)
    return best


def _total(forecast: TeamForecast, region: Region) -> str:
    why = team_withheld(forecast)
    if why is not None:
        return f"The range of the team's total is not shown: {why}."
    low, high = (region.share(v / forecast.quota) for v in (forecast.p10, forecast.p90))
    return (
        f"In 8 of 10 cases the team ends between {low} and {high} of its quota of "
        f"{region.amount(forecast.quota)}."
    )


def _figures(forecast: TeamForecast, region: Region) -> Sequence[Figure]:
    if not forecast.has_quota:
        return [Figure(region.amount(forecast.closed), "closed so far")]
    return [
        Figure(
            region.share(forecast.closed / forecast.quota),
            "of the team's quota is closed",
            region.amount(forecast.closed),
        ),
        Figure(region.about(forecast.expected_open), "expected from open deals"),
        Figure(region.about(forecast.expected_new), "expected from deals still to be created"),
    ]


def _chart(
    facts: Facts, quota: QuotaFacts, forecast: TeamForecast, people: Sequence[str], region: Region
) -> Markup | None:
    if not forecast.has_quota:
        return None
    ends = (forecast.p10, forecast.p50, forecast.p90) if team_withheld(forecast) is None else ()
    pace = Pace(
        forecast.period_start,
        forecast.period_end,
        quota.as_of,
        forecast.quota,
        forecast.closed,
        *ends,
    )
    own = {f.rep_id for rows in quota.forecasts.values() for f in rows} & _counted(
        facts, forecast, people
    )
    return facts.once(
        ("team pace", forecast.group, region),
        lambda: pacing_chart(closed_path(facts.won, own, pace), pace, region).to_svg(),
    )


def _counted(facts: Facts, forecast: TeamForecast, people: Sequence[str]) -> set[str]:
    """Return whose deals the roll-up adds up: those who left count with what they closed."""
    if forecast.level == COMPANY:
        return set(facts.staff.managers)
    return {
        rep
        for rep, manager in facts.staff.managers.items()
        if manager == forecast.group or rep in people
    }


def _unknown(facts: Facts, quota: QuotaFacts, people: Sequence[str]) -> str:
    names = [
        facts.staff.name(rep)
        for rep in people
        if (f := quota.first(rep)) is not None
        and f.has_quota
        and f.evidence is not EvidenceState.ENOUGH
        and chance_withheld(f) is not None
    ]
    if not names:
        return ""
    who = listing(names) if len(names) <= MOST_NAMED else f"{len(names)} others"
    return f"Of {who} too little is known to say; that is no good or bad sign."
