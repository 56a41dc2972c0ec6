"""How the tables of a source are found and read, and the rates between currencies."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from features.ingest.language.columns import Shape
from features.ingest.language.words import Name, Words


class SourceFile(Words):
    """How one file of a folder is read, where what is found by itself is wrong.

    Attributes:
        file: its name in the folder; None: the file that is named like the table.
        sheet: the sheet of a workbook; None: its first.
        header_row: the line of the header, counted from 1; what stands above it is not read. None:
            the first line that looks like one.
        delimiter: the sign between the fields of a CSV file.
        encoding: of a CSV file, such as cp1252 or utf-16.
    """

    file: Name | None = None
    sheet: Name | None = None
    header_row: Annotated[int, Field(ge=1)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Name | None = None


class Unpivot(Words):
    """A table of the source that has one column for each period, told as one row for each cell.

    The new table has the other columns as they are, one with the name of the column that a value
    stood in, and one with the value. Names of months and quarters that hold a year are written as
    2025-01 and 2025-Q1, so that `period` of the quotas reads them. Empty cells are no rows.

    Attributes:
        table: the source's table.
        columns: the columns whose cells become rows; None: all that are named after months, or
            after quarters where none is named after a month.
        names: what the column with their names is called.
        values: what the column with the values is called.
    """

    table: Name
    columns: Annotated[tuple[Name, ...], Field(min_length=1, strict=False)] | None = None
    names: Name = "month"
    values: Name = "amount"


class RateTable(Words):
    """Rates between currencies, by the date since when they are valid.

    Attributes:
        table: the source's table.
        currency: its column with the code of a currency.
        valid_from: its column with the moment since when the rate is valid.
        rate: its column with the rate: what one unit is worth in ours.
        known_at: its column with the moment since when the rate was known; None: `valid_from`.
        into: the code of our currency; its amounts need no rate.
        divide: the rate says the opposite: how many units one of ours is worth.
    """

    table: Name
    currency: Name
    valid_from: Shape
    rate: Shape
    known_at: Shape | None = None
    into: Name
    divide: bool = False
