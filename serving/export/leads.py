"""Scored leads as the CSV that a CRM imports. Forecasts of reps are never exported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from serving.export.cells import neutralised
from serving.export.formats import LeadFormat

LONGEST = 255
"""Characters that the plain text field of every CRM here holds."""


@dataclass(frozen=True)
class LeadFile:
    """A file of lead scores.

    Attributes:
        text: its content: CSV with a header, every cell quoted, lines that end in CRLF.
        leads: how many leads it holds.
        changed_ids: ids that had to be neutralised; the importer does not find these leads.
    """

    text: str
    leads: int
    changed_ids: tuple[str, ...]


def lead_file(scores: pd.DataFrame, shape: LeadFormat) -> LeadFile:
    """Write scored leads, owner by owner, the next to call first.

    Args:
        scores: with `lead_id, rep_id, as_of, score, rank, band, reasons`, as `score` writes them.
        shape: the CRM's names for the columns.
    """
    ordered = scores.sort_values(["rep_id", "rank", "lead_id"], na_position="last")
    file = io.StringIO(newline="")
    # Quoted cells stay whole where a spreadsheet separates by another sign than the comma.
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(shape.header)
    changed = []
    for row in ordered.to_dict("records"):
        cells = [neutralised(cell) for cell in _cells(row, shape)]
        writer.writerow(cells)
        if cells[0] != row["lead_id"]:
            changed.append(str(row["lead_id"]))
    return LeadFile(file.getvalue(), len(ordered), tuple(changed))


def _cells(row: Mapping[Hashable, Any], shape: LeadFormat) -> Iterator[str]:
    rank, as_of = row["rank"], pd.Timestamp(str(row["as_of"]))
    yield str(row["lead_id"])
    yield f"{row['score']:.1f}"
    yield "" if pd.isna(rank) else f"{rank:.0f}"
    yield str(row["band"])
    yield reasons_in_words(str(row["reasons"]))
    yield as_of.strftime(shape.date_format)


def reasons_in_words(reasons: str, longest: int = LONGEST) -> str:
    """Return the strongest reasons that round to a point or more, as many as fit.

    >>> items = [{"label": "last touch", "value": "2 days ago", "points": 4.2}]
    >>> reasons_in_words(json.dumps({"items": items}))
    'last touch: 2 days ago (+4)'

    Args:
        reasons: JSON, as `score` writes it.
        longest: characters there is room for; no reason is cut in the middle.
    """
    items = [item for item in json.loads(reasons)["items"] if round(item["points"])]
    items.sort(key=lambda item: -abs(item["points"]))
    said = ""
    for item in items:
        reason = f"{item['label']}: {item['value']} ({item['points']:+.0f})"
        longer = f"{said}; {reason}" if said else reason
        if len(longer) <= longest:
            said = longer
    return said
