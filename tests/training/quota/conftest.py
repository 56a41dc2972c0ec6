"""One small selling company, learned from once, for the tests of the quota model."""

from __future__ import annotations

from datetime import timedelta

import pytest
from quota_company import FEATURES, QUARTERS, TRAINING, opened, sellers

from training.quota.bundle import QuotaBundle
from training.quota.dataset import QuotaTrainingSet, build_quota_training_set
from training.quota.fit import fit_quota


@pytest.fixture(scope="session")
def sold(tmp_path_factory: pytest.TempPathFactory) -> QuotaTrainingSet:
    """What there is to learn from four ended quarters of eight reps."""
    history = opened(sellers(QUARTERS[4] + timedelta(days=20)), tmp_path_factory.mktemp("sold"))
    return build_quota_training_set(history.until(None), FEATURES, TRAINING)


@pytest.fixture(scope="session")
def quota_bundle(sold: QuotaTrainingSet) -> QuotaBundle:
    """The model of that company."""
    return fit_quota(sold, FEATURES, TRAINING)
