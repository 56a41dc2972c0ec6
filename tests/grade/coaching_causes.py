"""Grades of the causes that are told of reps, beside planted truth.

The companies were named here before they were made: `demo` 555 to 560 and 631 to 634, and
`johnsally` 761 to 780. The latter were judged once before with another estimator; nothing was
decided on them. Others may be judged for development; nothing is learned from `truth/`. Companies
and what was told of them are kept under build/grade, so that a run that was broken off goes on
where it ended.

    python tests/grade/coaching_causes.py demo 11 12 13
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
from cause_scores import KEY, alarms, always_so, chances, judged, lasting, named, sizes
from grades import Grade

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.coaching.causes import rep_causes
from training.params import TrainingParams

KEPT = Path(__file__).parents[2] / "build" / "grade"
DEMO = (*range(555, 561), *range(631, 635))
JOHN_AND_SALLY = tuple(range(761, 781))
JOHN, SALLY = "R0000000", "R0000001"
EARLY_DAYS = 30
LEAST_RIGHT = 19


def coaching_causes() -> list[Grade]:
    """Grade the companies that were named beforehand."""
    return [*demo_companies(DEMO), *john_and_sally(JOHN_AND_SALLY)]


def company(preset: str, seed: int) -> Path:
    """Make a company with its truth about periods, unless that was done before; read it in."""
    folder = KEPT / f"coaching-{preset}-{seed}"
    if not (folder / "made").exists():
        (folder / "company").mkdir(parents=True, exist_ok=True)
        settings = company_settings(preset, seed=seed, replays=0)
        write_truth(live(settings, folder / "company"), folder / "company")
        ingest(str(folder / "company"), folder / "home", FeatureParams())
        (folder / "made").touch()
    return folder


def told_of(folder: Path, *, early: bool) -> pd.DataFrame:
    """Tell causes at the end of every ended period but the first, or 30 days into each."""
    name = "told-early" if early else "told"
    kept = folder / f"{name}.parquet"
    if kept.exists():
        return pd.read_parquet(kept)
    warehouse = Warehouse.duckdb(current(folder / "home"), FeatureParams().ingest)
    tables = {
        name: pd.read_parquet(
            folder / "company" / f"{name}.parquet", columns=["rep_id", "created_at"]
        )
        for name in ("leads", "deals")
    }
    quotas = pd.read_parquet(folder / "company" / "quotas.parquet")
    periods = quotas[["period_start", "period_end"]].drop_duplicates().sort_values("period_start")
    periods = periods[periods["period_end"] <= warehouse.data_until]
    frames = []
    for start, end in periods.iloc[1:].itertuples(index=False):
        as_of = start + timedelta(days=EARLY_DAYS) if early else end
        causes = rep_causes(warehouse, TrainingParams(), as_of.to_pydatetime())
        for table, rows in tables.items():
            so_far = rows[rows["created_at"] < end]["rep_id"].value_counts()
            causes[table] = causes["rep_id"].map(so_far).fillna(0)
        frames.append(causes)
    told = pd.concat(frames, ignore_index=True).assign(company=folder.name)
    told.to_parquet(kept)
    return told


def truth_of(folders: Sequence[Path], name: str) -> pd.DataFrame:
    """Read one table of the truth of some companies."""
    frames = [
        pd.read_parquet(folder / "company" / "truth" / f"{name}.parquet").assign(
            company=folder.name
        )
        for folder in folders
    ]
    return pd.concat(frames, ignore_index=True)


def demo_companies(seeds: Sequence[int]) -> list[Grade]:
    """Grade causes on companies of the preset `demo`."""
    folders = [company("demo", seed) for seed in seeds]
    told = pd.concat([told_of(folder, early=False) for folder in folders], ignore_index=True)
    early = pd.concat([told_of(folder, early=True) for folder in folders], ignore_index=True)
    truth, skills = truth_of(folders, "causes"), truth_of(folders, "skills")
    truth["period_start"] = truth["period_start"].astype("datetime64[us]")
    asked = set(told.set_index(KEY).index)
    truth = truth[[key in asked for key in truth.set_index(KEY).index]]
    return [
        *named(judged(told, truth), judged(early, truth)),
        *alarms(told, truth, skills),
        *chances(told, truth),
        *sizes(told, truth),
        *lasting(told, skills),
        *always_so(told, truth, skills),
    ]


def john_and_sally(seeds: Sequence[int]) -> list[Grade]:
    """Grade what is told first of John, who cannot close, and Sally, who cannot qualify."""
    right = 0
    for seed in seeds:
        told = told_of(company("johnsally", seed), early=False)
        last = told[(told["period_start"] == told["period_start"].max()) & (told["rank"] == 1)]
        first = last.set_index("rep_id")["cause"]
        right += (first.get(JOHN), first.get(SALLY)) == ("closing", "qualifying")
    what = "John is told closing first and Sally qualifying"
    least = LEAST_RIGHT / len(JOHN_AND_SALLY) * len(seeds)
    return [Grade(what, f"{right} of {len(seeds)}", f">= {LEAST_RIGHT} of 20", right >= least)]


if __name__ == "__main__":
    chosen = [int(seed) for seed in sys.argv[2:]]
    grade = {"demo": demo_companies, "johnsally": john_and_sally}[sys.argv[1]]
    sys.stdout.write("\n".join(line.line() for line in grade(chosen)) + "\n")
