"""What is said of reps and teams in words; numbers alone stand in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WIDEST = 1.5
"""A range wider than so many quotas says nothing: it is withheld in words, never in files."""
FIGURES = 3
"""Digits of an expected amount that mean anything to people."""


def why_withheld(row: Mapping[str, Any], low: float, high: float) -> str | None:
    """Say why a range should not be shown to people; None where it may be.

    Args:
        row: with `quota` and `evidence`.
        low: where the range begins, as a share of quota.
        high: where it ends.
    """
    if not row["quota"] > 0:
        return "there is no quota to measure it by"
    if row["evidence"] != "enough":
        return "there are too few ended quota periods or won deals to learn it from"
    if high - low > WIDEST:
        return "it is too wide to say anything"
    return None


def rep_withheld(row: Mapping[str, Any]) -> str | None:
    """Say why a rep's range should not be shown to people; None where it may be."""
    return why_withheld(row, row["attainment_p10"], row["attainment_p90"])


def team_withheld(row: Mapping[str, Any]) -> str | None:
    """Say why a team's range should not be shown to people; None where it may be."""
    quota = row["quota"] if row["quota"] > 0 else math.inf
    return why_withheld(row, row["p10"] / quota, row["p90"] / quota)


def rep_sentence(row: Mapping[str, Any]) -> str:
    """Say where a rep stands."""
    left = "has left the company; " if row["has_left"] else ""
    if not row["quota"] > 0:
        return f"{left}no quota to make; {_parts(row, row['attained'])}."
    low, middle, high = (_percent(row[f"attainment_p{q}"]) for q in (10, 50, 90))
    why = rep_withheld(row)
    lands = (
        f"the range of attainment is withheld: {why}"
        if why
        else f"attainment lands between {low} and {high} in 8 of 10 cases, the middle is {middle}"
    )
    chance = f"{chance_in_words(row['p_attain'])} chance to make the quota of {row['quota']:,.0f}"
    return f"{left}{chance}; {_parts(row, row['attained'])}; {lands}."


def team_sentence(row: Mapping[str, Any]) -> str:
    """Say where a team stands."""
    parts, quota = _parts(row, row["closed"]), row["quota"]
    if not quota > 0:
        return f"no quota to make; {parts}."
    low, middle, high = (f"{_about(row[q])} ({_percent(row[q] / quota)})" for q in _RANGE)
    why = team_withheld(row)
    lands = (
        f"the range of the total is withheld: {why}"
        if why
        else f"the total lands between {low} and {high} in 8 of 10 cases, the middle is {middle}"
    )
    return f"quota {quota:,.0f}; {parts}; {lands}."


_RANGE = ("p10", "p50", "p90")


def _parts(row: Mapping[str, Any], closed: float) -> str:
    so_far = f"{closed:,.0f} closed"
    if row["quota"] > 0:
        so_far += f" ({_percent(closed / row['quota'])} of quota)"
    return (
        f"{so_far}, about {_about(row['expected_open'])} expected from open deals and "
        f"{_about(row['expected_new'])} from deals still to be created"
    )


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
