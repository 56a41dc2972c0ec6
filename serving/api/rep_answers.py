"""From forecasts of quota attainment to answers, in the words of the contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from features.clock import zulu
from features.errors import NotFoundError
from serving.api.lead_answers import head
from serving.api.rep_contracts import (
    AtRiskReps,
    AtRiskRepsRequest,
    RepForecast,
    RepOutlook,
    RepOutlookRequest,
    TeamForecast,
)
from serving.home.cache import ScoreCache
from serving.home.scored import RepSheet, there
from serving.wording.reps import team_sentence, team_withheld

if TYPE_CHECKING:
    import pandas as pd


def at_risk_reps(scores: ScoreCache, request: AtRiskRepsRequest) -> AtRiskReps:
    """Take a manager's reps, or all, out of the forecasts."""
    sheet = scores.at(there(scores.sheet().reps), request.as_of)
    manager, table = request.manager_id, sheet.table
    own = table if manager is None else table[table["manager_id"] == manager]
    if own.empty and manager is not None and manager not in sheet.managers:
        raise NotFoundError(_unknown(manager, sheet))
    told = head(sheet)
    length = request.limit or scores.params.list_length
    page = own.iloc[request.offset : request.offset + length]
    if own.empty:
        whose = "" if manager is None else f" of manager {manager}"
        told["note"] = (
            f"No rep{whose} has a quota whose period runs as of {zulu(sheet.as_of)}. {told['note']}"
        )
    return AtRiskReps(
        **told,
        manager_id=manager,
        team=[] if manager is None else _teams(sheet, own, "manager", manager),
        company=_teams(sheet, table, "company", "company"),
        total=len(own),
        offset=request.offset,
        reps=_reps(page),
    )


def rep_outlook(scores: ScoreCache, request: RepOutlookRequest) -> RepOutlook:
    """Take one rep out of the forecasts."""
    from serving.home.rep_outlook import of_rep  # noqa: PLC0415 - takes seconds

    sheet = scores.at(there(scores.sheet().reps), request.as_of)
    own = of_rep(sheet.table, request.rep_id, sheet.reps, sheet.as_of)
    return RepOutlook(**head(sheet), rep_id=request.rep_id, periods=_reps(own))


def _reps(rows: pd.DataFrame) -> list[RepForecast]:
    from serving.home.rep_outlook import plain  # noqa: PLC0415 - takes seconds

    plainly = (plain(row) for row in rows.to_dict("records"))
    return [RepForecast(**_own(row, RepForecast)) for row in plainly]


def _teams(sheet: RepSheet, reps: pd.DataFrame, level: str, group: str) -> list[TeamForecast]:
    """Give a team's roll-ups, the reps in each period counted."""
    from training.quota.evidence import team_evidence  # noqa: PLC0415 - takes seconds

    teams = sheet.teams
    if teams.empty:
        return []
    made = []
    for row in teams[(teams["level"] == level) & (teams["group"] == group)].to_dict("records"):
        within = (reps["period_start"] == row["period_start"]) & (
            reps["period_end"] == row["period_end"]
        )
        told = {str(name): value for name, value in row.items()}
        members = reps[within]
        state, says = team_evidence(
            sheet.outlook.bundle.evidence.state, members["evidence"], members["quota"]
        )
        told |= {
            "evidence": state,
            "evidence_says": says,
            "reps": len(members),
            "left": int(members["has_left"].sum()),
            "at_risk": int((members["at_risk"] & ~members["has_left"]).sum()),
        }
        told |= {"range_withheld": team_withheld(told), "says": team_sentence(told)}
        made.append(TeamForecast(**_own(told, TeamForecast)))
    return made


def _own(row: dict[str, Any], contract: type[RepForecast | TeamForecast]) -> dict[str, Any]:
    return {name: row[name] for name in contract.model_fields}


def _unknown(manager: str, sheet: RepSheet) -> str:
    known = ", ".join(sorted(sheet.managers)[:5]) or "none; reps have no manager_id in the data"
    return f"no manager has the id {manager!r}; known managers are, for example: {known}"
