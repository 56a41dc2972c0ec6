"""What CRMs call our tables, columns and outcomes, in five languages; the words are data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from features.protected import folded

Lists = Mapping[str, tuple[str, ...]]
LONG = 4
"""Letters from which a word may be looked for within another."""


class Ends(BaseModel):
    """Words for how a deal ended, and for yes and no."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    won: frozenset[str]
    lost: frozenset[str]
    open: frozenset[str]
    yes_: frozenset[str]
    no_: frozenset[str]


class LeadEnds(BaseModel):
    """Words of columns with the end of a lead, and of the status that says which end it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: tuple[str, ...]
    status: tuple[str, ...]
    converted: frozenset[str]
    lost: frozenset[str]


class Words(BaseModel):
    """The words of headers and values.

    Attributes:
        tables: names of our tables, in the plural.
        columns: names of the columns of each of our tables; ids are found by shared values.
        references: names of columns that refer to another table.
        entities: what histories call the entities.
        fields: what histories call the fields that matter most.
        ends: how deals end, and yes and no.
        timely: words of columns that hold moments.
        directions: what directions of activities are called.
        kinds: what tables of one kind of activity are called.
        lead_ends: columns with the end of a lead, and what its status says.
        currency: columns with the code of a currency.
        quarter: columns with a quarter.
        month: columns with a month.
        year: columns with a year.
        states: columns with the moments of versions and snapshots.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: dict[str, tuple[str, ...]]
    columns: dict[str, dict[str, tuple[str, ...]]]
    references: dict[str, tuple[str, ...]]
    entities: dict[str, tuple[str, ...]]
    fields: dict[str, tuple[str, ...]]
    ends: Ends
    timely: frozenset[str]
    directions: dict[str, tuple[str, ...]]
    kinds: dict[str, tuple[str, ...]]
    lead_ends: LeadEnds
    currency: tuple[str, ...]
    quarter: tuple[str, ...]
    month: tuple[str, ...]
    year: tuple[str, ...]
    states: dict[str, tuple[str, ...]]


@cache
def words() -> Words:
    """Return the words, read once."""
    file = files("features.ingest.suggest").joinpath("words.yaml")
    content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    return Words.model_validate(content)


def likeness(header: str, wanted: tuple[str, ...]) -> float:
    """Return how well a name fits a list of words, 0 to 1; of equal fits the earlier word counts.

    >>> likeness("Created At", ("created at",)), likeness("Lead Created At", ("created at",))
    (1.0, 0.75)
    >>> likeness("colour", ("created at",))
    0.0
    """
    plain = folded(header)
    joined, held = plain.replace(" ", ""), set(plain.split())
    best = 0.0
    for place, word in enumerate(wanted):
        later = 0.001 * place
        if joined == word.replace(" ", ""):
            return 1.0 - later
        if held >= set(word.split()):
            best = max(best, 0.75 - later)
        elif len(word) >= LONG and word.replace(" ", "") in joined:
            best = max(best, 0.6 - later)
    return best
