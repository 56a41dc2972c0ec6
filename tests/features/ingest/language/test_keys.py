"""Every section of the language, whatever it holds: unknown keys are refused with the right ones.

The sections are walked from the top, so that a key or section that is added is tested too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from features.errors import MappingError
from features.ingest.language.columns import (
    NUMBERED,
    ColumnRef,
    ColumnShape,
    Condition,
    Currency,
    IdStyle,
    NumberText,
)
from features.ingest.language.histories import (
    Histories,
    PropertyHistory,
    SnapshotHistory,
    VersionHistory,
)
from features.ingest.language.sources import RateTable, SourceFile
from features.ingest.language.tables import Join, Part, Period, TableMapping
from features.ingest.language.words import Words
from features.ingest.mapping import checked_mapping, load_mapping
from features.tables import TABLES

EXAMPLE = yaml.safe_load((Path(__file__).parent / "example.yaml").read_text(encoding="utf-8"))
PLACES: dict[type[Words], tuple[Any, ...]] = {
    TableMapping: ("leads",),
    Part: ("activities", "union", 0),
    ColumnShape: ("leads", "columns", "source"),
    NumberText: ("leads", "columns", "value", "number"),
    Currency: ("deals", "columns", "amount", "currency"),
    Condition: ("leads", "columns", "lost_at", "where", "Status"),
    Join: ("activities", "union", 0, "joins", "contact"),
    Period: ("quotas", "union", 0, "period"),
    SourceFile: ("sources", "Deals"),
    RateTable: ("rates", "to_euro"),
    Histories: ("histories",),
    PropertyHistory: ("histories", "properties", 0),
    VersionHistory: ("histories", "versions", 0),
    SnapshotHistory: ("histories", "snapshots", 0),
}
"""Where each section stands in the example."""


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Go through the sections inside an annotation, and those inside them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(annotation):
        yield from models(inner)


def changed(place: tuple[Any, ...], **keys: Any) -> dict[str, Any]:
    """Return the example with keys added at a place."""
    content = yaml.safe_load(yaml.safe_dump(EXAMPLE))
    section = content
    for step in place:
        section = section[step]
    section.update(keys)
    return content


def refused(content: Any) -> str:
    """Return what is said of a mapping that is refused."""
    with pytest.raises(MappingError) as error:
        checked_mapping(content, "crm.yaml")
    return str(error.value)


def test_every_section_is_tested_here() -> None:
    """All but `ColumnRef`, which is a name in short and is read by `ColumnShape`'s own rule."""
    sections = {model for top in (TableMapping, SourceFile, RateTable, Histories)
                for model in models(top)}  # fmt: skip
    assert sections - {ColumnRef} == set(PLACES)


@pytest.mark.parametrize("model", PLACES, ids=lambda m: m.__name__)
def test_an_unknown_key_is_refused_with_the_keys_there_are(model: type[Words]) -> None:
    """In every section: its place, all keys that it may hold, and no value that is given."""
    place = PLACES[model]
    said = refused(changed(place, zzz="a secret"))
    assert said.startswith("crm.yaml: ")
    assert "unknown key" in said
    assert "zzz" in said
    assert "a secret" not in said
    assert str(place[0]) in said
    assert f"the keys here are {', '.join(model.model_fields)}" in said


@pytest.mark.parametrize(
    ("model", "key"),
    [(model, key) for model in PLACES for key in model.model_fields if len(key) > 4],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_slip_of_the_pen_finds_its_key(model: type[Words], key: str) -> None:
    """Two letters that changed places, or a last one that is missing: the right key is named.

    For every key of the language with more than four letters.
    """
    slip = key[:2] + key[3] + key[2] + key[4:]
    if slip == key:  # the two letters are the same
        slip = key[:-1]
    assert slip not in model.model_fields
    said = refused(changed(PLACES[model], **{slip: "x"}))
    assert f"did you mean '{key}'?" in said


@pytest.mark.parametrize("table", TABLES)
def test_a_table_under_a_wrong_name_finds_its_own(table: str) -> None:
    """For every table of ours."""
    assert f"did you mean '{table}'?" in refused({table[:-1] + "x": {}})


@pytest.mark.parametrize("table", TABLES)
def test_a_column_that_is_none_of_ours_is_refused_with_those_there_are(table: str) -> None:
    """The error names the column, all of the table's, and where others belong."""
    said = refused({table: {"columns": {"colour": "Color"}}})
    assert f"{table}.columns: no such column: colour" in said
    assert all(column in said for column in TABLES[table].by_name)
    assert said.endswith("further columns belong under attributes")
    inside = refused({table: {"union": [{}, {"columns": {"colour": "Color"}}]}})
    assert f"{table}.union[1].columns: no such column" in inside


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_ours_may_be_named(table: str) -> None:
    """Each by a name, or as empty; and comes back under its name."""
    columns = dict.fromkeys(TABLES[table].by_name, "X")
    mapping = checked_mapping({table: {"columns": columns}}, "m").tables[table]
    assert mapping.source_names == columns
    assert mapping.is_plain
    empty = checked_mapping({table: {"columns": dict.fromkeys(columns)}}, "m").tables[table]
    assert set(empty.columns.values()) == {None}
    assert not empty.is_plain


@pytest.mark.parametrize("key", ["table", "keys"])
def test_what_a_join_cannot_do_without_is_asked_for(key: str) -> None:
    """By its place and name."""
    content = changed(("leads",))
    section = content["activities"]["union"][0]["joins"]["contact"]
    del section[key]
    assert f"joins.contact.{key}' is missing, but required" in refused(content)


@pytest.mark.parametrize(
    ("shape", "given"),
    [
        (PropertyHistory, "changed_at"),
        (PropertyHistory, "new_value"),
        (VersionHistory, "valid_from"),
        (SnapshotHistory, "taken_at"),
    ],
)
def test_what_a_history_cannot_do_without_is_asked_for(shape: type[Words], given: str) -> None:
    """Each shape of history has its own moment."""
    content = changed(PLACES[shape])
    _, kind, place = PLACES[shape]
    del content["histories"][kind][place][given]
    assert f"histories.{kind}[{place}].{given}' is missing" in refused(content)


@pytest.mark.parametrize("wrong", [7, ["a"], True, 1.5])
def test_a_column_that_is_no_name_is_refused(wrong: Any) -> None:
    """A number or a list is no column: what was given is shown, and what would be right."""
    said = refused({"leads": {"columns": {"value": wrong}}})
    assert "leads.columns.value" in said
    assert "the name of a column, or a section" in said


@pytest.mark.parametrize("model", PLACES, ids=lambda m: m.__name__)
def test_every_key_is_explained(model: type[Words]) -> None:
    """The docstring of each section, or of what it is built upon, has a line for each key."""
    text = "\n".join(base.__doc__ or "" for base in model.__mro__ if issubclass(base, Words))
    for key in model.model_fields:
        assert f"    {key}: " in text, key


@pytest.mark.parametrize("pattern", ["%d.%m.%Y", "%Y-%m-%dT%H:%M:%S.%f%z", "%b %d %y", *NUMBERED])
def test_patterns_of_times_are_taken(pattern: str) -> None:
    """As they are, one or several, in their order."""
    assert ColumnShape.model_validate({"column": "a", "format": pattern}).format == (pattern,)
    both = ColumnShape.model_validate({"column": "a", "format": [pattern, "%Y"]})
    assert both.format == (pattern, "%Y")


@pytest.mark.parametrize("pattern", ["", "YYYY-MM-DD", "%d.%m", "%c %Y", "%-d.%m.%Y", "100%%"])
def test_patterns_that_no_time_is_read_with_are_refused(pattern: str) -> None:
    """Before any row is read."""
    with pytest.raises(ValidationError):
        ColumnShape.model_validate({"column": "a", "format": pattern})


@settings(deadline=None, max_examples=60)
@given(
    name=st.text(min_size=1, max_size=20),
    values=st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.text()), min_size=1),
)
def test_conditions_in_short_mean_what_they_mean_in_full(name: str, values: list[Any]) -> None:
    """A value, a list, and `any_of` say the same, whatever the values and the column's name."""
    short, full = (
        Part.model_validate({"where": {name: says}}).where[name]
        for says in (values, {"any_of": values})
    )
    assert short == full
    assert short.any_of is not None
    assert len(short.any_of) == len(values)
    if len(values) == 1 and not isinstance(values[0], dict | list):
        assert Part.model_validate({"where": {name: values[0]}}).where[name] == short


def test_an_empty_file_section_and_no_file_map_nothing(tmp_path: Path) -> None:
    """Every table is read under its own name."""
    for mappings in (load_mapping(None), checked_mapping({}, "m")):
        assert set(mappings.tables) == set(TABLES)
        assert all(table.is_plain and not table.columns for table in mappings.tables.values())
        assert not mappings.needs_shaping
    lower = checked_mapping({"ids": "lower"}, "m")
    assert lower.ids is IdStyle.LOWER
    assert lower.needs_shaping
    file = tmp_path / "list.yaml"
    file.write_text("- leads", encoding="utf-8")
    with pytest.raises(MappingError, match="found list; it should hold a section for each table"):
        load_mapping(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"a: [", "it is not YAML"), (b"a: \xff\xfe", "it is not UTF-8"), (None, "needs a YAML file")],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    """And which it is."""
    file = tmp_path / "crm.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MappingError, match=says) as error:
        load_mapping(file)
    assert str(file) in str(error.value)
