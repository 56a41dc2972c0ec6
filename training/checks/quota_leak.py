"""Quotas that know the outcome, and what a forecast is worth without them.

An honest quota is set beforehand: it follows what reps sold before, and does not know how this
period differs. Quotas that move with the period's own bookings were made from them, afterwards.
Then attainment says little about a rep, whatever forecasts it. The forecasts here never look at
the quota, but attainment is bookings over quota, so the quota leaks into what is forecast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.labels.attainment import attained_parts, final_quotas
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.checks.finding import Finding

KNOWS_LEVEL, KNOWS_CHANGE = 0.9, 0.8
"""Correlations that honest quotas do not reach. Over thirteen sample companies of 29 to 315
rep-periods, whose quotas are made from territories and past bookings, the first is at most 0.78 and
the second at most 0.68. The quotas of AdventureWorks, made from the bookings themselves, have 0.99
and 0.96."""
FEWEST = 20
"""Rep-periods with a period before them, without which correlations say nothing."""
SURE = 1.64
"""Standard errors between a correlation and its lower bound (95 %, one-sided)."""
FIRST_DAYS = 0.05
"""Share of the period that linear pacing assumes to be gone at the least."""
EARLY = 0.25
QUOTA, OURS, LINEAR, LAST = "quota", "ours", "linear pacing", "pace of the period before"


@dataclass(frozen=True)
class QuotaTie:
    """How closely quotas follow the bookings of their own period.

    Attributes:
        periods: ended periods of reps with a quota.
        level: correlation of quota and bookings.
        changes: those with a period before.
        change: correlation of how quota and bookings differ, each from the rep's bookings before.
    """

    periods: int
    level: float
    changes: int
    change: float

    @property
    def leaks(self) -> bool:
        """Whether even the lower bounds are more than honest quotas reach."""
        return (
            self.changes >= FEWEST
            and _lower(self.level, self.periods) > KNOWS_LEVEL
            and _lower(self.change, self.changes) > KNOWS_CHANGE
        )

    @property
    def says(self) -> str:
        """The finding, in words."""
        return (
            "quotas look as if made from the bookings of the same period: they leak the outcome "
            f"(correlation {self.level:.2f} over {self.periods} rep-periods, and {self.change:.2f} "
            "of the changes against the period before)"
        )


def rep_periods(warehouse: Warehouse) -> pd.DataFrame:
    """Return every ended period of a rep with a quota above 0.

    Returns:
        `rep_id, period_start, period_end, quota, booked`, and `before`, what the rep booked in the
        period that ended when this one began (empty without one).
    """
    quotas = final_quotas(warehouse)
    quotas = quotas[quotas["amount"] > 0].rename(columns={"amount": "quota"})
    keys = quotas.assign(**{CUTOFF: quotas["period_start"]}).reset_index(drop=True)
    parts = attained_parts(warehouse, keys)
    booked = parts["closed"] + parts["from_open"] + parts["created_later"]
    periods = keys.drop(columns=CUTOFF).assign(booked=booked)
    periods = periods[periods["booked"].notna()]
    earlier = periods[["rep_id", "period_end", "booked"]].rename(
        columns={"period_end": "period_start", "booked": "before"}
    )
    return periods.merge(earlier, on=["rep_id", "period_start"], how="left")


def quota_tie(periods: pd.DataFrame) -> QuotaTie:
    """Measure how closely quotas follow the bookings of their own period."""
    known = periods[(periods["before"] > 0) & (periods["booked"] > 0)]
    change = _correlation(
        np.log((known["quota"] / known["before"]).to_numpy(np.float64)),
        np.log((known["booked"] / known["before"]).to_numpy(np.float64)),
    )
    level = _correlation(periods["quota"].to_numpy(), periods["booked"].to_numpy())
    return QuotaTie(len(periods), level, len(known), change)


def _correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's correlation; 0 of few values, or of values that are all the same."""
    if len(x) < FEWEST or min(np.ptp(x), np.ptp(y)) <= 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])


def _lower(correlation: float, count: int) -> float:
    """Return the lower bound of a correlation over so many pairs (Fisher 1921)."""
    limited = min(correlation, 1 - 1e-9)
    return float(np.tanh(np.arctanh(limited) - SURE / np.sqrt(max(count - 3, 1))))


def quota_leak_findings(warehouse: Warehouse) -> Iterator[Finding]:
    """Warn about quotas that know the outcome."""
    if not {"deals", "quotas"} <= warehouse.present:
        return
    tie = quota_tie(rep_periods(warehouse))
    if tie.leaks:
        says = (
            f"{tie.says}. Chances to attain then say little about reps; ask for the quotas as "
            "they were set before each period. `backtest quota` says what skill remains without "
            "them"
        )
        yield Finding("quotas", "amount", "quota_leak", "warning", says)


def amount_errors(periods: pd.DataFrame, frame: pd.DataFrame) -> Mapping[str, float]:
    """Measure how far forecasts of amounts were off, as a share of all that was booked.

    Args:
        periods: what `rep_periods` returns.
        frame: forecasts of attainment: their keys, `quota`, `closed`, `attainment_p50`.

    Returns:
        One error for each of four forecasts: the quota times the attainment usual before; our
        median, which does not look at the quota; linear pacing; what is closed plus the rep's pace
        of the period before over the rest. Only rows for which all four have a value count; empty
        if there are none.
    """
    keys = ["rep_id", "period_start", "period_end"]
    rows = frame[frame["quota"] > 0].merge(periods[[*keys, "booked", "before"]], on=keys)
    gone = (rows[CUTOFF] - rows["period_start"]) / (rows["period_end"] - rows["period_start"])
    forecasts = pd.DataFrame(
        {
            QUOTA: rows["quota"] * rows[CUTOFF].map(_usual(periods, rows[CUTOFF])),
            OURS: rows["quota"] * rows["attainment_p50"],
            LINEAR: rows["closed"] / gone.clip(lower=FIRST_DAYS),
            LAST: rows["closed"] + rows["before"] * (1 - gone),
        }
    )
    complete = forecasts.notna().all(axis=1)
    booked = rows.loc[complete, "booked"]
    if not booked.abs().sum() > 0:
        return {}
    errors = forecasts[complete].sub(booked, axis=0).abs().sum() / booked.abs().sum()
    return {str(name): float(share) for name, share in errors.items()}


def _usual(periods: pd.DataFrame, cutoffs: pd.Series) -> dict[pd.Timestamp, float]:
    """Return the median attainment of the periods that had ended by each cutoff."""
    ratio = periods["booked"] / periods["quota"]
    return {c: float(ratio[periods["period_end"] <= c].median()) for c in cutoffs.unique()}


def leak_notes(warehouse: Warehouse, frame: pd.DataFrame) -> tuple[str, ...]:
    """Say of a backtest that its quotas leak, and what skill remains without them.

    Args:
        warehouse: the whole history, as outcomes are judged from it.
        frame: the backtest's forecasts.
    """
    periods = rep_periods(warehouse)
    tie = quota_tie(periods)
    if not tie.leaks:
        return ()
    errors = amount_errors(periods, frame)
    if not errors:
        return (f"{tie.says}.",)
    gone = (frame[CUTOFF] - frame["period_start"]) / (frame["period_end"] - frame["period_start"])
    early = amount_errors(periods, frame[gone < EARLY])
    knows = (
        f"{tie.says}. The quota is nearly the answer here: times the attainment usual before, it "
        f"misses the amounts booked by {errors[QUOTA]:.0%}, because it knows them."
    )
    return knows, _remaining_skill(errors, early)


def _remaining_skill(errors: Mapping[str, float], early: Mapping[str, float]) -> str:
    """Compare our forecast with the better of two that do not look at the quota either."""
    best = min((LINEAR, LAST), key=lambda name: errors[name])
    skill = 1 - errors[OURS] / errors[best] if errors[best] > 0 else 0.0
    compared = f"{skill:.0%} less than" if skill > 0 else f"{-skill:.0%} more than"
    says = (
        "What skill remains without it: our forecast of the amounts does not look at the quota "
        f"and misses them by {errors[OURS]:.0%}; {LINEAR} by {errors[LINEAR]:.0%}, the {LAST} by "
        f"{errors[LAST]:.0%}. That is {compared} {best}."
    )
    if early:
        says += (
            f" In the first quarter of the period: {early[OURS]:.0%}, {early[LINEAR]:.0%} and "
            f"{early[LAST]:.0%}."
        )
    return says
