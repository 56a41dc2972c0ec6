"""How ids, texts and times of a request are read.

Values are read as ingestion reads them. Ids are strings; an integer becomes its digits. Times with
a zone are converted to UTC, times without one are UTC, a date is its midnight. Times in answers are
UTC and say so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from features.clock import zulu
from features.texts import clean, read_moment


def _id(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        raise ValueError("should be a string: a number with a decimal point is not exact")  # noqa: TRY004 - pydantic words ValueErrors only
    return clean(value)


def _attribute(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise ValueError("should be a text, a number, true, false or null")  # noqa: TRY004 - pydantic words ValueErrors only
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("should be a finite number")
    return clean(value)


def _filled(read: Callable[[Any], Any]) -> BeforeValidator:
    """Refuse an empty value where something is required."""

    def required(value: Any) -> Any:
        filled = read(value)
        if filled is None:
            raise ValueError("should not be empty")
        return filled

    return BeforeValidator(required)


Id = Annotated[str, _filled(_id), StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, _filled(clean), StringConstraints(min_length=1, max_length=1000)]
Moment = Annotated[
    datetime,
    _filled(read_moment),
    PlainSerializer(zulu, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Attribute = Annotated[Any, BeforeValidator(_attribute)]
MaybeId = Annotated[Id | None, BeforeValidator(_id)]
MaybeText = Annotated[Text | None, BeforeValidator(clean)]
MaybeMoment = Annotated[Moment | None, BeforeValidator(read_moment)]


class Contract(BaseModel):
    """A frozen value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def field(description: str, example: Any, **more: Any) -> Any:
    """Return a described field with an example; what is usually empty has None for one.

    Args:
        description: for the OpenAPI document.
        example: a value that is right.
        more: what else pydantic's `Field` takes, such as a default or a limit.
    """
    examples = None if example is None else [example]
    return Field(description=description, examples=examples, **more)
