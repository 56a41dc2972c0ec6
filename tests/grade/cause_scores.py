"""How right the told causes are: figures from frames alone, so that any companies can be judged."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd
from grades import Grade

from training.coaching.causes.told import OWN

KEY = ["company", "rep_id", "period_start"]
LEAST_SIZE, LEAST_LEADS, LEAST_DEALS = 0.15, 100, 20
"""A rep-quarter is judged from this planted size and this much evidence on."""
WANTED: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("quota", "deal_size", "lead_mix", "ramp"), 0.97),
        "internal_delay": 0.92,
        **dict.fromkeys(("qualifying", "follow_up"), 0.90),
        **dict.fromkeys(("closing", "volume", "territory"), 0.80),
    }
)
"""Share of each cause that is wanted among the first two."""
FEW, MOST_MISSES = 40, 3
"""Where fewer rows stand behind a share of 92 to 97 %, so many misses are allowed."""
ALARM, WEAK = 0.10, 0.8
"""An own cause of this size is an alarm where nothing is planted and no skill is below `WEAK`."""
CHANCES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.001)


def judged(told: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the rep-quarters that are judged.

    Args:
        told: `rep_causes` of many companies and periods, with `company`, and with `leads` and
            `deals`, the rep's so far.
        truth: `causes` of the same companies, with `company`.

    Returns:
        A row for each: `cause` (the largest planted), `first`, `two` (those told first), and
        whether each is the rep's own.
    """
    ordered = told.sort_values([*KEY, "rank"])
    by_rep = ordered.groupby(KEY)
    first = by_rep["cause"].first().rename("first")
    two = by_rep["cause"].apply(lambda causes: list(causes[:2])).rename("two")
    evidence = by_rep[["leads", "deals"]].first()
    largest = truth.sort_values("size").groupby(KEY).tail(1).set_index(KEY)
    rows = largest.join([first, two, evidence], how="inner")
    enough = (rows["leads"] >= LEAST_LEADS) | (rows["deals"] >= LEAST_DEALS)
    rows = rows[enough & (rows["size"] >= LEAST_SIZE)].copy()
    rows["hit_first"] = rows["first"] == rows["cause"]
    rows["hit_two"] = [
        cause in told for cause, told in zip(rows["cause"], rows["two"], strict=True)
    ]
    rows["is_own"], rows["first_is_own"] = rows["cause"].isin(OWN), rows["first"].isin(OWN)
    return rows


def named(rows: pd.DataFrame, day30: pd.DataFrame) -> list[Grade]:
    """Grade which causes are named first and second, and who is blamed."""
    first, two = rows["hit_first"].mean(), rows["hit_two"].mean()
    outside, own = rows[~rows["is_own"]], rows[rows["is_own"]]
    blame = outside["first_is_own"].mean()
    excuse = (~own["first_is_own"] & (own["first"] != "luck")).mean()
    early = day30["hit_first"].mean()
    grades = [
        Grade(f"cause first, n = {len(rows)}", f"{first:.1%}", ">= 80 %", bool(first >= 0.80)),
        Grade("cause among the first two", f"{two:.1%}", ">= 93 %", bool(two >= 0.93)),
        Grade(f"false blame, n = {len(outside)}", f"{blame:.1%}", "<= 8 %", bool(blame <= 0.08)),
        Grade(f"false excuse, n = {len(own)}", f"{excuse:.1%}", "", None),
        Grade(
            f"cause first at day 30, n = {len(day30)}",
            f"{early:.1%}",
            "within 8 points",
            bool(early >= first - 0.08),
        ),
    ]
    for cause, least in WANTED.items():
        own_rows = rows[rows["cause"] == cause]
        misses = int((~own_rows["hit_two"]).sum())
        share = own_rows["hit_two"].mean() if len(own_rows) else np.nan
        is_met = bool(share >= least) or (
            least >= 0.92 and len(own_rows) < FEW and misses <= MOST_MISSES
        )
        figure = f"{share:.1%}, first {own_rows['hit_first'].mean():.1%}, {misses} missed"
        what = f"{cause} among the first two, n = {len(own_rows)}"
        grades.append(Grade(what, figure, f">= {least:.0%}", is_met if len(own_rows) else None))
    return grades


def alarms(told: pd.DataFrame, truth: pd.DataFrame, skills: pd.DataFrame) -> list[Grade]:
    """Grade how often an own cause is told where nothing is planted and no skill is weak."""
    weakest = skills.groupby(["company", "rep_id"])["value"].min()
    nothing = truth[truth["cause"] == "none"].set_index(KEY).index
    rows = told.set_index(KEY)
    rows = rows[rows.index.isin(nothing)].reset_index()
    rows = rows[weakest.reindex(pd.MultiIndex.from_frame(rows[KEY[:2]])).to_numpy() >= WEAK]
    is_alarm = (rows["size"] >= ALARM) & rows["cause"].isin(OWN)
    share = is_alarm.groupby([rows[name] for name in KEY]).any()
    rate = share.mean()
    what = f"nothing planted and no skill below {WEAK}: own cause of {ALARM:.2f}, n = {len(share)}"
    return [Grade(what, f"{rate:.1%}", "<= 8 %", bool(rate <= 0.08))]


def chances(told: pd.DataFrame, truth: pd.DataFrame) -> list[Grade]:
    """Grade whether spells are there as often as said."""
    spells = told[told["since"].notna() & (told["cause"] != "quota")]
    planted = set(truth.set_index([*KEY, "cause"]).index)
    is_there = np.array([key in planted for key in spells.set_index([*KEY, "cause"]).index])
    grades = []
    for low, high in pairwise(CHANCES):
        inside = ((spells["p"] >= low) & (spells["p"] < high)).to_numpy()
        if not inside.any():
            continue
        said, was = float(spells["p"][inside].mean()), float(is_there[inside].mean())
        what = f"chance of a spell {low:.0%} to {min(high, 1):.0%}, n = {int(inside.sum())}"
        figure = f"said {said:.1%}, there {was:.1%}"
        grades.append(Grade(what, figure, "within 10 points", abs(said - was) <= 0.10))
    return grades


def sizes(told: pd.DataFrame, truth: pd.DataFrame) -> list[Grade]:
    """Grade sizes: what is told beside what is true, 0 where a cause is not there or not told."""
    key = [*KEY, "cause"]
    rows = told[told["cause"] != "luck"]
    real = truth.loc[truth["cause"] != "none", [*key, "size"]].rename(columns={"size": "true"})
    both = rows.merge(real, on=key, how="outer")
    both[["size", "true"]] = both[["size", "true"]].fillna(0.0)
    both["covers"] = (both["true"] >= both["low"]) & (both["true"] <= both["high"])
    told_rows = both[both["rank"].notna()]
    covered = told_rows["covers"].mean()
    real_rows = told_rows[told_rows["true"] != 0]["covers"].mean()
    grades = [
        Grade(
            f"80 % intervals of size, n = {len(told_rows)}",
            f"cover {covered:.1%}; where the cause is there, {real_rows:.1%}",
            ">= 70 %",
            bool(covered >= 0.70),
        )
    ]
    for cause, rows_of in both.groupby("cause"):
        size, true = rows_of["size"].mean(), rows_of["true"].mean()
        ratio = size / true if true else np.nan
        figure = f"told {size:.3f}, true {true:.3f} ({ratio:.2f} of it)"
        what = f"mean size of {cause}, n = {len(rows_of)}"
        grades.append(Grade(what, figure, "within 25 %", bool(0.75 <= ratio <= 1.25)))
    return grades


def always_so(told: pd.DataFrame, truth: pd.DataFrame, skills: pd.DataFrame) -> list[Grade]:
    """Report how much of the told size is of causes without a beginning where no spell is planted.

    `truth/causes` holds spells alone, so that a weakness of somebody who has always been weak
    counts as nothing there; `truth/skills` tells who is.
    """
    planted = set(truth.set_index([*KEY, "cause"]).index)
    grades = []
    for cause in ("qualifying", "closing"):
        rows = told[told["cause"] == cause]
        is_there = np.array([key in planted for key in rows.set_index([*KEY, "cause"]).index])
        only = rows[rows["since"].isna().to_numpy() & ~is_there]
        skill = skills[skills["skill"] == cause].set_index(["company", "rep_id"])["value"]
        values = skill.reindex(pd.MultiIndex.from_frame(only[KEY[:2]])).to_numpy()
        true = truth.loc[truth["cause"] == cause, "size"].sum()
        figure = "none told"
        if len(only) and true > 0:
            every, part = rows["size"].sum(), only["size"].sum()
            share, rest = part / every, (every - part) / true
            mean = np.average(values, weights=only["size"])
            figure = (
                f"{share:.0%} of what is told, at skill {mean:.2f}; the rest {rest:.2f} of true"
            )
        what = f"{cause} without a beginning where no spell is planted, n = {len(only)}"
        grades.append(Grade(what, figure, "", None))
    return grades


def lasting(told: pd.DataFrame, skills: pd.DataFrame) -> list[Grade]:
    """Grade lasting weaknesses beside the truth about skills."""
    grades = []
    for cause in ("qualifying", "closing"):
        rows = told[(told["cause"] == cause) & told["since"].isna() & (told["p"] >= 0.5)]
        skill = skills[skills["skill"] == cause].set_index(["company", "rep_id"])["value"]
        values = skill.reindex(pd.MultiIndex.from_frame(rows[KEY[:2]])).to_numpy()
        figure = "none told"
        if len(values):
            figure = f"skill {np.mean(values):.2f} on average, below 1 in {np.mean(values < 1):.0%}"
        grades.append(Grade(f"lasting weakness in {cause}, n = {len(rows)}", figure, "", None))
    return grades
