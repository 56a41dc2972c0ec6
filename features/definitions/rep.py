"""What is known of a rep with a quota: declarations only, filled with words of the data."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, PACE_DAYS
from features.as_of.reps import GROUPS, SUMMED
from features.definitions.context import CALENDAR, calendar
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
from features.definitions.wording import Value, column_as_it_is, in_days, kind
from features.feature import Expression, Feature, FeatureSet, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import About, Phrase, Who, slugs

QUOTA = About("quota", "the quota", Who.COMPANY, "quota")
TIME_LEFT = About("time_left", "time left", Who.MARKET)
CLOSED = About("attained", "won so far", Who.REP, "closing")
EARLIER = About("past_attainment", "earlier periods", Who.REP)
TENURE = About("tenure", "time with the company", Who.COMPANY)
NO_PAST = "no period before this one"
MONTHS = (
    "no month",
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
"""Months by their number, which begins at 1."""
BILLION = 1_000_000_000


def rep_features(vocabulary: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of a rep in a quota period for the words of one extract.

    Args:
        vocabulary: the words, as `read_vocabulary(warehouse, params, REP)` returns them.
        params: windows, working hours, and how strongly own records are drawn to the company's.
    """
    families = (
        _period(params),
        _attained(),
        _past(),
        pace(params),
        pipeline(vocabulary),
        leads(params),
        _person(vocabulary),
        _peers(),
        _calendar(),
        work(vocabulary, params),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("rep", features, _rows(vocabulary))


def _rows(vocabulary: Vocabulary) -> dict[Relation, dict[str, str]]:
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
        for place in range(len(vocabulary.stages) + 1)
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
            **{n.replace(".", "__"): kind(c) for n, c in vocabulary.columns.items()},
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

    days, share = Unit.DAYS, Unit.SHARE
    quota = Phrase("a quota of {}")
    yield of_rep("quota", lambda r: r.quota, "the quota", QUOTA, Unit.AMOUNT, quota)
    for name, value, says, unit, phrase in (
        ("share_gone", _share_gone, "share of the period gone", share, "{} of the period is gone"),
        (
            "working_share_gone",
            worked,
            "share of the period's working days gone",
            share,
            "{} of the period's working days are gone",
        ),
        ("days_left", days_left, "days left in the period", days, "{} left in the period"),
        (
            "working_days_left",
            lambda r: working_days(r.minutes_left, params),
            "working days left in the period",
            Unit.COUNT,
            "{} working days left in the period",
        ),
    ):
        yield of_rep(name, value, says, TIME_LEFT, unit, Phrase(phrase))
    about = About("period", "length of the period", Who.COMPANY)
    yield of_rep("period_days", length, "days the period has", about, days)


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

    def left(rows: ir.Table) -> ir.Value:
        return missing(rows).fill_null(0.0) / 1000

    share, ratio, amount = Unit.SHARE, Unit.RATIO, Unit.AMOUNT
    phrase = Phrase("won {} so far", zero="nothing won so far")
    yield of_rep("attained", lambda r: r.attained, "won so far", CLOSED, amount, phrase)
    number = Phrase("won {} deals so far", zero="no deal won so far", one="won 1 deal so far")
    deals = "attained_deals"
    yield of_rep(deals, lambda r: r.attained_deals, "deals won so far", CLOSED, phrase=number)
    says = "share of the quota that is in"
    in_so_far = Phrase("{} of the quota is in")
    yield of_rep("attained_ratio", _ratio, says, CLOSED, share, in_so_far)
    says = "share of the quota that is in, as a multiple of the share of the period gone"
    phrase = Phrase("{} times as much of the quota is in as of the period is gone")
    yield of_rep("linear_attainment", linear, says, CLOSED, ratio, phrase)
    says = "share of its business the company usually has by now"
    about = About("company_curve", "the company's usual course", Who.MARKET)
    phrase = Phrase("the company usually has {} of its business by now", NO_PAST)
    yield of_rep("company_curve", _curve, says, about, share, phrase)
    says = "share of the quota that is in, as a multiple of the company's usual course"
    phrase = Phrase("{} times as much of the quota is in as is usual by now", NO_PAST)
    name = "seasonal_attainment"
    yield of_rep(name, lambda r: _ratio(r) / _curve(r), says, CLOSED, ratio, phrase)
    phrase = Phrase("{} is still missing", zero="nothing is missing any more")
    yield of_rep("missing", left, "what is still missing", CLOSED, amount, phrase)


def _past() -> Iterator[Feature]:
    """Earlier periods, as they look at the cutoff."""

    def quota_against_past(rows: ir.Table) -> ir.Value:
        return rows.quota_thousandths * rows.past_periods / rows.past_quota.nullif(0)

    def quota_against_past_won(rows: ir.Table) -> ir.Value:
        won = ibis.ifelse(rows.past_amount > 0, rows.past_amount, ibis.null("int64"))
        return rows.quota_thousandths * rows.past_periods / won

    def mean(name: str) -> Value:
        return lambda rows: rows[name] / BILLION / rows.past_periods.nullif(0)

    share, ratio = Unit.SHARE, Unit.RATIO
    about = About("past_periods", "quota periods before this", Who.COMPANY)
    number = Phrase("{} quota periods before this", zero=NO_PAST, one="1 quota period before this")
    count = "past_periods"
    yield of_rep(count, lambda r: r.past_periods, about.label, about, phrase=number)
    for name, by_now, when in (
        ("ratio", "", ""),
        ("early_ratio", "_by_now", " by this share of it"),
    ):
        yield of_rep(
            f"last_attainment{by_now}",
            column(f"last_{name}"),
            f"attainment of the last period{when}",
            EARLIER,
            share,
            Phrase(f"{{}} of the last period's quota{when}", NO_PAST),
        )
        yield of_rep(
            f"mean_attainment{by_now}",
            mean(f"past_{name}"),
            f"attainment of an earlier period{when}, on average",
            EARLIER,
            share,
            Phrase(f"{{}} of an earlier quota{when}, on average", NO_PAST),
        )
    says, phrase = (
        "the quota, as a multiple of earlier ones",
        Phrase("{} times earlier quotas", NO_PAST, one="as much as earlier quotas"),
    )
    yield of_rep("quota_against_past", quota_against_past, says, QUOTA, ratio, phrase)
    says = "the quota, as a multiple of what earlier periods brought"
    phrase = Phrase("{} times what earlier periods brought", NO_PAST)
    yield of_rep("quota_against_past_won", quota_against_past_won, says, QUOTA, ratio, phrase)


def _person(vocabulary: Vocabulary) -> Iterator[Feature]:
    """How long the rep has been there, and where the rep belongs."""

    def tenure(rows: ir.Table) -> ir.Value:
        return in_days(rows.cutoff.delta(rows.hired_at, unit="microsecond"))

    def ramp(rows: ir.Table) -> ir.Value:
        return in_days(rows.period_start.delta(rows.hired_at, unit="microsecond"))

    days = Unit.DAYS
    hired = Phrase("hired {} ago")
    yield of_rep("tenure_days", tenure, "days since being hired", TENURE, days, hired)
    says = "days between being hired and the period's start"
    phrase = Phrase("hired {} before the period began", below="hired {} after the period began")
    yield of_rep("tenure_at_start_days", ramp, says, TENURE, days, phrase)
    left = About("has_left", "has left the company", Who.COMPANY)
    yield of_rep("has_left", lambda r: r.has_left, left.label, left, Unit.BOOLEAN)
    columns = vocabulary.columns_of("reps")
    names = slugs(columns.values())
    for column_, name in columns.items():
        place, categories = (Relation.REP, column_), vocabulary.columns[f"reps.{name}"]
        label = name.replace("_", " ")
        yield column_as_it_is(f"rep_{names[name]}", place, label, Who.COMPANY, categories)


def _peers() -> Iterator[Feature]:
    """How the company, the territory and the manager's reps do, and what they are given."""
    whose = {"company": "the company's", "territory": "the territory's", "manager": "the manager's"}

    def over(group: str, what: str, other: str) -> Value:
        return lambda rows: rows[f"{group}_{what}"] / rows[f"{group}_{other}"].nullif(0)

    for group, possessive in whose.items():
        who = Who.MARKET if group != "manager" else Who.COMPANY
        for name, what, other, says, verb in (
            ("attained_ratio", "attained_amount", "quota_thousandths", "quotas", "is in"),
            ("past_attainment", "past_amount", "past_quota", "earlier quotas", "came in"),
            (
                "open_against_quota",
                "open_amount",
                "quota_thousandths",
                "quotas",
                "is in open deals",
            ),
        ):
            about = About(f"{group}_{name}", f"{possessive} {says}", who)
            said, phrase = (
                f"share of {possessive} {says} that {verb}",
                f"{{}} of {possessive} {says} {verb}",
            )
            value = over(group, what, other)
            yield of_rep(f"{group}_{name}", value, said, about, Unit.SHARE, Phrase(phrase))
        said, name = f"open leads for each of {possessive} reps", f"{group}_leads_per_rep"
        about = About(name, f"{possessive} leads", who)
        leads_each = over(group, "open_leads", "reps")
        yield of_rep(name, leads_each, said, about, Unit.RATIO, Phrase(f"{{}} {said}"))
        about = About(f"{group}_reps", f"{possessive} reps", who)
        yield of_rep(f"{group}_reps", column(f"{group}_reps"), about.label, about)


def _calendar() -> Iterator[Feature]:
    """The calendar at the cutoff, and the company's pace."""

    def rate(rows: ir.Table) -> ir.Value:
        return (rows.all_won_90d + 1) / (rows.all_won_90d + rows.all_lost_90d + 2)

    yield Feature(
        "company_win_rate",
        Relation.REP,
        Expression(rate),
        "the company's share of deals won, of those closed in 90 days",
        About("company_win_rate", "the company's win rate", Who.MARKET),
        Unit.SHARE,
        phrase=Phrase("the company won {} of the deals closed in 90 days"),
        is_common=True,
    )
    yield from calendar(Relation.REP)
    about = About("start_month", "the period's first month", Who.MARKET)
    months = Phrase("the period starts in {}", names=MONTHS)
    says = "month the period starts in"
    yield of_rep("start_month", lambda r: r.period_start.month(), says, about, phrase=months)
