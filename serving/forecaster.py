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
from features.errors import InputError, NotFoundError, NotReady
from features.store import current
from features.warehouse import Warehouse
from serving.given import Given, given
from serving.lookup import call_list, find_lead, why_no_score
from serving.opened import moment_of, named_in
from serving.quota_outlook import QuotaOutlook
from serving.settings import Settings
from training.bundle import LEADS, Bundle
from training.forecast import score_examples, score_leads, value_of
from training.params import ScoringParams
from training.quota_bundle import QUOTA
from training.records import LoadedModel
from training.tracking import Tracking

NEEDED = {LEADS: ("leads", "activities"), QUOTA: ("deals", "quotas")}
"""The tables each kind of forecast cannot do without."""


@dataclass(frozen=True)
class Outlook:
    """One warehouse and one model, opened together, so that no answer mixes two of either."""

    warehouse: Warehouse
    bundle: Bundle
    version: str
    params: ScoringParams

    def moment(self, as_of: datetime | None = None) -> datetime:
        """Give the moment to answer for: the extract's end unless told."""
        return moment_of(self.warehouse, as_of)

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Score and rank every open lead."""
        moment = self.moment(as_of)
        return score_leads(self.warehouse, self.bundle, self.version, moment, self.params)

    def one_lead(self, lead_id: str, as_of: datetime | None = None) -> dict[str, Any]:
        """Give one open lead's score with its reasons."""
        found = find_lead(self.score(as_of), lead_id)
        if found is None:
            raise NotFoundError(why_no_score(lead_id, self.lead(lead_id), self.moment(as_of)))
        return found

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
        return named_in(self.warehouse, "rep_id", "reps", "leads")

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

    def kinds(self) -> list[str]:
        """Name the kinds of forecasts that the tables allow.

        Raises:
            InputError: they allow none.
        """
        lacking = self.lacking()
        found = [kind for kind in NEEDED if kind not in lacking]
        if not found:
            raise InputError("; ".join(lacking.values()))
        return found

    def lacking(self) -> dict[str, str]:
        """Say, of each kind of forecasts that the tables do not allow, what is missing."""
        warehouse, said = self.warehouse(), {}
        for kind, tables in NEEDED.items():
            try:
                warehouse.require(*tables, purpose=f"a forecast of {kind}")
            except InputError as error:
                said[kind] = str(error)
        return said

    def trained(self) -> list[str]:
        """Name the kinds of which there is a champion.

        Raises:
            NotReady: there is none, or no data yet.
        """
        current(self.home)
        found = [kind for kind in NEEDED if self._tracking.live(kind) is not None]
        if not found:
            raise NotReady(f"there is no model in {self.home / 'mlruns'}; run `pacesetter train`")
        return found

    def champion(self) -> LoadedModel:
        """Load the champion of lead conversion."""
        return self._tracking.champion(LEADS)

    def open_quota(self, warehouse: Warehouse | None = None) -> QuotaOutlook:
        """Open the warehouse, unless one is given, and the champion of quota attainment."""
        warehouse = warehouse or self.warehouse()
        warehouse.require(*NEEDED[QUOTA], purpose="forecasting quota attainment")
        model = self._tracking.champion(QUOTA)
        return QuotaOutlook.of(warehouse, model)

    def mark(self) -> tuple[str, ...]:
        """Name what is in place now, cheaply: another mark means another warehouse or champion."""
        meta = current(self.home)
        live = (str(self._tracking.live(kind)) for kind in NEEDED)
        return (meta.path.name, meta.fingerprint, *live)

    def open(self, warehouse: Warehouse | None = None) -> Outlook:
        """Open the warehouse, unless one is given, and the champion of leads."""
        warehouse = warehouse or self.warehouse()
        warehouse.require("leads", purpose="scoring leads")
        model = self.champion()
        if not isinstance(model.bundle, Bundle):
            raise NotReady(f"version {model.version} of leads is no forecast of leads")
        scoring = self.settings.training.scoring
        return Outlook(warehouse, model.bundle, model.version, scoring)

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Score and rank every lead that is open; as of the extract's end unless told."""
        return self.open().score(as_of)

    def call_list(self, rep_id: str | None, as_of: datetime | None, length: int) -> pd.DataFrame:
        """Give a rep's next calls, best first; None asks for the pool of leads without an owner."""
        outlook = self.open()
        return call_list(outlook.score(as_of), rep_id, length, outlook.reps())
