"""Amounts in several currencies are told; one currency under whatever name is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pytest
from engines import Engine
from extract import Extract, change

from features.field_history import FieldHistory
from training.checks.currencies import currency_findings
from training.checks.finding import Finding

END = datetime(2025, 6, 1)


def deals(duckdb: Engine, column: str, codes: Sequence[str | None]) -> list[Finding]:
    """Check deals with a column of currencies."""
    rows = [
        {"deal_id": f"d{n}", "rep_id": "ann", "created_at": datetime(2025, 1, 2), column: code}
        for n, code in enumerate(codes)
    ]
    extract = Extract({"deals": rows}, END, {"deals": {column: pa.string()}})
    with duckdb.open(extract) as warehouse:
        return list(currency_findings(warehouse))


@pytest.mark.parametrize(
    "column", ["currency", "Currency", "currency_code", "CurrencyIsoCode", "Deal Currency"]
)
def test_two_currencies_are_a_warning_however_the_column_is_called(
    duckdb: Engine, column: str
) -> None:
    """The codes and the column are named, and what to do."""
    (finding,) = deals(duckdb, column, ["USD", "EUR", "EUR"])
    assert (finding.table, finding.column, finding.severity) == ("deals", column, "warning")
    assert "2 currencies (EUR, USD, column " in finding.says
    assert "convert deals and quotas to one beforehand" in finding.says


def test_currencies_with_a_history_are_read_from_it(duckdb: Engine) -> None:
    """The column itself is empty then; a currency that was corrected before the end is none."""
    rows = [
        {"deal_id": name, "rep_id": "ann", "created_at": datetime(2025, 1, 2)} for name in "abc"
    ]
    of_deals = [("a", 2, "USD"), ("a", 5, "EUR"), ("b", 2, "EUR"), ("c", 2, "CHF")]
    for last, warned in ((3, False), (4, True)):
        changes = [
            change(name, datetime(2025, 1, day), "currency", code, "deal")
            for name, day, code in of_deals[:last]
        ]
        tables = {"deals": rows, "changes": changes}
        extract = Extract(tables, END, {"deals": {"currency": pa.string()}})
        with duckdb.open(extract) as warehouse:
            history = FieldHistory("deal", "currency", True, 3, 3, 0, datetime(2025, 1, 2))  # noqa: FBT003 - complete
            known = replace(warehouse, histories=(history,))
            assert bool(list(currency_findings(known))) is warned


@pytest.mark.parametrize(
    "codes", [[], ["EUR"], ["EUR", "eur", " Eur "], ["EUR", None, ""], [None, None]]
)
def test_one_currency_is_none_of_its_findings(duckdb: Engine, codes: Sequence[str | None]) -> None:
    """Case and blanks make no other currency, and an empty cell is none."""
    assert deals(duckdb, "currency", codes) == []


@pytest.mark.parametrize("column", ["currency_rate", "country", "amount_text"])
def test_other_columns_are_not_taken_for_currencies(duckdb: Engine, column: str) -> None:
    """Only what CRMs call the code of a currency is looked at."""
    assert deals(duckdb, column, ["USD", "EUR"]) == []


def test_many_currencies_are_cut_short(duckdb: Engine) -> None:
    """Five are named, the others counted."""
    (finding,) = deals(duckdb, "currency", ["AUD", "CHF", "DKK", "EUR", "GBP", "SEK", "USD"])
    assert "7 currencies (AUD, CHF, DKK, EUR, GBP and 2 more, column currency)" in finding.says
