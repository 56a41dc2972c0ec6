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
# # 7. Tuning and promoting
#
# A model has been in use for three months. A search finds settings that forecast the past better.
# **Are they better, or was one of many trials lucky? And who says when a new model takes over?**

# %%
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

from features.labels.conversion import last_mature_cutoff
from serving.cli.champions import Champions, Decision
from serving.home.home import Home
from serving.settings import Settings
from serving.store.promotions import How
from training.loop import record
from training.loop.compare import Comparison, compare
from training.loop.kinds import LEADS
from training.loop.search_space import with_values
from training.loop.tune import plan_tuning, tune
from training.params import TrainingParams
from training.tracking.registry import Tracking

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
settings = Settings.load(place)

# %% [markdown]
# We work in a home of our own with the same data, so that nothing here changes the one that the
# other notebooks look at.

# %%
scratch = tempfile.TemporaryDirectory()
shutil.copytree(
    place / "data", Path(scratch.name) / "data", ignore=shutil.ignore_patterns("store*")
)
home = Home(Path(scratch.name), settings)
warehouse, tracking = home.warehouse(), Tracking(home.place)
champions = Champions(home.place, tracking)

# %% [markdown]
# ## The search
#
# Everything up to three months ago is known. `pacesetter tune` forecasts periods of that past one
# by one, each with a model that saw nothing of it. The present settings are trial 0, and a trial
# that falls behind is stopped early. The newest period is kept from the search, for the test.

# %%
horizon = settings.training.leads.horizon_days
until = last_mature_cutoff(horizon, warehouse.data_until) - timedelta(days=60)
past = warehouse.until(until)
plan = plan_tuning(LEADS, past, home.recipe)
tuned = tune(plan, past, plan.search(home.place / "search.sqlite"))

trials = pd.DataFrame(
    {"loss": (trial.losses or (None,))[-1], "state": trial.state, **trial.values}  # noqa: PD011 - of a trial
    for trial in tuned.trials
)
trials.rename(columns=lambda name: name.removeprefix("booster.")).round(4)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6))
complete, stopped = trials[trials["state"] == "complete"], trials[trials["state"] == "pruned"]
left.plot(complete.index, complete["loss"], "o", label="complete")
left.plot(stopped.index, stopped["loss"], "x", color="0.5", label="stopped early")
left.step(complete.index, complete["loss"].cummin(), where="post", label="best so far")
left.axhline(tuned.present, color="C1", linestyle="--", linewidth=1, label="present settings")
left.set_title("Log loss of each trial, in the search")
left.set_xlabel("trial")
left.legend()
shares = pd.Series(tuned.importance or {}, dtype=float).sort_values()
right.barh(shares.index, shares)
right.set_title("What mattered" if len(shares) else "Too few trials to say what mattered")
plt.show()

# %% [markdown]
# The curve can only fall: that is what "best so far" means, and it would fall for settings that
# differ by nothing but luck. So the answer is not read from it. The best settings and the present
# ones both forecast the period that the search never saw, and the gate that promotes models judges:

# %%
Markdown(f"> {tuned.says}")

# %% [markdown]
# ## Three models, as of three months ago
#
# Whatever the search says, let us put it to the proof. All three models saw the data up to the same
# day, and what came after is the judge. The first has the present settings and becomes champion.
# The second has the best of the search. The *hungry* one has large trees and small leaves.

# %%
variants: dict[str, TrainingParams] = {
    "champion": settings.training,
    "best of the search": with_values(settings.training, tuned.best.values),
    "hungry": with_values(
        settings.training,
        {"booster.num_leaves": 63, "booster.min_data_in_leaf": 5, "booster.learning_rate": 0.3},
    ),
}
versions = {}
for name, training in variants.items():
    trained = record.train(LEADS, warehouse, replace(home.recipe, training=training), until)
    versions[name] = tracking.log(
        trained.to_register(is_first=name == "champion", is_asked_for=False)
    )
    champions.note("leads")
print({name: f"version {version}" for name, version in versions.items()})
print("champion:", tracking.live("leads"))

# %% [markdown]
# ## The gate
#
# `pacesetter promote` lets champion and challenger forecast the same later leads. The challenger is
# promoted if it is better beyond luck, not worse beyond luck in any part of the company, and not
# clearly worse calibrated. `compare` is that recipe; it decides and changes nothing.


# %%
def against_champion(name: str) -> Comparison:
    """Compare a version with the champion on what came later."""
    models = tracking.load("leads", "champion"), tracking.load("leads", versions[name])
    return compare(LEADS, warehouse, models, settings.training.gate)


comparisons = {name: against_champion(name) for name in ("best of the search", "hungry")}
Markdown(
    "\n".join(
        f"- **{name}**: {'promoted' if c.verdict.promotes else 'not promoted'}. "
        + "; ".join(c.verdict.reasons)
        for name, c in comparisons.items()
    )
)

# %%
pd.DataFrame(
    {
        (name, figure.metric): {
            "champion": f"{figure.champion.value:.4f}",
            "challenger": f"{figure.challenger.value:.4f}",
            "difference": f"{figure.difference.value:+.4f} "
            f"({figure.difference.low:+.4f} to {figure.difference.high:+.4f})",
        }
        for name, comparison in comparisons.items()
        for figure in comparison.verdict.figures
        if figure.difference.low is not None
    }
).T

# %% [markdown]
# The gain in every part of the company: right of zero the challenger is better. The intervals are
# wider than usual, since with twenty parts one of them would look worse by chance.

# %%
figure, panels = plt.subplots(1, 2, sharey=True, figsize=(9.5, 5.5))
for axes, (name, comparison) in zip(panels, comparisons.items(), strict=True):
    parts = [s for s in comparison.verdict.segments if s.gain.low is not None][::-1]
    for row, part in enumerate(parts):
        ends = [[part.gain.value - part.gain.low], [part.gain.high - part.gain.value]]
        axes.errorbar(
            part.gain.value, row, xerr=ends, fmt="o", color="C1" if part.is_worse else "C0"
        )
    axes.axvline(0, color="0.4", linewidth=1)
    axes.set_yticks(range(len(parts)), [f"{s.segment}: {s.part}" for s in parts])
    axes.set_title(f"{name}: gain in log loss")
plt.show()

# %% [markdown]
# ## A person may decide otherwise
#
# The gate is a rule, and a rule knows nothing of a pilot that went well. So a named person may
# promote with a reason; both go into a log that the database refuses to change. And one command, or
# one line, takes it back.

# %%
champions.promote(
    "leads", versions["best of the search"], Decision(How.PERSON, "the pilot agreed", "Ann Lee")
)
champions.roll_back("leads", "rankings looked odd on Monday", "Ann Lee")
pd.DataFrame(
    {
        "when": f"{entry.at:%Y-%m-%d %H:%M}",
        "from": entry.from_version or "",
        "to": entry.to_version,
        "how": entry.how.value,
        "by": entry.by or "",
        "reason": entry.reason,
    }
    for entry in champions.entries("leads")
)

# %% [markdown]
# After a rollback the same model answers as before, to the bit: models are kept as data, not made
# anew.

# %%
print("champion again:", tracking.live("leads") == versions["champion"])

# %% [markdown]
# ## What this says, and what it does not
#
# - A challenger that is worse is turned away, and so is one that is only as good: "no gain beyond
#   luck" keeps the model that people know.
# - The gate looks at sixty days of one company. A challenger that is better by little needs more
#   data than that, and waiting costs nothing.
# - Neither model is the truth. Promote the better one and go on asking whether the list helps.
