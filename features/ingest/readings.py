"""How the texts of a column are read where a value alone may mean two things.

Dates with the day or the month first, amounts with either decimal sign, and moments as plain
numbers are decided by the whole column, once: its reading is a property of the extract, like
whether a field has a history, and is said in the report. What fits one reading alone is evidence;
where evidence contradicts itself in more than a small share, values that may mean two things are
not read at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest import parsing
from features.ingest.amounts import ALONE, currency, fits_comma, fits_point, is_either
from features.ingest.files import RawColumn
from features.ingest.match import Matched
from features.ingest.parsing import EPOCHS, LOCAL, PLAIN_NUMBER, TextFormat
from features.params import IngestParams
from features.storage.engine import ident, parquet, row, text
from features.tables import ColumnKind

_NUMBERS = ("FLOAT", "DOUBLE", "BIGINT", "INTEGER", "UBIGINT", "UINTEGER", "HUGEINT")
_FIRST, _LAST = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds since 1970."""


@dataclass(frozen=True)
class Reading:
    """What was decided about a column.

    Attributes:
        texts: how its values are read.
        kind: a word for the decision; empty where there was nothing to decide.
        says: the sentence about it, without table and column.
        is_doubtful: values that may mean two things were left out, or taken by default.
        count: of how many values it is true.
        of: how many values there are.
        example: one of them.
    """

    texts: TextFormat
    kind: str = ""
    says: str = ""
    is_doubtful: bool = False
    count: int = 0
    of: int = 0
    example: str = ""


@dataclass(frozen=True)
class Readings:
    """What was decided about the columns of one table.

    Attributes:
        columns: by column of our schema; of the others `usual` holds.
        usual: how texts of the table are read where nothing else was decided.
    """

    usual: TextFormat
    columns: Mapping[str, Reading] = field(default_factory=dict)

    def of(self, name: str) -> TextFormat:
        """Return how a column's texts are read."""
        return self.columns[name].texts if name in self.columns else self.usual


def readings_of(backend: Backend, matched: Matched, file: Path, params: IngestParams) -> Readings:
    """Decide how the columns of a staged table are read.

    Args:
        backend: the engine.
        matched: our table and the source's columns for it.
        file: the staged rows.
        params: what is declared, and which share is small.
    """
    look = _Look(backend, file, params)
    decided: dict[str, Reading] = {}
    for column in matched.table.columns:
        raw = matched.columns.get(column.name)
        if raw is None:
            continue
        if column.kind is ColumnKind.TIME:
            reading = _time(look, raw, matched.texts)
        elif column.kind is ColumnKind.NUMBER and raw.type == "VARCHAR":
            reading = _number(look, raw, matched.texts)
        else:
            continue
        if reading is not None:
            decided[column.name] = reading
    return _with_neighbours(matched.texts, decided)


@dataclass(frozen=True)
class _Look:
    """One staged table, to be asked about its columns."""

    backend: Backend
    file: Path
    params: IngestParams

    def ask(self, raw: RawColumn, *questions: str) -> tuple[int | str | None, ...]:
        """Answer questions about the filled values `v` of a column, each SQL of an aggregate."""
        cleaned = parsing.clean("trimmed", raw.type)
        answers: tuple[int | str | None, ...] = row(
            self.backend,
            f"SELECT {', '.join(questions)} FROM (SELECT {cleaned} AS v FROM "
            f"(SELECT {parsing.trim(ident(raw.staged), raw.type)} AS trimmed "
            f"FROM {parquet(self.file)})) WHERE v IS NOT NULL",
        )
        return answers

    def is_small(self, part: int, of: int) -> bool:
        """Return whether a part is a small share."""
        return part <= self.params.small_share * of


def _count(condition: str) -> str:
    return f"count(*) FILTER ({condition})"


def _one(condition: str) -> str:
    return f"coalesce(min(left(v, 40)) FILTER ({condition}), '')"


def _time(look: _Look, raw: RawColumn, texts: TextFormat) -> Reading | None:
    if raw.type in _NUMBERS:
        return _epoch(look, raw, texts, "v")
    if raw.type != "VARCHAR":
        return None
    odd, total = look.ask(raw, _count("substr(v, 5, 1) NOT IN ('-', '/')"), "count(*)")
    if not odd:
        return None
    (digits,) = look.ask(raw, _count("regexp_full_match(v, '\\d{9,17}(\\.0)?')"))
    if digits == total:
        return _epoch(look, raw, texts, "TRY_CAST(v AS DOUBLE)")
    reading = _day_first(look, raw, texts)
    iso, filled = _n(total) - _n(odd), _n(total)
    if reading is None or look.is_small(iso, filled) or look.is_small(_n(odd), filled):
        return reading
    beside = f"{iso:,} other dates are written like 2025-03-31: deliver one format"
    says = f"{reading.says}; {beside}" if reading.says else beside
    return replace(reading, says=says, is_doubtful=True)


def _epoch(look: _Look, raw: RawColumn, texts: TextFormat, value: str) -> Reading | None:
    """Read a column of numbers as moments, if all of them lie between 1990 and 2100 in one unit."""
    within = [
        _count(f"{value} BETWEEN {_FIRST * factor} AND {_LAST * factor}")
        for factor in EPOCHS.values()
    ]
    total, example, *fits = look.ask(raw, "count(*)", "min(CAST(v AS VARCHAR))", *within)
    for unit, fit in zip(EPOCHS, fits, strict=True):
        if total and fit == total:
            says = f"all {total:,} values are numbers and were read as {unit} since 1970"
            return Reading(
                replace(texts, epoch=unit), "epoch", says, False, _n(fit), _n(total), str(example)
            )
    return None


def _n(value: int | str | None) -> int:
    return int(value or 0)


def _day_first(look: _Look, raw: RawColumn, texts: TextFormat) -> Reading | None:
    """Decide whether days or months stand first, by the values that fit one of them only."""
    first, second = (
        f"TRY_CAST(regexp_extract(v, '^(\\d+)[-/.](\\d+)', {i}) AS INT)" for i in (1, 2)
    )
    local = f"regexp_full_match(v, {text(LOCAL)})"
    day, month = (
        f"{local} AND {first} > 12 AND {second} <= 12",
        f"{local} AND {second} > 12 AND {first} <= 12",
    )
    answers = look.ask(
        raw, _count(local), _count(day), _count(month), _one(day), _one(month), _one(local)
    )
    total, days, months = (_n(answer) for answer in answers[:3])
    day_example, month_example, example = (str(answer) for answer in answers[3:])
    if not total:
        return None
    if not texts.is_undeclared:
        against, of_them = (months, month_example) if texts.day_first else (days, day_example)
        if not against:
            return None
        right = "day_first: false" if texts.day_first else "day_first: true"
        number = "second" if texts.day_first else "first"
        says = (
            f"{against:,} of {total:,} dates like '{of_them}' have a {number} number above 12 and "
            f"contradict what is declared: set features.ingest.{right} (or `{right}` in the mapping)"
        )
        return Reading(texts, "day_first", says, True, against, total, of_them)
    if not days and not months:
        return Reading(texts, "day_first", "", True, total, total, example)
    if look.is_small(months, days):
        says = _said(days, total, day_example, "first", "day first", "true")
        return Reading(_declared(texts, True), "day_first", says, False, days, total, day_example)
    if look.is_small(days, months):
        says = _said(months, total, month_example, "second", "month first", "false")
        return Reading(
            _declared(texts, False), "day_first", says, False, months, total, month_example
        )
    says = (
        f"dates have two formats: {days:,} have the day first ('{day_example}'), {months:,} the "
        f"month ('{month_example}'); those that may be either were not read: deliver one format, or "
        "set features.ingest.day_first (or `day_first` in the mapping)"
    )
    return Reading(
        _declared(texts, None), "two_formats", says, True, total - days - months, total, day_example
    )


def _declared(texts: TextFormat, day_first: bool | None) -> TextFormat:  # noqa: FBT001 - the value of a setting
    return replace(texts, day_first=day_first, is_undeclared=False)


def _said(count: int, total: int, example: str, number: str, words: str, setting: str) -> str:
    return (
        f"{count:,} of {total:,} dates like '{example}' have a {number} number above 12, so all "
        f"were read {words}; to fix that, set features.ingest.day_first: {setting} (or "
        f"`day_first: {setting}` in the mapping)"
    )


def _number(look: _Look, raw: RawColumn, texts: TextFormat) -> Reading | None:
    """Decide which decimal sign the amounts of a column have."""
    odd, total = look.ask(
        raw, _count(f"NOT regexp_full_match(v, {text(PLAIN_NUMBER)})"), "count(*)"
    )
    if not odd:
        return None
    is_odd = f"NOT regexp_full_match(v, {text(PLAIN_NUMBER)})"
    point = f"{fits_point('v')} AND NOT {fits_comma('v')}"
    comma = f"{fits_comma('v')} AND NOT {fits_point('v')}"
    either = is_either("v")
    fits = f"({fits_point('v')} OR {fits_comma('v')})"
    answers = look.ask(
        raw,
        _count(fits), _count(point), _count(comma), _count(f"{either} AND {is_odd}"),
        f"count(DISTINCT {currency('v')}) FILTER ({fits} AND {currency('v')} <> '')",
        _one(f"{fits} AND {is_odd}"), _one(f"{either} AND {is_odd}"),
    )  # fmt: skip
    numbers, points, commas, eithers, currencies = (_n(answer) for answer in answers[:5])
    example, of_either = str(answers[5]), str(answers[6])
    if not example:
        return None
    if currencies > 1:
        says = (
            f"amounts like '{example}' are in {currencies} currencies and were not read: convert "
            "them to one, or give the currency in a column of its own"
        )
        return Reading(texts, "currencies_in_amounts", says, True, _n(odd), _n(total), example)
    decimal = texts.decimal or _decimal(look, points, commas, eithers)
    if decimal == ALONE:
        says = (
            f"{eithers:,} of {_n(total):,} amounts like '{of_either or example}' may mean two numbers "
            "and were not read: set features.ingest.decimal to '.' or ','"
        )
        return Reading(
            replace(texts, decimal=ALONE),
            "decimal",
            says,
            True,
            eithers,
            _n(total),
            of_either or example,
        )
    name = "point" if decimal == "." else "comma"
    says = (
        f"{_n(odd):,} of {_n(total):,} amounts have marks, like '{example}'; all {numbers:,} numbers were "
        f"read with the {name} as the decimal sign"
    )
    return Reading(
        replace(texts, decimal=decimal), "decimal", says, False, _n(odd), _n(total), example
    )


def _decimal(look: _Look, points: int, commas: int, eithers: int) -> str:
    """Return the decimal sign that the evidence speaks for, `ALONE` where it contradicts itself.

    $28,550.00   950.00   1,234     the point: 950.00 and $28,550.00 can be nothing else
    28.550,00    950      1.234     the comma
    $28,550      950      1,234     nothing tells: `ALONE`
    28550 EUR    950                the point, since it makes no difference
    28,550.00    1.234,50           contradictory: `ALONE`
    """
    if points + commas == 0:
        return ALONE if eithers else "."
    if look.is_small(commas, points):
        return "."
    return "," if look.is_small(points, commas) else ALONE


def _with_neighbours(usual: TextFormat, decided: Mapping[str, Reading]) -> Readings:
    """Let columns whose dates fit both orders follow the other columns of their table."""
    orders = {
        r.texts.day_first for r in decided.values()
        if r.kind == "day_first" and not r.texts.is_undeclared
    }  # fmt: skip
    agreed = usual
    if usual.is_undeclared and len(orders) == 1:
        agreed = _declared(usual, next(iter(orders)))
    columns = dict(_settled(decided, agreed))
    return Readings(agreed, columns)


def _settled(decided: Mapping[str, Reading], agreed: TextFormat) -> Iterator[tuple[str, Reading]]:
    for name, reading in decided.items():
        if reading.kind != "day_first" or not reading.texts.is_undeclared:
            yield name, reading
            continue
        if agreed.is_undeclared:
            says = (
                f"all {reading.of:,} dates like '{reading.example}' may have the day or the month first and "
                "were read month first: set features.ingest.day_first (or `day_first` in the "
                "mapping) to say which is right"
            )
            yield name, replace(reading, says=says)
        else:
            order = "day" if agreed.day_first else "month"
            says = (
                f"all {reading.of:,} dates like '{reading.example}' may have the day or the month first and "
                f"were read {order} first, like the table's other dates"
            )
            yield name, replace(reading, texts=agreed, says=says, is_doubtful=False)
