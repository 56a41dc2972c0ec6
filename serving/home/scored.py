"""What the service answers from: everything one look at a home found, as frozen values.

Forecasts of a kind are there (`LeadScores`, `RepScores`) or they are not (`Unavailable`, with the
reason).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from serving.home.lead_outlook import LeadOutlook
    from serving.home.live import LiveData
    from serving.home.rep_outlook import QuotaOutlook, Spans
    from serving.store.trend import Trend


@dataclass(frozen=True)
class Unavailable:
    """Forecasts of one kind that cannot be made.

    Attributes:
        why: the reason, in words for whoever asks for them.
        fault: the unexpected error behind it; None where data or a model are not there yet.
    """

    why: str
    fault: Exception | None = None


@dataclass(frozen=True)
class Staleness:
    """What is older than it should be, in sentences; None where nothing is.

    Attributes:
        model: why another model than the champion answers.
        data: that the data end long ago, or that the clock is behind them.
    """

    model: str | None = None
    data: str | None = None

    @property
    def sentences(self) -> list[str]:
        """All that is stale."""
        return [says for says in (self.model, self.data) if says is not None]


@dataclass(frozen=True, eq=False)
class LeadScores:
    """Scores of the open leads as of a moment.

    Attributes:
        outlook: the warehouse and the model.
        as_of: the moment.
        table: every open lead, ranked.
        reps: every rep the warehouse knows.
        trends: how leads' scores have moved, as far as earlier ones are kept.
        stale: what is older than it should be.
        live: the data with the posted events; None where there is only the extract.
    """

    outlook: LeadOutlook
    as_of: datetime
    table: pd.DataFrame
    reps: frozenset[str]
    trends: Mapping[str, tuple[Trend, ...]] = field(default_factory=dict)
    stale: Staleness = Staleness()
    live: LiveData | None = None

    @classmethod
    def of(
        cls, outlook: LeadOutlook, table: pd.DataFrame, trends: Mapping[str, tuple[Trend, ...]]
    ) -> LeadScores:
        """Take scores as of the end of the data."""
        return cls(outlook, outlook.moment(), table, outlook.reps(), trends)

    def at(self, moment: datetime) -> LeadScores:
        """Score as of another moment."""
        table = self.outlook_at(moment).score(moment)
        return replace(
            self, as_of=moment, table=table, trends={}, stale=replace(self.stale, data=None)
        )

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
        stale: what is older than it should be.
        live: the data with the posted events; None where there is only the extract.
    """

    outlook: QuotaOutlook
    as_of: datetime
    table: pd.DataFrame
    teams: pd.DataFrame
    reps: Spans
    managers: frozenset[str]
    stale: Staleness = Staleness()
    live: LiveData | None = None

    @classmethod
    def of(cls, outlook: QuotaOutlook, table: pd.DataFrame, teams: pd.DataFrame) -> RepScores:
        """Take forecasts as of the end of the data."""
        return cls(outlook, outlook.moment(), table, teams, outlook.reps(), outlook.managers())

    def at(self, moment: datetime) -> RepScores:
        """Forecast as of another moment."""
        table, teams = self.outlook_at(moment).tables(moment)
        stale = replace(self.stale, data=None)
        return replace(self, as_of=moment, table=table, teams=teams, stale=stale)

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
        unkept: why the store does not hold them; None if it does.
    """

    leads: LeadScores | Unavailable
    reps: RepScores | Unavailable
    data_until: datetime
    scored_at: datetime
    mark: tuple[str, ...]
    unkept: str | None = None

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
        return next((part.why for part in self.unavailable if part.fault), self.unkept)

    @property
    def stale(self) -> list[str]:
        """What is older than it should be, each said once."""
        parts = [part for part in (self.leads, self.reps) if not isinstance(part, Unavailable)]
        return list(dict.fromkeys(says for part in parts for says in part.stale.sentences))

    @property
    def fault(self) -> Exception | None:
        """The error behind the problem."""
        return next((part.fault for part in self.unavailable if part.fault), None)
