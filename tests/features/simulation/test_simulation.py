"""A sample company: the same for the same seed, in the contract's form, and true to its truth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
from pandas.testing import assert_frame_equal

sys.path.append(str(Path(__file__).parent))

from simulated import TABLES, UNTOLD, ece, lived, mature, noise_floor, tables, truth

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.day import Streams
from features.simulation.live import live
from features.simulation.machine import Machine
from features.simulation.rows import Rows
from features.simulation.settings import PRESETS, SAID, company_settings
from features.simulation.truth import write_truth

TINY = {"months": 6, "reps": 6, "replays": 20, "cause_replays": 4}
SEEDS = (1, 2, 3)
FEW = {"replays": 40, "cause_replays": 3}
ROOT = Path(__file__).parents[3]
MAKE = """
import sys
from pathlib import Path
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth
out = Path(sys.argv[1])
how = company_settings("small", seed=1, months=6, reps=6, replays=20, cause_replays=4)
write_truth(live(how, out), out)
"""


def small(seed: int = 1) -> Path:
    """The folder of a small company with few replays."""
    return lived("small", seed, **FEW)[1]


# The same seed, the same company.


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    """Every table and every truth is made again to the last byte."""
    _, first = lived("small", 1, **TINY)
    write_truth(live(company_settings("small", seed=1, **TINY), tmp_path), tmp_path)
    files = sorted(path.relative_to(first) for path in first.rglob("*.parquet"))
    assert len(files) == 14
    assert [n for n in files if (first / n).read_bytes() != (tmp_path / n).read_bytes()] == []


def test_the_same_seed_gives_the_same_files_on_another_processor(tmp_path: Path) -> None:
    """Switching off what only some processors can do changes no table and no truth."""
    _, first = lived("small", 1, **TINY)
    extras = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NPY_DISABLE_CPU_FEATURES": " ".join(extras),
    }
    subprocess.run([sys.executable, "-c", MAKE, str(tmp_path)], env=environment, check=True)
    for name in TABLES:
        here, there = (pd.read_parquet(d / f"{name}.parquet") for d in (first, tmp_path))
        assert_frame_equal(here, there, check_exact=True)
    for path in (first / "truth").glob("*.parquet"):
        here, there = (pd.read_parquet(d / "truth" / path.name) for d in (first, tmp_path))
        assert_frame_equal(here, there, check_exact=True)


def test_another_seed_gives_another_company() -> None:
    """Seeds share no table."""
    first, second = tables(small(1)), tables(small(2))
    assert [name for name in TABLES if first[name].equals(second[name])] == []


def test_truth_changes_no_table() -> None:
    """How much is replayed, and whether at all, leaves the tables as they are."""
    _, bare = lived("small", 1, months=6, reps=6, **UNTOLD)
    _, replayed = lived("small", 1, **TINY)
    for name, table in tables(bare).items():
        assert_frame_equal(table, pd.read_parquet(replayed / f"{name}.parquet"))


# The contract's form.


def test_money_is_whole_cents() -> None:
    """No amount, quota or recorded change has parts of a cent."""
    extract = tables(small())
    for table, column in (("deals", "amount"), ("quotas", "amount"), ("leads", "value")):
        cents = extract[table][column] * 100
        assert (abs(cents - cents.round()) < 1e-6).all(), table
    changes = extract["changes"]
    amounts = changes[changes["field"] == "amount"]["value"]
    assert len(amounts)
    assert amounts.str.fullmatch(r"\d+\.\d\d").all()


def test_nothing_is_quarantined(tmp_path: Path) -> None:
    """Ingest takes every row of every table, and says that both models are possible."""
    report = ingest(str(small()), tmp_path, FeatureParams())
    assert set(report.tables) == set(TABLES)
    assert {name: t.quarantined for name, t in report.tables.items() if t.quarantined} == {}


def test_nothing_is_known_before_it_happened() -> None:
    """Rows may come late, never early; about a third of what reps log does, up to a week."""
    extract = tables(small())
    for table, column in (("activities", "occurred_at"), ("changes", "changed_at")):
        late = extract[table]["known_at"] - extract[table][column]
        assert late.min() == pd.Timedelta(0)
        assert late.max() <= pd.Timedelta(days=7)
    acts = extract["activities"]
    own = acts[acts["rep_id"].notna()]
    assert 0.2 < (own["known_at"] > own["occurred_at"]).mean() < 0.4


def test_what_a_lead_did_lies_inside_its_life() -> None:
    """No activity comes before its lead, and the last stage a lead changes to is how it ended."""
    extract = tables(small())
    leads = extract["leads"].set_index("lead_id")
    acts = extract["activities"].dropna(subset="lead_id")
    acts = acts[acts["lead_id"].isin(leads.index)]
    assert (acts["occurred_at"].to_numpy() >= leads.loc[acts["lead_id"], "created_at"]).all()
    changes = extract["changes"]
    stages = changes[(changes["entity_type"] == "lead") & (changes["field"] == "stage")]
    last = stages.sort_values("changed_at", kind="stable").groupby("entity_id")["value"].last()
    converted = leads.index[leads["converted_at"].notna()]
    assert (last.reindex(converted) == "converted").all()


def test_owners_at_the_end_are_those_of_the_last_change() -> None:
    """`rep_id` of leads and deals is what `changes` ends with."""
    extract = tables(small())
    changes = extract["changes"][extract["changes"]["field"] == "rep_id"]
    last = changes.sort_values("changed_at", kind="stable").groupby("entity_id")["value"].last()
    for table, key in (("leads", "lead_id"), ("deals", "deal_id")):
        owners = extract[table].set_index(key)["rep_id"]
        assert (
            last.reindex(owners.index).dropna() == owners[last.reindex(owners.index).notna()]
        ).all()


def test_small_suffices_for_leads_and_is_honest_about_quotas() -> None:
    """It holds what models of leads ask for; eight reps cannot have a hundred quota periods."""
    extract = tables(small())
    leads, minimum = extract["leads"], FeatureParams().minimum
    assert len(leads) >= minimum.leads
    assert leads["converted_at"].notna().sum() >= minimum.converted
    assert leads["lost_at"].notna().sum() >= minimum.unconverted
    assert extract["deals"]["won"].fillna(value=False).sum() >= minimum.won
    assert len(extract["quotas"]) < minimum.periods


# One state, one step.


def test_a_copy_leaves_the_original_alone() -> None:
    """Playing many copies of a state changes nothing in it."""
    life, _ = lived("small", 1, **TINY)
    state = life.states[max(life.states)]
    before = {
        name: {key: column.copy() for key, column in rows.columns.items()}
        for name, rows in (("leads", state.leads), ("deals", state.deals), ("seats", state.seats))
    }
    many = state.tiled(3)
    for _ in range(20):
        Machine(life.settings, life.calendar).step(many, Streams.of(7, 7))
    assert state.day == max(life.states)
    for name, columns in before.items():
        rows: Rows = getattr(state, name)
        assert all(np.array_equal(rows[key], column) for key, column in columns.items()), name


def test_adding_rows_leaves_the_shorter_ones_alone() -> None:
    """Rows that share memory with longer ones keep their own length and values."""
    short = Rows({"n": np.arange(3)})
    longer = short.appended(Rows({"n": np.arange(2)}))
    longest = longer.appended(Rows({"n": np.arange(1)}))
    assert [len(short), len(longer), len(longest)] == [3, 5, 6]
    assert short["n"].tolist() == [0, 1, 2]
    assert longest["n"].tolist() == [0, 1, 2, 0, 1, 0]


@pytest.mark.parametrize(
    "changes",
    [{}, {"signal": 0.5}, {"shock_month": 3, "end_rush": 6.0}, PRESETS["seasons"]],
    ids=["plain", "half the signal", "shock", "seasons"],
)
def test_telling_chances_changes_no_outcome(changes: dict[str, Any]) -> None:
    """Formulas are left out only where they cannot matter: with all of them, the same comes."""
    life, _ = lived("small", 2, months=6, reps=6, **UNTOLD | {"lead_cutoffs": 6}, **changes)
    state = life.states[min(life.states)]
    machine = Machine(life.settings, life.calendar)
    plain, summed = state.tiled(4), state.tiled(4)
    streams, same_streams = Streams.of(3), Streams.of(3)
    for _ in range(95):
        machine.step(plain, streams)
        day = machine.step(summed, same_streams, with_chances=True)
        if day.chance is not None:
            assert (day.chance[day.masks["converted"]] > 0).all()
    for without, with_ in ((plain.leads, summed.leads), (plain.deals, summed.deals)):
        assert all(np.array_equal(without[key], with_[key]) for key in without.columns)


# Truth.


def test_truth_is_calibrated_over_seeds() -> None:
    """What was said to be the chance is how often it came, as near as luck allows."""
    chances = pd.concat([mature(small(seed)) for seed in SEEDS])
    p, y = chances["p_true"].to_numpy(), chances["y"].to_numpy()
    assert len(chances) > 2_000
    assert ece(p, y) <= noise_floor(p) + 0.012
    assert abs(p.mean() - y.mean()) < 3.5 * np.sqrt((p * (1 - p)).sum()) / len(p)


@pytest.mark.parametrize("seed", SEEDS)
def test_truth_knows_the_days_off_ahead(seed: int) -> None:
    """Chances before Christmas are those of fewer working days, and come as often as said."""
    changes = {"months": 6, "replays": 30, "cause_replays": 0, "quota_quarters": 0}
    _, folder = lived("small", seed, **changes, **PRESETS["seasons"])
    rows = mature(folder)
    said = rows.groupby("cutoff")["p_true"].mean()
    christmas, before = said[pd.Timestamp("2024-12-09")], said[pd.Timestamp("2024-10-14")]
    # 14.1 working days at full pace in the 30 days from 9 December, 22 in those from 14 October.
    assert 0.5 < christmas / before < 0.8
    p, y = rows["p_true"].to_numpy(), rows["y"].to_numpy()
    assert abs(p.mean() - y.mean()) < 3.5 * np.sqrt((p * (1 - p)).sum()) / len(p)


def test_truth_has_the_cutoffs_the_contract_asks_for() -> None:
    """Six cutoffs or more, four of them mature, all open leads at each, horizon 30."""
    folder = small()
    chances, leads = truth(folder, "lead_probability"), tables(folder)["leads"]
    assert chances["horizon_days"].unique().tolist() == [30]
    assert chances["cutoff"].nunique() >= 6
    assert mature(folder)["cutoff"].nunique() >= 4
    for cutoff, group in chances.groupby("cutoff"):
        ended = leads[["converted_at", "lost_at"]].min(axis=1)
        is_open = (leads["created_at"] < cutoff) & ~(ended < cutoff)
        assert set(group["lead_id"]) == set(leads[is_open]["lead_id"])


def test_attainment_is_a_distribution() -> None:
    """Quantiles rise, chances lie in 0 and 1, and become sure as the quarter ends."""
    attainment = truth(small(), "attainment")
    assert (attainment["attainment_p10_true"] <= attainment["attainment_p50_true"]).all()
    assert (attainment["attainment_p50_true"] <= attainment["attainment_p90_true"]).all()
    assert attainment["p_attain_true"].between(0, 1).all()
    width = attainment["attainment_p90_true"] - attainment["attainment_p10_true"]
    weeks = (attainment["cutoff"] - attainment["period_start"]).dt.days // 7
    assert width[weeks >= 10].mean() < 0.6 * width[weeks <= 2].mean()


def test_every_rep_and_period_has_a_cause_and_luck_is_never_one() -> None:
    """The running quarter included; `none` stands alone."""
    folder = small()
    causes, quotas = truth(folder, "causes"), tables(folder)["quotas"]
    key = ["rep_id", "period_start"]
    assert set(map(tuple, causes[key].to_numpy())) == set(map(tuple, quotas[key].to_numpy()))
    assert "luck" not in set(causes["cause"])
    none = causes[causes["cause"] == "none"]
    assert (none["size"] == 0).all()
    assert not none.merge(causes[causes["cause"] != "none"], on=key).size
    assert (none["size_se"] == 0).all()
    assert (causes[causes["cause"] != "none"]["size_se"] > 0).mean() > 0.9
    assert causes[causes["cause"] != "none"]["size"].mean() > 0.05


def test_equal_grounds_add_up() -> None:
    """Expected and residual make what happened."""
    folder = small()
    grounds, deals = truth(folder, "equal_grounds"), tables(folder)["deals"]
    wins = grounds[grounds["metric"] == "wins"]
    actual = (wins["expected_true"] + wins["residual_true"]).sum()
    won = deals[deals["won"].fillna(value=False).astype(bool)]
    quotas = tables(folder)["quotas"]
    both = quotas.merge(won[["rep_id", "closed_at"]], on="rep_id")
    inside = both["closed_at"].between(both["period_start"], both["period_end"], inclusive="left")
    assert abs(actual - inside.sum()) <= 0.05 * inside.sum()


def test_a_touch_helps_a_little() -> None:
    """One more touch raises the mean chance to convert, by less than the chance itself."""
    folder = small()
    effect = truth(folder, "touch_effect")["effect"].mean()
    assert 0 < effect < truth(folder, "lead_probability")["p_true"].mean()


def test_every_preset_is_described() -> None:
    """No preset without a description, and none described that is not there."""
    assert list(SAID) == list(PRESETS)
