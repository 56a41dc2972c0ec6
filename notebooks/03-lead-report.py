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
# # 3. Reading the lead report
#
# `pacesetter backtest leads` ends with a page full of figures. **Which of them answer a question
# that somebody will ask you, and how?** We make the report here and go through it in the order in
# which people ask.

# %%
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from features.labels.conversion import last_mature_cutoff
from serving.home.home import Home
from serving.settings import Settings
from training.evaluation.bootstrap import Estimate
from training.evaluation.truth import LEADS as TRUE_CHANCES
from training.evaluation.truth import read_truth
from training.loop import record
from training.loop.kinds import LEADS
from training.loop.results import Beside
from training.rolling import Range

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
home = Home(place, Settings.load(place))
warehouse = home.warehouse()

# %% [markdown]
# ## Forecasting the past
#
# At each cutoff a model of that day forecasts every open lead. It has seen nothing later. On the
# sample company the true chances are known at some cutoffs, so we choose those: then we can also
# say how good a forecast could be at best.

# %%
horizon = home.settings.training.leads.horizon_days
mature = last_mature_cutoff(horizon, warehouse.data_until)
cutoffs = [c for c in read_truth(place / "company", TRUE_CHANCES).cutoffs if c <= mature]
asked = Range(cutoffs[0], cutoffs[-1], (cutoffs[1] - cutoffs[0]).days)
truth = LEADS.steps.truth(place / "company", asked, home.settings.training)
result = record.backtest(LEADS, warehouse, asked, home.recipe, Beside(truth))
report = place / "lead-report.html"
report.write_text(result.report, encoding="utf-8")
evaluation = result.graded.evaluation
print(f"{evaluation.overall.n_rows:,} forecasts of {evaluation.overall.n_leads:,} leads")
print(f"the whole report: {report.name}, in the notebooks' home")

# %% [markdown]
# ## "Does it find the leads that convert?"
#
# **AUC** is the chance that a lead that converts is ranked above one that does not. **Lift at
# capacity** is closer to the job: a team can call a fifth of its open leads, and this is how many
# more conversions are in that fifth than in a fifth drawn at random. The brackets are 90 %
# intervals; leads are drawn whole, since the rows of one lead end alike.


# %%
def say(estimate: Estimate, digits: int = 3) -> str:
    """Write a figure with its interval."""
    if estimate.value is None:
        return "withheld"
    if estimate.low is None:
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


words = {"auc": "AUC", "lift": "lift at capacity", "brier": "Brier score", "ece": "ECE"}
pd.DataFrame(
    {
        name: {words[metric]: say(scores[metric]) for metric in words}
        for name, scores in evaluation.overall.scores.items()
    }
).T

# %% [markdown]
# The model never stands alone. Its AUC means nothing until you know what the stage alone brings, or
# a logistic regression. Whether the model is *surely* better than a simple rule, this table says:
# the difference is taken on the same resamples, so what makes both of them lucky cancels out.

# %%
pd.DataFrame(
    {
        f"model minus {name}": {
            words[metric]: f"{say(differences[metric])}: {evaluation.overall.verdict(name, metric)}"
            for metric in words
        }
        for name, differences in evaluation.overall.differences.items()
    }
).T

# %%
figure, axes = plt.subplots()
for name, curve in evaluation.gains.items():
    shares = [k / (len(curve) - 1) for k in range(len(curve))]
    is_model = name == "model"
    axes.plot(
        shares, curve, label=name, linewidth=2.6 if is_model else 1.2, zorder=3 if is_model else 2
    )
axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
axes.axvline(evaluation.settings.capacity, color="0.6", linestyle=":", linewidth=1.5)
axes.set_xlabel("share of the open leads called, best first")
axes.set_title("Share of the conversions found")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# ## "It says 20 %. Is it 20 %?"
#
# Forecasts of about the same size are put into one bin. If they are honest, as many convert as was
# said, and the dots lie on the line. **ECE** is the mean distance; even a perfect forecast has one
# above 0, because outcomes are luck. The report says how high that floor is.

# %%
bins = [b for b in evaluation.reliability if b.rate.value is not None]
forecast, rate = [b.mean_forecast for b in bins], [b.rate.value for b in bins]
low = [max(b.rate.value - (b.rate.low or b.rate.value), 0) for b in bins]
high = [max((b.rate.high or b.rate.value) - b.rate.value, 0) for b in bins]
figure, axes = plt.subplots(figsize=(5, 4.2))
axes.errorbar(forecast, rate, yerr=[low, high], fmt="o", capsize=0)
top = 1.1 * max(forecast + rate)
axes.plot([0, top], [0, top], color="0.6", linestyle="--", linewidth=1)
axes.set_xlabel("forecast")
axes.set_ylabel("happened")
axes.set_title("Forecast and outcome")
print(
    "ECE",
    say(evaluation.overall.model["ece"]),
    "- a perfect forecast shows",
    say(evaluation.ece_floor),
)
plt.show()

# %% [markdown]
# ## "Was it good all the time, and for everybody?"
#
# One figure over a year hides a bad month. And an average over all leads hides a team for which the
# list is useless.

# %%
parts = [(part.label, part.model["auc"]) for part in evaluation.cutoffs]
parts = [(label, e) for label, e in parts if e.value is not None and e.low is not None]
figure, axes = plt.subplots()
axes.errorbar(
    range(len(parts)),
    [e.value for _, e in parts],
    yerr=[[e.value - e.low for _, e in parts], [e.high - e.value for _, e in parts]],
    fmt="o",
)
axes.axhline(0.5, color="0.6", linestyle="--", linewidth=1)
axes.set_xticks(range(len(parts)), [label for label, _ in parts], rotation=30, ha="right")
axes.set_title("AUC at each cutoff; at 0.5 the list is no better than chance")
plt.show()

# %%
pd.DataFrame(
    {
        f"{segment}: {part.label}": {
            "forecasts": f"{part.n_rows:,}",
            "convert": say(part.base_rate, 2),
            "AUC": say(part.model["auc"], 2),
            "lift": say(part.model["lift"], 1),
        }
        for segment in ("age", "source", "stage")
        for part in evaluation.segments.get(segment, ())
    }
).T

# %% [markdown]
# ## "How good could it be?"
#
# On real data nobody knows. Here the future was replayed hundreds of times from each cutoff, so the
# true chance of every lead is known. Even whoever knew them all would not reach an AUC of 1: a lead
# with a chance of 20 % converts once in five, and nobody knows which time.

# %%
graded = result.graded.truth
pd.DataFrame(
    {
        name: {
            "AUC": say(scores["auc"]),
            "log-loss gap closed": say(scores["expected_log_loss_gap_closed"], 2),
            "mean distance to the true chance": say(scores["mean_distance_to_truth"]),
        }
        for name, scores in {**graded.forecasts, "the true chances": graded.ceiling}.items()
    }
).T

# %% [markdown]
# The gap is between a forecast that says the same of every lead and the true chances: 0 is the one,
# 1 is the other. It counts what can be known and leaves out what is luck, so it is the figure to
# watch while you work on features.

# %%
chances = truth.frame[["lead_id", "cutoff", "p_true"]]
both = result.backtested.frame.merge(chances, on=["lead_id", "cutoff"])
figure, axes = plt.subplots(figsize=(5, 4.2))
axes.hexbin(100 * both["p"], 100 * both["p_true"], gridsize=35, bins="log", cmap="Blues", mincnt=1)
axes.plot([0, 40], [0, 40], color="C1", linestyle="--", linewidth=1)
axes.set_xlabel("forecast, %")
axes.set_ylabel("true chance, %")
axes.set_title("Each open lead; darker is more of them")
plt.show()

# %% [markdown]
# ## "Why this lead?"
#
# The call list has its reasons in it. They are percentage points: the base, the points and the rest
# add up to the score. Here is the lead at the top of the list of the rep with the best leads.

# %%
scores = home.score(LEADS)
best = scores.sort_values("p", ascending=False).iloc[0]
reasons = json.loads(best["reasons"])
steps = [(f"{item['label']}: {item['value']}", item["points"]) for item in reasons["items"]]
steps = [
    ("a lead of which nothing is known", reasons["base"]),
    *steps,
    ("everything else", reasons["rest"]),
]
figure, axes = plt.subplots()
reached = 0.0
for row, (_, points) in enumerate(steps):
    axes.barh(-row, points, left=reached, color="C0" if points > 0 else "C1", height=0.6)
    reached += points
axes.set_yticks([-row for row in range(len(steps))], [says for says, _ in steps])
axes.set_xlabel("percentage points")
axes.set_title(f"How lead {best['lead_id']} comes to {100 * best['p']:.0f} %")
plt.show()

# %% [markdown]
# ## What this says, and what it does not
#
# - The list finds far more conversions than chance, and surely ranks better than every simple rule
#   beside it. Beside a logistic regression it is better by little, and the table says by how
#   little.
# - Its percentages can be read as such, up to the highest, which are a little too high.
# - It is near the best that anybody could do, on *this* company. On yours nobody knows the ceiling.
# - The longest bar above may be "everything else": many small things that no short list can name.
# - A reason says what moved the *forecast*. It does not say that a call will change the outcome.
#   Notebook 5 tries exactly that, and it is sobering.
