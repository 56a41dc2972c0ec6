"""Laws of trends in answers: they stand beside the score, and only where they are true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from serving.api.lead_answers import explain_lead, health, next_calls
from serving.api.lead_contracts import ExplainLeadRequest, NextCallsRequest
from serving.api.trend_contracts import ScoreTrend
from serving.home.cache import ScoreCache
from serving.home.home import Home
from serving.home.kept import KeptScores, with_trend
from serving.home.scored import LeadScores, Staleness
from serving.settings import Settings
from serving.store.scores import ScoreLog
from serving.store.trend import Moved, Trend

TREND = Trend(
    7, datetime(2025, 7, 13), 12.0, 6.4, is_same_model=True,
    moved=Moved("stage", "how far it has come", None, "meeting", 4.1),
)  # fmt: skip


@pytest.fixture
def cache(home: Path) -> ScoreCache:
    """The scores of the small company; its first lead of r1 has a trend."""
    cache = ScoreCache(home, Settings())
    cache.look()
    current, leads = cache.current(), cache.leads()
    first = leads.table.loc[leads.table["rep_id"] == "r1", "lead_id"].iloc[0]
    stale = Staleness("leads model 1 goes on answering", "The data end long ago.")
    changed = replace(leads, trends={first: (TREND,)}, stale=stale)
    cache._current = replace(current, leads=changed)  # noqa: SLF001 - else it would take 28 days
    return cache


def test_a_trend_stands_beside_its_score(cache: ScoreCache) -> None:
    """In a call list and in an explanation, for the lead that has one, with the reason."""
    calls = next_calls(cache, NextCallsRequest(rep_id="r1")).calls
    assert calls[0].trend == [ScoreTrend.of(TREND)]
    assert not any(call.trend for call in calls[1:])
    explained = explain_lead(cache, ExplainLeadRequest(lead_id=calls[0].lead_id))
    assert explained.trend == calls[0].trend
    assert '"since":"2025-07-13T00:00:00Z"' in explained.model_dump_json()


def test_another_moment_has_no_trend(cache: ScoreCache) -> None:
    """Kept scores are those of the data's end, so an earlier moment is not compared with them."""
    earlier = cache.leads().as_of - timedelta(days=1)
    answer = next_calls(cache, NextCallsRequest(rep_id="r1", as_of=earlier))
    assert not any(call.trend for call in answer.calls)
    assert "The data end long ago" not in answer.note, "as of then they did not"
    assert "goes on answering" in answer.note


def test_what_is_stale_is_said_first(cache: ScoreCache) -> None:
    """Every answer says it before all else, as sentences, and health has the list."""
    note = next_calls(cache, NextCallsRequest(rep_id="r1")).note
    assert note.startswith("leads model 1 goes on answering. The data end long ago. ")
    assert health(cache).stale == ["leads model 1 goes on answering", "The data end long ago."]


def test_a_trend_is_said_in_a_sentence() -> None:
    """What came or went among the reasons is said as such."""
    assert TREND.says == (
        "+6.4 points in 7 days, most by how far it has come: meeting (before: not among the "
        "reasons)"
    )
    gone = replace(TREND, change=-2.0, moved=Moved("calls", "our calls", "2 calls", None, -1.0))
    assert "our calls: not among the reasons any more (before: 2 calls)" in gone.says
    assert replace(TREND, moved=None, is_same_model=False).says == (
        "+6.4 points in 7 days; another model"
    )


def test_the_terminal_reads_the_same_runs(home: Path) -> None:
    """`explain lead` tells of one lead what the service tells of all."""
    place = Home(home, Settings())
    outlook = place.open_leads()
    kept = KeptScores(ScoreLog(place.store), place.settings)
    week_before = outlook.moment() - timedelta(days=7)
    kept.leads(replace(outlook, warehouse=outlook.warehouse.until(week_before)))
    table, _ = kept.leads(outlook)
    trends = kept.trends(table)
    lead_id = next(iter(trends))
    row = with_trend(place, outlook.one_lead(lead_id))
    (told,) = row["trend"]
    (own,) = trends[lead_id]
    assert (told["change"], told["says"]) == (own.change, own.says)
    assert isinstance(LeadScores.of(outlook, table, trends).trends[lead_id][0], Trend)
