"""One day of a company. Read `step` first: it is the whole machinery, in the order of a day.

Everything is a chance per day, for all leads and deals of all worlds at once. Draws come from one
stream for each kind of event, so that two futures that differ in one thing stay alike in others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from features.simulation.rows import Array, Rows
from features.simulation.settings import Settings
from features.simulation.state import CAUSES, Calendar, State, potentials, skills

NEW, ATTEMPTING, CONNECTED, MEETING = range(4)
DISCOVERY, PROPOSAL, NEGOTIATION, LEGAL = range(4)
OUTBOUND = 0
RUSH_DAYS = 6
"""Working days at a quarter's end in which deals are pulled in and swept out."""
SEASON = (0.97, 1.0, 1.05, 1.02, 1.03, 1.02, 0.92, 0.85, 1.06, 1.08, 1.05, 0.95)
"""Leads by calendar month, beside the average."""
TROUBLE = {
    "closing": {"closing": 0.5},
    "qualifying": {"qualifying": 0.57},
    "volume": {"volume": 0.4},
    "follow_up": {"speed": 0.12, "persistence": 0.4},
}
"""What a planted cause does to a rep's skills; the others act where they are named below."""
BACK = 0.85
"""How much of a market's state is left after a quarter: good and bad times pass."""
SHRUNKEN_DEALS, SLOW_LEGAL, DIVERTED = 0.6, 5.0, 0.65
SHOCK = {"conversion": -0.30, "win": -0.25, "amount": 0.79, "pace": 0.69}
"""Together these bring about the published falls (win rate -18 %, size -21 %, slips +44 %)."""


@dataclass
class Streams:
    """Where each kind of chance comes from."""

    market: np.random.Generator
    staff: np.random.Generator
    arrivals: np.random.Generator
    leads: np.random.Generator
    deals: np.random.Generator

    @classmethod
    def of(cls, *seed: int) -> Streams:
        """Spread a seed over the streams."""
        children = np.random.SeedSequence(list(seed)).spawn(5)
        return cls(*(np.random.Generator(np.random.PCG64(child)) for child in children))


@dataclass(frozen=True)
class Alike:
    """A world that differs from ours in what is asked of it.

    Attributes:
        untroubled: nothing is planted.
        ramped: new reps work like old ones.
        level: all territories have the same potential.
        average: everybody has average skills.
    """

    untroubled: bool = False
    ramped: bool = False
    level: bool = False
    average: bool = False


OURS = Alike()


@dataclass
class Given:
    """What came to a company from outside, day by day, to be given to another world of it."""

    arrivals: dict[int, Rows] = field(default_factory=dict)
    seats: dict[int, Rows] = field(default_factory=dict)
    market: dict[int, float] = field(default_factory=dict)


@dataclass
class Day:
    """What a day brought.

    Attributes:
        number: of the day.
        leads: the leads of that day, over which the masks about leads go.
        deals: the deals of that day, those opened on it excepted.
        arrived: which leads are new.
        opened: new deals.
        masks: by event, which leads or deals it happened to.
        left: seat and person of those who left.
        chance: each lead's chance to become a deal on that day.
        wins: each deal's chance to be won on that day.
        revenue: that chance times the amount.
    """

    number: int
    leads: Rows
    deals: Rows
    arrived: Array
    opened: Rows | None = None
    masks: dict[str, Array] = field(default_factory=dict)
    left: list[tuple[int, int]] = field(default_factory=list)
    chance: Array | None = None
    wins: Array | None = None
    revenue: Array | None = None


@dataclass(frozen=True)
class Machine:
    """The settings and the calendar a day is played by."""

    settings: Settings
    calendar: Calendar
    alike: Alike = OURS

    def step(self, state: State, streams: Streams, given: Given | None = None) -> Day:
        """Play one day; the state is changed.

        Args:
            state: at the beginning of the day.
            streams: chances.
            given: what comes from outside; None draws it.

        Returns:
            What happened, for those who write it down.
        """
        if self.calendar.opens[state.day]:
            self._open_quarter(state, streams, given)
        left = self._staff(state, streams, given)
        self._arrive(state, streams, given)
        day = Day(state.day, state.leads, state.deals, state.leads["created"] == state.day)
        day.left = left
        day.masks["visited"] = self._visits(state, streams)
        if self.calendar.workday[state.day]:
            self._work(state, streams, day)
        self._cool(state)
        state.day += 1
        return day

    # What comes from outside.

    def _open_quarter(self, state: State, streams: Streams, given: Given | None) -> None:
        """Let the market move and spells of trouble begin and end."""
        if given is not None:
            state.market = np.full(state.worlds, given.market[state.day])
            return
        step = streams.market.normal(0, self.settings.drift, state.worlds)
        state.market = BACK * state.market + step
        seats, quarter = state.seats, int(self.calendar.quarter[state.day])
        count = len(seats)
        seats["cause"] = np.where(seats["cause_end"] <= quarter, 0, seats["cause"]).astype(np.int8)
        begins = streams.staff.random(count) < self.settings.planted
        which = streams.staff.integers(1, len(CAUSES), count)
        long = streams.staff.integers(1, 4, count)
        begins &= (seats["cause"] == 0) & (seats["vacant"] < 0)
        seats["cause"] = np.where(begins, which, seats["cause"]).astype(np.int8)
        seats["cause_end"] = np.where(begins, quarter + long, seats["cause_end"])

    def _staff(self, state: State, streams: Streams, given: Given | None) -> list[tuple[int, int]]:
        """Let people leave and join; their leads and deals, and a few others, change hands."""
        seats, settings = state.seats, self.settings
        before = seats["person"].copy(), seats["vacant"].copy()
        if given is not None:
            state.seats = seats = given.seats[state.day].tiled(state.worlds)
            gone = (seats["vacant"] >= 0) & (before[1] < 0)
        else:
            daily = 1 - (1 - settings.leave_yearly) ** (1 / 365)
            gone = (streams.staff.random(len(seats)) < daily) & (seats["vacant"] < 0)
            fill = (seats["vacant"] >= 0) & (seats["vacant"] <= state.day)
            if gone.any():
                seats["vacant"] = np.where(gone, state.day + settings.vacancy_days, seats["vacant"])
                seats["cause"] = np.where(gone, 0, seats["cause"]).astype(np.int8)
            if fill.any():
                self._join(state, np.flatnonzero(fill), streams.staff)
        left = [(int(seat), int(before[0][seat])) for seat in np.flatnonzero(gone)]
        self._change_hands(state, streams, gone)
        return left

    def _join(self, state: State, places: Array, draws: np.random.Generator) -> None:
        seats, count = state.seats, len(places)
        for name, values in skills(self.settings, draws, count).items():
            seats[name] = seats[name].copy()
            seats[name][places] = values
        for name in ("person", "hired", "vacant"):
            seats[name] = seats[name].copy()
        seats["person"][places] = state.next_id["person"] + np.arange(count)
        state.next_id["person"] += count
        seats["hired"][places] = state.day
        seats["vacant"][places] = -1

    def _change_hands(self, state: State, streams: Streams, gone: Array) -> None:
        for rows, draws, daily in (
            (state.leads, streams.leads, self.settings.moves),
            (state.deals, streams.deals, self.settings.moves / 3),
        ):
            which = rows["open"] & ((draws.random(len(rows)) < daily) | gone[rows["seat"]])
            places = np.flatnonzero(which)
            if len(places):
                seat = rows["seat"].copy()
                seat[places] = self._pick(state, self._ground(state, seat[places]), draws)
                rows["seat"] = seat

    def _ground(self, state: State, seat: Array) -> Array:
        """Number a seat's territory, each world's apart."""
        world = seat // state.seats_each
        return np.asarray(world * self.settings.territories + state.seats["territory"][seat])

    def _pick(self, state: State, ground: Array, draws: np.random.Generator) -> Array:
        """Pick a seat that is filled in each territory, or any seat there if none is."""
        everyone = self._ground(state, np.arange(len(state.seats)))
        filled = state.seats["vacant"] < 0
        count = np.bincount(everyone, minlength=state.worlds * self.settings.territories)
        active = np.bincount(everyone[filled], minlength=len(count))
        usable = filled | (active[everyone] == 0)
        order = np.flatnonzero(usable)
        order = order[np.argsort(everyone[order], kind="stable")]
        size = np.bincount(everyone[order], minlength=len(count))
        first = np.cumsum(size) - size
        return order[first[ground] + (draws.random(len(ground)) * size[ground]).astype(np.int64)]

    def _potential(self) -> Array:
        true = potentials(self.settings)
        return np.ones_like(true) if self.alike.level else true

    def _arrive(self, state: State, streams: Streams, given: Given | None) -> None:
        """Let new leads come in, each to a rep of its territory."""
        if given is not None and not self.alike.level:
            one = given.arrivals[state.day]
            rows = one.tiled(state.worlds)
            shift = np.repeat(np.arange(state.worlds) * state.seats_each, len(one))
            rows["seat"] = rows["seat"] + shift
            state.leads = state.leads.with_(rows)
            return
        settings, draws = self.settings, streams.arrivals
        date = self.calendar.date(state.day)
        season = SEASON[date.month - 1] * (1.25 if self.calendar.workday[state.day] else 0.375)
        home = state.seats["territory"][: state.seats_each]
        seats = np.bincount(home, minlength=settings.territories)
        pull = self._potential() ** 0.4
        rate = settings.leads_per_month / 30.4 * seats * pull * season
        pace = np.exp(0.5 * state.market)[:, None] * rate[None, :]
        ground = np.repeat(np.arange(pace.size), draws.poisson(pace.ravel()))
        count = len(ground)
        seat = self._pick(state, ground, draws)
        market = state.market[seat // state.seats_each]
        shares = np.cumsum(settings.source_share)
        source = np.searchsorted(shares / shares[-1], draws.random(count), side="right")
        source = np.minimum(source, len(shares) - 1)
        diverted = self._has(state, "lead_mix")[seat] & (draws.random(count) < DIVERTED)
        source = np.where(diverted, OUTBOUND, source)
        potential = self._potential()[ground % settings.territories]
        value = settings.deal_value * potential**0.35
        value = value * np.exp(draws.normal(0, settings.value_spread, count))
        warmth = np.asarray(settings.source_interest)[source] * np.exp(0.3 * market)
        new = {
            "id": state.next_id["lead"] + np.arange(count),
            "seat": seat,
            "created": np.full(count, state.day),
            "source": source.astype(np.int8),
            "value": value,
            "fit": draws.normal(0, settings.fit_spread, count),
            "interest": warmth * np.exp(draws.normal(0, settings.interest_spread, count)),
            "stage": np.zeros(count, dtype=np.int8),
            "stage_day": np.full(count, state.day),
            "touches": np.zeros(count, dtype=np.int16),
            "last_touch": np.full(count, state.day - 30),
            "open": np.ones(count, dtype=np.bool_),
        }
        state.next_id["lead"] += count
        state.leads = state.leads.with_(Rows(new))

    def _visits(self, state: State, streams: Streams) -> Array:
        """Say which leads come to the web site by themselves; interest shows in that."""
        rate = self.settings.visits * state.leads["interest"]
        return (streams.leads.random(len(rate)) < 1 - np.exp(-rate)) & state.leads["open"]

    # What reps do.

    def _has(self, state: State, cause: str) -> Array:
        if self.alike.untroubled:
            return np.zeros(len(state.seats), dtype=np.bool_)
        return np.asarray(state.seats["cause"] == CAUSES.index(cause))

    def traits(self, state: State) -> dict[str, Array]:
        """Give each seat's skills as they work today, trouble and ramp included."""
        seats = state.seats
        names = ("volume", "qualifying", "closing", "speed", "persistence")
        now = {n: np.ones(len(seats)) if self.alike.average else seats[n] for n in names}
        for cause, harm in TROUBLE.items():
            has = self._has(state, cause)
            for skill, factor in harm.items():
                now[skill] = np.where(has, now[skill] * factor, now[skill])
        if not self.alike.ramped:
            ramp = np.clip((state.day - seats["hired"]) / self.settings.ramp_days, 0, 1)
            now["volume"] = now["volume"] * (0.4 + 0.6 * ramp)
            for skill in ("qualifying", "closing"):
                now[skill] = now[skill] * (0.55 + 0.45 * ramp)
        now["volume"] = np.where(seats["vacant"] < 0, now["volume"], 0.0)
        return now

    def _work(self, state: State, streams: Streams, day: Day) -> None:
        now = self.traits(state)
        leads, deals = state.leads, state.deals
        wish = self._wish_leads(state, now), self._wish_deals(state)
        total = np.bincount(leads["seat"], wish[0], minlength=len(state.seats))
        total += np.bincount(deals["seat"], wish[1], minlength=len(state.seats))
        each = self.settings.capacity * now["volume"] / np.maximum(total, 20.0)
        touched = [
            draws.random(len(rows)) < 1 - np.exp(-each[rows["seat"]] * weight)
            for rows, draws, weight in (
                (leads, streams.leads, wish[0]),
                (deals, streams.deals, wish[1]),
            )
        ]
        # Deals first: what a lead becomes today is worked on from tomorrow.
        self._deals(state, streams.deals, now, touched[1], day)
        self._leads(state, streams.leads, now, touched[0], day)

    def _wish_leads(self, state: State, now: dict[str, Array]) -> Array:
        """How much each lead asks for attention; the hot and the new first."""
        leads = state.leads
        seat, stage = leads["seat"], leads["stage"]
        due = np.clip((state.day - leads["last_touch"]) / 3.5, 0.1, 1.5)
        weight = np.choose(stage, (8.0, 0.9, 1.4, 2.2))
        eager = np.where(stage == NEW, now["speed"][seat], 1.0)
        tired = np.where(
            stage == ATTEMPTING, np.exp(-leads["touches"] / (7 * now["persistence"][seat])), 1.0
        )
        return weight * eager * tired * due * np.sqrt(leads["interest"]) * leads["open"]

    def _wish_deals(self, state: State) -> Array:
        due = np.clip((state.day - state.deals["last_touch"]) / 4.0, 0.1, 1.5)
        return 3.0 * due * state.deals["open"]

    def _leads(
        self,
        state: State,
        draws: np.random.Generator,
        now: dict[str, Array],
        touched: Array,
        day: Day,
    ) -> None:
        """What becomes of leads: contact, meeting, deal, or nothing."""
        settings, leads = self.settings, state.leads
        seat, stage, interest = leads["seat"], leads["stage"].copy(), leads["interest"]
        touched &= leads["open"]
        count = len(leads)
        reach = settings.contact * np.sqrt(interest)
        reach = reach * np.where(leads["touches"] > 0, settings.contact_fall, 1.0)
        reach = reach * (1 + 0.8 * np.exp(-(state.day - leads["created"]) / 1.5))
        connected = touched & (draws.random(count) < reach)
        fit = np.exp(leads["fit"])
        meets = settings.meeting * np.sqrt(now["qualifying"][seat] * fit) * interest**0.3
        met = (
            connected & (stage >= CONNECTED) & (stage < MEETING) & (draws.random(count) < 2 * meets)
        )
        met |= connected & (stage < CONNECTED) & (draws.random(count) < meets)
        before = stage.copy()
        stage = np.where(touched & (stage == NEW), ATTEMPTING, stage)
        stage = np.where(connected & (stage < CONNECTED), CONNECTED, stage)
        stage = np.where(met, MEETING, stage).astype(np.int8)
        leads["stage"] = stage
        leads["stage_day"] = np.where(stage != before, state.day, leads["stage_day"])
        leads["touches"] = leads["touches"] + touched.astype(np.int16)
        leads["last_touch"] = np.where(touched, state.day, leads["last_touch"])
        leads["interest"] = np.where(connected, np.minimum(interest * 1.25 + 0.1, 4.0), interest)

        fresh = np.where(state.day - leads["last_touch"] <= 7, 1.15, 0.85)
        world = seat // state.seats_each
        good = self._potential()[state.seats["territory"][seat]] ** 0.25
        rate = np.asarray(settings.convert)[stage] * leads["interest"] ** 0.65 * fit * fresh
        rate = rate * now["qualifying"][seat] * good
        rate = rate * np.exp(state.market + self._shock(state.day, "conversion"))[world]
        given_up = np.where(
            stage == ATTEMPTING,
            0.06 / (1 + np.exp(-(leads["touches"] - settings.patience * now["persistence"][seat]))),
            0.0,
        )
        fall = np.asarray(settings.lose)[stage] / np.sqrt(leads["interest"] + 0.05) + given_up
        if settings.signal < 1:
            flat_rate, flat_fall = 0.005, 0.02
            rate = flat_rate * (rate / flat_rate) ** settings.signal
            fall = flat_fall * (fall / flat_fall) ** settings.signal
        chance = (1 - np.exp(-rate)) * leads["open"]
        u = draws.random(count)
        converted = u < chance
        lost = ~converted & (u < chance + 1 - np.exp(-fall)) & leads["open"]
        leads["open"] = leads["open"] & ~converted & ~lost
        day.chance = chance
        day.masks |= {
            "touched": touched,
            "connected": connected,
            "met": met,
            "staged": stage != before,
            "converted": converted,
            "lost": lost,
        }
        if converted.any():
            self._open_deals(state, draws, now, np.flatnonzero(converted), day)

    def _shock(self, day: int, what: str) -> float:
        """Give the log change of a broken market, 0 before and without one."""
        return SHOCK[what] if self.is_shocked(day) else 0.0

    def is_shocked(self, day: int) -> bool:
        """Tell whether the market is broken."""
        month = self.settings.shock_month
        if not month:
            return False
        start = self.settings.start
        at = start.month - 1 + month
        moment = start.replace(year=start.year + at // 12, month=at % 12 + 1)
        return self.calendar.date(day) >= moment

    def _open_deals(
        self,
        state: State,
        draws: np.random.Generator,
        now: dict[str, Array],
        places: Array,
        day: Day,
    ) -> None:
        leads, settings, count = state.leads, self.settings, len(places)
        seat = leads["seat"][places]
        amount = leads["value"][places] * np.exp(draws.normal(0, 0.15, count))
        amount = np.where(self._has(state, "deal_size")[seat], amount * SHRUNKEN_DEALS, amount)
        if self.is_shocked(state.day):
            amount = amount * SHOCK["amount"]
        wait = self._cycle(amount) * np.exp(draws.normal(0, 0.3, count))
        # Better qualified leads make better deals, as a hidden part of their odds.
        quality = draws.normal(0, settings.quality_spread, count) + 0.4 * leads["fit"][places]
        quality = quality + 0.35 * np.log(now["qualifying"][seat])
        deals = Rows(
            {
                "id": state.next_id["deal"] + np.arange(count),
                "lead": leads["id"][places],
                "seat": seat,
                "created": np.full(count, state.day),
                "source": leads["source"][places],
                "stage": np.zeros(count, dtype=np.int8),
                "stage_day": np.full(count, state.day),
                "last_touch": np.full(count, state.day),
                "pushes": np.zeros(count, dtype=np.int8),
                "due": state.day + np.maximum(wait, 10).astype(np.int64),
                "amount": np.rint(amount / 50).astype(np.int64) * 5_000,
                "quality": quality,
                "open": np.ones(count, dtype=np.bool_),
            }
        )
        state.next_id["deal"] += count
        day.opened = deals
        state.deals = state.deals.with_(deals)

    def _cycle(self, amount: Array) -> Array:
        """Give the usual days from a deal's opening to its winning, by amount in money."""
        settings = self.settings
        return np.asarray(settings.cycle_days * (amount / 25_000) ** settings.cycle_by_size)

    def _deals(
        self,
        state: State,
        draws: np.random.Generator,
        now: dict[str, Array],
        touched: Array,
        day: Day,
    ) -> None:
        """What becomes of deals: the next stage, a later date, won, or lost."""
        settings, deals = self.settings, state.deals
        seat, stage, count = deals["seat"], deals["stage"].copy(), len(deals)
        touched &= deals["open"]
        deals["last_touch"] = np.where(touched, state.day, deals["last_touch"])
        amount = np.maximum(deals["amount"] / 100, 500.0)
        world = seat // state.seats_each
        rushing = self.calendar.workdays_left[state.day] <= RUSH_DAYS

        odds = np.log(settings.win_rate / (1 - settings.win_rate)) + deals["quality"]
        odds = odds - settings.win_by_size * np.log(amount / 25_000) + np.log(now["closing"][seat])
        odds = odds + (0.5 * state.market + self._shock(state.day, "win"))[world]
        odds = odds - 0.6 * deals["pushes"]
        passes = (1 / (1 + np.exp(-odds))) ** (1 / 3)
        if settings.signal < 1:
            passes = 0.65 * (passes / 0.65) ** settings.signal
        workdays = np.maximum(self._cycle(amount) * 5 / 7 - settings.legal_days, 6.0)
        leave = 3 / workdays * (SHOCK["pace"] if self.is_shocked(state.day) else 1.0)
        stalled = np.where(state.day - deals["last_touch"] > 9, 0.55, 1.0)
        ahead = leave * passes * stalled
        gone = leave * (1 - passes)
        slow = self._has(state, "internal_delay")[seat]
        signs = 1 / settings.legal_days / np.where(slow, SLOW_LEGAL, 1.0)
        is_legal = stage == LEGAL
        ahead = np.where(is_legal, signs, ahead)
        gone = np.where(is_legal, 0.006, gone)
        if rushing:
            small = np.clip((25_000 / amount) ** 0.25, 0.6, 1.4)
            ahead = np.where(
                stage >= NEGOTIATION, ahead * (1 + (settings.end_rush - 1) * small), ahead
            )
            stale = (deals["pushes"] > 0) | (deals["due"] <= state.day + 45)
            gone = np.where(stale & ~is_legal, gone * settings.end_clearing, gone)
        ahead, gone = (1 - np.exp(-ahead)) * deals["open"], (1 - np.exp(-gone)) * deals["open"]
        u = draws.random(count)
        advanced = u < ahead
        lost = ~advanced & (u < ahead + gone)
        won = advanced & is_legal
        moved = advanced & ~is_legal
        deals["stage"] = (stage + moved).astype(np.int8)
        deals["stage_day"] = np.where(moved, state.day, deals["stage_day"])
        haggled = moved & (stage == PROPOSAL)
        factor = np.where(haggled, np.exp(draws.normal(-0.03, 0.1, count)), 1.0)
        factor = np.where(won & rushing, 0.92, factor)
        changed = haggled | (won & rushing)
        priced = np.rint(deals["amount"] * factor / 5_000).astype(np.int64) * 5_000
        day.wins = ahead * is_legal
        day.revenue = ahead * is_legal * deals["amount"] * (0.92 if rushing else 1.0)
        deals["amount"] = np.where(changed, priced, deals["amount"])
        late = deals["open"] & ~won & ~lost & (deals["due"] <= state.day)
        further = 10 + (draws.random(count) * 35).astype(np.int64)
        deals["due"] = np.where(late, state.day + further, deals["due"])
        deals["pushes"] = np.minimum(deals["pushes"] + late, 9).astype(np.int8)
        deals["open"] = deals["open"] & ~won & ~lost
        day.deals = state.deals
        day.masks |= {
            "deal_touched": touched,
            "deal_staged": moved,
            "priced": changed,
            "pushed": late,
            "won": won,
            "deal_lost": lost,
        }

    def _cool(self, state: State) -> None:
        """Let interest fall, slower once there has been contact."""
        settings, leads = self.settings, state.leads
        life = np.where(
            leads["stage"] >= CONNECTED, settings.warm_half_life, settings.cold_half_life
        )
        leads["interest"] = leads["interest"] * np.exp2(-1 / life)
