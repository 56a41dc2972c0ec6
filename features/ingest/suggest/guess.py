"""Which table of a source is which of ours, and which column: by headers, values and references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from features.ingest.suggest.keys import Reference
from features.ingest.suggest.profile import ColumnLook, Kind, TableLook
from features.ingest.suggest.words import likeness, words
from features.protected import folded
from features.tables import TABLES, ColumnKind

REFERRED: Mapping[str, str] = {
    "rep_id": "reps",
    "manager_id": "reps",
    "lead_id": "leads",
    "deal_id": "deals",
    "account_id": "accounts",
}
"""The table of ours that a column refers to."""
KINDS: Mapping[ColumnKind, frozenset[Kind]] = {
    ColumnKind.TIME: frozenset([Kind.TIME]),
    ColumnKind.NUMBER: frozenset([Kind.NUMBER, Kind.FLAG]),
    ColumnKind.BOOLEAN: frozenset([Kind.FLAG, Kind.TEXT]),
    ColumnKind.TEXT: frozenset([Kind.TEXT, Kind.FLAG, Kind.NUMBER]),
    ColumnKind.ID: frozenset([Kind.TEXT, Kind.NUMBER, Kind.FLAG]),
}
PERIOD = ("period_start", "period_end")
SURE = 0.7
"""Likeness of a header from which no doubt is written down."""
LEAST = 0.3
"""Points below which a table is none of ours."""
FILLED = 0.9
"""Share of rows that a column must be filled for before it can be required."""
NAMED = 2.0
"""Weight of a table's own name beside the names of its columns."""


@dataclass
class ColumnGuess:
    """What a column of ours may be in the source.

    Attributes:
        column: ours.
        source: the source's column.
        why: the evidence, in words.
        doubt: what speaks against it, in words; empty where nothing does.
        more: what else its section of a mapping says.
    """

    column: str
    source: ColumnLook
    why: str
    doubt: str = ""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class TableGuess:
    """What a table of ours may be in the source.

    Attributes:
        table: ours.
        source: the source's table.
        why: the evidence, in words.
        columns: its columns, by our names.
        sections: further keys of its part of a mapping: `joins`, `where`, `period`, `attributes`.
    """

    table: str
    source: TableLook
    why: str
    columns: dict[str, ColumnGuess] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Required columns that nothing was found for."""
        made = PERIOD if "period" in self.sections else ()
        required = TABLES[self.table].required
        return [name for name in required if name not in (*self.columns, *made)]

    @property
    def free(self) -> list[ColumnLook]:
        """The source's columns that nothing was guessed for."""
        used = {column.source.name for column in self.columns.values()}
        used |= set(self.sections.get("period", {}).values())
        used |= {
            str(c.more["time_of_day"]) for c in self.columns.values() if "time_of_day" in c.more
        }
        return [look for look in self.source.columns.values() if look.name not in used]


def guess_tables(
    tables: Mapping[str, TableLook], keys: Mapping[str, ColumnLook], references: Sequence[Reference]
) -> dict[str, str]:
    """Return our table -> the source's, the surest first, each source table once."""
    points = {
        (ours, name): _points(ours, table, keys, references)
        for ours in TABLES
        for name, table in tables.items()
    }
    guesses: dict[str, str] = {}
    for (ours, name), score in sorted(points.items(), key=lambda item: -item[1]):
        if score >= LEAST and ours not in guesses and name not in guesses.values():
            guesses[ours] = name
    return guesses


def _points(
    ours: str, table: TableLook, keys: Mapping[str, ColumnLook], references: Sequence[Reference]
) -> float:
    """Add up what speaks for a table: its name, names of its columns, and how it is referred to."""
    named = likeness(table.name, _plurals(words().tables[ours]))
    called = words().columns[ours]
    wanted = [name for name in called if name in TABLES[ours].required] or list(called)
    likes = [_best(table, ours, name, called[name]) for name in called]
    met = sum(likes) / max(len(likes), 1)
    required = [_best(table, ours, name, called[name]) for name in wanted]
    out = {r.to for r in references if r.table == table.name and r.to != table.name}
    into = {r.table for r in references if r.to == table.name and r.table != table.name}
    has_key = table.name in keys
    shape = {
        "leads": has_key and bool(into),
        "deals": has_key and bool(out),
        "reps": has_key and len(into) >= 2 and not out,  # noqa: PLR2004 - several tables
        "accounts": has_key and bool(into) and not out,
        "activities": bool(out) and not into,
        "changes": not has_key and not into,
        "quotas": not has_key and bool(out) and not into,
    }[ours]
    base = NAMED * named + met + 0.5 * shape
    return base if named or (required and min(required) > 0) else 0.0


def _best(table: TableLook, ours: str, name: str, words: tuple[str, ...]) -> float:
    kinds = KINDS[TABLES[ours].by_name[name].kind]
    own = [likeness(c.name, words) for c in table.columns.values() if c.kind in kinds]
    return max(own, default=0.0)


def _plurals(words: tuple[str, ...]) -> tuple[str, ...]:
    """Add the singulars."""
    ends = ("nen", "en", "es", "s", "e", "n")
    singles = [word.removesuffix(end) for word in words for end in ends if word.endswith(end)]
    return (*words, *(single for single in singles if len(single) > 3))  # noqa: PLR2004 - shorter ones hide in others


def guess_columns(
    ours: str,
    table: TableLook,
    guesses: Mapping[str, str],
    keys: Mapping[str, ColumnLook],
    references: Sequence[Reference],
) -> TableGuess:
    """Guess every column of one table of ours.

    Args:
        ours: our table.
        table: the source's.
        guesses: our table -> the source's, for all of them.
        keys: the key of each source table.
        references: columns that refer to another table.
    """
    guess = TableGuess(ours, table, f"{table.count:,} rows")
    own_key = f"{ours[:-1]}_id" if ours != "activities" else "activity_id"
    if own_key in TABLES[ours].by_name and table.name in keys:
        key = keys[table.name]
        guess.columns[own_key] = ColumnGuess(own_key, key, "no two rows have the same value")
    _refer(guess, guesses, references)
    used = {column.source.name for column in guess.columns.values()}
    scored = sorted(_scored(ours, table, used), key=lambda item: -item[0])
    for score, name, column in scored:
        if name in guess.columns or column.name in used:
            continue
        used.add(column.name)
        doubt = "" if score >= SURE else "the header fits only in part"
        why = f"called like it; {column.kind.value}, filled for {column.filled:.0%}"
        guess.columns[name] = ColumnGuess(name, column, why, doubt)
    _by_shape(guess, used)
    for look in guess.free:
        is_ours = look.name in TABLES[ours].by_name and look.name not in guess.columns
        if is_ours and look.kind is Kind.EMPTY:
            guess.columns[look.name] = ColumnGuess(look.name, look, "our own name; empty")
    return guess


def _scored(ours: str, table: TableLook, used: set[str]) -> Iterator[tuple[float, str, ColumnLook]]:
    for name, called in words().columns[ours].items():
        column = TABLES[ours].by_name[name]
        for look in table.columns.values():
            if look.name in used or look.kind not in KINDS[column.kind]:
                continue
            if column.required and look.filled < FILLED:
                continue
            if name == "won" and not ends_in_words(look):
                continue
            score = likeness(look.name, called)
            if score > 0:
                yield score, name, look


def ends_in_words(look: ColumnLook) -> bool:
    """Tell whether a column's values say how deals ended."""
    values, ends = {folded(value) for value in look.distinct}, words().ends
    return look.kind is Kind.FLAG or (bool(values & ends.won) and bool(values & ends.lost))


def outcome_words(look: ColumnLook) -> dict[str, bool | None] | None:
    """Return what each value of a column says of a deal's end; None where all are plain flags."""
    if look.kind is Kind.FLAG and {folded(v) for v in look.distinct} <= _PLAIN_FLAGS:
        return None
    ends = words().ends
    won, lost = ends.won | ends.yes_, ends.lost | ends.no_
    known = {value: folded(value) for value in sorted(look.distinct)}
    return {v: plain in won if plain in won | lost else None for v, plain in known.items()}


_PLAIN_FLAGS = frozenset(["true", "false", "yes", "no", "0", "1", "t", "f", "y", "n"])
"""Flags that are read without a translation."""


def _refer(guess: TableGuess, guesses: Mapping[str, str], references: Sequence[Reference]) -> None:
    """Guess ids of other tables by the values they share, the best named of several."""
    for name, called in words().references.items():
        if name not in TABLES[guess.table].by_name or name in guess.columns:
            continue
        to = guesses.get(REFERRED[name])
        used = {column.source.name for column in guess.columns.values()}
        hits = [
            r
            for r in references
            if r.table == guess.source.name and r.to == to and r.column not in used
        ]
        hits.sort(key=lambda r: (-likeness(r.column, called), -r.shared))
        if guess.table == "reps" and name == "rep_id":
            continue
        if hits:
            best = hits[0]
            why = f"{best.shared:.0%} of its values are in {best.to}.{best.key}"
            others = ", ".join(r.column for r in hits[1:])
            doubt = f"so are those of {others}" if others else ""
            guess.columns[name] = ColumnGuess(
                name, guess.source.columns[best.column], why, doubt, _first_of(guess, name, hits)
            )
        elif through := _through(guess, to, set(guesses.values()), references):
            guess.columns[name] = ColumnGuess(name, *through)
        elif by_name := _called(guess, name, called):
            guess.columns[name] = by_name


def _first_of(guess: TableGuess, name: str, hits: Sequence[Reference]) -> dict[str, Any]:
    """Fill a required id that is often empty from the next column that is like it."""
    best = guess.source.columns[hits[0].column]
    if len(hits) == 1 or best.filled == 1 or name not in TABLES[guess.table].required:
        return {}
    return {"first_of": [best.name, hits[1].column]}


def _through(
    guess: TableGuess, to: str | None, known: set[str], references: Sequence[Reference]
) -> tuple[ColumnLook, str, str, dict[str, Any]] | None:
    """Find an id in a third table, none of ours, that a column of this one refers to."""
    for first in references:
        is_own = first.table == guess.source.name
        if not is_own or first.to in {*known, first.table} or first.style:
            continue
        for second in references:
            if second.table == first.to and second.to == to and second.column != first.key:
                name = folded(first.to).replace(" ", "_")
                join = {"table": first.to, "keys": {first.column: first.key}}
                guess.sections.setdefault("joins", {})[name] = join
                why = f"{first.column} is in {first.to}.{first.key}, whose {second.column} it is"
                more = {"join": name, "column": second.column}
                return guess.source.columns[first.column], why, "", more
    return None


def _called(guess: TableGuess, name: str, called: tuple[str, ...]) -> ColumnGuess | None:
    """Guess an id by its header alone: what it refers to may not have been delivered."""
    used = {column.source.name for column in guess.columns.values()}
    likes = [
        (likeness(c.name, (*called, name.replace("_", " "))), c)
        for c in guess.source.columns.values()
        if c.name not in used and c.kind in KINDS[ColumnKind.ID] and not c.is_unique
    ]
    score, column = max(likes, key=lambda item: item[0], default=(0.0, None))
    if column is None or score < SURE:
        return None
    return ColumnGuess(name, column, "called like it", "its values are in no other table")


def _by_shape(guess: TableGuess, used: set[str]) -> None:
    """Guess a required time by its values alone, where only one column can be it."""
    for name in guess.missing:
        if TABLES[guess.table].by_name[name].kind is not ColumnKind.TIME:
            continue
        times = [
            c
            for c in guess.source.columns.values()
            if c.kind is Kind.TIME and c.filled >= FILLED and c.name not in used
        ]
        if len(times) == 1:
            guess.columns[name] = ColumnGuess(
                name, times[0], "the only time that is always filled", "its header says nothing"
            )
            used.add(times[0].name)
