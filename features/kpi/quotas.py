"""Quotas as last known, and what of them falls into each period."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.kpi.periods import Period
from features.snapshot import cutoff_table, quotas_at
from features.storage.warehouse import Warehouse

COLUMNS = ["rep_id", "period_start", "period_end", "quota"]


def known_quotas(warehouse: Warehouse) -> pd.DataFrame:
    """Return each quota above 0 as last known: `rep_id, period_start, period_end, quota`.

    Nobody can attain a quota of 0 or less, so there is nothing to measure against it.
    """
    now = cutoff_table([warehouse.data_until])
    tables = [
        warehouse.arrow(quotas_at(warehouse["quotas"], now, ended=ended)).to_pandas()
        for ended in (True, False)
    ]
    frame = pd.concat(tables, ignore_index=True)[COLUMNS]
    return frame[frame["quota"] > 0].sort_values(COLUMNS[:3], ignore_index=True)


def spread_quotas(quotas: pd.DataFrame, periods: Sequence[Period]) -> pd.DataFrame:
    """Spread quotas evenly over their days: what of each falls into each period.

    Returns:
        `at` (the period's start), `rep_id, quota` (thousandths), `reps` (1), one row for each
        quota and period that meet.
    """
    # 90 a quarter of 91 days: January (31 days) is asked for 90 x 31 / 91 = 30.66.
    parts = []
    whole = quotas["period_end"] - quotas["period_start"]
    for period in periods:
        start = np.maximum(quotas["period_start"], np.datetime64(period.start, "us"))
        end = np.minimum(quotas["period_end"], np.datetime64(period.end, "us"))
        share = (end - start) / whole
        part = quotas[["rep_id"]].assign(at=period.start, share=share, amount=quotas["quota"])
        parts.append(part[part["share"] > 0])
    if not any(len(part) for part in parts):
        kinds = {"at": "datetime64[us]", "rep_id": "str", "quota": "int64", "reps": "int64"}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    frame = pd.concat(parts, ignore_index=True)
    amounts = (frame["share"] * frame["amount"] * 1000).round().astype("int64")
    rows = frame[["at", "rep_id"]].assign(quota=amounts)
    return rows.groupby(["at", "rep_id"], as_index=False)["quota"].sum().assign(reps=1)


def as_table(quotas: pd.DataFrame) -> ir.Table:
    """Put quotas, whole or spread, into a table."""
    kinds = {
        "rep_id": "string",
        "at": "timestamp(6)",
        "quota": "int64" if "at" in quotas else "float64",
        "reps": "int64",
        "period_start": "timestamp(6)",
        "period_end": "timestamp(6)",
    }
    return ibis.memtable(quotas, schema={str(name): kinds[str(name)] for name in quotas})
