"""Laws of scoring runs: whole or not at all, once for equal inputs, pruned by day."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from features.errors import InputError
from features.storage.shared import PostgresSchema
from serving.store.database import Store
from serving.store.scores import ScoreLog, ScoreRun

AT = datetime(2026, 5, 20, 6)
RUN = ScoreRun("leads", "key", AT, AT, "3", "data", 30)
ROOT = Path(__file__).parents[3]
WRITER = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_scores import RUN, rows
from serving.store import scores
from serving.store.database import Store

def killed(connection, kind, runs_kept):
    os.kill(os.getpid(), signal.SIGKILL)

scores._prune = killed
log = scores.ScoreLog(Store(Path(sys.argv[1])))
log.once("leads", "new", 9, lambda: (replace(RUN, key="new"), rows(50)))
"""


def rows(count: int, score: float = 12.5) -> list[dict[str, Any]]:
    """Rows of a run of leads."""
    return [
        {
            "lead_id": f"L{number}",
            "rep_id": None if number % 3 else "Zoë",
            "p": score / 100,
            "score": score,
            "reach": 0.25,
            "gain": None,
            "priority": 100.0 / (number + 1),
            "rank": None if number % 5 == 4 else number + 1,
            "band": "warm",
            "evidence": "enough",
            "reasons": '{"base": 1.5, "items": [], "rest": 11.0}',
            "call_reasons": '{"news": ["é"], "says": "now"}',
            "call_evidence": "learned",
        }
        for number in range(count)
    ]


@pytest.fixture
def log(tmp_path: Path) -> ScoreLog:
    """An empty log."""
    return ScoreLog(Store(tmp_path))


def keep(log: ScoreLog, run: ScoreRun, count: int = 2, runs_kept: int = 9) -> bool:
    """Keep a run with some rows."""
    return log.once(run.kind, run.key, runs_kept, lambda: (run, rows(count)))


def test_what_was_written_comes_back(log: ScoreLog) -> None:
    """Every field of a run and its rows, in their order."""
    assert log.rows("leads", "key") is None
    assert keep(log, RUN, 7)
    assert log.rows("leads", "key") == (replace(RUN, teams=[]), rows(7))
    assert log.rows("quota", "key") is None


def test_a_key_is_made_once(log: ScoreLog) -> None:
    """Of many services that want one run at a time, one makes it, and all find it."""
    began = threading.Barrier(4)
    made: list[int] = []

    def service(number: int) -> None:
        def make() -> tuple[ScoreRun, list[dict[str, Any]]]:
            made.append(number)
            return RUN, rows(20)

        began.wait()
        log.once("leads", "key", 9, make)

    threads = [threading.Thread(target=service, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(log.runs("leads")) == 1


def test_nobody_sees_half_a_run(log: ScoreLog) -> None:
    """While a run is being written, and after it has failed, readers see what was there before."""
    keep(log, RUN)
    seen: list[Any] = []

    def broken() -> tuple[ScoreRun, Any]:
        def these() -> Any:
            yield from rows(2)
            seen.append((log.rows("leads", "new"), len(log.runs("leads"))))
            raise RuntimeError("the power went")

        return replace(RUN, key="new"), Lazy(these())

    with pytest.raises(RuntimeError, match="the power went"):
        log.once("leads", "new", 9, broken)
    assert seen == [(None, 1)]
    assert [run.key for run in log.runs("leads")] == ["key"]


class Lazy(list[Any]):
    """Rows that come one by one."""

    def __init__(self, these: Any) -> None:
        """Hold them."""
        super().__init__([None])
        self.these = these

    def __iter__(self) -> Any:
        """Go through them."""
        return self.these


def test_a_killed_run_leaves_nothing(log: ScoreLog) -> None:
    """A process killed between its rows and its commit leaves the run before, and no lock."""
    keep(log, RUN)
    place = str(log.store.home)
    command = [sys.executable, "-c", WRITER, place, str(Path(__file__).parent), str(ROOT)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [run.key for run in log.runs("leads")] == ["key"]
    assert keep(log, replace(RUN, key="new")), "the next one makes it whole"


@pytest.mark.parametrize(
    ("moments", "kept", "stays"),
    [
        (["1 10", "2 10", "2 11", "3 10"], 2, ["2 11", "3 10"]),
        (["1 10", "1 11", "1 12"], 5, ["1 12"]),
        (["3 10", "1 10"], 1, ["1 10", "3 10"]),
        (["1 10", "2 10", "3 10", "4 10"], 2, ["3 10", "4 10"]),
    ],
)
def test_the_newest_of_each_day_stays(
    log: ScoreLog, moments: list[str], kept: int, stays: list[str]
) -> None:
    """The newest run of each day stays, as many days as the setting says, and the last in any case.

    Rows go with their runs.
    """
    for moment in moments:
        day, hour = map(int, moment.split())
        at = datetime(2026, 5, day, hour)
        keep(log, replace(RUN, key=moment, as_of=at), runs_kept=kept)
    assert [run.key for run in log.runs("leads")] == stays
    with log.store.reading() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM lead_scores").scalar()
    assert count == 2 * len(stays)


def test_a_clock_set_back_loses_no_run(log: ScoreLog) -> None:
    """What was written last counts as the newest of its day, whatever the clock said."""
    keep(log, RUN)
    keep(log, replace(RUN, key="later", made_at=AT - timedelta(days=400)))
    assert [run.key for run in log.runs("leads")] == ["later"]


def test_a_full_disk_is_said_and_costs_nothing_kept(log: ScoreLog) -> None:
    """Where the store may grow no more, the run is not kept, all before is, and words say so."""
    keep(log, RUN)
    engine = log.store._file_engine()  # noqa: SLF001 - the disk is made full where it is opened

    def fill(dbapi: Any, _: Any) -> None:
        dbapi.execute("PRAGMA max_page_count = 10")

    event.listen(engine, "connect", fill)
    with pytest.raises(InputError, match=r"full; nothing of this step was kept.*Free space"):
        keep(log, replace(RUN, key="new"), 5_000)
    assert log.rows("leads", "key") is not None, "reading goes on"
    event.remove(engine, "connect", fill)
    assert [run.key for run in log.runs("leads")] == ["key"]
    assert keep(log, replace(RUN, key="new"), 5_000), "with space again it is kept"


def test_a_lost_server_is_said(postgres_url: str, tmp_path: Path) -> None:
    """Runs are kept on PostgreSQL too; a connection that dies in the middle leaves none of it."""
    log = ScoreLog(Store(tmp_path, PostgresSchema(postgres_url, "scores_lost")))
    keep(log, RUN, 3)
    assert log.rows("leads", "key") == (replace(RUN, teams=[]), rows(3))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    schema = log.store.schema
    assert schema is not None

    def these() -> Any:
        yield from rows(3)
        schema.ask(f"{end} AND state LIKE 'idle in transaction%'")

    with pytest.raises(InputError, match="cannot use schema scores_lost"):
        log.once("leads", "new", 9, lambda: (replace(RUN, key="new"), Lazy(these())))
    assert [run.key for run in log.runs("leads")] == ["key"]
    assert keep(log, replace(RUN, key="new")), "the next try finds the server again"


def test_what_a_run_said_of_some_leads(log: ScoreLog) -> None:
    """Scores and reasons by lead, of those asked for; more than one query can name."""
    keep(log, RUN, 1_200)
    (run,) = log.runs("leads")
    every = log.of_leads(run)
    assert len(every) == 1_200
    names = [f"L{number}" for number in range(0, 1_200, 2)]
    some = log.of_leads(run, [*names, "nobody"])
    assert some == {name: every[name] for name in names}
    assert log.store.path.stat().st_size < 600 * 1_200, "reasons are kept compressed"
