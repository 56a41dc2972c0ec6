"""Scoring leads with what calls are worth beside scoring without it; prints a line of JSON."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.bundle import Bundle
from training.leads.dataset import build_training_set
from training.leads.fit import fit_leads
from training.leads.score import Listing, score_leads
from training.leads.train import learn_calls, with_calls
from training.params import TrainingParams

SEED, HORIZON_DAYS, REPEATS = 1, 30, 5


def company(folder: Path) -> Warehouse:
    """Make a company of the preset `demo` and read it in."""
    settings = company_settings("demo", seed=SEED, replays=0, cause_replays=0)
    (folder / "company").mkdir()
    live(settings, folder / "company")
    ingest(str(folder / "company"), folder / "home", FeatureParams())
    return Warehouse.duckdb(current(folder / "home"), FeatureParams().ingest)


def fitted(warehouse: Warehouse) -> Bundle:
    """Learn the model of leads and calls."""
    features, params = FeatureParams(), TrainingParams()
    training_set = build_training_set(warehouse, HORIZON_DAYS, features, params)
    calls = learn_calls(warehouse, training_set, features, params)
    return with_calls(fit_leads(training_set, warehouse, features, params), calls)


def main() -> None:
    """Score by turns with both, and compare processor times of neighbours."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = company(Path(folder))
        bundle, listing = fitted(warehouse), Listing.of("1", TrainingParams())
        if bundle.calls is None:
            raise SystemExit("nothing was learned of calls")
        without, rows = replace(bundle, calls=None), 0
        ratios: list[float] = []
        for turn in range(REPEATS + 1):
            seconds = []
            for model in (bundle, without):
                began = time.process_time()
                rows = len(score_leads(warehouse, model, listing, warehouse.data_until))
                seconds.append(time.process_time() - began)
            # The first turn reads from the disk what later ones find in memory.
            ratios += [seconds[0] / seconds[1]] if turn else []
    says = (
        f"Scoring {rows:,} leads with what calls are worth: {median(ratios):.2f} x the processor "
        f"time without ({min(ratios):.2f} to {max(ratios):.2f} in {REPEATS} turns)."
    )
    print(json.dumps({"says": says}))  # noqa: T201 - the caller reads it


if __name__ == "__main__":
    main()
