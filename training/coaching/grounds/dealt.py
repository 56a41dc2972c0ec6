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

from features.feature import DAY_US
from features.history.values import as_of, changes_of
from features.history.versions import deal_versions, lead_versions
from features.history.vocabulary import STAGE
from features.snapshot import CUTOFF, SNAPSHOT, versions_at, within
from features.storage.warehouse import Warehouse
from training.coaching.grounds.owned import Timing, microseconds, owners_of
from training.coaching.grounds.windows import Windows

LEAD, DEAL = "lead", "deal"
OUTCOMES = CONVERSIONS, WINS, REVENUE = "conversions", "wins", "revenue"


@dataclass(frozen=True, eq=False)
class Dealt:
    """What was dealt, to whom, and what came of it.

    Attributes:
        rows: a row for each lead and deal in each window: `window, kind, id, is_old` (open at the
            entry), `entered_us, created_us, source, stage, amount`, and what came of it within
            the window: `conversions, wins, revenue`.
        owners: `row, rep_id, conversions, wins`: the share of its chances that was each rep's.
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
    amounts = _first_amounts(warehouse, deals)
    new_deals = _came_later(windows, final_deals, DEAL).merge(amounts, on="id", how="left")
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
    timing = Timing.of(windows, {CONVERSIONS: conversions, WINS: wins})
    owners = owners_of(rows, {LEAD: leads, DEAL: deals}, timing, warehouse)
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
    columns = {"id": rows[key], "rep_id": rows.owner, "created_us": microseconds(rows.created_at)}
    columns |= {"end_us": microseconds(end), "won": rows.ended * rows.won}
    if kind == DEAL:
        columns |= {"amount": rows.amount, "lead_id": rows.lead_id}
    return warehouse.arrow(rows.select(**columns)).to_pandas().sort_values("id", ignore_index=True)


def _first_amounts(warehouse: Warehouse, versions: ir.Table) -> pd.DataFrame:
    """Return the first amount that each deal was shown with: `id, amount`."""
    filled = versions.filter(versions.amount.notnull())  # noqa: PD004 - a column of ibis
    first = filled.group_by(own=filled.deal_id).aggregate(first=filled.valid_from.min())
    rows = filled.inner_join(
        first, [filled.deal_id == first.own, filled.valid_from == first["first"]]
    )
    return warehouse.arrow(rows.select("amount", id=rows.deal_id)).to_pandas()


def _open_at_entry(
    warehouse: Warehouse, windows: Windows, versions: ir.Table, kind: str
) -> pd.DataFrame:
    """Return what is open at each window's entry, as it stands there."""
    rows = versions_at(_window_table(windows, "entry"), versions, None)
    rows = rows.filter(rows.ended == 0)
    columns = {
        "window": rows[SNAPSHOT],
        "id": rows[f"{kind}_id"],
        "created_us": microseconds(rows.created_at),
    }
    if kind == DEAL:
        columns |= {"amount": rows.amount, "stage": rows.stage}
    frame = warehouse.arrow(rows.select(**columns)).to_pandas()
    entry = windows.bounds("entry")[frame["window"]]
    return frame.assign(kind=kind, is_old=True, entered_us=entry)


def _came_later(windows: Windows, final: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return what was created after each window's entry."""
    columns = ["id", "created_us", *(["lead_id"] if kind == DEAL else [])]
    bounds = zip(windows.bounds("entry"), windows.bounds("end"), strict=True)
    parts = []
    for place, (entry, end) in enumerate(bounds):
        own = final.loc[within(final["created_us"], entry, end), columns]
        own = own.assign(window=place, kind=kind, is_old=False, entered_us=own["created_us"])
        parts.append(own)
    return pd.concat(parts, ignore_index=True)


def _described_leads(warehouse: Warehouse, rows: pd.DataFrame) -> pd.DataFrame:
    """Add each lead's source, value (as `amount`) and stage, as they stood when it entered.

    What came in later is described a day after: a CRM takes a moment to fill a new lead's fields.
    """
    leads = warehouse["leads"].select("lead_id", "source", "value")
    own = warehouse.arrow(leads).to_pandas().rename(columns={"lead_id": "id"})
    rows = rows.merge(own, on="id", how="left").assign(stage=None)
    fields = [n for n in ("source", "value", STAGE) if warehouse.has_history(LEAD, n)]
    shown = _shown(warehouse, rows, fields)
    for name in fields:
        values = shown[name].reindex(rows.index)
        rows[name] = pd.to_numeric(values, errors="coerce") if name == "value" else values
    is_old = rows["is_old"].to_numpy(dtype=np.bool_)
    stage = rows["stage"].astype(object).where(is_old, None)
    return rows.rename(columns={"value": "amount"}).assign(stage=stage)


def _shown(warehouse: Warehouse, rows: pd.DataFrame, fields: list[str]) -> pd.DataFrame:
    """Return what fields with a history held at each row's entry, by the row's number."""
    if not fields or rows.empty:
        return pd.DataFrame(columns=fields)
    is_old = rows["is_old"].to_numpy(dtype=np.bool_)
    moments = rows["entered_us"].to_numpy(np.float64) + np.where(is_old, 0, DAY_US)
    asked = pd.DataFrame(
        {
            SNAPSHOT: rows.index,
            CUTOFF: pd.to_datetime(moments, unit="us"),
            "lead_id": rows["id"].to_numpy(),
        }
    )
    schema = {SNAPSHOT: "int64", CUTOFF: "timestamp(6)", "lead_id": "string"}
    changes = changes_of(warehouse, LEAD, "lead_id")
    changes = changes.filter(changes.field.isin(fields))
    values = as_of(changes, ibis.memtable(asked, schema=schema), "lead_id")
    frame = warehouse.arrow(values.select(SNAPSHOT, "field", "value")).to_pandas()
    by_field = frame.set_index([SNAPSHOT, "field"])["value"].unstack()  # noqa: PD010 - no sums
    return by_field.reindex(columns=fields)


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


def _actual(conversions: pd.DataFrame, wins: pd.DataFrame) -> pd.DataFrame:
    """Return what each rep's own leads and deals came to in each window."""
    key = ["window", "rep_id"]
    columns = [*key, *OUTCOMES]
    ended = pd.concat([conversions[columns], wins[columns]], ignore_index=True)
    return ended.groupby(key)[list(OUTCOMES)].sum().reset_index()
