"""What the endpoints beside the forecasts answer from: scores, the store, and who is asking."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from serving.access.people import Person, Role
from serving.access.rights import ManagerTree, Needs, may
from serving.api.failures import NotAllowed
from serving.home.cache import ScoreCache
from serving.home.today import WorkDesk
from serving.pages.desk import Desk
from serving.store.coaching import CoachingLog

if TYPE_CHECKING:
    from serving.coaching.sheet import Sheet
    from serving.home.home import Home
    from serving.home.live import LiveData
    from serving.home.scored import RepScores
    from training.quota.what_if import WhatIf

MOST_ANSWERS = 32
"""Answers to questions beside the scores that are kept."""
R = TypeVar("R")


@dataclass(frozen=True)
class Asker:
    """Somebody who was let in, and whose data they may see.

    Attributes:
        person: who.
        tree: who manages whom.
        owners: each lead's owner; None for one without.
    """

    person: Person
    tree: ManagerTree
    owners: Mapping[str, str | None]

    @property
    def name(self) -> str:
        """What logs call the person."""
        return self.person.name

    @property
    def is_admin(self) -> bool:
        """Whether everything may be seen."""
        return self.person.role is Role.ADMIN

    def sees(self, rep_id: str | None) -> bool:
        """Tell whether somebody's data may be seen; None: what belongs to nobody.

        What belongs to nobody is for those who hand it out: managers and admins.
        """
        if rep_id is None:
            return self.person.role in {Role.MANAGER, Role.ADMIN}
        return may(self.person, Needs.OWN_REP, rep_id, self.tree)

    def visible(self, reps: Iterable[str]) -> frozenset[str]:
        """Return those of some reps whose data may be seen."""
        return frozenset(rep for rep in reps if self.sees(rep))

    def require(self, rep_id: str | None) -> None:
        """Refuse to go on about somebody else.

        Raises:
            NotAllowed: the rep is neither the asker nor below them.
        """
        if not self.sees(rep_id):
            whose = "leads without an owner" if rep_id is None else f"rep {rep_id!r}"
            raise NotAllowed(
                f"{whose} may be seen by managers above and by an admin; ask about yourself or "
                "your team"
            )


@dataclass(frozen=True)
class Office:
    """What answers are made from.

    Attributes:
        scores: the current scores.
        desk: the work list and what people said about it.
        facts: what the 1:1 sheets rest on, among others.
    """

    scores: ScoreCache
    desk: WorkDesk
    facts: Desk

    @classmethod
    def of(cls, facts: Desk) -> Office:
        """Return the office of one home; it reads nothing before somebody asks."""
        return cls(facts.scores, facts.work, facts)

    @cached_property
    def home(self) -> Home:
        """The home, opened when it is first asked for: its libraries take seconds to load."""
        from serving.home.home import Home  # noqa: PLC0415 - takes seconds

        return Home(self.desk.place, self.desk.settings)

    @cached_property
    def data(self) -> LiveDesk:
        """The data with the posted events, for questions beside the scores."""
        return LiveDesk(self)

    @property
    def coaching(self) -> CoachingLog:
        """What was agreed, noted and contested."""
        return CoachingLog(self.facts.store)

    def sheet(self, rep_id: str) -> Sheet:
        """Return a rep's 1:1 sheet, with what was agreed and contested by now.

        Raises:
            NotFoundError: nobody has the id.
            InTheMaking: the first sheets are being worked out.
            NotReady: they cannot be; says why.
        """
        return self.facts.coaching().sheet(rep_id, self.coaching.lines(rep_id))

    @cached_property
    def what_if(self) -> WhatIfDesk:
        """What forecasts of reps are drawn from."""
        return WhatIfDesk(self.scores)


class WhatIfDesk:
    """What futures of reps are drawn from, made once for each scoring.

    Args:
        scores: the current ones.
    """

    def __init__(self, scores: ScoreCache) -> None:
        """Hold nothing yet."""
        self._scores = scores
        self._lock = threading.Lock()
        self._held: tuple[RepScores, WhatIf] | None = None

    def of(self, scores: RepScores) -> WhatIf:
        """Return what the futures of some forecasts were drawn from."""
        from training.quota.what_if import WhatIf  # noqa: PLC0415 - takes seconds

        with self._lock:
            if self._held is None or self._held[0] is not scores:
                outlook = scores.outlook
                with self._scores.engine():
                    made = WhatIf.at(outlook.warehouse, outlook.bundle, scores.as_of)
                self._held = scores, made
            return self._held[1]


class LiveDesk:
    """The data with the posted events, opened once for each change of them.

    It is another connection than that of the scores: a question that takes seconds holds up nobody
    but the next one of its kind.

    Args:
        office: whose.
    """

    def __init__(self, office: Office) -> None:
        """Open nothing yet."""
        self._office = office
        self._lock = threading.Lock()
        self._held: tuple[tuple[str, ...], LiveData] | None = None
        self._answers: OrderedDict[object, Any] = OrderedDict()

    @contextmanager
    def open(self) -> Iterator[LiveData]:
        """Yield the data, to one question at a time."""
        mark = self._office.home.data_mark()
        with self._lock:
            if self._held is None or self._held[0] != mark:
                self._held = mark, self._office.home.live()
                self._answers.clear()
            yield self._held[1]

    def once(self, key: object, make: Callable[[LiveData], R]) -> R:
        """Return an answer, made once for as long as the data stay; the last few are kept."""
        with self.open() as live:
            if key not in self._answers:
                self._answers[key] = make(live)
            self._answers.move_to_end(key)
            while len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
            kept: R = self._answers[key]
            return kept
