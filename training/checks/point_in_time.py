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

SOME = 2
"""Cutoffs tried."""


def law_findings(
    warehouse: Warehouse,
    whole: Examples,
    horizon_days: int,
    rebuild: Callable[[Warehouse, datetime], Examples],
) -> Iterator[Finding]:
    """Compare what the whole extract gives with what one cut at the cutoff gives.

    Both must be equal: what is added later may change nothing, neither a feature nor a ripe label.

    Args:
        warehouse: cut to the moment of the audit.
        whole: built from it at several mature cutoffs.
        horizon_days: how far a label looks ahead.
        rebuild: builds the same features of another extract at one cutoff.
    """
    for cutoff in _some(whole):
        mine = whole.take((whole.keys[CUTOFF] == cutoff).to_numpy())
        then = rebuild(warehouse.until(cutoff), cutoff)
        at = f"as of {cutoff:%Y-%m-%d}"
        yield from _compare(mine, then, at)
        ripe = warehouse.until(cutoff + timedelta(days=horizon_days))
        labels = [conversion(w, mine.keys, horizon_days) for w in (warehouse, ripe)]
        if unlike := int((labels[0] != labels[1]).sum()):
            says = f"{unlike:,} labels {at} change with rows after their horizon; report this"
            yield Finding("leads", "converted_at", "law", "error", says)


def _some(whole: Examples) -> list[datetime]:
    """Take cutoffs from the later half, where there is most to be seen."""
    cutoffs = [moment.to_pydatetime() for moment in sorted(whole.keys[CUTOFF].unique())]
    return spaced(cutoffs[len(cutoffs) // 2 :], SOME)


def _compare(mine: Examples, then: Examples, at: str) -> Iterator[Finding]:
    if not mine.keys.equals(then.keys):
        says = (
            f"{at} the extract shows {len(mine):,} open leads and their owners otherwise than "
            f"one made at that moment ({len(then):,}): later rows change the past"
        )
        yield Finding("leads", None, "law", "error", says)
        return
    for name in mine.X.columns:
        now, before = mine.X[name].to_numpy(), then.X[name].to_numpy()
        if unlike := int((~((now == before) | (np.isnan(now) & np.isnan(before)))).sum()):
            says = (
                f"{name} {at} differs for {unlike:,} of {len(mine):,} leads from what an extract "
                "made at that moment gives: it reads later rows, please report this"
            )
            yield Finding("features", name, "law", "error", says)
