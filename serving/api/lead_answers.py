"""Answers about leads, made of scores; and the state of the service."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from features.clock import utc_now, zulu
from features.errors import InputError, NotFoundError
from features.evidence import EvidenceState
from serving.api.health_contracts import Health, LeadHealth, QuotaHealth
from serving.api.lead_contracts import (
    COACHING,
    Call,
    ExplainLeadRequest,
    LeadAnswer,
    LeadExplanation,
    NextCalls,
    NextCallsRequest,
    NotScored,
    Score,
    ScoredLeads,
    ScoreLeadsRequest,
)
from serving.api.trend_contracts import ScoreTrend
from serving.home.cache import ScoreCache
from serving.home.data_findings import data_warnings
from serving.home.lookup import call_list, find_lead, why_no_score
from serving.home.scored import LeadScores, RepScores, Unavailable

SECONDS_A_DAY = 86_400


def next_calls(cache: ScoreCache, request: NextCallsRequest) -> NextCalls:
    """Return a rep's next calls, best first.

    Raises:
        NotFoundError: nobody knows the rep.
        NotReady: there are no scores of leads.
    """
    scores = cache.leads(request.as_of)
    length = request.limit or cache.params.list_length
    calls = call_list(scores.table, request.rep_id, length, scores.reps)
    return NextCalls(
        **_lead_header(scores),
        rep_id=request.rep_id,
        calls=[_call(row, scores) for row in calls.to_dict("records")],
    )


def score_leads(cache: ScoreCache, request: ScoreLeadsRequest) -> ScoredLeads:
    """Score the leads of a request; each of them is answered, scored or not.

    Raises:
        InputError: there are too many leads, or a value is not what its column holds.
        NotReady: there is no model of leads.
    """
    most = cache.params.most_given_leads
    if len(request.leads) > most:
        raise InputError(
            f"the request has {len(request.leads)} leads, at most {most} are allowed; send them in "
            "several requests"
        )
    scores = cache.leads()
    moment = request.as_of or scores.as_of
    leads = {lead.lead_id: lead.model_dump() for lead in request.leads}
    activities = [activity.model_dump() for activity in request.activities]
    with cache.engine():
        outlook = scores.outlook_at(moment)
        inline = outlook.fit(list(leads.values()), activities)
        table = outlook.score_given(inline, moment)
    rows = {str(row["lead_id"]): row for row in table.to_dict("records")}
    return ScoredLeads(
        **_lead_header(replace(scores, as_of=moment)),
        scores=[Score(**_contract_values(rows[id_], Score)) for id_ in leads if id_ in rows],
        not_scored=[
            NotScored(lead_id=id_, why=why_no_score(id_, lead, moment))
            for id_, lead in leads.items()
            if id_ not in rows
        ],
        ignored=list(inline.ignored),
    )


def explain_lead(cache: ScoreCache, request: ExplainLeadRequest) -> LeadExplanation:
    """Return one open lead's score with its reasons.

    Raises:
        NotFoundError: nobody knows the lead, or it was not open; says which.
        NotReady: there are no scores of leads.
    """
    scores = cache.leads(request.as_of)
    row = find_lead(scores.table, request.lead_id)
    if row is None:
        with cache.engine():
            lead = scores.outlook.lead(request.lead_id)
        raise NotFoundError(why_no_score(request.lead_id, lead, scores.as_of))
    return LeadExplanation(**_lead_header(scores), **_contract_values(row, Call, scores))


def health(cache: ScoreCache) -> Health:
    """Return which models answer, from which data, and how old both are.

    Raises:
        NotReady: nothing can be answered.
    """
    current = cache.current()
    age = utc_now() - current.data_until
    return Health(
        status="ready",
        data_until=current.data_until,
        data_age_days=round(age.total_seconds() / SECONDS_A_DAY, 2),
        scored_at=current.scored_at,
        leads=_lead_health(current.leads),
        quota=_quota_health(current.reps),
        lacking=[part.why for part in current.unavailable],
        warnings=data_warnings(cache.home),
        problem=cache.problem,
        stale=current.stale,
    )


def _lead_health(scores: LeadScores | Unavailable) -> LeadHealth | None:
    if isinstance(scores, Unavailable):
        return None
    horizon = scores.outlook.bundle.horizon_days
    return LeadHealth(**_model_health(scores), horizon_days=horizon, open_leads=len(scores.table))


def _quota_health(scores: RepScores | Unavailable) -> QuotaHealth | None:
    if isinstance(scores, Unavailable):
        return None
    return QuotaHealth(**_model_health(scores), reps=scores.table["rep_id"].nunique())


def _model_health(scores: LeadScores | RepScores) -> dict[str, Any]:
    bundle = scores.outlook.bundle
    return {
        "model_version": scores.outlook.version,
        "trained_until": bundle.until,
        "evidence": EvidenceState(bundle.evidence.state),
        "evidence_says": bundle.evidence.says,
    }


def header(scores: LeadScores | RepScores) -> dict[str, Any]:
    """Return what every answer says about itself: the fields of `Answer`."""
    version = scores.outlook.version
    return {"as_of": scores.as_of, "model_version": version, "note": _note(scores)}


def _lead_header(scores: LeadScores) -> dict[str, Any]:
    return header(scores) | {"horizon_days": scores.outlook.bundle.horizon_days}


def _note(scores: LeadScores | RepScores) -> str:
    """Say what to know before using a forecast; what weakens it comes first."""
    bundle, until = scores.outlook.bundle, scores.outlook.warehouse.data_until
    sentences = [says if says.endswith(".") else f"{says}." for says in scores.stale.sentences]
    if bundle.until > scores.as_of:
        sentences.append(
            f"The model was trained on data up to {zulu(bundle.until)}, later than this as_of, so "
            "it knows what came after."
        )
    if scores.as_of > until:
        sentences.append(f"The data end at {zulu(until)}; nothing after that is known.")
    live = scores.live
    if live is not None and live.events and live.extract.data_until != until:
        sentences.append(
            f"The data end at {zulu(live.extract.data_until)}; since then only posted events are "
            "known."
        )
    if bundle.evidence.state != EvidenceState.ENOUGH:
        sentences.append(f"Evidence: {bundle.evidence.says}.")
    return " ".join([*sentences, COACHING])


def _call(row: Mapping[Any, Any], scores: LeadScores) -> Call:
    return Call(**_contract_values(row, Call, scores))


def _contract_values(
    row: Mapping[Any, Any], contract: type[Score], scores: LeadScores | None = None
) -> dict[str, Any]:
    """Return the values of a contract out of a row of scores, the header aside."""
    names = set(contract.model_fields) - set(LeadAnswer.model_fields) - {"trend"}
    trends = () if scores is None else scores.trends.get(row["lead_id"], ())
    of_trends = {"trend": [*map(ScoreTrend.of, trends)]} if scores is not None else {}
    owner = row["rep_id"]
    of_calls = {name: _or_null(row[name]) for name in ("reach", "gain", "rank") if name in names}
    return (
        {name: row[name] for name in names}
        | of_calls
        | of_trends
        | {
            # A column of texts holds a float where it is empty.
            "rep_id": owner if isinstance(owner, str) else None,
            "reasons": json.loads(row["reasons"]),
            "call_reasons": json.loads(row["call_reasons"]),
        }
    )


def _or_null(value: Any) -> Any:
    """Return a number, or None where a table holds an empty one."""
    is_empty = value is None or math.isnan(value)
    return None if is_empty else value
