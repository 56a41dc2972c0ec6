"""Small sources and mappings, ingested; for tests of what a mapping can say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from features.ingest.load import ingest
from features.ingest.report import IngestReport
from features.params import FeatureParams
from features.storage.catalog import current


def load(home: Path, mapping: str, files: Mapping[str, str]) -> IngestReport:
    """Ingest CSV files, by table, under a mapping in YAML."""
    folder = home / "in"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    return load_folder(home, mapping, folder)


def load_folder(home: Path, mapping: str, folder: Path) -> IngestReport:
    """Ingest a folder, or a workbook, under a mapping in YAML."""
    file = home / "map.yaml"
    file.write_text(mapping, encoding="utf-8")
    return ingest(str(folder), home, FeatureParams(), file)


def rows(home: Path, table: str) -> list[dict[str, Any]]:
    """Read an accepted table."""
    content: list[dict[str, Any]] = pq.read_table(
        current(home).path / f"{table}.parquet"
    ).to_pylist()
    return content


def column(home: Path, table: str, name: str) -> list[Any]:
    """Read one column of an accepted table."""
    return [row[name] for row in rows(home, table)]


def quarantined(home: Path, table: str) -> list[dict[str, Any]]:
    """Read the rows of a table that were set aside."""
    file = home / "data" / "quarantine" / f"{table}.parquet"
    content: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return content
