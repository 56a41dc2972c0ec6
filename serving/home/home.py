"""The use cases behind the command line and the service, without either of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pandas as pd

from features.errors import InputError, NotReady
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.home.lead_outlook import Outlook
from serving.home.lookup import call_list
from serving.home.rep_outlook import QuotaOutlook
from serving.settings import Settings
from training.leads.bundle import LEADS, Bundle
from training.quota.bundle import QUOTA
from training.tracking.records import LoadedModel
from training.tracking.registry import Tracking

NEEDED = {LEADS: ("leads", "activities"), QUOTA: ("deals", "quotas")}
"""The tables each kind of forecast cannot do without."""


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
