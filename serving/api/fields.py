"""How ids, texts and times of a request are read, and how errors in a body are worded.

Values are read as ingestion reads them. Ids are strings; an integer becomes its digits. Times with
a zone are converted to UTC, times without one are UTC, a date is its midnight. Times in answers are
UTC and say so.
"""

from __future__ import annotations

import json
import re
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
    ValidationError,
    WithJsonSchema,
)

from features.clock import zulu
from features.texts import clean, read_moment

SHOWN = 80
"""Characters of a wrong value that an error repeats."""
MOST_PROBLEMS = 5
"""Problems of one body that an error lists; the others are counted."""
_SUBJECT = re.compile(r"^(Input|String|List|Value) should ")
_AFTERWARDS = re.compile(r" after validation, not \d+$")


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


def say_problems(error: ValidationError) -> str:
    """Say what is wrong with a body: where, what was sent, and what would be right."""
    problems = error.errors(include_url=False)
    sentences = [_describe(problem) for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        sentences.append(f"and {len(problems) - MOST_PROBLEMS} more")
    return "; ".join(sentences)


def _describe(problem: Any) -> str:
    where = _path(problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "json_invalid":
        return f"the body is not valid JSON: {message.removeprefix('Invalid JSON: ')}"
    if problem["type"] == "missing":
        return f"'{where}' is missing, but required"
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{where}' (/docs.json has the known ones)"
    message = _AFTERWARDS.sub("", _SUBJECT.sub("should ", message))
    if not message.startswith("should "):
        return f"'{where}': {message}" if where else message
    if not where:
        return f"the body {message}"
    return f"'{where}' is {_shorten(problem['input'])}, but {message}"


def _path(steps: tuple[int | str, ...]) -> str:
    """Write a place in a body.

    >>> _path(("leads", 0, "created_at"))
    'leads[0].created_at'
    """
    written = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
    return "".join(written).removeprefix(".")


def _shorten(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= SHOWN else shown[:SHOWN] + "…"
