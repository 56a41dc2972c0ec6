"""Answers about reps, made of forecasts of quota attainment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.errors import NotFoundError
from features.evidence import EvidenceState
from serving.api import rep_contracts as contracts
from serving.api.lead_answers import header
from serving.api.rep_contracts import (
    AtRiskReps,
    AtRiskRepsRequest,
    RepOutlook,
    RepOutlookRequest,
)
from serving.home.cache import ScoreCache
from serving.home.scored import RepScores
from serving.wording.forecasts import RepForecast, TeamForecast
from serving.wording.reps import (
    chance_withheld,
    rep_sentence,
    rep_withheld,
    team_sentence,
    team_withheld,
)

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5
"""Known managers that an error names."""


def at_risk_reps(cache: ScoreCache, request: AtRiskRepsRequest) -> AtRiskReps:
    """Return a page of a manager's reps, or of all, the least likely to make quota first.

    Raises:
        NotFoundError: nobody knows the manager.
        NotReady: there are no forecasts of quota attainment.
    """
    scores = cache.reps(request.as_of)
    manager, table = request.manager_id, scores.table
    own = table if manager is None else table[table["manager_id"] == manager]
    if own.empty and manager is not None and manager not in scores.managers:
        raise NotFoundError(_unknown(manager, scores))
    length = request.limit or cache.params.list_length
    page = own.iloc[request.offset : request.offset + length]
    return AtRiskReps(
        **_header(scores, manager, own),
        manager_id=manager,
        team=[] if manager is None else _teams(scores, own, "manager", manager),
        company=_teams(scores, table, "company", "company"),
        total=len(own),
        offset=request.offset,
        reps=[_rep(row) for row in page.to_dict("records")],
    )


def rep_outlook(cache: ScoreCache, request: RepOutlookRequest) -> RepOutlook:
    """Return one rep's forecasts, one for each running period.

    Raises:
        NotFoundError: nobody knows the rep, or the rep has no running quota; says which.
        NotReady: there are no forecasts of quota attainment.
    """
    from serving.home.rep_outlook import of_rep  # noqa: PLC0415 - takes seconds

    scores = cache.reps(request.as_of)
    own = of_rep(scores.table, request.rep_id, scores.reps, scores.as_of)
    periods = [_rep(row) for row in own.to_dict("records")]
    return RepOutlook(**header(scores), rep_id=request.rep_id, periods=periods)


def _header(scores: RepScores, manager: str | None, own: pd.DataFrame) -> dict[str, Any]:
    """Return the header of a list, whose note says why the list is empty, if it is."""
    values = header(scores)
    if own.empty:
        whose = "" if manager is None else f" of manager {manager}"
        moment = zulu(scores.as_of)
        empty = f"No rep{whose} has a quota whose period runs as of {moment}."
        values["note"] = f"{empty} {values['note']}"
    return values


def _rep(row: Mapping[Any, Any]) -> contracts.RepForecast:
    forecast = RepForecast.from_row(row)
    return contracts.RepForecast(
        **asdict(forecast),
        reasons=json.loads(row["reasons"]),
        chance_withheld=chance_withheld(forecast),
        range_withheld=rep_withheld(forecast),
        says=rep_sentence(forecast),
    )


def _teams(
    scores: RepScores, reps: pd.DataFrame, level: str, group: str
) -> list[contracts.TeamForecast]:
    """Return a team's forecasts, one for each running period, with its reps counted."""
    teams = scores.teams
    if teams.empty:
        return []
    members = [RepForecast.from_row(row) for row in reps.to_dict("records")]
    rows = teams[(teams["level"] == level) & (teams["group"] == group)].to_dict("records")
    return [_team(row, members, scores.outlook.bundle.evidence.state) for row in rows]


def _team(
    row: Mapping[Any, Any], reps: Sequence[RepForecast], model_evidence: EvidenceState
) -> contracts.TeamForecast:
    from training.quota.evidence import team_evidence  # noqa: PLC0415 - takes seconds

    period = row["period_start"], row["period_end"]
    members = [rep for rep in reps if (rep.period_start, rep.period_end) == period]
    evidence = team_evidence(
        model_evidence, [rep.evidence for rep in members], [rep.quota for rep in members]
    )
    forecast = TeamForecast.from_row(row, members, evidence)
    return contracts.TeamForecast(
        **asdict(forecast),
        range_withheld=team_withheld(forecast),
        says=team_sentence(forecast),
    )


def _unknown(manager: str, scores: RepScores) -> str:
    managers = sorted(scores.managers)[:EXAMPLES]
    known = ", ".join(managers) or "none; reps have no manager_id in the data"
    return f"no manager has the id {manager!r}; known managers are, for example: {known}"
