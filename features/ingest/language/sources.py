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
