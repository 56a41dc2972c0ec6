"""The use cases behind the command line and the service, without either of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from features.build import build
from features.errors import NotFoundError, NotReady
from features.store import NO_EVENTS, current
from features.warehouse import Warehouse
from serving.given import Given, given
from serving.lookup import call_list, find_lead, why_no_score
from serving.settings import Settings
from training.bundle import LEADS, Bundle
from training.forecast import score_examples, score_leads, value_of
from training.params import ScoringParams
from training.records import LoadedModel
from training.tracking import Tracking


@dataclass(frozen=True)
class Outlook:
    """One warehouse and one model, opened together, so that no answer mixes two of either."""

    warehouse: Warehouse
    bundle: Bundle
    version: str
    params: ScoringParams

    def moment(self, as_of: datetime | None = None) -> datetime:
        """Give the moment to answer for: the extract's end unless told."""
        if as_of is not None:
            return as_of
        if self.warehouse.data_until == NO_EVENTS:
            raise NotReady("the extract holds no event, so it has no end; say --as-of")
        return self.warehouse.data_until

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Score and rank every open lead."""
        moment = self.moment(as_of)
        return score_leads(self.warehouse, self.bundle, self.version, moment, self.params)

    def fit(
        self, leads: Sequence[Mapping[str, Any]], activities: Sequence[Mapping[str, Any]]
    ) -> Given:
        """Put leads and activities of a request into the form of this warehouse."""
        return given(self.warehouse, leads, activities)

    def score_given(self, rows: Given, as_of: datetime | None = None) -> pd.DataFrame:
        """Score leads that come with a request, with their activities, as if they were ingested.

        They take the place of leads of the same ids in the warehouse; everything around them (the
        owner's record and load, the company's state) is the warehouse's. Those that are not open
        at the moment are not among the rows.
        """
        overlaid = self.warehouse.overlay(
            leads=rows.leads, activities=rows.activities, key="lead_id"
        )
        bundle, moment = self.bundle, self.moment(as_of)
        examples = build(overlaid, bundle.feature_set, bundle.words, [moment], bundle.params)
        wanted = examples.keys["lead_id"].isin([lead["lead_id"] for lead in rows.leads])
        kept = examples.take(wanted.to_numpy())
        return score_examples(kept, bundle, self.version, self.params, value_of(overlaid, kept))

    def reps(self) -> frozenset[str]:
        """Name every rep the extract knows: by the table `reps`, or by a lead."""
        reps, leads = (self.warehouse[name].select("rep_id") for name in ("reps", "leads"))
        fetched = self.warehouse.arrow(reps.union(leads, distinct=True))
        return frozenset(rep for rep in fetched["rep_id"].to_pylist() if rep is not None)

    def lead(self, lead_id: str) -> dict[str, Any] | None:
        """Fetch a lead's beginning and end, if the extract knows it."""
        leads = self.warehouse["leads"]
        found = leads.filter(leads.lead_id == lead_id)
        told = found.select("lead_id", "created_at", "converted_at", "lost_at")
        return next(iter(self.warehouse.arrow(told).to_pylist()), None)


@dataclass(frozen=True)
class Forecaster:
    """Answers from one home: its warehouse, its champion, its settings."""

    home: Path
    settings: Settings

    @cached_property
    def _tracking(self) -> Tracking:
        return Tracking(self.home)

    def warehouse(self) -> Warehouse:
        """Open the warehouse that was ingested last."""
        return Warehouse.duckdb(current(self.home), self.settings.features.ingest)

    def champion(self) -> LoadedModel:
        """Load the champion of lead conversion."""
        return self._tracking.champion(LEADS)

    def mark(self) -> tuple[str, ...]:
        """Name what is in place now, cheaply: another mark means another warehouse or champion."""
        meta = current(self.home)
        return (meta.path.name, meta.fingerprint, str(self._tracking.live(LEADS)))

    def open(self) -> Outlook:
        """Open the warehouse and the champion as they are now."""
        warehouse = self.warehouse()
        warehouse.require("leads", purpose="scoring leads")
        model = self.champion()
        scoring = self.settings.training.scoring
        return Outlook(warehouse, model.bundle, model.version, scoring)

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Score and rank every lead that is open; as of the extract's end unless told."""
        return self.open().score(as_of)

    def call_list(self, rep_id: str | None, as_of: datetime | None, length: int) -> pd.DataFrame:
        """Give a rep's next calls, best first; None asks for the pool of leads without an owner."""
        outlook = self.open()
        return call_list(outlook.score(as_of), rep_id, length, outlook.reps())

    def one_lead(self, lead_id: str, as_of: datetime | None = None) -> dict[str, Any]:
        """Give one open lead's score with its reasons."""
        outlook = self.open()
        found = find_lead(outlook.score(as_of), lead_id)
        if found is None:
            moment = outlook.moment(as_of)
            raise NotFoundError(why_no_score(lead_id, outlook.lead(lead_id), moment))
        return found
