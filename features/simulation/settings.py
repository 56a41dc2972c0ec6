"""The numbers of a sample company, each with its meaning, and the presets.

They were chosen so that the company matches the published figures in the README's realism table.
"""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, PositiveFloat, field_validator

from features.days_off import listed_country
from features.params import Section

SOURCES = ("outbound", "content", "inbound", "referral")
SlowWeek = Annotated[str, Field(pattern=r"^([1-9]|[1-4]\d|5[0-3]):(1|1\.0|0?\.\d*[1-9]\d*)$")]
"""A week of the year (ISO 8601) and the factor of everything in it, above 0 up to 1: "52:0.3"."""


class CompanySettings(Section):
    """The numbers a company is simulated with."""

    seed: int = Field(default=1, ge=0, description="the same seed gives the same tables")
    start: date = Field(default=date(2024, 7, 1), description="first day of the history")
    months: int = Field(default=24, ge=3, description="full months of history")
    running_days: int = Field(
        default=36, ge=0, description="days of the running quarter after the full months"
    )
    reps: int = Field(default=40, ge=2, description="seats; when a rep leaves, it is filled again")
    territories: int = Field(default=6, ge=1, description="markets the seats are spread over")
    managers: int = Field(default=5, ge=1, description="each leads reps of adjacent territories")

    leads_per_month: float = Field(default=40.0, gt=0, description="new leads per seat and month")
    source_share: tuple[float, float, float, float] = Field(
        default=(0.36, 0.32, 0.22, 0.10), strict=False, description=f"shares of leads: {SOURCES}"
    )
    source_interest: tuple[float, float, float, float] = Field(
        default=(0.29, 0.72, 1.30, 1.40), strict=False, description="initial interest, by source"
    )
    interest_spread: float = Field(default=0.32, ge=0, description="log sd of a lead's interest")
    fit_spread: float = Field(default=0.2, ge=0, description="log sd of a lead's hidden quality")
    cold_half_life: float = Field(
        default=25.0, gt=0, description="half-life of interest before the first contact, days"
    )
    warm_half_life: float = Field(
        default=80.0, gt=0, description="half-life of interest after the first contact, days"
    )
    visits: float = Field(default=0.30, ge=0, description="web visits a day at interest 1")

    capacity: float = Field(default=34.0, gt=0, description="touches of an average rep in a day")
    contact: float = Field(
        default=0.22, gt=0, lt=1, description="chance that a first touch gets through"
    )
    contact_fall: float = Field(
        default=0.67, gt=0, le=1, description="factor of that chance for later touches"
    )
    meeting: float = Field(
        default=0.30, gt=0, lt=1, description="chance that a contact leads to a meeting"
    )
    convert: tuple[float, float, float, float] = Field(
        default=(0.0018, 0.0021, 0.0028, 0.0044),
        strict=False,
        description="daily rate to become a deal: new, attempting, connected, meeting",
    )
    lose: tuple[float, float, float, float] = Field(
        default=(0.008, 0.015, 0.013, 0.012),
        strict=False,
        description="daily rate to be lost: new, attempting, connected, meeting",
    )
    patience: float = Field(
        default=11.0, gt=0, description="touches without contact before a rep gives up"
    )

    deal_value: float = Field(default=22_000, gt=0, description="median amount of a deal")
    value_spread: float = Field(default=0.75, ge=0, description="log sd of amounts")
    win_rate: float = Field(default=0.42, gt=0, lt=1, description="win rate of deals of 25,000")
    win_by_size: float = Field(
        default=0.42, ge=0, description="fall of log win odds per unit of log amount"
    )
    quality_spread: float = Field(default=0.35, ge=0, description="sd of a deal's hidden log odds")
    cycle_days: float = Field(default=76.0, gt=0, description="median days to win a deal of 25,000")
    cycle_by_size: float = Field(
        default=0.28, ge=0, description="rise of log days per unit of log amount"
    )
    legal_days: float = Field(default=7.0, gt=0, description="mean wait on legal and finance, days")
    end_rush: float = Field(
        default=3.0, ge=1, description="factor of wins in the last days of a quarter"
    )
    end_clearing: float = Field(
        default=25.0, ge=1, description="factor of losses of stale deals in those days"
    )

    skill_spread: float = Field(default=0.30, ge=0, description="log sd of each skill of reps")
    ramp_days: float = Field(default=150.0, gt=0, description="days until a new rep is productive")
    leave_yearly: float = Field(
        default=0.25, ge=0, lt=1, description="share of reps who leave in a year"
    )
    vacancy_days: int = Field(default=30, ge=0, description="days until a seat is filled again")
    planted: float = Field(
        default=0.22, ge=0, le=1, description="chance per seat and quarter that a cause begins"
    )
    potential: tuple[PositiveFloat, PositiveFloat] = Field(
        default=(0.4, 1.8), strict=False, description="of the poorest and the richest territory"
    )
    drift: float = Field(default=0.05, ge=0, description="sd of the market's log step per quarter")
    stretch: float = Field(default=1.0, gt=0, description="company target over past bookings")
    guess_power: float = Field(
        default=0.6, ge=0, description="how much quotas allow for potential; 0: not at all"
    )
    guess_noise: float = Field(
        default=0.12, ge=0, description="log sd of the company's guess of potential"
    )
    moves: float = Field(default=0.0006, ge=0, description="daily chance that a lead changes hands")

    holidays: str = Field(
        default="", description="country whose public holidays are days off, as DE or DE-HE"
    )
    holiday_pace: float = Field(
        default=0.2, ge=0, le=1, description="factor of what customers do on a holiday"
    )
    slow_weeks: tuple[SlowWeek, ...] = Field(
        default=(), strict=False, description="weeks of the year with their factor, as 52:0.3"
    )

    shock_month: int = Field(
        default=0, ge=0, description="months after which the market breaks; 0: never"
    )
    signal: float = Field(
        default=1.0, ge=0, le=1, description="how much outcomes depend on anything; 0: not at all"
    )

    log_share: tuple[float, float] = Field(
        default=(0.15, 0.90), strict=False, description="share of touches logged: worst, best rep"
    )
    late_share: float = Field(
        default=0.3, ge=0, le=1, description="share of logged touches that are logged late"
    )
    emails: float = Field(default=0.5, ge=0, description="emails sent for each logged call")

    replays: int = Field(default=200, ge=0, description="futures played from each truth cutoff")
    cause_replays: int = Field(default=100, ge=0, description="replays of each period, for causes")
    lead_cutoffs: int = Field(
        default=12, ge=0, description="truth cutoffs of leads: Mondays, four weeks apart"
    )
    quota_quarters: int = Field(default=5, ge=0, description="newest quarters with true attainment")
    quota_every: int = Field(default=7, ge=1, description="days between cutoffs of true attainment")
    special: str = Field(
        default="", pattern="^(|johnsally)$", description="a staged story: johnsally, or none"
    )

    @field_validator("holidays")
    @classmethod
    def _country_is_listed(cls, code: str) -> str:
        return listed_country(code)


PRESETS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "small": {
            "reps": 8,
            "territories": 2,
            "managers": 2,
            "months": 12,
            "replays": 200,
            "cause_replays": 20,
            "lead_cutoffs": 6,
            "quota_quarters": 2,
            "quota_every": 14,
        },
        "demo": {},
        "large": {
            "reps": 1400,
            "territories": 8,
            "managers": 140,
            "capacity": 62.0,
            "log_share": (0.6, 0.95),
            # Few futures: more, for a hundred thousand open leads, would take half an hour.
            "replays": 50,
            "cause_replays": 2,
            "lead_cutoffs": 6,
            "quota_quarters": 2,
            "quota_every": 28,
        },
        "johnsally": {
            "reps": 12,
            "territories": 1,
            "managers": 1,
            "months": 15,
            "skill_spread": 0.05,
            "leave_yearly": 0.0,
            "planted": 0.0,
            "drift": 0.0,
            "potential": (1.0, 1.0),
            "leads_per_month": 60.0,
            "capacity": 68.0,
            "special": "johnsally",
        },
        # Its quotas hardly allow for potential, so that attainment follows it.
        "territory": {"planted": 0.0, "potential": (0.35, 1.9), "guess_power": 0.15},
        "shock": {"shock_month": 18},
        "nosignal": {"signal": 0.0},
        "calm": {"drift": 0.0},
        # Sellers are away from Christmas to the first week of the year, and many in summer.
        "seasons": {
            "holidays": "DE",
            "slow_weeks": (
                *("51:0.8", "52:0.3", "53:0.3", "1:0.5"),
                *("30:0.85", "31:0.75", "32:0.7", "33:0.7", "34:0.8"),
            ),
        },
    }
)
"""What each preset changes of the defaults; `demo` is the defaults."""
SAID: MappingProxyType[str, str] = MappingProxyType(
    {
        "small": "8 reps, 12 months; seconds, and enough to try every command",
        "demo": "40 reps, 24 months, 6 unequal territories",
        "large": "1,400 reps: 1 million leads, 50 million activities; 8 GB",
        "johnsally": "John has deals but cannot close; Sally closes, but has few deals",
        "territory": "demo with very unequal territories and no other causes",
        "shock": "demo with a market that breaks after month 18",
        "nosignal": "leads and deals end by chance alone: nothing can be forecast",
        "calm": "demo without drift: the market stays as it is",
        "seasons": "demo with public holidays, and slow weeks at the year's end and in summer",
    }
)
"""The presets in words."""


def company_settings(preset: str, **changes: Any) -> CompanySettings:
    """Return the settings of a preset.

    Args:
        preset: one of `PRESETS`.
        changes: further settings, by name.
    """
    return CompanySettings(**{**PRESETS[preset], **changes})
