"""How ids, texts and times of a request are read, as ingestion reads them.

Ids are strings; an integer is taken for the string of its digits. Times with a zone are converted
to UTC, times without one are UTC, a date is its midnight; what comes out is UTC and says so.
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
)

from features.clock import zulu
from features.texts import clean, read_moment


def _id(given: Any) -> Any:
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if isinstance(given, float):
        raise ValueError("an id should be a string; a number with a point is not exact")  # noqa: TRY004 - pydantic words ValueErrors only
    return clean(given)


def _attribute(given: Any) -> Any:
    if isinstance(given, dict | list):
        raise ValueError("an attribute should be a text, a number, true, false or null")  # noqa: TRY004
    if isinstance(given, float) and not isfinite(given):
        raise ValueError("an attribute that is a number should be a finite one")
    return clean(given)


def _filled(read: Callable[[Any], Any]) -> BeforeValidator:
    """Refuse what says "nothing" where something is required."""

    def required(given: Any) -> Any:
        value = read(given)
        if value is None:
            raise ValueError("should not be empty")
        return value

    return BeforeValidator(required)


Id = Annotated[str, _filled(_id), StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, _filled(clean), StringConstraints(min_length=1, max_length=1000)]
Moment = Annotated[
    datetime, _filled(read_moment), PlainSerializer(zulu, return_type=str, when_used="json")
]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Attribute = Annotated[Any, BeforeValidator(_attribute)]
MaybeId = Annotated[Id | None, BeforeValidator(_id)]
MaybeText = Annotated[Text | None, BeforeValidator(clean)]
MaybeMoment = Annotated[Moment | None, BeforeValidator(read_moment)]


class Contract(BaseModel):
    """A frozen value that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
