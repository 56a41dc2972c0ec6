"""Moments that stand for "never": what systems write that cannot leave a moment empty.

    1970-01-01   the zero of Unix         1900-01-01, 1899-12-30   the zeros of spreadsheets
    0001-01-01   the zero of .NET         1753-01-01               the first day of a database
    9999-12-31   the last day of all      2999-12-31               likewise

Whether they do in a column is told by how many there are (`features.ingest.placeholders`).
"""

from __future__ import annotations

# One day earlier too: at midnight of a zone it may be the day before in UTC.
_NEVER = (
    "0001-01-01", "1752-12-31", "1753-01-01", "1899-12-29", "1899-12-30", "1899-12-31",
    "1900-01-01", "1969-12-31", "1970-01-01", "2999-12-30", "2999-12-31", "9999-12-30",
    "9999-12-31",
)  # fmt: skip


def is_placeholder(at: str) -> str:
    """Return a condition: a moment lies on a day that stands for never."""
    days = ", ".join(f"DATE '{day}'" for day in _NEVER)
    is_far = f"({at} < TIMESTAMP '1970-01-02' OR {at} >= TIMESTAMP '2999-12-30')"
    return f"coalesce({is_far} AND CAST({at} AS DATE) IN ({days}), false)"
