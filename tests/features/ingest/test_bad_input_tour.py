"""A tour of bad inputs: each ends in one clear error or in a quarantined row, none in a crash."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import InputError, MappingError, SourceError, TableError
from features.ingest.load import ingest
from features.params import FeatureParams
from features.storage.catalog import current

LEADS = "lead_id,created_at\na,2025-01-01\n"
GOOD_LEAD = "a,2025-01-01"


def put(folder: Path, name: str, content: str | bytes) -> None:
    """Write one file of a source."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def put_parquet(folder: Path, name: str, **columns: object) -> None:
    """Write one parquet table of a source."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def _both(folder: Path) -> None:
    put(folder, "leads.csv", LEADS)
    put_parquet(folder, "leads", lead_id=["a"], created_at=["2025-01-01"])


def _truncated(folder: Path) -> None:
    put_parquet(folder, "leads", lead_id=["a"] * 5000, created_at=["2025-01-01"] * 5000)
    whole = (folder / "leads.parquet").read_bytes()
    put(folder, "leads.parquet", whole[: len(whole) // 2])


def _damaged_inside(folder: Path) -> None:
    """Keep the footer, so that the damage shows only once the rows are read."""
    ids = [f"{i * 7919:012}" for i in range(20_000)]
    put_parquet(folder, "leads", lead_id=ids, created_at=["2025-01-01"] * len(ids))
    whole = bytearray((folder / "leads.parquet").read_bytes())
    whole[100 : len(whole) // 2] = b"\xff" * (len(whole) // 2 - 100)
    put(folder, "leads.parquet", bytes(whole))


def _directory(folder: Path) -> None:
    (folder / "leads.parquet").mkdir(parents=True)


def _closed(folder: Path) -> None:
    put(folder, "leads.csv", LEADS)
    (folder / "leads.csv").unlink()
    (folder / "leads.csv").symlink_to(folder / "gone.csv")


def csv_file(content: str | bytes, name: str = "leads.csv") -> Callable[[Path], None]:
    """Return what makes a source of one file."""
    return lambda folder: put(folder, name, content)


BROKEN: dict[str, tuple[Callable[[Path], None], type[InputError], str]] = {
    "no such folder": (lambda _folder: None, SourceError, "there is no such folder"),
    "an empty folder": (lambda f: f.mkdir(), TableError, "holds none of the tables"),
    "foreign tables only": (csv_file(LEADS, "lead.csv"), TableError, "found lead; rename its"),
    "both formats": (_both, TableError, "twice, as leads.csv and leads.parquet"),
    "an empty file": (csv_file(""), SourceError, "leads.csv: the file is empty"),
    "an empty parquet file": (csv_file("", "leads.parquet"), SourceError, "the file is empty"),
    "blank lines only": (csv_file("\n\n"), SourceError, "it has no header row"),
    "no parquet at all": (csv_file("hello", "leads.parquet"), SourceError, "leads.parquet: "),
    "a truncated parquet file": (_truncated, SourceError, "leads.parquet: "),
    "a parquet file damaged inside": (_damaged_inside, SourceError, "leads.parquet: "),
    "a folder for a file": (_directory, SourceError, "leads.parquet: it is not a file"),
    "a link to nowhere": (_closed, SourceError, "leads.csv: it is not a file"),
    "a zip called CSV": (csv_file(b"PK\x03\x04\xff\xfe\x00"), SourceError, "not UTF-8"),
    "a quote never closed in the header": (csv_file('"lead_id,created_at\n'), SourceError, "head"),
    "a required column missing": (
        csv_file("lead_id,created\na,2025-01-01\n"),
        TableError,
        r"leads.csv: table 'leads' needs the column 'created_at': found lead_id, created; add it",
    ),
    "a required column missing in parquet": (
        lambda f: put_parquet(f, "leads", created_at=["2025-01-01"]),
        TableError,
        "leads.parquet: table 'leads' needs the column 'lead_id': found created_at",
    ),
    "a column twice": (
        csv_file("lead_id,created_at,created_at\na,2025-01-01,2025-01-02\n"),
        TableError,
        "column 'created_at' exists 2 times",
    ),
    "a column twice but for its case": (
        csv_file("Lead_id,LEAD_ID,created_at\na,a,2025-01-02\n"),
        TableError,
        "column 'lead_id' exists 2 times",
    ),
    "no separator we know": (csv_file(LEADS.replace(",", "^")), TableError, "found lead_id.cre"),
    "UTF-16 in part only": (
        csv_file(LEADS.encode("utf-16") + b"\xdc\xdc\xdc"),
        SourceError,
        "not that throughout",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path, case: str) -> None:
    """An unusable source names the file, what was found and what is right, and changes nothing."""
    good = tmp_path / "good"
    put(good, "reps.csv", "rep_id\nr\n")
    ingest(str(good), tmp_path, FeatureParams())
    before = current(tmp_path)
    make, kind, says = BROKEN[case]
    make(tmp_path / "bad")
    with pytest.raises(kind) as raised:
        ingest(str(tmp_path / "bad"), tmp_path, FeatureParams())
    assert re.search(says, str(raised.value), re.DOTALL), str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2
    assert current(tmp_path) == before
    assert pq.read_table(before.path / "reps.parquet").num_rows == 1
    assert [p.name for p in before.path.parent.iterdir()] == [before.path.name]


def test_a_file_as_source_is_told_from_a_folder(tmp_path: Path) -> None:
    """Naming the file instead of its folder says what is right."""
    put(tmp_path / "in", "leads.csv", LEADS)
    with pytest.raises(SourceError, match="it is a file; give a folder with"):
        ingest(str(tmp_path / "in" / "leads.csv"), tmp_path, FeatureParams())


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    """A file without permission is one clear error."""
    put(tmp_path / "in", "leads.csv", LEADS)
    (tmp_path / "in" / "leads.csv").chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        ingest(str(tmp_path / "in"), tmp_path, FeatureParams())


ODD_LINES = {
    "a row too long": ("b,2025-01-01,5\n", "line 3 is no row of the table (3 fields"),
    "a row too short": ("b\n", "line 3 is no row of the table (1 fields, the header has 2): b"),
    "a quote never closed": ('"b,2025-01-01\n', "line 3 is no row of the table (unexpected end"),
    "a sign after a quote": ('"b"x,2025-01-01\n', "line 3 is no row of the table"),
    "a line too long": ("b" * 3_000_000 + ",2025-01-01\n", "line 3 is no row of the table (field"),
}


@pytest.mark.parametrize("case", ODD_LINES)
def test_a_line_that_is_no_row_costs_that_line_only(tmp_path: Path, case: str) -> None:
    """The line is kept aside with its number and its text, and rows around it are read."""
    line, says = ODD_LINES[case]
    put(tmp_path / "in", "leads.csv", LEADS + line + "c,2025-01-02\n")
    report = ingest(str(tmp_path / "in"), tmp_path, FeatureParams()).tables["leads"]
    assert (report.read, report.accepted, report.quarantined) == (3, 2, 1)
    (kept,) = pq.read_table(tmp_path / "data" / "quarantine" / "leads.parquet").to_pylist()
    assert kept["reason"].startswith(says)
    assert kept["source_row"] == 1
    assert kept["lead_id"] == line.strip()
    read = pq.read_table(current(tmp_path).path / "leads.parquet")
    assert read["lead_id"].to_pylist() == ["a", "c"]


HEADS = {
    "leads": "lead_id,created_at,converted_at,lost_at,value",
    "activities": "occurred_at,type,activity_id,lead_id",
    "reps": "rep_id,name",
    "deals": "deal_id,rep_id,created_at,closed_at,won",
    "changes": "entity_type,entity_id,changed_at,field",
    "quotas": "rep_id,period_start,period_end,amount",
    "accounts": "account_id,industry",
}

TURNED_AWAY = [
    ("leads", ",2025-01-01,,,", "lead_id is empty"),
    ("leads", "NULL,2025-01-01,,,", "lead_id is empty"),
    ("leads", "a,,,,", "created_at is empty"),
    ("leads", "a,31/31/2025,,,", "created_at '31/31/2025' cannot be read as a time"),
    ("leads", "a,2025-02-29,,,", "created_at '2025-02-29' cannot be read as a time"),
    ("leads", "a,45746.06.25,,,", "created_at '45746.06.25' cannot be read as a time"),
    ("leads", "#N/A,2025-01-01,,,", "lead_id '#N/A' is an error of the spreadsheet"),
    ("leads", "a,2025-01-02,2025-01-01,,", "converted_at 2025-01-01 00:00:00 lies before"),
    ("leads", "a,2025-01-02,,2025-01-01,", "lost_at 2025-01-01 00:00:00 lies before created_at"),
    ("activities", ",call,,", "occurred_at is empty"),
    ("activities", "soon,call,,", "occurred_at 'soon' cannot be read as a time"),
    ("activities", "2025-01-01,  ,,", "type is empty"),
    ("reps", ",Ann", "rep_id is empty"),
    ("deals", ",r,2025-01-01,,", "deal_id is empty"),
    ("deals", "d,,2025-01-01,,", "rep_id is empty"),
    ("deals", "d,r,2025-13-01,,", "created_at '2025-13-01' cannot be read as a time"),
    (
        "deals",
        "d,r,2025-01-02T09:00,2025-01-01T08:00,no",
        "closed_at 2025-01-01 08:00:00 lies before created_at",
    ),
    ("changes", ",a,2025-01-01,stage", "entity_type is empty"),
    ("changes", "lead,,2025-01-01,stage", "entity_id is empty"),
    ("changes", "lead,a,,stage", "changed_at is empty"),
    ("changes", "lead,a,2025-01-01,", "field is empty"),
    ("quotas", "r,2025-01-01,2025-04-01,much", "amount 'much' cannot be read as a number"),
    ("quotas", "r,2025-01-01,2025-04-01,inf", "amount 'inf' cannot be read as a number"),
    ("quotas", "r,2025-01-01,,5", "period_end is empty"),
    ("quotas", "r,2025-04-01,2025-01-01,5", "period_end 2025-01-01 00:00:00 does not lie after"),
    ("accounts", ",retail", "account_id is empty"),
]


@pytest.mark.parametrize(("table", "row", "says"), TURNED_AWAY)
def test_a_bad_row_is_quarantined_in_words(tmp_path: Path, table: str, row: str, says: str) -> None:
    """A bad row is set aside with its number, its reason and all that it held."""
    put(tmp_path / "in", f"{table}.csv", f"{HEADS[table]}\n{row}\n")
    report = ingest(str(tmp_path / "in"), tmp_path, FeatureParams()).tables[table]
    assert (report.read, report.accepted, report.quarantined) == (1, 0, 1)
    written = pq.read_table(tmp_path / "data" / "quarantine" / f"{table}.parquet")
    assert written.schema.field("source_row").type == pa.int64()
    (kept,) = written.to_pylist()
    assert kept["source_row"] == 0
    assert kept["reason"].startswith(says)
    originals = [kept[name] or "" for name in HEADS[table].split(",")]
    assert originals == row.split(",")


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [
        ("leads", "a,2025-01-01,someday,,", "converted_at"),
        ("leads", "a,2025-01-01,,31/31/2025,", "lost_at"),
        ("leads", "a,2025-01-01,,,lots", "value"),
        ("deals", "d,r,2025-01-01,9999,no", "closed_at"),
    ],
)
def test_an_optional_value_never_removes_its_row(
    tmp_path: Path, table: str, row: str, column: str
) -> None:
    """An optional value that cannot be read is emptied and counted, and its row stays."""
    put(tmp_path / "in", f"{table}.csv", f"{HEADS[table]}\n{row}\n")
    report = ingest(str(tmp_path / "in"), tmp_path, FeatureParams()).tables[table]
    assert report.accepted == 1
    assert any(words.startswith(f"{column}: cannot be read") for words in report.notes)
    assert pq.read_table(current(tmp_path).path / f"{table}.parquet")[column].null_count == 1


def test_columns_of_the_wrong_parquet_type_are_bad_values_not_crashes(tmp_path: Path) -> None:
    """Numbers for times, lists for ids and times for amounts are judged like any value."""
    put_parquet(
        tmp_path / "in",
        "quotas",
        rep_id=pa.array([["a"], ["b"]]),
        period_start=pa.array([1735689600, None]),
        period_end=pa.array([True, False]),
        amount=pa.array([0, 1], pa.timestamp("us")),
        known_at=pa.array([b"x", b"\xff"]),
    )
    report = ingest(str(tmp_path / "in"), tmp_path, FeatureParams()).tables["quotas"]
    assert (report.accepted, report.quarantined) == (0, 2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("leads: [", "it is not YAML"),
        ("- leads", "found list; it should hold a section"),
        ("", "found NoneType"),
        ("lead: {table: x}", "unknown key 'lead'; the keys here are leads, activities"),
        ("leads: {tabel: x}", "unknown key 'leads.tabel'; the keys here are table, columns"),
        ("leads: {columns: {lead: Id}}", "leads.columns: no such column: lead; 'leads' has lead_"),
        (
            "leads: {columns: {lead_id: 5}}",
            r"'leads.columns.lead_id' is 5, but should be a valid string",
        ),
        ("leads: {columns: {lead_id: Id}}", "has no column 'Id': found lead_id, created_at"),
        ("leads: {table: sf_lead}", "leads.table: .* has no table 'sf_lead': found leads"),
        ("leads: {timezone: Mars}", "'leads.timezone' is \"Mars\": no such time zone"),
        ("leads: {day_first: maybe}", "'leads.day_first' is \"maybe\", but should be"),
        ("leads: {drop: [phone]}", "leads.drop: .* has no column 'phone'"),
        ("deals: {columns: {deal_id: Id}}", "has no table 'deals'"),
    ],
)
def test_a_bad_mapping_names_file_key_and_value(tmp_path: Path, content: str, says: str) -> None:
    """A mapping that cannot be right says where, what was given and what would be right."""
    put(tmp_path / "in", "leads.csv", LEADS)
    put(tmp_path, "map.yaml", content)
    with pytest.raises(MappingError, match=says) as raised:
        ingest(str(tmp_path / "in"), tmp_path, FeatureParams(), tmp_path / "map.yaml")
    assert str(tmp_path / "map.yaml") in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_mapping_that_cannot_be_opened_is_said(tmp_path: Path, content: bytes | None) -> None:
    """A mapping file that is not there, or no text, is one clear error."""
    put(tmp_path / "in", "leads.csv", LEADS)
    if content is not None:
        put(tmp_path, "map.yaml", content)
    with pytest.raises(MappingError, match=r"map\.yaml: "):
        ingest(str(tmp_path / "in"), tmp_path, FeatureParams(), tmp_path / "map.yaml")
