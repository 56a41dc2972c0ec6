"""How a raw value becomes a typed one: SQL expressions, one per kind of column.

Each value is read by itself, never in the light of the other rows of its column: what a row
means must not depend on rows that a cutoff hides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from features.storage.engine import text
from features.tables import ColumnKind
from features.texts import EMPTY

SQL_TYPES = {
    ColumnKind.ID: "VARCHAR",
    ColumnKind.TEXT: "VARCHAR",
    ColumnKind.NUMBER: "DOUBLE",
    ColumnKind.TIME: "TIMESTAMP",
    ColumnKind.BOOLEAN: "BOOLEAN",
}


RIGHT = {
    ColumnKind.ID: "a text",
    ColumnKind.TEXT: "a text",
    ColumnKind.NUMBER: "a number like 1234.5",
    ColumnKind.TIME: "a time like 2025-03-31T14:05:00Z",
    ColumnKind.BOOLEAN: "true or false",
}

_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER")
_FLOATS = ("FLOAT", "DOUBLE")
_ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
_TRUE = "('true', 't', 'yes', 'y', '1', '1.0')"
_FALSE = "('false', 'f', 'no', 'n', '0', '0.0')"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
_ZONE = r" ?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
_LOCAL = r"\d{1,2}[/.]\d{1,2}[/.]\d{4}( .*)?"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_NARROW = "chr(160)"
_WHITE = ("' '", "chr(9)", "chr(10)", "chr(13)", _NARROW)
_FIRST, _LAST = "TIMESTAMP '0001-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'"


@dataclass(frozen=True)
class Reading:
    """What a mapping or params.yaml declares about the texts of one table.

    Attributes:
        day_first: 03/04/2025 is the 3rd of April, not March 4th.
        zone: the zone of times without one; None means UTC.
    """

    day_first: bool = False
    zone: str | None = None


def trimmed(raw: str, sql_type: str) -> str:
    """Take a column as staged, a text without the white space around it.

    Only texts that begin or end with white space are trimmed: trimming by a set of signs costs
    five times the look at the ends.
    """
    if sql_type != "VARCHAR":
        return raw
    ends = " OR ".join(f"suffix({raw}, {sign})" for sign in _WHITE)
    is_padded = f"{raw} < '!' OR prefix({raw}, {_NARROW}) OR {ends}"
    return f"CASE WHEN {is_padded} THEN trim({raw}, {' || '.join(_WHITE)}) ELSE {raw} END"


def given(taken: str, sql_type: str) -> str:
    """Give what is written in a trimmed column; NULL where an export wrote a word for nothing."""
    if sql_type == "VARCHAR":
        return f"CASE WHEN {taken} NOT IN {EMPTY} THEN {taken} END"
    if sql_type in _FLOATS:
        return f"CASE WHEN NOT isnan({taken}) THEN {taken} END"
    return taken


def given_attribute(taken: str, sql_type: str) -> str:
    """Do the same for an attribute, of which a table may have hundreds.

    The engine holds memory for every constant of every expression, hence a single pattern.
    """
    if sql_type != "VARCHAR":
        return given(taken, sql_type)
    nothing = rf"\s*({'|'.join(word for word in EMPTY if word)})?\s*"
    return f"CASE WHEN NOT regexp_full_match({taken}, {text(nothing)}) THEN trim({taken}) END"


def parsed(kind: ColumnKind, taken: str, sql_type: str, reading: Reading) -> str:
    """Read what is given as a column of our schema; NULL where it cannot be read."""
    if kind is ColumnKind.NUMBER:
        return _number(taken, sql_type)
    if kind is ColumnKind.TIME:
        return _time(taken, sql_type, reading)
    if kind is ColumnKind.BOOLEAN:
        return _boolean(taken, sql_type)
    return _text(taken, sql_type)


def settled(kind: ColumnKind, value: str) -> str:
    """Leave out values that no scale and no calendar shows: infinities, the year 290000."""
    if kind is ColumnKind.NUMBER:
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    if kind is ColumnKind.TIME:
        return f"CASE WHEN {value} BETWEEN {_FIRST} AND {_LAST} THEN {value} END"
    return value


def is_sure(kind: ColumnKind, sql_type: str) -> bool:
    """Tell whether whatever is given in a column of this type can be read."""
    if kind is ColumnKind.NUMBER:
        return _is_number(sql_type) and sql_type not in _FLOATS
    if kind is ColumnKind.BOOLEAN:
        return sql_type == "BOOLEAN"
    return kind is not ColumnKind.TIME and sql_type not in _FLOATS


def attribute(taken: str, sql_type: str, reading: Reading) -> tuple[ColumnKind | None, str]:
    """Keep an attribute as it is, in one of the types a warehouse holds."""
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return ColumnKind.TIME, _time(taken, sql_type, reading)
    if sql_type.startswith("DECIMAL") or "HUGEINT" in sql_type:
        return None, f"CAST({taken} AS DOUBLE)"
    if sql_type in ("VARCHAR", "BOOLEAN", *_FLOATS) or _INTEGERS.fullmatch(sql_type):
        return None, taken
    return None, f"CAST({taken} AS VARCHAR)"


def declared(taken: str, sql_type: str, reading: Reading) -> tuple[ColumnKind | None, str]:
    """Read an attribute that a database declares as something but that is staged as text."""
    if sql_type == "BIGINT":
        is_whole = f"regexp_full_match({taken}, '[+-]?\\d+')"
        return None, f"CASE WHEN {is_whole} THEN TRY_CAST({taken} AS BIGINT) END"
    kind = {
        "DOUBLE": ColumnKind.NUMBER,
        "BOOLEAN": ColumnKind.BOOLEAN,
        "TIMESTAMP": ColumnKind.TIME,
    }[sql_type]
    return kind, parsed(kind, taken, "VARCHAR", reading)


def _text(taken: str, sql_type: str) -> str:
    if sql_type in _FLOATS:
        return _float_as_text(taken)
    if sql_type.startswith("DECIMAL"):
        return _without_zeros(f"CAST({taken} AS VARCHAR)")
    return taken if sql_type == "VARCHAR" else f"CAST({taken} AS VARCHAR)"


def _float_as_text(taken: str) -> str:
    """Write a float without exponent: pandas makes floats of integer ids once one is empty."""
    whole = f"CAST(CAST({taken} AS HUGEINT) AS VARCHAR)"
    part = f"printf('%.15f', CAST({taken} AS DOUBLE))"
    return (
        f"CASE WHEN isfinite({taken}) THEN CASE WHEN {taken} = trunc({taken}) "
        f"AND abs({taken}) < 1e37 THEN {whole} ELSE {_without_zeros(part)} END END"
    )


def _without_zeros(digits: str) -> str:
    """Cut the zeros that end a fraction."""
    short = f"rtrim(rtrim({digits}, '0'), '.')"
    return f"CASE WHEN contains({digits}, '.') THEN {short} ELSE {digits} END"


def _is_number(sql_type: str) -> bool:
    is_plain = sql_type in _FLOATS or _INTEGERS.fullmatch(sql_type) is not None
    return is_plain or sql_type.startswith(("DECIMAL", "BOOLEAN"))


def _number(taken: str, sql_type: str) -> str:
    if sql_type == "VARCHAR":
        is_number = f"regexp_full_match({taken}, {text(_NUMBER)})"
        return f"CASE WHEN {is_number} THEN TRY_CAST({taken} AS DOUBLE) END"
    return f"CAST({taken if _is_number(sql_type) else 'NULL'} AS DOUBLE)"


def _boolean(taken: str, sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return taken
    word = f"lower({_text(taken, sql_type)})"
    return f"CASE WHEN {word} IN {_TRUE} THEN true WHEN {word} IN {_FALSE} THEN false END"


def _time(taken: str, sql_type: str, reading: Reading) -> str:
    if sql_type == "VARCHAR":
        return _time_of_text(taken, reading)
    if sql_type in _ZONED:
        # Nanoseconds with a zone can only be cast to microseconds with one.
        return f"CAST(CAST({taken} AS TIMESTAMPTZ) AS TIMESTAMP)"
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return _to_utc(f"CAST({taken} AS TIMESTAMP)", reading)
    return "CAST(NULL AS TIMESTAMP)"


def _time_of_text(taken: str, reading: Reading) -> str:
    order = "%d/%m/%Y" if reading.day_first else "%m/%d/%Y"
    formats = [order + clock for clock in _CLOCKS]
    local = f"try_strptime(replace({taken}, '.', '/'), {formats})"
    closed_up = f"replace(replace({taken}, ' +', '+'), ' -', '-')"
    zoned = f"CAST(TRY_CAST({closed_up} AS TIMESTAMPTZ) AS TIMESTAMP)"
    return (
        f"CASE WHEN regexp_full_match({taken}, {text(_ISO)}) "
        f"THEN {_to_utc(f'TRY_CAST({taken} AS TIMESTAMP)', reading)} "
        f"WHEN regexp_full_match({taken}, {text(_ISO + _ZONE)}) THEN {zoned} "
        f"WHEN regexp_full_match({taken}, {text(_LOCAL)}) THEN {_to_utc(local, reading)} END"
    )


def _to_utc(naive: str, reading: Reading) -> str:
    if reading.zone is None:
        return naive
    return f"CAST(timezone({text(reading.zone)}, {naive}) AS TIMESTAMP)"
