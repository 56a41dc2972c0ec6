"""The past cutoffs a model may learn from: labels are mature there, and nothing open is missing.

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
from features.history.values import changes_at_end
from features.labels.conversion import last_mature_cutoff
from features.snapshot import grid
from features.storage.warehouse import Warehouse
from training.params import TrainingParams

FIRST_ENDINGS = 0.005
"""Share of the endings that may lie before learning begins: a few wrong dates move nothing."""
OLD_DAYS = 60
"""Where the first ending came later than this after the first lead, leads were taken over."""
AT_CREATION = pd.Timedelta(days=1)
"""A row of a deal's log that comes no later than this is one of its creation."""
MOST_OPEN = 0.5
"""Share of the deals open when a log seems to begin of which it must miss the creation."""
LOGGED = ("rep_id", "amount")
"""Fields of a deal without which nobody can be seen to sell."""


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


def deal_log_begins(warehouse: Warehouse) -> datetime | None:
    """Return when the log of deals' owners and amounts begins; None where it reaches back to all.

    A log that was switched on later than the CRM shows nothing of a deal that was open then before
    the deal's first row in it. With a log from Jul 1 on:

    | the deal                            | its first row | what is known of it before Jul 1 |
    |-------------------------------------|---------------|----------------------------------|
    | opened in May, still open on Jul 1  | Jul 1         | nothing                          |
    | opened in May, closed in June       | none          | its own columns, from May on     |
    | opened in August                    | August        | it was not there                 |

    Of a deal's first row it is only asked whether it comes after its creation. In an incomplete
    history that is the rule, whenever the log began, so such a field is passed over.

    Args:
        warehouse: already cut to the moment of training; rows that it may not see say nothing.
    """
    begins = [
        _log_begins(warehouse, history.field)
        for history in warehouse.histories
        if history.entity_type == "deal" and history.field in LOGGED and history.complete
    ]
    return max((moment for moment in begins if moment is not None), default=None)


def _log_begins(warehouse: Warehouse, field: str) -> datetime | None:
    """Return the first row of any deal whose log misses its creation, if most open deals do then.

    A log that is there from the beginning may miss the creation of a few deals too.
    """
    changes = changes_at_end(warehouse, "deal", "deal_id")
    changes = changes.filter(changes["field"] == field)
    first = changes.group_by("deal_id").aggregate(first=changes.changed_at.min())
    deals = warehouse["deals"].select("deal_id", "created_at", "closed_at")
    rows = warehouse.arrow(deals.inner_join(first, "deal_id")).to_pandas()
    is_late = rows["first"] > rows["created_at"] + AT_CREATION
    begins = rows.loc[is_late, "first"].min()
    was_open = (rows["created_at"] < begins - AT_CREATION) & ~(rows["closed_at"] < begins)
    return begins.to_pydatetime() if is_late[was_open].mean() > MOST_OPEN else None


def log_note(warehouse: Warehouse) -> tuple[str, ...]:
    """Return a note where deals are older than their log; nothing elsewhere.

    Args:
        warehouse: already cut to the moment of training.
    """
    log, deals = deal_log_begins(warehouse), warehouse["deals"]
    if log is None:
        return ()
    older = warehouse.arrow(deals.aggregate(n=(deals.created_at < log).sum()))["n"].to_pylist()[0]
    if not older:
        return ()
    note = (
        f"the log of deals' owners and amounts begins on {log:%Y-%m-%d}: {older:,} deals are older "
        "and show nothing of these before it, so learning about quotas begins after it"
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
