# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. Why the split is by time
#
# Every textbook splits at random: three quarters of the rows to learn from, one quarter to test on.
# **Does such a test tell how good the model will be next month?** We try it, and then we look at
# what next month really brought.

# %%
import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML
from scipy.special import expit

from features.arrays import Bools, Floats
from features.build import build
from features.definitions.lead import conversion_features
from features.ingest.load import ingest
from features.labels.conversion import conversion, last_mature_cutoff
from features.snapshot import grid
from features.storage.warehouse import Warehouse
from serving.home.home import Home
from serving.settings import Settings
from training.estimators.boosting import TrainingRows, fit_ensemble
from training.evaluation.bootstrap import resample
from training.evaluation.group import Scores
from training.evaluation.lead_forecasts import codes
from training.evaluation.lead_group import EvaluationSettings, evaluate_lead_group
from training.evaluation.resampled import Forecasts
from training.leads.dataset import build_training_set
from training.params import BoosterParams

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
home = Home(place, Settings.load(place))
features, training = home.settings.features, home.settings.training
# A look at every open lead once a week.
weekly = training.split.model_copy(update={"every_days": 7})
training = training.model_copy(update={"split": weekly})
horizon = training.leads.horizon_days

# %% [markdown]
# ## The set-up
#
# A lead is looked at again and again while it is open, once at every *cutoff*, and each time we ask
# whether it converts in the next 30 days. So one lead has many rows, and they end alike.
#
# We stand at a moment **T**, four weeks before the last one whose outcomes are known. Everything
# known by T is ours to learn from. Three ways to hold a quarter of it back for a test:
#
# | split | what is held back | what the test may share with training |
# |---|---|---|
# | rows at random | a quarter of the rows | the same lead, a week earlier and a week later |
# | leads at random | a quarter of the leads, whole | the same weeks, market and reps |
# | by time | the newest quarter, after a gap of a horizon | nothing that had not happened |
#
# And two learners. The *careful* one has pacesetter's own settings. The *hungry* one has large
# trees and small leaves, the kind that wins on training data.

# %%
LEARNERS = {
    "careful": BoosterParams(bags=1, max_rounds=training.booster.max_rounds),
    "hungry": BoosterParams(
        bags=1, num_leaves=63, min_data_in_leaf=5, learning_rate=0.1, lambda_l2=0.0,
        feature_fraction=0.5, bagging_fraction=1.0,
    ),
}  # fmt: skip
ROUNDS = min(150, training.booster.max_rounds)
Result = tuple[str, str, Scores]
"""A learner, a split, and the figures."""


def figures(keys: pd.DataFrame, y: Floats, p: Floats) -> Scores:
    """Return a forecast's figures, each with its 90 % interval; leads are drawn whole."""
    leads, lists = codes(keys["lead_id"]), codes(keys["cutoff"])
    counts = resample(leads.max() + 1, 200, seed=1)
    forecasts = Forecasts(y, {"model": p}, leads, lists)
    return evaluate_lead_group("", forecasts, counts, EvaluationSettings()).scores["model"]


def learned(
    learner: str, rows: Bools, X: pd.DataFrame, y: Floats, categorical: list[str]
) -> Callable[[pd.DataFrame], Floats]:
    """Fit trees to some rows; returns a function from features to chances."""
    part = TrainingRows(X[rows], y[rows], np.ones(rows.sum()))
    trees = fit_ensemble(part, categorical, ROUNDS, LEARNERS[learner])
    return lambda others: expit(
        trees.margins(others) + np.log(y[rows].mean() / (1 - y[rows].mean()))
    )


# %%
def held_back(keys: pd.DataFrame, horizon_days: int) -> dict[str, tuple[Bools, Bools]]:
    """Return, for each split, the rows to learn from and the rows to test on."""
    chance = np.random.default_rng(1)
    cutoffs = pd.Series(sorted(keys["cutoff"].unique()))
    later = cutoffs.iloc[int(0.75 * len(cutoffs))]
    leads = keys["lead_id"].unique()
    drawn = keys["lead_id"].isin(chance.permutation(leads)[: len(leads) // 4]).to_numpy()
    rows = chance.random(len(keys)) < 0.25
    before = (keys["cutoff"] <= later - pd.Timedelta(days=horizon_days)).to_numpy()
    return {
        "rows at random": (~rows, rows),
        "leads at random": (~drawn, drawn),
        "by time": (before, (keys["cutoff"] >= later).to_numpy()),
    }


def try_splits(warehouse: Warehouse) -> list[Result]:
    """Return what each split promised at T, and what came after T."""
    last = last_mature_cutoff(horizon, warehouse.data_until)
    T = last - timedelta(days=28)
    past = build_training_set(warehouse.until(T), horizon, features, training)
    columns = [c for c in past.examples.X if c not in past.suspected]
    X, y, keys = past.examples.X[columns], past.y, past.examples.keys
    categorical = [c for c in past.examples.feature_set.categorical if c in columns]
    declared = conversion_features(past.vocabulary, features, horizon)
    after = build(warehouse, declared, past.vocabulary, grid(T, last, 7), features)
    came = conversion(warehouse, after.keys, horizon)
    results = []
    for learner in LEARNERS:
        for split, (train, test) in held_back(keys, horizon).items():
            p = learned(learner, train, X, y, categorical)(X[test])
            results.append((learner, split, figures(keys[test], y[test], p)))
        p = learned(learner, np.full(len(y), fill_value=True), X, y, categorical)(after.X[columns])
        results.append((learner, "what came after T", figures(after.keys, came, p)))
    return results


def table(results: list[Result], metric: str) -> pd.DataFrame:
    """Return one figure of every split and learner, with its interval."""
    rows: dict[str, dict[str, str]] = {}
    for learner, split, scores in results:
        e = scores[metric]
        rows.setdefault(split, {})[learner] = f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})"
    return pd.DataFrame(rows).T


def picture(results: list[Result], title: str) -> None:
    """Draw what was promised beside what came."""
    figure, panels = plt.subplots(1, 2, sharex=True, sharey=True)
    for axes, learner in zip(panels, LEARNERS, strict=True):
        own = [(split, scores["auc"]) for name, split, scores in results if name == learner]
        for place_, (split, e) in enumerate(reversed(own)):
            colour = "C1" if split.startswith("what came") else "C0"
            axes.errorbar(
                e.value, place_, xerr=[[e.value - e.low], [e.high - e.value]], fmt="o", color=colour
            )
        truth = own[-1][1]
        axes.axvspan(truth.low, truth.high, color="C1", alpha=0.15, linewidth=0)
        axes.set_yticks(range(len(own)), [split for split, _ in reversed(own)])
        axes.set_title(f"{learner} learner")
        axes.set_xlabel("AUC, 90 % interval")
        axes.locator_params(axis="x", nbins=5)
    figure.suptitle(title, x=0.01, ha="left")


# %% [markdown]
# ## The sample company

# %%
results = try_splits(home.warehouse())
picture(results, "What each split promised, and what came (orange)")

# %%
table(results, "auc")

# %%
table(results, "log_loss")

# %% [markdown]
# Read the picture from the bottom. The orange band is what really came. The test on rows drawn at
# random promised the hungry learner far more than it kept: it had seen the same leads a week
# earlier and a week later, and large trees recognise a lead by its odd value and hour of arrival.
# Worse than the number is the *choice*: by that test the hungry learner is the better one. It is
# not.
#
# Drawing whole leads removes most of that, and here it came as near as the split by time. But both
# of its parts saw the same weeks, so a market that turns is in neither. Only the split by time asks
# the question that you will be asked. Even so it promised a little more than came: the last weeks
# were harder than those before, and no test of the past knows that.

# %% [markdown]
# ## The same on a real log
#
# `make notebooks DATA=FOLDER` does all of it again on an extract of your own. GUIDE.md has what
# came of it on a lender's log of 13,087 applications (BPI Challenge 2012). On a log of only a few
# months the split by time can promise *less* than comes, because its training part is a few weeks
# long. That is the safe side to err on, and `train` learns from everything after its test.

# %%
if folder := os.environ.get("DATA"):
    scratch = tempfile.TemporaryDirectory()
    real = Home(Path(scratch.name), home.settings)
    ingest(folder, real.place, features)
    results = try_splits(real.warehouse())
    picture(results, f"{Path(folder).name}: what each split promised, and what came (orange)")
    answer = table(results, "auc").to_html() + table(results, "log_loss").to_html()
else:
    answer = "no DATA=FOLDER was given: the sample company alone was looked at"
HTML(answer)

# %% [markdown]
# ## What this says, and what it does not
#
# - A test on rows drawn at random flatters the model, and most where the model is worst.
# - Split by time, with a gap of one horizon, so that no label of the training part was still open
#   when the test began. `pacesetter train` and `backtest` do nothing else.
# - The split by time is not free: the test is one stretch of time, so its interval is wide, and a
#   market that breaks tomorrow is in no test at all.
