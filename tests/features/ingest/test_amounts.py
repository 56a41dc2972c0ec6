"""Laws of amounts as people write them, and of the decimal sign that a column has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from ibis.backends.duckdb import Backend

from features.ingest.amounts import ALONE, amount, currency, is_either
from features.storage.engine import row, text

Read = Callable[[str, str], float | None]


@pytest.fixture
def read(backend: Backend) -> Read:
    """What reads one text with a decimal sign."""

    def run(written: str, decimal: str) -> float | None:
        (value,) = row(backend, f"SELECT {amount(text(written), decimal)}")
        return None if value is None else float(value)

    return run


POINT = [
    ("1234.5", 1234.5),
    ("$28,550.00", 28550.0),
    ("USD 28,550", 28550.0),
    ("28,550.00 USD", 28550.0),
    ("US$1,000,000.01", 1000000.01),
    ("₹12,34,567.00", 1234567.0),
    ("CHF 1'234.50", 1234.5),
    ("1\u2019234.50", 1234.5),
    ("12 500", 12500.0),
    ("12\u00a0500.5", 12500.5),
    ("-$5.50", -5.5),
    ("$-5.50", -5.5),
    ("($1,234.00)", -1234.0),
    ("5.50-", -5.5),
    ("+7", 7.0),
    (".5", 0.5),
    ("1e3", 1000.0),
    ("0.123", 0.123),
]
COMMA = [
    ("28.550,00 €", 28550.0),
    ("€ 3.500,00", 3500.0),
    ("1.234.567,8", 1234567.8),
    ("28550,00", 28550.0),
    ("12 500,5 kr", 12500.5),
    ("-1.234,50 zł", -1234.5),
    ("1.234", 1234.0),
    ("0,123", 0.123),
]
NO_NUMBER = ["", "$", "ten", "1,23,4", "12,34.5", "1..2", "5%", "$1.2K", "1,2.5.6", "--5", "N/A"]


@pytest.mark.parametrize(("written", "value"), POINT)
def test_the_point_is_the_decimal_sign(read: Read, written: str, value: float) -> None:
    """Currency, signs, brackets and marks between thousands are no part of the digits."""
    assert read(written, ".") == pytest.approx(value)


@pytest.mark.parametrize(("written", "value"), COMMA)
def test_the_comma_is_the_decimal_sign(read: Read, written: str, value: float) -> None:
    """The same with both signs in each other's place."""
    assert read(written, ",") == pytest.approx(value)


@pytest.mark.parametrize("decimal", [".", ",", ALONE])
@pytest.mark.parametrize("written", NO_NUMBER)
def test_what_is_no_amount_is_not_guessed(read: Read, written: str, decimal: str) -> None:
    """Groups of another size, other words and units are no number in any reading."""
    assert read(written, decimal) is None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234", None),
        ("€ 1.234", None),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("950", 950.0),
    ],
)
def test_alone_only_what_has_one_meaning_is_read(
    read: Read, written: str, value: float | None
) -> None:
    """Three digits behind the only mark may be thousands or a fraction."""
    assert read(written, ALONE) == value


def test_which_amounts_may_be_either(backend: Backend) -> None:
    """A leading zero, another group or a second mark tell them apart."""

    def either(words: Sequence[str]) -> list[bool]:
        return [bool(row(backend, f"SELECT {is_either(text(word))}")[0]) for word in words]

    assert either(["1,234", "12.345", "€ 123,456"]) == [True] * 3
    assert either(["0,234", "1,23", "1,234,567", "1,234.5", "1234,567", "950"]) == [False] * 6


@pytest.mark.parametrize(
    ("written", "sign"), [("$5", "$"), ("EUR 5", "EUR"), ("5 kr", "kr"), ("5", ""), ("5,00 €", "€")]
)
def test_the_currency_beside_an_amount(backend: Backend, written: str, sign: str) -> None:
    """Its sign or code, empty where there is none."""
    assert row(backend, f"SELECT {currency(text(written))}") == (sign,)
