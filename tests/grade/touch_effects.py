"""Grade of what a call is said to be worth, beside what one more touch truly adds.

The companies were named here before they were made: `demo` 971 to 973. Each is played to the first
day of its last full quarter; models learn from what its CRM shows then. The truth is that of
`truth/touch_effect`: a lead's chance to convert within 30 days with one more touch, less that
without, reps going on by habit. It comes from 1,000 futures, each lead with luck of its own, played
in two halves with luck apart, which tell how much of it is noise.

What an order could reach at best with the same features is told by a model that is taught the true
effects of the other companies: no product can have that.

    python tests/grade/touch_effects.py 21 22
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pandas as pd
from call_list import HORIZON_DAYS, KEPT, Company, company, fitted
from grades import Grade

from features.build import build
from features.params import FeatureParams
from features.simulation.futures import lead_truth
from training.call_params import CallParams
from training.calls.order import last_touch, learned_worth

COMPANIES = (971, 972, 973)
FUTURES = 1000
OTHER_LUCK = 1_000_000
"""Added to the seed of the second half of the futures."""
ORDERS = {
    "reach_gain": "reach x gain",
    "now": "reach x gain and the try, less after a fresh touch",
    "chance": "chance to convert",
    "recency": "recency rule, touched last first",
    "taught": "a model taught the true effects of the other companies, same features",
    "half": "one half of the futures beside the other",
}
FEATURE = "feature_"


def touch_effects() -> list[Grade]:
    """Grade the companies that were named beforehand."""
    return grades(COMPANIES)


def beside_truth(seed: int) -> pd.DataFrame:
    """Return every open lead's estimates, features and true effects, unless that was done before.

    Returns:
        `seed, owner`, an order by each of the first four of `ORDERS`, `first` and `second` (true
        effects by half of the futures), and the features, `FEATURE` before their names.
    """
    kept = KEPT / f"touches-{seed}.parquet"
    if kept.exists():
        return pd.read_parquet(kept)
    played = company("demo", seed)
    past = played.past().until(played.moment)
    bundle, calls = fitted(past), CallParams()
    if bundle.calls is None:
        raise SystemExit(f"demo {seed}: nothing was learned of calls")
    features = bundle.listed_features
    examples = build(past, features, bundle.vocabulary, [played.moment], FeatureParams())
    reach, gain, missed = bundle.calls.estimates(examples.X)
    worth = learned_worth(reach, gain, missed, bundle.calls.usual_reach, calls)
    days = last_touch(examples.X, bundle.vocabulary)
    rows = examples.keys[["lead_id", "owner"]].assign(
        seed=seed,
        reach_gain=reach * gain,
        now=worth.now(days, calls),
        chance=bundle.probability(examples.X),
        recency=-np.minimum(days, 1e6),
    )
    table = examples.X.loc[:, list(bundle.calls.columns)].astype(np.float64).add_prefix(FEATURE)
    rows = pd.concat([rows.reset_index(drop=True), table.reset_index(drop=True)], axis=1)
    for name, luck in (("first", 0), ("second", OTHER_LUCK)):
        rows = rows.merge(_true(played, luck).rename(columns={"effect": name}), on="lead_id")
    rows.to_parquet(kept)
    return rows


def _true(played: Company, luck: int) -> pd.DataFrame:
    settings = played.life.settings
    changed = {"replays": FUTURES // 2, "seed": settings.seed + luck}
    life = replace(played.life, settings=settings.model_copy(update=changed))
    _, effect = lead_truth(life, played.start, is_keyed=True)
    return pd.DataFrame({name: np.asarray(effect[name]) for name in ("lead_id", "effect")})


def with_taught(rows: pd.DataFrame) -> pd.DataFrame:
    """Add `taught`: what a model says that was taught the true effects of the other companies."""
    columns = [name for name in map(str, rows.columns) if name.startswith(FEATURE)]
    taught = pd.Series(np.nan, index=rows.index)
    for seed in rows["seed"].unique():
        others = rows[rows["seed"] != seed]
        model = lgb.LGBMRegressor(
            n_estimators=200,
            num_leaves=8,
            learning_rate=0.05,
            min_child_samples=50,
            n_jobs=1,
            verbose=-1,
            random_state=0,
        )
        model.fit(others[columns], others[["first", "second"]].mean(axis=1))
        own = rows["seed"] == seed
        taught[own] = model.predict(rows.loc[own, columns])
    return rows.assign(taught=taught)


def within_reps(rows: pd.DataFrame, order: str, true: str) -> float:
    """Return the rank correlation within each rep's leads, by their number."""
    ranks = rows.groupby(["seed", "owner"])[[order, true]].rank()
    ranks = ranks - ranks.groupby([rows["seed"], rows["owner"]]).transform("mean")
    return float(ranks[order].corr(ranks[true]))


def grades(seeds: Sequence[int]) -> list[Grade]:
    """Grade some companies, each and together."""
    rows = with_taught(pd.concat([beside_truth(seed) for seed in seeds], ignore_index=True))
    rows = rows[rows["owner"].notna()].assign(
        true=rows[["first", "second"]].mean(axis=1), half=rows["first"]
    )
    noise = float((rows["first"] - rows["second"]).std() / 2)
    spread = float(rows["true"].std())
    what = f"demo {seeds[0]} to {seeds[-1]}, {len(rows):,} open leads: true effect of a touch"
    says = f"mean {rows['true'].mean():.4f}, sd {spread:.4f}, of which noise {noise:.4f}"
    lines = [Grade(what, f"{says} ({FUTURES:,} futures, {HORIZON_DAYS} days)", "", None)]
    for order, name in ORDERS.items():
        true = "second" if order == "half" else "true"
        each = [within_reps(rows[rows["seed"] == seed], order, true) for seed in seeds]
        all_leads = rows.groupby("seed")[[order, true]].corr("spearman").xs(order, level=1)[true]
        figure = f"{within_reps(rows, order, true):.2f}"
        figure += f" ({', '.join(f'{value:.2f}' for value in each)}); "
        figure += f"over all leads {all_leads.mean():.2f}"
        lines.append(Grade(f"rank correlation within reps: {name}", figure, "beside it", None))
    return lines


if __name__ == "__main__":
    chosen = [int(seed) for seed in sys.argv[1:]]
    sys.stdout.write("\n".join(line.line() for line in grades(chosen)) + "\n")
