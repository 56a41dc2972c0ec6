"""Answers about one rep: the 1:1 sheet, what-if, reasons, and what stands beside the sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from features.clock import utc_now, zulu
from features.errors import InputError, InTheMaking
from serving.api.failures import TooEarly
from serving.api.lead_answers import header
from serving.api.office import Asker, Office
from serving.api.people_contracts import (
    ASSOCIATION,
    Annotations,
    AnnotationSent,
    CoachSheet,
    CoachSheetRequest,
    ExplainRepRequest,
    RepExplanation,
    WhatIfAnswer,
    WhatIfForecast,
    WhatIfPeriod,
    WhatIfRequest,
)

if TYPE_CHECKING:
    import pandas as pd

    from serving.coaching.sheet import Sheet
    from serving.store.coaching import CoachingLine


def coach_sheet(office: Office, request: CoachSheetRequest) -> CoachSheet:
    """Return a rep's 1:1 sheet, as `pacesetter coach REP --json` has it.

    Raises:
        NotFoundError: nobody has the id.
        InTheMaking: the first sheets are being worked out.
        NotReady: they cannot be; says why.
    """
    from serving.coaching.answer import to_json  # noqa: PLC0415 - takes seconds

    sheet = office.sheet(request.rep_id)
    answer = to_json(sheet)
    return CoachSheet(
        rep_id=request.rep_id,
        as_of=sheet.company.as_of,
        purpose=answer["purpose"],
        sheet=plain_values(answer),
    )


def explain_rep(office: Office, request: ExplainRepRequest) -> RepExplanation:
    """Return the reasons behind a rep's forecasts, and the contrast with comparable peers.

    Raises:
        NotFoundError: nobody knows the rep, or the rep has no running quota; says which.
        NotReady: there are no forecasts of quota attainment.
    """
    scores = office.scores.reps(request.as_of)
    with office.scores.engine():
        periods = scores.outlook_at(scores.as_of).one_rep(request.rep_id, scores.as_of)
    return RepExplanation(
        **header(scores), rep_id=request.rep_id, periods=[plain_values(row) for row in periods]
    )


def what_if(office: Office, request: WhatIfRequest) -> WhatIfAnswer:
    """Return how a rep's forecast moves with volume, win rate and deal size.

    Raises:
        NotFoundError: nobody knows the rep, or the rep has no running quota; says which.
        NotReady: there are no forecasts of quota attainment.
    """
    from serving.home.rep_outlook import of_rep  # noqa: PLC0415 - takes seconds
    from training.quota.what_if import Factors  # noqa: PLC0415 - takes seconds

    scores = office.scores.reps()
    of_rep(scores.table, request.rep_id, scores.reps, scores.as_of)
    what_if = office.what_if.of(scores)
    factors = Factors(request.volume, request.win_rate, request.deal_size)
    now = what_if.ask(request.rep_id, Factors()).to_dict("records")
    then = what_if.ask(request.rep_id, factors).to_dict("records")
    return WhatIfAnswer(
        **header(scores),
        rep_id=request.rep_id,
        says=ASSOCIATION,
        periods=[
            WhatIfPeriod(
                period_start=row["period_start"].to_pydatetime(),
                period_end=row["period_end"].to_pydatetime(),
                quota=float(row["quota"]),
                now=_forecast(row),
                then=_forecast(other),
            )
            for row, other in zip(now, then, strict=True)
        ],
    )


def _forecast(row: dict[Any, Any]) -> WhatIfForecast:
    return WhatIfForecast(**{name: float(row[name]) for name in WhatIfForecast.model_fields})


def annotate(office: Office, asker: Asker, request: AnnotationSent) -> Annotations:
    """Keep a remark beside a rep's sheet, contest a figure, or answer one that is contested.

    Raises:
        NotFoundError: nobody has the id.
        InputError: there is no such figure or item, or one is missing.
        TooEarly: the first sheets are being worked out, and nothing was kept.
        NotReady: they cannot be; says why.
    """
    try:
        sheet = office.sheet(request.rep_id)
    except InTheMaking as error:
        raise TooEarly(f"nothing was kept: {error}") from None
    kept = office.coaching.add(_lines(sheet, asker.name, request))
    after = office.sheet(request.rep_id)
    return Annotations(
        rep_id=request.rep_id,
        kept=[plain_values(line.to_json()) for line in kept],
        contested=[*after.contested],
    )


def _lines(sheet: Sheet, by: str, request: AnnotationSent) -> list[CoachingLine]:
    from serving.coaching.actions import Writer  # noqa: PLC0415 - takes seconds
    from serving.store.coaching import CoachingEvent  # noqa: PLC0415 - with the module above

    writer = Writer(sheet, by, utc_now())
    if request.what == "note":
        return writer.note(request.text)
    if request.what == "contest":
        if request.figure is None:
            raise InputError(f"'figure' is missing; the sheet has: {', '.join(sheet.figures)}")
        return writer.contest(request.figure, request.text)
    if request.item is None:
        raise InputError("'item' is missing: the number of the contested figure")
    return writer.close(CoachingEvent.ANSWERED, request.item, request.text)


def plain_values(value: Any) -> Any:
    """Return a value as JSON has it: moments as texts, null for what is no number."""
    if isinstance(value, dict):
        return {str(name): plain_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(inner) for inner in value]
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    elif hasattr(value, "item"):
        value = value.item()
    if hasattr(value, "isoformat"):
        return zulu(value) if hasattr(value, "hour") else value.isoformat()
    return None if value != value or value in (float("inf"), -float("inf")) else value  # noqa: PLR0124 - NaN


def frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows as JSON has them."""
    rows: list[dict[str, Any]] = plain_values(frame.to_dict("records"))
    return rows
