"""`retrain`, killed at named points and at seeded times, on a sample company.

A home whose champion learned from the company's first months is retrained on the whole extract: the
twin beats the champion, so every step has something to do. Each attempt is killed once, looked at,
and retrained; it has to end like an undisturbed retrain, to the bit.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from cut_extract import cut_extract, read_extract, write_extract
from grades import Grade

from serving.store.database import Store

KILL_AT = Path(__file__).parents[1] / "e2e" / "kill_at.py"
PARAMS = """\
features: {windows_days: [7, 30]}
training:
  leads: {most_refits: 1}
  split: {every_days: 14}
  quota: {every_days: 28, futures: 200, most_refits: 1}
  booster: {max_rounds: 40, early_stopping_rounds: 5, bags: 1, threads: 1}
  evaluation: {draws: 40}
"""
"""Quick settings: how well the models forecast is not the matter here."""
COMPANY = ("--preset", "small", "--seed", "5", "--months", "14")
SEEN_DAYS = 110
"""What the first champion learned from, counted from the company's first lead."""
POINTS: tuple[tuple[str, str, int, str], ...] = (
    ("RetrainLog.append", "leave", 1, "the beginning is logged"),
    ("Retraining._findings", "leave", 1, "read and checked"),
    ("publish", "enter", 1, "about to publish the warehouse"),
    ("replace_atomically", "leave", 1, "pointer replaced, quarantine not"),
    ("learn", "leave", 1, "trained, nothing registered"),
    ("log_training", "leave", 1, "run logged, model not registered"),
    ("MlflowClient.create_model_version", "leave", 1, "registered, without an alias"),
    ("Challenge._twin", "leave", 1, "a twin trained"),
    ("MlflowClient.set_registered_model_tag", "leave", 1, "change of champion noted"),
    ("MlflowClient.set_registered_model_alias", "leave", 3, "champion changed, no tag of it"),
    ("Tracking.promote", "leave", 1, "registry changed, log not"),
    ("Champions._change", "leave", 1, "promotion logged"),
    ("score_to", "leave", 1, "scores written, not in place"),
    ("Path.symlink_to", "leave", 1, "link made, not in place"),
    ("RetrainLog.append", "enter", 2, "scores in place, end not logged"),
)
FIRST: tuple[tuple[str, str, int, str], ...] = (
    ("MlflowClient.create_model_version", "leave", 1, "the first of all, without an alias"),
    ("MlflowClient.set_registered_model_tag", "leave", 1, "the first champion noted"),
)
"""Points of the very first retrain, in an empty home."""
FILES = {"leads": "lead_scores.parquet", "quota": "rep_scores.parquet"}
Attempt = tuple[str, tuple[Path, Path, "End", Sequence[str], float | None]]
SEED, TIMES = 13, 6
"""Seeded moments of an undisturbed retrain's duration at which it is killed as well."""


@dataclass(frozen=True)
class End:
    """What a home answers.

    Attributes:
        champions: the name of each champion's content, by kind.
        scores: the files in place, by name.
    """

    champions: dict[str, str]
    scores: dict[str, pd.DataFrame]

    def equals(self, other: End) -> bool:
        """Whether champions and scores are the same, to the bit."""
        return (
            self.champions == other.champions
            and self.scores.keys() == other.scores.keys()
            and all(frame.equals(other.scores[name]) for name, frame in self.scores.items())
        )


def call(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command of pacesetter."""
    command = [sys.executable, "-m", "serving", "--home", str(home), "--json", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def prepare(place: Path) -> Path:
    """Make a home whose champions learned from the first months, beside the whole extract."""
    home, whole = place / "home", place / "whole"
    home.mkdir()
    (home / "params.yaml").write_text(PARAMS, encoding="utf-8")
    _draw_the_same_lots(home)
    require(call(home, "simulate", *COMPANY, "--out", str(whole)))
    tables = read_extract(whole)
    seen = tables["leads"]["created_at"].min() + pd.Timedelta(days=SEEN_DAYS)
    early = write_extract(cut_extract(tables, seen.normalize()), place / "early", "parquet")
    shutil.copytree(home, place / "empty")
    require(call(home, "retrain", str(early)))
    return home


def _draw_the_same_lots(home: Path) -> None:
    """Fix the secret of the lots: homes that begin empty would hold out unlike leads."""
    store = Store(home)
    with store.reading():
        pass
    with closing(sqlite3.connect(store.path)) as connection, connection:
        row = (1, "2026-01-01 00:00:00", "1" * 64)
        connection.execute("INSERT INTO lot_secret (id, at, secret) VALUES (?, ?, ?)", row)


def require(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """Read what a command wrote, or end with what it said."""
    if done.returncode:
        raise SystemExit(f"{done.args} ended with {done.returncode}:\n{done.stderr}")
    written: dict[str, object] = json.loads(done.stdout)
    return written


def end_of(home: Path) -> End:
    """Look at a home."""
    log = require(call(home, "promote", "--log"))["promotions"]
    champions = {str(e["kind"]): str(e["model_version"]) for e in log}  # type: ignore[attr-defined] # JSON
    place = home / "data" / "scores"
    files = sorted(place.glob("*.parquet")) if place.exists() else []
    return End(champions, {file.name: pd.read_parquet(file) for file in files})


def faults(home: Path) -> list[str]:
    """Say what is inconsistent in a home that somebody was killed in."""
    found, end = [], end_of(home)
    log = require(call(home, "promote", "--log"))["promotions"]
    if end.champions:
        scored = call(home, "score", "--out", str(home / "asked"))
        if scored.returncode:
            found.append(f"its champions do not score: {scored.stderr.splitlines()[-1]}")
    for kind in end.champions:
        asked = pd.read_parquet(home / "asked" / FILES[kind])
        last = [e["to_version"] for e in log if e["kind"] == kind][-1]  # type: ignore[attr-defined] # JSON
        # Where no quota runs yet, nobody is scored.
        if set(asked["model_version"]) - {last}:
            found.append(f"the log ends with {kind} {last}, another scores")
    for name, frame in end.scores.items():
        if len(set(frame["model_version"])) > 1:
            found.append(f"{name} is of several models")
    return found


def attempt(home: Path, source: Path, command: Sequence[str], after: float | None) -> bool:
    """Retrain and be killed: by the program itself, or after so many seconds; tells if it was."""
    process = subprocess.Popen(
        [sys.executable, *command, "retrain", str(source), "--home", str(home)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode == -signal.SIGKILL


def verdict(
    base: Path, source: Path, whole: End, command: Sequence[str], after: float | None
) -> str:
    """Return what is wrong after a kill and the retrain that follows; empty where nothing is."""
    home = Path(tempfile.mkdtemp(dir=base.parent)) / "killed"
    shutil.copytree(base, home, symlinks=True)
    if not attempt(home, source, command, after):
        return "it was not killed"
    found = faults(home)
    again = call(home, "retrain", str(source))
    if again.returncode:
        return f"the next retrain ended with {again.returncode}: {again.stderr.splitlines()[-1]}"
    found += faults(home)
    if not end_of(home).equals(whole):
        found.append("it does not end like an undisturbed one")
    if '"nothing changed"' not in call(home, "retrain", str(source)).stdout:
        found.append("the retrain after that finds something changed")
    return "; ".join(found)


def killed_retrain() -> list[Grade]:
    """Kill retrains at every named point and at seeded times."""
    with tempfile.TemporaryDirectory() as folder:
        base, source = prepare(Path(folder)), Path(folder) / "whole"
        undisturbed = base.with_name("undisturbed")
        shutil.copytree(base, undisturbed, symlinks=True)
        started = time.monotonic()
        done = require(call(undisturbed, "retrain", str(source)))
        seconds = time.monotonic() - started
        promoted = [m["kind"] for m in done["models"] if m["promoted"]]  # type: ignore[attr-defined] # JSON
        grades = [Grade("undisturbed: promotes", ", ".join(promoted), "leads", "leads" in promoted)]
        attempts = _attempts(base, source, end_of(undisturbed), seconds)
        with ThreadPoolExecutor(2) as pool:
            wrong = pool.map(lambda attempted: verdict(*attempted[1]), attempts)
            return [
                *grades, *(_grade(words, w) for (words, _), w in zip(attempts, wrong, strict=True))
            ]  # fmt: skip


def _attempts(base: Path, source: Path, whole: End, seconds: float) -> list[Attempt]:
    """Return every attempt in words, and what `verdict` asks for it."""
    empty, early, first = base.with_name("empty"), base.with_name("early"), end_of(base)
    chance = random.Random(SEED)  # noqa: S311 - moments, no secret
    times = [chance.uniform(0.0, 0.9) * seconds for _ in range(TIMES)]
    named = [
        *((words, empty, early, first, at) for *at, words in FIRST),
        *((words, base, source, whole, at) for *at, words in POINTS),
    ]
    return [
        *(
            (words, (home, extract, end, (str(KILL_AT), *map(str, at)), None))
            for words, home, extract, end, at in named
        ),
        *(
            (f"after {after:.1f} s", (base, source, whole, ("-m", "serving"), after))
            for after in times
        ),
    ]


def _grade(words: str, wrong: str) -> Grade:
    return Grade(f"killed: {words}", wrong or "ends the same", "the same", not wrong)
