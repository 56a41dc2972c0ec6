"""A result as a product of factors, and how much each of them adds to a difference.

What a team attains is leads received, times deals opened per lead, times closings per deal
opened, times the win rate, times deal size, over the quota: each per rep. The difference between
two teams, or two periods, is split by the logarithmic mean Divisia index, which leaves no rest
and is the same read backwards.

Source: B. W. Ang, LMDI decomposition approach: a guide for implementation, Energy Policy 86
(2015), 233-238.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.arrays import Floats
from features.feature import Unit
from features.params import KpiParams

HALF = 0.5
"""Jeffreys' prior for a count: half an event more than was seen."""


@dataclass(frozen=True)
class Factor:
    """One factor of a result: a sum over another.

    Attributes:
        name: of the key figure it is, or is nearest to.
        label: what it measures, in words.
        over: the sum on top.
        under: the sum below.
        unit: how it is read.
        is_inverse: it is read upside down: quota per rep, which divides the result.
    """

    name: str
    label: str
    over: str
    under: str
    unit: Unit
    is_inverse: bool = False


LEADS = Factor("leads_received", "leads per rep", "leads", "reps", Unit.COUNT)
OPENED = Factor("deals_per_lead", "deals per lead", "opened", "leads", Unit.SHARE)
OPENED_EACH = Factor("deals_opened", "deals opened per rep", "opened", "reps", Unit.COUNT)
IN_TIME = Factor("in_time", "closings per deal", "closed", "opened", Unit.SHARE)
WIN_RATE = Factor("win_rate", "win rate", "won", "closed", Unit.SHARE)
DEAL_SIZE = Factor("deal_size", "deal size", "amount", "won", Unit.AMOUNT)
QUOTA = Factor("quota", "quota per rep", "reps", "quota", Unit.AMOUNT, is_inverse=True)
ENDED = Factor("in_time", "ends per lead", "leads_ended", "leads", Unit.SHARE)
CONVERSION = Factor("conversion_ended", "conversion", "leads_won", "leads_ended", Unit.SHARE)
COUNTS = ("leads", "opened", "closed", "leads_ended")
"""Sums that are counts of events, each with the chance of a count."""


def chain(known: Mapping[str, float]) -> tuple[Factor, ...]:
    """Choose the factors that an extract can tell.

    Args:
        known: the sums of the company; those of tables that are not loaded are missing.
    """
    if "closed" not in known:
        return (LEADS, ENDED, CONVERSION) if "leads" in known else ()
    first = (LEADS, OPENED) if known.get("leads", 0) > 0 else (OPENED_EACH,)
    last = (QUOTA,) if known.get("quota", 0) > 0 else ()
    return (*first, IN_TIME, WIN_RATE, DEAL_SIZE, *last)


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        label: whose it is, in words.
        sums: the sums, `reps` (how many people) among them; `squares` of won amounts.
        likeness: by factor, what it is multiplied by so that it is what the other side's mix of
            leads and people would make of it.
        between: by factor, the variance of its logarithm that comes from people being unlike,
            whatever their luck; none where the same people are compared with themselves.
    """

    label: str
    sums: Mapping[str, float]
    likeness: Mapping[str, float] = field(default_factory=dict)
    between: Mapping[str, float] = field(default_factory=dict)

    def value(self, factor: Factor) -> float:
        """Return a factor; NaN where nothing can be divided."""
        under = self.sums.get(factor.under, 0.0)
        ratio = self.sums.get(factor.over, 0.0) / under if under > 0 else np.nan
        return ratio * self.likeness.get(factor.name, 1.0)

    def draws(self, factors: Sequence[Factor], count: int, rng: np.random.Generator) -> Floats:
        """Draw factors as they might have come out: one row each, `count` columns.

        Counts are Poisson with Jeffreys' prior, shares of them binomial, and the mean amount
        varies as the amounts of single deals do. Quotas are as they are; people differ by
        `between`.
        """
        drawn: dict[str, Floats] = {
            name: rng.gamma(self.sums.get(name, 0.0) + HALF, size=count) for name in COUNTS
        }
        for part, whole in (("won", "closed"), ("leads_won", "leads_ended")):
            yes = self.sums.get(part, 0.0)
            no = self.sums.get(whole, 0.0) - yes
            drawn[part] = drawn[whole] * rng.beta(yes + HALF, max(no, 0.0) + HALF, size=count)
        drawn["amount"] = drawn["won"] * self._mean_amount() * self._spread(count, rng)
        for name in ("reps", "quota"):
            drawn[name] = np.full(count, self.sums.get(name, 0.0))
        likeness = [self.likeness.get(factor.name, 1.0) for factor in factors]
        ratios = [drawn[factor.over] / drawn[factor.under] for factor in factors]
        variance = np.array([[self.between.get(factor.name, 0.0)] for factor in factors])
        people = rng.lognormal(-variance / 2, np.sqrt(variance), size=(len(factors), count))
        return np.array(ratios) * np.array(likeness)[:, None] * people

    def _mean_amount(self) -> float:
        won = self.sums.get("won", 0.0)
        return self.sums.get("amount", 0.0) / won if won > 0 else np.nan

    def _spread(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw the mean amount's luck as a factor around 1: log-normal, as amounts are."""
        won, mean = self.sums.get("won", 0.0), self._mean_amount()
        if not (won > 1 and mean > 0):
            return np.ones(count)
        variance = max(self.sums.get("squares", 0.0) / won - mean**2, 0.0)
        log_variance = np.log1p(variance / mean**2 / won)
        return rng.lognormal(-log_variance / 2, np.sqrt(log_variance), size=count)


@dataclass(frozen=True)
class Share:
    """What one factor adds to a difference.

    Attributes:
        factor: which.
        own: its value on the own side.
        other: on the other side.
        points: what it adds to the result; below 0 where it holds the result back.
        low: the lower end of the interval of that.
        high: its upper end.
        p_holds: the chance that it holds the result back.
    """

    factor: Factor
    own: float
    other: float
    points: float
    low: float
    high: float
    p_holds: float


@dataclass(frozen=True)
class Difference:
    """A difference between two sides, split into what each factor adds.

    Attributes:
        own: the result of the own side.
        other: the result of the other.
        against: what the other side is, in words.
        shares: one for each factor; their points add up to the difference.
        blocked: the factor that surely holds the result back most, if any does.
        sure: the chance from which one of these factors is said to hold back, or to carry.
        material: the points from which it is.
    """

    own: float
    other: float
    against: str
    shares: tuple[Share, ...]
    blocked: Share | None
    sure: float
    material: float


def split(
    own: Side, other: Side, factors: Sequence[Factor], params: KpiParams
) -> Difference | None:
    """Split the difference between two sides' results.

    Args:
        own: the side that is looked at.
        other: what it is compared with.
        factors: whose product is the result.
        params: draws, and how sure a blockage has to be.

    Returns:
        The difference; None where a factor is 0 or unknown on a side: then there is no product
        to take apart.
    """
    values = np.array([[side.value(factor) for factor in factors] for side in (own, other)])
    if not factors or not (np.isfinite(values) & (values > 0)).all():
        return None
    rng = np.random.default_rng(params.seed)
    drawn = [side.draws(factors, params.draws, rng) for side in (own, other)]
    points, luck = _added(values[0], values[1]), _added(drawn[0], drawn[1])
    tail = (1 - params.level) / 2
    low, high = np.quantile(luck, [tail, 1 - tail], axis=1)
    p_holds = (luck < 0).mean(axis=1)
    shares = tuple(
        Share(factor, *(float(v) for v in (*values[:, k], points[k], low[k], high[k], p_holds[k])))
        for k, factor in enumerate(factors)
    )
    # One of several factors looks bad by luck more often than a given one does (Bonferroni).
    sure = 1 - (1 - params.level) / len(factors)
    result, usual = (float(value) for value in values.prod(axis=1))
    material = params.material * usual
    holding = [share for share in shares if share.points <= -material and share.p_holds >= sure]
    return Difference(
        own=result,
        other=usual,
        against=other.label,
        shares=shares,
        blocked=min(holding, key=lambda share: share.points, default=None),
        sure=sure,
        material=material,
    )


def _added(own: Floats, other: Floats) -> Floats:
    """Return what each factor adds to the difference of the products, by additive LMDI.

    The logarithmic mean L(a, b) of the two products, times the logarithm of the factor's ratio.
    """
    # 2 x 3 = 6 against 1 x 3 = 3: L(6, 3) = 3 / log 2, so the first factor adds 3 / log 2 x log 2
    # = 3, and the second, whose ratio is 1, adds nothing.
    high, low = own.prod(axis=0), other.prod(axis=0)
    log_ratio = np.log(high / low)
    is_same = np.isclose(high, low, rtol=1e-12, atol=0)
    mean = np.where(is_same, high, (high - low) / np.where(is_same, 1.0, log_ratio))
    added: Floats = mean * np.log(own / other)
    return added
