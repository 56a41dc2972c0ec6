"""All that a page of key figures shows, measured once: figures, tree, people, lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from features.errors import InputError, NotFoundError
from features.kpi.catalogue import KPIS
from features.kpi.declare import Made
from features.kpi.ledger import PERIOD, Ledger
from features.kpi.periods import Period, year_before
from features.kpi.query import figures
from features.params import Every, FeatureParams, KpiParams
from features.storage.warehouse import Warehouse
from training.report.kpi_people import TEAM, Cell, People, cells, shown_in_heat
from training.report.kpi_tree import Tree, tree

MOST_EARLIER = 2
"""Whole periods without which a shorter kind of period is looked at."""
NO_OWNERS = (
    "These data do not say who owns a lead. Whoever worked on it last stands for it, and leads are "
    "handed on, so figures of leads for single reps would tell how work is divided, not how well "
    "it is done: people are not compared by them."
)
MOST_REPS = 60
"""Rows of the table of reps."""


@dataclass(frozen=True)
class Ask:
    """What a page is asked for.

    Attributes:
        team: a team's name; None: the company, or a rep.
        rep: a rep's id.
        every: how long the periods of lines and files are.
        by: a further column that figures are sliced by.
        as_of: nothing is seen from here on; None is the extract's end.
        start: no period shown ends before this.
    """

    team: str | None = None
    rep: str | None = None
    every: Every = "month"
    by: str | None = None
    as_of: datetime | None = None
    start: datetime | None = None

    @property
    def who(self) -> str:
        """Whom the page is about; empty for the company."""
        return self.rep or self.team or ""


@dataclass(frozen=True)
class KpiView:
    """What a page shows.

    Attributes:
        ask: what was asked.
        as_of: the moment.
        lines: the figures of whom it is about, by period.
        company: those of the company.
        headcount: by period, the number of reps of whom it is about, and of the company's.
        slices: the figures by what was asked to slice by; empty where nothing was.
        tree: the newest whole period against others.
        heat: figures of people beside comparable ones'.
        names: of reps, where known.
        absent: figures that cannot be known, with the reasons.
        partly_there: reps who came or left within the compared period.
        notes: what to know before people are compared, in sentences.
        recognised: what was taken for calls, proposals and so on, in sentences.
        params: settings.
        by_rep: the figures of each rep, by period.
    """

    ask: Ask
    as_of: datetime
    lines: pd.DataFrame
    company: pd.DataFrame
    headcount: pd.DataFrame
    slices: pd.DataFrame
    tree: Tree
    heat: Sequence[Cell]
    names: Mapping[str, str]
    absent: Mapping[str, str]
    partly_there: frozenset[str]
    notes: Sequence[str]
    recognised: Sequence[str]
    params: KpiParams
    by_rep: pd.DataFrame


def collect(warehouse: Warehouse, features: FeatureParams, params: KpiParams, ask: Ask) -> KpiView:
    """Measure what a page shows.

    Args:
        warehouse: the extract.
        features: name columns known at creation.
        params: words, minimal numbers, draws.
        ask: whom, how often, when.

    Raises:
        InputError: nothing can be measured, or a column is not there.
        NotFoundError: there is no such team or rep.
    """
    with warehouse.until(ask.as_of).left().workspace() as past:
        ledger = Ledger(past, features, params, ask.every, ask.start)
        if len(ledger.absent) == len(KPIS):
            raise InputError("no key figure can be told: neither leads nor deals are loaded")
        places = _places(ledger, ask)
        by_rep = figures(ledger, ("rep_id",))
        periods, earlier = compared_periods(ledger)
        narrow = ledger.over(periods)
        people = People.of(narrow, params)
        period = periods[-1]
        reps = _whose(people, ask, period, by_rep)
        present = [rep for rep in reps if people.is_there(rep, period)]
        company = figures(ledger)
        if not (company["n"] > 0).any():
            raise InputError(f"nothing had happened before {past.data_until:%Y-%m-%d %H:%M}")
        return KpiView(
            ask=ask,
            as_of=past.data_until,
            lines=_lines(ledger, ask, company, by_rep),
            company=company,
            headcount=_headcount(by_rep, ask, places),
            slices=figures(ledger, (ask.by,)) if ask.by else pd.DataFrame(),
            tree=tree(people, reps, period, earlier, ask.who),
            heat=cells(people, present[:MOST_REPS], period, shown_in_heat(narrow)),
            names=_names(past),
            absent=ledger.absent,
            recognised=list(ledger.recognised.says()),
            partly_there=people.partly_there(period),
            notes=_notes(ledger),
            params=params,
            by_rep=by_rep,
        )


def _notes(ledger: Ledger) -> list[str]:
    is_unowned = "leads_received" not in ledger.absent and not ledger.has_lead_owners
    return [NO_OWNERS] if is_unowned else []


def compared_periods(ledger: Ledger) -> tuple[list[Period], dict[str, Period]]:
    """Choose the period that the tree shows, and those it is compared with.

    It is the newest whole quota period, else quarter, else month: ends of periods are full of
    closings, so that a running one says little.

    Returns:
        The periods, rising, the one shown last; and the earlier ones by what they are called.
    """
    has_quotas = "attainment" not in ledger.absent
    every: Every = "quota" if has_quotas else "quarter"
    for kind in (every, "quarter", "month"):
        try:
            periods, _ = ledger.laid_out(kind)
        except InputError:
            continue
        whole = [period for period in periods if ledger.is_over(period)]
        if len(whole) > MOST_EARLIER or (whole and kind == "month"):
            break
    else:
        whole = periods
    period = whole[-1]
    earlier: dict[str, Period] = {}
    # The first period may have begun before the extract did.
    if len(whole) > MOST_EARLIER:
        earlier["the period before"] = whole[-2]
    then = year_before(period.start, "month")
    year = next((p for p in whole[1:] if p.start == then), None)
    if year is not None:
        earlier["the same period a year before"] = year
    return sorted({period, *earlier.values()}), earlier


def _places(ledger: Ledger, ask: Ask) -> pd.DataFrame | None:
    """Return the teams of reps in each period, if the page is about a team."""
    if ask.team is None:
        return None
    places = ledger.rep_attributes([TEAM])
    known = sorted(set(places[TEAM].dropna())) if TEAM in places else []
    if ask.team not in known:
        there = f"there are {', '.join(known)}" if known else "reps have no teams here"
        raise NotFoundError(f"no team {ask.team!r}: {there}")
    return places


def _whose(people: People, ask: Ask, period: Period, by_rep: pd.DataFrame) -> list[str]:
    """Name the reps that the page is about."""
    if ask.rep is not None:
        if ask.rep not in set(by_rep["rep_id"].dropna()):
            raise NotFoundError(f"no rep {ask.rep!r} in the figures as of this moment")
        return [ask.rep]
    if ask.team is not None:
        return people.team(ask.team, period)
    return people.reps(period)


def _lines(ledger: Ledger, ask: Ask, company: pd.DataFrame, by_rep: pd.DataFrame) -> pd.DataFrame:
    if ask.rep is not None:
        rows = by_rep[by_rep["rep_id"] == ask.rep]
        return rows.drop(columns="rep_id").reset_index(drop=True)
    if ask.team is not None:
        rows = figures(ledger, (TEAM,))
        return rows[rows[TEAM] == ask.team].drop(columns=TEAM).reset_index(drop=True)
    return company


def _headcount(by_rep: pd.DataFrame, ask: Ask, places: pd.DataFrame | None) -> pd.DataFrame:
    """Count the reps with any figure in each period: `own, all`, by the period's start."""
    rows = by_rep[by_rep["rep_id"].notna() & (by_rep["n"] > 0)]
    rows = rows[["rep_id", PERIOD]].drop_duplicates()
    counts = rows.groupby(PERIOD).size().rename("all").to_frame()
    own = rows
    if ask.rep is not None:
        own = rows[rows["rep_id"] == ask.rep]
    elif places is not None and TEAM in places:
        own = rows.merge(places[places[TEAM] == ask.team], on=["rep_id", PERIOD])
    counts["own"] = own.groupby(PERIOD).size()
    return counts.fillna(0)


def _names(past: Warehouse) -> dict[str, str]:
    rows = past.arrow(past["reps"].select("rep_id", "name")).to_pylist()
    return {row["rep_id"]: str(row["name"]) for row in rows if row["name"]}


def reference(view: KpiView, name: str) -> pd.Series:
    """Return the company's line of a figure; what is counted, cut down to as many reps.

    Empty where the page is about the company itself.
    """
    if not view.ask.who:
        return pd.Series(dtype="float64")
    rows = view.company[view.company["kpi"] == name].set_index(PERIOD)["value"]
    if KPIS[name].made is Made.SUM:
        share = view.headcount["own"] / view.headcount["all"]
        rows = rows * share.reindex(rows.index)
    return rows.replace([np.inf, -np.inf], np.nan)
