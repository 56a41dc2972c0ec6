"""Goals in words: what, from where, to where, by when, and how likely."""

from __future__ import annotations

from typing import Any

from features.clock import zulu
from serving.coaching.numbers import plural, value_of, whole
from training.coaching.goals.measures import WINDOW_DAYS, Against
from training.coaching.goals.propose import Goal


def goal_sentence(goal: Goal) -> str:
    """Say a goal with its chance and what was to be expected without doing anything."""
    measure = goal.measure
    middle = (
        f"The middle of {plural(goal.compared, 'colleague')} is {value_of(measure, goal.peers)}."
        if measure.against is Against.PEERS
        else f"{{Your}} own middle of {plural(goal.compared, 'earlier window')} is "
        f"{value_of(measure, goal.peers)}."
    )
    return (
        f"{_capital(measure.label)}: from {value_of(measure, goal.now)} to "
        f"{value_of(measure, goal.target)} in the {WINDOW_DAYS // 7} weeks up to "
        f"{goal.due:%Y-%m-%d}. {_capital(goal.label)}: of {goal.changes:,} changes seen here from "
        f"such a level, about {whole(goal.chance)} got there. {middle} Without doing anything, "
        f"about {value_of(measure, goal.expected)} is to be expected."
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
