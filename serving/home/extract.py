"""What every kind of forecast asks of an opened warehouse."""

from __future__ import annotations

from datetime import datetime

from features.errors import NotReady
from features.history.values import ENTITY_OF
from features.storage.catalog import NO_EVENTS
from features.storage.warehouse import Warehouse


def moment_of(warehouse: Warehouse, as_of: datetime | None) -> datetime:
    """Return the moment to answer for: the one asked for, else the end of the data.

    Args:
        warehouse: the data.
        as_of: the moment asked for, if any.

    Raises:
        NotReady: no moment was asked for, and the data hold no event, so they have no end.
    """
    if as_of is not None:
        return as_of
    if warehouse.data_until == NO_EVENTS:
        raise NotReady(
            "the data hold no events, so there is no end to forecast from; ingest data with "
            "events, or name a moment with --as-of"
        )
    return warehouse.data_until


def named_in(warehouse: Warehouse, column: str, *tables: str) -> frozenset[str]:
    """Return all ids in a column that the tables share, ever; empty cells name nobody."""
    changes = warehouse["changes"]
    entities = [ENTITY_OF[name] for name in tables if name in ENTITY_OF]
    of_column = changes.filter(changes.entity_type.isin(entities) & (changes.field == column))
    ids = of_column.select(of_column["value"].name(column))
    ids = ids.union(*(warehouse[name].select(column) for name in tables), distinct=True)
    return frozenset(name for name in warehouse.arrow(ids)[column].to_pylist() if name is not None)
