"""What all parts of a mapping file have in common: strict, frozen, and plain scalars as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]
"""The name of a table, column or join; never empty."""


class Words(BaseModel):
    """A section of a mapping file: unknown keys are refused, and it never changes once read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _as_text(value: Any) -> Any:
    """Return a scalar as a text: YAML reads yes, 1 and 2025-03-31 as other things than texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str | list | dict) else str(value)


def as_tuple(value: Any) -> Any:
    """Return a single value as a tuple of one, so that a list with one entry may be left out."""
    if isinstance(value, Mapping):
        return value
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _existing_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone; write it like Europe/Amsterdam")
    return name


Scalar = Annotated[str, BeforeValidator(_as_text)]
"""A value as a text; numbers, dates and true or false are written as texts."""
Scalars = Annotated[tuple[Scalar | None, ...], BeforeValidator(as_tuple)]
"""One value or a list of them; null stands for empty."""
Zone = Annotated[str, AfterValidator(_existing_zone)]
"""The name of a time zone such as Europe/Amsterdam."""
