"""A model is saved as data, comes back bit for bit, and refuses to be misread."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sellers import FEATURES, REPS

from features.errors import NotFoundError
from features.evidence import EvidenceState
from training.estimators.calibration import Calibrator
from training.evidence import Evidence
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet
from training.leads.exposure import Exposure


@pytest.fixture
def saved(bundle: Bundle, tmp_path: Path) -> Path:
    """A folder with the model."""
    bundle.save(tmp_path / "model")
    return tmp_path / "model"


def edit(folder: Path, **values: Any) -> None:
    """Change what a bundle says of itself."""
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_saved_model_forecasts_the_same_bits(
    bundle: Bundle, training_set: TrainingSet, saved: Path
) -> None:
    """Saving and loading changes no probability, no word, no version."""
    loaded, X = Bundle.load(saved), training_set.examples.X
    np.testing.assert_array_equal(loaded.probability(X), bundle.probability(X))
    assert loaded == bundle
    assert loaded.version == bundle.version
    assert loaded.feature_set.names == list(bundle.columns)


def test_a_fallback_is_saved_too(bundle: Bundle, tmp_path: Path) -> None:
    """A model without trees answers the base rate before and after."""
    fallback = replace(bundle, blend=None, columns=(), base_rate=0.125)
    fallback = replace(fallback, fingerprint=fallback.feature_set.fingerprint)
    fallback.save(tmp_path / "model")
    loaded = Bundle.load(tmp_path / "model")
    assert loaded == fallback
    assert loaded.probability(pd.DataFrame(index=range(3))) == pytest.approx([0.125] * 3)


def test_the_version_is_the_content(bundle: Bundle) -> None:
    """Equal content has one name; every part of it, changed, gives another."""
    blend = bundle.blend
    assert blend is not None
    linear = blend.regression.linear
    lifted = replace(linear, intercept=linear.intercept + 1e-12)
    fewer = replace(blend.trees, texts=blend.trees.texts[:1])
    others = [
        replace(bundle, horizon_days=bundle.horizon_days + 1),
        replace(bundle, base_rate=bundle.base_rate + 1e-12),
        replace(bundle, calibrator=replace(bundle.calibrator, a=bundle.calibrator.a + 1e-12)),
        replace(bundle, vocabulary=replace(bundle.vocabulary, types=bundle.vocabulary.types[::-1])),
        replace(bundle, params=FEATURES.model_copy(update={"owner_prior": 21.0})),
        replace(bundle, evidence=replace(bundle.evidence, minimum=41)),
        replace(bundle, blend=replace(blend, trees=fewer)),
        replace(bundle, blend=replace(blend, regression=replace(blend.regression, linear=lifted))),
        replace(bundle, blend=replace(blend, level=blend.level + 1e-12)),
        replace(bundle, blend=replace(blend, exposure=Exposure(blend.exposure.usual + 1e-9))),
        replace(bundle, about={**bundle.about, "rounds": 1}),
    ]
    versions = {bundle.version, *(other.version for other in others)}
    assert len(versions) == len(others) + 1
    assert replace(bundle, about=dict(bundle.about)).version == bundle.version


def test_features_of_another_meaning_are_refused(saved: Path) -> None:
    """A model that learned from other declarations is not asked."""
    edit(saved, fingerprint="0123456789abcdef")
    with pytest.raises(NotFoundError, match=r"0123456789abcdef.*train again"):
        Bundle.load(saved)


@pytest.mark.parametrize("format_", [0, 1, 2, None])
def test_another_format_is_refused(saved: Path, format_: int | None) -> None:
    """A bundle of another version of the format is not guessed at."""
    edit(saved, format=format_)
    with pytest.raises(NotFoundError, match=r"format .*train again"):
        Bundle.load(saved)


def test_what_is_not_there_is_named(saved: Path, tmp_path: Path) -> None:
    """A missing folder, an empty one, and a model without one of its trees are clear errors."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "nowhere", tmp_path / "empty"):
        with pytest.raises(NotFoundError, match=r"holds no bundle\.json"):
            Bundle.load(folder)
    (saved / "trees-1.txt").unlink()
    with pytest.raises(NotFoundError, match=r"lacks trees-1\.txt"):
        Bundle.load(saved)


def test_a_bundle_is_text_and_nothing_else(saved: Path) -> None:
    """One JSON file and LightGBM's own text; nothing in it can be run."""
    names = sorted(path.name for path in saved.iterdir())
    assert names == ["bundle.json", "trees-0.txt", "trees-1.txt"]
    json.loads((saved / "bundle.json").read_text(encoding="utf-8"))
    for name in names[1:]:
        assert (saved / name).read_text(encoding="utf-8").startswith("tree\n")


def test_no_person_is_in_a_bundle(saved: Path) -> None:
    """Neither the names of reps nor the ids of leads are kept in a model."""
    content = "".join(path.read_text(encoding="utf-8") for path in saved.iterdir())
    for word in (*(part for name in REPS for part in name.split()), "L00", '"r0"'):
        assert word not in content


def test_rows_of_a_thin_segment_say_so() -> None:
    """A row's evidence is its segment's; of unknown segment, or thin as a whole, the model's."""
    X = pd.DataFrame({"source": [0.0, 1.0, 2.0, np.nan]})
    evidence = Evidence(EvidenceState.ENOUGH, "", "source", (40, 39, 0), 40)
    assert evidence.of_rows(X).tolist() == ["enough", "thin", "thin", "enough"]
    assert replace(evidence, state=EvidenceState.THIN).of_rows(X).tolist() == ["thin"] * 4
    assert evidence.of_rows(X.iloc[:0]).tolist() == []


def test_a_fallback_uses_no_calibrator(bundle: Bundle) -> None:
    """The base rate is a probability already."""
    fallback = replace(bundle, blend=None, calibrator=Calibrator("platt", 2.0, 2.0, 1.0))
    p = fallback.probability(pd.DataFrame(index=range(2)))
    assert p == pytest.approx([bundle.base_rate] * 2)
