"""Laws of the gate: simulated models with known truth are judged right, seed by seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from training.evaluation.later import CHALLENGER, CHAMPION, Paired
from training.evaluation.metrics import log_odds, logistic
from training.evaluation.resampled import Forecasts
from training.loop.gate import FEWEST_UNITS, judge
from training.loop.verdict import Verdict
from training.params import GateParams

Floats = NDArray[np.float64]
LEADS, LOOKS, PARTS = 800, 2, 6
CENTRE, SPREAD = -1.0, 1.4
PARAMS = GateParams(draws=100)
SEEDS = 40
LUCK_SEEDS = 150


class Company:
    """Leads with known chances, each seen twice; what is known of a lead blurs its chance."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.lead = np.repeat(np.arange(LEADS), LOOKS)
        self.part = self.rng.integers(0, PARTS, LEADS)[self.lead]
        self.truth = self.rng.normal(CENTRE, SPREAD, LEADS)[self.lead]
        # Both looks at a lead end alike: rows of one lead are no independent evidence.
        luck = self.rng.random(LEADS)[self.lead]
        self.y = (luck < logistic(self.truth)).astype(np.float64)

    def model(self, blur: float) -> Floats:
        """Return calibrated forecasts by one who sees the log-odds with so much noise."""
        seen = self.truth + self.rng.normal(0, blur, LEADS)[self.lead]
        trust = SPREAD**2 / (SPREAD**2 + blur**2)
        # What is left unknown of the log-odds is normal; the chance is the mean over it.
        left = np.sqrt(trust) * blur
        nodes, weights = np.polynomial.hermite_e.hermegauss(15)
        odds = (CENTRE + trust * (seen - CENTRE))[:, None] + left * nodes
        return np.asarray(logistic(odds) @ (weights / weights.sum()))

    def compare(self, champion: Floats, challenger: Floats) -> Paired:
        """Put two models side by side, with a source and an age to split by."""
        named = {CHAMPION: champion, CHALLENGER: challenger}
        lists = np.tile(np.arange(LOOKS), LEADS)
        forecasts = Forecasts(self.y, named, self.lead, lists)
        sources = pd.Series(np.array(list("abcdef"))[self.part])
        ages = pd.Series(np.where(lists == 0, "first week", "older"))
        return Paired("leads", forecasts, {"source": sources, "age": ages})


def worse(company: Company) -> Paired:
    """A challenger that sees less than the champion."""
    return company.compare(company.model(0.8), company.model(2.0))


def luck(company: Company) -> Paired:
    """The same model with other noise: neither is better in truth."""
    return company.compare(company.model(1.2), company.model(1.2))


def better(company: Company) -> Paired:
    """A challenger that sees more than the champion."""
    return company.compare(company.model(1.6), company.model(0.2))


def worse_somewhere(company: Company) -> Paired:
    """A challenger that sees more, and mistakes the leads of one source."""
    mistaken = logistic(CENTRE - 0.6 * (company.truth - CENTRE))
    challenger = np.where(company.part == 0, mistaken, company.model(0.0))
    return company.compare(company.model(4.0), challenger)


def miscalibrated(company: Company) -> Paired:
    """A challenger that ranks much better, and exaggerates."""
    exaggerated = logistic(0.4 + 1.7 * log_odds(company.model(0.2)))
    return company.compare(company.model(2.5), exaggerated)


def verdicts(make: Callable[[Company], Paired], seeds: int = SEEDS) -> list[Verdict]:
    """Judge the same kind of challenger in many companies."""
    return [judge(make(Company(seed)), PARAMS) for seed in range(seeds)]


def test_a_worse_challenger_is_refused() -> None:
    """One that sees less is promoted in no company, and the reasons speak of the gain."""
    judged = verdicts(worse)
    assert not any(v.promotes for v in judged)
    assert all("gain in log loss" in v.reasons[0] for v in judged)


def test_luck_rarely_promotes() -> None:
    """Of challengers that are no better, at most one in ten takes over; 5 % are to be expected."""
    judged = verdicts(luck, LUCK_SEEDS)
    assert np.mean([v.promotes for v in judged]) <= 0.1
    assert np.mean([v.gain.value for v in judged]) == pytest.approx(0, abs=0.003)


def test_a_better_challenger_is_promoted() -> None:
    """One that sees more takes over in most companies."""
    assert np.mean([v.promotes for v in verdicts(better)]) >= 0.8


def test_one_that_fails_a_segment_is_refused() -> None:
    """Better overall beyond luck, and clearly worse for one source: refused, the source named."""
    judged = verdicts(worse_somewhere)
    assert np.mean([v.gain.low is not None and v.gain.low > 0 for v in judged]) >= 0.8
    assert not any(v.promotes for v in judged)
    named = [{(s.segment, s.part) for s in v.segments if s.is_worse} for v in judged]
    assert all(("source", "a") in parts for parts in named)
    assert np.mean([parts == {("source", "a")} for parts in named]) >= 0.9
    assert all("source is a" in " ".join(v.reasons) for v in judged)


def test_one_that_exaggerates_is_refused() -> None:
    """Better in ranking and in log loss, and clearly miscalibrated: refused, calibration named."""
    judged = verdicts(miscalibrated)
    auc = [next(f for f in v.figures if f.metric == "auc").difference for v in judged]
    assert all(d.low is not None and d.low > 0 for d in auc)
    assert np.mean([v.gain.low is not None and v.gain.low > 0 for v in judged]) >= 0.8
    assert np.mean([v.promotes for v in judged]) <= 0.05
    named = ["calibration is clearly worse" in " ".join(v.reasons) for v in judged]
    assert np.mean(named) >= 0.95


def test_what_changed_for_both_is_held_against_neither() -> None:
    """Where fewer convert than either expects, the challenger that sees more is still promoted."""
    promoted = []
    for seed in range(SEEDS):
        company = Company(seed)
        champion, challenger = (
            logistic(log_odds(company.model(blur)) + 0.5) for blur in (1.6, 0.2)
        )
        promoted.append(judge(company.compare(champion, challenger), PARAMS).promotes)
    assert np.mean(promoted) >= 0.6


def test_a_model_is_no_better_than_itself() -> None:
    """The same forecasts gain exactly nothing, which is not enough; with a margin it is."""
    company = Company(1)
    p = company.model(0.5)
    rows = company.compare(p, p)
    judged = judge(rows, PARAMS)
    assert (judged.gain.value, judged.gain.low, judged.gain.high) == (0, 0, 0)
    assert not judged.promotes
    assert judge(rows, PARAMS.model_copy(update={"margin": 0.01})).promotes


def test_a_margin_lets_no_clearly_worse_one_pass() -> None:
    """With a margin of 1 % of the log loss, one that loses more than that beyond luck stays out."""
    params = PARAMS.model_copy(update={"margin": 0.01})
    judged = [judge(worse(Company(seed)), params) for seed in range(10)]
    assert not any(v.promotes for v in judged)
    assert all("by more than 1.0 % of its log loss" in v.reasons[0] for v in judged)


def test_too_little_judges_nothing() -> None:
    """Below the minimum of rows, or of leads with either outcome, the champion stays, in words."""
    rows = better(Company(2))
    short = judge(rows.take(np.arange(PARAMS.minimum_rows - 1)), PARAMS)
    assert short.withheld is not None
    assert not short.promotes
    assert f"{PARAMS.minimum_rows - 1} forecasts" in short.reasons[0]
    no_outcome = replace(rows.forecasts, y=np.zeros(len(rows.forecasts.y)))
    assert "0 leads with a yes" in judge(replace(rows, forecasts=no_outcome), PARAMS).reasons[0]
    empty = judge(rows.take(np.arange(0)), PARAMS)
    assert (empty.promotes, empty.n_rows) == (False, 0)


def test_small_segments_are_shown_and_not_judged() -> None:
    """A part below the minimum has its gain and no interval; a segment of one part is left out."""
    rows = better(Company(3))
    rare = pd.Series("common", index=range(len(rows.forecasts.y)))
    rare[: FEWEST_UNITS - 1] = "rare"
    split = {"size": rare, "same": pd.Series("all", index=rare.index)}
    parts = {(s.segment, s.part): s for s in judge(replace(rows, segments=split), PARAMS).segments}
    assert set(parts) == {("size", "common"), ("size", "rare")}
    assert parts["size", "rare"].gain.low is None
    assert parts["size", "common"].gain.low is not None


def test_more_segments_widen_each_interval() -> None:
    """The more parts are looked at, the surer a loss has to be in any of them."""
    rows = better(Company(4))
    alone = judge(replace(rows, segments={"age": rows.segments["age"]}), PARAMS)
    beside = judge(rows, PARAMS)
    few, many = (next(s for s in v.segments if s.segment == "age") for v in (alone, beside))
    assert few.gain.value == many.gain.value
    assert few.gain.low is not None
    assert many.gain.low is not None
    assert many.gain.low < few.gain.low


def test_the_verdict_does_not_hang_on_the_order_of_rows() -> None:
    """The gate is a function of the rows as a set: shuffled rows get the same verdict."""
    rows = luck(Company(5))
    order = np.random.default_rng(0).permutation(len(rows.forecasts.y))
    shuffled = rows.take(order)
    once, again = judge(rows, PARAMS), judge(shuffled, PARAMS)
    assert once.promotes == again.promotes
    assert once.gain.low == pytest.approx(again.gain.low)
    assert judge(rows, PARAMS) == once
