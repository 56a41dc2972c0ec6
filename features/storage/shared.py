"""What the homes of one company share: schemas of a PostgreSQL database, and a folder.

The one place that opens PostgreSQL for what pacesetter itself keeps. No password passes through
here: the driver looks for it in PGPASSWORD and in ~/.pgpass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

PASSWORD_PLACES = "the driver looks for a password in PGPASSWORD and ~/.pgpass"  # noqa: S105 - words


@dataclass(frozen=True)
class PostgresSchema:
    """One schema of a PostgreSQL database.

    Attributes:
        url: `postgresql://USER@HOST:PORT/DATABASE`, without a password.
        name: of the schema; letters, digits and underscores.
    """

    url: str
    name: str

    def __str__(self) -> str:
        """Name the schema for people."""
        return f"schema {self.name} of {self.url}"

    @property
    def uri(self) -> str:
        """The address by which SQLAlchemy, and so MLflow, opens this schema."""
        return self._address.render_as_string(hide_password=True)

    @property
    def _address(self) -> URL:
        from sqlalchemy import make_url  # noqa: PLC0415 - most homes keep files

        options = {"options": f"-csearch_path={self.name}"}
        return make_url(self.url).set(drivername="postgresql+psycopg").update_query_dict(options)

    def engine(self) -> Engine:
        """Return an engine whose tables are those of this schema; it keeps no connection open."""
        from sqlalchemy import NullPool, create_engine  # noqa: PLC0415 - most homes keep files

        # No pool, as on SQLite: forked workers would share its connections.
        return create_engine(self._address, poolclass=NullPool)

    def make(self) -> None:
        """Make the schema if it is missing; hold its lock while you do.

        Raises:
            InputError: the database cannot be reached, or refuses.
        """
        self.ask(f"CREATE SCHEMA IF NOT EXISTS {self.name}")

    def ask(self, sql: str, **values: str) -> Sequence[Any]:
        """Execute one statement and return its rows, if it has any.

        Args:
            sql: the statement, its values written as `:name`.
            values: by name.

        Raises:
            InputError: the database cannot be reached, or refuses.
        """
        from sqlalchemy import text  # noqa: PLC0415 - most homes keep files
        from sqlalchemy.exc import DatabaseError  # noqa: PLC0415 - most homes keep files

        try:
            with self.engine().begin() as connection:
                answer = connection.execute(text(sql), values)
                return answer.all() if answer.returns_rows else []
        except DatabaseError as error:
            raise self.refused(error) from None

    def has_table(self, name: str) -> bool:
        """Tell whether the schema has a table."""
        sql = "SELECT 1 FROM pg_tables WHERE schemaname = :schema AND tablename = :name"
        return bool(self.ask(sql, schema=self.name, name=name))

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock of this schema against other processes on all machines, and other threads.

        The lock belongs to a connection, so that the server frees it when its holder dies. A pooler
        between here and the server must keep whole sessions, not transactions.

        Args:
            name: what is locked.

        Raises:
            InputError: the database cannot be reached.
        """
        from sqlalchemy import text  # noqa: PLC0415 - most homes keep files
        from sqlalchemy.exc import DatabaseError  # noqa: PLC0415 - most homes keep files

        # Without a transaction: one that is open for minutes keeps the server from cleaning up.
        engine = self.engine().execution_options(isolation_level="AUTOCOMMIT")
        try:
            connection = engine.connect()
        except DatabaseError as error:
            raise self.refused(error) from None
        with connection:
            key = {"key": f"pacesetter {self.name} {name}"}
            connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:key, 0))"), key)
            yield

    def refused(self, error: Any) -> InputError:
        """Return what to say of an error of the driver's."""
        problem = " ".join(str(error.orig).split())
        return InputError(f"cannot use {self}: {problem}; {PASSWORD_PLACES}")


@dataclass(frozen=True)
class SharedHome:
    """Where all homes of one company keep their models and decisions.

    Attributes:
        url: of the database, without a password.
        company: names its schemas and its folder; other companies have others.
        folder: holds the folders of all companies, at the same path on every machine.
    """

    url: str
    company: str
    folder: Path

    @property
    def store(self) -> PostgresSchema:
        """The schema of what people and schedulers decided."""
        return PostgresSchema(self.url, self.company)

    @property
    def registry(self) -> PostgresSchema:
        """The schema of MLflow's tables, which would not live beside the store's."""
        return PostgresSchema(self.url, f"{self.company}_mlflow")

    @property
    def mlruns(self) -> Path:
        """The folder of the models' files."""
        return self.folder / self.company / "mlruns"

    def require_folder(self) -> None:
        """Refuse a folder that is not there: it would be made on this machine's own disk.

        Raises:
            InputError: says which folder.
        """
        if not self.folder.is_dir():
            raise InputError(
                f"serving.database.folder: there is no folder {self.folder}; it holds the models' "
                "files, must exist, and must be the same one on every machine: is it mounted?"
            )
