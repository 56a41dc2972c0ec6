"""What reps did before: earlier quota periods, and the leads they were given."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, with_all_snapshots
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
        deals: what `deal_versions` returns.

    Returns:
        One row for each rep: `snapshot, past_periods`; the sums `past_quota, past_amount` and
        `past_early` (thousandths), early being the share of a period that has passed of the running
        one; `past_ratio, past_early_ratio` (sums of billionths of the quota) and `last_ratio,
        last_early_ratio`, empty where there is no earlier period. Quotas of 0 or less do not count.
    """
    periods = _with_attainment(reps, _ended_periods(reps, quotas), deals)
    newest = ibis.window(
        group_by=periods[SNAPSHOT], order_by=[periods.start.desc(), periods.end.desc()]
    )
    periods = periods.mutate(place=ibis.row_number().over(newest))
    is_last = periods.place == 0
    sums: dict[str, ir.Value] = {
        "past_periods": periods.count(),
        "past_quota": thousandths(periods.past_quota).sum(),
        "past_amount": periods.amount.sum(),
        "past_early": periods.early.sum(),
        "past_ratio": periods.ratio.sum(),
        "past_early_ratio": periods.early_ratio.sum(),
    }
    last = {
        "last_ratio": periods.ratio.max(where=is_last),
        "last_early_ratio": periods.early_ratio.max(where=is_last),
    }
    totals = periods.group_by(SNAPSHOT).aggregate(**sums, **last)
    shares = {name: totals[name].cast("float64") / BILLION for name in last}
    shares_of_last = totals.select(own=totals[SNAPSHOT], **shares)
    rows = with_all_snapshots(reps, totals, sums)
    return rows.left_join(shares_of_last, [(SNAPSHOT, "own")]).drop("own")


def _ended_periods(reps: ir.Table, quotas: ir.Table) -> ir.Table:
    """Every earlier period of every rep: `snapshot, start, end, past_quota, early_s`.

    `early_s` is how far into the earlier period its early part reaches, in seconds.
    """
    # A period is compared at the same stage as the running one: after the same share of its days.
    # The running quarter has 90 days, and 30 of them have passed at the cutoff:
    #
    #   an earlier quarter of 90 days    90 * 30 / 90 = 30 days are early
    #   an earlier month of 30 days      30 * 30 / 90 = 10 days
    #   a running period of no length    empty: nothing is early
    ended = quotas_at(quotas, reps.select(CUTOFF).distinct(), ended=True)
    ended = ended.filter(ended.quota > 0)
    ended = ended.select(
        CUTOFF,
        same=ended.rep_id,
        start=ended.period_start,
        end=ended.period_end,
        past_quota=ended.quota,
    )
    joined = reps.inner_join(ended, [reps.rep_id == ended.same, CUTOFF])
    # Whole seconds: the product of two lengths in microseconds would not fit 64 bits.
    length, running, gone = (
        later.delta(earlier, unit="microsecond") // SECOND_US
        for later, earlier in (
            (joined.end, joined.start),
            (joined.period_end, joined.period_start),
            (joined[CUTOFF], joined.period_start),
        )
    )
    early_s = length * gone // running.nullif(0)
    return joined.select(SNAPSHOT, "start", "end", "past_quota", early_s=early_s)


def _with_attainment(reps: ir.Table, periods: ir.Table, deals: ir.Table) -> ir.Table:
    """Add what each earlier period brought, in thousandths and as billionths of its quota."""
    # A deal counts for a period if it is the rep's, as the cutoff shows it, and won within the
    # period. Of a period from 1 January to 1 April whose first 30 days are early:
    #
    #   closed on 1 January     amount and early: the start belongs to the period
    #   closed on 31 January    amount only: 30 days lie before it
    #   closed on 1 April       neither: it belongs to the next period
    #
    # A period without deals stays, with 0; so does one whose deals have no amount.
    won = versions_at(reps, deals.filter(deals.won == 1), "rep_id")
    won = won.select(own=won[SNAPSHOT], closed_at=won.closed_at, worth=won.thousandths.fill_null(0))
    rows = periods.left_join(
        won, [periods[SNAPSHOT] == won.own, within(won.closed_at, periods.start, periods.end)]
    )
    after_s = rows.closed_at.delta(rows.start, unit="microsecond") // SECOND_US
    totals = rows.group_by(SNAPSHOT, "start", "end", "past_quota").aggregate(
        amount=rows.worth.sum().fill_null(0).cast("int64"),
        early=rows.worth.sum(where=after_s < rows.early_s).fill_null(0).cast("int64"),
    )
    return totals.mutate(
        ratio=_billionths(totals.amount, totals.past_quota),
        early_ratio=_billionths(totals.early, totals.past_quota),
    )


def _billionths(amount: ir.IntegerValue, quota: ir.FloatingValue) -> ir.IntegerValue:
    """Return a ratio as a whole number, so that sums come out alike in any order."""
    ratio = amount.cast("float64") / 1000 / quota
    return (ratio.clip(-UNHEARD, UNHEARD) * BILLION).round().cast("int64")


def lead_totals(
    reps: ir.Table, leads: ir.Table, key: str | None, params: FeatureParams
) -> ir.Table:
    """Sum up the leads that each rep owns, as its cutoff sees them.

    Args:
        reps: `snapshot, cutoff` and the column `key`.
        leads: what `lead_versions` returns.
        key: the column that holds the owner.
        params: how far back outcomes count.

    Returns:
        One row for each rep: `snapshot, open_leads, leads_30d, conversions_30d` ...,
        `leads_won, leads_ended` of the window in which records are taken.
    """
    rows = versions_at(reps, leads, key)
    ended_us = rows[CUTOFF].delta(rows.ended_at, unit="microsecond")
    created_us = rows[CUTOFF].delta(rows.created_at, unit="microsecond")
    in_window = (rows.ended == 1) & (ended_us <= params.owner_window_days * DAY_US)
    sums: dict[str, ir.Value] = {
        "open_leads": (1 - rows.ended).sum(),
        "leads_won": rows.won.sum(where=in_window),
        "leads_ended": rows.ended.sum(where=in_window),
    }
    for days in FLOW_DAYS:
        lately = (rows.ended == 1) & (ended_us <= days * DAY_US)
        sums[f"leads_{days}d"] = rows.count(where=created_us <= days * DAY_US)
        sums[f"conversions_{days}d"] = rows.won.sum(where=lately)
    return with_all_snapshots(reps, rows.group_by(SNAPSHOT).aggregate(**sums), sums)
