"""How one column of ours is made from a row of the source."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.ingest.language.words import Name, Scalar, Scalars, Words, Zone, as_tuple

EPOCH_S, EPOCH_MS, EXCEL_DAYS = "epoch_s", "epoch_ms", "excel_days"
"""Formats of times that are numbers: seconds or milliseconds since 1970-01-01 UTC, and days since
1899-12-30, as spreadsheets count them."""
NUMBERED = (EPOCH_S, EPOCH_MS, EXCEL_DAYS)
_DIRECTIVES = frozenset("aAbBdfHIjmMpSyYz%")


def _time_format(pattern: str) -> str:
    """Refuse a pattern that no time could be read with."""
    if pattern in NUMBERED:
        return pattern
    signs = pattern.split("%")[1:] if "%%" not in pattern else []
    if not signs:
        raise ValueError(
            f"is no pattern of strptime such as %d.%m.%Y, nor one of {', '.join(NUMBERED)}"
        )
    unknown = [f"%{sign[:1]}" for sign in signs if sign[:1] not in _DIRECTIVES]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no directive of strptime that is known here")
    if not {"y", "Y"} & {sign[:1] for sign in signs}:
        raise ValueError("has no year (%Y or %y)")
    return pattern


Formats = Annotated[
    tuple[Annotated[str, AfterValidator(_time_format)], ...], BeforeValidator(as_tuple)
]
"""One pattern of times, or several to be tried in their order."""


class IdStyle(StrEnum):
    """How ids that mean the same are made to look the same.

    Attributes:
        AS_IS: they stay as they are.
        SALESFORCE: ids of 15 characters get the three that make them 18.
        GUID: without braces, in small letters.
        LOWER: in small letters, where a system does not tell case.
    """

    AS_IS = "as_is"
    SALESFORCE = "salesforce"
    GUID = "guid"
    LOWER = "lower"


class Condition(Words):
    """What a column must hold; all that is given must be true.

    In YAML a value alone or a list of values means `any_of`; null stands for empty. True and
    false also match how exports write them (TRUE, yes, 1; FALSE, no, 0). Other texts are compared
    exactly, without the white space around them.

    Attributes:
        any_of: it holds one of these.
        none_of: it holds none of these; an empty one passes unless null is among them.
        filled: it holds anything (true) or nothing (false).
        join: the join that the column comes from; None: the table itself.
    """

    any_of: Scalars | None = None
    none_of: Scalars | None = None
    filled: bool | None = None
    join: Name | None = None


def _condition(value: Any) -> Any:
    if isinstance(value, Condition):
        return value
    asked = value if isinstance(value, dict) else {"any_of": value}
    lists = {key: [None] for key in ("any_of", "none_of") if asked.get(key, "") is None}
    return {**asked, **lists}


Where = dict[Name, Annotated[Condition, BeforeValidator(_condition)]]
"""Source columns and what each must hold, all at once."""


class NumberText(Words):
    """How numbers are written as texts.

    Signs of currency, currency codes and white space around a number never matter. A minus sign,
    or brackets around an amount, make it negative. A value that breaks these rules is not guessed
    at: it is noted as unreadable.

    Attributes:
        decimal: the sign before decimals.
        thousands: the sign between groups of three digits; None: the other one of "." and ",".
        units: words after a number and what they multiply it by: {K: 1000, "Mio.": 1000000}.
        percent: the number is a percentage; it is divided by 100 where a percent sign follows.
    """

    decimal: Literal[".", ","] = "."
    thousands: Literal[".", ",", "'", " "] | None = None
    units: dict[Name, float] = Field(default_factory=dict)
    percent: bool = False

    @model_validator(mode="after")
    def _signs_differ(self) -> NumberText:
        if self.thousands == self.decimal:
            raise ValueError("decimal and thousands are the same sign; they must differ")
        return self

    @property
    def grouping(self) -> str:
        """The sign between groups of three digits."""
        return self.thousands or {".": ",", ",": "."}[self.decimal]


class Currency(Words):
    """Which currency an amount is in, and the table of rates that turns it into ours.

    The rate is the latest one that is valid and known at the row's own moment (its event time),
    never a later one. Without such a rate the amount is noted as unreadable.

    Attributes:
        column: the source's column with the code of the currency.
        rates: a name under `rates`.
        when_empty: the currency of amounts without a code; None: they are unreadable.
    """

    column: Name
    rates: Name
    when_empty: Name | None = None


class ColumnRef(Words):
    """A column of the table, or of a table that is joined to it.

    Attributes:
        column: its name there.
        join: the name of the join; None: the table itself.
    """

    column: Name
    join: Name | None = None


def _reference(value: Any) -> Any:
    if isinstance(value, str):
        return {"column": value}
    if not isinstance(value, dict | ColumnRef | ColumnShape | None):
        raise ValueError("should be a valid string, the name of a column, or a section")  # noqa: TRY004 - pydantic words no TypeError
    return value


Reference = Annotated[ColumnRef, BeforeValidator(_reference)]
"""A column; in YAML its name alone, or {column: …, join: …}."""


class ColumnShape(Words):
    """One column of ours: where its value comes from, and how it is read.

    In YAML a name alone means `column`. Exactly one of `column`, `first_of` and `constant` is
    given; the rest is optional and is applied in this order: `where`, `values`, then one of
    `number` (with `currency`), `format` and its kin, or `id`.

    Attributes:
        column: the source's column.
        join: the join that `column` comes from; None: the table itself.
        first_of: several columns; the first that is not empty counts.
        constant: the value for every row.
        where: the value counts only in rows where this holds; elsewhere it is empty.
        values: translations, from the source's value to ours (null: empty).
        otherwise: what a value without a translation becomes: `refuse` ends the ingest with an
            error that names the value, `empty` empties it, `keep` keeps it as it is.
        default: what a value without a translation becomes instead.
        number: how numbers are written.
        currency: turns the amount into one currency.
        format: how times are written: one or more patterns of strptime ("%d.%m.%Y %H:%M"),
            `epoch_s`, `epoch_ms` or `excel_days`; the first that fits the whole text counts. ISO
            is read besides, unless a pattern begins with %Y. Not given: ISO, or day and month with
            a year of four digits.
        day_first: 03/04/2025 is the 3rd of April; None: as the table says.
        timezone: the zone of times without one; None: as the table says.
        time_of_day: the column with the time of day, where `column` holds only the date.
        inclusive: the date is the last day of a period: the day after it is its end.
        id: how ids are made to look the same; None: as `ids` at the top says.
    """

    column: Name | None = None
    join: Name | None = None
    first_of: tuple[Reference, ...] = Field(default=(), strict=False)
    constant: Scalar | None = None
    where: Where = Field(default_factory=dict)
    values: dict[Scalar, Scalar | None] = Field(default_factory=dict)
    otherwise: Literal["refuse", "empty", "keep"] = "refuse"
    default: Scalar | None = None
    number: NumberText | None = None
    currency: Currency | None = None
    format: Formats = ()
    day_first: bool | None = None
    timezone: Zone | None = None
    time_of_day: Name | None = None
    inclusive: bool = False
    id: Annotated[IdStyle | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def _origin_is_clear(self) -> ColumnShape:
        origins = (self.column is not None, bool(self.first_of), self.constant is not None)
        if sum(origins) != 1:
            raise ValueError("needs exactly one of column, first_of and constant")
        if self.join is not None and self.column is None:
            raise ValueError("join belongs to column; in first_of each entry names its own")
        if self.time_of_day is not None and self.column is None:
            raise ValueError("time_of_day belongs to column, which holds the date")
        if self.default is not None and not self.values:
            raise ValueError("default belongs to values")
        return self

    @property
    def references(self) -> tuple[ColumnRef, ...]:
        """The columns that its value is taken from."""
        if self.column is not None:
            return (ColumnRef(column=self.column, join=self.join),)
        return self.first_of

    @property
    def is_plain(self) -> bool:
        """Whether it is a column of the table under another name, and nothing more."""
        return self == ColumnShape(column=self.column) if self.column is not None else False


Shape = Annotated[ColumnShape, BeforeValidator(_reference)]
"""A column of ours; in YAML the source's name alone, or a section."""
