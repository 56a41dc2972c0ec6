"""What a manager counts on in open deals: their amounts, at the rep's own win rates by stage.

This is the pipeline coverage of a careful spreadsheet, of all open deals or only of those due.
Amounts, stages, owners and due dates are those of the cutoff; a win rate counts the deals that had
closed by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.build import Examples
from features.snapshot import CUTOFF, within
from training.quota.baselines import DUE, OPEN
from training.quota.deals import PRIOR_CLOSED, PRIOR_WON

Places = npt.NDArray[np.integer[Any]]
"""Numbers of kinds of deals."""
TRAILING = pd.Timedelta(days=365)
"""How far back win rates look."""
NO_STAGE = -1.0
OWNER, STAGE = "owner", "stage"


def likely_amounts(
    reps: Examples, deals: Examples, closings: pd.DataFrame, owner_prior: float
) -> pd.DataFrame:
    """Return the amounts that each rep's open deals are likely to bring: of all, and of those due.

    A deal counts with its amount times its owner's win rate in its stage. It is due if its expected
    close lies within the period; without one it counts as due, since a CRM without due dates would
    have no pipeline at all. In a quarter that ends on Mar 31, with a win rate of 0.2 in "talks" and
    0.5 in "bid":

    | deal  | due    | amount | of all         | of those due |
    |-------|--------|--------|----------------|--------------|
    | talks | Mar 20 | 100    | 100 * 0.2 = 20 | 20           |
    | bid   | Mar 30 | 40     | 40 * 0.5 = 20  | 20           |
    | bid   | Apr 2  | 60     | 60 * 0.5 = 30  | 0            |
    | bid   |        | 10     | 10 * 0.5 = 5   | 5            |

    Args:
        reps: reps with a running quota.
        deals: open deals at the same cutoffs.
        closings: what `closings_of` returns, of these deals and of earlier ones.
        owner_prior: deals at the company's win rate that a rep's own rate starts from.

    Returns:
        `likely_open, likely_due` for each rep's row.
    """
    open_deals = _staged(deals)[[OWNER, STAGE, CUTOFF, "amount", "expected_close_at"]]
    open_deals["likely"] = open_deals["amount"].fillna(0.0) * _win_rates(
        open_deals, closings, owner_prior
    )
    rows = reps.keys[["rep_id", CUTOFF, "period_start", "period_end"]]
    rows = rows.assign(place=np.arange(len(rows)))
    pairs = rows.merge(open_deals, left_on=["rep_id", CUTOFF], right_on=[OWNER, CUTOFF])
    due = pairs["expected_close_at"]
    is_due = due.isna() | within(due, pairs["period_start"], pairs["period_end"])
    likely = pairs["likely"].to_numpy(np.float64)
    amounts = {OPEN: likely, DUE: np.where(is_due, likely, 0.0)}
    summed = {n: np.bincount(pairs["place"], a, len(rows)) for n, a in amounts.items()}
    return pd.DataFrame(summed, index=reps.keys.index, dtype=np.float64)


def closings_of(deals: Examples, endings: pd.DataFrame) -> pd.DataFrame:
    """Return the closed ones of open deals, once for each owner and stage they were seen with.

    Args:
        deals: open deals at cutoffs.
        endings: how each of them went on; see `labels.attainment.deal_endings`.

    Returns:
        `deal_id, owner, stage, closed_at, won` (1 or 0).
    """
    rows = _staged(deals)[["deal_id", OWNER, STAGE]].assign(
        closed_at=endings["closed_at"].to_numpy(),
        won=(endings["outcome"] == 1).to_numpy(np.float64),
    )
    return rows[rows["closed_at"].notna()].drop_duplicates(ignore_index=True)


def _staged(deals: Examples) -> pd.DataFrame:
    """Return the keys of deals with the number of their stage; one number where none is known."""
    stage = deals.X[STAGE].fillna(NO_STAGE) if STAGE in deals.X else NO_STAGE
    return deals.keys.assign(**{STAGE: stage})


def _win_rates(open_deals: pd.DataFrame, closings: pd.DataFrame, prior: float) -> Floats:
    """Return for each open deal its owner's win rate in its stage, as of its cutoff.

    It is the rep's share in the stage, drawn to all reps' share in it, which is drawn to the
    company's. With a company that wins 30 %, a prior of 20 and deals seen in one stage:

    | whose     | won of closed | rate                             |
    |-----------|---------------|----------------------------------|
    | all reps' | 100 of 180    | (100 + 20 * 0.30) / 200  = 0.53  |
    | rep A's   | 0 of 0        | (0 + 20 * 0.53) / 20     = 0.53  |
    | rep B's   | 10 of 12      | (10 + 20 * 0.53) / 32    = 0.64  |
    """
    kinds = pd.concat([open_deals[[OWNER, STAGE]], closings[[OWNER, STAGE]]], ignore_index=True)
    count = len(open_deals)
    in_stage, own = (
        kinds.groupby(by, dropna=False).ngroup().to_numpy() for by in ([STAGE], [OWNER, STAGE])
    )
    cutoffs, won = open_deals[CUTOFF].to_numpy(), closings["won"].to_numpy(np.float64)
    is_first = ~closings["deal_id"].duplicated().to_numpy()
    rates = np.full(count, np.nan)
    for cutoff in open_deals[CUTOFF].unique():
        at = np.flatnonzero(cutoffs == cutoff)
        known = within(closings["closed_at"], cutoff - TRAILING, cutoff).to_numpy()
        once = won[known & is_first]
        rate = np.full(len(at), (once.sum() + PRIOR_WON) / (len(once) + PRIOR_CLOSED))
        for kind in (in_stage, own):
            rate = _drawn(kind[at], kind[count:][known], won[known], rate, prior)
        rates[at] = rate
    return rates


def _drawn(
    open_kind: Places, closed_kind: Places, won: Floats, towards: Floats, prior: float
) -> Floats:
    """Return the share won among closed deals of the same kind, drawn towards another rate."""
    size = max(int(open_kind.max(initial=0)), int(closed_kind.max(initial=0))) + 1
    wins = np.bincount(closed_kind, won, size)[open_kind]
    count = np.bincount(closed_kind, minlength=size)[open_kind]
    return np.asarray((wins + prior * towards) / (count + prior))
