"""A mapping file: a source's own names for our tables and columns.

leads:
  table: sf_lead
  columns: {lead_id: Id, created_at: CreatedDate, converted_at: ConvertedDate}
  timezone: Europe/Amsterdam
  drop: [Email, Phone]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, field_validator

from features.errors import MappingError
from features.problems import say_problems
from features.tables import TABLES


class TableMapping(BaseModel):
    """How one of our tables is found in a source, and how it is read.

    Attributes:
        table: its name in the source; None means our name.
        columns: our column -> the source's column.
        day_first: 03/04/2025 is the 3rd of April; None leaves it to params.yaml.
        timezone: the zone of times that are written without one.
        drop: source columns that are not loaded, not even into quarantine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    table: str | None = Field(default=None, min_length=1)
    columns: dict[str, str] = Field(default_factory=dict)
    day_first: bool | None = None
    timezone: str | None = None
    drop: tuple[str, ...] = Field(default=(), strict=False)

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError("no such time zone; write it like Europe/Amsterdam")
        return name


class _Tables(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_File: type[_Tables] = create_model(
    "_File",
    __base__=_Tables,
    **dict.fromkeys(TABLES, (TableMapping, TableMapping())),  # type: ignore[call-overload]
)


@dataclass(frozen=True)
class Mappings:
    """A mapping for each table of the schema, and the file they were read from."""

    where: str
    tables: Mapping[str, TableMapping]


def load_mapping(path: Path | None) -> Mappings:
    """Read and check a mapping file; without one, every table is read under its own name.

    Raises:
        MappingError: the file cannot be read, or holds an unknown key or column.
    """
    if path is None:
        return Mappings("", {name: TableMapping() for name in TABLES})
    try:
        content = _File.model_validate(_parsed(path))
    except ValidationError as error:
        raise MappingError(f"{path}: {say_problems(error, _File)}") from None
    mappings = Mappings(str(path), {name: getattr(content, name) for name in TABLES})
    for name, mapping in mappings.tables.items():
        unknown = [column for column in mapping.columns if column not in TABLES[name].by_name]
        if unknown:
            raise MappingError(
                f"{path}: {name}.columns: no such column: {', '.join(unknown)}; "
                f"'{name}' has {', '.join(TABLES[name].by_name)}"
            )
    return mappings


def _parsed(path: Path) -> Any:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}; --mapping needs a YAML file") from None
    except UnicodeDecodeError:
        raise MappingError(f"{path}: it is not UTF-8 text; save it as UTF-8") from None
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise MappingError(f"{path}: it is not YAML: {problem}") from None
    if not isinstance(content, dict):
        raise MappingError(
            f"{path}: found {type(content).__name__}; it should hold a section for each table "
            f"to map, out of {', '.join(TABLES)}"
        )
    return content
