"""What a champion saw, and said, at the cutoffs of every window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Ints
from features.build import Examples, build
from features.clock import to_us
from features.definitions.lead import conversion_features
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.leads.backtest import segment_columns
from training.leads.bundle import Bundle
from training.leads.score import bands
from training.monitoring.drift import DriftRows
from training.monitoring.windows import Layout
from training.quota.bundle import QuotaBundle

CHANCE, BAND = "chance", "band"


def lead_rows(warehouse: Warehouse, bundle: Bundle, layout: Layout) -> DriftRows:
    """Build the features of all leads open at each cutoff, and forecast them.

    Args:
        warehouse: cut to the moment of monitoring.
        bundle: the champion; its own vocabulary and columns count, as in scoring.
        layout: the cutoffs.
    """
    # All declared features, those the model leaves out too: segments are read off them.
    declared = conversion_features(bundle.vocabulary, bundle.params, bundle.horizon_days)
    examples = build(warehouse, declared, bundle.vocabulary, layout.every_cutoff, bundle.params)
    # A feature with one value at each cutoff tells the date, and dates always move.
    own = [f for f in declared if f.name in bundle.columns and not f.is_common]
    p = bundle.probability(examples.X[[*bundle.columns]])
    band = pd.factorize(bands(p, bundle), sort=True)[0].astype(np.float64)
    return DriftRows(
        window=_windows(examples, layout),
        unit=pd.factorize(examples.keys["lead_id"])[0],
        inputs=examples.X[[feature.name for feature in own]],
        outputs=pd.DataFrame({CHANCE: p, BAND: band}),
        segments=segment_columns(examples, bundle),
        categories=frozenset({BAND, *(f.name for f in own if f.categories is not None)}),
        says={
            CHANCE: "the chances that are forecast",
            BAND: "the bands of the call list",
            **{feature.name: feature.says for feature in own},
        },
    )


def deal_rows(warehouse: Warehouse, bundle: QuotaBundle, layout: Layout) -> DriftRows:
    """Build the features of all deals open at each cutoff.

    Forecasts of quota are not among them: they move through every quarter, from even chances to
    certainty, so that one window of four weeks tells nothing about another.

    Args:
        warehouse: cut to the moment of monitoring.
        bundle: the champion.
        layout: the cutoffs.
    """
    examples = build(
        warehouse, bundle.deal_set, bundle.deal_vocabulary, layout.every_cutoff, bundle.params
    )
    own = [f for f in bundle.deal_set if f.name in bundle.columns and not f.is_common]
    nothing = pd.DataFrame(index=examples.X.index)
    return DriftRows(
        window=_windows(examples, layout),
        unit=pd.factorize(examples.keys["deal_id"])[0],
        inputs=examples.X[[feature.name for feature in own]],
        outputs=nothing,
        segments=nothing,
        categories=frozenset(f.name for f in own if f.categories is not None),
        says={feature.name: feature.says for feature in own},
    )


def _windows(examples: Examples, layout: Layout) -> Ints:
    number = {
        int(to_us(cutoff)): window
        for window, cutoffs in enumerate(layout.cutoffs)
        for cutoff in cutoffs
    }
    moments = to_us(examples.keys[CUTOFF].to_numpy()).tolist()
    return np.array([number[moment] for moment in moments], dtype=np.int64)
