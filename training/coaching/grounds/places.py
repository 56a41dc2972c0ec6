"""Where reps were and how new they were, as the end of each window shows it."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from features.as_of.owners import HIRING
from features.clock import to_us
from features.feature import DAY_US
from features.history.values import as_it_stood, changes_of
from features.snapshot import CUTOFF, SNAPSHOT, censor, hired
from features.storage.warehouse import Warehouse
from training.coaching.grounds.windows import Windows

TERRITORY = "territory"


def places_of(warehouse: Warehouse, windows: Windows, cells: pd.DataFrame) -> pd.DataFrame:
    """Return each cell's territory and tenure.

    Args:
        warehouse: cut at the moment that is asked about.
        windows: the windows.
        cells: `window, rep_id`.

    Returns:
        `territory`, a whole number (reps without one are a territory of their own), and
        `tenure_days` in the middle of the window; empty where nobody knows when the rep was hired.
    """
    place = cells["window"].to_numpy()
    asked = pd.DataFrame(
        {
            SNAPSHOT: range(len(cells)),
            "rep_id": cells["rep_id"].to_numpy(),
            CUTOFF: pd.to_datetime(windows.bounds("end")[place], unit="us"),
        }
    )
    schema = {SNAPSHOT: "int64", "rep_id": "string", CUTOFF: "timestamp(6)"}
    reps = warehouse["reps"]
    reps = reps.select("hired_at", same=reps.rep_id, territory=reps.territory)
    rows = ibis.memtable(asked, schema=schema)
    rows = rows.left_join(reps, rows.rep_id == reps.same).drop("same")
    shown = ibis.ifelse(hired(rows, rows[CUTOFF]), rows.territory, ibis.null("string"))
    rows = censor(rows.mutate(territory=shown), HIRING, rows[CUTOFF])
    changes = changes_of(warehouse, "rep", "rep_id")
    rows = as_it_stood(rows, changes, "rep_id", {TERRITORY: TERRITORY})
    frame = warehouse.arrow(rows.select(SNAPSHOT, TERRITORY, "hired_at")).to_pandas()
    frame = frame.sort_values(SNAPSHOT, ignore_index=True)
    hired_at = frame["hired_at"].astype("datetime64[us]")
    hired_us = np.where(hired_at.notna(), to_us(hired_at), np.nan)
    middle = (windows.bounds("start") + windows.bounds("end"))[place] / 2
    territory = frame[TERRITORY].astype(object).fillna("")
    return pd.DataFrame(
        {
            TERRITORY: pd.factorize(territory, sort=True)[0],
            "tenure_days": (middle - hired_us) / DAY_US,
        }
    )
