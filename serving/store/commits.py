"""What reps commit to: their own number for a quota period, and their best case.

A number stands beside the model's and never replaces it, nor does a later one replace an earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import Column, DateTime, Float, String

from serving.store.database import Store
from serving.store.keyed_log import KeyedLog, Receipt, keyed_table


@dataclass(frozen=True)
class RepCommit:
    """What a rep expects to close in a quota period, as said at a moment.

    Attributes:
        key: the sender's; a key that is sent twice counts once.
        rep_id: whose number.
        period_start: of the quota period.
        amount: what the rep commits to, in the quota's currency.
        made_at: when it was said, naive UTC; None: when it arrives.
        best_case: what may come if all goes well; None where nothing was said.
    """

    key: str
    rep_id: str
    period_start: datetime
    amount: float
    made_at: datetime | None = None
    best_case: float | None = None


@dataclass(frozen=True, kw_only=True)
class KeptCommit(RepCommit):
    """A number that was received.

    Attributes:
        said_at: when it was said: `made_at`, else when it arrived; naive UTC.
        by: who entered it.
    """

    said_at: datetime
    by: str


_COMMITS = keyed_table(
    "rep_commits",
    Column("rep_id", String),
    Column("period_start", DateTime),
    Column("made_at", DateTime),
    Column("amount", Float),
    Column("best_case", Float),
)


@dataclass(frozen=True)
class CommitLog:
    """What the reps of one home have committed to, or those of all homes of a company.

    Attributes:
        store: where it is kept.
    """

    store: Store

    def add(self, commits: Sequence[RepCommit], by: str) -> list[Receipt]:
        """Keep numbers, all of them or none.

        Raises:
            InputError: a key was used before for something else.
        """
        return KeyedLog(self.store, _COMMITS).add([asdict(row) for row in commits], by)

    def all(self, rep_id: str | None = None) -> list[KeptCommit]:
        """Return every number of a rep, or of all reps, in the order in which it was said."""
        rows = [
            {**row, "said_at": row["made_at"] or row["at"]}
            for row in KeyedLog(self.store, _COMMITS).rows()
            if rep_id is None or row["rep_id"] == rep_id
        ]
        said = sorted(rows, key=lambda row: row["said_at"])
        return [KeptCommit(**{f.name: row[f.name] for f in fields(KeptCommit)}) for row in said]
