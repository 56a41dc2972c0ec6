"""Properties with a history that no preset names: a company's own become changes all the same."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ibis.backends.duckdb import Backend

from features.ingest.files import Source
from features.ingest.language.columns import ColumnShape
from features.ingest.language.histories import PropertyHistory
from features.ingest.mapping import Mappings
from features.protected import folded
from features.storage.engine import ident, parquet, rows
from features.tables import ENTITY_TABLES, TABLES

MOST = 40
"""Further properties that are taken from one history, the most frequent."""
CONTACT_DATA = frozenset(
    ["email", "phone", "mobilephone", "fax", "address", "street", "firstname", "lastname", "name"]
)
"""Words of properties that hold contact data, which no forecast needs."""


def with_open_fields(
    mappings: Mappings, roles: Sequence[str], backend: Backend, source: Source
) -> Mappings:
    """Add the properties that a history holds beside those that its mapping names.

    Args:
        mappings: of a preset, cut down to a source.
        roles: the source's tables that are histories of this kind.
        backend: the engine.
        source: opened.
    """
    histories = mappings.histories
    properties = tuple(
        _opened(history, backend, source) if history.table in roles else history
        for history in histories.properties
    )
    return replace(mappings, histories=histories.model_copy(update={"properties": properties}))


def _opened(history: PropertyHistory, backend: Backend, source: Source) -> PropertyHistory:
    named = {shape.column for shape in history.fields.values()}
    ours = TABLES[ENTITY_TABLES[history.entity]].by_name
    further = {
        name: ColumnShape(column=name)
        for name in _properties(history, backend, source)
        if name not in {*named, *history.fields, *ours} and not _is_contact_data(name)
    }
    some = dict(list(further.items())[:MOST])
    return history.model_copy(update={"fields": {**history.fields, **some}})


def _is_contact_data(name: str) -> bool:
    words = folded(name).split()
    return bool(CONTACT_DATA & {*words, "".join(words)})


def _properties(history: PropertyHistory, backend: Backend, source: Source) -> list[str]:
    """Return the names of properties in a history, the most frequent first."""
    raw = source.table(backend, history.table)
    staged = next(column.staged for column in raw.columns if column.name == history.property)
    with tempfile.TemporaryDirectory() as folder:
        file = raw.stage(backend, Path(folder) / "history.staged")
        name = f"trim(CAST({ident(staged)} AS VARCHAR))"
        found = rows(
            backend,
            f"SELECT {name} FROM {parquet(file)} WHERE {name} <> '' "
            "GROUP BY 1 ORDER BY count(*) DESC, 1",
        )
    return [str(value) for (value,) in found]
