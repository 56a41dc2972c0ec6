"""Laws of the registry: what is logged comes back bit for bit, and one model is live."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from small_models import BOOSTER, FEW, base_rate_only, fitted, fitted_for, frame, record

from features.errors import InputError, NotFoundError, NotReady
from features.history.vocabulary import read_vocabulary
from features.ingest.load import ingest
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.bundle import LEADS
from training.tracking.registry import CHALLENGER, CHAMPION, PREVIOUS, Tracking

EXTRACT = {
    "reps": "rep_id,name,team\nr0,Zebedee Quillfeather,north\nr1,Ottoline Brandywine,north\n",
    "leads": "lead_id,created_at,rep_id,source\n"
    + "".join(f"l{i},2025-01-{1 + i // 3:02},r{i % 2},web\n" for i in range(60)),
    "activities": "occurred_at,type,lead_id,rep_id\n"
    + "".join(f"2025-02-{1 + i // 3:02},call,l{i},r{i % 2}\n" for i in range(60)),
}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """A home, with a space and letters beyond ASCII in its path, that holds one model."""
    tracking = Tracking(tmp_path_factory.mktemp("die Höhe 销售") / "my home")
    tracking.log(record(fitted()))
    return tracking


@pytest.fixture(scope="module")
def unused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database holds nothing yet: making one takes MLflow a while."""
    home = tmp_path_factory.mktemp("unused")
    Tracking(home).mlruns.open()
    return home


@pytest.fixture
def tracking(unused: Path, tmp_path: Path) -> Tracking:
    """A home of one's own, without models."""
    shutil.copytree(unused, tmp_path / "own")
    return Tracking(tmp_path / "own")


def artifacts(tracking: Tracking) -> list[Path]:
    """Find every file that was logged."""
    return [p for p in (tracking.mlruns.folder / "artifacts").rglob("*") if p.is_file()]


def test_round_trip(logged: Tracking) -> None:
    """A champion forecasts the very bits that were logged, in a home with any usual name."""
    champion, X = logged.champion(LEADS), frame(fitted().columns)
    assert champion.version == "1"
    assert champion.bundle.version == fitted().version
    assert np.array_equal(champion.bundle.probability(X), fitted().probability(X))
    assert np.array_equal(champion.bundle.margins(X), fitted().margins(X))


def test_run_tells_all(logged: Tracking) -> None:
    """A run holds settings, figures, files, features and fingerprints; None and NaN are none."""
    run = logged._client.get_run(logged.champion(LEADS).run_id)  # noqa: SLF001 - as MLflow has it
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"auc": 0.7, "auc_low": 0.65}
    assert run.data.params["training.booster.num_leaves"] == str(BOOSTER.num_leaves)
    assert run.data.params["features.windows_days"] == "[7, 30]"
    assert "training.note" not in run.data.params
    assert run.data.tags["data_fingerprint"] == "data-1"
    assert run.data.tags["feature_fingerprint"] == fitted().fingerprint
    root = logged.mlruns.local(run.info.artifact_uri)
    assert json.loads((root / "settings.json").read_text())["training"]["note"] == "x" * 10_000
    assert json.loads((root / "features.json").read_text()) == fitted().feature_set.describe()
    assert (root / "plots" / "gains.svg").read_text() == "<svg/>"
    assert (root / "report.html").read_bytes() == b"<html/>"


def test_no_pickles(logged: Tracking) -> None:
    """No artifact is a pickle, by its name or by its first bytes."""
    for path in artifacts(logged):
        assert path.suffix in {".json", ".txt", ".svg", ".html", ""}, path
        assert not path.read_bytes().startswith(b"\x80"), path
    assert any(path.name == "MLmodel" for path in artifacts(logged))


def test_everything_lives_in_the_home(logged: Tracking) -> None:
    """Every place that MLflow's database names lies under the home's mlruns."""
    place = logged.mlruns.folder.as_uri()
    with sqlite3.connect(logged.mlruns.database) as database:
        places = [
            row[0]
            for query in (
                "SELECT artifact_location FROM experiments",
                "SELECT artifact_uri FROM runs",
                "SELECT artifact_location FROM logged_models",
                "SELECT source FROM model_versions",
            )
            for row in database.execute(query)
        ]
    database.close()
    assert len(places) == 5  # MLflow's own experiment, ours, and one of each other
    assert all(address.startswith(f"{place}/artifacts") for address in places), places


def test_aliases(tracking: Tracking) -> None:
    """The first model is champion, a later one challenger until promoted; the old one is kept."""
    assert tracking.log(record(fitted())) == "1"
    assert tracking.log(record(fitted(rounds=9))) == "2"
    aliases = {model.version: model.aliases for model in tracking.versions(LEADS)}
    assert aliases == {"1": (CHAMPION,), "2": (CHALLENGER,)}
    assert tracking.log(record(fitted())) == "3"
    assert tracking.live(LEADS) == "1"

    assert tracking.promote(LEADS, "2", "a better Brier score") == "2"
    aliases = {model.version: model.aliases for model in tracking.versions(LEADS)}
    assert aliases == {"1": (PREVIOUS,), "2": (CHAMPION,), "3": (CHALLENGER,)}
    assert tracking.champion(LEADS).bundle.version == fitted(rounds=9).version
    assert tracking.load(LEADS, PREVIOUS).version == "1"

    assert tracking.promote(LEADS, CHALLENGER, "by hand") == "3"
    assert tracking.promote(LEADS, PREVIOUS, "one step back") == "2"
    aliases = {model.version: model.aliases for model in tracking.versions(LEADS)}
    assert aliases == {"1": (), "2": (CHAMPION,), "3": (PREVIOUS,)}

    assert tracking.promote(LEADS, "2", "it is live already") == "2"
    _agrees_with_mlflow(tracking)
    log = tracking.promotions(LEADS)
    assert [(change.version, change.before, change.why) for change in log] == [
        ("1", None, "the first model of its kind"),
        ("2", "1", "a better Brier score"),
        ("3", "2", "by hand"),
        ("2", "3", "one step back"),
    ]
    assert log == sorted(log, key=lambda change: change.at)


def _agrees_with_mlflow(tracking: Tracking) -> None:
    """Check that what is read off MLflow's tables is what MLflow itself answers."""
    client, name = tracking.mlruns.open(), f"pacesetter-{LEADS}"
    for alias in (CHAMPION, PREVIOUS):
        version = client.get_model_version_by_alias(name, alias)
        address = tracking.mlruns.named(name, alias)
        assert address is not None
        assert address.version == str(version.version)
        assert (address.run_id, address.source) == (version.run_id, version.source)
    assert tracking.mlruns.named(name, "nobody") is None
    assert tracking.mlruns.named("pacesetter-churn", CHAMPION) is None


def test_one_first_champion(tmp_path: Path) -> None:
    """Of several models logged at once, into a new home, exactly one becomes champion."""
    with ThreadPoolExecutor(3) as pool:
        run = record(base_rate_only())
        versions = list(pool.map(lambda _: Tracking(tmp_path).log(run), range(3)))
    assert sorted(versions) == ["1", "2", "3"]
    aliases = [model.aliases for model in Tracking(tmp_path).versions(LEADS)]
    assert aliases == [(CHAMPION,), (), (CHALLENGER,)]
    assert len(Tracking(tmp_path).promotions(LEADS)) == 1


def test_two_homes(logged: Tracking, tracking: Tracking) -> None:
    """Two homes in one process do not meet; a model without trees is a model, too."""
    assert tracking.log(record(base_rate_only())) == "1"
    assert tracking.champion(LEADS).bundle.evidence.state == "none"
    assert tracking.champion(LEADS).bundle.probability(frame(("x",), 2)) == pytest.approx(
        [0.2, 0.2]
    )
    assert logged.champion(LEADS).bundle.version == fitted().version
    assert len(logged.versions(LEADS)) == 1


def test_moved_home(logged: Tracking, tmp_path: Path) -> None:
    """A home that was copied elsewhere serves its champion and logs there, not where it was."""
    home = tmp_path / "copy"
    shutil.copytree(logged.home, home)
    files = len(artifacts(logged))
    moved = Tracking(home)
    size = sum(path.stat().st_size for path in artifacts(moved))
    assert moved.champion(LEADS).bundle.version == fitted().version
    assert moved.log(record(base_rate_only())) == "2"
    assert moved.load(LEADS, "2").bundle.evidence.state == "none"
    assert sum(path.stat().st_size for path in artifacts(moved)) > size
    assert len(artifacts(logged)) == files
    source = moved._versions(LEADS).registered()["1"].source  # noqa: SLF001 - as MLflow has it
    assert source.startswith(home.as_uri()), source


def test_nothing_there(tmp_path: Path) -> None:
    """Asking a home without models writes nothing, and says what to do."""
    tracking = Tracking(tmp_path / "home")
    assert tracking.live(LEADS) is None
    assert tracking.versions(LEADS) == []
    assert tracking.promotions(LEADS) == []
    with pytest.raises(NotReady, match="run `pacesetter train leads`"):
        tracking.champion(LEADS)
    with pytest.raises(NotReady, match="run `pacesetter train leads`"):
        tracking.promote(LEADS, "1", "why not")
    assert list(tmp_path.iterdir()) == []


def test_unknown_version(logged: Tracking) -> None:
    """An unknown version is an error that lists the versions there are."""
    with pytest.raises(NotFoundError, match=r"no leads model '7' in .*: found 1 champion"):
        logged.promote(LEADS, "7", "a slip")
    with pytest.raises(NotReady, match="no quota model"):
        logged.champion("quota")


@pytest.mark.parametrize("name", ["100% sales", "what?", "team #1"])
def test_unfit_home(tmp_path: Path, name: str) -> None:
    """A home that MLflow would mistake for another is refused before anything is written."""
    with pytest.raises(InputError, match="choose another --home"):
        Tracking(tmp_path / name).log(record(base_rate_only()))
    assert list(tmp_path.iterdir()) == []


def test_nothing_global(logged: Tracking) -> None:
    """Using a home changes no environment, no log level and no default address of MLflow."""
    import mlflow  # noqa: PLC0415 - takes seconds

    before = dict(os.environ), logging.getLogger("mlflow").level, mlflow.get_tracking_uri()
    Tracking(logged.home).log(replace(record(base_rate_only()), kind="quota"))
    assert before == (
        dict(os.environ),
        logging.getLogger("mlflow").level,
        mlflow.get_tracking_uri(),
    )
    assert not mlflow.tracking.is_tracking_uri_set()
    assert mlflow.active_run() is None


def test_removed_home(tmp_path: Path) -> None:
    """A home that was removed can be begun anew in the same process; nothing gets lost."""
    for _ in range(2):
        assert Tracking(tmp_path / "home").log(record(base_rate_only())) == "1"
        assert Tracking(tmp_path / "home").live(LEADS) == "1"
        shutil.rmtree(tmp_path / "home")


def test_no_names_of_people(tracking: Tracking, tmp_path: Path) -> None:
    """A rep's name gets into no artifact and not into the database, though the extract has it."""
    source = tmp_path / "extract"
    source.mkdir()
    for name, content in EXTRACT.items():
        (source / f"{name}.csv").write_text(content, encoding="utf-8")
    ingest(str(source), tmp_path, FEW)
    words = read_vocabulary(Warehouse.duckdb(current(tmp_path)), FEW)
    assert words.columns["reps.team"] == ("north",)
    tracking.log(record(fitted_for(words, 5)))
    searched = [*artifacts(tracking), tracking.mlruns.database]
    parts = [b"Zebedee", b"Quillfeather", b"Ottoline", b"Brandywine"]
    assert not [(p, part) for p in searched for part in parts if part in p.read_bytes()]


def test_a_change_that_was_cut_off_is_completed(tracking: Tracking) -> None:
    """A process that died after it had noted a change, and made none or some of it, loses nothing.

    The steps are MLflow's own, each kept for itself: aliases, and the tag of the promotion.
    """
    for rounds in (5, 6):
        tracking.log(record(fitted(rounds)))
    change = {"since": "2030-01-01T00:00:00.000001", "version": "2", "before": "1", "why": "why"}
    client, name = tracking._client, "pacesetter-leads"  # noqa: SLF001 - as a dying process leaves it
    for is_half_done in (False, True):
        client.set_registered_model_tag(name, "change of champion under way", json.dumps(change))
        if is_half_done:
            client.set_registered_model_alias(name, CHAMPION, "2")
        tracking.settle(LEADS)
        assert tracking.live(LEADS) == "2"
        newest = tracking.promotions(LEADS)[-1]
        assert (newest.version, newest.before, newest.why) == ("2", "1", "why")
        aliases = {v.version: v.aliases for v in tracking.versions(LEADS)}
        assert aliases == {"1": (PREVIOUS,), "2": (CHAMPION,)}
        tracking.settle(LEADS)
        assert len(tracking.promotions(LEADS)) == 2
        client.set_registered_model_alias(name, CHALLENGER, "2")
