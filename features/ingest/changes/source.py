"""A source as a mapping wants it, its histories told as rows of `changes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from features.ingest.changes.properties import property_shaping
from features.ingest.changes.states import state_shaping
from features.ingest.files import Source
from features.ingest.mapping import Mappings
from features.ingest.parsing import TextFormat
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.source import Shaping, shaped_source
from features.params import IngestParams


@contextmanager
def mapped_source(
    reader: Reader, mappings: Mappings, params: IngestParams, until: datetime | None = None
) -> Iterator[tuple[Source, Mappings]]:
    """Open a source as a mapping wants it, histories included; see `shaped_source`.

    Args:
        reader: reads the extract as it is.
        mappings: what the mapping file says.
        params: how texts are read where the mapping does not say.
        until: the declared end of the data.

    Yields:
        The source under our names, and the part of the mapping that is left to do.
    """
    with shaped_source(reader, mappings, params, _history_shapings, until) as opened:
        yield opened


def _history_shapings(
    reader: Reader, mappings: Mappings, texts: TextFormat
) -> Mapping[str, Sequence[Shaping]]:
    histories, ids = mappings.histories, mappings.ids
    shapings = [
        property_shaping(reader, f"histories.properties[{i}]", history, texts, ids)
        for i, history in enumerate(histories.properties)
    ]
    shapings += [
        state_shaping(reader, f"histories.versions[{i}]", history, texts, ids)
        for i, history in enumerate(histories.versions)
    ]
    shapings += [
        state_shaping(reader, f"histories.snapshots[{i}]", history, texts, ids)
        for i, history in enumerate(histories.snapshots)
    ]
    return {"changes": shapings} if shapings else {}
