"""What a model learns from, what it leaves out, and when it says that it cannot learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from extract import Extract, Row
from sellers import FEATURES, HORIZON, START, TRAINING, UNTIL, open_at, open_warehouse, without

from features.definitions.time_ahead import DAYS_AHEAD
from features.feature import PeerRank
from features.params import FeatureParams, MinimumParams
from features.storage.warehouse import Warehouse
from training.checks.suspicion import Suspicion
from training.cutoffs import taken_over, training_cutoffs
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fit import SEED_LUCK, fit_leads, lead_evidence, learn_leads, luck_of_seeds
from training.params import SplitParams, TrainingParams

Opened = Callable[[list[Row]], Warehouse]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Ingest leads that come without any other table's rows."""
    return lambda leads: open_warehouse(Extract({"leads": leads}, UNTIL), tmp_path).until(None)


def lead(number: int, born: datetime, days: float, *, won: bool) -> Row:
    """Make a lead that lives so many days."""
    end: datetime | None = born + timedelta(days=days)
    end = end if end is not None and end < UNTIL else None
    ended = {"converted_at" if won else "lost_at": end}
    row: dict[str, Any] = {"lead_id": f"L{number:04}", "created_at": born, "source": "web"}
    return {**row, "value": float(number % 7), **ended}


def test_cutoffs_are_midnights_with_mature_labels(history: Warehouse) -> None:
    """They end at the latest mature midnight and go back in equal steps to the first lead."""
    until = UNTIL - timedelta(hours=7)
    cutoffs = training_cutoffs(history.until(until), HORIZON, TRAINING)
    assert cutoffs[-1] == UNTIL - timedelta(days=HORIZON + 1)
    assert {later - earlier for earlier, later in pairwise(cutoffs)} == {timedelta(days=4)}
    assert START < cutoffs[0] <= START + timedelta(days=5)


def test_many_rows_thin_the_cutoffs(history: Warehouse) -> None:
    """Beyond the most snapshots cutoffs are taken further apart, and the newest stays."""
    split = SplitParams.model_construct(every_days=4, max_snapshots=1_000)
    thinned = training_cutoffs(
        history.until(None), HORIZON, TRAINING.model_copy(update={"split": split})
    )
    whole = training_cutoffs(history.until(None), HORIZON, TRAINING)
    assert thinned[-1] == whole[-1]
    assert len(thinned) * 4 < len(whole)


def test_learning_begins_where_endings_do(opened: Opened) -> None:
    """Of the time before a CRM was introduced only leads still open are there."""
    kept = [lead(n, START + timedelta(days=n % 100), 500, won=False) for n in range(40)]
    later = START + timedelta(days=100)
    fresh = [
        lead(n, later + timedelta(days=n % 90), 3 + n % 20, won=n % 3 == 0) for n in range(40, 400)
    ]
    past = opened([*kept, *fresh])
    cutoffs = training_cutoffs(past, HORIZON, TRAINING)
    assert later + timedelta(days=3) < cutoffs[0] <= later + timedelta(days=10)
    assert "learning begins there" in taken_over(past)[0]


def test_one_early_ending_by_mistake_moves_nothing(opened: Opened) -> None:
    """A date typed wrong is one in hundreds."""
    leads = [lead(n, START + timedelta(days=n % 150), 3, won=n % 3 == 0) for n in range(400)]
    mistaken = {**lead(999, START - timedelta(days=400), 1, won=True)}
    cutoffs = training_cutoffs(opened([*leads, mistaken]), HORIZON, TRAINING)
    assert cutoffs[0] > START
    assert not taken_over(opened(leads))


def test_a_training_set_holds_every_open_lead_and_its_label(
    training_set: TrainingSet, extract: Extract
) -> None:
    """Rows and labels are those of the contract's words, counted anew."""
    ends = {row["lead_id"]: row.get("converted_at") for row in extract.rows("leads")}
    keys = training_set.examples.keys
    for cutoff, rows in keys.groupby("cutoff"):
        assert set(rows["lead_id"]) == open_at(extract.rows("leads"), cutoff)
    horizon = timedelta(days=HORIZON)
    label = [
        float((end := ends[lead_id]) is not None and cutoff <= end < cutoff + horizon)
        for lead_id, cutoff in zip(keys["lead_id"], keys["cutoff"], strict=True)
    ]
    np.testing.assert_array_equal(training_set.y, label)


def test_the_model_has_learned_something(bundle: Bundle, training_set: TrainingSet) -> None:
    """A company with reasons is told apart: evidence is enough and the chances spread."""
    p = bundle.probability(training_set.examples.X)
    assert bundle.evidence.state == "enough"
    assert p[training_set.y == 1].mean() > 1.5 * p[training_set.y == 0].mean()
    assert ((p > 0) & (p < 1)).all()


def test_columns_that_only_tell_the_date_are_left_out(
    bundle: Bundle, training_set: TrainingSet
) -> None:
    """Under a year of history nothing learned is one value for everybody at each cutoff."""
    X, cutoffs = training_set.examples.X, training_set.examples.keys["cutoff"].to_numpy()
    varies = X.groupby(cutoffs).nunique(dropna=False).max() > 1
    moves = X.apply(lambda column: len(column.unique())) > 1
    assert set(bundle.columns) == {*X.columns[varies], DAYS_AHEAD}
    assert bundle.blend is not None
    assert set(bundle.blend.trees.columns) == set(X.columns[varies])
    assert set(X.columns[moves & ~varies])


def test_after_two_years_the_date_may_be_used(
    training_set: TrainingSet, history: Warehouse, bundle: Bundle
) -> None:
    """With two years of history a season has come twice, so the company's pace stays."""
    keys = training_set.examples.keys
    first = keys["cutoff"].min()
    earlier = first - pd.Timedelta("800D")
    longer = keys.assign(cutoff=keys["cutoff"].where(keys["cutoff"] > first, earlier))
    examples = replace(training_set.examples, keys=longer)
    stretched = fit_leads(
        replace(training_set, examples=examples), history.until(None), FEATURES, TRAINING
    )
    assert set(stretched.columns) > set(bundle.columns)


def test_suspected_features_are_left_out_and_named(
    training_set: TrainingSet, history: Warehouse
) -> None:
    """What the audit suspects is not learned from, unless a person vouched for it."""
    no = Suspicion("age_days", "too good", 0.99, left_out=True)
    yes = Suspicion("leads_value", "too good", 0.99, left_out=False)
    model = fit_leads(
        replace(training_set, suspicions=(no, yes)), history.until(None), FEATURES, TRAINING
    )
    assert "age_days" not in model.columns
    assert "leads_value" in model.columns
    assert [s["feature"] for s in model.about["left_out"]] == ["age_days", "leads_value"]


def test_what_is_ranked_within_a_suspected_category_is_left_out(
    training_set: TrainingSet, history: Warehouse
) -> None:
    """A rank among the leads of a stage knows the stage: neither trees nor baselines see it."""
    stage = Suspicion("stage", "too good", 0.99, left_out=True)
    doubted = replace(training_set, suspicions=(stage,))
    ranks = {f.name for f in training_set.examples.feature_set if isinstance(f.how, PeerRank)}
    assert len(ranks) == 3
    assert doubted.suspected == {"stage", *ranks}
    made = fit_leads(doubted, history.until(None), FEATURES, TRAINING)
    assert not doubted.suspected & set(made.columns)
    assert "days_in_stage" in made.columns


def test_what_a_person_vouched_for_takes_nothing_along(training_set: TrainingSet) -> None:
    """A suspected feature that is allowed by name stays, and so does what is made of it."""
    stage = Suspicion("stage", "too good", 0.99, left_out=False)
    assert replace(training_set, suspicions=(stage,)).suspected == frozenset()
    assert training_set.suspected == frozenset()


def test_a_model_is_known_by_its_columns_alone(history: Warehouse, tmp_path: Path) -> None:
    """However its features came to be left out, a model accepts its own bundle."""
    past, params = history.until(None), without(["age_days"])
    training_set = build_training_set(past, HORIZON, FEATURES, params)
    suspicion = Suspicion("leads_value", "too good", 0.99, left_out=True)
    made = fit_leads(replace(training_set, suspicions=(suspicion,)), past, FEATURES, params)
    assert "rank_age_days" in made.columns
    assert not {"age_days", "leads_value", "rank_leads_value"} & set(made.columns)
    made.save(tmp_path)
    assert Bundle.load(tmp_path) == made


def test_segments_with_few_leads_are_thin(bundle: Bundle, training_set: TrainingSet) -> None:
    """A source with fewer than forty leads, and one never met, are thin; the others are not."""
    sources = bundle.vocabulary.columns["leads.source"]
    assert sources is not None
    keys, place = training_set.examples.keys, training_set.examples.X["leads_source"]
    met = keys["lead_id"].groupby(place).nunique().reindex(range(len(sources) + 1), fill_value=0)
    assert bundle.evidence.counts == tuple(met)
    rows = pd.DataFrame({"leads_source": np.arange(len(sources) + 1, dtype=float)})
    states = bundle.evidence.of_rows(rows)
    assert states.tolist() == ["enough" if count >= 40 else "thin" for count in met]
    assert {"enough", "thin"} == set(states)


def test_less_than_the_minimum_is_thin_and_half_of_it_none(training_set: TrainingSet) -> None:
    """Evidence follows the minimum: 206 conversions are thin of 300 and nothing of 500."""
    converted = pd.Series(training_set.y).groupby(training_set.examples.keys["lead_id"]).max().sum()
    states = []
    for wanted in (converted, converted + 1, 2 * converted + 2):
        minimum = MinimumParams(converted=int(wanted), unconverted=int(wanted))
        states.append(lead_evidence(training_set, FEATURES.model_copy(update={"minimum": minimum})))
    assert [evidence.state for evidence in states] == ["enough", "thin", "none"]
    assert states[1].says.startswith("thin: ")
    assert f"{converted:.0f} converted" in states[2].says


def test_too_little_gives_the_fallback(history: Warehouse, training_set: TrainingSet) -> None:
    """Six weeks of history fit nothing: age alone answers, near the base rate, and it says why."""
    past = history.until(START + timedelta(days=42))
    model = learn_leads(past, HORIZON, FEATURES, TRAINING)
    assert model.evidence.state == "none"
    assert model.blend is None
    assert model.columns == ("age_days",)
    assert "leave no room for training" in model.evidence.says
    p = model.probability(training_set.examples.X)
    assert np.all((p > 0) & (p < 1))
    assert p == pytest.approx([model.base_rate] * len(p), rel=0.9)
    assert 0 < model.base_rate < 1


def test_nothing_at_all_gives_one_in_ten(opened: Opened) -> None:
    """Without a single lead there is a model all the same."""
    model = learn_leads(opened([]), HORIZON, FEATURES, TRAINING)
    assert (model.evidence.state, model.base_rate) == ("none", 0.1)


def test_all_ending_alike_is_too_little(opened: Opened) -> None:
    """Where nobody ever converted nothing is fitted, however low the minimum was set."""
    params = FeatureParams(minimum=MinimumParams(leads=1, converted=1, unconverted=1))
    leads = [lead(n, START + timedelta(hours=9 * n), 15, won=False) for n in range(700)]
    model = learn_leads(opened(leads), HORIZON, params, TRAINING)
    assert model.evidence.state == "none"
    assert 0 < model.base_rate < 0.01


def test_conversions_that_only_just_began_are_too_little(opened: Opened) -> None:
    """Where none converted before the calibration window, no map could be learned."""
    late = START + timedelta(days=250)
    leads = []
    for number in range(700):
        born = START + timedelta(hours=9 * number)
        leads.append(lead(number, born, 12, won=born > late and number % 2 == 0))
    model = learn_leads(opened(leads), 5, FEATURES, TRAINING)
    assert model.evidence.state == "none"
    assert "all leads ended alike" in model.evidence.says


def test_one_lead_at_a_time_cannot_be_told_apart(opened: Opened) -> None:
    """Without two leads open at one cutoff no column tells more than the date."""
    leads = [lead(n, START + timedelta(hours=24 * n + 20), 0.3, won=n % 3 == 0) for n in range(290)]
    daily = TRAINING.model_copy(update={"split": SplitParams(every_days=1)})
    model = learn_leads(opened(leads), HORIZON, FEATURES, daily)
    assert model.evidence.state == "none"
    assert "no feature tells leads apart" in model.evidence.says


def test_a_pause_of_the_business_is_lived_through(opened: Opened, quick: TrainingParams) -> None:
    """Half a year without an open lead leaves cutoffs without rows, and a model all the same."""
    rng, leads = Random(1), []  # noqa: S311 - a sample, no secret
    for number in range(600):
        day = rng.uniform(0, 60) if number < 400 else rng.uniform(240, 299)
        born = START + timedelta(days=day)
        leads.append(lead(number, born, rng.uniform(2, 18), won=rng.random() < 0.4))
    past = opened(leads)
    for until in (200, 275):
        model = learn_leads(past.until(START + timedelta(days=until)), HORIZON, FEATURES, quick)
        assert model.blend is not None


def test_a_history_that_begins_with_one_lead_is_learned_from(
    opened: Opened, quick: TrainingParams
) -> None:
    """Early parts with a single lead, or one outcome, stop no trees; with none left a rule does."""
    rng = Random(2)  # noqa: S311 - a sample, no secret
    leads = [lead(0, START, 58.0, won=True)]
    for number in range(1, 500):
        born = START + timedelta(days=rng.uniform(30, 110))
        leads.append(lead(number, born, rng.uniform(1, 12), won=rng.random() < 0.4))
    past = opened(leads)
    learned = 0
    for days in range(84, 110, 4):
        model = learn_leads(past.until(START + timedelta(days=days)), HORIZON, FEATURES, quick)
        learned += model.blend is not None
    assert learned >= 3


def test_leaving_everything_out_leaves_the_base_rate(
    history: Warehouse, training_set: TrainingSet
) -> None:
    """A person may name every feature; what is left is the fallback, not an error."""
    params = without(training_set.examples.feature_set.names)
    model = learn_leads(history.until(None), HORIZON, FEATURES, params)
    assert (model.evidence.state, model.columns) == ("none", ())


def test_the_luck_of_seeds_is_what_other_seeds_bring(
    training_set: TrainingSet, history: Warehouse, bundle: Bundle
) -> None:
    """What a model says of itself is how far models of other seeds lie apart, within a third."""
    forecasts = []
    for seed in range(6):
        booster = TRAINING.booster.model_copy(update={"seed": 1_000 * seed})
        params = TRAINING.model_copy(update={"booster": booster})
        model = fit_leads(training_set, history.until(None), FEATURES, params)
        forecasts.append(model.probability(training_set.examples.X))
    apart = 100 * np.sqrt(np.var(forecasts, axis=0, ddof=1).mean())
    assert 2 / 3 < bundle.about[SEED_LUCK] / apart < 3 / 2
    (says,) = luck_of_seeds(bundle)
    assert f"by {bundle.about[SEED_LUCK]:.2f} percentage points" in says
    one = TRAINING.booster.model_copy(update={"bags": 1})
    alone = TRAINING.model_copy(update={"booster": one})
    model = fit_leads(training_set, history.until(None), FEATURES, alone)
    assert (model.about[SEED_LUCK], luck_of_seeds(model)) == (None, [])
