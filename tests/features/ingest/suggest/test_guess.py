"""Guesses of tables and columns, how deals end, and which columns know the end beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ingest.mapping import checked_mapping
from features.ingest.suggest.guess import (
    ColumnGuess,
    TableGuess,
    ends_in_words,
    guess_columns,
    guess_tables,
    outcome_words,
)
from features.ingest.suggest.hindsight import filled_afterwards
from features.ingest.suggest.keys import Reference, find_keys
from features.ingest.suggest.profile import ColumnLook, TableLook
from features.ingest.suggest.write import Suggestion

Cells = Sequence[str | None]


def table(name: str, columns: Mapping[str, Cells]) -> TableLook:
    """Return a table as its sample shows it."""
    looks = {
        header: ColumnLook(
            name, header, cells, is_unique=None not in cells and len(set(cells)) == len(cells)
        )
        for header, cells in columns.items()
    }
    count = len(next(iter(columns.values())))
    return TableLook(name, looks, count, Path("unread"), {header: header for header in columns})


IDS = [f"K{n:03}" for n in range(60)]
DAYS = [f"2025-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(60)]
DEALS = table(
    "Verkaufschancen",
    {
        "Nr": IDS,
        "Angelegt": DAYS,
        "Betrag": [str(100 + n) for n in range(60)],
        "Ergebnis": ["gewonnen", "verloren", "offen"] * 20,
    },
)


@pytest.mark.parametrize(
    ("values", "meaning"),
    [
        (["true", "false"], None),
        (["Won", "Lost"], {"Won": True, "Lost": False}),
        (["ja", "nein"], {"ja": True, "nein": False}),
        (["Gagné", "Perdu", "En cours"], {"Gagné": True, "Perdu": False, "En cours": None}),
    ],
)
def test_words_for_how_deals_end_are_translated(
    values: list[str], meaning: dict[str, bool | None] | None
) -> None:
    """Plain flags need no translation; what is open is empty."""
    look = ColumnLook("t", "x", values, is_unique=True)
    assert ends_in_words(look)
    assert outcome_words(look) == meaning


def test_a_column_without_ends_is_no_outcome() -> None:
    """A stage that is never won says nothing."""
    assert not ends_in_words(ColumnLook("t", "status", ["new", "offer"], is_unique=True))


def test_a_table_is_guessed_by_its_name_and_its_columns() -> None:
    """One table of the source for each of ours; what looks like none is none."""
    other = table("Wetter", {"Grad": ["1.5", "2.5"], "Ort": ["Ulm", "Ulm"]})
    tables = {DEALS.name: DEALS, other.name: other}
    keys = find_keys(tables)
    assert guess_tables(tables, keys, []) == {"deals": DEALS.name}


def test_columns_are_guessed_once_and_doubts_are_kept() -> None:
    """No source column serves two of ours; an id found by its name alone is doubted."""
    with_owner = table("deals", {**{c.name: c.cells for c in DEALS.columns.values()},
                                 "Verkäufer": ["a", "b", "c"] * 20})  # fmt: skip
    keys = find_keys({"deals": with_owner})
    guess = guess_columns("deals", with_owner, {"deals": "deals"}, keys, [])
    sources = [column.source.name for column in guess.columns.values()]
    assert len(sources) == len(set(sources))
    assert guess.columns["rep_id"].doubt == "its values are in no other table"
    assert guess.missing == []


def test_of_two_references_the_better_named_is_taken() -> None:
    """The other one is named as a doubt."""
    calls = table(
        "calls", {"who": ["K001", "K002"] * 30, "Owner": ["K003", "K004"] * 30, "At": DAYS}
    )
    references = [Reference("calls", name, "people", "id", 1.0) for name in ("who", "Owner")]
    guess = guess_columns("activities", calls, {"reps": "people"}, {}, references)
    assert guess.columns["rep_id"].source.name == "Owner"
    assert guess.columns["rep_id"].doubt == "so are those of who"


def test_a_moment_without_a_telling_header_is_taken_if_it_is_alone() -> None:
    """And doubted; of two that might be it none is taken."""
    one = table("deals", {"Nr": IDS, "xyz": DAYS})
    guess = guess_columns("deals", one, {}, find_keys({"deals": one}), [])
    assert guess.columns["created_at"].doubt == "its header says nothing"
    two = table("deals", {"Nr": IDS, "xyz": DAYS, "abc": DAYS})
    guess = guess_columns("deals", two, {}, find_keys({"deals": two}), [])
    assert "created_at" in guess.missing


def test_what_knows_the_end_is_told_with_its_evidence() -> None:
    """A reason of loss is filled for the lost alone; a source is not."""
    rows = 600
    won = [n % 3 == 0 for n in range(rows)]
    days = [f"2025-{1 + n // 56:02}-{1 + n % 28:02}" for n in range(rows)]
    leads = table(
        "leads",
        {
            "created": days,
            "converted": ["2025-12-01" if w else None for w in won],
            "lost": [None if w else "2025-12-01" for w in won],
            "why": [None if w else ("price", "time")[n % 2] for n, w in enumerate(won)],
            "source": [("web", "fair")[n % 2] for n in range(rows)],
        },
    )
    ours = {"created_at": "created", "converted_at": "converted", "lost_at": "lost"}
    guess = TableGuess("leads", leads, "")
    guess.columns = {
        name: ColumnGuess(name, leads.columns[source], "") for name, source in ours.items()
    }
    assert dict(filled_afterwards(guess)) == {
        "why": "filled for 0 % of converted, 100 % of lost, 0 % of open ones"
    }
    assert list(filled_afterwards(TableGuess("reps", leads, ""))) == []


@settings(deadline=None)
@given(
    headers=st.lists(st.text(min_size=1, max_size=12), min_size=4, max_size=4, unique=True),
    source=st.text(max_size=20),
)
def test_any_header_makes_a_file_that_is_read_back(headers: list[str], source: str) -> None:
    """Colons, quotes, hashes and line ends in names: the suggestion is YAML and a mapping."""
    looks = table("a: table #1\n", dict(zip(headers, [IDS, IDS, DAYS, IDS], strict=True)))
    guess = TableGuess("deals", looks, "60 rows")
    names = ("deal_id", "rep_id", "created_at")
    guess.columns = {
        ours: ColumnGuess(ours, looks.columns[header], "because: # of\nvalues", "doubt")
        for ours, header in zip(names, headers, strict=False)
    }
    suggestion = Suggestion(" ".join(source.split()), {"deals": [guess]})
    suggestion.afterwards = {f"deals.{headers[3]}": "why: # not"}
    content = yaml.safe_load(suggestion.to_yaml())
    assert content["deals"]["table"] == "a: table #1\n"
    mapping = checked_mapping(content, "suggestion").tables["deals"]
    assert [mapping.columns[name].column for name in names] == headers[:3]
