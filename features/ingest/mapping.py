"""A mapping file: a source's own names and habits, and how our tables are made of them.

leads:
  table: sf_lead
  columns: {lead_id: Id, created_at: CreatedDate, converted_at: ConvertedDate}
  timezone: Europe/Amsterdam
  drop: [Email, Phone]

What each key means stands in `features.ingest.language`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, create_model

from features.errors import MappingError
from features.ingest.language.columns import IdStyle
from features.ingest.language.histories import Histories
from features.ingest.language.sources import RateTable, SourceFile, Unpivot
from features.ingest.language.tables import TableMapping
from features.ingest.language.words import Name, Words
from features.problems import say_problems
from features.tables import TABLES

# The tables stand first, since messages list the keys in this order.
_FIELDS: dict[str, Any] = {
    **dict.fromkeys(TABLES, (TableMapping, TableMapping())),
    "sources": (dict[Name, SourceFile], {}),
    "unpivot": (dict[Name, Unpivot], {}),
    "rates": (dict[Name, RateTable], {}),
    "ids": (Annotated[IdStyle, Field(strict=False)], IdStyle.AS_IS),
    "histories": (Histories, Histories()),
}
_File: type[Words] = create_model("_File", __base__=Words, **_FIELDS)


@dataclass(frozen=True)
class Mappings:
    """What a mapping file says, and where it stands.

    Attributes:
        where: the file; empty without one.
        tables: a mapping for each table of the schema.
        sources: how single files are read, by the table they hold.
        unpivot: tables with a row for each cell of another table, by name.
        rates: tables of rates between currencies, by name.
        ids: how all ids are made to look the same.
        histories: histories of fields.
    """

    where: str
    tables: Mapping[str, TableMapping]
    sources: Mapping[str, SourceFile] = field(default_factory=dict)
    unpivot: Mapping[str, Unpivot] = field(default_factory=dict)
    rates: Mapping[str, RateTable] = field(default_factory=dict)
    ids: IdStyle = IdStyle.AS_IS
    histories: Histories = field(default_factory=Histories)

    @property
    def needs_shaping(self) -> bool:
        """Whether even tables that are only given names are made row by row."""
        return self.ids is not IdStyle.AS_IS

    @property
    def names_files_alone(self) -> bool:
        """Whether it only says how files are read, and nothing of tables and columns."""
        return bool(self.sources) and replace(self, sources={}) == replace(
            load_mapping(None), where=self.where
        )


def load_mapping(path: Path | None) -> Mappings:
    """Read and check a mapping file; without one, every table is read under its own name.

    Raises:
        MappingError: the file cannot be read, or holds an unknown key or column.
    """
    if path is None:
        return Mappings("", {name: TableMapping() for name in TABLES})
    return checked_mapping(_parsed(path), str(path))


def checked_mapping(content: Mapping[str, Any], where: str) -> Mappings:
    """Check what a mapping file holds.

    Args:
        content: the parsed YAML.
        where: the file, as messages name it.

    Raises:
        MappingError: it holds an unknown key or column.
    """
    try:
        file: Any = _File.model_validate(content)
    except ValidationError as error:
        raise MappingError(f"{where}: {say_problems(error, _File)}") from None
    tables = {name: getattr(file, name) for name in TABLES}
    for problem in _problems(tables):
        raise MappingError(f"{where}: {problem}")
    return Mappings(where, tables, file.sources, file.unpivot, file.rates, file.ids, file.histories)


def _problems(tables: Mapping[str, TableMapping]) -> Iterator[str]:
    """Go through what the types alone cannot tell."""
    for name, mapping in tables.items():
        for place, part in enumerate(mapping.parts):
            key = f"{name}.union[{place}]" if mapping.union else name
            unknown = [column for column in part.columns if column not in TABLES[name].by_name]
            if unknown:
                names = ", ".join(TABLES[name].by_name)
                yield (
                    f"{key}.columns: no such column: {', '.join(unknown)}; '{name}' has {names}; "
                    "further columns belong under attributes"
                )


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
