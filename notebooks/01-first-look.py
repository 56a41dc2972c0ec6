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
# # 1. A first look at a new extract
#
# Somebody has sent you a folder of CRM tables. **What is in it, and what can be forecast from it?**
# Half an hour here saves weeks: most bad models come from a table that was not what it seemed.
#
# All notebooks look at the sample company that `make notebooks` has made. Set `PACESETTER_HOME` to
# look at a home of your own.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

from features.ingest.load import ingest
from serving.home.home import Home
from serving.settings import Settings
from training.checks.audit import audit

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
home = Home(place, Settings.load(place))
features = home.settings.features

# %% [markdown]
# ## Reading it
#
# `pacesetter ingest` calls this function. It reads every row, and each one is either accepted or
# set aside with a reason. Nothing is dropped in silence.

# %%
with tempfile.TemporaryDirectory() as scratch:
    report = ingest(str(place / "company"), Path(scratch), features)

pd.DataFrame(
    {
        name: {
            "read": table.read,
            "accepted": table.accepted,
            "quarantined": table.quarantined,
        }
        for name, table in report.tables.items()
    }
).T

# %% [markdown]
# What was accepted but is worth knowing is counted too. An empty `converted_at` is a lead that is
# open or lost; 20,000 activities without a lead belong to deals. Nothing here is a surprise, and
# that is what one looks for.

# %%
Markdown(
    "\n".join(
        f"- **{name}**: " + "; ".join(f"{what} {count:,}" for what, count in table.notes.items())
        for name, table in report.tables.items()
        if table.notes
    )
)

# %% [markdown]
# And what does it support? The verdict names each kind of model, and each gap with its price.

# %%
Markdown("\n".join(f"- {statement.says}" for statement in report.verdict))

# %% [markdown]
# ## Does the business look like itself?
#
# Before any statistics, look at the pace. A week without calls, a type that disappears, or leads
# that all "convert" on one day are faults of the export far more often than facts.

# %%
warehouse = home.warehouse()
activities, leads = warehouse["activities"], warehouse["leads"]

by_week = activities.group_by(week=activities.occurred_at.truncate("W"), type=activities["type"])
pace = warehouse.arrow(by_week.aggregate(n=activities.count())).to_pandas()
pace = pace.pivot_table(index="week", columns="type", values="n", fill_value=0)
axes = pace.iloc[1:-1].plot(title="Activities in each full week, by type", xlabel="", ylabel="")
axes.set_ylim(0)
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
moments = {"came in": "created_at", "converted": "converted_at", "lost": "lost_at"}
stories = warehouse.arrow(leads.select(*moments.values())).to_pandas()
weekly = pd.DataFrame(
    {
        words: stories[column].dropna().dt.to_period("W").value_counts()
        for words, column in moments.items()
    }
).sort_index()
weekly = weekly.fillna(0).loc["2024-07-08":].iloc[:-1]
axes = weekly.plot(title="Leads in each full week", xlabel="", ylabel="")
axes.set_ylim(0)
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# The pace is steady, and about as many leads end as come in. There is no gap and no cliff. The one
# thing to ask about is that web visits have no holidays: neither has this company, which is made
# up.
#
# ## What was known, and when?
#
# The most expensive mistake is to train on a value that was written *after* the moment you pretend
# to forecast at. Two things tell you how large the danger is. First, how late activities reach the
# CRM: a model that used them at the moment they *happened* would know more in training than in use.

# %%
late = activities.select(
    hours=activities.known_at.delta(activities.occurred_at, unit="minute") / 60
)
hours = warehouse.arrow(late)["hours"].to_pandas().sort_values()
share = pd.Series(range(1, len(hours) + 1)) / len(hours)
figure, axes = plt.subplots()
axes.plot(hours.clip(lower=0.1), share)
axes.set_xscale("log")
axes.set_ylim(0, 1.02)
axes.set_title("Share of activities that the CRM could show, by hours after they happened")
axes.set_xticks([0.1, 1, 24, 168], ["at once", "1 hour", "1 day", "1 week"])
plt.show()

# %% [markdown]
# Most are logged at once, and the rest arrive within days. pacesetter uses a row from the moment
# `known_at` says, not from the moment it happened.
#
# Second, columns. A column shows how the story *ended*, unless `changes` holds its history:

# %%
pd.DataFrame(
    {
        "field": f"{history.entity_type}.{history.field}",
        "entities with a history": history.entities,
        "known from creation on": history.from_creation,
        "complete": history.complete,
    }
    for history in report.histories
)

# %% [markdown]
# Everything else is judged by what it looks like. This names the columns that seem to be filled
# when the row is made, and why others do not seem so. `lost_reason` and `budget` below are the
# classic traps: one is filled only for the lost, the other only for the won.

# %%
Markdown("\n".join(f"- {line}" for line in report.proposals.says(features.known_at_creation)))

# %% [markdown]
# ## The audit
#
# `pacesetter check` goes further. It looks for columns that tell the outcome, rebuilds the past
# from a cut extract to see that it looks the same, and plants columns that cheat to see that they
# are caught.

# %%
findings = audit(warehouse.until(None), features, home.settings.training)
serious = [finding for finding in findings if finding.severity != "info"]
Markdown("\n".join(f"- **{finding.severity}**: {finding.says}" for finding in serious))

# %% [markdown]
# ## What this says, and what it does not
#
# - The tables load whole, the pace is steady, and both kinds of model have enough to learn from.
#   The gaps that the audit names lie before the first full month, among rows taken over from
#   earlier.
# - Two columns would leak the outcome. They are known, and they stay out.
# - It does **not** say that forecasts will be good. That takes a test on later data, and the next
#   notebook shows why it has to be *later*.
