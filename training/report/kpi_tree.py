"""A team's result beside others': the tree of what leads to it, and where the river is blocked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.kpi.catalogue import KPIS
from features.kpi.declare import Made
from features.kpi.periods import Period
from training.report.kpi_factors import (
    CONVERSION,
    DEAL_SIZE,
    LEADS,
    OPENED,
    OPENED_EACH,
    QUOTA,
    WIN_RATE,
    Difference,
    Factor,
    Side,
    chain,
    split,
)
from training.report.kpi_people import People

DRIVERS: Mapping[str, tuple[str, ...]] = {
    "leads_received": ("referrals", "events"),
    "deals_per_lead": (
        "answered_in_time",
        "first_response",
        "touches_per_lead",
        "calls",
        "meetings",
    ),
    "deals_opened": ("calls", "emails", "meetings"),
    "in_time": ("cycle_days", "slipped", "coverage"),
    "win_rate": ("proposals_made", "proposals_accepted"),
    "deal_size": ("discount",),
    "conversion_ended": ("answered_in_time", "first_response", "touches_per_lead", "calls"),
    "quota": (),
}
"""What stands below each factor: what people do, and what may lead to it. No share of the
difference is given to these: they go together with it, which does not say that they cause it."""
RATED = {factor.name for factor in (OPENED, WIN_RATE, DEAL_SIZE, CONVERSION)}
EACH = {factor.name: factor for factor in (LEADS, OPENED_EACH, QUOTA)}
"""Factors for each rep: compared within the reps' own groups, not within kinds of leads."""


@dataclass(frozen=True)
class Driver:
    """A figure below a factor of the tree.

    Attributes:
        name: of the figure.
        own: on the own side; what is counted, for each rep.
        other: on the other side.
        n: own cases.
    """

    name: str
    own: float
    other: float
    n: int


@dataclass(frozen=True)
class Tree:
    """A team's result in a period, what it is the product of, and what it is compared with.

    Attributes:
        period: when.
        reps: how many people.
        factors: whose product the result is.
        own: the own side.
        drivers: by factor.
        differences: the first is the one that the tree shows.
        silent: why something is not compared, in sentences.
    """

    period: Period
    reps: int
    factors: tuple[Factor, ...]
    own: Side
    drivers: Mapping[str, Sequence[Driver]]
    differences: tuple[Difference, ...]
    silent: tuple[str, ...]

    @property
    def is_attainment(self) -> bool:
        """Whether the result is a share of quota; else it is an amount, or leads, for each rep."""
        return QUOTA in self.factors


def tree(
    people: People, reps: Collection[str], period: Period, earlier: Mapping[str, Period], who: str
) -> Tree:
    """Compare a team's result with comparable reps and with its own earlier periods.

    Args:
        people: the company.
        reps: the team in the period.
        period: when.
        earlier: periods to compare with, by what they are called.
        who: the team's name; "" for the whole company, which has nobody to be compared with.
    """
    everybody = people.reps(period)
    own_reps = [rep for rep in everybody if rep in set(reps)]
    others = [rep for rep in everybody if rep not in set(reps)] if who else []
    own = Side(who or "the company", people.sums(own_reps, period))
    factors = _factors(people, everybody, period, who)
    before = {
        label: then
        for label, when in earlier.items()
        if (then := (_then(people, own_reps, period, when, who), when))[0]
    }
    sides: list[tuple[Side, Side]] = []
    silent: list[str] = []
    beside = next(iter(before.values()), None)
    if len(others) >= people.params.minimum_reps:
        between = unlike(people.sums_of_each(others, period), factors)
        theirs = comparable(people, own_reps, others, period, factors)
        sides.append((shared(own, between, len(own_reps)), shared(theirs, between, len(others))))
        beside = (others, period)
    elif who:
        silent.append("There are too few other reps with whom to compare.")
    sides += [(own, Side(label, people.sums(*then))) for label, then in before.items()]
    differences = []
    for mine, side in sides:
        difference = split(mine, side, factors, people.params)
        if difference is not None:
            differences.append(difference)
        elif factors:
            silent.append(_no_product(own, side, factors))
    drivers = {f.name: _drivers(people, f, own_reps, period, beside) for f in factors}
    return Tree(period, len(own_reps), factors, own, drivers, tuple(differences), tuple(silent))


def _factors(
    people: People, everybody: Sequence[str], period: Period, who: str
) -> tuple[Factor, ...]:
    """Choose the factors: a team's do without leads where nobody is said to own those."""
    known = people.sums(everybody, period)
    if who and not people.has_lead_owners:
        known = {name: value for name, value in known.items() if "leads" not in name}
    return chain(known)


def _then(
    people: People, own: Sequence[str], period: Period, before: Period, who: str
) -> list[str]:
    """Name the reps of an earlier period: the team as it was then, or the same people."""
    team = people.team(who, before) if people.team(who, period) else own
    return [rep for rep in people.reps(before) if not who or rep in set(team)]


def unlike(each: pd.DataFrame, factors: Sequence[Factor]) -> dict[str, float]:
    """Estimate how unlike people are in each factor, beyond the chance of their cases.

    By the method of moments: what the squared deviations from the common rate exceed those that
    chance makes, as a share of the squared means.

    Source: N. E. Breslow, Extra-Poisson variation in log-linear models, Applied Statistics 33
    (1984), 38-44.

    Args:
        each: one row a person: the sums.
        factors: of the result.

    Returns:
        By factor, the variance of a person's rate on the log scale.
    """
    # What chance makes of a person's squared deviation, with the common rate r:
    #
    #   a count (leads, deals opened, closings)    expected: Poisson
    #   a share of cases (win rate, conversion)    expected x (1 - r): binomial
    #   an amount won (deal size)                  wins x the variance of single amounts
    #   a quota                                    nothing: quotas know no chance
    variance = {}
    for factor in factors:
        over, under = each[factor.over], each[factor.under]
        if not under.sum() > 0 or not over.sum() > 0:
            continue
        rate = over.sum() / under.sum()
        expected = under * rate
        chance = expected
        if factor in (WIN_RATE, CONVERSION):
            chance = expected * (1 - rate)
        elif factor is DEAL_SIZE:
            chance = under * max(each["squares"].sum() / under.sum() - rate**2, 0.0)
        elif factor is QUOTA:
            chance = expected * 0.0
        excess = ((over - expected) ** 2 - chance).sum()
        variance[factor.name] = max(float(excess / (expected**2).sum()), 0.0)
    return variance


def shared(side: Side, between: Mapping[str, float], people: int) -> Side:
    """Return a side whose factors vary as means over so many people do."""
    return replace(side, between={name: v / max(people, 1) for name, v in between.items()})


def comparable(
    people: People,
    own: Sequence[str],
    others: Sequence[str],
    period: Period,
    factors: Sequence[Factor],
) -> Side:
    """Return the other reps as they would stand with the own mix of leads and people."""
    side = Side("comparable reps", people.sums(others, period))
    likeness = {}
    for factor in factors:
        raw = side.value(factor)
        if factor.name in RATED:
            usual = people.usual(KPIS[factor.name], own, others, period)
        elif factor.name in EACH:
            usual = _like_each(people, factor, own, others, period)
        else:
            continue
        if np.isfinite(usual) and usual > 0 and raw > 0:
            likeness[factor.name] = usual / raw
    return Side(side.label, side.sums, likeness)


def _like_each(
    people: People, factor: Factor, own: Sequence[str], others: Sequence[str], period: Period
) -> float:
    """Return the others' factor for each rep, their groups weighing as they do on the own side."""
    groups: dict[object, list[str]] = {}
    for rep in others:
        groups.setdefault(people.group(rep, period), []).append(rep)
    counts: dict[object, int] = {}
    for rep in own:
        group = people.group(rep, period)
        counts[group if group in groups else None] = counts.get(group, 0) + 1
    whole = Side("", people.sums(others, period)).value(factor)
    values = {
        group: Side("", people.sums(reps, period)).value(factor) for group, reps in groups.items()
    }
    weighed = [counts[g] * (v if (v := values.get(g, whole)) > 0 else whole) for g in counts]
    return sum(weighed) / sum(counts.values()) if counts else np.nan


def _drivers(
    people: People,
    factor: Factor,
    own: Sequence[str],
    period: Period,
    beside: tuple[Sequence[str], Period] | None,
) -> list[Driver]:
    """Return the figures below a factor, each beside the same of other reps, or of earlier."""
    drivers = []
    for name in DRIVERS.get(factor.name, ()):
        kpi = KPIS[name]
        value, n = people.together(kpi, own, period)
        if not np.isfinite(value):
            continue
        usual = np.nan
        if beside is not None:
            others, when = beside
            if kpi.made is Made.RATIO and when == period:
                usual = people.usual(kpi, own, others, period)
            else:
                usual = people.together(kpi, others, when)[0]
        drivers.append(Driver(name, value, usual, n))
    return drivers


def _no_product(own: Side, side: Side, factors: Sequence[Factor]) -> str:
    """Say which factor is 0 or unknown, so that a difference cannot be split."""
    for which in (own, side):
        for factor in factors:
            if not which.value(factor) > 0:
                whose = which.label if which is own else f"the other side ({which.label})"
                return (
                    f"The difference to {side.label} is not split: {factor.label} of {whose} is "
                    "0 or unknown."
                )
    return f"The difference to {side.label} is not split."
