"""Laws of the folder of runs: its addresses, its lock, and what opening it leaves behind."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import InputError
from training.tracking.store import Mlruns, quiet

ROOT = Path(__file__).parents[3]
NAMES = ("plain", "with space", "Höhe 销售", "a+b&c=d", "[x](y)")

HOLD = """
import sys
from pathlib import Path
from training.tracking.store import Mlruns
with Mlruns(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", NAMES)
def test_an_address_leads_back_to_its_folder(tmp_path: Path, name: str) -> None:
    """The address of an experiment's artifacts is found again, whatever its home is called."""
    mlruns = Mlruns(tmp_path / name / "mlruns")
    address = mlruns.place("leads")
    assert address.startswith("file:///")
    assert mlruns.local(f"{address}/run/artifacts") == (
        mlruns.folder / "artifacts" / "leads" / "run" / "artifacts"
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_address_of_a_moved_home_leads_into_the_new_one(tmp_path: Path, name: str) -> None:
    """Artifacts that were logged elsewhere are looked for where the home is now."""
    old, new = Mlruns(tmp_path / "old place" / "mlruns"), Mlruns(tmp_path / name / "mlruns")
    assert new.local(f"{old.place('quota')}/m-1") == new.folder / "artifacts" / "quota" / "m-1"


def test_a_home_inside_a_folder_called_mlruns_keeps_its_addresses(tmp_path: Path) -> None:
    """The last `mlruns/artifacts` of an address is the home's own."""
    outer = Mlruns(tmp_path / "mlruns" / "artifacts" / "home" / "mlruns")
    assert outer.local(outer.place("leads")) == outer.folder / "artifacts" / "leads"


def database(mlruns: Mlruns, *addresses: str) -> None:
    """Make the tables in which MLflow keeps addresses, all with the same rows."""
    mlruns.folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "experiments": "artifact_location",
        "runs": "artifact_uri",
        "logged_models": "artifact_location",
        "model_versions": "source, storage_location",
    }
    with closing(sqlite3.connect(mlruns.database)) as connection, connection:
        for table, names in columns.items():
            connection.execute(f"CREATE TABLE {table} ({names})")
            marks = ", ".join("?" for _ in names.split(","))
            for address in addresses:
                values = [address] * len(names.split(","))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)


def addresses(mlruns: Mlruns, table: str, column: str) -> list[str]:
    """Read a column of addresses."""
    with closing(sqlite3.connect(mlruns.database)) as connection:
        return [row[0] for row in connection.execute(f"SELECT {column} FROM {table}")]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("experiments", "artifact_location"),
        ("runs", "artifact_uri"),
        ("logged_models", "artifact_location"),
        ("model_versions", "source"),
        ("model_versions", "storage_location"),
    ],
)
def test_moving_rewrites_the_beginning_of_every_address(
    tmp_path: Path, table: str, column: str
) -> None:
    """Only addresses that begin with the old place change, and only their beginning."""
    mlruns = Mlruns(tmp_path / "mlruns")
    old, new = "file:///old_%home/", "file:///new/"
    inside, twice, other = f"{old}leads/1", f"{old}x/{old}y", f"file:///elsewhere/{old}leads"
    database(mlruns, inside, twice, other)
    mlruns.move(old, new)
    assert addresses(mlruns, table, column) == ["file:///new/leads/1", f"{new}x/{old}y", other]


def test_moving_takes_no_sign_for_a_pattern(tmp_path: Path) -> None:
    """An underscore in the old place stands for itself, so that no other home's address fits."""
    mlruns = Mlruns(tmp_path / "mlruns")
    database(mlruns, "file:///a_b/leads", "file:///axb/leads")
    mlruns.move("file:///a_b/", "file:///c/")
    assert addresses(mlruns, "runs", "artifact_uri") == ["file:///c/leads", "file:///axb/leads"]


def test_threads_hold_a_home_one_after_the_other(tmp_path: Path) -> None:
    """Work done under the lock is never interleaved, whoever comes first."""
    marks: list[str] = []

    def work(name: str) -> None:
        with Mlruns(tmp_path).locked():
            marks.append(f"{name} begins")
            time.sleep(0.005)
            marks.append(f"{name} ends")

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [mark.split()[0] for mark in marks]
    assert len(marks) == 10
    assert names[::2] == names[1::2]


def test_another_process_waits_and_a_dead_one_lets_go(tmp_path: Path) -> None:
    """A home held by another process is free as soon as that process is killed."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    entered = threading.Event()

    def enter() -> None:
        with Mlruns(tmp_path).locked():
            entered.set()

    waiting = threading.Thread(target=enter)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiting.start()
        assert not entered.wait(0.1)
        holder.kill()
    waiting.join(timeout=10)
    assert entered.is_set()


MAKE = """
import sys
from pathlib import Path
from training.tracking.store import Mlruns
Mlruns(Path(sys.argv[1])).open()
"""


@pytest.mark.parametrize("seconds", [0.0, 0.4, 1.0])
def test_a_home_killed_while_its_tables_are_made_is_made_by_the_next(
    tmp_path: Path, seconds: float
) -> None:
    """Whenever that was: there is either no database or a whole one, never half of one."""
    mlruns = Mlruns(tmp_path / "mlruns")
    making = mlruns.folder / "mlflow.db.making"
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKE, str(mlruns.folder)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with maker:
        while maker.poll() is None and not making.exists() and not mlruns.database.exists():
            time.sleep(0.01)
        time.sleep(seconds)
        maker.kill()
    assert mlruns.database.exists() == mlruns.is_made
    assert mlruns.named("leads", "champion") is None
    assert mlruns.open().search_registered_models() == []
    assert mlruns.is_made
    assert not list(mlruns.folder.glob("mlflow.db.making*"))


@pytest.mark.parametrize("tables", ["", "experiments (artifact_location)", "model_versions (name)"])
def test_a_database_left_half_made_by_an_earlier_version_is_made_anew(
    tmp_path: Path, tables: str
) -> None:
    """Without an experiment there is nothing in it to lose; its journal goes with it."""
    mlruns = Mlruns(tmp_path / "mlruns")
    mlruns.folder.mkdir()
    with closing(sqlite3.connect(mlruns.database)) as connection, connection:
        if tables:
            connection.execute(f"CREATE TABLE {tables}")
    mlruns.database.touch()
    assert not mlruns.is_made
    assert mlruns.named("leads", "champion") is None
    assert mlruns.open().search_registered_models() == []
    assert mlruns.is_made


def test_tables_of_another_version_are_refused_and_kept(tmp_path: Path) -> None:
    """With the command that upgrades them; an experiment in them may be somebody's."""
    mlruns = Mlruns(tmp_path / "mlruns")
    database(mlruns, "file:///somewhere")
    with pytest.raises(InputError, match=r"of another version .*; make a backup, then run: mlflow"):
        mlruns.named("leads", "champion")
    assert addresses(mlruns, "experiments", "artifact_location") == ["file:///somewhere"]


def test_quiet_silences_mlflow_and_sets_levels_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside, only warnings are heard; afterwards levels are as before, even after an error."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    for logger, level in zip(loggers, (logging.DEBUG, logging.ERROR), strict=True):
        monkeypatch.setattr(logger, "level", level)

    def fail_quietly() -> None:
        with quiet():
            assert [logger.level for logger in loggers] == [logging.WARNING] * 2
            raise KeyError

    with pytest.raises(KeyError):
        fail_quietly()
    assert [logger.level for logger in loggers] == [logging.DEBUG, logging.ERROR]
