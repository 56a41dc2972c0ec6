"""Laws of suggestions: every word that is listed is met, and neither order nor spelling matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest.mapping import checked_mapping
from features.ingest.suggest.guess import (
    FILLED,
    KINDS,
    REFERRED,
    ColumnGuess,
    TableGuess,
    ends_in_words,
    guess_columns,
    guess_tables,
    outcome_words,
)
from features.ingest.suggest.hindsight import filled_afterwards
from features.ingest.suggest.keys import find_keys
from features.ingest.suggest.profile import ColumnLook, Kind, TableLook
from features.ingest.suggest.words import likeness, words
from features.ingest.suggest.write import Suggestion
from features.protected import folded
from features.tables import TABLES, ColumnKind

ROWS = 40
Cells = Sequence[str | None]
IDS = tuple(f"K{n:03}" for n in range(ROWS))
OF_KIND: Mapping[ColumnKind, tuple[str, ...]] = {
    ColumnKind.TIME: tuple(f"2025-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(ROWS)),
    ColumnKind.NUMBER: tuple(str(100 + n % 9) for n in range(ROWS)),
    ColumnKind.BOOLEAN: ("true", "false") * (ROWS // 2),
    ColumnKind.TEXT: ("one", "two") * (ROWS // 2),
    ColumnKind.ID: ("A1", "A2") * (ROWS // 2),
}
"""Values such as columns of each kind hold."""


def table(name: str, columns: Mapping[str, Cells]) -> TableLook:
    """Return a table as its sample shows it."""
    looks = {
        header: ColumnLook(
            name, header, cells, is_unique=None not in cells and len(set(cells)) == len(cells)
        )
        for header, cells in columns.items()
    }
    count = max((len(cells) for cells in columns.values()), default=0)
    return TableLook(name, looks, count, Path("unread"), {header: header for header in columns})


def ours(name: str, called: str | None = None, rng: Random | None = None) -> TableLook:
    """Return a table of ours under the first words listed for its columns, and a key."""
    columns: dict[str, Cells] = {"Nr": IDS}
    for column, names in words().columns[name].items():
        columns[names[0]] = OF_KIND[TABLES[name].by_name[column].kind]
    if name not in {"leads", "deals", "reps", "accounts"}:
        del columns["Nr"]
    if rng is not None:
        headers = rng.sample(sorted(columns), len(columns))
        columns = {header: columns[header] for header in headers}
    return table(called or words().tables[name][0], columns)


def guessed(look: TableLook, name: str) -> dict[str, str]:
    """Return our columns of a table and what they are in the source."""
    keys = find_keys({look.name: look})
    columns = guess_columns(name, look, {name: look.name}, keys, []).columns
    return {column: guess.source.name for column, guess in columns.items()}


def test_words_are_of_tables_and_columns_that_there_are() -> None:
    """No list for a column that we do not have, and none that is empty or doubled."""
    assert set(words().tables) == set(words().columns) == set(TABLES)
    for name, columns in words().columns.items():
        assert set(columns) <= set(TABLES[name].by_name), name
    assert set(words().references) == set(REFERRED)
    assert set(REFERRED.values()) <= set(TABLES)
    lists = [*words().tables.values(), *words().references.values(), *words().entities.values()]
    for called in lists:
        assert len(called) == len(set(called)) > 0, called
        assert [folded(word) for word in called] == list(called)


def test_no_word_says_two_things_of_an_end() -> None:
    """Won, lost and open have no word in common, nor have yes and no."""
    ends = words().ends
    assert not ends.won & ends.lost
    assert not (ends.won | ends.lost) & ends.open
    assert not ends.yes_ & ends.no_
    for word in (*ends.won, *ends.lost, *ends.open, *ends.yes_, *ends.no_):
        assert folded(word) == word


@pytest.mark.parametrize("won", sorted(words().ends.won))
def test_every_word_for_won_is_translated(won: str) -> None:
    """However it is written; beside it a lost one, and what is neither stays empty."""
    lost = min(words().ends.lost)
    look = ColumnLook("t", "x", [won.upper(), lost.title(), "somewhere between"], is_unique=True)
    assert ends_in_words(look)
    meaning = {won.upper(): True, lost.title(): False, "somewhere between": None}
    assert outcome_words(look) == meaning


@pytest.mark.parametrize("name", TABLES)
def test_every_name_of_a_table_is_met(name: str) -> None:
    """A table with our columns is guessed as ours under each of its listed names."""
    missed = []
    for called in words().tables[name]:
        look = ours(name, called)
        found = guess_tables({called: look}, find_keys({called: look}), [])
        if found.get(name) != called and not _also(called, name):
            missed.append((called, found))
    assert missed == []


def _also(called: str, name: str) -> bool:
    """Tell whether another table of ours is called so too: then its columns decide."""
    return any(likeness(called, words().tables[other]) for other in TABLES if other != name)


@pytest.mark.parametrize("name", TABLES)
def test_every_word_of_a_column_is_met(name: str) -> None:
    """A column under each of its listed words, alone beside a key, is guessed as that column."""
    missed = []
    for column, names in words().columns[name].items():
        cells = OF_KIND[TABLES[name].by_name[column].kind]
        for word in names:
            rivals = [
                other for other, called in words().columns[name].items()
                if other != column and word in called
                and TABLES[name].by_name[other].kind is TABLES[name].by_name[column].kind
            ]  # fmt: skip
            look = table("x", {"Nr": IDS, word: cells})
            if guessed(look, name).get(column) != word and not rivals:
                missed.append((column, word))
    assert missed == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", TABLES)
def test_the_order_of_columns_changes_no_guess(name: str, seed: int) -> None:
    """A table is guessed the same whatever stands first in it."""
    rng = Random(seed)  # noqa: S311 - no secret
    assert guessed(ours(name, rng=rng), name) == guessed(ours(name), name)


@pytest.mark.parametrize("name", TABLES)
def test_the_spelling_of_headers_changes_no_guess(name: str) -> None:
    """Capitals, lines under words, and the way programs write names."""
    plain = guessed(ours(name), name)
    look = ours(name)
    for respelt in (str.upper, str.title, lambda h: h.replace(" ", "_"), _camel):
        headers = {header: respelt(header) for header in look.columns}
        other = table(look.name, {headers[h]: c.cells for h, c in look.columns.items()})
        assert guessed(other, name) == {column: headers[h] for column, h in plain.items()}


def _camel(header: str) -> str:
    first, *rest = header.split()
    return first + "".join(word.title() for word in rest)


@pytest.mark.parametrize("name", TABLES)
def test_a_column_of_the_wrong_kind_is_not_taken_for_its_header(name: str) -> None:
    """A text under the name of a moment or an amount is none."""
    for column, names in words().columns[name].items():
        kind = TABLES[name].by_name[column].kind
        if kind in (ColumnKind.TIME, ColumnKind.NUMBER):
            look = table("x", {"Nr": IDS, names[0]: OF_KIND[ColumnKind.TEXT]})
            assert column not in guessed(look, name)
    assert set(KINDS) == set(ColumnKind)


def test_a_column_that_is_often_empty_is_no_required_one() -> None:
    """A moment of creation that every fifth row lacks is left for a person to decide."""
    days = OF_KIND[ColumnKind.TIME]
    few = [day if n % 5 else None for n, day in enumerate(days)]
    assert sum(day is not None for day in few) / ROWS < FILLED
    assert "created_at" in guessed(table("deals", {"Nr": IDS, "created at": days}), "deals")
    assert "created_at" not in guessed(table("deals", {"Nr": IDS, "created at": few}), "deals")


def test_what_is_not_required_may_be_empty() -> None:
    """A date of closing is filled for the closed alone."""
    days = OF_KIND[ColumnKind.TIME]
    closed = [day if n % 3 == 0 else None for n, day in enumerate(days)]
    look = table("deals", {"Nr": IDS, "created at": days, "closed at": closed})
    assert guessed(look, "deals")["closed_at"] == "closed at"


def test_of_nothing_nothing_is_guessed() -> None:
    """No tables, no columns, no rows, and columns without a value."""
    assert guess_tables({}, {}, []) == {}
    for columns in ({}, {"Nr": ()}, {"Nr": (None,) * 5, "x": (None,) * 5}):
        look = table("stuff", columns)
        assert guess_tables({"stuff": look}, find_keys({"stuff": look}), []) == {}
        assert guessed(look, "deals") == {}
    empty = ColumnLook("t", "created at", (), is_unique=False)
    assert (empty.kind, empty.filled, empty.time_form) == (Kind.EMPTY, 0.0, None)


def test_no_source_table_is_two_of_ours() -> None:
    """Of a source with all of our tables, each is found, under its own name and once."""
    tables = {look.name: look for look in map(ours, TABLES)}
    found = guess_tables(tables, find_keys(tables), [])
    assert len(set(found.values())) == len(found)
    for name, source in found.items():
        assert source == words().tables[name][0]
    assert {"leads", "deals", "reps", "accounts"} <= set(found)


@settings(deadline=None, max_examples=80)
@given(header=st.text(max_size=30), wanted=st.lists(st.sampled_from(["created at", "wert", "nr"])))
def test_likeness_is_a_share_and_more_words_fit_no_worse(header: str, wanted: list[str]) -> None:
    """Between 0 and 1 for any header; 0 without words; a further word can only help."""
    names = tuple(dict.fromkeys(wanted))
    like = likeness(header, names)
    assert 0 <= like <= 1
    assert likeness(header, ()) == 0
    assert likeness(header, (*names, "amount")) >= like
    assert likeness(f" {header} ", names) == like


@settings(deadline=None, max_examples=60)
@given(
    cents=st.lists(st.integers(1, 10**9), min_size=2, max_size=30),
    is_german=st.booleans(),
    grouped=st.booleans(),
)
def test_amounts_with_cents_tell_their_sign(
    cents: list[int], *, is_german: bool, grouped: bool
) -> None:
    """However large, grouped or not: the sign before two digits is the decimal one."""
    texts = [f"{value / 100:,.2f}" if grouped else f"{value / 100:.2f}" for value in cents]
    if is_german:
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    look = ColumnLook("t", "Betrag", texts, is_unique=False)
    assert look.kind is Kind.NUMBER
    assert look.decimal == ("," if is_german else ".")


@pytest.mark.parametrize(("wrong", "kind"), [(2, Kind.TIME), (6, Kind.TEXT)])
def test_a_slip_in_a_hundred_hides_no_kind(wrong: int, kind: Kind) -> None:
    """Two texts among a hundred moments are slips; six are another kind of column."""
    cells = ["2025-03-31"] * (100 - wrong) + ["soon"] * wrong
    assert ColumnLook("t", "x", cells, is_unique=False).kind is kind


@pytest.mark.parametrize("seed", range(4))
def test_what_was_known_beforehand_is_not_accused(seed: int) -> None:
    """A source and a size drawn without a look at the end are never told as hindsight."""
    chance = np.random.default_rng(seed)
    rows = 500
    won = chance.random(rows) < 0.3
    open_now = chance.random(rows) < 0.2
    ends = np.where(open_now, "offen", np.where(won, "gewonnen", "verloren")).tolist()
    deals = table(
        "deals",
        {
            "created": [f"2025-{1 + n // 50:02}-{1 + n % 28:02}" for n in range(rows)],
            "Ergebnis": ends,
            "source": [("web", "fair", None)[k] for k in chance.integers(0, 3, rows)],
            "size": [str(k) for k in chance.integers(1, 9, rows)],
            "why": [
                ("price", "time")[n % 2] if end == "verloren" else None
                for n, end in enumerate(ends)
            ],
        },
    )
    guess = TableGuess("deals", deals, "")
    for column, source in (("created_at", "created"), ("won", "Ergebnis")):
        guess.columns[column] = ColumnGuess(column, deals.columns[source], "")
    assert set(dict(filled_afterwards(guess))) == {"why"}
    del guess.columns["created_at"]
    assert list(filled_afterwards(guess)) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_suggestion_of_any_table_is_read_back(name: str) -> None:
    """As a mapping that names just the columns that were guessed; what is missing is a doubt."""
    look = ours(name)
    guess = guess_columns(name, look, {name: look.name}, find_keys({look.name: look}), [])
    text = Suggestion("crm", {name: [guess]}).to_yaml()
    mapping = checked_mapping(yaml.safe_load(text), "suggestion").tables[name]
    named = {column: shape for column, shape in mapping.columns.items() if shape is not None}
    if name == "activities" and "type" not in guess.columns:
        named.pop("type")
    assert {column: shape.column for column, shape in named.items()} == {
        column: found.source.name for column, found in guess.columns.items()
    }
    for column in guess.missing:
        assert f"# {column}: DOUBT: required" in text
    assert text.count("no table looks like it") == len(TABLES) - 1
    assert Suggestion("crm", {name: [guess]}).to_yaml() == text


def test_several_tables_of_activities_are_a_union() -> None:
    """Each part with its own table; a table without a kind of its own is named as the kind."""
    parts = []
    for called in ("calls", "visits"):
        look = table(called, {"lead": IDS, "date": OF_KIND[ColumnKind.TIME]})
        guess = TableGuess("activities", look, "40 rows")
        for column, source in (("lead_id", "lead"), ("occurred_at", "date")):
            guess.columns[column] = ColumnGuess(column, look.columns[source], "why")
        parts.append(guess)
    content = yaml.safe_load(Suggestion("crm", {"activities": parts}).to_yaml())
    mapping = checked_mapping(content, "suggestion").tables["activities"]
    kinds = [part.columns["type"] for part in mapping.union]
    assert [kind.constant for kind in kinds if kind is not None] == ["call", "visit"]
    assert [part.table for part in mapping.union] == ["calls", "visits"]
