"""Scores as the store keeps them: made once for equal inputs, by whichever process comes first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from features.clock import utc_now
from features.errors import InputError
from serving.home.home import Home
from serving.home.lead_outlook import LeadOutlook
from serving.home.rep_outlook import QuotaOutlook
from serving.settings import Settings
from serving.store.scores import Rows, ScoreLog, ScoreRun
from serving.store.trend import PastScore, Trend, runs_before, trends_of
from training.files import LEAD_SCORES, MOMENT, REP_SCORES, FileSchema

OF_RUN = frozenset({"as_of", "model_version", "horizon_days"})
"""Columns whose value is the same in every row of a run."""
MOMENTS = ["period_start", "period_end", "as_of", "cutoff"]


@dataclass(frozen=True)
class KeptScores:
    """The scoring runs of a home, read and added to.

    Attributes:
        log: where they are kept.
        settings: what scores depend on beside data and model, and how many runs stay.
    """

    log: ScoreLog
    settings: Settings

    def leads(self, outlook: LeadOutlook) -> tuple[pd.DataFrame, str | None]:
        """Return the scores of open leads as of the end of the data, made unless they are kept.

        Returns:
            The rows of `lead_scores.parquet`; and why the store does not hold them, None if it
            does.
        """
        moment = outlook.moment()
        key = self._key(outlook, moment)

        def make() -> tuple[ScoreRun, Rows]:
            table = outlook.score(moment)
            run = _run("leads", key, moment, outlook)
            return run, as_rows(table)

        run, rows, unkept = self._once("leads", key, make)
        return as_table(run, rows, LEAD_SCORES), unkept

    def reps(self, outlook: QuotaOutlook) -> tuple[pd.DataFrame, pd.DataFrame, str | None]:
        """Return the forecasts of reps and those of teams, made unless they are kept.

        Returns:
            The rows of `rep_scores.parquet`, those of teams, and why the store does not hold them.
        """
        moment = outlook.moment()
        key = self._key(outlook, moment)

        def make() -> tuple[ScoreRun, Rows]:
            table, teams = outlook.tables(moment)
            run = _run("quota", key, moment, outlook, _as_json(as_rows(teams)))
            return run, as_rows(table)

        run, rows, unkept = self._once("quota", key, make)
        return as_table(run, rows, REP_SCORES), _teams(run.teams), unkept

    def table(self, outlook: LeadOutlook | QuotaOutlook) -> tuple[pd.DataFrame, str | None]:
        """Return the file of an outlook's kind, and why the store does not hold it, if so."""
        if isinstance(outlook, LeadOutlook):
            return self.leads(outlook)
        table, _, unkept = self.reps(outlook)
        return table, unkept

    def trend(self, row: Mapping[str, Any]) -> tuple[Trend, ...]:
        """Return how one lead's score has moved, as far as runs of then are kept.

        Args:
            row: of `lead_scores.parquet`, with its reasons as values.
        """
        now = PastScore(row["as_of"], row["model_version"], row["score"], row["reasons"])
        past = {
            days: (run, self.log.of_leads(run, [row["lead_id"]]))
            for days, run in runs_before(self.log.runs("leads"), row["as_of"]).items()
        }
        return trends_of({row["lead_id"]: now}, past).get(row["lead_id"], ())

    def trends(self, table: pd.DataFrame) -> dict[str, tuple[Trend, ...]]:
        """Return how the scores of leads have moved, by lead, as far as runs of then are kept.

        Args:
            table: the rows of `lead_scores.parquet`, of one moment.
        """
        if table.empty:
            return {}
        as_of: datetime = table["as_of"].iloc[0].to_pydatetime()
        standing = runs_before(self.log.runs("leads"), as_of)
        if not standing:
            return {}
        now = {
            row["lead_id"]: PastScore(
                as_of, row["model_version"], row["score"], json.loads(row["reasons"])
            )
            for row in table[["lead_id", "model_version", "score", "reasons"]].to_dict("records")
        }
        past = {days: (run, self.log.of_leads(run)) for days, run in standing.items()}
        return trends_of(now, past)

    def _once(
        self, kind: str, key: str, make: Callable[[], tuple[ScoreRun, Rows]]
    ) -> tuple[ScoreRun, Rows, str | None]:
        """Return the run of a key with its rows; where the store fails, it is made all the same."""
        own: list[tuple[ScoreRun, Rows]] = []
        failed: list[Exception] = []

        def made() -> tuple[ScoreRun, Rows]:
            try:
                own.append(make())
            except Exception as error:
                failed.append(error)
                raise
            return own[0]

        try:
            while not own:
                kept = self.log.rows(kind, key)
                if kept is not None:
                    return *kept, None
                self.log.once(kind, key, self.settings.serving.runs_kept, made)
        except (InputError, OSError) as error:
            if failed:
                raise
            return *(own[0] if own else make()), str(error)
        return *own[0], None

    def _key(self, outlook: LeadOutlook | QuotaOutlook, as_of: datetime) -> str:
        """Name what the scores depend on: data, moment, model and settings."""
        warehouse, settings = outlook.warehouse, self.settings
        parts = [
            warehouse.fingerprint,
            as_of.isoformat(),
            outlook.version,
            outlook.bundle.version,
            settings.features.model_dump_json(),
            settings.training.model_dump_json(),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def with_trend(home: Home, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one lead's score with its `trend`: how it has moved, each part with `says`.

    Args:
        home: whose store tells of earlier scores.
        row: from `LeadOutlook.one_lead`.
    """
    trends = KeptScores(ScoreLog(home.store), home.settings).trend(row)
    return {**row, "trend": [{**asdict(trend), "says": trend.says} for trend in trends]}


def _run(
    kind: str, key: str, as_of: datetime, outlook: LeadOutlook | QuotaOutlook, teams: Rows = ()
) -> ScoreRun:
    horizon = outlook.bundle.horizon_days if isinstance(outlook, LeadOutlook) else None
    return ScoreRun(
        kind=kind,
        key=key,
        as_of=as_of,
        made_at=utc_now(),
        model_version=outlook.version,
        data_fingerprint=outlook.warehouse.fingerprint,
        horizon_days=horizon,
        teams=teams,
    )


def as_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table's rows as plain values, None where one is empty."""
    plain = table.astype(object).where(table.notna(), None)
    for name in table.columns.intersection(MOMENTS):
        plain[name] = pd.Series(table[name].dt.to_pydatetime(), table.index, dtype=object)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def as_table(run: ScoreRun, rows: Rows, schema: FileSchema) -> pd.DataFrame:
    """Return a run as the file of its kind has it, to the bit.

    Args:
        run: the run.
        rows: its rows.
        schema: the file's columns.
    """
    of_run = {name: getattr(run, name) for name in OF_RUN}
    columns = {
        column.name: pd.Series(
            [of_run[column.name]] * len(rows)
            if column.name in OF_RUN
            else [row[column.name] for row in rows],
            dtype=column.dtype,
        )
        for column in schema.columns
    }
    return pd.DataFrame(columns)


def _as_json(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if name in MOMENTS else value for name, value in row.items()}
        for row in rows
    ]


def _teams(rows: Rows) -> pd.DataFrame:
    table = pd.DataFrame([dict(row) for row in rows])
    for name in table.columns.intersection(MOMENTS):
        table[name] = pd.Series(pd.to_datetime(table[name]), dtype=MOMENT)
    return table
