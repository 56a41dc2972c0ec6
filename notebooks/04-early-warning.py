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
# # 4. Early warning and lead time
#
# A manager does not ask "who missed quota?" but "who *will*, and how early can I know?" **How many
# weeks does the model give, and how many false alarms do they cost?**

# %%
import os
from datetime import timedelta
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from features.labels.attainment import final_quotas
from serving.home.home import Home
from serving.settings import Settings
from training.evaluation.bootstrap import Estimate
from training.evaluation.truth import QUOTAS, read_truth
from training.loop import record
from training.loop.kinds import QUOTA
from training.loop.results import Beside
from training.rolling import Range

plt.style.use("notebooks.mplstyle")
place = Path(os.environ.get("PACESETTER_HOME", "../build/notebooks/home"))
home = Home(place, Settings.load(place))
warehouse = home.warehouse()

# %% [markdown]
# ## The newest quarters, week by week
#
# We forecast the newest quarters that have ended, once a week, with a model that knew nothing
# of them.

# %%
quotas = final_quotas(warehouse)
ended = quotas[quotas["period_end"] <= warehouse.data_until]
starts = sorted(ended["period_start"].unique())[-2:]
truth = read_truth(place / "company", QUOTAS)
first = min(cutoff for cutoff in truth.cutoffs if cutoff >= pd.Timestamp(starts[0]))
asked = Range(first, ended["period_end"].max().to_pydatetime() - timedelta(days=1), 7)
result = record.backtest(QUOTA, warehouse, asked, home.recipe, Beside(truth))
evaluation, frame = result.graded.evaluation, result.backtested.predictions.frame
known = frame[frame["attainment"].notna()]
missed = known.groupby(["rep_id", "period_start"])["attainment"].first() < 1
print(f"{len(known):,} forecasts; {missed.sum()} of {len(missed)} quotas were missed")

# %% [markdown]
# ## What a forecast looks like as the quarter goes on
#
# Four reps: the one who missed by most, the one who exceeded most, and two in between. The band is
# p10 to p90, the line the median, the dashed line what came in the end; charts end at three quotas.

# %%
last = known[known["period_start"] == known["period_start"].max()]
finals = last.groupby("rep_id")["attainment"].first().sort_values()
chosen = finals.index[[0, len(finals) // 3, 2 * len(finals) // 3, len(finals) - 1]]
figure, panels = plt.subplots(1, 4, sharey=True, figsize=(10, 3.2))
for axes, rep in zip(panels, chosen, strict=True):
    own = last[last["rep_id"] == rep].sort_values("cutoff")
    weeks = (own["cutoff"] - own["period_start"]).dt.days / 7
    axes.fill_between(weeks, own["attainment_p10"], own["attainment_p90"], alpha=0.25, linewidth=0)
    axes.plot(weeks, own["attainment_p50"])
    axes.plot(weeks, own["closed"] / own["quota"], color="0.5", linewidth=1)
    axes.axhline(own["attainment"].iloc[0], color="C1", linestyle="--")
    axes.axhline(1, color="0.3", linewidth=0.8)
    axes.set_title(rep)
    axes.set_xlabel("week of the quarter")
panels[0].set_ylabel("attainment (1 = the quota)")
panels[0].set_ylim(0, min(3, 1.1 * float(last["attainment_p90"].max())))
plt.show()

# %% [markdown]
# The grey line is what is closed so far: for most of the quarter it says little, because deals are
# won late. The band narrows as weeks pass. It narrows *slowly*, and that is the truth about a small
# number of large deals.
#
# ## How early, and at which price?
#
# A miss is *flagged for good* from the first flag after which the chance stays below one half to
# the end. The lead time is the number of days from there to the end of the quarter; a miss that is
# never flagged counts as 0 days. A false alarm is a flag in weeks 2 to 6 whose rep made quota after
# all.


# %%
def say(estimate: Estimate, digits: int = 2) -> str:
    """Write a figure with its interval."""
    if estimate.value is None:
        return "withheld"
    if estimate.low is None:
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


warning = evaluation.warnings[0]
print(f"a flag is raised by: {warning.rule}; {warning.n_missed} misses were watched from early on")
pd.DataFrame(
    {
        name: {
            "lead time, days (median)": say(scores["lead_days"], 0),
            "misses flagged": say(scores["flagged"]),
            "false alarms": say(scores["false_alarms"]),
        }
        for name, scores in warning.scores.items()
    }
).T

# %%
figure, (left, right) = plt.subplots(1, 2)
for name in warning.misses_flagged:
    bold = {"linewidth": 2.6, "zorder": 3} if name == "model" else {"linewidth": 1.1, "alpha": 0.8}
    for axes, by_week in ((left, warning.misses_flagged[name]), (right, warning.flags_wrong[name])):
        values = [e.value if e.value is not None else np.nan for e in by_week.values()]
        axes.plot([int(week) for week in by_week], values, marker=".", label=name, **bold)
left.set_title("Share of the misses flagged for good")
right.set_title("Share of the week's flags that are wrong")
for axes in (left, right):
    axes.set_xlabel("week of the quarter")
    axes.set_ylim(0, 1.02)
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# Both pictures belong together. Whoever flags everybody on day one has the best lead time there is,
# and wastes a manager's time with everybody who would have made it. Look for the line that is high
# on the left *and* low on the right. Where most reps miss, as here, most who miss are flagged from
# the first forecast on, by most rules. What tells the forecasts apart is the price.
#
# ## How much of it is luck of the draw?
#
# The true chances come from replaying the rest of the quarter a hundred times. They are evaluated
# like any other forecast, so what they do not reach cannot be reached. (Rows named "1st quarter" to
# "4th quarter" are quarters of the quota period.)

# %%
beside = evaluation.truth
rows = {}
for label, group in beside.groups.items():
    if label.startswith("week "):
        continue
    for name in group.scores:
        if name in ("model", "truth", beside.closed[label].baseline):
            rows[f"{label}: {name}"] = {
                "AUC": say(group.scores[name]["auc"]),
                "Brier": say(group.scores[name]["brier"]),
                "pinball loss": say(group.scores[name]["pinball"], 3),
            }
pd.DataFrame(rows).T

# %%
both = known.merge(truth.frame, on=["rep_id", "period_start", "cutoff"])
gone = (both["cutoff"] - both["period_start"]) / (both["period_end"] - both["period_start"])
figure, panels = plt.subplots(1, 3, sharey=True, sharex=True)
for axes, (label, low, high) in zip(
    panels, (("first", 0, 1 / 3), ("second", 1 / 3, 2 / 3), ("last", 2 / 3, 1)), strict=True
):
    rows_ = both[(gone >= low) & (gone < high)]
    axes.scatter(rows_["p_attain_true"], rows_["p_attain"], s=14, alpha=0.6)
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
    axes.set_title(f"{label} third of the quarter")
    axes.set_xlabel("true chance")
panels[0].set_ylabel("the model's chance")
plt.show()

# %% [markdown]
# ## What this says, and what it does not
#
# - There is a warning weeks before the end, and its price in false alarms is known.
# - With two dozen reps and two quarters, the intervals are wide. Do not tell a rule from a model by
#   a difference of five days here; `backtest quota` over more quarters can.
# - A chance is about a *quarter*, with this quota and these deals. It is no judgement of a person:
#   the next notebook shows how far the model is from knowing *why*.
