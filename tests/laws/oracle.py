"""The slow truth: every feature, owner and label, from rows of plain Python, one at a time.

Written from the contract and from what declarations say of themselves, never from the code that
compiles them; it shares with the product only the declarations and the words they are filled with.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from extract import Extract, Row, is_visible
from pasts import Shown, number, text

from features.feature import (
    Aggregate,
    Aggregation,
    Feature,
    FeatureSet,
    PeerRank,
    Ratio,
    Relation,
    Unit,
    WorkingDaysAhead,
)
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.subjects import LEAD, Subject

NOTHING = math.nan
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
"""Offsets of time zones and hours of work are whole quarters of an hour."""
EPOCH = datetime(1970, 1, 1)
TOLERANCE = 1e-9
UNBELIEVABLE = 1e12
"""Amounts from here on are taken for typing errors and count as empty."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Happening:
    """A row of a history: when it was, its words as places in their lists, its thousandths."""

    at: datetime
    words: Mapping[str, int | None]
    amounts: Mapping[str, int | None]


@dataclass(frozen=True)
class Key:
    """One open lead at one cutoff."""

    lead_id: str
    cutoff: datetime
    owner: str | None


@dataclass(frozen=True)
class Ending:
    """A lead's outcome: when, which, who owned it then, and who had worked on it."""

    at: datetime
    is_won: bool
    owner: str | None
    workers: set[str]


class Oracle:
    """Answers for one extract what was known of each lead at each cutoff."""

    subject: Subject = LEAD

    def __init__(
        self, extract: Extract, words: Vocabulary, features: FeatureSet, params: FeatureParams
    ) -> None:
        """Take an extract, the words that were read off it, and what was declared with them."""
        self.extract, self.words = extract.accepted(), words
        self.features, self.params = features, params
        self.pasts = self.extract.pasts()
        self._leads = {row["lead_id"]: row for row in self.extract.rows("leads")}
        self._accounts = {row["account_id"]: row for row in self.extract.rows("accounts")}
        self._reps = {row["rep_id"]: row for row in self.extract.rows("reps")}
        self._happenings: dict[tuple[Relation, str, datetime], list[Happening]] = {}
        self._known: dict[tuple[str, datetime], dict[str, float]] = {}
        self._seen: dict[tuple[str, datetime], list[Row]] = {}

    def keys(self, cutoffs: Sequence[datetime]) -> list[Key]:
        """Name every open lead at each cutoff with its owner, by lead and then by cutoff."""
        return [
            Key(lead_id, cutoff, self.owner(self._leads[lead_id], cutoff))
            for lead_id in sorted(self._leads)
            for cutoff in sorted(set(cutoffs))
            if self.is_open(self._leads[lead_id], cutoff)
        ]

    def is_open(self, lead: Row, cutoff: datetime) -> bool:
        """Created before the cutoff, and neither converted nor lost before it."""
        return lead["created_at"] < cutoff and not any(
            lead[end] is not None and lead[end] < cutoff for end in ("converted_at", "lost_at")
        )

    def owner(self, lead: Row, moment: datetime) -> str | None:
        """Who owns a lead."""
        return self.owned("lead", lead["lead_id"], lead, moment)

    def owned(self, kind: str, entity_id: str, row: Row, moment: datetime) -> str | None:
        """Who owns a lead or deal.

        The rep of the last visible change (nobody, where that is empty); where the field has no
        history the own column; else the rep of the last visible activity on it.
        """
        if self.pasts.has_history(kind, "rep_id"):
            is_shown, rep = self.pasts.last(kind, entity_id, "rep_id", moment)
        else:
            rep = row["rep_id"]
            is_shown = rep is not None
        return rep if is_shown else self._last_worker(f"{kind}_id", entity_id, moment)

    def _last_worker(self, key: str, entity_id: str, moment: datetime) -> str | None:
        worked = [
            row
            for row in self._visible("activities", moment)
            if row.get(key) == entity_id and row["rep_id"] is not None
        ]
        if not worked:
            return None
        last = max(row["occurred_at"] for row in worked)
        return min(str(row["rep_id"]) for row in worked if row["occurred_at"] == last)

    def label(self, key: Key, horizon_days: int) -> float:
        """1 if it converts in [cutoff, cutoff + horizon), 0 if not, nothing if that is not ripe."""
        end = key.cutoff + horizon_days * DAY
        if end > self.extract.data_until:
            return NOTHING
        converted = self._leads[key.lead_id]["converted_at"]
        return float(converted is not None and key.cutoff <= converted < end)

    def value(self, feature: Feature, key: Key) -> float:
        """Give one feature of one open lead."""
        if isinstance(feature.how, Aggregate):
            return self._aggregate(feature, feature.how, key)
        if isinstance(feature.how, PeerRank):
            return self._rank(feature.how, key)
        if isinstance(feature.how, Ratio):
            over = self._named(feature.how.over, key) + feature.how.plus
            return self._named(feature.how.of, key) / over
        if isinstance(feature.how, WorkingDaysAhead):
            return self._days_ahead(key.cutoff, feature.how.horizon_days)
        at = (key.lead_id, key.cutoff)
        if at not in self._known:
            self._known[at] = self._about(key)
        return self._known[at][feature.name]

    def _days_ahead(self, cutoff: datetime, horizon_days: int) -> float:
        """Working days up to the horizon. No company of the laws is busy enough for quiet days."""
        opens, closes = self.params.working_hours
        end = cutoff + horizon_days * DAY
        return self.working_hours(cutoff, end) / (closes - opens)

    def _named(self, name: str, key: Key) -> float:
        return self.value(next(f for f in self.features if f.name == name), key)

    def _rank(self, how: PeerRank, key: Key) -> float:
        """The share of its peers that lie below it, and half of those at its place with itself."""
        own = self._named(how.of, key)
        if math.isnan(own):
            return NOTHING
        peers = self.keys([key.cutoff])
        if how.within is not None:
            within = how.within
            group = self._named(within, key)
            peers = [p for p in peers if is_same(self._named(within, p), group)]
        values = [v for p in peers if not math.isnan(v := self._named(how.of, p))]
        below, beside = sum(v < own for v in values), sum(v == own for v in values)
        return (below + (beside + 1) / 2) / len(values)

    # Histories

    def _visible(self, table: str, moment: datetime) -> list[Row]:
        at = (table, moment)
        if at not in self._seen:
            rows = self.extract.rows(table)
            self._seen[at] = [row for row in rows if is_visible(table, row, moment)]
        return self._seen[at]

    def _history(self, source: Relation, key: Key) -> list[Happening]:
        at = (source, key.lead_id, key.cutoff)
        if at not in self._happenings:
            self._happenings[at] = self._read(source, key)
        return self._happenings[at]

    def _read(self, source: Relation, key: Key) -> list[Happening]:
        if source is Relation.STAGES:
            return [
                Happening(row.changed_at, {"stage": place(row.value, self.words.stages)}, {})
                for row in self._seen_changes(self.subject.kind, key.lead_id, "stage", key.cutoff)
            ]
        column = self.subject.key
        rows = [r for r in self._visible("activities", key.cutoff) if r[column] == key.lead_id]
        if source is Relation.TOUCHES:
            return [self._touch(row) for row in rows]
        by: Callable[[Row], object] = (
            (lambda row: row["occurred_at"].date())
            if source is Relation.TOUCH_DAYS
            else (lambda row: row["rep_id"])
        )
        youngest: dict[object, datetime] = {}
        for row in rows:
            what = by(row)
            if what is not None:
                youngest[what] = max(row["occurred_at"], youngest.get(what, EPOCH))
        return [Happening(moment, {}, {}) for moment in youngest.values()]

    def _seen_changes(
        self, kind: str, entity_id: str | None, name: str, moment: datetime
    ) -> list[Shown]:
        rows = self.pasts.rows(kind, entity_id, name)
        return [row for row in rows if row.available_at < moment]

    def _touch(self, row: Row) -> Happening:
        words = {
            "type": place(row["type"], self.words.types),
            "direction": place(row["direction"], self.words.directions),
            "outcome": place(row["outcome"], self.words.outcomes),
        }
        numbers = {f"number__{n}": thousandths(number(row[n])) for n in self.words.numbers}
        return Happening(
            row["occurred_at"], words, {"duration": thousandths(row["duration_s"]), **numbers}
        )

    def _aggregate(self, feature: Feature, how: Aggregate, key: Key) -> float:
        rows = _spoken(self._history(feature.source, key), how)
        inside = [row for row in rows if _is_within(row, key.cutoff, feature.window_days)]
        moments = sorted(row.at for row in inside)
        words = [(row.at, w) for row in inside if (w := row.words.get(str(how.by))) is not None]

        def since(moment: datetime | None) -> float:
            return self._since(moment, key.cutoff, feature.unit)

        made: dict[Aggregation, Callable[[], float]] = {
            Aggregation.COUNT: lambda: float(len(inside)),
            Aggregation.SINCE_LAST: lambda: since(max(moments, default=None)),
            Aggregation.SINCE_FIRST: lambda: since(min(moments, default=None)),
            Aggregation.LAST_WORD: lambda: _word(_last_word(words)),
            Aggregation.SECOND_WORD: lambda: _word(_second_word(words)),
            Aggregation.NEWEST_WORD: lambda: _word(_newest(words)[1]),
            Aggregation.SINCE_NEWEST: lambda: since(_newest(words)[0]),
            Aggregation.TREND: lambda: _trend(rows, key.cutoff, feature.window_days, how.wide_days),
            Aggregation.SUM: lambda: _total(inside, str(how.column), feature.unit),
            Aggregation.MEAN: lambda: _mean(inside, str(how.column), feature.unit),
            Aggregation.RESPONSE: lambda: _response(
                moments, self._leads[key.lead_id]["created_at"]
            ),
            Aggregation.RHYTHM: lambda: _rhythm(moments),
        }
        return made[how.kind]()

    def _since(self, moment: datetime | None, cutoff: datetime, unit: Unit) -> float:
        if moment is None:
            return NOTHING
        if unit is Unit.WORKING_HOURS:
            return self.working_hours(moment, cutoff)
        return (cutoff - moment) / (DAY if unit is Unit.DAYS else HOUR)

    def working_hours(self, start: datetime, end: datetime) -> float:
        """Walk from quarter to quarter and add up those in which the wall clock shows work."""
        worked = timedelta(0)
        quarter = EPOCH + (start - EPOCH) // QUARTER * QUARTER
        while quarter < end:
            if self._is_work(quarter):
                worked += min(quarter + QUARTER, end) - max(quarter, start)
            quarter += QUARTER
        return worked / HOUR

    @cached_property
    def _quarters(self) -> dict[datetime, bool]:
        return {}

    def _is_work(self, quarter: datetime) -> bool:
        if quarter not in self._quarters:
            wall, (opens, closes) = self._wall(quarter), self.params.working_hours
            day = WEEKDAYS[wall.weekday()] in self.params.working_days
            self._quarters[quarter] = day and opens <= wall.hour < closes
        return self._quarters[quarter]

    def _wall(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.params.timezone))

    # The context of a lead

    def _about(self, key: Key) -> dict[str, float]:
        lead = self._leads[key.lead_id]
        wall, do_not_contact = self._wall(lead["created_at"]), lead["do_not_contact_at"]
        return {
            "age_days": (key.cutoff - lead["created_at"]) / DAY,
            "age_working_hours": self.working_hours(lead["created_at"], key.cutoff),
            "created_hour": float(wall.hour),
            "created_weekday": float(wall.weekday()),
            "is_do_not_contact": float(do_not_contact is not None and do_not_contact < key.cutoff),
            **self._columns(
                {
                    "leads": ("lead", lead["lead_id"], lead),
                    "accounts": self._account("lead", lead["lead_id"], key.cutoff),
                },
                key.cutoff,
            ),
            **self._owner(key),
            **self._reps_rates(key),
            **self._company(key.cutoff),
            **self._calendar(key.cutoff),
        }

    def _account(self, kind: str, entity_id: str, cutoff: datetime) -> tuple[str, str | None, Row]:
        """The account a lead or deal belongs to at the cutoff."""
        account_id = self.pasts.own(kind, entity_id, "account_id", cutoff)
        return "account", account_id, self._accounts.get(account_id, {})

    def _columns(
        self, entities: Mapping[str, tuple[str, str | None, Row]], cutoff: datetime
    ) -> dict[str, float]:
        """Columns known at creation, and the fields with a history of the first, as they stood."""
        found = {}
        for full, categories in self.words.columns.items():
            table, column = full.split(".", 1)
            if table in entities:
                kind, entity_id, row = entities[table]
                value = row.get(column)
                if self.pasts.has_history(kind, column):
                    value = self.pasts.value(kind, entity_id, column, cutoff)
                found[full.replace(".", "_")] = read(value, categories)
        for name, categories in self.words.fields.items():
            own, own_id, _ = next(iter(entities.values()))
            value = self.pasts.value(own, own_id, name, cutoff)
            found[f"field_{name}"] = read(value, categories)
        return found

    def _owner(self, key: Key) -> dict[str, float]:
        """The owner's record, load and description; nothing of it where there is no owner."""
        found = self._rep(key.owner or "nobody", key.cutoff)
        if key.owner is None:
            about = ("owner_rate", "owner_resolved", "owner_load")
            return dict.fromkeys((*about, *found), NOTHING)
        back = self.params.owner_window_days * DAY
        own = [
            ending.is_won
            for ending in self._endings
            if ending.owner == key.owner and key.cutoff - back <= ending.at < key.cutoff
        ]
        company, prior = self._rate_ever(key.cutoff), self.params.owner_prior
        found["owner_rate"] = (sum(own) + prior * company) / (len(own) + prior)
        found["owner_resolved"] = float(len(own))
        found["owner_load"] = float(
            sum(
                self.is_open(lead, key.cutoff) and self.owner(lead, key.cutoff) == key.owner
                for lead in self._leads.values()
            )
        )
        return found

    def _rep(self, rep_id: str, cutoff: datetime) -> dict[str, float]:
        """How long an owner has been there, and the owner's columns."""
        hired = self.hired(rep_id, cutoff)
        found = {"owner_tenure_days": NOTHING if hired is None else (cutoff - hired) / DAY}
        for full, categories in self.words.columns.items():
            if full.startswith("reps."):
                name = full.removeprefix("reps.")
                found[f"owner_{name}"] = read(self.described(rep_id, name, cutoff), categories)
        return found

    def hired(self, rep_id: str, moment: datetime) -> datetime | None:
        """When a rep was hired, if that was before a moment."""
        hired: datetime | None = self._reps.get(rep_id, {}).get("hired_at")
        return hired if hired is not None and hired < moment else None

    def described(self, rep_id: str, name: str, moment: datetime) -> str | None:
        """What the CRM says of a rep at a moment; who is hired later is not known yet."""
        if self.pasts.has_history("rep", name):
            return self.pasts.value("rep", rep_id, name, moment)
        rep = self._reps.get(rep_id, {})
        is_known = rep.get("hired_at") is None or self.hired(rep_id, moment) is not None
        value: str | None = rep.get(name) if is_known else None
        return value

    def _workers(self, lead_id: str, moment: datetime) -> set[str]:
        """The reps with an activity on the lead that can be seen at a moment."""
        rows = [r for r in self._visible("activities", moment) if r["lead_id"] == lead_id]
        return {row["rep_id"] for row in rows if row["rep_id"] is not None}

    def _reps_rates(self, key: Key) -> dict[str, float]:
        """The rates of the reps who worked on it, over the leads they worked on before the end."""
        company, prior = self._rate_ever(key.cutoff), self.params.owner_prior
        rates = []
        for rep in self._workers(key.lead_id, key.cutoff):
            own = [e.is_won for e in self._endings if e.at < key.cutoff and rep in e.workers]
            rates.append((sum(own) + prior * company) / (len(own) + prior))
        return {
            "reps_rate_mean": sum(rates) / len(rates) if rates else NOTHING,
            "reps_rate_best": max(rates, default=NOTHING),
        }

    @cached_property
    def _endings(self) -> list[Ending]:
        found = []
        for lead in self._leads.values():
            moment, is_won = end_of(lead)
            if moment is not None:
                owner, workers = self.owner(lead, moment), self._workers(lead["lead_id"], moment)
                found.append(Ending(moment, is_won, owner, workers))
        return found

    def _rate_ever(self, cutoff: datetime) -> float:
        ever = [ending.is_won for ending in self._endings if ending.at < cutoff]
        return (sum(ever) + 1) / (len(ever) + 2)

    def _company(self, cutoff: datetime) -> dict[str, float]:
        week, month = cutoff - 7 * DAY, cutoff - 28 * DAY
        lately = [e.is_won for e in self._endings if month <= e.at < cutoff]
        last_week = [e.is_won for e in self._endings if week <= e.at < cutoff]
        came = sum(month <= lead["created_at"] < cutoff for lead in self._leads.values())
        backlog = sum(self.is_open(lead, cutoff) for lead in self._leads.values())
        return {
            "company_rate": (sum(lately) + 1) / (len(lately) + 2),
            "inflow_against_outflow": (came + 1) / (len(lately) + 1),
            "backlog": float(backlog),
            "won_of_backlog_week": sum(last_week) / (backlog + 1),
            "won_of_backlog_month": sum(lately) / (backlog + 1),
        }

    def _calendar(self, cutoff: datetime) -> dict[str, float]:
        wall = self._wall(cutoff)
        quarter_end = (wall.month + 2) // 3 * 3
        rest = [calendar.monthrange(wall.year, m)[1] for m in range(wall.month, quarter_end + 1)]
        return {
            "weekday": float(wall.weekday()),
            "day_of_month": float(wall.day),
            "days_to_month_end": float(rest[0] - wall.day),
            "days_to_quarter_end": float(sum(rest) - wall.day),
        }


def end_of(lead: Row) -> tuple[datetime | None, bool]:
    """When a lead ended, and whether it was won (also where both are at one moment)."""
    ends = [(lead[e], e) for e in ("converted_at", "lost_at") if lead[e] is not None]
    if not ends:
        return None, False
    moment, end = min(ends)
    return moment, end == "converted_at"


def place(word: str | None, words: Sequence[str]) -> int | None:
    """A word's place in its list; all others share the place after the last."""
    if word is None:
        return None
    return words.index(word) if word in words else len(words)


def read(value: Any, categories: Sequence[str] | None) -> float:
    """Read a column's value as a number, or as a place in its list of categories."""
    found = number(value) if categories is None else place(text(value), categories)
    return NOTHING if found is None else float(found)


def thousandths(amount: float | None) -> int | None:
    """Round an amount to whole thousandths, halves away from zero."""
    if amount is None or abs(amount) >= UNBELIEVABLE:
        return None
    return int(Decimal(amount * 1000).to_integral_value(ROUND_HALF_UP))


def is_same(one: float, other: float) -> bool:
    """Tell whether two values are equal, nothing being equal to nothing."""
    return one == other or (math.isnan(one) and math.isnan(other))


def is_near(found: float, told: float) -> bool:
    """Tell whether two values are alike but for rounding."""
    return is_same(found, told) or abs(found - told) <= TOLERANCE * max(1.0, abs(told))


def _is_within(row: Happening, cutoff: datetime, days: int | None) -> bool:
    return days is None or row.at >= cutoff - days * DAY


def _trend(
    rows: Sequence[Happening], cutoff: datetime, days: int | None, wide_days: int | None
) -> float:
    """Rows a day in the window, less rows a day in the days before it."""
    short, wide = days or 0, wide_days or 0
    inner = sum(_is_within(row, cutoff, short) for row in rows)
    outer = sum(_is_within(row, cutoff, wide) for row in rows) - inner
    return inner / short - outer / (wide - short)


def _spoken(rows: Sequence[Happening], how: Aggregate) -> list[Happening]:
    """Keep the rows that have a word of the kind asked for, or the very word."""
    if how.by is None:
        return list(rows)
    by = how.by
    said = [row for row in rows if row.words[by] is not None]
    return said if how.code is None else [row for row in said if row.words[by] == how.code]


def _word(found: int | None) -> float:
    return NOTHING if found is None else float(found)


def _last_word(words: Sequence[tuple[datetime, int]]) -> int | None:
    """The word of the last row; of words at one moment, the later in the vocabulary."""
    return max(words)[1] if words else None


def _second_word(words: Sequence[tuple[datetime, int]]) -> int | None:
    """The last word of those rows that have another word than the last."""
    last = _last_word(words)
    return _last_word([(at, word) for at, word in words if word != last])


def _newest(words: Sequence[tuple[datetime, int]]) -> tuple[datetime | None, int | None]:
    """The word that was said for the first time last, and when."""
    firsts = {(min(at for at, said in words if said == word), word) for _, word in words}
    return max(firsts) if firsts else (None, None)


def _rhythm(moments: Sequence[datetime]) -> float:
    gaps = [(later - earlier) / DAY for earlier, later in pairwise(moments)]
    return sum(gaps) / len(gaps) if gaps else NOTHING


def _response(moments: Sequence[datetime], created_at: datetime) -> float:
    """Hours from the lead's creation to the first row at or after it."""
    waits = [(moment - created_at) / HOUR for moment in moments if moment >= created_at]
    return min(waits, default=NOTHING)


def _filled(rows: Sequence[Happening], column: str) -> list[int]:
    return [amount for row in rows if (amount := row.amounts[column]) is not None]


def _total(rows: Sequence[Happening], column: str, unit: Unit) -> float:
    """Add up a column; seconds become hours where the unit says so."""
    return sum(_filled(rows, column)) / (3_600_000 if unit is Unit.HOURS else 1000)


def _mean(rows: Sequence[Happening], column: str, unit: Unit) -> float:
    count = len(_filled(rows, column))
    return _total(rows, column, unit) / count if count else NOTHING
