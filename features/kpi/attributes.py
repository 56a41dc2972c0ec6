"""Any attribute of a lead, deal, account or rep as a column that key figures are sliced by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.errors import InputError
from features.history.values import ENTITY_OF, as_it_stood, changes_of, last_shown
from features.kpi.lead_facts import lead_keys
from features.kpi.periods import Period
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT
from features.storage.warehouse import Warehouse
from features.tables import TABLES

REP = "rep_id"
ORDER = ("reps", "leads", "deals", "accounts")
"""The tables in which a name without a table is looked for, in this order."""


@dataclass(frozen=True)
class Attribute:
    """A column that figures are sliced by.

    Attributes:
        table: leads, deals, accounts or reps.
        column: of it.
    """

    table: str
    column: str

    @property
    def key(self) -> str:
        """The column of facts that names the entity."""
        return f"{ENTITY_OF[self.table]}_id"

    @property
    def name(self) -> str:
        """Table and column."""
        return f"{self.table}.{self.column}"


def find_attribute(warehouse: Warehouse, features: FeatureParams, name: str) -> Attribute:
    """Find an attribute by its column, or by table and column.

    Args:
        warehouse: holds the tables.
        features: name further columns known at creation.
        name: "team" or "leads.source".

    Raises:
        InputError: no table has it, or its past is not known.
    """
    table, dot, column = name.partition(".")
    tables, column = ((table,), column) if dot and table in ORDER else (ORDER, name)
    holding = [t for t in tables if t in warehouse.present and column in warehouse[t].columns]
    if not holding:
        raise InputError(
            f"no column {name!r} to slice by: write it like team, source or leads.source; "
            f"looked for in {', '.join(t for t in tables if t in warehouse.present) or 'no table'}"
        )
    usable = [t for t in holding if is_known(warehouse, features, t, column)]
    if not usable:
        raise InputError(
            f"{holding[0]}.{column} shows the end of the story: it has no rows in changes, and "
            "features.known_at_creation does not name it, so its past is not known"
        )
    filled = [t for t in usable if _is_filled(warehouse, t, column)]
    if not filled:
        raise InputError(f"{usable[0]}.{column} is never filled: there is nothing to slice by")
    return Attribute(filled[0], column)


def is_known(warehouse: Warehouse, features: FeatureParams, table: str, column: str) -> bool:
    """Tell whether a column's past is known: by its meaning, a history, or the settings."""
    declared = TABLES[table].by_name.get(column)
    return (
        (declared is not None and declared.known_at_creation)
        or warehouse.has_history(ENTITY_OF[table], column)
        or f"{table}.{column}" in features.known_at_creation
    )


def _is_filled(warehouse: Warehouse, table: str, column: str) -> bool:
    if warehouse.has_history(ENTITY_OF[table], column):
        return True
    rows = warehouse[table]
    return bool(warehouse.arrow(rows.aggregate(n=rows[column].count()))["n"][0].as_py())


def with_attribute(
    warehouse: Warehouse, facts: ir.Table, attribute: Attribute, reps: ir.Table | None
) -> ir.Table | None:
    """Add an attribute to facts as a text under its name; None where they have no such entity.

    An attribute of a rep is what it was when the period ended. Those of leads, deals and accounts
    are as last known.

    Args:
        warehouse: cut to what may be read.
        facts: with `rep_id`, `period_start` and the ids they have.
        attribute: to add.
        reps: for an attribute of reps, what `rep_values` returns.
    """
    key = attribute.key
    if reps is not None:
        same = [facts.rep_id == reps.rep_id, facts.period_start == reps.period_start]
        joined = facts.left_join(reps, same)
        return joined.drop("rep_id_right", "period_start_right")
    if key not in facts.columns:
        if attribute.table != "accounts" or "lead_id" not in facts.columns:
            return None
        accounts = lead_keys(warehouse).select(same="lead_id", account_id="account_id")
        facts = facts.left_join(accounts, facts.lead_id == accounts.same).drop("same")
    rows = last_shown(warehouse, warehouse[attribute.table], attribute.table, attribute.column)
    values = rows.select(same=rows[key], **{attribute.name: rows[attribute.column].cast("string")})
    return facts.left_join(values, facts[key] == values.same).drop("same")


def rep_values(warehouse: Warehouse, attribute: Attribute, periods: Sequence[Period]) -> ir.Table:
    """Return a rep's attribute when each period ended, or now: `rep_id, period_start` and it."""
    ends = [min(period.end, warehouse.data_until) for period in periods]
    columns = {
        "period_start": pa.array([p.start for p in periods], pa.timestamp("us")),
        CUTOFF: pa.array(ends, pa.timestamp("us")),
    }
    moments = ibis.memtable(pa.table(columns), schema=dict.fromkeys(columns, "timestamp(6)"))
    table = warehouse["reps"]
    own = table.select("rep_id", own_value=table[attribute.column].cast("string"))
    rows = own.cross_join(moments)
    number = ibis.row_number().over(order_by=[rows.rep_id, rows.period_start])
    rows = rows.mutate(**{SNAPSHOT: number})
    changes = changes_of(warehouse, "rep", "rep_id")
    rows = as_it_stood(rows, changes, "rep_id", {"own_value": attribute.column})
    return rows.select("rep_id", "period_start", **{attribute.name: rows.own_value})
