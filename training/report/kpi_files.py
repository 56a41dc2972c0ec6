"""Key figures as files and as JSON. Files never withhold: small numbers stand there with `n`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from features.kpi.catalogue import KPIS
from features.kpi.ledger import PERIOD
from training.report.kpi_factors import Difference
from training.report.kpi_people import Cell
from training.report.kpi_tree import Tree
from training.report.kpi_view import KpiView
from training.report.kpi_words import headline

COLUMNS = [
    "group", "member", "kpi", "label", PERIOD, "value", "numerator", "denominator", "n", "is_over",
]  # fmt: skip


def long_form(view: KpiView) -> pd.DataFrame:
    """Return all figures of a view, one row each.

    Returns:
        `group` (company, rep_id, the team, or the column sliced by) and `member` of it; `kpi,
        label, period_start, value, numerator, denominator, n, is_over`. A page about a rep holds
        that rep's and the company's figures alone.
    """
    by_rep = (
        view.by_rep if view.ask.rep is None else view.by_rep[view.by_rep["rep_id"] == view.ask.rep]
    )
    parts = [
        view.company.assign(group="company", member=None),
        by_rep.assign(group="rep_id", member=by_rep["rep_id"]),
    ]
    if view.ask.team is not None:
        parts.append(view.lines.assign(group="team", member=view.ask.team))
    if view.ask.by is not None and len(view.slices):
        parts.append(view.slices.assign(group=view.ask.by, member=view.slices[view.ask.by]))
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    frame["label"] = [KPIS[name].label for name in frame["kpi"]]
    return frame[COLUMNS]


def write(view: KpiView, page: str, out: Path) -> dict[str, str]:
    """Write the page and the figures into a folder.

    Returns:
        The paths of `page`, `parquet` and `csv`.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = {kind: out / f"kpis.{ending}" for kind, ending in
             (("page", "html"), ("parquet", "parquet"), ("csv", "csv"))}  # fmt: skip
    frame = long_form(view)
    frame.to_parquet(paths["parquet"], index=False)
    frame.to_csv(paths["csv"], index=False)
    paths["page"].write_text(page, encoding="utf-8")
    return {kind: str(path) for kind, path in paths.items()}


def to_json(view: KpiView) -> dict[str, Any]:
    """Return a view as plain values: the figures, the tree, people beside comparable ones."""
    return {
        "as_of": view.as_of.isoformat(),
        "who": view.ask.who or "company",
        "every": view.ask.every,
        "headline": headline(view.tree),
        "figures": _records(view.lines),
        "by": view.ask.by,
        "slices": _records(view.slices),
        "tree": _tree(view.tree),
        "people": _records(pd.DataFrame([vars(cell) for cell in view.heat], columns=_CELL)),
        "notes": list(view.notes),
        "recognised": list(view.recognised),
        "absent": dict(view.absent),
        "purpose": "for coaching, not for employment decisions",
    }


_CELL = list(Cell.__dataclass_fields__)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values; what is not a number is null."""
    records: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso"))
    return records


def _tree(tree: Tree) -> dict[str, Any]:
    values = {factor.name: tree.own.value(factor) for factor in tree.factors}
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    return {
        "period_start": tree.period.start.isoformat(),
        "period_end": tree.period.end.isoformat(),
        "reps": tree.reps,
        "factors": known,
        "differences": [_difference(difference) for difference in tree.differences],
        "silent": list(tree.silent),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "against": difference.against,
        "own": difference.own,
        "other": difference.other,
        "blocked": None if difference.blocked is None else difference.blocked.factor.name,
        "shares": [
            {**{k: v for k, v in vars(share).items() if k != "factor"}, "factor": share.factor.name}
            for share in difference.shares
        ],
    }
