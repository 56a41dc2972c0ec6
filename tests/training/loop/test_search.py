"""Laws of a search: the present settings first, taken up again, shared, stopped, and seeded."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from features.errors import InputError
from training.loop.kinds import KINDS, LEADS, QUOTA, Kind
from training.loop.search import Search
from training.loop.search_space import search_ranges, with_values
from training.params import TrainingParams
from training.trials import SearchRange, Trial, Value

RANGES = (
    SearchRange("a", 0.1, 10.0, is_whole=False, default=5.0),
    SearchRange("b", 1, 40, is_whole=True, default=30),
)
PRESENT = {"a": 5.0, "b": 30}


def bowl(values: Mapping[str, Value]) -> Iterator[float]:
    """A loss whose least is at a = 1, b = 10, told after each of three folds."""
    for _ in range(3):
        yield math.log(values["a"]) ** 2 + (values["b"] - 10) ** 2 / 200


def search(folder: Path, name: str = "bowl", seed: int = 3) -> Search:
    """Return a search kept in a folder."""
    return Search(name, folder / "trials.sqlite", RANGES, seed)


def run(folder: Path, trials: int, name: str = "bowl", seed: int = 3) -> list[Trial]:
    """Search, and return all trials."""
    begun = search(folder, name, seed)
    begun.run(bowl, trials, None, lambda _: None)
    return begun.trials()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_present_settings_come_first_and_are_never_stopped(tmp_path: Path, seed: int) -> None:
    """Whatever the seed, trial 0 is what stands in params.yaml, and it is complete."""
    trials = run(tmp_path, 12, seed=seed)
    assert trials[0].values == PRESENT
    assert trials[0].state == "complete"
    assert len(trials) == 12
    assert all(RANGES[0].low <= t.values["a"] <= RANGES[0].high for t in trials)
    assert all(isinstance(t.values["b"], int) for t in trials)


def test_a_search_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    """Trials are counted over all runs, none is repeated, and the present settings come once."""
    first = run(tmp_path, 5)
    again = run(tmp_path, 9)
    assert [t.values for t in again[:5]] == [t.values for t in first]
    assert len(again) == 9
    assert [t.values for t in again].count(PRESENT) == 1
    assert run(tmp_path, 9) == again


def test_an_interrupted_search_goes_on(tmp_path: Path) -> None:
    """Ctrl-C in the first trial leaves a search that can be taken up; the settings come again."""

    def interrupted(values: Mapping[str, Value]) -> Iterator[float]:
        yield next(bowl(values))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(tmp_path).run(interrupted, 5, None, lambda _: None)
    trials = run(tmp_path, 5)
    assert trials[0].state == "fail"
    assert trials[1].values == PRESENT
    assert sum(t.state in ("complete", "pruned") for t in trials) == 5


def test_unlike_searches_do_not_mix(tmp_path: Path) -> None:
    """One file holds several."""
    run(tmp_path, 3)
    assert len(run(tmp_path, 4, name="other")) == 4
    assert len(search(tmp_path).trials()) == 3


def test_equal_seeds_try_equal_settings(tmp_path: Path) -> None:
    """And unlike ones do not, but for the present ones."""
    one, same, other = (
        [t.values for t in run(tmp_path, 6, name=f"{seed} {k}", seed=seed)]
        for k, seed in enumerate((1, 1, 2))
    )
    assert one == same
    assert one[1:] != other[1:]


def test_hopeless_settings_are_stopped_and_the_best_is_found(tmp_path: Path) -> None:
    """Nearer to the least loss than the present settings by far, with some trials stopped early."""
    trials = run(tmp_path, 30)
    best = search(tmp_path).best()
    assert best is not None
    assert best.loss is not None
    assert best.loss < 0.2 * next(bowl(PRESENT))
    stopped = [t for t in trials if t.state == "pruned"]
    assert stopped
    assert all(len(t.losses) < 3 and t.loss is None for t in stopped)


def test_what_matters_has_the_greater_share(tmp_path: Path) -> None:
    """A setting without effect has less than one that is all of it; few trials tell nothing."""
    ranges = (*RANGES[:1], SearchRange("nothing", 0.0, 1.0, is_whole=False, default=0.5))
    begun = Search("shares", tmp_path / "trials.sqlite", ranges, 1)

    def losses(values: Mapping[str, Value]) -> Iterator[float]:
        yield math.log(values["a"]) ** 2

    begun.run(losses, 4, None, lambda _: None)
    assert begun.importance() is None
    begun.run(losses, 30, None, lambda _: None)
    shares = begun.importance()
    assert shares is not None
    assert shares["a"] > 0.6
    assert sum(shares.values()) == pytest.approx(1)


def _share(folder: str) -> None:
    run(Path(folder), 24, seed=5)


def test_two_processes_share_a_search(tmp_path: Path) -> None:
    """Together they make the trials wanted, one too many at most; no number is used twice."""
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_share, args=(str(tmp_path),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    trials = search(tmp_path).trials()
    ended = [t for t in trials if t.state in ("complete", "pruned")]
    assert 24 <= len(ended) <= 26
    assert [t.number for t in trials] == list(range(len(trials)))
    tried = [tuple(t.values.values()) for t in ended if t.values != PRESENT]
    assert len(set(tried)) == len(tried)


def test_a_storage_that_cannot_be_used_is_said_without_its_password() -> None:
    """The URL is named, the password is not."""
    begun = Search("x", "postgresql+psycopg://me:secret@127.0.0.1:1/none", RANGES, 1)
    with pytest.raises(InputError, match=r"127\.0\.0\.1") as caught:
        begun.trials()
    assert "secret" not in str(caught.value)
    assert "postgresql+psycopg://user@host/database" in str(caught.value)


# Where is searched.


def test_every_range_is_searched_where_its_setting_is_read() -> None:
    """Sections of the other kind, and fields of one kind alone, are left out."""
    leads, quota = ({r.name for r in search_ranges(k, TrainingParams())} for k in (LEADS, QUOTA))
    assert "booster.feature_fraction" in leads
    assert "booster.feature_fraction" not in quota
    assert {"leads.inverse_ridge", "calibration.swing_days"} <= leads
    assert {"quota.inverse_ridge", "quota.feature_fraction", "calibration.ridge"} <= quota
    assert not {name for name in leads if name.startswith("quota.")}
    assert not {name for name in quota if name.startswith("leads.")}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_ranges_hold_the_present_values(kind: Kind) -> None:
    """Those of the defaults and any others: a range is made longer rather than a value refused."""
    far = with_values(TrainingParams(), {"booster.lambda_l2": 1000.0, "booster.num_leaves": 2})
    for params in (TrainingParams(), far):
        for searched in search_ranges(kind, params):
            assert searched.low <= searched.default <= searched.high
            assert searched.low < searched.high
    ranges = {r.name: r for r in search_ranges(LEADS, far)}
    assert ranges["booster.lambda_l2"].high == 1000
    assert ranges["booster.num_leaves"].is_whole


def test_values_are_put_in_their_places_and_checked() -> None:
    """All other settings stay, and a value that params.yaml may not hold is refused here too."""
    changed = with_values(TrainingParams(), {"booster.num_leaves": 9, "leads.inverse_ridge": 0.5})
    assert changed.booster.num_leaves == 9
    assert changed.leads.inverse_ridge == 0.5
    assert with_values(changed, {"booster.num_leaves": 15, "leads.inverse_ridge": 0.05}) == (
        TrainingParams()
    )
    with pytest.raises(ValueError, match="num_leaves"):
        with_values(TrainingParams(), {"booster.num_leaves": 1})
