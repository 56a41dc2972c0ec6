"""The tables that causes are found in, as they were at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import numpy as np
import pandas as pd

from features.arrays import Bools, Floats, Ints
from features.clock import to_us
from features.feature import DAY_US
from features.history.values import changes_of, last_shown
from features.history.versions import deal_versions, lead_versions
from features.labels.attainment import PERIOD, final_quotas
from features.storage.warehouse import Warehouse

NEVER_US = 4 * 10**18
"""The end of what has not ended, in microseconds."""


@dataclass(frozen=True)
class Entities:
    """Leads or deals, and what became of them.

    Attributes:
        created: when each was created, in microseconds.
        ended: when it ended, `NEVER_US` while it is open.
        is_won: whether it ended well: converted or won.
        value: the lead's value, or the deal's amount when it was created; empty (NaN) if unknown.
        final: the value as it is now; 0 where it is unknown.
        source: where a lead came from, as a number; of a deal, always 0.
        lead: a deal's lead, -1 without one; of a lead, always -1.
        owner: who owned it: `place, at, rep`, a row for each change, rep -1 for nobody.
        stage: the stages it came to: `place, at, stage`.
        due: a deal's expected end: `place, at, due`, a row for each that was shown.
    """

    created: Ints
    ended: Ints
    is_won: Bools
    value: Floats
    final: Floats
    source: Ints
    lead: Ints
    owner: pd.DataFrame
    stage: pd.DataFrame
    due: pd.DataFrame


@dataclass(frozen=True)
class Company:
    """A company at one moment.

    Attributes:
        as_of: the moment, in microseconds.
        reps: their ids, in order.
        hired: when each was hired, in microseconds; empty (NaN) if unknown.
        left: when each left, so far as that is known yet; empty (NaN) for who is there.
        territory: of each rep, as a number; one for all where there are none.
        quotas: `rep_id, period_start, period_end, amount`, and `rep`, the rep's place.
        sources: the names of leads' sources, in the order of their numbers.
        lead_stages: the names of leads' stages, in the order of their numbers.
        deal_stages: the same for deals.
        leads: all that are known.
        deals: all that are known.
        touches: `rep, day, count` of what reps did themselves, days since 1970.
        log_begins: from when on stages are known, in microseconds.
    """

    as_of: int
    reps: tuple[str, ...]
    hired: Floats
    left: Floats
    territory: Ints
    quotas: pd.DataFrame
    sources: tuple[str, ...]
    lead_stages: tuple[str, ...]
    deal_stages: tuple[str, ...]
    leads: Entities
    deals: Entities
    touches: pd.DataFrame
    log_begins: int


def read_company(warehouse: Warehouse, as_of: datetime) -> Company:
    """Read what is visible at a moment.

    Args:
        warehouse: the extract, whole or cut.
        as_of: the moment; one beyond the extract is the extract's end.
    """
    cut = warehouse.until(as_of).left()
    with cut.workspace() as cut:
        quotas = final_quotas(cut)
        people = _people(cut)
        ids = sorted({*people["rep_id"], *quotas["rep_id"]})
        places = pd.Series(np.arange(len(ids)), index=ids, dtype=np.int64)
        people = people.set_index("rep_id").reindex(ids)
        leads, sources, lead_stages, lead_ids = _leads(cut, places)
        deals, deal_stages = _deals(cut, places, lead_ids)
        begins = [rows["at"].min() for rows in (leads.stage, deals.stage) if len(rows)]
        begins = begins or [rows.created.min() for rows in (leads, deals) if len(rows.created)]
        territory = people["territory"].fillna("").astype(str)
        return Company(
            as_of=int(to_us(np.datetime64(cut.data_until))),
            reps=tuple(ids),
            hired=_us(people["hired_at"]),
            left=_us(people["left_at"]),
            territory=np.unique(territory.to_numpy(), return_inverse=True)[1].astype(np.int64),
            quotas=_quota_rows(quotas, places),
            sources=sources,
            lead_stages=lead_stages,
            deal_stages=deal_stages,
            leads=leads,
            deals=deals,
            touches=_touches(cut, places),
            log_begins=int(min(begins, default=0)),
        )


def _us(moments: pd.Series) -> Floats:
    """Return moments in microseconds, NaN where they are empty."""
    known = moments.notna().to_numpy()
    filled = to_us(moments.to_numpy(dtype="datetime64[us]"))
    return np.where(known, filled, np.nan)


def _people(cut: Warehouse) -> pd.DataFrame:
    rows = cut["reps"].select("rep_id", "hired_at", "left_at", "territory")
    rows = last_shown(cut, rows, "reps", "territory")
    return cut.arrow(rows).to_pandas().sort_values("rep_id").drop_duplicates("rep_id")


def _quota_rows(quotas: pd.DataFrame, places: pd.Series) -> pd.DataFrame:
    frame = quotas[quotas["amount"] > 0].sort_values(PERIOD, ignore_index=True)
    start, end = to_us(frame["period_start"].to_numpy()), to_us(frame["period_end"].to_numpy())
    return frame.assign(rep=places[frame["rep_id"]].to_numpy(), start=start, end=end)


def _touches(cut: Warehouse, places: pd.Series) -> pd.DataFrame:
    """Count what reps did: rows with a rep that did not come from the customer."""
    rows = cut["activities"]
    is_own = rows.direction.fill_null("").lower() != "inbound"
    rows = rows.filter(is_own).drop_null(["rep_id"])
    day = (rows.occurred_at.epoch_seconds() / ibis.literal(86_400)).floor().cast("int64")
    counted = rows.group_by("rep_id", day=day).aggregate(count=rows.count())
    frame = cut.arrow(counted).to_pandas()
    frame = frame[frame["rep_id"].isin(places.index)]
    frame = frame.assign(rep=places[frame["rep_id"]].to_numpy())
    return frame.sort_values(["rep", "day"], ignore_index=True)[["rep", "day", "count"]]


def _leads(
    cut: Warehouse, places: pd.Series
) -> tuple[Entities, tuple[str, ...], tuple[str, ...], pd.Series]:
    rows = cut["leads"].select(
        "lead_id", "created_at", "source", "value", "converted_at", "lost_at"
    )
    rows = last_shown(cut, rows, "leads", "source", "value")
    frame = cut.arrow(rows).to_pandas().sort_values("lead_id", ignore_index=True)
    converted, lost = _us(frame["converted_at"]), _us(frame["lost_at"])
    ended = np.fmin(converted, lost)
    sources, codes = np.unique(frame["source"].fillna("").astype(str), return_inverse=True)
    value = pd.to_numeric(frame["value"], errors="coerce").to_numpy(dtype=np.float64)
    ids = pd.Series(np.arange(len(frame)), index=frame["lead_id"], dtype=np.int64)
    stage, names = _stages(cut, "lead", ids)
    entities = Entities(
        created=to_us(frame["created_at"].to_numpy()),
        ended=np.where(np.isnan(ended), NEVER_US, ended).astype(np.int64),
        is_won=converted == ended,
        value=value,
        final=np.nan_to_num(value),
        source=codes.astype(np.int64),
        lead=np.full(len(frame), -1),
        owner=_owners(cut, lead_versions(cut), ids, places),
        stage=stage,
        due=_due(pd.DataFrame({"lead_id": [], "valid_from": [], "expected_close_at": []}), ids),
    )
    return entities, tuple(sources.tolist()), names, ids


def _deals(
    cut: Warehouse, places: pd.Series, lead_ids: pd.Series
) -> tuple[Entities, tuple[str, ...]]:
    versions = cut.once(deal_versions)
    rows = versions.select(
        *("deal_id", "valid_from", "created_at", "closed_at", "won", "ended", "amount"),
        *("lead_id", "expected_close_at"),
    )
    frame = cut.arrow(rows).to_pandas().sort_values(["deal_id", "valid_from"])
    by_deal = frame.groupby("deal_id", sort=True)
    first, last = by_deal.first(), by_deal.last()
    ids = pd.Series(np.arange(len(first)), index=first.index, dtype=np.int64)
    stage, names = _stages(cut, "deal", ids)
    has_ended = last["ended"].to_numpy() == 1
    closed = to_us(last["closed_at"].to_numpy(dtype="datetime64[us]"))
    entities = Entities(
        created=to_us(first["created_at"].to_numpy(dtype="datetime64[us]")),
        ended=np.where(has_ended, closed, NEVER_US),
        is_won=last["won"].to_numpy() == 1,
        value=first["amount"].to_numpy(dtype=np.float64),
        final=np.nan_to_num(last["amount"].to_numpy(dtype=np.float64)),
        source=np.zeros(len(first), dtype=np.int64),
        lead=lead_ids.reindex(last["lead_id"]).fillna(-1).to_numpy(dtype=np.int64),
        owner=_owners(cut, versions, ids, places),
        stage=stage,
        due=_due(frame, ids),
    )
    return entities, names


def _due(versions: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    """Return when deals were expected to end: a row for each date that was shown."""
    shown = versions[versions["expected_close_at"].notna()]
    place = ids.reindex(shown[ids.index.name]).to_numpy(dtype=np.int64)
    at = to_us(shown["valid_from"].to_numpy(dtype="datetime64[us]"))
    due = to_us(shown["expected_close_at"].to_numpy(dtype="datetime64[us]"))
    is_new = np.append(True, (place[1:] != place[:-1]) | (due[1:] != due[:-1]))[: len(place)]
    return pd.DataFrame({"place": place[is_new], "at": at[is_new], "due": due[is_new]})


def _owners(cut: Warehouse, versions: ibis.Table, ids: pd.Series, reps: pd.Series) -> pd.DataFrame:
    rows = versions.select(ids.index.name, "valid_from", "owner")
    frame = cut.arrow(rows).to_pandas().sort_values([str(ids.index.name), "valid_from"])
    place = ids[frame[ids.index.name]].to_numpy()
    rep = reps.reindex(frame["owner"]).fillna(-1).to_numpy(dtype=np.int64)
    return pd.DataFrame({"place": place, "at": to_us(frame["valid_from"].to_numpy()), "rep": rep})


def _stages(cut: Warehouse, entity: str, ids: pd.Series) -> tuple[pd.DataFrame, tuple[str, ...]]:
    key = str(ids.index.name)
    rows = changes_of(cut, entity, key)
    rows = rows.filter(rows["field"] == "stage").drop_null(["value"])
    frame = cut.arrow(rows.select(key, "changed_at", "value")).to_pandas()
    frame = frame[frame[key].isin(ids.index)].sort_values([key, "changed_at", "value"])
    names, codes = np.unique(frame["value"].astype(str), return_inverse=True)
    place = ids[frame[key]].to_numpy()
    at = to_us(frame["changed_at"].to_numpy())
    stages = pd.DataFrame({"place": place, "at": at, "stage": codes.astype(np.int64)})
    return stages, tuple(names.tolist())


def days(span: Ints | Floats) -> Floats:
    """Turn microseconds into days."""
    return np.asarray(span, dtype=np.float64) / DAY_US
