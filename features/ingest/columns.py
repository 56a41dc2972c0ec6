"""How the rows of one table are read: a typed SQL expression for every warehouse column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from features.ingest import parsing
from features.ingest.csv_rows import FAULT
from features.ingest.files import RawColumn
from features.ingest.match import Matched
from features.ingest.never import is_placeholder
from features.ingest.parsing import TextFormat
from features.ingest.plain_rows import are_plain
from features.ingest.reading import Readings
from features.storage.engine import ident
from features.tables import Column, ColumnKind

SOURCE_ROW = "file_row_number"


@dataclass(frozen=True)
class Field:
    """One column of a warehouse table, and the steps from the source's column to it.

    The steps are columns of nested queries, so that none repeats what another has computed: the
    `source`'s, then `trimmed`, then `cleaned` (NULL where nothing is written), then `parsed`, then
    `value`, which also lies in a plausible range. In rows that are plain (`plain_rows`) the first
    three are the same.

    Attributes:
        place: its place among the fields.
        name: its name in the warehouse.
        column: its meaning in the schema; None for an attribute.
        raw: the source's column; None where the source has none.
        origin: SQL of `source`, over the table of the plan.
        trimming: SQL of `trimmed`, from `source`.
        cleaning: SQL of `cleaned`, from `trimmed`.
        parsing: SQL of `parsed`, from `cleaned`.
        kind: the kind whose range `value` keeps to; None where `parsed` stays as it is.
        always_parses: nothing that can be written there fails to parse.
        note: how its values were changed, if they were.
        plain: the pattern of its plain texts; empty where a row may be plain whatever it holds.
        parsing_plain: SQL of `parsed` from `cleaned`, in a plain row.
        has_placeholders: some of its moments stand for nothing, as if nothing were written.
    """

    place: int
    name: str
    column: Column | None
    raw: RawColumn | None
    origin: str
    trimming: str
    cleaning: str
    parsing: str
    kind: ColumnKind | None
    always_parses: bool = True
    note: str = ""
    plain: str = ""
    parsing_plain: str = ""
    has_placeholders: bool = False

    @property
    def is_text(self) -> bool:
        """Return whether it is a text of the source, for a column of the schema."""
        return self.column is not None and self.raw is not None and self.raw.type == "VARCHAR"

    @property
    def is_same(self) -> bool:
        """Return whether its value in a plain row is the text itself."""
        return self.parsing_plain == self.cleaned

    @property
    def source(self) -> str:
        """The source's column, as a column of a query."""
        return f"source_{self.place}"

    @property
    def trimmed(self) -> str:
        """The source's column without white space around it, as a column of a query."""
        return f"trimmed_{self.place}"

    @property
    def cleaned(self) -> str:
        """What is written there, NULL where that is nothing, as a column of a query."""
        return f"cleaned_{self.place}"

    @property
    def parsed(self) -> str:
        """What that means, in any range, as a column of a query."""
        return f"parsed_{self.place}"

    @property
    def value(self) -> str:
        """What the warehouse gets, as a column of `Plan.rows`."""
        return f"value_{self.place}"

    @property
    def written(self) -> str:
        """What is written there, as a column of `Plan.rows`.

        NULL where that is nothing, and in plain rows where `value` says it.
        """
        return f"written_{self.place}"

    @property
    def unreadable(self) -> str:
        """Condition: something is written that cannot be read."""
        return f"({self.written} IS NOT NULL AND {self.value} IS NULL)"

    @property
    def empty(self) -> str:
        """Condition: nothing is written."""
        return f"({self.written} IS NULL AND {self.value} IS NULL)"


class Amendment(NamedTuple):
    """What a column holds instead, in rows where a condition is met.

    Attributes:
        condition: SQL over the columns of `Plan.rows`.
        value: SQL of the other value.
        note: what the report says of such rows; empty for a rewriting nobody need know of.
    """

    condition: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """How one table is read.

    Its rows are kept in a table of the engine: as the source has them, and of texts also what they
    mean, so that none is parsed twice.

    Attributes:
        matched: our table and the source's columns for it.
        fields: the schema's columns in their order, then the attributes.
        table: where its rows are kept.
        amendments: by field, values that are replaced in the light of their row; of several
            whose condition is met the first counts.
        beside: attributes that the conditions of amendments ask about.
        deleted_at: SQL of when the CRM deleted a row; empty where no row was deleted.
        readings: what was decided about its columns; None: what is declared holds for all.
        is_plain: all rows are, so that little is kept beside the texts (`keeping`).
    """

    matched: Matched
    fields: tuple[Field, ...]
    table: str
    amendments: Mapping[str, tuple[Amendment, ...]] = field(default_factory=dict)
    beside: tuple[Field, ...] = ()
    deleted_at: str = ""
    is_plain: bool = False
    readings: Readings | None = None

    def texts_of(self, name: str) -> TextFormat:
        """Return how the texts of a column or an attribute are read."""
        return self.matched.texts if self.readings is None else self.readings.of(name)

    @property
    def staged(self) -> str:
        """A FROM clause of the rows as the source has them, with their place (`SOURCE_ROW`)."""
        columns = (f"{kept} AS {ident(name)}" for name, kept in kept_columns(self.matched).items())
        return f"(SELECT {', '.join(columns)}, rowid AS {SOURCE_ROW} FROM {self.table})"

    def keeping(self, scan: str, *, has_faults: bool) -> str:
        """Return SQL of the rows as the source has them, and of what plain ones mean.

        Args:
            scan: a FROM clause of the rows as the source has them, in their order.
            has_faults: some of them may be lines that are no rows (`FAULT`).
        """
        names = kept_columns(self.matched)
        kept = [f"{ident(name)} AS {as_}" for name, as_ in names.items() if name != FAULT]
        kept.append(f"{FAULT if has_faults else 'CAST(NULL AS VARCHAR)'} AS {names[FAULT]}")
        is_plain = are_plain(self._patterns())
        rows = f"(SELECT *, {is_plain} AS is_plain FROM (SELECT {', '.join(kept)} FROM {scan}))"
        common = [*names.values(), "is_plain"]
        others = [f for f in self._texts() if f.plain and not f.is_same]
        means = (f.value for f in others)
        return f"SELECT {', '.join([*common, *means])} FROM {_plain_steps(rows, common, others)}"

    def meaning(self, kept: Plan) -> str:
        """Return SQL of rows that are kept already, and of what each of them means.

        Args:
            kept: the plan whose table keeps them (`keeping`), which may read them otherwise.
        """
        names, texts = kept_columns(self.matched), self._texts()
        common = [*names.values(), "is_plain"]
        is_same = self._patterns() == kept._patterns()
        is_plain = "is_plain" if is_same else f"{are_plain(self._patterns())} AS is_plain"
        rows = f"(SELECT {', '.join(names.values())}, {is_plain} FROM {kept.table})"
        means = (column for f in texts for column in (f.value, f.written))
        return f"SELECT {', '.join([*common, *means])} FROM {_steps(rows, common, texts)}"

    def _texts(self) -> list[Field]:
        return [field for field in self.fields if field.is_text]

    def _patterns(self) -> list[tuple[str, str]]:
        return [(field.origin, field.plain) for field in self._texts() if field.plain]

    def amended(self, name: str) -> str:
        """Return SQL of what the warehouse gets in a schema column, over `Plan.rows` of them all.

        The steps of a field look at one value alone; an amendment looks at its row.
        """
        value, branches = self[name].value, self.amendments.get(name, ())
        if not branches:
            return value
        cases = " ".join(f"WHEN {a.condition} THEN {a.value}" for a in branches)
        return f"CASE {cases} ELSE {value} END"

    def rows(self, *fields: Field) -> str:
        """Return a FROM clause: `source_row`, `is_plain`, each field's `written` and `value`.

        Only the fields asked for are in it: the engine's planner is slow to find out for itself
        which of hundreds of columns a query can do without.
        """
        meaning = _plain_meaning if self.is_plain else _kept_meaning
        absent = [f for f in fields if f.raw is None]
        others = [f for f in fields if f.raw is not None and not f.is_text]
        means = [column for f in fields if f.is_text for column in meaning(f)]
        means += [f"{f.origin} AS {name}" for f in absent for name in (f.value, f.written)]
        columns = ["rowid AS source_row", "is_plain", *means, *(f.origin for f in others)]
        rows = f"(SELECT {', '.join(columns)} FROM {self.table})"
        if not others:
            return rows
        read = [name for f in fields if f not in others for name in (f.value, f.written)]
        return _steps(rows, ["source_row", "is_plain", *read], others)

    def __getitem__(self, name: str) -> Field:
        """Return the field of a schema column."""
        return next(f for f in self.fields if f.column is not None and f.name == name)

    def schema_fields(self) -> Iterator[Field]:
        """Go through the schema's columns that the source has."""
        return (f for f in self.fields if f.column is not None and f.raw is not None)


def kept_columns(matched: Matched) -> dict[str, str]:
    """Return what a plan's table calls the columns of the source, by their staged name."""
    names = [column.staged for column in (*matched.raw.columns, *matched.raw.origin)]
    return {name: f"raw_{i}" for i, name in enumerate(dict.fromkeys([*names, FAULT]))}


def _steps(rows: str, common: Sequence[str], fields: Sequence[Field]) -> str:
    """Return a FROM clause with the steps of some fields taken, one query for each.

    Args:
        rows: a FROM clause with the fields' origins.
        common: its columns that pass through.
        fields: the fields.
    """
    steps = (
        (f"{f.origin} AS {f.source}" for f in fields),
        (f"{_unless_plain(f, f.trimming, f.source)} AS {f.trimmed}" for f in fields),
        (f"{_unless_plain(f, f.cleaning, _filled(f.trimmed))} AS {f.cleaned}" for f in fields),
        (
            f"{f.cleaned}, {_unless_plain(f, f.parsing, f.parsing_plain)} AS {f.parsed}"
            for f in fields
        ),
        (f"{_in_range(f)} AS {f.value}, {_written(f)} AS {f.written}" for f in fields),
    )
    for step in steps:
        rows = f"(SELECT {', '.join([*common, *step])} FROM {rows})"
    return rows


def _unless_plain(field: Field, value: str, plain: str) -> str:
    """Return SQL of a step that is spared where a row is plain.

    What is the same on every step is not taken along at all: `Plan.rows` has it from the source.
    """
    if not field.plain:
        return value
    return f"CASE WHEN is_plain THEN {'NULL' if field.is_same else plain} ELSE {value} END"


def _filled(plain: str) -> str:
    return f"nullif({plain}, '')"


def _in_range(field: Field) -> str:
    value = field.parsed if field.kind is None else parsing.in_range(field.kind, field.parsed)
    if not field.has_placeholders:
        return value
    return f"CASE WHEN NOT {is_placeholder(field.parsed)} THEN {value} END"


def _written(field: Field) -> str:
    is_said = f"(NOT is_plain OR {_in_range(field)} IS NULL)"
    if field.has_placeholders:
        is_said += f" AND NOT {is_placeholder(field.parsed)}"
    return f"CASE WHEN {is_said} THEN {field.cleaned} END"


def _plain_steps(rows: str, common: Sequence[str], fields: Sequence[Field]) -> str:
    """Return a FROM clause with what some fields mean in plain rows, NULL in the others."""
    steps = (
        (f"{_filled(f.origin)} AS {f.cleaned}" for f in fields),
        (f"CASE WHEN is_plain THEN {f.parsing_plain} END AS {f.parsed}" for f in fields),
        (f"{_in_range(f)} AS {f.value}" for f in fields),
    )
    for step in steps:
        rows = f"(SELECT {', '.join([*common, *step])} FROM {rows})"
    return rows


def _kept_meaning(field: Field) -> tuple[str, str]:
    """Return SQL of a text's `value` and `written` over the table of a plan."""
    if field.is_same:
        value = f"CASE WHEN is_plain THEN {_filled(field.origin)} ELSE {field.value} END"
        return f"{value} AS {field.value}", field.written
    return _never_required(field), field.written


def _plain_meaning(field: Field) -> tuple[str, str]:
    """Return the same where all rows are plain."""
    if field.is_same:
        nothing = f"CAST(NULL AS VARCHAR) AS {field.written}"
        return f"{_filled(field.origin)} AS {field.value}", nothing
    written = f"CASE WHEN {field.value} IS NULL THEN {_filled(field.origin)} END"
    return _never_required(field), f"{written} AS {field.written}"


def _never_required(field: Field) -> str:
    # Files would have another schema where the engine knows that no value is missing.
    return f"CASE WHEN is_plain IS NOT NULL THEN {field.value} END AS {field.value}"
