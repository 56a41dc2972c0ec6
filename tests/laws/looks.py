"""Looking at an extract through the product's public words, and comparing what two looks saw."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from histories import Case
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.build import Examples, build
from features.definitions.lead import conversion_features
from features.feature import FeatureSet
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.conversion import conversion
from features.params import FeatureParams
from features.storage.warehouse import Warehouse

MORE = int(os.environ.get("LAW_EXAMPLES", "0"))
"""How many companies a law is tried on; unset, a few that are the same on every run."""
AHEAD_DAYS = 21
"""How far the working time ahead looks, whatever the horizon of the labels."""
Law = Callable[..., None]


def tried_on(*seeds: int) -> Callable[[Law], Law]:
    """Say on which companies a law is tried, or on how many others and made smaller, if asked.

    The seeds are of companies that have something of everything, and between them nearly every
    zone, calendar, window and limit: opening and asking costs the same where nothing is compared.
    """
    if not MORE:
        return pytest.mark.parametrize("rng", seeds, indirect=True)
    others = settings(
        max_examples=MORE,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    return lambda law: others(given(rng=st.randoms(use_true_random=False))(law))


@dataclass(frozen=True)
class Look:
    """What the product saw in an extract."""

    words: Vocabulary
    examples: Examples
    labels: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """What was seen at one cutoff, lead by lead."""

    look: Look

    def __call__(self, lead_id: str, name: str) -> float:
        """Give a feature of a lead."""
        return float(self.look.examples.X[name].to_numpy()[self._row(lead_id)])

    def owner(self, lead_id: str) -> Any:
        """Give a lead's owner."""
        return self.look.examples.keys["owner"].iloc[self._row(lead_id)]

    def label(self, lead_id: str) -> float:
        """Give a lead's label."""
        return float(self.look.labels[self._row(lead_id)])

    def word(self, lead_id: str, name: str) -> str:
        """Give a category as the word it stands for."""
        declared = next(f for f in self.look.examples.feature_set if f.name == name)
        return (*(declared.categories or ()), "another")[int(self(lead_id, name))]

    @property
    def names(self) -> list[str]:
        """The features."""
        return self.look.examples.feature_set.names

    @property
    def leads(self) -> set[str]:
        """The open leads."""
        return set(self.look.examples.keys["lead_id"])

    def _row(self, lead_id: str) -> int:
        return list(self.look.examples.keys["lead_id"]).index(lead_id)


def look(warehouse: Warehouse, case: Case) -> Look:
    """Read the words as of the moment of training, then build examples and their labels."""
    words = read_vocabulary(warehouse.until(case.trained), case.params)
    declared = conversion_features(words, case.params, AHEAD_DAYS)
    examples = build(warehouse, declared, words, case.cutoffs, case.params)
    return Look(words, examples, conversion(warehouse, examples.keys, case.horizon_days))


def look_at(
    warehouse: Warehouse, words: Vocabulary, cutoffs: Sequence[datetime], params: FeatureParams
) -> Examples:
    """Build examples with words that are known already."""
    declared = conversion_features(words, params, AHEAD_DAYS)
    return build(warehouse, declared, words, cutoffs, params)


def only(declared: FeatureSet, names: Sequence[str]) -> FeatureSet:
    """Keep a few features of a set."""
    return declared.without(frozenset(declared.names) - frozenset(names))


def assert_bit_equal(one: Examples, other: Examples) -> None:
    """Require the same leads, cutoffs and owners, and the same 64 bits in every value."""
    pd.testing.assert_frame_equal(one.keys, other.keys)
    assert list(one.X.columns) == list(other.X.columns)
    same = one.X.to_numpy().view(np.int64) == other.X.to_numpy().view(np.int64)
    unlike = [
        name for name, is_same in zip(one.X.columns, same.all(axis=0), strict=True) if not is_same
    ]
    assert not unlike, differing(one, other, unlike)


def differing(one: Examples, other: Examples, names: Sequence[str]) -> str:
    """Show the first few rows in which columns differ."""
    lines = []
    for name in names:
        left, right = one.X[name].to_numpy(), other.X[name].to_numpy()
        rows = np.flatnonzero(~np.isclose(left, right, rtol=0, atol=0, equal_nan=True))[:3]
        for row in rows:
            key = tuple(one.keys.iloc[row])
            lines.append(f"{name} of {key}: {left[row]!r} against {right[row]!r}")
    return "\n".join(lines) or f"last bits of {list(names)}"


def keys_of(examples: Examples) -> list[tuple[str, datetime, str | None]]:
    """Give lead, cutoff and owner of every example as plain values."""
    return [
        (lead_id, cutoff.to_pydatetime(), owner if isinstance(owner, str) else None)
        for lead_id, cutoff, owner in examples.keys.itertuples(index=False)
    ]
