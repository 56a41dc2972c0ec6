"""Scoring runs: what each of them said of every open lead, and of every rep with a quota.

A run and all its rows are written in one transaction, so a reader finds the whole run or none of
it. Equal inputs have equal keys, and a key has one run: services that share a store make it once.
Of the runs of one day the newest stays, and of those as many as the settings say. Reasons are
texts of a kilobyte that resemble each other, so they are kept compressed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    delete,
    insert,
    select,
)

from serving.store.database import Store

Rows = Sequence[Mapping[str, Any]]
MOST_NAMED = 500
"""Ids in one query; databases allow some thousands."""


class _Packed(TypeDecorator[str]):
    """A text, compressed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> Any:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else zlib.compress(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else zlib.decompress(value).decode()


@dataclass(frozen=True)
class ScoreRun:
    """One scoring run, without its rows.

    Attributes:
        kind: "leads" or "quota".
        key: names the inputs: equal inputs, equal keys.
        as_of: the moment the scores are for, naive UTC.
        made_at: when they were made, naive UTC; by a clock that may have been set.
        model_version: of the model in the registry.
        data_fingerprint: of the extract.
        horizon_days: how far the scores look ahead; None for quotas, whose period is the horizon.
        teams: the forecasts of reps added up to teams, as plain values; none for leads.
    """

    kind: str
    key: str
    as_of: datetime
    made_at: datetime
    model_version: str
    data_fingerprint: str
    horizon_days: int | None = None
    teams: Rows = field(default=())


_META = MetaData()
_RUNS = Table(
    "score_runs",
    _META,
    Column("id", Integer, primary_key=True),
    Column("kind", String),
    Column("key", String),
    Column("as_of", DateTime),
    Column("made_at", DateTime),
    Column("model_version", String),
    Column("data_fingerprint", String),
    Column("row_count", Integer),
    Column("horizon_days", Integer),
    Column("teams", JSON),
)
_LEADS = Table(
    "lead_scores",
    _META,
    Column("run_id", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("lead_id", String),
    Column("rep_id", String),
    *(Column(name, Double) for name in ("p", "score", "reach", "gain", "priority")),
    Column("rank", Integer),
    *(Column(name, String) for name in ("band", "evidence")),
    *(Column(name, _Packed) for name in ("reasons", "call_reasons")),
    Column("call_evidence", String),
)
_REPS = Table(
    "rep_scores",
    _META,
    Column("run_id", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("rep_id", String),
    *(Column(name, DateTime) for name in ("period_start", "period_end")),
    *(Column(name, Double) for name in ("quota", "attained", "p_attain")),
    *(Column(f"attainment_{level}", Double) for level in ("p10", "p50", "p90")),
    *(Column(name, Boolean) for name in ("at_risk", "has_left")),
    *(Column(name, String) for name in ("evidence", "evidence_says", "manager_id")),
    Column("reasons", _Packed),
    *(Column(name, Double) for name in ("expected_open", "expected_new")),
    *(Column(name, Double) for name in ("range_low", "range_high", "p_in_range")),
)
_ROWS: Mapping[str, Table] = {"leads": _LEADS, "quota": _REPS}


@dataclass(frozen=True)
class ScoreLog:
    """The scoring runs of one home, or those that the homes of a company share.

    Attributes:
        store: where they are kept.
    """

    store: Store

    def rows(self, kind: str, key: str) -> tuple[ScoreRun, list[dict[str, Any]]] | None:
        """Return the run of a key with its rows in their order; None if there is no such run."""
        with self.store.reading() as connection:
            found = _run(connection, kind, key)
            if found is None:
                return None
            table = _ROWS[kind]
            columns = [column for column in table.columns if column.name != "run_id"]
            of_run = select(*columns).where(table.c.run_id == found[0]).order_by(table.c.position)
            rows = [dict(row) for row in connection.execute(of_run).mappings()]
        for row in rows:
            del row["position"]
        return found[1], rows

    def once(
        self, kind: str, key: str, runs_kept: int, make: Callable[[], tuple[ScoreRun, Rows]]
    ) -> bool:
        """Make and keep the run of a key, unless it is there.

        Others who want a run of the kind wait meanwhile, and then find it; the store itself stays
        free, since making a run takes up to minutes.

        Args:
            kind: "leads" or "quota".
            key: of the run.
            runs_kept: runs of the kind that stay, the newest of each day.
            make: makes the run and its rows.

        Returns:
            Whether it was made now.
        """
        with self.store.locked(f"scores.{kind}"):
            with self.store.reading() as connection:
                if _run(connection, kind, key) is not None:
                    return False
            run, rows = make()
            with self.store.writing() as connection:
                _write(connection, run, rows)
                _prune(connection, kind, runs_kept)
        return True

    def runs(self, kind: str) -> list[ScoreRun]:
        """Return the runs of a kind without their rows, the oldest `as_of` first."""
        query = select(_RUNS).where(_RUNS.c.kind == kind).order_by(_RUNS.c.as_of, _RUNS.c.id)
        with self.store.reading() as connection:
            return [_plain_run(dict(row)) for row in connection.execute(query).mappings()]

    def of_leads(
        self, run: ScoreRun, lead_ids: Sequence[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return what a run said of leads, by lead: `score` and `reasons`.

        Args:
            run: from `runs`.
            lead_ids: the leads asked for; None for all. Those it did not score are left out.
        """
        columns = _LEADS.c.lead_id, _LEADS.c.score, _LEADS.c.reasons
        query = select(*columns).join(_RUNS, _RUNS.c.id == _LEADS.c.run_id)
        query = query.where(_RUNS.c.kind == "leads", _RUNS.c.key == run.key)
        parts = [query]
        if lead_ids is not None:
            starts = range(0, len(lead_ids), MOST_NAMED)
            named = (lead_ids[start : start + MOST_NAMED] for start in starts)
            parts = [query.where(_LEADS.c.lead_id.in_(names)) for names in named]
        with self.store.reading() as connection:
            rows = [row for part in parts for row in connection.execute(part).mappings()]
        return {row["lead_id"]: dict(row) for row in rows}


def _run(connection: Connection, kind: str, key: str) -> tuple[int, ScoreRun] | None:
    query = select(_RUNS).where(_RUNS.c.kind == kind, _RUNS.c.key == key)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else (row["id"], _plain_run(dict(row)))


def _plain_run(row: Mapping[str, Any]) -> ScoreRun:
    values = {name: value for name, value in row.items() if name not in {"id", "row_count"}}
    return ScoreRun(**values)


def _write(connection: Connection, run: ScoreRun, rows: Rows) -> None:
    values = vars(run) | {"teams": list(run.teams), "row_count": len(rows)}
    (run_id,) = connection.execute(insert(_RUNS), values).inserted_primary_key or (None,)
    table = _ROWS[run.kind]
    names = {column.name for column in table.columns}
    if rows:
        connection.execute(
            insert(table),
            [
                {name: value for name, value in row.items() if name in names}
                | {"run_id": run_id, "position": position}
                for position, row in enumerate(rows)
            ],
        )


def _prune(connection: Connection, kind: str, runs_kept: int) -> None:
    """Remove all but the newest run of each day, and all but so many of these.

    "Newest" goes by what was written last, never by a clock that may have been set back. With two
    runs kept:

        as of            written   stays
        1 May 10:00      1         no: two newer days
        2 May 10:00      2         no: the day has a later one
        2 May 11:00      3         yes
        3 May 10:00      4         yes
    """
    query = select(_RUNS.c.id, _RUNS.c.as_of).where(_RUNS.c.kind == kind).order_by(_RUNS.c.id)
    rows = connection.execute(query).all()
    newest_of_day = {as_of.date(): run_id for run_id, as_of in rows}
    last = rows[-1][0]
    stays = {run_id for _, run_id in sorted(newest_of_day.items())[-runs_kept:]} | {last}
    gone = [run_id for run_id, _ in rows if run_id not in stays]
    for table, column in ((_ROWS[kind], _ROWS[kind].c.run_id), (_RUNS, _RUNS.c.id)):
        connection.execute(delete(table).where(column.in_(gone)))
