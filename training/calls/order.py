"""The order of a call list, by a formula people can read.

    learned   (reach x gain x rest + try) x amount
    by rule   chance x wait x amount

`reach` is the chance to get through today, and `gain` what getting through adds to the chance to
convert. Both reach and an amount before there is a deal are guesses: each counts for its own part
and the usual one for the rest, on the scale of ratios. `rest` is what the last touch leaves: a lead
that was touched just now has lost a share, and has it back after some days. `try` is what a call
brings that gets nobody: a lead that somebody tried lately converts a little more often, so it is a
share of the chance to convert without being reached, the smaller, the fresher the last touch: the
part of some days that it has waited. By rule, that part of the whole chance counts.

| amount, the middle one being 20,000 | counts as (own part 0.5) |
|-------------------------------------|--------------------------|
| 5,000                               | 10,000                   |
| 20,000                              | 20,000                   |
| 80,000                              | 40,000                   |

| last touch, days | rest (share 0.5, 3 days) | wait (7 days) |
|------------------|--------------------------|---------------|
| 0                | 0.5                      | 0             |
| 1.5              | 0.75                     | 0.21          |
| 3                | 1                        | 0.43          |
| 7 or more, never | 1                        | 1             |

A touch is what a CRM shows. Reps do not log all of them, so whoever makes lists day by day counts
a lead as touched, too, when it stood on a list: else the same lead would come first until somebody
logs a call.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """Return the share of what getting through is worth that each lead has after its last touch."""
    return np.asarray(1 - params.rest * (1 - _passed(days_since_touch, params.cool_down_days)))


def _passed(days: Floats, of_days: float) -> Floats:
    """Return the share of some days that has passed, at most all of it."""
    return np.clip(days / of_days, 0.0, 1.0) if of_days else np.ones(len(days))


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


@dataclass(frozen=True)
class Worth:
    """What a call is worth to each lead, apart from its amount, as shares of a conversion.

    Attributes:
        reached: counted reach x gain, for a lead that was left alone; 0 by rule.
        tried: what a call brings whether or not it gets somebody, likewise; by rule the chance.
    """

    reached: Floats
    tried: Floats

    @classmethod
    def by_rule(cls, chance: Floats) -> Worth:
        """Return what calls are taken to be worth where nothing was learned of them."""
        return cls(np.zeros(len(chance)), chance)

    def now(self, days_since_touch: Floats, params: CallParams) -> Floats:
        """Return what a call is worth now: the sum of what is left of both."""
        tried = tried_now(self.tried, days_since_touch, params)
        return np.asarray(self.reached * rest(days_since_touch, params) + tried)


def tried_now(tried: Floats, days_since_touch: Floats, params: CallParams) -> Floats:
    """Return what is left of it where the lead has not waited in full."""
    return np.asarray(tried * _passed(days_since_touch, params.warm_days))


def learned_worth(
    reach: Floats, gain: Floats, missed: Floats, usual_reach: float, params: CallParams
) -> Worth:
    """Return what calls are worth by what was learned of them.

    Args:
        reach: the chance that a call gets through.
        gain: what getting through adds to the chance to convert.
        missed: the chance to convert if nobody is reached.
        usual_reach: the share of all attempts that get through.
        params: the weights of the formula.
    """
    counted = usual_reach * (reach / usual_reach) ** params.reach
    return Worth(counted * gain, params.warmth * missed)


def priority(worth: Worth, counted: Floats, days_since_touch: Floats, params: CallParams) -> Floats:
    """Return what a call is worth now, in the currency of the amounts.

    Args:
        worth: apart from amounts.
        counted: what amounts count as, from `weighed`.
        days_since_touch: infinite where there was none.
        params: the weights of the formula.
    """
    return np.asarray(worth.now(days_since_touch, params) * counted)


def priority_since(
    known: Floats,
    tried: Floats,
    days_since_touch: Floats,
    days_since_listed: Floats,
    params: CallParams,
) -> Floats:
    """Return what priorities become where a lead counts as touched when it stood on a list.

    Args:
        known: priorities by the touches alone.
        tried: what a call that gets nobody brings to a lead that was left alone, likewise in the
            currency of the amounts.
        days_since_touch: what `known` rests on.
        days_since_listed: infinite for a lead that was on no list.
        params: the weights of the formula.
    """
    days = np.minimum(days_since_touch, days_since_listed)
    # Where `known` saw a fresher touch than lists do, it holds less of the try than is taken off.
    reached = np.maximum(known - tried_now(tried, days_since_touch, params), 0.0)
    left = rest(days, params) / np.maximum(rest(days_since_touch, params), np.finfo(float).tiny)
    return np.asarray(reached * left + tried_now(tried, days, params))
