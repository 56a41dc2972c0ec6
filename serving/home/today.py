"""The work list of a home, with what people have said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from features.clock import utc_now
from serving.home.overlay import overlaid
from serving.settings import Settings
from serving.store.actions import ActionLog
from serving.store.database import Store
from serving.store.worklist import WorklistLog
from serving.worklist.handout import Handout
from serving.worklist.marks import BusinessDay, Marks, marks_of

if TYPE_CHECKING:
    import pandas as pd

    from features.storage.warehouse import Warehouse


def store_of(place: Path, settings: Settings) -> Store:
    """Return the store of a home, or the one that its company shares."""
    shared = settings.serving.database.shared
    return Store(place, None if shared is None else shared.store)


@dataclass(frozen=True)
class WorkDesk:
    """Where the work list of a home is made, and where people say what became of it.

    Attributes:
        place: the home's folder.
        settings: of the product.
    """

    place: Path
    settings: Settings

    @property
    def lists(self) -> WorklistLog:
        """The lists that were handed out."""
        return WorklistLog(store_of(self.place, self.settings))

    @property
    def actions(self) -> ActionLog:
        """What people did with them."""
        return ActionLog(store_of(self.place, self.settings))

    def today(self, as_of: datetime) -> BusinessDay:
        """Return today by the business's calendar; the data's last day, if they are old."""
        return BusinessDay.of_data(as_of, utc_now(), self.settings.features.timezone)

    def marks(self, today: BusinessDay, seen_by: datetime | None = None) -> Marks:
        """Return what people have said.

        Args:
            today: the day of the lists.
            seen_by: actions that came at this moment or later do not count, if it is given.
        """
        actions = [row for row in self.actions.all() if seen_by is None or row.at < seen_by]
        wrong_days = self.settings.serving.worklist.wrong_days
        return marks_of(actions, self.actions.absences(), today, wrong_days)

    def handout(
        self, warehouse: Warehouse, scores: pd.DataFrame, as_of: datetime | None = None
    ) -> Handout:
        """Lay the lists of a day out.

        Args:
            warehouse: the history.
            scores: the rows of `lead_scores.parquet`.
            as_of: a moment of the past to look at; None is today.
        """
        features, calls = self.settings.features, self.settings.training.calls
        params = overlaid(self.settings, self.lists.store).serving.worklist
        plain = Handout(warehouse, scores, features, params, calls)
        if as_of is not None:
            day = BusinessDay.at(as_of, features.timezone)
            return replace(plain, marks=self.marks(day, seen_by=as_of), today=day.day)
        if scores.empty:
            return plain
        today = self.today(scores["as_of"].iloc[0].to_pydatetime())
        now = BusinessDay(utc_now(), today.day, today.zone)
        return replace(plain, marks=self.marks(now), today=today.day)
