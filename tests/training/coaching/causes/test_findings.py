"""The whole way from tables to told causes, in companies written by hand: edges and invariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lives import (
    ANN,
    BOB,
    CLEO,
    PARAMS,
    QUARTER,
    Life,
    company,
    drawn_deals,
    drawn_leads,
    observed,
    us,
)
from pandas.testing import assert_frame_equal

from training.coaching.causes.believed import SLOPES, believe
from training.coaching.causes.channels import Channel
from training.coaching.causes.company import Company, Entities
from training.coaching.causes.find import causes_of_period, won_by
from training.coaching.causes.priors import learned_prior
from training.coaching.causes.spells import mean_shift, normal, poisson, spells
from training.coaching.causes.told import COLUMNS, OWN, Told, frame_of, ranked, typed

MOMENTS = pd.Timestamp("1970-04-01"), pd.Timestamp("1970-06-30")
SINCE = pd.Timestamp("2025-01-01")


def found(known: Company) -> pd.DataFrame:
    """Return the causes of a company's last period."""
    end = int(known.quotas["end"].max())
    return causes_of_period(known, end - us(QUARTER), end, PARAMS)


def sold(seed: int = 1, *, reps: int = 4, periods: int = 2, as_of: float | None = None) -> Company:
    """Make a company whose deals come from its leads, reps being alike."""
    leads = drawn_leads(seed, 60, (0.03,) * reps)
    deals = drawn_deals(seed, 0, (0.7,) * reps, leads)
    return company(leads, deals, reps=reps, periods=periods, as_of=as_of)


def check_contract(frame: pd.DataFrame) -> None:
    """Assert what holds of every frame of causes."""
    assert tuple(frame.columns) == COLUMNS
    assert np.isfinite(frame[["size", "low", "high", "p"]].to_numpy()).all()
    assert (frame["low"] <= frame["size"]).all()
    assert (frame["size"] <= frame["high"]).all()
    assert frame["p"].between(0, 1).all()
    assert (frame["theirs"] == frame["cause"].isin(OWN)).all()
    for ranks in frame.groupby("rep_id")["rank"].apply(list):
        assert ranks == list(range(1, len(ranks) + 1))


@pytest.mark.parametrize("seed", range(2))
def test_every_rep_of_a_plain_company_is_told_something(seed: int) -> None:
    """Alike reps: each has a first cause, and none an own one that is sure and large."""
    frame = found(sold(seed))
    check_contract(frame)
    assert set(frame["rep_id"]) == {"r0", "r1", "r2", "r3"}
    blamed = frame[frame["theirs"] & (frame["p"] >= 0.8) & (frame["low"] > 0.1)]
    assert len(blamed) <= 1


@pytest.mark.parametrize(
    "known",
    [
        company(),
        company(reps=1, periods=1),
        company(drawn_leads(1, 40, (0.03,)), reps=1),
        company((), drawn_deals(1, 40, (0.7,)), reps=1, periods=1),
        company([Life(ANN, 1.0)], [Life(BOB, 1.0, 5.0, won=True)], as_of=100),
        company([Life(-1, 1.0, 9.0)], [Life(-1, 1.0, 5.0, won=True)]),
        company(touches=[(ANN, 3, 5)]),
    ],
    ids=["nothing", "one rep, one period", "leads", "deals", "one of each", "nobody's", "a touch"],
)
def test_hardly_any_rows_are_no_error_and_no_blame(known: Company) -> None:
    """However little there is: the contract holds, and nobody is told a sure own cause."""
    frame = found(known)
    check_contract(frame)
    assert set(frame["rep_id"]) == set(known.reps)
    assert not (frame["theirs"] & (frame["p"] >= 0.7)).any()


def test_amounts_and_quotas_in_cents_tell_the_same() -> None:
    """Sizes are shares of the quota: no currency is in them."""
    known = sold(2)

    def in_cents(rows: Entities) -> Entities:
        return replace(rows, value=rows.value * 100, final=rows.final * 100)

    cents = replace(
        known,
        leads=in_cents(known.leads),
        deals=in_cents(known.deals),
        quotas=known.quotas.assign(amount=known.quotas["amount"] * 100),
    )
    assert_frame_equal(found(cents), found(known), rtol=1e-6, atol=1e-9)


def test_leads_in_another_order_tell_the_same() -> None:
    """Which lead stands first in the table has no weight."""
    leads = drawn_leads(3, 40, (0.03, 0.03, 0.03))
    deals = drawn_deals(3, 0, (0.7,) * 3, leads)
    one, two = (found(company(rows, deals, reps=3)) for rows in (leads, leads[::-1]))
    assert_frame_equal(one, two, rtol=1e-6, atol=1e-9)


def test_what_comes_after_the_moment_tells_nothing() -> None:
    """Ends, touches and leads from later on leave every cause as it was."""
    leads = [o for o in drawn_leads(4, 50, (0.03, 0.03, 0.03)) if o.created < 150]
    is_over = [o.ended is not None and o.ended <= 150 for o in leads]
    then = [
        o if over else replace(o, ended=None, won=False)
        for o, over in zip(leads, is_over, strict=True)
    ]
    later = [
        o if over else replace(o, ended=170.0, won=True, handed=((160, CLEO),))
        for o, over in zip(leads, is_over, strict=True)
    ]
    one, two = (found(company(rows, reps=3, as_of=150)) for rows in (then, later))
    assert_frame_equal(one, two)


@pytest.mark.parametrize("seed", range(2))
def test_who_stops_converting_is_told_so(seed: int) -> None:
    """Four quarters as the others, then hardly a lead in the last: `qualifying`, since then."""
    usual = drawn_leads(seed, 240, (0.03,) * 8, days=360)
    late = [
        replace(
            o,
            created=o.created + 270,
            ended=None if o.ended is None else o.ended + 270,
            stages=((o.created + 270, 0),),
        )
        for o in drawn_leads(seed + 50, 60, (0.004,), days=90)
    ]
    leads = [o for o in usual if not (o.rep == ANN and o.created >= 270)] + late
    deals = drawn_deals(seed, 0, (0.7,) * 8, leads)
    frame = found(company(leads, deals, reps=8, periods=4))
    own = frame[(frame["rep_id"] == "r0") & (frame["cause"] == "qualifying")]
    others = frame[(frame["rep_id"] != "r0") & (frame["cause"] == "qualifying")]
    assert own["p"].item() > 0.6
    assert own["size"].item() > 0
    assert (others["p"] < 0.5).all()
    assert own["since"].item() == pd.Timestamp("1970-01-01") + pd.Timedelta(days=270)


def test_what_was_won_counts_from_a_moment_of_ones_own() -> None:
    """Of the last owner, and only what is won: lost and open deals bring nothing."""
    deals = [
        Life(ANN, 0, 10, won=True, value=5.0),
        Life(ANN, 0, 50, won=True, value=7.0, handed=((20, BOB),)),
        Life(BOB, 0, 60, value=100.0),
        Life(CLEO, 0, value=100.0),
        Life(ANN, 0, 100, won=True, value=11.0),
    ]
    known = observed(company((), deals, reps=3))
    assert won_by(known, np.zeros(3)).tolist() == [16.0, 7.0, 0.0]
    assert won_by(known, np.array([us(20), us(60), 0], dtype=np.float64)).tolist() == [11.0, 0, 0]


def test_of_nothing_every_belief_is_what_it_was() -> None:
    """Without a lead, deal or touch all channels are silent, and no exponent leaves its grid."""
    believed = believe(observed(company(reps=3)), PARAMS)
    assert set(believed.channels) == set(believed.filtered) == set(believed.priors)
    for channel in believed.channels.values():
        assert np.ptp(channel.log_likelihood, axis=-1).max() < 1e-3
    assert max(float(filtered.p.max()) for filtered in believed.filtered.values()) < 0.2
    assert set(believed.moves["volume"]) == {"first", "later", "qualifying", "advance"}
    assert 1.0 in SLOPES
    assert 0.0 in SLOPES


def seen_as(mean: np.ndarray, doubt: float = 0.05) -> Channel:
    """Return a channel of known means."""
    likelihood = normal(mean, np.full(mean.shape, doubt**2))
    return Channel("closing", likelihood, mean, mean, np.ones(mean.shape))


@pytest.mark.parametrize("seed", range(2))
def test_how_unlike_reps_are_is_learned_from_them(seed: int) -> None:
    """The spread of lasting levels that is believed grows with the one that is there."""
    chance = np.random.default_rng(seed)
    known = observed(company(reps=60, periods=4))
    levels = chance.normal(0, 1, (60, 1))
    spreads = [
        learned_prior(seen_as(np.broadcast_to(s * levels, (60, 4))), known, PARAMS).spread
        for s in (0.02, 0.15, 0.4)
    ]
    assert spreads == sorted(spreads)
    assert spreads[0] <= 0.12
    assert spreads[-1] >= 0.3


@pytest.mark.parametrize("seed", range(2))
def test_how_much_periods_wobble_is_learned_from_them(seed: int) -> None:
    """The same of what single periods differ by."""
    chance = np.random.default_rng(seed)
    known = observed(company(reps=40, periods=6))
    noise = chance.normal(0, 1, (40, 6))
    wobbles = [learned_prior(seen_as(w * noise), known, PARAMS).wobble for w in (0.02, 0.3)]
    assert wobbles[0] < wobbles[1]
    assert wobbles[1] >= 0.16


def test_the_mean_shift_is_nothing_before_a_spell_and_lasts_while_it_is_on() -> None:
    """By period: the usual, then about the log of a half from the spell's beginning on."""
    known = observed(company())
    seen = np.array([[40.0, 40, 40, 20, 20], [40.0, 40, 40, 40, 40]])
    prior = learned_prior(seen_as(np.zeros((2, 2))), known, PARAMS)
    filtered = spells(poisson(seen, np.full(seen.shape, 40.0)), prior)
    shift = mean_shift(filtered)
    assert np.abs(shift[0, :3]).max() < 0.1
    assert shift[0, 3:] == pytest.approx(np.full(2, np.log(0.5)), abs=0.2)
    assert np.abs(shift[1]).max() < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_an_unsure_own_cause_never_stands_before_a_sure_outside_one(seed: int) -> None:
    """Over drawn lists of causes that cost something; and among the sure the larger comes first."""
    chance = np.random.default_rng(seed)
    names = [*OWN, "lead_mix", "territory", "ramp", "internal_delay"]
    drawn = [
        Told(0, str(name), float(size), float(size) - 0.1, float(size) + 0.1, float(p), SINCE,
             "says", is_spell=bool(spell))
        for name, size, p, spell in zip(
            chance.choice(names, 12), chance.uniform(-0.05, 0.5, 12), chance.random(12),
            chance.integers(0, 2, 12), strict=True)
    ]  # fmt: skip
    order = ranked(drawn, PARAMS)
    sure = [
        c.size >= PARAMS.least_size
        and (
            (c.is_spell and c.p >= PARAMS.sure_from)
            or (c.cause not in OWN and not c.is_spell and c.low > 0)
        )
        for c in order
    ]
    assert sure == sorted(sure, reverse=True)
    for kind in (True, False):
        sizes = [c.size for c, is_sure in zip(order, sure, strict=True) if is_sure == kind]
        assert sizes == sorted(sizes, reverse=True)
    assert all(c.size >= PARAMS.least_size or c.p >= PARAMS.sure_from for c in order)
    assert ranked(order[::-1], PARAMS) == order


def test_a_rep_without_causes_is_on_track_or_unlucky() -> None:
    """By the gap alone: whoever is ahead lost nothing to luck, and nothing has no share."""
    gaps = np.array([0.4, 0.01, -0.3, np.nan])
    frame = frame_of({}, gaps, {k: f"r{k}" for k in range(4)}, MOMENTS, 0.03)
    check_contract(frame)
    assert frame["cause"].tolist() == ["luck"] * 4
    assert frame["size"].tolist() == [0.4, 0.01, 0.0, 0.0]
    assert frame["evidence"].tolist() == ["no cause stands out from chance", *["on track"] * 3]
    assert frame["share"].notna().tolist() == [True, False, False, False]


def test_a_frame_of_nothing_has_the_types_of_a_full_one() -> None:
    """So that files of both can be put together."""
    full = frame_of({}, np.array([0.4]), {0: "r0"}, MOMENTS, 0.03)
    assert typed([]).dtypes.to_dict() == full.dtypes.to_dict()
    assert len(typed([])) == 0
