"""What reps had to work with in each window: leads and deals, as they stood when they came.

A lead or deal enters a window at its entry, where it is open then, or when it is created later. It
stays in the window to the end, whatever becomes of it: an average rep may have made more or less
of it than its own rep did.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.arrays import Floats, Ints
from features.clock import to_us
from features.history.values import as_of, changes_of
from features.history.versions import deal_versions, lead_versions
from features.history.vocabulary import STAGE
from features.snapshot import CUTOFF, SNAPSHOT, versions_at, within
from features.storage.warehouse import Warehouse
from training.coaching.grounds.windows import Windows

LEAD, DEAL = "lead", "deal"
LEAST_SHARE = 1e-9
OUTCOMES = CONVERSIONS, WINS, REVENUE = "conversions", "wins", "revenue"


@dataclass(frozen=True, eq=False)
class Dealt:
    """What was dealt, to whom, and what came of it.

    Attributes:
        rows: a row for each lead and deal in each window: `window, kind, id, is_old` (open at the
            entry), `entered_us, created_us, source, stage, amount, due_us`, and what came of it
            within the window: `conversions, wins, revenue`.
        owners: `row, rep_id, share`: the share of the window's looks at which a rep owned it.
        actual: `window, rep_id, conversions, wins, revenue` of the rep's own leads and deals.
    """

    rows: pd.DataFrame
    owners: pd.DataFrame
    actual: pd.DataFrame


def dealt(warehouse: Warehouse, windows: Windows) -> Dealt:
    """Look up what was dealt in every window.

    Args:
        warehouse: cut at the moment that is asked about.
        windows: the windows.
    """
    leads = warehouse.keep(lead_versions(warehouse))
    deals = warehouse.keep(deal_versions(warehouse))
    final_leads, final_deals = _final(warehouse, leads, LEAD), _final(warehouse, deals, DEAL)
    old_leads = _open_at_entry(warehouse, windows, leads, LEAD)
    old_deals = _open_at_entry(warehouse, windows, deals, DEAL)
    new_leads = _came_later(windows, final_leads, LEAD)
    new_deals = _came_later(windows, final_deals, DEAL)
    lead_rows = _described_leads(warehouse, pd.concat([old_leads, new_leads], ignore_index=True))
    # A deal that came of a lead in the window is that lead's.
    known = lead_rows[["window", "id"]].rename(columns={"id": "lead_id"}).assign(has_lead=True)
    new_deals = new_deals.merge(known, on=["window", "lead_id"], how="left")
    new_deals = new_deals[new_deals["has_lead"].isna()].drop(columns="has_lead")
    deal_rows = pd.concat([old_deals, new_deals], ignore_index=True)
    rows = pd.concat([lead_rows, deal_rows], ignore_index=True)
    rows = rows.sort_values(["window", "kind", "id"], ignore_index=True)
    conversions, wins = _ended(windows, final_leads, LEAD), _ended(windows, final_deals, DEAL)
    rows = _with_outcomes(rows, conversions, wins)
    timing = Timing.of(windows, conversions, wins)
    owners = _owners(warehouse, leads, deals, rows, timing)
    return Dealt(rows, owners, _actual(conversions, wins))


def _window_table(windows: Windows, name: str) -> ir.Table:
    """Return the windows as snapshots whose cutoff is one of their moments."""
    moments = [getattr(window, name) for window in windows.every]
    frame = pd.DataFrame({SNAPSHOT: range(len(moments)), CUTOFF: moments})
    return ibis.memtable(frame, schema={SNAPSHOT: "int64", CUTOFF: "timestamp(6)"})


def _final(warehouse: Warehouse, versions: ir.Table, kind: str) -> pd.DataFrame:
    """Return every lead or deal as it is shown last."""
    key = f"{kind}_id"
    last = versions.group_by(own=versions[key]).aggregate(last=versions.valid_from.max())
    rows = versions.inner_join(last, [versions[key] == last.own, versions.valid_from == last.last])
    end = rows.ended_at if kind == LEAD else rows.closed_at
    columns = {"id": rows[key], "rep_id": rows.owner, "created_us": _us(rows.created_at)}
    columns |= {"end_us": _us(end), "won": rows.ended * rows.won}
    if kind == DEAL:
        columns |= {"amount": rows.amount, "lead_id": rows.lead_id}
        columns |= {"due_us": _us(rows.expected_close_at), "stage": rows.stage}
    return warehouse.arrow(rows.select(**columns)).to_pandas().sort_values("id", ignore_index=True)


def _us(column: ir.TimestampValue) -> ir.IntegerValue:
    return column.epoch_seconds().cast("float64") * 1_000_000


def _open_at_entry(
    warehouse: Warehouse, windows: Windows, versions: ir.Table, kind: str
) -> pd.DataFrame:
    """Return what is open at each window's entry, as it stands there."""
    rows = versions_at(_window_table(windows, "entry"), versions, None)
    rows = rows.filter(rows.ended == 0)
    columns = {
        "window": rows[SNAPSHOT],
        "id": rows[f"{kind}_id"],
        "created_us": _us(rows.created_at),
    }
    if kind == DEAL:
        columns |= {"amount": rows.amount, "stage": rows.stage}
        columns |= {"due_us": _us(rows.expected_close_at)}
    frame = warehouse.arrow(rows.select(**columns)).to_pandas()
    entry = windows.bounds("entry")[frame["window"]]
    return frame.assign(kind=kind, is_old=True, entered_us=entry)


def _came_later(windows: Windows, final: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return what was created after each window's entry."""
    columns = ["id", "created_us", *(["amount", "lead_id"] if kind == DEAL else [])]
    parts = []
    for place, window in enumerate(windows.every):
        inside = within(
            final["created_us"], windows.bounds("entry")[place], windows.bounds("end")[place]
        )
        own = final.loc[inside, columns]
        parts.append(
            own.assign(window=place, kind=kind, is_old=False, entered_us=own["created_us"])
        )
        del window
    return pd.concat(parts, ignore_index=True)


def _described_leads(warehouse: Warehouse, rows: pd.DataFrame) -> pd.DataFrame:
    """Add each lead's source and value, and the stage of those that were open at the entry."""
    leads = warehouse["leads"].select("lead_id", "source", "value")
    frame = warehouse.arrow(leads).to_pandas().rename(columns={"lead_id": "id", "value": "amount"})
    rows = rows.merge(frame, on="id", how="left")
    old = rows.index[rows["is_old"]]
    if not len(old):
        return rows.assign(stage=None)
    moments = pd.to_datetime(rows.loc[old, "entered_us"], unit="us")
    asked = pd.DataFrame(
        {SNAPSHOT: old, CUTOFF: moments.to_numpy(), "lead_id": rows.loc[old, "id"].to_numpy()}
    )
    schema = {SNAPSHOT: "int64", CUTOFF: "timestamp(6)", "lead_id": "string"}
    changes = changes_of(warehouse, LEAD, "lead_id")
    values = as_of(
        changes.filter(changes.field == STAGE), ibis.memtable(asked, schema=schema), "lead_id"
    )
    stages = warehouse.arrow(values.select(SNAPSHOT, "value")).to_pandas()
    return rows.join(stages.set_index(SNAPSHOT)["value"].rename("stage"))


def _ended(windows: Windows, final: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return what was won in each window, as outcomes: deals as wins, leads as conversions."""
    won = final[final["won"] > 0]
    parts = [
        won[within(won["end_us"], start, end)].assign(window=place)
        for place, (start, end) in enumerate(
            zip(windows.bounds("start"), windows.bounds("end"), strict=True)
        )
    ]
    is_lead = kind == LEAD
    return pd.concat(parts, ignore_index=True).assign(
        kind=kind,
        conversions=float(is_lead),
        wins=float(not is_lead),
        revenue=lambda ended: 0.0 if is_lead else ended["amount"].astype(np.float64).fillna(0.0),
    )


def _with_outcomes(
    rows: pd.DataFrame, conversions: pd.DataFrame, wins: pd.DataFrame
) -> pd.DataFrame:
    """Add what came of each row within its window; a won deal is its own or its lead's."""
    key = ["window", "kind", "id"]
    own = wins.merge(rows[key], on=key, how="inner")
    rest = wins.merge(rows[key].assign(is_own=True), on=key, how="left")
    led = rest[rest["is_own"].isna()].assign(kind=LEAD, id=rest["lead_id"])
    ended = pd.concat(
        [own[[*key, *OUTCOMES]], led[[*key, *OUTCOMES]], conversions[[*key, *OUTCOMES]]]
    )
    totals = ended.groupby(key)[list(OUTCOMES)].sum().reset_index()
    rows = rows.merge(totals, on=key, how="left")
    return rows.fillna(dict.fromkeys(OUTCOMES, 0.0))


def _owners(
    warehouse: Warehouse, leads: ir.Table, deals: ir.Table, rows: pd.DataFrame, timing: Timing
) -> pd.DataFrame:
    """Return the share of each row's outcomes that falls to each rep, by when it owned the row.

    Outcomes are spread over a window as the company's are: who owns a deal in the last days of a
    quarter owns most of its chance to be won there. A rep who has left owns nothing any more, even
    where nobody took a lost lead over.
    """
    versions = pd.concat(
        [_owner_versions(warehouse, leads, LEAD), _owner_versions(warehouse, deals, DEAL)],
        ignore_index=True,
    )
    gone = versions["rep_id"].map(_left(warehouse)).to_numpy(np.float64)
    versions["to_us"] = np.fmin(versions["to_us"], gone)
    keys = rows[["window", "kind", "id", "entered_us"]].assign(row=range(len(rows)))
    owned = keys.merge(versions, on=["kind", "id"])
    place, ends = owned["window"].to_numpy(), owned["to_us"].to_numpy(np.float64)
    starts = owned[["from_us", "entered_us"]].max(axis=1).to_numpy(np.float64)
    shares = owned[["row", "rep_id"]]
    for name in (CONVERSIONS, WINS):
        share = timing.share(name, place, ends) - timing.share(name, place, starts)
        shares = shares.assign(**{name: np.maximum(share, 0.0)})
    totals: pd.DataFrame = shares.groupby(["row", "rep_id"]).sum().reset_index()
    window = np.asarray(rows["window"])
    for name in (CONVERSIONS, WINS):
        before = timing.share(name, window, rows["entered_us"].to_numpy(np.float64))
        totals[name] /= np.maximum(1.0 - before, LEAST_SHARE)[totals["row"]]
    return totals[totals[CONVERSIONS] + totals[WINS] > 0].reset_index(drop=True)


def _left(warehouse: Warehouse) -> pd.Series:
    """Return when each rep left, in microseconds; empty where it has not."""
    reps = warehouse.arrow(warehouse["reps"].select("rep_id", "left_at")).to_pandas()
    left_at = reps["left_at"].astype("datetime64[us]")
    moments = pd.Series(to_us(left_at), index=reps["rep_id"], dtype=np.float64)
    return moments.where(left_at.notna().to_numpy())


def _owner_versions(warehouse: Warehouse, versions: ir.Table, kind: str) -> pd.DataFrame:
    """Return who owned each lead or deal, from when to when."""
    columns = {"id": versions[f"{kind}_id"], "rep_id": versions.owner}
    columns |= {"from_us": _us(versions.valid_from), "to_us": _us(versions.valid_to)}
    frame = warehouse.arrow(versions.select(**columns)).to_pandas()
    return frame.dropna(subset=["rep_id"]).assign(kind=kind)


@dataclass(frozen=True, eq=False)
class Timing:
    """When in a window things happen, all windows taken together.

    Attributes:
        places: by outcome, where in its period each one happened, from 0 to 1, rising.
        start: of each window, in microseconds.
        length: of each window's whole period, in microseconds.
        passed: of each window, the share of its period that has passed.
    """

    places: dict[str, Floats]
    start: Ints
    length: Ints
    passed: Floats

    @classmethod
    def of(cls, windows: Windows, conversions: pd.DataFrame, wins: pd.DataFrame) -> Timing:
        """Learn it from what `_ended` returns."""
        start = windows.bounds("start")
        length = windows.bounds("period_end") - start
        places = {
            name: np.sort((ended["end_us"] - start[ended["window"]]) / length[ended["window"]])
            for name, ended in ((CONVERSIONS, conversions), (WINS, wins))
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


def _actual(conversions: pd.DataFrame, wins: pd.DataFrame) -> pd.DataFrame:
    """Return what each rep's own leads and deals came to in each window."""
    key = ["window", "rep_id"]
    columns = [*key, *OUTCOMES]
    ended = pd.concat([conversions[columns], wins[columns]], ignore_index=True)
    return ended.groupby(key)[list(OUTCOMES)].sum().reset_index()
