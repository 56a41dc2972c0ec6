"""One rep's sheet as JSON: every number, with what is said of it."""

from __future__ import annotations

from typing import Any

from features.clock import zulu
from serving.coaching.advice import ASSOCIATION, PURPOSE
from serving.coaching.goal_words import goal_json
from serving.coaching.pages import sheet_page
from serving.coaching.sheet import Sheet
from serving.coaching.voice import MANAGER, REP, Voice

GROUNDS = ("metric", "actual", "expected", "residual", "low", "high", "shrunk")


def to_json(sheet: Sheet) -> dict[str, Any]:
    """Return everything that a sheet rests on as plain values.

    Returns:
        What the sheet is about; `causes` and `equal_grounds` as in the files; `reasons`, the
        forecasts of the rep's running periods with their reasons; `advice`, `goals`, `pairings`,
        `plan`, `items`; `says`, the first part in both readers' words; `missing`; `purpose`.
    """
    company, rep_id = sheet.company, sheet.rep_id
    grounds = company.inputs.grounds
    own = grounds.loc[grounds["rep_id"] == rep_id, [*GROUNDS]]
    return {
        **sheet.to_json(),
        "purpose": f"{PURPOSE} {ASSOCIATION}",
        "causes": [cause.to_json() for cause in sheet.causes],
        "equal_grounds": own.to_dict("records"),
        "reasons": [_forecast(row) for row in company.inputs.forecasts.get(rep_id, [])],
        "numbers": [vars(number) for number in sheet.numbers],
        "advice": [piece.to_json(sheet.name) for piece in sheet.advice],
        "goals": [goal_json(goal) for goal in sheet.goals],
        "pairings": [] if sheet.pair is None else [sheet.pair.to_json()],
        "plan": [step.to_json() for step in sheet.plan],
        "items": [item.to_json() for item in sheet.items],
        "contested": [*sheet.contested],
        "says": {reader: _says(sheet, reader) for reader in (MANAGER, REP)},
        "missing": [*company.inputs.missing],
    }


def _forecast(row: dict[str, Any]) -> dict[str, Any]:
    names = ("period_start", "period_end", "p_attain", "evidence", "reasons", "says")
    moments = {name: zulu(row[name]) for name in names[:2]}
    return {name: row[name] for name in names} | moments


def _says(sheet: Sheet, reader: str) -> dict[str, list[str]]:
    page = sheet_page(sheet, Voice(reader, sheet.name))
    return {block.title: [*block.lines] for block in (*page.first, *page.blocks)}
