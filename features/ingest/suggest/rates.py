"""Amounts in several currencies, and the table of rates that makes one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from features.ingest.suggest.guess import TableGuess
from features.ingest.suggest.profile import ColumnLook, Kind, TableLook
from features.ingest.suggest.words import likeness, words

_AMOUNTS = ("amount", "value")
_MOST_COLUMNS = 8


def find_rates(
    tables: Mapping[str, TableLook], guesses: Sequence[TableGuess]
) -> dict[str, dict[str, Any]]:
    """Have amounts with a currency beside them read through a table of rates.

    Args:
        tables: of the source; those that are taken as tables of ours already are no rates.
        guesses: of tables of ours; their amounts are completed.

    Returns:
        The section `rates`: one table of rates, by its name; empty without one, or where several
        currencies have no rate.
    """
    priced = [(guess, name, code) for guess in guesses for name in _AMOUNTS
              if name in guess.columns and (code := _currency(guess)) is not None]  # fmt: skip
    codes = {code for _, _, look in priced for code in look.distinct}
    taken = {guess.source.name for guess in guesses}
    for name, table in tables.items():
        shape = None if name in taken or len(codes) < 2 else _rates(table)  # noqa: PLR2004 - one needs no rate
        ours = codes - table.columns[shape["currency"]].distinct if shape else codes
        if shape is None or len(ours) != 1:
            continue
        for guess, column, look in priced:
            guess.columns[column].more["currency"] = {"column": look.name, "rates": "rates"}
        return {"rates": {"table": name, **shape, "into": ours.pop()}}
    for guess, column, look in priced:
        if len(look.distinct) > 1:
            guess.columns[
                column
            ].doubt = f"in several currencies ({look.name}), and no table of rates was found"
    return {}


def _currency(guess: TableGuess) -> ColumnLook | None:
    likes = [
        look for look in guess.free if look.is_currency and likeness(look.name, words().currency)
    ]
    return likes[0] if likes else None


def _rates(table: TableLook) -> dict[str, Any] | None:
    """Return the columns of a table of rates: a currency, a moment and a number of each."""
    if len(table.columns) > _MOST_COLUMNS:
        return None
    looks = list(table.columns.values())
    currencies = [look for look in looks if look.is_currency]
    times = [look for look in looks if look.kind is Kind.TIME]
    numbers = [look for look in looks if look.kind is Kind.NUMBER]
    if len(currencies) != 1 or not times or len(numbers) != 1:
        return None
    (rate,) = numbers
    more = {"number": {"decimal": ","}} if rate.decimal == "," else {}
    since = {"column": times[0].name, **times[0].time_words}
    return {
        "currency": currencies[0].name,
        "valid_from": since if times[0].time_words else times[0].name,
        "rate": {"column": rate.name, **more} if more else rate.name,
    }
