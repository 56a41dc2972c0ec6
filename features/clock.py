"""Moments: stored and compared as UTC without a zone, by the contract."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import numpy.typing as npt

MOMENT = "datetime64[us]"
"""The type of moments in arrays."""


def utc_now() -> datetime:
    """Return the moment now, in UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def naive_utc(moment: datetime) -> datetime:
    """Convert a moment with a zone to UTC; one without a zone is UTC already."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def midnight(moment: datetime) -> datetime:
    """Return the midnight (UTC, without a zone) at or before a moment."""
    return datetime.combine(naive_utc(moment).date(), time.min)


def to_us(moments: Any) -> npt.NDArray[np.int64]:
    """Turn moments into microseconds since 1970 (UTC)."""
    return np.asarray(moments, dtype=MOMENT).astype(np.int64)


def zulu(moment: datetime) -> str:
    """Write a moment for people and for JSON, with the letter that says UTC.

    >>> zulu(datetime(2025, 3, 31, 14, 5))
    '2025-03-31T14:05:00Z'
    """
    return naive_utc(moment).isoformat() + "Z"
