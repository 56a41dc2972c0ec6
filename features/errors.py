"""Every error this product raises on purpose, for all three floors.

PacesetterError
├── InputError            bad data, bad settings or wrong usage: exit code 2
│   ├── SourceError       a source that cannot be read at all
│   ├── TableError        a required table or column is missing or unusable
│   ├── MappingError      a mapping file that does not fit the source
│   ├── ParamsError       params.yaml holds an unknown key or a value out of range
│   ├── NotFoundError     an id or a thing asked for that is not there
│   └── LockedError       another process is at work on the same files
├── CheckFailed           a check found an error: exit code 1
├── NotReady              a step that must come first has not been run: exit code 2
├── LostRowsError         an ingest cannot account for every row: a bug, never caught
├── LeakageError          code asked for something beyond its cutoff: a bug, never caught
└── FeatureError          a feature declared wrongly: a bug, never caught

A message says what was wrong, what was given and what would be right.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class PacesetterError(Exception):
    """The root of the family; `exit_code` is what the command line returns for it."""

    exit_code = 2


class InputError(PacesetterError):
    """Bad data, bad settings or wrong usage."""


class SourceError(InputError):
    """A source that cannot be read at all."""

    def __init__(self, source: str, found: str, right: str) -> None:
        super().__init__(f"cannot read {source}: {found}; {right}")


class TableError(InputError):
    """A required table or column is missing, or a table cannot be used."""

    @classmethod
    def missing_table(cls, name: str, source: str, found: Iterable[str]) -> TableError:
        """Name the table that is needed, the source, and the tables that are there."""
        have = ", ".join(sorted(found)) or "no table at all"
        return cls(
            f"table '{name}' is missing in {source}: found {have}; "
            f"it should hold {name}.parquet or {name}.csv, or a table or view of that name"
        )

    @classmethod
    def missing_column(
        cls, table: str, column: str, where: str, found: Iterable[str], *, can_map: bool = True
    ) -> TableError:
        """Name the file, the column that is needed, and the columns that are there."""
        have = ", ".join(found) or "no column at all"
        map_it = "name the column that plays its part in a --mapping file"
        right = f"add it, or {map_it}" if can_map else "add it, or rename the column that holds it"
        return cls(f"{where}: table '{table}' needs the column '{column}': found {have}; {right}")


class MappingError(InputError):
    """A mapping file that cannot be understood or does not fit the source."""


class ParamsError(InputError):
    """params.yaml holds an unknown key or a value out of range."""

    def __init__(self, path: Path | str, problems: Iterable[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(problems))


class NotFoundError(InputError):
    """An id, a model or a file that was asked for is not there."""


class LockedError(InputError):
    """Another process is at work on the same files.

    Attributes:
        holder: its number, or `unknown`.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by process {holder}; wait until it ends")
        self.holder = holder


class CheckFailed(PacesetterError):
    """A check found something of severity `error`."""

    exit_code = 1


class NotReady(PacesetterError):
    """A step that must come first has not been run."""


class LostRowsError(PacesetterError):
    """An ingest cannot account for every row it read. A bug in it, never bad input."""


class LeakageError(PacesetterError):
    """Code asked for something beyond its cutoff. A bug in the caller, never bad input."""


class FeatureError(PacesetterError):
    """A feature was declared wrongly. A bug in the declaration, never bad input."""
