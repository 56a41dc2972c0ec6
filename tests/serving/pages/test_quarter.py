"""Laws of a rep's quarter: one sentence, at most five figures, and no number that is withheld."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import pandas as pd
import pytest
from made import START, facts, forecast

from features.evidence import EvidenceState
from serving.coaching.voice import MANAGER, REP, Voice
from serving.pages.quarter import MOST_REASONS, Quarter, quarter_of
from serving.pages.region import region_of
from serving.store.commits import KeptCommit
from training.quota.what_if import Factors

EN = region_of("en-US")
OWN, OTHER = Voice(REP, "Ada"), Voice(MANAGER, "Ada")


class Doubled:
    """A forecast anew in which all that is expected comes twice, as `WhatIf` answers."""

    def ask(self, rep_id: str, factors: Factors) -> pd.DataFrame:
        """Return one row a period."""
        assert rep_id == "a"
        times = factors.volume * factors.win_rate * factors.deal_size
        rows = {
            "period_start": [datetime(2026, 4, 1), START], "attained": [0.0, 30.0],
            "expected_open": [0.0, 24.0], "expected_new": [0.0, 10.0 * times],
            "p_attain": [0.0, 0.7],
        }  # fmt: skip
        return pd.DataFrame(rows)


def quarter(
    voice: Voice = OWN,
    reasons: list[dict[str, Any]] | None = None,
    commits: tuple[KeptCommit, ...] = (),
    factors: Factors | None = None,
    **odd: Any,
) -> Quarter:
    """The quarter of rep a."""
    own: Any = facts({"a": forecast(**odd)})
    own.quota.reasons = {"a": {"items": reasons or []}}
    own.quota.open_amount = {"a": 100.0}
    own.quota.what_if = Doubled()
    shown = quarter_of(own, "a", voice, EN, commits, factors)
    assert isinstance(shown, Quarter)
    return shown


@pytest.mark.parametrize(
    ("odd", "own", "other"),
    [
        (
            {},
            "40% chance to make the quota of 100 before Oct 1, 2026.",
            "40% chance to make the quota of 100 before Oct 1, 2026.",
        ),
        (
            {"p": 0.999},
            "More than 99% chance to make the quota of 100 before Oct 1, 2026.",
            "More than 99% chance to make the quota of 100 before Oct 1, 2026.",
        ),
        (
            {"has_left": True},
            "You have left; no further sales are expected.",
            "Ada has left; no further sales are expected.",
        ),
        (
            {"quota": 0.0},
            "You have no quota to make in the period before Oct 1, 2026.",
            "Ada has no quota to make in the period before Oct 1, 2026.",
        ),
        (
            {"attained": 120.0, "p": 1.0},
            "You have already made the quota of the period before Oct 1, 2026.",
            "Ada has already made the quota of the period before Oct 1, 2026.",
        ),
    ],
)
def test_the_headline_says_where_a_rep_stands(odd: dict[str, Any], own: str, other: str) -> None:
    """To the rep and to the manager: the same fact, another address."""
    assert quarter(OWN, **odd).headline == own
    assert quarter(OTHER, **odd).headline == other


@pytest.mark.parametrize("p", [0.33, 0.55, 0.97])
@pytest.mark.parametrize("evidence", [EvidenceState.THIN, EvidenceState.NONE])
def test_little_evidence_withholds_every_chance(p: float, evidence: EvidenceState) -> None:
    """No percent in the headline, no range, no reasons, no sliders; and the page says why."""
    shown = quarter(p=p, evidence=evidence, reasons=[item(5.0)])
    assert "%" not in shown.headline
    assert shown.withheld == "2 ended quota periods, 9 deals won"
    assert not any(" to " in figure.value for figure in shown.figures)
    assert (shown.reasons, shown.what_if) == ((), None)
    assert str(round(100 * p)) not in shown.headline


def test_a_range_too_wide_to_plan_with_is_withheld_alone() -> None:
    """The chance stands and so do its reasons; the range does not, and the page says why."""
    shown = quarter(range_low=0.1, range_high=1.9, reasons=[item(5.0)])
    assert shown.headline.startswith("40% chance")
    assert "too wide to plan with" in shown.withheld
    assert not any(" to " in figure.value for figure in shown.figures)
    assert shown.reasons


@pytest.mark.parametrize("seed", range(20))
def test_figures_are_at_most_five_and_add_nothing_of_their_own(seed: int) -> None:
    """Closed, range and expected amounts are the forecast's, rounded."""
    chance = Random(seed)  # noqa: S311 - no secret
    closed, high = chance.randrange(1, 90), chance.uniform(0.9, 1.3)
    shown = quarter(attained=float(closed), range_high=high)
    values = [figure.value for figure in shown.figures]
    assert len(values) <= 5
    assert values[:2] == [f"{closed}%", f"40% to {round(high, 2):.0%}"]
    assert values[2:] == ["24", "10"]
    assert shown.figures[0].note == f"{closed} of 100"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.8, "in 8 of 10 cases"), (0.9, "in 9 of 10 cases"), (0.97, "in nearly all cases")],
)
def test_a_range_says_how_often_it_holds(share: float, words: str) -> None:
    """In tenths, and never in all cases."""
    assert quarter(p_in_range=share).figures[1].note == words


def test_without_a_quota_only_what_is_closed_is_shown() -> None:
    """No share of nothing, no curve, no coverage."""
    shown = quarter(quota=0.0)
    assert [(figure.value, figure.label) for figure in shown.figures] == [("30", "closed so far")]
    assert (shown.chart, shown.coverage, shown.what_if) == (None, None, None)


def test_a_leaver_needs_no_pipeline() -> None:
    """What is closed is drawn; nothing is asked of somebody who has left."""
    shown = quarter(has_left=True)
    assert shown.chart is not None
    assert (shown.coverage, shown.what_if) == (None, None)


def item(
    points: float, value: object = 3, usual: object = 1, says: str = "3 meetings."
) -> dict[str, Any]:
    """A reason as the scores have it."""
    return {"says": says, "points": points, "value": value, "usual": usual}


def test_reasons_say_which_way_they_move_the_chance() -> None:
    """Up raises, down lowers; what is as usual or moves nothing is no reason."""
    shown = quarter(reasons=[item(5.2), item(-2.6), item(0.4), item(9.0, value=1, usual=1)])
    assert shown.reasons == (
        "3 meetings. Raises the chance by 5 points.",
        "3 meetings. Lowers the chance by 3 points.",
    )


@pytest.mark.parametrize(
    ("points", "words"), [(1.2, "1 point."), (-0.5, "1 point."), (2.0, "2 points.")]
)
def test_one_point_is_one_point(points: float, words: str) -> None:
    """The word follows the number that is shown."""
    (line,) = quarter(reasons=[item(points)]).reasons
    assert line.endswith(f"the chance by {words}")


def test_there_are_at_most_so_many_reasons() -> None:
    """The first ones of the score's own order."""
    shown = quarter(reasons=[item(9.0 - place, says=f"R{place}.") for place in range(9)])
    assert [line[:2] for line in shown.reasons] == [f"R{place}" for place in range(MOST_REASONS)]


def committed(key: str, amount: float, at: datetime, **other: Any) -> KeptCommit:
    """A number that Ada committed to."""
    plain: dict[str, Any] = {"period_start": START, "said_at": at, "by": "Ada"}
    return KeptCommit(key=key, rep_id="a", amount=amount, **(plain | other))


def test_commits_stand_newest_first_and_of_this_period() -> None:
    """Nothing of the period is left out, nothing of another is shown; a best case is named."""
    rows = (
        committed("1", 50.0, datetime(2026, 7, 2)),
        committed("2", 99.0, datetime(2026, 4, 2), period_start=datetime(2026, 4, 1)),
        committed("3", 1500.0, datetime(2026, 7, 9), best_case=2000.0, by="Max"),
    )
    assert quarter(commits=rows).commits == (
        "Jul 9, 2026: 1,500, in the best case 2,000, by Max",
        "Jul 2, 2026: 50, by Ada",
    )


def test_sliders_say_both_chances_and_both_totals() -> None:
    """What would be stands beside what is; where nothing was moved, nothing is said."""
    shown = quarter(factors=Factors(volume=2.0)).what_if
    assert shown is not None
    assert shown.says == (
        "The chance would be 70% instead of 40%, and the expected total about 74 instead of 64."
    )
    still = quarter().what_if
    assert still is not None
    assert still.says == ""


def test_the_curve_is_drawn_once_for_a_region() -> None:
    """The same facts and region share a drawing; another region has its own."""
    own: Any = facts({"a": forecast(quota=100_000.0, attained=30_000.0)})
    own.quota.reasons, own.quota.open_amount = {"a": {"items": []}}, {"a": 100.0}
    drawn = [quarter_of(own, "a", OWN, region_of(name)) for name in ("en-US", "en-US", "de-DE")]
    charts = [shown.chart for shown in drawn if isinstance(shown, Quarter)]
    assert charts[0] is charts[1]
    assert "100,000" in str(charts[0])
    assert "100.000" in str(charts[2])


def test_coaching_in_the_making_is_told() -> None:
    """Until sheets are there, the page waits for them."""
    assert quarter().sheet_waits
    own: Any = facts({"a": forecast()})
    own.quota.reasons, own.quota.open_amount = {"a": {"items": []}}, {"a": 100.0}
    worked: Any = replace(own, coaching=object())
    shown = quarter_of(worked, "a", OWN, EN)
    assert isinstance(shown, Quarter)
    assert not shown.sheet_waits
