"""How a column of moments is read: the day or the month first, or numbers since 1970."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from features.ingest.files import RawColumn
from features.ingest.parsing import EPOCHS, LOCAL, TextFormat
from features.ingest.reading import Look, Reading, count_of, one_of
from features.storage.engine import text

_NUMBERS = ("FLOAT", "DOUBLE", "BIGINT", "INTEGER", "UBIGINT", "UINTEGER", "HUGEINT")
_FIRST, _LAST = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds since 1970."""
ORDER = "day_first"
"""The kind of a decision between the day and the month as the first number."""


def time_reading(look: Look, raw: RawColumn, texts: TextFormat) -> Reading | None:
    """Decide how a column of moments is read; None where nothing is to be decided."""
    if raw.type in _NUMBERS:
        return _epoch(look, raw, texts, "v")
    if raw.type != "VARCHAR":
        return None
    is_iso = "substr(v, 5, 1) IN ('-', '/')"
    seen = look.ask(raw, iso=count_of(is_iso), total="count(*)")
    odd = seen["total"] - seen["iso"]
    if not odd:
        return None
    digits = look.ask(raw, n=count_of("regexp_full_match(v, '\\d{9,17}(\\.0)?')"))["n"]
    if digits == seen["total"]:
        return _epoch(look, raw, texts, "TRY_CAST(v AS DOUBLE)")
    reading = _day_first(look, raw, texts)
    if reading is None or any(look.is_small(part, seen["total"]) for part in (odd, seen["iso"])):
        return reading
    beside = f"{seen['iso']:,} other dates are written like 2025-03-31: deliver one format"
    says = f"{reading.says}; {beside}" if reading.says else beside
    return replace(reading, says=says, is_doubtful=True)


def _epoch(look: Look, raw: RawColumn, texts: TextFormat, value: str) -> Reading | None:
    """Read a column of numbers as moments, if all of them lie between 1990 and 2100 in one unit."""
    within = {
        unit: count_of(f"{value} BETWEEN {_FIRST * factor} AND {_LAST * factor}")
        for unit, factor in EPOCHS.items()
    }
    seen = look.ask(raw, total="count(*)", example="min(CAST(v AS VARCHAR))", **within)
    total = seen["total"]
    unit = next((unit for unit in EPOCHS if total and seen[unit] == total), None)
    if unit is None:
        return None
    says = (
        f"all {total:,} values are numbers like {seen['example']} and were read as {unit} since "
        "1970"
    )
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
