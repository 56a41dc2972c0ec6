"""How one wanted column is made: which source columns it needs, and the SQL of each step.

The steps are columns of nested queries: `picked` is what the source says, `meant` is that after
translation, `formed` is what the table of ours gets. What cannot be read is not emptied here: it
keeps its text with a word why, so that the ingest counts it or sets its row aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from features.ingest.files import RawColumn
from features.ingest.language.columns import ColumnShape, Condition, NumberText
from features.ingest.shaping.columns_in_use import ColumnsInUse, InUse
from features.ingest.shaping.numbers import number_text
from features.ingest.shaping.rows import RowsWanted, Wanted
from features.ingest.shaping.times import (
    TimeWords,
    date_and_time,
    moment_of,
    say_words,
    written,
)
from features.ingest.shaping.values import holds, styled_id, translated
from features.storage.engine import text
from features.tables import ColumnKind


@dataclass(frozen=True)
class Made:
    """One wanted column and the source columns it is made of.

    Attributes:
        place: its place among the columns that are made.
        wanted: what it is to be.
        origins: the columns that it is taken from; the first filled one counts.
        time_of_day: the column with the time that belongs to its date.
        guards: columns that must hold something for it to count.
        code: the column with the code of its currency.
        time: how it is read as a moment; None: it is not read here as one.
        has_typed_cells: it comes from a workbook, where a cell may be a number or a date.
    """

    place: int
    wanted: Wanted
    origins: tuple[InUse, ...]
    time_of_day: InUse | None
    guards: tuple[tuple[InUse, Condition], ...]
    code: InUse | None
    time: TimeWords | None
    has_typed_cells: bool

    @property
    def shape(self) -> ColumnShape:
        """How it is made."""
        return self.wanted.shape

    @property
    def passes(self) -> RawColumn | None:
        """The source's column, if its values pass through unchanged and keep their type."""
        is_styled = self.shape.id is not None
        is_read = self.time is not None or is_styled or not self.shape.is_plain
        return None if is_read else self.origins[0].column

    @property
    def own_type(self) -> str:
        """The engine's type of `picked`; texts wherever a value may come from several places."""
        is_single = len(self.origins) == 1 and self.time_of_day is None and not self.shape.values
        origin = self.origins[0].column.type if is_single else "VARCHAR"
        keeps = self.passes is not None or (self.time is not None and _is_temporal(origin))
        return origin if keeps else "VARCHAR"

    @property
    def picked(self) -> str:
        """The name of its first step."""
        return f"picked_{self.place}"

    @property
    def meant(self) -> str:
        """The name of its second step."""
        return f"meant_{self.place}"

    @property
    def formed(self) -> str:
        """The name of its last step."""
        return f"c{self.place}"

    def pick(self) -> str:
        """Return SQL of what the source says."""
        if self.own_type != "VARCHAR" or self.passes is not None:
            value = self.origins[0].raw
        elif self.shape.constant is not None:
            value = text(self.shape.constant)
        else:
            value = f"coalesce({', '.join(origin.text for origin in self.origins)})"
        if self.time_of_day is not None:
            value = date_and_time(value, self.time_of_day.text)
        if self.guards:
            conditions = " AND ".join(holds(used.text, asked) for used, asked in self.guards)
            value = f"CASE WHEN {conditions} THEN {value} END"
        return value

    def mean(self) -> str:
        """Return SQL of what that means, over `picked`."""
        return translated(self.picked, self.shape)

    def moment(self, meant: str) -> str:
        """Return SQL of the moment that it is, over a column like `meant`."""
        return moment_of(meant, self.own_type, self.time or TimeWords())

    def number(self, meant: str) -> str:
        """Return SQL of the number that it is, as a text."""
        number = number_text(meant, self.shape.number or NumberText())
        if self.has_typed_cells:
            # Of three decimals the staged text holds four, so that none looks like a group.
            is_number = f"regexp_full_match({meant}, '-?\\d+(\\.\\d+)?')"
            is_group = f"regexp_full_match({meant}, '.*\\.\\d{{3}}')"
            cell = f"CASE WHEN {is_number} AND NOT {is_group} THEN {meant} END"
            number = f"coalesce({number}, {cell})"
        is_typed = self.origins and all(o.column.type != "VARCHAR" for o in self.origins)
        return meant if is_typed and not self.shape.values else number

    def form(self) -> str:
        """Return SQL of what the table of ours gets, over `meant`."""
        if self.passes is not None:
            return self.meant
        if self.time is not None:
            moment = f"CAST({self.moment(self.meant)} AS TIMESTAMP)"
            return _or_why(self.meant, written(moment, self.time), say_words(self.time))
        if self.shape.number is not None and self.shape.currency is None:
            return _or_why(self.meant, self.number(self.meant), _say_number(self.shape.number))
        if self.shape.id is not None:
            return styled_id(self.meant, self.shape.id)
        return self.meant


def _or_why(meant: str, value: str, why: str) -> str:
    """Return SQL of a value, or of what is written there with a word why it cannot be read."""
    said = f"CAST({meant} AS VARCHAR) || {text(f' ({why})')}"
    return f"CASE WHEN {meant} IS NOT NULL THEN coalesce({value}, {said}) END"


def _say_number(shape: NumberText) -> str:
    return f'not a number with "{shape.decimal}" before decimals, "{shape.grouping}" between groups'


def _is_temporal(sql_type: str) -> bool:
    return sql_type.startswith("TIMESTAMP") or sql_type == "DATE"


def makings(rows: RowsWanted, columns: ColumnsInUse) -> tuple[Made, ...]:
    """Find the source columns of all wanted ones.

    Raises:
        MappingError: there is no such column or join.
    """
    return tuple(_making(place, wanted, rows, columns) for place, wanted in enumerate(rows.columns))


def _making(place: int, wanted: Wanted, rows: RowsWanted, columns: ColumnsInUse) -> Made:
    shape, key = wanted.shape, wanted.key

    def use(name: str, join: str | None = None) -> InUse:
        return columns.use(name, join, key)

    origins = tuple(use(ref.column, ref.join) for ref in shape.references)
    typed = any(columns.tables[origin.join].has_typed_cells for origin in origins)
    guards = tuple((use(n, asked.join), asked) for n, asked in shape.where.items())
    return Made(
        place,
        wanted,
        origins,
        None if shape.time_of_day is None else use(shape.time_of_day, shape.join),
        guards,
        None if shape.currency is None else use(shape.currency.column),
        _time_words(wanted, rows, origins, has_typed_cells=typed),
        typed,
    )


def _time_words(
    wanted: Wanted, rows: RowsWanted, origins: Sequence[InUse], *, has_typed_cells: bool
) -> TimeWords | None:
    """Return how a column is read as a moment; None where nothing says that it is one."""
    shape = wanted.shape
    said = (shape.format, shape.timezone, shape.time_of_day, shape.inclusive)
    is_said = any(said) or shape.day_first is not None
    is_read_here = wanted.kind is ColumnKind.TIME and rows.rereads and bool(origins)
    if not is_said and not is_read_here:
        return None
    return TimeWords.of(shape, rows.texts, typed_cells=has_typed_cells)
