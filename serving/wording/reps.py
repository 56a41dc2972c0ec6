"""Forecasts of reps and teams in words. Numbers alone stand in files.

Where a forecast rests on little, words withhold what numbers would pretend to know:

| evidence | range    | chance                    |
|----------|----------|---------------------------|
| enough   | shown    | shown                     |
| thin     | withheld | only which way it leans   |
| none     | withheld | withheld: it is too early |

A range is also withheld where it is too wide to plan with. A rep who has left, or has no quota, has
neither chance nor range. A rep who has closed the quota has made it, whatever the evidence.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from features.evidence import EvidenceState
from serving.wording.forecasts import Forecast, RepForecast, TeamForecast

WIDEST = 1.5
"""A range wider than so many quotas says nothing: it is withheld in words, never in files."""
DIGITS = 3
"""Digits of an expected amount that mean anything to people."""
OPEN_QUESTION = (0.35, 0.65)
"""Between these a chance on thin evidence leans to neither side."""
SURE = 0.99
"""A rep who has closed the quota and is this likely to end above it has made it."""
NO_QUOTA = "there is no quota to measure against"
FINAL = "the rep has left and sells nothing more, so what is closed is final"
TOO_WIDE = f"it spans more than {WIDEST} quotas, which is too wide to plan with"
INSTANT = timedelta(microseconds=1)


def rep_withheld(forecast: RepForecast) -> str | None:
    """Say why a rep's range should not be shown to people; None where it may be."""
    if forecast.has_left:
        return FINAL
    return _why_withheld(forecast, forecast.range_low, forecast.range_high)


def chance_withheld(forecast: RepForecast) -> str | None:
    """Say why a rep's chance should not be shown to people as it stands; None where it may be."""
    if forecast.has_left:
        return FINAL
    if not forecast.has_quota:
        return NO_QUOTA
    if forecast.evidence is EvidenceState.ENOUGH or _is_made(forecast):
        return None
    return forecast.evidence_says


def team_withheld(forecast: TeamForecast) -> str | None:
    """Say why a team's range should not be shown to people; None where it may be."""
    quota = forecast.quota if forecast.has_quota else math.inf
    return _why_withheld(forecast, forecast.p10 / quota, forecast.p90 / quota)


def _why_withheld(forecast: Forecast, low: float, high: float) -> str | None:
    """Say why a range from `low` to `high` quotas should not be shown to people."""
    if not forecast.has_quota:
        return NO_QUOTA
    if forecast.evidence is not EvidenceState.ENOUGH:
        return forecast.evidence_says
    return TOO_WIDE if high - low > WIDEST else None


def rep_sentence(forecast: RepForecast) -> str:
    """Say where a rep stands."""
    closed, quota, says = forecast.attained, forecast.quota, forecast.evidence_says
    if forecast.has_left:
        return _leaver_sentence(forecast)
    parts = _parts(forecast, closed)
    if not forecast.has_quota:
        return f"No quota to make. {parts}."
    if _is_made(forecast):
        sentence = f"Has already made the quota of {quota:,.0f}. {parts}."
        is_known = forecast.evidence is EvidenceState.ENOUGH
        return f"{sentence} {_rep_range(forecast)}" if is_known else sentence
    if forecast.evidence is EvidenceState.NONE:
        return f"Too early for a forecast: {says}. The quota is {quota:,.0f}. {_closed(closed)}."
    if forecast.evidence is EvidenceState.THIN:
        guess = f"At a guess, the quota of {quota:,.0f} {_leaning(forecast.p_attain)}."
        return f"No firm chance and no range: {says}. {guess} {parts}."
    chance = f"{chance_in_words(forecast.p_attain)} chance to make the quota of {quota:,.0f}."
    return f"{chance[0].upper()}{chance[1:]} {parts}. {_rep_range(forecast)}"


def _leaver_sentence(forecast: RepForecast) -> str:
    asked = f" The quota was {forecast.quota:,.0f}." if forecast.has_quota else ""
    was = _closed(forecast.attained, forecast.quota).replace(" is closed so far", " was closed")
    return f"Has left the company; no further sales are expected. {was}.{asked}"


def _rep_range(forecast: RepForecast) -> str:
    why = rep_withheld(forecast)
    if why:
        return f"The range of attainment is not shown: {why}."
    ends = forecast.range_low, forecast.range_high
    # The median lies between two amounts where there are few of them, and so can lie outside.
    inside = min(max(forecast.attainment_p50, ends[0]), ends[1])
    low, middle, high = (_percent(share) for share in (ends[0], inside, ends[1]))
    cases = _cases(forecast.p_in_range)
    if low == high:
        return f"In {cases} attainment ends at about {low} of quota."
    return f"In {cases} attainment ends between {low} and {high} of quota; the middle is {middle}."


def _cases(share: float) -> str:
    """Say how often a range holds: late in a period it cannot but hold more than 8 of 10."""
    tenths = round(10 * share)
    return f"{tenths} of 10 cases" if tenths < 10 else "nearly all cases"  # noqa: PLR2004 - tenths


def rep_chance(forecast: RepForecast) -> str:
    """Say a rep's chance in a few words, as tables have room for."""
    if forecast.has_left:
        return "has left"
    if not forecast.has_quota:
        return "no quota"
    if _is_made(forecast):
        return "made already"
    if forecast.evidence is EvidenceState.NONE:
        return "too early to say"
    if forecast.evidence is EvidenceState.THIN:
        return f"a guess: {_leaning(forecast.p_attain).removeprefix('is ')}"
    return chance_in_words(forecast.p_attain)


def team_sentence(forecast: TeamForecast) -> str:
    """Say where a team stands."""
    parts, quota = _parts(forecast, forecast.closed), forecast.quota
    if not forecast.has_quota:
        return f"No quota to make. {parts}."
    why = team_withheld(forecast)
    low, middle, high = (
        f"{_about(amount)} ({_percent(amount / quota)})"
        for amount in (forecast.p10, forecast.p50, forecast.p90)
    )
    total = (
        f"The range of the total is not shown: {why}"
        if why
        else f"In 8 of 10 cases the total ends between {low} and {high}; the middle is {middle}"
    )
    return f"Quota {quota:,.0f}. {parts}. {total}."


def _is_made(forecast: RepForecast) -> bool:
    return forecast.attained >= forecast.quota > 0 and forecast.p_attain > SURE


def _leaning(p: float) -> str:
    """Say which way a chance leans that rests on too little for a number."""
    low, high = OPEN_QUESTION
    if low <= p <= high:
        return "is as likely to be made as missed"
    return "is more likely missed than made" if p < low else "is more likely made than missed"


def _parts(forecast: Forecast, closed: float) -> str:
    """Say what the total is made of."""
    return (
        f"{_closed(closed, forecast.quota)}; about {_about(forecast.expected_open)} is expected "
        f"from open deals and {_about(forecast.expected_new)} from deals still to be created"
    )


def _closed(closed: float, quota: float = 0.0) -> str:
    if not closed:
        return "Nothing is closed so far"
    of_quota = f" ({_percent(closed / quota)} of quota)" if quota > 0 else ""
    return f"{closed:,.0f} is closed so far{of_quota}"


def _about(amount: float) -> str:
    """Round an expected amount: 44,786 claims more than anybody knows."""
    if not amount:
        return "0"
    digits = DIGITS - 1 - math.floor(math.log10(abs(amount)))
    return f"{round(round(amount, min(digits, 0))):,}"


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def chance_in_words(p: float) -> str:
    """Say a chance as a whole percentage that never claims certainty.

    >>> chance_in_words(0.312), chance_in_words(0.998)
    ('31 %', 'more than 99 %')
    """
    whole = round(100 * p)
    return "less than 1 %" if whole < 1 else "more than 99 %" if whole > 99 else f"{whole} %"  # noqa: PLR2004 - percent


def period_in_words(start: datetime, end: datetime) -> str:
    """Name a quota period by its first and last day; its end is exclusive.

    >>> period_in_words(datetime(2025, 1, 1), datetime(2025, 4, 1))
    '2025-01-01 to 2025-03-31'
    """
    return f"{start:%Y-%m-%d} to {end - INSTANT:%Y-%m-%d}"
