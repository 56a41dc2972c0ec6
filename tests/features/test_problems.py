"""Laws of the sentences about wrong values: place, value and remedy, whatever was validated."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from features.problems import LONGEST_VALUE, say_problems


class Item(BaseModel):
    """One part of an order."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=1, ge=1)
    colour: str = "red"

    @field_validator("colour")
    @classmethod
    def _is_no_number(cls, colour: str) -> str:
        if colour.isdigit():
            raise ValueError("a colour is a word")
        return colour


class Order(BaseModel):
    """A model with parts inside a list, an option and a mapping."""

    model_config = ConfigDict(extra="forbid")

    name: str
    items: list[Item] = []
    extra: Item | None = None

    @model_validator(mode="after")
    def _is_not_empty(self) -> Order:
        if self.name == "empty":
            raise ValueError("an order needs an item")
        return self


def said(value: Any, **options: Any) -> str:
    """Validate a value and return the sentences about it."""
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(value)
    return say_problems(caught.value, Order, **options)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "'name' is missing, but required"),
        ({"name": 5}, "'name' is 5, but should be a valid string"),
        ({"name": "a", "nmae": 1}, "unknown key 'nmae'; the keys here are name, items, extra"),
        ({"name": "a", "items": 1}, "'items' is 1, but should be a valid list"),
        ({"name": ["a", "b"]}, "'name' is a list of 2, but should be a valid string"),
        ({"name": {"a": 1}}, "'name' is an object of 1, but should be a valid string"),
        (
            {"name": "a", "items": [{}, {"count": 0}]},
            "'items[1].count' is 0, but should be greater than or equal to 1",
        ),
        ({"name": "a", "items": [{"colour": "7"}]}, "'items[0].colour' is \"7\": a colour is"),
        ({"name": "empty"}, "an order needs an item"),
    ],
)
def test_a_sentence_names_place_value_and_remedy(value: Any, sentence: str) -> None:
    """Each kind of problem has one sentence in words of ours, not pydantic's."""
    assert said(value).startswith(sentence)


@pytest.mark.parametrize(
    ("part", "place"),
    [({"items": [{"size": 1}]}, "items[0].size"), ({"extra": {"size": 1}}, "extra.size")],
)
def test_the_keys_listed_are_those_of_the_place(part: dict[str, Any], place: str) -> None:
    """An unknown key inside a part lists the keys of that part, not those of the whole."""
    assert said({"name": "a", **part}) == f"unknown key '{place}'; the keys here are count, colour"


def test_the_whole_is_called_by_its_name() -> None:
    """Where no key is wrong but the value itself, the caller says what that value is."""
    assert said([], whole="the body").startswith("the body should be a valid dictionary")
    with pytest.raises(ValidationError) as caught:
        Order.model_validate_json("[1")
    words = say_problems(caught.value, Order, whole="the body")
    assert words.startswith("the body is not valid JSON: EOF while parsing")


def test_all_problems_are_named_unless_a_limit_is_given() -> None:
    """Without a limit none is left out; with one, the others are counted."""
    value = {"name": 1, "items": [{"count": 0}] * 9}
    assert said(value).count(", but should ") == 10
    few = said(value, most=3)
    assert few.count(", but should ") == 3
    assert few.endswith("; and 7 more")


@pytest.mark.parametrize("length", [LONGEST_VALUE - 2, LONGEST_VALUE - 1, 10_000])
def test_long_values_are_cut(length: int) -> None:
    """A value is repeated up to a limit, quotes included, and a cut one ends in an ellipsis."""
    words = said({"name": "a", "extra": {"count": "x" * length}})
    assert ("…" in words) == (length + 2 > LONGEST_VALUE)
    assert len(words) < LONGEST_VALUE + 120
