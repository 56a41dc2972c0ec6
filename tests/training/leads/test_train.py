"""`train_leads` keeps a model of everything mature, and tests one that never saw the window."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sellers import FEATURES, HORIZON, START, UNTIL

from features.storage.warehouse import Warehouse
from training.leads.bundle import CALLS
from training.leads.fit import learn_leads, luck_of_seeds
from training.leads.reason_luck import reason_luck
from training.leads.train import Trained, settings_of, train_leads
from training.params import EvaluationParams, TrainingParams

LAST_MATURE = UNTIL - timedelta(days=HORIZON)


@pytest.fixture(scope="module")
def trained(history: Warehouse, quick: TrainingParams) -> Trained:
    """The recipe, run on the whole extract."""
    few_draws = quick.model_copy(update={"evaluation": EvaluationParams(draws=20)})
    return train_leads(history.until(None), HORIZON, FEATURES, few_draws)


def test_the_model_kept_has_seen_everything_mature(
    trained: Trained, history: Warehouse, quick: TrainingParams
) -> None:
    """Testing changes nothing: the model is the one `learn` gives, calls aside."""
    about = {name: value for name, value in trained.bundle.about.items() if name != CALLS}
    plain = replace(trained.bundle, calls=None, about=about)
    assert plain == learn_leads(history.until(None), HORIZON, FEATURES, quick)
    assert trained.bundle.until == UNTIL


def test_the_test_lies_after_all_that_its_model_saw(trained: Trained) -> None:
    """The tested model's labels were mature before the first cutoff it is tested on."""
    assert trained.test is not None
    (fold,) = trained.test.folds
    assert trained.test.last.until == fold.cutoffs[0]
    for first, last in (ends for ends in fold.about["parts"].values() if ends):
        assert datetime.fromisoformat(first) <= datetime.fromisoformat(last)
        assert datetime.fromisoformat(last) + timedelta(days=HORIZON) <= fold.cutoffs[0]


def test_the_test_is_on_the_newest_mature_weeks(trained: Trained) -> None:
    """Two to four weeks of cutoffs a week apart, all mature, none older than need be."""
    assert trained.test is not None
    cutoffs = trained.test.folds[0].cutoffs
    assert cutoffs[0] == LAST_MATURE - timedelta(days=28)
    assert cutoffs[-1] == LAST_MATURE
    assert trained.test.predictions.frame["y"].notna().all()


def test_quality_is_that_of_the_tested_model(trained: Trained) -> None:
    """Model and baselines are judged on all test rows, with intervals."""
    assert trained.evaluation is not None
    assert trained.test is not None
    overall = trained.evaluation.overall
    assert overall.n_rows == len(trained.test.predictions.frame)
    assert set(overall.scores) == {"model", *trained.test.predictions.baselines}


def test_notes_tell_what_happened(trained: Trained) -> None:
    """How time was divided, how much was learned from, and what the test shows is said."""
    assert trained.evaluation is not None
    honesty = trained.evaluation.honesty
    assert honesty is not None
    newest = trained.training_set.rows(trained.training_set.split.calibrate)
    assert trained.notes == (
        *trained.training_set.split.says,
        trained.bundle.evidence.says,
        *luck_of_seeds(trained.bundle),
        *reason_luck(trained.bundle, trained.training_set.examples.take(newest), 3),
        trained.bundle.about[CALLS]["says"],
        honesty.says,
    )
    assert any("leads with mature labels" in note for note in trained.notes)


def test_a_model_without_a_shown_gain_has_a_fallback(trained: Trained) -> None:
    """Eighty test leads show too little: what would forecast instead is there, and says why."""
    assert trained.evaluation is not None
    honesty = trained.evaluation.honesty
    assert honesty is not None
    assert honesty.failed
    assert trained.evaluation.to_json()["honesty"]["says"] == honesty.says
    assert trained.fallback is not None
    assert trained.fallback.evidence.state == "none"
    assert trained.fallback.evidence.says.startswith(f"{honesty.says}; the fallback forecasts")
    assert trained.fallback.until == trained.bundle.until


@pytest.mark.parametrize(("days", "state"), [(5, "none"), (45, "none"), (88, "thin")])
def test_short_histories_are_not_tested_and_say_so(
    history: Warehouse, quick: TrainingParams, days: int, state: str
) -> None:
    """Without room for a test there is a model or a fallback, no figure, and a note."""
    past = history.until(START + timedelta(days=days))
    trained = train_leads(past, HORIZON, FEATURES, quick)
    assert trained.bundle.evidence.state == state
    assert (trained.test, trained.evaluation, trained.fallback) == (None, None, None)
    assert trained.notes[-1].startswith("history is too short to test")
    assert trained.bundle.evidence.says in trained.notes


def test_settings_are_translated() -> None:
    """Every field of the section reaches the evaluation."""
    section = EvaluationParams(draws=31, level=0.8, capacity=0.3, seed=9)
    translated = settings_of(section)
    assert (translated.draws, translated.level, translated.capacity, translated.seed) == (
        31,
        0.8,
        0.3,
        9,
    )
