"""Wins above expectation: what each rep got, beside what an average rep would have got there."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.feature import DAY_US
from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.coaching.grounds.chances import chances, classes
from training.coaching.grounds.dealt import CONVERSIONS, REVENUE, WINS, Dealt, dealt
from training.coaching.grounds.levels import Cells, Levels, fit_levels
from training.coaching.grounds.places import places_of
from training.coaching.grounds.windows import Windows, windows_of
from training.coaching_params import GroundsParams
from training.params import TrainingParams

METRICS = (CONVERSIONS, WINS, REVENUE)
COLUMNS = [
    "rep_id", "period_start", "as_of", "metric", "actual", "expected", "residual", "low", "high",
    "shrunk",
]  # fmt: skip
Z80 = 1.2815515655446004
"""Half an 80 % interval, in standard deviations."""
LEAST_BASE = 1e-9
STEPS = 4


def equal_grounds(
    warehouse: Warehouse,
    params: TrainingParams,
    as_of: datetime,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Compare each rep with an average rep who was dealt the same leads at the same time.

    The expectation follows leads and deals from where they stood `lookback_days` before the period,
    or came in later, to the end of the period or `as_of`: the company's chances for the like of
    them (source, stage, size, age, timing), and how far the period, the territory and a new rep's
    ramp lie from these (`levels`). What became of them at their rep's hands is not looked at.

    Args:
        warehouse: the history.
        params: `coaching.grounds` holds what is assumed.
        as_of: the period with `period_start < as_of <= period_end` is compared, up to this moment.
        progress: reports four steps.

    Returns:
        A row for each rep with a quota, a lead or a deal in the period, and for each metric:
        `rep_id, period_start, as_of, metric` (`conversions`, `wins`, `revenue`), `actual,
        expected, residual` (unshrunk), `low, high` (80 % interval of the expectation's error, about
        the residual) and `shrunk` (how much of the residual is the rep's and not luck's).
    """
    grounds = params.coaching.grounds
    with (
        warehouse.until(as_of).left().workspace() as cut,
        progress("equal grounds", STEPS) as advance,
    ):
        windows = windows_of(cut, grounds.lookback_days, grounds.most_periods)
        advance(1)
        dealt_rows = dealt(cut, windows)
        advance(1)
        cells = _cells(dealt_rows, windows)
        places = places_of(cut, windows, cells)
        advance(1)
        levels = {m: _levels(cells, places, m, grounds) for m in (CONVERSIONS, WINS)}
        advance(1)
    cells["missing"] = _missing(windows, grounds)[cells["window"]]
    parts = [
        _compared(cells, levels[CONVERSIONS], CONVERSIONS, grounds),
        _compared(cells, levels[WINS], WINS, grounds),
        _compared(cells, levels[WINS], REVENUE, grounds),
    ]
    return _reported(cells, windows, parts, as_of)


def _cells(dealt_rows: Dealt, windows: Windows) -> pd.DataFrame:
    """Return `window, rep_id`, what the company's chances expect and what there was, by metric.

    A rep without anything dealt still has a row in the window where it has a quota.
    """
    rows, owners = dealt_rows.rows, dealt_rows.owners
    likeness = classes(rows, windows)
    row = owners["row"].to_numpy()
    is_old = rows["is_old"].to_numpy(dtype=np.bool_)[row]
    chance = {m: chances(likeness, rows[m].to_numpy(np.float64)) for m in (CONVERSIONS, WINS)}
    expected = {m: chance[m][row] * owners[m].to_numpy(np.float64) for m in chance}
    expected[REVENUE] = expected[WINS] * _worth(rows, chance[WINS])[row]
    base = pd.DataFrame(
        {"window": rows["window"].to_numpy()[row], "rep_id": owners["rep_id"].to_numpy()}
        | {f"base_{metric}": values for metric, values in expected.items()}
        | {f"square_{metric}": expected[metric] ** 2 for metric in (WINS, REVENUE)}
        | {f"old_{metric}": np.where(is_old, values, 0.0) for metric, values in expected.items()}
    )
    key = ["window", "rep_id"]
    base = base.groupby(key).sum()
    actual = dealt_rows.actual.set_index(key)
    quotas = windows.quota_reps.set_index(key)
    return base.join(actual, how="outer").join(quotas, how="outer").fillna(0.0).reset_index()


def _worth(rows: pd.DataFrame, chance: Floats) -> Floats:
    """Return what a win of each row is worth: its amount, times what offers become when won.

    Large deals are won less often than others of their size class, so the factor is taken beside
    what the chances expect. The usual amount of its kind stands where there is none.

    Args:
        rows: `Dealt.rows`.
        chance: wins to be expected of each row.
    """
    amount = rows["amount"].astype(np.float64)
    usual = amount.groupby(rows["kind"]).transform("median").fillna(0.0)
    worth = amount.fillna(usual).clip(lower=0.0).to_numpy()
    asked = float((worth * chance).sum())
    return np.asarray(worth * (float(rows[REVENUE].sum()) / asked if asked > 0 else 1.0))


def _levels(
    cells: pd.DataFrame, places: pd.DataFrame, metric: str, params: GroundsParams
) -> Levels | None:
    """Fit the levels of one metric; None where nothing was dealt to anybody."""
    base = np.maximum(cells[f"base_{metric}"].to_numpy(np.float64), LEAST_BASE)
    outcomes = cells[metric].to_numpy(np.float64)
    if not len(cells) or base.max() <= LEAST_BASE:
        return None
    # An unknown date of hiring is one long ago.
    tenure = places["tenure_days"].fillna(np.inf).to_numpy(np.float64)
    return fit_levels(
        Cells(
            base=base,
            outcomes=np.where(base > LEAST_BASE, outcomes, 0.0),
            ramp=np.clip(1 - tenure / params.ramp_days, 0.0, 1.0),
            window=cells["window"].to_numpy(),
            territory=places["territory"].to_numpy(),
            rep=pd.factorize(cells["rep_id"], sort=True)[0],
        ),
        params,
    )


def _missing(windows: Windows, params: GroundsParams) -> Floats:
    """Return the share of each window's days of following that lies before the records."""
    followed = (windows.bounds("start") - windows.bounds("entry")) / DAY_US
    return np.clip(1 - followed / max(params.lookback_days, 1), 0.0, 1.0)


def _compared(
    cells: pd.DataFrame, levels: Levels | None, metric: str, params: GroundsParams
) -> pd.DataFrame:
    """Return `expected`, the interval's ends beside the residual, and `shrunk`, of every cell.

    Expectations add up to what there was, over all windows: that is what an average rep is.
    """
    base = cells[f"base_{metric}"].to_numpy(np.float64)
    if levels is None:
        nothing = np.zeros(len(cells))
        return pd.DataFrame({"expected": base, "low": nothing, "high": nothing, "shrunk": nothing})
    usual = base * np.exp(levels.ground)
    total = float(usual.sum())
    expected = usual * (float(cells[metric].sum()) / total if total > 0 else 1.0)
    # The mean of a log-normal factor lies above its median by half the variance.
    own = levels.rep + levels.swing + (levels.rep_error**2 + levels.swing_error**2) / 2
    error = Z80 * np.sqrt(_variance(cells, levels, metric, params))
    return pd.DataFrame(
        {
            "expected": expected,
            "low": expected * (1 - np.exp(error)),
            "high": expected * (1 - np.exp(-error)),
            "shrunk": usual * np.exp(own) - expected,
        }
    )


def _variance(cells: pd.DataFrame, levels: Levels, metric: str, params: GroundsParams) -> Floats:
    """Return the variance of the expectation's logarithm.

    Three things may be wrong: how ground was told from skill; what is not seen of leads and deals
    that look alike; and, where records begin too late, what a rep's own skill had made of those
    that were open already.
    """
    unseen = params.error_share * levels.spreads[3] ** 2 * _concentration(cells, metric)
    base = np.maximum(cells[f"base_{metric}"].to_numpy(np.float64), LEAST_BASE)
    inherited = cells["missing"].to_numpy() * cells[f"old_{metric}"].to_numpy() / base
    return np.asarray(levels.error**2 + unseen + (inherited * levels.spreads[2]) ** 2)


def _concentration(cells: pd.DataFrame, metric: str) -> float:
    """Return how much more an unseen difference between deals weighs in revenue than in wins.

    What is not known of each lead averages out over many; a few large ones make up most of the
    revenue. Four equal chances count as four; worth 1, 1, 1 and 9, they count as
    12^2 / (1 + 1 + 1 + 81) = 1.7, so the variance is 4 / 1.7 = 2.3 times as large.
    """
    if metric != REVENUE:
        return 1.0
    wins, revenue = cells[f"base_{WINS}"], cells[f"base_{REVENUE}"]
    known = (wins > LEAST_BASE) & (revenue > 0)
    shares = (cells[f"square_{m}"] / cells[f"base_{m}"] ** 2 for m in (REVENUE, WINS))
    many, few = (share[known].median() for share in shares)
    return float(many / few) if known.any() else 1.0


def _reported(
    cells: pd.DataFrame, windows: Windows, parts: list[pd.DataFrame], as_of: datetime
) -> pd.DataFrame:
    """Return the rows of the current windows, each rep in its own."""
    own = windows.quota_reps.set_index("rep_id")["window"]
    window = own.reindex(cells["rep_id"]).fillna(windows.main).to_numpy()
    current = np.flatnonzero(cells["window"].to_numpy() == window)
    starts = pd.Series([window.start for window in windows.every], dtype="datetime64[us]")
    frames = []
    for metric, compared in zip(METRICS, parts, strict=True):
        frame = compared.iloc[current].reset_index(drop=True)
        actual = cells[metric].to_numpy(np.float64)[current]
        residual = actual - frame["expected"].to_numpy()
        frames.append(
            frame.assign(
                rep_id=cells["rep_id"].to_numpy()[current],
                period_start=starts.to_numpy()[cells["window"].to_numpy()[current]],
                as_of=np.datetime64(as_of, "us"),
                metric=metric,
                actual=actual,
                residual=residual,
                low=residual + frame["low"].to_numpy(),
                high=residual + frame["high"].to_numpy(),
            )[COLUMNS]
        )
    frame = pd.concat(frames, ignore_index=True)
    order = frame["metric"].map({metric: place for place, metric in enumerate(METRICS)})
    frame = frame.assign(place=order).sort_values(["rep_id", "period_start", "place"])
    return frame[COLUMNS].reset_index(drop=True)
