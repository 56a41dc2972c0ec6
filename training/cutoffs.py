"""The past cutoffs a model may learn from: labels are mature there, and no open leads are missing.

Some CRMs took over old leads when they were introduced. They know only those that were still open
then; whatever had ended before is missing, so nothing seems to have ended. Learning from that time
would teach that leads rarely convert. It therefore begins where endings begin:

| first lead | first ending* | days between | learning begins          |
|------------|---------------|--------------|--------------------------|
| Jan 1      | Jan 20        | 19           | Jan 2: a young company   |
| Jan 1      | Jun 1         | 152          | Jun 2: leads taken over  |
| Jan 1      | none yet      | -            | Jan 2: nothing to go by  |

(* not the very first one but the one after the earliest 0.5 %, so that a few wrong dates move
nothing.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.arrays import Moments
from features.clock import midnight
from features.labels.conversion import last_mature_cutoff
from features.snapshot import grid
from features.storage.warehouse import Warehouse
from training.params import TrainingParams

FIRST_ENDINGS = 0.005
"""Share of the endings that may lie before learning begins: a few wrong dates move nothing."""
OLD_DAYS = 60
"""Where the first ending came later than this after the first lead, leads were taken over."""


def training_cutoffs(
    warehouse: Warehouse, horizon_days: int, params: TrainingParams
) -> list[datetime]:
    """Return the cutoffs a lead model learns from, rising; none where history is too short.

    They lie `split.every_days` apart, counted backwards from the latest mature midnight, and
    further apart where there would be more rows than `split.max_snapshots`.

    Args:
        warehouse: already cut to the moment of training.
        horizon_days: how far the label looks ahead.
        params: the section `training`.
    """
    lifetimes = _lifetimes(warehouse)
    if not len(lifetimes.created):
        return []
    start, end = lifetimes.begin(), last_mature_cutoff(horizon_days, warehouse.data_until)
    if end < start:
        return []
    step = params.split.every_days
    days = (end - start).days
    cutoffs = grid(start + timedelta(days=days % step), end, step)
    return thinned(cutoffs, lifetimes.created, lifetimes.ended, params.split.max_snapshots)


@dataclass(frozen=True)
class _Lifetimes:
    """When leads were created and when they ended, each sorted by itself."""

    created: Moments
    ended: Moments

    @property
    def is_taken_over(self) -> bool:
        """Whether the leads waited too long for the first ending to be a young company's."""
        return (self._first_ending - self._first_lead).days > OLD_DAYS

    def begin(self) -> datetime:
        """Return the first midnight from which on no open leads are missing."""
        first = self._first_ending if self.is_taken_over else self._first_lead
        return midnight(first) + timedelta(days=1)

    @property
    def _first_lead(self) -> datetime:
        return pd.Timestamp(self.created[0]).to_pydatetime()

    @property
    def _first_ending(self) -> datetime:
        place = int(FIRST_ENDINGS * len(self.ended))
        ends = self.ended if len(self.ended) else self.created
        return pd.Timestamp(ends[place]).to_pydatetime()


def thinned(
    cutoffs: Sequence[datetime], created: Moments, ended: Moments, most: int
) -> list[datetime]:
    """Return every n-th cutoff, counted backwards from the last, so that rows stay few enough.

    A lead makes a row at each cutoff at which it is open. With 250 rows at ten cutoffs and
    `most=100`, n is 3: the last cutoff stays, and every third one before it.

    Args:
        cutoffs: rising.
        created: when leads (or deals) were created, rising.
        ended: when they ended, rising; those still open are left out.
        most: the rows there may be, about.
    """
    moments = np.asarray(cutoffs, dtype="datetime64[us]")
    # Open at a cutoff: created before it, less those that ended before it. No join is needed.
    born = np.searchsorted(created, moments, side="left")
    rows = int((born - np.searchsorted(ended, moments, side="left")).sum())
    return list(cutoffs[::-1][:: max(1, -(-rows // most))][::-1])


def _lifetimes(warehouse: Warehouse) -> _Lifetimes:
    leads = warehouse["leads"].select("created_at", "converted_at", "lost_at")
    frame = warehouse.arrow(leads).to_pandas()
    ended = frame[["converted_at", "lost_at"]].min(axis=1).dropna()
    columns = (frame["created_at"], ended)
    return _Lifetimes(*(np.sort(column.to_numpy("datetime64[us]")) for column in columns))


def taken_over(warehouse: Warehouse) -> tuple[str, ...]:
    """Return a note where learning begins long after the first lead; nothing elsewhere."""
    lifetimes = _lifetimes(warehouse)
    if not len(lifetimes.created) or not lifetimes.is_taken_over:
        return ()
    note = (
        f"the first lead came in on {pd.Timestamp(lifetimes.created[0]):%Y-%m-%d}, but next to "
        f"none ended before {lifetimes.begin():%Y-%m-%d}: what ended earlier is missing, so "
        "learning begins there"
    )
    return (note,)


def later_cutoffs(since: datetime, last: datetime, every_days: int) -> tuple[datetime, ...]:
    """Return midnights at or after a moment, counted backwards from the last one; rising.

    Args:
        since: what a model has seen ends here, so what comes at or after it is new to the model.
        last: the latest midnight with a known outcome.
        every_days: the step.
    """
    first = first_midnight(since)
    if last < first:
        return ()
    return tuple(grid(first + timedelta(days=(last - first).days % every_days), last, every_days))


def first_midnight(since: datetime) -> datetime:
    """Return the first midnight at or after a moment."""
    before = midnight(since)
    return before if before == since else before + timedelta(days=1)
