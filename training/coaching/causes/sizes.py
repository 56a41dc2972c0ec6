"""What each cause costs: the revenue of the flow with and without it, over the quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np

from features.arrays import Floats
from training.coaching.causes.funnel import Effects, revenue
from training.coaching.causes.funnel_rates import Rates
from training.coaching.causes.stocks import Stocks, Window

FIELDS = ("qualifying", "first", "later", "ripe", "closing", "advance", "waiting", "amount")
"""The log factors of the flow."""
SHIFTS: Mapping[str, str] = {
    "qualifying": "qualifying",
    "follow_up": "first",
    "closing": "closing",
    "internal_delay": "waiting",
    "deal_size": "amount",
}
"""Which log factor of the flow a cause moves; less work moves many."""


@dataclass(frozen=True)
class Candidate:
    """A cause that may be told of a rep.

    Attributes:
        rep: whose.
        cause: its name.
        p: chance that it is there.
        start: number of the period in which it began, None for a lasting one.
        mean: what it does to each field, in the period before and the one asked about.
        draws: the same for draws of what is not known, by draw.
        arrivals: what it does to new leads: log factor by period and source; None for nothing.
        share: of the revenue without it, the part that the quota asks for.
        is_spell: whether it came and may go.
    """

    rep: int
    cause: str
    p: float
    start: int | None
    mean: dict[str, Floats]
    draws: dict[str, Floats]
    arrivals: Floats | None = None
    share: float = 1.0
    is_spell: bool = True

    @property
    def count(self) -> int:
        """How many draws there are."""
        return len(next(iter(self.draws.values())))


Scenario = tuple[int, list[tuple[Candidate, int | None]]]
"""A rep and the causes at work, each as one draw; None is the mean."""


@dataclass(frozen=True)
class Size:
    """What a cause costs, in money.

    Attributes:
        mean: split by Shapley among a rep's causes.
        draws: about it.
    """

    mean: float
    draws: Floats


@dataclass(frozen=True)
class Flow:
    """The company's flow, ready to be run.

    Attributes:
        rates: of the company.
        window: the days.
        stocks: of the reps.
        base: by field, rep and period, what lasts and is no candidate.
    """

    rates: Rates
    window: Window
    stocks: Stocks
    base: Mapping[str, Floats]

    def run(self, scenarios: Sequence[Scenario]) -> Floats:
        """Return the revenue of scenarios in the period asked about."""
        return self.run_all(scenarios)[0]

    def run_all(self, scenarios: Sequence[Scenario]) -> tuple[Floats, Floats]:
        """Return the same, and the revenue of the window up to the moment asked about."""
        rep = np.array([scenario[0] for scenario in scenarios], dtype=np.int64)
        fields = {name: self.base[name][rep].copy() for name in FIELDS}
        arrivals = np.ones((len(rep), 2, self.stocks.arrivals.shape[2]))
        for place, (_, causes) in enumerate(scenarios):
            for candidate, draw in causes:
                values = candidate.mean if draw is None else candidate.draws
                for name, shift in values.items():
                    fields[name][place] += shift if draw is None else shift[draw]
                if candidate.arrivals is not None:
                    arrivals[place] *= np.exp(candidate.arrivals)
        parts = []
        for low in range(0, len(rep), 2000):
            part = slice(low, low + 2000)
            effects = Effects(
                rep[part], **{n: v[part] for n, v in fields.items()}, arrivals=arrivals[part]
            )
            parts.append(revenue(self.rates, self.window, self.stocks, effects))
        if not parts:
            return np.zeros(0), np.zeros(0)
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def sizes(flow: Flow, candidates: Sequence[Candidate]) -> list[Size]:
    """Return what each candidate costs, in the order given.

    A rep's causes are at work together: what each costs is its Shapley value over all sets of
    them. The draws are of the cause alone with the others at work, moved so that their mean fits.
    """
    by_rep: dict[int, list[int]] = {}
    for place, candidate in enumerate(candidates):
        by_rep.setdefault(candidate.rep, []).append(place)
    scenarios: list[Scenario] = []
    index: dict[tuple[int, frozenset[int]], int] = {}
    for rep, places in by_rep.items():
        for size in range(len(places) + 1):
            for chosen in combinations(places, size):
                index[rep, frozenset(chosen)] = len(scenarios)
                scenarios.append((rep, [(candidates[k], None) for k in chosen]))
    firsts: list[int] = []
    for place, candidate in enumerate(candidates):
        others = [(candidates[k], None) for k in by_rep[candidate.rep] if k != place]
        firsts.append(len(scenarios))
        scenarios += [(candidate.rep, [*others, (candidate, d)]) for d in range(candidate.count)]
    money = flow.run(scenarios)
    found = []
    for place, candidate in enumerate(candidates):
        places = by_rep[candidate.rep]
        mean = _shapley(money, index, candidate, place, places)
        without = money[index[candidate.rep, frozenset(places) - {place}]] * candidate.share
        drawn = without - money[firsts[place] : firsts[place] + candidate.count]
        found.append(Size(mean, drawn - drawn.mean() + mean))
    return found


def _shapley(
    money: Floats,
    index: Mapping[tuple[int, frozenset[int]], int],
    candidate: Candidate,
    place: int,
    places: Sequence[int],
) -> float:
    others, total = [k for k in places if k != place], 0.0
    count = len(places)
    for size in range(count):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for chosen in combinations(others, size):
            without = money[index[candidate.rep, frozenset(chosen)]]
            with_it = money[index[candidate.rep, frozenset(chosen) | {place}]]
            total += weight * float(without * candidate.share - with_it)
    return total
