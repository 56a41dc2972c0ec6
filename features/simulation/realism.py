"""How believable a company is: figures that any CRM's extract has, beside published ones.

Everything here is computed from the tables alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.simulation.settings import SOURCES

MATURE_DAYS = 150
"""Leads at least so old have had time to convert."""
LAST_DAYS = 8
"""The days at a quarter's end in which deals pile up."""
YEAR_DAYS = 365
SMALL, MIDDLE, LARGE = 10_000.0, (18_000.0, 32_000.0), 50_000.0
"""Amounts: below the first a deal is small; between the second two about 25,000; large above."""


@dataclass(frozen=True)
class Measurement:
    """One line of the realism table.

    Attributes:
        name: what is measured.
        value: in this company.
        published: what is published, in words.
        grade: of that source: H primary data, M quoted by another page, L weak.
        low: a lower value is not believable.
        high: a higher value is not believable.
        unit: "%", "days", "x", or "a day".
    """

    name: str
    value: float
    published: str
    grade: str
    low: float
    high: float
    unit: str = "%"

    def text(self) -> str:
        """Return the value with its unit."""
        if self.unit == "%":
            return f"{self.value:.0%}" if self.value >= 0.1 else f"{self.value:.1%}"  # noqa: PLR2004 - two digits
        return f"{self.value:.1f} {self.unit}" if self.unit != "days" else f"{self.value:.0f} days"


@dataclass(frozen=True)
class Extract:
    """The tables that are measured, and the moment they end."""

    leads: pd.DataFrame
    deals: pd.DataFrame
    activities: pd.DataFrame
    quotas: pd.DataFrame
    reps: pd.DataFrame
    changes: pd.DataFrame
    end: pd.Timestamp

    @classmethod
    def read(cls, folder: Path) -> Extract:
        """Read the tables of a company."""
        names = ("leads", "deals", "activities", "quotas", "reps", "changes")
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
        return cls(**tables, end=tables["activities"]["occurred_at"].max())

    @property
    def closed(self) -> pd.DataFrame:
        """Deals that have ended, `won` as a plain boolean."""
        closed = self.deals[self.deals["closed_at"].notna()]
        return closed.assign(won=closed["won"].astype(bool))

    @property
    def won(self) -> pd.DataFrame:
        """Deals that were won."""
        closed = self.closed
        return closed[closed["won"]]


def realism(folder: Path) -> list[Measurement]:
    """Measure a company.

    Args:
        folder: of its tables.

    Returns:
        The lines of the realism table.
    """
    extract = Extract.read(folder)
    return [
        *_quota(extract),
        *_leads(extract),
        *_deals(extract),
        *_quarter_end(extract),
        *_work(extract),
    ]


def attainment(extract: Extract) -> pd.DataFrame:
    """Return the quotas of ended periods with `attained` money and `attainment`, its share."""
    quotas = extract.quotas[extract.quotas["period_end"] <= extract.end + pd.Timedelta(days=1)]
    won = extract.won[["rep_id", "closed_at", "amount"]].rename(columns={"amount": "money"})
    both = quotas.merge(won, on="rep_id")
    inside = (both["closed_at"] >= both["period_start"]) & (both["closed_at"] < both["period_end"])
    key = ["rep_id", "period_start"]
    money = both[inside].groupby(key)["money"].sum()
    attained = money.reindex(pd.MultiIndex.from_frame(quotas[key])).fillna(0).to_numpy()
    return quotas.assign(attained=attained, attainment=attained / quotas["amount"])


def _quota(extract: Extract) -> Iterator[Measurement]:
    attaining = (attainment(extract)["attainment"] >= 1).mean()
    yield Measurement(
        "rep-quarters that attain", attaining, "57-60 % (M), 21 % (M), 31 % (M)", "M", 0.25, 0.65
    )
    left = extract.reps["left_at"]
    staying = extract.reps[left.isna()]["rep_id"]
    year = extract.won[extract.won["closed_at"] > extract.end - pd.Timedelta(days=YEAR_DAYS)]
    revenue = year.groupby("rep_id")["amount"].sum().reindex(staying).fillna(0)
    best = revenue.nlargest(max(1, len(revenue) // 5)).sum() / max(revenue.sum(), 1)
    yield Measurement("revenue of the top fifth of reps", best, "17 % bring 81 %", "M", 0.25, 0.85)
    begin = extract.quotas["period_start"].min()
    years = (extract.end - begin).days / YEAR_DAYS
    seats = len(extract.quotas) / extract.quotas["period_start"].nunique()
    yield Measurement(
        "reps who leave in a year", left.notna().sum() / seats / years, "22-36 %", "M", 0.1, 0.5
    )


def _leads(extract: Extract) -> Iterator[Measurement]:
    leads = extract.leads[
        extract.leads["created_at"] < extract.end - pd.Timedelta(days=MATURE_DAYS)
    ]
    rate = leads.groupby("source")["converted_at"].apply(lambda times: times.notna().mean())
    published = {
        "outbound": ("1-4 %", 0.005, 0.07),
        "content": ("8-18 %", 0.06, 0.2),
        "inbound": ("25-45 %", 0.15, 0.45),
        "referral": ("20-40 %", 0.2, 0.5),
    }
    for source in SOURCES:
        range_, low, high = published[source]
        name = f"leads that become deals: {source}"
        yield Measurement(name, rate[source], range_, "L", low, high)


def _deals(extract: Extract) -> Iterator[Measurement]:
    closed, won = extract.closed, extract.won
    small = closed[closed["amount"] < SMALL]["won"].mean()
    yield Measurement("deals won, below 10,000", small, "25-35 %", "L", 0.2, 0.5)
    large = closed[closed["amount"] >= LARGE]["won"].mean()
    yield Measurement("deals won, from 50,000", large, "10-15 % above 250,000", "L", 0.05, 0.35)
    days = (won["closed_at"] - won["created_at"]).dt.days
    middle = won["amount"].between(*MIDDLE)
    yield Measurement(
        "cycle of won deals, about 25,000", days[middle].median(), "60 days", "H", 40, 80, "days"
    )
    yield Measurement(
        "the same, below 10,000",
        days[won["amount"] < SMALL].median(),
        "14-30 days",
        "L",
        14,
        70,
        "days",
    )
    yield Measurement(
        "the same, from 50,000",
        days[won["amount"] >= LARGE].median(),
        "90-180 days",
        "L",
        50,
        180,
        "days",
    )
    pushed = extract.changes[extract.changes["field"] == "expected_close_at"]
    # The first entry is the date the deal was opened with.
    pushes = pushed.groupby("entity_id").size().reindex(closed["deal_id"]).fillna(1) - 1
    wins = pd.Series(closed["won"].to_numpy()).groupby(pushes.clip(0, 3).to_numpy()).mean()
    for count, published in ((1, "44 %"), (2, "25 %"), (3, "7 %")):
        name = f"deals won after {count}{' or more' if count == 3 else ''} pushed dates"  # noqa: PLR2004 - the last of them
        yield Measurement(name, float(wins.get(count, np.nan)), published, "L", 0.0, 1.0)


def _quarter_end(extract: Extract) -> Iterator[Measurement]:
    closed = extract.closed
    left = (closed["closed_at"].dt.to_period("Q").dt.end_time - closed["closed_at"]).dt.days
    is_last, days = left < LAST_DAYS, 91
    for name, which, published, low, high in (
        ("wins", closed["won"], "3 x", 1.5, 5.0),
        ("losses", ~closed["won"], "11 x", 4.0, 16.0),
    ):
        last = (is_last & which).sum() / LAST_DAYS
        usual = (~is_last & which).sum() / (days - LAST_DAYS)
        yield Measurement(
            f"{name} a day at a quarter's end",
            last / max(usual, 1e-9),
            published,
            "H",
            low,
            high,
            "x",
        )
    won = closed["won"]
    size = closed[won & is_last]["amount"].mean() / closed[won & ~is_last]["amount"].mean()
    yield Measurement("size of deals won then, beside others", size, "66 %", "H", 0.5, 1.0)


def _work(extract: Extract) -> Iterator[Measurement]:
    work = extract.activities[extract.activities["rep_id"].notna()]
    each = work.groupby("rep_id")["occurred_at"].agg(
        lambda times: len(times) / times.dt.normalize().nunique()
    )
    yield Measurement(
        "logged activities of a rep in a day", each.mean(), "no figure", "-", 5, 60, "a day"
    )
    low, high = each.quantile(0.1), each.quantile(0.9)
    yield Measurement(
        "the same, busiest tenth over idlest", float(high / low), "10-90 % logged", "L", 1.5, 9, "x"
    )
    outbound = work[work["lead_id"].notna() & (work["direction"] == "outbound")]
    first = outbound.groupby("lead_id")["occurred_at"].min().reindex(extract.leads["lead_id"])
    delay = first.to_numpy() - extract.leads["created_at"].to_numpy()
    hours = delay / np.timedelta64(1, "h")
    yield Measurement(
        "leads first touched within an hour", float((hours < 1).mean()), "37 %", "M", 0.01, 0.5
    )
    yield Measurement(
        "leads with no touch logged", float(np.isnan(hours).mean()), "23 %", "M", 0.05, 0.6
    )
    late = (work["known_at"] > work["occurred_at"]).mean()
    yield Measurement("activities logged late", late, "days late at times", "L", 0.05, 0.5)
