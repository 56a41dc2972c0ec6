"""How texts of extracts and requests are read: what is empty, and what is a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from features.clock import naive_utc

EMPTY = ("", "NULL", "null", "None", "nan", "NaN", "NaT", "<NA>")
"""What exports write for "nothing". Not `NA`: that is also North America."""


def clean(value: Any) -> Any:
    """Trim a text, and empty it where an export wrote a word for nothing, as ingestion does.

    Returns:
        The text, None where it is empty; a value that is not a text stays as it is.
    """
    if not isinstance(value, str):
        return value
    trimmed = value.strip(" \t\n\r\xa0")
    return None if trimmed in EMPTY else trimmed


def read_moment(value: Any) -> Any:
    """Read a moment: with a zone it is converted to UTC, without one it is UTC already.

    Returns:
        The moment in UTC without a zone; None where the text is empty.

    Raises:
        ValueError: the value is not a moment.
    """
    text = clean(value)
    if text is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
        return naive_utc(moment)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("should be a time like 2025-03-31T14:05:00Z, or a date") from None
