"""Laws of a registry that machines share, on a real PostgreSQL server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from small_models import base_rate_only, record

from features.errors import InputError
from features.storage.shared import PostgresSchema, SharedHome
from training.leads.bundle import LEADS
from training.tracking.registry import Tracking


@pytest.fixture
def acme(postgres_url: str, tmp_path: Path) -> Iterator[SharedHome]:
    """A company's place on a database, with nothing in it yet."""
    shared = SharedHome(postgres_url, "acme", tmp_path / "mount")
    shared.folder.mkdir()
    yield shared
    PostgresSchema(postgres_url, "acme_mlflow").ask("DROP SCHEMA IF EXISTS acme_mlflow CASCADE")


def test_homes_of_a_company_share_its_champion(acme: SharedHome, tmp_path: Path) -> None:
    """A model trained on one machine answers on another; another company does not see it.

    One test for all, since MLflow takes seconds to make its tables.
    """
    here, there = Tracking(tmp_path / "here", acme), Tracking(tmp_path / "there", acme)
    stranger = Tracking(tmp_path / "stranger", SharedHome(acme.url, "globex", acme.folder))
    assert here.live(LEADS) is None
    assert here.log(record(base_rate_only())) == "1"
    assert there.log(record(base_rate_only())) == "2"
    assert (here.live(LEADS), there.live(LEADS), stranger.live(LEADS)) == ("1", "1", None)
    assert there.champion(LEADS).bundle.version == base_rate_only().version
    there.promote(LEADS, "2", "the pilot agreed")
    assert here.live(LEADS) == "2"
    assert [p.version for p in here.promotions(LEADS)] == ["1", "2"]
    assert stranger.versions(LEADS) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mount"]
    # The folder must be the same path everywhere: addresses of files are in the database.
    (tmp_path / "elsewhere").mkdir()
    moved = Tracking(tmp_path, SharedHome(acme.url, "acme", tmp_path / "elsewhere"))
    with pytest.raises(InputError, match="same path on every machine"):
        moved.log(record(base_rate_only()))


def test_tables_left_half_made_are_made_anew(acme: SharedHome, tmp_path: Path) -> None:
    """Whoever made them died before the first experiment; one with an experiment is kept."""
    schema = acme.registry
    schema.make()
    schema.ask("CREATE TABLE acme_mlflow.experiments (name text)")
    here = Tracking(tmp_path / "here", acme)
    assert here.live(LEADS) is None
    here.mlruns.open()
    assert here.mlruns.is_made
    schema.ask("DROP TABLE acme_mlflow.registered_model_aliases")
    Tracking(tmp_path / "there", acme).mlruns.open()
    assert schema.ask("SELECT name FROM acme_mlflow.experiments")
