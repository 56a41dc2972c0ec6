"""Laws of plain rows: whatever is read at a glance is what the long way reads."""

from __future__ import annotations

from random import Random

import pytest
from ibis.backends.duckdb import Backend

from features.ingest import parsing
from features.ingest.parsing import TextFormat
from features.ingest.plain_rows import are_plain, plain_pattern, value_of
from features.storage.engine import rows, text
from features.tables import ColumnKind
from features.texts import EMPTY, SPREADSHEET_ERRORS

PIECES = (
    " ", "\t", "\n", "\xa0", "\x1f", '"', "=", '="', "#", "<", "N", "n", "a", "Z", "é", "号", "0",
    "7", "7.0", ".0", "10", ".", ",", "-", "+", "e5", "12.5", "2025-03-31", "2025-3-1", "T",
    "14:05", ":00", ".5", "Z", "+02:00", "31.03.2025", "2025-13-45", "true", "False", "won",
    "NULL", "NaT", "nan",
)  # fmt: skip
TEXTS = (
    TextFormat(),
    TextFormat(day_first=None, zone="Europe/Berlin"),
    TextFormat(decimal=","),
    TextFormat(epoch="seconds"),
)


def some_texts(seed: int) -> list[str]:
    """Make texts of a few pieces, beside all that means nothing."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    made = ["".join(rng.choices(PIECES, k=rng.randint(1, 4))) for _ in range(3000)]
    return [*dict.fromkeys([*EMPTY, *SPREADSHEET_ERRORS, *PIECES, *made])]


def the_long_way(kind: ColumnKind, texts: TextFormat) -> tuple[str, str]:
    """Return SQL of what is written in `x`, and of its value, both by every step."""
    cleaned = parsing.clean(parsing.trim("x", "VARCHAR"), "VARCHAR")
    value = parsing.in_range(kind, f"({parsing.parse(kind, 'cleaned', 'VARCHAR', texts)})")
    return cleaned, parsing.whole_id(value) if kind is ColumnKind.ID else value


@pytest.mark.parametrize("kind", ColumnKind)
@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_plain_text_means_the_same_on_both_ways(
    session_backend: Backend, kind: ColumnKind, texts: TextFormat, seed: int
) -> None:
    """Nothing in it is trimmed, emptied, unwrapped or shortened, in whichever format it is read."""
    pattern = plain_pattern(kind, texts)
    if not pattern:
        assert (kind, texts) in [(ColumnKind.NUMBER, TEXTS[2]), (ColumnKind.TIME, TEXTS[3])]
        return
    cleaned, value = the_long_way(kind, texts)
    short = parsing.in_range(kind, f"({value_of(kind, 'x', texts)})")
    listed = ", ".join(f"({text(one)})" for one in some_texts(seed) if one)
    found = rows(
        session_backend,
        f"SELECT x, cleaned = x AND {short} IS NOT DISTINCT FROM {value} FROM (SELECT x, {cleaned} "
        f"AS cleaned FROM (VALUES {listed}) t(x)) WHERE {are_plain([('x', pattern)])}",
    )
    assert found
    assert [one for one, is_same in found if not is_same] == []


def test_most_rows_are_plain(session_backend: Backend) -> None:
    """Names, ids, numbers and times as most exports write them are read at a glance."""
    usual = {
        ColumnKind.TEXT: (
            "Nora Null-Nansen",
            "North",
            "email",
            "Zoë",
            "京都",
            "none of it",
            "",
            "x",
        ),
        ColumnKind.ID: ("00Q5g00000ABcdEAG", "L10", "7", "0", "n-100", "a.b@c.de", "6.10", ""),
        ColumnKind.NUMBER: ("0", "-12.5", "1e5", ""),
        ColumnKind.TIME: ("2025-03-31", "2025-03-31 14:05:00", "2025-03-31T14:05:00.123456", ""),
        ColumnKind.BOOLEAN: ("true", "FALSE", ""),
    }
    for kind, values in usual.items():
        for value in values:
            column = (text(value), plain_pattern(kind, TextFormat()))
            assert rows(session_backend, f"SELECT {are_plain([column])}") == [(True,)], value


def test_a_row_is_plain_where_all_its_texts_are(session_backend: Backend) -> None:
    """One odd text is enough, wherever it stands; a sign that splits texts hides none."""
    pattern = plain_pattern(ColumnKind.TEXT, TextFormat())
    cases = [
        (("a", "b", "c"), True),
        (("a", None, ""), True),
        (("a", "b", "c "), False),
        ((" a", "b", "c"), False),
        (("a", "NaN", "c"), False),
        (("a\x1fb", "c", None), False),
        (("a", "\x1f", "c"), False),
    ]
    for row, is_plain in cases:
        columns = [("NULL" if one is None else text(one), pattern) for one in row]
        assert rows(session_backend, f"SELECT {are_plain(columns)}") == [(is_plain,)], row


def test_a_table_without_texts_is_plain(session_backend: Backend) -> None:
    """Columns that come with a type have nothing to be looked at."""
    assert rows(session_backend, f"SELECT {are_plain([])}") == [(True,)]
