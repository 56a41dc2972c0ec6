"""Laws of tables with one column for each month: no cell is lost, moved or counted twice."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import yaml
from mapped import load, quarantined, rows
from xlsx import write_workbook

from features.errors import MappingError, TableError
from features.ingest.load import ingest
from features.ingest.months import columns_by_period, period_name
from features.ingest.opening import opened
from features.ingest.suggest.suggest import suggest_mapping
from features.params import FeatureParams, IngestParams

WIDE = "Rep,Region,Jan 2025,Feb-25,2025-03,Total\nanna,N,1000,1200,0,2200\nben,S,,900,,900\n"
REPS = "rep_id,name\nanna,Anna A\nben,Ben B\n"
MAPPING = """
unpivot: {monthly: {table: quotas}}
quotas: {table: monthly, columns: {rep_id: Rep}, period: {month: month, year: month}}
"""
TOLD = [("anna", 1, 1000.0), ("anna", 2, 1200.0), ("anna", 3, 0.0), ("ben", 2, 900.0)]


def told(home: Path) -> list[tuple[str, int, float]]:
    """Return rep, month and amount of all quotas."""
    quotas = rows(home, "quotas")
    for quota in quotas:
        start, end = quota["period_start"], quota["period_end"]
        assert (start, end) == (
            datetime(2025, start.month, 1),
            datetime(2025, start.month + 1, 1),
        )
    return [(q["rep_id"], q["period_start"].month, q["amount"]) for q in quotas]


def test_each_filled_cell_becomes_a_row_and_empty_ones_are_counted(tmp_path: Path) -> None:
    """A zero is a quota, an empty cell is none, and a sum beside the months is no month."""
    report = load(tmp_path, MAPPING, {"quotas": WIDE})
    assert told(tmp_path) == TOLD
    assert {quota["Total"] for quota in rows(tmp_path, "quotas")} == {"2200", "900"}
    (said,) = [finding.says for finding in report.findings if finding.kind == "unpivot"]
    assert said.startswith("4 cells of its columns Jan 2025, Feb-25, 2025-03")
    assert said.endswith("2 are empty")


def test_a_line_that_is_no_row_and_a_cell_that_is_no_number_are_kept(tmp_path: Path) -> None:
    """The line once, not once for each month."""
    wide = f"{WIDE.replace('1200', 'tbd')}printed on Monday\n"
    report = load(tmp_path, MAPPING, {"quotas": wide}).tables["quotas"]
    assert (report.read, report.accepted, report.quarantined) == (5, 3, 2)
    reasons = [row["reason"] for row in quarantined(tmp_path, "quotas")]
    assert "'tbd'" in reasons[0]
    assert "no row of the table" in reasons[1]


def test_the_columns_may_be_named(tmp_path: Path) -> None:
    """Other columns that look like months are then left alone."""
    mapping = MAPPING.replace("table: quotas}", "table: quotas, columns: [Jan 2025, 2025-03]}")
    load(tmp_path, mapping, {"quotas": WIDE})
    assert told(tmp_path) == [TOLD[0], TOLD[2]]


@pytest.mark.parametrize(
    ("unpivot", "says"),
    [
        ("{quotas: {table: quotas}}", "unpivot.quotas: .* has a table of that name"),
        ("{monthly: {table: reps}}", "has no columns named after months"),
        ("{monthly: {table: quotas, columns: [May]}}", "has no column 'May'"),
        ("{monthly: {table: quotas, names: Region}}", "has a column 'Region'"),
    ],
)
def test_what_the_source_lacks_is_named(tmp_path: Path, unpivot: str, says: str) -> None:
    """With the key of the mapping and what was found."""
    mapping = f"unpivot: {unpivot}\nquotas: {{table: monthly, columns: {{rep_id: Rep}}}}"
    with pytest.raises(MappingError, match=says):
        load(tmp_path, mapping, {"quotas": WIDE, "reps": REPS})


def test_without_a_mapping_the_refusal_says_what_would_be_right(tmp_path: Path) -> None:
    """And the mapping that it shows reads the file."""
    with pytest.raises(TableError, match="it has one column for each month") as refused:
        load(tmp_path, "{}", {"quotas": WIDE})
    says = str(refused.value)
    unpivot, quotas = says[says.index("unpivot: {") :].split(" and ")
    load(tmp_path, f"{unpivot}\n{quotas}\n", {"quotas": WIDE})
    assert told(tmp_path) == TOLD


@pytest.mark.parametrize(
    "wide",
    [WIDE, "Rep,Year,Jan,Feb,Mar\nanna,2025,1000,1200,0\nben,2025,,900,\n"],
)
def test_a_suggested_mapping_reads_the_sheet(tmp_path: Path, wide: str) -> None:
    """Whether the months say the year or a column beside them does."""
    folder = tmp_path / "in"
    folder.mkdir()
    deals = "deal_id,rep_id,created_at,amount,closed_at,won\nD1,anna,2025-01-02,5,2025-01-20,true\n"
    for name, content in {"targets": wide, "reps": REPS, "deals": deals}.items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    with opened(str(folder)) as source:
        says = suggest_mapping(source, IngestParams())
    assert "targets by month" in yaml.safe_load(says)["unpivot"]
    (tmp_path / "m.yaml").write_text(says, encoding="utf-8")
    ingest(str(folder), tmp_path, FeatureParams(), tmp_path / "m.yaml")
    assert told(tmp_path) == TOLD


def test_months_typed_as_dates_in_a_workbook_are_months(tmp_path: Path) -> None:
    """A sheet shows Jan-25 where its cell holds the first of January."""
    (tmp_path / "in").mkdir()
    sheet = [["Rep", datetime(2025, 1, 1), datetime(2025, 2, 1)], ["anna", 1000, 1200]]
    write_workbook(tmp_path / "in" / "book.xlsx", {"quotas": sheet, "reps": [["rep_id"], ["anna"]]})
    (tmp_path / "m.yaml").write_text(MAPPING, encoding="utf-8")
    ingest(str(tmp_path / "in"), tmp_path, FeatureParams(), tmp_path / "m.yaml")
    assert told(tmp_path) == TOLD[:2]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("2025-01", "2025-01"), ("2025/1", "2025-01"), ("202501", "2025-01"),
        ("01.2025", "2025-01"), ("Jan 2025", "2025-01"), ("January-2025", "2025-01"),
        ("Jan-25", "2025-01"), ("2025 Jan", "2025-01"), ("Quota Jan 2025", "2025-01"),
        ("März 2025", "2025-03"), ("Dez. 25", "2025-12"), ("2025-01-01 00:00:00", "2025-01"),
        ("Q1 2025", "2025-Q1"), ("2025-Q4", "2025-Q4"), ("Jan", "jan"), ("Q3", "Q3"),
    ],
)  # fmt: skip
def test_a_month_or_quarter_is_told_by_its_name(name: str, says: str) -> None:
    """In the ways that sheets are headed."""
    period = period_name(name)
    assert period is not None
    assert period.says == says


@pytest.mark.parametrize(
    "name", ["2025", "Total 2025", "2025-13", "rep_id", "FY25", "1/2/2025", ""]
)
def test_other_names_are_no_months(name: str) -> None:
    """A year, a sum, and a day that may be two."""
    assert period_name(name) is None


def test_sums_of_quarters_beside_months_are_no_periods_of_their_own() -> None:
    """They would be counted twice."""
    names = ["rep", "Jan 2025", "Feb 2025", "Mar 2025", "Q1 2025"]
    assert [period.name for period in columns_by_period(names)] == names[1:4]
    assert not columns_by_period(["rep", "May", "amount"])
