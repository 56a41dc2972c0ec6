"""Are goals reached as often as said? Goals of the past beside what came of them.

At moments of the past every rep gets the goals that would have been proposed then, from what was
known then. A window later the measure is read off. Nobody was told of these goals, so the table
grades the chances, not coaching.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.coaching.goals.measures import MEASURES, WINDOW_DAYS, measured
from training.coaching.goals.propose import LIKELY_NAME, STRETCH_NAME, Goals
from training.coaching.goals.record import here, read_record

BINS = (0.25, 0.35, 0.45, 0.5, 0.55, 0.65, 1.0)
DRAWS, SEED, LEVEL = 400, 7, 0.9


def past_goals(
    warehouse: Warehouse, moments: Sequence[datetime], progress: Progress = silent
) -> pd.DataFrame:
    """Propose goals for everybody at moments of the past, and see what came of them.

    Args:
        warehouse: the extract.
        moments: when goals are set; each at least `WINDOW_DAYS` before the extract's end.
        progress: shows how far it is.

    Returns:
        `rep_id, moment, measure, label, chance, now, target, later, reached` (0 or 1), one row a
        goal whose measure could be read off a window later.
    """
    frames = []
    with progress("goals of the past", len(moments)) as advance:
        for moment in moments:
            frames.append(_goals_at(warehouse, moment))
            advance(1)
    return pd.concat(frames, ignore_index=True)


def _goals_at(warehouse: Warehouse, moment: datetime) -> pd.DataFrame:
    goals = Goals.learned(read_record(warehouse, moment))
    rows = [
        {
            "rep_id": goal.rep_id, "moment": moment, "measure": goal.measure.name,
            "label": goal.label, "chance": goal.chance, "now": goal.now, "target": goal.target,
        }
        for rep_id in sorted(here(goals.record))
        for measure in MEASURES.values()
        for goal in goals.propose(rep_id, measure.cause)
    ]  # fmt: skip
    columns = ["rep_id", "moment", "measure", "label", "chance", "now", "target"]
    frame = pd.DataFrame(rows, columns=columns)
    end = moment + timedelta(days=WINDOW_DAYS)
    after = read_record(warehouse, end)
    seen = [measured(after, m, [end]).assign(measure=name) for name, m in MEASURES.items()]
    later = pd.concat(seen, ignore_index=True)[["rep_id", "measure", "value"]]
    joined = frame.merge(later.rename(columns={"value": "later"}), on=["rep_id", "measure"])
    is_reached = joined["later"] >= joined["target"] - 1e-9
    return joined.assign(reached=is_reached.astype(np.float64))


def calibration(goals: pd.DataFrame) -> pd.DataFrame:
    """Compare said chances with shares reached, by label, by measure and by bins of the chance.

    Args:
        goals: what `past_goals` returns, of one company or of several (then with `company`).

    Returns:
        `group, goals, said, reached, low, high`: counts, the mean chance, the share reached and its
        90 % interval, reps drawn whole (cluster bootstrap).
    """
    cut = pd.cut(goals["chance"], BINS, right=False)
    masks = {f"label: {label}": goals["label"] == label for label in (LIKELY_NAME, STRETCH_NAME)}
    masks |= {f"measure: {name}": goals["measure"] == name for name in MEASURES}
    masks |= {
        f"chance: {bin_.left:g} to {bin_.right:g}": cut == bin_ for bin_ in cut.cat.categories
    }
    rows = [{"group": name, **_line(goals[mask])} for name, mask in masks.items() if mask.any()]
    return pd.DataFrame(rows, columns=["group", "goals", "said", "reached", "low", "high"])


def _line(goals: pd.DataFrame) -> dict[str, float]:
    """Summarise goals; the interval draws reps, whose goals go together."""
    keys = [name for name in ("company", "rep_id") if name in goals]
    by_rep = goals.groupby(keys)["reached"].agg(["sum", "size"]).to_numpy(np.float64)
    draws = np.random.default_rng(SEED).integers(len(by_rep), size=(DRAWS, len(by_rep)))
    sums = by_rep[draws].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {
        "goals": len(goals),
        "said": float(goals["chance"].mean()),
        "reached": float(goals["reached"].mean()),
        "low": float(low),
        "high": float(high),
    }
