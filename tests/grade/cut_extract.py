"""The extract that a CRM would have given at an earlier moment, cut from a later one.

Written from the contract's law of time and its tables alone, with nothing of the product: rows that
were not visible yet are gone, later ends are empty, and columns whose past lies in `changes` hold
the value of that time.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

EVENT_TIMES = {
    "leads": "created_at",
    "activities": "occurred_at",
    "deals": "created_at",
    "changes": "changed_at",
    "reps": "hired_at",
}
"""When a row begins; without a moment (a rep without `hired_at`) it was always there."""
ENDS = (
    "converted_at",
    "lost_at",
    "do_not_contact_at",
    "left_at",
    "closed_at",
    "deleted_at",
)
TABLES = {"lead": "leads", "deal": "deals", "rep": "reps", "account": "accounts"}
REQUIRED = ("deals", "rep_id")
"""The one required column that may change: a CRM shows some owner there, known to us or not."""
NEVER_RESTORED = ("created_at", "hired_at", "won", *ENDS)
"""Moments of the row itself; with a key they are no fields that change."""


def read_extract(folder: Path) -> dict[str, pd.DataFrame]:
    """Read every table of an extract in parquet, by name."""
    return {file.stem: pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}


def write_extract(tables: dict[str, pd.DataFrame], folder: Path, form: str) -> Path:
    """Write the tables of an extract, as `parquet` or `csv`, and return the folder."""
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        if form == "csv":
            rows.to_csv(folder / f"{name}.csv", index=False)
        else:
            rows.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def cut_extract(tables: dict[str, pd.DataFrame], moment: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Return the extract as it would have been made at a moment.

    Args:
        tables: the later extract.
        moment: naive UTC; rows at this very moment are not visible, quotas of it are.
    """
    cut = {name: rows[visible(name, rows, moment)].copy() for name, rows in tables.items()}
    if "changes" in tables:
        for entity_type, name in TABLES.items():
            if name in cut:
                changes = tables["changes"]
                own = changes[changes["entity_type"] == entity_type]
                cut[name] = _restored(name, f"{entity_type}_id", cut[name], own, moment)
    return {name: _open_ended(rows, moment) for name, rows in cut.items()}


def visible(name: str, rows: pd.DataFrame, moment: pd.Timestamp) -> pd.Series:
    """Tell of each row whether the CRM could show it before a moment (quotas: at the moment)."""
    if name == "quotas":
        return _known_at(rows, _utc(rows["period_start"])) <= moment
    time = EVENT_TIMES.get(name)
    if time is None or time not in rows:
        return pd.Series(data=True, index=rows.index)
    happened = _utc(rows[time])
    later = (happened >= moment) | (_known_at(rows, happened) >= moment)
    return ~later


def _restored(
    name: str, key: str, rows: pd.DataFrame, changes: pd.DataFrame, moment: pd.Timestamp
) -> pd.DataFrame:
    """Put the value of a moment into every column whose past lies in `changes`.

    | changes of the entity's field      | its own column          |
    |------------------------------------|-------------------------|
    | some visible                       | the last visible value  |
    | none visible, the first tells more | its `old_value`         |
    | none visible, the first does not   | empty; `REQUIRED` stays |
    | none at all                        | stays                   |
    """
    happened = _utc(changes["changed_at"])
    shown = _known_at(changes, happened)
    shown = shown.where(shown > happened, happened)
    ordered = changes.assign(
        happened=happened, shown=shown, is_visible=visible("changes", changes, moment)
    )
    if "old_value" not in ordered:
        ordered = ordered.assign(old_value=None)
    for field, of_field in ordered.groupby("field"):
        if field not in rows or field in (key, *NEVER_RESTORED):
            continue
        seen = of_field[of_field["is_visible"]].sort_values(["happened", "shown"], kind="stable")
        last = seen.drop_duplicates("entity_id", keep="last").set_index("entity_id")["value"]
        early = of_field.sort_values(["shown", "happened"], kind="stable")
        before = early.drop_duplicates("entity_id").set_index("entity_id")["old_value"]
        values = pd.concat([last, before[~before.index.isin(last.index)]])
        restored = _replaced(rows[field], rows[key], values)
        if (name, field) == REQUIRED:
            restored = restored.where(restored.notna(), rows[field])
        rows[field] = restored
    return rows


def _replaced(column: pd.Series, ids: pd.Series, values: pd.Series) -> pd.Series:
    """Return a column with the values (texts) of some entities in it, of the type it had."""
    texts = ids.map(values)
    if pd.api.types.is_datetime64_any_dtype(column):
        typed = _utc(texts).astype(column.dtype)
    elif pd.api.types.is_numeric_dtype(column):
        typed = pd.to_numeric(texts)
    else:
        typed = texts.astype(object)
    return column.where(~ids.isin(values.index), typed)


def _open_ended(rows: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    """Empty every end that had not come yet, and with an empty `closed_at` its `won`."""
    for end in ENDS:
        if end in rows:
            rows[end] = rows[end].where(_utc(rows[end]) < moment)
    if "won" in rows:
        rows["won"] = rows["won"].astype(object).where(rows["closed_at"].notna(), None)
    return rows.reset_index(drop=True)


def _known_at(rows: pd.DataFrame, happened: pd.Series) -> pd.Series:
    """Return when the CRM could first show each row: when it happened, unless it tells more."""
    if "known_at" not in rows:
        return happened
    known = _utc(rows["known_at"])
    return known.where(known.notna(), happened)


def _utc(column: pd.Series) -> pd.Series:
    """Read moments as naive UTC."""
    return pd.to_datetime(column, utc=True, format="ISO8601").dt.tz_localize(None)
