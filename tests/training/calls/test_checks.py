"""Whether the gain of past calls can be believed is checked, and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from callers import callers
from test_fit import FAST, learned

from training.calls.checks import SHUFFLED, _dealt_within, in_words


@pytest.mark.parametrize("seed", range(3))
def test_answers_are_dealt_out_among_the_attempts_of_a_day(seed: int) -> None:
    """Each day keeps its number of answers; who got them is luck."""
    draws = np.random.default_rng(seed)
    days = draws.integers(0, 20, 4000)
    treated = (draws.random(4000) < 0.3).astype(np.float64)
    dealt = _dealt_within(days, treated, seed)
    for day in range(20):
        assert dealt[days == day].sum() == treated[days == day].sum()
    assert abs(np.corrcoef(dealt, treated)[0, 1]) < 0.1


def test_what_is_learned_says_how_far_it_can_be_believed(tmp_path: Path) -> None:
    """Answers are luck here: nothing is unbalanced after weighting, placebos hold 0."""
    taught, _ = learned(callers(8, 3000), tmp_path, FAST)
    assert taught.model is not None, taught.says
    about = taught.about
    assert about["balance"]["unbalanced_after"] <= about["balance"]["unbalanced_before"]
    widest = [abs(each["before"]) for each in about["balance"]["widest"]]
    assert widest == sorted(widest, reverse=True)
    assert widest[0] == abs(about["balance"]["worst_before"]["before"])
    assert about["overlap"]["outside"] == 0
    assert about["e_value"] > about["e_value_of_limit"] > 1
    (shuffled,) = (each for each in about["placebos"] if each["name"] == SHUFFLED)
    assert shuffled["passes"]
    assert shuffled["low"] < 0 < shuffled["high"]
    assert "effects that must be zero" in taught.says
    failed = {**shuffled, "passes": False}
    assert "which is not zero" in in_words({**about, "placebos": [failed]})
    assert "must be zero" not in in_words({**about, "placebos": []})
