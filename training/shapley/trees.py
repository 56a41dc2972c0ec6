"""Path-dependent TreeSHAP of many rows at once: what each feature adds to a tree's output.

Rows that go the same way at every split of a tree have the same Shapley values there. So the values
are worked out once for each way that occurs, and dealt out to the rows (the idea of WOODELF, Nadel
and Wettenstein 2026). For one leaf with the features 1 ... d on its path, let o_i be 1 if the row
meets all conditions on feature i and else 0, and z_i the share of the training rows that do. If
features outside a coalition S are averaged out as the tree's own counts say (Lundberg et al. 2020),
the leaf's value v counts v * prod(o_i in S) * prod(z_i not in S), and the Shapley value of feature
j is an integral over Owen's multilinear extension (Owen 1972):

    v * (o_j - z_j) * integral from 0 to 1 of prod over i != j of (o_i * t + z_i * (1 - t)) dt

The integrand is a polynomial in t of degree d - 1, so that (d + 1) / 2 Gauss-Legendre nodes give it
exactly. A leaf of value 6 behind two splits, each passed by half of the training rows:

| o_1 | o_2 | value of feature 1                          | of feature 2 | sum with the base 6/4 |
|-----|-----|---------------------------------------------|--------------|-----------------------|
| 1   | 1   | 6 * 1/2 * mean of (t + (1 - t)/2) = 2.25    | 2.25         | 6                     |
| 1   | 0   | 6 * 1/2 * mean of (1 - t)/2       = 0.75    | -2.25        | 0                     |
| 0   | 0   | 6 * -1/2 * mean of (1 - t)/2      = -0.75   | -0.75        | 0                     |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features.arrays import Bools, Floats

Ints = npt.NDArray[np.int64]
BITS = 62
"""A way through a tree is kept in the bits of integers, so many splits in each."""
SMALL = 16
"""Ways through trees of so many splits are counted in a table; those of others are sorted."""


@dataclass(frozen=True)
class Leaf:
    """An end of a tree.

    Attributes:
        value: what the tree says there.
        rows: training rows that came there.
    """

    value: float
    rows: float


@dataclass(frozen=True)
class Split:
    """A question about one column.

    Attributes:
        column: its place.
        threshold: values up to it go left, if it is a number.
        categories: values that go left, if it is a category; None for numbers.
        missing_left: whether NaN goes left.
        left: what follows there.
        right: what follows on the other side.
    """

    column: int
    threshold: float
    categories: tuple[float, ...] | None
    missing_left: bool
    left: Split | Leaf
    right: Split | Leaf

    @property
    def rows(self) -> float:
        """Training rows that came there."""
        return self.left.rows + self.right.rows

    def goes_left(self, values: Floats) -> Bools:
        """Return which values go left."""
        if self.categories is not None:
            return np.isin(values, self.categories)
        # NaN compares as False.
        return ~(values > self.threshold) if self.missing_left else values <= self.threshold


@dataclass(frozen=True)
class Step:
    """One split on the way to a leaf: its number, the side taken, and the share that takes it."""

    number: int
    column: int
    is_left: bool
    share: float


@dataclass(frozen=True)
class Paths:
    """A tree as the ways to its leaves.

    Places that a shorter path leaves empty have a share of 1 and ask for nothing: they add nothing.

    Attributes:
        splits: the questions, in the order of their numbers.
        values: of the leaves.
        asked: integers x leaves x places: the bits of the splits on a place's feature.
        wanted: integers x leaves x places: how these bits have to be.
        shares: leaves x places: the share of training rows that go that way.
        columns: of each feature of the tree, in order.
        order: places, all leaves flattened, ordered by feature.
        starts: where each feature starts in that order.
        base: the mean output over the training rows.
    """

    splits: tuple[Split, ...]
    values: Floats
    asked: Ints
    wanted: Ints
    shares: Floats
    columns: tuple[int, ...]
    order: Ints
    starts: Ints
    base: float

    @classmethod
    def of(cls, tree: Split | Leaf) -> Paths:
        """Follow a tree to each of its leaves."""
        splits: list[Split] = []
        ends = list(_ends(tree, splits, ()))
        merged = [_by_column(steps) for _, steps in ends]
        shape = (len(ends), max(1, *map(len, merged)))
        asked, wanted = np.zeros((2, 1 + len(splits) // BITS, *shape), np.int64)
        shares, column = np.ones(shape), np.full(shape, -1, np.int64)
        for row, places in enumerate(merged):
            for at, (place, steps) in enumerate(places.items()):
                column[row, at] = place
                for step in steps:
                    word, bit = step.number // BITS, 1 << step.number % BITS
                    asked[word, row, at] |= bit
                    wanted[word, row, at] |= bit if step.is_left else 0
                shares[row, at] = np.prod([step.share for step in steps])
        flat = column.ravel()
        order = np.argsort(flat, kind="stable")[np.count_nonzero(flat < 0) :]
        columns, starts = np.unique(flat[order], return_index=True)
        values = np.array([leaf.value for leaf, _ in ends])
        rows = np.array([leaf.rows for leaf, _ in ends])
        base = float((values * rows).sum() / rows.sum())
        names = tuple(map(int, columns))
        return cls(tuple(splits), values, asked, wanted, shares, names, order, starts, base)

    def contributions(self, ways: Ints) -> Floats:
        """Return what each feature of the tree adds: features x ways."""
        owns = np.ones((len(ways), *self.shares.shape), np.bool_)
        for word, (asked, wanted) in enumerate(zip(self.asked, self.wanted, strict=True)):
            owns &= (ways[:, word, None, None] & asked) == wanted
        places = self.shares.shape[1]
        if len(ways) > 1 << places:
            # Cheaper to look up: a leaf has fewer ways to be met than there are ways in all.
            bits = 1 << np.arange(places)
            met = ((np.arange(1 << places)[:, None] & bits) > 0)[:, None, :]
            terms = self._terms(np.broadcast_to(met, (1 << places, *self.shares.shape)))
            terms = terms[(owns * bits).sum(axis=2), np.arange(len(self.values))]
        else:
            terms = self._terms(owns)
        flat = terms.reshape(len(ways), -1)[:, self.order]
        return np.add.reduceat(flat, self.starts, axis=1).T

    def _terms(self, owns: Bools) -> Floats:
        """Return what each place of each leaf adds, by which places' conditions are met."""
        return _integrals(owns, self.shares) * (owns - self.shares) * self.values[:, None]


def _ends(
    node: Split | Leaf, splits: list[Split], steps: tuple[Step, ...]
) -> Iterator[tuple[Leaf, tuple[Step, ...]]]:
    """Walk to every leaf; number the splits on the way."""
    if isinstance(node, Leaf):
        yield node, steps
        return
    number = len(splits)
    splits.append(node)
    for is_left, child in ((True, node.left), (False, node.right)):
        step = Step(number, node.column, is_left, child.rows / node.rows)
        yield from _ends(child, splits, (*steps, step))


def _by_column(steps: Sequence[Step]) -> dict[int, list[Step]]:
    """Put the steps that ask about one column together."""
    together: dict[int, list[Step]] = {}
    for step in steps:
        together.setdefault(step.column, []).append(step)
    return together


@lru_cache
def _nodes(degree: int) -> tuple[tuple[float, float], ...]:
    """Return nodes in 0 ... 1 and weights that integrate polynomials of a degree exactly."""
    at, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    return tuple(zip(((at + 1) / 2).tolist(), (weights / 2).tolist(), strict=True))


def _integrals(owns: Bools, shares: Floats) -> Floats:
    """Return, for each place, the integral over the product of the other places' factors."""
    total = np.zeros(owns.shape)
    for t, weight in _nodes(owns.shape[-1] - 1):
        lost = shares * (1 - t)
        factors = np.where(owns, lost + t, lost)
        # One factor after the other: the order of a reduction might depend on the number of rows.
        product = factors[..., 0]
        for place in range(1, factors.shape[-1]):
            product = product * factors[..., place]
        total += weight * product[..., None] / factors
    return total


def tree_contributions(trees: Sequence[Paths], X: Floats) -> Floats:
    """Split the summed output of trees into features.

    Args:
        trees: of one ensemble.
        X: rows x columns.

    Returns:
        Rows x (columns + 1), the base in the last one; each row adds up to the ensemble's output.
        A row comes out the same to the bit whatever rows stand beside it.
    """
    by_column = np.asfortranarray(X)
    added = np.zeros((X.shape[1] + 1, len(X)))
    for tree in trees:
        added[-1] += tree.base
        if tree.splits:
            ways, place = _ways(tree, by_column)
            for column, parts in zip(tree.columns, tree.contributions(ways), strict=True):
                added[column] += parts[place]
    return added.T


def _ways(tree: Paths, X: Floats) -> tuple[Ints, Ints]:
    """Return the ways through a tree that rows take, and the place of each row's among them."""
    taken = np.zeros((len(tree.asked), len(X)), np.int64)
    for number, split in enumerate(tree.splits):
        is_left = split.goes_left(X[:, split.column]).astype(np.int64)
        taken[number // BITS] |= is_left << number % BITS
    if len(tree.splits) > SMALL:
        if len(taken) > 1:
            ways, place = np.unique(taken.T, return_inverse=True, axis=0)
            return ways, place
        ways, place = np.unique(taken[0], return_inverse=True)
        return ways[:, None], place
    occurs = np.zeros(1 << len(tree.splits), np.bool_)
    occurs[taken[0]] = True
    return np.flatnonzero(occurs)[:, None], (np.cumsum(occurs) - 1)[taken[0]]
