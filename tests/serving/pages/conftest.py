"""The pages of a small company behind their guard, worked out once."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.append(str(Path(__file__).parent))

from office import SETTINGS, Office

from serving.home.cache import ScoreCache
from serving.pages.desk import Desk
from serving.pages.facts import Facts


@pytest.fixture(scope="session")
def paged(sales: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk whose facts are worked out, with past forecasts beside them."""
    home = tmp_path_factory.mktemp("pages") / "home"
    shutil.copytree(sales, home)
    past = home / "data" / "forecast-history"
    past.mkdir()
    history().to_parquet(past / "quota_predictions.parquet", index=False)
    scores = ScoreCache(home, SETTINGS)
    scores.look()
    desk = Desk(home, SETTINGS, scores)
    desk.look()
    assert desk.problem is None
    return desk


def history() -> pd.DataFrame:
    """Forecasts of two ended periods at two cutoffs; of r1 and r2, once too high and once low."""
    start = pd.to_datetime(["2025-04-01", "2025-05-01"]).astype("datetime64[us]")
    rows = [
        {
            "rep_id": rep,
            "period_start": begin,
            "period_end": begin + pd.Timedelta(days=30),
            "cutoff": begin + pd.Timedelta(days=days),
            "p_attain": 0.5,
            "attainment_p10": 0.5,
            "attainment_p50": 0.8 + 0.1 * place,
            "attainment_p90": 1.2,
            "attainment": 0.9 - 0.1 * place,
        }
        for place, rep in enumerate(("r1", "r2"))
        for begin in start
        for days in (3, 14)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def facts(paged: Desk) -> Facts:
    """The facts of the small company."""
    return paged.facts()


@pytest.fixture(scope="session")
def office(paged: Desk) -> Office:
    """The pages behind their guard, and a token for everybody."""
    return Office.of(paged, SETTINGS)
