"""A lasting level and a rare spell, told apart: a filter that runs forwards over periods.

Each rep has, in each channel, a level that never changes, and at times a spell that lowers it for
a while. What a period shows is a likelihood over the log factor that was at work in it. A spell
begins rarely, tends to last, and may be of any depth: its prior has a heavy tail, so that a deep
one needs little evidence and a shallow one much. Levels are learned from periods outside spells,
since the filter weighs each period by the chance that none was on. It is a hidden Markov model
(Rabiner, 1989) with a static mixture over levels and depths. What is told is whether a rep is weak
now, for whichever of the two reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.arrays import Bools, Floats, Ints

STEP = 0.1
THETA = np.round(np.arange(-40, 21) * STEP, 10)
"""Log factors at which likelihoods are laid out."""
LEVELS = np.arange(-12, 13)
"""Lasting levels, in steps."""
DEPTHS = np.array([2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 28])
"""Depths of a spell, in steps below the level."""
LIKE, TAIL = 0.3, 0.3
"""Log sd of depths like the usual one, and the share of spells that are of any depth."""
ELSEWHERE = 0.3
"""Scale of reps' levels where a company's own do not tell: a Student's t with 4 degrees."""
ZERO = int(np.flatnonzero(THETA == 0)[0])


class Prior(NamedTuple):
    """What is believed of a channel before its periods are looked at.

    Attributes:
        spread: of lasting levels between reps (log sd).
        wobble: of a normal period about the level (log sd).
        begins: chance that a spell begins in a period.
        lasts: chance that one that is on goes on in the next.
        depth: the log factor of a usual spell.
        unlike: share of reps whose levels are not those of the company's other reps.
    """

    spread: float
    wobble: float
    begins: float
    lasts: float
    depth: float
    unlike: float = 0.0


@dataclass(frozen=True)
class Filtered:
    """What is believed of every rep after the last period.

    Attributes:
        p: chance that a spell is on.
        started: by rep and period, the chance that a spell is on that began then.
        joint: by rep, level, depth and beginning, the chance of a spell like that; sums to `p`.
        level: by rep and level, its chance, whether or not a spell is on.
        evidence: log of the chance of everything seen, over all reps.
    """

    p: Floats
    started: Floats
    joint: Floats
    level: Floats
    evidence: float

    def level_mean(self) -> Floats:
        """Return the mean of each rep's level."""
        return np.asarray(self.level @ (LEVELS * STEP))

    def level_sd(self) -> Floats:
        """Return the standard deviation of each rep's level."""
        square = self.level @ (LEVELS * STEP) ** 2
        return np.sqrt(np.maximum(square - self.level_mean() ** 2, 1e-6))


@dataclass(frozen=True)
class Weakness:
    """What is believed of reps being weak now: in a spell, at a low level, or both.

    Of a rep who was always weak, the log cannot say whether a low level or a spell from the first
    day on is at work; told one by one, each would have half of the chance, and half of the size.

    Attributes:
        p: of each rep, the chance of it.
        joint: by rep, level, depth of the spell (the first: none) and beginning; sums to `p`. A low
            level begins with the log.
        is_low: by level, whether it is one that counts as weak.
    """

    p: Floats
    joint: Floats
    is_low: Bools

    def begins(self) -> Ints:
        """Return the period in which each rep's most likely began."""
        return np.asarray(self.joint.sum(axis=(1, 2)).argmax(axis=1))

    def is_spell(self) -> Bools:
        """Tell of which reps it is a spell rather than a level."""
        return np.asarray(self.joint[:, :, 1:].sum(axis=(1, 2, 3)) >= self.p / 2)

    def shifts(self) -> Floats:
        """Return the log factor by level and depth; a level that is not low is no part of it."""
        level = np.where(self.is_low, LEVELS, 0)
        return np.asarray((level[:, None] - np.append(0, DEPTHS)) * STEP)


def mean_shift(filtered: Filtered) -> Floats:
    """Return by rep and period the mean log factor of a spell that is still on."""
    depth = (filtered.joint * (DEPTHS * STEP)[None, None, :, None]).sum(axis=(1, 2))
    return np.asarray(-np.cumsum(depth, axis=1))


def weakness_of(filtered: Filtered, beyond: float) -> Weakness:
    """Return what is believed of reps being weak now.

    Args:
        filtered: what is believed of levels and spells.
        beyond: the log factor below the company's from which on a level is low.
    """
    is_low = np.less(LEVELS * STEP, -beyond - STEP / 100)
    at_rest = filtered.level - filtered.joint.sum(axis=(2, 3))
    level = np.zeros_like(filtered.joint[:, :, :1])
    level[..., 0, 0] = np.maximum(at_rest, 0.0) * is_low
    joint = np.concatenate([level, filtered.joint], axis=2)
    return Weakness(joint.sum(axis=(1, 2, 3)), joint, is_low)


def spells(log_likelihood: Floats, prior: Prior) -> Filtered:
    """Run the filter.

    Args:
        log_likelihood: by rep, period and `THETA`; zeros where a period shows nothing.
        prior: what is believed beforehand.
    """
    seen = wobbled(log_likelihood, prior.wobble)
    count, periods, _ = seen.shape
    level_prior, depth_prior = _level_prior(prior), _depth_prior(prior.depth)
    normal = np.tile(level_prior, (count, 1))
    spell = np.zeros((count, len(LEVELS), len(DEPTHS), periods))
    at_level = ZERO + LEVELS
    in_spell = np.clip(at_level[:, None] - DEPTHS[None, :], 0, None)
    evidence = 0.0
    for period in range(periods):
        ended = spell.sum(axis=(2, 3)) * (1 - prior.lasts)
        spell = spell * prior.lasts
        # The first period may find a spell that has been on for a while.
        begins = prior.begins / (1 - prior.lasts) if period == 0 else prior.begins
        begins = min(begins, 0.5)
        spell[..., period] = (normal * begins)[:, :, None] * depth_prior
        normal = normal * (1 - begins) + ended
        normal = normal * seen[:, period][:, at_level]
        spell = spell * seen[:, period][:, in_spell][..., None]
        total = normal.sum(axis=1) + spell.sum(axis=(1, 2, 3))
        normal, spell = normal / total[:, None], spell / total[:, None, None, None]
        evidence += float(np.log(total).sum())
    started = spell.sum(axis=(1, 2))
    level = normal + spell.sum(axis=(2, 3))
    return Filtered(started.sum(axis=1), started, spell, level, evidence)


def wobbled(log_likelihood: Floats, wobble: float) -> Floats:
    """Return likelihoods over the level, where a period's log factor wobbles about it."""
    top = log_likelihood.max(axis=-1, keepdims=True)
    likelihood = np.exp(log_likelihood - top)
    if wobble > 0:
        kernel = np.exp(-0.5 * ((THETA[:, None] - THETA[None, :]) / wobble) ** 2)
        likelihood = likelihood @ (kernel / kernel.sum(axis=1, keepdims=True)).T
    # A spoilt period must not rule anything out.
    return np.asarray(likelihood + 1e-9)


def _level_prior(prior: Prior) -> Floats:
    """Return the chances of levels: most reps lie within the company's spread, some as elsewhere.

    Without the second part, a company of eleven equals would hold it for all but impossible that
    the twelfth has always been weak. The company's own part has no heavy tail, or who is far off
    would be foreseen twice, and reps at the lower end of the usual called weak.
    """
    z = LEVELS * STEP / max(prior.spread, 1e-3)
    others = (1 + (LEVELS * STEP / ELSEWHERE) ** 2 / 4) ** -2.5
    own = np.exp(-0.5 * z**2)
    return np.asarray((1 - prior.unlike) * own / own.sum() + prior.unlike * others / others.sum())


def _depth_prior(depth: float) -> Floats:
    """Return the chances of depths: most are like the usual one, and a tail falls with the square.

    Spells of one kind are alike in a company; but there are always others.
    """
    size = DEPTHS * STEP
    width = np.gradient(size)
    like = width / size * np.exp(-0.5 * (np.log(size / depth) / LIKE) ** 2)
    tail = width / (1 + (size / depth) ** 2)
    return np.asarray((1 - TAIL) * like / like.sum() + TAIL * tail / tail.sum())


def poisson(seen: Floats, expected: Floats, excess: float = 1.0) -> Floats:
    """Return the log-likelihood of log factors, for counts beside expectations.

    Args:
        seen: counts, by rep and period.
        expected: the same where the factor is 1.
        excess: variance over that of Poisson counts.
    """
    return np.asarray(
        (seen[..., None] * THETA - expected[..., None] * np.exp(THETA)) / max(excess, 1.0)
    )


def normal(mean: Floats, variance: Floats) -> Floats:
    """Return the log-likelihood of log factors, for means of known variance; infinite: nothing."""
    gap = np.nan_to_num(mean)[..., None] - THETA
    return np.asarray(-0.5 * gap**2 / variance[..., None])


def drawn(chances: Floats, count: int) -> tuple[Ints, ...]:
    """Return places of a table of chances, each about as often as its chance says.

    The places are taken at even steps through the table, so that nothing is left to luck.

    Args:
        chances: of any shape.
        count: how many places.

    Returns:
        For each axis, the places.
    """
    steps = np.cumsum(chances.ravel())
    at = (np.arange(count) + 0.5) / count * steps[-1]
    picks = np.minimum(np.searchsorted(steps, at), chances.size - 1)
    return np.unravel_index(picks, chances.shape)
