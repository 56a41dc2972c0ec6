"""What is said of reps: their chances to make quota, as of a moment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.errors import NotFoundError, NotReady
from features.store import NO_EVENTS
from features.warehouse import Warehouse
from serving.wire import zulu
from training.quota_bundle import QuotaBundle
from training.quota_risks import score_reps
from training.records import LoadedModel

WIDEST = 1.5
"""A range wider than so many quotas says nothing: it is withheld in words, never in files."""


@dataclass(frozen=True)
class QuotaOutlook:
    """One warehouse and one forecast of quota attainment, opened together."""

    warehouse: Warehouse
    bundle: QuotaBundle
    version: str

    @classmethod
    def of(cls, warehouse: Warehouse, model: LoadedModel) -> QuotaOutlook:
        """Take a registered model."""
        if not isinstance(model.bundle, QuotaBundle):
            raise NotReady(f"version {model.version} of {model.kind} is no forecast of quota")
        return cls(warehouse, model.bundle, model.version)

    def moment(self, as_of: datetime | None = None) -> datetime:
        """Give the moment to answer for: the extract's end unless told."""
        if as_of is not None:
            return as_of
        if self.warehouse.data_until == NO_EVENTS:
            raise NotReady("the extract holds no event, so it has no end; say --as-of")
        return self.warehouse.data_until

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Forecast every rep with a running quota, the least likely to make it first."""
        return self.tables(as_of)[0]

    def tables(self, as_of: datetime | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give the reps' table, and that of managers, territories and the company."""
        return score_reps(self.warehouse, self.bundle, self.version, self.moment(as_of))

    def one_rep(self, rep_id: str, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Give one rep's forecasts as plain values, one for each running period."""
        table = self.score(as_of)
        own = table[table["rep_id"] == rep_id]
        if own.empty:
            some = ", ".join(table["rep_id"].unique()[:5]) or "none"
            raise NotFoundError(
                f"rep {rep_id!r} has no quota whose period runs as of {zulu(self.moment(as_of))}; "
                f"reps with one are, for example: {some}"
            )
        return [plain(row) for row in own.to_dict("records")]


def plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Give a row of scores as plain values, with its sentence."""
    told = {str(name): value for name, value in row.items()}
    told["reasons"] = json.loads(told["reasons"])
    told["manager_id"] = told["manager_id"] if isinstance(told["manager_id"], str) else None
    return told | {"says": sentence(told)}


def is_withheld(row: dict[str, Any]) -> str | None:
    """Say why the range is not shown to people; None where it is."""
    if row["evidence"] != "enough":
        return "there is too little evidence for a range"
    if row["attainment_p90"] - row["attainment_p10"] > WIDEST:
        return "the range is too wide to say anything"
    if not row["quota"] > 0:
        return "there is no quota to measure it by"
    return None


def sentence(row: dict[str, Any]) -> str:
    """Say in words where a rep stands."""
    quota, attained = row["quota"], row["attained"]
    chance = f"{100 * row['p_attain']:.0f} % chance to make quota"
    parts = (
        f"{attained:,.0f} closed, {row['expected_open']:,.0f} expected from open deals, "
        f"{row['expected_new']:,.0f} still to be created, of a quota of {quota:,.0f}"
    )
    why = is_withheld(row)
    lands = (
        f"the range is withheld: {why}"
        if why
        else "attainment will land between "
        f"{row['attainment_p10']:.0%} and {row['attainment_p90']:.0%} in 8 of 10 cases"
    )
    return f"{chance}; {parts}; {lands}."
