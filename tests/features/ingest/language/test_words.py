"""Laws of the language's types: short forms mean the long ones, and nonsense is refused at once."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from features.ingest.language.columns import ColumnRef, ColumnShape, Condition, IdStyle, NumberText
from features.ingest.language.histories import Histories
from features.ingest.language.sources import SourceFile
from features.ingest.language.tables import Join, Part, Period, TableMapping


def part(**says: Any) -> Part:
    """Read a part as a mapping file writes it."""
    return Part.model_validate(says)


def test_a_name_alone_is_a_column() -> None:
    """And a column of a table is the same as one with nothing else said."""
    short, long = part(columns={"value": "Worth"}), part(columns={"value": {"column": "Worth"}})
    assert short == long
    assert short.columns["value"] == ColumnShape(column="Worth")
    assert short.source_names == {"value": "Worth"}
    assert short.is_plain


@pytest.mark.parametrize(
    ("written", "condition"),
    [
        ("Open", Condition(any_of=("Open",))),
        (["Open", None], Condition(any_of=("Open", None))),
        (None, Condition(any_of=(None,))),
        (True, Condition(any_of=("true",))),
        (7, Condition(any_of=("7",))),
        ({"none_of": None}, Condition(none_of=(None,))),
        ({"none_of": [1, False]}, Condition(none_of=("1", "false"))),
        ({"filled": True}, Condition(filled=True)),
    ],
)
def test_a_value_or_a_list_is_a_condition(written: Any, condition: Condition) -> None:
    """Null stands for empty; numbers and truths are compared as texts."""
    assert part(where={"Status": written}).where == {"Status": condition}


def test_several_origins_are_columns_too() -> None:
    """Each of them may come from a join of its own."""
    shape = ColumnShape.model_validate({"first_of": ["a", {"column": "b", "join": "j"}]})
    assert shape.references == (ColumnRef(column="a"), ColumnRef(column="b", join="j"))
    assert ColumnShape.model_validate({"constant": 5}).references == ()
    assert not shape.is_plain


@pytest.mark.parametrize(
    ("model", "says", "problem"),
    [
        (ColumnShape, {}, "exactly one of column, first_of and constant"),
        (ColumnShape, {"column": "a", "constant": "b"}, "exactly one of"),
        (ColumnShape, {"first_of": ["a"], "join": "j"}, "join belongs to column"),
        (ColumnShape, {"constant": "a", "time_of_day": "b"}, "time_of_day belongs to column"),
        (ColumnShape, {"column": "a", "default": "b"}, "default belongs to values"),
        (ColumnShape, {"column": "a", "format": "DD.MM.YYYY"}, "is no pattern of strptime"),
        (ColumnShape, {"column": "a", "format": "%d.%m."}, r"has no year \(%Y or %y\)"),
        (ColumnShape, {"column": "a", "format": "%Q %Y"}, "%Q is no directive"),
        (ColumnShape, {"column": "a", "timezone": "Berlin"}, "no such time zone"),
        (ColumnShape, {"column": "a", "otherwise": "drop"}, "'refuse', 'empty' or 'keep'"),
        (ColumnShape, {"column": "a", "id": "uuid"}, "salesforce"),
        (NumberText, {"decimal": ",", "thousands": ","}, "they must differ"),
        (NumberText, {"decimal": ";"}, "'.' or ','"),
        (Join, {"table": "t", "keys": {}}, "at least 1 item"),
        (Part, {"missing_is_deleted": True}, "missing_is_deleted needs latest_by"),
        (Period, {"month": "m"}, "needs month and year"),
        (Period, {"start": "s", "months": 1, "days": 2}, "needs month and year"),
        (Period, {"start": "s", "months": 1, "year": "y"}, "needs month and year"),
        (Period, {"month": "m", "quarter": "q", "year": "y"}, "needs month and year"),
        (Period, {"quarter": "q", "year": "y", "months": 3}, "needs month and year"),
        (Period, {"start": "s", "months": 0}, "greater than 0"),
        (SourceFile, {"header_row": 0}, "greater than or equal to 1"),
        (SourceFile, {"delimiter": ";;"}, "at most 1 character"),
        (TableMapping, {"union": [{}], "where": {"a": 1}}, "beside union there is where"),
        (
            Histories,
            {"versions": [{"entity": "company", "table": "t", "id": "i", "valid_from": "v",
                           "fields": {"a": "a"}}]},
            "'lead', 'deal', 'rep' or 'account'",
        ),
        (
            Histories,
            {"snapshots": [{"entity": "lead", "table": "t", "id": "i", "taken_at": "v",
                            "fields": {}}]},
            "at least 1 item",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(model: Any, says: dict[str, Any], problem: str) -> None:
    """With what is wrong and what would be right."""
    with pytest.raises(ValidationError, match=problem):
        model.model_validate(says)


def test_formats_are_a_list_or_one() -> None:
    """Patterns of strptime, or words for times that are numbers."""
    for written in ("%d.%m.%y", ["%Y%m%d", "epoch_ms"], "epoch_s", "excel_days"):
        shape = ColumnShape.model_validate({"column": "a", "format": written})
        assert shape.format == (tuple(written) if isinstance(written, list) else (written,))


def test_the_other_sign_groups_thousands() -> None:
    """Unless another one is named."""
    assert NumberText().grouping == ","
    assert NumberText(decimal=",").grouping == "."
    assert NumberText(decimal=",", thousands=" ").grouping == " "


def test_everything_that_is_more_than_a_name_is_shaped() -> None:
    """A table that only gets names comes in as it is; all else is made row by row."""
    assert TableMapping.model_validate({"table": "t", "drop": ["a"], "timezone": "UTC"}).is_plain
    for says in (
        {"where": {"a": 1}},
        {"latest_by": "a"},
        {"attributes": {"a": "b"}},
        {"columns": {"a": None}},
        {"columns": {"a": {"column": "b", "day_first": True}}},
        {"joins": {"j": {"table": "t", "keys": {"a": "b"}}}},
        {"period": {"month": "a", "year": 2025}},
        {"union": [{"table": "a"}]},
    ):
        assert not TableMapping.model_validate(says).is_plain


def test_nothing_changes_once_it_is_read() -> None:
    """A mapping may be shared by many steps."""
    shape = ColumnShape(column="a", id=IdStyle.GUID)
    with pytest.raises(ValidationError, match="frozen"):
        shape.column = "b"
