"""Answers about key figures, models, and what reps commit to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.errors import NotFoundError, NotReady
from features.evidence import EvidenceState
from serving.access.people import Role
from serving.api.company_contracts import (
    KpiDefinition,
    KpiRow,
    Kpis,
    KpisRequest,
    ModelInfo,
    ModelsInfo,
)
from serving.api.failures import NotAllowed
from serving.api.office import Asker, Office
from serving.api.people_contracts import (
    Bias,
    CommitHistoryPeriod,
    ForecastHistory,
    ForecastHistoryRequest,
    ForecastSent,
    Said,
)
from serving.api.person_answers import frame_rows
from serving.api.work_answers import receipts
from serving.home.scored import Unavailable
from serving.store.commits import CommitLog, RepCommit
from serving.store.keyed_log import Receipt

if TYPE_CHECKING:
    import pandas as pd

    from serving.home.commits import CommitPeriod
    from serving.home.live import LiveData
    from training.evaluation.commit_history import RepBias
    from training.tracking.records import Version

LEVEL = 0.9
"""Coverage of the interval about a bias."""
OF_CALIBRATION = ("calibration_", "ece")
SHOWN_STARTS = 6
"""Quota periods that an error names."""


def kpis(office: Office, asker: Asker, request: KpisRequest) -> Kpis:
    """Return key figures, of whom the asker may see.

    Raises:
        InputError: there is no such figure or column, or a column's past is not known.
        NotAllowed: the figures are somebody else's.
    """
    from features.kpi.catalogue import KPIS  # noqa: PLC0415 - takes seconds
    from features.kpi.query import KpiQuery, measure  # noqa: PLC0415 - takes seconds

    reps = _reps_asked(office, asker, request)
    by = () if reps is None else ("rep_id",)
    query = KpiQuery(
        names=request.names,
        every=request.every,
        by=(*by, *(() if request.by is None else (request.by,))),
        start=request.start,
        end=request.as_of,
    )
    settings = office.desk.settings

    def measured(live: LiveData) -> tuple[pd.DataFrame, datetime]:
        warehouse = live.at(request.as_of)
        kpi = settings.training.kpi
        return measure(warehouse, settings.features, kpi, query), warehouse.data_until

    frame, until = office.data.once(("kpis", repr(query)), measured)
    if reps is not None:
        frame = frame[frame["rep_id"].isin(reps)]
    few = settings.training.kpi.minimum_cases
    rows = [_kpi_row(row, request.by, few) for row in frame_rows(frame)]
    return Kpis(
        as_of=until if request.as_of is None else min(request.as_of, until),
        definitions={
            name: KpiDefinition(
                label=KPIS[name].label, unit=KPIS[name].unit.value, says=KPIS[name].says
            )
            for name in dict.fromkeys(row.kpi for row in rows)
        },
        rows=rows,
    )


def _kpi_row(row: dict[str, Any], by: str | None, few: int) -> KpiRow:
    from features.kpi.catalogue import KPIS  # noqa: PLC0415 - takes seconds

    group = None if by is None else row.get(by)
    names = ("kpi", "period_start", "value", "numerator", "denominator", "n", "is_over")
    return KpiRow(
        **{name: row[name] for name in names},
        rep_id=row.get("rep_id"),
        group=None if group is None else str(group),
        is_few=KPIS[row["kpi"]].is_estimate and row["n"] < few,
    )


def _reps_asked(office: Office, asker: Asker, request: KpisRequest) -> frozenset[str] | None:
    """Return whose figures are asked for; None is the company as a whole.

    | asks         | rep_id    | team                       | neither               |
    |--------------|-----------|----------------------------|-----------------------|
    | a rep        | their own | none                       | their own             |
    | a manager    | their own | those of it they may see   | everybody below them  |
    | an analyst   | none      | none                       | the company           |
    | an admin     | anybody   | all of it                  | the company           |
    """
    if request.rep_id is not None:
        asker.require(request.rep_id)
        return frozenset({request.rep_id})
    role, own = asker.person.role, asker.person.rep_id
    if request.team is not None:
        members = _team(office, request.team)
        visible = asker.visible(members)
        if not visible or role is Role.REP:
            raise NotAllowed(f"nobody of the team {request.team!r} is in your team")
        return visible
    if role in {Role.ANALYST, Role.ADMIN}:
        return None
    if own is None:
        raise NotAllowed(f"this token has the role {role} and names no rep")
    return frozenset({own}) if role is Role.REP else frozenset({own, *asker.tree.team(own)})


def _team(office: Office, team: str) -> Iterable[str]:
    from features.history.values import last_shown  # noqa: PLC0415 - takes seconds

    def teams(live: LiveData) -> list[dict[str, Any]]:
        past = live.at().until(None)
        rows = last_shown(past, past["reps"].select("rep_id", "team"), "reps", "team")
        people: list[dict[str, Any]] = past.arrow(rows).to_pylist()
        return people

    people = office.data.once("teams", teams)
    members = [row["rep_id"] for row in people if row["team"] == team]
    if not members:
        raise NotFoundError(f"no rep is in a team called {team!r}")
    return members


def model_info(office: Office) -> ModelsInfo:
    """Return what the champions are, what they learned from, and how good they were.

    Raises:
        NotReady: there is nothing to answer from.
    """
    from training.loop.kinds import KINDS  # noqa: PLC0415 - takes seconds

    current = office.scores.current()
    tracking = office.home.tracking
    parts = {"leads": current.leads, "quota": current.reps}
    champions, promotions = list[ModelInfo](), list[dict[str, Any]]()
    for kind in KINDS:
        live, part = tracking.live(kind), parts[kind]
        if live is None or isinstance(part, Unavailable):
            continue
        version = next(row for row in tracking.versions(kind) if row.version == live)
        says = part.outlook.bundle.evidence.says
        figures = tracking.figures(kind, live)
        champions.append(_model(version, figures, says, in_use=part.outlook.version))
        promotions += [
            {"kind": kind, "at": zulu(row.at), "version": row.version, "before": row.before,
             "why": row.why}
            for row in tracking.promotions(kind)
        ]  # fmt: skip
    if not champions:
        raise NotReady("there is no champion; run `pacesetter train`")
    promotions.sort(key=lambda row: str(row["at"]), reverse=True)
    return ModelsInfo(data_until=current.data_until, champions=champions, promotions=promotions)


def _model(version: Version, figures: dict[str, float], says: str, in_use: str) -> ModelInfo:
    own = {name: value for name, value in figures.items() if "." not in name and "/" not in name}
    baselines: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        baseline, dot, figure = name.partition(".")
        if dot:
            baselines.setdefault(baseline, {})[figure] = value
    tags = version.tags
    return ModelInfo(
        kind=version.kind,  # type: ignore[arg-type] # one of the two kinds there are
        model_version=version.version,
        registered_at=version.registered_at,
        trained_until=datetime.fromisoformat(tags["until"]),
        evidence=EvidenceState(tags["evidence"]),
        evidence_says=says,
        data={
            name: str(tags[name])
            for name in ("horizon", "data_fingerprint", "feature_fingerprint", "content")
        },
        figures={k: v for k, v in own.items() if not k.startswith(OF_CALIBRATION)},
        calibration={k: v for k, v in own.items() if k.startswith(OF_CALIBRATION)},
        baselines=baselines,
        is_in_use=in_use == version.version,
    )


def add_forecast(office: Office, asker: Asker, request: ForecastSent) -> ForecastHistory:
    """Keep what a rep commits to, beside the model's forecast, and return all that was said.

    Raises:
        NotFoundError: the rep has no quota period that begins then.
        InputError: the key was used before for something else.
    """
    from serving.home.commits import period_starts, running_period  # noqa: PLC0415 - takes seconds

    with office.data.open() as live:
        warehouse = live.at()
        starts = period_starts(warehouse, request.rep_id)
        running = running_period(warehouse, request.rep_id, warehouse.data_until)
    start = request.period_start or running
    if start not in starts:
        known = ", ".join(zulu(moment) for moment in starts[-SHOWN_STARTS:]) or "none"
        asked = "that runs now" if start is None else f"that begins at {zulu(start)}"
        raise NotFoundError(
            f"rep {request.rep_id!r} has no quota period {asked}; the last ones begin at: {known}"
        )
    commit = RepCommit(
        request.key, request.rep_id, start, request.commit, best_case=request.best_case
    )
    (receipt,) = _commits(office).add([commit], asker.name)
    return _history(office, request.rep_id, receipt)


def forecast_history(office: Office, request: ForecastHistoryRequest) -> ForecastHistory:
    """Return what a rep committed to, and what came of it."""
    return _history(office, request.rep_id, None)


def _commits(office: Office) -> CommitLog:
    return CommitLog(office.desk.lists.store)


def _history(office: Office, rep_id: str, receipt: Receipt | None) -> ForecastHistory:
    from serving.home.commits import bias_of, commit_periods  # noqa: PLC0415 - takes seconds

    commits = _commits(office).all()
    with office.data.open() as live:
        warehouse = live.at()
        as_of = warehouse.data_until
        periods = commit_periods(warehouse, commits, as_of)
    bias = bias_of(periods, LEVEL).get(rep_id)
    return ForecastHistory(
        rep_id=rep_id,
        as_of=as_of,
        received=None if receipt is None else receipts([receipt])[0],
        periods=[_period(row) for row in periods if row.rep_id == rep_id],
        bias=None if bias is None else _bias(bias),
    )


def _period(row: CommitPeriod) -> CommitHistoryPeriod:
    return CommitHistoryPeriod(
        period_start=row.period_start,
        period_end=row.period_end,
        quota=row.quota,
        said=[
            Said(made_at=said.said_at, by=said.by, commit=said.amount, best_case=said.best_case)
            for said in row.said
        ],
        judged=row.judged.amount,
        attained=row.attained,
        error=row.error,
    )


def _bias(row: RepBias) -> Bias:
    return Bias(**{name: getattr(row, name) for name in Bias.model_fields})
