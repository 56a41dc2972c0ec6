"""The presets that are shipped: which tables a system delivers, and how ours are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import Field

from features.ingest.language.words import Name, Words
from features.ingest.mapping import Mappings, checked_mapping

Several = tuple[Name, ...]


class Role(Words):
    """A table that a system delivers.

    Attributes:
        names: how its file or table is called; its own name is always among them.
        needs: columns without which a table is not it.
        tells: columns by which it is known under another name.
        without: columns that it never has; a table with one of them is another.
        gives: what it brings, in words.
    """

    names: Several = Field(default=(), strict=False)
    needs: Several = Field(min_length=1, strict=False)
    tells: Several = Field(default=(), strict=False)
    without: Several = Field(default=(), strict=False)
    gives: Name


class _File(Words):
    """The file of a preset.

    Attributes:
        title: what it reads, as people call it.
        roles: the tables that the system delivers, by the name that the mapping uses.
        hindsight: columns of ours, as TABLE.COLUMN, that show the end of the story unless a
            history shows what they were before.
        first_that_fits: tables of ours of whose union only the first part counts that can be read.
        open_histories: roles that hold histories of properties which the company has made too.
        mapping: a mapping file whose tables are roles.
    """

    title: Name
    roles: dict[Name, Role] = Field(min_length=1)
    hindsight: Several = Field(default=(), strict=False)
    first_that_fits: Several = Field(default=(), strict=False)
    open_histories: Several = Field(default=(), strict=False)
    mapping: dict[str, Any]


@dataclass(frozen=True)
class Preset:
    """A preset, read and checked.

    Attributes:
        name: as the command takes it.
        title: what it reads, as people call it.
        roles: the tables that the system delivers.
        hindsight: columns of ours that need a history.
        first_that_fits: tables of ours of whose union one part counts.
        open_histories: roles whose other properties become changes too.
        mapping: how our tables are made of the roles, all of them and every column.
    """

    name: str
    title: str
    roles: Mapping[str, Role]
    hindsight: tuple[str, ...]
    first_that_fits: tuple[str, ...]
    open_histories: tuple[str, ...]
    mapping: Mappings


@cache
def presets() -> Mapping[str, Preset]:
    """Return every preset by its name."""
    here = files("features.ingest.presets")
    names = sorted(file.name for file in here.iterdir() if file.name.endswith(".yaml"))
    return MappingProxyType(
        {
            name.removesuffix(".yaml"): _read(
                name.removesuffix(".yaml"), here.joinpath(name).read_text(encoding="utf-8")
            )
            for name in names
        }
    )


def _read(name: str, text: str) -> Preset:
    file = _File.model_validate(yaml.safe_load(text))
    return Preset(
        name,
        file.title,
        MappingProxyType(file.roles),
        file.hindsight,
        file.first_that_fits,
        file.open_histories,
        checked_mapping(file.mapping, f"preset {name}"),
    )
