"""Pydantic's errors in plain sentences: what was wrong, what was given, what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_SUBJECT = re.compile(r"^(Input|String|List|Value) should ")
_AFTERWARDS = re.compile(r" after validation, not \d+$")
LONGEST_VALUE = 80
"""Characters of a wrong value that a sentence repeats."""


def say_problems(
    error: ValidationError, model: type[BaseModel], *, whole: str = "it", most: int | None = None
) -> str:
    """Return one sentence for each problem, joined by semicolons.

    Args:
        error: what pydantic found.
        model: what was validated; it tells which keys an unknown key could have been.
        whole: what to call the value as a whole, where no single key is wrong.
        most: how many problems to name; the rest are only counted. None names all.
    """
    problems = error.errors(include_url=False)
    sentences = [_sentence(problem, model, whole) for problem in problems[:most]]
    hidden = len(problems) - len(sentences)
    return "; ".join([*sentences, *([f"and {hidden} more"] if hidden else [])])


def _sentence(problem: Any, model: type[BaseModel], whole: str) -> str:
    place = _place(problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "json_invalid":
        return f"{whole} is not valid JSON: {message.removeprefix('Invalid JSON: ')}"
    if problem["type"] == "missing":
        return f"'{place}' is missing, but required"
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{place}'; {_known_keys(problem['loc'], model)}"
    message = _AFTERWARDS.sub("", _SUBJECT.sub("should ", message))
    if not place:
        return f"{whole} {message}" if message.startswith("should ") else message
    shown = _shortened(problem["input"])
    if message.startswith("should "):
        return f"'{place}' is {shown}, but {message}"
    return f"'{place}' is {shown}: {message}"


def _place(steps: Sequence[int | str]) -> str:
    """Write a place as it would be written in code: `leads[0].value`."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")


def _known_keys(steps: Sequence[int | str], model: type[BaseModel]) -> str:
    """List the keys that an object at a place may have."""
    for step in steps[:-1]:
        if step in model.model_fields:
            model = next(_models(model.model_fields[str(step)].annotation), model)
    nearest = get_close_matches(str(steps[-1]), model.model_fields, n=1)
    guess = f"; did you mean '{nearest[0]}'?" if nearest else ""
    return f"the keys here are {', '.join(model.model_fields)}{guess}"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Go through the models inside an annotation such as `list[Lead] | None`."""
    if hasattr(annotation, "model_fields"):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _shortened(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= LONGEST_VALUE else shown[:LONGEST_VALUE] + "…"
