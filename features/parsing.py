"""How a raw value becomes a typed one: SQL expressions, one per kind of column.

Each value is read by itself, never in the light of the other rows of its column: what a row
means must not depend on rows that a cutoff hides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from features.engine import text
from features.tables import Kind

SQL_TYPES = {
    Kind.ID: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.NUMBER: "DOUBLE",
    Kind.TIME: "TIMESTAMP",
    Kind.BOOLEAN: "BOOLEAN",
}

# What exports write for "nothing". Not `NA`: that is also North America.
EMPTY = ("", "NULL", "null", "None", "nan", "NaN", "NaT", "<NA>")

RIGHT = {
    Kind.ID: "a text",
    Kind.TEXT: "a text",
    Kind.NUMBER: "a number like 1234.5",
    Kind.TIME: "a time like 2025-03-31T14:05:00Z",
    Kind.BOOLEAN: "true or false",
}

_INTEGERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER")
_FLOATS = ("FLOAT", "DOUBLE")
_TRUE = "('true', 't', 'yes', 'y', '1', '1.0')"
_FALSE = "('false', 'f', 'no', 'n', '0', '0.0')"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
_ZONE = r" ?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
_LOCAL = r"\d{1,2}[/.]\d{1,2}[/.]\d{4}( .*)?"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


@dataclass(frozen=True)
class Reading:
    """What a mapping or params.yaml declares about the texts of one table.

    Attributes:
        day_first: 03/04/2025 is the 3rd of April, not March 4th.
        zone: the zone of times without one; None means UTC.
    """

    day_first: bool = False
    zone: str | None = None


@dataclass(frozen=True)
class Parsed:
    """One column as SQL.

    Attributes:
        value: the typed value, NULL where nothing is given or it cannot be read.
        given: whether something is written there; None when that is `value IS NOT NULL`,
            as it is when every value given can be read.
    """

    value: str
    given: str | None = None

    @property
    def unreadable(self) -> str | None:
        """Whether something is given that cannot be read; None when that cannot be."""
        return None if self.given is None else f"({self.given} AND {self.value} IS NULL)"


def cleaned(raw: str) -> str:
    """Trim a text, and empty it where an export wrote a word for nothing."""
    trimmed = f"trim({raw}, ' ' || chr(9) || chr(10) || chr(13) || chr(160))"
    return f"CASE WHEN {trimmed} NOT IN {EMPTY} THEN {trimmed} END"


def parse(kind: Kind, raw: str, sql_type: str, reading: Reading) -> Parsed:
    """Read a raw column of an engine type as a column of our schema."""
    if kind in (Kind.ID, Kind.TEXT):
        return Parsed(_text(raw, sql_type))
    if kind is Kind.NUMBER:
        return _number(raw, sql_type)
    if kind is Kind.TIME:
        return _time(raw, sql_type, reading)
    return _boolean(raw, sql_type)


def attribute(raw: str, sql_type: str, reading: Reading) -> str:
    """Keep an attribute as it is, in one of the types a warehouse holds."""
    if sql_type == "VARCHAR":
        return cleaned(raw)
    if sql_type in _FLOATS:
        return f"CASE WHEN NOT isnan({raw}) THEN {raw} END"
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return _time(raw, sql_type, reading).value
    if sql_type == "BOOLEAN" or (_INTEGERS.fullmatch(sql_type) and "HUGE" not in sql_type):
        return raw
    if sql_type.startswith("DECIMAL") or "HUGEINT" in sql_type:
        return f"CAST({raw} AS DOUBLE)"
    return f"CAST({raw} AS VARCHAR)"


def _text(raw: str, sql_type: str) -> str:
    if sql_type in _FLOATS:
        return _float_as_text(raw)
    if sql_type.startswith("DECIMAL"):
        digits = f"CAST({raw} AS VARCHAR)"
        return f"CASE WHEN contains({digits}, '.') THEN rtrim(rtrim({digits}, '0'), '.') ELSE {digits} END"
    if sql_type == "VARCHAR":
        return cleaned(raw)
    return f"CAST({raw} AS VARCHAR)"


def _float_as_text(raw: str) -> str:
    """Write a float without exponent: pandas makes floats of integer ids once one is empty."""
    whole = f"CAST(CAST({raw} AS HUGEINT) AS VARCHAR)"
    return (
        f"CASE WHEN isfinite({raw}) THEN CASE WHEN {raw} = trunc({raw}) AND abs({raw}) < 1e37 "
        f"THEN {whole} ELSE rtrim(rtrim(printf('%.15f', CAST({raw} AS DOUBLE)), '0'), '.') END END"
    )


def _number(raw: str, sql_type: str) -> Parsed:
    if sql_type == "VARCHAR":
        given = cleaned(raw)
        number = f"TRY_CAST({given} AS DOUBLE)"
        readable = f"regexp_full_match({given}, {text(_NUMBER)}) AND isfinite({number})"
        return Parsed(f"CASE WHEN {readable} THEN {number} END", f"({given}) IS NOT NULL")
    if sql_type in _FLOATS:
        given = f"({raw} IS NOT NULL AND NOT isnan({raw}))"
        return Parsed(f"CASE WHEN isfinite({raw}) THEN CAST({raw} AS DOUBLE) END", given)
    if _INTEGERS.fullmatch(sql_type) or sql_type.startswith(("DECIMAL", "BOOLEAN")):
        return Parsed(f"CAST({raw} AS DOUBLE)")
    return Parsed("CAST(NULL AS DOUBLE)", f"({raw} IS NOT NULL)")


def _boolean(raw: str, sql_type: str) -> Parsed:
    if sql_type == "BOOLEAN":
        return Parsed(raw)
    word = f"lower({_text(raw, sql_type)})"
    value = f"CASE WHEN {word} IN {_TRUE} THEN true WHEN {word} IN {_FALSE} THEN false END"
    return Parsed(value, f"({word} IS NOT NULL)")


def _time(raw: str, sql_type: str, reading: Reading) -> Parsed:
    if sql_type == "VARCHAR":
        return _time_of_text(cleaned(raw), reading)
    given = f"({raw} IS NOT NULL)"
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return Parsed(_sane(f"CAST({raw} AS TIMESTAMP)"), given)
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return Parsed(_sane(_to_utc(f"CAST({raw} AS TIMESTAMP)", reading)), given)
    return Parsed("CAST(NULL AS TIMESTAMP)", given)


def _time_of_text(given: str, reading: Reading) -> Parsed:
    order = "%d/%m/%Y" if reading.day_first else "%m/%d/%Y"
    formats = [order + clock for clock in _CLOCKS]
    local = f"try_strptime(replace({given}, '.', '/'), {formats})"
    zoned = f"CAST(TRY_CAST(replace(replace({given}, ' +', '+'), ' -', '-') AS TIMESTAMPTZ) AS TIMESTAMP)"
    value = (
        f"CASE WHEN regexp_full_match({given}, {text(_ISO)}) "
        f"THEN {_to_utc(f'TRY_CAST({given} AS TIMESTAMP)', reading)} "
        f"WHEN regexp_full_match({given}, {text(_ISO + _ZONE)}) THEN {zoned} "
        f"WHEN regexp_full_match({given}, {text(_LOCAL)}) THEN {_to_utc(local, reading)} END"
    )
    return Parsed(_sane(value), f"(({given}) IS NOT NULL)")


def _to_utc(naive: str, reading: Reading) -> str:
    if reading.zone is None:
        return naive
    return f"CAST(timezone({text(reading.zone)}, {naive}) AS TIMESTAMP)"


def _sane(value: str) -> str:
    """Leave out what no clock shows: infinities and years that Python cannot hold."""
    return (
        f"CASE WHEN {value} BETWEEN TIMESTAMP '0001-01-01' "
        f"AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN {value} END"
    )
