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
# # 5. Grading explanations against the truth
#
# Every score comes with reasons, and reasons sound convincing whether they are right or not. On
# real data nobody can check them. On the sample company we can: its `truth/` folder holds what one
# more call would change, how skilled each rep is, and what held each rep back. **Do the model's
# reasons find any of it?**
#
# Three questions, from the easiest to the hardest:
#
# 1. Do the reasons about a rep follow the rep's true skill?
# 2. Do the reasons about activity tell where a further touch helps?
# 3. Does the strongest reason against a rep's quota name what held the rep back?

# %%
import json
import os
from datetime import timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from features.build import build
from features.labels.attainment import final_quotas
from serving.home.home import Home
from serving.settings import Settings
from training.evaluation.truth import LEADS as TRUE_CHANCES
from training.evaluation.truth import read_truth
from training.leads.explain import explain
from training.leads.fit import learn_leads
from training.loop.kinds import QUOTA
from training.quota.dataset import build_quota_training_set
from training.quota.fit import fit_quota

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
home = Home(place, Settings.load(place))
warehouse = home.warehouse()
features, training = home.settings.features, home.settings.training
truth = {
    path.stem: pd.read_parquet(path) for path in (place / "company" / "truth").glob("*.parquet")
}


# %%
def agreement(left: pd.Series, right: pd.Series, units: pd.Series) -> str:
    """Write a rank correlation with its 90 % interval; leads, or reps, are drawn whole."""
    chance = np.random.default_rng(1)
    places = [np.asarray(rows) for rows in units.groupby(units).indices.values()]
    a, b = left.rank().to_numpy(), right.rank().to_numpy()
    draws = []
    for _ in range(200):
        drawn = np.concatenate([places[k] for k in chance.integers(len(places), size=len(places))])
        draws.append(np.corrcoef(a[drawn], b[drawn])[0, 1])
    low, high = np.quantile(draws, [0.05, 0.95])
    return f"{spearmanr(left, right).statistic:.2f} ({low:.2f} to {high:.2f})"


# %% [markdown]
# ## The model, and its reasons at cutoffs it had not seen
#
# We train a lead model up to the first of the newest true cutoffs and explain every open lead at
# that cutoff and later ones. Points are percentage points; those of one *topic* are added up, as
# the call list does.

# %%
known = read_truth(place / "company", TRUE_CHANCES).cutoffs
cutoffs = known[len(known) // 2 :]
bundle = learn_leads(warehouse.until(cutoffs[0]), training.leads.horizon_days, features, training)
examples = build(warehouse, bundle.feature_set, bundle.vocabulary, cutoffs, bundle.params)
explanation = explain(bundle, examples)
topics = pd.Series([feature.topic for feature in explanation.features])
points = pd.DataFrame(explanation.points).T.groupby(topics).sum().T
levers = {feature.topic for feature in explanation.features if feature.lever == "activity"}
reasons = examples.keys.assign(
    p=explanation.probability,
    activity=points[[topic for topic in points if topic in levers]].sum(axis=1),
    record=points.get("owner_rate", 0.0) + points.get("reps_rate", 0.0),
)
reasons["cutoff"] = reasons["cutoff"].astype("datetime64[us]")
chances = truth["lead_probability"].merge(truth["touch_effect"], on=["lead_id", "cutoff"])
leads = reasons.merge(chances, on=["lead_id", "cutoff"])
print(f"{len(leads):,} explained forecasts of {leads['lead_id'].nunique():,} leads")
print(
    "the forecast beside the true chance:", agreement(leads["p"], leads["p_true"], leads["lead_id"])
)

# %% [markdown]
# The forecast itself follows the true chance well. So the model has understood *something*. Now its
# reasons.
#
# ## 1. Reps: does "the owner's record" follow skill?

# %%
skill = truth["skills"].pivot_table(index="rep_id", columns="skill", values="value")
by_owner = leads.groupby("owner")["record"].agg(["mean", "size"])
owners = by_owner[by_owner["size"] >= 30].join(skill, how="inner")
rows = {
    name: agreement(owners["mean"], owners[name], pd.Series(owners.index, index=owners.index))
    for name in skill
}
followed = pd.DataFrame({"rank correlation with the points of the owner's record": rows})
figure, axes = plt.subplots(figsize=(5, 3.4))
axes.scatter(owners["qualifying"], owners["mean"])
axes.set_xlabel("true skill at qualifying (1 is average)")
axes.set_ylabel("points, mean over the owner's leads")
axes.set_title(f"The owner's record, {len(owners)} reps")
followed

# %% [markdown]
# To turn a lead into a deal takes *qualifying*, so that is the row to read: its interval is the one
# that should lie above 0, and the others have no reason to. The record has found something true.
#
# Look at the scale before you celebrate. It is a few tenths of a percentage point, and reps of
# equal skill lie far apart: the record mixes a rep's skill with the leads the rep was given. It is
# a hint for the forecast, and no mark for a person.
#
# ## 2. Leads: do points for activity tell where a touch helps?
#
# `touch_effect` is the change in a lead's true chance if it were touched once more today, all else
# replayed as it was. A rep who reads "activity: +4 points" may think that more activity will bring
# more. Does it?

# %%
pd.DataFrame(
    {
        "rank correlation with the true effect of one more touch": {
            "the forecast": agreement(leads["p"], leads["effect"], leads["lead_id"]),
            "points of activity": agreement(leads["activity"], leads["effect"], leads["lead_id"]),
            "the true chance": agreement(leads["p_true"], leads["effect"], leads["lead_id"]),
        }
    }
)

# %%
group = pd.qcut(leads["p"], 10, labels=False, duplicates="drop")
figure, (left, right) = plt.subplots(1, 2)
left.bar(range(group.nunique()), 100 * leads.groupby(group)["p_true"].mean())
left.set_title("True chance, %")
right.bar(range(group.nunique()), 100 * leads.groupby(group)["effect"].mean(), color="C1")
right.set_title("What one more touch adds, points")
for axes in (left, right):
    axes.set_xlabel("tenth of the call list, lowest scores first")
plt.show()

# %% [markdown]
# On the left, the list works: the higher the score, the higher the true chance. On the right is
# what a *call* changes, and that is another thing: a touch adds a fraction of a point, and it does
# not add most where the score is highest. **The list finds leads that will convert, and that is not
# the same as leads that convert because you call.** The points of activity hardly follow the effect
# of activity. They say what the forecast rests on. They are no instructions.
#
# (Some of the low correlation is noise of the truth itself: an effect this small, from a hundred
# replays, is only roughly known for one lead. The means over a tenth of the list are not.)
#
# So `pacesetter score` orders a list by what a call is worth (the guide: The call list), learned
# from past calls. Whether the list helps only an experiment can tell: `pacesetter calls` holds some
# leads out by lot, and `pacesetter worth` compares.
#
# ## 3. Quota: does the strongest reason name what held the rep back?
#
# For each rep and quarter, `truth/causes` names what was planted: weak closing, too few touches, an
# unfair quota, a poor territory, being new. The forecast explains itself by six factors. We have to
# translate, and the table is our judgement, made beforehand: a cause *could* show in these factors.

# %%
SHOWS_IN = {
    "closing": {"open_chance", "closed"},
    "internal_delay": {"open_chance", "closed"},
    "qualifying": {"new_business", "open_amount"},
    "volume": {"new_business", "open_amount"},
    "follow_up": {"new_business", "open_amount"},
    "deal_size": {"open_amount", "new_business"},
    "lead_mix": {"lead_flow", "new_business"},
    "territory": {"lead_flow", "open_amount"},
    "ramp": {"new_business", "open_amount"},
    "quota": {"quota"},
}
quotas = final_quotas(warehouse)
begun = quotas[quotas["period_start"] + pd.Timedelta(days=35) < pd.Timestamp(warehouse.data_until)]
starts = [
    pd.Timestamp(start).to_pydatetime() for start in sorted(begun["period_start"].unique())[-3:]
]
model = fit_quota(
    build_quota_training_set(warehouse.until(starts[0]), features, training), features, training
)
tables = []
for start in starts:
    # As of the sixth week: late enough to see something, early enough to act.
    table = QUOTA.steps.score(warehouse, model, "own", start + timedelta(days=35), training)
    tables.append(table[table["period_start"] == start])
reps = pd.concat(tables, ignore_index=True)
against = [
    next((i["label"] for i in json.loads(r)["items"] if i["side"] == "against"), "none")
    for r in reps["reasons"]
]
factor = [
    next((i["feature"] for i in json.loads(r)["items"] if i["side"] == "against"), "none")
    for r in reps["reasons"]
]
reps = reps.assign(against=against, factor=factor)[["rep_id", "period_start", "against", "factor"]]
# The cause that cost most; what cost less than a twentieth of the quota held nobody back.
causes = truth["causes"].sort_values("size").groupby(["rep_id", "period_start"]).tail(1)
causes = causes.assign(cause=causes["cause"].where(causes["size"] >= 0.05, "none"))
found = reps.merge(causes, on=["rep_id", "period_start"])
pd.crosstab(found["cause"], found["against"])

# %%
held_back = found[found["cause"] != "none"]


def hits(causes_: pd.Series) -> float:
    """Return the share of rep-quarters whose strongest reason fits the cause."""
    pairs = zip(causes_, held_back["factor"], strict=True)
    return float(np.mean([factor in SHOWS_IN[cause] for cause, factor in pairs]))


chance = np.random.default_rng(1)
by_luck = [hits(held_back["cause"].sample(frac=1, random_state=chance)) for _ in range(1000)]
own = hits(held_back["cause"])
figure, axes = plt.subplots(figsize=(7, 2.8))
axes.hist(by_luck, bins=25, color="0.75", label="reasons dealt out at random, 1,000 times")
axes.axvline(own, color="C1", linewidth=2.5, label="the model's reasons")
axes.set_xlabel(f"share of {len(held_back)} rep-quarters with a cause whose strongest reason fits")
axes.set_yticks([])
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
low, high = np.quantile(by_luck, [0.05, 0.95])
as_good = (1 + sum(luck >= own for luck in by_luck)) / (1 + len(by_luck))
print(
    f"fits: {own:.0%}; at random: {np.mean(by_luck):.0%} (90 % of draws: {low:.0%} to {high:.0%})"
)
print(f"chance of doing as well at random: {as_good:.3f}")
blamed = ((found["cause"] == "none") & (found["factor"] != "none")).sum()
print(f"rep-quarters without any cause, and yet with a strongest reason against: {blamed}")

# %% [markdown]
# ## What this says, and what it does not
#
# - The forecasts follow the truth. The reasons are true of the *forecast*: they add up to it.
# - They are **not** a diagnosis, even where they fit more often than chance. Two factors of six
#   count as a fit here, and still the strongest reason misses the cause in about half the cases.
#   Every forecast has a strongest reason against, also that of a rep whom nothing holds back. And
#   the six factors say where the money is short, not why: weak closing and slow approval look the
#   same.
# - Nor do they say what to do: a high score is not a high gain from calling.
# - Use them to begin a conversation that you would otherwise not have had. To learn what *causes*
#   a shortfall, compare like with like, and to learn what a call is worth, hold some calls back.
