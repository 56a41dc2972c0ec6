"""Laws of the extract: which moment is answered for, and who is named in it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from features.errors import NotReady
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.home.extract import moment_of, named_in


def warehouse(place: Path, **tables: str) -> Warehouse:
    """Ingest tables written as CSV, and open them."""
    for name, text in tables.items():
        (place / f"{name}.csv").write_text(text, encoding="utf-8")
    home = place / "home"
    ingest(str(place), home, FeatureParams())
    return Warehouse.duckdb(current(home))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Two reps in `reps`, one of them and a third in `leads`, an owner left empty."""
    return warehouse(
        tmp_path_factory.mktemp("small"),
        reps="rep_id,manager_id\nann,max\nbob,\n",
        leads=(
            "lead_id,created_at,rep_id\n1,2025-01-01,ann\n2,2025-01-02,cleo\n3,2025-01-03,\n"
            "4,2025-01-04,ann\n"
        ),
    )


def test_the_moment_is_the_end_of_the_data_unless_asked_for(small: Warehouse) -> None:
    """A moment that was asked for is taken as it is, in the past and in the future."""
    assert moment_of(small, None) == small.data_until == datetime(2025, 1, 4)
    for moment in (datetime(1999, 1, 1), datetime(2099, 1, 1)):
        assert moment_of(small, moment) == moment


def test_data_without_events_have_no_end(tmp_path: Path) -> None:
    """Then a moment must be named, and the error says so."""
    empty = warehouse(tmp_path, reps="rep_id\nann\n")
    with pytest.raises(NotReady, match=r"no events.*or name a moment with --as-of"):
        moment_of(empty, None)
    assert moment_of(empty, datetime(2025, 1, 1)) == datetime(2025, 1, 1)


def test_ids_are_named_once_over_all_tables(small: Warehouse) -> None:
    """Ids of any of the tables count, whether the tables share them or not; empty cells do not."""
    assert named_in(small, "rep_id", "reps") == {"ann", "bob"}
    assert named_in(small, "rep_id", "leads") == {"ann", "cleo"}
    assert named_in(small, "rep_id", "reps", "leads") == {"ann", "bob", "cleo"}
    assert named_in(small, "manager_id", "reps") == {"max"}


def test_ids_that_only_a_history_names_are_named(tmp_path: Path) -> None:
    """Where a field has a history, its column is empty, and `changes` holds all it ever held."""
    data = warehouse(
        tmp_path,
        reps="rep_id\nann\n",
        leads="lead_id,created_at,rep_id\n1,2025-01-01,cleo\n2,2025-01-02,dora\n",
        changes=(
            "entity_type,entity_id,changed_at,field,value\n"
            "lead,1,2025-01-01,rep_id,bob\nlead,1,2025-01-02,rep_id,cleo\n"
            "deal,1,2025-01-02,rep_id,eve\nlead,1,2025-01-02,stage,new\n"
        ),
    )
    assert named_in(data, "rep_id", "leads") == {"bob", "cleo", "dora"}
    assert named_in(data, "rep_id", "reps", "leads") == {"ann", "bob", "cleo", "dora"}


def test_a_table_that_is_missing_names_nobody(small: Warehouse) -> None:
    """An extract without a table answers as if the table had no rows."""
    assert named_in(small, "rep_id", "quotas") == frozenset()
    assert named_in(small, "rep_id", "quotas", "reps") == {"ann", "bob"}
