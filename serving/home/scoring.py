"""One look at a home: what can be scored is, and what is wrong with one kind silences no other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from features.clock import utc_now, zulu
from features.errors import InputError, NotReady
from serving.home.champions import ServedChampions, ServedModel
from serving.home.home import Home
from serving.home.kept import KeptScores
from serving.home.lead_outlook import LeadOutlook
from serving.home.live import LiveData
from serving.home.rep_outlook import QuotaOutlook
from serving.home.scored import HomeScores, LeadScores, RepScores, Staleness, Unavailable
from serving.store.scores import ScoreLog
from training.loop.kinds import LEADS, QUOTA

CLOCK_SLACK = timedelta(days=1)
"""Data may end later today; further ahead, the machine's clock is wrong."""


@dataclass(frozen=True)
class Scoring:
    """Makes the scores of one home, or takes them from the store.

    Attributes:
        home: the home.
        champions: the models that answer.
    """

    home: Home
    champions: ServedChampions

    def look(self, mark: tuple[str, ...]) -> HomeScores:
        """Return all scores as of the end of the data.

        Args:
            mark: of the warehouse and the champions.

        Raises:
            NotReady: there are none at all; says why.
        """
        live = self.home.live()
        scored_at = utc_now().replace(microsecond=0)
        unkept: list[str] = []
        leads = self._leads(live, scored_at, unkept)
        reps = self._reps(live, scored_at, unkept)
        if isinstance(leads, Unavailable) and isinstance(reps, Unavailable):
            raise leads.fault or reps.fault or NotReady(f"{leads.why}; {reps.why}")
        why = unkept[0] if unkept else None
        return HomeScores(leads, reps, live.extract.data_until, scored_at, mark, why)

    @cached_property
    def _kept(self) -> KeptScores:
        return KeptScores(ScoreLog(self.home.store), self.home.settings)

    def _leads(self, live: LiveData, now: datetime, unkept: list[str]) -> LeadScores | Unavailable:
        try:
            warehouse = live.at()
            warehouse.require("leads", purpose="scoring leads")
            served = self.champions.now(LEADS.name)
            outlook = LeadOutlook.of(warehouse, served.model, self.home.settings.training)
            table, why = self._kept.leads(outlook)
            trends = {} if why else self._kept.trends(table)
            scores = LeadScores.of(outlook, table, trends)
            _note(why, unkept)
            return replace(scores, stale=self._stale(served, live, now), live=live)
        except Exception as error:  # noqa: BLE001 - kept in the value; logged or raised with it
            return _unavailable("lead scores", error)

    def _reps(self, live: LiveData, now: datetime, unkept: list[str]) -> RepScores | Unavailable:
        try:
            warehouse = live.at()
            QUOTA.require(warehouse, "forecasting")
            served = self.champions.now(QUOTA.name)
            outlook = QuotaOutlook.of(warehouse, served.model)
            table, teams, why = self._kept.reps(outlook)
            scores = RepScores.of(outlook, table, teams)
            _note(why, unkept)
            return replace(scores, stale=self._stale(served, live, now), live=live)
        except Exception as error:  # noqa: BLE001 - kept in the value; logged or raised with it
            return _unavailable("quota forecasts", error)

    def _stale(self, served: ServedModel, live: LiveData, now: datetime) -> Staleness:
        days = self.home.settings.training.monitor.stale_days
        return Staleness(served.stale, stale_data(live.extract.data_until, now, days))


def stale_data(data_until: datetime, now: datetime, stale_days: float) -> str | None:
    """Say that data end long ago, or that the clock is behind them; None where neither holds.

    With 4 days and data up to 10 May:

        clock    says
        13 May   nothing
        20 May   the data end 10 days ago
        1 May    the clock is behind the data

    Args:
        data_until: the end of the data.
        now: what the clock says, naive UTC.
        stale_days: the age from which data are old.
    """
    age = now - data_until
    if age > timedelta(days=stale_days):
        return (
            f"The data end at {zulu(data_until)}, {age.days} days ago: what happened since is not "
            "in this answer. Ingest newer data."
        )
    if age < -CLOCK_SLACK:
        return (
            f"This machine's clock says {zulu(now)}, before the end of the data at "
            f"{zulu(data_until)}: set the clock, or ingest again if the data are wrong."
        )
    return None


def _note(why: str | None, unkept: list[str]) -> None:
    if why is not None:
        unkept.append(f"scores are answered from memory alone, since the store failed: {why}")


def _unavailable(what: str, error: Exception) -> Unavailable:
    """Tell what is simply not there yet from what should have worked."""
    if isinstance(error, InputError | NotReady):
        return Unavailable(str(error))
    name = type(error).__name__
    return Unavailable(f"{what} could not be made ({name}); see the log of the service", error)
