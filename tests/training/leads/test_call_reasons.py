"""Why a call is worth it now: what the lead did lately, and the parts of the formula."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sellers import FEATURES, UNTIL

from features.build import build
from features.params import FeatureParams
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.call_reasons import call_reasons, last_working_day, news, touched

AS_OF = UNTIL - timedelta(days=30)


@pytest.mark.parametrize(
    ("as_of", "days"),
    [
        (datetime(2026, 3, 4), 1.0),  # Wednesday: from Tuesday on
        (datetime(2026, 3, 2), 3.0),  # Monday: from Friday on
        (datetime(2026, 3, 2, 12), 3.5),
        (datetime(2026, 3, 1), 2.0),  # Sunday: from Friday on
    ],
)
def test_news_reach_back_to_the_last_working_day(as_of: datetime, days: float) -> None:
    """A Monday's list tells what happened since Friday morning."""
    assert last_working_day(as_of, FeatureParams()) == days


def test_news_are_what_leads_did_lately(history: Warehouse, bundle: Bundle) -> None:
    """Each is younger than the last working day, and none tells of a rep's own doing."""
    examples = build(history, bundle.listed_features, bundle.vocabulary, [AS_OF], FEATURES)
    told = news(examples, FEATURES)
    assert len(told) == len(examples)
    assert any(told)
    assert max(map(len, told)) <= 2
    within = last_working_day(AS_OF, FEATURES)
    came_in = examples.X["age_days"].to_numpy() < within
    for is_new, sentences in zip(came_in, told, strict=True):
        assert any(says.startswith("came in") for says in sentences) <= is_new
        assert not any("outbound" in says or "outcome" in says for says in sentences)
    assert news(examples.take(np.zeros(len(examples), dtype=np.bool_)), FEATURES) == []


def test_the_parts_of_the_formula_are_said() -> None:
    """With what was learned of calls, or else with the chance."""
    rows = pd.DataFrame(
        {
            CUTOFF: [pd.Timestamp(AS_OF)],
            "p": [0.124],
            "reach": [0.24],
            "gain": [0.07],
            "days_since_touch": [5.3],
            "news": ['["came in 9 hours ago"]'],
            "tried_now": [0.0042],
            "tried": [79.8],
            "value": [18_000.0],
            "counted": [19_000.0],
        }
    )
    (learned,) = call_reasons(rows, is_learned=True)
    assert json.loads(learned) == {
        "news": ["came in 9 hours ago"],
        "says": "reached with 24 %; if reached, +7 points; if not, +0.4; 18,000, counted as "
        "19,000; last touched 6 days ago",
        "tried": 79.8,
    }
    (fresh,) = call_reasons(rows.assign(tried_now=0.0001), is_learned=True)
    assert "if not" not in fresh, "what is too small to be seen is not said"
    (by_rule,) = call_reasons(rows.assign(counted=18_000.0), is_learned=False)
    assert json.loads(by_rule)["says"] == "chance 12 %; 18,000; last touched 6 days ago"


def test_the_last_touch_is_said_by_the_calendar() -> None:
    """Yesterday is yesterday, however few hours ago."""
    noon = datetime(2026, 3, 4, 12)
    said = {0.3: "today", 0.6: "yesterday", 1.4: "yesterday", 1.6: "2 days ago"}
    for days, words in said.items():
        assert touched(days, noon) == f"last touched {words}"
    assert touched(np.inf, noon) == "not touched yet"
