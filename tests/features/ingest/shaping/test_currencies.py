"""Laws of rates: the one that was valid and known at a row's own moment, never a later one."""

from __future__ import annotations

from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend
from mapped import shaped, values

from features.errors import MappingError

MAPPING = """
rates:
  euro: {table: fx, currency: code, valid_from: since, known_at: seen, rate: rate, into: EUR}
deals:
  table: deals
  columns:
    amount: {column: amount, number: {}, currency: {column: code, rates: euro}}
"""
DEALS = (
    "deal_id,rep_id,created_at,amount,code\n"
    "1,r,2025-01-15,100,USD\n2,r,2025-02-15,100,usd\n3,r,2025-03-15,100,USD\n"
    "4,r,2025-03-15,100,EUR\n5,r,2024-12-31,100,USD\n6,r,2025-01-15,100,\n"
    "7,r,2025-01-15,100,GBP\n8,r,,100,USD\n9,r,2025-01-15,,USD\n"
)
FX = (
    "code,since,seen,rate\n"
    "USD,2025-01-01,2025-01-01,0.5\nUSD,2025-02-01,2025-03-05,0.75\nUSD,2025-03-01,2025-03-01,0.25\n"
)


def amounts(backend: Backend, folder: Path, fx: str = FX, mapping: str = MAPPING) -> list[str]:
    """Return the amounts of the deals, as they are staged."""
    staged = shaped(backend, folder, mapping, {"deals": DEALS, "fx": fx}, "deals")
    return [str(value) for value in values(staged, "amount")]


def test_each_row_has_the_rate_of_its_moment(backend: Backend, tmp_path: Path) -> None:
    """A rate counts once it is valid and known; one that is published late replaces no newer one.

    February's rate was seen on March 5, when March's was there already.
    """
    assert amounts(backend, tmp_path)[:4] == ["50.0", "50.0", "25.0", "100"]


def test_without_a_rate_an_amount_is_not_guessed(backend: Backend, tmp_path: Path) -> None:
    """It keeps its words and says what is missing; an empty amount stays empty."""
    assert amounts(backend, tmp_path)[4:] == [
        "100 (no rate of USD known on 2024-12-31)",
        "100 (no currency)",
        "100 (no rate of GBP known on 2025-01-15)",
        "100 (no moment to take a rate of)",
        "None",
    ]


def test_later_rates_change_nothing_before_them(backend: Backend, tmp_path: Path) -> None:
    """Adding, removing or editing a rate moves only rows at or after the moment it counts from."""
    before = amounts(backend, tmp_path)
    for later in (f"{FX}USD,2025-02-20,2025-02-20,9\n", f"{FX}USD,2024-01-01,2025-02-20,9\n"):
        assert amounts(backend, tmp_path, later)[:2] == before[:2]
    without = FX.rpartition("USD,2025-03-01")[0]
    assert amounts(backend, tmp_path, without)[:2] == before[:2]


def test_a_rate_may_say_the_opposite(backend: Backend, tmp_path: Path) -> None:
    """With divide a rate is what one unit of ours is worth; an empty code may be declared."""
    mapping = MAPPING.replace("into: EUR", "into: EUR, divide: true")
    mapping = mapping.replace("rates: euro}", "rates: euro, when_empty: EUR}")
    found = amounts(backend, tmp_path, mapping=mapping)
    assert (found[0], found[5]) == ("200.0", "100")


@pytest.mark.parametrize(
    ("fx", "says"),
    [
        (f"{FX}USD,2025-04-01,2025-04-01,none\n", "rates.euro: .*fx.csv, row 3: no rate above 0"),
        (f"{FX}USD,soon,2025-04-01,1\n", "row 3: no moment that can be read"),
        (f"{FX},2025-04-01,2025-04-01,1\n", "row 3: no currency that can be read"),
        (f"{FX}USD,2025-03-01,2025-03-01,0.3\n", "rows 2 and 3: two rates of USD since 2025-03-01"),
    ],
)
def test_rates_are_read_in_full_or_refused(
    backend: Backend, tmp_path: Path, fx: str, says: str
) -> None:
    """A rate that cannot be read names its file and row: amounts would silently take another."""
    with pytest.raises(MappingError, match=says):
        amounts(backend, tmp_path, fx)


def test_rates_belong_to_rows_with_a_moment(backend: Backend, tmp_path: Path) -> None:
    """Unknown rates are named, and rows of people and accounts have no moment to take one of."""
    with pytest.raises(MappingError, match="there are no rates 'pounds'; rates here: euro"):
        amounts(backend, tmp_path, mapping=MAPPING.replace("rates: euro}", "rates: pounds}"))
    mapping = """
rates: {euro: {table: fx, currency: code, valid_from: since, rate: rate, into: EUR}}
accounts:
  attributes: {revenue: {column: size, currency: {column: code, rates: euro}}}
"""
    files = {"accounts": "account_id,size,code\na,5,USD\n", "fx": FX}
    with pytest.raises(MappingError, match="a rate needs the row's own moment"):
        shaped(backend, tmp_path, mapping, files, "accounts")
