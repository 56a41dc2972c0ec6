"""Laws of finding effects that do not hold: luck is not called a change, and a change is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.steadiness import Column, Past, Shift, find_shifts

Floats = NDArray[np.float64]
LEADS, DAYS, HORIZON, EVERY, PARTS = 1500, 400, 30, 10, 4
ROWS = tuple(range(0, DAYS, EVERY))
"""Cutoffs, in days."""


def seen(
    seed: int, effects: tuple[float, ...], pace: tuple[float, ...] = (0.0,) * PARTS
) -> tuple[Past, Floats]:
    """Let leads come in, convert by a hazard, and be seen at every cutoff while they are open.

    Args:
        seed: of all luck.
        effects: of a number of each lead on its log hazard, in each part of the time.
        pace: the same of all leads alike.

    Returns:
        The rows, and the number. Expected is what the number's fifths have in common, and what
        each part has in common.
    """
    rng = np.random.default_rng(seed)
    born, number = rng.uniform(-60, DAYS, LEADS), rng.normal(size=LEADS)
    converted, gone = np.full(LEADS, np.inf), born + rng.exponential(80, LEADS)
    for day in range(-60, DAYS + HORIZON):
        part = min(max(day, 0) * PARTS // DAYS, PARTS - 1)
        chance = 0.004 * np.exp(effects[part] * number + pace[part])
        is_open = (born <= day) & (gone > day) & np.isinf(converted)
        converted[is_open & (rng.random(LEADS) < chance)] = day + 0.5
    frames = [
        np.column_stack([np.full(len(open_leads), day), open_leads])
        for day in ROWS
        for open_leads in [np.flatnonzero((born < day) & (gone > day) & (converted > day))]
    ]
    day, lead = np.concatenate(frames).astype(np.int64).T
    y = (converted[lead] < day + HORIZON).astype(np.float64)
    fifth = np.searchsorted(np.quantile(number, [0.2, 0.4, 0.6, 0.8]), number[lead])
    expected = np.bincount(fifth, y)[fifth] / np.bincount(fifth)[fifth]
    return Past(y, np.clip(expected, 1e-4, 1 - 1e-4), day * PARTS // DAYS, lead), number[lead]


def shifts(past: Past, number: Floats) -> tuple[Shift, ...]:
    """Judge a single column."""
    return find_shifts([Column("number", number)], past)


@pytest.mark.parametrize("effect", [0.0, 0.8])
def test_a_steady_effect_is_luck_in_at_least_95_of_100_seeds(effect: float) -> None:
    """Leads are seen about seven times each, and the pace of all of them changes."""
    pace = (0.0, 0.5, -0.3, 0.2)
    alarms = [bool(shifts(*seen(seed, (effect,) * PARTS, pace))) for seed in range(60)]
    assert sum(alarms) <= 0.05 * len(alarms)


def test_an_effect_that_turns_round_half_way_is_found() -> None:
    """In every seed; about nothing is left of it on average, so the model may keep it or not."""
    for seed in range(10):
        (shift,) = shifts(*seen(seed, (1.0, 1.0, -1.0, -1.0)))
        assert abs(shift.z) > 4


def test_an_effect_that_is_over_is_gone_and_one_that_came_to_stay_is_not() -> None:
    """What the whole past averages is compared with its newest part."""
    for seed in range(5):
        (over,) = shifts(*seen(seed, (1.4, 1.4, 1.4, 0.0)))
        (stays,) = shifts(*seen(seed, (0.0, 0.0, 1.4, 1.4)))
        assert over.is_gone
        assert not stays.is_gone
        assert over.held < 0.5
        assert stays.held > 1


def test_the_shares_are_those_of_the_rows() -> None:
    """Counted in plain Python, of the group that is named."""
    past, number = seen(1, (1.4, 1.4, 0.0, 0.0))
    words = np.where(number > 0.5, 1.0, 0.0)
    (shift,) = find_shifts([Column("size", words, ("small", "large"))], past)
    code = ["'small'", "'large'"].index(shift.group)
    for part in range(PARTS):
        rows = [
            y
            for y, p, word in zip(past.y, past.part, words, strict=True)
            if p == part and word == code
        ]
        everybody = past.y[past.part == part]
        assert shift.shares[part] == pytest.approx(sum(rows) / len(rows), abs=1e-4)
        assert shift.others[part] == pytest.approx(everybody.mean(), abs=2e-3)


def test_leads_count_and_not_their_rows() -> None:
    """Seen four times as often, the same leads are no more evidence."""
    past, number = seen(3, (1.0, 1.0, -1.0, -1.0))
    often = Past(*(np.tile(a, 4) for a in (past.y, past.expected, past.part, past.lead)))
    (one,), (four,) = shifts(past, number), shifts(often, np.tile(number, 4))
    assert four.z == pytest.approx(one.z, abs=0.02)


def test_the_order_of_rows_and_columns_does_not_matter() -> None:
    """Shuffled rows and reversed columns give the same shifts."""
    past, number = seen(4, (1.0, 1.0, -1.0, -1.0))
    rng = np.random.default_rng(0)
    noise = rng.normal(size=len(number))
    columns = [Column("number", number), Column("noise", noise), Column("twin", -number)]
    mixed = rng.permutation(len(number))
    rows = (past.y, past.expected, past.part, past.lead)
    shuffled = [replace(c, values=c.values[mixed]) for c in reversed(columns)]
    expected = find_shifts(columns, past)
    assert {shift.column for shift in expected} == {"number", "twin"}
    assert find_shifts(shuffled, Past(*(a[mixed] for a in rows))) == expected


def test_what_is_known_since_a_day_only_is_no_change() -> None:
    """A column that is empty in the first half, and steady since, has held as long as it is."""
    for seed in range(10):
        past, number = seen(seed, (0.8,) * PARTS)
        assert not shifts(past, np.where(past.part < 2, np.nan, number))


def test_nothing_is_said_of_one_part_or_of_no_rows() -> None:
    """A change needs a before and an after."""
    past, number = seen(5, (1.0, 1.0, -1.0, -1.0))
    assert shifts(past, number)
    assert not shifts(replace(past, part=np.zeros_like(past.part)), number)
    nothing = np.empty(0)
    assert not shifts(Past(nothing, nothing, nothing.astype(int), nothing.astype(int)), nothing)


@pytest.mark.parametrize(
    ("low", "high", "column", "groups"),
    [
        (2.0, 7.0, Column("n", np.empty(0)), {"2", "7"}),
        (0.2, 0.7, Column("n", np.empty(0), is_share=True), {"20 %", "70 %"}),
        (1e6, 2e6, Column("n", np.empty(0)), {"1,000,000", "2,000,000"}),
        (0.0, 5.0, Column("n", np.empty(0), ("web", "fair")), {"'web'", "any other word"}),
        (0.0, np.nan, Column("n", np.empty(0), ("web", "fair")), {"'web'", "empty"}),
    ],
)
def test_groups_are_named_as_their_values_are_read(
    low: float, high: float, column: Column, groups: set[str]
) -> None:
    """A number by its unit, a word by itself, and what is empty is a group too."""
    past, number = seen(6, (1.8, 1.8, 0.0, 0.0))
    (shift,) = find_shifts([replace(column, values=np.where(number > 0.5, high, low))], past)
    assert shift.group in groups


def test_ranges_of_numbers_name_their_borders() -> None:
    """A fifth of the rows each: the first and the last are open."""
    past, number = seen(6, (1.8, 1.8, 0.0, 0.0))
    (shift,) = shifts(past, number)
    low, *_, high = np.quantile(number, [0.2, 0.4, 0.6, 0.8])
    assert shift.group in {f"below {low:.3g}", f"{high:.3g} or more"}
