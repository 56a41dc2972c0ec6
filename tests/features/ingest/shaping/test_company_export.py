"""A company's own tables, and the same ones read from an export through a mapping, are equal."""

from __future__ import annotations

from pathlib import Path

import pytest
from company_export import TABLES, export
from mapped import load_folder, lower_ids, own_home, rows

from features.ingest.report import IngestReport

MAPPING = (Path(__file__).parent / "company.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, IngestReport]:
    """Ingest the company's own tables, and its export."""
    other = tmp_path_factory.mktemp("export")
    (other / "in").mkdir()
    export(other / "in")
    return own_home(), other, load_folder(other, MAPPING, other / "in")


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_equal_the_companys_own(
    homes: tuple[Path, Path, IngestReport], table: str
) -> None:
    """Two workbooks and six text files in many formats hold what the seven tables hold."""
    own, other, _ = homes
    mine = [lower_ids(row) for row in rows(own, table)]
    theirs = [lower_ids(row) for row in rows(other, table)]
    assert mine
    names = list(mine[0])
    of_export = [{name: row[name] for name in names} for row in theirs]
    assert sorted(of_export, key=repr) == sorted(mine, key=repr)


def test_every_row_of_the_export_is_accounted_for(
    homes: tuple[Path, Path, IngestReport],
) -> None:
    """What was read is accepted or set aside; what a filter leaves out is said with its reason."""
    report = homes[2]
    for table in report.tables.values():
        assert table.read == table.accepted + table.quarantined
        assert table.quarantined == 0
    (said,) = [f.says for f in report.findings if f.kind == "left_out" and f.table == "deals"]
    assert said.startswith("1 rows of ")
    assert said.endswith("Opportunity.csv were left out: Deleted is not false")
