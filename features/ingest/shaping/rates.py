"""Rates between currencies: the one that was valid and known at a moment, never a later one."""

from __future__ import annotations

from features.ingest.files import RawTable
from features.ingest.language.columns import ColumnShape, NumberText
from features.ingest.language.sources import RateTable
from features.ingest.parsing import TextFormat
from features.ingest.shaping.numbers import number_text
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.times import TimeWords, moment_of
from features.ingest.shaping.values import cleaned_text
from features.storage.engine import ident, parquet, rows, run

_IS_PLAIN = "regexp_full_match(rate, '[0-9]+([.][0-9]+)?')"


def lay_out_rates(reader: Reader, name: str, table: RateTable, texts: TextFormat) -> str:
    """Make a table of the rates that counted since each moment.

    A rate counts once it is both valid and known; of those that do, the one that is valid since
    the latest moment. So a rate that is published late replaces no newer one:

        valid_from  known_at    rate     counts since
        January 1   January 1   1.10     January 1
        February 1  March 5     1.12     never: March's was there before it
        March 1     March 1     1.15     March 1

    Args:
        reader: reads the table.
        name: the name of the rates in the mapping.
        table: how they are found.
        texts: how times without words of their own are read.

    Returns:
        The name of a table (code, since, factor).

    Raises:
        MappingError: a rate cannot be read, or two of the same currency begin together.
    """
    key = f"rates.{name}"
    raw = reader.table(table.table, f"{key}.table")

    texts_read, is_typed = _texts(reader, table, raw, key)

    def read_moment(shape: ColumnShape, name: str) -> str:
        return moment_of(name, "VARCHAR", TimeWords.of(shape, texts, typed_cells=is_typed))

    number = number_text("rate", table.rate.number or NumberText())
    if is_typed:
        number = f"coalesce({number}, CASE WHEN {_IS_PLAIN} THEN rate END)"
    laid_out, read = ident(f"rates {name}"), ident(f"rates {name} as read")
    valid = read_moment(table.valid_from, "valid_text")
    known = valid if table.known_at is None else read_moment(table.known_at, "known_text")
    read_rates = (
        f"SELECT source_row, upper(code) AS code, {valid} AS valid_from, {known} AS known, "
        f"TRY_CAST({number} AS DOUBLE) AS rate FROM ({texts_read})"
    )
    # The engine's greatest passes over what is empty.
    since = "CASE WHEN valid_from IS NOT NULL AND known IS NOT NULL "
    since += "THEN greatest(valid_from, known) END"
    factor = f"CASE WHEN rate > 0 THEN {'1 / ' if table.divide else ''}rate END"
    run(
        reader.backend,
        f"CREATE OR REPLACE TEMP TABLE {read} AS SELECT source_row, code, valid_from, "
        f"{since} AS since, {factor} AS factor FROM ({read_rates})",
    )
    _refuse_unreadable(reader, key, raw.where, read)
    run(
        reader.backend,
        f"CREATE OR REPLACE TEMP TABLE {laid_out} AS SELECT DISTINCT code, since, "
        "arg_max(factor, (valid_from, since)) OVER (PARTITION BY code ORDER BY since) AS factor "
        f"FROM {read}",
    )
    return laid_out


def _texts(reader: Reader, table: RateTable, raw: RawTable, key: str) -> tuple[str, bool]:
    """Return SQL of the columns of a table of rates as cleaned texts.

    Returns:
        The SQL, and whether its rates were typed as numbers, in a workbook or a typed file.
    """
    names = {"code": table.currency, "rate": table.rate.column}
    names |= {"valid_text": table.valid_from.column}
    if table.known_at is not None:
        names["known_text"] = table.known_at.column
    found = {name: reader.column(raw, str(column), key) for name, column in names.items()}
    selected = [
        f"{cleaned_text(ident(column.staged), column.type)} AS {name}"
        for name, column in found.items()
    ]
    query = (
        f"SELECT file_row_number AS source_row, {', '.join(selected)} "
        f"FROM {parquet(reader.file(raw))}"
    )
    return query, raw.has_typed_cells or found["rate"].type != "VARCHAR"


def _refuse_unreadable(reader: Reader, key: str, where: str, table: str) -> None:
    lacking = rows(
        reader.backend,
        f"SELECT source_row, code IS NULL, since IS NULL FROM {table} "
        "WHERE code IS NULL OR since IS NULL OR factor IS NULL ORDER BY 1 LIMIT 1",
    )
    for source_row, no_code, no_moment in lacking:
        part = "currency" if no_code else "moment" if no_moment else "rate above 0"
        raise reader.problem(key, f"{where}, row {source_row}: no {part} that can be read")
    twice = rows(
        reader.backend,
        f"SELECT code, valid_from, min(source_row), max(source_row) FROM {table} "
        "GROUP BY code, valid_from, since HAVING count(DISTINCT factor) > 1 ORDER BY 3 LIMIT 1",
    )
    for code, moment, first, last in twice:
        says = f"{where}, rows {first} and {last}: two rates of {code} since {moment}; keep one"
        raise reader.problem(key, says)
