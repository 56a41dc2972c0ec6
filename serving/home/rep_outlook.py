"""One warehouse and the quota model, opened together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.clock import zulu
from features.errors import NotFoundError, NotReady
from features.storage.warehouse import Warehouse
from serving.home.data_findings import doubted
from serving.home.extract import moment_of, named_in
from serving.wording.forecasts import RepForecast
from serving.wording.reps import chance_withheld, rep_sentence, rep_withheld
from training.coaching.contrast import contrast
from training.quota.bundle import QuotaBundle
from training.quota.score import RepOutlooks, score_reps, tables_of
from training.tracking.records import LoadedModel

Spans = Mapping[str, tuple[datetime, datetime] | None]
"""Reps, with the first day of their first quota and the end of their last; None without one."""


@dataclass(frozen=True)
class QuotaOutlook:
    """One warehouse and one forecast of quota attainment, opened together.

    Attributes:
        warehouse: the history.
        bundle: the model.
        version: its version in the registry.
        doubt: why the data that forecasts rest on is broken; None where it is not.
    """

    warehouse: Warehouse
    bundle: QuotaBundle
    version: str
    doubt: str | None = None

    @classmethod
    def of(cls, warehouse: Warehouse, model: LoadedModel) -> QuotaOutlook:
        """Open a registered model.

        Raises:
            NotReady: it is not a quota model.
        """
        if not isinstance(model.bundle, QuotaBundle):
            raise NotReady(f"version {model.version} of {model.kind} is not a quota model")
        return cls(warehouse, model.bundle, model.version)

    def moment(self, as_of: datetime | None = None) -> datetime:
        """Return the moment to answer for: the extract's end unless told."""
        return moment_of(self.warehouse, as_of)

    def score(self, as_of: datetime | None = None) -> pd.DataFrame:
        """Forecast every rep with a running quota, the least likely to make it first."""
        return self.tables(as_of)[0]

    def tables(self, as_of: datetime | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the table of reps, and that of managers, territories and the company."""
        table, teams = score_reps(self.warehouse, self.bundle, self.version, self.moment(as_of))
        return doubted(table, self.doubt), teams

    def one_rep(self, rep_id: str, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Return one rep's forecasts as plain values, one for each running period.

        Each has `contrast` beside its reasons: the same chance, explained against comparable peers.
        """
        moment = self.moment(as_of)
        outlooks = RepOutlooks.draw(self.warehouse, self.bundle, moment)
        table = doubted(tables_of(outlooks, self.bundle, self.version)[0], self.doubt)
        is_there = table["rep_id"].eq(rep_id).any()
        # Whom the extract knows is asked only to say why a rep has no forecast.
        own = of_rep(table, rep_id, {} if is_there else self.reps(), moment)
        return [_beside_peers(plain(row), outlooks) for row in own.to_dict("records")]

    def reps(self) -> Spans:
        """Return every rep of the extract, known by the table `reps` or by a quota."""
        quotas = self.warehouse["quotas"]
        first, last = quotas.period_start.min(), quotas.period_end.max()
        spans = self.warehouse.arrow(quotas.group_by("rep_id").aggregate(first=first, last=last))
        periods = {row["rep_id"]: (row["first"], row["last"]) for row in spans.to_pylist()}
        names = named_in(self.warehouse, "rep_id", "reps", "quotas")
        return {rep: periods.get(rep) for rep in names}

    def managers(self) -> frozenset[str]:
        """Return every manager of the table `reps`."""
        return named_in(self.warehouse, "manager_id", "reps")


def of_rep(table: pd.DataFrame, rep_id: str, reps: Spans, moment: datetime) -> pd.DataFrame:
    """Take one rep out of forecasts, a row for each running period.

    Args:
        table: the forecasts.
        rep_id: whose.
        reps: everybody who is known, with when their quotas run.
        moment: what the forecasts are made for.
    """
    own = table[table["rep_id"] == rep_id]
    if not own.empty:
        return own
    some = ", ".join(sorted(table["rep_id"].unique())[:5]) or "none"
    said = f"reps with a running quota are, for example: {some}"
    if rep_id not in reps:
        raise NotFoundError(f"no rep has the id {rep_id!r}; {said}")
    span = reps[rep_id]
    own_quotas = (
        f"the rep's quotas run from {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}"
        if span
        else "the rep never has one"
    )
    raise NotFoundError(
        f"rep {rep_id!r} has no quota whose period runs as of "
        f"{zulu(moment.replace(microsecond=0))}: {own_quotas}; {said}"
    )


def _beside_peers(values: dict[str, Any], outlooks: RepOutlooks) -> dict[str, Any]:
    """Add to a forecast why it differs from that of comparable peers."""
    keys = outlooks.futures.keys
    is_row = (keys["rep_id"] == values["rep_id"]) & (keys["period_start"] == values["period_start"])
    row = int(np.flatnonzero(is_row & (keys["period_end"] == values["period_end"]))[0])
    return values | {"contrast": contrast(outlooks, row, values["p_attain"])}


def plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a row of forecasts as plain values, with what is said of it."""
    values = {str(name): value for name, value in row.items()}
    values["reasons"] = json.loads(values["reasons"])
    values["manager_id"] = values["manager_id"] if isinstance(values["manager_id"], str) else None
    forecast = RepForecast.from_row(values)
    return values | {
        "chance_withheld": chance_withheld(forecast),
        "range_withheld": rep_withheld(forecast),
        "says": rep_sentence(forecast),
    }
