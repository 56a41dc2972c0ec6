"""The scores the service answers from: made by one thread, replaced whole, never half.

Requests only read. A thread looks every few seconds whether another warehouse or another champion
is in place, or the scores have grown old; then it opens both together, scores every open lead, and
puts the result in the old one's place in one step. Until then the old scores answer, which say of
themselves what they were made from.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import NotReady, PacesetterError
from serving.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from serving.forecaster import Forecaster, Outlook

LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""How long a request waits for the first scores before it is told to come back."""
KEPT_MOMENTS = 8
"""Past moments whose scores are kept, the last asked for."""

log = logging.getLogger("pacesetter.serve")


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one look made; it never changes.

    Attributes:
        outlook: the warehouse and the model.
        as_of: the moment of the table: the extract's end.
        table: every open lead, ranked.
        reps: every rep the warehouse knows.
        made_at: when, UTC.
        mark: what the home held.
    """

    outlook: Outlook
    as_of: datetime
    table: pd.DataFrame
    reps: frozenset[str]
    made_at: datetime
    mark: tuple[str, ...]


class Scores:
    """The current scores of a home, and those of other moments on demand.

    Attributes:
        home: the folder it answers for.
        params: how much is answered.
        problem: why newer scores could not be made; None if all is well.
    """

    def __init__(self, home: Path, settings: Settings, look_seconds: float = LOOK_SECONDS) -> None:
        """Hold nothing yet; `start` or `look` makes the first scores."""
        self.home = home
        self.params = settings.serving
        self.problem: str | None = None
        self._settings = settings
        self._look_seconds = look_seconds
        self._refresh = timedelta(minutes=self.params.refresh_minutes)
        self._sheet: Sheet | None = None
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._engine = threading.Lock()
        self._moments: OrderedDict[tuple[Sheet, datetime], pd.DataFrame] = OrderedDict()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, in the background."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="scores", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """End looking; scores that are being made are not waited for longer than told."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience)

    def sheet(self, patience: float = PATIENCE_SECONDS) -> Sheet:
        """Give the current scores.

        Raises:
            NotReady: there are none; says why.
        """
        self._looked.wait(patience)
        sheet = self._sheet
        if sheet is not None:
            return sheet
        raise NotReady(self.problem or "the scores are being made; ask again in a few seconds")

    def table(self, sheet: Sheet, as_of: datetime | None) -> pd.DataFrame:
        """Give the scores as of a moment; of requests for the same one, only one computes."""
        if as_of is None or as_of == sheet.as_of:
            return sheet.table
        key = (sheet, as_of)
        with self.outlook(sheet) as outlook:
            if key not in self._moments:
                self._moments[key] = outlook.score(as_of)
            self._moments.move_to_end(key)
            while len(self._moments) > KEPT_MOMENTS:
                self._moments.popitem(last=False)
            return self._moments[key]

    @contextmanager
    def outlook(self, sheet: Sheet) -> Iterator[Outlook]:
        """Lend the warehouse to one request at a time: its connection is not for two threads."""
        with self._engine:
            yield sheet.outlook

    def look(self) -> None:
        """Make new scores if there is reason to; called by one thread only."""
        try:
            mark = self._forecaster.mark()
            if not self._is_due(mark):
                self.problem = None
                return
            sheet = self._make(mark)
        except PacesetterError as error:
            # What the home holds now cannot be scored; scores of what it held would mislead.
            self._sheet, self.problem = None, str(error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive any bug; logged whole
            self._fail(error)
        else:
            self._sheet, self.problem = sheet, None
            with self._engine:
                self._moments.clear()
            log.info(
                "%s open leads scored as of %s with model %s",
                len(sheet.table),
                sheet.as_of.isoformat(),
                sheet.outlook.version,
            )
        self._looked.set()

    @cached_property
    def _forecaster(self) -> Forecaster:
        # Here, so that the service answers while the libraries of the models are still loading.
        from serving.forecaster import Forecaster  # noqa: PLC0415 - takes seconds

        return Forecaster(self.home, self._settings)

    def _fail(self, error: Exception) -> None:
        """Keep the scores there are: a full disk or a file replaced while read will pass."""
        problem = f"new scores could not be made ({type(error).__name__}); the log says more"
        if problem != self.problem:
            log.error("new scores could not be made", exc_info=error)
        self.problem = problem

    def _is_due(self, mark: tuple[str, ...]) -> bool:
        sheet = self._sheet
        return (
            sheet is None
            or sheet.mark != mark
            or datetime.now(UTC).replace(tzinfo=None) - sheet.made_at >= self._refresh
        )

    def _make(self, mark: tuple[str, ...]) -> Sheet:
        outlook = self._forecaster.open()
        made_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        as_of = outlook.moment()
        return Sheet(outlook, as_of, outlook.score(as_of), outlook.reps(), made_at, mark)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(self._look_seconds)
