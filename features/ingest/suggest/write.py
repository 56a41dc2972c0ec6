"""A suggested mapping as YAML: guesses, with the evidence and the doubts beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from features.ingest.language.sources import Unpivot
from features.ingest.suggest.guess import PERIOD, ColumnGuess, TableGuess, outcome_words
from features.ingest.suggest.profile import ColumnLook, Kind
from features.ingest.suggest.words import likeness, words
from features.tables import TABLES

MOST_WORDS = 30
"""Different values up to which translations are written out."""


@dataclass
class Suggestion:
    """All that is suggested for a source.

    Attributes:
        source: its name.
        tables: guesses of tables of ours; of activities several, which become a union.
        histories: guesses of tables with the history of one kind of entity, by that kind.
        states: tables with states of one kind of entity: by shape, and what its section says.
        files: files that are tables, though their names do not say so: by table.
        unpivot: tables made of others that have one column for each month, by name.
        rates: tables of rates between currencies, by name.
        left_out: tables of the source that nothing was guessed for.
        afterwards: columns that look filled after the outcome, as TABLE.COLUMN, and the evidence.
        protected: columns that look like protected attributes of people, and what they look like.
        problems: what could not be read.
    """

    source: str
    tables: dict[str, list[TableGuess]]
    histories: list[tuple[str, TableGuess]] = field(default_factory=list)
    states: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    unpivot: dict[str, Unpivot] = field(default_factory=dict)
    rates: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    afterwards: dict[str, str] = field(default_factory=dict)
    protected: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def taken(self) -> set[str]:
        """Tables of the source that something was guessed for."""
        of_tables = {guess.source.name for parts in self.tables.values() for guess in parts}
        of_histories = {guess.source.name for _, guess in self.histories}
        return of_tables | of_histories | {str(section["table"]) for _, section, _ in self.states}

    def to_yaml(self) -> str:
        """Return the text of the file."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        source = _one_line(self.source)
        yield f"# A first mapping for {source}, guessed from headers and a sample of values."
        yield "# Every guess has its evidence beside it. Look at the lines with DOUBT first, then:"
        yield "#   pacesetter ingest SOURCE --mapping THIS_FILE.yaml"
        for problem in self.problems:
            yield f"# could not be read: {_one_line(problem)}"
        yield from self._sources()
        for name in TABLES:
            guesses = self.tables.get(name, [])
            yield ""
            if not guesses:
                has_history = name == "changes" and (self.histories or self.states)
                why = "see histories below" if has_history else "no table looks like it"
                yield f"# {name}: {why}"
            elif len(guesses) == 1:
                yield f"{name}:"
                yield from _part(guesses[0], "  ")
            else:
                yield f"{name}:"
                yield "  union:"
                for guess in guesses:
                    lines = list(_part(guess, "      "))
                    yield f"    - {lines[0].lstrip()}"
                    yield from lines[1:]
        yield from self._histories()
        yield from self._notes()

    def _sources(self) -> Iterator[str]:
        if self.files:
            yield ""
            yield "sources:"
            for name, file in self.files.items():
                yield f"  {_plain(name)}: {_plain({'file': file})}"
        if self.unpivot:
            yield ""
            yield "unpivot:   # a row for each cell of the columns that are named after periods"
            for name, made in self.unpivot.items():
                says = made.model_dump(exclude_none=True)
                yield f"  {_plain(name)}: {_plain(says)}"
        if self.rates:
            yield ""
            yield "rates:   # what one unit is worth; if it is the opposite, say divide: true"
            for name, shape in self.rates.items():
                yield f"  {_plain(name)}: {_plain(shape)}"

    def _histories(self) -> Iterator[str]:
        if not self.histories and not self.states:
            return
        yield ""
        yield "histories:"
        if self.histories:
            yield "  properties:"
        for entity, guess in self.histories:
            yield from _properties(entity, guess)
        for shape in ("versions", "snapshots"):
            found = [(section, why) for kind, section, why in self.states if kind == shape]
            if found:
                yield f"  {shape}:"
            for section, why in found:
                yield f"    - entity: {section['entity']}   # {_one_line(why)}"
                yield from (f"      {k}: {_plain(v)}" for k, v in section.items() if k != "entity")

    def _notes(self) -> Iterator[str]:
        if self.left_out:
            yield ""
            tables = _one_line(", ".join(self.left_out))
            yield f"# tables left out, nothing here looks like them: {tables}"
        if self.afterwards:
            yield ""
            yield "# Columns that look filled after the outcome. For params.yaml, to be read first:"
            yield "# features:"
            yield "#   exclude:"
            for name, why in self.afterwards.items():
                yield f"#     {_plain(name)}: {_plain(why)}"
        if self.protected:
            yield ""
            yield "# Columns that look like protected attributes of people; no model uses them:"
            for name, kind in self.protected.items():
                yield f"#   {_one_line(name)}: {kind}"


def _properties(entity: str, guess: TableGuess) -> Iterator[str]:
    columns = guess.columns
    yield f"    - entity: {entity}"
    yield f"      table: {_plain(guess.source.name)}   # {_one_line(guess.why)}"
    for key, ours in (
        ("id", "entity_id"),
        ("changed_at", "changed_at"),
        ("property", "field"),
        ("new_value", "value"),
        ("old_value", "old_value"),
    ):
        if ours in columns:
            shape = shape_of(columns[ours]) if key in {"id", "changed_at"} else None
            value = columns[ours].source.name if shape is None else shape
            yield f"      {key}: {_plain(value)}   # {_why(columns[ours])}"
    fields = dict(_field_names(columns["field"].source))
    ours_first = {ours: theirs for theirs, ours in fields.items()}
    yield f"      fields: {_plain(ours_first)}"


def _part(guess: TableGuess, indent: str) -> Iterator[str]:
    yield f"{indent}table: {_plain(guess.source.name)}   # {_one_line(guess.why)}"
    for key, section in guess.sections.items():
        yield f"{indent}{key}: {_plain(section)}"
    if any(_is_local(column) for column in guess.columns.values()):
        yield (
            f"{indent}# timezone: Europe/Berlin   # DOUBT: times without a zone are read as UTC; "
            "if they are local, name their zone"
        )
    yield f"{indent}columns:"
    for name, column in TABLES[guess.table].by_name.items():
        if name in guess.columns:
            found = guess.columns[name]
            yield f"{indent}  {name}: {_plain(shape_of(found))}   # {_why(found)}"
        elif name == "type" and guess.table == "activities":
            yield f"{indent}  {name}: {_kind_of(guess.source.name)}"
        elif name in PERIOD and "period" in guess.sections:
            continue
        elif column.required:
            yield f"{indent}  # {name}: DOUBT: required, and no column looks like it"
        else:
            yield f"{indent}  {name}: null   # no column looks like it"
    rest = guess.free
    people = [look.name for look in rest if _is_contact(look)]
    if people:
        yield f"{indent}drop: {_plain(people)}   # e-mail addresses: no forecast needs them"
    said = {*people, *guess.sections.get("attributes", {})}
    kept = [look.name for look in rest if look.name not in said and look.name]
    if kept:
        yield f"{indent}# kept as attributes: {_one_line(', '.join(kept))}"


def _why(column: ColumnGuess) -> str:
    doubt = column.doubt
    if column.source.time_form == "either":
        written = "no day is above 12: day or month first?"
        doubt = f"{doubt}; {written}" if doubt else written
    return _one_line(f"{column.why}; DOUBT: {doubt}" if doubt else column.why)


def _kind_of(table: str) -> str:
    """Return the kind of activities that a table of one kind holds, as YAML with a comment."""
    likes = {kind: likeness(table, called) for kind, called in words().kinds.items()}
    best = max(likes, key=lambda kind: likes[kind])
    if likes[best]:
        return f"{_plain({'constant': best})}   # by the name of the table"
    return f"{_plain({'constant': table})}   # DOUBT: no column tells kinds apart"


def _is_local(column: ColumnGuess) -> bool:
    """Tell whether a column holds times of day as people write them, without a zone."""
    form, look = column.source.time_form, column.source
    is_timed = not look.has_days_only or "time_of_day" in column.more
    return form in {"day_first", "month_first", "either", "named"} and is_timed


def shape_of(column: ColumnGuess) -> Any:
    """Return how a column is read: its name, or a section where that does not say all."""
    look, extra = column.source, dict(column.more)
    if "constant" in extra:
        return extra
    more: dict[str, Any] = {}
    if look.kind is Kind.TIME:
        more = look.time_words
    elif look.kind is Kind.NUMBER and look.decimal == ",":
        more = {"number": {"decimal": ","}}
    elif "currency" in extra:
        more = {"number": {}}
    elif column.column == "won" and (ends := outcome_words(look)) is not None:
        more = {"values": ends}
    elif column.column in _MEANINGS:
        meant = dict(_translated(look, getattr(words(), _MEANINGS[column.column])))
        more = {"values": meant, "otherwise": "keep"} if meant else {}
    if "first_of" in extra:
        return {**extra, **more}
    return {"column": look.name, **more, **extra} if more or extra else look.name


_MEANINGS = {"entity_type": "entities", "field": "fields", "direction": "directions"}
"""Columns whose values have names of ours, and the words for them."""


def _field_names(look: ColumnLook) -> Iterator[tuple[str, str]]:
    yield from _translated(look, words().fields)


def _translated(
    look: ColumnLook, meanings: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str]]:
    """Go through values and what they mean here; what has no name of ours keeps its own."""
    if len(look.distinct) > MOST_WORDS:
        return
    taken: set[str] = set()
    for value in sorted(look.distinct):
        likes = {
            ours: likeness(value, (ours.replace("_", " "), *w)) for ours, w in meanings.items()
        }
        best = max(likes, key=lambda ours: likes[ours])
        ours = best if likes[best] > 0 and best not in taken else value
        taken.add(ours)
        if ours != value:
            yield value, ours


def _is_contact(look: ColumnLook) -> bool:
    return bool(look.values) and sum("@" in value for value in look.values) > len(look.values) / 2


def _plain(value: Any) -> str:
    """Write a value as YAML in one line: as plainly as it is read back, else quoted."""
    plain = _dumped(value, style=None)
    return plain if _is_read_back(plain, value) else _dumped(value, style='"')


def _dumped(value: Any, *, style: str | None) -> str:
    text = yaml.safe_dump(
        value,
        default_flow_style=True,
        default_style=style,
        allow_unicode=style is None,
        width=10**6,
        sort_keys=False,
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _is_read_back(text: str, value: Any) -> bool:
    """Tell whether YAML reads a text as the value, behind a key and before a comment."""
    try:
        return text.isprintable() and bool(yaml.safe_load(f"k: {text}   # c") == {"k": value})
    except yaml.YAMLError:
        return False


def _one_line(text: str) -> str:
    """Return a text as a comment may hold it: YAML refuses signs that cannot be printed."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
