"""The slow truth about deals and reps: every feature and label, one row at a time.

Written from the contract and from what declarations say of themselves, never from the code that
compiles them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

from extract import Row, known_at
from oracle import DAY, NOTHING, Happening, Key, Oracle, end_of, read, thousandths
from pasts import number, time_of

from features.feature import Relation
from features.subjects import DEAL, REP

MOVES = ("forward", "back", "up", "down", "pushed", "pulled")
PRIOR_WINS = 5
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Deal:
    """How a deal stood at a moment."""

    row: Row
    owner: str | None
    lead_id: str | None
    stage: str | None
    amount: float | None
    due: datetime | None
    closed_at: datetime | None
    is_won: bool

    @property
    def worth(self) -> int:
        """Its amount in thousandths."""
        return thousandths(self.amount) or 0

    @property
    def is_open(self) -> bool:
        """Not closed yet."""
        return self.closed_at is None


class SalesOracle(Oracle):
    """What deals and reps share: deals as they stood, sums over them, the company."""

    def deal(self, row: Row, moment: datetime) -> Deal:
        """Tell how a deal stood."""
        at = (row["deal_id"], moment)
        if at not in self._stood:
            self._stood[at] = self._stand(row, moment)
        return self._stood[at]

    @property
    def _stood(self) -> dict[tuple[str, datetime], Deal]:
        return self.__dict__.setdefault("_stood_", {})

    def _stand(self, row: Row, moment: datetime) -> Deal:
        name = row["deal_id"]

        def own(column: str) -> Any:
            return self.pasts.own("deal", name, column, moment)

        is_over = row["closed_at"] is not None and row["closed_at"] < moment
        return Deal(
            row,
            self.owned("deal", name, row, moment),
            own("lead_id"),
            self.pasts.value("deal", name, "stage", moment),
            number(own("amount")),
            time_of(own("expected_close_at")),
            row["closed_at"] if is_over else None,
            is_over and row["won"] is True,
        )

    def deals_at(self, moment: datetime, owner: str | None = None) -> list[Deal]:
        """All deals there are at a moment, or those of one owner."""
        rows = [row for row in self.extract.rows("deals") if row["created_at"] < moment]
        deals = [self.deal(row, moment) for row in rows]
        return [deal for deal in deals if owner in (None, deal.owner)]

    def _read(self, source: Relation, key: Key) -> list[Happening]:
        return self._moves(key) if source is Relation.MOVES else super()._read(source, key)

    def _moves(self, key: Key) -> list[Happening]:
        made = []
        for name in self.pasts.fields["deal"]:
            before = None
            rows = self._seen_changes("deal", key.lead_id, name, key.cutoff)
            for row in sorted(rows, key=lambda row: row.order):
                code, days = self._move(name, before, row.value)
                made.append(Happening(row.changed_at, {"move": code}, {"days": days}))
                before = row.value
        return made

    def _move(self, name: str, old: str | None, new: str | None) -> tuple[int | None, int]:
        values: dict[str, Callable[[str | None], Any]] = {
            "stage": self._stage_place,
            "amount": number,
            "expected_close_at": time_of,
        }
        if name not in values:
            return None, 0
        one, other = values[name](old), values[name](new)
        if one is None or other is None or one == other:
            return None, 0
        days = (other - one) // (DAY / 1000) if name == "expected_close_at" else 0
        return 2 * list(values).index(name) + (other < one), days

    def _stage_place(self, stage: str | None) -> int | None:
        return self.words.stages.index(stage) if stage in self.words.stages else None

    def company(self, cutoff: datetime) -> dict[str, float]:
        """The calendar, and how often deals are won."""
        won, lost = self.closed(cutoff, 90)
        rate = (won + 1) / (won + lost + 2)
        return {**self._calendar(cutoff), "rate": rate}

    def closed(
        self, cutoff: datetime, days: int | None, owner: str | None = None
    ) -> tuple[int, int]:
        """How many deals were won and lost in the last days."""
        lately = [
            d for d in self.deals_at(cutoff, owner) if not d.is_open and within(d, cutoff, days)
        ]
        won = sum(deal.is_won for deal in lately)
        return won, len(lately) - won

    def usual(self, cutoff: datetime, owner: str | None = None) -> float:
        """The median amount of deals won, in thousandths."""
        told = [d.amount for d in self.deals_at(cutoff, owner) if d.is_won]
        sizes = [size for amount in told if (size := thousandths(amount)) is not None]
        return median(sizes) if sizes else NOTHING

    def drawn_median(self, cutoff: datetime, owner: str) -> float:
        """An owner's median, drawn to the company's."""
        company, own = self.usual(cutoff), self.usual(cutoff, owner)
        own = company if math.isnan(own) else own
        count = self.closed(cutoff, None, owner)[0]
        return (own * count + company * PRIOR_WINS) / (count + PRIOR_WINS)

    def drawn_rate(self, cutoff: datetime, owner: str) -> float:
        """An owner's share of deals won in a year, drawn to the company's."""
        ever_won, ever_lost = self.closed(cutoff, None)
        company = (ever_won + 1) / (ever_won + ever_lost + 2)
        won, lost = self.closed(cutoff, 365, owner)
        prior = self.params.owner_prior
        return (won + prior * company) / (won + lost + prior)


def within(deal: Deal, cutoff: datetime, days: int | None) -> bool:
    """Tell whether it closed in the last days."""
    assert deal.closed_at is not None
    return days is None or deal.closed_at >= cutoff - days * DAY


def over(one: float | None, other: float | None) -> float:
    """Divide; by nothing, or by 0, there is nothing."""
    if one is None or other is None or not other or math.isnan(one) or math.isnan(other):
        return NOTHING
    return one / other


class DealOracle(SalesOracle):
    """What was known of each open deal at each cutoff."""

    subject = DEAL

    def keys(self, cutoffs: Sequence[datetime]) -> list[Key]:
        """Name every open deal at each cutoff, and its owner."""
        found = [
            Key(deal.row["deal_id"], cutoff, deal.owner)
            for cutoff in sorted(set(cutoffs))
            for deal in self.deals_at(cutoff)
            if deal.is_open
        ]
        self._leads = {row["deal_id"]: row for row in self.extract.rows("deals")}
        return sorted(found, key=lambda key: (key.lead_id, key.cutoff))

    def row(self, key: Key) -> Row:
        """Give a deal's row."""
        return self._leads[key.lead_id]

    def _about(self, key: Key) -> dict[str, float]:
        deal, cutoff = self.deal(self.row(key), key.cutoff), key.cutoff
        row = deal.row
        leads = {lead["lead_id"]: lead for lead in self.extract.rows("leads")}
        lead = leads.get(deal.lead_id)
        lead = None if lead is None or lead["created_at"] >= cutoff else lead
        company = self.company(cutoff)
        all_won, all_lost = self.closed(cutoff, 90)
        created = sum(d.row["created_at"] >= cutoff - 90 * DAY for d in self.deals_at(cutoff))
        size = thousandths(deal.amount)
        made = {
            "age_days": (cutoff - row["created_at"]) / DAY,
            "amount": NOTHING if deal.amount is None else deal.amount,
            "days_to_expected_close": NOTHING if deal.due is None else (deal.due - cutoff) / DAY,
            "expected_days_in_all": (
                NOTHING if deal.due is None else (deal.due - row["created_at"]) / DAY
            ),
            "lead_to_deal_days": (
                NOTHING if lead is None else (row["created_at"] - lead["created_at"]) / DAY
            ),
            "has_lead": float(lead is not None),
            "amount_against_company": over(size, self.usual(cutoff)),
            "company_rate": company.pop("rate"),
            "company_open": sum(d.is_open for d in self.deals_at(cutoff)),
            "company_inflow": (created + 1) / (all_won + all_lost + 1),
            **company,
        }
        known = {
            "deals": ("deal", row["deal_id"], row),
            "leads": ("lead", deal.lead_id, lead or {}),
            "accounts": self._account("deal", row["deal_id"], cutoff),
        }
        return {**made, **self._columns(known, cutoff), **self._deal_owner(key, size)}

    def _deal_owner(self, key: Key, size: int | None) -> dict[str, float]:
        """The owner's record and load; without an owner only the company to compare with."""
        cutoff, about = key.cutoff, self._rep(key.owner or "nobody", key.cutoff)
        if key.owner is None:
            against = over(size, self.usual(cutoff))
            told = ("rate", "closed", "won_90d", "open", "created_30d")
            nothing = dict.fromkeys((*about, *(f"owner_{name}" for name in told)), NOTHING)
            return {**nothing, "amount_against_owner": against}
        own = self.deals_at(cutoff, key.owner)
        month = cutoff - 30 * DAY
        return {
            **about,
            "owner_rate": self.drawn_rate(cutoff, key.owner),
            "owner_closed": sum(self.closed(cutoff, 365, key.owner)),
            "owner_won_90d": self.closed(cutoff, 90, key.owner)[0],
            "owner_open": sum(d.is_open for d in own),
            "owner_created_30d": sum(d.row["created_at"] >= month for d in own),
            "amount_against_owner": over(size, self.drawn_median(cutoff, key.owner)),
        }

    def ending(self, key: Key, end: datetime) -> tuple[float, float]:
        """What came of an open deal by the end of what may be read: won or not, and its amount."""
        if self.row(key)["created_at"] >= end:
            return NOTHING, NOTHING
        deal = self.deal(self.row(key), end)
        amount = 0.0 if deal.amount is None else deal.amount
        return (NOTHING if deal.is_open else float(deal.is_won)), amount


@dataclass(frozen=True)
class RepKey(Key):
    """A rep in a quota period at a cutoff; its `lead_id` is the rep's id."""

    start: datetime
    end: datetime
    quota: float


class RepOracle(SalesOracle):
    """What was known of each rep with a quota at each cutoff."""

    subject = REP

    def keys(self, cutoffs: Sequence[datetime]) -> list[RepKey]:  # type: ignore[override]
        """Name every rep whose period runs at each cutoff."""
        found = [
            RepKey(rep_id, cutoff, None, start, end, amount)
            for cutoff in sorted(set(cutoffs))
            for (rep_id, start, end), amount in self.quotas(cutoff).items()
            if start <= cutoff < end
        ]
        return sorted(found, key=lambda key: (key.lead_id, key.cutoff, key.start, key.end))

    def quotas(self, moment: datetime) -> dict[tuple[str, datetime, datetime], float]:
        """Give each period's quota as it was last known."""
        seen = self._visible("quotas", moment)
        rows = sorted(seen, key=lambda row: (known_at("quotas", row), row["amount"]))
        return {(r["rep_id"], r["period_start"], r["period_end"]): r["amount"] for r in rows}

    def attained(self, key: RepKey) -> list[Deal]:
        """The deals won in the period so far."""
        own = self.deals_at(key.cutoff, key.lead_id)
        return [d for d in own if d.is_won and d.closed_at is not None and d.closed_at >= key.start]

    def attainment(self, key: RepKey, end: datetime) -> float:
        """What a rep attained in a period, over the quota, by the end of what may be read.

        Owner, amount and quota are the last ones known by then.
        """
        quota = self.quotas(end).get((key.lead_id, key.start, key.end), 0.0)
        if key.end > end or quota <= 0:
            return NOTHING
        won = [d for d in self.deals_at(end, key.lead_id) if d.is_won and d.closed_at is not None]
        inside = [
            d.amount or 0.0 for d in won if d.closed_at and key.start <= d.closed_at < key.end
        ]
        return math.fsum(inside) / quota

    def minutes(self, start: datetime, end: datetime) -> int:
        """Working minutes."""
        at = (start, end)
        if at not in self._worked:
            self._worked[at] = round(self.working_hours(start, end) * 60)
        return self._worked[at]

    @property
    def _worked(self) -> dict[tuple[datetime, datetime], int]:
        return self.__dict__.setdefault("_worked_", {})

    def exposed(self, key: Key, days: int) -> int:
        """Working minutes of a window in which the rep was there, and there were deals at all."""
        hired, window = self.hired(key.lead_id, key.cutoff), days * 86_400
        first = min((d.row["created_at"] for d in self.deals_at(key.cutoff)), default=key.cutoff)
        begun = max(first, hired or first)
        inside = min((key.cutoff - begun) // SECOND, window)
        return self.minutes(key.cutoff - days * DAY, key.cutoff) * inside // window

    def past(self, key: RepKey) -> list[dict[str, float]]:
        """Earlier periods, the last one first: quota, amount, early amount (thousandths)."""
        won = [d for d in self.deals_at(key.cutoff, key.lead_id) if d.is_won and d.closed_at]
        found = []
        for (rep_id, start, end), quota in sorted(self.quotas(key.cutoff).items(), reverse=True):
            if rep_id != key.lead_id or end > key.cutoff or quota <= 0:
                continue
            gone, running = (key.cutoff - key.start) // SECOND, (key.end - key.start) // SECOND
            early_s = (end - start) // SECOND * gone // running if running else 0
            inside = [d for d in won if d.closed_at and start <= d.closed_at < end]
            early = [d for d in inside if d.closed_at and (d.closed_at - start) // SECOND < early_s]
            amount, soon = sum(d.worth for d in inside), sum(d.worth for d in early)
            found.append(
                {
                    "quota": thousandths(quota) or 0,
                    "amount": amount,
                    "early": soon,
                    "ratio": _ratio(amount, quota),
                    "early_ratio": _ratio(soon, quota),
                }
            )
        return found

    def leads(self, cutoff: datetime, owner: str) -> list[Row]:
        """The leads a rep owns at the cutoff."""
        rows = [r for r in self.extract.rows("leads") if r["created_at"] < cutoff]
        return [row for row in rows if self.owner(row, cutoff) == owner]

    def _sums(self, key: RepKey) -> dict[str, float]:
        """What is added up over the reps of a group."""
        at = (key, "sums")
        if at not in self._added:
            back = key.cutoff - self.params.owner_window_days * DAY
            ends = [end_of(lead) for lead in self.leads(key.cutoff, key.lead_id)]
            lately = [won for at_, won in ends if at_ is not None and back <= at_ < key.cutoff]
            past = self.past(key)
            own = self.deals_at(key.cutoff, key.lead_id)
            made = {
                "reps": 1,
                "quota": thousandths(key.quota) or 0,
                "attained": sum(d.worth for d in self.attained(key)),
                "past_quota": sum(p["quota"] for p in past),
                "past_amount": sum(p["amount"] for p in past),
                "past_early": sum(p["early"] for p in past),
                "open_amount": sum(d.worth for d in own if d.is_open),
                "open_leads": sum(at_ is None or at_ >= key.cutoff for at_, _ in ends),
                "leads_won": sum(lately),
                "leads_ended": len(lately),
            }
            for days in (90, 180, 365):
                won = [d for d in own if d.is_won and within(d, key.cutoff, days)]
                made[f"minutes_{days}d"] = self.exposed(key, days)
                made[f"won_{days}d"] = len(won)
                made[f"won_amount_{days}d"] = sum(d.worth for d in won)
            self._added[at] = made
        return self._added[at]

    @property
    def _added(self) -> dict[Any, dict[str, float]]:
        return self.__dict__.setdefault("_added_", {})

    def _of(self, key: RepKey, column: str) -> str | None:
        return self.described(key.lead_id, column, key.cutoff)

    def _among(self, key: RepKey, column: str | None) -> dict[str, float]:
        peers = [
            peer
            for peer in self.keys([key.cutoff])
            if column is None or self._of(peer, column) == self._of(key, column)
        ]
        each = [self._sums(peer) for peer in peers]
        return {name: sum(own[name] for own in each) for name in each[0]}

    def _days(self, minutes: float) -> float:
        first, end = self.params.working_hours
        return minutes / (60 * (end - first))

    def value(self, feature: Any, key: Any) -> float:
        """Give one feature of one rep; who has two periods at a cutoff is told apart."""
        if feature.source is not Relation.REP:
            return super().value(feature, key)
        at = (key, "about")
        if at not in self._added:
            self._added[at] = self._tell(key)
        return self._added[at][feature.name]

    def _tell(self, key: RepKey) -> dict[str, float]:
        own, all_ = self._sums(key), self._among(key, None)
        hired, span = self.hired(key.lead_id, key.cutoff), key.end - key.start
        left = self._reps.get(key.lead_id, {}).get("left_at")
        gone_m, left_m = self.minutes(key.start, key.cutoff), self.minutes(key.cutoff, key.end)
        ratio = over(own["attained"] / 1000, key.quota)
        share = over((key.cutoff - key.start) / DAY, span / DAY)
        curve = over(all_["past_early"] if all_["past_early"] > 0 else None, all_["past_amount"])
        missing = max(own["quota"] - own["attained"], 0)
        past, company = self.past(key), self.company(key.cutoff)
        made = {
            "quota": key.quota,
            "share_gone": share,
            "working_share_gone": over(gone_m, gone_m + left_m),
            "days_left": (key.end - key.cutoff) / DAY,
            "working_days_left": self._days(left_m),
            "period_days": span / DAY,
            "attained": own["attained"] / 1000,
            "attained_deals": len(self.attained(key)),
            "attained_ratio": ratio,
            "linear_attainment": over(ratio, share),
            "company_curve": curve,
            "seasonal_attainment": over(ratio, curve),
            "missing": missing / 1000,
            "past_periods": len(past),
            "quota_against_past": over(own["quota"] * len(past), own["past_quota"]),
            "quota_against_past_won": over(
                own["quota"] * len(past), own["past_amount"] if own["past_amount"] > 0 else None
            ),
            "tenure_days": NOTHING if hired is None else (key.cutoff - hired) / DAY,
            "tenure_at_start_days": NOTHING if hired is None else (key.start - hired) / DAY,
            "has_left": float(left is not None and left < key.cutoff),
            "start_month": key.start.month,
            "company_win_rate": company.pop("rate"),
            **company,
        }
        for name, suffix in (("ratio", ""), ("early_ratio", "_by_now")):
            ratios = [p[name] for p in past]
            made[f"last_attainment{suffix}"] = ratios[0] if ratios else NOTHING
            made[f"mean_attainment{suffix}"] = over(sum(ratios), len(ratios))
        for full, categories in self.words.columns.items():
            name = full.removeprefix("reps.")
            made[f"rep_{name}"] = read(self._of(key, name), categories)
        peers = {"company": None, "territory": "territory", "manager": "manager_id"}
        for group, column in peers.items():
            sums = self._among(key, column)
            made[f"{group}_attained_ratio"] = over(sums["attained"], sums["quota"])
            made[f"{group}_past_attainment"] = over(sums["past_amount"], sums["past_quota"])
            made[f"{group}_open_against_quota"] = over(sums["open_amount"], sums["quota"])
            made[f"{group}_leads_per_rep"] = over(sums["open_leads"], sums["reps"])
            made[f"{group}_reps"] = sums["reps"]
        return {**made, **self._sales(key, missing), **self._given(key)}

    def _sales(self, key: RepKey, missing: float) -> dict[str, float]:
        own, all_ = self._sums(key), self._among(key, None)
        deals = self.deals_at(key.cutoff, key.lead_id)
        made: dict[str, float] = {}
        for days in (90, 180, 365):
            for what, scale in (("won", 1), ("won_amount", 1000)):
                pace = over(all_[f"{what}_{days}d"], self._days(all_[f"minutes_{days}d"]))
                drawn = own[f"{what}_{days}d"] + 20 * (0.0 if math.isnan(pace) else pace)
                worked = self._days(own[f"minutes_{days}d"])
                made[f"pace_{what}_{days}d"] = drawn / (worked + 20) / scale
            made[f"won_{days}d"] = own[f"won_{days}d"]
        won = [d.worth for d in deals if d.is_won]
        all_won = [d.worth for d in self.deals_at(key.cutoff) if d.is_won]
        mean = over(sum(all_won), len(all_won))
        made["mean_won"] = (sum(won) + PRIOR_WINS * mean) / (len(won) + PRIOR_WINS) / 1000
        made["median_won"] = self.drawn_median(key.cutoff, key.lead_id) / 1000
        made["win_rate"] = self.drawn_rate(key.cutoff, key.lead_id)
        to_come = made["pace_won_amount_365d"] * self._days(self.minutes(key.cutoff, key.end))
        made["needed_against_pace"] = over(missing / 1000, to_come)
        open_ = [d for d in deals if d.is_open]
        chosen = {
            "open": open_,
            "due": [d for d in open_ if d.due is not None and key.cutoff <= d.due < key.end],
            "overdue": [d for d in open_ if d.due is not None and d.due < key.cutoff],
        }
        for code, stage in enumerate(self.words.stages):
            name = next(n for n in self.stage_names if n[0] == code)[1]
            chosen[f"open_stage_{name}"] = [d for d in open_ if d.stage == stage]
        for name, some in chosen.items():
            made[name] = len(some)
            made[f"{name}_amount"] = sum(d.worth for d in some) / 1000
        made["coverage"] = over(made["open_amount"] * 1000, missing)
        made["due_coverage"] = over(made["due_amount"] * 1000, missing)
        for days in (30, 90):
            back = key.cutoff - days * DAY
            made[f"created_{days}d"] = sum(d.row["created_at"] >= back for d in deals)
        return made

    @property
    def stage_names(self) -> list[tuple[int, str]]:
        """Stages as column names."""
        from features.texts import slugs  # noqa: PLC0415 - names only

        return list(enumerate(slugs(self.words.stages).values()))

    def _given(self, key: RepKey) -> dict[str, float]:
        own, all_ = self._sums(key), self._among(key, None)
        leads = self.leads(key.cutoff, key.lead_id)
        company = (all_["leads_won"] + 1) / (all_["leads_ended"] + 2)
        prior = self.params.owner_prior
        made = {
            "open_leads": own["open_leads"],
            "lead_rate": (own["leads_won"] + prior * company) / (own["leads_ended"] + prior),
        }
        for days in (30, 90):
            back = key.cutoff - days * DAY
            ends = [end_of(lead) for lead in leads]
            made[f"leads_{days}d"] = sum(lead["created_at"] >= back for lead in leads)
            made[f"conversions_{days}d"] = sum(
                won for at, won in ends if at is not None and back <= at < key.cutoff
            )
        return made


def _ratio(amount: float, quota: float) -> float:
    """A share of the quota in whole billionths."""
    ratio = min(max(amount / 1000 / quota, -1000.0), 1000.0) * 1_000_000_000
    return int(Decimal(ratio).to_integral_value(ROUND_HALF_UP)) / 1_000_000_000
