"""What a guessed column needs beside its name: where it counts, its clock, how ids are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from features.ingest.language.sources import Unpivot
from features.ingest.suggest.guess import PERIOD, ColumnGuess, TableGuess, outcome_words
from features.ingest.suggest.keys import Reference
from features.ingest.suggest.moments import moments
from features.ingest.suggest.profile import ColumnLook, Kind
from features.ingest.suggest.wide import has_years
from features.ingest.suggest.words import likeness, words
from features.protected import folded
from features.tables import TABLES, ColumnKind

_HALF = 0.5


def refine(guess: TableGuess) -> None:
    """Complete the guesses of a table's columns by what its other columns hold."""
    for step in (_times_of_day, _last_days, _lead_ends, _deal_ends):
        step(guess)
    guess.sections |= dict(_numbers(guess))


def style_ids(guesses: Sequence[TableGuess], references: Sequence[Reference]) -> None:
    """Have ids that only differ in how they are written written alike, keys included."""
    styles = {r.to: r.style for r in references if r.style}
    for guess in guesses:
        for name, column in guess.columns.items():
            if TABLES[guess.table].by_name[name].kind is not ColumnKind.ID:
                continue
            place = (guess.source.name, column.source.name)
            to = {r.to for r in references if (r.table, r.column) == place}
            if name == f"{guess.table[:-1]}_id":
                to = {guess.source.name}
            for table in to & set(styles):
                column.more["id"] = styles[table]
                column.doubt = column.doubt or "ids that match differ in how they are written"


def split_by_entity(guess: TableGuess, styles: Mapping[str, str]) -> Sequence[TableGuess]:
    """Read changes of each kind of entity for themselves, where their ids need another style.

    Args:
        guess: of changes that name their entity.
        styles: the style of ids by kind of entity.
    """
    kinds = guess.columns["entity_type"].source
    named = {v: ours for v in kinds.distinct for ours, w in words().entities.items()
             if likeness(v, (ours, *w))}  # fmt: skip
    if not styles or set(named) != set(kinds.distinct):
        return [guess]
    parts = []
    for value, ours in sorted(named.items()):
        part = TableGuess(guess.table, guess.source, guess.why, dict(guess.columns))
        part.sections = {**guess.sections, "where": {kinds.name: value}}
        constant = ColumnGuess("entity_type", kinds, f"of {kinds.name}", "", {"constant": ours})
        part.columns["entity_type"] = constant
        if ours in styles:
            own = guess.columns["entity_id"]
            more = {"id": styles[ours]}
            part.columns["entity_id"] = ColumnGuess("entity_id", own.source, own.why, "", more)
        parts.append(part)
    return parts


def find_period(guess: TableGuess, wide: Unpivot | None = None) -> None:
    """Make the period of quotas of a quarter or a month and a year.

    Args:
        guess: of the table.
        wide: how it was made of a table with one column for each period; None: it was not.
    """
    if guess.table != "quotas" or all(name in guess.columns for name in PERIOD):
        return
    if wide is not None and has_years(guess.source.columns[wide.names]):
        guess.sections["period"] = {wide.names: wide.names, "year": wide.names}
        return
    for part, called in (("quarter", words().quarter), ("month", words().month)):
        found = [_best(guess, names) for names in (called, words().year)]
        if None not in found:
            made = [look.name for look in found if look is not None]
            guess.sections["period"] = dict(zip((part, "year"), made, strict=True))
            for name in PERIOD:
                guess.columns.pop(name, None)
            return


def _best(guess: TableGuess, called: tuple[str, ...]) -> ColumnLook | None:
    likes = [(likeness(look.name, called), look) for look in guess.free]
    score, look = max(likes, key=lambda item: item[0], default=(0.0, None))
    return look if score > _HALF else None


def _times_of_day(guess: TableGuess) -> None:
    """Find the time of day beside a date: the next column that holds nothing else."""
    places = list(guess.source.columns)
    for column in guess.columns.values():
        if not column.source.has_days_only:
            continue
        after = places[places.index(column.source.name) + 1 :][:1]
        for look in guess.free:
            if look.name in after and look.is_clock:
                column.more["time_of_day"] = look.name
                column.why += f"; {look.name} holds times of day"


def _last_days(guess: TableGuess) -> None:
    """Tell whether periods end with the last day of a month."""
    end = guess.columns.get("period_end")
    if end is None or end.source.kind is not Kind.TIME:
        return
    days = moments(end.source).dropna()
    if len(days) and ((days.dt.floor("D") + timedelta(days=1)).dt.day == 1).all():
        end.more["inclusive"] = True
        end.why += "; each is the last day of a month"


def _lead_ends(guess: TableGuess) -> None:
    """Tell by a status whether one column holds the moment of a conversion or of a loss."""
    called = words().lead_ends
    if guess.table != "leads":
        return
    times = [
        look for look in guess.free if look.kind is Kind.TIME and likeness(look.name, called.at)
    ]
    states = [look for look in guess.free if likeness(look.name, called.status)]
    for end, state in ((end, state) for end in times[:1] for state in states[:1]):
        for name, meant in (("converted_at", called.converted), ("lost_at", called.lost)):
            values = sorted(v for v in state.distinct if folded(v) in meant)
            if values and name not in guess.columns:
                more = {"where": {state.name: values}}
                why = f"the end where {state.name} says so"
                guess.columns[name] = ColumnGuess(name, end, why, "", more)


def _deal_ends(guess: TableGuess) -> None:
    """Let a closing date count as an end only for deals that are closed."""
    closed, won = guess.columns.get("closed_at"), guess.columns.get("won")
    meant = outcome_words(won.source) if won is not None else None
    if guess.table != "deals" or closed is None or won is None or meant is None:
        return
    pairs = zip(won.source.cells, closed.source.cells, strict=True)
    is_open = [end is not None for word, end in pairs if word is None or meant.get(word) is None]
    if not is_open or sum(is_open) < _HALF * len(is_open):
        return
    closed.more["where"] = {
        won.source.name: [word for word, end in meant.items() if end is not None]
    }
    closed.why += f"; open deals have one too, so it counts where {won.source.name} says closed"
    if "expected_close_at" not in guess.columns:
        why = f"{closed.source.name} of open deals is when they are expected to close"
        guess.columns["expected_close_at"] = ColumnGuess("expected_close_at", closed.source, why)


def _numbers(guess: TableGuess) -> Iterator[tuple[str, object]]:
    """Go through the further numbers that would stay texts: with a comma, or of a workbook."""
    shapes: dict[str, object] = {}
    for look in guess.free:
        is_comma = look.decimal == ","
        if look.kind is Kind.NUMBER and (is_comma or guess.source.has_typed_cells):
            number = {"decimal": ","} if is_comma else {}
            shapes[look.name] = {"column": look.name, "number": number}
    if shapes:
        yield "attributes", shapes
