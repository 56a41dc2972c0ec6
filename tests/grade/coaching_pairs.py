"""Whether John, who cannot close, and Sally, who cannot qualify, are proposed as a pair.

The seeds were named before anyone looked at their companies; johnsally 31 to 37 and 701 to 740 were
developed on. Each company is looked at when its last quota period but the running one ends.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from grades import Grade
from monitoring import company

from features.labels.attainment import final_quotas
from serving.coaching.gather import gather
from serving.coaching.pairs import propose_pairs
from serving.home.home import Home
from serving.settings import Settings

SEEDS = tuple(range(781, 801))
REPS, MONTHS, WANTED = 12, 15, 19
JOHN, SALLY = "John Doe", "Sally Smith"


def coaching_pairs() -> list[Grade]:
    """Grade the pairs of John and Sally companies."""
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(is_paired, SEEDS))
    figure = f"{sum(found)} of {len(found)}"
    return [Grade("johnsally: proposed as a pair", figure, f">= {WANTED}", sum(found) >= WANTED)]


def is_paired(seed: int) -> bool:
    """Tell whether John is to open and Sally to close."""
    with tempfile.TemporaryDirectory() as folder:
        place = company(Path(folder), "johnsally", seed, MONTHS, REPS)
        home = Home(place, Settings())
        warehouse = home.warehouse().until(None)
        ends = final_quotas(warehouse)["period_end"]
        as_of = ends[ends <= warehouse.data_until].max().to_pydatetime()
        known = gather(home, as_of)
        pairs = [(known.name(pair.opens), known.name(pair.closes)) for pair in propose_pairs(known)]
        return (JOHN, SALLY) in pairs
