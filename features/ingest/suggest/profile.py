"""What the columns of a source look like, from their headers and a bounded sample of values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from features.errors import SourceError
from features.ingest.files import Source
from features.ingest.months import MONTH_NUMBERS
from features.ingest.suggest.words import words
from features.protected import folded
from features.storage.engine import ident, parquet, rows
from features.texts import EMPTY

MOST_ROWS = 20_000
"""Rows of a table that are looked at, evenly over the file."""
MOST_KEYS = 1_000_000
"""Different values of a key that references are looked up in."""
NEARLY_ALL = 0.97
"""Share of values that must have a form before a column has it."""
_ISO = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?")
_LOCAL = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(,? .*)?")
_NAMED = re.compile(r".*\b\d{1,2}\b.*\b\d{2,4}\b.*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?( ?[AaPp][Mm])?")
_CODE = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[-+(]?\s*(\d[\d.,' \u00a0]*)\)?")
_SIGNS = re.compile(r"[€$£¥%]|\b(EUR|USD|GBP|CHF)\b")
_EPOCH = re.compile(r"(9|1[0-9]|2[01])\d{8}(\d{3})?")
_MIDDLE = 12
_LONGEST_DATE = 40


class Kind(StrEnum):
    """What the values of a column are."""

    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"
    TEXT = "text"
    EMPTY = "empty"


@dataclass(frozen=True)
class ColumnLook:
    """A column as its sample shows it.

    Attributes:
        table: its table in the source.
        name: its header.
        cells: the sampled values; None where a row has none.
        is_unique: no two rows of the whole table have the same value, and hardly one is empty.
    """

    table: str
    name: str
    cells: Sequence[str | None] = field(repr=False)
    is_unique: bool

    @cached_property
    def values(self) -> Sequence[str]:
        """The sampled values without the empty ones."""
        return [value for value in self.cells if value is not None]

    @property
    def rows(self) -> int:
        """Rows of the sample."""
        return len(self.cells)

    @property
    def filled(self) -> float:
        """Share of rows that hold anything."""
        return len(self.values) / self.rows if self.rows else 0.0

    @cached_property
    def distinct(self) -> frozenset[str]:
        """The different values."""
        return frozenset(self.values)

    @cached_property
    def kind(self) -> Kind:
        """What the values are."""
        if not self.values:
            return Kind.EMPTY
        if self.time_form is not None:
            return Kind.TIME
        if {folded(v) for v in self.distinct} <= words().ends.yes_ | words().ends.no_:
            return Kind.FLAG
        return Kind.NUMBER if self._share(_is_number) >= NEARLY_ALL else Kind.TEXT

    @cached_property
    def time_form(self) -> str | None:
        """How moments are written: iso, named, day_first, month_first, either or an epoch."""
        if self._share(lambda v: bool(_ISO.fullmatch(v))) >= NEARLY_ALL:
            return "iso"
        if self._share(_is_named) >= NEARLY_ALL:
            return "named"
        local = [match for v in self.values if (match := _LOCAL.fullmatch(v))]
        if self.values and len(local) >= NEARLY_ALL * len(self.values):
            first = max(int(match[1]) for match in local)
            second = max(int(match[3]) for match in local)
            if first > _MIDDLE and second > _MIDDLE:
                return "either"
            return (
                "day_first" if first > _MIDDLE else "month_first" if second > _MIDDLE else "either"
            )
        is_timely = words().timely & set(folded(self.name).split())
        if is_timely and self._share(lambda v: bool(_EPOCH.fullmatch(v))) >= NEARLY_ALL:
            return "epoch_ms" if len(self.values[0]) > 10 else "epoch_s"  # noqa: PLR2004 - digits
        return None

    @property
    def time_words(self) -> dict[str, Any]:
        """What a mapping says of how its moments are read; empty where nothing is to be said."""
        if self.time_form in {"epoch_s", "epoch_ms"}:
            return {"format": self.time_form}
        if self.time_form in {"day_first", "either", "month_first"}:
            return {"day_first": self.time_form != "month_first"}
        return {}

    @cached_property
    def has_days_only(self) -> bool:
        """Whether it holds dates, none with a time of day."""
        return self.kind is Kind.TIME and not any(":" in value for value in self.values)

    @cached_property
    def is_clock(self) -> bool:
        """Whether it holds times of day."""
        return self._share(lambda v: bool(_CLOCK.fullmatch(v))) >= NEARLY_ALL

    @cached_property
    def is_currency(self) -> bool:
        """Whether it holds codes such as EUR."""
        return bool(self.values) and all(_CODE.fullmatch(value) for value in self.distinct)

    @cached_property
    def decimal(self) -> str | None:
        """The sign before decimals, where the values show it."""
        if self.kind is not Kind.NUMBER:
            return None
        plain = [match[1] for v in self.values if (match := _NUMBER.search(_SIGNS.sub("", v)))]
        commas = sum(bool(re.fullmatch(r"[\d.' \u00a0]*,(\d{1,2}|\d{4,})", v)) for v in plain)
        points = sum(bool(re.fullmatch(r"[\d,' \u00a0]*\.(\d{1,2}|\d{4,})", v)) for v in plain)
        if commas or points:
            return "," if commas > points else "."
        grouped = sum(bool(re.fullmatch(r"\d{1,3}(\.\d{3})+", v)) for v in plain)
        return "," if grouped and grouped == len([v for v in plain if "." in v]) else None

    def _share(self, test: object) -> float:
        if not self.values:
            return 0.0
        return sum(map(test, self.values)) / len(self.values)  # type: ignore[call-overload]


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(_SIGNS.sub("", text).strip()))


def _is_named(text: str) -> bool:
    """Tell whether a text is a date with the name of a month."""
    named = any(word.lower() in MONTH_NUMBERS for word in _WORD.findall(text))
    return named and len(text) <= _LONGEST_DATE and bool(_NAMED.fullmatch(text))


@dataclass(frozen=True)
class TableLook:
    """A table of a source.

    Attributes:
        name: its name there.
        columns: by their headers.
        count: rows in all.
        file: the staged parquet file.
        staged: header -> column of the staged file.
        has_typed_cells: its numbers were typed as such, in a workbook.
    """

    name: str
    columns: Mapping[str, ColumnLook]
    count: int
    file: Path = field(repr=False)
    staged: Mapping[str, str] = field(repr=False)
    has_typed_cells: bool = False

    def staged_name(self, column: str) -> str:
        """Return what a column is called in the staged file."""
        return self.staged[column]


def look_at_source(
    backend: Backend, source: Source, folder: Path
) -> tuple[dict[str, TableLook], list[str]]:
    """Look at every table of a source.

    Args:
        backend: the engine.
        source: opened.
        folder: where tables are staged.

    Returns:
        The tables by name, and what could not be read, in words.
    """
    tables, problems = {}, []
    for place, name in enumerate(source.tables):
        try:
            tables[name] = _look(backend, source, name, folder / f"{place}.staged")
        except SourceError as error:
            problems.append(str(error))
    return tables, problems


def _look(backend: Backend, source: Source, name: str, file: Path) -> TableLook:
    raw = source.table(backend, name)
    staged = raw.stage(backend, file)
    scan = parquet(staged)
    ((count,),) = rows(backend, f"SELECT count(*) FROM {scan}")
    step = max(1, -(-int(count) // MOST_ROWS))
    texts = ", ".join(
        f"trim(CAST({ident(c.staged)} AS VARCHAR)) AS {ident(c.staged)}" for c in raw.columns
    )
    sample = rows(backend, f"SELECT {texts} FROM {scan} WHERE file_row_number % {step} = 0")
    looks = {}
    for place, column in enumerate(raw.columns):
        cells = [None if row[place] in (None, *EMPTY) else str(row[place]) for row in sample]
        may_be = bool(cells) and None not in cells and len(cells) == len(set(cells))
        is_unique = may_be and _is_unique(backend, scan, column.staged)
        looks[column.name] = ColumnLook(name, column.name, cells, is_unique)
    names = {column.name: column.staged for column in raw.columns}
    return TableLook(name, looks, int(count), staged, names, raw.has_typed_cells)


def _is_unique(backend: Backend, scan: str, column: str) -> bool:
    ((is_unique,),) = rows(
        backend, f"SELECT count(*) = count(DISTINCT {ident(column)}) FROM {scan}"
    )
    return bool(is_unique)
