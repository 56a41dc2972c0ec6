"""The folder of runs and models, and how MLflow is opened so that it touches nothing else.

It is HOME/mlruns with a SQLite database in it, or a folder that several machines share, with a
schema of a PostgreSQL database.

Left alone, MLflow keeps a database in the working directory, reports how it is used to its makers,
and logs every step. None of that happens here, and every setting made for it is undone once MLflow
is open.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from features.errors import InputError
from features.storage.files import held
from features.storage.shared import PostgresSchema

if TYPE_CHECKING:
    from mlflow import MlflowClient

_AMBIGUOUS = "%?#"
"""Signs that MLflow and SQLAlchemy read differently in the address of a database."""
_WHILE_OPENING = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A pooled connection would write into a database that has been removed since, and forked
    # workers would share it.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""The columns in which MLflow's database holds full paths."""

_NAMED = """
SELECT v.version, v.run_id, v.source, t.value FROM registered_model_aliases a
JOIN model_versions v ON v.name = a.name AND v.version = a.version AND v.workspace = a.workspace
LEFT JOIN model_version_tags t ON t.name = v.name AND t.version = v.version
AND t.workspace = v.workspace AND t.key = 'content'
WHERE a.name = :name AND a.alias = :alias
"""


@dataclass(frozen=True)
class Address:
    """Where a registered version is.

    Attributes:
        version: "1", "2" …, in the order of registration.
        run_id: the run that trained it.
        source: the address of its files.
        content: the name made of the content of its files, as it was registered.
    """

    version: str
    run_id: str
    source: str
    content: str


@dataclass(frozen=True)
class Mlruns:
    """The folder of runs and models of one home, or of all homes of a company.

    Attributes:
        folder: HOME/mlruns or the shared one, absolute.
        schema: where MLflow's tables are on PostgreSQL; None keeps them in a file of the folder.
    """

    folder: Path
    schema: PostgresSchema | None = None

    @property
    def database(self) -> Path:
        """MLflow's own database, where it is a file."""
        return self.folder / "mlflow.db"

    @property
    def uri(self) -> str:
        """The address of the database."""
        return f"sqlite:///{self.database}" if self.schema is None else self.schema.uri

    @property
    def is_made(self) -> bool:
        """Whether MLflow's tables are there, all of them."""
        if self.schema is None:
            return self.database.is_file() and not self._is_half_made
        return self.schema.has_table("registered_model_aliases")

    @property
    def _is_half_made(self) -> bool:
        """Whether whoever made the tables died before the first experiment, which comes last."""
        if self.schema is not None:
            if not self.schema.has_table("experiments"):
                return False
            return not self.schema.ask(f"SELECT 1 FROM {self.schema.name}.experiments LIMIT 1")  # noqa: S608 - letters and digits
        # Opened for writing, so that SQLite first undoes what was not finished.
        address = f"{self.database.as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                return not connection.execute("SELECT 1 FROM experiments LIMIT 1").fetchall()
        except sqlite3.OperationalError as error:
            return "no such table" in str(error)

    def place(self, name: str) -> str:
        """Return the address under which an experiment keeps its artifacts."""
        return (self.folder / "artifacts" / name).as_uri()

    def local(self, source: str) -> Path:
        """Return the path of artifacts by their address, even if the home was moved since."""
        return self.folder / "artifacts" / unquote(source).rpartition("/mlruns/artifacts/")[2]

    def named(self, model: str, alias: str) -> Address | None:
        """Look up what an alias names, in MLflow's own tables and without importing MLflow.

        Importing MLflow takes longer than most questions; which model is champion is asked every
        few seconds by the service and by every `explain`. Aliases are read-only here: MLflow alone
        writes them.

        Args:
            model: the registered model's name.
            alias: such as `champion`.

        Returns:
            The version behind the alias; None if there is no database or nothing has that name.

        Raises:
            InputError: the tables are of another version of MLflow.
        """
        if not self.is_made:
            return None
        values = {"name": model, "alias": alias}
        if self.schema is not None:
            rows = self.schema.ask(_NAMED, **values)
        else:
            address = f"{self.database.as_uri()}?mode=ro"
            try:
                with closing(sqlite3.connect(address, uri=True)) as connection:
                    rows = connection.execute(_NAMED, values).fetchall()
            except sqlite3.OperationalError as error:
                raise self._other_version(str(error)) from None
        return Address(str(rows[0][0]), *rows[0][1:]) if rows else None

    def require_usable(self) -> None:
        """Refuse a folder whose path MLflow cannot read.

        Raises:
            InputError: it holds a sign that means something else in the address of a database.
        """
        if any(sign in str(self.folder) for sign in _AMBIGUOUS):
            raise InputError(
                f"{self.folder}: MLflow cannot use a folder whose path holds one of "
                f"{' '.join(_AMBIGUOUS)}; choose another --home"
            )

    def open(self) -> MlflowClient:
        """Open the database; the first time it takes a second or two to create its tables.

        Raises:
            InputError: MLflow cannot work in a folder of that name, or its tables are of another
                version.
        """
        self.require_usable()
        self.folder.mkdir(parents=True, exist_ok=True)
        with _environment(_WHILE_OPENING):
            from mlflow import MlflowClient, telemetry  # noqa: PLC0415 - takes seconds
            from mlflow.exceptions import MlflowException  # noqa: PLC0415 - takes seconds

            telemetry.set_telemetry_client()
            with quiet(), self.locked():
                if not self.is_made:
                    self._make()
                try:
                    client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
                    client.search_registered_models(max_results=1)  # also opens the registry
                except MlflowException as error:
                    if "database schema" not in str(error):
                        raise
                    raise self._other_version(str(error).partition(". ")[0]) from None
                return client

    def _make(self) -> None:
        """Make MLflow's tables whole or not at all; hold the home while you do.

        It takes MLflow a few seconds and dozens of steps. Whoever is killed within them leaves a
        file beside, or on PostgreSQL tables without an experiment, that the next one makes anew.
        """
        from mlflow.store.tracking.sqlalchemy_store import (  # noqa: PLC0415 - takes seconds
            SqlAlchemyStore,
        )

        # Otherwise MLflow's default experiment would get a folder in the working directory.
        artifacts = self.place("")
        if self.schema is not None:
            if self._is_half_made:
                self.schema.ask(f"DROP SCHEMA {self.schema.name} CASCADE")
            self.schema.make()
            SqlAlchemyStore(self.uri, artifacts)
            return
        making = self.folder / f"{self.database.name}.making"
        for left in (making, self.database):
            # The journal first: beside another file it would be taken for that one's.
            left.with_name(f"{left.name}-journal").unlink(missing_ok=True)
            left.unlink(missing_ok=True)
        SqlAlchemyStore(f"sqlite:///{making}", artifacts).engine.dispose()
        making.replace(self.database)

    def _other_version(self, problem: str) -> InputError:
        return InputError(
            f"{self.schema or self.database}: MLflow's tables are of another version ({problem}); "
            f"make a backup, then run: mlflow db upgrade {self.uri}"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home, so that other processes and threads wait before they change it."""
        lock = held(self.folder / ".lock") if self.schema is None else self.schema.locked("mlruns")
        with lock:
            yield

    def move(self, before: str, after: str) -> None:
        """Rewrite the addresses of artifacts in the database after its home was moved or copied.

        Args:
            before: how they began.
            after: how they begin now.

        Raises:
            InputError: other machines still look for them where they were.
        """
        if self.schema is not None:
            raise InputError(
                f"{self.schema} keeps models under {unquote(before)}, and this machine would keep "
                f"them under {unquote(after)}; serving.database.folder must be the same path on "
                "every machine"
            )
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for table, column in _LOCATIONS:
                connection.execute(
                    f"UPDATE {table} SET {column} = ?1 || substr({column}, length(?2) + 1) "  # noqa: S608 - constants
                    f"WHERE substr({column}, 1, length(?2)) = ?2",
                    (after, before),
                )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence MLflow's messages below warnings; it must be imported before."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for as long as the block lasts."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
