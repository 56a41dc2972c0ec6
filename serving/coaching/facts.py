"""What a cause rests on: the counts behind it, in one sentence that can be checked in the CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np
import pandas as pd

from features.snapshot import within
from serving.coaching.causes import Cause
from serving.coaching.company import Company
from serving.coaching.numbers import amount, count, plural, whole
from training.coaching.goals.levels import YEAR_DAYS, decided_leads, ended_deals
from training.coaching.goals.measures import MEASURES, OF_CAUSE, PROMPT_DAYS, Measure
from training.coaching.goals.record import SalesRecord

DAY = timedelta(days=1)
LEAST_OTHERS = 20


def evidence(company: Company, cause: Cause) -> str:
    """Return the counts behind a cause, in words that depend on the reader (see `voice`).

    Returns:
        One or two sentences; empty where the tables hold nothing to count.
    """
    say = _SENTENCES.get(cause.name)
    return say(company, cause) if say else ""


def _days(company: Company, cause: Cause) -> int:
    """Return how many days of the cause's period have passed."""
    return max(round((company.as_of - cause.period_start) / DAY), 1)


def _in_period(rows: pd.DataFrame, company: Company, cause: Cause) -> pd.DataFrame:
    own = rows[rows["rep_id"] == cause.rep_id]
    return own[within(own["at"], cause.period_start, company.as_of)]


def _qualifying(company: Company, cause: Cause) -> str:
    rows = _in_period(decided_leads(company.record), company, cause)
    if rows.empty:
        return ""
    return (
        f"{plural(int(rows['won'].sum()), 'lead')} of {len(rows):,} decided in the period became "
        f"{'a deal' if rows['won'].sum() == 1 else 'deals'}; at the company's rates for the same "
        f"sources and territory it is about {count(rows['chance'].sum())}."
    )


def _closing(company: Company, cause: Cause) -> str:
    rows = _in_period(ended_deals(company.record), company, cause)
    if rows.empty:
        return ""
    return (
        f"{{You}} won {int(rows['won'].sum())} of the {plural(len(rows), 'deal')} that ended in "
        f"the period; at the company's rates for deals of these sizes it is about "
        f"{count(rows['chance'].sum())}."
    )


def _now_and_before(company: Company, cause: Cause, measure: Measure) -> tuple[float, int, float]:
    """Return a value in the period, its count, and the middle of the rep's own past; or NaN."""
    rows = measure.values(company.record, company.as_of, _days(company, cause))
    own = rows[rows["rep_id"] == cause.rep_id]
    past = company.goals.of[measure.name].own_past
    before = past.loc[past["rep_id"] == cause.rep_id, "value"]
    if own.empty:
        return np.nan, 0, np.nan
    middle = float(before.median()) if len(before) else np.nan
    return float(own["value"].iloc[0]), int(own["count"].iloc[0]), middle


def _volume(company: Company, cause: Cause) -> str:
    now, _, before = _now_and_before(company, cause, MEASURES["touches"])
    if np.isnan(now):
        return "Nothing is logged in the period."
    usual = "" if np.isnan(before) else f"; before that it was usually {before:.0f}"
    return f"{{You}} logged {now:.0f} calls, e-mails and meetings a week in the period{usual}."


def _follow_up(company: Company, cause: Cause) -> str:
    now, number, before = _now_and_before(company, cause, MEASURES["promptness"])
    if np.isnan(now):
        return ""
    usual = "" if np.isnan(before) else f"; before that it was usually {whole(before)}"
    return (
        f"{whole(now)} of {plural(number, 'new lead')} had a logged touch within {PROMPT_DAYS} "
        f"days{usual}."
    )


def _deal_size(company: Company, cause: Cause) -> str:
    rows = company.record.endings
    rows = rows[(rows["won"] == 1) & (rows["amount"] > 0)]
    rows = rows[within(rows["at"], cause.period_start, company.as_of)]
    is_own = rows["rep_id"] == cause.rep_id
    if not is_own.any() or (~is_own).sum() < LEAST_OTHERS:
        return ""
    own, others = rows.loc[is_own, "amount"], rows.loc[~is_own, "amount"]
    return (
        f"{plural(len(own), 'deal')} won in the period, the middle one {amount(own.median())}; "
        f"for colleagues the middle one of {len(others):,} was {amount(others.median())}."
    )


def _internal_delay(company: Company, cause: Cause) -> str:
    """Set the deals that came out of waiting against the company's usual pace.

    Deal-days of waiting are added up over all deals, whatever became of them. At the usual pace of
    r exits a deal-day, D deal-days let expect r x D exits:

        colleagues: 300 exits in 3,000 deal-days, r = 0.1
        own: 172 deal-days    17 exits expected, 4 seen
    """
    start, end = cause.period_start, company.as_of
    own_left, own_days = _waited(company.record, cause.rep_id, start, end, own=True)
    year = end - timedelta(days=YEAR_DAYS)
    left, days = _waited(company.record, cause.rep_id, year, end, own=False)
    if not own_days or not days or left < LEAST_OTHERS:
        return ""
    usual = left / days * own_days
    return (
        f"{plural(own_left, 'deal')} came out of waiting in {own_days:,.0f} deal-days; at the "
        f"company's usual pace it is about {count(usual)}."
    )


def _waited(
    record: SalesRecord, rep_id: str, start: datetime, end: datetime, *, own: bool
) -> tuple[int, float]:
    """Count stays that ended in a window, and add up the days of all stays that lie within it."""
    rows = record.waits
    rows = rows[(rows["rep_id"] == rep_id) == own]
    left = rows["left_at"].fillna(pd.Timestamp(record.as_of))
    inside = left.clip(upper=end) - rows["at"].clip(lower=start)
    days = inside.dt.total_seconds().clip(lower=0).sum() / DAY.total_seconds()
    return int(within(rows["left_at"], start, end).sum()), float(days)


def _territory(company: Company, cause: Cause) -> str:
    territory = company.person(cause.rep_id)["territory"]
    rows = decided_leads(company.record)
    of_rep = company.record.people.set_index("rep_id")["territory"]
    is_here = rows["rep_id"].map(of_rep) == territory
    if not isinstance(territory, str) or is_here.sum() < LEAST_OTHERS or is_here.all():
        return ""
    people = rows.loc[is_here, "rep_id"].nunique()
    worked = f"for all {people} reps who worked it" if people > 1 else "nobody else worked it"
    return (
        f"In {territory}, {whole(rows.loc[is_here, 'won'].mean())} of "
        f"{plural(int(is_here.sum()), 'lead')} became deals over the last year ({worked}); "
        f"elsewhere {whole(rows.loc[~is_here, 'won'].mean())}."
    )


def _lead_mix(company: Company, cause: Cause) -> str:
    arrivals, decided = company.record.arrivals, decided_leads(company.record)
    rates = decided.groupby("source")["won"].mean()
    rows = arrivals[within(arrivals["at"], cause.period_start, company.as_of)]
    chance = rows["source"].map(rates)
    own = chance[rows["rep_id"] == cause.rep_id].dropna()
    if own.empty:
        return ""
    return (
        f"{plural(len(own), 'lead')} reached {{you}} in the period. At the company's rates by "
        f"source, {own.mean():.1%} of such leads become deals; of all leads dealt, "
        f"{chance.mean():.1%}."
    ).replace("%", " %")


def _ramp(company: Company, cause: Cause) -> str:
    hired = company.person(cause.rep_id)["hired_at"]
    if pd.isna(hired):
        return ""
    weeks = int((company.as_of - hired.to_pydatetime()) / DAY // 7)
    return f"{{You}} joined on {hired:%Y-%m-%d}, {plural(weeks, 'week')} before this sheet."


def _quota(company: Company, cause: Cause) -> str:
    period = company.periods.get(cause.rep_id)
    if period is None or period.quota <= 0:
        return ""
    others = [
        p.quota for rep, p in company.periods.items() if rep != cause.rep_id and p.quota > 0
    ]
    beside = f" The middle one of {len(others)} colleagues is {amount(np.median(others))}."
    return f"The quota is {amount(period.quota)}.{beside if len(others) > 1 else ''}"


_SENTENCES: Mapping[str, Callable[[Company, Cause], str]] = MappingProxyType(
    {
        "qualifying": _qualifying,
        "closing": _closing,
        "volume": _volume,
        "follow_up": _follow_up,
        "deal_size": _deal_size,
        "internal_delay": _internal_delay,
        "territory": _territory,
        "lead_mix": _lead_mix,
        "ramp": _ramp,
        "quota": _quota,
    }
)


def measure_of(cause: Cause) -> Measure | None:
    """Return the measure that belongs to a cause; None where there is none."""
    return OF_CAUSE.get(cause.name)
