"""Laws of the judgement on a column: what looks known at creation, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from features.arrays import Bools, Floats
from features.ingest.at_creation import ColumnLook, TableRows, look_at

LEADS = 4_000
DAYS = 400
SEEDS = range(8)


@dataclass(frozen=True)
class Company:
    """Leads over a year, of which one in five converts after some weeks.

    Attributes:
        rng: draws columns.
        rows: when leads were created, and how they ended by now.
        will_convert: leads that convert in the end, those still open included.
    """

    rng: np.random.Generator
    rows: TableRows
    will_convert: Bools

    def words(self) -> pd.Series:
        """Draw a word for each lead."""
        return pd.Series(self.rng.choice(["north", "south", "west"], len(self.will_convert)))

    def likely(self, of: Bools, share: float) -> Floats:
        """Draw 1 for a share of some leads and for the opposite share of the others."""
        return np.where(self.rng.random(len(of)) < np.where(of, share, 1 - share), 1.0, 0.0)


def company(seed: int, leads: int = LEADS) -> Company:
    """Draw a company."""
    rng = np.random.default_rng(seed)
    age, will_convert = rng.uniform(0, DAYS, leads), rng.random(leads) < 0.2
    has_ended = rng.gamma(2, 20, leads) < age
    rows = TableRows(age, will_convert & has_ended, ~will_convert & has_ended)
    return Company(rng, rows, will_convert)


def look(made: Company, values: pd.Series | Floats) -> ColumnLook:
    """Judge a column of leads."""
    return look_at("leads", "column", pd.Series(values), made.rows)


Draw = Callable[[Company], pd.Series | Floats]


def reason_of(seed: int, draw: Draw, leads: int = LEADS) -> str | None:
    """Draw a company and a column of it, and say why the column is not proposed."""
    made = company(seed, leads)
    return look(made, draw(made)).reason


HONEST: dict[str, Draw] = {
    "words": lambda c: c.words(),
    "numbers": lambda c: c.rng.lognormal(3, 1, LEADS),
    "helpful words": lambda c: c.likely(c.will_convert, 0.75),
    "helpful numbers": lambda c: c.rng.normal(size=LEADS) + c.will_convert,
    "a few gaps": lambda c: c.words().where(c.rng.random(LEADS) < 0.98),
}
DISHONEST: dict[str, tuple[Draw, set[str]]] = {
    "filled on conversion": (lambda c: c.words().where(c.rows.won), {"by_outcome"}),
    "filled on loss": (lambda c: c.words().where(c.rows.lost), {"by_outcome"}),
    "filled more rarely for lost": (
        lambda c: c.words().where(~c.rows.lost | (c.rng.random(LEADS) < 0.9)),
        {"by_outcome"},
    ),
    "filled after weeks": (
        lambda c: c.words().where(c.rows.age_days > c.rng.exponential(20, LEADS)),
        {"by_outcome", "by_age"},
    ),
    "filled for some": (
        lambda c: c.words().where(c.rng.random(LEADS) < 0.5),
        {"partial", "by_outcome", "by_age"},  # one of the latter by chance
    ),
    "an id": (lambda c: pd.Series([f"x{i}" for i in c.rng.permutation(LEADS)]), {"id"}),
    "an id of digits": (lambda c: c.rng.permutation(LEADS) + 1e6, {"id"}),
    "free text": (
        lambda c: pd.Series([f"met {i} times" for i in c.rng.integers(0, 900, LEADS)]),
        {"id"},
    ),
    "dates": (
        lambda c: pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(c.rows.age_days, "D")),
        {"dates"},
    ),
    "dates in words": (
        lambda _: pd.Series([f"{1 + i % 28}.3.2025" for i in range(LEADS)]),
        {"dates"},
    ),
    "a constant": (lambda _: pd.Series(["CRM"] * LEADS), {"constant"}),
    "never filled": (lambda _: pd.Series([None] * LEADS, dtype="object"), {"constant"}),
    "the outcome": (lambda c: c.rows.won.astype(float), {"tells"}),
    "a score made at the end": (
        lambda c: 3.0 * c.rows.won + c.rng.normal(size=LEADS),
        {"tells"},
    ),
    "a count that grows": (
        lambda c: np.floor(c.rng.poisson(np.minimum(c.rows.age_days, 60) / 5)),
        {"changes"},
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_what_is_filled_at_once_for_all_is_proposed(name: str) -> None:
    """Whatever the values say of the outcome, if they are as they were at creation."""
    reasons = [reason_of(seed, HONEST[name]) for seed in SEEDS]
    assert reasons.count(None) >= len(SEEDS) - 1


@pytest.mark.parametrize("name", DISHONEST)
def test_what_is_filled_later_or_teaches_nothing_is_not_proposed(name: str) -> None:
    """Each for its own reason, in every company."""
    column, reasons = DISHONEST[name]
    for seed in SEEDS:
        assert reason_of(seed, column) in reasons


def test_hindsight_is_found_though_it_does_not_tell_the_outcome() -> None:
    """A mark that four of five winners get, and one of five others, at the end of the story.

    Just created leads have it as rarely as the others; if it had been known at the creation, those
    that will convert would have it already. In companies much smaller than this, chance hides it.
    """
    many = 4 * LEADS
    after = [reason_of(seed, lambda c: c.likely(c.rows.won, 0.8), many) for seed in SEEDS]
    before = [reason_of(seed, lambda c: c.likely(c.will_convert, 0.8), many) for seed in SEEDS]
    assert after.count("hindsight") >= len(SEEDS) - 1
    assert before.count(None) >= len(SEEDS) - 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """A look is of the rows, not of their places."""
    made = company(seed)
    order = made.rng.permutation(LEADS)
    rows = made.rows
    shuffled = TableRows(rows.age_days[order], rows.won[order], rows.lost[order])
    for column in (HONEST["words"], HONEST["helpful numbers"], DISHONEST["a count that grows"][0]):
        values = pd.Series(column(made))
        assert look(made, values) == look_at("leads", "column", values[order], shuffled)


def test_few_rows_show_nothing() -> None:
    """With 30 new leads, or 30 conversions, even a column that is always filled is too little."""
    made = company(1)
    rare = made.rng.permutation(LEADS) < 300
    rows = TableRows(made.rows.age_days[rare], made.rows.won[rare], made.rows.lost[rare])
    assert look_at("leads", "column", made.words()[rare], rows).reason == "few"


def test_a_leak_is_named_though_new_rows_are_few() -> None:
    """What tells the outcome of those that ended needs no new rows."""
    made = company(1)
    some = made.rng.permutation(LEADS) < 500
    rows = TableRows(made.rows.age_days[some], made.rows.won[some], made.rows.lost[some])
    assert look_at("leads", "column", pd.Series(made.rows.won[some] * 1.0), rows).reason == "tells"


def test_the_file_has_every_figure() -> None:
    """Shares with their rows, both distances, and the reason."""
    plain = look(company(2), company(2).words()).to_json()
    assert plain["column"] == "leads.column"
    assert plain["filled"]["young"] == {
        "filled": plain["filled"]["young"]["rows"],
        "rows": plain["filled"]["young"]["rows"],
        "share": 1.0,
    }
    assert (plain["reason"], plain["told"] < 0.02, plain["moved"] < 0.05) == (None, True, True)
