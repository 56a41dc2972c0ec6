"""One warehouse and the lead model, opened together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.build import build
from features.errors import NotFoundError, NotReady
from features.snapshot import deletion_in
from features.storage.warehouse import Warehouse
from serving.home.data_findings import doubted
from serving.home.extract import moment_of, named_in
from serving.home.inline_rows import InlineRows, inline_rows
from serving.home.lookup import find_lead, why_no_score
from training.leads.bundle import Bundle
from training.leads.score import (
    Listing,
    score_examples,
    score_leads,
    value_of,
    with_amounts,
)
from training.leads.usual import with_usual
from training.params import TrainingParams
from training.tracking.records import LoadedModel


@dataclass(frozen=True)
class LeadOutlook:
    """One warehouse and one model, opened together, so that no answer mixes two of either.

    Attributes:
        warehouse: the history.
        bundle: the model.
        listing: how scores are put into their form.
        doubt: why the data that scores rest on is broken; None where it is not.
    """

    warehouse: Warehouse
    bundle: Bundle
    listing: Listing
    doubt: str | None = None

    @classmethod
    def of(cls, warehouse: Warehouse, model: LoadedModel, params: TrainingParams) -> LeadOutlook:
        """Take a registered model.

        Raises:
            NotReady: it is not a lead model.
        """
        if not isinstance(model.bundle, Bundle):
            raise NotReady(f"version {model.version} of {model.kind} is not a lead model")
        return cls(warehouse, model.bundle, Listing.of(model.version, params))

    @property
    def version(self) -> str:
        """The version of the model in the registry."""
        return self.listing.version

    def moment(self, as_of: datetime | None = None) -> datetime:
        """Return the moment to answer for: the extract's end unless told."""
        return moment_of(self.warehouse, as_of)

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Score and rank every open lead."""
        moment = self.moment(as_of)
        scores = score_leads(self.warehouse, self.bundle, self.listing, moment)
        return doubted(scores, self.doubt)

    def one_lead(self, lead_id: str, as_of: datetime | None = None) -> dict[str, Any]:
        """Return one open lead's score with its reasons, the same to the bit as `score` has it.

        Each reason also has `at_usual`, the score at the team's usual value, and `says`, the reason
        in sentences. Features need every open lead, since leads are compared with each other; the
        rank needs the leads of the same owner. Only those are forecast and explained.

        Raises:
            NotFoundError: the lead is not open at the moment; says why.
        """
        bundle, moment = self.bundle, self.moment(as_of)
        features = bundle.listed_features
        examples = build(self.warehouse, features, bundle.vocabulary, [moment], bundle.params)
        owner = examples.keys["owner"]
        asked = examples.keys["lead_id"] == lead_id
        if not asked.any():
            raise NotFoundError(why_no_score(lead_id, self.lead(lead_id), moment))
        whose = owner[asked].iloc[0]
        same = owner.isna() if pd.isna(whose) else owner == whose
        about = with_amounts(value_of(self.warehouse, examples.keys), self.listing.calls)
        rows = same.to_numpy(np.bool_)
        scores = score_examples(examples.take(rows), bundle, self.listing, about[rows])
        scores = doubted(scores, self.doubt)
        row = find_lead(scores, lead_id) or {}
        place, each_side = int(np.flatnonzero(asked)[0]), self.listing.reasons
        reasons, of_call = (json.loads(row[name]) for name in ("reasons", "call_reasons"))
        return {
            **row,
            "call_reasons": of_call,
            "reasons": with_usual(bundle, bundle.own_part(examples), place, reasons, each_side),
        }

    def fit(
        self, leads: Sequence[Mapping[str, Any]], activities: Sequence[Mapping[str, Any]]
    ) -> InlineRows:
        """Put leads and activities of a request into the form of this warehouse."""
        return inline_rows(self.warehouse, leads, activities)

    def score_given(self, rows: InlineRows, as_of: datetime | None = None) -> pd.DataFrame:
        """Score leads that come with a request, with their activities, as if they were ingested.

        They take the place of leads of the same ids in the warehouse; everything around them (the
        owner's record and load, the company's state) is the warehouse's. Those that are not open
        at the moment are not among the rows.
        """
        overlaid = self.warehouse.overlay(
            leads=rows.leads, activities=rows.activities, key="lead_id"
        )
        bundle, moment = self.bundle, self.moment(as_of)
        features = bundle.listed_features
        examples = build(overlaid, features, bundle.vocabulary, [moment], bundle.params)
        wanted = examples.keys["lead_id"].isin([lead["lead_id"] for lead in rows.leads])
        kept = examples.take(wanted.to_numpy())
        values = with_amounts(value_of(overlaid, kept.keys), self.listing.calls)
        return doubted(score_examples(kept, bundle, self.listing, values), self.doubt)

    def reps(self) -> frozenset[str]:
        """Return every rep of the extract, known by the table `reps` or by a lead."""
        return named_in(self.warehouse, "rep_id", "reps", "leads")

    def lead(self, lead_id: str) -> dict[str, Any] | None:
        """Fetch a lead's beginning and end, if the extract knows it, deleted or not."""
        leads = self.warehouse.ever("leads")
        row = leads.filter(leads.lead_id == lead_id)
        ends = ("converted_at", "lost_at", *deletion_in(leads))
        row = row.select("lead_id", "created_at", *ends)
        return next(iter(self.warehouse.arrow(row).to_pylist()), None)
