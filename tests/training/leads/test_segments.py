"""Segments have models of their own where that is warranted, and each row is asked of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sellers import FEATURES, FEW, HORIZON, TRAINING

from features.build import Examples
from features.errors import InputError, NotFoundError
from features.params import FeatureParams, MinimumParams
from features.storage.warehouse import Warehouse
from training.checks.suspicion import Suspicion
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.lead_group import EvaluationSettings
from training.evaluation.leads import evaluate
from training.evaluation.splitting import MODEL_SEGMENT, POOLED, Splitting
from training.leads.backtest import backtest_leads
from training.leads.bundle import NO_SEGMENT, Bundle
from training.leads.dataset import TrainingSet
from training.leads.explain import explain
from training.leads.fit import fit_leads
from training.leads.fit_segments import SEGMENTS, require_segments
from training.leads.reasons import reasons
from training.leads.train import train_leads
from training.leads.where import Where
from training.params import LeadParams, SegmentParams, TrainingParams
from training.rolling import Range

LESS = FeatureParams(
    **{**FEATURES.model_dump(), "minimum": MinimumParams(leads=100, converted=20, unconverted=20)}
)
"""Segments of the small company are small."""
WEB, EVENT = ("web", "source = 'web'"), ("event", "source = 'event'")


def params(*segments: tuple[str, str]) -> TrainingParams:
    """Set segments, each a name and a condition."""
    parts = tuple(SegmentParams(name=name, where=where) for name, where in segments)
    leads = TRAINING.leads.model_copy(update={"segments": parts, "most_refits": 1})
    return TRAINING.model_copy(update={"leads": leads})


@pytest.fixture(scope="module")
def few(training_set: TrainingSet) -> TrainingSet:
    """The small company with few features, for speed."""
    examples, names = training_set.examples, training_set.examples.feature_set.names
    kept = examples.feature_set.without(frozenset(names) - FEW)
    fewer = Examples(examples.keys, examples.X[kept.names], kept)
    return replace(training_set, examples=fewer, suspicions=())


@pytest.fixture(scope="module")
def past(history: Warehouse) -> Warehouse:
    """All that was known."""
    return history.until(None)


@pytest.fixture(scope="module")
def segmented(few: TrainingSet, past: Warehouse) -> Bundle:
    """A model with two segments that have models of their own, and one that is too small."""
    segments = (WEB, EVENT, ("small", "source = 'referral' AND value > 5500"))
    return fit_leads(few, past, LESS, params(*segments))


def planted(training_set: TrainingSet, seed: int, *, reverse: bool) -> TrainingSet:
    """Draw outcomes anew: value moves the chance, for leads of the web perhaps the other way."""
    X = training_set.examples.X
    value = X["leads_value"].fillna(X["leads_value"].median()).rank(pct=True) - 0.5
    source = next(f for f in training_set.examples.feature_set if f.name == "leads_source")
    is_web = X["leads_source"] == (source.categories or ()).index("web")
    sign = np.where(is_web & reverse, -1.0, 1.0)
    p = expit(-1.2 + 4 * sign * value.to_numpy())
    y = (np.random.default_rng(seed).random(len(p)) < p).astype(np.float64)
    return replace(training_set, y=y)


def judged(bundle: Bundle, later: TrainingSet, horizon: int = HORIZON) -> Splitting:
    """Compare a model with its pooled part on outcomes that it has not seen."""
    X, keys = later.examples.X, later.examples.keys
    frame = keys[["lead_id", "cutoff"]].assign(
        horizon_days=horizon, p=bundle.probability(X), y=later.y, fold=0
    )
    beside = {POOLED: bundle.pooled_probability(X)}
    rows = Predictions(frame, beside, {MODEL_SEGMENT: bundle.segment_names(X)})
    splitting = evaluate(rows, EvaluationSettings(draws=60, floor_draws=2)).splitting
    assert splitting is not None
    return splitting


def test_without_segments_nothing_is_different(
    few: TrainingSet, past: Warehouse, segmented: Bundle
) -> None:
    """The pooled model is the same with segments and without; its file then has no word of them."""
    plain = fit_leads(few, past, LESS, params())
    assert (plain.blend, plain.calibrator) == (segmented.blend, segmented.calibrator)
    X = few.examples.X
    np.testing.assert_array_equal(plain.probability(X), segmented.pooled_probability(X))
    assert plain.to_json()["format"] == 7
    assert plain.labels == {}
    assert not {"segments"} & {*plain.to_json(), *plain.about}


def test_a_segment_of_all_leads_is_the_pooled_model(few: TrainingSet, past: Warehouse) -> None:
    """The same rows give the same model, to the bit."""
    bundle = fit_leads(few, past, LESS, params(("all", "age_days >= 0 OR age_days IS NULL")))
    assert bundle.segments[0].blend == bundle.blend
    X = few.examples.X
    np.testing.assert_array_equal(bundle.probability(X), bundle.pooled_probability(X))


def test_each_row_is_asked_of_its_own_model(few: TrainingSet, segmented: Bundle) -> None:
    """The first segment that holds forecasts a row; those without a model are pooled."""
    X = few.examples.X
    names, p = segmented.segment_names(X), segmented.probability(X)
    pooled = segmented.pooled_probability(X)
    own = {segment.name: segment for segment in segmented.segments}
    assert segmented.labels == {"segments": "web, event, small (pooled)"}
    assert [name for name, segment in own.items() if segment.blend is not None] == ["web", "event"]
    for name in ("web", "event"):
        rows, blend = names == name, own[name].blend
        assert blend is not None
        expected = own[name].calibrator.probability(blend.margins(X[rows]))
        np.testing.assert_array_equal(p[rows], expected)
        assert (p[rows] != pooled[rows]).any()
    # What compares models, and MLflow, hand over a model's own columns and no others.
    np.testing.assert_array_equal(segmented.predict(X[[*segmented.columns]]), p)
    rest = np.isin(names, ["small", NO_SEGMENT])
    assert rest.any()
    np.testing.assert_array_equal(p[rest], pooled[rest])


def test_reasons_add_up_in_every_segment(few: TrainingSet, segmented: Bundle) -> None:
    """Base, points and rest are 100 p, each lead from the base of its own model."""
    explanation = explain(segmented, few.examples)
    p = segmented.probability(few.examples.X)
    np.testing.assert_allclose(explanation.base + explanation.points.sum(axis=1), 100 * p)
    np.testing.assert_allclose(explanation.probability, p)
    assert len(np.unique(explanation.base)) == 3
    sample = few.examples.take(np.arange(len(p)) % 50 == 0)
    for row, chance in zip(
        reasons(explain(segmented, sample), sample, 3, {}),
        segmented.probability(sample.X),
        strict=True,
    ):
        points = sum(item["points"] for item in row["items"])
        assert row["base"] + points + row["rest"] == pytest.approx(100 * chance, abs=1e-3)


def test_segments_are_saved_as_text(few: TrainingSet, segmented: Bundle, tmp_path: Path) -> None:
    """Read back, the model is equal, of the same version, and forecasts the same bits."""
    segmented.save(tmp_path / "model")
    loaded = Bundle.load(tmp_path / "model")
    assert loaded == segmented
    assert loaded.version == segmented.version
    X = few.examples.X
    np.testing.assert_array_equal(loaded.probability(X), segmented.probability(X))
    files = {str(f.relative_to(tmp_path / "model")) for f in (tmp_path / "model").rglob("*.*")}
    assert {"bundle.json", "segment-0/trees-0.txt", "segment-1/trees-1.txt"} < files
    assert not (tmp_path / "model" / "segment-2").exists()
    (tmp_path / "model" / "segment-1" / "trees-1.txt").unlink()
    with pytest.raises(NotFoundError, match=r"segment-1 lacks trees-1\.txt"):
        Bundle.load(tmp_path / "model")


def test_the_version_names_the_segments_too(segmented: Bundle) -> None:
    """A condition, a segment's trees, its calibrator: each changed gives another name."""
    first, *others = segmented.segments
    assert first.blend is not None
    trees = replace(first.blend.trees, texts=first.blend.trees.texts[::-1])
    changed = [
        replace(first, name="another"),
        replace(first, where=replace(first.where, text="source = 'event'")),
        replace(first, blend=replace(first.blend, trees=trees)),
        replace(first, calibrator=replace(first.calibrator, intercept=9.0)),
    ]
    bundles = [replace(segmented, segments=(segment, *others)) for segment in changed]
    versions = {segmented.version, *(bundle.version for bundle in bundles)}
    assert len(versions) == len(bundles) + 1


def test_a_segment_of_another_meaning_is_refused(segmented: Bundle, tmp_path: Path) -> None:
    """The columns that tell segments apart are part of the fingerprint."""
    segmented.save(tmp_path / "model")
    path = tmp_path / "model" / "bundle.json"
    plain = json.loads(path.read_text())
    assert "leads_source" in plain["columns"]
    plain["words"]["columns"]["leads.source"] = ["another", "list"]
    path.write_text(json.dumps(plain))
    with pytest.raises(NotFoundError, match="train again"):
        Bundle.load(tmp_path / "model")


def test_a_column_that_only_tells_segments_apart_is_built(
    few: TrainingSet, past: Warehouse
) -> None:
    """A model may leave a column out that its segments need; it moves no forecast."""
    X = few.examples.X.assign(touches_all=5.0)
    constant = replace(few, examples=replace(few.examples, X=X))
    where = "touches_all = 5 AND source <> 'web'"
    bundle = fit_leads(constant, past, LESS, params(("busy", where)))
    assert bundle.blend is not None
    assert "touches_all" not in bundle.blend.trees.columns
    assert "touches_all" in bundle.columns
    assert bundle.feature_set.names == [*bundle.columns]
    explanation = explain(bundle, replace(constant.examples, feature_set=bundle.feature_set))
    column = bundle.columns.index("touches_all")
    assert not explanation.points[:, column].any()
    np.testing.assert_allclose(
        explanation.base + explanation.points.sum(axis=1), 100 * bundle.probability(X)
    )


def test_what_became_of_each_segment_is_said(few: TrainingSet, past: Warehouse) -> None:
    """Too few leads, overlaps in numbers, a suspected column, and who is left over."""
    wide = ("all web", "source = 'web' OR source = 'event'")
    segments = (WEB, wide, ("tiny", "source = 'partner'"), ("slow", "days_since_touch > 3"))
    leaky = Suspicion("days_since_touch", "it leaks", 0.99, left_out=True)
    suspicious = replace(few, suspicions=(leaky,))
    bundle = fit_leads(suspicious, past, LESS, params(*segments))
    says = "\n".join(bundle.about[SEGMENTS])
    assert "segment web (source = 'web'): a model of its own, from" in says
    assert "segment tiny (source = 'partner'): forecast by the pooled model" in says
    assert "segment slow (days_since_touch > 3): not used" in says
    rows = int((few.examples.X["leads_source"] == 0).sum())
    assert f"segments web and all web overlap: {rows:,} training rows match both" in says
    assert "training leads were at some cutoff in no segment" in says
    assert [segment.name for segment in bundle.segments] == ["web", "all web", "tiny"]


def test_a_segment_that_is_clearly_worse_is_pooled(few: TrainingSet, past: Warehouse) -> None:
    """Labels of the web turn around before the calibration window: its own model has learned wrong.

    The pooled model learned less of them, and forecasts the window better.
    """
    same = planted(few, 1, reverse=False)
    early = same.rows(same.split.train + same.split.tune)
    turned = np.where(early, planted(few, 1, reverse=True).y, same.y)
    bundle = fit_leads(replace(few, y=turned), past, LESS, params(WEB))
    assert bundle.segments[0].blend is None
    assert "a model of its own was clearly worse" in bundle.about[SEGMENTS][0]


@pytest.mark.parametrize("seed", range(3))
def test_splitting_helps_where_effects_are_reversed(
    few: TrainingSet, past: Warehouse, seed: int
) -> None:
    """What raises the chance on the web lowers it elsewhere.

    Trees that are too few and too small to tell segments apart need separate models.
    """
    straight = params(WEB, EVENT)
    booster = straight.booster.model_copy(update={"max_rounds": 3, "num_leaves": 2})
    simple = straight.model_copy(update={"booster": booster})
    bundle = fit_leads(planted(few, seed, reverse=True), past, LESS, simple)
    splitting = judged(bundle, planted(few, seed + 100, reverse=True))
    assert splitting.overall.verdict == "better"
    assert splitting.headline.startswith("splitting helped (log loss ")
    assert {part.label: part.verdict for part in splitting.parts}["web"] == "better"


def test_splitting_seldom_helps_where_all_leads_are_alike(
    few: TrainingSet, past: Warehouse
) -> None:
    """Without a difference between segments, splitting only loses rows: it is not said to help."""
    verdicts = [
        judged(
            fit_leads(planted(few, seed, reverse=False), past, LESS, params(WEB, EVENT)),
            planted(few, seed + 100, reverse=False),
        ).overall.verdict
        for seed in range(4)
    ]
    assert verdicts.count("better") <= 1


def test_a_backtest_sets_the_pooled_model_beside(history: Warehouse, quick: TrainingParams) -> None:
    """Every row has the pooled model's forecast and its segment, which reports are split by."""
    cutoff = history.data_until.replace(hour=0)
    newest = Range(cutoff - pd.Timedelta(days=28), cutoff - pd.Timedelta(days=21))
    leads = LeadParams(
        **{**quick.leads.model_dump(), "segments": params(WEB).leads.segments},
    )
    split = quick.model_copy(update={"leads": leads})
    result = backtest_leads(history, newest, HORIZON, LESS, split)
    rows = result.predictions
    names = np.asarray(rows.segments[MODEL_SEGMENT])
    assert {*names} == {"web", NO_SEGMENT}
    pooled, p = rows.named[POOLED], rows.named["model"]
    np.testing.assert_array_equal(p[names != "web"], pooled[names != "web"])
    assert (p != pooled).any()
    evaluation = evaluate(rows, EvaluationSettings(draws=20, floor_draws=2))
    assert evaluation.splitting is not None
    assert [part.label for part in evaluation.splitting.parts] == ["web"]
    plain = evaluation.to_json()["splitting"]
    assert plain["says"] == [*evaluation.splitting.says]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("source = 'wep'", r"segment 'a': \"source = 'wep'\": 'wep' is not a value of leads_s"),
        ("sauce = 'web'", r"training\.leads\.segments, segment 'a': .*unknown column 'sauce'"),
        ("source =", r"cannot be read as a condition"),
    ],
)
def test_segments_are_read_before_any_work(past: Warehouse, where: str, says: str) -> None:
    """An error names the setting, the segment, and what is wrong."""
    with pytest.raises(InputError, match=says):
        require_segments(past, FEATURES, params(("a", where)).leads)


def test_names_of_segments_differ() -> None:
    """Two segments of one name could not be told apart in a report."""
    with pytest.raises(ValueError, match="two segments are named web; names must differ"):
        LeadParams.model_validate(
            {"segments": [dict(zip(("name", "where"), WEB, strict=True))] * 2}
        )


def test_what_the_test_could_not_test_is_said(
    history: Warehouse, quick: TrainingParams, few: TrainingSet
) -> None:
    """A segment may have enough leads by now that had too few when the test began."""
    is_web = Where.of(WEB[1], few.examples.feature_set).holds(few.examples.X)
    minimum = MinimumParams(leads=few.examples.keys["lead_id"][is_web].nunique(), converted=20)
    features = LESS.model_copy(update={"minimum": minimum})
    leads = LeadParams(**{**quick.leads.model_dump(), "segments": params(WEB).leads.segments})
    split = quick.model_copy(update={"leads": leads})
    trained = train_leads(history.until(None), HORIZON, features, split)
    says = "\n".join(trained.notes)
    assert "segment web (source = 'web'): a model of its own, from" in says
    assert "in the test: no lead was forecast by a model of its segment" in says
    assert "the model of segment web is untested" in says
