"""What reps did before: earlier quota periods, and the leads they were given."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, filled
from features.feature import DAY_US
from features.history.values import thousandths
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT, quotas_at, versions_at, within

SECOND_US = 1_000_000
BILLION = 1_000_000_000
UNHEARD = 1000.0
"""Attainments further from 0 are cut off: sums of whole numbers could not hold them."""


def past_periods(reps: ir.Table, quotas: ir.Table, deals: ir.Table) -> ir.Table:
    """Sum up the periods of each rep that ended by its cutoff, as the cutoff sees them.

    Args:
        reps: `snapshot, cutoff, rep_id, period_start, period_end` of reps in a running period.
        quotas: the quotas table.
        deals: what `deal_spells` gives.

    Returns:
        One row for each rep: `snapshot, past_periods`; the sums `past_quota, past_amount` and
        `past_early` (thousandths), early being the share of a period that has passed of the running
        one; `past_ratio, past_early_ratio` (sums of billionths of the quota) and `last_ratio,
        last_early_ratio`, empty where there is no earlier period. Quotas of 0 or less do not count.
    """
    cutoffs = reps.select(CUTOFF).distinct()
    ended = quotas_at(quotas, cutoffs, ended=True)
    ended = ended.filter(ended.quota > 0)
    ended = ended.select(
        CUTOFF, same=ended.rep_id, start=ended.period_start, end=ended.period_end, past=ended.quota
    )
    joined = reps.inner_join(ended, [reps.rep_id == ended.same, CUTOFF])
    # Whole seconds: the product of two spans in microseconds would not fit.
    span, running, gone = (
        later.delta(earlier, unit="microsecond") // SECOND_US
        for later, earlier in (
            (joined.end, joined.start),
            (joined.period_end, joined.period_start),
            (joined[CUTOFF], joined.period_start),
        )
    )
    periods = joined.select(
        SNAPSHOT, "start", "end", "past", early_s=span * gone // running.nullif(0)
    )
    won = versions_at(reps, deals.filter(deals.won == 1), "rep_id")
    won = won.select(own=won[SNAPSHOT], closed_at=won.closed_at, worth=won.thousandths.fill_null(0))
    met = periods.left_join(
        won, [periods[SNAPSHOT] == won.own, within(won.closed_at, periods.start, periods.end)]
    )
    after_s = met.closed_at.delta(met.start, unit="microsecond") // SECOND_US
    each = met.group_by(SNAPSHOT, "start", "end", "past").aggregate(
        amount=met.worth.sum().fill_null(0).cast("int64"),
        early=met.worth.sum(where=after_s < met.early_s).fill_null(0).cast("int64"),
    )
    each = each.mutate(
        ratio=_billionths(each.amount, each.past), early_ratio=_billionths(each.early, each.past)
    )
    newest = ibis.window(group_by=each[SNAPSHOT], order_by=[each.start.desc(), each.end.desc()])
    each = each.mutate(place=ibis.row_number().over(newest))
    is_last = each.place == 0
    sums: dict[str, ir.Value] = {
        "past_periods": each.count(),
        "past_quota": thousandths(each.past).sum(),
        "past_amount": each.amount.sum(),
        "past_early": each.early.sum(),
        "past_ratio": each.ratio.sum(),
        "past_early_ratio": each.early_ratio.sum(),
    }
    last = {
        "last_ratio": each.ratio.max(where=is_last),
        "last_early_ratio": each.early_ratio.max(where=is_last),
    }
    told = each.group_by(SNAPSHOT).aggregate(**sums, **last)
    return (
        filled(reps, told, sums)
        .left_join(
            told.select(own=told[SNAPSHOT], **{n: told[n].cast("float64") / BILLION for n in last}),
            [(SNAPSHOT, "own")],
        )
        .drop("own")
    )


def _billionths(amount: ir.IntegerValue, quota: ir.FloatingValue) -> ir.IntegerValue:
    """Give a ratio as a whole number, so that sums come out alike in any order."""
    ratio = amount.cast("float64") / 1000 / quota
    return (ratio.clip(-UNHEARD, UNHEARD) * BILLION).round().cast("int64")


def lead_book(reps: ir.Table, leads: ir.Table, key: str | None, params: FeatureParams) -> ir.Table:
    """Sum up the leads that each rep owns, as its cutoff sees them.

    Args:
        reps: `snapshot, cutoff` and the column `key`.
        leads: what `lead_spells` gives.
        key: the column that holds the owner.
        params: how far back outcomes count.

    Returns:
        One row for each rep: `snapshot, open_leads, leads_30d, conversions_30d` ...,
        `leads_won, leads_ended` of the window in which records are taken.
    """
    seen = versions_at(reps, leads, key)
    ended_us = seen[CUTOFF].delta(seen.ended_at, unit="microsecond")
    created_us = seen[CUTOFF].delta(seen.created_at, unit="microsecond")
    recent = (seen.ended == 1) & (ended_us <= params.owner_window_days * DAY_US)
    sums: dict[str, ir.Value] = {
        "open_leads": (1 - seen.ended).sum(),
        "leads_won": seen.won.sum(where=recent),
        "leads_ended": seen.ended.sum(where=recent),
    }
    for days in FLOW_DAYS:
        lately = (seen.ended == 1) & (ended_us <= days * DAY_US)
        sums[f"leads_{days}d"] = seen.count(where=created_us <= days * DAY_US)
        sums[f"conversions_{days}d"] = seen.won.sum(where=lately)
    return filled(reps, seen.group_by(SNAPSHOT).aggregate(**sums), sums)
