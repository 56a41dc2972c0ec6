"""One true and specific good thing about a rep, or what is steady where none can be told."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from serving.coaching.company import Company, Ground
from serving.coaching.numbers import amount, bare, count, value_of
from training.coaching.goals.levels import CLOSING, QUALIFYING
from training.coaching.goals.measures import MEASURES, WINDOW_DAYS, Against, Measure

COUNTS = {"wins": "deals won", "conversions": "leads turned into deals"}
"""What is counted on equal grounds, in words."""
BEYOND_LUCK = 1.64
"""Standard deviations that luck exceeds once in twenty times, on either side."""
WEEKS = WINDOW_DAYS // 7
STEADY = 0.1
"""A measure is steady if it lies within a tenth of its own past."""
NOTHING = "Too little is known yet to single out one thing. Ask what went well, and write it down."


def praise(company: Company, rep_id: str, avoid: Sequence[str] = ()) -> str:
    """Return a sentence of praise, in words that depend on the reader; always a true one.

    Looked for in this order: more than could be expected on the same grounds, a quota that is made,
    a year above the company's rates, a measure that rose beyond what chance does, a steady one.

    Args:
        company: what is known.
        rep_id: of whom.
        avoid: causes told of this rep; their measures are not praised.
    """
    for look in (_above_expectation, _quota_made, _strong_year):
        if says := look(company, rep_id):
            return says
    measures = [m for m in MEASURES.values() if m.cause not in avoid]
    for find in (_risen, _steady):
        if says := find(company, rep_id, measures):
            return says
    return NOTHING


def _above_expectation(company: Company, rep_id: str) -> str:
    """Find what lies furthest above expectation, in units of what luck does to a count."""
    above = [g for g in company.grounds_of(rep_id) if g.low > 0 and g.metric in COUNTS]
    if not above:
        return ""
    return ground_sentence(max(above, key=_by_luck))


def below_expectation(company: Company, rep_id: str) -> Ground | None:
    """Find the count that lies furthest below expectation, beyond luck; None without one."""
    counts = [g for g in company.grounds_of(rep_id) if g.metric in COUNTS and g.high < 0]
    lowest = min(counts, key=_by_luck, default=None)
    return lowest if lowest is not None and _by_luck(lowest) < -BEYOND_LUCK else None


def _by_luck(ground: Ground) -> float:
    """Return a count's distance from expectation in standard deviations of a Poisson count."""
    return ground.residual / math.sqrt(max(ground.expected, 1.0))


def ground_sentence(ground: Ground) -> str:
    """Say a count beside the one that could be expected on the same grounds.

    The range is that of the expectation; what luck does to the count comes on top.
    """
    low, high = (count(max(ground.actual - end, 0.0)) for end in (ground.high, ground.low))
    luck = "" if abs(_by_luck(ground)) > BEYOND_LUCK else " Some of the difference may be luck."
    return (
        f"{COUNTS[ground.metric].capitalize()}: {ground.actual:.0f}, where about "
        f"{count(ground.expected)} ({low} to {high}) could be expected from the same leads, "
        f"territory and market.{luck}"
    )


def _quota_made(company: Company, rep_id: str) -> str:
    period = company.periods.get(rep_id)
    if period is None or period.share is None or period.share < 1:
        return ""
    return f"{{You}} {{have}} made the quota of {amount(period.quota)}: {amount(period.attained)}."


def _strong_year(company: Company, rep_id: str) -> str:
    for skill, what in ((CLOSING, "deals won"), (QUALIFYING, "leads turned into deals")):
        ratio = company.levels[skill].get(rep_id)
        if ratio is not None and ratio.is_strong:
            return (
                f"Over the last year: {ratio.won:,} {what} of {ratio.count:,}; at the company's "
                f"rates for the like it is about {count(ratio.expected)}. That is more than luck."
            )
    return ""


def _risen(company: Company, rep_id: str, measures: Sequence[Measure]) -> str:
    """Find a measure above the range that was to be expected a window ago."""
    for measure in measures:
        now = company.goals.value(rep_id, measure)
        moves = company.goals.of[measure.name]
        before = moves.before(rep_id)
        if now is None or before is None or not moves.is_enough:
            continue
        expected, _, high = moves.expected(*before)
        if now[0] > high:
            return (
                f"{_capital(measure.label)}: {value_of(measure, now[0])} in the last {WEEKS} "
                f"weeks, {bare(measure, before[0])} in those before. From there about "
                f"{bare(measure, expected)} was to be expected."
            )
    return ""


def _steady(company: Company, rep_id: str, measures: Sequence[Measure]) -> str:
    """Find the measure that lies nearest to its own past; those that compare with peers first."""
    near: list[tuple[bool, float, str]] = []
    for measure in measures:
        now = company.goals.value(rep_id, measure)
        past = company.goals.of[measure.name].own_past
        before = past.loc[past["rep_id"] == rep_id, "value"].to_numpy(np.float64)
        if now is None or not len(before) or not np.median(before) > 0:
            continue
        middle = float(np.median(before))
        change = abs(now[0] / middle - 1)
        if change <= STEADY:
            says = (
                f"Steady: {measure.label}, {value_of(measure, now[0])} in the last {WEEKS} weeks, "
                f"usually {bare(measure, middle)} before that."
            )
            near.append((measure.against is Against.OWN_PAST, change, says))
    return min(near)[2] if near else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
