"""Deletions drawn over any company, and what is left of a company at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pyarrow as pa
from extract import CLOCKS, Extract, Row
from histories import MICROSECOND, Case
from oracle import Oracle

DELETED_AT = "deleted_at"
SHIFTS = (timedelta(0), timedelta(0), -MICROSECOND, MICROSECOND, timedelta(days=-2))


def with_deletions(rng: Random, case: Case) -> Case:
    """Let a CRM delete a third of the rows of every table, most of them about a cutoff."""
    anchors = [*case.cutoffs, *case.cutoffs, case.trained]

    def deleted(table: str, rows: list[Row]) -> Sequence[Row]:
        return [{**row, DELETED_AT: _moment(rng, table, row, anchors)} for row in rows]

    extract = case.extract.each(deleted)
    types = {
        name: {**extract.attributes.get(name, {}), DELETED_AT: pa.timestamp("us")}
        for name in extract.tables
    }
    return replace(case, extract=replace(extract, attributes=types))


def _moment(rng: Random, table: str, row: Row, anchors: Sequence[datetime]) -> datetime | None:
    if rng.randrange(3):
        return None
    if rng.randrange(4) == 0 and table in CLOCKS:
        happened: datetime = row[CLOCKS[table]]
        return happened + timedelta(days=rng.choice((0, 1, 9)))
    return rng.choice(anchors) + rng.choice(SHIFTS)


def left_of(extract: Extract, moment: datetime) -> Extract:
    """Give the extract without the rows that were deleted before a moment."""
    return extract.each(
        lambda _, rows: [
            row for row in rows if row.get(DELETED_AT) is None or row[DELETED_AT] >= moment
        ]
    )


def oracle_at(kind: type[Oracle], oracle: Oracle, case: Case, moment: datetime) -> Oracle:
    """Give the oracle of a company of which nothing is left that was deleted before a moment.

    Which fields have a history, and whether it is complete, is a property of the whole extract.

    Args:
        kind: of what is asked.
        oracle: of the whole company, which tells words and features.
        case: the company.
        moment: the cutoff.
    """
    left = left_of(case.extract, moment)
    made = kind(left, oracle.words, oracle.features, oracle.params)
    made.pasts = left.pasts().within(case.extract.pasts())
    return made
