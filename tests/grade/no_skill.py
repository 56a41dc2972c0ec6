"""Companies in which nothing but age can be known, and whether `train` says so.

Three generators, whose seeds were named before anyone looked at their companies:

- wave: closings rise at ages of 60 to 110 days, in one season only. A model that takes the wave for
  a law forecasts half of such leads to convert in the next year, when hardly any do.
- hazard: the chance to convert falls with age, and depends on nothing else.
- shuffled: a sample company whose leads' fates are shuffled among leads of the same month, each
  with its age at the end. So fates keep their ages and months and lose everything else.

Beside them the other way round: companies of which much can be known have to register the model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from grades import Grade
from numpy.typing import NDArray

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.evaluation.leads import Evaluation
from training.loop import record
from training.loop.kinds import LEADS
from training.loop.record import TrainingRecord
from training.loop.results import Recipe
from training.params import SplitParams, TrainingParams

SEEDS = (101, 102, 103, 104, 105)
SKILLED = {"small": tuple(range(1, 21)), "demo": tuple(range(1, 21))}
"""Presets of the sample company, and their seeds."""
ALL_OF = {"demo"}
"""Presets of which every company has to register the model."""
LEAST_FALLBACKS = 14
EVERY_DAYS, SAMPLE_EVERY_DAYS = 7, 14
"""Days between training cutoffs; those of sample companies are as far apart as in `demo`."""

START = pd.Timestamp("2023-01-02")
MONTHS = 18
N_LEADS = 2_400
WAVE_FROM, WAVE_TO = START + pd.Timedelta(days=240), START + pd.Timedelta(days=330)
WAVE_AGES = (60, 110)
END = START + pd.Timedelta(days=round(MONTHS * 30.44))
REPS = ("r1", "r2", "r3", "r4", "r5")
TYPES = ("call", "mail", "meeting")
TOUCHES_A_DAY = 0.12
LOST_A_DAY = 0.006
Days = NDArray[np.float64]
Hazard = Callable[[int, NDArray[np.int_]], Days]
"""The chance of a lead of an age in days, born on a day, to convert on that day."""


def wave(age: int, born: NDArray[np.int_]) -> Days:
    """Convert seldom; in one season, often at ages of 60 to 110 days."""
    today = START + pd.to_timedelta(born + age, unit="D")
    is_season = (today >= WAVE_FROM) & (today < WAVE_TO)
    is_age = WAVE_AGES[0] <= age < WAVE_AGES[1]
    return np.where(is_season & is_age, 0.03, 0.002)


def hazard(age: int, born: NDArray[np.int_]) -> Days:
    """Convert the less the older the lead is."""
    return np.full(len(born), 0.001 + 0.012 * np.exp(-age / 20))


def write_by_hazard(out: Path, seed: int, chance: Hazard) -> None:
    """Write leads that convert by a hazard, and activities that know nothing of it."""
    rng = np.random.default_rng(seed)
    span = (END - START).days
    born = np.sort(rng.integers(0, span, N_LEADS))
    end, is_won = _fates(rng, born, span, chance)
    created = START + pd.to_timedelta(born + rng.uniform(0, 0.9, N_LEADS), unit="D")
    closed = pd.Series(START + pd.to_timedelta(end + 0.95, unit="D")).where(end < span)
    leads = pd.DataFrame(
        {
            "lead_id": [f"L{number:05}" for number in range(N_LEADS)],
            "created_at": created,
            "rep_id": rng.choice(REPS, N_LEADS),
            "source": rng.choice(["web", "fair", "referral", "partner"], N_LEADS),
            "value": np.round(rng.lognormal(8, 0.8, N_LEADS)),
            "converted_at": closed.where(is_won),
            "lost_at": closed.where(~is_won),
        }
    )
    _write(out, leads=leads, activities=_activities(rng, leads))


def _fates(
    rng: np.random.Generator, born: NDArray[np.int_], span: int, chance: Hazard
) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """Return the day on which each lead ends (the span if it is open), and whether it was won."""
    end, is_won = np.full(len(born), span), np.zeros(len(born), dtype=np.bool_)
    for age in range(span):
        is_open = (end == span) & (born + age < span)
        draw, converts = rng.random(len(born)), chance(age, born)
        wins = is_open & (draw < converts)
        loses = is_open & ~wins & (draw < converts + LOST_A_DAY)
        end[wins | loses] = born[wins | loses] + age
        is_won |= wins
    return end, is_won


def _activities(rng: np.random.Generator, leads: pd.DataFrame) -> pd.DataFrame:
    """Touch every open lead at the same pace, whoever it is."""
    over = leads["converted_at"].fillna(leads["lost_at"]).fillna(END)
    days = ((over - leads["created_at"]).dt.total_seconds() / 86_400).to_numpy()
    place = np.repeat(np.arange(len(leads)), rng.poisson(TOUCHES_A_DAY * days))
    after = rng.uniform(0, 1, len(place)) * days[place]
    return pd.DataFrame(
        {
            "activity_id": [f"A{number:06}" for number in range(len(place))],
            "lead_id": leads["lead_id"].to_numpy()[place],
            "rep_id": leads["rep_id"].to_numpy()[place],
            "occurred_at": leads["created_at"].to_numpy()[place]
            + pd.to_timedelta(after, unit="D").to_numpy(),
            "type": rng.choice(TYPES, len(place)),
            "direction": rng.choice(["inbound", "outbound"], len(place)),
        }
    )


def write_shuffled(out: Path, seed: int) -> None:
    """Write a sample company whose leads have swapped their fates within a month."""
    with tempfile.TemporaryDirectory() as folder:
        company = Path(folder)
        live(company_settings("small", seed=seed, replays=0, cause_replays=0), company)
        tables = {
            name: pd.read_parquet(company / f"{name}.parquet")
            for name in ("leads", "activities", "reps", "accounts", "changes")
        }
    leads = tables["leads"]
    until = max(leads["created_at"].max(), tables["activities"]["occurred_at"].max())
    rng = np.random.default_rng(seed)
    month = leads["created_at"].dt.to_period("M")
    fate = leads.groupby(month)["lead_id"].transform(lambda ids: rng.permutation(ids.to_numpy()))
    donors = leads.set_index("lead_id").loc[fate]
    for end in ("converted_at", "lost_at"):
        lasted = (donors[end] - donors["created_at"]).reset_index(drop=True)
        moment = leads["created_at"] + lasted
        leads[end] = moment.where(moment <= until)
    changes = tables["changes"]
    tables["changes"] = changes[changes["entity_type"] == "lead"]
    # A stage says how the old fate went on, and a reason how it ended.
    tables["leads"] = leads.drop(columns="lost_reason")
    _write(out, **tables)


def _write(out: Path, **tables: pd.DataFrame) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows.to_parquet(out / f"{name}.parquet", index=False)


class Write(Protocol):
    """Writes the company of a seed into a folder."""

    def __call__(self, out: Path, seed: int) -> None:
        """Write it."""


GENERATORS: dict[str, Write] = {
    "wave": partial(write_by_hazard, chance=wave),
    "hazard": partial(write_by_hazard, chance=hazard),
    "shuffled": write_shuffled,
}


def trained(write: Callable[[Path], None], every_days: int) -> TrainingRecord:
    """Train on a company as `pacesetter train leads` does."""
    features = FeatureParams()
    training = TrainingParams(split=SplitParams(every_days=every_days))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write(home / "company")
        ingest(str(home / "company"), home, features)
        warehouse = Warehouse.duckdb(current(home), features.ingest)
        return record.train(LEADS, warehouse, Recipe(features, training))


def no_skill() -> list[Grade]:
    """Grade what is registered where only age can be known, and where much can be."""
    return [*_without_skill(), *_nothing_at_all(), *_with_skill()]


def _without_skill() -> list[Grade]:
    grades, n_fallbacks = [], 0
    for name, write in GENERATORS.items():
        for seed in SEEDS:
            training = trained(partial(write, seed=seed), EVERY_DAYS)
            n_fallbacks += registers_fallback(training)
            grades.append(Grade(f"no skill: {name}, seed {seed}", verdict(training), "", None))
    figure, wanted = f"{n_fallbacks} of {len(grades)}", f">= {LEAST_FALLBACKS}"
    is_met = n_fallbacks >= LEAST_FALLBACKS
    return [*grades, Grade("no skill: register the fallback", figure, wanted, is_met)]


def _nothing_at_all() -> list[Grade]:
    training = trained(partial(_sample, preset="nosignal", seed=1), SAMPLE_EVERY_DAYS)
    is_met = registers_fallback(training)
    return [Grade("sample company nosignal, seed 1", verdict(training), "the fallback", is_met)]


def _with_skill() -> list[Grade]:
    grades = []
    for preset, seeds in SKILLED.items():
        verdicts = []
        for seed in seeds:
            training = trained(partial(_sample, preset=preset, seed=seed), SAMPLE_EVERY_DAYS)
            what = f"sample company {preset}, seed {seed}"
            grades.append(Grade(what, verdict(training), "", None))
            verdicts.append(not registers_fallback(training))
        what = f"sample companies {preset}: register the model"
        figure = f"{sum(verdicts)} of {len(seeds)}"
        # Eight reps in one year may show too little; forty in two have to show enough.
        wanted, is_met = ("all", all(verdicts)) if preset in ALL_OF else ("", None)
        grades.append(Grade(what, figure, wanted, is_met))
    return grades


def registers_fallback(training: TrainingRecord) -> bool:
    """Tell whether a first training registers the fallback."""
    return training.to_register(is_first=True, is_asked_for=False) is training.fallback


def verdict(training: TrainingRecord) -> str:
    """Say what is registered, and the least certain of the gains behind it."""
    grade = training.trained.grade
    if grade is None or not isinstance(grade.evaluation, Evaluation):
        return "no test"
    honesty = grade.evaluation.honesty
    if honesty is None or honesty.withheld:
        return "not judged"
    least = min(honesty.gains, key=lambda gain: gain.size.low or 0.0)
    ends = f"{least.size.value:.4f} ({least.size.low:.4f} to {least.size.high:.4f})"
    registered = "fallback" if honesty.failed else "model"
    return f"{registered}; least gain: {least.loss} against {least.rival}, {ends}"


def _sample(out: Path, preset: str, seed: int) -> None:
    out.mkdir()
    live(company_settings(preset, seed=seed, replays=0, cause_replays=0), out)
