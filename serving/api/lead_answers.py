"""From scores of leads to answers, in the words of the contracts; and how the service is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from features.clock import utc_now, zulu
from features.errors import InputError, NotFoundError
from serving.api.lead_contracts import (
    COACHING,
    Call,
    ExplainLeadRequest,
    Health,
    LeadAnswer,
    LeadExplanation,
    LeadScores,
    NextCalls,
    NextCallsRequest,
    NotScored,
    Score,
    ScoreLeadsRequest,
)
from serving.home.cache import ScoreCache
from serving.home.lookup import call_list, find_lead, why_no_score
from serving.home.scored import LeadSheet, RepSheet, there

SECONDS_A_DAY = 86_400


def next_calls(scores: ScoreCache, request: NextCallsRequest) -> NextCalls:
    """Take a rep's next calls out of the scores."""
    sheet = scores.at(there(scores.sheet().leads), request.as_of)
    length = request.limit or scores.params.list_length
    calls = call_list(sheet.table, request.rep_id, length, sheet.reps)
    return NextCalls(
        **_head(sheet),
        rep_id=request.rep_id,
        calls=[Call(**_row(row)) for row in calls.to_dict("records")],
    )


def score_leads(scores: ScoreCache, request: ScoreLeadsRequest) -> LeadScores:
    """Score the leads of a request; every one of them is answered."""
    most = scores.params.most_given_leads
    if len(request.leads) > most:
        raise InputError(
            f"{len(request.leads)} leads were given; at most {most} are scored at once, so send "
            "them in parts"
        )
    sheet = there(scores.sheet().leads)
    outlook, moment = sheet.outlook, request.as_of or sheet.as_of
    leads = {lead.lead_id: lead.model_dump() for lead in request.leads}
    with scores.engine():
        rows = outlook.fit(
            list(leads.values()), [activity.model_dump() for activity in request.activities]
        )
        made = outlook.score_given(rows, moment)
    found = {str(row["lead_id"]): row for row in made.to_dict("records")}
    return LeadScores(
        **_head(replace(sheet, as_of=moment)),
        scores=[Score(**_row(found[name], Score)) for name in leads if name in found],
        not_scored=[
            NotScored(lead_id=name, why=why_no_score(name, lead, moment))
            for name, lead in leads.items()
            if name not in found
        ],
        ignored=list(rows.ignored),
    )


def explain_lead(scores: ScoreCache, request: ExplainLeadRequest) -> LeadExplanation:
    """Take one lead with its reasons out of the scores."""
    sheet = scores.at(there(scores.sheet().leads), request.as_of)
    row = find_lead(sheet.table, request.lead_id)
    if row is None:
        with scores.engine():
            known = sheet.outlook.lead(request.lead_id)
        raise NotFoundError(why_no_score(request.lead_id, known, sheet.as_of))
    return LeadExplanation(**_head(sheet), **_row(row))


def health(scores: ScoreCache) -> Health:
    """Tell which models answer, from which data, and how old both are."""
    sheet = scores.sheet()
    leads, reps = sheet.leads, sheet.reps
    told: dict[str, Any] = {"leads": None, "quota": None}
    lacking = []
    if isinstance(leads, str):
        lacking.append(leads)
    else:
        horizon = leads.outlook.bundle.horizon_days
        told["leads"] = _model(leads) | {"horizon_days": horizon, "open_leads": len(leads.table)}
    if isinstance(reps, str):
        lacking.append(reps)
    else:
        told["quota"] = _model(reps) | {"reps": reps.table["rep_id"].nunique()}
    age = utc_now() - sheet.data_until
    return Health.model_validate(
        told
        | {
            "status": "ready",
            "data_until": sheet.data_until,
            "data_age_days": round(age.total_seconds() / SECONDS_A_DAY, 2),
            "scored_at": sheet.made_at,
            "lacking": lacking,
            "problem": scores.problem,
        }
    )


def _model(part: LeadSheet | RepSheet) -> dict[str, Any]:
    bundle = part.outlook.bundle
    return {
        "model_version": part.outlook.version,
        "trained_until": bundle.until,
        "evidence": bundle.evidence.state,
        "evidence_says": bundle.evidence.says,
    }


def head(part: LeadSheet | RepSheet) -> dict[str, Any]:
    """Give what every answer says about itself."""
    version = part.outlook.version
    return {"as_of": part.as_of, "model_version": version, "note": _note(part)}


def _head(sheet: LeadSheet) -> dict[str, Any]:
    return head(sheet) | {"horizon_days": sheet.outlook.bundle.horizon_days}


def _note(part: LeadSheet | RepSheet) -> str:
    """Say what to know before using a forecast; what is wrong with it comes first."""
    bundle, until, moment = part.outlook.bundle, part.outlook.warehouse.data_until, part.as_of
    said = []
    if bundle.until > moment:
        said.append(
            f"The model learned from data up to {zulu(bundle.until)}, later than this as_of: these "
            "scores know what came after."
        )
    if moment > until:
        said.append(f"Nothing is known after {zulu(until)}, the end of the data.")
    if bundle.evidence.state != "enough":
        said.append(f"Evidence: {bundle.evidence.says}.")
    return " ".join([*said, COACHING])


def _row(row: Mapping[Any, Any], contract: type[Score] = Call) -> dict[str, Any]:
    """Give the contract's own fields of a row of scores."""
    own = set(contract.model_fields) - set(LeadAnswer.model_fields)
    told = {name: row[name] for name in own}
    owner = row["rep_id"]
    return told | {
        "rep_id": owner if isinstance(owner, str) else None,
        "reasons": json.loads(row["reasons"]),
    }
