"""Laws of searches in MLflow: one run a search, one nested run a trial, however often reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.leads.bundle import LEADS
from training.tracking.registry import Tracking
from training.tracking.tuning import TrialState


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    """A home without runs."""
    return Tracking(tmp_path_factory.mktemp("tuning"))


def children(tracking: Tracking, experiment: str, parent: str) -> dict[str, tuple[str, str]]:
    """Return the name of every run under a search, with its id and status."""
    runs = tracking._client.search_runs([experiment])  # noqa: SLF001 - as MLflow has it
    return {
        run.info.run_name: (run.info.run_id, run.info.status)
        for run in runs
        if run.data.tags.get("mlflow.parentRunId") == parent
    }


def test_trials_are_nested_and_end_as_they_did(tracking: Tracking) -> None:
    """A finished, a pruned and a failed trial are told apart; settings and curve are kept."""
    with tracking.tuning(LEADS, "three ends") as search:
        one = search.trial(0, {"booster": {"num_leaves": 15}}, [0.5, 0.4], "complete", {"auc": 0.7})
        search.trial(1, {"booster": {"num_leaves": 63}}, [0.9], TrialState.PRUNED)
        search.trial(2, {}, [], "fail", {"auc": None})
    found = children(tracking, search.experiment, search.run_id)
    assert {name: status for name, (_, status) in found.items()} == {
        "trial 0: the defaults": "FINISHED",
        "trial 1": "KILLED",
        "trial 2": "FAILED",
    }
    client = tracking._client  # noqa: SLF001 - as MLflow has it
    run = client.get_run(one)
    assert run.data.params == {"booster.num_leaves": "15"}
    assert run.data.metrics == {"objective": 0.4, "auc": 0.7}
    curve = client.get_metric_history(one, "objective")
    assert [(m.step, m.value) for m in curve] == [(0, 0.5), (1, 0.4)]
    assert client.get_run(search.run_id).info.status == "FINISHED"


def test_a_search_is_taken_up_again(tracking: Tracking) -> None:
    """The same name is the same run, and a trial that is reported twice is there once."""
    with tracking.tuning(LEADS, "in 'two' sittings") as first:
        logged = first.trial(0, {"a": 1}, [0.5], "complete")
        first.summary("nothing yet", {"a": 1})
    with tracking.tuning(LEADS, "in 'two' sittings") as second:
        assert second.run_id == first.run_id
        assert second.trial(0, {"a": 1}, [0.5], "complete") == logged
        second.trial(1, {"a": 2}, [0.4], "complete")
        second.summary("better", {"a": 2}, {"gain": 0.1, "gain_low": None}, {"plots/a.svg": "<s/>"})
    assert len(children(tracking, second.experiment, second.run_id)) == 2
    run = tracking._client.get_run(second.run_id)  # noqa: SLF001 - as MLflow has it
    assert run.data.tags["mlflow.note.content"] == "better"
    assert run.data.tags["best.a"] == "2"
    assert run.data.metrics == {"gain": 0.1}
    root = tracking.mlruns.local(run.info.artifact_uri)
    assert (root / "plots/a.svg").read_text() == "<s/>"


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")]
)
def test_a_broken_off_search_says_so(
    tracking: Tracking, error: type[BaseException], status: str
) -> None:
    """An interruption by hand is told apart from an error."""
    with pytest.raises(error), tracking.tuning(LEADS, status) as search:
        raise error
    run = tracking._client.get_run(search.run_id)  # noqa: SLF001 - as MLflow has it
    assert run.info.status == status


def test_an_unknown_state_is_refused(tracking: Tracking) -> None:
    """A trial ends in one of three ways."""
    with tracking.tuning(LEADS, "odd") as search, pytest.raises(ValueError, match="bored"):
        search.trial(0, {}, [], "bored")


def test_nothing_is_written_outside_the_home(
    tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's habit of writing into the working directory does not show."""
    monkeypatch.chdir(tmp_path)
    with tracking.tuning(LEADS, "elsewhere") as search:
        search.trial(0, {}, [0.1], "complete")
    assert list(tmp_path.iterdir()) == []
