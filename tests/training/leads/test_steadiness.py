"""What has not held is found in a lead model's past, left out where it is gone, and said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extract import Extract
from sellers import FEATURES, FEW, HORIZON, UNTIL, open_warehouse, without

from features.evidence import EvidenceState
from features.storage.warehouse import Warehouse
from training.evidence import Evidence
from training.leads.dataset import TrainingSet, build_training_set
from training.leads.fallback import fall_back
from training.leads.fit import fit_leads
from training.leads.steadiness import UNSTEADY, Shifts, find_lead_shifts, most_telling, words

COLUMNS = ("age_days", "leads_value", "touches_all", "rank_age_days", "backlog")


@pytest.fixture(scope="module")
def wave(waved_history: Warehouse) -> TrainingSet:
    """What there is to learn from it."""
    return build_training_set(waved_history, HORIZON, FEATURES, without([]))


@pytest.fixture(scope="module")
def found(wave: TrainingSet) -> Shifts:
    """What has not held."""
    return find_lead_shifts(wave, COLUMNS)


def test_a_wave_of_closings_at_an_age_is_found(found: Shifts) -> None:
    """Age shifts; the value of a lead, which has nothing to do with it, does not."""
    names = [shift.column for shift in found.shifts]
    assert "age_days" in names
    assert "leads_value" not in names


def test_what_is_made_of_a_column_whose_effect_is_gone_goes_too(found: Shifts) -> None:
    """The rank by age is left out with age, and nothing that is not made of it."""
    gone = {shift.column for shift in found.shifts if shift.is_gone}
    assert "age_days" in gone
    assert "rank_age_days" in found.left_out
    assert not found.left_out & {"leads_value", "backlog"}


def test_a_column_whose_effect_is_new_stays(found: Shifts) -> None:
    """Nobody can tell a wave that has begun from a new rule: it is said, and no more."""
    shifts = replace(found, shifts=tuple(replace(s, held=1.2) for s in found.shifts))
    assert shifts.left_out == frozenset()
    assert all("so the model uses it" in item["says"] for item in shifts.to_json())


def test_what_everybody_shares_at_a_cutoff_is_not_judged(wave: TrainingSet) -> None:
    """The number of open leads only names the date."""
    assert find_lead_shifts(wave, ["backlog"]).shifts == ()


def test_a_short_past_has_no_parts(wave: TrainingSet) -> None:
    """Two parts of two horizons each are the least."""
    cutoffs = wave.examples.keys["cutoff"]
    for days, is_enough in ((4 * HORIZON - 4, False), (4 * HORIZON + 4, True)):
        rows = (cutoffs <= cutoffs.min() + timedelta(days=days)).to_numpy()
        short = replace(wave, examples=wave.examples.take(rows), y=wave.y[rows])
        assert bool(find_lead_shifts(short, COLUMNS).spans) == is_enough
    nothing = np.zeros(len(wave.y), dtype=bool)
    empty = replace(wave, examples=wave.examples.take(nothing), y=wave.y[nothing])
    assert find_lead_shifts(empty, COLUMNS).shifts == ()


def test_the_order_of_rows_does_not_matter(wave: TrainingSet, found: Shifts) -> None:
    """The parts, the leads and the groups are facts by values."""
    mixed = np.random.default_rng(1).permutation(len(wave.y))
    keys, X = (
        frame.iloc[mixed].reset_index(drop=True) for frame in (wave.examples.keys, wave.examples.X)
    )
    shuffled = replace(wave, examples=replace(wave.examples, keys=keys, X=X), y=wave.y[mixed])
    assert find_lead_shifts(shuffled, COLUMNS).to_json() == found.to_json()


def test_only_what_was_known_then_is_read(
    waved: Extract, waved_history: Warehouse, tmp_path: Path
) -> None:
    """The extract as it was after the wave gives the same shifts as all that came later."""
    moment = UNTIL - timedelta(days=40)
    then = open_warehouse(waved.cut(moment), tmp_path).until(None)
    cut, whole = (
        find_lead_shifts(build_training_set(w, HORIZON, FEATURES, without([])), COLUMNS).to_json()
        for w in (then, waved_history.until(moment))
    )
    assert cut
    assert cut == whole


def test_the_model_does_without_and_says_so(waved_history: Warehouse, found: Shifts) -> None:
    """Its columns lack what is left out; sentences and figures stand among its facts."""
    params = without([])
    few = sorted(FEW | {"rank_age_days"})
    others = set(
        build_training_set(waved_history, HORIZON, FEATURES, params).examples.feature_set.names
    )
    params = without(others - set(few))
    training_set = build_training_set(waved_history, HORIZON, FEATURES, params)
    bundle = fit_leads(training_set, waved_history, FEATURES, params)
    facts = bundle.about[UNSTEADY]
    left_out = {item["column"] for item in facts if item["left_out"]}
    assert "age_days" in left_out
    assert not {*left_out, "rank_age_days"} & set(bundle.columns)
    age = next(item for item in facts if item["column"] == "age_days")
    assert age["label"] in age["says"]
    assert "so the model was taught without it" in age["says"]
    evidence = Evidence(EvidenceState.NONE, "little beyond age")
    assert fall_back(bundle, training_set, evidence).about[UNSTEADY] == facts
    assert len(age["shares"]) == len(age["others"]) == len(age["spans"]) == len(found.spans)


def test_a_sentence_holds_the_shares_of_both_times(found: Shifts) -> None:
    """The group's share then and otherwise, and all leads', rounded alike."""
    for shift, item in zip(found.shifts, found.to_json(), strict=True):
        rest = [s for k, s in enumerate(shift.shares) if k != shift.part]
        first, last = item["spans"][shift.part]
        then, otherwise = (f"{100 * s:.1f} %" for s in (shift.shares[shift.part], np.mean(rest)))
        assert (
            f"where it is {shift.group}, {then} converted as of {first} to {last} and {otherwise} "
            "at other times"
        ) in item["says"]


def test_five_topics_are_said_and_the_rest_is_counted() -> None:
    """One sentence a topic, the clearest; a last one counts."""
    shifts = [
        {"topic": f"t{k // 2}", "says": f"says {k}", "left_out": k % 2 == 0} for k in range(14)
    ]
    assert [s["says"] for s in most_telling(shifts)] == [f"says {k}" for k in (0, 2, 4, 6, 8)]
    assert words(shifts)[-1] == "9 more columns shift with these; of all 14, 7 were left out"
    assert len(words(shifts)) == 6
    assert words([]) == []


def test_large_companies_are_sampled(wave: TrainingSet, found: Shifts) -> None:
    """Of thirty times the leads a part is looked at, and it tells of the same columns."""
    times = 30
    keys = pd.concat(
        [
            wave.examples.keys.assign(lead_id=wave.examples.keys["lead_id"] + f"/{k:02}")
            for k in range(times)
        ],
        ignore_index=True,
    )
    X = pd.concat([wave.examples.X[list(COLUMNS)]] * times, ignore_index=True)
    examples = replace(wave.examples, keys=keys, X=X)
    large = find_lead_shifts(replace(wave, examples=examples, y=np.tile(wave.y, times)), COLUMNS)
    assert {s.column for s in found.shifts} <= {s.column for s in large.shifts}
