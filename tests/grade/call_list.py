"""Grade of the call list: a quarter replayed in which reps call by it, or in other orders.

The companies were named here before they were made: `demo` 901 to 910, and `nosignal` 921. Each is
played to the first day of its last full quarter. What its CRM shows then is read in, and the list's
model learns from that alone. Then the quarter is replayed from the same state with the same
arrivals, staff, market and luck: by habit, by policies that know what is hidden, and by the list,
which is made each working morning from what the CRM of that very world shows. Each rep touches as
many leads each day as by habit.

Outcomes are kept under build/grade, so that a run that was broken off goes on where it ended;
remove `ours-*.parquet` there to grade another list.

    python tests/grade/call_list.py demo 21 22
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
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
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.leads.score import order_calls
from training.leads.train import learn_calls, with_calls
from training.params import TrainingParams

KEPT = Path(__file__).parents[2] / "build" / "grade"
DEMO = tuple(range(901, 911))
NO_SIGNAL = (921,)
HORIZON_DAYS = 30
WORLDS = 12
"""Replayed for each policy that needs no list; the list has the first of them."""
SIDE_BY_SIDE = 2
POLICIES: dict[str, Policy | None] = {
    "habit": None,
    "random": RandomOrder(),
    "chance": TrueChance(),
    "chance, nobody twice within 3 working days": CoolDown(TrueChance(), 3),
    "chance x value, nobody twice within 5 working days": CoolDown(TrueChance(by_value=True), 5),
    "true gain": TrueGain(),
    "true gain x value": TrueGain(by_value=True),
}
BEST = "true gain x value"
FOLLOWED = {"the list": 1.0, "the list, followed at 50 %": 0.5}
LEAST_VALUE, LEAST_CONVERSIONS, LEAST_SHARE = 0.20, 0.05, 0.45


def call_list() -> list[Grade]:
    """Grade the companies that were named beforehand."""
    return [*grades("demo", DEMO), *grades("nosignal", NO_SIGNAL)]


def fit_lister(past: Warehouse) -> Lister:
    """Learn from what is known at the first morning, and return what makes each morning's list."""
    features, params = FeatureParams(), TrainingParams()
    training_set = build_training_set(past, HORIZON_DAYS, features, params)
    calls = learn_calls(past, training_set, features, params)
    bundle = with_calls(fit_leads(training_set, past, features, params), calls)

    def lister(warehouse: Warehouse, as_of: datetime) -> pd.DataFrame:
        return order_calls(warehouse, bundle, params.calls, as_of)

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
    history.play(start)
    life.states[start] = history.state.copy()
    history.crm.close()
    crm = history.crm.forked()
    history.crm = crm.forked()
    history.play(end)
    return Company(life, start, end, crm, folder)


def outcomes(preset: str, seed: int) -> pd.DataFrame:
    """Replay the quarter under every policy, unless that was done before.

    Returns:
        A row for each policy, world and seat: `touches`, and each of `FIGURES` as it was counted
        and, with `expected_` before its name, as the sum of its chances.
    """
    folder = KEPT / f"calls-{preset}-{seed}"
    files = {name: folder / f"ours-{follow}.parquet" for name, follow in FOLLOWED.items()}
    known = folder / "policies.parquet"
    if not all(file.exists() for file in (known, *files.values())):
        played = company(preset, seed)
        habit = _replay(played, None)
        if not known.exists():
            frames = [
                _rows(name, habit if policy is None else _replay(played, Calling(policy), habit))
                for name, policy in POLICIES.items()
            ]
            pd.concat(frames, ignore_index=True).to_parquet(known)
        _replay_lists(played, habit, {n: file for n, file in files.items() if not file.exists()})
    frames = [pd.read_parquet(file) for file in (known, *files.values())]
    return pd.concat(frames, ignore_index=True).assign(company=f"{preset} {seed}")


def _replay(played: Company, calling: Calling | None, habit: Outcome | None = None) -> Outcome:
    """Replay the quarter in all worlds, with as many touches as by habit in the same world."""
    if calling is not None and habit is not None:
        calling = Calling(calling.policy, calling.follow, touches=habit.touches)
    return replay_calls(played.life, played.start, played.end, calling, worlds=WORLDS)


def _replay_lists(played: Company, habit: Outcome, files: dict[str, Path]) -> None:
    """Replay the first world with the list of each of its mornings, and keep the outcome."""
    if not files:
        return
    past = played.past()
    lister = fit_lister(past.until(played.moment))
    seats = played.life.settings.reps
    touches = {day: count[:seats] for day, count in habit.touches.items()}
    for number, (name, file) in enumerate(files.items()):
        started, crm = time.monotonic(), played.crm.forked()
        feed = Feed(past, played.folder / "company", crm, f"world_{number}")
        calling = Calling(MorningList(feed, lister), FOLLOWED[name], touches=touches)
        outcome = replay_calls(played.life, played.start, played.end, calling, crm=crm)
        seconds = round(time.monotonic() - started, 1)
        _rows(name, outcome).assign(seconds=seconds).to_parquet(file)


def _rows(policy: str, outcome: Outcome) -> pd.DataFrame:
    worlds, seats = outcome.counted["touches"].shape
    place = pd.MultiIndex.from_product([range(worlds), range(seats)], names=["world", "seat"])
    counted = {name: total.ravel() for name, total in outcome.counted.items()}
    expected = {f"expected_{n}": outcome.expected[n].ravel() for n in FIGURES}
    frame = pd.DataFrame({**counted, **expected}, index=place).reset_index()
    return frame.assign(policy=policy)


def grades(preset: str, seeds: Sequence[int]) -> list[Grade]:
    """Grade companies of one preset, two of them side by side."""
    with ProcessPoolExecutor(SIDE_BY_SIDE) as pool:
        rows = pd.concat(list(pool.map(partial(outcomes, preset), seeds)), ignore_index=True)
    what = f"{preset} {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{preset} {seeds[0]}"
    lines = []
    for policy in (*POLICIES, *FOLLOWED):
        if policy != "habit":
            texts = [f"{figure} {pooled(rows, policy, figure)}" for figure in FIGURES]
            lines.append(Grade(f"{what}: {policy}", ", ".join(texts), "beside it", None))
    return [*lines, *(_wanted if preset != "nosignal" else _nothing)(what, rows)]


def _wanted(what: str, rows: pd.DataFrame) -> list[Grade]:
    to_letter, by_half = FOLLOWED
    lines = []
    for figure, least in (("value", LEAST_VALUE), ("conversions", LEAST_CONVERSIONS)):
        change = pooled(rows, to_letter, figure)
        is_met = change.value >= least and change.low > 0
        text = f">= {least:+.0%}, interval above 0"
        lines.append(Grade(f"{what}: the list to the letter, {figure}", str(change), text, is_met))
    share = pooled_share(rows, to_letter, BEST, "value")
    is_met = share.value >= LEAST_SHARE
    name = f"{what}: share of the value that {BEST} brings"
    lines.append(Grade(name, share.plain(), f">= {LEAST_SHARE:.0%}", is_met))
    worst = against_noise(rows, to_letter, BEST, "value")
    text = ", ".join(f"{n} {change:+.1%} ({low:+.1%})" for n, change, low in worst)
    is_met = all(change >= low for _, change, low in worst)
    name = f"{what}: value in each company (least that is within noise of habit)"
    lines.append(Grade(name, text, "none below", is_met))
    half = pooled(rows, by_half, "value")
    lines.append(Grade(f"{what}: {by_half}, value", str(half), "above 0", half.low > 0))
    return lines


def _nothing(what: str, rows: pd.DataFrame) -> list[Grade]:
    """Grade the list of a company in which no call changes anything."""
    lines = []
    for name, change, low in against_noise(rows, next(iter(FOLLOWED)), BEST, "value"):
        text = f"{change:+.1%} ({low:+.1%} to {-low:+.1%})"
        what_ = f"{what}: the list brings nothing, {name}"
        lines.append(Grade(what_, text, "within noise", abs(change) <= -low))
    return lines


if __name__ == "__main__":
    chosen = [int(seed) for seed in sys.argv[2:]]
    sys.stdout.write("\n".join(line.line() for line in grades(sys.argv[1], chosen)) + "\n")
