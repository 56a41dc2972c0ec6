"""Laws of what a CRM records: ids, moments, the journal, people, and how things ended."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.simulation.ends import Ends, concatenated, end_moment
from features.simulation.journal import ALL_STAGES, CONNECTED, MOST_DAYS_LATE, Act, Habits, Journal
from features.simulation.parquet import (
    DAY,
    HOUR,
    NEVER,
    TIME,
    Growing,
    decoded,
    ids,
    money,
    timestamps,
    write,
)
from features.simulation.people import FIRST_NAMES, LAST_NAMES, People, person_names
from features.simulation.rows import Rows
from features.simulation.settings import CompanySettings, company_settings
from features.simulation.state import Calendar, calendar_of, new_company

SEEDS = range(4)
NOTHING = np.zeros(0, dtype=np.int64)


# Values.


def test_ids_have_a_letter_and_seven_digits() -> None:
    """Numbers sort as ids do; a negative one is no id, and a long one is not cut."""
    assert ids("L", np.array([0, 42, -1, 9_999_999, 12_345_678])).to_pylist() == [
        "L0000000", "L0000042", None, "L9999999", "L12345678",
    ]  # fmt: skip


def test_codes_become_their_texts() -> None:
    """A code is a place in the list; a negative one stands for nothing."""
    texts = ("call", "email")
    assert decoded(texts, np.array([1, 0, -1, 1])).to_pylist() == ["email", "call", None, "email"]
    assert decoded(texts, NOTHING).to_pylist() == []


@pytest.mark.parametrize("seed", SEEDS)
def test_money_has_two_decimals(seed: int) -> None:
    """Cents come back from the text, whatever their number of digits."""
    cents = np.random.default_rng(seed).integers(0, 10**9, 50)
    texts = money(cents).to_pylist()
    assert all(len(text.partition(".")[2]) == 2 for text in texts)
    assert [int(text.replace(".", "")) for text in texts] == cents.tolist()
    assert money(np.array([5, 100])).to_pylist() == ["0.05", "1.00"]


def test_what_has_not_happened_has_no_time() -> None:
    """Only moments from 1970 on are times; `NEVER` is empty."""
    times = timestamps(np.array([NEVER, 0, DAY]))
    assert np.isnat(times).tolist() == [True, False, False]
    assert times[2] == np.datetime64("1970-01-02", "us")


# Files.


@pytest.mark.parametrize("flush", [1, 3, 1000])
def test_a_file_in_parts_holds_all_rows_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flush: int
) -> None:
    """However often rows are written out, each is there once and knows its number."""
    monkeypatch.setattr("features.simulation.parquet.FLUSH_ROWS", flush)
    schema = pa.schema([("number", pa.int64()), ("id", pa.string()), ("empty", pa.float64())])

    def to_columns(rows: Any, first: int) -> Any:
        count = len(rows["value"])
        return {
            "number": first + np.arange(count),
            "id": ids("L", rows["value"]),
            "empty": np.full(count, np.nan),
        }

    growing = Growing(tmp_path / "t.parquet", schema, to_columns)
    for part in ([1, 2], [3], [], [4, 5, 6]):
        growing.add({"value": np.array(part, dtype=np.int64)})
    growing.close()
    table = pq.read_table(tmp_path / "t.parquet")
    assert growing.rows == table.num_rows == 6
    assert table["number"].to_pylist() == list(range(6))
    assert table["id"].to_pylist() == ids("L", np.arange(1, 7)).to_pylist()
    assert table["empty"].null_count == 6


def test_a_copy_of_a_growing_file_takes_the_rows_from_here_on(tmp_path: Path) -> None:
    """Each row is taken once, numbered on from those in the file, which stays as it was."""
    schema = pa.schema([("number", pa.int64()), ("value", pa.int64())])

    def to_columns(rows: Any, first: int) -> Any:
        return {"number": first + np.arange(len(rows["value"])), "value": rows["value"]}

    growing = Growing(tmp_path / "t.parquet", schema, to_columns)
    growing.add({"value": np.array([7, 8])})
    fork = copy.deepcopy(growing)
    assert len(fork.take()) == 0
    fork.add({"value": np.array([9])})
    fork.add({"value": np.array([10])})
    assert fork.take().to_pydict() == {"number": [2, 3], "value": [9, 10]}
    fork.add({"value": np.array([11])})
    assert fork.take().to_pydict() == {"number": [4], "value": [11]}
    growing.close()
    assert pq.read_table(tmp_path / "t.parquet")["value"].to_pylist() == [7, 8]


def test_a_table_has_the_columns_of_its_schema(tmp_path: Path) -> None:
    """Types and order are the schema's; NaN is empty."""
    schema = pa.schema([("at", TIME), ("amount", pa.float64())])
    columns = {"amount": np.array([1.5, np.nan]), "at": timestamps(np.array([DAY, NEVER]))}
    write(tmp_path / "t.parquet", columns, schema)
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.names == ["at", "amount"]
    assert [table[name].null_count for name in ("at", "amount")] == [1, 1]


# How things ended.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_value_of_each_number_counts(seed: int) -> None:
    """Values replace earlier ones as in a dictionary; numbers without any are `NEVER`."""
    rng = np.random.default_rng(seed)
    ends, plain = Ends(), {}
    for _ in range(10):
        numbers = rng.permutation(20)[: rng.integers(0, 20)]
        values = rng.integers(0, 1000, len(numbers))
        ends.record("won", numbers, values)
        ends.record("lost", numbers, -values)
        plain |= dict(zip(numbers.tolist(), values.tolist(), strict=True))
    assert ends.last("won", 20).tolist() == [plain.get(n, NEVER) for n in range(20)]
    assert ends.last("other", 2).tolist() == [NEVER, NEVER]


def test_an_end_is_the_latest_of_several() -> None:
    """What has not ended in any way ends after everything else."""
    won, lost = np.array([5, NEVER, NEVER]), np.array([NEVER, 7, NEVER])
    assert end_moment(won, lost).tolist() == [5, 7, np.iinfo(np.int64).max]


def test_parts_are_put_below_each_other() -> None:
    """Every column keeps the order of the parts."""
    parts = [Rows({"a": np.array([1]), "b": np.array([2])}), Rows({"b": NOTHING, "a": NOTHING}),
             Rows({"a": np.array([3]), "b": np.array([4])})]  # fmt: skip
    whole = concatenated(parts)
    assert (whole["a"].tolist(), whole["b"].tolist()) == ([1, 3], [2, 4])


# The journal.


@pytest.fixture
def settings() -> CompanySettings:
    """A company of four reps."""
    return company_settings("small", seed=1, reps=4, months=3)


@pytest.fixture
def calendar(settings: CompanySettings) -> Calendar:
    """Its days."""
    return calendar_of(settings)[0]


@pytest.fixture
def journal(settings: CompanySettings, calendar: Calendar, tmp_path: Path) -> Journal:
    """A journal of three people, the last of whom is late by nothing."""
    opened = Journal(settings, calendar, tmp_path, begin=0)
    opened.habits = Habits(np.array([0.2, 0.5, 0.9]), np.array([2.5, 1.0, 0.0]))
    return opened


def read(folder: Path, table: str) -> pd.DataFrame:
    """Read a table of a folder."""
    return pd.read_parquet(folder / f"{table}.parquet")


def test_only_selected_activities_are_recorded(journal: Journal, tmp_path: Path) -> None:
    """A mask picks rows of every column; what an activity has no word for is empty."""
    at = journal.at(2, 9 * HOUR, 3)
    lead, rep = np.array([10, 11, 12]), np.array([0, 1, 2])
    outcome = np.full(3, CONNECTED)
    journal.act(Act("call", at, lead=lead, rep=rep, outcome=outcome), np.array([True, False, True]))
    journal.act(Act("web_visit", at, "inbound", lead=lead), np.array([False, True, False]))
    journal.act(Act("email", at, lead=lead), np.zeros(3, dtype=np.bool_))
    journal.close()
    acts = read(tmp_path, "activities")
    assert acts["activity_id"].tolist() == ["T0000000", "T0000001", "T0000002"]
    assert acts["type"].tolist() == ["call", "call", "web_visit"]
    assert acts["lead_id"].tolist() == ["L0000010", "L0000012", "L0000011"]
    assert acts["direction"].tolist() == ["outbound", "outbound", "inbound"]
    assert acts["rep_id"].isna().tolist() == [False, False, True]
    assert acts["outcome"].isna().tolist() == [False, False, True]
    assert acts[["deal_id", "duration_s"]].isna().all(axis=None)


def test_late_rows_are_late_by_a_week_at_most_and_others_not_at_all(
    journal: Journal, settings: CompanySettings, tmp_path: Path
) -> None:
    """A share of a tardy rep's rows comes late; what the CRM sees itself is known at once."""
    count = 4_000
    at, everybody = journal.at(5, 10 * HOUR, count), np.ones(count, dtype=np.bool_)
    for rep in (0, 2):
        journal.act(Act("call", at, rep=np.full(count, rep)), everybody)
    journal.act(Act("web_visit", at, "inbound"), everybody)
    journal.close()
    acts = read(tmp_path, "activities")
    late = acts["known_at"] - acts["occurred_at"]
    tardy, tidy = (late[acts["rep_id"] == rep] for rep in ("R0000000", "R0000002"))
    share = (tardy > pd.Timedelta(0)).mean()
    assert abs(share - settings.late_share) < 4 * np.sqrt(0.25 / count)
    assert tardy.max() == pd.Timedelta(days=MOST_DAYS_LATE)
    assert late.min() == pd.Timedelta(0)
    assert tidy.max() == late[acts["rep_id"].isna()].max() == pd.Timedelta(0)


def test_each_field_of_a_change_is_written_its_own_way(
    journal: Journal, calendar: Calendar, tmp_path: Path
) -> None:
    """Stages are words, owners ids, amounts money and dates dates, each at its own row."""
    at, one = journal.at(3, 0, 1), np.array([7])
    journal.change("deal", one, at, "amount", np.array([125_050]))
    journal.change("lead", one, at, "rep_id", np.array([2]))
    journal.change("deal", one, at, "expected_close_at", np.array([10]))
    journal.stage("lead", one, at, "converted")
    journal.change("deal", NOTHING, NOTHING, "amount", NOTHING)
    journal.change("deal", one, at, "stage", np.array([ALL_STAGES.index("legal")]))
    journal.close()
    changes = read(tmp_path, "changes")
    day = pd.Timestamp(calendar.date(3))
    assert changes[["entity_type", "entity_id", "field", "value"]].to_numpy().tolist() == [
        ["deal", "D0000007", "amount", "1250.50"],
        ["lead", "L0000007", "rep_id", "R0000002"],
        ["deal", "D0000007", "expected_close_at", str(calendar.date(10))],
        ["lead", "L0000007", "stage", "converted"],
        ["deal", "D0000007", "stage", "legal"],
    ]
    assert (changes["changed_at"] == day).all()
    assert (changes["known_at"] == day).all()


# People.


def test_hundreds_of_people_have_names_of_their_own() -> None:
    """The first 672 names differ; whoever comes later shares both parts with somebody."""
    names = person_names(700)
    assert len(set(names[:672])) == 672
    assert names[672] == names[0]
    assert {name.split()[0] for name in names} == set(FIRST_NAMES.split())
    assert {name.split()[1] for name in names} == set(LAST_NAMES.split())


def test_only_the_staged_story_has_john_and_sally() -> None:
    """They are the first two, and nobody else is renamed."""
    plain, staged = person_names(5), person_names(5, "johnsally")
    assert staged.tolist() == ["John Doe", "Sally Smith", *plain[2:]]
    assert "John Doe" not in person_names(2_000)


def test_everybody_is_taken_in_once_with_habits(
    journal: Journal, settings: CompanySettings
) -> None:
    """New people get a share of logging within the settings; those known keep theirs."""
    journal.habits = Habits(np.zeros(0), np.zeros(0))
    people = People(journal)
    state = new_company(settings, np.random.default_rng(1))
    people.join(state)
    share = journal.habits.share.copy()
    assert len(share) == settings.reps
    low, high = settings.log_share
    assert ((share >= low) & (share <= high)).all()
    people.join(state)
    assert np.array_equal(journal.habits.share, share)
    state.seats["person"][1] = settings.reps
    people.join(state)
    assert len(journal.habits.share) == settings.reps + 1
    assert np.array_equal(journal.habits.share[:-1], share)


def test_whoever_left_before_the_crm_is_not_in_it(
    settings: CompanySettings, calendar: Calendar, tmp_path: Path
) -> None:
    """A leaver has a date, one from before the CRM's first day has no row; quotas are as set."""
    people = People(Journal(settings, calendar, tmp_path, begin=100))
    people.join(new_company(settings, np.random.default_rng(1)))
    people.leave(0, 99)
    people.leave(1, 100)
    who = np.array([1, 2])
    people.quota(who, date(2025, 1, 1), date(2025, 4, 1), np.array([1000.0, 2000.0]))
    reps, quotas = (people.tables()[name].to_pandas() for name in ("reps", "quotas"))
    assert reps["rep_id"].tolist() == ["R0000001", "R0000002", "R0000003"]
    left = pd.Timestamp(calendar.date(100)) + pd.Timedelta(hours=5)
    assert reps["left_at"].tolist() == [left, pd.NaT, pd.NaT]
    assert (reps["team"].str.replace("team ", "M00") == reps["manager_id"]).all()
    assert quotas["amount"].tolist() == [1000.0, 2000.0]
    assert quotas["rep_id"].tolist() == ["R0000001", "R0000002"]
