"""Laws of the gate that the first quota model passes, and of what forecasts in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.evidence import EvidenceState
from training.evaluation.quota_forecasts import QuotaPredictions
from training.params import EvaluationParams
from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet
from training.quota.fallback import beyond_base_rate, fall_back

PARAMS = EvaluationParams(draws=100)
START, END = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-01")


def forecasts(seed: int, *, skill: float, reps: int = 40, made: float = 0.5) -> QuotaPredictions:
    """Make forecasts of one period at four cutoffs, of chances that know their rep by `skill`."""
    rng = np.random.default_rng(seed)
    known, luck = rng.normal(0, 1, (2, reps))
    attains = rng.random(reps) < 1 / (1 + np.exp(-2 * known - np.log(made / (1 - made))))
    p = 1 / (1 + np.exp(-2 * (skill * known + (1 - skill) * luck)))
    cutoffs = pd.date_range(START, periods=4, freq="14D")
    frame = pd.DataFrame(
        {
            "rep_id": np.tile([f"r{n}" for n in range(reps)], 4),
            "period_start": START,
            "period_end": END,
            "cutoff": np.repeat(cutoffs, reps),
            "p_attain": np.tile(p, 4),
            "attainment": np.tile(np.where(attains, 1.2, 0.6), 4),
            "attainment_p10": 0.5,
            "attainment_p50": 1.0,
            "attainment_p90": 1.5,
            "range_low": 0.5,
            "range_high": 1.5,
            "p_in_range": 0.8,
        }
    )
    rest = ("fold", "quota", "closed", "expected_open", "expected_new", "evidence")
    return QuotaPredictions(frame.assign(**dict.fromkeys(rest, 0)))


@pytest.mark.parametrize("seed", range(8))
def test_skill_passes_and_luck_does_not(sold: QuotaTrainingSet, seed: int) -> None:
    """Chances that know the reps beat the base rate; as bold ones that know nothing do not."""
    skilled = beyond_base_rate(sold, forecasts(seed, skill=1.0), PARAMS)
    assert skilled.passed
    assert "age" not in skilled.says
    lucky = beyond_base_rate(sold, forecasts(seed, skill=0.0), PARAMS)
    assert lucky.failed
    assert lucky.says.startswith("little beyond the base rate")


def test_few_rep_periods_tell_nothing(sold: QuotaTrainingSet) -> None:
    """With eight reps nothing can be told, and the model stays."""
    judged = beyond_base_rate(sold, forecasts(1, skill=0.0, reps=8), PARAMS)
    assert not judged.passed
    assert not judged.failed
    assert "of 8 rep-periods made quota" in judged.says


def test_only_what_had_ended_counts_for_the_base_rate(sold: QuotaTrainingSet) -> None:
    """Attainment of periods that ended after the test began changes no gain."""
    test = forecasts(3, skill=1.0)
    is_later = (sold.reps.keys["period_end"] > START).to_numpy()
    assert is_later.any()
    bent = replace(sold, attainment=np.where(is_later, 9.0, sold.attainment))
    judged, again = (beyond_base_rate(known, test, PARAMS) for known in (sold, bent))
    assert judged.to_json() == again.to_json()


def test_the_fallback_has_learned_averages_and_says_why(quota_bundle: QuotaBundle) -> None:
    """No trees, no expected wins, the widest luck; amounts stay, and evidence is none."""
    bundle = fall_back(quota_bundle, "little beyond the base rate")
    assert bundle.deals.ensemble is None
    assert bundle.new_business.linear is None
    assert bundle.spread.rep >= quota_bundle.spread.rep
    assert bundle.amounts == quota_bundle.amounts
    assert bundle.evidence.state == EvidenceState.NONE
    assert bundle.evidence.says.startswith("little beyond the base rate; ")
