"""How one table of ours is made from tables of the source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from features.ingest.language.columns import Shape, Where
from features.ingest.language.words import Name, Scalar, Words, Zone


class Join(Words):
    """Another table of the source whose columns a row may take, found by key.

    A row of ours meets at most one row of the joined table. Where a key occurs there more than
    once, the ingest is refused, unless `known_at` or `first_by` says which row counts.

    By the law of time a row may hold only what was known at its own moment. Ids may be taken from
    any joined row: which records belong together is identity. For all other columns the join
    says either that its values never change (`fixed`) or since when each was known (`known_at`).

    Attributes:
        table: the source's table.
        keys: column of this table -> column of the joined one; all must be equal.
        through: an earlier join that holds the columns of this side; None: the table itself.
        known_at: the joined column with the moment since when its row was known: the last row
            known by this row's own moment (its event time) counts, and none that is later.
        fixed: its values never change: further columns of the same record, or names for codes.
        first_by: of several rows with the same key, the one with the lowest value here counts:
            as a number where all are numbers, else as a text.
        where: only joined rows where this holds, asked of the joined table's own columns. Those
            show the end of the story too: it needs `fixed` or `known_at`.
    """

    table: Name
    keys: dict[Name, Name] = Field(min_length=1)
    through: Name | None = None
    known_at: Shape | None = None
    fixed: bool = False
    first_by: Name | None = None
    where: Where = Field(default_factory=dict)


class Period(Words):
    """The period of a quota, where no two columns hold its start and its end.

    Give `month` and `year`, or `quarter` and `year`, or `start` with `months` or `days`. A quarter
    that is named after its first month is `month` and `year` with `months: 3`.

    Attributes:
        month: the column with the month: a number or a name (English, German, French, Spanish,
            Italian, Portuguese or Dutch, whole or its usual three letters).
        quarter: the column with the quarter: 1 to 4, with or without a Q.
        year: the column with the year, or the year itself.
        start: the column with the first day.
        months: how many months it lasts; beside `month` one, unless it says otherwise.
        days: how many days it lasts.
    """

    month: Name | None = None
    quarter: Name | None = None
    year: Scalar | None = None
    start: Shape | None = None
    months: Annotated[int, Field(gt=0)] | None = None
    days: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Period:
        starts = [self.month is not None, self.quarter is not None, self.start is not None]
        has_length = (self.months is None) != (self.days is None)
        by_start = self.start is not None and has_length and self.year is None
        has_months = self.months is not None and self.month is None
        by_year = self.start is None and self.year is not None and not (has_months or self.days)
        if sum(starts) != 1 or not (by_start or by_year):
            raise ValueError("needs month and year, quarter and year, or start with months or days")
        return self


class Part(Words):
    """Rows of one table of the source as rows of a table of ours.

    Attributes:
        table: its name in the source; None means our name.
        columns: our column -> the source's column, or how it is made (null: it is empty). A
            column of ours that is not named here is the source's column of the same name.
        attributes: further columns under names of your own, made the same way.
        joins: other tables by name, whose columns may be taken with `join: NAME`.
        where: only rows where this holds; the others are counted as left out.
        latest_by: of the rows with the same key (ours), the one with the latest moment here
            counts; the others are earlier states of it, for `histories` to read.
        missing_is_deleted: beside `latest_by`: the table holds whole snapshots, and a record that
            a later one lacks was deleted by then; that moment becomes its `deleted_at`.
        period: the period of a quota.
        day_first: 03/04/2025 is the 3rd of April; None leaves it to params.yaml.
        timezone: the zone of times that are written without one.
        drop: source columns that are not loaded, not even into quarantine.
    """

    table: Name | None = None
    columns: dict[Name, Shape | None] = Field(default_factory=dict)
    attributes: dict[Name, Shape] = Field(default_factory=dict)
    joins: dict[Name, Join] = Field(default_factory=dict)
    where: Where = Field(default_factory=dict)
    latest_by: Shape | None = None
    missing_is_deleted: bool = False
    period: Period | None = None
    day_first: bool | None = None
    timezone: Zone | None = None
    drop: tuple[Name, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _snapshots_have_moments(self) -> Part:
        if self.missing_is_deleted and self.latest_by is None:
            raise ValueError("missing_is_deleted needs latest_by, the moment of each snapshot")
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it only gives names: the source's rows come in as they are."""
        shapes = self.columns.values()
        further = (self.attributes, self.joins, self.where, self.latest_by, self.period)
        return not any(further) and all(shape and shape.is_plain for shape in shapes)

    @property
    def source_names(self) -> dict[str, str]:
        """Our column -> the source's column, for those that are only given a name."""
        return {
            name: shape.column
            for name, shape in self.columns.items()
            if shape is not None and shape.is_plain and shape.column is not None
        }


class TableMapping(Part):
    """How one of our tables is found in a source, and how it is read.

    Attributes:
        union: several tables of the source, each with its own columns and constants, whose rows
            together are the rows of ours. Beside it only `day_first` and `timezone` may stand:
            they count for every part that has none of its own.
    """

    union: tuple[Part, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _parts_stand_alone(self) -> TableMapping:
        beside = self.model_fields_set - {"union", "day_first", "timezone"}
        if self.union and beside:
            raise ValueError(f"beside union there is {', '.join(sorted(beside))}: put it in a part")
        return self

    @property
    def is_plain(self) -> bool:
        """Whether it only gives names: one table of the source comes in as it is."""
        return not self.union and super().is_plain

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its parts: those of the union, or itself."""
        return self.union or (self,)
