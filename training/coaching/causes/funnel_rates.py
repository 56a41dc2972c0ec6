"""The company's own daily rates of the funnel, from lead to won deal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Bools, Floats, Ints
from training.coaching.causes.company import Entities
from training.coaching.causes.rows import Observed
from training.coaching.causes.stays import AGES, LOST, MOVES, STAYS, WON, Stays

AGE_DAYS = (3.0, 14.0, 30.0, 90.0)
"""Days since creation that separate classes of age; each is one of `stays.AGES`."""
RARE = 0.01
"""Share of the moves to a stage below which a way there is left out."""
BANDS = 4
"""Bands of value."""


@dataclass(frozen=True)
class Rates:
    """Daily rates of the company.

    Attributes:
        convert: of leads, by stage, source and age.
        lose: the same.
        move: by stage, next stage, source and age.
        leave: of deals, by stage, band and whether it is the period's last days: to leave.
        keep: the share that goes on of those that leave.
        next: by stage, the share of those that go on by their next stage; the last is "won".
        amount: mean amount won, by band.
        first: the stage that leads are created in.
        ripe: the stage from which they convert fastest; that of no stage where there are none.
        deal_first: the share of new deals by stage.
        edges: values that separate bands.
        waiting: whether a deal stage is one in which a sold deal waits.
    """

    convert: Floats
    lose: Floats
    move: Floats
    leave: Floats
    keep: Floats
    next: Floats
    amount: Floats
    first: int
    ripe: int
    deal_first: Floats
    edges: Floats
    waiting: Bools


def rates_of(observed: Observed) -> Rates:
    """Learn the company's daily rates from all stays."""
    company, leads = observed.company, observed.leads
    stages, sources = len(company.lead_stages) + 1, len(company.sources)
    value = company.leads.value[np.isfinite(company.leads.value)]
    amounts = company.deals.value[np.isfinite(company.deals.value)]
    pool = value if len(value) >= BANDS else amounts
    edges = np.quantile(pool, np.arange(1, BANDS) / BANDS) if len(pool) else np.zeros(BANDS - 1)
    age = age_class(leads)
    shape = (stages, sources, len(AGE_DAYS) + 1)
    cell = np.ravel_multi_index((leads.stage + 1, company.leads.source[leads.place], age), shape)
    at_risk = np.bincount(cell, leads.days, np.prod(shape)).reshape(shape)

    def per_day(events: Bools) -> Floats:
        counts = np.bincount(cell, events, np.prod(shape)).reshape(shape)
        # Cells that are hardly met borrow the rate of their stage.
        stage = counts.sum(axis=(1, 2), keepdims=True) / np.maximum(
            at_risk.sum(axis=(1, 2), keepdims=True), 1.0
        )
        return np.asarray((counts + 50 * stage) / (at_risk + 50))

    move = np.zeros((stages, stages, *shape[1:]))
    for after in range(stages):
        moved = (leads.end == MOVES) & (leads.after + 1 == after)
        counts = np.bincount(leads.stage[moved] + 1, minlength=stages)
        # Ways that hardly any lead goes are left out.
        used = counts >= RARE * max(int(moved.sum()), 1)
        move[:, after] = per_day(moved) * used[:, None, None]
    first = observed.first + 1
    return Rates(
        per_day(leads.end == WON),
        per_day(leads.end == LOST),
        move,
        *_deal_rates(observed, edges),
        first=first,
        ripe=observed.ripe + 1,
        deal_first=_first_deal_stage(company.deals, len(company.deal_stages) + 1),
        edges=edges,
        waiting=np.isin(np.arange(len(company.deal_stages) + 1) - 1, observed.waiting),
    )


def _deal_rates(observed: Observed, edges: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    company, deals = observed.company, observed.deals
    stages = len(company.deal_stages) + 1
    band = band_of(company.deals.value, edges)[deals.place]
    shape = (stages, BANDS, 2)
    cell = np.ravel_multi_index((deals.stage + 1, band, deals.is_rush.astype(np.int64)), shape)
    size = int(np.prod(shape))
    at_risk = np.bincount(cell, deals.days, size).reshape(shape)
    left = np.bincount(cell, deals.end != STAYS, size).reshape(shape)
    lost = np.bincount(cell, deals.end == LOST, size).reshape(shape)
    usual = left.sum(axis=1, keepdims=True) / np.maximum(at_risk.sum(axis=1, keepdims=True), 1.0)
    leave = (left + 30 * usual) / (at_risk + 30)
    gone = lost.sum(axis=1, keepdims=True) / np.maximum(left.sum(axis=1, keepdims=True), 1.0)
    keep = 1 - (lost + 5 * gone) / (left + 5)
    onward = np.zeros((stages, stages + 1))
    moved = deals.end == MOVES
    np.add.at(onward, (deals.stage[moved] + 1, deals.after[moved] + 1), 1.0)
    won = deals.end == WON
    np.add.at(onward, (deals.stage[won] + 1, np.full(int(won.sum()), stages)), 1.0)
    total = onward.sum(axis=1, keepdims=True)
    onward = np.where(total > 0, onward / np.maximum(total, 1), 0.0)
    is_won = company.deals.is_won & (company.deals.ended < company.as_of)
    money = company.deals.final
    every = band_of(company.deals.value, edges)
    amount = np.bincount(every[is_won], money[is_won], BANDS) / np.maximum(
        np.bincount(every[is_won], minlength=BANDS), 1
    )
    return leave, np.clip(keep, 0.01, 0.99), onward, amount


def _first_deal_stage(deals: Entities, stages: int) -> Floats:
    first = deals.stage.drop_duplicates("place", keep="first")
    counts = np.bincount(first["stage"] + 1, minlength=stages).astype(np.float64)
    if counts.sum() == 0:
        counts[0] = 1.0
    counts[counts < 0.05 * counts.sum()] = 0.0
    return np.asarray(counts / counts.sum())


def band_of(value: Floats, edges: Floats) -> Ints:
    """Return the band of each value; unknown ones are in the second."""
    return np.where(np.isfinite(value), np.searchsorted(edges, value, side="right"), 1)


def age_class(stays: Stays) -> Ints:
    """Turn the fine classes of age into those of the flow."""
    fine = np.searchsorted(AGE_DAYS, (0.0, *AGES), side="right")
    return np.asarray(fine[stays.age])
