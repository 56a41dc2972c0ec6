"""What the service answers from: everything one look at a home found, as frozen values.

Forecasts of a kind are there (`LeadScores`, `RepScores`) or they are not (`Unavailable`, with the
reason).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from serving.home.lead_outlook import LeadOutlook
    from serving.home.live import LiveData
    from serving.home.rep_outlook import QuotaOutlook, Spans


@dataclass(frozen=True)
class Unavailable:
    """Forecasts of one kind that cannot be made.

    Attributes:
        why: the reason, in words for whoever asks for them.
        fault: the unexpected error behind it; None where data or a model are not there yet.
    """

    why: str
    fault: Exception | None = None


@dataclass(frozen=True, eq=False)
class LeadScores:
    """Scores of the open leads as of a moment.

    Attributes:
        outlook: the warehouse and the model.
        as_of: the moment.
        table: every open lead, ranked.
        reps: every rep the warehouse knows.
        live: the data with the posted events; None where there is only the extract.
    """

    outlook: LeadOutlook
    as_of: datetime
    table: pd.DataFrame
    reps: frozenset[str]
    live: LiveData | None = None

    @classmethod
    def of(cls, outlook: LeadOutlook, live: LiveData | None = None) -> LeadScores:
        """Score as of the end of the data."""
        moment = outlook.moment()
        return cls(outlook, moment, outlook.score(moment), outlook.reps(), live)

    def at(self, moment: datetime) -> LeadScores:
        """Score as of another moment."""
        return replace(self, as_of=moment, table=self.outlook_at(moment).score(moment))

    def outlook_at(self, moment: datetime) -> LeadOutlook:
        """Return the outlook with the events that had arrived before a moment."""
        if self.live is None:
            return self.outlook
        return replace(self.outlook, warehouse=self.live.at(moment))


@dataclass(frozen=True, eq=False)
class RepScores:
    """Forecasts of the reps with a running quota as of a moment.

    Attributes:
        outlook: the warehouse and the model.
        as_of: the moment.
        table: every rep with a running quota, the least likely to make it first.
        teams: the same added up to managers, territories and the company.
        reps: every rep the warehouse knows, with when the rep's quotas run.
        managers: every manager the warehouse knows.
        live: the data with the posted events; None where there is only the extract.
    """

    outlook: QuotaOutlook
    as_of: datetime
    table: pd.DataFrame
    teams: pd.DataFrame
    reps: Spans
    managers: frozenset[str]
    live: LiveData | None = None

    @classmethod
    def of(cls, outlook: QuotaOutlook, live: LiveData | None = None) -> RepScores:
        """Forecast as of the end of the data."""
        moment = outlook.moment()
        reps, managers = outlook.reps(), outlook.managers()
        return cls(outlook, moment, *outlook.tables(moment), reps, managers, live)

    def at(self, moment: datetime) -> RepScores:
        """Forecast as of another moment."""
        table, teams = self.outlook_at(moment).tables(moment)
        return replace(self, as_of=moment, table=table, teams=teams)

    def outlook_at(self, moment: datetime) -> QuotaOutlook:
        """Return the outlook with the events that had arrived before a moment."""
        if self.live is None:
            return self.outlook
        return replace(self.outlook, warehouse=self.live.at(moment))


@dataclass(frozen=True, eq=False)
class HomeScores:
    """All scores of one home, made in one look.

    Attributes:
        leads: scores of the open leads, or why there are none.
        reps: forecasts of the reps with a quota, or why there are none.
        data_until: the end of the data behind both.
        scored_at: when they were made, UTC.
        mark: the warehouse and the champions they were made from.
    """

    leads: LeadScores | Unavailable
    reps: RepScores | Unavailable
    data_until: datetime
    scored_at: datetime
    mark: tuple[str, ...]

    @property
    def kinds(self) -> list[str]:
        """Names of the kinds of forecasts that are available."""
        by_kind = {"leads": self.leads, "quota": self.reps}
        return [kind for kind, part in by_kind.items() if not isinstance(part, Unavailable)]

    @property
    def unavailable(self) -> list[Unavailable]:
        """The kinds of forecasts that are not available, with the reasons."""
        return [part for part in (self.leads, self.reps) if isinstance(part, Unavailable)]

    @property
    def problem(self) -> str | None:
        """What failed unexpectedly, in words; None if nothing did."""
        return next((part.why for part in self.unavailable if part.fault), None)

    @property
    def fault(self) -> Exception | None:
        """The error behind the problem."""
        return next((part.fault for part in self.unavailable if part.fault), None)
