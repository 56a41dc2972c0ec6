"""From scores to answers: what each endpoint says, in the words of the contracts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from features.errors import InputError, NotFoundError
from serving.contracts import (
    COACHING,
    Answer,
    Call,
    ExplainLeadRequest,
    Health,
    LeadExplanation,
    LeadScores,
    NextCalls,
    NextCallsRequest,
    NotScored,
    Score,
    ScoreLeadsRequest,
)
from serving.lookup import call_list, find_lead, why_no_score
from serving.scores import Scores, Sheet
from serving.wire import zulu

SECONDS_A_DAY = 86_400


def next_calls(scores: Scores, request: NextCallsRequest) -> NextCalls:
    """Take a rep's next calls out of the scores."""
    sheet = scores.sheet()
    table = scores.table(sheet, request.as_of)
    length = request.limit or scores.params.list_length
    calls = call_list(table, request.rep_id, length, sheet.reps)
    return NextCalls(
        **_head(sheet, request.as_of),
        rep_id=request.rep_id,
        calls=[Call(**_row(row)) for row in calls.to_dict("records")],
    )


def score_leads(scores: Scores, request: ScoreLeadsRequest) -> LeadScores:
    """Score the leads of a request; every one of them is answered."""
    most = scores.params.most_given_leads
    if len(request.leads) > most:
        raise InputError(
            f"{len(request.leads)} leads were given; at most {most} are scored at once, so send "
            "them in parts"
        )
    sheet = scores.sheet()
    leads = {lead.lead_id: lead.model_dump() for lead in request.leads}
    with scores.outlook(sheet) as outlook:
        moment = outlook.moment(request.as_of)
        rows = outlook.fit(
            list(leads.values()), [activity.model_dump() for activity in request.activities]
        )
        made = outlook.score_given(rows, moment)
    found = {str(row["lead_id"]): row for row in made.to_dict("records")}
    return LeadScores(
        **_head(sheet, request.as_of),
        scores=[Score(**_row(found[name], Score)) for name in leads if name in found],
        not_scored=[
            NotScored(lead_id=name, why=why_no_score(name, lead, moment))
            for name, lead in leads.items()
            if name not in found
        ],
        ignored=list(rows.ignored),
    )


def explain_lead(scores: Scores, request: ExplainLeadRequest) -> LeadExplanation:
    """Take one lead with its reasons out of the scores."""
    sheet = scores.sheet()
    row = find_lead(scores.table(sheet, request.as_of), request.lead_id)
    if row is None:
        with scores.outlook(sheet) as outlook:
            known = outlook.lead(request.lead_id)
        moment = request.as_of or sheet.as_of
        raise NotFoundError(why_no_score(request.lead_id, known, moment))
    return LeadExplanation(**_head(sheet, request.as_of), **_row(row))


def health(scores: Scores) -> Health:
    """Tell which model answers, from which data, and how old both are."""
    sheet = scores.sheet()
    bundle, until = sheet.outlook.bundle, sheet.outlook.warehouse.data_until
    age = datetime.now(UTC).replace(tzinfo=None) - until
    return Health.model_validate(
        {
            "status": "ready",
            "model_version": sheet.outlook.version,
            "trained_until": bundle.until,
            "horizon_days": bundle.horizon_days,
            "evidence": bundle.evidence.state,
            "evidence_says": bundle.evidence.says,
            "data_until": until,
            "data_age_days": round(age.total_seconds() / SECONDS_A_DAY, 2),
            "open_leads": len(sheet.table),
            "scored_at": sheet.made_at,
            "problem": scores.problem,
        }
    )


def _head(sheet: Sheet, as_of: datetime | None) -> dict[str, Any]:
    moment = as_of or sheet.as_of
    return {
        "as_of": moment,
        "model_version": sheet.outlook.version,
        "horizon_days": sheet.outlook.bundle.horizon_days,
        "note": _note(sheet, moment),
    }


def _note(sheet: Sheet, moment: datetime) -> str:
    """Say what to know before using a forecast; what is wrong with it comes first."""
    bundle, until = sheet.outlook.bundle, sheet.outlook.warehouse.data_until
    said = []
    if bundle.until > moment:
        said.append(
            f"The model learned from data up to {zulu(bundle.until)}, later than this as_of: these "
            "scores know what came after."
        )
    if moment > until:
        said.append(f"Nothing is known after {zulu(until)}, the end of the data.")
    if bundle.evidence.state != "enough":
        said.append(f"There is little evidence: {bundle.evidence.says}.")
    return " ".join([*said, COACHING])


def _row(row: Mapping[Any, Any], contract: type[Score] = Call) -> dict[str, Any]:
    """Give the contract's own fields of a row of scores."""
    own = set(contract.model_fields) - set(Answer.model_fields)
    told = {name: row[name] for name in own}
    owner = row["rep_id"]
    return told | {
        "rep_id": owner if isinstance(owner, str) else None,
        "reasons": json.loads(row["reasons"]),
    }
