"""How texts of extracts and requests are read: what is empty, and what is a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from features.clock import naive_utc

# What exports write for "nothing". Not `NA`: that is also North America.
EMPTY = ("", "NULL", "null", "None", "nan", "NaN", "NaT", "<NA>")


def clean(given: Any) -> Any:
    """Trim a text, and empty it where an export wrote a word for nothing, as ingestion does."""
    if not isinstance(given, str):
        return given
    trimmed = given.strip(" \t\n\r\xa0")
    return None if trimmed in EMPTY else trimmed


def read_moment(given: Any) -> Any:
    """Read a time as the law says: to UTC, without a zone."""
    text = clean(given)
    if text is None:
        return None
    try:
        read = given if isinstance(given, datetime) else datetime.fromisoformat(text)
        return naive_utc(read)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("should be a time like 2025-03-31T14:05:00Z, or a date") from None
