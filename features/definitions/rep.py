"""What is known of a rep with a quota: declarations only, filled with words of the data."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, PACE_DAYS
from features.as_of.reps import GROUPS, SUMMED
from features.definitions.context import CALENDAR
from features.definitions.rep_activity import work
from features.definitions.rep_sales import (
    column,
    leads,
    missing,
    of_rep,
    pace,
    pipeline,
    working_days,
)
from features.definitions.wording import Value, in_days, kind, word
from features.feature import Feature, FeatureSet, Relation, Unit, Who, slugs
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams

BILLION = 1_000_000_000


def rep_features(words: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of a rep in a quota period for the words of one extract.

    Args:
        words: what `read_vocabulary(warehouse, params, REP)` gives.
        params: windows, working hours, and how strongly own records are drawn to the company's.
    """
    families = (
        _period(params),
        _attained(),
        _past(),
        pace(params),
        pipeline(words),
        leads(params),
        _person(words),
        _peers(),
        _calendar(),
        work(words, params),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("rep", features, _rows(words))


def _rows(words: Vocabulary) -> dict[Relation, dict[str, str]]:
    """The columns that expressions over a rep may use."""
    clocks = ("cutoff", "period_start", "period_end", "hired_at")
    paces = [f"{what}_{d}d" for what in ("minutes", "won", "lost", "won_amount") for d in PACE_DAYS]
    flows = [f"{what}_{d}d" for what in ("created", "leads", "conversions") for d in FLOW_DAYS]
    ever = ("won_ever", "won_amount_ever", "lost_ever")
    plain = ("minutes_gone", "minutes_left", "has_left", "attained_deals", "past_periods", "open")
    due = ("due", "due_amount", "overdue", "overdue_amount", "past_ratio", "past_early_ratio")
    stages = [
        f"open_{what}{place}"
        for what in ("stage_", "amount_stage_")
        for place in range(len(words.stages) + 1)
    ]
    whole = (*ever, *plain, *due, *SUMMED, *paces, *flows, *stages, *CALENDAR)
    company = [f"all_{name}" for name in (*paces, *ever, "created_90d")]
    sums = [f"{group}_{name}" for group in GROUPS for name in (*SUMMED, *paces)]
    numbers = ("quota", "attained", "last_ratio", "last_early_ratio", "median_won")
    return {
        Relation.REP: {
            **dict.fromkeys(clocks, "timestamp(6)"),
            **dict.fromkeys((*whole, *company), "int64"),
            **dict.fromkeys((*numbers, "all_median_won", *sums), "float64"),
            **{n.replace(".", "__"): kind(c) for n, c in words.columns.items()},
        }
    }


def _share_gone(rows: ir.Table) -> ir.Value:
    gone = rows.cutoff.delta(rows.period_start, unit="microsecond")
    return gone / rows.period_end.delta(rows.period_start, unit="microsecond").nullif(0)


def _period(params: FeatureParams) -> Iterator[Feature]:
    """The quota and how much of its period has gone by."""

    def worked(rows: ir.Table) -> ir.Value:
        return rows.minutes_gone / (rows.minutes_gone + rows.minutes_left).nullif(0)

    def days_left(rows: ir.Table) -> ir.Value:
        return in_days(rows.period_end.delta(rows.cutoff, unit="microsecond"))

    def length(rows: ir.Table) -> ir.Value:
        return in_days(rows.period_end.delta(rows.period_start, unit="microsecond"))

    market, days = Who.MARKET, Unit.DAYS
    yield of_rep("quota", lambda r: r.quota, "the quota", Who.COMPANY, Unit.AMOUNT)
    yield of_rep("share_gone", _share_gone, "share of the period gone", market, Unit.SHARE)
    says = "share of the period's working days gone"
    yield of_rep("working_share_gone", worked, says, market, Unit.SHARE)
    yield of_rep("days_left", days_left, "days left in the period", market, days)
    yield of_rep(
        "working_days_left",
        lambda r: working_days(r.minutes_left, params),
        "working days left in the period",
        market,
        days,
    )
    yield of_rep("period_days", length, "days the period has", Who.COMPANY, days)


def _ratio(rows: ir.Table) -> ir.Value:
    return rows.attained / rows.quota.nullif(0)


def _curve(rows: ir.Table) -> ir.Value:
    """The share of a period's business that the company usually has by this share of it."""
    early = ibis.ifelse(rows.company_past_early > 0, rows.company_past_early, ibis.null("float64"))
    return early / rows.company_past_amount.nullif(0)


def _attained() -> Iterator[Feature]:
    """What has come in so far, beside the quota and beside the time gone."""

    def linear(rows: ir.Table) -> ir.Value:
        return _ratio(rows) / _share_gone(rows).nullif(0)

    share = Unit.SHARE
    yield of_rep("attained", lambda r: r.attained, "won so far", Who.REP, Unit.AMOUNT)
    yield of_rep("attained_deals", lambda r: r.attained_deals, "deals won so far", Who.REP)
    yield of_rep("attained_ratio", _ratio, "share of the quota that is in", Who.REP, share)
    says = "share of the quota that is in, against the share of the period gone"
    yield of_rep("linear_attainment", linear, says, Who.REP, share)
    says = "share of its business the company usually has by now"
    yield of_rep("company_curve", _curve, says, Who.MARKET, share)
    says = "share of the quota that is in, against the company's usual course"
    yield of_rep("seasonal_attainment", lambda r: _ratio(r) / _curve(r), says, Who.REP, share)
    says = "what is still missing"
    yield of_rep("missing", lambda r: missing(r).fill_null(0.0) / 1000, says, Who.REP, Unit.AMOUNT)


def _past() -> Iterator[Feature]:
    """Earlier periods, as they look at the cutoff."""

    def quota_against_past(rows: ir.Table) -> ir.Value:
        return rows.quota_thousandths * rows.past_periods / rows.past_quota.nullif(0)

    def quota_against_past_won(rows: ir.Table) -> ir.Value:
        won = ibis.ifelse(rows.past_amount > 0, rows.past_amount, ibis.null("int64"))
        return rows.quota_thousandths * rows.past_periods / won

    def mean(name: str) -> Value:
        return lambda rows: rows[name] / BILLION / rows.past_periods.nullif(0)

    share, company = Unit.SHARE, Who.COMPANY
    yield of_rep("past_periods", lambda r: r.past_periods, "quota periods before this", company)
    for name, by_now in (("ratio", ""), ("early_ratio", "_by_now")):
        when = " at this share of it" if by_now else ""
        yield of_rep(
            f"last_attainment{by_now}",
            column(f"last_{name}"),
            f"attainment of the last period{when}",
            Who.REP,
            share,
        )
        yield of_rep(
            f"mean_attainment{by_now}",
            mean(f"past_{name}"),
            f"attainment of an earlier period{when}, on average",
            Who.REP,
            share,
        )
    says = "the quota, as a multiple of earlier ones"
    yield of_rep("quota_against_past", quota_against_past, says, company, share)
    says = "the quota, as a multiple of what earlier periods brought"
    yield of_rep("quota_against_past_won", quota_against_past_won, says, company, share)


def _person(words: Vocabulary) -> Iterator[Feature]:
    """How long the rep has been there, and where the rep belongs."""

    def tenure(rows: ir.Table) -> ir.Value:
        return in_days(rows.cutoff.delta(rows.hired_at, unit="microsecond"))

    def ramp(rows: ir.Table) -> ir.Value:
        return in_days(rows.period_start.delta(rows.hired_at, unit="microsecond"))

    company, days = Who.COMPANY, Unit.DAYS
    yield of_rep("tenure_days", tenure, "days since being hired", company, days)
    says = "days between being hired and the period's start"
    yield of_rep("tenure_at_start_days", ramp, says, company, days)
    yield of_rep("has_left", lambda r: r.has_left, "has left the company", company)
    columns = words.columns_of("reps")
    names = slugs(columns.values())
    for made, name in columns.items():
        place, categories = (Relation.REP, made), words.columns[f"reps.{name}"]
        yield word(f"rep_{names[name]}", place, name.replace("_", " "), company, categories)


def _peers() -> Iterator[Feature]:
    """How the company, the territory and the manager's reps do, and what they are given."""
    whose = {"company": "the company's", "territory": "the territory's", "manager": "the manager's"}

    def over(group: str, what: str, other: str) -> Value:
        return lambda rows: rows[f"{group}_{what}"] / rows[f"{group}_{other}"].nullif(0)

    for group, words in whose.items():
        who = Who.MARKET if group != "manager" else Who.COMPANY
        for name, what, other, says in (
            ("attained_ratio", "attained_amount", "quota_thousandths", "quotas that is in"),
            ("past_attainment", "past_amount", "past_quota", "earlier quotas that came in"),
            ("open_against_quota", "open_amount", "quota_thousandths", "quotas in open deals"),
        ):
            says_all = f"share of {words} {says}"
            yield of_rep(f"{group}_{name}", over(group, what, other), says_all, who, Unit.SHARE)
        says_all = f"open leads for each of {words} reps"
        leads_each = over(group, "open_leads", "reps")
        yield of_rep(f"{group}_leads_per_rep", leads_each, says_all, who, Unit.SHARE)
        yield of_rep(f"{group}_reps", column(f"{group}_reps"), f"{words} reps", who)


def _calendar() -> Iterator[Feature]:
    """The calendar at the cutoff, and the company's pace."""

    def rate(rows: ir.Table) -> ir.Value:
        return (rows.all_won_90d + 1) / (rows.all_won_90d + rows.all_lost_90d + 2)

    says = "the company's share of deals won, of those closed in 90 days"
    yield of_rep("company_win_rate", rate, says, Who.MARKET, Unit.SHARE)
    for name, says in CALENDAR.items():
        yield of_rep(name, column(name), says, Who.MARKET)
    yield of_rep(
        "start_month", lambda r: r.period_start.month(), "month the period starts in", Who.MARKET
    )
