"""Laws of laying down histories: what was at the creation is known, or is said to be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.field_history import FieldHistory
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current

START = datetime(2025, 1, 1)
DAY = timedelta(days=1)
LEADS = "lead_id,created_at,source,rep_id\n"
CHANGES = "entity_type,entity_id,changed_at,known_at,field,value,old_value\n"
Row = dict[str, Any]


def day(number: float) -> datetime:
    """Return a moment so many days after the start."""
    return START + number * DAY


def lead(lead_id: str, created: float, source: str = "", rep_id: str = "") -> str:
    """Write a lead's line."""
    return f"{lead_id},{day(created).isoformat()},{source},{rep_id}\n"


def changed(lead_id: str, at: float, value: str, old: str = "", known: float | None = None) -> str:
    """Write the line of a change of a lead's source."""
    known_at = "" if known is None else day(known).isoformat()
    return f"lead,{lead_id},{day(at).isoformat()},{known_at},source,{value},{old}\n"


class Home:
    """A home that small CSV tables are ingested into."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder."""
        self.folder = folder

    def ingest(
        self, leads: Sequence[str], changes: Sequence[str], until: datetime | None = None
    ) -> None:
        """Read leads and changes; a declared end keeps sparse dates from being implausible."""
        source = self.folder / "source"
        source.mkdir(exist_ok=True)
        (source / "leads.csv").write_text(LEADS + "".join(leads), encoding="utf-8")
        (source / "changes.csv").write_text(CHANGES + "".join(changes), encoding="utf-8")
        ingest(str(source), self.folder, FeatureParams(), data_until=until or day(10_000))

    def rows(self, name: str) -> list[Row]:
        """Return a table of the warehouse."""
        return pq.read_table(current(self.folder).path / f"{name}.parquet").to_pylist()

    @property
    def history(self) -> FieldHistory:
        """The only history there is."""
        (history,) = current(self.folder).histories
        return history

    def laid(self) -> dict[str, tuple[datetime, datetime, str | None]]:
        """Return the first row of each lead: when it happened, was known, and the value."""
        firsts: dict[str, Row] = {}
        for row in self.rows("changes"):
            before = firsts.setdefault(row["entity_id"], row)
            if row["changed_at"] < before["changed_at"]:
                firsts[row["entity_id"]] = row
        return {n: (r["changed_at"], r["known_at"], r["value"]) for n, r in firsts.items()}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home without data."""
    return Home(tmp_path)


def test_old_values_become_rows_at_the_creation(home: Home) -> None:
    """A CRM that logs only later changes, with what was before, has a complete history."""
    home.ingest(
        [lead("a", 0, "web"), lead("b", 5, "fair"), lead("c", 6, "mail")],
        [changed("a", 1, "web", "mail"), changed("b", 9, "fair", "web")],
    )
    assert home.history.complete
    assert home.laid() == {
        "a": (day(0), day(0), "mail"),
        "b": (day(5), day(5), "web"),
        "c": (day(6), day(6), "mail"),
    }
    assert [row["source"] for row in home.rows("leads")] == [None, None, None]


def test_without_them_a_history_is_incomplete_and_tells_nothing(home: Home) -> None:
    """The own column shows the end of the story, so leads without rows have no value either."""
    leads = [lead(f"l{i}", 10 + i, "web") for i in range(10)]
    changes = [changed(f"l{i}", 20 + i, "web") for i in range(8)]
    home.ingest([lead("first", 0, "web"), *leads], [changed("first", 0, "web"), *changes])
    history = home.history
    assert not history.complete
    assert (history.entities, history.from_creation, history.before_log) == (9, 1, 0)
    assert {row["source"] for row in home.rows("leads")} == {None}
    assert len(home.rows("changes")) == 9


def test_an_old_value_of_an_incomplete_history_is_known_with_its_row(home: Home) -> None:
    """Or a row that nobody can see yet would tell what was at the creation."""
    leads = [lead(f"l{i}", 10 + i, "web") for i in range(10)]
    changes = [changed(f"l{i}", 20 + i, "web") for i in range(8)]
    home.ingest([*leads, lead("x", 11)], [*changes, changed("x", 30, "fair", "web", known=33)])
    assert not home.history.complete
    assert home.laid()["x"] == (day(11), day(33), "web")


def test_without_a_column_of_its_own_nothing_is_known_before_the_first_row(home: Home) -> None:
    """An extract made before that row was shown would hold no trace of the stage at creation."""
    stage = "lead,a,2025-01-05,2025-01-07,stage,open,new\n"
    home.ingest([lead("a", 0)], [stage])
    assert home.history.complete
    assert home.laid()["a"] == (day(0), day(6), "new")


def test_leads_older_than_the_log_do_not_spoil_it(home: Home) -> None:
    """The log begins on day 50: what was before is unknown for old leads, not for new ones."""
    old = [lead(f"old{i}", i, "web") for i in range(30)]
    new = [lead(f"new{i}", 60 + i, "web") for i in range(5)]
    late = [changed(f"old{i}", 50 + i, "fair") for i in range(30)]
    creations = [changed(f"new{i}", 60 + i, "web") for i in range(5)]
    home.ingest([*old, *new], [*late, *creations])
    history = home.history
    assert history.complete
    assert (history.entities, history.from_creation, history.before_log) == (35, 5, 30)
    assert history.log_begins == day(50)
    assert home.laid()["old0"] == (day(50), day(50), "fair")


@pytest.mark.parametrize(("share_late", "complete"), [(0, True), (5, True), (6, False)])
def test_one_in_twenty_may_begin_late(home: Home, share_late: int, *, complete: bool) -> None:
    """At 95 of 100 a history counts as complete, at 94 it does not."""
    leads = [lead("first", 0, "web"), *(lead(f"l{i}", 10, "web") for i in range(99))]
    late = [changed(f"l{i}", 15, "fair") for i in range(share_late)]
    prompt = [changed(f"l{i}", 10.9, "fair") for i in range(share_late, 99)]
    home.ingest(leads, [changed("first", 0, "web"), *late, *prompt])
    assert home.history.complete is complete


def test_the_row_that_could_be_shown_first_tells_what_was_before(home: Home) -> None:
    """A change that is logged late may not rewrite the beginning for those who did not see it."""
    home.ingest(
        [lead("a", 0)],
        [changed("a", 4, "B", "A", known=9), changed("a", 6, "C", "B", known=6)],
    )
    assert home.laid()["a"] == (day(0), day(0), "B")


def test_a_row_of_the_creation_needs_no_other(home: Home) -> None:
    """Where the first row is of the creation itself, or before it, none is added."""
    home.ingest(
        [lead("a", 3), lead("b", 3)], [changed("a", 3, "x", "y"), changed("b", 2, "x", "y")]
    )
    assert len(home.rows("changes")) == 2


def test_at_a_declared_end_columns_hold_what_they_held_then(home: Home) -> None:
    """A field that changed only after the end has no history yet: its column is as it was."""
    leads = [lead("a", 0, "late"), lead("b", 0, "web"), lead("c", 0, "late")]
    changes = [changed("a", 20, "late", "mail"), changed("c", 20, "late")]
    home.ingest(leads, changes, until=day(10))
    assert current(home.folder).histories == ()
    assert [row["source"] for row in home.rows("leads")] == ["mail", "web", None]


@pytest.mark.parametrize("seed", range(4))
def test_an_uncut_extract_equals_the_one_made_then(tmp_path: Path, seed: int) -> None:
    """With a declared end, later rows and columns leave nothing behind in the warehouse."""
    rng = Random(seed)  # noqa: S311 - a sample, no secret
    end, leads, cut_leads, changes, cut_changes = 20, [], [], [], []
    for number in range(30):
        created, at, values = rng.randrange(25), 0.0, [rng.choice("xyz")]
        rows = []
        while rng.randrange(3):
            at += rng.uniform(0.5, 9)
            known = at + rng.choice((0, 0, 3))
            values.append(rng.choice("xyz"))
            rows.append((created + at, created + known, values[-1], values[-2]))
        seen = [row for row in rows if row[0] < end and row[1] < end]
        lines = [changed(f"l{number}", a, v, old, k) for a, k, v, old in rows]
        leads.append(lead(f"l{number}", created, values[-1]))
        changes += lines
        if created < end:
            cut_changes += [changed(f"l{number}", a, v, old, k) for a, k, v, old in seen]
            # With a visible row the column means nothing; without one it held the first value
            # that the rows to come tell of.
            first = min(rows, key=lambda row: max(row[:2]), default=None)
            then = values[-1] if first is None else first[3]
            cut_leads.append(lead(f"l{number}", created, then))
        else:
            cut_changes += [changed(f"l{number}", a, v, old, k) for a, k, v, old in seen]
    whole, cut = Home(tmp_path / "whole"), Home(tmp_path / "cut")
    for one, tables in ((whole, (leads, changes)), (cut, (cut_leads, cut_changes))):
        one.folder.mkdir()
        one.ingest(*tables, until=day(end))
    for name in ("leads", "changes"):
        assert whole.rows(name) == cut.rows(name)
    assert current(whole.folder).histories == current(cut.folder).histories


def test_numbers_and_flags_become_texts_that_read_back(tmp_path: Path) -> None:
    """The own column of a lead without rows is laid down as text, whatever its type."""
    source = tmp_path / "source"
    source.mkdir()
    rows = "a,2025-01-01,0.1,2025-02-03T04:05\nb,2025-01-02,5000,\n"
    (source / "deals.csv").write_text(
        "deal_id,created_at,amount,expected_close_at,rep_id\n"
        + "".join(f"{row},r\n" for row in rows.split()),
        encoding="utf-8",
    )
    (source / "changes.csv").write_text(
        "entity_type,entity_id,changed_at,field,value,old_value\n"
        "deal,b,2025-01-05,amount,6000,5000\ndeal,b,2025-01-05,expected_close_at,2025-03-03,2025-03-01\n",
        encoding="utf-8",
    )
    ingest(str(source), tmp_path, FeatureParams())
    laid = {
        (row["entity_id"], row["field"]): row["value"]
        for row in pq.read_table(current(tmp_path).path / "changes.parquet").to_pylist()
        if row["changed_at"] < datetime(2025, 1, 3)
    }
    assert laid == {
        ("a", "amount"): "0.1",
        ("a", "expected_close_at"): "2025-02-03 04:05:00",
        ("b", "amount"): "5000",
        ("b", "expected_close_at"): "2025-03-01 00:00:00",
    }


def test_a_rep_without_a_hiring_date_was_always_there(tmp_path: Path) -> None:
    """What was before a rep's first move holds from the hiring on, or from ever."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "reps.csv").write_text(
        "rep_id,hired_at,territory\na,2025-01-01,south\nb,,south\nc,,west\n", encoding="utf-8"
    )
    (source / "changes.csv").write_text(
        "entity_type,entity_id,changed_at,field,value,old_value\n"
        "rep,a,2025-02-01,territory,south,north\nrep,b,2025-02-01,territory,south,east\n",
        encoding="utf-8",
    )
    ingest(str(source), tmp_path, FeatureParams())
    rows = pq.read_table(current(tmp_path).path / "changes.parquet").to_pylist()
    assert sorted((r["entity_id"], r["changed_at"].year, r["value"]) for r in rows) == [
        ("a", 2025, "north"),
        ("a", 2025, "south"),
        ("b", 1, "east"),
        ("b", 2025, "south"),
        ("c", 1, "west"),
    ]
