"""Laws of what MLflow's pages tell: what a run is of, what a version is now, who was compared."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))

from small_models import base_rate_only, fitted, frame, record

from training.artifact import LEARNING_CURVES
from training.leads.bundle import LEADS
from training.tracking.records import RunRecord
from training.tracking.registry import CHALLENGER, CHAMPION, PREVIOUS, Tracking
from training.tracking.runs import NOTE, PARENT

CURVES = [[0.6, 0.5, 0.55], [0.7, 0.65]]
ESTIMATE = {"value": 0.01, "low": None, "high": 0.02}
COMPARISON: dict[str, Any] = {
    "kind": LEADS,
    "champion": "1",
    "challenger": "2",
    "since": "2026-01-01T00:00:00",
    "cutoffs": ["2026-01-01T00:00:00", "2026-01-08T00:00:00"],
    "promotes": False,
    "reasons": ["its gain in log loss may be luck"],
    "n_rows": 400,
    "gain": ESTIMATE,
    "figures": {
        "auc": {"champion": ESTIMATE, "challenger": ESTIMATE, "difference": ESTIMATE},
    },
    "segments": [{"segment": "team", "part": "north", "is_worse": True}],
    "level": 0.9,
    "withheld": None,
}


def training(rounds: int) -> RunRecord:
    """Describe a training of an extract with a name."""
    bundle = replace(fitted(rounds), about={LEARNING_CURVES: CURVES})
    return replace(record(bundle), source="acme", rows={"leads": 60})


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """A home with a champion and a challenger."""
    tracking = Tracking(tmp_path_factory.mktemp("story"))
    for rounds in (5, 6):
        tracking.log(training(rounds))
    return tracking


def run_of(tracking: Tracking, version: str) -> Any:
    """Return the run of a version as MLflow has it."""
    (found,) = (v for v in tracking.versions(LEADS) if v.version == version)
    return tracking._client.get_run(found.run_id)  # noqa: SLF001 - as MLflow has it


def test_a_run_is_named_by_data_and_day(tracking: Tracking) -> None:
    """Lists of runs, and descriptions of run, version, model and experiment say what they are."""
    run, client = run_of(tracking, "1"), tracking._client  # noqa: SLF001 - as MLflow has it
    assert run.info.run_name == "leads until 2026-01-01 · acme"
    version = client.get_model_version("pacesetter-leads", "1")
    assert version.description == run.data.tags[NOTE]
    for words in ("`acme`", "`data-1`", "2026-01-01", "AUC 0.7000", "enough, 400 leads"):
        assert words in version.description
    for note in (
        client.get_registered_model("pacesetter-leads").description,
        client.get_experiment(run.info.experiment_id).tags[NOTE],
    ):
        assert "for coaching, not for employment decisions" in note


def test_the_extract_is_an_mlflow_data_set(tracking: Tracking) -> None:
    """Its name, fingerprint and size are known, and no row of it is."""
    (data,) = run_of(tracking, "1").inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("acme", "data-1")
    assert json.loads(data.dataset.source) == {"extract": "acme", "fingerprint": "data-1"}
    assert json.loads(data.dataset.profile)["rows"] == {"leads": 60}
    assert [(tag.key, tag.value) for tag in data.tags] == [("mlflow.data.context", "training")]


def test_learning_curves_count_trees(tracking: Tracking) -> None:
    """Step 1 is the loss with one tree, for each fold that stopped early."""
    run_id, client = run_of(tracking, "2").info.run_id, tracking._client  # noqa: SLF001 - see above
    for number, curve in enumerate(CURVES, start=1):
        history = client.get_metric_history(run_id, f"learning_curve/fold_{number}")
        assert {m.step: m.value for m in history} == dict(enumerate(curve, start=1))


def shown(tracking: Tracking) -> dict[str, tuple[str | None, str | None]]:
    """Return what the tags of each version and of its run say it is."""
    return {
        v.version: (v.tags.get("alias"), run_of(tracking, v.version).data.tags.get("alias"))
        for v in tracking.versions(LEADS)
    }


def test_tags_follow_the_aliases(tmp_path: Path) -> None:
    """Whatever moves an alias moves the tags; where a process died in between, retag does."""
    tracking = Tracking(tmp_path)
    tracking.retag(LEADS)  # there is nothing yet, and nothing is made
    assert not tracking.mlruns.folder.exists()
    for bundle in (base_rate_only(), fitted(5)):
        tracking.log(record(bundle))
    assert shown(tracking) == {"1": (CHAMPION,) * 2, "2": (CHALLENGER,) * 2}
    tracking.promote(LEADS, "2", "better")
    assert shown(tracking) == {"1": (PREVIOUS,) * 2, "2": (CHAMPION,) * 2}
    tracking.log(record(fitted(6)))
    tracking.promote(LEADS, "1", "back")
    now = {"1": (CHAMPION,) * 2, "2": (PREVIOUS,) * 2, "3": (CHALLENGER,) * 2}
    assert shown(tracking) == now
    client = tracking._client  # noqa: SLF001 - as a process that died would leave it
    client.set_model_version_tag("pacesetter-leads", "3", "alias", CHAMPION)
    client.delete_tag(run_of(tracking, "1").info.run_id, "alias")
    tracking.retag(LEADS)
    assert shown(tracking) == now


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "against version 1: refused"),
        ({"promotes": True}, "against version 1: passed"),
        ({"withheld": "too little", "figures": {}, "cutoffs": []}, "against version 1: withheld"),
    ],
)
def test_a_comparison_is_nested_under_the_challenger(
    tracking: Tracking, changed: dict[str, Any], name: str
) -> None:
    """Its name says what the gate decided; figures, reasons and the whole of it are there."""
    comparison = COMPARISON | changed
    run = tracking._client.get_run(tracking.log_comparison(comparison))  # noqa: SLF001 - see above
    assert run.info.run_name == name
    assert run.data.tags[PARENT] == run_of(tracking, "2").info.run_id
    assert "its gain in log loss may be luck" in run.data.tags[NOTE]
    assert "team north" in run.data.tags[NOTE]
    assert run.data.metrics["gain_high"] == 0.02
    assert "gain_low" not in run.data.metrics
    assert run.data.metrics.get("difference.auc") == (0.01 if comparison["figures"] else None)
    root = tracking.mlruns.local(run.info.artifact_uri)
    assert json.loads((root / "comparison.json").read_text()) == comparison


def test_the_columns_used_decide_alone() -> None:
    """With the used columns alone a forecast is the same bits; each of them can change it."""
    bundle = fitted(2)
    X = frame(bundle.columns)
    p = bundle.predict(X)
    assert np.array_equal(bundle.predict(X[[*bundle.used]]), p)
    assert np.array_equal(bundle.predict(X[[*bundle.used]].assign(nonsense=1.0)), p)
    for name in bundle.used:
        moved = [bundle.predict(X.assign(**{name: value})) for value in (0.0, 1.0, 30.0)]
        assert any(not np.array_equal(other, p) for other in moved), name


def test_a_column_without_weight_or_split_is_not_used() -> None:
    """A feature that never varied is in the model's list, and in its signature it is not."""
    bundle = fitted(2)
    blend = bundle.blend
    assert blend is not None
    linear = blend.regression.linear
    name = next(n for n in bundle.columns if n in linear.names and n not in blend.trees.used)
    weights = tuple(
        0.0 if own.partition(":")[0] == name else weight
        for own, weight in zip(linear.names, linear.weights, strict=True)
    )
    regression = replace(blend.regression, linear=replace(linear, weights=weights))
    lighter = replace(bundle, blend=replace(blend, regression=regression))
    assert set(bundle.used) - set(lighter.used) == {name}
    X = frame(bundle.columns)
    assert np.array_equal(lighter.predict(X.drop(columns=name)), lighter.predict(X))
