"""The `features` section of params.yaml: time, windows, columns, and what counts as enough."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from features.days_off import listed_country
from features.tables import TABLES, ColumnKind

Reasons = dict[str, Annotated[str, Field(min_length=1)]]
"""Columns, as TABLE.COLUMN, each with the reason that people are told."""
ATTRIBUTE_TABLES = ("leads", "deals", "reps", "accounts")
"""The tables whose attributes describe leads, deals and reps."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

OWN = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
"""MODULE:FUNCTION."""


class Section(BaseModel):
    """A frozen part of params.yaml that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class IngestParams(Section):
    """How the texts of an extract are read."""

    day_first: bool | None = Field(
        default=None,
        description="03/04/2025 is the 3rd of April (true) or March 4th (false); null: the values "
        "of each column decide",
    )
    decimal: Literal["", ".", ","] = Field(
        default="",
        description="decimal sign of amounts with thousands marks or currency signs; empty: the "
        "values of each column decide",
    )
    small_share: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="share of a column's values up to which being unreadable is no warning",
    )
    threads: int = Field(default=2, ge=1, description="processor threads for reading")
    memory_gb: float = Field(default=4.0, gt=0, description="memory the engine may use")
    complete_share: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="entities whose history of a field must reach back to their creation, "
        "of those that have one, before it counts as complete",
    )


class MinimumParams(Section):
    """What an extract, and a segment of it, must hold before a model is fitted on it."""

    leads: int = Field(default=200, ge=1, description="leads in all")
    converted: int = Field(default=40, ge=1, description="mature conversions")
    unconverted: int = Field(default=40, ge=1, description="mature leads without one")
    won: int = Field(default=100, ge=1, description="won deals")
    periods: int = Field(default=100, ge=1, description="ended quota periods of a rep, in all")
    segment: int = Field(
        default=40, ge=1, description="training leads a segment needs to count as enough"
    )


class FeatureParams(Section):
    """What may be known, and how far back a feature looks.

    Attributes:
        timezone: the business's own zone, used for the calendar only; storage is UTC.
        working_days: days on which the business works.
        working_hours: first hour and the hour it ends, in the business's zone.
        holidays: country whose public holidays are days off ("DE", "DE-HE"); empty: none are.
        days_off: further days on which the business does not work.
        windows_days: how far features look back, in days.
        known_at_creation: attribute columns that are filled when the row is created
            ("leads.industry"); only then may they be features without any `changes`.
        exclude: attribute columns that no model may use, each with the reason
            ({leads.final_price: "filled at closing"}).
        allow_protected: columns that look like protected attributes of people (gender, age, origin,
            health, family …) and are used all the same, each with the reason.
        empty_values: what an empty value of an attribute column counts as
            ({leads.employees: "0"}); without one it stays unknown.
        own: functions that declare features of your own for leads ("company_features:replies"):
            each takes a vocabulary and these settings, and returns features.
        max_types: activity types beyond the most frequent so many are pooled as "other".
        max_categories: the same for the values of a category.
        min_count: activities a type (leads a category) needs to stand for itself.
        owner_window_days: how far back an owner's own outcomes count.
        owner_prior: leads at the company's rate that an owner's own rate starts from.
        ingest: how an extract is read.
        minimum: what counts as enough.
    """

    timezone: str = "UTC"
    working_days: tuple[Weekday, ...] = Field(default=WEEKDAYS[:5], strict=False, min_length=1)
    working_hours: Annotated[tuple[int, int], Field(strict=False)] = (9, 17)
    holidays: str = ""
    days_off: tuple[Annotated[date, Field(strict=False)], ...] = Field(default=(), strict=False)
    windows_days: tuple[int, ...] = Field(default=(1, 3, 7, 14, 30, 90), strict=False, min_length=1)
    known_at_creation: tuple[str, ...] = Field(default=(), strict=False)
    exclude: Reasons = Field(default_factory=dict)
    allow_protected: Reasons = Field(default_factory=dict)
    empty_values: dict[str, str] = Field(default_factory=dict)
    own: tuple[Annotated[str, Field(pattern=OWN)], ...] = Field(default=(), strict=False)
    max_types: int = Field(default=24, ge=1, le=200)
    max_categories: int = Field(default=30, ge=2, le=200)
    min_count: int = Field(default=50, ge=1)
    owner_window_days: int = Field(default=180, ge=1)
    owner_prior: float = Field(default=20.0, gt=0)
    ingest: IngestParams = IngestParams()
    minimum: MinimumParams = MinimumParams()

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"no such time zone: {name!r}; write it like Europe/Amsterdam")
        ZoneInfo(name)
        return name

    @field_validator("working_hours")
    @classmethod
    def _hours_in_a_day(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= hours[0] < hours[1] <= 24:  # noqa: PLR2004 - hours of a day
            raise ValueError(f"first and end hour must lie in 0..24 and rise: {list(hours)}")
        return hours

    @field_validator("holidays")
    @classmethod
    def _country_is_listed(cls, code: str) -> str:
        return listed_country(code)

    @field_validator("windows_days")
    @classmethod
    def _windows_rise(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        if any(w <= 0 for w in windows) or list(windows) != sorted(set(windows)):
            raise ValueError(f"windows must be positive, rising and different: {list(windows)}")
        return windows

    @field_validator("known_at_creation")
    @classmethod
    def _columns_named_with_table(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _require_column(name, ATTRIBUTE_TABLES)
            if name == "reps.name":
                raise ValueError("'reps.name' names people; no model may learn from it")
        return names

    @field_validator("exclude", "allow_protected", "empty_values")
    @classmethod
    def _keys_are_columns(cls, columns: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        """Refuse columns that are no attributes: what a label rests on cannot be left out."""
        own = info.field_name != "exclude"
        for name in columns:
            table, column = _require_column(name, (*ATTRIBUTE_TABLES, "activities"))
            known = TABLES[table].by_name.get(column)
            if known is not None and (own or known.kind is not ColumnKind.TEXT):
                raise ValueError(
                    f"{name!r} is a column of the schema; name further columns, or leave single "
                    "features out with training.leads.leave_out"
                )
        return columns


def _require_column(name: str, tables: Sequence[str]) -> tuple[str, str]:
    """Split TABLE.COLUMN.

    Raises:
        ValueError: it is not of this form, or no table that has attributes.
    """
    table, dot, column = name.partition(".")
    if not dot or not column or table not in tables:
        raise ValueError(f"{name!r} should be TABLE.COLUMN, TABLE one of {tuple(tables)}")
    return table, column


Every = Literal["day", "week", "month", "quarter", "quota"]
"""How long the periods of key figures are; `quota`: the quota periods."""
Words = Annotated[tuple[str, ...], Field(strict=False)]


class KpiParams(Section):
    """How key figures recognise what they count, and when they keep silent."""

    call_words: Words = Field(
        default=("call", "phone", "dial", "telephone"),
        description="an activity type with a word that begins so is a call",
    )
    email_words: Words = Field(default=("email", "mail"), description="the same for e-mails")
    meeting_words: Words = Field(
        default=("meeting", "demo", "visit", "appointment", "onsite"),
        description="the same for meetings",
    )
    event_words: Words = Field(
        default=("event", "webinar", "fair", "conference", "tradeshow", "workshop"),
        description="the same for events",
    )
    proposal_words: Words = Field(
        default=("proposal", "quote", "quotation", "offer"),
        description="a stage (or activity type) with such a word is a proposal",
    )
    lost_words: Words = Field(
        default=("lost", "disqualif", "dead", "cancel", "declin", "reject", "abandon", "denied"),
        description="a stage with such a word is a loss",
    )
    referral_words: Words = Field(
        default=("referral", "referred", "recommend", "introduc"),
        description="a lead's source with such a word is a recommendation",
    )
    renewal_words: Words = Field(
        default=("renew",), description="a kind of deal with such a word is a renewal"
    )
    answer_hours: float = Field(
        default=24.0, gt=0, description="hours within which a new lead is answered in time"
    )
    early_days: int = Field(
        default=7, ge=1, description="days in which a new lead's early activities are counted"
    )
    like: Words = Field(
        default=("leads.source", "reps.role", "reps.segment"),
        description="what makes reps and leads comparable; columns that are not there are skipped",
    )
    minimum_cases: int = Field(
        default=10, ge=1, description="cases below which pages withhold a rate, mean or median"
    )
    minimum_reps: int = Field(
        default=4, ge=2, description="comparable reps below which pages compare with nobody"
    )
    settled_days: int = Field(
        default=90,
        ge=0,
        description="days after which what became of a period's leads counts as settled",
    )
    material: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="share of a result below which what holds it back is not named",
    )
    periods: int = Field(default=25, ge=2, description="newest periods measured unless asked")
    draws: int = Field(default=2000, ge=100, description="draws behind the chance of a blockage")
    level: float = Field(
        default=0.9, gt=0.5, lt=1, description="sureness from which a blockage is named"
    )
    seed: int = 5
