"""Everything that the sheets of one company rest on, gathered once as of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from features.errors import NotFoundError
from features.labels.attainment import final_quotas
from features.snapshot import within
from features.storage.warehouse import Warehouse
from serving.store.coaching import CoachingLine
from training.coaching.goals.levels import Ratio, levels
from training.coaching.goals.propose import Goals
from training.coaching.goals.record import SalesRecord, here, named

INSTANT = timedelta(microseconds=1)
EXAMPLES = 5


@dataclass(frozen=True)
class Period:
    """A rep's quota period and what is closed in it.

    Attributes:
        start: its first moment.
        end: exclusive.
        quota: the target; 0 or less is none.
        attained: the amount closed so far.
    """

    start: datetime
    end: datetime
    quota: float
    attained: float

    @property
    def share(self) -> float | None:
        """Return what is closed as a share of the quota; None without a quota."""
        return self.attained / self.quota if self.quota > 0 else None


@dataclass(frozen=True)
class Ground:
    """What was won beside what was to be expected on the same grounds.

    Attributes:
        metric: `conversions`, `wins` or `revenue`.
        actual: what was.
        expected: what the leads dealt, territory, ramp and market let expect.
        residual: the difference.
        low: the lower end of its 80 % interval.
        high: the upper end.
    """

    metric: str
    actual: float
    expected: float
    residual: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Inputs:
    """What other parts of the product have found.

    Attributes:
        causes: the frame of `rep_causes.parquet`.
        grounds: the frame of `equal_grounds.parquet`.
        forecasts: by rep, the forecasts of running periods with their reasons.
        missing: what cannot be told, and why, in sentences.
        log: the lines of the coaching log, the oldest first.
        board: the leaderboard in sentences, where the settings ask for one.
        fairness: what an audit by groups of reps found, in sentences, where it was made.
    """

    causes: pd.DataFrame
    grounds: pd.DataFrame
    forecasts: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    log: tuple[CoachingLine, ...] = ()
    board: tuple[str, ...] = ()
    fairness: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Company:
    """What the sheets of one company rest on.

    Attributes:
        as_of: the moment that all of it is known at.
        inputs: causes, equal grounds, forecasts and the log.
        goals: what happened, and how measures go on.
        levels: how reps qualify and close over a year.
        periods: by rep, the quota period that the moment lies in or has just ended.
    """

    as_of: datetime
    inputs: Inputs
    goals: Goals
    levels: Mapping[str, Mapping[str, Ratio]]
    periods: Mapping[str, Period]

    @classmethod
    def gathered(cls, warehouse: Warehouse, record: SalesRecord, inputs: Inputs) -> Company:
        """Add the goals, levels and periods to what is known.

        Args:
            warehouse: the extract.
            record: what happened until the moment.
            inputs: what other parts have found as of the same moment.
        """
        periods = _periods(warehouse.until(record.as_of), record)
        return cls(record.as_of, inputs, Goals.learned(record), levels(record), periods)

    @property
    def record(self) -> SalesRecord:
        """What happened until the moment."""
        return self.goals.record

    def name(self, rep_id: str) -> str:
        """Return a rep's name, or the id."""
        return named(self.record, rep_id)

    def person(self, rep_id: str) -> Mapping[Any, Any]:
        """Return what the table of reps says of one.

        Raises:
            NotFoundError: nobody has the id.
        """
        return require_rep(self.record, rep_id)

    def present(self) -> list[str]:
        """Return the reps who have not left, by name: an order that ranks nobody."""
        return sorted(here(self.record), key=lambda rep: (self.name(rep), rep))

    def manager_of(self, rep_id: str) -> str | None:
        """Return a rep's manager, if known."""
        manager = self.person(rep_id)["manager_id"]
        return manager if isinstance(manager, str) else None

    def grounds_of(self, rep_id: str) -> tuple[Ground, ...]:
        """Return what a rep won beside what was to be expected."""
        frame = self.inputs.grounds
        rows = frame[frame["rep_id"] == rep_id].to_dict("records")
        names = ("actual", "expected", "residual", "low", "high")
        return tuple(
            Ground(str(row["metric"]), *(float(row[name]) for name in names)) for row in rows
        )

    def log_of(self, rep_id: str) -> tuple[CoachingLine, ...]:
        """Return the lines of the log about a rep, the oldest first."""
        return tuple(line for line in self.inputs.log if line.rep_id == rep_id)

    def expected_share(self, rep_id: str) -> float | None:
        """Return the attainment to be expected: the forecast's middle, or what the period had.

        None where there is no quota, no forecast, or one whose range may not be told.
        """
        period, forecast = self.periods.get(rep_id), self.forecast_of(rep_id)
        if period is None or period.share is None:
            return None
        if self.as_of == period.end:
            return period.share
        if forecast is None or forecast["range_withheld"] is not None:
            return None
        return float(forecast["attainment_p50"])

    def forecast_of(self, rep_id: str) -> dict[str, Any] | None:
        """Return the forecast of the period that the sheet is about; None without one."""
        period = self.periods.get(rep_id)
        rows = self.inputs.forecasts.get(rep_id, [])
        own = [row for row in rows if period and row["period_start"] == period.start]
        return own[0] if own else None


def require_rep(record: SalesRecord, rep_id: str) -> dict[Any, Any]:
    """Return what the table of reps says of one.

    Raises:
        NotFoundError: nobody has the id.
    """
    rows = record.people[record.people["rep_id"] == rep_id]
    if rows.empty:
        some = ", ".join(sorted(here(record))[:EXAMPLES]) or "none"
        raise NotFoundError(
            f"no rep has the id {rep_id!r} as of {record.as_of:%Y-%m-%d}; "
            f"known reps are, for example: {some}"
        )
    return rows.iloc[0].to_dict()


def _periods(past: Warehouse, record: SalesRecord) -> dict[str, Period]:
    """Return each rep's period with start < moment <= end; of several the one that began last."""
    quotas = final_quotas(past)
    moment = pd.Timestamp(record.as_of - INSTANT)
    quotas = quotas[within(moment, quotas["period_start"], quotas["period_end"])]
    won = record.endings[record.endings["won"] == 1]
    periods = {}
    for row in quotas.sort_values("period_start").to_dict("records"):
        own = won[won["rep_id"] == row["rep_id"]]
        start, end = row["period_start"].to_pydatetime(), row["period_end"].to_pydatetime()
        attained = float(np.nansum(own.loc[within(own["at"], start, end), "amount"]))
        periods[str(row["rep_id"])] = Period(start, end, float(row["amount"]), attained)
    return periods
