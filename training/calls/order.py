"""The order of a call list, by a formula people can read.

    learned   reach x gain x amount x rest
    by rule   chance x amount x rest

`reach` is the chance to get through today, and `gain` what getting through adds to the chance to
convert. An amount before there is a deal is a guess, so it counts for its own part and the middle
one for the rest, on the scale of ratios. `rest` is what the last touch leaves: a lead that was
touched just now has lost a share, and has it back after some days.

| amount, the middle one being 20,000 | counts as (own part 0.5) |
|-------------------------------------|--------------------------|
| 5,000                               | 10,000                   |
| 20,000                              | 20,000                   |
| 80,000                              | 40,000                   |

| last touch, days | rest (share 0.5, 3 days)       |
|------------------|--------------------------------|
| 0                | 0.5                            |
| 1.5              | 0.75                           |
| 3 or more, never | 1                              |
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.definitions.lead_activity import INBOUND
from features.history.vocabulary import Vocabulary
from features.texts import slugs
from training.call_params import CallParams

LEARNED, RULE = "learned", "rule"
"""What an order may rest on."""


def last_touch_columns(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Name the features that tell how long ago somebody touched the lead.

    Directions other than the lead's own where the data have them, else any activity.
    """
    names = slugs(vocabulary.directions)
    ours = [word for word in vocabulary.directions if word.lower() not in INBOUND]
    return tuple(f"days_since_direction_{names[word]}" for word in ours) or ("days_since_touch",)


def last_touch(X: pd.DataFrame, vocabulary: Vocabulary) -> Floats:
    """Return the days since the last touch of each row; infinite where there was none."""
    days = X[list(last_touch_columns(vocabulary))].min(axis=1)
    return np.asarray(days.fillna(np.inf), dtype=np.float64)


def rest(days_since_touch: Floats, params: CallParams) -> Floats:
    """Return the share of its worth that each lead has after its last touch."""
    if not params.cool_down_days:
        return np.ones(len(days_since_touch))
    waited = np.clip(days_since_touch / params.cool_down_days, 0.0, 1.0)
    return np.asarray(1 - params.rest * (1 - waited))


def weighed(value: Floats, params: CallParams) -> Floats:
    """Return what amounts count as: between themselves and the middle one.

    Args:
        value: believed amounts of all leads that are ranked together, none below 0.
        params: the part that an amount has itself.
    """
    middle = float(np.median(value)) if len(value) else 1.0
    if middle <= 0:
        return value
    return np.asarray(middle * (value / middle) ** params.amount)


def priority(
    worth: Floats, counted: Floats, days_since_touch: Floats, params: CallParams
) -> Floats:
    """Return what a call is worth now, in the currency of the amounts.

    Args:
        worth: reach x gain, or the chance where nothing was learned of calls.
        counted: what amounts count as, from `weighed`.
        days_since_touch: infinite where there was none.
        params: the weights of the formula.
    """
    return np.asarray(worth * counted * rest(days_since_touch, params))
