"""The store's database, opened: made if need be, and brought to this version's tables.

It is a SQLite file of the home, or a schema of a PostgreSQL database that several homes share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from features.errors import InputError
from features.storage.files import held
from features.storage.shared import PostgresSchema

MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_SECONDS = 30
"""How long a writer waits for another one."""
MOST_ENGINES = 16
"""Stores that one process opens in turns without compiling their statements anew."""


@dataclass(frozen=True)
class Store:
    """The database of one home, or the one that the homes of a company share.

    Attributes:
        home: the folder that holds data/.
        schema: where the store is on PostgreSQL; None keeps it in a file of the home.
    """

    home: Path
    schema: PostgresSchema | None = None

    @property
    def path(self) -> Path:
        """The database's file."""
        return self.home / "data" / "store.sqlite"

    @contextmanager
    def locked(self, name: str = "store") -> Iterator[None]:
        """Hold the store while something else changes with it; other processes wait.

        Args:
            name: what is held; whoever holds something else does not wait.
        """
        with self._held(name):
            yield

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection to read from.

        Raises:
            InputError: the file is not a store, the server cannot be reached, or a later version
                of pacesetter made the store.
        """
        with self._said(), self._opened() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction; it is kept if the block ends well, and undone if not.

        Raises:
            InputError: as for `reading`; or the disk is full, or the server went away.
        """
        with self._said(), self._opened() as connection, connection.begin():
            yield connection

    def upgrade(self) -> list[str]:
        """Bring the store to this version's tables, as opening it does; returns what was done."""
        before = self._revision_before()
        with self.reading():
            pass
        steps = _scripts().walk_revisions(base=before or "base", head="heads")
        return [f"{s.revision}: {s.doc}" for s in reversed(list(steps)) if s.revision != before]

    def _revision_before(self) -> str | None:
        """Return the step that the store is at; None where there is no store yet."""
        if self.schema is None and not self.path.exists():
            return None
        engine = self._file_engine() if self.schema is None else self.schema.engine()
        try:
            with engine.connect() as connection:
                return _revision(connection)
        except DatabaseError:
            # Whoever opens it says what is wrong with it.
            return None

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say in words what a database answers that can do no more: a full disk, a lost server."""
        try:
            yield
        except OperationalError as error:
            if self.schema is not None:
                raise self.schema.refused(error) from None
            raise InputError(
                f"{self.path}: {error.orig}; nothing of this step was kept, and all that was kept "
                "before is there. Free space on its disk, or look who else holds the file, then "
                "try again"
            ) from None

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        if self.schema is not None:
            with self.schema.locked(name):
                yield
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with held(self.path.with_name(f"{name}.lock")):
            yield

    @contextmanager
    def _opened(self) -> Iterator[Connection]:
        """Open a connection to tables of this version."""
        try:
            connection = self._connect()
        except OperationalError:
            raise
        except DatabaseError as error:
            if self.schema is not None:
                raise self.schema.refused(error) from None
            raise InputError(
                f"{self.path} cannot be used as a store: {error.orig}; restore it from a backup, "
                "or move it away to begin a new one"
            ) from None
        with connection:
            yield connection

    def _connect(self) -> Connection:
        """Connect, and bring the tables to this version if need be.

        The step is looked up on the connection itself. A second one would double the cost: whoever
        leaves a SQLite file last takes its log away, and the next one makes it anew.
        """
        engine = self._file_engine() if self.schema is None else self.schema.engine()
        with ExitStack() as opened:
            connection = opened.enter_context(engine.connect())
            if _revision(connection) == _scripts().get_current_head():
                # The look-up has begun a transaction; whoever writes begins their own.
                connection.rollback()
                opened.pop_all()
                return connection
        self._migrate(engine)
        return engine.connect()

    def _file_engine(self) -> Engine:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return _file_engine(str(self.path))

    def _migrate(self, engine: Engine) -> None:
        # One process at a time: two that found no tables would both make them.
        with self._held("store.migration"):
            if self.schema is not None:
                self.schema.make()
            with engine.begin() as connection:
                config = _config()
                config.attributes["connection"] = connection
                try:
                    upgrade(config, "head")
                except CommandError as error:
                    raise InputError(
                        f"{self.schema or self.path} was made by a later version of pacesetter "
                        f"({error}): update pacesetter, or use another --home"
                    ) from None


@lru_cache(maxsize=MOST_ENGINES)
def _file_engine(path: str) -> Engine:
    """Return the engine of a file; kept, since it remembers how each statement is compiled."""
    # No pool: forked workers would share its connections, and an open one would write into a
    # file that has been removed since.
    waits = {"timeout": WAIT_SECONDS}
    address = URL.create("sqlite", database=path)
    engine = create_engine(address, poolclass=NullPool, connect_args=waits)
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    """Let readers go on while somebody writes, and put every commit on disk."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    # A percent sign would be read as the beginning of a placeholder.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _scripts() -> ScriptDirectory:
    """Return the steps that this version knows; they are read from disk once."""
    return ScriptDirectory.from_config(_config())
