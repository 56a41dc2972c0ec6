"""How a raw value becomes a typed one: SQL expressions, one per kind of column.

A value passes four steps: `trim`, `clean`, `parse` and `in_range`. Each value is parsed alone, in
the `TextFormat` of its column, which `readings` decides once for an extract.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from features.ingest.amounts import amount
from features.ingest.written_times import LOCAL, local_time, unmistakable_time
from features.storage.engine import text
from features.tables import ColumnKind
from features.texts import EMPTY, SPREADSHEET_ERRORS

SQL_TYPES = {
    ColumnKind.ID: "VARCHAR",
    ColumnKind.TEXT: "VARCHAR",
    ColumnKind.NUMBER: "DOUBLE",
    ColumnKind.TIME: "TIMESTAMP",
    ColumnKind.BOOLEAN: "BOOLEAN",
}
"""The type of each kind of column in the warehouse."""

EXPECTED = {
    ColumnKind.ID: "an id",
    ColumnKind.TEXT: "a text",
    ColumnKind.NUMBER: "a number like 1234.5",
    ColumnKind.TIME: "a time like 2025-03-31T14:05:00Z",
    ColumnKind.BOOLEAN: "true or false",
}
"""What a value of each kind should look like, in words."""

_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER")
_FLOATS = ("FLOAT", "DOUBLE")
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
PLAIN_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
"""A time that begins with the year, without a zone."""
_UTC = r" ?(Z|z|UTC|GMT)"
_ZONE = rf"({_UTC}| ?[+-]\d{{2}}(:?\d{{2}})?)"
TRUE_WORDS = (
    "true", "t", "yes", "y", "1", "1.0", "won", "win", "closed won", "closedwon", "close won",
    "successful", "success", "ja", "j", "wahr", "gewonnen", "gewonnen abgeschlossen", "oui", "vrai",
    "gagné", "gagne", "gagnée", "fermé gagné", "conclu gagné", "si", "sí", "ganado", "ganada",
    "cerrado ganado", "cerrada ganada", "vinto", "vinta", "chiuso vinto", "ganho", "ganha", "sim",
    "fechado ganho", "waar", "wygrana", "wygrany", "vundet", "vunnet", "vunnen",
)  # fmt: skip
"""Words, in small letters, for a deal that was won, and for any other yes."""
PLAIN_WORDS = ("true", "t", "yes", "y", "1", "1.0", "false", "f", "no", "n", "0", "0.0")
"""Words for yes and no that need no remark."""
OPEN_WORDS = (
    "open", "pending", "in progress", "ongoing", "offen", "laufend", "in bearbeitung", "ouvert",
    "en cours", "abierto", "abierta", "en curso", "aperto", "aperta", "in corso", "aberto",
    "aberta", "em andamento", "lopend",
)  # fmt: skip
"""Words, in small letters, for a deal that is neither won nor lost yet."""
FALSE_WORDS = (
    "false", "f", "no", "n", "0", "0.0", "lost", "loss", "closed lost", "closedlost", "close lost",
    "unsuccessful", "nein", "falsch", "verloren", "verloren abgeschlossen", "non", "faux", "perdu",
    "perdue", "fermé perdu", "conclu perdu", "perdido", "perdida", "cerrado perdido",
    "cerrada perdida", "perso", "persa", "chiuso perso", "não", "nao", "fechado perdido", "nee",
    "onwaar", "przegrana", "przegrany", "tabt", "tapt", "förlorad", "förlorat",
)  # fmt: skip
"""Words, in small letters, for a deal that was lost, and for any other no."""
_WHITE = ("' '", "chr(9)", "chr(10)", "chr(13)", "chr(160)")
_FIRST, _LAST = "TIMESTAMP '0001-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'"


@dataclass(frozen=True)
class TextFormat:
    """What a mapping or params.yaml declares about the texts of one table.

    Attributes:
        day_first: 03/04/2025 is the 3rd of April, not March 4th; None: it is not read at all, since
            it may be either.
        zone: the zone of times without one; None means UTC.
        is_undeclared: `day_first` was not declared, so that the values of each column decide.
        decimal: the decimal sign of amounts with marks (see `amounts`); empty: only plain numbers
            are read.
        epoch: what numbers count (a key of `EPOCHS`); empty: no number is a moment.
    """

    day_first: bool | None = False
    zone: str | None = None
    is_undeclared: bool = False
    decimal: str = ""
    epoch: str = ""


EPOCHS = {
    "seconds since 1970": (1, 0),
    "milliseconds since 1970": (1_000, 0),
    "microseconds since 1970": (1_000_000, 0),
    "a spreadsheet's days": (1 / 86_400, 25_569),
}
"""Moments written as numbers: how many make a second, and which number is the start of 1970."""


def trim(raw: str, sql_type: str) -> str:
    """Return a staged column without the white space around its texts.

    Only texts that may begin or end with white space, or be a formula, are looked at closely:
    trimming by a set of signs costs ten times the look at the ends.
    """
    if sql_type != "VARCHAR":
        return raw
    is_odd = f"{raw} NOT BETWEEN '!' AND '~' OR {raw}[-1] NOT BETWEEN '#' AND '~'"
    trimmed = f"trim({raw}, {' || '.join(_WHITE)})"
    unwrapped = f"CASE WHEN prefix({raw}, '=\"') THEN {_unwrapped(trimmed)} ELSE {trimmed} END"
    return f"CASE WHEN {is_odd} THEN {unwrapped} ELSE {raw} END"


def _unwrapped(trimmed: str) -> str:
    """Take a text out of the formula that keeps a spreadsheet from changing it: ="001"."""
    return f"regexp_replace({trimmed}, '^=\"(.*)\"$', '\\1')"


def clean(trimmed: str, sql_type: str) -> str:
    """Return a trimmed column with NULL where an export wrote a word for nothing."""
    if sql_type == "VARCHAR":
        # The engine would join all rows with the words of a list, those it does not ask about too.
        nothing = " ".join(f"WHEN {text(word)} THEN NULL" for word in EMPTY)
        is_long = f"strlen({trimmed}) > {max(map(len, EMPTY))}"
        emptied = f"CASE {trimmed} {nothing} ELSE {trimmed} END"
        return f"CASE WHEN {is_long} THEN {trimmed} ELSE {emptied} END"
    if sql_type in _FLOATS:
        return f"CASE WHEN NOT isnan({trimmed}) THEN {trimmed} END"
    return trimmed


def clean_attribute(raw: str, sql_type: str) -> str:
    """Trim and clean an attribute, of which a table may have hundreds.

    The engine holds memory for every constant of every expression, hence a single pattern.
    """
    if sql_type != "VARCHAR":
        return clean(raw, sql_type)
    words = [word for word in (*EMPTY, *SPREADSHEET_ERRORS) if word]
    nothing = rf"\s*({'|'.join(re.escape(word) for word in words)})?\s*"
    return (
        f"CASE WHEN NOT regexp_full_match({raw}, {text(nothing)}) THEN "
        f"CASE WHEN prefix({raw}, '=\"') THEN {_unwrapped(raw)} ELSE trim({raw}) END END"
    )


def parse(kind: ColumnKind, cleaned: str, sql_type: str, texts: TextFormat) -> str:
    """Return a cleaned column as a column of our schema; NULL where it cannot be read."""
    if kind is ColumnKind.NUMBER:
        return _number(cleaned, sql_type, texts)
    if kind is ColumnKind.TIME:
        return _time(cleaned, sql_type, texts)
    if kind is ColumnKind.BOOLEAN:
        return _boolean(cleaned, sql_type)
    return _text(cleaned, sql_type)


def time_of_text(cleaned: str, texts: TextFormat) -> str:
    """Return a text as a moment, UTC and in a plausible range; NULL where it is none."""
    return in_range(ColumnKind.TIME, f"({_time_of_text(cleaned, texts)})")


def in_range(kind: ColumnKind, parsed: str) -> str:
    """Return a parsed column with NULL for infinities and for years outside 1..9999."""
    if kind is ColumnKind.NUMBER:
        return f"CASE WHEN isfinite({parsed}) THEN {parsed} END"
    if kind is ColumnKind.TIME:
        return f"CASE WHEN {parsed} BETWEEN {_FIRST} AND {_LAST} THEN {parsed} END"
    return parsed


def always_parses(kind: ColumnKind, sql_type: str) -> bool:
    """Return whether every value of a column of this type can be read."""
    if kind is ColumnKind.NUMBER:
        return _is_number(sql_type) and sql_type not in _FLOATS
    if kind is ColumnKind.BOOLEAN:
        return sql_type == "BOOLEAN"
    # A text may be the error of a spreadsheet.
    return kind is not ColumnKind.TIME and sql_type not in (*_FLOATS, "VARCHAR")


def parse_attribute(
    cleaned: str, sql_type: str, texts: TextFormat
) -> tuple[ColumnKind | None, str]:
    """Return an attribute in the nearest type a warehouse holds.

    Returns:
        The kind whose range it must keep to (None: any value may stay), and the SQL.
    """
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return ColumnKind.TIME, _time(cleaned, sql_type, texts)
    if sql_type.startswith("DECIMAL") or "HUGEINT" in sql_type:
        return None, f"CAST({cleaned} AS DOUBLE)"
    if sql_type in ("VARCHAR", "BOOLEAN", *_FLOATS) or _INTEGERS.fullmatch(sql_type):
        return None, cleaned
    return None, f"CAST({cleaned} AS VARCHAR)"


def parse_declared(cleaned: str, sql_type: str, texts: TextFormat) -> tuple[ColumnKind | None, str]:
    """Return an attribute that is staged as text in the type its database declares.

    Returns:
        The kind whose range it must keep to (None: any value may stay), and the SQL.
    """
    if sql_type == "BIGINT":
        is_whole = f"regexp_full_match({cleaned}, '[+-]?\\d+')"
        return None, f"CASE WHEN {is_whole} THEN TRY_CAST({cleaned} AS BIGINT) END"
    kind = {
        "DOUBLE": ColumnKind.NUMBER,
        "BOOLEAN": ColumnKind.BOOLEAN,
        "TIMESTAMP": ColumnKind.TIME,
    }[sql_type]
    return kind, parse(kind, cleaned, "VARCHAR", texts)


def _text(cleaned: str, sql_type: str) -> str:
    if sql_type in _FLOATS:
        return _float_as_text(cleaned)
    if sql_type.startswith("DECIMAL"):
        return _without_zeros(f"CAST({cleaned} AS VARCHAR)")
    if sql_type == "VARCHAR":
        return f"CASE WHEN NOT {is_error(cleaned)} THEN {cleaned} END"
    return f"CAST({cleaned} AS VARCHAR)"


def _float_as_text(cleaned: str) -> str:
    """Write a float without an exponent: pandas turns integer ids into floats once one is empty.

    Three cases, decided in this order:

        not finite             NULL                 inf
        whole and below 1e37   its digits           42.0    -> 42
        any other              up to 15 decimals    0.250   -> 0.25
    """
    whole = f"CAST(CAST({cleaned} AS HUGEINT) AS VARCHAR)"
    part = f"printf('%.15f', CAST({cleaned} AS DOUBLE))"
    return (
        f"CASE WHEN isfinite({cleaned}) THEN CASE WHEN {cleaned} = trunc({cleaned}) "
        f"AND abs({cleaned}) < 1e37 THEN {whole} ELSE {_without_zeros(part)} END END"
    )


def _without_zeros(digits: str) -> str:
    """Cut the zeros at the end of a fraction."""
    short = f"rtrim(rtrim({digits}, '0'), '.')"
    return f"CASE WHEN contains({digits}, '.') THEN {short} ELSE {digits} END"


def whole_id(text_id: str) -> str:
    """Cut `.0` from an id in a CSV file: pandas writes 7 so where others of its column are empty.

    Each id is judged alone. Whether its column has empty ones, or others that were never numbers,
    may hang on rows that a cutoff hides; and the same id must read alike in every table.

        7.0    7
        7.00   7.00
        A7.0   A7.0
    """
    is_float = f"regexp_full_match({text_id}, '\\d+\\.0')"
    return f"CASE WHEN {is_float} THEN left({text_id}, length({text_id}) - 2) ELSE {text_id} END"


def is_rounded(text_id: str) -> str:
    """Return a condition: a long number that a spreadsheet has rounded, like 1.05558E+14."""
    return f"regexp_full_match({text_id}, '\\d([.,]\\d+)?[eE]\\+\\d{{2,3}}')"


def is_word(value: str, words: Sequence[str]) -> str:
    """Return a condition: a text is one of many words (as one pattern, see `clean`)."""
    return f"regexp_full_match({value}, {text('|'.join(re.escape(word) for word in words))})"


def is_error(written: str) -> str:
    """Return a condition: a text is what a spreadsheet writes where a formula failed."""
    return f"(prefix({written}, '#') AND {is_word(written, SPREADSHEET_ERRORS)})"


def _is_number(sql_type: str) -> bool:
    is_plain = sql_type in _FLOATS or _INTEGERS.fullmatch(sql_type) is not None
    return is_plain or sql_type.startswith(("DECIMAL", "BOOLEAN"))


def _number(cleaned: str, sql_type: str, texts: TextFormat) -> str:
    if sql_type == "VARCHAR" and texts.decimal:
        return amount(cleaned, texts.decimal)
    if sql_type == "VARCHAR":
        is_number = f"regexp_full_match({cleaned}, {text(PLAIN_NUMBER)})"
        return f"CASE WHEN {is_number} THEN TRY_CAST({cleaned} AS DOUBLE) END"
    return f"CAST({cleaned if _is_number(sql_type) else 'NULL'} AS DOUBLE)"


def _boolean(cleaned: str, sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return cleaned
    word = f"regexp_replace(lower({_text(cleaned, sql_type)}), '[ _-]+', ' ', 'g')"
    is_yes, is_no = is_word(word, TRUE_WORDS), is_word(word, FALSE_WORDS)
    return f"CASE WHEN {is_yes} THEN true WHEN {is_no} THEN false END"


def _time(cleaned: str, sql_type: str, texts: TextFormat) -> str:
    if texts.epoch:
        per_second, start = EPOCHS[texts.epoch]
        # Days count to the second: a float of them holds no more.
        second = f"(TRY_CAST({cleaned} AS DOUBLE) - {start})"
        second = f"{second} / {per_second}" if per_second >= 1 else f"round({second} * 86400)"
        microseconds = f"round({second} * 1000000)"
        return f"make_timestamp(CAST({microseconds} AS BIGINT))"
    if sql_type == "VARCHAR":
        return _time_of_text(cleaned, texts)
    if sql_type in _ZONED:
        # Nanoseconds with a zone can only be cast to microseconds with one.
        return f"CAST(CAST({cleaned} AS TIMESTAMPTZ) AS TIMESTAMP)"
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return to_utc(f"CAST({cleaned} AS TIMESTAMP)", texts)
    return "CAST(NULL AS TIMESTAMP)"


def _time_of_text(cleaned: str, texts: TextFormat) -> str:
    """Read a text as a time. The first pattern that matches the whole text decides.

    ISO, no zone      2025-03-31 14:05     in the declared zone, else UTC
    ISO with a zone   2025-03-31T14:05Z    converted to UTC
    local             31.03.25 14:05       day or month first as declared, then as ISO
    one reading only  31-Mar-2025 2 PM     as ISO
    anything else     31 March             NULL
    """
    local = local_time(cleaned, texts.day_first)
    # The engine reads an offset only where it is attached, and not every name of UTC.
    offset = f"regexp_replace({cleaned}, {text(_UTC + '$')}, '+00')"
    closed_up = f"replace(replace({offset}, ' +', '+'), ' -', '-')"
    zoned = f"CAST(TRY_CAST({closed_up} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return (
        f"CASE WHEN regexp_full_match({cleaned}, {text(ISO)}) "
        f"THEN {to_utc(f'TRY_CAST({cleaned} AS TIMESTAMP)', texts)} "
        f"WHEN regexp_full_match({cleaned}, {text(ISO + _ZONE)}) THEN {zoned} "
        f"WHEN regexp_full_match({cleaned}, {text(LOCAL)}) THEN {to_utc(local, texts)} "
        f"ELSE {to_utc(unmistakable_time(cleaned), texts)} END"
    )


def to_utc(naive: str, texts: TextFormat) -> str:
    """Return a moment without a zone in UTC."""
    if texts.zone is None:
        return naive
    return f"CAST(timezone({text(texts.zone)}, {naive}) AS TIMESTAMP)"
