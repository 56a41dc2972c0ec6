"""A company's export in workbooks and texts comes in by its suggested mapping and a few edits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from company_export import TABLES, export
from mapped import load_folder, lower_ids, own_home, rows

from features.ingest.suggest.suggest import suggested
from features.params import IngestParams

MOST_EDITS = 5
SOURCES = "{column: Source, otherwise: keep, values: {Web Form: inbound, Whitepaper: content}}"
EDITS = (
    # Nothing in an export tells the zone of its clocks.
    ("      # timezone: Europe/Berlin", "      timezone: America/New_York"),
    ("  # timezone: Europe/Berlin", "  timezone: Europe/Berlin"),
    # What the company calls its sources and its attributes elsewhere.
    ("    source: Source ", f"    source: {SOURCES} "),
    ("attributes: {Budget: ", "attributes: {budget: "),
)
"""What a person changes in the suggestion: a place in the file, once each."""


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Ingest the company's own tables, and its export by the suggestion with the edits."""
    other = tmp_path_factory.mktemp("export")
    (other / "in").mkdir()
    export(other / "in")
    mapping = suggested(str(other / "in"), IngestParams())
    for old, new in EDITS:
        assert old in mapping
        mapping = mapping.replace(old, new, 1)
    load_folder(other, mapping, other / "in")
    return own_home(), other


def test_few_edits_are_needed() -> None:
    """A person has five to make at most."""
    assert len(EDITS) <= MOST_EDITS


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_equal_the_companys_own(homes: tuple[Path, Path], table: str) -> None:
    """Seven tables in two workbooks and six text files are found, joined, translated and read."""
    own, other = homes
    mine, theirs = ([lower_ids(row) for row in rows(home, table)] for home in (own, other))
    assert mine
    of_export = [{name: row[name] for name in mine[0]} for row in theirs]
    assert sorted(of_export, key=repr) == sorted(mine, key=repr)
