"""Laws of the fields of requests: how ids, times and texts are read, and how errors are worded."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from features.problems import LONGEST_VALUE, say_problems
from features.texts import EMPTY
from serving.api.bodies import MOST_PROBLEMS
from serving.api.fields import (
    Amount,
    Attribute,
    Contract,
    Id,
    MaybeId,
    MaybeMoment,
    MaybeText,
    Moment,
    Text,
    field,
)

NOT_EXACT = (
    "'parts[0].id' is 1.5, but should be a string: a number with a decimal point is not exact"
)


class Part(Contract):
    """A part of a body."""

    id: Id
    at: MaybeMoment = None


class Body(Contract):
    """A body with one field of each kind."""

    parts: list[Part] = field("Some parts.", [], min_length=1)
    amount: Amount | None = None
    name: MaybeText = None
    count: int | None = field("How many.", 3, default=None, ge=1, strict=True)


def read(kind: Any, value: Any) -> Any:
    """Read a value as a field of some type."""
    return TypeAdapter(kind).validate_python(value)


def problems(body: str) -> str:
    """Return what is said of a wrong body."""
    with pytest.raises(ValidationError) as caught:
        Body.model_validate_json(body)
    return say_problems(caught.value, Body, whole="the body", most=MOST_PROBLEMS)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2025-03-02", datetime(2025, 3, 2)),
        ("2025-03-02T09:30", datetime(2025, 3, 2, 9, 30)),
        ("2025-03-02 09:30:00.5", datetime(2025, 3, 2, 9, 30, 0, 500_000)),
        ("2025-03-02T09:30:00Z", datetime(2025, 3, 2, 9, 30)),
        ("2025-03-02T00:30:00+01:00", datetime(2025, 3, 1, 23, 30)),
        (" 2025-03-02T20:00:00-05:00 ", datetime(2025, 3, 3, 1)),
    ],
)
def test_times_are_utc(written: str, moment: datetime) -> None:
    """A zone is converted to UTC, none means UTC, a date is its midnight."""
    assert read(Moment, written) == read(MaybeMoment, written) == moment


@pytest.mark.parametrize(
    "written", [17, 1.5, True, "1740873600", "02/03/2025", "0001-01-01T00:00:00+14:00", [], {}]
)
def test_times_are_never_guessed(written: Any) -> None:
    """Numbers, local formats and moments before the first year are refused."""
    for kind in (Moment, MaybeMoment):
        with pytest.raises(ValidationError, match="should be a time like 2025-03-31T14:05:00Z"):
            read(kind, written)


@pytest.mark.parametrize("zone", ["", "Z", "+09:00", "-11:30"])
def test_times_in_answers_say_that_they_are_utc(zone: str) -> None:
    """Whatever zone a time came with, it leaves as UTC, and reads back as the same moment."""
    moment = read(Moment, f"2025-03-31T14:05:00{zone}")
    written = json.loads(TypeAdapter(Moment).dump_json(moment))
    assert written.endswith("Z")
    assert read(Moment, written) == moment


@pytest.mark.parametrize(
    ("written", "id_"),
    [("007", "007"), (7, "7"), (2**70, str(2**70)), (" a ", "a"), ("1e5", "1e5"), (-1, "-1")],
)
def test_ids_are_strings(written: Any, id_: str) -> None:
    """An id is a string; an integer becomes its digits, however long."""
    assert read(Id, written) == read(MaybeId, written) == id_


@pytest.mark.parametrize("written", [1.0, True, [], {}, "x" * 201])
def test_ids_are_exact(written: Any) -> None:
    """What is no string and no integer, or is endless, is refused."""
    for kind in (Id, MaybeId):
        with pytest.raises(ValidationError):
            read(kind, written)


@pytest.mark.parametrize("written", [*EMPTY, None, "  ", "\xa0"])
def test_words_for_nothing_are_nothing(written: Any) -> None:
    """What ingestion takes for empty is empty here: None where that may be, else refused."""
    assert [read(kind, written) for kind in (MaybeId, MaybeText, MaybeMoment)] == [None] * 3
    assert read(Attribute, written) is None
    for kind in (Id, Text, Moment):
        with pytest.raises(ValidationError, match="should not be empty"):
            read(kind, written)


@pytest.mark.parametrize("written", ["NA", "0", "none", "North America"])
def test_texts_that_look_empty_are_kept(written: str) -> None:
    """`NA` is North America, too."""
    assert read(MaybeText, written) == read(Attribute, written) == written


@pytest.mark.parametrize("value", ["12", True, float("nan"), float("inf")])
def test_amounts_are_finite_numbers(value: Any) -> None:
    """A text, a truth value and what is not finite are no amounts."""
    with pytest.raises(ValidationError):
        read(Amount, value)
    assert read(Amount, 12) == 12.0


@pytest.mark.parametrize("value", [True, 3, 2.5, "red"])
def test_attributes_are_plain_values(value: Any) -> None:
    """A text, a number and a truth value stay what they are."""
    assert read(Attribute, value) is value


@pytest.mark.parametrize("value", [{"a": 1}, [1], float("nan"), float("-inf")])
def test_attributes_are_not_nested(value: Any) -> None:
    """Objects, lists and what is not finite are refused."""
    with pytest.raises(ValidationError, match="should be a"):
        read(Attribute, value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "the body is not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("7", "the body should be an object"),
        ("{}", "'parts' is missing, but required"),
        ('{"parts": []}', "'parts' is a list of 0, but should have at least 1 item"),
        ('{"parts": {"id": 1}}', "'parts' is an object of 1, but should be a valid array"),
        (
            '{"parts": [{"id": "a"}, {"id": null}]}',
            "'parts[1].id' is null, but should not be empty",
        ),
        (
            '{"parts": [{"id": 1.5}]}',
            NOT_EXACT,
        ),
        (
            '{"parts": [{"id": 1, "at": "noon"}]}',
            "'parts[0].at' is \"noon\", but should be a time like 2025-03-31T14:05:00Z, or a date",
        ),
        (
            '{"parts": [{"id": 1}], "amount": true}',
            "'amount' is true, but should be a valid number",
        ),
        (
            '{"parts": [{"id": 1}], "count": 0}',
            "'count' is 0, but should be greater than or equal to 1",
        ),
        (
            '{"parts": [{"id": 1}], "amuont": 1}',
            (
                "unknown key 'amuont'; the keys here are parts, amount, name, count; "
                "did you mean 'amount'?"
            ),
        ),
    ],
)
def test_a_problem_says_where_it_is_and_what_would_be_right(body: str, words: str) -> None:
    """One problem is one sentence: the place, what was sent, what would be right."""
    assert problems(body) == words


def test_problems_are_few_and_short() -> None:
    """A body with hundreds of mistakes is answered by the first five, long values cut."""
    body = json.dumps({"parts": [{"id": 1, "at": "x" * 10_000}] * 300})
    words = problems(body)
    assert words.endswith(f"; and {300 - MOST_PROBLEMS} more")
    assert words.count("'parts[") == MOST_PROBLEMS
    assert len(words) < MOST_PROBLEMS * (LONGEST_VALUE + 150)


def test_a_contract_is_frozen() -> None:
    """A request does not change under the code that answers it."""
    body = Body.model_validate({"parts": [{"id": 1}]})
    with pytest.raises(ValidationError, match="frozen"):
        body.amount = 1.0  # type: ignore[misc] # what is tested


def test_a_field_is_described_and_shown() -> None:
    """The document has every field's description, and its example if there is one."""
    schema = Body.model_json_schema()["properties"]["count"]
    assert (schema["description"], schema["examples"], schema["default"]) == (
        "How many.",
        [3],
        None,
    )
    assert field("Usually empty.", None).examples is None
