"""What is wanted of one table of a source: which rows, which columns, under which names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.ingest.language.columns import ColumnShape, Where
from features.ingest.language.tables import Join, Period
from features.ingest.parsing import TextFormat
from features.tables import ColumnKind


@dataclass(frozen=True)
class Wanted:
    """One column to be made.

    Attributes:
        name: its name in the result.
        kind: what it holds; None for an attribute.
        shape: how it is made.
        key: where the mapping says so.
        is_kept: it becomes a column of the result; else it only helps to make the others.
    """

    name: str
    kind: ColumnKind | None
    shape: ColumnShape
    key: str
    is_kept: bool = True


@dataclass(frozen=True)
class Moments:
    """Which row of a record counts, where a table holds it at several moments.

    Attributes:
        identity: the wanted columns that say which record a row is about.
        taken_at: the wanted column with the moment of a row's state.
        missing_is_deleted: a record that later moments of the table lack was deleted by then.
    """

    identity: tuple[str, ...]
    taken_at: str
    missing_is_deleted: bool = False


@dataclass(frozen=True)
class RowsWanted:
    """Rows of one table of a source, as rows of another shape.

    Attributes:
        key: where the mapping speaks of them.
        table: the source's table.
        columns: what is made of each row.
        own_moment: the wanted columns that say when a row happened; the first filled one counts.
            Empty: its rows have no moment.
        texts: how times without words of their own are read.
        rereads: times are read here even if they have no words of their own, since whoever reads
            them later knows other ones.
        joins: other tables by name.
        where: only rows where this holds.
        period: the period of a quota.
        moments: which of a record's rows counts; None: each row stands for itself.
        keeps_others: columns that are not named are kept as attributes.
        drop: columns that are not.
        taken: names of a schema, which no attribute may have.
    """

    key: str
    table: str
    columns: tuple[Wanted, ...]
    own_moment: tuple[str, ...] = ()
    texts: TextFormat = field(default_factory=TextFormat)
    rereads: bool = False
    joins: Mapping[str, Join] = field(default_factory=dict)
    where: Where = field(default_factory=dict)
    period: Period | None = None
    moments: Moments | None = None
    keeps_others: bool = False
    drop: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()
