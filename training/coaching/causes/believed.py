"""What is believed of every rep and channel: priors learned from the company, then the filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from training.coaching.causes.channels import (
    Channel,
    chosen,
    counted,
    deal_size,
    lead_mix,
    stretched,
    volume,
)
from training.coaching.causes.crowding import crowding
from training.coaching.causes.priors import SPREADS, learned_prior
from training.coaching.causes.ramp import Ramp, fitted_ramp, grows_with_work
from training.coaching.causes.rows import (
    Observed,
    Rows,
    advance_rows,
    closing_rows,
    first_touch_rows,
    later_move_rows,
    qualifying_rows,
    ripening_rows,
)
from training.coaching.causes.spells import Filtered, Prior, mean_shift, spells
from training.coaching.causes.waits import OF_OTHERS, waiting
from training.coaching_params import CauseParams

SLOPES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How far a cause may move a further channel."""
DEEPEST = -2.0
"""The log factor beyond which less work, or a slower first touch, is taken for no less."""


@dataclass(frozen=True)
class Believed:
    """What is believed of the company's reps.

    Attributes:
        channels: what was seen.
        priors: learned from it.
        filtered: by channel.
        ramp: how new reps get going.
        moves: of causes that move several fields of the funnel, how fast each field grows with
            what the cause lowers: the exponents.
        crowding: how fast each field of the funnel falls with the leads that a rep has at hand:
            the exponents.
    """

    channels: Mapping[str, Channel]
    priors: Mapping[str, Prior]
    filtered: Mapping[str, Filtered]
    ramp: Ramp
    moves: Mapping[str, Mapping[str, float]]
    crowding: Mapping[str, float]


def believe(observed: Observed, params: CauseParams) -> Believed:
    """Look at every channel that the tables allow.

    Work comes first: what less of it explains of the first touch, of conversions and of deals that
    go on is taken out of their channels.
    """
    counts = {"qualifying": qualifying_rows(observed), "follow_up": first_touch_rows(observed)}
    choices = {"closing": closing_rows(observed)}
    ramp = fitted_ramp(observed, counts, choices, params)
    channels = {"volume": volume(observed, ramp, params)}
    # The usual work of a rep is not known beforehand: half of the periods may be in spells.
    priors = {"volume": learned_prior(channels["volume"], observed, params, (0.3,))}
    filtered = {"volume": spells(channels["volume"].log_likelihood, priors["volume"])}
    later = later_move_rows(observed)
    work = _work(
        observed, channels["volume"], (counts["qualifying"], counts["follow_up"], later), params
    )
    pace = counted(observed, "volume", later, Ramp(0.0, {}), None)
    filtered["volume"] = _without_past(
        filtered["volume"],
        channels["volume"],
        replace(pace, log_likelihood=stretched(pace.log_likelihood, work["later"])),
        learned_prior(pace, observed, params),
    )
    less = mean_shift(filtered["volume"])
    channels["qualifying"] = counted(
        observed, "qualifying", counts["qualifying"], ramp, work["qualifying"] * less
    )
    channels["follow_up"] = counted(
        observed, "follow_up", counts["follow_up"], ramp, work["first"] * less
    )
    channels["internal_delay"] = waiting(observed, ramp, params)
    channels["closing"] = chosen(
        observed, "closing", choices["closing"], ramp, work["advance"] * less
    )
    channels["deal_size"] = deal_size(observed, params)
    channels["lead_mix"] = lead_mix(observed)
    ripening = chosen(observed, "ripening", ripening_rows(observed), ramp)
    channels["qualifying"], ripe = _joined(channels["qualifying"], ripening, observed, params)
    for name, channel in channels.items():
        if name not in filtered:
            spreads = OF_OTHERS if name == "internal_delay" else SPREADS
            priors[name] = learned_prior(channel, observed, params, spreads)
            filtered[name] = spells(channel.log_likelihood, priors[name])
    # Who is slow to the first touch is slow to the next ones too, as far as the company tells.
    slow = np.maximum(mean_shift(filtered["follow_up"]), DEEPEST)
    speed = {"first": 1.0, "later": grows_with_work(later, slow)}
    moves = {
        "volume": work,
        "follow_up": speed,
        "qualifying": {"qualifying": 1.0, "ripe": ripe},
    }
    return Believed(
        channels, priors, filtered, ramp, moves, crowding(observed, counts["follow_up"])
    )


def _without_past(own: Filtered, touches: Channel, pace: Channel, prior: Prior) -> Filtered:
    """Believe in little work that has been there all along, where leads hardly move.

    Touches are held against the rep's own other periods, so that they say nothing of a spell as
    long as all that is known of the rep:

        the rep's periods           touches say    how fast leads move says    believed
        usual, usual, half          a spell        a spell                     touches
        half, half, half            nothing        a spell from the first on   the moves
        usual, usual, usual         nothing        nothing                     touches

    Args:
        own: believed by touches.
        touches: the channel behind it.
        pace: how fast leads move after the first touch, which no habit of logging distorts.
        prior: of that channel.
    """
    other = spells(pace.log_likelihood, prior)
    spoken = np.ptp(touches.log_likelihood, axis=-1) > 1
    first = np.argmax(spoken, axis=1)
    since_ever = np.arange(spoken.shape[1])[None, :] <= first[:, None]
    all_along = other.joint * since_ever[:, None, None, :]
    chance = all_along.sum(axis=(1, 2, 3))
    is_better = spoken.any(axis=1) & (chance > np.maximum(own.p, 0.5))
    joint = np.where(is_better[:, None, None, None], all_along, own.joint)
    started = joint.sum(axis=(1, 2))
    return replace(own, joint=joint, started=started, p=started.sum(axis=1))


def _work(
    observed: Observed, work: Channel, rows: tuple[Rows, Rows, Rows], params: CauseParams
) -> dict[str, float]:
    """Learn how fast what happens to leads and deals grows with a rep's work.

    Args:
        observed: the company.
        work: the channel of touches.
        rows: conversions, first moves, and later moves.
        params: the section `training.coaching.causes`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_work = np.log((work.seen + 0.5) / (work.usual + 0.5))
    is_known = (work.days >= params.least_days) & (work.usual > 0)
    log_work = np.clip(np.where(is_known, log_work, 0.0), DEEPEST, 0.5)
    conversions, first_moves, later_moves = rows
    first, later = (grows_with_work(each, log_work) for each in (first_moves, later_moves))
    of_ends = conversions, advance_rows(observed)
    convert, advance = (grows_with_work(each, log_work, params.work_usual) for each in of_ends)
    return {"first": first, "later": later, "qualifying": convert, "advance": advance}


def _joined(
    main: Channel, other: Channel, observed: Observed, params: CauseParams
) -> tuple[Channel, float]:
    """Add what another channel says of the same cause, as far as the company's reps bear it out.

    A slope says how far the cause moves the other channel; the one kept makes all that was seen
    likeliest, and is returned as well. At 0 the other channel says nothing.
    """
    prior = learned_prior(main, observed, params)

    def evidence(slope: float) -> float:
        both = main.log_likelihood + stretched(other.log_likelihood, slope)
        return spells(both, prior).evidence + float(both.max(axis=-1).sum())

    best = max(SLOPES, key=evidence)
    both = main.log_likelihood + stretched(other.log_likelihood, best)
    return replace(main, log_likelihood=both), best
