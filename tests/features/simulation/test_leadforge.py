"""The sample company is a CRM extract like any other: dated rows, no look behind the scenes."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.checks.audit import audit
from training.params import TrainingParams

# Tests are no package: what grading shares with these is found here by its plain name.
sys.path.append(str(Path(__file__).parents[2] / "grade"))

from leadforge_company import KNOWN_AT_CREATION, PLANTED, Size, write_company

pytest.importorskip("leadforge", reason="the sample company needs leadforge")
SIZE = Size(months=10, leads=900)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a small company of 10 months."""
    out = tmp_path_factory.mktemp("sample")
    write_company(out, seed=3, size=SIZE)
    return out


@pytest.fixture(scope="module")
def home(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home that holds it."""
    home = tmp_path_factory.mktemp("home")
    ingest(str(folder), home, FeatureParams())
    return home


def _read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def test_every_row_is_accepted(home: Path) -> None:
    """The tables have the contract's format, so that nothing of them is turned away."""
    report = json.loads((home / "data" / "ingest-report.json").read_text(encoding="utf-8"))
    assert {t: r["quarantined"] for t, r in report["tables"].items()} == dict.fromkeys(
        ("leads", "activities", "deals", "changes", "reps", "accounts"), 0
    )


def test_the_extract_ends_in_the_middle_of_stories(folder: Path) -> None:
    """Leads come in over the whole time, and rows stop for all of them at one moment."""
    leads, rows = _read(folder, "leads"), _read(folder, "activities")
    end = leads["created_at"].min().normalize() + timedelta(days=30 * SIZE.months)
    months = (leads["created_at"] - leads["created_at"].min()).dt.days // 30
    assert months.nunique() == SIZE.months
    assert all(
        column.dropna().lt(end).all()
        for column in (
            leads["created_at"],
            leads["converted_at"],
            leads["lost_at"],
            rows["occurred_at"],
        )
    )
    assert leads[["converted_at", "lost_at"]].isna().all(axis=1).mean() > 0.2


def test_no_row_comes_before_its_lead_or_after_its_end(folder: Path) -> None:
    """Stories are moved as a whole, so their inner order is leadforge's own."""
    leads = _read(folder, "leads").set_index("lead_id")
    rows = _read(folder, "activities").join(leads[["created_at", "converted_at"]], on="lead_id")
    assert rows["occurred_at"].ge(rows["created_at"]).all()
    assert not rows["occurred_at"].gt(rows["converted_at"]).any()


def test_nothing_but_tables_of_a_crm_is_written(folder: Path) -> None:
    """No column holds what leadforge knows and a CRM does not."""
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{name}.parquet"
        for name in ("accounts", "activities", "changes", "deals", "leads", "reps")
    ]
    columns = {c for path in folder.iterdir() for c in pd.read_parquet(path).columns}
    assert not [c for c in columns if "latent" in c or "90_days" in c]
    assert columns >= set(PLANTED)


def test_the_same_seed_gives_the_same_company(folder: Path, tmp_path: Path) -> None:
    """The company is pinned: equal seeds, equal files; unlike seeds, unlike files."""
    write_company(tmp_path / "same", seed=3, size=SIZE)
    write_company(tmp_path / "other", seed=4, size=SIZE)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "same" / path.name).read_bytes()
    assert _read(folder, "leads").shape[0] == SIZE.leads
    assert not _read(folder, "leads").equals(_read(tmp_path / "other", "leads"))


def test_the_audit_names_the_planted_columns_and_no_honest_one(home: Path) -> None:
    """The three columns planted by leadforge are warned about; those it fills first are not."""
    warehouse = Warehouse.duckdb(current(home))
    params = FeatureParams(known_at_creation=KNOWN_AT_CREATION)
    found = audit(warehouse, params, TrainingParams())
    assert not [f for f in found if f.severity == "error"]
    warned = {
        f.column for f in found if f.severity == "warning" and f.table in {"leads", "accounts"}
    }
    assert set(PLANTED) <= warned
    assert not warned & {name.split(".", 1)[1] for name in KNOWN_AT_CREATION}
