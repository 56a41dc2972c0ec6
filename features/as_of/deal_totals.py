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


def deal_totals(snapshots: ir.Table, deals: ir.Table, key: str | None) -> ir.Table:
    """Sum up the deals that the owner of each snapshot has, as its cutoff sees them.

    Args:
        snapshots: `snapshot, cutoff` and the column `key`.
        deals: what `deal_versions` returns.
        key: the column that holds the owner; None sums up the company.

    Returns:
        One row for each snapshot: `snapshot`; won deals, their amount (thousandths) and lost deals
        in each window (`won_90d, won_amount_90d, lost_90d` ...) and ever; the median amount won;
        `open, open_amount`; `created_30d` ...; the age of the first deal, `oldest_us`.
    """
    rows = _with_ages(versions_at(snapshots, deals, key))
    sums: dict[str, ir.Value] = {
        "won_ever": rows.won.sum(),
        "lost_ever": (rows.ended - rows.won).sum(),
        "won_amount_ever": (rows.won * rows.worth).sum(),
        "oldest_us": rows.created_us.max(),
        "open": rows.is_open.sum(),
        "open_amount": (rows.is_open * rows.worth).sum(),
        MEDIAN: ibis.ifelse(rows.won == 1, rows.thousandths, ibis.null("int64")).median(),
    }
    for days in PACE_DAYS:
        recent = (rows.ended == 1) & (rows.closed_us <= days * DAY_US)
        sums[f"won_{days}d"] = rows.won.sum(where=recent)
        sums[f"lost_{days}d"] = (rows.ended - rows.won).sum(where=recent)
        sums[f"won_amount_{days}d"] = (rows.won * rows.worth).sum(where=recent)
    for days in FLOW_DAYS:
        sums[f"created_{days}d"] = rows.count(where=rows.created_us <= days * DAY_US)
    return with_all_snapshots(snapshots, rows.group_by(SNAPSHOT).aggregate(**sums), sums)


def period_totals(reps: ir.Table, deals: ir.Table, stages: tuple[str, ...]) -> ir.Table:
    """Sum up what each rep attained in its period, and what its open deals are.

    Args:
        reps: `snapshot, cutoff, rep_id, period_start, period_end`.
        deals: what `deal_versions` returns.
        stages: the stages that open deals are told apart by.

    Returns:
        One row for each rep: `snapshot`; `attained_amount, attained_deals`; of open deals, those
        expected to close within the period and those overdue (`due, due_amount, overdue,
        overdue_amount`), and those of each stage (`open_stage_0, open_amount_stage_0` ...; after
        the last stage, those of any other).
    """
    rows = _with_ages(versions_at(reps, deals, "rep_id", ("period_start", "period_end")))
    inside = within(rows.closed_at, rows.period_start, rows.period_end)
    due = within(rows.expected_close_at, rows[CUTOFF], rows.period_end)
    late = rows.overdue_us > 0
    of_open = rows.is_open * rows.worth
    sums: dict[str, ir.Value] = {
        "attained_deals": rows.won.sum(where=inside),
        "attained_amount": (rows.won * rows.worth).sum(where=inside),
        "due": rows.is_open.sum(where=due),
        "due_amount": of_open.sum(where=due),
        "overdue": rows.is_open.sum(where=late),
        "overdue_amount": of_open.sum(where=late),
    }
    code = code_of(rows.stage, stages)
    for place in range(len(stages) + 1 if stages else 0):
        sums[f"open_stage_{place}"] = rows.is_open.sum(where=code == place)
        sums[f"open_amount_stage_{place}"] = of_open.sum(where=code == place)
    return with_all_snapshots(reps, rows.group_by(SNAPSHOT).aggregate(**sums), sums)


def with_all_snapshots(
    snapshots: ir.Table, totals: ir.Table, sums: Mapping[str, ir.Value]
) -> ir.Table:
    """Return one row for every snapshot: where there was nothing to sum up, sums are 0.

    Args:
        snapshots: has `snapshot`.
        totals: `snapshot` and the sums, for snapshots that have any.
        sums: names the sums. The median amount is empty where there is none.
    """
    joined = snapshots.select(SNAPSHOT).left_join(totals, SNAPSHOT)
    filled = {n: joined[n].fill_null(0).cast("int64") for n in sums if n != MEDIAN}
    median = {MEDIAN: joined[MEDIAN].cast("float64")} if MEDIAN in sums else {}
    return joined.select(SNAPSHOT, **filled, **median)


def _with_ages(rows: ir.Table) -> ir.Table:
    cutoff = rows[CUTOFF]
    return rows.mutate(
        is_open=1 - rows.ended,
        worth=rows.thousandths.fill_null(0),
        closed_us=cutoff.delta(rows.closed_at, unit="microsecond"),
        overdue_us=cutoff.delta(rows.expected_close_at, unit="microsecond"),
        created_us=cutoff.delta(rows.created_at, unit="microsecond"),
    )
