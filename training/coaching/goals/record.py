"""What happened until a moment, by rep: leads received and decided, deals ended, touches.

Everything is read from the extract as it would have been made at that moment, so that no figure
behind a goal knows what came after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.history.values import last_shown
from features.snapshot import hired
from features.storage.warehouse import Warehouse
from training.coaching.goals.queries import arrivals, decisions, endings, touches_by_day

PEOPLE = ("manager_id", "role", "team", "territory", "segment")


@dataclass(frozen=True, eq=False)
class SalesRecord:
    """What happened until a moment; every frame has `rep_id` and the moment `at`.

    Attributes:
        as_of: nothing at or after it is held.
        people: one row a rep: `name, hired_at, left_at` and the columns of `PEOPLE`.
        arrivals: leads as they reached a rep: `lead_id, source, touched_at` (the rep's first touch
            after that, empty without one).
        decisions: leads that were won or lost: `lead_id, won` (0 or 1), `source`.
        endings: deals that were won or lost: `deal_id, won` (0 or 1), `amount`.
        touches: activities that reps began, counted by day: `count`.
    """

    as_of: datetime
    people: pd.DataFrame
    arrivals: pd.DataFrame
    decisions: pd.DataFrame
    endings: pd.DataFrame
    touches: pd.DataFrame


def read_record(warehouse: Warehouse, as_of: datetime) -> SalesRecord:
    """Read what happened until a moment.

    Args:
        warehouse: the extract; tables it does not hold have no rows.
        as_of: the moment.
    """
    past = warehouse.until(as_of).left()
    with past.workspace() as workspace:
        frames = {
            make.__name__: _frame(workspace, make(workspace))
            for make in (arrivals, decisions, endings)
        }
        touches = _frame(workspace, touches_by_day(workspace))
        return SalesRecord(as_of, _people(workspace, as_of), touches=touches, **frames)


def _frame(warehouse: Warehouse, rows: ir.Table) -> pd.DataFrame:
    """Fetch rows in an order that does not depend on the engine."""
    frame = warehouse.arrow(rows).to_pandas()
    return frame[frame["rep_id"].notna()].sort_values([*frame.columns], ignore_index=True)


def _people(warehouse: Warehouse, as_of: datetime) -> pd.DataFrame:
    """Everybody known by then, those whom only a quota names included."""
    reps = warehouse["reps"]
    columns = ["rep_id", "name", "hired_at", "left_at", *PEOPLE]
    known = last_shown(warehouse, reps.filter(hired(reps, as_of)).select(columns), "reps", *PEOPLE)
    frame = warehouse.arrow(known.select(columns)).to_pandas()
    named = warehouse.arrow(warehouse["quotas"].select("rep_id").distinct()).to_pandas()
    ids = pd.Series(sorted({*frame["rep_id"], *named["rep_id"]}), dtype="str", name="rep_id")
    everybody = ids.to_frame()
    return everybody.merge(frame, on="rep_id", how="left").sort_values("rep_id", ignore_index=True)


def named(record: SalesRecord, rep_id: str) -> str:
    """Return a rep's name, or the id where the data hold none."""
    own = record.people.loc[record.people["rep_id"] == rep_id, "name"]
    return str(own.iloc[0]) if len(own) and isinstance(own.iloc[0], str) else rep_id


def here(record: SalesRecord) -> frozenset[str]:
    """Return the reps who have not left."""
    left = record.people["left_at"].notna().to_numpy()
    return frozenset(np.asarray(record.people["rep_id"])[~left].tolist())
