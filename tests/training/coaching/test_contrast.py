"""A rep is held against comparable peers: who they are is said, and the points add up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.build import Examples
from features.feature import Expression, Feature, FeatureSet, Relation, Unit
from features.texts import About, Who
from training.coaching.contrast import LEAST_PEERS, contrast, peer_group
from training.quota.explain import FACTORS
from training.quota.futures import Futures
from training.quota.score import RepOutlooks

START, END, AS_OF = datetime(2025, 1, 1), datetime(2025, 4, 1), datetime(2025, 2, 1)
FUTURES = 200
WORDS = ("a", "b", "c")


def keys(count: int, **changed: Any) -> pd.DataFrame:
    """Name reps with one quota period."""
    columns: dict[str, Any] = {
        "rep_id": [f"r{n:02d}" for n in range(count)],
        "period_start": START,
        "period_end": END,
        "cutoff": AS_OF,
        "quota": 100.0,
        "has_left": 0,
    }
    return pd.DataFrame({**columns, **changed})


def reps(count: int, **columns: Any) -> Examples:
    """Say what is known of reps: codes of words, days with the company, leads received."""
    said = {"leads_90d": np.full(count, 9.0), "tenure_days": np.full(count, 500.0), **columns}
    features = tuple(
        Feature(
            name,
            Relation.REP,
            Expression(lambda rows: rows.x),
            name,
            About(name, name, Who.COMPANY),
            Unit.CATEGORY if name.startswith("rep_") else Unit.COUNT,
            categories=WORDS if name.startswith("rep_") else None,
        )
        for name in said
    )
    return Examples(keys(count), pd.DataFrame(said), FeatureSet("rep", features))


def outlooks(seed: int, count: int = 9, **columns: Any) -> RepOutlooks:
    """Draw futures of reps that are unlike in all factors."""
    rng = np.random.default_rng(seed)
    futures = Futures(
        keys=keys(count, quota=rng.uniform(70, 130, count)),
        closed=rng.uniform(10, 60, count),
        open=rng.gamma(2, 15, (count, FUTURES)),
        new=rng.gamma(2, 10, (count, FUTURES)),
    )
    columns = {"leads_90d": rng.integers(0, 30, count).astype(float), **columns}
    return RepOutlooks(futures, reps(count, **columns), rng.uniform(20, 90, count), 1.0)


def chances(drawn: RepOutlooks) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Count the futures in which each rep makes the quota."""
    return (drawn.futures.attainment() >= drawn.target).mean(axis=1)


@pytest.mark.parametrize("seed", range(4))
def test_points_lead_from_the_peers_to_the_rep(seed: int) -> None:
    """The base is the peers' mean chance, and base + points is the rep's own."""
    drawn = outlooks(seed)
    p = chances(drawn)
    for row in (0, 4):
        made = contrast(drawn, row, float(p[row]))
        assert made["base"] == pytest.approx(100 * np.delete(p, row).mean(), abs=1e-3)
        total = made["base"] + sum(item["points"] for item in made["items"]) + made["rest"]
        assert total == pytest.approx(100 * p[row], abs=1e-2)
        assert abs(made["rest"]) <= 0.05 * len(FACTORS)


def test_a_factor_that_peers_share_has_no_points() -> None:
    """All peers have the rep's quota: it explains no difference."""
    drawn = outlooks(1)
    drawn.futures.keys["quota"] = 100.0
    made = contrast(drawn, 2, float(chances(drawn)[2]))
    assert "quota" not in {item["feature"] for item in made["items"]}
    assert made["items"]


def test_only_peers_count() -> None:
    """What reps of another role do changes nothing."""
    role = np.array([0.0] * 8 + [1.0] * 4)
    drawn = outlooks(3, 12, rep_role=role)
    before = contrast(drawn, 0, 0.5)
    drawn.futures.closed[8:] *= 10
    assert contrast(drawn, 0, 0.5) == before
    assert before["peers"]["count"] == 7
    assert before["peers"]["says"] == "7 reps with over a year here, in the same role"


def test_values_stand_beside_the_peers() -> None:
    """Each factor says what it is, and what it is for the middle peer."""
    drawn = outlooks(4)
    made = contrast(drawn, 3, float(chances(drawn)[3]))
    quota = next(item for item in made["items"] if item["feature"] == "quota")
    others = np.delete(drawn.futures.quota, 3)
    assert quota["value"] == f"{drawn.futures.quota[3]:,.0f}"
    assert quota["usual"] == f"{np.median(others):,.0f}"
    assert quota["says"] == f"The quota: {quota['value']}; {quota['usual']} is usual."


def test_at_the_usual_one_factor_is_the_peers() -> None:
    """A rep with nothing won would have the chance that peers' wins give, all else the same."""
    drawn = outlooks(5)
    futures, row, others = drawn.futures, 2, np.delete(np.arange(9), 2)
    made = contrast(drawn, row, float(chances(drawn)[row]))
    closed = next(item for item in made["items"] if item["feature"] == "closed")
    total = futures.closed[others][:, None] + futures.open[row] + futures.new[row]
    assert closed["at_usual"] == pytest.approx(100 * (total >= futures.quota[row]).mean(), abs=1e-3)


@pytest.mark.parametrize(
    ("same", "dropped", "says"),
    [
        (
            ("role", "territory", "tenure"),
            [],
            "6 reps with over a year here, in the same role and territory",
        ),
        (("role", "tenure"), ["territory"], "6 reps with over a year here, in the same role"),
        (("role",), ["territory", "tenure"], "6 reps in the same role"),
        ((), ["territory", "tenure", "role"], "all 9 other reps with a quota in the period"),
    ],
)
def test_groups_widen_step_by_step(same: tuple[str, ...], dropped: list[str], says: str) -> None:
    """Territory gives way first, then the time with the company, the role last."""
    alike = np.array([0.0] * (1 + LEAST_PEERS) + [1.0] * 3)
    unlike = np.array([0.0] * 3 + [1.0] * 7)
    columns = {
        "rep_role": alike if "role" in same else unlike,
        "rep_territory": alike if "territory" in same else unlike,
        "tenure_days": np.where((alike if "tenure" in same else unlike) == 0, 500.0, 60.0),
    }
    group = peer_group(keys(10), reps(10, **columns), 0)
    assert group is not None
    assert (group.to_json()["dropped"], group.says) == (dropped, says)
    assert 0 not in group.rows


def test_who_has_left_or_has_no_quota_is_nobodys_peer() -> None:
    """Nor is a rep of another period, nor the rep's own other row."""
    frame = keys(10)
    frame.loc[1, "has_left"], frame.loc[2, "quota"] = 1, 0.0
    frame.loc[3, "period_end"], frame.loc[4, "rep_id"] = datetime(2025, 7, 1), "r00"
    group = peer_group(frame, reps(10), 0)
    assert group is not None
    assert group.rows.tolist() == [5, 6, 7, 8, 9]


def test_a_word_that_is_rare_makes_nobody_alike() -> None:
    """Rare words share a code; a rep with one is not held against others with another."""
    other = np.array([float(len(WORDS))] * 8 + [0.0, 1.0])
    group = peer_group(keys(10), reps(10, rep_role=other), 0)
    assert group is not None
    assert len(group.rows) == 9


def test_two_others_are_no_group() -> None:
    """With nobody to compare with there is nothing to say, and it still adds up."""
    made = contrast(outlooks(6, 3), 0, 0.4)
    assert made == {"peers": None, "base": 40.0, "items": [], "rest": 0.0}
