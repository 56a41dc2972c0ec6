"""At which moments of the past a model may learn: ripe labels, and no leads that are missing."""

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
"""Share of leads' endings that may lie before learning begins: a few wrong dates move nothing."""
OLD_DAYS = 60
"""Leads that waited so long for the first ending were taken over from another system."""


def training_cutoffs(
    warehouse: Warehouse, horizon_days: int, params: TrainingParams
) -> list[datetime]:
    """Lay mature cutoffs backwards from the latest one, as many as the rows allow."""
    story = _story(warehouse)
    if not len(story.created):
        return []
    start, end = story.begin(), last_mature_cutoff(horizon_days, warehouse.data_until)
    if end < start:
        return []
    step = params.split.every_days
    days = (end - start).days
    daily = grid(start + timedelta(days=days % step), end, step)
    return thinned(daily, story.created, story.ended, params.split.max_snapshots)


@dataclass(frozen=True)
class _Story:
    """When leads came and when they ended, each in the order of time."""

    created: Moments
    ended: Moments

    @property
    def is_taken_over(self) -> bool:
        """Whether leads waited too long for the first ending to be a young company's."""
        return (self._first_ending - self._first_lead).days > OLD_DAYS

    def begin(self) -> datetime:
        """Give the first midnight at which the leads of the extract are all that were open.

        A CRM that took over old leads when it was introduced knows of that time only the leads
        that were still open: whatever had ended is missing, and nothing seems to convert. So
        learning begins where endings do.
        """
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
    """Take cutoffs further apart, from the last one backwards, if there would be too many rows.

    Args:
        cutoffs: in the order of time.
        created: when leads (or deals) came, in the order of time.
        ended: when they ended, likewise; whoever is open is not there.
        most: rows, of a lead at a cutoff, that there may be (about).
    """
    moments = np.asarray(cutoffs, dtype="datetime64[us]")
    # Counted from two sorted columns instead of a join.
    came = np.searchsorted(created, moments, side="left")
    rows = int((came - np.searchsorted(ended, moments, side="left")).sum())
    return list(cutoffs[::-1][:: max(1, -(-rows // most))][::-1])


def _story(warehouse: Warehouse) -> _Story:
    leads = warehouse["leads"].select("created_at", "converted_at", "lost_at")
    fetched = warehouse.arrow(leads).to_pandas()
    ended = fetched[["converted_at", "lost_at"]].min(axis=1).dropna()
    return _Story(*(np.sort(c.to_numpy("datetime64[us]")) for c in (fetched["created_at"], ended)))


def taken_over(warehouse: Warehouse) -> tuple[str, ...]:
    """Say that learning begins long after the first lead came in, if it does."""
    story = _story(warehouse)
    if not len(story.created) or not story.is_taken_over:
        return ()
    says = (
        f"leads came in since {pd.Timestamp(story.created[0]):%Y-%m-%d}, but next to none ended "
        f"before {story.begin():%Y-%m-%d}: what ended earlier is missing, so learning begins there"
    )
    return (says,)
