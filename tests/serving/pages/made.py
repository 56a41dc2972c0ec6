"""Forecasts and facts written by hand, for laws of pure modules."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd

from features.evidence import EvidenceState
from serving.pages.facts import Facts
from serving.pages.staff import Staff
from serving.store.worklist import Listing, Why
from serving.wording.forecasts import RepForecast

START, END, NOW = datetime(2026, 7, 1), datetime(2026, 10, 1), datetime(2026, 8, 5)


def forecast(rep_id: str = "a", p: float = 0.4, **other: Any) -> RepForecast:
    """A forecast with a quota of 100, of which 30 are closed."""
    plain: dict[str, Any] = {
        "period_start": START,
        "period_end": END,
        "quota": 100.0,
        "expected_open": 24.0,
        "expected_new": 10.0,
        "evidence": EvidenceState.ENOUGH,
        "evidence_says": "2 ended quota periods, 9 deals won",
        "rep_id": rep_id,
        "manager_id": "m",
        "has_left": False,
        "attained": 30.0,
        "p_attain": p,
        "at_risk": p < 0.5,
        "attainment_p10": 0.4,
        "attainment_p50": 0.7,
        "attainment_p90": 1.1,
        "range_low": 0.4,
        "range_high": 1.0,
        "p_in_range": 0.8,
    }
    return RepForecast(**(plain | other))


def facts(
    forecasts: dict[str, RepForecast],
    monday: dict[str, RepForecast] | None = None,
    lists: dict[str, list[str]] | None = None,
    won: list[tuple[str, datetime, float]] | None = None,
) -> Facts:
    """Facts of a team below m, with nothing but what is named."""
    reps = sorted({*forecasts, *(lists or {})})
    quota: Any = SimpleNamespace(
        as_of=NOW,
        forecasts={rep: (f,) for rep, f in forecasts.items()},
        first=forecasts.get,
        on_monday=monday or {},
        teams=pd.DataFrame(),
        model=SimpleNamespace(evidence=EvidenceState.ENOUGH, evidence_says=""),
    )
    leads: Any = SimpleNamespace(
        lists={
            rep: [
                Listing(NOW.date(), NOW, rep, lead, k, Why.ORDER, 1.0, "1")
                for k, lead in enumerate(own, 1)
            ]
            for rep, own in (lists or {}).items()
        }
    )
    rows = [{"rep_id": rep, "at": at, "amount": amount} for rep, at, amount in won or []]
    frame = pd.DataFrame(rows, columns=["rep_id", "at", "amount"])
    return Facts(
        mark=("1", ""),
        data_until=NOW,
        made_at=NOW,
        staff=Staff(
            {rep: f"{rep.upper()} Name" for rep in reps},
            dict.fromkeys(reps, "m"),
            frozenset(),
        ),
        leads=leads,
        quota=quota,
        won=frame.astype({"at": "datetime64[us]", "amount": "float64"}),
    )
