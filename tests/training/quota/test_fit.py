"""How distributions are scored, and how much luck a model says that deals have in common."""

from __future__ import annotations

import numpy as np
import pytest
from quota_company import FEATURES

from features.evidence import EvidenceState
from features.params import MinimumParams
from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet
from training.quota.fit import SPREADS, crps, quota_evidence


def test_crps_by_hand() -> None:
    """Of two futures, 0 and 1, and the outcome 0: 1/2 - 1/4; a sure forecast has its error."""
    assert crps(np.array([[0.0, 1.0]]), np.array([0.0]))[0] == pytest.approx(0.25)
    assert crps(np.array([[2.0, 2.0]]), np.array([5.0]))[0] == pytest.approx(3.0)
    normal = np.random.default_rng(1).normal(size=(1, 20_000))
    # Of a standard normal distribution at its centre: 2 phi(0) - 1 / sqrt(pi).
    at_centre = 2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi)
    assert crps(normal, np.array([0.0]))[0] == pytest.approx(at_centre, abs=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_the_true_distribution_scores_best(seed: int) -> None:
    """Too narrow, too wide or shifted: on average each loses to the distribution drawn from."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 1, 3_000)
    futures = rng.normal(0, 1, (3_000, 60))
    best = crps(futures, y).mean()
    for other in (futures * 0.4, futures * 2.5, futures + 0.7):
        assert crps(other, y).mean() > best + 0.02


def test_the_luck_of_a_rep_is_one_that_was_tried(quota_bundle: QuotaBundle) -> None:
    """The company's part is a setting; the rep's is chosen."""
    assert quota_bundle.spread.rep in SPREADS
    assert quota_bundle.spread.company == 0.15


def test_evidence_follows_the_minimum(sold: QuotaTrainingSet, quota_bundle: QuotaBundle) -> None:
    """As many wins and periods as wanted are enough, one more wanted is thin."""
    deals = sold.deals.keys["deal_id"]
    won = deals[(sold.endings["outcome"] == 1).to_numpy()].nunique()
    ended = sold.reps.keys[~np.isnan(sold.attainment)]
    periods = len(ended[["rep_id", "period_start"]].drop_duplicates())
    states = {}
    for more in ((0, 0), (1, 0), (0, 1)):
        minimum = MinimumParams(won=won + more[0], periods=periods + more[1])
        params = FEATURES.model_copy(update={"minimum": minimum})
        states[more] = quota_evidence(sold, quota_bundle.deals, params).state
    assert states == {
        (0, 0): EvidenceState.ENOUGH,
        (1, 0): EvidenceState.THIN,
        (0, 1): EvidenceState.THIN,
    }
