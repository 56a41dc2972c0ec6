"""The errors that end a command or a request with one sentence instead of a traceback.

PacesetterError           exit code 2, unless said otherwise
├── InputError            bad data, bad settings or wrong usage
│   ├── SourceError       a file, folder or database cannot be read
│   ├── TableError        a table or column is missing or unusable
│   ├── MappingError      a mapping file cannot be read or does not fit the source
│   ├── ParamsError       params.yaml cannot be read, or holds an unknown key or a wrong value
│   ├── NotFoundError     a lead, rep, model or other thing asked for does not exist
│   └── LockedError       another process is at work on the same files
├── NotReady              an earlier step has not been run yet
├── CheckFailed           an audit found an error, or a gate refused: exit code 1
├── LostRowsError         a bug: an ingest cannot account for every row
├── LeakageError          a bug: code asked for something beyond its cutoff
└── FeatureError          a bug: a feature was declared wrongly

A message says what was wrong, what was given and what would be right. The terminal and the
service turn these errors into their answers; no other code catches the three that are bugs.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class PacesetterError(Exception):
    """An error with a message for people.

    Attributes:
        exit_code: what the command line returns.
    """

    exit_code = 2


class InputError(PacesetterError):
    """Bad data, bad settings or wrong usage."""


class SourceError(InputError):
    """A file, folder or database that cannot be read.

    Args:
        source: its name, without a password.
        problem: what is wrong with it.
        remedy: what to do about it.
    """

    def __init__(self, source: str, problem: str, remedy: str) -> None:
        super().__init__(f"cannot read {source}: {problem}; {remedy}")


class TableError(InputError):
    """A table or column that is missing, or that cannot be used."""

    @classmethod
    def missing_column(
        cls,
        table: str,
        column: str,
        where: str,
        columns: Iterable[str],
        *,
        can_map: bool = True,
        hint: str = "",
    ) -> TableError:
        """Return an error that names the file, the missing column and the columns it has.

        Args:
            table: ours.
            column: ours, that is missing.
            where: the file or table.
            columns: that it has.
            can_map: a mapping may name another column.
            hint: what would be right, if its columns tell.
        """
        found = ", ".join(columns) or "no column at all"
        way = "map" if can_map else "rename"
        place = " in a --mapping file" if can_map else ""
        remedy = hint or f"add it, or {way} the column that holds it{place}"
        return cls(f"{where}: table '{table}' needs the column '{column}': found {found}; {remedy}")


class MappingError(InputError):
    """A mapping file that cannot be read or does not fit the source."""


class ParamsError(InputError):
    """A settings file that cannot be read, or that holds an unknown key or a wrong value.

    Args:
        path: of the file.
        problems: one sentence for each.
    """

    def __init__(self, path: Path | str, problems: Iterable[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(problems))


class NotFoundError(InputError):
    """A lead, rep, model or other thing that was asked for and does not exist."""


class LockedError(InputError):
    """Another process is at work on the same files.

    Attributes:
        holder: its number, or `unknown`.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by process {holder}; wait until it ends")
        self.holder = holder


class CheckFailed(PacesetterError):
    """An audit found something of severity `error`, or a gate refused a challenger."""

    exit_code = 1


class NotReady(PacesetterError):
    """An earlier step has not been run yet; the message names its command."""


class InTheMaking(NotReady):
    """What was asked for is being worked out; whoever asks again later gets it."""


class LostRowsError(PacesetterError):
    """An ingest cannot account for every row it read: a bug in the ingest, never bad input."""


class LeakageError(PacesetterError):
    """Code asked for something beyond its cutoff: a bug in the caller, never bad input."""


class FeatureError(PacesetterError):
    """A feature was declared wrongly: a bug in the declaration, never bad input."""
