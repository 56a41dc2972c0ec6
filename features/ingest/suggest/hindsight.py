"""Columns of a source that look filled after the outcome, with the evidence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats
from features.ingest.at_creation import TableRows, look_at
from features.ingest.proposals import why_not
from features.ingest.suggest.guess import TableGuess, outcome_words
from features.ingest.suggest.moments import moments
from features.ingest.suggest.profile import ColumnLook
from features.protected import folded

DAY_SECONDS = 86_400
AFTERWARDS = frozenset(["by_outcome", "tells", "hindsight", "changes"])
"""Reasons of `at_creation` that say that a column knows what came later."""


def filled_afterwards(guess: TableGuess) -> Iterator[tuple[str, str]]:
    """Go through further columns of leads or deals that look filled afterwards: name and evidence.

    Args:
        guess: of leads or deals; of other tables nothing is said.
    """
    if guess.table not in {"leads", "deals"} or "created_at" not in guess.columns:
        return
    created = moments(guess.columns["created_at"].source)
    if created.isna().all():
        return
    won, lost = _ends(guess)
    days = (created.max() - created).dt.total_seconds() / DAY_SECONDS
    age: Floats = days.to_numpy(np.float64)
    known = ~np.isnan(age)
    beside = TableRows(age[known], won[known], lost[known])
    used = {column.source.name for column in guess.columns.values()}
    for look in guess.source.columns.values():
        if look.name in used or look.filled == 0:
            continue
        column = look_at(guess.table, look.name, _series(look)[known], beside)
        if column.reason in AFTERWARDS:
            yield look.name, why_not(column)


def _ends(guess: TableGuess) -> tuple[Bools, Bools]:
    rows = guess.columns["created_at"].source.rows
    nothing = np.zeros(rows, dtype=np.bool_)
    if guess.table == "leads":
        ends = [
            _series(guess.columns[name].source).notna().to_numpy(np.bool_)
            if name in guess.columns
            else nothing
            for name in ("converted_at", "lost_at")
        ]
        return ends[0], ends[1] & ~ends[0]
    if "won" not in guess.columns:
        return nothing, nothing
    look = guess.columns["won"].source
    words = outcome_words(look) or {v: folded(v) in _TRUE for v in look.distinct}
    says = _series(look).map(words)
    return (says == True).to_numpy(np.bool_), (says == False).to_numpy(np.bool_)  # noqa: E712 - empty is neither


_TRUE = frozenset(["true", "t", "yes", "y", "1"])


def _series(look: ColumnLook) -> pd.Series:
    return pd.Series(list(look.cells), dtype="object")
