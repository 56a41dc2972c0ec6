"""Laws of the kinds of models: alike from outside, and cheap to name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import InputError, NotFoundError
from features.storage.warehouse import Warehouse
from features.tables import TABLES
from serving.cli.commands import pacesetter
from training.loop.kinds import KINDS, LEADS, QUOTA, Kind, kind_of
from training.tracking.loading import bundle_readers

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_kind_needs_tables_that_exist(kind: Kind) -> None:
    """What a kind needs is named as the contract names its tables."""
    assert kind.needs
    assert set(kind.needs) <= set(TABLES)


def test_no_two_kinds_share_a_file() -> None:
    """Forecasts of one kind never overwrite those of the other."""
    files = [
        name for kind in KINDS.values() for name in (kind.files.predictions, kind.files.scores)
    ]
    assert len(set(files)) == len(files) == 2 * len(KINDS)


def test_every_kind_can_be_loaded_from_the_registry() -> None:
    """A kind without a loader could be trained and never used; a loader without a kind is dead."""
    assert set(bundle_readers()) == set(KINDS)


@pytest.mark.parametrize("verb", ["train", "backtest"])
def test_the_verbs_offer_every_kind(verb: str) -> None:
    """The command line lists kinds without importing them; the list is the same."""
    (argument,) = (p for p in pacesetter.commands[verb].params if p.name == "kind")
    assert list(argument.type.choices) == list(KINDS)


def test_an_unknown_kind_is_refused_by_name() -> None:
    """The error repeats what was asked for and lists what there is."""
    with pytest.raises(NotFoundError, match=r"'churn'; known are leads, quota"):
        kind_of("churn")
    assert kind_of("quota") is QUOTA


def test_a_kind_says_what_it_lacks(history: Warehouse) -> None:
    """A warehouse of leads supports leads; of quota it is said which table is missing."""
    LEADS.require(history, "a model of")
    with pytest.raises(InputError, match="a model of quota attainment needs the table"):
        QUOTA.require(history, "a model of")


def test_naming_kinds_loads_no_learner(tmp_path: Path) -> None:
    """Whoever only asks which kinds there are waits for no library that takes seconds."""
    code = (
        "import sys; from training.loop.kinds import KINDS\n"
        "slow = {'lightgbm', 'sklearn', 'scipy', 'mlflow', 'matplotlib', 'ibis', 'pandas'}\n"
        "assert list(KINDS) == ['leads', 'quota']\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
