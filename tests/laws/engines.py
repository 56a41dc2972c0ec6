"""The engines a law is tried on: each opens an extract as a warehouse and lets it go again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from extract import Extract

from features.storage.catalog import WarehouseMeta
from features.storage.spark import spark_session
from features.storage.warehouse import Warehouse


@dataclass(frozen=True)
class Engine:
    """A way to open extracts.

    Attributes:
        name: which engine.
        connect: opens what was ingested.
        close: lets go of what was opened.
        folder: where extracts are written while they are open.
    """

    name: str
    connect: Callable[[WarehouseMeta], Warehouse]
    close: Callable[[Warehouse], None]
    folder: Path

    @contextmanager
    def open(self, extract: Extract, form: str = "parquet") -> Iterator[Warehouse]:
        """Write an extract, ingest it, and open what came of it.

        Args:
            extract: complete up to its own end.
            form: of its files, parquet or csv.
        """
        with TemporaryDirectory(dir=self.folder) as made:
            warehouse = self.connect(extract.ingest(Path(made), form))
            try:
                yield warehouse
            finally:
                self.close(warehouse)

    @contextmanager
    def open_laid_down(self, extract: Extract) -> Iterator[Warehouse]:
        """Write an extract by hand as ingest would leave it, and open it."""
        with TemporaryDirectory(dir=self.folder) as made:
            warehouse = self.connect(extract.laid_down(Path(made) / "tables"))
            try:
                yield warehouse
            finally:
                self.close(warehouse)


def duckdb_engine(folder: Path) -> Engine:
    """DuckDB within this process."""
    return Engine("duckdb", Warehouse.duckdb, lambda w: w.backend.disconnect(), folder)


def spark_engine(session: Any, folder: Path) -> Engine:
    """Spark; its session outlives the extracts."""
    return Engine("spark", lambda meta: Warehouse.spark(meta, session), lambda _: None, folder)


def small_spark(folder: Path) -> Any:
    """Start the smallest Spark there is: two threads, no pages, nobody may reach it.

    Compiling each query costs a hundred times what it saves on tables this small.
    """
    settings = {
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder / "spark-warehouse"),
        "spark.ui.enabled": "false",
    }
    return spark_session("local[2]", 1.0, settings)
