"""A database as a source: its tables and views, read in one pass each. Only here: SQLAlchemy.

Rows are staged as texts, exactly as the database holds them, so that no driver and no data
frame decides what a long id or an exact amount becomes. A password is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from features.errors import SourceError
from features.sources import RawColumn, RawTable, Source
from features.tables import Kind

_CHUNK = 50_000
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_RIGHT = "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_SECRET = re.compile(r"pass|secret|token|key", re.IGNORECASE)
HIDDEN = "***"


def database(url: str) -> Source:
    """Open a database, given as a URL.

    A password written as `***`, as reports show it, is left to the driver, which looks in
    PGPASSWORD and ~/.pgpass: so the last source can be read again without storing a secret.
    """
    parsed = _parse(url)
    shown = _redacted(parsed)
    secrets = _secrets(parsed)
    engine = _connect(parsed, shown)
    with _driver_errors(shown, secrets):
        inspector = sa.inspect(engine)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        for schema in inspector.get_schema_names():
            ...
    return Source(shown, tuple(names), lambda _backend, name: _look(engine, shown, secrets, name))
