"""The scores the service answers from: made by one thread, replaced whole, never half.

Requests only read. A thread looks every few seconds whether another warehouse or another champion
is in place, or the scores have grown old; then it opens them together, scores every open lead and
every rep with a running quota, as far as there are models, and puts the result in the old one's
place in one step. Until then the old scores answer, which say of themselves what they were made
from.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.clock import utc_now
from features.errors import InputError, NotReady, PacesetterError
from serving.home.scored import LeadSheet, Part, RepSheet, Sheet
from serving.settings import Settings

if TYPE_CHECKING:
    from serving.home.home import Home

LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""How long a request waits for the first scores before it is told to come back."""
KEPT_MOMENTS = 8
"""Past moments whose scores are kept, the last asked for."""

log = logging.getLogger("pacesetter.serve")


class ScoreCache:
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
        self._moments: OrderedDict[tuple[Any, datetime], Any] = OrderedDict()
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

    def at(self, part: Part, as_of: datetime | None) -> Part:
        """Give scores as of a moment; of requests for the same one, only one computes."""
        if as_of is None or as_of == part.as_of:
            return part
        key = (part, as_of)
        with self.engine():
            if key not in self._moments:
                self._moments[key] = part.at(as_of)
            self._moments.move_to_end(key)
            while len(self._moments) > KEPT_MOMENTS:
                self._moments.popitem(last=False)
            made: Part = self._moments[key]
            return made

    @contextmanager
    def engine(self) -> Iterator[None]:
        """Let one request at a time at the warehouse: its connection is not for two threads."""
        with self._engine:
            yield

    def look(self) -> None:
        """Make new scores if there is reason to; called by one thread only."""
        try:
            mark = self._home.mark()
            now = self._sheet
            if now is not None and not self._is_due(now, mark):
                self.problem = now.fault
                return
            sheet = self._make(mark)
        except PacesetterError as error:
            # What the home holds now cannot be scored; scores of what it held would mislead.
            self._sheet, self.problem = None, str(error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive any bug; logged whole
            self.problem = self._fail("new scores", error)
        else:
            self._sheet, self.problem = sheet, sheet.fault
            with self._engine:
                self._moments.clear()
            _tell(sheet)
        self._looked.set()

    @cached_property
    def _home(self) -> Home:
        # Here, so that the service answers while the libraries of the models are still loading.
        from serving.home.home import Home  # noqa: PLC0415 - takes seconds

        return Home(self.home, self._settings)

    def _fail(self, what: str, error: Exception) -> str:
        """Log a fault, the same one only once, and word it: a full disk or a locked file passes."""
        problem = f"{what} could not be made ({type(error).__name__}); the log says more"
        if problem != self.problem:
            log.error("%s could not be made", what, exc_info=error)
        return problem

    def _is_due(self, sheet: Sheet, mark: tuple[str, ...]) -> bool:
        now = utc_now()
        return sheet.mark != mark or now - sheet.made_at >= self._refresh

    def _make(self, mark: tuple[str, ...]) -> Sheet:
        """Score what can be scored: what is wrong with one kind does not silence the other."""
        home = self._home
        warehouse = home.warehouse()
        made_at = utc_now().replace(microsecond=0)
        faults: list[Exception] = []
        leads = _tried(lambda: LeadSheet.of(home.open_leads(warehouse)), faults)
        reps = _tried(lambda: RepSheet.of(home.open_quota(warehouse)), faults)
        if isinstance(leads, str) and isinstance(reps, str):
            raise faults[0] if faults else NotReady(f"{leads}; {reps}")
        fault = None
        if faults:
            what = "forecasts of leads" if isinstance(leads, str) else "forecasts of quota"
            fault = self._fail(what, faults[0])
        return Sheet(
            leads=fault if fault and isinstance(leads, str) else leads,
            reps=fault if fault and isinstance(reps, str) else reps,
            data_until=warehouse.data_until,
            made_at=made_at,
            mark=mark,
            fault=fault,
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(self._look_seconds)


def _tried(make: Callable[[], Part], faults: list[Exception]) -> Part | str:
    """Make a part, or say why it cannot be; what should not have happened is kept as a fault."""
    try:
        return make()
    except (InputError, NotReady) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - logged or raised by the caller
        faults.append(error)
        return ""


def _tell(sheet: Sheet) -> None:
    """Log what is answered from by now."""
    for what, part in (("open leads", sheet.leads), ("reps with a quota", sheet.reps)):
        if isinstance(part, str):
            log.info("no %s are scored: %s", what, part)
        else:
            rows, moment, version = len(part.table), part.as_of.isoformat(), part.outlook.version
            log.info("%s %s scored as of %s with model %s", rows, what, moment, version)
