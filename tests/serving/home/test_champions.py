"""Laws of the model's life under a running service: checked, swapped, and never lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import NotFoundError, NotReady
from features.ingest.load import ingest
from features.params import FeatureParams
from serving.home.cache import ScoreCache
from serving.home.champions import ServedChampions
from serving.home.home import Home
from serving.settings import Settings
from training.artifact import PLAIN
from training.tracking.pyfunc import BUNDLE
from training.tracking.records import RunRecord
from training.tracking.registry import Tracking


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """A home with one champion of leads and the data, copied by each test."""
    place = tmp_path_factory.mktemp("registered")
    ingest(str(home / "source"), place, FeatureParams())
    bundle = Tracking(home).champion("leads").bundle
    Tracking(place).log(RunRecord("leads", bundle, {}, "data"))
    return place


@pytest.fixture
def place(tmp_path: Path, registered: Path) -> Path:
    """A home of its own."""
    return shutil.copytree(registered, tmp_path / "home")


def served(place: Path) -> ServedChampions:
    """What a service that starts now sees."""
    return ServedChampions(Tracking(place), place / "data" / "models")


def files(place: Path) -> Path:
    """The folder of the first registered version."""
    (found,) = (path.parent for path in (place / "mlruns").rglob(f"{BUNDLE}/{PLAIN}"))
    return found


def broken_number(place: Path) -> None:
    """One digit of one tree is another one."""
    trees = files(place) / "trees-0.txt"
    text = trees.read_text(encoding="utf-8")
    place_of = text.index("leaf_value=") + len("leaf_value=0.0")
    digit = "1" if text[place_of] != "1" else "2"
    trees.write_text(text[:place_of] + digit + text[place_of + 1 :], encoding="utf-8")


def cut_short(place: Path) -> None:
    """The description ends in the middle."""
    plain = files(place) / PLAIN
    plain.write_text(plain.read_text(encoding="utf-8")[:500], encoding="utf-8")


def no_files(place: Path) -> None:
    """The alias names a version whose files are gone."""
    shutil.rmtree(files(place))


def no_version(place: Path) -> None:
    """The alias names a version that the registry does not hold."""
    with closing(sqlite3.connect(place / "mlruns" / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE registered_model_aliases SET version = 99")


def no_mlflow(place: Path) -> None:
    """MLflow's database is not there."""
    (place / "mlruns" / "mlflow.db").unlink()


def broken_mlflow(place: Path) -> None:
    """MLflow's database is none."""
    (place / "mlruns" / "mlflow.db").write_bytes(b"not a database" * 100)


FAULTS = [broken_number, cut_short, no_files, no_version, no_mlflow, broken_mlflow]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_last_good_model_goes_on(place: Path, fault: Callable[[Path], None]) -> None:
    """Whatever happens to the champion, a service that starts afterwards has the last good one.

    It says why, and what to do; a service that was running has it too.
    """
    running = served(place)
    good = running.now("leads")
    assert good.stale is None
    fault(place)
    started = served(place).now("leads")
    assert started.model.bundle.version == good.model.bundle.version
    assert started.model.version == "1"
    assert started.stale is not None
    assert started.stale.startswith("leads model 1 goes on answering, since its champion does not")
    if fault not in {broken_number, cut_short, no_files}:
        assert running.now("leads").stale is not None
    assert running.now("leads").model is good.model


@pytest.mark.parametrize("fault", FAULTS)
def test_without_a_good_one_nothing_is_made_up(place: Path, fault: Callable[[Path], None]) -> None:
    """A service that never had a good model says what is wrong with the one there is."""
    fault(place)
    with pytest.raises((NotReady, NotFoundError), match=r"restore|Restore|train|readable"):
        served(place).now("leads")


def test_a_changed_tree_is_never_loaded(place: Path) -> None:
    """One digit is enough: the hash of the content is that of the registration, or it is refused.

    This holds for every verb, not for the service alone.
    """
    broken_number(place)
    with pytest.raises(NotFoundError, match=r"are not those that were registered: their content"):
        Tracking(place).champion("leads")


def test_a_copy_that_was_damaged_is_not_used(place: Path) -> None:
    """The local copy is checked by its hash too."""
    served(place).now("leads")
    for copy in (place / "data" / "models").rglob("trees-0.txt"):
        copy.write_text(copy.read_text(encoding="utf-8") + " ", encoding="utf-8")
    no_mlflow(place)
    with pytest.raises(NotReady, match="no leads model is champion"):
        served(place).now("leads")


def test_one_copy_is_kept(place: Path, home: Path) -> None:
    """The copy is that of the newest good champion, and no other one stays."""
    running = served(place)
    running.now("leads")
    bundle = Tracking(home).champion("leads").bundle
    other = type(bundle)(**{**vars(bundle), "about": {"note": "another one"}})
    Tracking(place).log(RunRecord("leads", other, {}, "data"))
    Tracking(place).promote("leads", "2", "a test")
    assert running.now("leads").model.version == "2"
    folders = [path.name for path in (place / "data" / "models" / "leads").iterdir()]
    assert sorted(folders) == sorted([other.version, "good.json"])
    no_mlflow(place)
    assert served(place).now("leads").model.bundle.version == other.version


def test_the_old_one_answers_until_the_new_one_does(place: Path, home: Path) -> None:
    """When the alias moves to a model that is broken, answers go on, and health says why.

    As soon as the alias names a sound one, that one answers, without a restart.
    """
    cache = ScoreCache(place, Settings())
    cache.look()
    table = cache.leads().table
    bundle = Tracking(home).champion("leads").bundle
    tracking = Tracking(place)
    tracking.log(RunRecord("leads", bundle, {}, "data"))
    _, folder = tracking.folders("leads", "2")
    shutil.move(folder / BUNDLE, folder / "away")
    tracking.promote("leads", "2", "a test")
    cache.look()
    assert cache.leads().outlook.version == "1"
    assert cache.leads().table["p"].to_list() == table["p"].to_list()
    (says, *_) = cache.current().stale
    assert "leads model 1 goes on answering" in says
    shutil.move(folder / "away", folder / BUNDLE)
    cache.look()
    assert cache.leads().outlook.version == "2"
    assert not [says for says in cache.current().stale if "goes on answering" in says]


def test_mlflow_may_go_away_under_a_service(place: Path) -> None:
    """Scores made before stay; a service that starts now makes the same ones from its copy."""
    cache = ScoreCache(place, Settings())
    cache.look()
    before = cache.leads().table
    shutil.rmtree(place / "mlruns")
    for looking in (cache, ScoreCache(place, Settings())):
        looking.look()
        assert looking.leads().table.equals(before)
        assert any("goes on answering" in says for says in looking.current().stale)
        assert Home(place, Settings()).tracking.live("leads") is None
