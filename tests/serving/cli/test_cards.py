"""Laws of model cards in a home: one for each champion, whatever was killed in between."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "training" / "tracking"))

from small_models import base_rate_only, fitted, record

from serving.cli.cards import Cards
from serving.cli.champions import Champions, Decision
from serving.store.promotions import How
from training.leads.bundle import LEADS
from training.tracking.registry import Tracking

BY_ANN = Decision(How.PERSON, "the pilot agreed", "Ann Lee")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three models, the first of which is champion; nothing is logged yet."""
    home = tmp_path_factory.mktemp("cards")
    tracking = Tracking(home)
    for bundle in (base_rate_only(), fitted(5), fitted(6)):
        tracking.log(record(bundle))
    return home


@pytest.fixture
def home(three: Path, tmp_path: Path) -> Path:
    """A copy of one's own."""
    return Path(shutil.copytree(three, tmp_path / "home"))


def champions(home: Path) -> Champions:
    """Open a home as a new process does."""
    return Champions(home, Tracking(home))


def cards(home: Path) -> dict[str, float]:
    """Return every file among the cards, and when it was written."""
    return {p.name: p.stat().st_mtime_ns for p in (home / "data" / "cards").iterdir()}


def files(*versions: int) -> set[str]:
    """Name both files of versions."""
    return {f"leads-{n}.{form}" for n in versions for form in ("html", "md")}


def test_each_champion_has_one_card(home: Path) -> None:
    """The first champion, a promoted one; and a model that comes back keeps the card it has."""
    opened = champions(home)
    opened.note(LEADS)
    assert cards(home).keys() == files(1)
    opened.promote(LEADS, "3", BY_ANN)
    written = cards(home)
    assert written.keys() == files(1, 3)
    opened.roll_back(LEADS, "odd rankings", None)
    opened.promote(LEADS, "3", BY_ANN)
    assert cards(home) == written
    assert "Ann Lee" in (home / "data/cards/leads-3.md").read_text()
    assert "This is a fallback" in (home / "data/cards/leads-1.md").read_text()


def test_a_card_is_an_artifact_of_its_run(home: Path) -> None:
    """MLflow's pages show the same card."""
    champions(home).promote(LEADS, "2", BY_ANN)
    run, _ = Tracking(home).folders(LEADS, "2")
    for form in ("html", "md"):
        own = home / "data" / "cards" / f"leads-2.{form}"
        assert (run / f"card.{form}").read_text() == own.read_text()


@pytest.mark.parametrize("died", ["before the log", "before the card", "between the two files"])
def test_a_missing_card_is_written_by_whoever_comes_next(home: Path, died: str) -> None:
    """A process that died on the way leaves a champion without a card only until the next look."""
    if died == "before the log":
        Tracking(home).promote(LEADS, "2", BY_ANN.words)
    else:
        champions(home).promote(LEADS, "2", BY_ANN)
        shutil.rmtree(home / "data" / "cards")
    if died == "between the two files":
        (home / "data" / "cards").mkdir()
        (home / "data/cards/leads-2.md").write_text("half")
    champions(home).note(LEADS)
    assert cards(home).keys() == files(1, 2)
    assert "version 2" in (home / "data/cards/leads-2.md").read_text()
    assert Cards(home, Tracking(home)).write_missing(champions(home).entries(LEADS)) == []
