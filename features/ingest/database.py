"""A database as a source: its tables and views, each read once, all as of the same moment.

The only module that knows SQLAlchemy. Rows are staged as texts, exactly as the database holds
them, so that no driver and no data frame decides what a long id or an exact amount becomes.
A password is never shown: not in a report, not in an error, not in the cause of an error.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from features.errors import SourceError
from features.ingest.files import RawColumn, RawTable, Source

_T = TypeVar("_T")
_CHUNK = 50_000
_SQLITE = "sqlite"
_POSTGRES = "postgresql"
_KINDS = {"sqlite": _SQLITE, "postgres": _POSTGRES, "postgresql": _POSTGRES}
_REMEDY = "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
_SECRET = re.compile(r"pass|secret|token|key", re.IGNORECASE)
_HIDDEN = "***"
_WHOLE_FLOAT = 1e22


@dataclass(frozen=True)
class _Login:
    """How to reach a database, and what must not be shown of it.

    Attributes:
        kind: `sqlite` or `postgresql`.
        url: with the password.
        shown: the URL without the password.
        secrets: the password and other secret parts, in every way a URL may write them.
    """

    kind: str
    url: sa.URL
    shown: str
    secrets: tuple[str, ...]

    def guard(self, call: Callable[[], _T], where: str = "") -> _T:
        """Call the driver, and word its errors without the password they may hold.

        The error is raised outside the handler: an exception that kept the driver's as its
        context would carry the password into the next traceback.
        """
        try:
            return call()
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            problem = self._without_secrets(error)
        raise SourceError(where or self.shown, problem, _REMEDY)

    def _without_secrets(self, error: Exception) -> str:
        message = " ".join(str(getattr(error, "orig", None) or error).split())
        for secret in self.secrets:
            message = message.replace(secret, _HIDDEN)
        return message


def database(url: str) -> Source:
    """Open a database by its URL.

    A password written as `***`, as reports show it, is left to the driver, which looks in
    PGPASSWORD and ~/.pgpass: so the last source can be read again without a stored secret.

    Raises:
        SourceError: the URL is not understood, or the database cannot be reached.
    """
    login = _login(url)
    connection = login.guard(partial(_connect, login))
    try:
        names = login.guard(partial(_tables, login, connection))
    except SourceError:
        connection.close()
        raise

    def table(_backend: Backend, name: str) -> RawTable:
        where = f"table '{name}' of {login.shown}"
        return login.guard(partial(_inspect, login, connection, names[name], where), where)

    return Source(login.shown, tuple(names), table, connection.close)


def _login(url: str) -> _Login:
    scheme = url.partition("://")[0]
    kind = _KINDS.get(scheme.partition("+")[0].lower())
    if kind is None:
        raise SourceError(f"{scheme}://{_HIDDEN}", "unknown kind of database", _REMEDY)
    try:
        parsed: sa.URL | None = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None:
        remedy = f"{_REMEDY}, with the signs @ : / # ? % of a password written as %40 and so on"
        raise SourceError(f"{scheme}://{_HIDDEN}", "the URL cannot be understood", remedy)
    hidden = {key: _HIDDEN for key in parsed.query if _SECRET.search(key)}
    shown = parsed.update_query_dict(hidden).render_as_string(hide_password=True)
    return _Login(kind, _without_placeholders(parsed), shown.replace("%2A", "*"), _secrets(parsed))


def _without_placeholders(url: sa.URL) -> sa.URL:
    """Remove every `***`, so that the driver looks for the secrets itself."""
    hidden = [key for key, value in url.query.items() if value == _HIDDEN]
    url = url.difference_update_query(hidden)
    # URL.set() cannot empty a password.
    password = None if url.password == _HIDDEN else url.password
    return sa.URL.create(
        url.drivername, url.username, password, url.host, url.port, url.database, url.query
    )


def _secrets(url: sa.URL) -> tuple[str, ...]:
    values = [url.password or ""]
    for key, value in url.query.items():
        if _SECRET.search(key):
            values += [value] if isinstance(value, str) else value
    secrets = [value for value in values if value not in ("", _HIDDEN)]
    return tuple({form for s in secrets for form in (s, quote(s, safe=""), quote_plus(s))})


def _connect(login: _Login) -> sa.Connection:
    """Open a connection that cannot write and sees every table as of the same moment."""
    if login.kind == _SQLITE:
        file = Path(login.url.database or "")
        if not file.is_file():
            raise SourceError(login.shown, "there is no such file", _REMEDY)
        address = f"file:{quote(str(file.absolute()))}?mode=ro"
        engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=lambda: sqlite3.connect(address, uri=True, check_same_thread=False),
            poolclass=sa.NullPool,
        )
        return engine.connect()
    url = login.url.set(drivername="postgresql+psycopg")
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": "15"})
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="REPEATABLE READ")
    connection = engine.connect().execution_options(postgresql_readonly=True)
    for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "extra_float_digits = 1"):
        connection.execute(sa.text(f"SET {setting}"))
    return connection


_Name = tuple[str | None, str]


def _tables(login: _Login, connection: sa.Connection) -> dict[str, _Name]:
    """Return tables and views: those of the default schema by name, others as schema.name."""
    inspector = sa.inspect(connection)
    tables: dict[str, _Name] = {}
    for name in _names(login, inspector, None):
        tables[name] = (None, name)
    if login.kind == _POSTGRES:
        for schema in inspector.get_schema_names():
            if schema != "information_schema":
                for name in _names(login, inspector, schema):
                    tables.setdefault(f"{schema}.{name}", (schema, name))
    return tables


def _names(login: _Login, inspector: sa.Inspector, schema: str | None) -> list[str]:
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if login.kind == _POSTGRES:
        names += inspector.get_materialized_view_names(schema)
    return sorted(names)


def _inspect(login: _Login, connection: sa.Connection, name: _Name, where: str) -> RawTable:
    schema, table = name
    described = sa.inspect(connection).get_columns(table, schema)
    columns = tuple(
        RawColumn(str(column["name"]), f"c{i}", declared=_declared(column["type"]))
        for i, column in enumerate(described)
    )
    selected = [
        _selected(login, column["name"], column["type"]).label(f"c{i}")
        for i, column in enumerate(described)
    ]
    query = sa.select(*selected).select_from(sa.table(table, schema=schema))

    def stage(_backend: Backend, path: Path) -> Path:
        login.guard(partial(_stage, connection, query, path), where)
        return path

    def greatest(names: Sequence[str]) -> tuple[str | None, ...]:
        kinds = {str(column["name"]): column["type"] for column in described}
        maxima = [_greatest(login, name, kinds[name]) for name in names]
        counted = sa.select(sa.func.count(), *maxima).select_from(sa.table(table, schema=schema))
        values = login.guard(lambda: connection.execute(counted).one(), where)
        return tuple(_texts(values))

    return RawTable(where, _REMEDY, columns, stage, greatest)


def _greatest(login: _Login, name: str, declared: Any) -> sa.ColumnElement[Any]:
    """Return what to select for a column's greatest value; PostgreSQL orders not every type."""
    column: sa.ColumnElement[Any] = sa.column(name)
    if login.kind == _SQLITE:
        return sa.func.max(column)
    is_ordered = isinstance(declared, sa.Numeric | sa.Integer | sa.String | sa.DateTime | sa.Date)
    greatest = sa.func.max(column if is_ordered else sa.cast(column, sa.Text))
    return sa.cast(greatest, sa.Text)


def _selected(login: _Login, name: str, declared: Any) -> sa.ColumnElement[Any]:
    """Return what to select of a column, so that its values become texts exactly.

    PostgreSQL writes its values as text itself, without a driver's limits. `_text` writes those
    that come as they are: floating-point numbers, to which PostgreSQL may give an exponent, and
    all of SQLite's, which rounds when it writes.
    """
    column: sa.ColumnElement[Any] = sa.column(name)
    if login.kind == _SQLITE or isinstance(declared, sa.Float):
        return column
    return sa.cast(column, sa.Text)


def _declared(kind: Any) -> str | None:
    """Return the engine's type for an attribute; None keeps texts and unusual types as text."""
    kinds = {
        sa.Boolean: "BOOLEAN",
        sa.Integer: "BIGINT",
        sa.Numeric: "DOUBLE",
        sa.Float: "DOUBLE",
        sa.DateTime: "TIMESTAMP",
        sa.Date: "TIMESTAMP",
    }
    return next((type_ for declared, type_ in kinds.items() if isinstance(kind, declared)), None)


def _stage(connection: sa.Connection, query: sa.Select[Any], path: Path) -> None:
    """Stream a query into a parquet file, never holding more than a chunk of it."""
    names = [column.name for column in query.selected_columns]
    schema = pa.schema([(name, pa.string()) for name in names])
    streamed = connection.execution_options(stream_results=True, yield_per=_CHUNK)
    with streamed.execute(query) as result, pq.ParquetWriter(path, schema) as file:
        for chunk in result.partitions():
            columns = [pa.array(_texts(values), pa.string()) for values in zip(*chunk, strict=True)]
            file.write_batch(pa.record_batch(columns, schema=schema))


def _texts(values: Iterable[Any]) -> Sequence[str | None]:
    return [v if v is None or isinstance(v, str) else _text(v) for v in values]


def _text(value: Any) -> str:
    if isinstance(value, float):
        is_whole = value.is_integer() and abs(value) < _WHOLE_FLOAT
        return str(int(value)) if is_whole else repr(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)
