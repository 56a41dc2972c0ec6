"""The use cases behind the command line and the service, without either of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.build import build
from features.errors import NotFoundError
from features.store import current
from features.warehouse import Warehouse
from serving.settings import Settings
from training.bundle import LEADS
from training.forecast import score_examples, score_leads, value_of
from training.tracking import LoadedModel, Tracking


@dataclass(frozen=True)
class Forecaster:
    """Answers from one home: its warehouse, its champion, its settings."""

    home: Path
    settings: Settings

    def warehouse(self) -> Warehouse:
        """Open the warehouse that was ingested last."""
        return Warehouse.duckdb(current(self.home), self.settings.features.ingest)

    def champion(self) -> LoadedModel:
        """Load the champion of lead conversion."""
        return Tracking(self.home).champion(LEADS)

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Score and rank every lead that is open; as of the extract's end unless told."""
        warehouse, model = self.warehouse(), self.champion()
        moment = as_of or warehouse.data_until
        return score_leads(
            warehouse, model.bundle, model.version, moment, self.settings.training.scoring
        )

    def score_given(
        self,
        leads: Sequence[Mapping[str, Any]],
        activities: Sequence[Mapping[str, Any]],
        as_of: datetime | None = None,
    ) -> pd.DataFrame:
        """Score leads that come with the request, with their activities, as if they were ingested.

        They take the place of leads of the same ids in the warehouse; everything around them (the
        owner's record, the company's state) is the warehouse's.
        """
        warehouse, model = self.warehouse(), self.champion()
        moment = as_of or warehouse.data_until
        overlaid = warehouse.overlay(leads=leads, activities=activities, key="lead_id")
        bundle = model.bundle
        examples = build(overlaid, bundle.feature_set, bundle.words, [moment], bundle.params)
        wanted = examples.keys["lead_id"].isin([str(lead["lead_id"]) for lead in leads])
        kept = examples.take(wanted.to_numpy())
        about = value_of(overlaid, kept)
        return score_examples(kept, bundle, model.version, self.settings.training.scoring, about)

    def call_list(self, rep_id: str | None, as_of: datetime | None, length: int) -> pd.DataFrame:
        """Give a rep's next calls, best first; None asks for the pool of leads without an owner."""
        scores = self.score(as_of)
        own = scores["rep_id"].isna() if rep_id is None else scores["rep_id"] == rep_id
        if rep_id is not None and not own.any():
            some = ", ".join(scores["rep_id"].dropna().unique()[:5]) or "none"
            raise NotFoundError(
                f"no open lead belongs to rep {rep_id!r}; reps with open leads are, for example: "
                f"{some}"
            )
        return scores[own].head(length)

    def one_lead(self, lead_id: str, as_of: datetime | None = None) -> dict[str, Any]:
        """Give one open lead's score with its reasons."""
        scores = self.score(as_of)
        found = scores[scores["lead_id"] == lead_id]
        if found.empty:
            raise NotFoundError(
                f"lead {lead_id!r} is not open as of {scores['as_of'].max()}: it is unknown, "
                "comes later, or was won or lost before"
            )
        row: dict[str, Any] = found.iloc[0].to_dict()
        return row
