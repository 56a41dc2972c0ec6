"""Amounts in several currencies as amounts in one, by the rate of each row's own moment."""

from __future__ import annotations

from collections.abc import Mapping

from features.ingest.language.sources import RateTable
from features.ingest.shaping.joins import OWN_MOMENT
from features.ingest.shaping.making import Made
from features.ingest.shaping.plans import RowsPlan
from features.ingest.shaping.rates import lay_out_rates
from features.storage.engine import text


def in_one_currency(
    plan: RowsPlan, rates: Mapping[str, RateTable], source: str
) -> tuple[str, dict[int, str]]:
    """Return a query of rows beside their rates, and SQL of the amounts, by the column's place.

    An amount without a code, or without a rate that was known at its row's moment, is not
    guessed: it keeps its text with a word why.

    Args:
        plan: how the rows are shaped.
        rates: the tables of rates, by name.
        source: the rows, each with its own moment.

    Raises:
        MappingError: there are no such rates, they cannot be read, or the rows have no moment.
    """
    amounts: dict[int, str] = {}
    for made in plan.made:
        if made.code is None or made.shape.currency is None:
            continue
        table = rates.get(made.shape.currency.rates)
        if table is None:
            names = ", ".join(rates) or "none"
            says = f"there are no rates '{made.shape.currency.rates}'; rates here: {names}"
            raise plan.columns.reader.problem(f"{made.wanted.key}.currency", says)
        if not plan.wanted.own_moment:
            says = "a rate needs the row's own moment, and this table has none"
            raise plan.columns.reader.problem(f"{made.wanted.key}.currency", says)
        laid_out = lay_out_rates(
            plan.columns.reader, made.shape.currency.rates, table, plan.wanted.texts
        )
        code = _code(made)
        source = (
            f"(SELECT s.*, r.factor AS factor_{made.place} FROM {source} s ASOF LEFT JOIN "
            f"{laid_out} r ON {code} = r.code AND s.{OWN_MOMENT} >= r.since)"
        )
        amounts[made.place] = _amount(made, table.into)
    return source, amounts


def _code(made: Made) -> str:
    """Return SQL of the code of an amount's currency."""
    code = f"upper({made.code.text})" if made.code is not None else "NULL"
    empty = made.shape.currency.when_empty if made.shape.currency is not None else None
    return code if empty is None else f"coalesce({code}, {text(empty.upper())})"


def _amount(made: Made, into: str) -> str:
    number, code = made.number(made.meant), _code(made)
    exchanged = f"CAST(CAST({number} AS DOUBLE) * factor_{made.place} AS VARCHAR)"
    when = f"strftime({OWN_MOMENT}, '%Y-%m-%d')"
    why = (
        f"CASE WHEN ({number}) IS NULL THEN 'not a number' WHEN {code} IS NULL THEN 'no currency' "
        f"WHEN {OWN_MOMENT} IS NULL THEN 'no moment to take a rate of' "
        f"ELSE 'no rate of ' || {code} || ' known on ' || {when} END"
    )
    return (
        f"CASE WHEN {made.meant} IS NOT NULL THEN coalesce(CASE WHEN {code} = {text(into.upper())} "
        f"THEN {number} ELSE {exchanged} END, "
        f"CAST({made.meant} AS VARCHAR) || ' (' || {why} || ')') END"
    )
