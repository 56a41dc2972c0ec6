"""The 1:1 sheets of a running service: gathered in the background, replaced whole.

What sheets rest on takes from seconds to a minute to gather. One thread does it, whenever somebody
asks and the data have changed since; until it is done the sheets before it answer. What people
agree on and contest is read anew for every sheet.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from features.errors import NotReady, PacesetterError

if TYPE_CHECKING:
    from serving.coaching.company import Company
    from serving.coaching.pairs import Pair
    from serving.coaching.sheet import Sheet
    from serving.home.home import Home
    from serving.store.coaching import CoachingLog

PATIENCE_SECONDS = 2.0
"""How long a request waits for the first sheets before it is asked to come back."""

log = logging.getLogger("pacesetter.serve")


@dataclass(frozen=True, eq=False)
class _Gathered:
    mark: tuple[str, ...]
    company: Company
    pairs: tuple[Pair, ...]


class CoachDesk:
    """The sheets of one home.

    Args:
        home: opens the home, when the first sheet is asked for.
    """

    def __init__(self, home: Callable[[], Home]) -> None:
        """Hold nothing yet."""
        self._open = home
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._gathered: _Gathered | None = None
        self._problem: str | None = None
        self._thread: threading.Thread | None = None

    @property
    def log(self) -> CoachingLog:
        """What was agreed, noted and contested."""
        from serving.coaching.gather import log_of  # noqa: PLC0415 - takes seconds

        return log_of(self._open())

    def sheet(self, rep_id: str, patience: float = PATIENCE_SECONDS) -> Sheet:
        """Return a rep's sheet as of the end of the data.

        Args:
            rep_id: whose.
            patience: seconds to wait for the first sheets.

        Raises:
            NotFoundError: nobody has the id.
            NotReady: the sheets are still in the making, or cannot be made; says which.
        """
        from serving.coaching.playbook import playbook  # noqa: PLC0415 - takes seconds
        from serving.coaching.sheet import make_sheet  # noqa: PLC0415 - takes seconds

        gathered = self._current(patience)
        lines = tuple(self.log.lines(rep_id))
        company = gathered.company
        company = replace(company, inputs=replace(company.inputs, log=lines))
        return make_sheet(company, rep_id, playbook(), gathered.pairs)

    def _current(self, patience: float) -> _Gathered:
        home = self._open()
        mark = (*home.data_mark(), str(home.tracking.live("quota")))
        with self._lock:
            is_due = self._gathered is None or self._gathered.mark != mark
            is_at_work = self._thread is not None and self._thread.is_alive()
            if is_due and not is_at_work:
                self._done.clear()
                self._thread = threading.Thread(
                    target=self._gather, args=(mark,), name="coaching", daemon=True
                )
                self._thread.start()
        if self._gathered is None:
            self._done.wait(patience)
        gathered = self._gathered
        if gathered is None:
            raise NotReady(
                self._problem or "the sheets are being worked out; try again in half a minute"
            )
        return gathered

    def _gather(self, mark: tuple[str, ...]) -> None:
        from serving.coaching.gather import gather  # noqa: PLC0415 - takes seconds
        from serving.coaching.pairs import propose_pairs  # noqa: PLC0415 - takes seconds

        try:
            company = gather(self._open(), None)
            self._gathered = _Gathered(mark, company, tuple(propose_pairs(company)))
            self._problem = None
        except PacesetterError as error:
            self._problem = str(error)
        except Exception:
            log.exception("the coaching sheets could not be made")
            self._problem = "the sheets could not be made; see the log of the service"
        finally:
            self._done.set()
