"""The newest facts of a home, worked out by one thread in the background and replaced whole."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import InTheMaking, NotReady, PacesetterError
from serving.home.cache import ScoreCache
from serving.pages.facts import Coaching, Facts
from serving.settings import Settings
from serving.store.actions import Act
from serving.store.database import Store

if TYPE_CHECKING:
    from serving.home.home import Home
    from serving.home.today import WorkDesk

LOOK_SECONDS = 2.0
FREES = frozenset({Act.SNOOZE, Act.WRONG})
"""After these a lead's place on the list of the day goes to another one."""

log = logging.getLogger("pacesetter.pages")


@dataclass(eq=False)
class Desk:
    """What the pages answer from.

    Attributes:
        home: the folder.
        settings: of the product.
        scores: the current scores; they tell when facts are out of date.
        problem: why newer facts could not be worked out; None if all is well.
    """

    home: Path
    settings: Settings
    scores: ScoreCache
    problem: str | None = None
    _facts: Facts | None = None
    _coaching: Coaching | None = None
    _changing: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def work(self) -> WorkDesk:
        """Where lists are kept, and what people say of them."""
        from serving.home.today import WorkDesk  # noqa: PLC0415 - takes seconds

        return WorkDesk(self.home, self.settings)

    @property
    def store(self) -> Store:
        """The store of this home, or the one its company shares."""
        from serving.home.today import store_of  # noqa: PLC0415 - takes seconds

        return store_of(self.home, self.settings)

    def start(self) -> None:
        """Begin to work out facts, in the background."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """Stop; facts in the making are waited for no longer than `patience` seconds."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience)

    def facts(self) -> Facts:
        """Return the newest facts.

        Raises:
            NotReady: there are none yet; says why.
        """
        if self._facts is None:
            raise NotReady(self.problem or "the pages are being made ready; this takes a minute")
        return self._facts

    def coaching(self) -> Coaching:
        """Return what sheets rest on: the newest there is; its company says as of when.

        Raises:
            InTheMaking: the first is being worked out.
            NotReady: it cannot be; says why.
        """
        if self._coaching is None:
            if self.problem is not None:
                raise NotReady(self.problem)
            raise InTheMaking("the sheets are being worked out; ask again in half a minute")
        return self._coaching

    def refill(self, leads: Collection[str], by: str) -> None:
        """Put others on the lists of the day in the place of leads that have left them.

        Args:
            leads: those that were snoozed or called wrong; none of them costs nothing.
            by: who said so.

        Raises:
            NotReady: there are no scores of leads.
        """
        if not leads:
            return
        from serving.pages.gather import by_rep  # noqa: PLC0415 - takes seconds

        scores, work = self.scores.leads(), self.work
        with self.scores.engine():
            handout = work.handout(scores.outlook.warehouse, scores.table)
            added = handout.refill(work.lists, by, leads)
        if added:
            lists = by_rep(work.lists.of_day(handout.day))
            with self._changing:
                facts = self._facts
                if facts is not None and not isinstance(facts.leads, str):
                    self._facts = replace(facts, leads=replace(facts.leads, lists=lists))

    def look(self) -> None:
        """Work out new facts if the scores have changed; called by one thread only."""
        try:
            scores = self.scores.current(patience=0)
        except NotReady:
            # None while the first scores are being computed: that is no problem.
            self.problem = self.scores.problem
            return
        try:
            if self._facts is not None and self._facts.made_at >= scores.scored_at:
                return
            self._work_out()
        except PacesetterError as error:
            self.problem = str(error)
        except Exception as error:
            # The thread must outlive any bug; the newest facts that could be made still answer.
            self.problem = f"the pages could not be made ({type(error).__name__}); see the log"
            log.exception("the pages could not be made")

    def _work_out(self) -> None:
        from serving.pages.gather import coaching_of, quick_facts  # noqa: PLC0415 - takes seconds

        scores, home = self.scores.current(patience=0), self._home()
        facts = quick_facts(home, scores)
        before = self._facts
        if before is not None and before.mark[:-1] == facts.mark[:-1]:
            # The same warehouse and champions: sheets still hold, and take longest to make.
            facts = replace(facts, coaching=before.coaching)
        self._facts, self.problem = facts, None
        if facts.coaching is None and not self._stopping.is_set():
            self._coaching = coaching_of(home, facts)
            with self._changing:
                self._facts = replace(self._facts, coaching=self._coaching)
        log.info("pages are up to date as of %s", facts.data_until.isoformat())

    def _home(self) -> Home:
        from serving.home.home import Home  # noqa: PLC0415 - the models' libraries take seconds

        return Home(self.home, self.settings)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(LOOK_SECONDS)
