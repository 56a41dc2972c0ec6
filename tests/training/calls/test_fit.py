"""What a call is worth is learned where past calls tell it, and nowhere else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from callers import BASE, HORIZON, callers
from extract import Extract
from sellers import FEATURES, open_warehouse

from features.build import build
from features.history.vocabulary import read_vocabulary
from features.storage.warehouse import Warehouse
from training.call_params import CallParams
from training.calls.fit import Learned, call_features, fit_calls
from training.calls.model import CallModel
from training.effect_params import EffectParams

FAST = CallParams(
    least_attempts=300, least_converted=20, effects=EffectParams(folds=2, rounds=10, arm_rounds=3)
)
SEEDS = (1, 2)


def learned(extract: Extract, home: Path, params: CallParams = FAST) -> tuple[Learned, Warehouse]:
    """Learn from everything an extract holds."""
    past = open_warehouse(extract, home).until(None)
    vocabulary = read_vocabulary(past, FEATURES)
    declared = call_features(vocabulary, FEATURES, frozenset())
    return fit_calls(past, declared, vocabulary, HORIZON, FEATURES, params), past


def estimates(model: CallModel, past: Warehouse) -> pd.DataFrame:
    """Estimate reach, gain and the chance without, of leads on days of calls, by source."""
    vocabulary = read_vocabulary(past, FEATURES)
    declared = call_features(vocabulary, FEATURES, frozenset())
    days = [past.data_until - timedelta(days=n) for n in range(60, 100, 5)]
    examples = build(past, declared, vocabulary, days, FEATURES)
    reach, gain, missed = model.estimates(examples.X)
    (column,) = (name for name in examples.X if name.endswith("source"))
    source = examples.X[column]
    parts = {"source": source, "reach": reach, "gain": gain, "missed": missed}
    return pd.DataFrame(parts).groupby("source").mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_reach_and_gain_are_learned_from_past_calls(seed: int, tmp_path: Path) -> None:
    """The average effect is found, and the source that is easier to reach and gains more."""
    taught, past = learned(callers(seed, 3000), tmp_path)
    assert taught.model is not None, taught.says
    average = taught.about["average"]
    # Leads come from either source alike, and gain 10 and 30 points.
    assert average["low"] - 0.03 < 0.2 < average["high"] + 0.03
    codes = list(read_vocabulary(past, FEATURES).columns["leads.source"] or ())
    by_source = estimates(taught.model, past)
    ads, fair = (by_source.loc[float(codes.index(name))] for name in ("ads", "fair"))
    assert fair["reach"] > ads["reach"] + 0.1
    assert fair["gain"] > ads["gain"]
    assert [ads["missed"], fair["missed"]] == pytest.approx([*BASE.values()], abs=0.06)
    assert "points" in taught.says


def test_a_model_is_read_back_to_the_bit(tmp_path: Path) -> None:
    """Plain values and trees are all of it."""
    taught, past = learned(callers(3), tmp_path)
    assert taught.model is not None
    again = CallModel.from_json(json.loads(json.dumps(taught.model.to_json())), taught.model.texts)
    pd.testing.assert_frame_equal(
        estimates(again, past), estimates(taught.model, past), check_exact=True
    )


def test_no_effect_teaches_nothing(tmp_path: Path) -> None:
    """Where being reached changes nothing, the rule stays, and the reason is said."""
    taught, _ = learned(callers(4, gain={"ads": 0.0, "fair": 0.0}), tmp_path)
    assert taught.model is None
    assert "did not go along with more conversions" in taught.says


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"least_attempts": 5000}, "attempts with a known outcome are too few"),
        ({"least_converted": 500}, "leads converted after somebody was"),
        ({"least_overlap": 0.5}, "might have gone either way"),
    ],
)
def test_too_little_teaches_nothing(changed: dict[str, float], says: str, tmp_path: Path) -> None:
    """Each minimum is kept, and the reason names what is missing."""
    extract = callers(5, 600)
    params = FAST.model_copy(update=changed)
    if "least_overlap" in changed:
        sharp = EffectParams(folds=2, inverse_ridge=10.0, min_data_in_leaf=20)
        params = params.model_copy(update={"effects": sharp})
        # Who came from the fair is always reached, who came from ads never.
        source = {row["lead_id"]: row["source"] for row in extract.rows("leads")}
        answer = {"fair": "connected", "ads": "no answer"}
        rows = [
            {**row, "outcome": answer[source[row["lead_id"]]]} for row in extract.rows("activities")
        ]
        extract = extract.but("activities", rows)
    taught, _ = learned(extract, tmp_path, params)
    assert taught.model is None
    assert says in taught.says


def test_later_calls_change_nothing(tmp_path: Path) -> None:
    """Cut at a moment, an extract teaches what the one made at that moment does, to the bit."""
    whole = callers(6, 2000)
    past = open_warehouse(whole, tmp_path / "whole")
    moment = past.data_until - timedelta(days=60)
    vocabulary = read_vocabulary(past.until(moment), FEATURES)
    declared = call_features(vocabulary, FEATURES, frozenset())
    arguments = (declared, vocabulary, HORIZON, FEATURES, FAST)
    early = fit_calls(past.until(moment), *arguments)
    spoilt = [
        {**row, "outcome": "connected"} if row["occurred_at"] >= moment else row
        for row in whole.rows("activities")
    ]
    other = open_warehouse(whole.but("activities", spoilt), tmp_path / "spoilt")
    again = fit_calls(other.until(moment), *arguments)
    assert early.model is not None
    assert again.model is not None
    assert early.model.to_json() == again.model.to_json()
    assert early.model.texts == again.model.texts


def test_shared_features_are_left_out(tmp_path: Path) -> None:
    """Nothing that all leads of an owner or of a day share, and no rank, tells calls apart."""
    past = open_warehouse(callers(7, 100), tmp_path).until(None)
    names = call_features(read_vocabulary(past, FEATURES), FEATURES, frozenset({"source"})).names
    assert "age_days" in names
    assert not {"owner_rate", "backlog", "rank_age_days", "source"} & {*names}
    assert np.all([not name.startswith("working_hours") for name in names])


def test_learning_from_calls_can_be_left_out(tmp_path: Path) -> None:
    """Where a setting says so, nothing is learned, and the reason is that setting."""
    taught, _ = learned(callers(1, 400), tmp_path, FAST.model_copy(update={"learn": False}))
    assert taught.model is None
    assert taught.says == "calls were not learned from: training.calls.learn is false"
