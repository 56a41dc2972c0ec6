"""Grade of the call list: a quarter replayed in which reps call by it, or in other orders.

The companies were named here before they were made: `demo` 961 to 970, and `nosignal` 951. Each is
played to the first day of its last full quarter. What its CRM shows then is read in, and the list's
model learns from that alone. Then the quarter is replayed from the same state with the same
arrivals, staff, market and luck: by habit, by policies that know what is hidden, and by the list,
which is made each working morning from what the CRM of that very world shows. Each rep touches as
many leads each day as habit would that day in the same world, or, where it says so, to the very
number as in habit's world. Leads that come in during a day are called first: no morning knows them.

Outcomes are kept under build/grade, so that a run that was broken off goes on where it ended;
remove `list-*.parquet` there to grade another list.

    python tests/grade/call_list.py demo 21 22
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import pandas as pd
from call_feed import Feed, Lister, MorningList
from call_scores import FIGURES, against_noise, pooled, pooled_share
from grades import Grade

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.call_replay import Outcome, replay_calls
from features.simulation.calling import Calling
from features.simulation.crm import Crm
from features.simulation.live import History, Life
from features.simulation.policies import CoolDown, Policy, RandomOrder, TrueChance, TrueGain
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.leads.score import order_calls
from training.leads.train import learn_calls, with_calls
from training.params import TrainingParams

KEPT = Path(__file__).parents[2] / "build" / "grade"
DEMO = tuple(range(961, 971))
NO_SIGNAL = (951,)
HORIZON_DAYS = 30
WORLDS = 12
"""Replayed for each policy that needs no list; the list has the first of them."""
SIDE_BY_SIDE = 2
POLICIES: dict[str, Policy] = {
    "random": RandomOrder(),
    "chance": TrueChance(),
    "chance, nobody twice within 3 working days": CoolDown(TrueChance(), 3),
    "chance x value, nobody twice within 5 working days": CoolDown(TrueChance(by_value=True), 5),
    "true gain": TrueGain(),
    "true gain x value": TrueGain(by_value=True),
}
BEST = "true gain x value"
EXACT = ", with exactly habit's touches"
TO_LETTER, BY_HALF = "the list", "the list, followed at 50 %"
FOLLOWED = {TO_LETTER: 1.0, BY_HALF: 0.5, TO_LETTER + EXACT: 1.0}
NEWCOMERS = math.inf
"""The score of leads that came in since the list was made; `policies.NEVER` has them wait."""
LEAST_VALUE, LEAST_CONVERSIONS, LEAST_SHARE = 0.20, 0.05, 0.45


def call_list() -> list[Grade]:
    """Grade the companies that were named beforehand."""
    return [*grades("demo", DEMO), *grades("nosignal", NO_SIGNAL)]


def fitted(past: Warehouse) -> Bundle:
    """Learn the model of leads and calls from what is known at the first morning."""
    features, params = FeatureParams(), TrainingParams()
    training_set = build_training_set(past, HORIZON_DAYS, features, params)
    calls = learn_calls(past, training_set, features, params)
    return with_calls(fit_leads(training_set, past, features, params), calls)


def fit_lister(past: Warehouse) -> Lister:
    """Return what makes each morning's list, learned from what is known at the first."""
    bundle, params = fitted(past), TrainingParams()

    def lister(warehouse: Warehouse, as_of: datetime, since: Mapping[str, float]) -> pd.DataFrame:
        return order_calls(warehouse, bundle, params.calls, as_of, since)

    return lister


@dataclass(frozen=True)
class Company:
    """A company at the first day of its last full quarter.

    Attributes:
        life: with its state on that day, and what came from outside in the quarter.
        start: that day.
        end: the day after the quarter's last.
        crm: as it was on that day; to be forked.
        folder: of the extract that was made that day, and of all that is kept.
    """

    life: Life
    start: int
    end: int
    crm: Crm
    folder: Path

    @property
    def moment(self) -> datetime:
        """When the quarter begins."""
        day = self.life.calendar.date(self.start)
        return datetime(day.year, day.month, day.day)

    def past(self) -> Warehouse:
        """Read in what the CRM showed at the quarter's beginning, unless that was done before."""
        home, is_read = self.folder / "home", self.folder / "read"
        if not is_read.exists():
            ingest(str(self.folder / "company"), home, FeatureParams(), data_until=self.moment)
            is_read.touch()
        return Warehouse.duckdb(current(home), FeatureParams().ingest)


def company(preset: str, seed: int) -> Company:
    """Play a company to its last full quarter, and what comes from outside to the quarter's end."""
    folder = KEPT / f"calls-{preset}-{seed}"
    (folder / "company").mkdir(parents=True, exist_ok=True)
    settings = company_settings(preset, seed=seed, replays=0, cause_replays=0)
    history = History(settings, folder / "company")
    life = history.life
    opens = [day for day in range(life.end + 1) if life.calendar.opens[day]]
    start, end = opens[-2:]
    crm = history.branch(start, end)
    return Company(life, start, end, crm, folder)


def outcomes(preset: str, seed: int) -> pd.DataFrame:
    """Replay the quarter under every policy, unless that was done before.

    Returns:
        A row for each policy, world and seat: `touches`, and each of `FIGURES` as it was counted
        and, with `expected_` before its name, as the sum of its chances.
    """
    folder = KEPT / f"calls-{preset}-{seed}"
    files = {name: folder / f"list-{place}.parquet" for place, name in enumerate(FOLLOWED)}
    known = folder / "policies.parquet"
    if not all(file.exists() for file in (known, *files.values())):
        played = company(preset, seed)
        habit = _replay(played, None)
        if not known.exists():
            replays = {"habit": habit}
            for name, policy in POLICIES.items():
                replays[name] = _replay(played, Calling(policy))
            exactly = Calling(POLICIES[BEST], touches=habit.touches)
            replays[BEST + EXACT] = _replay(played, exactly)
            frames = [_rows(name, outcome) for name, outcome in replays.items()]
            pd.concat(frames, ignore_index=True).to_parquet(known)
        _replay_lists(played, habit, {n: file for n, file in files.items() if not file.exists()})
    frames = [pd.read_parquet(file) for file in (known, *files.values())]
    return pd.concat(frames, ignore_index=True).assign(company=f"{preset} {seed}")


def _replay(played: Company, calling: Calling | None) -> Outcome:
    return replay_calls(played.life, played.start, played.end, calling, worlds=WORLDS)


def _replay_lists(played: Company, habit: Outcome, files: dict[str, Path]) -> None:
    """Replay the first world with the list of each of its mornings, and keep the outcome."""
    if not files:
        return
    past = played.past()
    lister = fit_lister(past.until(played.moment))
    seats = played.life.settings.reps
    touches = {day: count[:seats] for day, count in habit.touches.items()}
    for name, file in files.items():
        crm = played.crm.forked()
        morning_list = MorningList(
            Feed(past, played.folder / "company", crm, file.stem), lister, NEWCOMERS
        )
        exactly = touches if name.endswith(EXACT) else None
        calling = Calling(morning_list, FOLLOWED[name], touches=exactly)
        outcome = replay_calls(played.life, played.start, played.end, calling, crm=crm)
        _rows(name, outcome).to_parquet(file)


def _rows(policy: str, outcome: Outcome) -> pd.DataFrame:
    worlds, seats = outcome.counted["touches"].shape
    place = pd.MultiIndex.from_product([range(worlds), range(seats)], names=["world", "seat"])
    counted = {name: total.ravel() for name, total in outcome.counted.items()}
    expected = {f"expected_{n}": outcome.expected[n].ravel() for n in FIGURES}
    frame = pd.DataFrame({**counted, **expected}, index=place).reset_index()
    return frame.assign(policy=policy)


def _line(rows: pd.DataFrame, policy: str) -> str:
    """Write how a policy compares with habit, in chances and as counted."""
    texts = [f"touches {pooled(rows, policy, 'touches').value:+.1%}"]
    for figure in FIGURES:
        counted = pooled(rows, policy, figure).value
        texts.append(f"{figure} {pooled(rows, policy, f'expected_{figure}')}, {counted:+.1%}")
    return "; ".join(texts)


def grades(preset: str, seeds: Sequence[int]) -> list[Grade]:
    """Grade companies of one preset, two of them side by side."""
    with ProcessPoolExecutor(SIDE_BY_SIDE) as pool:
        rows = pd.concat(list(pool.map(partial(outcomes, preset), seeds)), ignore_index=True)
    what = f"{preset} {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{preset} {seeds[0]}"
    habit = rows[(rows["policy"] == "habit")].groupby(["company", "world"])[list(FIGURES)].sum()
    means = [f"{name} {mean:,.0f}" for name, mean in habit.mean().items()]
    lines = [Grade(f"{what}: habit, in a quarter", ", ".join(means), "beside it", None)]
    for policy in (*POLICIES, BEST + EXACT, *FOLLOWED):
        name = f"{what}: {policy}; change by chances, and counted"
        lines.append(Grade(name, _line(rows, policy), "beside it", None))
    return [*lines, *(_wanted if preset != "nosignal" else _nothing)(what, rows)]


def _wanted(what: str, rows: pd.DataFrame) -> list[Grade]:
    """Grade the list beside what is wanted of it."""
    lines = []
    for figure, least in (("value", LEAST_VALUE), ("conversions", LEAST_CONVERSIONS)):
        change = pooled(rows, TO_LETTER, f"expected_{figure}")
        is_met = change.value >= least and change.low > 0
        text = f">= {least:+.0%}, interval above 0"
        lines.append(Grade(f"{what}: {TO_LETTER}, {figure}", str(change), text, is_met))
    share = pooled_share(rows, TO_LETTER, BEST, "expected_value")
    is_met = share.value >= LEAST_SHARE
    name = f"{what}: share of the value that {BEST} brings"
    lines.append(Grade(name, share.plain(), f">= {LEAST_SHARE:.0%}", is_met))
    companies = against_noise(rows, TO_LETTER, BEST, "expected_value")
    text = ", ".join(f"{name} {change:+.1%} ({low:+.1%})" for name, change, low in companies)
    is_met = all(change >= low for _, change, low in companies)
    name = f"{what}: value in each company (least that is within noise of habit)"
    lines.append(Grade(name, text, "none below", is_met))
    half = pooled(rows, BY_HALF, "expected_value")
    lines.append(Grade(f"{what}: {BY_HALF}, value", str(half), "above 0", half.low > 0))
    return lines


def _nothing(what: str, rows: pd.DataFrame) -> list[Grade]:
    """Grade the list of a company in which no call changes anything."""
    lines = []
    for name, change, low in against_noise(rows, TO_LETTER, BEST, "expected_value"):
        text = f"{change:+.1%} ({low:+.1%} to {-low:+.1%})"
        wanted = "within noise"
        lines.append(
            Grade(f"{what}: {TO_LETTER} brings nothing, {name}", text, wanted, abs(change) <= -low)
        )
    return lines


if __name__ == "__main__":
    chosen = [int(seed) for seed in sys.argv[2:]]
    sys.stdout.write("\n".join(line.line() for line in grades(sys.argv[1], chosen)) + "\n")
