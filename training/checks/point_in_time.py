"""The law of time, tried on the user's own rows: the past must look as it did in the past."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np

from features.build import Examples
from features.labels.conversion import conversion
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.checks.canaries import spaced
from training.checks.finding import Finding

TRIED = 2
"""Cutoffs that are tried."""


def point_in_time_findings(
    warehouse: Warehouse,
    whole: Examples,
    horizon_days: int,
    rebuild: Callable[[Warehouse, datetime], Examples],
) -> Iterator[Finding]:
    """Compare what the whole extract gives with what an extract cut at the cutoff gives.

    Both must be equal: rows that are added later may change neither a feature nor a mature label.

    Args:
        warehouse: cut to the moment of the audit.
        whole: built from it at several mature cutoffs.
        horizon_days: how far a label looks ahead.
        rebuild: builds the same features from another extract at one cutoff.
    """
    for cutoff in _tried(whole):
        from_whole = whole.take((whole.keys[CUTOFF] == cutoff).to_numpy())
        from_cut = rebuild(warehouse.until(cutoff), cutoff)
        at = f"as of {cutoff:%Y-%m-%d}"
        yield from _differences(from_whole, from_cut, at)
        mature = warehouse.until(cutoff + timedelta(days=horizon_days))
        labels = [conversion(w, from_whole.keys, horizon_days) for w in (warehouse, mature)]
        if changed := int((labels[0] != labels[1]).sum()):
            says = (
                f"{changed:,} labels {at} change with rows after their horizon: please report this"
            )
            yield Finding("leads", "converted_at", "law", "error", says)


def _tried(whole: Examples) -> list[datetime]:
    """Take cutoffs from the later half, where there is most to see."""
    cutoffs = [moment.to_pydatetime() for moment in sorted(whole.keys[CUTOFF].unique())]
    return spaced(cutoffs[len(cutoffs) // 2 :], TRIED)


def _differences(from_whole: Examples, from_cut: Examples, at: str) -> Iterator[Finding]:
    """Name the features that differ; if the leads or owners do, features cannot be compared."""
    if not from_whole.keys.equals(from_cut.keys):
        says = (
            f"{at} the extract shows {len(from_whole):,} open leads, an extract made at that "
            f"moment {len(from_cut):,}, or other owners: later rows change the past"
        )
        yield Finding("leads", None, "law", "error", says)
        return
    for name in from_whole.X.columns:
        now, then = from_whole.X[name].to_numpy(), from_cut.X[name].to_numpy()
        if changed := int((~((now == then) | (np.isnan(now) & np.isnan(then)))).sum()):
            says = (
                f"{name} {at} differs for {changed:,} of {len(from_whole):,} leads from what an "
                "extract made at that moment gives: it reads later rows, please report this"
            )
            yield Finding("features", name, "law", "error", says)
