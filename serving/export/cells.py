"""Cells of a CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide signs start formulas too
"""Signs with which a spreadsheet begins a formula; the last four are those of East Asian keys."""
BREAKS = ("\t", "\r", "\n")
"""Signs that some programs drop from the start of a cell, so that the next one begins it."""
APOSTROPHE = "'"


def neutralised(text: str) -> str:
    """Return a text that a spreadsheet shows instead of computing it.

    A leading apostrophe marks a cell as text (OWASP, CSV injection). White space before the sign
    does not help: some programs trim it.

    >>> neutralised("=1+1"), neutralised(" @SUM(A1)"), neutralised("a = b")
    ("'=1+1", "' @SUM(A1)", 'a = b')
    """
    begins = text.lstrip().startswith(STARTS) or text.startswith(BREAKS)
    return f"{APOSTROPHE}{text}" if begins else text
