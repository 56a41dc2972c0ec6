"""What each preset is for shows to a statistician who has the tables alone."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.append(str(Path(__file__).parent))

from simulated import UNTOLD, lived, tables, truth

from features.simulation.realism import Extract, attainment, realism
from features.simulation.state import BURN_IN

SEEDS = (1, 2, 3)
CASE = ["John Doe", "Sally Smith"]
HALF = {"reps": 20}
"""Of demo's seats, where the whole company is not needed."""
YEAR = {"reps": 16, "months": 12}
"""The same, where a year is enough."""


def extract(preset: str, seed: int, **changes: int) -> Extract:
    """Live a company without truth and read its tables."""
    return Extract.read(lived(preset, seed, **UNTOLD, **changes)[1])


# The same companies from version to version.

KEPT = {
    "small": ("7a46e44ed106b686", "1e32a12bff37e6b7", "35c8e2710564b73a"),
    "johnsally": ("413ca7d36cac0498", "db62dc4011178aed", "3f170043d3ddd12a"),
    "shock": ("2a17fcf9fd4b5fa1", "59e93712968ef89c", "b81ea6ee37df8919"),
    "nosignal": ("832751412b1ade30", "ca0a4a803edbb70a", "4a828600795c5d93"),
    "seasons": ("89c1135ae11b971e", "5dc3690604477044", "5a6613bbce392644"),
}
"""Digests of each preset with few reps, months and replays: of its tables and the truth about its
futures, of the truth about its pasts, and of what one more touch adds."""
PASTS, TOUCH = {"causes", "equal_grounds"}, "touch_effect"


@pytest.mark.parametrize("preset", KEPT)
def test_a_preset_stays_the_company_it_was(preset: str) -> None:
    """Published figures hold for a preset's company, so new settings change nothing in it.

    A change that is meant to change companies changes the digests too, and says so.
    """
    few = {"reps": 4, "months": 3, "replays": 2, "cause_replays": 1, "quota_quarters": 1}
    early = {"shock_month": 1} if preset == "shock" else {}
    _, folder = lived(preset, 1, lead_cutoffs=2, **few, **early)
    files = sorted(folder.rglob("*.parquet"))
    assert len(files) == 14
    digests = []
    for part in range(3):
        chosen = [path for path in files if (path.stem in PASTS) + 2 * (path.stem == TOUCH) == part]
        text = "".join(pd.read_parquet(path).to_csv() for path in chosen)
        digests.append(hashlib.sha256(text.encode()).hexdigest()[:16])
    assert tuple(digests) == KEPT[preset]


# John and Sally.


@pytest.fixture(scope="module")
def case() -> pd.DataFrame:
    """John's and Sally's figures over those of the others, in each of three companies."""
    return pd.concat([_beside_others(extract("johnsally", seed)) for seed in SEEDS])


def _beside_others(x: Extract) -> pd.DataFrame:
    quotas = attainment(x)
    year = sorted(quotas["period_start"].unique())[-4:]
    quotas = quotas[quotas["period_start"].isin(year)]
    sums = quotas.groupby("rep_id")[["attained", "amount"]].sum()
    old = x.leads[x.leads["created_at"] < x.end - pd.Timedelta(days=90)]
    deals = x.closed[x.closed["closed_at"] >= year[0]]
    touches = x.activities[x.activities["direction"] == "outbound"]
    share = x.activities["rep_id"].value_counts()
    each = pd.DataFrame(
        {
            "attained": sums["attained"] / sums["amount"],
            "leads": old.groupby("rep_id").size(),
            "opened": old.groupby("rep_id")["converted_at"].apply(lambda t: t.notna().mean()),
            "deals": x.deals.groupby("rep_id").size(),
            "won": deals.groupby("rep_id")["won"].mean(),
            "touches": touches.groupby("rep_id").size().reindex(share.index),
        }
    ).dropna()
    name = x.reps.set_index("rep_id")["name"].reindex(each.index)
    others = each[~name.isin(CASE)].mean()
    return (each[name.isin(CASE)] / others).assign(name=name)


def test_both_miss_by_the_same_margin(case: pd.DataFrame) -> None:
    """Over twelve quarters each, both sell about half of what their peers do, neither more."""
    sold = case.groupby("name")["attained"].mean()
    assert (sold < 0.7).all()
    # One company's four quarters are a few dozen wins; three companies leave a tenth of noise.
    assert abs(sold["John Doe"] - sold["Sally Smith"]) < 0.15


def test_john_has_the_deals_and_cannot_close(case: pd.DataFrame) -> None:
    """As many leads become deals as elsewhere, and a third fewer of them are won."""
    john = case[case["name"] == "John Doe"].mean(numeric_only=True)
    assert 0.85 < john["opened"] < 1.15
    assert 0.85 < john["deals"] < 1.15
    assert john["won"] < 0.78


def test_sally_turns_too_few_leads_into_deals(case: pd.DataFrame) -> None:
    """As many leads and touches as elsewhere, a third fewer deals, and she wins most of hers."""
    john, sally = (
        case[case["name"] == name].mean(numeric_only=True) for name in ("John Doe", "Sally Smith")
    )
    assert 0.85 < sally["leads"] < 1.15
    assert 0.7 < sally["touches"] < 1.3
    assert sally["opened"] < 0.78
    assert sally["deals"] < 0.78
    assert sally["won"] > john["won"] + 0.08


def test_john_and_sally_have_their_cause_planted_in_every_quarter() -> None:
    """The truth names `closing` for John and `qualifying` for Sally, quarter after quarter."""
    _, folder = lived("johnsally", 1, replays=0, cause_replays=24, months=9, reps=6)
    causes = truth(folder, "causes")
    for rep, cause in (("R0000000", "closing"), ("R0000001", "qualifying")):
        own = causes[causes["rep_id"] == rep]
        assert set(own["cause"]) == {cause}
        assert own["size"].mean() > 0.15
    assert set(causes["cause"]) == {"closing", "qualifying", "none"}


# Territories.


@pytest.mark.parametrize("seed", SEEDS)
def test_revenue_and_attainment_follow_the_ground(seed: int) -> None:
    """Rich territories sell far more than poor ones, in money and beside their quotas."""
    x = extract("territory", seed)
    territories = truth(lived("territory", seed, **UNTOLD)[1], "territories")
    quotas = attainment(x).merge(x.reps[["rep_id", "territory"]], on="rep_id")
    sums = quotas.groupby("territory")[["attained", "amount"]].sum()
    size = quotas.groupby("territory").size()
    potential = territories.set_index("territory")["potential"].reindex(sums.index)
    assert np.corrcoef(potential, sums["attained"] / size)[0, 1] > 0.85
    assert np.corrcoef(potential, sums["attained"] / sums["amount"])[0, 1] > 0.75


def test_skill_is_independent_of_the_ground() -> None:
    """Over three companies, who sits where says nothing about how good they are."""
    found = []
    for seed in SEEDS:
        _, folder = lived("territory", seed, **UNTOLD)
        skills = truth(folder, "skills").pivot_table("value", "rep_id", "skill")
        skill = np.log(skills[["closing", "qualifying", "volume"]]).sum(axis=1)
        home = tables(folder)["reps"].set_index("rep_id")["territory"].reindex(skill.index)
        potential = truth(folder, "territories").set_index("territory")["potential"]
        both = pd.DataFrame({"skill": skill, "ground": home.map(potential)}).dropna()
        found.append(both["skill"].corr(both["ground"]))
    assert abs(np.mean(found)) < 0.2


# No signal.


def _snapshots(x: Extract, every: int = 28) -> pd.DataFrame:
    """Open leads with what a plain model would look at, and whether they convert in 30 days."""
    ends = x.leads[["converted_at", "lost_at"]].min(axis=1)
    parts = []
    last = x.end.normalize() - pd.Timedelta(days=30)
    for cutoff in pd.date_range(last - pd.Timedelta(days=6 * every), last, freq=f"{every}D"):
        is_open = (x.leads["created_at"] < cutoff) & ~(ends < cutoff)
        rows = x.leads[is_open]
        seen = x.activities[
            (x.activities["occurred_at"] < cutoff) & (x.activities["known_at"] < cutoff)
        ]
        work = seen.groupby("lead_id")["occurred_at"].agg(["size", "max"]).reindex(rows["lead_id"])
        soon = rows["converted_at"] < cutoff + pd.Timedelta(days=30)
        parts.append(
            pd.DataFrame(
                {
                    "cutoff": cutoff,
                    "age": (cutoff - rows["created_at"]).dt.days.to_numpy(),
                    "acts": work["size"].to_numpy(),
                    "quiet": (cutoff - work["max"]).dt.days.to_numpy(),
                    "source": rows["source"].astype("category").cat.codes.to_numpy(),
                    "value": rows["value"].to_numpy(),
                    "y": soon.to_numpy(),
                }
            )
        )
    return pd.concat(parts)


def _auc_of_a_plain_model(x: Extract) -> float:
    rows = _snapshots(x)
    cutoffs = sorted(rows["cutoff"].unique())
    old, new = rows[rows["cutoff"] < cutoffs[-2]], rows[rows["cutoff"] >= cutoffs[-2]]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(_looks(old), old["y"])
    return float(roc_auc_score(new["y"], model.predict_proba(_looks(new))[:, 1]))


def _looks(rows: pd.DataFrame) -> pd.DataFrame:
    sources = pd.get_dummies(rows["source"]).reindex(columns=range(4), fill_value=0)
    numbers = rows[["age", "acts", "quiet", "value"]].fillna({"acts": 0, "quiet": 200})
    return pd.concat([np.log1p(numbers), sources], axis=1).set_axis(range(8), axis=1)


def test_nothing_can_be_forecast_without_signal() -> None:
    """A plain model is as good as a coin on `nosignal`, and better on the same company with it."""
    assert abs(_auc_of_a_plain_model(extract("nosignal", 1, **YEAR)) - 0.5) < 0.04
    assert _auc_of_a_plain_model(extract("demo", 1, **YEAR)) > 0.62


def test_deals_are_chance_too_without_signal() -> None:
    """Neither size nor rep says who wins; rep-quarters still differ, as luck has it."""
    x = extract("nosignal", 1, **YEAR)
    assert abs(roc_auc_score(x.closed["won"], -x.closed["amount"]) - 0.5) < 0.05
    assert attainment(x)["attainment"].std() > 0.3


# Market.


def test_the_shock_is_about_as_large_as_the_published_one() -> None:
    """After month 18 fewer deals are won, at smaller sizes, and more dates slip (three seeds)."""
    moment = pd.Timestamp("2026-01-01")
    found = pd.DataFrame([_shift(seed, moment) for seed in SEEDS]).mean()
    assert -0.35 < found["won"] < -0.08
    assert -0.30 < found["amount"] < -0.10
    assert 0.15 < found["slipped"] < 0.90


def _shift(seed: int, moment: pd.Timestamp) -> dict[str, float]:
    """Relative change of a year before to what comes after, against the company without."""
    after, before = (_market(extract(preset, seed, **HALF), moment) for preset in ("shock", "demo"))
    return {name: after[name] / before[name] - 1 for name in after}


def _market(x: Extract, moment: pd.Timestamp) -> dict[str, float]:
    closed, opened = x.closed, x.deals[x.deals["created_at"] >= moment]
    dates = x.changes[x.changes["field"] == "expected_close_at"].sort_values("changed_at")
    pushed = dates[dates.duplicated("entity_id") & (dates["changed_at"] >= moment)]
    days = pd.date_range(moment, x.end, freq="7D")
    is_open = [
        ((x.deals["created_at"] < day) & ~(x.deals["closed_at"] < day)).sum() for day in days
    ]
    return {
        "won": closed[closed["closed_at"] >= moment]["won"].mean(),
        "amount": opened["amount"].median(),
        "slipped": len(pushed) / sum(is_open),
    }


def test_the_shock_touches_nothing_before_it() -> None:
    """Until month 18 the company is the same as without."""
    for name in ("activities", "changes"):
        at = "occurred_at" if name == "activities" else "changed_at"
        calm, shocked = (
            getattr(extract(preset, 1, **HALF), name)
            .query(f"{at} < '2026-01-01'")
            .reset_index(drop=True)
            for preset in ("demo", "shock")
        )
        pd.testing.assert_frame_equal(calm, shocked)


def test_a_calm_market_stands_still() -> None:
    """Without drift the market's state never leaves 0; with it, it does."""
    assert set(lived("calm", 1, **UNTOLD, **HALF)[0].exogenous.market.values()) == {0.0}
    assert len(set(lived("demo", 1, **UNTOLD, **HALF)[0].exogenous.market.values())) > 5


# Seasons.


def test_leads_become_deals_at_the_pace_of_the_day() -> None:
    """Slow days bring as many fewer deals as their pace says, holidays few, weekends none."""
    life, folder = lived("seasons", SEEDS[0], **UNTOLD)
    calendar, leads = life.calendar, tables(folder)["leads"]
    converted = leads["converted_at"].dropna().to_numpy().astype("datetime64[D]")
    number = (converted - np.datetime64(calendar.first, "D")).astype(int)
    days = slice(BURN_IN, life.end)
    opened = np.bincount(number, minlength=life.end)[days]
    pace, is_work, is_holiday = (
        column[days] for column in (calendar.pace, calendar.workday, calendar.holiday)
    )
    is_slow = is_work & (pace < 1)
    usual = opened[is_work & ~is_slow].mean()
    assert is_slow.sum() > 80
    assert opened[is_slow].sum() == pytest.approx(usual * pace[is_slow].sum(), rel=0.15)
    assert opened[is_holiday].mean() < 0.35 * usual
    assert opened[~is_work & ~is_holiday].sum() == 0


# Realism.


@pytest.mark.parametrize(
    ("preset", "seed"), [*(("demo", seed) for seed in SEEDS), ("seasons", SEEDS[0])]
)
def test_a_company_is_believable(preset: str, seed: int) -> None:
    """Every figure of the realism table lies where published figures let it."""
    figures = realism(lived(preset, seed, **UNTOLD)[1])
    assert len(figures) >= 20
    assert {f.name: f.value for f in figures if not f.low <= f.value <= f.high} == {}
