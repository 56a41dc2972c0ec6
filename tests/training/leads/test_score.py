"""Scores are a work list: everybody on it once, in an order that nothing but the data decides."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from extract import Extract
from sellers import HORIZON, START, UNTIL, open_at, open_warehouse

from features.build import build
from features.evidence import EvidenceState
from features.snapshot import CUTOFF
from features.storage.warehouse import Warehouse
from training.call_params import CallParams
from training.estimators.age_curve import AgeCurve
from training.evidence import Evidence
from training.files import LEAD_SCORES, checked
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.fallback import fall_back
from training.leads.score import (
    NOT_TO_BE_CONTACTED,
    Listing,
    order_calls,
    rank,
    score_examples,
    score_leads,
    value_of,
    with_amounts,
)

AS_OF = UNTIL - timedelta(days=30)
AT_ONCE = CallParams(cool_down_days=0.0, warm_days=0.0, amount=1.0)
"""A touch just now takes nothing away, and amounts count as they are."""
LISTING = Listing("7", 3, CallParams())
PLAIN = Listing("7", 3, AT_ONCE)


@pytest.fixture(scope="module")
def scores(history: Warehouse, bundle: Bundle) -> pd.DataFrame:
    """The work lists of a day in the past."""
    return score_leads(history, bundle, LISTING, AS_OF)


@pytest.fixture(scope="module")
def worth(history: Warehouse, bundle: Bundle) -> pd.DataFrame:
    """The same day, however lately leads were touched."""
    return score_leads(history, bundle, PLAIN, AS_OF)


def made_up(**columns: list[object]) -> pd.DataFrame:
    """Make a table that only lacks its ranks."""
    frame = pd.DataFrame(columns)
    return frame.assign(evidence="enough", band=frame.get("band", "warm"))


def test_the_table_is_the_contracts(scores: pd.DataFrame) -> None:
    """Columns, their order and their types are those of the contract, without an empty value."""
    assert checked(scores, LEAD_SCORES) is scores
    empty = ["rep_id", "reach", "gain", "rank"]
    assert scores.drop(columns=empty).notna().all(axis=None)
    assert scores[["reach", "gain"]].isna().all(axis=None)
    assert set(scores["call_evidence"]) == {"rule"}
    assert scores["rep_id"].isna().any()
    np.testing.assert_array_equal(scores["score"], 100 * scores["p"])
    assert set(scores["horizon_days"]) == {HORIZON}
    assert set(scores["as_of"]) == {pd.Timestamp(AS_OF)}
    assert set(scores["model_version"]) == {"7"}


def test_every_open_lead_is_scored_once(scores: pd.DataFrame, extract: Extract) -> None:
    """The list holds the leads that are open at the moment, and no other."""
    assert sorted(scores["lead_id"]) == sorted(open_at(extract.rows("leads"), AS_OF))
    assert ((scores["p"] > 0) & (scores["p"] < 1)).all()


@pytest.mark.parametrize("lists", ["scores", "worth"])
def test_ranks_number_each_owners_list(lists: str, request: pytest.FixtureRequest) -> None:
    """Within each owner, and in the pool without one, ranks are 1 to n by falling priority."""
    frame: pd.DataFrame = request.getfixturevalue(lists)
    for _, own in frame.groupby(frame["rep_id"].fillna("nobody")):
        ordered = own.dropna(subset="rank").sort_values("rank")
        assert ordered["rank"].tolist() == list(range(1, len(ordered) + 1))
        assert (ordered["priority"].diff().dropna() <= 0).all()


def test_who_asked_not_to_be_called_has_no_rank(
    scores: pd.DataFrame, worth: pd.DataFrame, extract: Extract
) -> None:
    """Their priority is 0, their band says why, and every other lead has a rank."""
    asked = {
        row["lead_id"]
        for row in extract.rows("leads")
        if row["do_not_contact_at"] is not None and row["do_not_contact_at"] < AS_OF
    }
    for frame in (scores, worth):
        is_barred = frame["lead_id"].isin(asked)
        assert is_barred.any()
        np.testing.assert_array_equal(frame["band"] == NOT_TO_BE_CONTACTED, is_barred)
        assert (frame.loc[is_barred, "priority"] == 0).all()
        np.testing.assert_array_equal(frame["rank"].isna(), is_barred)


def test_a_wish_not_yet_spoken_bars_nobody(bundle: Bundle, tmp_path: Path) -> None:
    """A wish at the cutoff itself is not seen; one before it is, also for leads worth nothing."""
    born = AS_OF - timedelta(days=5)
    rows = [
        {"lead_id": name, "created_at": born, "value": value, "do_not_contact_at": asked}
        for name, value, asked in (
            ("at", 100.0, AS_OF),
            ("before", 1e6, AS_OF - timedelta(microseconds=1)),
            ("nothing", 0.0, None),
            ("negative", -50.0, None),
        )
    ]
    small = open_warehouse(Extract({"leads": rows}, UNTIL), tmp_path)
    frame = score_leads(small, bundle, PLAIN, AS_OF).set_index("lead_id")
    assert pd.isna(frame["rank"].to_dict()["before"])
    assert frame["rank"].to_dict()["at"] == 1
    assert (frame["priority"] >= 0).all()


def test_without_answers_to_calls_the_priority_follows_a_stated_rule(
    scores: pd.DataFrame, worth: pd.DataFrame, extract: Extract
) -> None:
    """Chance times amount, the middle amount where there is none, less after a fresh touch."""
    amounts = {row["lead_id"]: row["value"] for row in extract.rows("leads")}
    value = worth["lead_id"].map(amounts).astype(float)
    expected = worth["p"] * value.fillna(value.median())
    free = worth["band"] != NOT_TO_BE_CONTACTED
    np.testing.assert_allclose(worth.loc[free, "priority"], expected[free])
    middle = float(value.fillna(value.median()).median())
    by_id = worth.assign(value=value.fillna(value.median())).set_index("lead_id")
    counted = middle * (by_id["value"] / middle) ** CallParams().amount
    waited = scores.set_index("lead_id")["priority"] / (by_id["p"] * counted)
    waited = waited[waited > 0]
    assert (waited < 1 + 1e-9).all()
    assert waited.min() < 1 - 1e-6
    assert waited.max() == pytest.approx(1)


def test_one_owners_leads_are_worth_what_they_are_among_all(
    history: Warehouse, bundle: Bundle, scores: pd.DataFrame
) -> None:
    """Amounts count by the middle one of all leads, so a few alone are ranked alike, to the bit."""
    features, calls = bundle.listed_features, LISTING.calls
    examples = build(history, features, bundle.vocabulary, [AS_OF], bundle.params)
    values = with_amounts(value_of(history, examples.keys), calls)
    for owner in examples.keys["owner"].dropna().unique():
        own = (examples.keys["owner"] == owner).to_numpy()
        alone = score_examples(examples.take(own), bundle, LISTING, values[own])
        among = scores[scores["rep_id"] == owner].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, among, check_exact=True)


def test_the_bare_order_is_that_of_the_scores(
    history: Warehouse, bundle: Bundle, scores: pd.DataFrame
) -> None:
    """Asked for the order alone, nothing but the reasons is missing."""
    order = order_calls(history, bundle, CallParams(), AS_OF).set_index("lead_id")["priority"]
    listed = scores.dropna(subset="rank").set_index("lead_id")["priority"]
    pd.testing.assert_series_equal(order.sort_index(), listed.sort_index(), rtol=1e-12)


def test_an_amount_that_changes_later_is_not_known_yet(bundle: Bundle, tmp_path: Path) -> None:
    """The expected value takes the amount as it stood, from `changes`, at the cutoff."""
    born = AS_OF - timedelta(days=5)
    change = {"entity_type": "lead", "entity_id": "L1", "field": "value"}
    days = {"10": -2, "99": 4}
    changes = [
        {**change, "changed_at": AS_OF + timedelta(days=day), "value": value}
        for value, day in days.items()
    ]
    lead = {"lead_id": "L1", "created_at": born, "value": 99.0}
    small = open_warehouse(Extract({"leads": [lead], "changes": changes}, UNTIL), tmp_path)
    frame = score_leads(small, bundle, PLAIN, AS_OF)
    assert frame["priority"].tolist() == pytest.approx([10 * frame["p"].iloc[0]])


def test_ties_are_broken_by_chance_and_then_by_name() -> None:
    """Rows come in any order; of equal priority the likelier, then the lesser id goes first."""
    frame = made_up(
        lead_id=["d", "c", "b", "a"],
        rep_id=["r", "r", None, None],
        priority=[5.0, 5.0, 5.0, 5.0],
        p=[0.2, 0.2, 0.2, 0.1],
    )
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        ranked = rank(frame.iloc[order])
        assert ranked["lead_id"].tolist() == ["c", "d", "b", "a"]
        assert ranked["rank"].tolist() == [1, 2, 1, 2]


def test_bands_follow_the_companys_base_rate(scores: pd.DataFrame, bundle: Bundle) -> None:
    """Hot is twice the base rate or more, cold is less than half of it."""
    lift = scores["p"] / bundle.base_rate
    bands = pd.cut(
        lift, [0, 0.5, 1, 2, np.inf], labels=["cold", "cool", "warm", "hot"], right=False
    )
    free = scores["band"] != NOT_TO_BE_CONTACTED
    assert scores.loc[free, "band"].tolist() == bands[free].tolist()


def test_reasons_stand_beside_the_score(scores: pd.DataFrame) -> None:
    """Every row's reasons are JSON that adds up to its score."""
    for text, score in zip(scores["reasons"], scores["score"], strict=True):
        row = json.loads(text)
        total = row["base"] + sum(item["points"] for item in row["items"]) + row["rest"]
        assert abs(total - score) < 0.01


def test_a_fallback_scores_everybody(history: Warehouse, bundle: Bundle, extract: Extract) -> None:
    """Without trees every open lead gets the base rate, and a rank all the same."""
    fallback = replace(bundle, blend=None, columns=(), base_rate=0.2)
    frame = score_leads(history, fallback, LISTING, AS_OF)
    assert len(frame) == len(open_at(extract.rows("leads"), AS_OF))
    assert frame["p"].tolist() == pytest.approx([0.2] * len(frame))
    checked(frame, LEAD_SCORES)


def test_a_fallback_calls_nobody_hot(
    history: Warehouse, bundle: Bundle, training_set: TrainingSet
) -> None:
    """Whatever age says: bands end below the top one, and every row's evidence is none."""
    evidence = Evidence(EvidenceState.NONE, "little beyond age")
    fallback = fall_back(bundle, training_set, evidence)
    steep = AgeCurve((5.0, 15.0), (0.9, 0.02, 0.01))
    frame = score_leads(history, replace(fallback, age_curve=steep), LISTING, AS_OF)
    assert (frame["p"] / fallback.base_rate).max() > 2
    assert "hot" not in set(frame["band"])
    assert {"warm", "cold"} <= set(frame["band"])
    assert set(frame["evidence"]) == {"none"}
    for _, own in frame.groupby("rep_id", dropna=False):
        ranks = own["rank"].dropna()
        assert ranks.tolist() == list(range(1, len(ranks) + 1))
    checked(frame, LEAD_SCORES)


@pytest.mark.parametrize("has_trees", [True, False])
def test_nobody_open_gives_an_empty_list(
    history: Warehouse, bundle: Bundle, *, has_trees: bool
) -> None:
    """Before the first lead there is a table without rows, its columns and types the same."""
    model = bundle if has_trees else replace(bundle, blend=None, columns=())
    before: datetime = START - timedelta(days=1)
    frame = score_leads(history, model, LISTING, before)
    assert len(frame) == 0
    checked(frame, LEAD_SCORES)
    assert CUTOFF not in frame
