"""Laws of ingestion: every row is accounted for, every value means what it meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError, NotReady
from features.ingest.load import ingest
from features.ingest.report import IngestReport
from features.params import FeatureParams, IngestParams
from features.storage.catalog import NO_EVENTS, current
from features.storage.engine import engine, rows
from features.tables import TABLES

LONG = "123456789012345678"


def write_csv(folder: Path, **tables: str) -> str:
    """Write tables as CSV files and give the folder as a source."""
    folder.mkdir(exist_ok=True)
    for name, content in tables.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    return str(folder)


def write_parquet(folder: Path, **tables: Mapping[str, Any]) -> str:
    """Write tables as parquet files and give the folder as a source."""
    folder.mkdir(exist_ok=True)
    for name, columns in tables.items():
        pq.write_table(pa.table(dict(columns)), folder / f"{name}.parquet")
    return str(folder)


def load(source: str, home: Path, **options: Any) -> IngestReport:
    """Ingest with the defaults."""
    return ingest(source, home, options.pop("params", FeatureParams()), **options)


def table(home: Path, name: str) -> list[dict[str, Any]]:
    """Read an accepted table."""
    records: list[dict[str, Any]] = pq.read_table(
        current(home).path / f"{name}.parquet"
    ).to_pylist()
    return records


def quarantined(home: Path, name: str) -> list[dict[str, Any]]:
    """Read the rows of a table that were turned away."""
    records: list[dict[str, Any]] = pq.read_table(
        home / "data" / "quarantine" / f"{name}.parquet"
    ).to_pylist()
    return records


def test_every_table_of_the_schema_exists_with_its_types(tmp_path: Path) -> None:
    """A warehouse holds all seven tables with all their columns, absent ones without rows."""
    load(write_csv(tmp_path / "in", reps="rep_id\nr1\n"), tmp_path)
    kinds = {
        "id": pa.string(),
        "text": pa.string(),
        "number": pa.float64(),
        "time": pa.timestamp("us"),
        "boolean": pa.bool_(),
    }
    for name, expected in TABLES.items():
        schema = pq.read_schema(current(tmp_path).path / f"{name}.parquet")
        wanted = {column.name: kinds[column.kind.value] for column in expected.columns}
        assert {field.name: field.type for field in schema} == wanted


def test_no_data_yet_is_said(tmp_path: Path) -> None:
    """Before the first ingest, asking for the warehouse says which command comes first."""
    with pytest.raises(NotReady, match="run `pacesetter ingest SOURCE` first"):
        current(tmp_path)


def test_long_ids_survive_csv(tmp_path: Path) -> None:
    """Ids of 18 digits and leading zeros come out of a CSV file as they went in."""
    content = f"lead_id,created_at\n{LONG},2025-01-01\n007,2025-01-01\n1e5,2025-01-01\n"
    load(write_csv(tmp_path / "in", leads=content), tmp_path)
    assert {row["lead_id"] for row in table(tmp_path, "leads")} == {LONG, "007", "1e5"}


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        (pa.int64(), int(LONG), LONG),
        (pa.uint64(), 2**64 - 1, str(2**64 - 1)),
        (pa.float64(), 123456789012345680.0, "123456789012345680"),
        (pa.float64(), 7.0, "7"),
        (pa.float64(), 1e30, str(int(1e30))),
        (pa.float32(), 7.0, "7"),
        (pa.decimal128(20, 2), Decimal("70.00"), "70"),
        (pa.string(), " 007 ", "007"),
        (pa.dictionary(pa.int8(), pa.string()), "a", "a"),
    ],
)
def test_ids_of_any_parquet_type_become_plain_text(
    tmp_path: Path, kind: pa.DataType, written: Any, expected: str
) -> None:
    """An id is never written with an exponent or a fraction that is not there."""
    source = write_parquet(tmp_path / "in", reps={"rep_id": pa.array([written], kind)})
    load(source, tmp_path)
    assert [row["rep_id"] for row in table(tmp_path, "reps")] == [expected]


def test_ids_that_pandas_made_floats_are_mended_in_csv(tmp_path: Path) -> None:
    """A CSV id column of 7.0 with gaps is read as 7, so that references keep their target."""
    activities = "occurred_at,type,lead_id\n2025-01-02,call,7.0\n2025-01-02,call,\n"
    leads = "lead_id,created_at\n7,2025-01-01\n"
    source = write_csv(tmp_path / "in", activities=activities, leads=leads)
    notes = load(source, tmp_path).tables["activities"].notes
    assert notes["lead_id: ids written as 7.0, read as 7"] == 1
    assert "lead_id: not in leads" not in notes


def test_one_id_reads_alike_in_every_table(tmp_path: Path) -> None:
    """1.0 in one file and 1 in another are one rep; how many were rewritten is noted."""
    source = write_csv(
        tmp_path / "in",
        reps="rep_id\n1\n2\n",
        activities="occurred_at,type,rep_id\n2025-01-01,call,1.0\n2025-01-02,call,\n"
        "2025-01-03,call,X77\n",
    )
    report = load(source, tmp_path)
    assert [row["rep_id"] for row in table(tmp_path, "activities")] == ["1", None, "X77"]
    assert report.tables["activities"].notes["rep_id: ids written as 7.0, read as 7"] == 1
    assert report.tables["activities"].notes["rep_id: not in reps"] == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-03-04", datetime(2025, 3, 4)),
        ("2025-03-04T10:11", datetime(2025, 3, 4, 10, 11)),
        ("2025-03-04T10:11:12", datetime(2025, 3, 4, 10, 11, 12)),
        ("2025-03-04 10:11:12.123456789", datetime(2025, 3, 4, 10, 11, 12, 123456)),
        ("2025-03-04T10:11:12Z", datetime(2025, 3, 4, 10, 11, 12)),
        ("2025-03-04 10:11:12 UTC", datetime(2025, 3, 4, 10, 11, 12)),
        ("2025-03-04T10:11:12+01:00", datetime(2025, 3, 4, 9, 11, 12)),
        ("2025-03-04T10:11:12.5-0530", datetime(2025, 3, 4, 15, 41, 12, 500000)),
        ("2025-03-04 10:11:12 +0100", datetime(2025, 3, 4, 9, 11, 12)),
        ("2025/03/04 10:11", datetime(2025, 3, 4, 10, 11)),
        ("03/04/2025", datetime(2025, 3, 4)),
        ("3/4/2025 10:11 PM", datetime(2025, 3, 4, 22, 11)),
        ("03.04.2025 10:11:12", datetime(2025, 3, 4, 10, 11, 12)),
        (" 2025-03-04 ", datetime(2025, 3, 4)),
    ],
)
def test_a_time_is_read_as_utc(tmp_path: Path, written: str, expected: datetime) -> None:
    """With a zone a time is converted, without one it is UTC, and a date is its midnight."""
    load(write_csv(tmp_path / "in", leads=f"lead_id,created_at\na,{written}\n"), tmp_path)
    assert [row["created_at"] for row in table(tmp_path, "leads")] == [expected]


@pytest.mark.parametrize(
    "written",
    [
        "31/31/2025",
        "2025-02-30",
        "17356896001",
        "20251304",
        "yesterday",
        "infinity",
        "2025-03-04 25:00",
        "0000-01-01",
        "12025-01-01",
    ],
)
def test_what_is_no_time_is_not_guessed(tmp_path: Path, written: str) -> None:
    """A required time that cannot be read quarantines its row and names column and value."""
    report = load(write_csv(tmp_path / "in", leads=f"lead_id,created_at\na,{written}\n"), tmp_path)
    assert report.tables["leads"].quarantined == 1
    (row,) = quarantined(tmp_path, "leads")
    assert row["source_row"] == 0
    assert row["reason"].startswith(f"created_at '{written}' cannot be read as a time")
    assert row["created_at"] == written


def test_day_first_is_a_declaration(tmp_path: Path) -> None:
    """Declared day-first, 03/04 is the 3rd of April and 31/12 is a date."""
    content = "lead_id,created_at\na,03/04/2025\nb,31/12/2025\n"
    params = FeatureParams(ingest=IngestParams(day_first=True))
    load(write_csv(tmp_path / "in", leads=content), tmp_path, params=params)
    created = [row["created_at"] for row in table(tmp_path, "leads")]
    assert created == [datetime(2025, 4, 3), datetime(2025, 12, 31)]


def test_parquet_times_of_every_unit_become_microseconds(tmp_path: Path) -> None:
    """Nanoseconds, seconds, dates and zoned times all come out as UTC microseconds."""
    moment = datetime(2025, 3, 4, 10, tzinfo=timezone(timedelta(hours=1)))
    plain = datetime(2025, 3, 4, 9)
    written = {
        "a": pa.array([moment], pa.timestamp("us", "Europe/Amsterdam")),
        "b": pa.array([plain], pa.timestamp("ns")),
        "c": pa.array([plain], pa.timestamp("s")),
        "d": pa.array([moment], pa.timestamp("ns", "Europe/Amsterdam")),
    }
    for name, values in written.items():
        source = write_parquet(tmp_path / name, leads={"lead_id": ["x"], "created_at": values})
        load(source, tmp_path)
        assert [row["created_at"] for row in table(tmp_path, "leads")] == [plain]


def test_words_for_nothing_are_empty_but_na_is_not(tmp_path: Path) -> None:
    """NULL, None and nan mean empty; NA stays, since it is also North America."""
    content = "rep_id,territory\n" + "".join(
        f"r{i},{word}\n" for i, word in enumerate(["NULL", "null", "None", "nan", "", "  ", "NA"])
    )
    load(write_csv(tmp_path / "in", reps=content), tmp_path)
    assert [row["territory"] for row in table(tmp_path, "reps")] == [None] * 6 + ["NA"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("12.5", 12.5),
        ("-3", -3.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.234,50", 1234.5),
        ("1.234,5x", None),
        ("1,234", None),
        ("inf", None),
        ("1_000", None),
        ("0x10", None),
        ("$5", 5.0),
        ("(5)", -5.0),
        ("5-", -5.0),
        ("5%", None),
        ("$5K", None),
        ("1e999", None),
    ],
)
def test_a_number_is_read_or_emptied_with_a_note(
    tmp_path: Path, written: str, expected: float | None
) -> None:
    """An optional number is never guessed: 1,234 is emptied and counted, the row stays."""
    content = f'lead_id,created_at,value\na,2025-01-01,"{written}"\n'
    report = load(write_csv(tmp_path / "in", leads=content), tmp_path).tables["leads"]
    assert [row["value"] for row in table(tmp_path, "leads")] == [expected]
    assert report.notes.get("value: cannot be read as a number, emptied", 0) == (expected is None)


def test_won_is_read_from_the_usual_words(tmp_path: Path) -> None:
    """Booleans come as true, yes, t and 1 and their opposites; anything else is emptied."""
    words = ["true", "YES", "t", "1", "1.0", "false", "no", "F", "0", "", "maybe"]
    content = "deal_id,rep_id,created_at,won\n" + "".join(
        f"{i:02},r,2025-01-01,{word}\n" for i, word in enumerate(words)
    )
    load(write_csv(tmp_path / "in", deals=content), tmp_path)
    expected = [True] * 5 + [False] * 4 + [None] * 2
    assert [row["won"] for row in table(tmp_path, "deals")] == expected


def test_attributes_are_kept_in_types_a_warehouse_holds(tmp_path: Path) -> None:
    """Attributes keep their parquet type; exotic ones become text, numbers or UTC times."""
    source = write_parquet(
        tmp_path / "in",
        accounts={
            "account_id": ["a"],
            "size": pa.array([3], pa.int32()),
            "share": pa.array([float("nan")]),
            "price": pa.array([Decimal("1.00")], pa.decimal128(20, 2)),
            "tags": pa.array([["x", "y"]]),
            "seen": pa.array([datetime(2025, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "is_new": [True],
            "file_row_number": ["kept"],
            "rowid": ["too"],
        },
    )
    load(source, tmp_path)
    assert table(tmp_path, "accounts") == [
        {
            "account_id": "a",
            "size": 3,
            "share": None,
            "price": 1.0,
            "tags": "[x, y]",
            "seen": datetime(2025, 1, 1),
            "is_new": True,
            "file_row_number": "kept",
            "rowid": "too",
        }
    ]


def test_csv_attributes_stay_text(tmp_path: Path) -> None:
    """What an attribute of a CSV file holds is not guessed from the rest of its column."""
    load(write_csv(tmp_path / "in", accounts="account_id,size\na,007\n"), tmp_path)
    assert table(tmp_path, "accounts") == [{"account_id": "a", "size": "007"}]


def test_names_are_found_whatever_their_case(tmp_path: Path) -> None:
    """Tables and columns are found by their exact name first, else whatever the case."""
    content = "Lead_ID,CREATED_AT,lead_id\nshadow,2025-01-01,true\n"
    report = load(write_csv(tmp_path / "in", Leads=content), tmp_path).tables["leads"]
    assert table(tmp_path, "leads")[0]["lead_id"] == "true"
    assert table(tmp_path, "leads")[0]["Lead_ID_2"] == "shadow"
    assert report.matched == ("read from 'Leads'", "created_at: read from 'CREATED_AT'")


def test_known_at_is_filled_from_the_event(tmp_path: Path) -> None:
    """Where known_at is empty it is the event time; where it lies before, that is noted."""
    content = (
        "occurred_at,type,known_at\n2025-01-05,call,\n2025-01-05,call,2025-01-06\n"
        "2025-01-05,call,2025-01-04\n"
    )
    report = load(write_csv(tmp_path / "in", activities=content), tmp_path).tables["activities"]
    assert sorted(row["known_at"].day for row in table(tmp_path, "activities")) == [4, 5, 6]
    assert report.notes["known_at: before occurred_at"] == 1


def test_odd_rows_are_accepted_and_counted(tmp_path: Path) -> None:
    """Activities without or before their lead and unknown references stay, with a note."""
    source = write_csv(
        tmp_path / "in",
        leads="lead_id,created_at,rep_id,converted_at,lost_at\n"
        "l1,2025-01-05,r9,2025-02-01,2025-02-02\n",
        reps="rep_id\nr1\n",
        activities="occurred_at,type,lead_id,rep_id\n2025-01-01,call,l1,r1\n"
        "2025-01-06,call,,r1\n2025-01-06,call,l7,r1\n",
        changes="entity_type,entity_id,changed_at,field,value\nLead,l1,2025-01-06,stage,x\n"
        "lead,l7,2025-01-06,stage,x\ncontact,c,2025-01-06,stage,x\n",
    )
    report = load(source, tmp_path)
    assert [counts.quarantined for counts in report.tables.values()] == [0, 0, 0, 0]
    assert report.tables["leads"].notes == {
        "rep_id: not in reps": 1,
        "both converted and lost": 1,
    }
    assert report.tables["activities"].notes == {
        "lead_id: empty": 1,
        "neither lead_id nor deal_id": 1,
        "lead_id: not in leads": 1,
        "occurred_at: before the lead was created": 1,
    }
    assert report.tables["changes"].notes == {
        "entity_type: not known": 1,
        "entity_id of a lead: not in leads": 1,
    }


def test_the_last_event_ends_the_data(tmp_path: Path) -> None:
    """Undeclared, data_until is the latest event, and nothing that is no event counts."""
    source = write_csv(
        tmp_path / "in",
        leads="lead_id,created_at,lost_at,do_not_contact_at\nl,2025-01-01,2025-01-03,2029-01-01\n",
        activities="occurred_at,type,known_at\n2025-01-02,call,2029-01-01\n"
        "2029-01-01,meeting,2025-01-01\n",
        deals="deal_id,rep_id,created_at,expected_close_at,closed_at,won\n"
        "d,r,2025-01-01,2029-01-01,2025-01-04,no\ne,r,2025-01-01,,2029-01-01,\n",
        reps="rep_id,hired_at,left_at\nr,2029-01-01,2029-01-01\n",
        quotas="rep_id,period_start,period_end,amount\nr,2029-01-01,2029-04-01,5\n",
    )
    report = load(source, tmp_path)
    assert report.data_until == current(tmp_path).data_until == datetime(2025, 1, 4)
    assert not report.data_until_declared


def test_rows_after_a_declared_end_are_turned_away(tmp_path: Path) -> None:
    """What happens or is known at or after a declared --data-until was not there yet."""
    content = (
        "occurred_at,type,known_at\n2025-01-01T23:59:59.999999,a,\n2025-01-01,b,2025-01-02\n"
        "2025-01-02,c,\n2025-01-02T00:00:01,d,\n"
    )
    end = datetime(2025, 1, 2, 1, tzinfo=timezone(timedelta(hours=1)))
    report = load(write_csv(tmp_path / "in", activities=content), tmp_path, data_until=end)
    assert report.data_until == datetime(2025, 1, 2)
    assert report.data_until_declared
    assert [row["type"] for row in table(tmp_path, "activities")] == ["a"]
    reasons = [row["reason"] for row in quarantined(tmp_path, "activities")]
    assert len(reasons) == 3
    assert all("at or after the declared --data-until" in reason for reason in reasons)


def test_without_events_nothing_is_mature(tmp_path: Path) -> None:
    """An extract of people alone is loaded; its data ends before everything."""
    report = load(write_csv(tmp_path / "in", reps="rep_id\nr\n"), tmp_path)
    assert report.data_until is None
    assert current(tmp_path).data_until == NO_EVENTS
    assert [f.supported for f in report.verdict if f.model] == [False, False]


def test_of_a_repeated_key_the_row_known_first_is_kept(tmp_path: Path) -> None:
    """Wherever it stands; faulty rows never displace one, rows without a key never repeat."""
    leads = "lead_id,created_at,source\na,never,x\na,2025-01-02,z\na,2025-01-01,y\n"
    activities = (
        "occurred_at,type,activity_id\n"
        + "2025-01-01,call,\n" * 3
        + ("2025-01-01,call,1\n2025-01-01,mail,1\n")
    )
    load(write_csv(tmp_path / "in", leads=leads, activities=activities), tmp_path)
    assert [row["source"] for row in table(tmp_path, "leads")] == ["y"]
    reasons = [(row["source_row"], row["reason"]) for row in quarantined(tmp_path, "leads")]
    assert reasons[0][0] == 0
    assert reasons[1] == (1, "lead_id 'a' is repeated: row 2 was known first")
    assert len(table(tmp_path, "activities")) == 4
    assert [row["source_row"] for row in quarantined(tmp_path, "activities")] == [4]


def test_a_row_gets_all_its_reasons(tmp_path: Path) -> None:
    """A row that breaks several rules gets every reason, and counts once."""
    content = "lead_id,created_at,converted_at,lost_at\n,2025-01-05,2025-01-01,2025-01-02\n"
    report = load(write_csv(tmp_path / "in", leads=content), tmp_path).tables["leads"]
    (row,) = quarantined(tmp_path, "leads")
    assert row["reason"] == (
        "lead_id is empty; converted_at 2025-01-01 00:00:00 lies before created_at "
        "2025-01-05 00:00:00; lost_at 2025-01-02 00:00:00 lies before created_at "
        "2025-01-05 00:00:00"
    )
    assert (report.read, report.quarantined, sum(report.quarantine_reasons.values())) == (1, 1, 3)


def test_quotas_may_be_revised_but_not_overlap(tmp_path: Path) -> None:
    """Another known_at is a revision; the same again, and another period inside, are not."""
    lines = [
        "rep_id,period_start,period_end,amount,known_at",
        "r,2025-01-01,2025-04-01,100,",
        "r,2025-01-01,2025-04-01,120,2025-02-01",
        "r,2025-01-01,2025-04-01,130,2025-01-01",
        "r,2025-03-01,2025-06-01,100,",
        "r,2025-04-01,2025-07-01,100,",
        "q,2025-03-01,2025-06-01,100,",
        "r,2025-09-01,2025-09-01,100,",
        "r,2025-01-01,2025-02-01,100,2025-03-01",
        "r,2025-07-01,2025-10-01,,",
    ]
    content = "\n".join(lines)
    load(write_csv(tmp_path / "in", quotas=content), tmp_path)
    turned = {row["source_row"]: row["reason"] for row in quarantined(tmp_path, "quotas")}
    assert sorted(turned) == [2, 3, 6, 7, 8]
    assert "is repeated: row 0" in turned[2]
    assert "overlaps the period 2025-01-01" in turned[3]
    assert "does not lie after period_start" in turned[6]
    assert turned[8] == "amount is empty"


def test_the_same_input_gives_the_same_warehouse(tmp_path: Path) -> None:
    """Ingesting twice, or the rows shuffled, gives the same fingerprint and the same rows."""
    lines = [f"l{i % 50},2025-01-{1 + i % 28:02},{'call' if i % 2 else 'mail'}" for i in range(300)]
    first = "lead_id,occurred_at,type\n" + "\n".join(lines)
    shuffled = "lead_id,occurred_at,type\n" + "\n".join(sorted(lines, key=lambda s: s[::-1]))
    prints, contents = set(), []
    for i, content in enumerate([first, first, shuffled]):
        report = load(write_csv(tmp_path / f"in{i}", activities=content), tmp_path)
        prints.add(report.fingerprint)
        contents.append((current(tmp_path).path / "activities.parquet").read_bytes())
    assert len(prints) == 1
    assert contents[0] == contents[1] == contents[2]


@pytest.mark.parametrize("change", ["l1,2025-01-01,9", "l1,2025-01-01,", "l2,2025-01-01,5"])
def test_another_value_gives_another_fingerprint(tmp_path: Path, change: str) -> None:
    """The fingerprint changes with any accepted value."""
    head = "lead_id,created_at,value\n"
    one = load(write_csv(tmp_path / "a", leads=head + "l1,2025-01-01,5"), tmp_path)
    other = load(write_csv(tmp_path / "b", leads=head + change), tmp_path)
    assert one.fingerprint != other.fingerprint


def test_quarantine_of_an_earlier_run_does_not_stay(tmp_path: Path) -> None:
    """Quarantine and report always tell of the last ingest only."""
    load(write_csv(tmp_path / "a", leads="lead_id,created_at\n,2025-01-01\n"), tmp_path)
    assert len(quarantined(tmp_path, "leads")) == 1
    report = load(write_csv(tmp_path / "b", leads="lead_id,created_at\na,2025-01-01\n"), tmp_path)
    assert not list((tmp_path / "data" / "quarantine").iterdir())
    written = json.loads((tmp_path / "data" / "ingest-report.json").read_text(encoding="utf-8"))
    assert written == json.loads(report.to_json())
    assert written["tables"]["leads"]["accepted"] == 1


def test_quarantine_keeps_columns_that_are_called_like_its_own(tmp_path: Path) -> None:
    """A source's own `reason` is kept beside ours, not lost."""
    content = "lead_id,created_at,reason,Source_Row\n,2025-01-01,price,9\n"
    load(write_csv(tmp_path / "in", leads=content), tmp_path)
    (row,) = quarantined(tmp_path, "leads")
    assert (row["reason"], row["reason_original"]) == ("lead_id is empty", "price")
    assert (row["source_row"], row["Source_Row_original"]) == (0, "9")


def test_only_the_last_two_warehouses_are_kept(tmp_path: Path) -> None:
    """The one before stays for those reading it; older ones and leftovers go."""
    source = write_csv(tmp_path / "in", reps="rep_id\nr\n")
    folder = tmp_path / "data" / "warehouses"
    for _ in range(4):
        load(source, tmp_path)
    left = folder / "20250101T000000-0123abcd.partial"
    left.mkdir()
    (folder / "scratch").mkdir()
    load(source, tmp_path)
    names = {path.name for path in folder.iterdir()}
    assert left.name not in names
    assert len(names) == 3
    assert {current(tmp_path).path.name, "scratch"} < names


def test_paths_with_wildcards_are_paths(tmp_path: Path) -> None:
    """A folder called a[1]* is that folder and no pattern."""
    odd = tmp_path / "a[1]*'s"
    odd.mkdir()
    load(write_csv(odd / "in", reps="rep_id\nr\n"), odd)
    assert [row["rep_id"] for row in table(odd, "reps")] == ["r"]


def test_csv_files_of_spreadsheets_are_read(tmp_path: Path) -> None:
    """Byte order mark, CRLF, semicolons, quoted line breaks and blank lines are all fine."""
    (tmp_path / "in").mkdir()
    content = '\ufeffrep_id;name\r\nr1;"A\r\nB; ""C"""\r\n\r\nr2;D\r\n'
    (tmp_path / "in" / "reps.csv").write_bytes(content.encode())
    report = load(str(tmp_path / "in"), tmp_path)
    assert [row["name"] for row in table(tmp_path, "reps")] == ['A\r\nB; "C"', "D"]
    assert report.tables["reps"].read == 2


def test_a_table_of_hundreds_of_columns_needs_little_memory(tmp_path: Path) -> None:
    """An export with 400 further columns is read within a gigabyte."""
    names = [f"c{i}" for i in range(400)]
    content = f"rep_id,{','.join(names)}\nr,{','.join(names)}\n"
    params = FeatureParams(ingest=IngestParams(memory_gb=1.0))
    load(write_csv(tmp_path / "in", reps=content), tmp_path, params=params)
    assert table(tmp_path, "reps")[0]["c399"] == "c399"


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A home that is a file is one clear error."""
    source = write_csv(tmp_path / "in", reps="rep_id\nr\n")
    (tmp_path / "home").write_text("")
    with pytest.raises(InputError, match="cannot write under"):
        load(source, tmp_path / "home")


def test_the_engine_stays_offline_and_in_utc(tmp_path: Path) -> None:
    """The engine never fetches extensions and never uses the machine's zone."""
    backend = engine(1.0, 1, tmp_path)
    names = ("autoinstall_known_extensions", "autoload_known_extensions", "TimeZone")
    settings = [rows(backend, f"SELECT current_setting('{name}')")[0][0] for name in names]
    backend.disconnect()
    assert settings == [False, False, "UTC"]
