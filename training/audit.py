"""Leakage audit of features: those that know too much, and canaries that must know nothing.

It sees only what a model would see: features at mature cutoffs, and ripe labels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.build import Examples
from training.metrics import auc

TOO_GOOD = 0.95
"""A single column with an AUC above this is no forecast but an answer (honest lead models reach
0.6 to 0.8 with all their columns together; fields filled in after the fact reach 0.98)."""
FEWEST = 20
"""Labels of each kind needed before a column can be suspected."""


@dataclass(frozen=True)
class Suspicion:
    """A feature that predicts too well to be known beforehand."""

    feature: str
    says: str
    auc: float
    left_out: bool
