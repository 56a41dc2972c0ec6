"""The scores the service answers from: made by one thread, replaced whole, never half.

Requests only read. Every few seconds a thread checks whether another warehouse or another champion
is in place, or the scores have grown old. If so, it opens both together, scores every open lead and
every rep with a running quota, as far as there are models, and replaces the old scores in one step.
Until then the old scores answer. Every answer states its moment and its model. Scores that the
store holds already, from this process or another, are taken from there.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.clock import utc_now
from features.errors import NotReady, PacesetterError
from serving.home.scored import HomeScores, LeadScores, RepScores, Unavailable
from serving.settings import Settings

if TYPE_CHECKING:
    from serving.home.champions import ServedChampions
    from serving.home.home import Home
    from serving.home.scoring import Scoring

LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""How long a request waits for the first scores before it is asked to come back."""
GATHER = timedelta(seconds=15)
"""How old scores are before posted events alone make new ones."""
KEPT_MOMENTS = 8
"""Past moments whose scores are kept: those asked for last."""

log = logging.getLogger("pacesetter.serve")


class ScoreCache:
    """The current scores of a home, and those of other moments on demand.

    Attributes:
        home: the folder it answers for.
        params: limits of the answers.
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
        self._current: HomeScores | None = None
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
        """Stop looking; scores in the making are waited for no longer than `patience` seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience)

    def current(self, patience: float = PATIENCE_SECONDS) -> HomeScores:
        """Return the current scores; wait up to `patience` seconds for the first ones.

        Raises:
            NotReady: there are none; says why.
        """
        scores = self._current
        if scores is None:
            self._looked.wait(patience)
            scores = self._current
        if scores is not None:
            return scores
        raise NotReady(
            self.problem or "scores are still being computed; try again in a few seconds"
        )

    def is_current(self, scores: HomeScores) -> bool:
        """Tell whether these scores still answer."""
        return self._current is scores

    def leads(self, as_of: datetime | None = None) -> LeadScores:
        """Return the scores of open leads as of a moment; None is the end of the data.

        Raises:
            NotReady: there are none; says why.
        """
        scores = self.current().leads
        if isinstance(scores, Unavailable):
            raise NotReady(scores.why)
        past: LeadScores = self._as_of(scores, as_of)
        return past

    def reps(self, as_of: datetime | None = None) -> RepScores:
        """Return the forecasts of reps as of a moment; None is the end of the data.

        Raises:
            NotReady: there are none; says why.
        """
        scores = self.current().reps
        if isinstance(scores, Unavailable):
            raise NotReady(scores.why)
        past: RepScores = self._as_of(scores, as_of)
        return past

    def _as_of(self, scores: LeadScores | RepScores, as_of: datetime | None) -> Any:
        """Score as of a moment; of simultaneous requests for the same one, only one computes."""
        if as_of is None or as_of == scores.as_of:
            return scores
        key = (scores, as_of)
        with self.engine():
            if key not in self._moments:
                self._moments[key] = scores.at(as_of)
            self._moments.move_to_end(key)
            while len(self._moments) > KEPT_MOMENTS:
                self._moments.popitem(last=False)
            return self._moments[key]

    @contextmanager
    def engine(self) -> Iterator[None]:
        """Let one request at a time at the warehouse: its connection is not for two threads."""
        with self._engine:
            yield

    def look(self) -> None:
        """Make new scores if there is reason to; called by one thread only."""
        try:
            mark = self._home.mark(self._champions)
            current = self._current
            if current is not None and not self._is_due(current, mark):
                self.problem = current.problem
                return
            scores = self._scoring.look(mark)
        except PacesetterError as error:
            # What the home holds now cannot be scored; scores of what it held would mislead.
            self._current, self.problem = None, str(error)
        except Exception as error:  # noqa: BLE001 - the thread must outlive any bug; logged whole
            self._report(_failure(error), error)
        else:
            self._current = scores
            self._report(scores.problem, scores.fault)
            with self._engine:
                self._moments.clear()
            _log_counts(scores)
        self._looked.set()

    @cached_property
    def _home(self) -> Home:
        # Here, so that the service answers while the libraries of the models are still loading.
        from serving.home.home import Home  # noqa: PLC0415 - takes seconds

        return Home(self.home, self._settings)

    @cached_property
    def _champions(self) -> ServedChampions:
        from serving.home.champions import ServedChampions  # noqa: PLC0415 - takes seconds

        return ServedChampions(self._home.tracking, self.home / "data" / "models")

    @cached_property
    def _scoring(self) -> Scoring:
        from serving.home.scoring import Scoring  # noqa: PLC0415 - takes seconds

        return Scoring(self._home, self._champions)

    def _report(self, problem: str | None, fault: Exception | None) -> None:
        """Take note of a problem. A full disk is met at every look, and logged once."""
        if problem is not None and problem != self.problem:
            log.error("%s", problem, exc_info=fault)
        self.problem = problem

    def _is_due(self, scores: HomeScores, mark: tuple[str, ...]) -> bool:
        # A clock that was set back must not keep scores for as long as it was set.
        age = abs(utc_now() - scores.scored_at)
        if scores.mark[:-1] != mark[:-1] or age >= self._refresh:
            return True
        # Events may be posted all the time. Scores are made of them together, not one by one.
        return scores.mark != mark and age >= GATHER

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(self._look_seconds)


def _failure(error: Exception) -> str:
    return f"new scores could not be made ({type(error).__name__}); see the log of the service"


def _log_counts(scores: HomeScores) -> None:
    """Log what is answered from by now."""
    for what, part in (("open leads", scores.leads), ("reps with a quota", scores.reps)):
        if isinstance(part, Unavailable):
            log.info("no %s are scored: %s", what, part.why)
        else:
            rows, moment, version = len(part.table), part.as_of.isoformat(), part.outlook.version
            log.info("%s %s scored as of %s with model %s", rows, what, moment, version)
