"""One rep's quota period: the outlook, the pacing curve, coverage, commits and what if.

The rep and the manager see the same facts; only the address differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from features.evidence import EvidenceState
from serving.coaching.voice import Voice
from serving.pages.coverage import Coverage, coverage_of
from serving.pages.facts import Facts, QuotaFacts
from serving.pages.pacing import Pace, closed_path, pacing_chart
from serving.pages.region import Region
from serving.store.commits import KeptCommit
from serving.wording.forecasts import RepForecast
from serving.wording.reps import chance_withheld, rep_chance, rep_withheld
from training.quota.what_if import Factors

MOST_REASONS = 5
LITTLE = 0.5
"""Points of a reason below which it is not worth a line."""


@dataclass(frozen=True)
class Figure:
    """One number of a page.

    Attributes:
        value: as people read it.
        label: what it is.
        note: what it rests on.
    """

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class WhatIfView:
    """The sliders and what they lead to.

    Attributes:
        factors: where they stand.
        says: what the model makes of it, in a sentence; empty where nothing was moved.
    """

    factors: Factors
    says: str


@dataclass(frozen=True)
class Quarter:
    """One rep's quota period.

    Attributes:
        title: whose.
        headline: where the rep stands, in a sentence.
        withheld: why numbers are withheld; empty where they are not.
        figures: at most five.
        chart: the pacing curve; None without a quota.
        reasons: behind the chance, in sentences.
        coverage: the open pipeline that the quota needs; None without a quota.
        what_if: the sliders; None where the forecast rests on too little.
        commits: what the rep committed to beside the model, in sentences, the newest first.
        sheet_waits: whether coaching is still being worked out.
    """

    title: str
    headline: str
    withheld: str
    figures: tuple[Figure, ...]
    chart: Markup | None
    reasons: tuple[str, ...]
    coverage: Coverage | None
    what_if: WhatIfView | None
    commits: tuple[str, ...]
    sheet_waits: bool


def quarter_of(
    facts: Facts,
    rep_id: str,
    voice: Voice,
    region: Region,
    commits: Sequence[KeptCommit] = (),
    factors: Factors | None = None,
) -> Quarter | str:
    """Return a rep's quota period, or why there is nothing to say.

    Args:
        facts: of the home.
        rep_id: whose.
        voice: whom the page addresses.
        region: writes numbers.
        commits: of the rep, the oldest first.
        factors: where the sliders stand.
    """
    quota = facts.quota
    if isinstance(quota, str):
        return quota
    forecast = quota.first(rep_id)
    if forecast is None:
        return voice.says("{You} {have} no quota whose period runs now.")
    chance, span = chance_withheld(forecast), rep_withheld(forecast)
    return Quarter(
        title="My quarter" if voice.is_rep else facts.staff.name(rep_id),
        headline=_headline(forecast, voice, region),
        withheld=chance or span or "",
        figures=tuple(_figures(forecast, region)),
        chart=_chart(facts, quota, forecast, region),
        reasons=_reasons(quota.reasons[rep_id]) if chance is None else (),
        coverage=_coverage(quota, forecast, region),
        what_if=_what_if(quota, forecast, factors or Factors(), region),
        commits=_commits(commits, forecast, region),
        sheet_waits=facts.coaching is None,
    )


def _headline(forecast: RepForecast, voice: Voice, region: Region) -> str:
    last = region.day(forecast.period_end)
    said = rep_chance(forecast)
    if forecast.has_left:
        return voice.says("{You} {have} left; no further sales are expected.")
    if not forecast.has_quota:
        return voice.says("{You} {have} no quota to make in the period before ") + f"{last}."
    if said == "made already":
        return voice.says("{You} {have} already made the quota of the period before ") + f"{last}."
    if forecast.evidence is EvidenceState.NONE:
        return f"It is too early for a forecast of the period before {last}."
    if forecast.evidence is EvidenceState.THIN:
        leaning = said.removeprefix("a guess: ")
        return f"No firm chance yet. At a guess, the quota is {leaning}."
    chance = region.chance(forecast.p_attain)
    return (
        f"{chance[0].upper()}{chance[1:]} chance to make the quota of "
        f"{region.amount(forecast.quota)} before {last}."
    )


def _figures(forecast: RepForecast, region: Region) -> Sequence[Figure]:
    """Return at most five numbers: closed, range, expected open and new, quota."""
    if not forecast.has_quota:
        return [Figure(region.amount(forecast.attained), "closed so far")]
    closed = region.share(forecast.attained / forecast.quota)
    parts = f"{region.amount(forecast.attained)} of {region.amount(forecast.quota)}"
    figures = [Figure(closed, "of quota is closed", parts)]
    if rep_withheld(forecast) is None:
        low, high = region.share(forecast.range_low), region.share(forecast.range_high)
        cases = round(10 * forecast.p_in_range)
        holds = f"in {cases} of 10 cases" if cases < 10 else "in nearly all cases"  # noqa: PLR2004 - tenths
        figures.append(Figure(f"{low} to {high}", "of quota at the end", holds))
    figures += [
        Figure(region.about(forecast.expected_open), "expected from open deals"),
        Figure(region.about(forecast.expected_new), "expected from deals still to be created"),
    ]
    return figures


def pace_of(forecast: RepForecast, quota: QuotaFacts) -> Pace:
    """Return a forecast as a pacing curve needs it; the range only where it may be shown."""
    pace = Pace(
        forecast.period_start, forecast.period_end, quota.as_of, forecast.quota, forecast.attained
    )
    if rep_withheld(forecast) is not None:
        return pace
    inside = min(max(forecast.attainment_p50, forecast.range_low), forecast.range_high)
    ends = (share * forecast.quota for share in (forecast.range_low, inside, forecast.range_high))
    return Pace(pace.start, pace.end, pace.as_of, pace.quota, pace.closed, *ends)


def _chart(facts: Facts, quota: QuotaFacts, forecast: RepForecast, region: Region) -> Markup | None:
    if not forecast.has_quota:
        return None
    pace = pace_of(forecast, quota)
    return facts.once(
        ("pace", forecast.rep_id, region),
        lambda: pacing_chart(
            closed_path(facts.won, [forecast.rep_id], pace), pace, region
        ).to_svg(),
    )


def _reasons(reasons: Mapping[str, object]) -> tuple[str, ...]:
    items = reasons["items"]
    assert isinstance(items, list)  # noqa: S101 - the file's own form
    return tuple(
        f"{item['says']} {'Raises' if item['points'] > 0 else 'Lowers'} the chance by "
        f"{_whole_points(abs(item['points']))}."
        for item in items
        if abs(item["points"]) >= LITTLE and item["value"] != item["usual"]
    )[:MOST_REASONS]


def _whole_points(points: float) -> str:
    whole = max(round(points), 1)
    return "1 point" if whole == 1 else f"{whole} points"


def _coverage(quota: QuotaFacts, forecast: RepForecast, region: Region) -> Coverage | None:
    if not forecast.has_quota or forecast.has_left:
        return None
    return coverage_of(forecast, quota.open_amount[forecast.rep_id], region)


def _what_if(
    quota: QuotaFacts, forecast: RepForecast, factors: Factors, region: Region
) -> WhatIfView | None:
    is_firm = forecast.evidence is EvidenceState.ENOUGH and forecast.has_quota
    if not is_firm or forecast.has_left:
        return None
    if factors == Factors():
        return WhatIfView(factors, "")
    rows = quota.what_if.ask(forecast.rep_id, factors)
    row = rows[rows["period_start"] == forecast.period_start].iloc[0]
    then = float(row["attained"] + row["expected_open"] + row["expected_new"])
    now = forecast.attained + forecast.expected_open + forecast.expected_new
    return WhatIfView(
        factors,
        f"The chance would be {region.chance(float(row['p_attain']))} instead of "
        f"{region.chance(forecast.p_attain)}, and the expected total about {region.about(then)} "
        f"instead of {region.about(now)}.",
    )


def _commits(
    commits: Sequence[KeptCommit], forecast: RepForecast, region: Region
) -> tuple[str, ...]:
    """Say what was committed to for the period, the newest first; nothing is left out."""
    return tuple(
        _commit_words(commit, region)
        for commit in reversed(commits)
        if commit.period_start == forecast.period_start
    )


def _commit_words(commit: KeptCommit, region: Region) -> str:
    best = ""
    if commit.best_case is not None:
        best = f", in the best case {region.amount(commit.best_case)}"
    return f"{region.day(commit.said_at)}: {region.amount(commit.amount)}{best}, by {commit.by}"
