"""Laws of numbers written for people: read as they were meant, or not read at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from features.ingest.language.columns import NumberText
from features.ingest.shaping.numbers import number_text
from features.storage.engine import row, text

SIGNS = [("€ ", ""), ("", " €"), ("$", ""), ("EUR ", ""), ("", " kr"), ("CHF ", ""), ("", "")]
GROUPS = {".": ",", ",": "."}


def read(backend: Backend, written: str, shape: NumberText) -> str | None:
    """Read one number."""
    query = f"SELECT {number_text('v', shape)} FROM (SELECT {text(written)} AS v)"
    value: str | None = row(backend, query)[0]
    return value


def write(number: Decimal, shape: NumberText, sign: tuple[str, str], minus: str) -> str:
    """Write a number as a habit has it."""
    plain = f"{abs(number):,f}".replace(",", "\0").replace(".", shape.decimal)
    grouped = plain.replace("\0", shape.grouping)
    before, after = sign
    if number >= 0:
        return f"{before}{grouped}{after}"
    return {
        "front": f"-{before}{grouped}{after}",
        "inner": f"{before}-{grouped}{after}",
        "behind": f"{before}{grouped}{after}-",
        "brackets": f"({before}{grouped}{after})",
    }[minus]


HABITS = st.builds(
    NumberText,
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from([None, " ", "'"]),
)


@settings(max_examples=60, deadline=None)
@given(
    number=st.decimals(-(10**12), 10**12, places=2, allow_nan=False, allow_infinity=False),
    shape=HABITS,
    sign=st.sampled_from(SIGNS),
    minus=st.sampled_from(["front", "inner", "behind", "brackets"]),
)
def test_a_number_reads_back_as_it_was_meant(
    session_backend: Backend, number: Decimal, shape: NumberText, sign: tuple[str, str], minus: str
) -> None:
    """Whatever the signs, the number is the same to the last digit."""
    written = write(number, shape, sign, minus)
    assert Decimal(read(session_backend, written, shape) or "NaN") == number


@settings(max_examples=60, deadline=None)
@given(
    number=st.decimals(1000, 10**9, places=2, allow_nan=False, allow_infinity=False),
    shape=HABITS,
)
def test_the_other_habit_is_never_guessed(
    session_backend: Backend, number: Decimal, shape: NumberText
) -> None:
    """A number with groups and decimals in the opposite signs is refused, not read otherwise."""
    other = NumberText(decimal="," if shape.decimal == "." else ".")
    written = write(number, other, ("", ""), "front")
    assert read(session_backend, written, NumberText(decimal=shape.decimal)) is None


@pytest.mark.parametrize(
    ("written", "shape", "number"),
    [
        ("€ 3.500,00", NumberText(decimal=","), "3500.00"),
        ("$342.09K", NumberText(units={"K": 1000}), "342090"),
        ("1,2 Mio.", NumberText(decimal=",", units={"Mio.": 1e6}), "1200000"),
        ("12,5 %", NumberText(decimal=",", percent=True), "0.125"),
        ("3'500.-", NumberText(thousands="'"), "3500"),
        ("1\u202f250,5", NumberText(decimal=",", thousands=" "), "1250.5"),
        ("\u22123", NumberText(), "-3"),
        ("3.125", NumberText(), "3.125"),
    ],
)
def test_signs_units_and_dashes(
    backend: Backend, written: str, shape: NumberText, number: str
) -> None:
    """Words after a number count only as declared; dashes for cents are none."""
    assert Decimal(read(backend, written, shape) or "NaN") == Decimal(number)


@pytest.mark.parametrize(
    ("written", "shape"),
    [
        ("$342.09K", NumberText()),
        ("1,2 MIO", NumberText(decimal=",")),
        ("12 %", NumberText()),
        ("12.5", NumberText(decimal=",")),
        ("1,50,000", NumberText()),
        ("EUR 5 USD", NumberText()),
        ("(5", NumberText()),
        ("--5", NumberText()),
        ("-5-", NumberText()),
        ("€", NumberText()),
        ("5 apples", NumberText()),
        ("1.05E+14", NumberText()),
    ],
)
def test_what_breaks_the_rules_is_not_read(
    backend: Backend, written: str, shape: NumberText
) -> None:
    """Units that nobody declared, broken groups and doubled signs are no numbers."""
    assert read(backend, written, shape) is None
