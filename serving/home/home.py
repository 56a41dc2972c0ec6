"""What one home can answer: its warehouse, its champions, its settings."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from features.errors import InputError, NotFoundError, NotReady
from features.evidence import EvidenceState
from features.ingest.forgotten import forgotten_people
from features.storage.catalog import current, ingest_report
from features.storage.spark import spark_session
from features.storage.warehouse import Warehouse
from serving.home.champions import ServedChampions
from serving.home.lead_outlook import LeadOutlook
from serving.home.left_out import without_forgotten
from serving.home.live import LiveData
from serving.home.rep_outlook import QuotaOutlook
from serving.home.today import store_of
from serving.settings import Settings
from serving.store.database import Store
from serving.store.posted import PostedLog
from training.loop.kinds import KINDS, LEADS, QUOTA, Kind
from training.loop.results import Recipe
from training.tracking.records import LoadedModel
from training.tracking.registry import Tracking

log = logging.getLogger("pacesetter.serve")


@dataclass(frozen=True)
class Home:
    """Answers from one home, without the terminal and without the service."""

    place: Path
    settings: Settings

    @cached_property
    def tracking(self) -> Tracking:
        """The runs and models of this home, or those its company shares."""
        return Tracking(self.place, self.settings.serving.database.shared)

    @property
    def recipe(self) -> Recipe:
        """How this home's settings have models made."""
        settings = self.settings
        return Recipe(
            settings.features, settings.training, self.place.name, ingest_report(self.place)
        )

    def warehouse(self) -> Warehouse:
        """Open the warehouse that was ingested last, on the engine that the settings name.

        Raises:
            NotReady: nothing was ingested yet, or the engine is not there.
        """
        meta, params = current(self.place), self.settings.features.ingest
        engine = self.settings.serving.engine
        if engine.name == "duckdb":
            return Warehouse.duckdb(meta, params)
        session = spark_session(engine.master, params.memory_gb, engine.settings)
        return Warehouse.spark(meta, session)

    def live(self) -> LiveData:
        """Open the warehouse with the events that were posted since; see `warehouse`."""
        extract = self.warehouse()
        try:
            events = without_forgotten(self.posted.all(), forgotten_people(self.place))
            return LiveData.of(extract, events)
        except (InputError, OSError) as error:
            # Scores of the extract alone are better than none; `mark` differs once it can be read.
            log.error("posted events are left out: %s", error)  # noqa: TRY400 - one line says all
            return LiveData(extract, ())

    @property
    def posted(self) -> PostedLog:
        """The events that were posted to the service."""
        return PostedLog(self.store)

    def supported(self) -> list[Kind]:
        """Return the kinds of models that the tables allow.

        Raises:
            InputError: they allow none.
        """
        unsupported = self.unsupported()
        kinds = [kind for kind in KINDS.values() if kind.name not in unsupported]
        if not kinds:
            raise InputError("; ".join(unsupported.values()))
        return kinds

    def unsupported(self) -> dict[str, str]:
        """Say, of each kind of model that the tables do not allow, what is missing."""
        warehouse, reasons = self.warehouse(), {}
        for kind in KINDS.values():
            try:
                kind.require(warehouse, "forecasting")
            except InputError as error:
                reasons[kind.name] = str(error)
        return reasons

    def trained(self) -> list[Kind]:
        """Return the kinds that have a champion.

        Raises:
            NotReady: there is none, or no data yet.
        """
        current(self.place)
        kinds = [kind for kind in KINDS.values() if self.tracking.live(kind.name) is not None]
        if not kinds:
            folder = self.tracking.mlruns.folder
            raise NotReady(f"there is no model in {folder}; run `pacesetter train`")
        return kinds

    def champion(self, kind: Kind) -> LoadedModel:
        """Load the champion of a kind."""
        return self.tracking.champion(kind.name)

    def doubts(self) -> dict[str, str]:
        """Say, of each kind whose champion is a fallback, why no model forecasts."""
        doubts = {}
        for kind in KINDS.values():
            # A champion of an earlier version is told of by whatever has to use it.
            with suppress(NotFoundError, NotReady):
                evidence = self.champion(kind).bundle.evidence
                if evidence.state is EvidenceState.NONE:
                    doubts[kind.name] = evidence.says
        return doubts

    def mark(self, champions: ServedChampions) -> tuple[str, ...]:
        """Name what is in place now, cheaply: champions, warehouse, and the last posted event."""
        return (*(champions.mark(kind) for kind in KINDS), *self.data_mark())

    def data_mark(self) -> tuple[str, ...]:
        """Name the data that are in place now: the warehouse, and the last posted event."""
        meta = current(self.place)
        try:
            posted = str(self.posted.mark())
        except (InputError, OSError):
            posted = "unknown"
        return meta.path.name, meta.fingerprint, posted

    @property
    def store(self) -> Store:
        """What people and schedulers decided, and the scores, of this home or its company."""
        return store_of(self.place, self.settings)

    def open_leads(self, warehouse: Warehouse | None = None) -> LeadOutlook:
        """Open the warehouse, unless one is given, and the champion of lead conversion."""
        warehouse = warehouse or self.warehouse()
        warehouse.require("leads", purpose="scoring leads")
        return LeadOutlook.of(warehouse, self.champion(LEADS), self.settings.training)

    def open_quota(self, warehouse: Warehouse | None = None) -> QuotaOutlook:
        """Open the warehouse, unless one is given, and the champion of quota attainment."""
        warehouse = warehouse or self.warehouse()
        QUOTA.require(warehouse, "forecasting")
        return QuotaOutlook.of(warehouse, self.champion(QUOTA))

    def open(self, kind: Kind) -> LeadOutlook | QuotaOutlook:
        """Open the warehouse and the champion of a kind."""
        return self.open_leads() if kind is LEADS else self.open_quota()

    def score(self, kind: Kind) -> pd.DataFrame:
        """Score everything of a kind as of the extract's end."""
        return self.open(kind).score()
