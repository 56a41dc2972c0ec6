"""Laws of databases as sources, on a real SQLite file and a real PostgreSQL server."""

from __future__ import annotations

import sqlite3
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from postgres_server import PASSWORD, QUOTED

from features.errors import SourceError, TableError
from features.ingest.load import ingest
from features.ingest.report import IngestReport
from features.ingest.state import source_state
from features.params import FeatureParams, IngestParams
from features.storage.catalog import current

LONG = 123456789012345678


def load(url: str, home: Path) -> IngestReport:
    """Ingest with the defaults."""
    return ingest(url, home, FeatureParams())


def rows(home: Path, name: str) -> list[dict[str, Any]]:
    """Read an accepted table."""
    records: list[dict[str, Any]] = pq.read_table(
        current(home).path / f"{name}.parquet"
    ).to_pylist()
    return records


@pytest.fixture(scope="module")
def postgres(postgres_server: str) -> str:
    """Fill a PostgreSQL database with types that are easily damaged; gives its URL."""
    url = f"postgresql://{postgres_server}/postgres"
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            "SET TIME ZONE 'America/New_York'",
            """CREATE TABLE deals (deal_id bigint, rep_id numeric(20,0), created_at timestamptz,
               amount numeric(30,2), closed_at timestamp, won boolean, campaign bigint,
               share real, tags text[], extra jsonb, due date)""",
            f"""INSERT INTO deals VALUES
               ({LONG}, {LONG}, '2025-01-01 00:00:00-05', 0.10, '2025-02-01', true,
                9007199254740993, 0.5, '{{a,b}}', '{{"x": 1}}', '2025-03-01'),
               (2, 7, 'infinity', NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL)""",
            "CREATE TABLE people (id double precision, name text)",
            f"INSERT INTO people VALUES ({2**53}, 'Ann')",
            "CREATE VIEW reps AS SELECT id AS rep_id, name FROM people",
            "CREATE SCHEMA crm",
            "CREATE MATERIALIZED VIEW crm.clients AS SELECT 5 AS account_id",
        ):
            connection.execute(sa.text(statement.replace(":", "\\:")))
    engine.dispose()
    return url


def test_postgres_values_come_out_exact(postgres: str, tmp_path: Path) -> None:
    """Long ids, exact amounts, zoned times and booleans survive PostgreSQL; views are read."""
    report = load(postgres, tmp_path)
    (deal,) = rows(tmp_path, "deals")
    assert deal == {
        "deal_id": str(LONG),
        "rep_id": str(LONG),
        "created_at": datetime(2025, 1, 1, 5),
        "lead_id": None,
        "account_id": None,
        "amount": 0.1,
        "expected_close_at": None,
        "closed_at": datetime(2025, 2, 1),
        "won": True,
        "campaign": 9007199254740993,
        "share": 0.5,
        "tags": "{a,b}",
        "extra": '{"x": 1}',
        "due": datetime(2025, 3, 1),
    }
    assert rows(tmp_path, "reps")[0]["rep_id"] == str(2**53)
    (turned,) = pq.read_table(tmp_path / "data/quarantine/deals.parquet").to_pylist()
    assert turned["reason"].startswith("created_at 'infinity' cannot be read as a time")
    assert report.tables["deals"].read == 2


def test_other_schemas_are_reached_by_mapping(postgres: str, tmp_path: Path) -> None:
    """A table of another schema, or a materialized view, is named schema.table in a mapping."""
    (tmp_path / "map.yaml").write_text("accounts: {table: crm.clients}", encoding="utf-8")
    ingest(postgres, tmp_path, FeatureParams(), tmp_path / "map.yaml")
    assert rows(tmp_path, "accounts") == [{"account_id": "5"}]


def test_many_rows_are_streamed_in_order(postgres: str, tmp_path: Path) -> None:
    """More rows than fit a chunk all arrive, each under its own number."""
    url = f"{postgres}?options=-csearch_path%3Dmany"
    engine = sa.create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA many"))
        connection.execute(
            sa.text(
                "CREATE TABLE many.reps AS "
                "SELECT CASE WHEN i = 100001 THEN NULL ELSE i END AS rep_id "
                "FROM generate_series(0, 120000) AS i"
            )
        )
    engine.dispose()
    report = load(url, tmp_path).tables["reps"]
    assert (report.read, report.quarantined) == (120_001, 1)
    (turned,) = pq.read_table(tmp_path / "data/quarantine/reps.parquet").to_pylist()
    assert turned["source_row"] == 100_001


def sqlite(path: Path, *statements: str) -> str:
    """Fill a SQLite file and give its URL."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return f"sqlite:///{path}"


def test_sqlite_values_come_out_exact(tmp_path: Path) -> None:
    """Long ids survive SQLite as integers and texts, and a column may mix its types."""
    url = sqlite(
        tmp_path / "a b%20?.db",
        "CREATE TABLE leads (lead_id INTEGER, created_at TEXT, value REAL, size INTEGER, "
        "is_big BOOLEAN, note)",
        f"INSERT INTO leads VALUES ({LONG}, '2025-01-01T10:00:00+01:00', 0.1, {LONG}, 1, 5)",
        "INSERT INTO leads VALUES ('007', '2025-01-02', 'lots', 'huge', 0, 'five')",
        "INSERT INTO leads VALUES (7.0, '2025-01-02', NULL, 1.5, 'maybe', x'41')",
    )
    report = load(url.replace("%", "%25").replace("?", "%3F"), tmp_path).tables["leads"]
    leads = {row["lead_id"]: row for row in rows(tmp_path, "leads")}
    assert set(leads) == {str(LONG), "7"}
    assert leads[str(LONG)]["created_at"] == datetime(2025, 1, 1, 9)
    assert leads[str(LONG)]["value"] == 0.1
    assert [row["size"] for row in leads.values()] == [LONG, None]
    assert report.quarantine_reasons == {"lead_id is repeated": 1}


def test_the_database_is_not_written_to(tmp_path: Path) -> None:
    """Reading leaves a database file byte for byte as it was, and makes none."""
    url = sqlite(tmp_path / "a.db", "CREATE TABLE reps (rep_id)", "INSERT INTO reps VALUES (1)")
    before = (tmp_path / "a.db").read_bytes()
    load(url, tmp_path)
    assert (tmp_path / "a.db").read_bytes() == before
    with pytest.raises(SourceError, match="there is no such file"):
        load(f"sqlite:///{tmp_path / 'b.db'}", tmp_path)
    assert not (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:{p}@h/d", "unknown kind of database"),
        ("postgresql://u:{p}@h:port/d", "the URL cannot be understood"),
        ("postgresql://u:{p}@127.0.0.1:1/d", "refused"),
        ("postgresql://u@127.0.0.1:1/d?password={p}", "refused"),
        ("sqlite://", "there is no such file"),
    ],
)
def test_a_bad_url_is_said_without_its_password(tmp_path: Path, url: str, says: str) -> None:
    """What is wrong with a database is said in one line that holds no password."""
    with pytest.raises(SourceError, match=says) as raised:
        load(url.format(p=QUOTED), tmp_path)
    assert_secret(raised.value)


def assert_secret(error: BaseException) -> None:
    """Look for the password in an error, in all that caused it, and in its traceback."""
    written = "".join(traceback.format_exception(error)) + str(error)
    context: BaseException | None = error
    while context is not None:
        written += repr(context)
        context = context.__cause__ or context.__context__
    assert PASSWORD not in written
    assert QUOTED not in written
    assert "s3cr3t" not in written


def test_a_wrong_password_stays_secret(postgres: str, tmp_path: Path) -> None:
    """A refused password is neither shown nor kept in what caused the error."""
    wrong = postgres.replace("s3cr3t", "s3cr3t-not")
    with pytest.raises(SourceError, match="password authentication failed") as raised:
        load(wrong, tmp_path)
    assert_secret(raised.value)


def test_a_broken_view_stays_secret(postgres: str, tmp_path: Path) -> None:
    """A query that fails halfway names its table and nothing secret."""
    engine = sa.create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA broken"))
        connection.execute(
            sa.text(
                "CREATE VIEW broken.reps AS "
                "SELECT 1 / (i - 1) AS rep_id FROM generate_series(0, 1) AS i"
            )
        )
    engine.dispose()
    with pytest.raises(
        SourceError, match=r"table 'reps' of postgresql.*division by zero"
    ) as raised:
        load(f"{postgres}?options=-csearch_path%3Dbroken", tmp_path)
    assert_secret(raised.value)


def test_no_file_of_the_home_holds_the_password(postgres: str, tmp_path: Path) -> None:
    """Reports and pointers name the database with *** for its password."""
    report = load(postgres, tmp_path)
    assert "crm:***@127.0.0.1" in report.source == current(tmp_path).source
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes()


def test_the_last_source_can_be_read_again(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The URL as the report shows it works again once PGPASSWORD is set."""
    load(postgres, tmp_path)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    report = load(current(tmp_path).source, tmp_path)
    assert report.tables["deals"].accepted == 1


def test_a_database_without_our_tables_is_said(tmp_path: Path) -> None:
    """A database that holds none of our tables says which it holds."""
    url = sqlite(tmp_path / "a.db", "CREATE TABLE sf_lead (id)")
    with pytest.raises(TableError, match=r"none of the tables .* found sf_lead"):
        load(url, tmp_path)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    """A file that SQLite cannot open is one clear error."""
    (tmp_path / "a.db").write_bytes(b"hello, this is not a database at all" * 40)
    with pytest.raises(SourceError, match="file is not a database"):
        load(f"sqlite:///{tmp_path / 'a.db'}", tmp_path)


def test_a_missing_column_names_the_table_of_the_database(tmp_path: Path) -> None:
    """A database table lacking a required column is named with what it has."""
    url = sqlite(tmp_path / "a.db", "CREATE TABLE leads (lead_id)")
    with pytest.raises(
        TableError, match=r"table 'leads' of sqlite.* needs the column 'created_at'"
    ):
        load(url, tmp_path)


def test_the_state_of_postgres_is_told_whatever_its_types(postgres: str) -> None:
    """Rows, keys and moments of every type are compared as texts; no password is among them."""
    state = source_state(postgres, None, IngestParams())
    assert state.marks["deals"] == ("2", str(LONG), "infinity", "2025-02-01 00:00:00")
    assert state.marks["reps"] == ("1", "9.007199254740992e+15")
    assert PASSWORD not in repr(state)
    assert QUOTED not in repr(state)
