"""Sums over deals as they stood: what was won, lost and is open, for a rep or the whole company.

Amounts are added up in whole thousandths, so that no order of adding can change the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.feature import DAY_US
from features.history.relations import code_of
from features.snapshot import CUTOFF, SNAPSHOT, versions_at, within

PACE_DAYS = (90, 180, 365)
"""Windows in which won business is counted."""
FLOW_DAYS = (30, 90)
"""Windows in which new deals and leads are counted."""
MEDIAN = "median_won"


def deal_totals(askers: ir.Table, deals: ir.Table, key: str | None) -> ir.Table:
    """Sum up the deals that each asker owns, as its cutoff sees them.

    Args:
        askers: `snapshot, cutoff` and the column `key`.
        deals: what `deal_spells` gives.
        key: the column that holds the owner; None sums up the company.

    Returns:
        One row for each asker: `snapshot`; won deals, their amount (thousandths) and lost deals
        in each window (`won_90d, won_amount_90d, lost_90d` ...) and ever; the median amount won;
        `open, open_amount`; `created_30d` ...; the age of the first deal, `oldest_us`.
    """
    seen = _aged(versions_at(askers, deals, key))
    sums: dict[str, ir.Value] = {
        "won_ever": seen.won.sum(),
        "lost_ever": (seen.ended - seen.won).sum(),
        "won_amount_ever": (seen.won * seen.worth).sum(),
        "oldest_us": seen.created_us.max(),
        "open": seen.is_open.sum(),
        "open_amount": (seen.is_open * seen.worth).sum(),
        MEDIAN: ibis.ifelse(seen.won == 1, seen.thousandths, ibis.null("int64")).median(),
    }
    for days in PACE_DAYS:
        recent = (seen.ended == 1) & (seen.closed_us <= days * DAY_US)
        sums[f"won_{days}d"] = seen.won.sum(where=recent)
        sums[f"lost_{days}d"] = (seen.ended - seen.won).sum(where=recent)
        sums[f"won_amount_{days}d"] = (seen.won * seen.worth).sum(where=recent)
    for days in FLOW_DAYS:
        sums[f"created_{days}d"] = seen.count(where=seen.created_us <= days * DAY_US)
    return filled(askers, seen.group_by(SNAPSHOT).aggregate(**sums), sums)


def period_totals(reps: ir.Table, deals: ir.Table, stages: tuple[str, ...]) -> ir.Table:
    """Sum up what each rep attained in its period, and what its open deals are.

    Args:
        reps: `snapshot, cutoff, rep_id, period_start, period_end`.
        deals: what `deal_spells` gives.
        stages: the stages that open deals are told apart by.

    Returns:
        One row for each rep: `snapshot`; `attained_amount, attained_deals`; of open deals, those
        expected to close within the period and those overdue (`due, due_amount, overdue,
        overdue_amount`), and those of each stage (`open_stage_0, open_amount_stage_0` ...; after
        the last stage, those of any other).
    """
    seen = _aged(versions_at(reps, deals, "rep_id", ("period_start", "period_end")))
    inside = within(seen.closed_at, seen.period_start, seen.period_end)
    due = within(seen.expected_close_at, seen[CUTOFF], seen.period_end)
    late = seen.overdue_us > 0
    of_open = seen.is_open * seen.worth
    sums: dict[str, ir.Value] = {
        "attained_deals": seen.won.sum(where=inside),
        "attained_amount": (seen.won * seen.worth).sum(where=inside),
        "due": seen.is_open.sum(where=due),
        "due_amount": of_open.sum(where=due),
        "overdue": seen.is_open.sum(where=late),
        "overdue_amount": of_open.sum(where=late),
    }
    code = code_of(seen.stage, stages)
    for place in range(len(stages) + 1 if stages else 0):
        sums[f"open_stage_{place}"] = seen.is_open.sum(where=code == place)
        sums[f"open_amount_stage_{place}"] = of_open.sum(where=code == place)
    return filled(reps, seen.group_by(SNAPSHOT).aggregate(**sums), sums)


def filled(askers: ir.Table, summed: ir.Table, sums: Mapping[str, ir.Value]) -> ir.Table:
    """Give every asker its row: who has nothing has sums of 0."""
    joined = askers.select(SNAPSHOT).left_join(summed, SNAPSHOT)
    counted = {n: joined[n].fill_null(0).cast("int64") for n in sums if n != MEDIAN}
    median = {MEDIAN: joined[MEDIAN].cast("float64")} if MEDIAN in sums else {}
    return joined.select(SNAPSHOT, **counted, **median)


def _aged(seen: ir.Table) -> ir.Table:
    cutoff = seen[CUTOFF]
    return seen.mutate(
        is_open=1 - seen.ended,
        worth=seen.thousandths.fill_null(0),
        closed_us=cutoff.delta(seen.closed_at, unit="microsecond"),
        overdue_us=cutoff.delta(seen.expected_close_at, unit="microsecond"),
        created_us=cutoff.delta(seen.created_at, unit="microsecond"),
    )
