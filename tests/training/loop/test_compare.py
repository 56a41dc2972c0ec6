"""Laws of comparing two models: later rows only, the forecasts that scoring gives, and waiting."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from quota_company import FEATURES as QUOTA_FEATURES
from quota_company import QUARTERS, opened
from quota_company import TRAINING as QUOTA_TRAINING
from quota_company import sellers as quota_sellers
from sellers import FEATURES, HORIZON, UNTIL

from features.errors import NotReady
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.loop.compare import Comparison, compare
from training.loop.kinds import LEADS, QUOTA
from training.params import GateParams, ScoringParams, TrainingParams
from training.quota.bundle import QuotaBundle
from training.quota.dataset import build_quota_training_set
from training.quota.fit import fit_quota
from training.tracking.records import LoadedModel

SEEN = UNTIL - timedelta(days=100, hours=-5)
PARAMS = GateParams(draws=40, every_days=9)


@pytest.fixture(scope="module")
def early(history: Warehouse, quick: TrainingParams) -> Bundle:
    """A lead model that saw all but the last hundred days."""
    past = history.until(SEEN)
    return fit_leads(build_training_set(past, HORIZON, FEATURES, quick), past, FEATURES, quick)


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, QuotaBundle]:
    """A company after its fifth quarter, and a model made in the middle of it."""
    place = tmp_path_factory.mktemp("sold")
    history = opened(quota_sellers(QUARTERS[5] + timedelta(days=10)), place)
    past = history.until(QUARTERS[4] + timedelta(days=20))
    training_set = build_quota_training_set(past, QUOTA_FEATURES, QUOTA_TRAINING)
    return history, fit_quota(training_set, QUOTA_FEATURES, QUOTA_TRAINING)


def side_by_side(
    history: Warehouse, champion: Bundle, challenger: Bundle, params: GateParams = PARAMS
) -> Comparison:
    """Compare two lead models."""
    models = LoadedModel("leads", "1", "r1", champion), LoadedModel("leads", "2", "r2", challenger)
    return compare(LEADS, history, models, params)


def test_models_meet_on_what_neither_has_seen(history: Warehouse, early: Bundle) -> None:
    """Every cutoff lies at or after the later model's end, and its outcome is known."""
    compared = side_by_side(history, early, early)
    assert compared.since == SEEN
    assert compared.cutoffs[0] >= SEEN
    assert compared.cutoffs[-1] == UNTIL - timedelta(days=HORIZON)
    assert compared.verdict.withheld is None
    assert compared.verdict.gain.value == 0
    assert not compared.verdict.promotes
    assert {s.segment for s in compared.verdict.segments} >= {"age"}
    assert compared.to_json()["champion"] == "1"


def test_nothing_later_means_waiting(history: Warehouse, early: Bundle, bundle: Bundle) -> None:
    """A challenger that saw everything leaves nothing to compare; the day it ends is named."""
    compared = side_by_side(history, early, bundle)
    assert compared.cutoffs == ()
    assert not compared.verdict.promotes
    (reason,) = compared.verdict.reasons
    assert f"once it reaches {UNTIL + timedelta(days=HORIZON):%Y-%m-%d}, {HORIZON} days" in reason


def test_leads_are_forecast_as_scoring_does(history: Warehouse, early: Bundle) -> None:
    """At a cutoff the comparison uses the very chances that `score` would have written."""
    cutoff = UNTIL - timedelta(days=60)
    later = LEADS.steps.forecast(history, early, [cutoff])
    training = TrainingParams(scoring=ScoringParams())
    scored = LEADS.steps.score(history, early, "1", cutoff, training).set_index("lead_id")["p"]
    mine = pd.Series(later.p, index=later.keys["lead_id"])
    assert len(mine) == len(scored) > 20
    # Built with other columns beside them, sums may round in another order.
    np.testing.assert_allclose(mine.to_numpy(), scored.loc[mine.index].to_numpy(), rtol=1e-12)
    assert set(later.y) == {0.0, 1.0}


def test_reps_are_forecast_as_scoring_does(sold: tuple[Warehouse, QuotaBundle]) -> None:
    """The same of quotas, and the outcome is whether the target was attained."""
    history, model = sold
    found = QUOTA.steps.later(history, model, model.until, 7)
    assert model.until <= found.cutoffs[0] < model.until + timedelta(days=8)
    assert found.cutoffs[-1] == QUARTERS[5] - timedelta(days=1)
    later = QUOTA.steps.forecast(history, model, found.cutoffs[-1:])
    scored = QUOTA.steps.score(history, model, "1", found.cutoffs[-1], QUOTA_TRAINING)
    chances = scored.set_index("rep_id")["p_attain"]
    mine = pd.Series(later.p, index=later.keys["rep_id"])
    assert len(mine) == 8
    np.testing.assert_array_equal(mine.to_numpy(), chances.loc[mine.index].to_numpy())
    assert not np.isnan(later.y).any()
    # A day before the end little is left to chance.
    assert np.abs(later.p - later.y).mean() < 0.35


def test_few_reps_are_too_few(sold: tuple[Warehouse, QuotaBundle]) -> None:
    """Eight reps in one quarter judge no model, and the reason counts them."""
    history, model = sold
    models = LoadedModel("quota", "1", "a", model), LoadedModel("quota", "2", "b", model)
    verdict = compare(
        QUOTA, history, models, PARAMS.model_copy(update={"minimum_rows": 20})
    ).verdict
    assert verdict.withheld is not None
    assert "10 reps of either are needed" in verdict.withheld


def test_quotas_that_end_later_are_waited_for(sold: tuple[Warehouse, QuotaBundle]) -> None:
    """In a running period the day its outcome is known is named; after the last one none is."""
    history, model = sold
    assert QUOTA.steps.later(history, model, history.data_until, 7).mature_from == QUARTERS[6]
    after = QUOTA.steps.later(history, model, datetime(2030, 1, 1), 7)
    assert (after.cutoffs, after.mature_from) == ((), None)


def test_a_model_of_the_other_kind_is_refused(
    sold: tuple[Warehouse, QuotaBundle], early: Bundle
) -> None:
    """A lead model forecasts no quota."""
    history, _ = sold
    with pytest.raises(NotReady, match="is not a quota model"):
        QUOTA.steps.forecast(history, early, [QUARTERS[5]])
