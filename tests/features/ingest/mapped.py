"""Small sources and mappings, ingested; for tests of what a mapping can say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow.parquet as pq
import yaml
from company_export import company
from ibis.backends.duckdb import Backend

from features.ingest.changes.source import mapped_source
from features.ingest.load import ingest
from features.ingest.mapping import checked_mapping
from features.ingest.report import IngestReport
from features.ingest.shaping.reader import Reader
from features.ingest.workbooks import open_files
from features.params import FeatureParams, IngestParams
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


def shaped(
    backend: Backend,
    folder: Path,
    mapping: str,
    files: Mapping[str, str],
    table: str,
    until: datetime | None = None,
) -> list[dict[str, Any]]:
    """Shape one table of ours from CSV files, and return its rows as they are staged."""
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    mappings = checked_mapping(yaml.safe_load(mapping), "map.yaml")
    reader = Reader(backend, open_files(folder), folder / "staging", "map.yaml")
    with mapped_source(reader, mappings, IngestParams(), until) as (source, _):
        raw = source.table(backend, table)
        content = pq.read_table(raw.stage(backend, folder / f"{table}.staged")).to_pylist()
    names = {column.staged: column.name for column in raw.columns}
    return [{names[key]: value for key, value in row.items() if key in names} for row in content]


def values(staged: list[dict[str, Any]], name: str) -> list[Any]:
    """Return one column of staged rows."""
    return [row[name] for row in staged]


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


@cache
def own_home() -> Path:
    """Return a home with the sample company's own tables (`company_export`)."""
    home = Path(mkdtemp(prefix="own"))
    ingest(str(company()), home, FeatureParams())
    return home


def lower_ids(row: dict[str, Any]) -> dict[str, Any]:
    """Write ids of deals as the export's own system does, in small letters."""
    own = "deal_id" if "deal_id" in row else "entity_id"
    is_deal = str(row.get(own)).startswith("D")
    return {**row, own: row[own].lower()} if is_deal else row
