"""What came of the leads whose lot was drawn, as of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from features.clock import MOMENT
from features.labels.conversion import conversion
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from serving.store.worklist import Arm, Enrolment, Place
from training.calls.lots import Lots


def lots_drawn(
    enrolments: Sequence[Enrolment], warehouse: Warehouse, as_of: datetime
) -> tuple[Lots, int]:
    """Return the lots drawn by a moment with their outcomes, and how many leads are gone.

    Args:
        enrolments: the log of lots, the oldest first.
        warehouse: tells which leads converted when.
        as_of: the moment; nothing at or after it is seen.

    Returns:
        The lots of leads that the extract holds, and the number of those it holds no more.
    """
    rows = pd.DataFrame([vars(lot) for lot in enrolments], columns=[*Enrolment.__annotations__])
    for name in ("enrolled_at", "ends_at"):
        rows[name] = rows[name].astype("datetime64[us]")
    rows = rows[rows["enrolled_at"] <= as_of]
    past = warehouse.until(as_of)
    is_there = rows["lead_id"].isin(_leads(past))
    rows, gone = rows[is_there].reset_index(drop=True), int((~is_there).sum())
    converted = np.full(len(rows), np.nan)
    days = (rows["ends_at"] - rows["enrolled_at"]).dt.days
    for horizon in days.unique():
        own = (days == horizon).to_numpy()
        keys = rows.loc[own, ["lead_id", "enrolled_at"]].rename(columns={"enrolled_at": CUTOFF})
        converted[own] = conversion(past, keys, int(horizon))
    lots = Lots(
        enrolled_at=rows["enrolled_at"].to_numpy(dtype=MOMENT),
        ends_at=rows["ends_at"].to_numpy(dtype=MOMENT),
        is_listed=(rows["arm"] == Arm.LISTED).to_numpy(),
        propensity=rows["propensity"].to_numpy(dtype=np.float64),
        is_next=(rows["place"] == Place.NEXT_IN_LINE).to_numpy(),
        p=rows["p"].to_numpy(dtype=np.float64),
        value=rows["value"].to_numpy(dtype=np.float64),
        converted=converted,
    )
    return lots, gone


def _leads(warehouse: Warehouse) -> pd.Series:
    leads = warehouse["leads"].select("lead_id")
    return warehouse.arrow(leads).to_pandas()["lead_id"]
