"""What is known of an open deal at a cutoff: declarations only, filled with words of the data."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, PACE_DAYS
from features.as_of.deals import MOVES
from features.definitions.context import CALENDAR, calendar, owner_description, standings
from features.definitions.lead import fields, stages
from features.definitions.lead_activity import coverage, directions, numbers, touches, types
from features.definitions.wording import Value, fact, in_days, in_window, kind, suffix, word
from features.feature import (
    Aggregate,
    Aggregation,
    Feature,
    FeatureSet,
    Relation,
    Unit,
    Who,
    slugs,
)
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams

PRIOR_WINS = 5
"""Wins of the company's usual size that an owner's own median starts from."""
COMPARED = {
    "age_days": "how old it is",
    "amount": "how large it is",
    "days_since_touch": "how long it has waited",
}
"""What is set beside that of the other open deals."""


def deal_features(words: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of an open deal for the words of one extract.

    Args:
        words: what `read_vocabulary(warehouse, params, DEAL)` gives.
        params: windows, and how strongly own records are drawn to the company's.
    """
    families = (
        _story(),
        _columns(words),
        _moves(params),
        touches(params),
        types(words, params),
        directions(words, params),
        numbers(words),
        coverage(params),
        stages(words),
        fields(words, Relation.DEAL),
        _owner(words, params),
        _company(),
        standings(words, "deals", COMPARED, Who.CUSTOMER),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("deal", features, _rows(words))


def _rows(words: Vocabulary) -> dict[Relation, dict[str, str]]:
    """The columns that expressions over a deal and its surroundings may use."""
    moments = ("cutoff", "created_at", "expected_close_at", "hired_at")
    clocks = dict.fromkeys(moments, "timestamp(6)")
    own = {n.replace(".", "__"): kind(c) for n, c in words.columns.items()}
    ages = dict.fromkeys(("deal_age_us", "lead_us", "thousandths"), "int64")
    fields_ = dict.fromkeys(words.field_columns, "string")
    windows = [f"{what}_{days}d" for what in ("won", "lost") for days in PACE_DAYS]
    created = [f"created_{days}d" for days in FLOW_DAYS]
    counts = ("won_ever", "lost_ever", "open", *windows, *created)
    books = {f"{whose}_{name}": "int64" for whose in ("owner", "all") for name in counts}
    medians = dict.fromkeys(("owner_median_won", "all_median_won"), "float64")
    days = dict.fromkeys(CALENDAR, "int64")
    own_rows = {**clocks, "amount": "float64", **ages, **own, **fields_}
    return {
        Relation.DEAL: own_rows,
        Relation.DEAL_CONTEXT: {**own_rows, **books, **medians, **days},
    }


def _story() -> Iterator[Feature]:
    """The deal's own beginning, its amount, and when it is expected to close."""

    def until_due(rows: ir.Table) -> ir.Value:
        return in_days(rows.expected_close_at.delta(rows.cutoff, unit="microsecond"))

    declared: list[tuple[str, Value, str, Who, Unit]] = [
        (
            "age_days",
            lambda r: in_days(r.deal_age_us),
            "days since it was opened",
            Who.CUSTOMER,
            Unit.DAYS,
        ),
        ("amount", lambda r: r.amount, "amount", Who.CUSTOMER, Unit.AMOUNT),
        (
            "days_to_expected_close",
            until_due,
            "days until it is expected to close",
            Who.REP,
            Unit.DAYS,
        ),
        (
            "expected_days_in_all",
            lambda r: in_days(r.expected_close_at.delta(r.created_at, unit="microsecond")),
            "days from its opening to its expected close",
            Who.REP,
            Unit.DAYS,
        ),
        (
            "lead_to_deal_days",
            lambda r: in_days(r.lead_us - r.deal_age_us),
            "days from the lead's arrival to the deal",
            Who.REP,
            Unit.DAYS,
        ),
        (
            "has_lead",
            lambda r: r.lead_us.notnull().cast("int64"),
            "came from a lead",
            Who.COMPANY,
            Unit.COUNT,
        ),
    ]
    for name, value, says, who, unit in declared:
        yield fact(Relation.DEAL, name, value, says, who, unit)


def _columns(words: Vocabulary) -> Iterator[Feature]:
    """Columns of the deal, its lead and its account that are known from the beginning."""
    own = {n: c for n, c in words.columns.items() if not n.startswith("reps.")}
    names = slugs(own)
    whose = {"deals": "{}", "leads": "the lead's {}", "accounts": "the account's {}"}
    for full, categories in own.items():
        table, column = full.split(".", 1)
        says = whose[table].format(column.replace("_", " "))
        place = (Relation.DEAL, full.replace(".", "__"))
        yield word(names[full], place, says, Who.CUSTOMER, categories)


def _moves(params: FeatureParams) -> Iterator[Feature]:
    """How often its stage, its amount and its expected close were moved, and how lately."""
    says = {
        "stage forward": ("times it went on to a later stage", Who.COMPANY),
        "stage back": ("times it went back to an earlier stage", Who.CUSTOMER),
        "amount up": ("times its amount was raised", Who.CUSTOMER),
        "amount down": ("times its amount was cut", Who.CUSTOMER),
        "close pushed": ("times its expected close was put off", Who.CUSTOMER),
        "close pulled in": ("times its expected close was brought forward", Who.CUSTOMER),
    }
    for code, move in enumerate(MOVES):
        phrase, who = says[move]
        name = move.replace(" ", "_")
        for days in (params.windows_days[-1], None):
            how = Aggregate(Aggregation.COUNT, "move", code)
            label = f"{phrase} {in_window(days)}"
            yield Feature(
                f"{name}_{suffix(days)}", Relation.MOVES, how, label, who, window_days=days
            )
        since = Aggregate(Aggregation.SINCE_LAST, "move", code)
        label = f"days since the last of the {phrase}"
        yield Feature(f"days_since_{name}", Relation.MOVES, since, label, who, Unit.DAYS)
    pushed = Aggregate(Aggregation.SUM, "move", MOVES.index("close pushed"), column="days")
    yield Feature(
        "days_pushed",
        Relation.MOVES,
        pushed,
        "days by which its expected close was put off in all",
        Who.CUSTOMER,
        Unit.AMOUNT,
    )
    last = Aggregate(Aggregation.SINCE_LAST)
    yield Feature(
        "days_since_change", Relation.MOVES, last, "days since anything changed", Who.REP, Unit.DAYS
    )


def _shrunk_median(rows: ir.Table) -> ir.Value:
    """The owner's median amount won, drawn to the company's where it rests on few."""
    own = rows.owner_median_won.fill_null(rows.all_median_won)
    count = rows.owner_won_ever.fill_null(0)
    return (own * count + rows.all_median_won * PRIOR_WINS) / (count + PRIOR_WINS)


def _owner(words: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """The owner's record, load and place."""
    prior = params.owner_prior

    def rate(rows: ir.Table) -> ir.Value:
        company = (rows.all_won_ever + 1) / (rows.all_won_ever + rows.all_lost_ever + 2)
        own = rows.owner_won_365d + rows.owner_lost_365d
        return (rows.owner_won_365d + prior * company) / (own + prior)

    declared: list[tuple[str, Value, str, Who, Unit]] = [
        (
            "owner_rate",
            rate,
            "the owner's share of deals won, of those closed in a year",
            Who.REP,
            Unit.SHARE,
        ),
        (
            "owner_closed",
            lambda r: r.owner_won_365d + r.owner_lost_365d,
            "the owner's deals closed in a year",
            Who.COMPANY,
            Unit.COUNT,
        ),
        (
            "owner_won_90d",
            lambda r: r.owner_won_90d,
            "the owner's deals won in 90 days",
            Who.REP,
            Unit.COUNT,
        ),
        ("owner_open", lambda r: r.owner_open, "open deals of the owner", Who.COMPANY, Unit.COUNT),
        (
            "owner_created_30d",
            lambda r: r.owner_created_30d,
            "the owner's deals opened in 30 days",
            Who.REP,
            Unit.COUNT,
        ),
        (
            "amount_against_owner",
            lambda r: r.thousandths / _shrunk_median(r).nullif(0),
            "its amount, as a multiple of the owner's usual win",
            Who.CUSTOMER,
            Unit.SHARE,
        ),
    ]
    for name, value, says, who, unit in declared:
        yield fact(Relation.DEAL_CONTEXT, name, value, says, who, unit)
    taken = ("rate", "closed", "won_90d", "open", "created_30d")
    yield from owner_description(words, Relation.DEAL_CONTEXT, taken)


def _company() -> Iterator[Feature]:
    """The company's pace and the calendar at the cutoff."""
    declared: list[tuple[str, Value, str, Unit]] = [
        (
            "company_rate",
            lambda r: (r.all_won_90d + 1) / (r.all_won_90d + r.all_lost_90d + 2),
            "the company's share of deals won, of those closed in 90 days",
            Unit.SHARE,
        ),
        ("company_open", lambda r: r.all_open, "open deals of the company", Unit.COUNT),
        (
            "company_inflow",
            lambda r: (r.all_created_90d + 1) / (r.all_won_90d + r.all_lost_90d + 1),
            "deals opened for each that closed, in 90 days",
            Unit.SHARE,
        ),
        (
            "amount_against_company",
            lambda r: r.thousandths / r.all_median_won.nullif(0),
            "its amount, as a multiple of the company's usual win",
            Unit.SHARE,
        ),
    ]
    for name, value, says, unit in declared:
        who = Who.CUSTOMER if name == "amount_against_company" else Who.MARKET
        yield fact(Relation.DEAL_CONTEXT, name, value, says, who, unit)
    yield from calendar(Relation.DEAL_CONTEXT)
