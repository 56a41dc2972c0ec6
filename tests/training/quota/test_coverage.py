"""Laws of the coverage rule: which open deals count, and at which win rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.feature import FeatureSet
from training.quota.coverage import closings_of, likely_amounts

NOTHING = FeatureSet("deal", (), {})
CUTOFF, START, END = (pd.Timestamp(day) for day in ("2024-02-01", "2024-01-01", "2024-04-01"))
PRIOR = 20.0


def examples(keys: dict[str, object], stages: list[float] | None = None) -> Examples:
    """Make examples of which only keys and perhaps a stage are known."""
    frame = pd.DataFrame(keys)
    X = pd.DataFrame(index=frame.index) if stages is None else pd.DataFrame({"stage": stages})
    return Examples(frame, X, NOTHING)


def reps(*names: str, cutoff: pd.Timestamp = CUTOFF) -> Examples:
    """Make reps in the first quarter."""
    keys = {"rep_id": [*names], "cutoff": cutoff, "period_start": START, "period_end": END}
    return examples(keys)


def deal(
    *due: str | None,
    stages: list[float] | None = None,
    owner: str = "a",
    cutoff: pd.Timestamp = CUTOFF,
) -> Examples:
    """Make open deals of 100 each, with their due dates."""
    keys = {
        "deal_id": [f"d{place}" for place in range(len(due))],
        "owner": owner,
        "cutoff": cutoff,
        "amount": 100.0,
        "expected_close_at": pd.to_datetime(list(due)),
    }
    return examples(keys, stages)


def closed(
    won: int, lost: int, day: str = "2024-01-15", owner: str = "a", stage: float = -1.0
) -> pd.DataFrame:
    """Make deals that were seen in a stage and closed on a day."""
    names = [f"{owner}-{stage}-{day}-{place}" for place in range(won + lost)]
    return pd.DataFrame(
        {
            "deal_id": names,
            "owner": owner,
            "stage": stage,
            "closed_at": pd.Timestamp(day),
            "won": np.repeat([1.0, 0.0], [won, lost]),
        }
    )


def amounts(
    reps_: Examples, deals: Examples, history: pd.DataFrame, which: str = "likely_due"
) -> list[float]:
    """Return what open deals are likely to bring."""
    return likely_amounts(reps_, deals, history, PRIOR)[which].tolist()


def test_only_deals_due_within_the_period_count() -> None:
    """Of those due: on its first day and in it, and without a date; not at its end or before it."""
    history = closed(500, 500)
    for due, counts in [
        ("2024-01-01", True),
        ("2024-03-31", True),
        (None, True),
        ("2024-04-01", False),
        ("2023-12-31", False),
    ]:
        due_amount = amounts(reps("a"), deal(due), history)[0]
        assert due_amount == pytest.approx(50.0 if counts else 0.0, abs=0.2)
        every = amounts(reps("a"), deal(due), history, "likely_open")[0]
        assert every == pytest.approx(50.0, abs=0.2)


def test_a_deal_counts_for_its_owner_alone_at_its_own_cutoff() -> None:
    """Another rep, or the same rep a week later, has nothing of it."""
    history = closed(500, 500)
    both = amounts(reps("a", "b"), deal("2024-03-01"), history)
    assert both == [pytest.approx(50.0, abs=0.2), 0.0]
    later = reps("a", cutoff=CUTOFF + pd.Timedelta(days=7))
    assert amounts(later, deal("2024-03-01"), history) == [0.0]


def test_win_rates_are_the_owners_in_the_stage() -> None:
    """Drawn to all reps' rate in the stage by 20 deals, and that to the company's likewise."""
    history = pd.concat(
        [closed(10, 2, stage=1.0), closed(90, 78, owner="b", stage=1.0), closed(0, 120, stage=0.0)]
    )
    company = (100 + 1) / (300 + 4)
    in_stage = (100 + 20 * company) / (180 + 20)
    own = (10 + 20 * in_stage) / (12 + 20)
    of_new_rep = in_stage
    both = Examples(
        pd.concat([deal("2024-03-01").keys, deal("2024-03-01", owner="c").keys], ignore_index=True),
        pd.DataFrame({"stage": [1.0, 1.0]}),
        NOTHING,
    )
    assert amounts(reps("a", "c"), both, history) == pytest.approx([100 * own, 100 * of_new_rep])


@pytest.mark.parametrize("day", ["2024-02-01", "2024-02-20", "2023-01-31"])
def test_closings_at_the_cutoff_after_it_or_over_a_year_ago_teach_nothing(day: str) -> None:
    """The rate at a cutoff is the same with and without them."""
    known = closed(3, 7)
    more = pd.concat([known, closed(50, 0, day=day)])
    before, after = (amounts(reps("a"), deal("2024-03-01"), history) for history in (known, more))
    assert before == after
    seen = pd.concat([known, closed(50, 0, day="2024-01-31")])
    assert amounts(reps("a"), deal("2024-03-01"), seen)[0] > before[0]


def test_a_deal_counts_once_for_each_stage_it_was_seen_in() -> None:
    """However many cutoffs saw it there; deals that are still open say nothing of win rates."""
    seen = deal(*["2024-03-01"] * 4, stages=[0.0, 0.0, 1.0, 1.0])
    keys = seen.keys.assign(deal_id=["x", "x", "x", "y"])
    endings = pd.DataFrame(
        {
            "closed_at": pd.to_datetime(["2024-01-20"] * 3 + [None]),
            "outcome": [1.0, 1.0, 1.0, np.nan],
        }
    )
    rows = closings_of(Examples(keys, seen.X, NOTHING), endings)
    assert rows[["deal_id", "stage", "won"]].to_numpy().tolist() == [
        ["x", 0.0, 1.0],
        ["x", 1.0, 1.0],
    ]


def test_without_deals_there_is_nothing_to_count_on() -> None:
    """No open deal, no closed one: nought for everybody."""
    nothing = deal()
    endings = pd.DataFrame({"closed_at": pd.to_datetime([]), "outcome": np.empty(0)})
    assert amounts(reps("a"), nothing, closings_of(nothing, endings)) == [0.0]
