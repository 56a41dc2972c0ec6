"""Which attribute columns look known at creation: the judgement on one column, from its rows.

A column without a history in `changes` shows the end of the story. It may be a feature only if it
is filled when the row is created and stays as it is. Nothing in an extract proves that, but much
disproves it. So a column is proposed only if

- it holds something to learn from: no constant, no dates, no id and no free text;
- it is filled for nearly all rows, for won, lost and open ones alike;
- it is filled for rows that were just created as often as for older ones;
- its values do not tell who was won, and are those that just created rows have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats
from features.ingest.fill_shares import Share, are_alike, differ
from features.ingest.value_groups import FREQUENT, distance, lost_like, value_codes

Reason = Literal[
    "constant",
    "dates",
    "id",
    "by_outcome",
    "by_age",
    "partial",
    "few",
    "tells",
    "changes",
    "hindsight",
]
LEAST_FILLED = 0.9
"""Share of rows that a column must be filled for: it is filled for all, or for some only."""
WINDOWS_DAYS = (7, 14, 28, 56, 91)
"""Rows count as just created for so many days, the fewest in which enough are open: 52 where all
are filled. A column filled after L days is empty for L / days of them, so 91 days still show 10."""
LEAST_FREQUENT = 0.5
"""Share of filled rows whose value is frequent; with fewer, words are an id or free text."""
UNIQUE = 0.95
"""Whole numbers of which a larger share differ from all others are an id."""
TELLS = 0.5
"""Distance between the values of won rows and others beyond which a column tells the outcome: that
of two normal distributions with an AUC of about 0.91."""
MOVED = 0.1
"""Distance between the values of new and older rows beyond which they must have changed since: as
if a fifth of the rows had a value of their own. A season or a new campaign moves them less."""
SPEAKS = 0.05
"""Distance between the values of won rows and others from which on hindsight is looked for."""
HINDSIGHT_DAYS = 28
"""Rows count as just created for at least so many days where hindsight is looked for."""
LOST_LIKE = 0.35
"""How far the values of new rows may surely lie on the way from those of all to those not won."""
_DATE = r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"


@dataclass(frozen=True)
class ColumnLook:
    """What an attribute column looks like, and whether it is proposed as known at creation.

    Attributes:
        table: leads, deals, accounts or reps.
        column: its name there.
        days: for so many days a row counts as just created.
        shares: filled rows among `all`, `young` (just created and open), `older` (the rest), `won`,
            `lost` and `open`.
        told: distance between the values of won rows and others, 0 to 1; None with too few rows.
        moved: the same between rows that were just created and older ones.
        reason: why it is not proposed, or None.
    """

    table: str
    column: str
    days: int
    shares: Mapping[str, Share]
    told: float | None = None
    moved: float | None = None
    reason: Reason | None = None

    @property
    def name(self) -> str:
        """The column with its table, as params.yaml names it."""
        return f"{self.table}.{self.column}"

    @property
    def is_suspect(self) -> bool:
        """Whether its values, not its gaps, speak against it."""
        return self.reason in {"tells", "changes", "hindsight"}

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        shares = {k: asdict(s) | {"share": round(s.value, 4)} for k, s in self.shares.items()}
        return {
            "column": self.name,
            "days": self.days,
            "filled": shares,
            "told": self.told,
            "moved": self.moved,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class TableRows:
    """What all columns of a table are judged beside.

    Attributes:
        age_days: days from the creation of each row to the end of the data.
        won: rows that converted or were won.
        lost: rows that were lost.
    """

    age_days: Floats
    won: Bools
    lost: Bools

    @property
    def open(self) -> Bools:
        """Rows that have not ended."""
        return ~self.won & ~self.lost

    def groups(self, is_filled: Bools, days: int) -> dict[str, Share]:
        """Count the filled rows of each group; a row counts as just created for so many days."""
        young = self.age_days <= days
        groups = {
            "all": np.ones(len(young), dtype=np.bool_),
            "young": young & self.open,
            "older": ~young,
            "won": self.won,
            "lost": self.lost,
            "open": self.open,
        }
        return {k: Share(int(is_filled[rows].sum()), int(rows.sum())) for k, rows in groups.items()}


def look_at(table: str, column: str, values: pd.Series, beside: TableRows) -> ColumnLook:
    """Judge a column.

    Args:
        table: its table.
        column: its name.
        values: of each row; numbers, flags, moments or texts.
        beside: when the rows were created, and how they ended.
    """
    is_filled = values.notna().to_numpy(np.bool_)
    of_content = _of_content(values[is_filled])
    for days in WINDOWS_DAYS:
        shares = beside.groups(is_filled, days)
        reason = of_content or _of_shares(shares)
        if reason != "few":
            break
    if reason not in {None, "few"}:
        return ColumnLook(table, column, days, shares, reason=reason)
    # A column that tells the outcome is named as such, however few the new rows are.
    codes, is_young = value_codes(values), beside.age_days <= days
    told = distance(codes, beside.won & ~is_young, ~beside.won & ~is_young)
    moved = distance(codes, is_young, ~is_young)
    reason = "tells" if told is not None and told > TELLS else reason
    if reason is None and moved is not None and moved > MOVED:
        reason = "changes"
    if reason is None and told is not None and told > SPEAKS:
        is_young = beside.age_days <= max(days, HINDSIGHT_DAYS)
        reason = "hindsight" if lost_like(codes, is_young, beside.won) > LOST_LIKE else None
    return ColumnLook(table, column, days, shares, told, moved, reason)


def _of_content(filled: pd.Series) -> Reason | None:
    """Say what a column holds that nothing can be learned from, or None."""
    if pd.api.types.is_datetime64_any_dtype(filled):
        return "dates"
    counts = filled.value_counts()
    if len(counts) == 0 or len(filled) - counts.iloc[0] < FREQUENT:
        return "constant"
    numbers = pd.to_numeric(filled, errors="coerce")
    if numbers.notna().all():
        is_whole = bool((numbers.astype(np.float64) % 1 == 0).all())
        return "id" if is_whole and len(counts) > UNIQUE * len(filled) else None
    if filled.astype("string").str.match(_DATE).mean() > LEAST_FREQUENT:
        return "dates"
    is_frequent = counts[counts >= FREQUENT].sum() >= LEAST_FREQUENT * len(filled)
    return None if is_frequent else "id"


def _of_shares(shares: Mapping[str, Share]) -> Reason | None:
    """Say what the gaps of a column speak against it, or None.

    With 90 % intervals of the differences between shares, in percentage points:

    | won - lost | young - older | filled for all | reason                              |
    |------------|---------------|----------------|-------------------------------------|
    | 60 to 62   | any           | any            | by_outcome: filled for one of them  |
    | -1 to 2    | -80 to -70    | any            | by_age: it fills up                 |
    | -1 to 2    | -3 to 3       | 40 %           | partial: not filled for all         |
    | -1 to 2    | -9 to 6       | 95 %           | few: too few rows to show it        |
    | -1 to 2    | -3 to 3       | 95 %           | None                                |
    """
    ends = [shares["won"], shares["lost"], shares["open"]]
    if any(differ(a, b) for a, b in combinations(ends, 2) if a.rows and b.rows):
        return "by_outcome"
    young, older = shares["young"], shares["older"]
    if young.rows and older.rows and differ(young, older):
        return "by_age"
    if shares["all"].value < LEAST_FILLED:
        return "partial"
    won, lost, still = ends
    rest = Share(lost.filled + still.filled, lost.rows + still.rows)
    return None if are_alike(young, older) and are_alike(won, rest) else "few"
