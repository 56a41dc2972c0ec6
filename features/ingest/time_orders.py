"""Dates that fit both orders throughout, told by their rows: no deal ends before it begins.

created_at   closed_at     day first              month first
01/02/2025   03/02/2025    1 to 3 February        January 2 to March 2
09/01/2025   02/02/2025    9 January to 2 Feb.    September 1 to February 2: it ends before
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from features.ingest import parsing
from features.ingest.match import Matched
from features.ingest.parsing import TextFormat
from features.ingest.reading import Look
from features.storage.engine import ident, row

_BEGINNING = {
    "converted_at": "created_at",
    "lost_at": "created_at",
    "closed_at": "created_at",
    "period_end": "period_start",
    "left_at": "hired_at",
}
_FEWEST = 5
"""Rows that contradict an order before it is ruled out: one may be a slip."""


def order_by_ends(
    look: Look, matched: Matched, texts: TextFormat, names: Collection[str]
) -> tuple[bool, str] | None:
    """Return whether the day stands first, and why in words; None where the rows do not tell.

    Args:
        look: the staged table.
        matched: our table and the source's columns for it.
        texts: how its texts are read.
        names: columns of moments whose dates fit both orders.
    """
    pairs = [(end, start) for end, start in _BEGINNING.items() if {end, start} <= set(names)]
    if not pairs:
        return None
    counts = [
        f"count(*) FILTER ({_moment(matched, end, texts, is_day_first)} < "
        f"{_moment(matched, start, texts, is_day_first)})"
        for is_day_first in (True, False)
        for end, start in pairs
    ]
    filled = [
        f"count({_moment(matched, end, texts, True)} - {_moment(matched, start, texts, True)})"  # noqa: FBT003 - see `_moment`
        for end, start in pairs
    ]
    seen = row(look.backend, f"SELECT {', '.join([*counts, *filled])} FROM {look.staged}")
    size = len(pairs)
    day, month, of = (sum(seen[i * size : (i + 1) * size]) for i in range(3))
    for is_day_first, own, other in ((True, day, month), (False, month, day)):
        is_told = other - own >= _FEWEST and look.is_small(own, of)
        if is_told and not look.is_small(other, of):
            wrong = "month" if is_day_first else "day"
            return is_day_first, f"{wrong} first, {other:,} of {of:,} would end before they begin"
    return None


def _moment(matched: Matched, name: str, texts: TextFormat, is_day_first: bool) -> str:  # noqa: FBT001 - one of two orders
    raw = matched.columns[name]
    trimmed = parsing.trim(ident(raw.staged), raw.type)
    return parsing.time_of_text(trimmed, replace(texts, day_first=is_day_first))
