"""Does what a column says of leads hold from one part of the past to the next?

A season in which many old leads closed, a rule that was dropped, a field that got another meaning:
a model takes the average of such a past for a law. Here the past is cut into parts, and each
column's leads into groups of similar values. In each group and part, what happened is compared with
what a model of all columns expects whose effects are the same at all times. What is left after a
constant for each group and a constant for each part is a change of the effect:

| group     | part 1 | part 2 | part 3 | what it is                                         |
|-----------|--------|--------|--------|----------------------------------------------------|
| young     | +0.2   | +0.2   | +0.2   | the model bends too little; the effect holds        |
| old       | -0.2   | -0.2   | -0.2   | the same                                           |
| both      | +0.3   | -0.1   | -0.2   | weeks differ, for all leads alike; the effect holds |
| old alone | +0.0   | +1.5   | -0.1   | the effect of age has changed                      |

It is a score test of the interaction of groups and parts in a logistic regression, with variances
that count leads, not rows (Liang & Zeger 1986). Each is the larger one of two: the robust one is
too small where nothing happened, the model's own, times the mean design effect, where much did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import logit
from scipy.stats import norm

from features.arrays import Bools, Floats, Ints

GROUPS = 5
"""Groups of a number's values, of equally many rows; empty values are one more."""
MOST_WORDS = 6
"""Words of a category, and values of a number with few, that are a group of their own."""
FALSE_ALARM = 0.05
"""Chance that any column of a company is called unsteady though all of them hold, at most."""
FEWEST = 5.0
"""Conversions expected in a group and part, counted in leads, without which nothing is said."""
PRIOR_LEADS = 10.0
"""Imagined leads at the part's rate in each group and part."""
CLEAR = 0.4
"""Changes of the effect on log-odds below this (odds times 1.5) are too small to speak of."""
HALF = 0.5
"""With less of an effect left, no effect is nearer to the newest part than the whole past's is:
of an effect m of which e is left, (m - e)^2 > e^2 where e < m / 2."""


@dataclass(frozen=True, eq=False)
class Past:
    """Rows with a known outcome.

    Attributes:
        y: 1 where the lead converted, else 0.
        expected: its chance by a model whose effects are the same at all times.
        part: the number of the part of the past, from 0, in the order of time.
        lead: the number of the lead; its rows are not independent evidence.
    """

    y: Floats
    expected: Floats
    part: Ints
    lead: Ints

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return int(self.part.max()) + 1 if len(self.part) else 0


@dataclass(frozen=True, eq=False)
class Column:
    """What is known of the rows.

    Attributes:
        name: of the column.
        values: numbers, or places in `words`; NaN where empty.
        words: of a category; None for a number.
        is_share: its numbers are read as percentages.
    """

    name: str
    values: Floats
    words: tuple[str, ...] | None = None
    is_share: bool = False

    def word(self, value: float) -> str:
        """Write a value."""
        if self.words is None:
            number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - longer
            return f"{100 * value:.3g} %" if self.is_share else number
        return f"'{self.words[int(value)]}'" if value < len(self.words) else "any other word"


@dataclass(frozen=True)
class Shift:
    """An effect that does not hold.

    Attributes:
        column: its name.
        group: the values of which it shows most, in words: "41 to 71".
        part: in which part of the past.
        shares: the share of the group that converted, in each part.
        others: the share of all leads that converted, in each part.
        z: how many standard errors the change is away from none.
        held: how much of the column's effect on the whole past is left in its newest part: 1 all
            of it, 0 nothing, below 0 the reverse.
    """

    column: str
    group: str
    part: int
    shares: tuple[float, ...]
    others: tuple[float, ...]
    z: float
    held: float

    @property
    def is_gone(self) -> bool:
        """Whether the newest part of the past shows less than half of the effect."""
        return self.held < HALF


def find_shifts(columns: Sequence[Column], past: Past) -> tuple[Shift, ...]:
    """Name the columns whose effect does not hold, the clearest first.

    A column is named if, in some group and part, its effect differs from that at other times by
    more than luck (among all that is looked at) and if plain shares show the same: in that part
    the group stands above the other leads and otherwise below, or less than half as far.

    Args:
        columns: what to judge.
        past: the rows they describe.
    """
    if past.parts < 2:  # noqa: PLR2004 - a change needs a before and an after
        return ()
    tables = [_Table.of(column, past) for column in columns]
    looks = sum(int(table.is_known.sum()) for table in tables)
    bar = norm.isf(FALSE_ALARM / 2 / max(looks, 1))
    shifts = [shift for table in tables if (shift := table.shift(bar)) is not None]
    return tuple(sorted(shifts, key=lambda shift: (-abs(shift.z), shift.column)))


@dataclass(frozen=True, eq=False)
class _Table:
    """A column's groups (columns) in parts of the past (rows).

    Attributes:
        name: of the column.
        groups: in words.
        rows: how many there are.
        shares: of them converted.
        effects: log-odds of that, less those of the part, pulled to 0 where leads are few.
        rates: the share of each part that converted.
        z: the change of the effect in standard errors.
        is_known: where enough leads are expected to convert.
    """

    name: str
    groups: tuple[str, ...]
    rows: Floats
    shares: Floats
    effects: Floats
    rates: Floats
    z: Floats
    is_known: Bools

    @classmethod
    def of(cls, column: Column, past: Past) -> _Table:
        """Count the rows of a column."""
        group, groups = _grouped(column)
        cell = past.part * len(groups) + group
        shape = past.parts, len(groups)
        rows, won = (_summed(cell, weights, shape) for weights in (np.ones(len(cell)), past.y))
        z, is_known = _changes(cell, past, shape)
        shares = won / np.maximum(rows, 1)
        rates = (won.sum(axis=1) + 0.5) / (rows.sum(axis=1) + 1)
        leads = _summed(np.unique(past.lead * rows.size + cell) % rows.size, None, shape)
        prior = rates[:, None]
        pulled = (shares * leads + PRIOR_LEADS * prior) / (leads + PRIOR_LEADS)
        effects = logit(pulled) - logit(prior)
        return cls(column.name, groups, rows, shares, effects, rates, z, is_known)

    def shift(self, bar: float) -> Shift | None:
        """Return the clearest change of the effect, if it is beyond a number of errors."""
        strength = np.where(self.is_known, np.abs(self.z), 0.0)
        part, group = np.unravel_index(np.argmax(strength), strength.shape)
        if strength[part, group] < bar or not self._shows(int(part), int(group)):
            return None
        return Shift(
            self.name,
            self.groups[group],
            int(part),
            tuple(float(round(share, 4)) for share in self.shares[:, group]),
            tuple(float(round(rate, 4)) for rate in self.rates),
            float(round(self.z[part, group], 2)),
            float(round(self._held(), 2)),
        )

    def _shows(self, part: int, group: int) -> bool:
        """Whether the group's plain effect in a part is unlike its effect at other times.

        | in the part | at other times | shows                       |
        |-------------|----------------|-----------------------------|
        | +1.2        | -0.3           | yes: the reverse            |
        | +1.2        | +0.5           | yes: less than half         |
        | +1.2        | +0.8           | no: it is there all the time |
        | +0.2        | -0.1           | no: too little              |
        """
        others = np.arange(len(self.rows)) != part
        rows = self.rows[others, group]
        here = self.effects[part, group]
        elsewhere = float((self.effects[others, group] * rows).sum() / max(rows.sum(), 1))
        small, large = sorted((here, elsewhere), key=abs)
        return bool(abs(here - elsewhere) >= CLEAR and small / large < HALF)

    def _held(self) -> float:
        """Return how much of the whole past's effect is left in its newest part.

        It is the slope of the newest part's effects on those of all parts, groups weighted by their
        rows.
        """
        weights = self.rows.sum(axis=0)
        whole = (self.effects * self.rows).sum(axis=0) / np.maximum(weights, 1)
        size = float((weights * whole**2).sum())
        return float((weights * whole * self.effects[-1]).sum() / size) if size else 1.0


def _changes(cell: Ints, past: Past, shape: tuple[int, int]) -> tuple[Floats, Bools]:
    """Return the interaction of groups and parts in standard errors, and where it is known."""
    residual, information = past.y - past.expected, past.expected * (1 - past.expected)
    n = shape[0] * shape[1]
    weight = np.bincount(cell, information, n).astype(np.float64)
    leads = csr_matrix((residual, (past.lead, cell)), shape=(int(past.lead.max()) + 1, n))
    robust = (leads.T @ leads).toarray()
    design = max(1.0, float(np.trace(robust) / weight.sum()))
    keep = _interaction(weight, shape)
    score = keep @ np.bincount(cell, residual, n)
    variance = np.maximum(
        np.einsum("ac,cd,ad->a", keep, robust, keep, optimize=True),
        design * np.einsum("ac,c,ac->a", keep, weight, keep),
    )
    z = np.divide(score, np.sqrt(variance), out=np.zeros(n), where=variance > 0)
    return z.reshape(shape), (weight / design >= FEWEST).reshape(shape)


def _interaction(weight: Floats, shape: tuple[int, int]) -> Floats:
    """Return the matrix that takes constants of parts and of groups out of sums by cell."""
    cells = np.arange(len(weight))
    part, group = cells // shape[1], cells % shape[1]
    constants = np.hstack([np.eye(shape[0])[part], np.eye(shape[1])[group]])
    weighted = weight[:, None] * constants
    inverse = np.linalg.pinv(constants.T @ weighted, hermitian=True)
    return np.asarray(np.eye(len(weight)) - weighted @ inverse @ constants.T)


def _summed(cell: Ints, weights: Floats | None, shape: tuple[int, int]) -> Floats:
    return np.bincount(cell, weights, shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _grouped(column: Column) -> tuple[Ints, tuple[str, ...]]:
    """Return the group of each row, and each group in words; empty values are the last."""
    is_filled = ~np.isnan(column.values)
    values = column.values[is_filled]
    known, counts = np.unique(values, return_counts=True)
    if column.words is not None or len(known) <= MOST_WORDS:
        largest = known[np.lexsort((known, -counts))][:MOST_WORDS]
        place = np.full(len(known), len(largest))
        place[np.searchsorted(known, largest)] = np.arange(len(largest))
        filled = place[np.searchsorted(known, values)]
        words = (*(column.word(value) for value in largest), "another value")
    else:
        borders = np.unique(np.quantile(values, np.linspace(0, 1, GROUPS + 1)[1:-1]))
        filled = np.searchsorted(borders, values, side="right")
        words = tuple(_ranges(borders, column))
    group = np.full(len(column.values), len(words))
    group[is_filled] = filled
    return group, (*words, "empty")


def _ranges(borders: Floats, column: Column) -> Iterator[str]:
    """Write what lies between borders, a border itself in the range above it."""
    ends = [column.word(border) for border in borders]
    yield f"below {ends[0]}"
    for low, high in pairwise(ends):
        yield f"{low} to {high}"
    yield f"{ends[-1]} or more"
