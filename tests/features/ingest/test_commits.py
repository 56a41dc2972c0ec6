"""Laws of commits: every row of the file is accounted for, and a cutoff sees what was said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from quota_company import QUARTERS, opened, sellers

from features.errors import InputError, SourceError, TableError
from features.ingest.commits import Commits, read_commits
from features.params import IngestParams
from features.storage.warehouse import Warehouse

HEAD = "rep_id,period_start,made_at,amount\n"
GOOD = "r1,2023-04-01,2023-04-20,50000\n"
MICROSECOND = timedelta(microseconds=1)
MADE = datetime(2023, 4, 20, 9, 30)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Eight reps with quarterly quotas from 2023 on; half a year of deals."""
    home = tmp_path_factory.mktemp("sellers")
    return opened(sellers(datetime(2023, 7, 10)), home, ("deals", "quotas"))


@dataclass(frozen=True)
class Desk:
    """Where files of commits are put down and read."""

    folder: Path
    warehouse: Warehouse

    @property
    def turned_away(self) -> Path:
        """The file of the rows that could not be used."""
        return self.folder / "commits_quarantine.parquet"

    def read(self, content: str | bytes, name: str = "commits.csv", **params: Any) -> Commits:
        """Write a file and read it as commits."""
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.reread(file, **params)

    def reread(self, file: Path, **params: Any) -> Commits:
        """Read a file that is there, or is not."""
        return read_commits(file, self.warehouse, IngestParams(**params), self.turned_away)

    def rows(self, *rows: Sequence[object]) -> Commits:
        """Read commits of the usual columns."""
        return self.read(HEAD + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def newest(
        self, commits: Commits, *cutoffs: datetime, rep_id: str = "r1"
    ) -> list[float | None]:
        """Ask what a rep had committed to for the second quarter of 2023, by each cutoff."""
        keys = pd.DataFrame(
            {"rep_id": rep_id, "period_start": QUARTERS[1], "cutoff": list(cutoffs)}
        ).astype({"period_start": "datetime64[us]", "cutoff": "datetime64[us]"})
        amounts = commits.newest(self.warehouse, keys)
        return [None if np.isnan(amount) else float(amount) for amount in amounts]


@pytest.fixture
def desk(warehouse: Warehouse, tmp_path: Path) -> Desk:
    """An empty desk."""
    return Desk(tmp_path, warehouse)


def test_the_newest_visible_commit_counts(desk: Desk) -> None:
    """Nothing before the first; a commit made at the cutoff is not seen, one just before it is."""
    later = MADE + timedelta(days=7)
    commits = desk.rows(["r1", "2023-04-01", later, 70], ["r1", "2023-04-01", MADE, 50])
    cutoffs = (MADE, MADE + MICROSECOND, later, later + MICROSECOND, later + timedelta(days=40))
    assert desk.newest(commits, *cutoffs) == [None, 50, 50, 70, 70]


def test_a_commit_speaks_of_its_own_rep_and_period(desk: Desk) -> None:
    """What another rep said, or the same rep of another quarter, says nothing here."""
    commits = desk.rows(["r1", "2023-07-01", MADE, 60], ["r2", "2023-04-01", MADE, 80])
    after = MADE + timedelta(days=1)
    assert desk.newest(commits, after) == [None]
    assert desk.newest(commits, after, rep_id="r2") == [80]


def test_a_commit_is_seen_once_it_is_known(desk: Desk) -> None:
    """One that was written down days later is not seen before, nor does it beat a later one.

    Of two made at one moment, the one that was known later corrects the other.
    """
    days = [MADE + timedelta(days=d) for d in range(12)]
    head = HEAD.replace("amount", "amount,known_at")
    lines = (
        f"r1,2023-04-01,{days[0]},50,\n"
        f"r1,2023-04-01,{days[0]},55,{days[3]}\n"
        f"r1,2023-04-01,{days[1]},70,{days[8]}\n"
    )
    commits = desk.read(head + lines)
    assert commits.report.quarantined == 0
    cutoffs = [days[1], days[3], days[4], days[8], days[9]]
    assert desk.newest(commits, *cutoffs) == [50, 50, 55, 55, 70]


def test_later_commits_and_their_order_change_nothing(desk: Desk) -> None:
    """Whatever is added, edited or dropped from a moment on, what it sees stays to the bit."""
    rng = Random(5)  # noqa: S311 - a sample, no secret
    records = [
        [f"r{rep}", "2023-04-01", QUARTERS[1] + timedelta(days=day, hours=rng.randrange(24)), day]
        for rep in range(8)
        for day in sorted(rng.sample(range(90), 30))
    ]
    moment = QUARTERS[1] + timedelta(days=40)
    kept = [row for row in records if row[2] < moment]
    edited = [[*row[:3], 9_999] for row in records if row[2] > moment and rng.random() < 0.5]
    added = [[f"r{rep}", "2023-04-01", moment, 1] for rep in range(8)]
    cutoffs = [moment - timedelta(days=days) for days in (0, 3, 20)]
    whole, other = desk.rows(*records), desk.rows(*added, *edited, *reversed(kept))
    for rep in range(8):
        before = desk.newest(whole, *cutoffs, rep_id=f"r{rep}")
        assert desk.newest(other, *cutoffs, rep_id=f"r{rep}") == before
        assert None not in before


def test_keys_may_come_in_any_order(desk: Desk) -> None:
    """Each row gets its own answer, wherever it stands; without rows there are none."""
    commits = desk.rows(*([f"r{n}", "2023-04-01", MADE, n] for n in range(8)))
    after = MADE + timedelta(days=1)
    keys = pd.DataFrame(
        {"rep_id": [f"r{n}" for n in (5, 2, 7, 0)], "period_start": QUARTERS[1], "cutoff": after},
        index=[9, 3, 3, 1],
    )
    assert commits.newest(desk.warehouse, keys).tolist() == [5, 2, 7, 0]
    assert commits.newest(desk.warehouse, keys.head(0)).tolist() == []


def test_times_are_those_of_the_contract(desk: Desk) -> None:
    """Zones are converted, a date is its midnight, no zone is UTC; days may come first."""
    commits = desk.rows(
        ["r1", "2023-04-01T02:00:00+02:00", "2023-04-20 11:30+02:00", 1],
        ["r2", "2023-04-01", "2023-04-20", 2],
        ["r3", "2023-04-01 00:00", "2023-04-20T09:30:00Z", 3],
    )
    assert set(commits.frame["period_start"]) == {pd.Timestamp(QUARTERS[1])}
    assert commits.frame["made_at"].tolist() == [MADE, datetime(2023, 4, 20), MADE]
    daily = desk.read(HEAD + "r1,01/04/2023,02/05/2023,1\n", day_first=True)
    assert daily.frame["made_at"].tolist() == [datetime(2023, 5, 2)]


def test_parquet_says_the_same_as_csv(desk: Desk) -> None:
    """Typed columns, with or without a zone, and ids that are numbers are read as their texts."""
    zone = timezone(timedelta(hours=2))
    file = desk.folder / "commits.parquet"
    local = MADE.replace(tzinfo=UTC).astimezone(zone)
    columns = {
        "rep_id": ["r1"],
        "period_start": pa.array([QUARTERS[1].date()]),
        "made_at": pa.array([local], pa.timestamp("ns", "Europe/Paris")),
        "amount": pa.array([50_000], pa.int32()),
    }
    pq.write_table(pa.table(columns), file)
    pd.testing.assert_frame_equal(
        desk.reread(file).frame, desk.rows(["r1", "2023-04-01", MADE, 50_000]).frame
    )


UNUSABLE = [
    (",2023-04-01,2023-04-20,5", "rep_id is empty"),
    ("r1,,2023-04-20,5", "period_start is empty"),
    ("r1,2023-04-01,,5", "made_at is empty"),
    ("r1,2023-04-01,2023-04-20,", "amount is empty"),
    ("r1,spring,2023-04-20,5", "period_start 'spring' cannot be read as a time like"),
    ("r1,2023-04-01,20/20/2023,5", "made_at '20/20/2023' cannot be read as a time like"),
    ("r1,2023-04-01,2023-04-20,50k", "amount '50k' cannot be read as a number like"),
    ("r1,2023-04-01,2023-04-20,inf", "amount 'inf' cannot be read as a number like"),
    ("zoe,2023-04-01,2023-04-20,5", "rep_id 'zoe' has no quota in this extract"),
    (
        "r1,2023-04-03,2023-04-20,5",
        "'r1' begins at 2023-04-03 00:00:00: the nearest begins at 2023-04-01 00:00:00 (UTC)",
    ),
    ("r1,2023-04-01,2023-07-01,5", "made_at 2023-07-01 00:00:00 does not lie before the period's"),
    ("r1,2023-04-01,2023-04-20,60000", "made_at 2023-04-20 00:00:00 and known_at 2023-04-20"),
]


@pytest.mark.parametrize(("row", "says"), UNUSABLE)
def test_a_row_that_cannot_be_used_is_kept_aside_in_words(desk: Desk, row: str, says: str) -> None:
    """The rest is used; the row stands in a file, as it was, with its place and the reason."""
    commits = desk.read(HEAD + GOOD + row + "\n")
    assert commits.frame["amount"].tolist() == [50_000]
    assert (commits.report.read, commits.report.accepted, commits.report.quarantined) == (2, 1, 1)
    assert sum(commits.report.quarantine_reasons.values()) == 1
    (aside,) = pq.read_table(desk.turned_away).to_pylist()
    assert aside["source_row"] == 1
    assert says in aside["reason"]
    assert ",".join(aside[name] or "" for name in HEAD.strip().split(",")) == row


def test_the_first_of_two_alike_is_kept(desk: Desk) -> None:
    """Said twice at one moment, with whichever amount: the file's first row counts."""
    again = [["r1", "2023-04-01", MADE, amount] for amount in (50, 60, 50)]
    commits = desk.rows(*again, ["r1", "2023-04-01", MADE + MICROSECOND, 70])
    assert commits.frame["amount"].tolist() == [50, 70]
    assert commits.report.quarantine_reasons == {"commit is repeated": 2}
    reasons = pq.read_table(desk.turned_away)["reason"].to_pylist()
    assert all(words.endswith("is repeated: row 0 has it first") for words in reasons)


def test_negative_amounts_count_as_they_are_and_are_told(desk: Desk) -> None:
    """Whoever expects more credits than sales may say so; columns of no use here are named."""
    commits = desk.read(HEAD.replace("amount", "Amount,mood") + "r1,2023-04-01,2023-04-20,-5,low\n")
    assert commits.frame["amount"].tolist() == [-5]
    assert commits.report.notes == {"amount: below 0": 1}
    assert commits.report.attributes == ("mood",)
    assert commits.report.matched == ("amount: read from 'Amount'",)


BROKEN: dict[str, tuple[str | bytes, str, type[InputError], str]] = {
    "an empty file": ("", "c.csv", SourceError, "c.csv: the file is empty; it needs at least a"),
    "a header alone": (HEAD, "c.csv", InputError, "c.csv has no rows; a commit has rep_id, per"),
    "no parquet": ("hello", "c.parquet", SourceError, "c.parquet: "),
    "a workbook": (b"PK\x03\x04\xff\xfe\x00", "c.xlsx", SourceError, "it is not UTF-8 text"),
    "a column missing": (
        "rep_id,period_start,amount\nr1,2023-04-01,5\n",
        "c.csv",
        TableError,
        "'commits' needs the column 'made_at': found rep_id, period_start, amount; add it, or ren",
    ),
    "a column twice": (
        HEAD.replace("amount", "Amount,AMOUNT") + "r1,2023-04-01,2023-04-20,1,2\n",
        "c.csv",
        TableError,
        "c.csv: column 'amount' exists 2 times; keep one",
    ),
    "no usable row": (
        HEAD + "zoe,2023-04-01,2023-04-20,5\nr1,2023-04-01,soon,5\n",
        "c.csv",
        InputError,
        r"none of 2 rows .*cannot be read \(1\), rep_id has no quota \(1\); .*each with its reason",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_one_clear_error(desk: Desk, case: str) -> None:
    """An unusable file is named, with what was found and what would be right, in one line."""
    content, name, kind, says = BROKEN[case]
    with pytest.raises(kind) as raised:
        desk.read(content, name)
    assert re.search(says, str(raised.value)), str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_file_that_is_not_there(desk: Desk) -> None:
    """Neither a wrong name nor a folder is taken for a file without commits."""
    for place in (desk.folder / "nowhere.csv", desk.folder):
        with pytest.raises(SourceError, match="it is not a file; "):
            desk.reread(place)


def test_reading_leaves_nothing_behind(desk: Desk) -> None:
    """Rows an earlier file had aside do not stay, and no working file does either."""
    desk.read(HEAD + GOOD + "zoe,2023-04-01,2023-04-20,5\n")
    assert desk.turned_away.exists()
    desk.read(HEAD + GOOD)
    assert [path.name for path in desk.folder.iterdir()] == ["commits.csv"]
