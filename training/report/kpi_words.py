"""Key figures in words: how values are written, and what a difference means."""

from __future__ import annotations

import math
from datetime import datetime

from features.feature import Unit
from features.params import Every
from training.report.kpi_factors import Difference, Factor, Share
from training.report.kpi_tree import Tree
from training.report.words import NBSP, percent

THOUSAND, MILLION = 1_000, 1_000_000
NOTHING = "\N{EN DASH}"
"""Stands where there is nothing to measure."""
MINUS = "\N{MINUS SIGN}"
COACHING = (
    "For coaching, not for employment decisions. These figures describe work and circumstances "
    "together; they do not rank people."
)
SAY = {
    "leads_received": "fewer leads come in per rep",
    "deals_per_lead": "fewer leads become deals",
    "deals_opened": "fewer deals are opened per rep",
    "in_time": "fewer deals reach an end in the period",
    "win_rate": "fewer closed deals are won",
    "deal_size": "won deals are smaller",
    "quota": "more is asked of each rep",
    "conversion_ended": "fewer of the leads that end convert",
}
"""What it means that a factor holds a result back."""


def written(value: float, unit: Unit) -> str:
    """Write a value with its unit.

    >>> written(1_234_000, Unit.AMOUNT), written(1.26, Unit.RATIO), written(1234, Unit.COUNT)
    ('1.23M', '1.3', '1,234')
    """
    if not math.isfinite(value):
        return NOTHING
    if unit is Unit.SHARE:
        return percent(value)
    if unit is Unit.AMOUNT:
        return _amount(value)
    if unit is Unit.DAYS:
        return f"{value:,.0f}{NBSP}d"
    if unit is Unit.HOURS:
        return f"{value:,.1f}{NBSP}h"
    return _number(value)


def _amount(value: float) -> str:
    if abs(value) >= MILLION:
        return f"{value / MILLION:.3g}M"
    if abs(value) >= THOUSAND:
        return f"{value / THOUSAND:.3g}k"
    return f"{value:.3g}"


def _number(value: float) -> str:
    if float(value).is_integer() or abs(value) >= 100:  # noqa: PLR2004 - digits that tell
        return f"{value:,.0f}"
    return f"{value:,.1f}"


def factor_value(value: float, factor: Factor) -> str:
    """Write a factor as people read it: the quota per rep, not one over it."""
    return written(1 / value if factor.is_inverse and value > 0 else value, factor.unit)


def result_unit(tree: Tree) -> Unit:
    """Return how the tree's result is read."""
    if tree.is_attainment:
        return Unit.SHARE
    return Unit.AMOUNT if any(f.name == "deal_size" for f in tree.factors) else Unit.COUNT


def result_label(tree: Tree) -> str:
    """Name the tree's result."""
    names = {Unit.SHARE: "Quota attained", Unit.AMOUNT: "Bookings per rep"}
    return names.get(result_unit(tree), "Leads converted per rep")


def points(tree: Tree, value: float) -> str:
    """Write what a factor adds to the result, with its sign."""
    unit = result_unit(tree)
    if unit is Unit.SHARE:
        return f"{100 * value:+.0f}{NBSP}points".replace("-", MINUS)
    return f"{'+' if value >= 0 else MINUS}{written(abs(value), unit)}"


def period_name(start: datetime, every: Every) -> str:
    """Name a period.

    >>> period_name(datetime(2026, 7, 1), "month"), period_name(datetime(2026, 7, 1), "quarter")
    ('July 2026', 'Q3 2026')
    """
    if every == "month":
        return f"{start:%B %Y}"
    if every == "quarter":
        return f"Q{(start.month + 2) // 3} {start.year}"
    return f"{start:%Y-%m-%d}" if every in ("day", "week") else f"from {start:%Y-%m-%d}"


def headline(tree: Tree) -> str:
    """Say in one sentence where the river is blocked, or that nothing stands out."""
    if not tree.factors:
        return "These data tell no result that can be taken apart."
    if not tree.differences:
        return "There is nothing to compare this period with."
    difference = tree.differences[0]
    if difference.blocked is None:
        return f"Against {difference.against}, nothing holds the result back beyond chance."
    return (
        f"Against {difference.against}, the river is blocked at "
        f"{difference.blocked.factor.label}: {SAY[difference.blocked.factor.name]}."
    )


def explained(tree: Tree, difference: Difference) -> str:
    """Say what a comparison found, with figures and how sure they are."""
    unit = result_unit(tree)
    start = (
        f"{result_label(tree)}: {written(difference.own, unit)}, against "
        f"{written(difference.other, unit)} ({difference.against})."
    )
    share, worst = difference.blocked, min(difference.shares, key=lambda share: share.points)
    if share is None:
        return f"{start} No single factor holds the result back by more than chance explains."
    doubt = ""
    if worst is not share:
        doubt = (
            f" {_first_upper(worst.factor.label)} may hold back more "
            f"({points(tree, worst.points)}), but chance can explain that."
        )
    return (
        f"{start} {_first_upper(share.factor.label)}: {factor_value(share.own, share.factor)}, "
        f"against {factor_value(share.other, share.factor)}; that makes "
        f"{points(tree, share.points)} ({points(tree, share.low)} to {points(tree, share.high)})."
        f"{doubt}"
    )


def tone(share: Share, difference: Difference) -> str:
    """Name the shade of a factor: `good` or `bad` where it is large and chance is no reason."""
    if abs(share.points) < difference.material:
        return "even"
    if share.p_holds >= difference.sure:
        return "bad"
    return "good" if share.p_holds <= 1 - difference.sure else "even"


def _first_upper(words: str) -> str:
    return words[:1].upper() + words[1:]
