"""Goals, lines and transitions: scales, orders, one rep, one period, and known ways of going on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from training.coaching.goals.calibration import calibration
from training.coaching.goals.levels import CLOSING, LEAST_SPREAD, levels
from training.coaching.goals.measures import (
    MEASURES,
    OF_CAUSE,
    WINDOW_DAYS,
    Against,
    Scale,
    measured,
    noise,
    off_line,
    on_line,
)
from training.coaching.goals.propose import (
    LEAST_CHANCE,
    LIKELY,
    Goals,
    rounded_target,
)
from training.coaching.goals.record import PEOPLE, SalesRecord, here, named
from training.coaching.goals.transitions import STEP_DAYS, Transitions, transitions, window_ends

AS_OF = datetime(2026, 1, 1)
WIN_RATE, TOUCHES, SIZE = (MEASURES[name] for name in ("win_rate", "touches", "deal_size"))
SHARES = [measure for measure in MEASURES.values() if measure.scale is Scale.SHARE]
COLUMNS = {
    "arrivals": ("lead_id", "source", "touched_at"), "decisions": ("lead_id", "won", "source"),
    "endings": ("deal_id", "won", "amount"), "touches": ("count",),
}  # fmt: skip


def empty(*columns: str) -> pd.DataFrame:
    """Return rows of a record, none of them there."""
    frame = pd.DataFrame({name: [] for name in ("rep_id", "at", *columns)})
    moments = {name: "datetime64[us]" for name in ("at", "touched_at") if name in frame}
    numbers = {name: "float64" for name in ("won", "amount", "count") if name in frame}
    return frame.astype({"rep_id": "object", **moments, **numbers})


def record(reps: int, **frames: pd.DataFrame) -> SalesRecord:
    """Make a record of reps who have been there for long; frames not given have no rows."""
    ids = pd.Series([f"r{k:02}" for k in range(reps)], dtype="str")
    people = pd.DataFrame({"rep_id": ids})
    people = people.assign(name=None, hired_at=pd.NaT, left_at=pd.NaT, **dict.fromkeys(PEOPLE))
    people = people.astype(dict.fromkeys(("hired_at", "left_at"), "datetime64[us]"))
    rows = {name: empty(*columns) for name, columns in COLUMNS.items()} | frames
    return SalesRecord(AS_OF, people, **rows)


def deals(seed: int, reps: int = 20, each: int = 25, days: int = 730) -> pd.DataFrame:
    """Draw deals that end at any time, with chances and sizes that differ between reps."""
    chance = np.random.default_rng(seed)
    size = reps * each * days // WINDOW_DAYS
    who = chance.integers(0, reps, size)
    p = chance.beta(6, 12, reps)[who]
    at = AS_OF - pd.to_timedelta(chance.uniform(0.01, days, size), "D")
    frame = pd.DataFrame({"rep_id": [f"r{k:02}" for k in who], "at": at.astype("datetime64[us]")})
    names = [f"d{k}" for k in range(size)]
    won = (chance.random(size) < p).astype(np.int64)
    return frame.assign(deal_id=names, won=won, amount=chance.lognormal(7, 0.6, size))


def work(counts: dict[str, list[float]]) -> pd.DataFrame:
    """Return touches on one day of each window, the newest window first."""
    rows = [
        {"rep_id": rep, "at": AS_OF - timedelta(days=WINDOW_DAYS * place + 45), "count": count}
        for rep, own in counts.items()
        for place, count in enumerate(own)
    ]
    return pd.DataFrame(rows).astype({"at": "datetime64[us]"})


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda m: m.name)
def test_the_line_keeps_the_order_of_values(measure: object) -> None:
    """A better value lies further on; the noise falls as the count grows."""
    own = MEASURES[measure.name]  # type: ignore[attr-defined]
    values = np.linspace(0.0, 1.0, 30) if own.scale is Scale.SHARE else np.geomspace(1, 1e6, 30)
    line = on_line(own, values, np.full(30, 40.0))
    assert np.isfinite(line).all()
    assert (np.diff(line) > 0).all()
    spread = noise(own, np.zeros(4), np.array([5.0, 20.0, 80.0, 320.0]))
    assert spread == pytest.approx(spread[0] / np.array([1, 4, 16, 64]))


@pytest.mark.parametrize("measure", SHARES, ids=lambda m: m.name)
def test_noise_of_shares_is_what_counting_makes(measure: object) -> None:
    """Of 4,000 draws of 60 with a chance of 0.3, the variance on the line is the noise said."""
    own = MEASURES[measure.name]  # type: ignore[attr-defined]
    drawn = np.random.default_rng(1).binomial(60, 0.3, 4000) / 60
    line = on_line(own, drawn, np.full(4000, 60.0))
    middle = on_line(own, np.array([0.3]), np.array([60.0]))
    assert line.var() == pytest.approx(noise(own, middle, np.array([60.0]))[0], rel=0.15)


def test_noise_of_work_is_that_of_a_poisson_count() -> None:
    """The same of the logarithm of counts about 80."""
    drawn = np.random.default_rng(2).poisson(80, 4000).astype(np.float64)
    line = on_line(TOUCHES, drawn, drawn)
    assert line.var() == pytest.approx(noise(TOUCHES, line[:1], np.array([80.0]))[0], rel=0.1)


def test_every_measure_belongs_to_a_cause_of_its_own() -> None:
    """One for each cause in a rep's hands, found by either name."""
    assert {m.cause for m in MEASURES.values()} == set(OF_CAUSE)
    assert len(OF_CAUSE) == len(MEASURES) == 5
    assert all(OF_CAUSE[m.cause] is m for m in MEASURES.values())
    assert {m.name for m in MEASURES.values() if m.against is Against.OWN_PAST} == {
        "touches",
        "promptness",
    }


@pytest.mark.parametrize("seed", range(3))
def test_values_are_counts_by_hand(seed: int) -> None:
    """Win rate and deal size of each rep in the newest window, walked through row by row."""
    frame = deals(seed)
    known = record(20, endings=frame)
    start = AS_OF - timedelta(days=WINDOW_DAYS)
    inside = [row for row in frame.to_dict("records") if start <= row["at"] < AS_OF]
    for measure in (WIN_RATE, SIZE):
        got = measured(known, measure, [AS_OF]).set_index("rep_id")
        for rep in sorted({row["rep_id"] for row in inside}):
            own = [row for row in inside if row["rep_id"] == rep]
            won = [row["amount"] for row in own if row["won"]]
            count = len(own) if measure is WIN_RATE else len(won)
            assert (rep in got.index) == (count >= measure.least)
            if rep in got.index:
                value = len(won) / len(own) if measure is WIN_RATE else np.median(won)
                assert got.loc[rep, "value"] == pytest.approx(value)
                assert got.loc[rep, "count"] == count


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_rows_changes_no_goal(seed: int) -> None:
    """Records whose rows stand in another order propose the same."""
    frame = deals(seed)
    one, two = (
        Goals.learned(record(20, endings=rows))
        for rows in (frame, frame.sample(frac=1, random_state=seed))
    )
    for rep in ("r00", "r07", "r19"):
        for cause in ("closing", "deal_size"):
            assert [vars(g) for g in one.propose(rep, cause)] == [
                vars(g) for g in two.propose(rep, cause)
            ]


def test_sizes_in_another_currency_lead_to_the_same_chances() -> None:
    """Amounts a hundred times as high: targets are too, and nothing else changes."""
    frame = deals(4)
    one, two = (
        Goals.learned(record(20, endings=frame.assign(amount=frame["amount"] * factor)))
        for factor in (1, 100)
    )
    proposed = 0
    for rep in one.record.people["rep_id"]:
        mine, theirs = one.propose(rep, "deal_size"), two.propose(rep, "deal_size")
        assert [g.target * 100 for g in mine] == pytest.approx([g.target for g in theirs])
        assert [g.chance for g in mine] == pytest.approx([g.chance for g in theirs])
        proposed += len(mine)
    assert proposed > 0


@pytest.mark.parametrize("seed", range(3))
def test_every_goal_is_called_what_its_chance_says(seed: int) -> None:
    """None is less likely than one in four; likely ones come first and lie nearer."""
    goals = Goals.learned(record(20, endings=deals(seed)))
    every = [goals.propose(rep, "closing") for rep in goals.record.people["rep_id"]]
    assert sum(map(len, every)) > 3
    for own in every:
        assert len(own) <= 2
        assert [g.target for g in own] == sorted(g.target for g in own)
        for goal in own:
            assert goal.chance >= LEAST_CHANCE
            assert goal.label == ("likely" if goal.chance >= LIKELY else "a stretch")
            assert goal.low <= goal.expected <= goal.high
            assert goal.target > goal.now
            assert rounded_target(goal.measure, goal.target) == goal.target


def test_work_is_compared_with_the_reps_own_past() -> None:
    """Who logs a tenth of what others log gets a goal from the own better windows, not theirs."""
    chance = np.random.default_rng(3)
    days = pd.date_range(AS_OF - timedelta(days=730), periods=730).astype("datetime64[us]")
    parts = [
        pd.DataFrame(
            {
                "rep_id": f"r{k:02}",
                "at": days,
                "count": chance.poisson(rate * (1 + (np.arange(730) // 91) % 2), 730),
            }
        )
        for k, rate in enumerate([1.0] + [10.0] * 9)
    ]
    low = parts[0]
    is_now = low["at"] >= AS_OF - timedelta(days=WINDOW_DAYS)
    low.loc[is_now, "count"] = (np.arange(is_now.sum()) % 2).astype(np.int64)
    goals = Goals.learned(record(10, touches=pd.concat(parts, ignore_index=True)))
    own = goals.of["touches"].own_past
    past = own.loc[own["rep_id"] == "r00", "value"]
    proposed = goals.propose("r00", "volume")
    assert proposed
    for goal in proposed:
        assert goal.target <= past.quantile(0.75) * 1.05
        assert goal.compared == len(past)


def test_windows_go_back_as_far_as_they_are_whole() -> None:
    """None begins before the record; a record shorter than a window has the newest alone."""
    for days in (0, 50, 91, 121, 400, 731):
        ends = window_ends(record(1), AS_OF - timedelta(days=days))
        assert ends[0] == AS_OF
        assert all((a - b).days == STEP_DAYS for a, b in pairwise(ends))
        assert len(ends) == 1 + max(days - WINDOW_DAYS, 0) // STEP_DAYS


def steady(surprises: np.ndarray, carried: float, spread: float = 0.04) -> Transitions:
    """Make transitions about a win rate of a half."""
    nothing = pd.DataFrame({n: [] for n in ("rep_id", "end", "place", "value", "count")})
    return Transitions(WIN_RATE, 0.0, spread, carried, 0.0, surprises, nothing, nothing)


def test_a_value_is_drawn_to_the_middle_the_more_the_less_it_rests_on() -> None:
    """Of three deals little is believed, of three thousand nearly all."""
    moves = steady(np.linspace(-1, 1, 41), carried=1.0)
    places = [moves.shrunk(0.7, count) for count in (3.0, 30.0, 300.0, 30_000.0)]
    assert places == sorted(places)
    assert places[0] < 0.05
    assert places[-1] == pytest.approx(np.log(0.7 / 0.3), abs=0.02)
    assert steady(np.zeros(41), 1.0, spread=0.0).shrunk(0.9, 50.0) == 0.0


def test_what_is_not_carried_on_is_expected_at_the_middle() -> None:
    """From nothing to all of a distance: the expected next value moves from the middle out."""
    nexts = [steady(np.zeros(41), c).expected(0.8, 200.0)[0] for c in (0.0, 0.5, 1.0)]
    assert nexts[0] == pytest.approx(0.5)
    assert nexts == sorted(nexts)
    assert nexts[-1] < 0.8


def test_a_chance_is_the_share_of_changes_that_got_there() -> None:
    """Of 41 changes in even steps, half and a half of one reach just what is expected."""
    moves = steady(np.linspace(-2, 2, 41), carried=1.0)
    expected = moves.expected(0.6, 100.0)[0]
    assert moves.chance(0.6, 100.0, expected) == pytest.approx(21.5 / 42)
    assert moves.chance(0.6, 100.0, 1.0) == pytest.approx(0.5 / 42)
    assert moves.chance(0.6, 100.0, 0.0) == pytest.approx(41.5 / 42)


def test_reps_who_only_differ_by_luck_carry_nothing_on() -> None:
    """Equal chances for all: the spread that counting leaves is next to nothing."""
    frame = deals(6)
    alike = frame.assign(won=np.random.default_rng(106).integers(0, 2, len(frame)))
    unlike = frame.assign(won=(frame["rep_id"] < "r10").astype(int))
    assert transitions(record(20, endings=alike), WIN_RATE).spread < 0.06
    assert transitions(record(20, endings=unlike), WIN_RATE).spread > 1.0


def test_of_nothing_nothing_is_learned() -> None:
    """No rows, one rep, one window: not enough to speak of chances, and no error."""
    for known in (
        record(0),
        record(1, touches=work({"r00": [100.0]})),
        record(3, touches=work({f"r{k:02}": [100.0 + k] for k in range(3)})),
    ):
        goals = Goals.learned(known)
        assert not goals.of["touches"].is_enough
        assert goals.of["touches"].before("r00") is None
        assert goals.propose("r00", "volume") == []
        assert levels(known) == {"qualifying": {}, "closing": {}}


def test_who_left_is_not_here_and_who_has_no_name_is_called_by_the_id() -> None:
    """Somebody without a row at all is called by the id too."""
    known = record(2)
    people = known.people.assign(name=["Ada", None], left_at=[pd.NaT, pd.Timestamp("2025-05-01")])
    known = replace(known, people=people)
    assert here(known) == {"r00"}
    assert [named(known, rep) for rep in ("r00", "r01", "r77")] == ["Ada", "r01", "r77"]


@pytest.mark.parametrize("seed", range(3))
def test_levels_are_ratios_about_one(seed: int) -> None:
    """Expected wins add up to those that came; intervals hold the level; luck alone is no level."""
    own = levels(record(20, endings=deals(seed, each=40)))[CLOSING]
    won, expected = sum(r.won for r in own.values()), sum(r.expected for r in own.values())
    assert expected == pytest.approx(won)
    for ratio in own.values():
        assert ratio.low < ratio.level < ratio.high
        assert min(1.0, ratio.won / ratio.expected) <= ratio.level + 1e-9
        assert ratio.level <= max(1.0, ratio.won / ratio.expected) + 1e-9
        assert not (ratio.is_strong and ratio.is_weak)
    frame = deals(seed, each=40)
    alike = frame.assign(won=np.random.default_rng(seed + 100).integers(0, 2, len(frame)))
    lucky = levels(record(20, endings=alike))[CLOSING].values()
    assert max(abs(ratio.level - 1) for ratio in lucky) < 2 * LEAST_SPREAD


def test_only_the_last_year_makes_a_level() -> None:
    """Deals of two years ago change none of it; without newer ones there is none."""
    frame = deals(7)
    old = frame["at"] < AS_OF - timedelta(days=365)
    whole, newer = (levels(record(20, endings=rows))[CLOSING] for rows in (frame, frame[~old]))
    assert whole == newer
    assert levels(record(20, endings=frame[old]))[CLOSING] == {}


def test_the_table_of_chances_counts_each_goal_once_a_view() -> None:
    """By label, measure and bin; two companies' reps of one id are two; no goals, no rows."""
    goals = pd.DataFrame(
        {"rep_id": ["a", "b", "a", "b"], "measure": "win_rate", "label": "likely",
         "chance": [0.5, 0.52, 0.6, 0.62], "reached": [1.0, 0.0, 1.0, 1.0],
         "company": [1, 1, 2, 2]}
    )  # fmt: skip
    table = calibration(goals).set_index("group")
    assert table.loc["label: likely", "goals"] == 4
    bins = table[table.index.str.startswith("chance: ")]
    assert bins["goals"].tolist() == [2, 2]
    assert bins["said"].tolist() == pytest.approx([0.51, 0.61])
    assert bins["reached"].tolist() == [0.5, 1.0]
    assert len(calibration(goals.iloc[:0])) == 0
    assert off_line(WIN_RATE, 0.0, 20.0) == pytest.approx(0.5)
