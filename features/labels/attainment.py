"""How deals and quotas ended, and which outcomes are mature enough to be learned from.

Labels look ahead, so they are made from the end of what may be read: whether and when a deal
closed by then, and its owner and amount as they were last shown before it. A field without a
history keeps the value of its own column.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Bools, Floats
from features.clock import to_us
from features.feature import DAY_US
from features.history.versions import deal_versions
from features.snapshot import (
    CUTOFF,
    DELETED_AT,
    SNAPSHOT,
    censor,
    cutoff_table,
    undeleted,
    versions_at,
    visible,
    within,
)
from features.storage.warehouse import Warehouse
from features.tables import DEALS, QUOTAS

PERIOD = ["rep_id", "period_start", "period_end"]
FINAL = ("deal_id", "rep_id", "amount", "created_at", "closed_at", "won")


def final_deals(warehouse: Warehouse) -> pd.DataFrame:
    """Return every deal at the end of its story, by id.

    Returns:
        `deal_id, rep_id, amount, created_at, closed_at, won`; amounts as they are, empty ones 0.
        A deal closes only if it does before the extract ends. One that was deleted by then brings
        nothing, whatever it had brought: it is lost, at its deletion if it was open still.
    """
    rows = warehouse["deals"].select(*FINAL)
    if any(warehouse.has_history("deal", name) for name in ("rep_id", "amount")):
        rows = _as_last_shown(warehouse, rows)
    # A whole extract may hold closings that lie past its end.
    rows = censor(rows, DEALS, warehouse.data_until)
    ever = warehouse.ever("deals")
    if is_left := undeleted(ever, warehouse.data_until):
        rows = rows.select(*FINAL).union(_lost(ever.filter(~is_left[0])))
    frame = warehouse.arrow(rows).to_pandas().sort_values("deal_id", ignore_index=True)
    return frame.assign(
        amount=frame["amount"].astype(np.float64).fillna(0.0),
        won=frame["won"].eq(True),  # noqa: FBT003 - empty is not won
    )


def _as_last_shown(warehouse: Warehouse, deals: ir.Table) -> ir.Table:
    """Put in each deal's owner and amount at the end of what may be read."""
    end = cutoff_table([warehouse.data_until]).mutate(**{SNAPSHOT: ibis.literal(0)})
    last = versions_at(end, warehouse.once(deal_versions), None)
    last = last.select("deal_id", rep_id="owner", amount="amount")
    return deals.drop("rep_id", "amount").inner_join(last, "deal_id")


def _lost(deleted: ir.Table) -> ir.Table:
    """Return deleted deals as lost ones, of nobody and worth nothing."""
    ends = ibis.least(deleted[DELETED_AT], deleted.closed_at.fill_null(deleted[DELETED_AT]))
    other = {
        "rep_id": ibis.null("string"),
        "amount": ibis.null("float64"),
        "closed_at": ends,
        "won": ibis.literal(value=False),
    }
    return deleted.mutate(**other).select(*FINAL)


def _until(warehouse: Warehouse) -> np.datetime64:
    return np.datetime64(warehouse.data_until, "us")


def won_before(
    warehouse: Warehouse,
    keys: pd.DataFrame,
    deadlines: npt.ArrayLike,
    final: pd.DataFrame | None = None,
) -> Floats:
    """Label open deals: 1 if won with `closed_at` in [cutoff, deadline), else 0.

    Empty (NaN) where the deadline lies past the end of the extract, whatever is known already.

    Args:
        warehouse: tells how deals ended.
        keys: `deal_id, cutoff` of deals open at the cutoff.
        deadlines: one for each key.
        final: what `final_deals` returns, where it is at hand.

    Returns:
        One label a key, 1 or 0 or NaN.
    """
    ends, cutoffs = to_us(deadlines), to_us(keys[CUTOFF].to_numpy())
    final = final_deals(warehouse) if final is None else final
    deals = final.set_index("deal_id").reindex(keys["deal_id"])
    closed = to_us(deals["closed_at"].to_numpy())
    inside = deals["closed_at"].notna().to_numpy() & (closed >= cutoffs) & (closed < ends)
    won = deals["won"].eq(True).to_numpy()  # noqa: FBT003 - empty is not won
    label = (inside & won).astype(np.float64)
    return np.where(ends <= to_us(_until(warehouse)), label, np.nan)


def deal_endings(
    warehouse: Warehouse, keys: pd.DataFrame, final: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return how open deals went on: time at risk, outcome and final amount.

    Fit for models of competing risks: a deal without an end is censored at the extract's end.

    Args:
        warehouse: tells how deals ended.
        keys: `deal_id, cutoff` of deals open at the cutoff.
        final: what `final_deals` returns, where it is at hand.

    Returns:
        One row a key: `days` from the cutoff to the closing, or to the end of the extract;
        `outcome`, 1 won, 0 lost, empty while open; `amount`, the final one; `closed_at`.
    """
    final = final_deals(warehouse) if final is None else final
    deals = final.set_index("deal_id").reindex(keys["deal_id"])
    is_over = deals["closed_at"].notna().to_numpy()
    closed = np.where(is_over, to_us(deals["closed_at"].to_numpy()), to_us(_until(warehouse)))
    won = deals["won"].eq(True).to_numpy().astype(np.float64)  # noqa: FBT003 - empty is not won
    return pd.DataFrame(
        {
            "days": (closed - to_us(keys[CUTOFF].to_numpy())) / DAY_US,
            "outcome": np.where(is_over, won, np.nan),
            "amount": deals["amount"].to_numpy(),
            "closed_at": deals["closed_at"].to_numpy(),
        },
        index=keys.index,
    )


def final_quotas(warehouse: Warehouse) -> pd.DataFrame:
    """Return each rep's quota of each period as last revised: `rep_id, period_..., amount`.

    A revision that is known only after the end of what may be read does not count.
    """
    quotas = warehouse["quotas"]
    quotas = quotas.filter(visible(quotas, QUOTAS, warehouse.data_until))
    rows = quotas.select(*PERIOD, "known_at", "amount")
    frame = warehouse.arrow(rows).to_pandas().sort_values([*PERIOD, "known_at", "amount"])
    return frame.drop_duplicates(PERIOD, keep="last", ignore_index=True).drop(columns="known_at")


def attained_parts(
    warehouse: Warehouse, keys: pd.DataFrame, final: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Split what reps attained in the end by what was there at the cutoff.

    Args:
        warehouse: tells how deals ended.
        keys: `rep_id, period_start, period_end, cutoff`.
        final: what `final_deals` returns, where it is at hand.

    Returns:
        One row a key: `closed`, from deals won before the cutoff; `from_open`, from deals that
        were open at it; `created_later`, from deals that came after it; each the final amounts
        of won deals whose final rep it is, closed within the period, and each empty (NaN) while
        the period has not ended. `created_later_deals` counts the last kind.
    """
    # Each won deal of the rep that closed within the period falls into one part, by where its
    # creation and its end lie to the cutoff:
    #
    #   created before, closed before             closed
    #   created before, closed at or after it     from_open
    #   created at or after it                    created_later, whenever it closed
    deals = final_deals(warehouse) if final is None else final
    deals = deals[deals["won"]].drop(columns=["deal_id", "won"])
    periods = keys[PERIOD].drop_duplicates()
    pairs = periods.merge(deals, on="rep_id")
    inside = within(pairs["closed_at"], pairs["period_start"], pairs["period_end"])
    places = keys[[*PERIOD, CUTOFF]].assign(place=np.arange(len(keys)))
    rows = places.merge(pairs[inside], on=PERIOD)
    is_closed = (rows["closed_at"] < rows[CUTOFF]).to_numpy()
    is_later = (rows["created_at"] >= rows[CUTOFF]).to_numpy()
    is_open = to_us(keys["period_end"].to_numpy()) > to_us(_until(warehouse))

    def total(which: Bools, amounts: Floats) -> Floats:
        place = rows["place"].to_numpy()[which]
        sums = np.bincount(place, weights=amounts[which], minlength=len(keys))
        return np.where(is_open, np.nan, sums)

    amounts = rows["amount"].to_numpy()
    parts = {
        "closed": total(is_closed, amounts),
        "from_open": total(~is_closed & ~is_later, amounts),
        "created_later": total(~is_closed & is_later, amounts),
        "created_later_deals": total(~is_closed & is_later, np.ones_like(amounts)),
    }
    return pd.DataFrame(parts, index=keys.index)


def attainment(
    warehouse: Warehouse, keys: pd.DataFrame, parts: pd.DataFrame | None = None
) -> Floats:
    """Label reps in a quota period: what they attained in the end over their final quota.

    By the contract: final amounts of won deals whose final rep it is, `closed_at` in
    [period_start, period_end), a missing amount as 0, a negative one as it is; over the last
    revision of the quota. Empty (NaN) while the period has not ended, and for a quota of 0 or
    less, which nobody can attain or miss: such rows are left out of training and still scored.

    Args:
        warehouse: tells how deals ended and quotas were revised.
        keys: `rep_id, period_start, period_end, cutoff`.
        parts: what `attained_parts` returns for them, where it is at hand.

    Returns:
        One ratio a key.
    """
    parts = attained_parts(warehouse, keys) if parts is None else parts
    attained = (parts["closed"] + parts["from_open"] + parts["created_later"]).to_numpy()
    quotas = keys[PERIOD].merge(final_quotas(warehouse), on=PERIOD, how="left")
    quota = quotas["amount"].to_numpy(dtype=np.float64)
    ratio = np.full(len(keys), np.nan)
    return np.divide(attained, quota, out=ratio, where=quota > 0)


def new_business(
    warehouse: Warehouse,
    keys: pd.DataFrame,
    deadlines: npt.ArrayLike,
    final: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what reps won from deals that did not exist at the cutoff.

    Args:
        warehouse: tells how deals ended.
        keys: `rep_id, cutoff`, any moments of the past.
        deadlines: one for each key.
        final: what `final_deals` returns, where it is at hand.

    Returns:
        One row a key: `amount` and `deals`, over won deals created at or after the cutoff and
        closed before the deadline; empty (NaN) where that lies past the end of the extract.
    """
    deals = final_deals(warehouse) if final is None else final
    deals = deals[deals["won"]].drop(columns=["deal_id", "won"])
    ends = to_us(deadlines)
    places = keys[["rep_id", CUTOFF]].assign(place=np.arange(len(keys)), end=ends)
    pairs = places.merge(deals, on="rep_id")
    closed = to_us(pairs["closed_at"].to_numpy())
    inside = (pairs["created_at"] >= pairs[CUTOFF]).to_numpy() & (closed < pairs["end"].to_numpy())
    place, amounts = pairs["place"].to_numpy()[inside], pairs["amount"].to_numpy()[inside]
    sums = {
        "amount": np.bincount(place, weights=amounts, minlength=len(keys)),
        "deals": np.bincount(place, minlength=len(keys)).astype(np.float64),
    }
    mature = ends <= to_us(_until(warehouse))
    return pd.DataFrame({n: np.where(mature, v, np.nan) for n, v in sums.items()}, index=keys.index)
