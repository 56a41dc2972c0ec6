"""What a field held as of a cutoff, and raw values as numbers and moments."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.snapshot import SNAPSHOT, as_of_join, deletion_in, standing
from features.storage.warehouse import Warehouse
from features.tables import CHANGES, ENTITY_TABLES

UNBELIEVABLE = 1e12
"""Amounts from here on (ids, typing errors, infinity) count as empty: sums could not hold them."""
ENDLESS = 1e300
"""No number is so great, but infinity is and, to both engines, what is no number (NaN)."""
MOMENT = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?)?( ?(Z|UTC|[+]00(:?00)?))?$"
)
"""A date, or a date and a time of day, in UTC."""
NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
"""A number in plain or scientific notation."""
ENTITY_OF: Mapping[str, str] = {table: entity for entity, table in ENTITY_TABLES.items()}
"""What the rows of a table are."""
FLAGS = ("true", "false")
"""How texts say yes and no, in any case."""


def thousandths(amount: ir.FloatingColumn) -> ir.IntegerColumn:
    """Round an amount to whole thousandths; from `UNBELIEVABLE` on, either way, it is empty."""
    believed = ibis.ifelse(amount.abs() < UNBELIEVABLE, amount, ibis.null("float64"))
    return (believed * 1000).round().cast("int64")


def changes_of(warehouse: Warehouse, entity: str, key: str) -> ir.Table:
    """Return the changes of one kind of entity, its id named as its table names it.

    Those deleted by the end are among them, with their `deleted_at`.
    """
    changes = warehouse.ever("changes")
    rows = changes.filter(changes.entity_type == entity)
    names = ("changed_at", "known_at", "field", "value")
    return rows.select(*names, **{key: rows.entity_id}, **deletion_in(rows))


def changes_at_end(warehouse: Warehouse, entity: str, key: str) -> ir.Table:
    """Return what `changes_of` does, as the end of the extract shows it."""
    return standing(changes_of(warehouse, entity, key), warehouse.data_until)


def as_of(changes: ir.Table, snapshots: ir.Table, key: str) -> ir.Table:
    """Return the last visible value of each changed field: `snapshot, field, value`.

    Of two values of one moment the greater text counts, so that row order never matters.

    Args:
        changes: what `changes_of` returns.
        snapshots: `snapshot, cutoff` and the column `key`.
        key: the column that holds the entity's id on both sides.
    """
    rows = as_of_join(snapshots, changes, CHANGES, key)
    last = rows.group_by(SNAPSHOT, "field").aggregate(__age=rows.age_us.min())
    at_last = rows.inner_join(
        last,
        (rows[SNAPSHOT] == last[SNAPSHOT])
        & (rows["field"] == last["field"])
        & (rows.age_us == last["__age"]),
    )
    return at_last.group_by(SNAPSHOT, "field").aggregate(value=at_last["value"].max())


def last_shown(warehouse: Warehouse, rows: ir.Table, table: str, *columns: str) -> ir.Table:
    """Put a field's last value in a column's place, where the field has a history.

    Args:
        warehouse: cut to what may be read.
        rows: have the id of the entities of `table`; ids may repeat.
        table: leads, deals, reps or accounts.
        columns: of the rows.

    Returns:
        The rows. Replaced columns hold texts, empty where the history has none.
    """
    entity = ENTITY_OF[table]
    key = f"{entity}_id"
    for column in columns:
        if not warehouse.has_history(entity, column):
            continue
        changes = changes_at_end(warehouse, entity, key)
        changes = changes.filter(changes["field"] == column)
        last_at = changes.group_by(key).aggregate(last_at=changes.changed_at.max())
        last = changes.inner_join(last_at, key)
        last = last.filter(last.changed_at == last.last_at)
        # Of two values of one moment the greater text, as everywhere.
        last = last.group_by(same=last[key]).aggregate(last_value=last["value"].max())
        joined = rows.left_join(last, rows[key] == last.same)
        rows = joined.mutate(**{column: joined.last_value}).drop("same", "last_value")
    return rows


def as_it_stood(
    rows: ir.Table, changes: ir.Table, key: str, columns: Mapping[str, str]
) -> ir.Table:
    """Put a field's last visible value in a column's place, where a value of it is visible.

    The table's own column is empty where the field has a history; only a lead that is handed in
    with its values has them there. A field that was emptied is empty, whatever came later.

    Args:
        rows: snapshots, with the columns and the entity's id.
        changes: of that kind of entity.
        key: the column that holds the entity's id on both sides.
        columns: column of `rows` -> field in `changes`.
    """
    if not columns:
        return rows
    values = as_of(changes.filter(changes["field"].isin(set(columns.values()))), rows, key)
    # Three cases for a snapshot: no change of the field is visible: the column stays; the last
    # visible change has a value: that value; the last visible change emptied the field: empty.
    # "No change" and "emptied" both come out of the aggregate as an empty value, hence the count.
    aggregates = {}
    for place, name in enumerate(columns.values()):
        aggregates[f"seen_{place}"] = (values["field"] == name).sum()
        aggregates[f"new_{place}"] = values["value"].max(where=values["field"] == name)
    changed = values.group_by(SNAPSHOT).aggregate(**aggregates)
    joined = rows.left_join(changed, SNAPSHOT)
    replaced = {}
    for place, column in enumerate(columns):
        old, new = joined[column], joined[f"new_{place}"]
        if not old.type().is_string():
            old, new = number_or_flag(old), number_or_flag(new)
        is_changed = joined[f"seen_{place}"].fill_null(0) > 0
        replaced[column] = ibis.ifelse(is_changed, new, old)
    return joined.mutate(**replaced).drop(f"{SNAPSHOT}_right", *aggregates)


def as_number(column: ir.Column) -> ir.Column:
    """Read a column as numbers; what is not a number, or not finite, becomes empty.

    Engines differ in the texts they take for numbers ("1d", "1_000", "nan"); one pattern does not.
    """
    if column.type().is_string():
        number = ibis.ifelse(column.re_search(NUMBER), column, ibis.null("string"))
        number = number.try_cast("float64")
    else:
        number = column.cast("float64")
    return ibis.ifelse(number.abs() < ENDLESS, number, ibis.null("float64"))


def number_or_flag(column: ir.Column) -> ir.Column:
    """Read a column as `as_number` does, and yes and no as 1 and 0, typed or in words."""
    if not column.type().is_string():
        return as_number(column)
    flag = [(column.lower() == word, ibis.literal(1.0 - place)) for place, word in enumerate(FLAGS)]
    return ibis.cases(*flag, else_=as_number(column))


def as_time(column: ir.StringColumn) -> ir.TimestampColumn:
    """Read texts as moments (UTC); what is not a moment becomes empty.

    Engines differ in the texts they take for moments; one pattern does not.
    """
    plain = column.substr(0, 10) + column.substr(10).re_replace("^T", " ")
    plain = plain.re_replace(" ?(Z|UTC|[+]00(:?00)?)$", "")
    moment = ibis.ifelse(column.re_search(MOMENT), plain, ibis.null("string"))
    return moment.try_cast("timestamp(6)")
