"""The whole way from a source to a suggested mapping."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from features.errors import SourceError
from features.ingest.csv_forms import form_of
from features.ingest.files import Source, is_database
from features.ingest.language.sources import SourceFile, Unpivot
from features.ingest.opening import opened
from features.ingest.shaping.overrides import with_overrides
from features.ingest.shaping.reader import Reader
from features.ingest.shaping.unpivoted import with_unpivoted
from features.ingest.suggest.guess import TableGuess, guess_columns, guess_tables
from features.ingest.suggest.hindsight import filled_afterwards
from features.ingest.suggest.keys import Reference, find_keys, find_references
from features.ingest.suggest.profile import ColumnLook, TableLook, look_at_source
from features.ingest.suggest.rates import find_rates
from features.ingest.suggest.refine import find_period, refine, split_by_entity, style_ids
from features.ingest.suggest.states import find_states
from features.ingest.suggest.wide import find_wide
from features.ingest.suggest.words import likeness, words
from features.ingest.suggest.write import Suggestion
from features.params import IngestParams
from features.protected import protected_name, protected_values
from features.storage.engine import engine

HISTORY = ("entity_id", "changed_at", "field", "value")
"""Columns without which a table is no history of properties."""
OF = {"leads": "lead", "deals": "deal", "reps": "rep", "accounts": "account"}
TEXT_SUFFIXES = (".txt", ".tsv", ".tab", ".dat")
"""Ends of the names of files that may be tables."""
MOST_VALUES = 40
"""Different values up to which a column holds categories."""


def suggested(source: str, params: IngestParams) -> str:
    """Return the text of a mapping file for a folder, a file or the URL of a database.

    Raises:
        InputError: the source cannot be opened.
    """
    with opened(source) as extract:
        return suggest_mapping(extract, params)


def suggest_mapping(source: Source, params: IngestParams) -> str:
    """Return the text of a mapping file for a source.

    Args:
        source: opened; its tables are staged in a temporary folder.
        params: memory and threads.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        backend = engine(params.memory_gb, params.threads, folder / "spill")
        try:
            files = _text_files(source)
            reader = Reader(backend, source, folder, source.name)
            source = with_overrides(reader, {t: SourceFile(file=f) for t, f in files.items()})
            reader = replace(reader, source=source)
            wide = find_wide(reader)
            source = with_unpivoted(reader, wide)
            told = {unpivot.table for unpivot in wide.values()}
            source = replace(source, tables=tuple(t for t in source.tables if t not in told))
            tables, problems = look_at_source(backend, source, folder)
            keys = find_keys(tables)
            references = find_references(backend, tables, keys)
        finally:
            backend.disconnect()
    suggestion = _suggest(source.name, tables, keys, references, wide)
    suggestion.problems = problems
    suggestion.unpivot = {name: made for name, made in wide.items() if name in suggestion.taken}
    suggestion.files = {table: file for table, file in files.items() if table in suggestion.taken}
    return suggestion.to_yaml()


def _text_files(source: Source) -> dict[str, str]:
    """Return the text files of a folder that are tables though their names do not say so."""
    folder = Path(source.name)
    if is_database(source.name) or not folder.is_dir():
        return {}
    files = (file for file in sorted(folder.iterdir()) if file.suffix.lower() in TEXT_SUFFIXES)
    named = {file.stem: file.name for file in files if _is_table(file)}
    return {table: file for table, file in named.items() if table not in source.tables}


def _is_table(file: Path) -> bool:
    try:
        return len(form_of(file).names) > 1
    except SourceError:
        return False


def _suggest(
    name: str,
    tables: Mapping[str, TableLook],
    keys: Mapping[str, ColumnLook],
    references: Sequence[Reference],
    wide: Mapping[str, Unpivot],
) -> Suggestion:
    guessed = guess_tables(tables, keys, references)
    suggestion = Suggestion(name, {})

    def columns_of(ours: str, table: str) -> TableGuess:
        guess = guess_columns(ours, tables[table], guessed, keys, references)
        find_period(guess, wide.get(table))
        refine(guess)
        return guess

    for ours, table in guessed.items():
        guess = columns_of(ours, table)
        if ours == "changes" and "entity_type" in guess.missing:
            _add_history(suggestion, guess, guessed, references)
        elif not set(guess.missing) - {"type"}:
            suggestion.tables[ours] = [guess]
    for table in tables:
        if table not in suggestion.taken:
            _add_further(suggestion, table, columns_of, guessed, references)
    _share_references(suggestion, guessed, references)
    guesses = [guess for parts in suggestion.tables.values() for guess in parts]
    suggestion.rates = find_rates(tables, guesses)
    suggestion.states = list(find_states(tables, guesses, suggestion.taken, references))
    taken = suggestion.taken | {rates["table"] for rates in suggestion.rates.values()}
    suggestion.left_out = [table for table in tables if table not in taken]
    _look_at_attributes(suggestion)
    return suggestion


def _add_further(
    suggestion: Suggestion,
    table: str,
    columns_of: Callable[[str, str], TableGuess],
    guessed: Mapping[str, str],
    references: Sequence[Reference],
) -> None:
    """Take a further table as a history, as more quotas, or as more activities, if it is one."""
    if _add_history(suggestion, columns_of("changes", table), guessed, references):
        return
    quotas = columns_of("quotas", table)
    of_reps = any(r.table == table and r.to == guessed.get("reps") for r in references)
    if of_reps and not quotas.missing:
        if not likeness(table, words().tables["quotas"]):
            quotas.why += "; DOUBT: its columns look like quotas, its name does not"
        suggestion.tables.setdefault("quotas", []).append(quotas)
        return
    _add_activities(suggestion, columns_of("activities", table))


def _share_references(
    suggestion: Suggestion, guessed: Mapping[str, str], references: Sequence[Reference]
) -> None:
    """Have ids that are written differently written alike, in all tables that hold them."""
    guesses = [guess for parts in suggestion.tables.values() for guess in parts]
    style_ids(guesses, references)
    styles = {r.to: r.style for r in references if r.style}
    of_entities = {OF[ours]: styles[t] for ours, t in guessed.items() if ours in OF and t in styles}
    changes = suggestion.tables.get("changes", [])
    if len(changes) == 1:
        suggestion.tables["changes"] = list(split_by_entity(changes[0], of_entities))


def _add_history(
    suggestion: Suggestion,
    guess: TableGuess,
    guessed: Mapping[str, str],
    references: Sequence[Reference],
) -> bool:
    """Take a table as the history of the entity that it refers to, if it is one."""
    for ours, entity in OF.items():
        hits = [
            r
            for r in references
            if r.table == guess.source.name and r.to == guessed.get(ours) and r.to != r.table
        ]
        if not hits or entity in {e for e, _ in suggestion.histories}:
            continue
        best = max(hits, key=lambda r: r.shared)
        column = guess.source.columns[best.column]
        others = {n: c for n, c in guess.columns.items() if c.source.name != best.column}
        known = others.get("entity_id") or next(iter(others.values()), None)
        if known is None or not set(others) >= set(HISTORY) - {"entity_id"}:
            continue
        why = f"{best.shared:.0%} of its values are in {best.to}.{best.key}"
        guess.columns = others | {"entity_id": type(known)("entity_id", column, why)}
        suggestion.histories.append((entity, guess))
        return True
    return False


def _add_activities(suggestion: Suggestion, guess: TableGuess) -> None:
    """Take a further table as activities if it has a moment, and a lead or deal it is about."""
    is_about = {"lead_id", "deal_id"} & guess.columns.keys()
    is_called = likeness(guess.source.name, words().tables["activities"])
    if is_about and is_called and "occurred_at" in guess.columns:
        suggestion.tables.setdefault("activities", []).append(guess)


def _look_at_attributes(suggestion: Suggestion) -> None:
    for ours, guesses in suggestion.tables.items():
        for guess in guesses:
            for column, why in filled_afterwards(guess):
                suggestion.afterwards[f"{ours}.{column}"] = why
            for look in guess.free:
                few = look.distinct if len(look.distinct) <= MOST_VALUES else ()
                kind = protected_name(look.name) or protected_values(look.name, few)
                if kind is not None:
                    suggestion.protected[f"{ours}.{look.name}"] = kind
