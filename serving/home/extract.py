"""What an opened warehouse is asked by every kind of forecast."""

from __future__ import annotations

from datetime import datetime

from features.errors import NotReady
from features.storage.catalog import NO_EVENTS
from features.storage.warehouse import Warehouse


def moment_of(warehouse: Warehouse, as_of: datetime | None) -> datetime:
    """Give the moment to answer for: the extract's end unless told.

    Raises:
        NotReady: the extract has no end.
    """
    if as_of is not None:
        return as_of
    if warehouse.data_until == NO_EVENTS:
        raise NotReady("the extract holds no event, so it has no end; say --as-of")
    return warehouse.data_until


def named_in(warehouse: Warehouse, column: str, *tables: str) -> frozenset[str]:
    """Give all ids that stand in a column of any of the tables."""
    columns = [warehouse[name].select(column) for name in tables]
    found = columns[0].union(*columns[1:], distinct=True) if columns[1:] else columns[0].distinct()
    return frozenset(one for one in warehouse.arrow(found)[column].to_pylist() if one is not None)
