"""Past forecasts of a team beside what became of them: bias told apart from luck."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from markupsafe import Markup
from scipy import stats

from serving.pages.region import Region
from training.report.chart import Axis, Chart, Line, Mark, Panel, Point

HALF = 0.5
LEVEL = 0.9
FEWEST = 4
"""Periods of reps below which nothing is said of a bias."""
WIDTH, ROW = 460, 26


@dataclass(frozen=True)
class Past:
    """How forecasts at the middle of ended periods have done.

    Attributes:
        verdict: whether there was a bias beyond luck, in a sentence.
        held: how often the range held, in a sentence.
        chart: each rep's range beside what happened; None without any.
        rows: how many rep-periods it rests on.
        periods: how many quota periods.
    """

    verdict: str
    held: str
    chart: Markup | None
    rows: int
    periods: int


def past_of(
    history: pd.DataFrame, reps: Collection[str], names: dict[str, str], region: Region
) -> Past | None:
    """Return how past forecasts of a team have done; None where no ended period was forecast.

    Args:
        history: rows of `quota_predictions.parquet`.
        reps: the team.
        names: of the reps.
        region: writes numbers.
    """
    own = mid_period(history[history["rep_id"].isin(reps)])
    if own.empty:
        return None
    error = (own["attainment_p50"] - own["attainment"]).to_numpy(np.float64)
    held = own["attainment"].between(own["attainment_p10"], own["attainment_p90"])
    periods = own["period_start"].nunique()
    return Past(
        verdict=verdict(error, periods, region),
        held=(
            f"The forecast's range held what happened in {int(held.sum())} of {len(own)} cases; it "
            "should in 8 of 10."
        ),
        chart=_chart(own, names, region),
        rows=len(own),
        periods=periods,
    )


def mid_period(history: pd.DataFrame) -> pd.DataFrame:
    """Return each rep-period's forecast nearest to the middle of the period, if it has ended."""
    known = history[history["attainment"].notna()]
    length = known["period_end"] - known["period_start"]
    off = ((known["cutoff"] - known["period_start"]) / length - HALF).abs()
    nearest = known.assign(off=off).sort_values(["off", "cutoff"])
    keys = ["rep_id", "period_start"]
    return nearest.drop_duplicates(keys).sort_values(keys, ignore_index=True).drop(columns="off")


def verdict(error: np.ndarray, periods: int, region: Region) -> str:
    """Say whether forecasts were off in one direction beyond luck.

    The mean error is set beside its interval of 90 % over rep-periods (Student's t). With one
    period, luck that all reps share cannot be told from a bias, and that is said.

    Args:
        error: forecast less outcome, in quotas.
        periods: quota periods that they come from.
        region: writes numbers.
    """
    if len(error) < FEWEST:
        return f"Too few ended periods to tell a bias from luck: {len(error)}, {FEWEST} are needed."
    mean = float(error.mean())
    spread = float(error.std(ddof=1) / np.sqrt(len(error)))
    width = float(stats.t.ppf((1 + LEVEL) / 2, len(error) - 1)) * spread
    way = "too high" if mean > 0 else "too low"
    size = f"{region.number(abs(100 * mean))} points of quota {way} on average"
    reach = f"luck alone moves this mean by up to {region.number(100 * width)} points"
    if abs(mean) <= width:
        return f"No bias is shown: forecasts were {size}, and {reach}."
    said = f"Forecasts were {size}, more than luck within the team explains ({reach})."
    if periods == 1:
        said += (
            " It is one period: a good or bad quarter for everybody looks the same as a bias, so "
            "wait for more."
        )
    return said


def _chart(own: pd.DataFrame, names: dict[str, str], region: Region) -> Markup:
    """Draw each rep's range as a line and what happened as a dot, in the order of names."""
    rows = own.assign(name=[names.get(rep, rep) for rep in own["rep_id"]])
    rows = rows.sort_values(["name", "rep_id", "period_start"], ignore_index=True)
    count = len(rows)
    marks: list[Mark] = [Line([1, 1], [-0.6, count - 0.4], "quota", "")]
    ticks, said = [], []
    for place, row in rows.iterrows():
        y = float(count - 1 - int(str(place)))
        low, middle, high = (float(row[f"attainment_{q}"]) for q in ("p10", "p50", "p90"))
        actual = float(row["attainment"])
        words = (
            f"{row['name']}, from {region.day(_moment(row['period_start']))}: forecast "
            f"{region.share(low)} to {region.share(high)}, happened {region.share(actual)}"
        )
        marks += [
            Line([low, high], [y, y], "model", ""),
            Point(middle, y, words),
            Point(actual, y, words, colour="ink"),
        ]
        ticks.append((y, str(row["name"])[:17]))
        said.append(words)
    top = 1.05 * float(rows[["attainment_p90", "attainment"]].to_numpy().max())
    height = 60 + ROW * count
    panel = Panel(
        (130, 12, WIDTH - 20, height - 48),
        Axis(0, max(top, 1.1), title="share of quota", write=region.share, most=5),
        Axis(-0.6, count - 0.4, ticks=ticks, grid=False),
        marks,
    )
    return Chart((WIDTH, height), "Forecast and outcome", "; ".join(said), [panel]).to_svg()


def _moment(value: pd.Timestamp) -> datetime:
    return value.to_pydatetime()
