"""Key figures of people beside what is usual among comparable ones: like for like, no ranking."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.feature import Unit
from features.kpi.catalogue import KPIS
from features.kpi.declare import Fact, Kpi, Made
from features.kpi.ledger import NOBODY, PERIOD, Ledger
from features.kpi.periods import Period
from features.kpi.query import figures
from features.params import KpiParams
from features.snapshot import within

PRIOR_CASES = 5.0
"""Cases at everybody's rate that a stratum's own rate starts from."""
TEAM = "reps.team"
CHAIN = {
    "leads_received": {"leads": "numerator"},
    "deals_opened": {"opened": "numerator"},
    "win_rate": {"closed": "denominator", "won": "numerator"},
    "bookings": {"amount": "numerator"},
    "attainment": {"quota": "denominator"},
    "conversion_ended": {"leads_ended": "denominator", "leads_won": "numerator"},
}
"""The sums of a result's factors, and the figures they are taken from."""


@dataclass(frozen=True)
class People:
    """The figures of reps in a few periods.

    Attributes:
        figures: by rep.
        sliced: by rep and what makes leads comparable; the same as `figures` without that.
        places: `rep_id, period_start`, team, and what makes reps comparable.
        slices: columns of `sliced` that make leads comparable.
        squares: of won amounts, by rep and period.
        has_lead_owners: the extract says who owns leads.
        stays: `rep_id, hired_at, left_at`.
        params: settings.
    """

    figures: pd.DataFrame
    sliced: pd.DataFrame
    places: pd.DataFrame
    slices: tuple[str, ...]
    squares: pd.Series
    has_lead_owners: bool
    stays: pd.DataFrame
    params: KpiParams

    @classmethod
    def of(cls, ledger: Ledger, params: KpiParams) -> People:
        """Measure the reps of a ledger's periods."""
        like = [name for name in params.like if ledger.knows(name)]
        slices = tuple(name for name in like if not name.startswith("reps."))
        by_rep = figures(ledger, ("rep_id",))
        sliced = figures(ledger, ("rep_id", *slices)) if slices else by_rep
        of_reps = [name for name in like if name.startswith("reps.")]
        places = ledger.rep_attributes(list(dict.fromkeys((TEAM, *of_reps))))
        squares = pd.Series(dtype="float64")
        if "deals_won" not in ledger.absent:
            sums = ledger.sums(Fact.DEALS_CLOSED, ("won_square",), (), ("rep_id",))
            squares = squares if sums is None else sums["won_square"]
        rows = by_rep[by_rep["rep_id"].notna()]
        sliced = sliced[sliced["rep_id"].notna()]
        stays = ledger.warehouse["reps"].select("rep_id", "hired_at", "left_at")
        stays = ledger.warehouse.arrow(stays).to_pandas()
        owners = ledger.has_lead_owners
        return cls(rows, sliced, places, slices, squares, owners, stays, params)

    def reps(self, period: Period) -> list[str]:
        """Name those who have a quota in the period; without quotas, all who did anything."""
        rows = self.figures[self.figures[PERIOD] == period.start]
        asked = rows[(rows["kpi"] == "attainment") & (rows["denominator"] > 0)]
        if len(asked):
            return sorted(asked["rep_id"])
        return sorted(set(rows[rows["n"] > 0]["rep_id"]))

    def is_there(self, rep_id: str, period: Period) -> bool:
        """Tell whether a rep did anything in a period, or had a quota in it."""
        rows = self.figures[self.figures[PERIOD] == period.start]
        rows = rows[rows["rep_id"] == rep_id]
        return bool((rows["n"] > 0).any() or (rows["denominator"] > 0).any())

    def partly_there(self, period: Period) -> frozenset[str]:
        """Name those who came or left within a period: what they did is not that of a whole one."""
        came_or_left = [
            within(self.stays[clock], pd.Timestamp(period.start), pd.Timestamp(period.end))
            for clock in ("hired_at", "left_at")
        ]
        return frozenset(self.stays[came_or_left[0] | came_or_left[1]]["rep_id"])

    def team(self, name: str, period: Period) -> list[str]:
        """Name the reps of a team when the period ended."""
        if TEAM not in self.places:
            return []
        rows = self.places[(self.places[PERIOD] == period.start) & (self.places[TEAM] == name)]
        return sorted(set(rows["rep_id"]))

    def group(self, rep_id: str, period: Period) -> tuple[object, ...]:
        """Return what makes a rep comparable with others: role and so on."""
        columns = [c for c in self.places.columns if c not in ("rep_id", PERIOD, TEAM)]
        rows = self.places[
            (self.places["rep_id"] == rep_id) & (self.places[PERIOD] == period.start)
        ]
        return tuple(rows[columns].iloc[0]) if len(rows) else ()

    def sums_of_each(self, reps: Collection[str], period: Period) -> pd.DataFrame:
        """Return what a result's factors are made of, one row a rep: `leads, opened` ..."""
        rows = self.figures[self.figures[PERIOD] == period.start]
        names = list(reps)
        each: dict[str, pd.Series] = {"reps": pd.Series(1.0, index=names)}
        for kpi, columns in CHAIN.items():
            if not (self.figures["kpi"] == kpi).any():
                continue
            own = rows[rows["kpi"] == kpi].set_index("rep_id").reindex(names)
            each |= {name: own[column].astype(float) for name, column in columns.items()}
        keys = [(pd.Timestamp(period.start), rep) for rep in names]
        squares = self.squares.reindex(keys).to_numpy() if len(self.squares) else np.nan
        each["squares"] = pd.Series(squares, index=names, dtype="float64")
        return pd.DataFrame(each).fillna(0.0)

    def sums(self, reps: Collection[str], period: Period) -> dict[str, float]:
        """Add up what a result's factors are made of, over some reps."""
        total = self.sums_of_each(reps, period).sum()
        return {str(name): float(value) for name, value in total.items()}

    def usual(
        self, kpi: Kpi, own: Collection[str], others: Collection[str], period: Period
    ) -> float:
        """Return what comparable reps would make of the own cases.

        A ratio is taken stratum by stratum: what the others' rate in each, drawn a little
        towards their overall rate, would make of the own number of cases there. Anything else is
        the others' mean for each rep.

        Args:
            kpi: the figure.
            own: whose cases.
            others: the comparable reps, none of them among the own.
            period: when.

        Returns:
            The usual value for the own side; NaN where there is nothing to compare with.
        """
        is_sliced = kpi.made is Made.RATIO and (self.sliced["kpi"] == kpi.name).any()
        rows = self.rows(kpi, period, self.sliced if is_sliced else None)
        theirs = rows[rows["rep_id"].isin(set(others))]
        if kpi.made is not Made.RATIO:
            values = theirs["value"].dropna()
            return float(values.mean()) if len(values) else np.nan
        keys = list(self.slices) if is_sliced else []
        sums = ["numerator", "denominator"]
        overall = theirs[sums].sum()
        if not overall["denominator"] > 0:
            return np.nan
        rate = overall["numerator"] / overall["denominator"]
        mine = rows[rows["rep_id"].isin(set(own))]
        if not keys or not mine["denominator"].sum() > 0:
            return float(rate)
        strata = theirs.fillna(dict.fromkeys(keys, NOBODY)).groupby(keys)[sums].sum()
        cases = mine.fillna(dict.fromkeys(keys, NOBODY)).groupby(keys)["denominator"].sum()
        strata = strata.reindex(cases.index, fill_value=0.0)
        drawn = strata["numerator"] + PRIOR_CASES * rate
        rates = drawn / (strata["denominator"] + PRIOR_CASES)
        return float((rates * cases).sum() / cases.sum())

    def together(self, kpi: Kpi, reps: Collection[str], period: Period) -> tuple[float, int]:
        """Return a figure of several reps as one, and its cases; what is counted, for each rep.

        A median is that of the reps' medians, each weighing as many cases as it rests on.
        """
        rows = self.rows(kpi, period)
        rows = rows[rows["rep_id"].isin(set(reps))]
        n = int(rows["n"].sum())
        if kpi.made is Made.RATIO:
            cases = rows["denominator"].sum()
            return (float(rows["numerator"].sum() / cases) if cases > 0 else np.nan), n
        if rows.empty:
            return np.nan, 0
        if kpi.made is Made.SUM:
            return (float(rows["value"].sum() / len(reps)) if reps else np.nan), n
        rows = rows[rows["value"].notna()].sort_values("value")
        weight = rows["n"].cumsum().to_numpy()
        if not n or not len(rows):
            return np.nan, n
        return float(rows["value"].to_numpy()[np.searchsorted(weight, weight[-1] / 2)]), n

    def rows(self, kpi: Kpi, period: Period, frame: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the rows of one figure and period, of all reps."""
        frame = self.figures if frame is None else frame
        return frame[(frame["kpi"] == kpi.name) & (frame[PERIOD] == period.start)]


@dataclass(frozen=True)
class Cell:
    """A rep's figure beside what is usual.

    Attributes:
        rep_id: whose.
        kpi: which.
        value: it; NaN where there is none.
        n: cases it rests on.
        usual: among comparable reps; NaN where there are too few.
        z: how far it lies from that, in standard deviations that chance, or the spread between
            reps, makes usual; NaN where it cannot be told.
    """

    rep_id: str
    kpi: str
    value: float
    n: int
    usual: float
    z: float


def cells(people: People, reps: Sequence[str], period: Period, names: Sequence[str]) -> list[Cell]:
    """Put the figures of reps beside those of comparable reps.

    Args:
        people: the company.
        reps: whose figures.
        period: when.
        names: which figures.
    """
    everybody = people.reps(period)
    partly = people.partly_there(period)
    group = {rep: people.group(rep, period) for rep in {*everybody, *reps}}
    rows = people.figures[people.figures[PERIOD] == period.start]
    by_key = {(row["rep_id"], row["kpi"]): row for _, row in rows.iterrows()}
    told = []
    for rep in reps:
        others = [
            other
            for other in everybody
            if other != rep and other not in partly and group[other] == group[rep]
        ]
        for name in names:
            row = by_key.get((rep, name))
            if row is None:
                told.append(Cell(rep, name, np.nan, 0, np.nan, np.nan))
                continue
            is_alone = rep in partly and not KPIS[name].is_estimate
            told.append(_cell(people, KPIS[name], row, [] if is_alone else others, period))
    return told


def _cell(people: People, kpi: Kpi, row: pd.Series, others: Sequence[str], period: Period) -> Cell:
    rep, value, n = str(row["rep_id"]), float(row["value"]), int(row["n"])
    usual = z = np.nan
    if len(others) >= people.params.minimum_reps:
        usual = people.usual(kpi, [rep], others, period)
        is_thin = kpi.is_estimate and n < people.params.minimum_cases
        if not is_thin:
            z = _distance(people, kpi, row, usual, others, period)
    return Cell(rep, kpi.name, value, n, usual, z)


def _distance(
    people: People, kpi: Kpi, row: pd.Series, usual: float, others: Sequence[str], period: Period
) -> float:
    """Return how far a figure lies from what is usual, in usual deviations."""
    cases = float(row["denominator"])
    if _is_share_of_cases(kpi) and 0 < usual < 1:
        return float((row["value"] - usual) / np.sqrt(usual * (1 - usual) / cases))
    rows = people.rows(kpi, period)
    values = rows[rows["rep_id"].isin(set(others))]["value"].dropna()
    spread = values.std() if len(values) >= people.params.minimum_reps else np.nan
    return float((row["value"] - usual) / spread) if spread > 0 else np.nan


def _is_share_of_cases(kpi: Kpi) -> bool:
    """Tell whether a figure is so many of so many: its chance is that of drawing cases."""
    return kpi.made is Made.RATIO and kpi.unit is Unit.SHARE and kpi.counted is kpi.denominator


def shown_in_heat(ledger: Ledger) -> list[str]:
    """Name the figures of the table of reps: results first, then what leads to them."""
    order = (
        *("attainment", "bookings", "leads_converted", "deals_opened", "win_rate", "deal_size"),
        *("cycle_days", "conversion_ended", "discount", "slipped", "leads_received"),
        *("answered_in_time", "touches_per_lead", "meetings", "calls", "activities"),
    )
    return [name for name in order if name not in ledger.absent and is_of_reps(ledger, name)]


def is_of_reps(ledger: Ledger, name: str) -> bool:
    """Tell whether a figure says something about single reps: what is of leads needs owners."""
    of_leads = {Fact.LEADS_CREATED, Fact.LEADS_ENDED}
    return ledger.has_lead_owners or not any(p.fact in of_leads for p in KPIS[name].parts)
