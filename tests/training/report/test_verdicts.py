"""Laws of the verdicts: what the sentences say is what the figures say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from attainments import quota_backtest

from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.honesty import AGE, Gain, Honesty
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.lead_group import METRICS, EvaluationSettings
from training.evaluation.leads import Evaluation, evaluate
from training.evaluation.quota import QuotaEvaluation, evaluate_quota
from training.evaluation.quota_group import QuotaSettings
from training.report.lead_verdict import lead_verdict
from training.report.quota_verdict import quota_verdict
from training.report.words import NBSP

BETTER, WORSE = Estimate(0.1, 0.05, 0.15), Estimate(-0.1, -0.15, -0.05)
OPEN = Estimate(0.01, -0.05, 0.06)


@cache
def lead_evaluation() -> Evaluation:
    """Evaluate an ordinary model once; tests change single figures of it."""
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 4, 400)
    frame = pd.DataFrame(
        {
            "lead_id": range(400),
            "cutoff": pd.Timestamp("2024-01-01"),
            "horizon_days": 30,
            "p": chance,
            "y": (rng.random(400) < chance).astype(float),
            "fold": 1,
        }
    )
    rule = {"recency rule": np.round(rng.random(400), 1)}
    return evaluate(Predictions(frame, rule), EvaluationSettings(draws=30, floor_draws=10))


@cache
def quota_evaluation() -> QuotaEvaluation:
    """Evaluate an ordinary model of quotas once."""
    return evaluate_quota(quota_backtest(blur=0.2), QuotaSettings(draws=30, floor_draws=5))


def leads_against(**auc: Estimate) -> Evaluation:
    """Return an evaluation whose model differs from these rules by these AUCs."""
    evaluation = lead_evaluation()
    own = dict.fromkeys(METRICS, Estimate(0.7, 0.65, 0.75))
    overall = replace(
        evaluation.overall,
        scores={"model": own} | dict.fromkeys(auc, own),
        differences={name: {"auc": gap, "brier": OPEN} for name, gap in auc.items()},
    )
    return replace(evaluation, overall=overall)


def quotas_against(**auc: Estimate) -> QuotaEvaluation:
    """Return an evaluation of quotas whose model differs from these rules by these early AUCs."""
    evaluation = quota_evaluation()
    early = evaluation.early
    rule = early.scores["linear pacing"]
    other = replace(
        early,
        scores={"model": early.model} | dict.fromkeys(auc, rule),
        differences={name: {"auc": gap} for name, gap in auc.items()},
    )
    return replace(evaluation, early=other)


def plain(words: str) -> str:
    """Return words with plain blanks."""
    return words.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("rules", "headline", "tone"),
    [
        ({}, "The model was tested on later months, without", "plain"),
        ({"a": BETTER}, "ranks leads better than the simpler forecast.", "good"),
        ({"a": BETTER, "b": BETTER}, "ranks leads better than all 2 simpler forecasts.", "good"),
        ({"a": BETTER, "b": OPEN}, "better than a; against b the difference could", "plain"),
        ({"a": OPEN, "b": OPEN}, "has not been shown to rank leads better", "warn"),
        ({"a": WORSE, "b": BETTER}, "Do not use this model yet: a ranks leads better.", "warn"),
        ({"a": WORSE, "b": WORSE}, "Do not use this model yet: a and b rank leads", "warn"),
    ],
)
def test_the_headline_of_leads_follows_the_differences(
    rules: dict[str, Estimate], headline: str, tone: str
) -> None:
    """One rule that is better outweighs any number of worse ones."""
    verdict = lead_verdict(leads_against(**rules))
    assert headline in verdict.headline
    assert verdict.tone == tone


def test_a_model_that_knows_little_beyond_age_says_so_first() -> None:
    """However well it ranks, the headline is why it is not champion."""
    gain = Gain(AGE, "log loss", Estimate(-0.001, -0.004, 0.002))
    doubted = replace(leads_against(a=BETTER), honesty=Honesty(100, (gain,)))
    verdict = lead_verdict(doubted)
    assert plain(verdict.headline) == (
        "Little beyond age: the model's log loss is not shown to be better than age alone's "
        "(gain -0.0010, 90 % interval -0.0040 to 0.0020)."
    )
    assert verdict.tone == "warn"
    shown = Gain(AGE, "log loss", Estimate(0.1, 0.05, 0.15))
    passed = replace(doubted, honesty=Honesty(100, (shown,)))
    assert "ranks leads better" in lead_verdict(passed).headline


@pytest.mark.parametrize(
    ("rules", "headline", "tone"),
    [
        ({}, "The model was tested on later periods, without", "plain"),
        ({"a": BETTER}, "who will miss quota better than the simple rule.", "good"),
        ({"a": BETTER, "b": BETTER}, "better than all 2 simple rules.", "good"),
        ({"a": BETTER, "b": OPEN}, "better than a; against b the difference could", "plain"),
        ({"a": OPEN}, "has not been shown to predict misses early", "warn"),
        ({"a": WORSE, "b": BETTER}, "early in the period a ranks reps better.", "warn"),
    ],
)
def test_the_headline_of_quotas_follows_the_differences(
    rules: dict[str, Estimate], headline: str, tone: str
) -> None:
    """The early weeks decide, because there is time to help."""
    verdict = quota_verdict(quotas_against(**rules))
    assert headline in verdict.headline
    assert verdict.tone == tone


@pytest.mark.parametrize(
    ("auc", "says"),
    [
        (BETTER, "It ranks leads better than rule (AUC +0.100, +0.050 to +0.150);"),
        (WORSE, "It ranks leads worse than rule (AUC -0.100, -0.150 to -0.050);"),
        (OPEN, "It has not been shown to rank leads better than rule: the interval of the"),
        (WITHHELD, "includes 0 (withheld)"),
    ],
)
def test_every_rule_has_its_sentence(auc: Estimate, says: str) -> None:
    """With the size of the difference, and what holds of the probabilities."""
    sentence = lead_verdict(leads_against(rule=auc)).sentences[-1]
    assert says in sentence
    assert sentence.endswith("the difference between the probabilities could be chance.")


def test_the_sentence_on_calling_holds_the_captured_share() -> None:
    """With its interval, the rule beside it, and random order."""
    evaluation = lead_evaluation()
    overall = replace(
        evaluation.overall,
        scores={
            "model": {**evaluation.overall.model, "capture": Estimate(0.53, 0.5, 0.56)},
            "recency rule": {"capture": Estimate(0.37)},
        },
    )
    assert plain(lead_verdict(replace(evaluation, overall=overall)).sentences[0]) == (
        "Calling the top 20 % of the open leads finds 53 % of the conversions of the next 30 days "
        "(50 % to 56 %); the recency rule finds 37 %; calling in random order finds 20 %."
    )


@pytest.mark.parametrize(
    ("forecast", "intercept", "word"),
    [
        (0.30, Estimate(-0.5, -0.7, -0.3), "too high"),
        (0.10, Estimate(0.5, 0.3, 0.7), "too low"),
        (0.30, Estimate(-0.5, -0.9, 0.1), None),
        (0.21, Estimate(-0.5, -0.7, -0.3), None),
    ],
    ids=["high", "low", "could be chance", "hardly"],
)
def test_a_shift_is_a_warning_if_it_is_clear_and_large(
    forecast: float, intercept: Estimate, word: str | None
) -> None:
    """20 % converted: a tenth more is worth a warning, if the interval excludes 0."""
    evaluation = leads_against(rule=BETTER)
    model = {
        **evaluation.overall.model,
        "mean_forecast": Estimate(forecast),
        "calibration_intercept": intercept,
        "calibration_slope": WITHHELD,
    }
    overall = replace(
        evaluation.overall,
        base_rate=Estimate(0.2),
        scores={**evaluation.overall.scores, "model": model},
    )
    warnings = lead_verdict(replace(evaluation, overall=overall)).warnings
    assert [w for w in warnings if "Overall the forecasts are" in w] == [
        w for w in warnings if word and word in w
    ]
    assert len(warnings) == (word is not None)


@pytest.mark.parametrize(
    ("slope", "is_warned"), [(Estimate(0.6, 0.5, 0.7), True), (Estimate(0.7, 0.5, 0.9), False)]
)
def test_extreme_forecasts_are_a_warning_if_that_is_clear(slope: Estimate, is_warned: bool) -> None:  # noqa: FBT001 - a case of the table
    """The whole interval of the slope must lie below 0.8."""
    evaluation = leads_against(rule=BETTER)
    model = {**evaluation.overall.model, "calibration_slope": slope}
    overall = replace(evaluation.overall, scores={**evaluation.overall.scores, "model": model})
    warnings = lead_verdict(replace(evaluation, overall=overall)).warnings
    assert any("too extreme (calibration slope" in w for w in warnings) == is_warned


def test_more_misses_than_flags_are_said_to_be_out_of_reach() -> None:
    """Where 60 % miss and 30 % can be flagged, no forecast reaches more than half of them."""
    evaluation = quota_evaluation()
    many = replace(evaluation, early=replace(evaluation.early, miss_rate=Estimate(0.6)))
    few = replace(evaluation, early=replace(evaluation.early, miss_rate=Estimate(0.2)))
    says = "No forecast could reach more than 50 %, because 60 % miss."
    assert says in plain(quota_verdict(many).sentences[0])
    assert "No forecast could reach" not in quota_verdict(few).sentences[0]


def test_lead_time_is_withheld_with_its_reason() -> None:
    """In place of days there is the reason, in one sentence."""
    evaluation = quota_evaluation()
    withheld = replace(evaluation.warnings[1], withheld="not measurable: 3 misses were watched")
    other = replace(evaluation, warnings=(evaluation.warnings[0], withheld))
    assert quota_verdict(other).sentences[1] == (
        "How early misses are flagged is not measurable: 3 misses were watched."
    )


@pytest.mark.parametrize(
    ("number", "certainty"),
    [(1, "only one total, too few for an interval"), (3, "only 3 totals, too few")],
)
def test_totals_are_counted_where_they_are_few(number: int, certainty: str) -> None:
    """The number of totals stands in place of an interval."""
    evaluation = quota_evaluation()
    company = replace(evaluation.rollups[0], n_totals=number)
    sentences = quota_verdict(replace(evaluation, rollups=(company,))).sentences
    assert certainty in sentences[-1]
    assert sentences[-1].startswith("At mid-period, the forecast of the company's total was off by")


def test_territories_have_no_sentence() -> None:
    """Company and managers do; others stand in the table."""
    evaluation = quota_evaluation()
    company = evaluation.rollups[0]
    interval = {"absolute_percentage_error": Estimate(0.1, 0.05, 0.2), "coverage": WITHHELD}
    rollups = tuple(
        replace(company, level=level, middle=interval)
        for level in ("company", "territory", "manager")
    )
    sentences = [plain(s) for s in quota_verdict(replace(evaluation, rollups=rollups)).sentences]
    assert [s for s in sentences if "At mid-period" in s] == [
        (
            "At mid-period, the forecast of the company's total was off by 10 % in the median "
            "(5.0 % to 20 %; 4 totals)."
        ),
        (
            "At mid-period, the forecast of a manager's total was off by 10 % in the median "
            "(5.0 % to 20 %; 4 totals)."
        ),
    ]


@pytest.mark.parametrize(("periods", "says"), [(1, "Only one period"), (3, "Only 3 periods")])
def test_few_periods_are_a_warning(periods: int, says: str) -> None:
    """Intervals do not hold what another market would have done."""
    few = replace(quota_evaluation(), n_periods=periods)
    assert any(w.startswith(says) for w in quota_verdict(few).warnings)
    enough = replace(quota_evaluation(), n_periods=4)
    assert not any(w.startswith("Only") for w in quota_verdict(enough).warnings)


def test_bold_ranges_are_marked_among_the_figures() -> None:
    """Ranges that hold clearly less than 80 % are marked; ones that hold more are not."""
    evaluation = quota_evaluation()
    tones = []
    for covered in (Estimate(0.6, 0.5, 0.7), Estimate(0.75, 0.7, 0.82), Estimate(0.95, 0.9, 0.99)):
        scores = {**evaluation.overall.scores, "model": {**evaluation.overall.model}}
        scores["model"]["coverage"] = covered
        overall = replace(evaluation.overall, scores=scores)
        tones.append(quota_verdict(replace(evaluation, overall=overall)).figures[-1].tone)
    assert tones == ["warn", "plain", "plain"]


@pytest.mark.parametrize("rows", [0, 12])
def test_without_enough_outcomes_the_reason_stands_in_place_of_figures(rows: int) -> None:
    """How many forecasts wait is said in any case."""
    evaluation = lead_evaluation()
    reason = "too few: 2 leads converted and 10 did not, 10 of each are needed"
    overall = replace(evaluation.overall, withheld=reason, n_rows=rows)
    verdict = lead_verdict(replace(evaluation, overall=overall, n_immature=1234))
    assert verdict.figures == ()
    assert verdict.sentences[-1].startswith("1,234 forecasts wait for their 30 days to pass")
    assert [s for s in verdict.sentences if reason in s] == (
        [f"12 forecasts have a known outcome, {reason}."] if rows else []
    )
