"""Which columns of which tables the rows of a mapping need, and their names in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from features.ingest.files import RawColumn, RawTable
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.values import cleaned_text
from features.storage.engine import ident


@dataclass(frozen=True)
class InUse:
    """A column that is needed.

    Attributes:
        place: its place among those that are needed; below 0 where only kept.
        join: the join it comes from; None: the table itself.
        column: the source's column.
    """

    place: int
    join: str | None
    column: RawColumn

    @property
    def raw(self) -> str:
        """Its value as the source has it, as a column of a query."""
        return f"raw_{self.place}" if self.place >= 0 else f"kept_{-self.place}"

    @property
    def text(self) -> str:
        """Its value as a cleaned text, as a column of a query."""
        return f"text_{self.place}"

    def selected(self) -> str:
        """Return what a query over the staged table selects for it, as it is and as a text."""
        staged = ident(self.column.staged)
        return f"{self.kept()}, {cleaned_text(staged, self.column.type)} AS {self.text}"

    def kept(self) -> str:
        """Return what such a query selects where its text is not asked for."""
        return f"{ident(self.column.staged)} AS {self.raw}"


@dataclass(frozen=True)
class ColumnsInUse:
    """The columns needed of a table and of those that are joined to it; they grow as asked for.

    Attributes:
        reader: finds columns.
        tables: the table itself under None, and the joined ones by the names of their joins.
    """

    reader: Reader
    tables: Mapping[str | None, RawTable]
    _used: dict[tuple[str | None, str], InUse] = field(default_factory=dict)
    _kept: dict[tuple[str | None, str], InUse] = field(default_factory=dict)

    def use(self, name: str, join: str | None, key: str) -> InUse:
        """Ask for a column.

        Args:
            name: its name in the source.
            join: the join it comes from; None: the table itself.
            key: the key of the mapping that names it.

        Raises:
            MappingError: there is no such join or column.
        """
        if join not in self.tables:
            names = ", ".join(name for name in self.tables if name) or "none"
            raise self.reader.problem(key, f"there is no join '{join}'; joins here: {names}")
        column = self.reader.column(self.tables[join], name, key)
        return self._used.setdefault((join, column.staged), InUse(len(self._used), join, column))

    def keep(self, column: RawColumn) -> InUse:
        """Ask for a column of the table itself as it is: a table may have hundreds."""
        place = (None, column.staged)
        if place in self._used:
            return self._used[place]
        return self._kept.setdefault(place, InUse(-1 - len(self._kept), None, column))

    def selected(self, join: str | None) -> list[str]:
        """Return what a query over a staged table selects for all that was asked for of it."""
        kept = self._kept.values() if join is None else ()
        return [*(used.selected() for used in self.of(join)), *(column.kept() for column in kept)]

    def of(self, join: str | None) -> Iterator[InUse]:
        """Go through the columns that were asked for of one table."""
        return (used for (name, _), used in self._used.items() if name == join)
