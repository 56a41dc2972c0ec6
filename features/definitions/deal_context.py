"""What an open deal has around it: its owner's record and load, and the company's pace."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir

from features.definitions.context import calendar, owner_description
from features.definitions.wording import Value
from features.feature import Expression, Feature, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import About, Phrase, Who

PRIOR_WINS = 5
"""Wins of the company's usual size that an owner's own median starts from."""
NO_AMOUNT, NO_OWNER = "no amount", "nobody owns it"


def _shrunk_median(rows: ir.Table) -> ir.Value:
    """The owner's median amount won, drawn to the company's where it rests on few."""
    own = rows.owner_median_won.fill_null(rows.all_median_won)
    count = rows.owner_won_ever.fill_null(0)
    return (own * count + rows.all_median_won * PRIOR_WINS) / (count + PRIOR_WINS)


def owner(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """The owner's record, load and place."""
    prior = params.owner_prior

    def rate(rows: ir.Table) -> ir.Value:
        company = (rows.all_won_ever + 1) / (rows.all_won_ever + rows.all_lost_ever + 2)
        own = rows.owner_won_365d + rows.owner_lost_365d
        return (rows.owner_won_365d + prior * company) / (own + prior)

    declared: list[tuple[str, Value, str, About, Unit, Phrase]] = [
        (
            "owner_rate",
            rate,
            "the owner's share of deals won, of those closed in a year",
            About("owner_rate", "the owner's record", Who.REP, "coaching"),
            Unit.SHARE,
            Phrase("the owner won {} of the deals closed in a year", NO_OWNER),
        ),
        (
            "owner_closed",
            lambda r: r.owner_won_365d + r.owner_lost_365d,
            "the owner's deals closed in a year",
            About("owner_closed", "the owner's experience", Who.COMPANY, "assignment"),
            Unit.COUNT,
            Phrase("the owner closed {} deals in a year", NO_OWNER),
        ),
        (
            "owner_won_90d",
            lambda r: r.owner_won_90d,
            "the owner's deals won in 90 days",
            About("owner_won", "the owner's wins", Who.REP, "coaching"),
            Unit.COUNT,
            Phrase("the owner won {} deals in 90 days", NO_OWNER),
        ),
        (
            "owner_open",
            lambda r: r.owner_open,
            "open deals of the owner",
            About("owner_open", "the owner's load", Who.COMPANY, "assignment"),
            Unit.COUNT,
            Phrase("the owner has {} open deals", NO_OWNER, one="it is the owner's only open deal"),
        ),
        (
            "owner_created_30d",
            lambda r: r.owner_created_30d,
            "the owner's deals opened in 30 days",
            About("owner_created", "the owner's new deals", Who.REP, "prospecting"),
            Unit.COUNT,
            Phrase("the owner opened {} deals in 30 days", NO_OWNER),
        ),
        (
            "amount_against_owner",
            lambda r: r.thousandths / _shrunk_median(r).nullif(0),
            "its amount, as a multiple of the owner's usual win",
            About("amount_against_owner", "amount for its owner", Who.CUSTOMER),
            Unit.RATIO,
            Phrase("{} times the owner's usual win", NO_AMOUNT),
        ),
    ]
    for name, value, says, about, unit, phrase in declared:
        how = Expression(value)
        yield Feature(name, Relation.DEAL_CONTEXT, how, says, about, unit, phrase=phrase)
    taken = ("rate", "closed", "won_90d", "open", "created_30d")
    yield from owner_description(vocabulary, Relation.DEAL_CONTEXT, taken)


def company() -> Iterator[Feature]:
    """The company's pace and the calendar at the cutoff."""
    declared: list[tuple[str, Value, str, About, Unit, Phrase]] = [
        (
            "company_rate",
            lambda r: (r.all_won_90d + 1) / (r.all_won_90d + r.all_lost_90d + 2),
            "the company's share of deals won, of those closed in 90 days",
            About("company_rate", "the company's win rate", Who.MARKET),
            Unit.SHARE,
            Phrase("the company won {} of the deals closed in 90 days"),
        ),
        (
            "company_open",
            lambda r: r.all_open,
            "open deals of the company",
            About("company_open", "open deals of the company", Who.MARKET),
            Unit.COUNT,
            Phrase("the company has {} open deals"),
        ),
        (
            "company_inflow",
            lambda r: (r.all_created_90d + 1) / (r.all_won_90d + r.all_lost_90d + 1),
            "deals opened for each that closed, in 90 days",
            About("company_inflow", "deals opening and closing", Who.MARKET),
            Unit.RATIO,
            Phrase("{} deals opened for each that closed, in 90 days"),
        ),
    ]
    for name, value, says, about, unit, phrase in declared:
        yield Feature(
            name,
            Relation.DEAL_CONTEXT,
            Expression(value),
            says,
            about,
            unit,
            phrase=phrase,
            is_common=True,
        )
    yield Feature(
        "amount_against_company",
        Relation.DEAL_CONTEXT,
        Expression(lambda r: r.thousandths / r.all_median_won.nullif(0)),
        "its amount, as a multiple of the company's usual win",
        About("amount_against_company", "amount for the company", Who.CUSTOMER),
        Unit.RATIO,
        phrase=Phrase("{} times the company's usual win", NO_AMOUNT),
    )
    yield from calendar(Relation.DEAL_CONTEXT)
