"""The parameters of coaching: what is assumed where a company's own tables cannot tell."""

from __future__ import annotations

from pydantic import Field

from features.params import Section


class GroundsParams(Section):
    """What an average rep is assumed to be, where a company's own tables cannot tell."""

    lookback_days: int = Field(
        default=91,
        ge=0,
        description="days before a period from which on leads and deals are followed: what is "
        "open then is taken as it stands, what an average rep would have made of it since is not",
    )
    most_periods: int = Field(
        default=12, ge=0, description="earlier periods that are learned from, at most"
    )
    ramp_days: float = Field(
        default=180.0, gt=0, description="days until a new rep is taken to work like the others"
    )
    ramp_loss: float = Field(
        default=0.3,
        ge=0,
        description="log factor by which a rep is behind on the first day, before any is seen",
    )
    ramp_doubt: float = Field(default=0.2, gt=0, description="standard deviation of that belief")
    period_spread: float = Field(
        default=0.1, gt=0, description="log sd between periods that is believed before any is seen"
    )
    territory_spread: float = Field(
        default=0.1, gt=0, description="the same between territories, leads being alike"
    )
    rep_spread: float = Field(default=0.3, gt=0, description="the same between reps")
    swing_spread: float = Field(
        default=0.15, gt=0, description="the same between the periods of one rep"
    )
    error_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of that swing which is the expectation's error, not the rep's own",
    )


class CauseParams(Section):
    """How causes of a gap to quota are found."""

    rush_days: float = Field(
        default=9.0, ge=0, description="last days of a quota period, in which deals are pulled in"
    )
    waiting_words: tuple[str, ...] = Field(
        default=(
            *("legal", "finance", "approv", "procure", "security", "complian", "contract"),
            *("signature", "paperwork", "purchasing", "recht", "freigabe", "vertrag"),
        ),
        strict=False,
        description="parts of the names of deal stages in which a sold deal waits on others",
    )
    waiting_loss: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="share of deals that a stage may lose and still be such a stage, by its ends",
    )
    spell_rate: float = Field(
        default=0.1, gt=0, lt=1, description="spells of one cause that a rep meets in a year"
    )
    spell_days: float = Field(default=180.0, gt=0, description="mean length of a spell")
    spell_depth: float = Field(
        default=0.6, gt=0, description="log factor of a usual spell; deeper ones get rarer slowly"
    )
    ramp_longest_days: float = Field(
        default=300.0, ge=60, description="longest time until a new rep works like the others"
    )
    ramp_usual_days: float = Field(
        default=135.0,
        gt=0,
        description="the same where few have joined, in days (published: 90 to 180)",
    )
    ramp_usual_lack: float = Field(
        default=0.5, ge=0, lt=0.9, description="share of it that a new rep lacks on the first day"
    )
    quota_excess: float = Field(
        default=0.12, gt=0, description="share above the quotas of the like that is too high"
    )
    poor_ground: float = Field(
        default=0.9, gt=0, le=1, description="ground beside the mean below which it is poor"
    )
    work_usual: float = Field(
        default=0.2, ge=0, description="exponent of work in outcomes where a company hardly tells"
    )
    readiness: float = Field(
        default=0.3,
        ge=0,
        description="how much readier leads of rich ground are, where a company hardly tells",
    )
    least_days: float = Field(
        default=10.0, gt=0, description="days at work below which a period's touches say nothing"
    )
    least_deals: int = Field(
        default=20, ge=2, description="deals below which nothing is learned from them"
    )
    told_from: float = Field(
        default=0.03, gt=0, lt=1, description="chance of a cause from which it is told"
    )
    sure_from: float = Field(
        default=0.7, gt=0, lt=1, description="chance from which a cause counts as sure"
    )
    lasting_spreads: float = Field(
        default=2.5,
        ge=0,
        description="spreads of a company's reps below which a lasting level is a weakness",
    )
    stands_out: float = Field(
        default=0.02, ge=0, description="share of the quota below which chance comes first"
    )
    least_size: float = Field(
        default=0.01, ge=0, description="share of the quota below which a cause is not told"
    )
    size_noise: float = Field(
        default=0.04, ge=0, description="share of the quota that any size may be off by"
    )
    size_doubt: float = Field(
        default=0.25, ge=0, description="log sd of what the flow may be wrong about in a size"
    )
    draws: int = Field(default=16, ge=10, description="draws behind each interval of a size")


class CoachingParams(Section):
    """What coaching assumes."""

    grounds: GroundsParams = GroundsParams()
    causes: CauseParams = CauseParams()
    leaderboard: bool = Field(
        default=False, description="rank reps, by what is left on equal grounds and never by totals"
    )
