"""Conditions on a lead's features, written as in SQL: which leads belong to a segment.

A condition compares features with values: `leads_source = 'web' AND leads_value > 1000`. It is read
by sqlglot, and only what is listed here is evaluated; nothing is ever run as code or as SQL.

- comparisons `= <> < <= > >=`, `IN (...)`, `BETWEEN x AND y`, `IS NULL`, each with its negation;
- `AND`, `OR`, `NOT` and brackets;
- numbers, and texts in single quotes for categories.

A comparison with an empty value is unknown, as in SQL, and a lead belongs to a segment only where
the condition is true:

| leads_source | leads_source = 'web' | NOT leads_source = 'web' | leads_source IS NULL |
|--------------|----------------------|--------------------------|----------------------|
| web          | true                 | false                    | false                |
| event        | false                | true                     | false                |
| empty        | unknown              | unknown                  | true                 |

A category's rarer words are pooled (`features.max_categories`), and so is a word that was not known
yet when a model of the past was fitted. Whether a pooled word equals such a word is unknown too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import sqlglot
from sqlglot import exp

from features.arrays import Bools, Floats
from features.errors import InputError
from features.feature import Feature

Words = tuple[str, ...] | None
"""A category's words in the order of their codes; None for a number."""
OWN_TABLE = "leads_"
"""How features of a lead's own columns begin: `value` may be written for `leads_value`."""
MOST_NAMED = 12
"""Known columns or words that an error lists, at most."""
COMPARISONS: Mapping[type[exp.Expression], Callable[[Floats, Floats], Bools]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}
ALLOWED = "comparisons, IN, BETWEEN, IS NULL, AND, OR, NOT and brackets are"


@dataclass(frozen=True)
class Truth:
    """Where a condition is true and where it is false; elsewhere it is unknown."""

    true: Bools
    false: Bools

    def both(self, other: Truth) -> Truth:
        """Return where this and the other condition hold."""
        return Truth(self.true & other.true, self.false | other.false)

    def either(self, other: Truth) -> Truth:
        """Return where this or the other condition holds."""
        return Truth(self.true | other.true, self.false & other.false)

    def negated(self) -> Truth:
        """Return where it does not hold."""
        return Truth(self.false, self.true)


@dataclass(frozen=True)
class Where:
    """A condition, and what it needs to know of the columns it names.

    Attributes:
        text: as it was written.
        columns: of each feature it names, the category's words; None for a number.
    """

    text: str
    columns: Mapping[str, Words]

    @classmethod
    def of(cls, text: str, features: Iterable[Feature], *, is_final: bool = True) -> Where:
        """Read a condition on some features.

        Args:
            text: the condition.
            features: those it may name.
            is_final: refuse columns and words that are not known. A model of the past takes them as
                empty: they may have come later.

        Raises:
            InputError: the text is no condition, or names what is not known.
        """
        known = {feature.name: feature.categories for feature in features}
        tree = _parsed(text)
        names = (_resolved(_written(column), known) for column in tree.find_all(exp.Column))
        where = cls(text, {name: known[name] for name in sorted({*names} & {*known})})
        nothing = pd.DataFrame({name: np.empty(0) for name in where.columns})
        _Reader(text, where.columns, nothing, known if is_final else None).truth(tree)
        return where

    def holds(self, X: pd.DataFrame) -> Bools:
        """Return where the condition is true.

        Args:
            X: features; empty values are NaN, categories are codes.
        """
        return _Reader(self.text, self.columns, X).truth(_parsed(self.text)).true

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        columns = {name: words and list(words) for name, words in self.columns.items()}
        return {"text": self.text, "columns": columns}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Where:
        """Read back what `to_json` returned."""
        columns = {name: words and tuple(words) for name, words in plain["columns"].items()}
        return cls(plain["text"], columns)


def _parsed(text: str) -> exp.Expression:
    """Return the tree of one condition."""
    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        first = str(error).splitlines()[0].split(". Line")[0]
        raise InputError(f"{text!r} cannot be read as a condition: {first}") from None
    tree, *more = trees
    if tree is None or more:
        raise InputError(f"{text!r} should be one condition, such as leads_source = 'web'")
    return tree


def _written(column: exp.Column) -> str:
    """Return a column's name as it was written: `leads.source`."""
    return ".".join(part.name for part in column.parts)


def _resolved(written: str, known: Mapping[str, Words]) -> str:
    """Return the feature that a name means: `leads.source`, and `source`, mean `leads_source`."""
    name = written.replace(".", "_")
    is_short = name not in known and OWN_TABLE + name in known
    return OWN_TABLE + name if is_short else name


@dataclass(frozen=True)
class _Reader:
    """Evaluates a condition's tree on rows.

    Attributes:
        text: the condition, for errors.
        columns: those it names and that are known.
        X: the rows.
        known: all columns that may be named; None where unknown ones count as empty.
    """

    text: str
    columns: Mapping[str, Words]
    X: pd.DataFrame
    known: Mapping[str, Words] | None = None

    def truth(self, node: exp.Expression) -> Truth:
        """Evaluate one node of the tree."""
        if isinstance(node, exp.Paren | exp.Not):
            inner = self.truth(node.this)
            return inner.negated() if isinstance(node, exp.Not) else inner
        if isinstance(node, exp.And | exp.Or):
            join = Truth.both if isinstance(node, exp.And) else Truth.either
            return join(self.truth(node.left), self.truth(node.right))
        return self._leaf(node)

    def _leaf(self, node: exp.Expression) -> Truth:
        """Evaluate a node that joins no others."""
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            is_empty = np.isnan(self._values(self._column(node.this)))
            return Truth(is_empty, ~is_empty)
        if isinstance(node, exp.In):
            return self._in(node)
        if isinstance(node, exp.Between):
            return self._between(node)
        if type(node) in COMPARISONS:
            return self._compared(node, type(node))
        raise self._refused(node)

    def _in(self, node: exp.In) -> Truth:
        """Evaluate `column IN (values)`: equal to any of them."""
        if not node.expressions or node.args.get("query"):
            raise self._refused(node)
        parts = (self._compared(exp.EQ(this=node.this, expression=v)) for v in node.expressions)
        return reduce(Truth.either, parts)

    def _between(self, node: exp.Between) -> Truth:
        """Evaluate `column BETWEEN low AND high`, both ends included."""
        if node.args.get("symmetric"):
            raise self._refused(node)
        low, high = node.args["low"], node.args["high"]
        least = self._compared(exp.GTE(this=node.this, expression=low), exp.GTE)
        return least.both(self._compared(exp.LTE(this=node.this, expression=high), exp.LTE))

    def _compared(self, node: exp.Expression, kind: type[exp.Expression] = exp.EQ) -> Truth:
        """Evaluate a comparison of a column with a value, or of two columns of numbers."""
        left, right = (_bare(side) for side in (node.this, node.expression))
        for side in (left, right):
            if not isinstance(side, exp.Column | exp.Literal | exp.Neg | exp.Null):
                raise self._refused(side)
        sides = [side for side in (left, right) if isinstance(side, exp.Column)]
        if not sides:
            raise self._error(f"{node.sql()} compares no column of a lead")
        name, *_ = names = [self._column(side) for side in sides]
        if not {*names} <= {*self.columns}:
            nowhere = np.zeros(len(self.X), dtype=np.bool_)
            return Truth(nowhere, nowhere)
        words = self.columns.get(name)
        if words is not None:
            value = right if sides[0] is left else left
            return self._equal_word(name, words, node, value)
        a, b = self._number(left), self._number(right)
        is_known = ~(np.isnan(a) | np.isnan(b))
        is_true = COMPARISONS[kind](a, b) & is_known
        return Truth(is_true, is_known & ~is_true)

    def _equal_word(
        self, name: str, words: Sequence[str], node: exp.Expression, value: exp.Expression
    ) -> Truth:
        """Evaluate whether a category equals a text, or does not.

        Of a category with the words web and event, and rarer ones pooled:

        | code    | = 'web' | = 'fair', a word not known yet |
        |---------|---------|--------------------------------|
        | 0 web   | true    | false                          |
        | 1 event | false   | false                          |
        | 2 other | false   | unknown                        |
        | empty   | unknown | unknown                        |
        """
        if not isinstance(node, exp.EQ | exp.NEQ) or not (
            isinstance(value, exp.Literal) and value.is_string
        ):
            raise self._error(
                f"{node.sql()}: {name} is a category; compare it by =, <> or IN with texts in "
                f"single quotes, such as {_listing(words)}"
            )
        word, codes = str(value.this), self._values(name)
        if word not in words and self.known is not None:
            raise self._error(
                f"{word!r} is not a value of {name}{_meant(word, words)}; its values are "
                f"{_listing(words)}; rarer ones are pooled (features.max_categories, "
                "features.min_count)"
            )
        code = words.index(word) if word in words else -1
        is_known = ~np.isnan(codes) if word in words else codes < len(words)
        equal = Truth(is_known & (codes == code), is_known & (codes != code))
        return equal.negated() if isinstance(node, exp.NEQ) else equal

    def _number(self, node: exp.Expression) -> Floats:
        """Return a number for every row: of a column of numbers, or the one that is written."""
        if isinstance(node, exp.Column):
            name = self._column(node)
            if self.columns.get(name) is None:
                return self._values(name)
            raise self._error(f"{name} is a category; compare it with texts in single quotes")
        sign, value = (-1.0, node.this) if isinstance(node, exp.Neg) else (1.0, node)
        if isinstance(value, exp.Literal) and not value.is_string:
            return np.full(len(self.X), sign * float(value.this))
        if isinstance(value, exp.Literal):
            raise self._error(f"{value.sql()} is a text, but is compared with a number")
        if isinstance(value, exp.Null):
            raise self._error("a comparison with NULL is never true; write IS NULL")
        raise self._refused(value)

    def _column(self, node: exp.Expression) -> str:
        """Return the feature that a column means."""
        node = _bare(node)
        if not isinstance(node, exp.Column):
            raise self._error(f"{node.sql()} should be a column of a lead")
        written = _written(node)
        name = _resolved(written, self.columns if self.known is None else self.known)
        if self.known is not None and name not in self.known:
            raise self._error(
                f"unknown column {written!r}{_meant(name, self.known)}; "
                f"known are {_listing(list(self.known))}"
            )
        return name

    def _values(self, name: str) -> Floats:
        """Return a column; empty where it was not known yet."""
        if name not in self.columns:
            return np.full(len(self.X), np.nan)
        return self.X[name].to_numpy(np.float64)

    def _refused(self, node: exp.Expression) -> InputError:
        return self._error(f"{node.sql()} is not allowed; {ALLOWED}")

    def _error(self, problem: str) -> InputError:
        return InputError(f"{self.text!r}: {problem}")


def _bare(node: exp.Expression) -> exp.Expression:
    """Take the brackets off."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _meant(word: str, known: Iterable[str]) -> str:
    """Ask for the names that a word is close to; empty where it is close to none."""
    near = get_close_matches(word, [*known], 3)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def _listing(names: Sequence[str]) -> str:
    """List the first names, and count the rest."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
