"""How a column of moments is read: the day or the month first, or numbers since 1970."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from features.ingest.files import RawColumn
from features.ingest.parsing import EPOCHS, TextFormat
from features.ingest.reading import Look, Reading, count_of, one_of
from features.ingest.written_times import LOCAL, SHORT_YEAR
from features.storage.engine import text

_NUMBERS = ("FLOAT", "DOUBLE", "BIGINT", "INTEGER", "UBIGINT", "UINTEGER", "HUGEINT")
_FIRST, _LAST = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds since 1970."""
_FEW_YEARS = 3
"""Different years up to which a few dates say nothing of where the year stands."""
ORDER = "day_first"
"""The kind of a decision between the day and the month as the first number."""


def time_reading(
    look: Look, raw: RawColumn, texts: TextFormat, *, of_periods: bool = False
) -> Reading | None:
    """Decide how a column of moments is read; None where nothing is to be decided.

    Args:
        look: the staged table.
        raw: the column.
        texts: what is declared.
        of_periods: it holds the first or last days of periods.
    """
    if raw.type in _NUMBERS:
        return _epoch(look, raw, texts, "v")
    if raw.type != "VARCHAR":
        return None
    is_iso = "substr(v, 5, 1) IN ('-', '/')"
    seen = look.ask(raw, iso=count_of(is_iso), total="count(*)")
    odd = seen["total"] - seen["iso"]
    if not odd:
        return None
    digits = look.ask(raw, n=count_of("regexp_full_match(v, '(\\d{9,17}|\\d{5})(\\.\\d+)?')"))["n"]
    if digits == seen["total"]:
        return _epoch(look, raw, texts, "TRY_CAST(v AS DOUBLE)")
    reading = _day_first(look, raw, texts)
    if reading is not None and of_periods and is_open(reading):
        reading = _first_of_months(look, raw, reading)
    if reading is None or any(look.is_small(part, seen["total"]) for part in (odd, seen["iso"])):
        return reading
    beside = f"{seen['iso']:,} other dates are written like 2025-03-31: deliver one format"
    says = f"{reading.says}; {beside}" if reading.says else beside
    return replace(reading, says=says, is_doubtful=True)


def _epoch(look: Look, raw: RawColumn, texts: TextFormat, value: str) -> Reading | None:
    """Read a column of numbers as moments, if all of them lie between 1990 and 2100 in one unit."""
    within = {
        unit: count_of(f"{value} BETWEEN {_FIRST * factor + start} AND {_LAST * factor + start}")
        for unit, (factor, start) in EPOCHS.items()
    }
    seen = look.ask(raw, total="count(*)", example="min(CAST(v AS VARCHAR))", **within)
    total = seen["total"]
    unit = next((unit for unit in EPOCHS if total and seen[unit] == total), None)
    if unit is None:
        return None
    says = f"all {total:,} values are numbers like {seen['example']} and were read as {unit}"
    epoch = replace(texts, epoch=unit)
    return Reading(epoch, "epoch", says, count=total, of=total, example=seen["example"])


def _day_first(look: Look, raw: RawColumn, texts: TextFormat) -> Reading | None:
    """Decide whether days or months stand first, by the values that fit one of them only.

    declared   13/04 …   04/13 …   read
    yes        any       any       as declared; what contradicts that is said
    no         many      few       day first
    no         few       many      month first
    no         many      many      neither: what fits both orders is not read
    no         none      none      like the table's other columns, else month first (`readings`)
    """
    first, second = (
        f"TRY_CAST(regexp_extract(v, '^(\\d+)[-/.](\\d+)', {place}) AS INT)" for place in (1, 2)
    )
    local = f"regexp_full_match(v, {text(LOCAL)})"
    days = f"{local} AND {first} > 12 AND {second} <= 12"
    months = f"{local} AND {second} > 12 AND {first} <= 12"
    seen = look.ask(
        raw, total=count_of(local), days=count_of(days), months=count_of(months),
        day=one_of(days), month=one_of(months), example=one_of(local),
    )  # fmt: skip
    if not seen["total"]:
        return None
    ordered = _ordered(look, texts, seen)
    return ordered if ordered is None else _with_short_years(look, raw, ordered)


def _ordered(look: Look, texts: TextFormat, seen: dict[str, Any]) -> Reading | None:
    if not texts.is_undeclared:
        return _contradicted(texts, seen)
    if not seen["days"] and not seen["months"]:
        total = seen["total"]
        return Reading(texts, ORDER, "", True, total, total, seen["example"])  # noqa: FBT003 - see `Reading`
    if look.is_small(seen["months"], seen["days"]):
        return _one_order(texts, seen, is_day_first=True)
    if look.is_small(seen["days"], seen["months"]):
        return _one_order(texts, seen, is_day_first=False)
    says = (
        f"dates have two formats: {seen['days']:,} have the day first ('{seen['day']}'), "
        f"{seen['months']:,} the month ('{seen['month']}'); those that may be either were not "
        "read: deliver one format, or set features.ingest.day_first (or `day_first` in the mapping)"
    )
    either = seen["total"] - seen["days"] - seen["months"]
    alone = replace(texts, day_first=None, is_undeclared=False)
    return Reading(
        alone, "two_formats", says, is_doubtful=True, count=either, of=seen["total"],
        example=seen["day"],
    )  # fmt: skip


def is_open(reading: Reading) -> bool:
    """Return whether a column's dates fit both orders throughout."""
    return reading.kind == ORDER and reading.texts.is_undeclared


def _first_of_months(look: Look, raw: RawColumn, reading: Reading) -> Reading:
    """Read the first days of periods, where one number is always 1 and the other is not.

    01/04/2025, 01/07/2025   the first number   day first: quarters, rather than days of January
    04/01/2025, 07/01/2025   the second         month first
    """
    numbers = (f"TRY_CAST(regexp_extract(v, '^(\\d+)[-/.](\\d+)', {n}) AS INT)" for n in (1, 2))
    first, second = ([f"min({n})", f"max({n})"] for n in numbers)
    seen = look.ask(raw, a=first[0], b=first[1], c=second[0], d=second[1])
    ends = ((seen["a"], seen["b"]), (seen["c"], seen["d"]))
    if ends.count((1, 1)) != 1:
        return reading
    is_day_first = ends[0] == (1, 1)
    which, order = ("first", "day") if is_day_first else ("second", "month")
    says = (
        f"of all {reading.of:,} dates like '{reading.example}' the {which} number is 1, as periods "
        f"begin on the first of a month, so all were read {order} first; to fix that, set "
        f"features.ingest.day_first: {str(is_day_first).lower()}"
    )
    texts = replace(reading.texts, day_first=is_day_first, is_undeclared=False)
    return replace(reading, texts=texts, says=says, is_doubtful=False)


def _with_short_years(look: Look, raw: RawColumn, reading: Reading) -> Reading:
    """Say how years of two digits were read, and ask where they seem to stand first.

    31.12.25, 30.12.25   the first number has more values than the last   the year stands last
    25-12-31, 25-12-30   the last number has more                         asked about
    """
    is_short = f"regexp_full_match(v, {text(SHORT_YEAR)})"
    first, last = (f"regexp_extract(v, {text(SHORT_YEAR)}, {place})" for place in (1, 3))
    seen = look.ask(
        raw, n=count_of(is_short), example=one_of(is_short),
        firsts=f"count(DISTINCT {first}) FILTER ({is_short})",
        lasts=f"count(DISTINCT {last}) FILTER ({is_short})",
    )  # fmt: skip
    if not seen["n"]:
        return reading
    years = f"{seen['n']:,} dates with two-digit years like '{seen['example']}' were read as 20.."
    is_odd = seen["lasts"] > max(seen["firsts"], _FEW_YEARS)
    if is_odd:
        years += ", but the year seems to stand first: deliver years of four digits"
    says = f"{reading.says}; {years}" if reading.says else years
    return replace(reading, says=says, is_doubtful=reading.is_doubtful or is_odd)


def _contradicted(texts: TextFormat, seen: dict[str, Any]) -> Reading | None:
    """Say which dates contradict what is declared, if any do."""
    part, which, number = (
        ("months", "month", "second") if texts.day_first else ("days", "day", "first")
    )
    if not seen[part]:
        return None
    right = "false" if texts.day_first else "true"
    says = (
        f"{seen[part]:,} of {seen['total']:,} dates like '{seen[which]}' have a {number} number "
        f"above 12 and contradict what is declared: set features.ingest.day_first: {right} (or "
        f"`day_first: {right}` in the mapping)"
    )
    return Reading(
        texts,
        ORDER,
        says,
        is_doubtful=True,
        count=seen[part],
        of=seen["total"],
        example=seen[which],
    )


def _one_order(texts: TextFormat, seen: dict[str, Any], *, is_day_first: bool) -> Reading:
    part, which, number = (
        ("days", "day", "first") if is_day_first else ("months", "month", "second")
    )
    setting = str(is_day_first).lower()
    says = (
        f"{seen[part]:,} of {seen['total']:,} dates like '{seen[which]}' have a {number} number "
        f"above 12, so all were read {which} first; to fix that, set features.ingest.day_first: "
        f"{setting} (or `day_first: {setting}` in the mapping)"
    )
    decided = replace(texts, day_first=is_day_first, is_undeclared=False)
    return Reading(decided, ORDER, says, count=seen[part], of=seen["total"], example=seen[which])
