"""The order in which causes are told, and what they cost together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.coaching.causes.channels import Channel
from training.coaching.causes.find import _with_doubt
from training.coaching.causes.sizes import Candidate, Flow, Scenario, sizes
from training.coaching.causes.spells import normal
from training.coaching.causes.told import Told, evidence_of, frame_of, ranked
from training.coaching_params import CauseParams

PARAMS = CauseParams()
SPELL = Told(0, "closing", 0.2, 0.1, 0.3, 0.9, pd.Timestamp("2025-01-01"), "says", is_spell=True)
GROUND = Told(0, "territory", 0.05, 0.02, 0.09, 1.0, None, "says", is_spell=False)


def causes(*told: Told) -> list[str]:
    """Return the causes in the order in which they are told."""
    return [cause.cause for cause in ranked(list(told), PARAMS)]


def test_the_larger_of_two_sure_causes_comes_first() -> None:
    """A sure spell that costs more than poor ground is told before it."""
    assert causes(GROUND, SPELL) == ["closing", "territory"]


def test_a_sure_outside_cause_comes_before_an_own_one_that_is_not_sure() -> None:
    """However large the doubtful own cause is."""
    doubtful = replace(SPELL, p=0.4, size=0.5, low=0.0)
    assert causes(doubtful, GROUND) == ["territory", "closing"]


def test_what_came_and_is_sure_comes_before_what_has_always_been() -> None:
    """A lasting weakness is in the rep's record already."""
    always = replace(SPELL, cause="qualifying", size=0.4, since=None, is_spell=False)
    assert causes(always, SPELL) == ["closing", "qualifying"]


def test_what_costs_next_to_nothing_is_told_only_where_it_is_sure() -> None:
    """A sure spell of slow follow-up is told though it costs little; a doubtful one is not."""
    small = replace(SPELL, cause="follow_up", size=0.001)
    assert causes(small) == ["follow_up"]
    assert causes(replace(small, p=0.3)) == []


def test_what_costs_next_to_nothing_comes_after_what_explains_the_gap() -> None:
    """However sure the slow follow-up is, it does not push a costly weakness aside."""
    small = replace(SPELL, cause="follow_up", size=0.001)
    always = replace(SPELL, cause="qualifying", size=0.3, since=None, is_spell=False)
    assert causes(small, always) == ["qualifying", "follow_up"]


def test_luck_comes_first_where_nothing_stands_out() -> None:
    """The doubtful cause stays below it; a gap too small to split has no shares."""
    weak = replace(SPELL, p=0.1, size=0.015, low=0.0)
    moments = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-04-01")
    gaps = np.array([0.01, 0.5])
    frame = frame_of({0: [weak]}, gaps, {0: "R1", 1: "R2"}, moments, PARAMS.stands_out)
    assert frame["cause"].tolist() == ["luck", "closing", "luck"]
    assert frame["rank"].tolist() == [1, 2, 1]
    assert frame["share"].isna().tolist() == [True, True, False]
    assert not frame.loc[frame["cause"] == "luck", "theirs"].any()


def test_an_interval_counts_the_chance_that_nothing_is_there() -> None:
    """What is there in half of the cases reaches from 0 to nearly its upper end."""
    values = np.linspace(1.0, 2.0, 101)
    assert _with_doubt(values, 1.0) == pytest.approx((1.1, 1.9), abs=0.02)
    assert _with_doubt(values, 0.5) == pytest.approx((0.0, 1.8), abs=0.02)
    assert _with_doubt(values, 0.05) == (0.0, 0.0)


class Product(Flow):
    """A flow in which each field multiplies a revenue of 100."""

    def __init__(self) -> None:
        """Need no tables."""

    def run(self, scenarios: list[Scenario]) -> np.ndarray:  # type: ignore[override]  # a list
        """Multiply what is at work."""
        return np.array(
            [
                100 * np.exp(sum(float(sum(v[1] for v in c.mean.values())) for c, _ in at_work))
                for _, at_work in scenarios
            ]
        )


def candidate(cause: str, field: str, shift: float) -> Candidate:
    """Return a cause that shifts one field in both periods."""
    both = {field: np.full(2, shift)}
    return Candidate(0, cause, 1.0, 0, both, {field: np.full((3, 2), shift)})


def test_sizes_add_up_to_what_all_causes_cost() -> None:
    """Three causes that multiply: their Shapley values add up, and the strongest has most."""
    found = sizes(
        Product(),
        [
            candidate("closing", "closing", -0.5),
            candidate("qualifying", "qualifying", -0.2),
            candidate("deal_size", "amount", -0.1),
        ],
    )
    means = [size.mean for size in found]
    assert sum(means) == pytest.approx(100 * (1 - np.exp(-0.8)))
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize(
    ("variance", "says"),
    [
        (0.1, "737 logged touches; 910 by the rep's own other periods"),
        (1e9, "737 logged touches; nothing is known yet of what is usual for this rep"),
    ],
)
def test_a_new_rep_has_no_usual_work(variance: float, says: str) -> None:
    """Without periods of the rep's own to hold the touches against, no number stands for them."""
    once = np.ones((1, 1))
    channel = Channel("volume", normal(0 * once, variance * once), 737 * once, 910 * once, once)
    assert evidence_of("volume", channel, 0, 0) == says
