"""What a rep was given: a quota beside those of the like, and a territory beside the others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.rows import Observed
from training.coaching.causes.stays import first_owner
from training.coaching_params import CauseParams

ROUNDS = 6
"""Rounds of medians."""
TENURE_BAND = 90.0
"""Days of tenure within which quotas allow alike for new reps."""
TENURE_BANDS = 4
"""The last band is of everybody who has been there longer."""


@dataclass(frozen=True)
class Quotas:
    """Quotas of the period asked about, beside those of the like.

    Attributes:
        amount: of each rep, empty (NaN) without one.
        start: of each rep's period, in microseconds.
        end: of it.
        excess: log of the quota over what the like are asked for.
        doubt: standard deviation of that among reps.
        share: what territories are asked for beside the company's mean, of each rep.
    """

    amount: Floats
    start: Floats
    end: Floats
    excess: Floats
    doubt: float
    share: Floats


def quotas_of(observed: Observed) -> Quotas:
    """Set the quotas of each rep beside those of the like: same territory, period and tenure.

    Log quotas are taken apart by medians, in turn for each period, territory and band of tenure
    (Tukey's median polish, 1977). What is left of a rep's quota is its excess.
    """
    company = observed.company
    rows = company.quotas
    rep = rows["rep"].to_numpy()
    start, end = rows["start"].to_numpy(), rows["end"].to_numpy()
    tenure = (start - company.hired[rep]) / DAY_US
    band = np.clip(np.nan_to_num(tenure, nan=1e6) // TENURE_BAND, 0, TENURE_BANDS)
    log_amount = np.log(rows["amount"].to_numpy(dtype=np.float64))
    period = np.unique(start, return_inverse=True)[1]
    territory = company.territory[rep]
    rest = log_amount.copy()
    parts: dict[str, Floats] = {}
    for _ in range(ROUNDS):
        for name, classes in (
            ("period", period),
            ("band", band.astype(np.int64)),
            ("territory", territory),
        ):
            middle = _medians(rest, classes)
            rest = rest - middle[classes]
            parts[name] = parts.get(name, np.zeros(1)) + middle
    now = (start < company.as_of) & (end >= company.as_of)
    shape = len(company.reps)
    amount, begin, until, excess = (np.full(shape, np.nan) for _ in range(4))
    amount[rep[now]], excess[rep[now]] = np.exp(log_amount[now]), rest[now]
    begin[rep[now]], until[rep[now]] = start[now], end[now]
    doubt = float(1.4826 * np.median(np.abs(rest))) if len(rest) else 1.0
    level = np.exp(parts["territory"]) if len(rest) else np.ones(1)
    level = np.append(
        level, np.ones(max(0, int(company.territory.max(initial=0)) + 1 - len(level)))
    )
    present = np.unique(company.territory[np.isfinite(amount)])
    mean = level[present].mean() if len(present) else 1.0
    return Quotas(amount, begin, until, excess, doubt, level[company.territory] / mean)


def _medians(values: Floats, classes: Ints) -> Floats:
    order = np.argsort(classes, kind="stable")
    size = int(classes.max(initial=-1)) + 1
    edges = np.searchsorted(classes[order], np.arange(size + 1))
    sorted_values = values[order]
    return np.array(
        [np.median(sorted_values[low:high]) if high > low else 0.0 for low, high in pairwise(edges)]
    )


@dataclass(frozen=True)
class Grounds:
    """What each rep's territory brings, as log factors beside level ground.

    Attributes:
        arrivals: of new leads.
        value: of what leads are worth.
        conversion: of how readily they become deals.
    """

    arrivals: Floats
    value: Floats
    conversion: Floats


def grounds_of(
    observed: Observed, conversion: Floats, skill_spread: float, readiness: float
) -> Grounds:
    """Compare territories.

    Args:
        observed: the company.
        conversion: by territory and two, conversions seen and expected without the territory.
        skill_spread: log sd of reps' qualifying; people make territories look unlike too.
        readiness: how conversions usually grow with what leads promise.
    """
    company, periods = observed.company, observed.periods
    count = int(company.territory.max(initial=0)) + 1
    if count == 1:
        nothing = np.zeros(len(company.reps))
        return Grounds(nothing, nothing, nothing)
    rep = first_owner(observed.leads, len(company.leads.created))
    inside = (rep >= 0) & (company.leads.created >= periods.borders[0])
    territory = company.territory[rep]
    leads = np.bincount(territory[inside], minlength=count).astype(np.float64)
    seats = _seat_days(observed, count)
    arrivals = np.log((leads + 1) / np.maximum(seats, 1.0))
    value = company.leads.value
    known = inside & (value > 0)
    total = np.bincount(territory[known], np.log(value[known]), count)
    of = np.bincount(territory[known], minlength=count)
    worth = np.where(of > 0, total / np.maximum(of, 1), np.nan)
    worth = np.nan_to_num(worth - np.nanmean(worth)) if (of > 0).any() else np.zeros(count)
    people = np.bincount(company.territory, minlength=count)
    seen, usual = conversion
    rate = np.log((seen + 1) / (usual + 1))
    noise = 1 / np.maximum(seen, 1) + skill_spread**2 / np.maximum(people, 1)
    used = seats > 0
    rate = _drawn_to_line(rate, arrivals + worth, noise, used, readiness)

    parts = _about_level([arrivals, worth, rate], used)
    return Grounds(*(part[company.territory] for part in parts))


def _about_level(parts: list[Floats], used: Bools) -> list[Floats]:
    """Hold territories against level ground: that which promises what they promise on average.

    Rich ground is rich in all parts at once, so that the mean promise lies above the product of
    the parts' means. What is left between the two goes to the parts by how far territories differ
    in them:

        arrivals    worth    promise         beside level ground
        0.5         0.5      0.25            0.45, 0.45
        1.5         1.5      2.25            1.34, 1.34
        mean 1.0    1.0      1.25 = level    1.12 of each
    """
    if not used.any():
        return parts
    middles = [float(np.log(np.exp(part[used]).mean())) for part in parts]
    spreads = np.array([part[used].std() for part in parts])
    total = np.sum([part[used] for part in parts], axis=0)
    left = float(np.log(np.exp(total).mean())) - sum(middles)
    shares = spreads / max(float(spreads.sum()), 1e-9)
    levels = [middle + left * share for middle, share in zip(middles, shares, strict=True)]
    return [part - level for part, level in zip(parts, levels, strict=True)]


def _drawn_to_line(
    rate: Floats, ground: Floats, noise: Floats, used: Bools, readiness: float
) -> Floats:
    """Draw what territories convert towards what their leads promise: rich ground is ready ground.

    The line is fitted by least squares, its slope drawn towards `readiness` as if by as many
    further territories; about the line, each territory keeps what its people can bear out.
    """
    x = ground - ground[used].mean()
    y = rate - rate[used].mean()
    spread = float((x[used] ** 2).sum())
    doubt = spread
    slope = (float((x[used] * y[used]).sum()) + readiness * doubt) / max(spread + doubt, 1e-9)
    rest = y - slope * x
    real = max(float(np.var(rest[used]) - noise[used].mean()), 0.0)
    return np.asarray(slope * x + rest * real / (real + noise))


def _seat_days(observed: Observed, count: int) -> Floats:
    """Return the days with a quota behind each territory, from the first period on."""
    company = observed.company
    quotas = company.quotas
    inside = quotas["start"].to_numpy() >= observed.periods.borders[0]
    span = np.minimum(quotas["end"].to_numpy(), company.as_of) - quotas["start"].to_numpy()
    weight = np.where(inside, np.maximum(span, 0) / DAY_US, 0.0)
    territory = company.territory[quotas["rep"].to_numpy()]
    return np.asarray(np.bincount(territory, weight, count), dtype=np.float64)


def overset(quotas: Quotas, params: CauseParams) -> Bools:
    """Tell whose quota lies clearly above those of the like."""
    least = max(np.log1p(params.quota_excess), 3 * quotas.doubt)
    return np.asarray(np.nan_to_num(quotas.excess) >= least)
