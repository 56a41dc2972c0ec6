"""Activities that arrive as files in a folder, kept like posted ones, through the same door.

A file `activities*.csv` or `.parquet` is read once it has stopped growing: two looks at it see the
same. Each row needs an `activity_id`, by which it counts once. A file that is read again changes
nothing: by another service on the same store, after a restart, or under another name. A row that
cannot be kept is left out, and the log says how many of which file were, and why.
"""

from __future__ import annotations

import csv
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from features.errors import InputError, NotReady, PacesetterError
from serving.api.event_answers import keep_events
from serving.api.event_contracts import EventsRequest, PostedActivity
from serving.api.office import Office

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt

LOOK_SECONDS = 5.0
SUFFIXES = frozenset({".csv", ".parquet"})
BY = "watched folder"
"""Who posts the rows, for the log."""
State = tuple[int, int]

log = logging.getLogger("pacesetter.serve")


class WatchedFolder:
    """Reads new files of activities.

    Args:
        folder: where they arrive; it need not be there yet.
        office: keeps the events.
    """

    def __init__(self, folder: Path, office: Office) -> None:
        """Look at nothing yet."""
        self._folder = folder
        self._office = office
        self._seen: dict[Path, State] = {}
        self._read: dict[Path, State] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, in the background."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="watched folder", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """Stop; a file that is being read is waited for no longer than `patience` seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience)

    def look(self) -> None:
        """Read the files that have come or changed since, and have stopped growing."""
        for path, state in sorted(self._files()):
            is_whole = self._seen.get(path) == state
            self._seen[path] = state
            if is_whole and self._read.get(path) != state:
                try:
                    self._take(path)
                except NotReady as error:
                    log.info("%s waits: %s", path.name, error)
                    continue
                except (PacesetterError, OSError, ValueError) as error:
                    log.error("%s cannot be read: %s", path, error)  # noqa: TRY400 - one line says all
                self._read[path] = state

    def _files(self) -> Iterator[tuple[Path, State]]:
        for path in self._folder.glob("activities*"):
            if path.suffix in SUFFIXES and path.is_file():
                status = path.stat()
                yield path, (status.st_size, status.st_mtime_ns)

    def _take(self, path: Path) -> None:
        """Keep what a file brings that was not there, as many rows at a time as may be posted."""
        kept, refused, every = 0, list[str](), self._rows(path)
        while rows := list(islice(every, self._office.scores.params.most_posted_events)):
            new, why = self._keep(rows)
            kept += new
            refused += why
        if refused:
            log.error("%s: %s rows are left out; the first: %s", path, len(refused), refused[0])
        log.info("%s: %s new activities", path.name, kept)

    def _keep(self, rows: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
        """Keep rows; where one cannot be, the others are kept all the same.

        Returns:
            How many are new, and why each of the others was refused.
        """
        try:
            activities = [PostedActivity.model_validate(row) for row in rows]
            kept = keep_events(self._office, BY, EventsRequest(activities=activities))
        except (InputError, ValidationError) as error:
            if len(rows) == 1:
                return 0, [_words(error)]
            halves = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            first, second = (self._keep(half) for half in halves)
            return first[0] + second[0], [*first[1], *second[1]]
        return sum(not receipt.is_repeated for receipt in kept.received), []

    def _rows(self, path: Path) -> Iterator[dict[str, Any]]:
        """Return a file's rows without empty cells, as a program would post them."""
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq  # noqa: PLC0415 - takes a second

            for row in pq.read_table(path).to_pylist():
                yield {name: value for name, value in row.items() if value is not None}
            return
        types = self._office.home.warehouse()["activities"].schema()
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield {
                    name: typed(value, types.get(name))
                    for name, value in row.items()
                    if name is not None and value
                }

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:
                # The thread must outlive any bug; the file is read again at the next look.
                log.exception("the watched folder could not be looked at")


def typed(cell: str, dtype: dt.DataType | None) -> Any:
    """Return a cell of a CSV as its column holds it; what cannot be read so stays a text.

    >>> import ibis
    >>> typed("95", ibis.dtype("float64")), typed("007", None), typed("soon", ibis.dtype("int64"))
    (95.0, '007', 'soon')
    """
    if dtype is None or not (dtype.is_numeric() or dtype.is_boolean()):
        return cell
    if dtype.is_boolean():
        return {"true": True, "false": False}.get(cell.lower(), cell)
    try:
        return int(cell) if dtype.is_integer() else float(cell)
    except ValueError:
        return cell


def _words(error: InputError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
