"""Which columns should hold keys of which other tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from features.storage.engine import parquet
from features.tables import ENTITY_TABLES, TABLES

_REFERENCES = {
    "lead_id": "leads",
    "deal_id": "deals",
    "rep_id": "reps",
    "account_id": "accounts",
    "manager_id": "reps",
}


@dataclass(frozen=True)
class Reference:
    """A column whose values should be keys of another table.

    Attributes:
        table: the table that refers.
        column: its column.
        note: what a report calls values that match nothing.
        rows: SQL of the rows that refer.
        key: the key in the other table.
        other: the other table.
        keys: SQL of the other table's rows.
    """

    table: str
    column: str
    note: str
    rows: str
    key: str
    other: str
    keys: str

    @property
    def unmatched(self) -> str:
        """SQL of the rows whose reference names nothing."""
        return (
            f"{self.rows} m WHERE m.{self.column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {self.keys} o WHERE o.{self.key} = m.{self.column})"
        )


def references_of(table: str, columns: set[str], files: Mapping[str, Path]) -> Iterator[Reference]:
    """Go through the references of an accepted table to tables that are present.

    Args:
        table: its name.
        columns: the schema's columns that its source has.
        files: the accepted tables that are present.
    """
    own = parquet(files[table])
    for column, other in _REFERENCES.items():
        if column in columns and other in files:
            key = TABLES[other].key[0]
            if other == table and column in TABLES[table].key:
                continue
            note = f"{column}: not in {other}"
            yield Reference(table, column, note, own, key, other, parquet(files[other]))
    if table == "changes":
        for kind, other in ENTITY_TABLES.items():
            if other in files:
                changes = f"(SELECT * FROM {own} WHERE entity_type = '{kind}')"
                note = f"entity_id of a {kind}: not in {other}"
                key = TABLES[other].key[0]
                yield Reference(
                    table, "entity_id", note, changes, key, other, parquet(files[other])
                )
        if "reps" in files:
            owners = f"(SELECT * FROM {own} WHERE field = 'rep_id')"
            note = "value of rep_id: not in reps"
            yield Reference(table, "value", note, owners, "rep_id", "reps", parquet(files["reps"]))
    if table == "quotas" and "deals" in files:
        note = "rep_id: has no deal"
        yield Reference(table, "rep_id", note, own, "rep_id", "deals", _owners(files))


def _owners(files: Mapping[str, Path]) -> str:
    """Return SQL of the reps that own deals, or once did."""
    deals = parquet(files["deals"])
    if "changes" not in files:
        return deals
    return (
        f"(SELECT rep_id FROM {deals} UNION ALL SELECT value FROM {parquet(files['changes'])} "
        "WHERE entity_type = 'deal' AND field = 'rep_id')"
    )
