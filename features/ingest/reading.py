"""What was decided about how a column is read, and how its staged values are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ibis.backends.duckdb import Backend

from features.ingest import parsing
from features.ingest.files import RawColumn
from features.ingest.parsing import TextFormat
from features.params import IngestParams
from features.storage.engine import ident, row


@dataclass(frozen=True)
class Reading:
    """What was decided about a column.

    Attributes:
        texts: how its values are read.
        kind: a word for the decision.
        says: the sentence about it, without table and column.
        is_doubtful: values that may mean two things were left out, or taken by default.
        count: of how many values it is true.
        of: how many values there are.
        example: one of them.
        currency: the sign or code beside its amounts; empty: there is none.
    """

    texts: TextFormat
    kind: str
    says: str = ""
    is_doubtful: bool = False
    count: int = 0
    of: int = 0
    example: str = ""
    currency: str = ""


@dataclass(frozen=True)
class Readings:
    """What was decided about the columns of one table.

    Attributes:
        usual: how texts of the table are read where nothing else was decided.
        columns: by column of our schema, and moments of deletion; of the others `usual` holds.
        placeholders: columns in which some moments stand for nothing.
    """

    usual: TextFormat
    columns: Mapping[str, Reading] = field(default_factory=dict)
    placeholders: Mapping[str, Reading] = field(default_factory=dict)

    def of(self, name: str) -> TextFormat:
        """Return how a column's texts are read."""
        return self.columns[name].texts if name in self.columns else self.usual


@dataclass(frozen=True)
class Look:
    """One staged table, to be asked about its columns.

    Attributes:
        backend: the engine.
        staged: a FROM clause of the staged rows.
        params: what is declared, and which share is small.
    """

    backend: Backend
    staged: str
    params: IngestParams

    def ask(self, raw: RawColumn, **questions: str) -> dict[str, Any]:
        """Answer questions about the filled values `v` of a column, each SQL of an aggregate."""
        cleaned = parsing.clean("trimmed", raw.type)
        trimmed = parsing.trim(ident(raw.staged), raw.type)
        answers = row(
            self.backend,
            f"SELECT {', '.join(questions.values())} FROM (SELECT {cleaned} AS v FROM "
            f"(SELECT {trimmed} AS trimmed FROM {self.staged})) WHERE v IS NOT NULL",
        )
        return dict(zip(questions, answers, strict=True))

    def is_small(self, part: int, of: int) -> bool:
        """Return whether a part is a small share."""
        return part <= self.params.small_share * of


def count_of(condition: str) -> str:
    """Return SQL that counts the values of which a condition is true."""
    return f"count(*) FILTER ({condition})"


def one_of(condition: str) -> str:
    """Return SQL of the least value of which a condition is true; empty without any."""
    return f"coalesce(min(left(v, 40)) FILTER ({condition}), '')"
