"""Who owned what in a window, and how much of its chances fell into that time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.clock import to_us
from features.storage.warehouse import Warehouse
from training.coaching.grounds.windows import Windows

LEAST_SHARE = 1e-9


def microseconds(column: ir.TimestampValue) -> ir.FloatingValue:
    """Return moments as microseconds since 1970; whole seconds, since days are counted."""
    return column.epoch_seconds().cast("float64") * 1_000_000


@dataclass(frozen=True, eq=False)
class Timing:
    """When in a window things happen, all windows taken together.

    Attributes:
        places: by outcome, where in its period each one happened, from 0 to 1, rising.
        start: of each window, in microseconds.
        length: of each window's whole period, in microseconds.
        passed: of each window, the share of its period that has passed.
    """

    places: Mapping[str, Floats]
    start: Ints
    length: Ints
    passed: Floats

    @classmethod
    def of(cls, windows: Windows, ended: Mapping[str, pd.DataFrame]) -> Timing:
        """Learn it.

        Args:
            windows: the windows.
            ended: by outcome, `window, end_us` of each one there was.
        """
        start = windows.bounds("start")
        length = windows.bounds("period_end") - start
        places = {
            name: np.sort((rows["end_us"] - start[rows["window"]]) / length[rows["window"]])
            for name, rows in ended.items()
        }
        return cls(places, start, length, (windows.bounds("end") - start) / length)

    def share(self, name: str, window: Ints, moment: Floats) -> Floats:
        """Return the share of a window's outcomes that have happened by a moment."""
        place = np.clip(
            (moment - self.start[window]) / self.length[window], 0.0, self.passed[window]
        )
        return self._passed(name, place) / self._passed(name, self.passed)[window]

    def _passed(self, name: str, place: Floats) -> Floats:
        # One imagined outcome, spread evenly, keeps the share from being undefined.
        known = self.places[name]
        return (np.searchsorted(known, place, side="right") + place) / (len(known) + 1)


def owners_of(
    rows: pd.DataFrame, versions: Mapping[str, ir.Table], timing: Timing, warehouse: Warehouse
) -> pd.DataFrame:
    """Return the share of each row's outcomes that falls to each rep, by when it owned the row.

    Outcomes are spread over a window as the company's are: who owns a deal in the last days of a
    quarter owns most of its chance to be won there. A rep who has left owns nothing any more, even
    where nobody took a lost lead over. With half of the wins in a quarter's last ten days:

    | owned                                   | share of its wins |
    |-----------------------------------------|-------------------|
    | by A the whole quarter                  | A 1               |
    | by A, who left ten days before the end  | A 0.5             |
    | by A, and by B in the last ten days     | A 0.5, B 0.5      |

    Args:
        rows: `window, kind, id, entered_us` of leads and deals in windows.
        versions: by kind, how they stood; see `features.history.versions`.
        timing: when in a window things happen.
        warehouse: answers, and says who has left.

    Returns:
        `row` (the place in `rows`), `rep_id`, and the share of each outcome in `timing`.
    """
    names = list(timing.places)
    owner_versions = pd.concat(
        [_owner_versions(warehouse, table, kind) for kind, table in versions.items()],
        ignore_index=True,
    )
    gone = owner_versions["rep_id"].map(_left(warehouse)).to_numpy(np.float64)
    owner_versions["to_us"] = np.fmin(owner_versions["to_us"], gone)
    keys = rows[["window", "kind", "id", "entered_us"]].assign(row=range(len(rows)))
    owned = keys.merge(owner_versions, on=["kind", "id"])
    place, ends = owned["window"].to_numpy(), owned["to_us"].to_numpy(np.float64)
    starts = owned[["from_us", "entered_us"]].max(axis=1).to_numpy(np.float64)
    shares = owned[["row", "rep_id"]]
    for name in names:
        share = timing.share(name, place, ends) - timing.share(name, place, starts)
        shares = shares.assign(**{name: np.maximum(share, 0.0)})
    totals: pd.DataFrame = shares.groupby(["row", "rep_id"]).sum().reset_index()
    window = np.asarray(rows["window"])
    for name in names:
        before = timing.share(name, window, rows["entered_us"].to_numpy(np.float64))
        totals[name] /= np.maximum(1.0 - before, LEAST_SHARE)[totals["row"]]
    return totals[totals[names].sum(axis=1) > 0].reset_index(drop=True)


def _left(warehouse: Warehouse) -> pd.Series:
    """Return when each rep left, in microseconds; empty where it has not."""
    reps = warehouse.arrow(warehouse["reps"].select("rep_id", "left_at")).to_pandas()
    left_at = reps["left_at"].astype("datetime64[us]")
    moments = pd.Series(to_us(left_at), index=reps["rep_id"], dtype=np.float64)
    return moments.where(left_at.notna().to_numpy())


def _owner_versions(warehouse: Warehouse, versions: ir.Table, kind: str) -> pd.DataFrame:
    """Return who owned each lead or deal, from when to when."""
    columns = {"id": versions[f"{kind}_id"], "rep_id": versions.owner}
    columns |= {
        "from_us": microseconds(versions.valid_from),
        "to_us": microseconds(versions.valid_to),
    }
    frame = warehouse.arrow(versions.select(**columns)).to_pandas()
    return frame.dropna(subset=["rep_id"]).assign(kind=kind)
