"""`calls` and `worth` from outside: the list of a day stays, and its lots tell what it is worth."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from outside import SMALL, Run, company, day, prepared

from serving.cli.main import main
from serving.store.database import Store
from serving.store.worklist import Arm, WorklistLog

LISTED = """\
serving:
  worklist: {calls_a_day: 12, hold_out: 0.3, hold_out_days: 14, least_leads: 5, least_converted: 1}
"""
MORNING, LATER = 120, 150


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion, whose data end on some morning."""
    home = prepared(tmp_path_factory.mktemp("calls") / "Büro 7", company(leads=900))
    (home / "params.yaml").write_text(SMALL + LISTED, encoding="utf-8")
    where = ("--home", str(home))
    assert main([*where, "ingest", str(home / "extract"), "--data-until", day(MORNING)]) == 0
    assert main([*where, "train", "leads"]) == 0
    _draw_the_same_lots(home)
    return home


def _draw_the_same_lots(home: Path) -> None:
    """Fix the secret of the lots: one that falls badly leaves too few conversions to tell."""
    store = Store(home)
    with store.reading():
        pass
    with closing(sqlite3.connect(store.path)) as connection, connection:
        row = (1, "2026-01-01 00:00:00", "1" * 64)
        connection.execute("INSERT INTO lot_secret (id, at, secret) VALUES (?, ?, ?)", row)


def test_without_lots_it_says_how_to_begin(run: Run, morning: Path) -> None:
    """Nothing is known, the exit code is 0, and a look at a list keeps nothing."""
    looked = run("calls", "--as-of", day(MORNING), "--json", "--home", morning)
    assert looked.code == 0, looked.err
    assert looked.data["calls"]
    asked = run("worth", "--json", "--home", morning)
    assert asked.code == 0, asked.err
    assert asked.data["verdict"] == "no lots yet"
    assert "`pacesetter calls` makes it" in asked.err
    assert asked.data["conversion"] == {"value": None, "low": None, "high": None}


def test_the_list_of_a_day_is_kept_and_its_lots_are_told(
    run: Run, morning: Path, tmp_path: Path
) -> None:
    """The same list whoever asks; later, what became of its leads, in words, JSON and a page."""
    first = run("calls", "--out", tmp_path / "today", "--json", "--home", morning)
    assert first.code == 0, first.err
    calls = first.data["calls"]
    assert run("calls", "--json", "--home", morning).data["calls"] == calls
    frame = pd.read_parquet(tmp_path / "today" / "worklist.parquet")
    assert frame["lead_id"].tolist() == [call["lead_id"] for call in calls]
    assert frame.groupby("rep_id", dropna=False).size().max() <= 12
    assert {"p", "priority", "why", "position", "rank"} <= set(frame.columns)
    own = run("calls", "--rep", "chloé", "--home", morning)
    assert "Calls of chloé" in own.out
    assert "anna" not in own.out
    nobody = run("calls", "--rep", "dora", "--home", morning)
    assert nobody.code == 2
    assert "'dora' has no list this day; lists have, for example: anna" in nobody.err
    lots = WorklistLog(Store(morning)).enrolments()
    held = {lot.lead_id for lot in lots if lot.arm is Arm.HELD_OUT}
    assert held
    assert not held & set(frame["lead_id"])

    where = ("--home", str(morning))
    assert main([*where, "ingest", str(morning / "extract"), "--data-until", day(LATER)]) == 0
    asked = run("worth", "--out", tmp_path / "worth", "--json", "--home", morning)
    assert asked.code == 0, asked.err
    assert sum(arm["listed"] + arm["held_out"] for arm in asked.data["arms"]) == len(lots)
    effect = asked.data["conversion"]
    assert effect["low"] < effect["value"] < effect["high"]
    assert asked.data["gone"] == asked.data["waiting"] == 0
    page = Path(asked.data["files"][0]).read_text(encoding="utf-8")
    assert asked.data["says"][0].partition(":")[0] in page
    # As of the morning after, no outcome was known yet.
    early = run("worth", "--as-of", day(MORNING + 1), "--json", "--home", morning)
    assert early.data["verdict"] == "too early"
    assert early.data["waiting"] == len(lots)
