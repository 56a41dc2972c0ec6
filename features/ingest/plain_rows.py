"""Rows of texts that mean what they say: nothing to trim, to empty, to unwrap or to ask about.

In most exports most rows are such. One pattern over all texts of a row tells them from the others,
for a fraction of what it costs to look at each text in every way (`parsing`).

    L1   2025-03-31 14:05   12.5    plain
    L2                              plain: what is empty means nothing else
    L3   31.03.2025         12.5    not plain: the day or the month may stand first
    L4   2025-03-31         1,250   not plain: a mark among the digits
"""

from __future__ import annotations

from collections.abc import Iterable

from features.ingest.parsing import ISO, PLAIN_NUMBER, TextFormat, to_utc
from features.storage.engine import text
from features.tables import ColumnKind

_BETWEEN = r"\x1f"
"""Stands between the texts of a row, and in none that is plain."""
_BEYOND = r"\x{A1}-\x{10FFFF}"
# Words for nothing begin with N, n or <, errors with #, formulas with =.
_FIRST = rf"[!$-;>-MO-mo-~{_BEYOND}]"
_LAST = rf"[!-~{_BEYOND}]"
# Neither NULL, null, None, nan, NaN nor NaT: it ends otherwise, or is longer.
_NO_WORD = rf"[Nn]([^{_BETWEEN}]*[!-KMO-SU-df-kmo-~{_BEYOND}]|[^{_BETWEEN}]{{3,}}{_LAST})?"
# 7.0 as an id is 7.
_WHOLE = rf"([^{_BETWEEN}]*([!-/1-~{_BEYOND}]|[^.{_BETWEEN}]0)|0)?"
_PATTERNS = {
    ColumnKind.ID: f"{_FIRST}{_WHOLE}|{_NO_WORD}",
    ColumnKind.TEXT: f"{_FIRST}([^{_BETWEEN}]*{_LAST})?|{_NO_WORD}",
    ColumnKind.NUMBER: PLAIN_NUMBER,
    ColumnKind.TIME: ISO,
    ColumnKind.BOOLEAN: "[Tt]rue|[Ff]alse|TRUE|FALSE",
}


def plain_pattern(kind: ColumnKind, texts: TextFormat) -> str:
    """Return the pattern of a column's plain texts; empty where no text of it is plain."""
    is_decided = kind is ColumnKind.NUMBER and texts.decimal
    is_decided = is_decided or (kind is ColumnKind.TIME and texts.epoch)
    return "" if is_decided else f"({_PATTERNS[kind]})?"


def value_of(kind: ColumnKind, plain: str, texts: TextFormat) -> str:
    """Return SQL of what a plain text, or NULL, means; NULL where it cannot be read after all."""
    if kind is ColumnKind.NUMBER:
        return f"TRY_CAST({plain} AS DOUBLE)"
    if kind is ColumnKind.TIME:
        return to_utc(f"TRY_CAST({plain} AS TIMESTAMP)", texts)
    return f"TRY_CAST({plain} AS BOOLEAN)" if kind is ColumnKind.BOOLEAN else plain


def are_plain(columns: Iterable[tuple[str, str]]) -> str:
    """Return a condition: all texts of a row are plain.

    Args:
        columns: SQL of each text, and the pattern of its column.
    """
    asked = list(columns)
    if not asked:
        return "true"
    row = ", chr(31), ".join(column for column, _ in asked)
    pattern = _BETWEEN.join(pattern for _, pattern in asked).replace("(", "(?:")
    return f"regexp_full_match(concat({row}), {text(pattern)})"
