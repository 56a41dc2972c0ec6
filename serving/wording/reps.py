"""What is said of reps and teams in words; numbers alone stand in files.

Where a forecast rests on little, words withhold what numbers would pretend to know: with `thin`
evidence the range, and of the chance all but which way it leans; with none the forecast itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

WIDEST = 1.5
"""A range wider than so many quotas says nothing: it is withheld in words, never in files."""
FIGURES = 3
"""Digits of an expected amount that mean anything to people."""
OPEN_QUESTION = (0.35, 0.65)
"""Between these a chance that rests on little leans to neither side."""
SURE = 0.99
"""Who has closed the quota and is this likely to end above it has made it."""
NO_QUOTA = "there is no quota to measure it by"
FINAL = "who has left sells nothing more, so what is closed stands"
TOO_WIDE = f"it spans more than {WIDEST} quotas, which is too wide to plan by"
INSTANT = timedelta(microseconds=1)


def why_withheld(row: Mapping[str, Any], low: float, high: float) -> str | None:
    """Say why a range should not be shown to people; None where it may be.

    Args:
        row: with `quota`, `evidence` and `evidence_says`.
        low: where the range begins, as a share of quota.
        high: where it ends.
    """
    if not row["quota"] > 0:
        return NO_QUOTA
    if row["evidence"] != "enough":
        return str(row["evidence_says"])
    return TOO_WIDE if high - low > WIDEST else None


def rep_withheld(row: Mapping[str, Any]) -> str | None:
    """Say why a rep's range should not be shown to people; None where it may be."""
    if row["has_left"]:
        return FINAL
    return why_withheld(row, row["range_low"], row["range_high"])


def chance_withheld(row: Mapping[str, Any]) -> str | None:
    """Say why a rep's chance should not be shown to people as it stands; None where it may be."""
    if row["has_left"]:
        return FINAL
    if not row["quota"] > 0:
        return NO_QUOTA
    return None if row["evidence"] == "enough" or _is_made(row) else str(row["evidence_says"])


def team_withheld(row: Mapping[str, Any]) -> str | None:
    """Say why a team's range should not be shown to people; None where it may be."""
    quota = row["quota"] if row["quota"] > 0 else math.inf
    return why_withheld(row, row["p10"] / quota, row["p90"] / quota)


def rep_sentence(row: Mapping[str, Any]) -> str:
    """Say where a rep stands."""
    closed, quota = row["attained"], row["quota"]
    if row["has_left"]:
        asked = f" The quota was {quota:,.0f}." if quota > 0 else ""
        was = _closed(closed, quota).replace(" is closed so far", " was closed")
        return f"Has left the company; no more is expected. {was}.{asked}"
    if not quota > 0:
        return f"No quota to make. {_parts(row, closed)}."
    if _is_made(row):
        made = f"Has made the quota of {quota:,.0f} already. {_parts(row, closed)}."
        return f"{made} {_rep_range(row)}" if row["evidence"] == "enough" else made
    says = row["evidence_says"]
    if row["evidence"] == "none":
        return f"Too early for a forecast: {says}. The quota is {quota:,.0f}. {_closed(closed)}."
    if row["evidence"] == "thin":
        guess = f"At a guess, the quota of {quota:,.0f} {_leaning(row['p_attain'])}."
        return f"No firm chance and no range: {says}. {guess} {_parts(row, closed)}."
    chance = f"{chance_in_words(row['p_attain'])} chance to make the quota of {quota:,.0f}."
    return f"{chance[0].upper()}{chance[1:]} {_parts(row, closed)}. {_rep_range(row)}"


def _rep_range(row: Mapping[str, Any]) -> str:
    why = rep_withheld(row)
    if why:
        return f"The range of attainment is not shown: {why}."
    ends = row["range_low"], row["range_high"]
    # A middle quantile lies between amounts where there are few of them.
    inside = min(max(row["attainment_p50"], ends[0]), ends[1])
    low, middle, high = (_percent(share) for share in (ends[0], inside, ends[1]))
    cases = _cases(row["p_in_range"])
    if low == high:
        return f"In {cases} attainment ends at about {low} of quota."
    return f"In {cases} attainment ends between {low} and {high} of quota; the middle is {middle}."


def _cases(share: float) -> str:
    """Say how often a range holds: late in a period it cannot but hold more than 8 of 10."""
    tenths = round(10 * share)
    return f"{tenths} of 10 cases" if tenths < 10 else "nearly all cases"  # noqa: PLR2004 - tenths


def rep_chance(row: Mapping[Any, Any]) -> str:
    """Say a rep's chance in a few words, as tables have room for."""
    if row["has_left"]:
        return "has left"
    if not row["quota"] > 0:
        return "no quota"
    if _is_made(row):
        return "made already"
    if row["evidence"] == "none":
        return "too early to say"
    if row["evidence"] == "thin":
        return f"a guess: {_leaning(row['p_attain']).removeprefix('is ')}"
    return chance_in_words(row["p_attain"])


def team_sentence(row: Mapping[str, Any]) -> str:
    """Say where a team stands."""
    parts, quota = _parts(row, row["closed"]), row["quota"]
    if not quota > 0:
        return f"No quota to make. {parts}."
    why = team_withheld(row)
    low, middle, high = (f"{_about(row[q])} ({_percent(row[q] / quota)})" for q in _RANGE)
    lands = (
        f"The range of the total is not shown: {why}"
        if why
        else f"In 8 of 10 cases the total ends between {low} and {high}; the middle is {middle}"
    )
    return f"Quota {quota:,.0f}. {parts}. {lands}."


_RANGE = ("p10", "p50", "p90")


def _is_made(row: Mapping[Any, Any]) -> bool:
    return bool(row["attained"] >= row["quota"] > 0 and row["p_attain"] > SURE)


def _leaning(p: float) -> str:
    """Say which way a chance leans that rests on too little for a number."""
    low, high = OPEN_QUESTION
    if low <= p <= high:
        return "is about as likely made as missed"
    return "is more likely missed than made" if p < low else "is more likely made than missed"


def _parts(row: Mapping[str, Any], closed: float) -> str:
    return (
        f"{_closed(closed, row['quota'])}; about {_about(row['expected_open'])} is expected from "
        f"open deals and {_about(row['expected_new'])} from deals still to be created"
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
    digits = FIGURES - 1 - math.floor(math.log10(abs(amount)))
    return f"{round(round(amount, min(digits, 0))):,}"


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def chance_in_words(p: float) -> str:
    """Never claim certainty."""
    whole = round(100 * p)
    return "less than 1 %" if whole < 1 else "more than 99 %" if whole > 99 else f"{whole} %"  # noqa: PLR2004


def period_in_words(row: Mapping[str, Any]) -> str:
    """Name a quota period by its first and last day."""
    return f"{row['period_start']:%Y-%m-%d} to {row['period_end'] - INSTANT:%Y-%m-%d}"
