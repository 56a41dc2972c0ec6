"""The champion's story from outside: compare, promote, roll back, and the log that tells it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from outside import Run, company, day, prepared

from serving.cli.main import main
from training.tracking.registry import Tracking


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that learned twice, from little and from more, while its extract ended early."""
    home = prepared(tmp_path_factory.mktemp("promote") / "Büro 2", company())
    ingest = ["--home", str(home), "ingest", str(home / "extract")]
    assert main([*ingest, "--data-until", day(110)]) == 0
    assert main(["--home", str(home), "train", "leads", "--until", day(30)]) == 0
    assert main(["--home", str(home), "train", "leads"]) == 0
    return home


ANN = ("promote", "leads", "--version", "2", "--by", "Ann Lee (IT)", "--reason", "pilot: agreed")


def scores(run: Run, home: Path, name: str) -> pd.DataFrame:
    """Score as of a past moment and return the file's rows."""
    out = home / name
    assert run("score", "--home", home, "--as-of", day(100), "--out", out).code == 0
    return pd.read_parquet(out / "lead_scores.parquet")


def test_the_story_of_a_champion(run: Run, grown: Path) -> None:
    """Nothing mature, then more data, then the gate, a person, two ways back: all is logged."""
    home = ("--home", grown)
    early = run("promote", "leads", *home, "--json")
    assert early.code == 1
    assert early.data["promoted"] is False
    assert "nothing that neither model has seen is mature yet" in early.err
    assert "14 days later" in early.err
    assert "--by NAME" in early.err

    assert run("ingest", grown / "extract", *home).code == 0
    before = scores(run, grown, "before")
    gated = run("promote", "leads", *home)
    assert gated.code == 0, gated.err
    assert "log loss" in gated.out
    assert "source" in gated.out
    assert "version 2 of leads is champion: its log loss is better beyond luck" in gated.err
    assert set(scores(run, grown, "during")["model_version"]) == {"2"}

    back = run("rollback", "leads", *home, "--json")
    assert (back.code, back.data["entry"]["to_version"]) == (0, "1")
    # The champion before answers again, bit for bit as it did.
    pd.testing.assert_frame_equal(scores(run, grown, "after"), before, check_exact=True)
    nothing = run("rollback", "leads", *home)
    assert nothing.code == 2
    assert "nothing to roll back to" in nothing.err

    person = ("--by", "Ann Lee", "--reason", "the pilot agreed", "--version", "2")
    chosen = run("promote", "leads", *person, *home, "--json")
    assert (chosen.code, chosen.data["promoted"]) == (0, True)
    again = run("promote", "leads", *person, *home)
    assert again.code == 2
    assert "version 2 of leads is champion already" in again.err

    shown = run("promote", "--log", *home)
    assert "Ann Lee" in shown.out
    log = run("promote", "leads", "--log", "--json", *home).data["promotions"]
    story = [(e["how"], e["from_version"], e["to_version"], e["by"]) for e in log]
    assert story == [
        ("first", None, "1", None),
        ("gate", "1", "2", None),
        ("rollback", "2", "1", None),
        ("person", "1", "2", "Ann Lee"),
    ]
    assert log[1]["figures"]["gain"]["low"] > 0
    assert log[3]["reason"] == "the pilot agreed"
    versions = {v.version: v.tags for v in Tracking(grown).versions("leads")}
    for entry in log:
        tags = versions[entry["to_version"]]
        assert entry["data_fingerprint"] == tags["data_fingerprint"]
        assert entry["feature_fingerprint"] == tags["feature_fingerprint"]
        assert entry["model_version"] == tags["content"]


def test_a_lost_log_is_written_again_from_the_registry(run: Run, tmp_path: Path) -> None:
    """What the registry knows and the log lacks, as after a crash between the two, is added."""
    home = prepared(tmp_path, company(leads=60))
    where = ("--home", home)
    assert run("ingest", home / "extract", *where).code == 0
    for words in (("train",), ("train", "--promote"), ("rollback", "leads"), ANN):
        assert run(*words, *where).code == 0
    log = run("promote", "--log", "--json", *where).data["promotions"]
    assert [e["how"] for e in log] == ["first", "train --promote", "rollback", "person"]
    with closing(sqlite3.connect(home / "data" / "store.sqlite")) as connection, connection:
        connection.execute("DROP TRIGGER promotions_no_delete")
        connection.execute("DELETE FROM promotions WHERE id > 1")
    assert run("promote", "--log", "--json", *where).data["promotions"] == log
    assert run("promote", "leads", *where, "--version", "9").code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("promote", "leads", "--by", "Ann"), "--by needs --reason too"),
        (("promote", "leads", "--reason", "better"), "--reason needs --by too"),
        (("promote", "leads", "--by", " ", "--reason", "x"), "printable characters, it was ' '"),
        (
            ("promote", "leads", "--by", "Ann", "--reason", "x" * 1001),
            "--reason should be 1 to 1,000",
        ),
        (("rollback", "leads", "--by", "Ann"), "--by needs --reason too"),
        (("promote",), "say which model"),
        (("promote", "--log", "--by", "Ann"), "--log only shows"),
        (("promote", "deals"), "'deals' is not one of"),
        (("promote", "leads", "--by", "A", "--reason", "b"), "there is no leads model yet"),
        (("rollback", "quota"), "there is no quota model"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    """A wrong call ends with 2 and one sentence that says what would be right."""
    called = run(*words, "--home", tmp_path)
    assert called.code == 2
    assert says in called.err
    assert "Traceback" not in called.err


def test_an_empty_home_has_an_empty_log(run: Run, tmp_path: Path) -> None:
    """`promote --log` answers before anything was trained."""
    assert json.loads(run("promote", "--log", "--json", "--home", tmp_path).out) == {
        "promotions": []
    }
