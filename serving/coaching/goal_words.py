"""Goals in words: what, from where, to where, by when, and how likely."""

from __future__ import annotations

from typing import Any

from features.clock import zulu
from serving.coaching.numbers import bare, plural, value_of, whole
from training.coaching.goals.measures import WINDOW_DAYS, Against
from training.coaching.goals.propose import Goal

WEEKS = WINDOW_DAYS // 7


def goal_sentence(goal: Goal) -> str:
    """Say a goal with its chance and what was to be expected without doing anything."""
    measure = goal.measure
    middle = (
        f"The middle of {plural(goal.compared, 'colleague')} is {bare(measure, goal.peers)}."
        if measure.against is Against.PEERS
        else f"Before that it was usually {bare(measure, goal.peers)}."
    )
    return (
        f"{_capital(measure.label)}: from {bare(measure, goal.now)} to "
        f"{value_of(measure, goal.target)} in the {WEEKS} weeks up to {goal.due:%Y-%m-%d}. "
        f"{_capital(goal.label)}: going by {goal.changes:,} changes seen here, about "
        f"{whole(goal.chance)} of those at such a level got there. {middle} Values off the usual "
        f"drift back by themselves: without doing anything, about {bare(measure, goal.expected)} "
        "is to be expected."
    )


def goal_json(goal: Goal) -> dict[str, Any]:
    """Return a goal as plain values."""
    return {
        "measure": goal.measure.name,
        "cause": goal.measure.cause,
        "label": goal.label,
        "now": goal.now,
        "count": goal.count,
        "target": goal.target,
        "due": zulu(goal.due),
        "window_days": WINDOW_DAYS,
        "chance": goal.chance,
        "expected": goal.expected,
        "low": goal.low,
        "high": goal.high,
        "comparable": goal.peers,
        "compared": goal.compared,
        "changes": goal.changes,
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
