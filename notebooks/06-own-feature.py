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
# # 6. A feature of your own, in ten lines
#
# You know something about your business that the built-in features do not say. **How do you teach
# it to the model, how do you know that it cannot see the future, and does it help?**

# %%
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from features.build import Examples, build
from features.definitions.lead import lead_features
from features.feature import Aggregate, Aggregation, Feature, Relation, Unit
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.labels.conversion import conversion, last_mature_cutoff
from features.params import FeatureParams
from features.progress import silent
from features.storage.warehouse import Warehouse
from features.texts import About, Phrase, Who
from serving.home.home import Home
from serving.settings import Settings
from training.checks.point_in_time import point_in_time_findings
from training.evaluation.bootstrap import Estimate
from training.evaluation.lead_forecasts import Predictions
from training.evaluation.leads import evaluate
from training.leads.train import settings_of
from training.loop.kinds import LEADS
from training.rolling import Range

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
home = Home(place, Settings.load(place))
warehouse = home.warehouse()
horizon = home.settings.training.leads.horizon_days

# %% [markdown]
# ## The ten lines
#
# Our idea: a lead whose **web visits pick up** is warming up. The built-in features count visits in
# fixed windows. They do not say whether visits become *more*.
#
# A feature is a declaration: which rows it is made of, what is made of them, how far back it looks,
# and how people read it. It never says "where occurred_at < cutoff". The rows come through one door
# that shows each cutoff what was known then, so there is nothing to forget.


# %%
def web_visits_pick_up(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Web visits a day in the last week, less those a day in the last month."""
    if "web_visit" in vocabulary.types and {7, 30} <= set(params.windows_days):
        web_visit = vocabulary.types.index("web_visit")
        yield Feature(
            name="web_visit_trend_7d_30d",
            source=Relation.TOUCHES,
            how=Aggregate(Aggregation.TREND, by="type", code=web_visit, wide_days=30),
            says="web visits a day in the last week, less those in the last month",
            about=About("web_visit_trend", "web visits becoming more", Who.LEAD),
            unit=Unit.RATIO,
            window_days=7,
            phrase=Phrase("{} more web visits a day than usual for it"),
        )


# %% [markdown]
# Now name the function in the settings. In a notebook it lives in `__main__`. To keep it, move it
# to a module that Python can import, and name that in `params.yaml`; from then on `train`,
# `backtest`, `score` and the service use it, and a model refuses to score if its meaning has
# changed:
#
# ```yaml
# features:
#   own: [company_features:web_visits_pick_up]
# ```

# %%
features = home.settings.features.model_copy(update={"own": ("__main__:web_visits_pick_up",)})
NAME = "web_visit_trend_7d_30d"
vocabulary = read_vocabulary(warehouse, features)
declared = lead_features(vocabulary, features)
declared = declared.without(frozenset(declared.names) - {NAME})  # to look at this one alone
last = last_mature_cutoff(horizon, warehouse.data_until)
cutoffs = [last - timedelta(days=days) for days in (84, 56, 28, 0)]
examples = build(warehouse, declared, vocabulary, cutoffs, features)
examples.keys.assign(**{NAME: examples.X[NAME]}).sample(5, random_state=1)

# %% [markdown]
# ## Can it see the future?
#
# The law of time: whatever happens after a cutoff changes no value at that cutoff. `pacesetter
# check` proves it on your own rows, and so can we: an extract *cut* at the cutoff must give the
# same values, to the bit, as the whole one.


# %%
def rebuild(extract: Warehouse, cutoff: datetime) -> Examples:
    """Build the same features from another extract."""
    return build(extract, declared, vocabulary, [cutoff], features)


findings = list(point_in_time_findings(warehouse, examples, horizon, rebuild))
print(f"{len(findings)} differences between the whole extract and the cut one")

# %% [markdown]
# A proof that cannot fail proves nothing. So we cheat: we put next week's value into this week's
# row and try again.

# %%
tomorrow = build(
    warehouse, declared, vocabulary, [cutoff + timedelta(days=7) for cutoff in cutoffs], features
)
later = tomorrow.keys.assign(cutoff=tomorrow.keys["cutoff"] - pd.Timedelta(days=7))
later = later.assign(cheat=tomorrow.X[NAME])[["lead_id", "cutoff", "cheat"]]
cheat = examples.keys.merge(later, on=["lead_id", "cutoff"], how="left")["cheat"]
cheating = replace(examples, X=examples.X.assign(**{NAME: cheat.to_numpy()}))
for finding in point_in_time_findings(warehouse, cheating, horizon, rebuild):
    print(f"{finding.severity}: {finding.says}")

# %% [markdown]
# ## Does it say anything?

# %%
y = conversion(warehouse, examples.keys, horizon)
value = examples.X[NAME]
group = pd.cut(value, [-np.inf, -0.3, -0.1, 0.1, 0.3, np.inf])
shares = pd.DataFrame({"leads": value.groupby(group, observed=False).size()})
shares["convert, %"] = (100 * pd.Series(y).groupby(group, observed=False).mean()).round(1)
shares.index = ["much fewer", "fewer", "as before", "more", "many more"]
axes = shares["convert, %"].plot.bar(rot=0, title="Leads that convert in 30 days, %, by web visits")
axes.set_xlabel("")
shares

# %% [markdown]
# It does. But that is the wrong question. The model knows how many visits there were, and when the
# last one was. The right question is whether it says anything **that the model did not know**.
#
# ## Does it help?
#
# Twice the same backtest, with and without the feature, on the same leads and cutoffs. The gain is
# paired: leads are drawn whole, and both models face the same draw.

# %%
asked = Range(last - timedelta(days=56), last, 7)
training = home.settings.training
once = training.leads.model_copy(update={"most_refits": 1})  # one model for all cutoffs: quick
recipe = replace(home.recipe, training=training.model_copy(update={"leads": once}))
recipes = {"without": recipe, "with": replace(recipe, features=features)}
backtests = {
    name: LEADS.steps.backtest(warehouse, asked, own, silent, None) for name, own in recipes.items()
}
both = backtests["with"].frame.merge(
    backtests["without"].frame[["lead_id", "cutoff", "p"]],
    on=["lead_id", "cutoff"],
    suffixes=("", "_without"),
)
paired = Predictions(both.drop(columns="p_without"), {"without it": both["p_without"].to_numpy()})
compared = evaluate(paired, settings_of(home.settings.training.evaluation)).overall


def say(estimate: Estimate) -> str:
    """Write a figure with its interval."""
    if estimate.low is None:
        return "withheld" if estimate.value is None else f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"


pd.DataFrame(
    {
        words: {
            "with it": say(compared.model[metric]),
            "without it": say(compared.scores["without it"][metric]),
            "difference": say(compared.differences["without it"][metric]),
            "surely": compared.verdict("without it", metric),
        }
        for metric, words in (("auc", "AUC"), ("log_loss", "log loss"), ("brier", "Brier score"))
    }
).T

# %%
drivers = backtests["with"].drivers
OWN = next(feature.says for feature in declared if feature.name == NAME)
labels, points = [d.label for d in drivers][::-1], [d.points for d in drivers][::-1]
figure, axes = plt.subplots(figsize=(8.5, 4))
axes.barh(labels, points, color=["C1" if label == OWN else "C0" for label in labels])
axes.set_title("What moved scores most (points, mean over leads)")
print("the new feature is among them" if OWN in labels else "the new feature is not among them")

# %% [markdown]
# ## What this says, and what it does not
#
# Read the last column of the table. "Undecided" means that the interval of the difference holds 0:
# on this company the feature brings nothing that can be told from luck. That is the usual answer,
# and it is a good one to have *before* a feature is kept alive for years.
#
# - Telling leads apart is not enough. What counts is what a feature adds to the others.
# - A feature that measures what others measure may still be used by the trees, and may be a better
#   *reason* to show. That is a choice about words, not about accuracy.
# - One backtest is one stretch of time. A feature that helps by 0.001 here may not help next year.
