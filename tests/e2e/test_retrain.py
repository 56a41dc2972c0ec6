"""`retrain` from outside: what is new is done once, and whoever kills it changes nothing."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import PIPE

import pandas as pd
import pytest
from outside import SMALL, Run, company, day, prepared, write

from serving.cli.main import main
from serving.store.database import Store
from serving.store.retrains import Event, RetrainLog
from serving.store.worklist import WorklistLog
from training.tracking.registry import Tracking

KILL_AT = Path(__file__).with_name("kill_at.py")
POINTS = [
    ("MlflowClient.create_model_version", "leave", 1),  # registered, without an alias
    ("MlflowClient.set_registered_model_alias", "leave", 2),  # champion, and nowhere told of
    ("score_to", "leave", 1),  # scores written, and not in place
    ("WorklistLog.once", "leave", 1),  # lists and lots kept, and their scores not in place
]


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose champion learned from little, long ago, beside an extract with far more."""
    home = prepared(tmp_path_factory.mktemp("retrain") / "Büro 3", company(leads=450))
    where = ("--home", str(home))
    assert main([*where, "ingest", str(home / "extract"), "--data-until", day(60)]) == 0
    assert main([*where, "train", "leads", "--until", day(30)]) == 0
    return home


@pytest.fixture(scope="module")
def renewed(aged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home after an undisturbed retrain."""
    home = tmp_path_factory.mktemp("renewed") / "home"
    shutil.copytree(aged, home)
    assert main(["retrain", str(home / "extract"), "--home", str(home)]) == 0
    return home


def content(home: Path) -> str:
    """The name made of the champion's content."""
    return Tracking(home).champion("leads").bundle.version


def bundles(home: Path, version: str) -> list[Path]:
    """The file of a model that an older version might have written."""
    (model,) = (v for v in Tracking(home).versions("leads") if v.version == version)
    files = (home / "mlruns").rglob("bundle.json")
    named = [file for file in files if model.tags["until"] in file.read_text(encoding="utf-8")]
    return named[:1]


def scores(home: Path) -> pd.DataFrame:
    """The scores that others read."""
    return pd.read_parquet(home / "data" / "scores" / "lead_scores.parquet")


def require_sound(run: Run, home: Path) -> None:
    """A champion scores, the log ends with it, and the scores in place are of one model."""
    live = Tracking(home).live("leads")
    assert live is not None
    assert run("score", "--out", home / "asked", "--home", home).code == 0
    entries = run("promote", "leads", "--log", "--json", "--home", home).data["promotions"]
    assert entries[-1]["to_version"] == Tracking(home).live("leads")
    assert [e["from_version"] for e in entries[1:]] == [e["to_version"] for e in entries[:-1]]
    if (home / "data" / "scores").exists():
        assert len(set(scores(home)["model_version"])) == 1


def test_the_twin_decides_and_the_challenger_is_promoted(run: Run, renewed: Path) -> None:
    """The log says which model was judged, on what, and that its twin was."""
    (_, entry) = run("promote", "leads", "--log", "--json", "--home", renewed).data["promotions"]
    assert (entry["how"], entry["from_version"], entry["to_version"]) == ("gate", "1", "2")
    assert "judged by its twin, which learned until 2025-06-07" in entry["reason"]
    assert entry["figures"]["gain"]["low"] > 0
    assert min(entry["figures"]["cutoffs"]) >= entry["figures"]["twin_until"]
    assert set(scores(renewed)["model_version"]) == {"2"}
    model = Tracking(renewed).champion("leads")
    assert model.bundle.until > pd.Timestamp(entry["figures"]["twin_until"])


def test_every_night_has_its_list(run: Run, renewed: Path) -> None:
    """The lists are kept with their lots, written beside the scores, and are those of `calls`."""
    listed = pd.read_parquet(renewed / "data" / "scores" / "worklist.parquet")
    log = WorklistLog(Store(renewed))
    kept = log.of_day(listed["day"].iloc[0])
    assert [row.lead_id for row in kept] == listed["lead_id"].tolist()
    assert listed["lead_id"].isin(scores(renewed)["lead_id"]).all()
    lots = log.enrolments()
    assert lots
    asked = run("calls", "--json", "--home", renewed).data["calls"]
    assert [call["lead_id"] for call in asked] == listed["lead_id"].tolist()
    assert log.enrolments() == lots


def test_nothing_new_is_nothing_done(run: Run, renewed: Path) -> None:
    """With the source or without it, a second retrain leaves every file as it is."""
    before = {path: path.stat().st_mtime_ns for path in renewed.rglob("*") if path.is_file()}
    for words in (("retrain",), ("retrain", renewed / "extract")):
        again = run(*words, "--home", renewed)
        assert (again.code, again.out) == (0, "nothing changed\n"), again.err
    as_json = run("retrain", "--json", "--home", renewed).data
    assert as_json["outcome"] == "nothing changed"
    after = {path: path.stat().st_mtime_ns for path in renewed.rglob("*") if path.is_file()}
    lock = renewed / "data" / "retrain.lock"
    assert {p for p in after if after[p] != before.get(p)} <= {lock}


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[0])
def test_whoever_kills_it_changes_nothing(
    run: Run, aged: Path, renewed: Path, tmp_path: Path, point: tuple[str, str, int]
) -> None:
    """Killed anywhere, the home is sound, and the next retrain ends like an undisturbed one."""
    home = tmp_path / "home"
    shutil.copytree(aged, home)
    words = [*map(str, point), "retrain", str(home / "extract"), "--home", str(home)]
    killed = subprocess.run([sys.executable, KILL_AT, *words], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    require_sound(run, home)
    again = run("retrain", "--home", home)
    assert again.code == 0, again.err
    assert "never ended" in again.err
    require_sound(run, home)
    assert content(home) == content(renewed)
    pd.testing.assert_frame_equal(scores(home), scores(renewed), check_exact=True)
    assert run("retrain", "--home", home).out == "nothing changed\n"


def test_two_at_once_do_it_once(aged: Path, tmp_path: Path) -> None:
    """The second waits until the first ends, and finds nothing changed."""
    home = tmp_path / "home"
    shutil.copytree(aged, home)
    command = [
        sys.executable,
        "-m",
        "serving",
        "--home",
        str(home),
        "retrain",
        str(home / "extract"),
    ]
    with (
        subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as one,
        subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as other,
    ):
        said = [process.communicate() for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert sorted(out == "nothing changed\n" for out, _ in said) == [False, True]
    assert sum("is at work" in err for _, err in said) == 1
    assert len(Tracking(home).versions("leads")) == 2


def test_what_changed_is_said_and_done(run: Run, renewed: Path, tmp_path: Path) -> None:
    """Another champion, other settings and other data are each noticed, and named."""
    home = tmp_path / "home"
    shutil.copytree(renewed, home, symlinks=True)
    again = run("retrain", home / "extract", "--home", home)
    assert "source" in again.err  # the copy lies elsewhere
    assert "the same model is registered as version 2 already" in again.err
    assert len(Tracking(home).versions("leads")) == 2

    assert run("rollback", "leads", "--home", home).code == 0
    after = run("retrain", "--home", home, "--json")
    assert "because of: champions: leads" in after.err
    assert after.data["models"][0]["reasons"] == [
        "it was champion before and was replaced; only a person promotes it again"
    ]
    assert after.data["champions"]["leads"] == "1"
    assert set(scores(home)["model_version"]) == {"1"}

    (home / "params.yaml").write_text(SMALL + "  gate: {level: 0.8}\n", encoding="utf-8")
    (home / "extract" / "accounts.csv").write_text("account_id\na1\n", encoding="utf-8")
    (bundle,) = bundles(home, "1")
    bundle.write_text(bundle.read_text(encoding="utf-8").replace('"format": ', '"format": 9'))
    third = run("retrain", "--home", home)
    assert "data: accounts.csv; settings: training.gate.level" in third.err
    assert "the leads champion cannot be used" in third.err
    log = run("promote", "leads", "--log", "--json", "--home", home).data["promotions"]
    assert (log[-1]["how"], log[-1]["to_version"]) == ("first", "2")
    assert log[-1]["reason"] == "version 1, champion before it, cannot be used by this program"


def test_an_error_of_the_check_stops_it(run: Run, renewed: Path, tmp_path: Path) -> None:
    """Warehouse, champion and scores stay, the exit code is 1, and words say so; twice if need be.

    Here a column that tells the outcome is declared known at creation.
    """
    home = tmp_path / "home"
    shutil.copytree(renewed, home, symlinks=True)
    tables = company()
    for lead in tables["leads"]:
        lead["stage_now"] = "won" if lead["converted_at"] else "other"
    write(home / "leaking", tables)
    declared = SMALL.replace("features:\n", "features:\n  known_at_creation: [leads.stage_now]\n")
    (home / "params.yaml").write_text(declared, encoding="utf-8")
    pointer = (home / "data" / "current.json").read_bytes()
    for _attempt in range(2):
        stopped = run("retrain", home / "leaking", "--home", home, "--json")
        assert stopped.code == 1
        assert stopped.data["outcome"] == "stopped by check"
        assert any(f["severity"] == "error" for f in stopped.data["findings"])
        assert "the new extract is not used" in stopped.err
    assert (home / "data" / "current.json").read_bytes() == pointer
    assert content(home) == content(renewed)
    pd.testing.assert_frame_equal(scores(home), scores(renewed))


def test_a_champion_s_table_that_is_gone_stops_it(run: Run, renewed: Path, tmp_path: Path) -> None:
    """An export without the activities does not silence the lead scores."""
    home = tmp_path / "home"
    shutil.copytree(renewed, home, symlinks=True)
    (home / "extract" / "activities.csv").unlink()
    stopped = run("retrain", home / "extract", "--home", home)
    assert stopped.code == 1
    assert "no table 'activities', which the leads champion needs" in stopped.err


def test_a_database_is_read_again_without_its_password(run: Run, tmp_path: Path) -> None:
    """The last source is remembered as it may be shown; a new row is noticed, nothing else is."""
    home = prepared(tmp_path, company(leads=60))
    url = database(home / "crm.db", home / "extract")
    first = run("retrain", f"{url}?token=s3cr3t", "--home", home)
    assert first.code == 0, first.err
    assert run("retrain", "--home", home).out == "nothing changed\n"
    line = RetrainLog(Store(home)).last()
    assert line is not None
    assert line.event is Event.DONE
    assert "s3cr3t" not in json.dumps(vars(line), default=str)
    with closing(sqlite3.connect(home / "crm.db")) as connection, connection:
        connection.execute("INSERT INTO reps VALUES ('zoë', 'Zoë')")
    assert "because of: data: reps" in run("retrain", "--home", home).err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("retrain",), "no source is known in"),
        (("retrain", "missing"), "there is no such folder"),
        (("retrain", "postgresql://crm@127.0.0.1:1/sales"), "cannot read postgresql://crm@127"),
        (("retrain", "postgresql://crm:***@127.0.0.1:1/sales"), "set PGPASSWORD"),
    ],
)
def test_what_cannot_be_read_is_said(
    run: Run, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    """A wrong call ends with 2 and one sentence that says what would be right."""
    called = run(*words, "--home", tmp_path)
    assert called.code == 2
    assert says in called.err
    assert "Traceback" not in called.err


def database(path: Path, extract: Path) -> str:
    """Write an extract's tables into a SQLite database; returns its URL."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for file in extract.glob("*.csv"):
            rows = pd.read_csv(file, dtype=str)
            rows.to_sql(file.stem, connection, index=False)
    return f"sqlite:///{path}"
