"""What is known of a lead at a cutoff: declarations only, filled with the words of the data."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir

from features.definitions.context import (
    CALENDAR,
    WEEKDAYS,
    Comparison,
    calendar,
    owner_description,
    peer_ranks,
)
from features.definitions.lead_activity import (
    NOT_YET,
    RECENCY,
    TOO_FEW,
    coverage,
    directions,
    numbers,
    touches,
    types,
)
from features.definitions.own import own_features
from features.definitions.progress import fields, stages
from features.definitions.time_ahead import days_ahead
from features.definitions.wording import Value, column_as_it_is, in_days, kind
from features.feature import (
    Expression,
    Feature,
    FeatureSet,
    Ratio,
    Ready,
    Relation,
    Segment,
    Unit,
)
from features.history.calendar import LAST_YEAR, local
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import PLAIN, About, Phrase, Who, slugs

AGE = About("age", "age", Who.LEAD)
NO_OWNER = "nobody owns it"
LATELY = "in the last four weeks"


def lead_features(vocabulary: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of a lead for the words of one extract."""
    families = (
        _story(params),
        _columns(vocabulary),
        touches(params),
        types(vocabulary, params),
        directions(vocabulary, params),
        numbers(vocabulary),
        coverage(params),
        stages(vocabulary),
        fields(vocabulary, Relation.LEAD),
        _owner(vocabulary),
        _market(),
        _peers(vocabulary),
        own_features(vocabulary, params),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("lead", features, _rows(vocabulary))


def conversion_features(
    vocabulary: Vocabulary, params: FeatureParams, horizon_days: int
) -> FeatureSet:
    """Declare all that a forecast of conversion is made of: every feature, and the time ahead.

    Args:
        vocabulary: the words of the data.
        params: calendar and windows.
        horizon_days: how far the forecast looks ahead.
    """
    return lead_features(vocabulary, params).joined([days_ahead(horizon_days, params)])


def _rows(vocabulary: Vocabulary) -> dict[Relation, dict[str, str]]:
    """The columns that expressions over a lead and its context may use."""
    moments = {"created_at": "timestamp(6)", "do_not_contact_at": "timestamp(6)"}
    own = {n: kind(c) for n, c in own_columns(vocabulary).items()}
    fields_ = dict.fromkeys(vocabulary.field_columns, "string")
    of_rep = vocabulary.columns_of("reps")
    about_rep = {
        column: kind(vocabulary.columns[f"reps.{name}"]) for column, name in of_rep.items()
    }
    counts = ("load", "owner_resolved", "won", "won_week", "resolved", "created", "backlog")
    whole = dict.fromkeys((*counts, *CALENDAR), "int64")
    clocks = {"cutoff": "timestamp(6)", "hired_at": "timestamp(6)", "owner_rate": "float64"}
    return {
        Relation.LEAD: {
            "lead_age_us": "int64",
            **moments,
            **{name.replace(".", "__"): dtype for name, dtype in own.items()},
            **fields_,
        },
        Relation.CONTEXT: {**clocks, **whole, **about_rep},
    }


def _story(params: FeatureParams) -> Iterator[Feature]:
    """The lead's own beginning."""

    def wall(rows: ir.Table) -> ir.TimestampValue:
        return local(rows.created_at, params.timezone, LAST_YEAR)

    came_in = Phrase("came in {} ago")
    declared: list[tuple[str, Value, str, About, Unit, Phrase]] = [
        (
            "age_days",
            lambda r: in_days(r.lead_age_us),
            "days since it came in",
            AGE,
            Unit.DAYS,
            came_in,
        ),
        (
            "age_working_hours",
            lambda r: r.lead_age_us,
            "working hours since it came in",
            AGE,
            Unit.WORKING_HOURS,
            came_in,
        ),
        (
            "created_hour",
            lambda r: wall(r).hour(),
            "hour of the day it came in",
            About("created_hour", "hour of arrival", Who.LEAD),
            Unit.COUNT,
            Phrase("came in between {}:00 and {}:59"),
        ),
        (
            "created_weekday",
            lambda r: wall(r).day_of_week.index(),
            "weekday it came in (0 = Monday)",
            About("created_weekday", "weekday of arrival", Who.LEAD),
            Unit.COUNT,
            Phrase("came in on a {}", names=WEEKDAYS),
        ),
        (
            "is_do_not_contact",
            lambda r: r.do_not_contact_at.notnull().cast("int64"),
            "asked not to be contacted",
            About("is_do_not_contact", "asked not to be contacted", Who.LEAD),
            Unit.BOOLEAN,
            PLAIN,
        ),
    ]
    for name, value, says, about, unit, phrase in declared:
        yield Feature(name, Relation.LEAD, Expression(value), says, about, unit, phrase=phrase)


def own_columns(vocabulary: Vocabulary) -> dict[str, tuple[str, ...] | None]:
    """Columns of the lead and its account that are known from the beginning."""
    return {n: c for n, c in vocabulary.columns.items() if not n.startswith("reps.")}


def _columns(vocabulary: Vocabulary) -> Iterator[Feature]:
    """Columns of the lead and its account that are known from the beginning."""
    own = own_columns(vocabulary)
    names = slugs(own)
    whose = {"leads": "{}", "accounts": "the account's {}"}
    for full, categories in own.items():
        table, column = full.split(".", 1)
        yield column_as_it_is(
            names[full],
            (Relation.LEAD, full.replace(".", "__")),
            whose[table].format(column.replace("_", " ")),
            Who.LEAD,
            categories,
            Segment.SOURCE if full == "leads.source" else None,
        )


def _owner(vocabulary: Vocabulary) -> Iterator[Feature]:
    """The owner's record, load and place, and the record of all reps who worked on it."""
    yield Feature(
        "owner_rate",
        Relation.CONTEXT,
        Expression(lambda r: r.owner_rate),
        "the owner's share of leads won, of those that ended lately",
        About("owner_rate", "the owner's record", Who.COMPANY, "coaching"),
        Unit.SHARE,
        phrase=Phrase("the owner won {} of the leads that ended lately", NO_OWNER),
    )
    yield Feature(
        "owner_resolved",
        Relation.CONTEXT,
        Expression(lambda r: r.owner_resolved),
        "the owner's leads that ended lately",
        About("owner_resolved", "the owner's experience", Who.COMPANY, "assignment"),
        phrase=Phrase(
            "{} of the owner's leads ended lately",
            NO_OWNER,
            "none of the owner's leads ended lately",
        ),
    )
    records = About("reps_rate", "the record of its reps", Who.COMPANY, "coaching")
    for name, says, reps in (
        ("reps_rate_mean", "share of leads won that its reps worked on, on average", "its reps"),
        ("reps_rate_best", "share of leads won that its best rep worked on", "its best rep"),
    ):
        phrase = Phrase(f"{reps} won {{}} of the leads they worked on", "no rep worked on it yet")
        how = Ready(name)
        yield Feature(name, Relation.CONTEXT, how, says, records, Unit.SHARE, phrase=phrase)
    yield Feature(
        "owner_load",
        Relation.CONTEXT,
        Expression(lambda r: r.load),
        "open leads of the owner",
        About("owner_load", "the owner's load", Who.COMPANY, "assignment"),
        phrase=Phrase(
            "the owner has {} open leads", NO_OWNER, one="it is the owner's only open lead"
        ),
    )
    yield from owner_description(vocabulary, Relation.CONTEXT, ("rate", "resolved", "load"))


def _market() -> Iterator[Feature]:
    """The company's pace and the calendar at the cutoff."""
    won = About("won_of_backlog", "leads won of those open", Who.MARKET)
    declared: list[tuple[str, Value, str, About, Unit, Phrase]] = [
        (
            "company_rate",
            lambda r: (r.won + 1) / (r.resolved + 2),
            f"the company's share of leads won, of those that ended {LATELY}",
            About("company_rate", "the company's win rate", Who.MARKET),
            Unit.SHARE,
            Phrase(f"the company won {{}} of the leads that ended {LATELY}"),
        ),
        (
            "inflow_against_outflow",
            lambda r: (r.created + 1) / (r.resolved + 1),
            f"leads that came in for each that ended, {LATELY}",
            About("inflow_against_outflow", "leads coming in and ending", Who.MARKET),
            Unit.RATIO,
            Phrase(f"{{}} leads came in for each that ended, {LATELY}"),
        ),
        (
            "backlog",
            lambda r: r.backlog,
            "open leads of the company",
            About("backlog", "open leads of the company", Who.MARKET),
            Unit.COUNT,
            Phrase("the company has {} open leads"),
        ),
        (
            "won_of_backlog_week",
            lambda r: r.won_week / (r.backlog + 1),
            "leads won last week, as a share of those open",
            won,
            Unit.SHARE,
            Phrase("leads won last week come to {} of those open"),
        ),
        (
            "won_of_backlog_month",
            lambda r: r.won / (r.backlog + 1),
            f"leads won {LATELY}, as a share of those open",
            won,
            Unit.SHARE,
            Phrase(f"leads won {LATELY} come to {{}} of those open"),
        ),
    ]
    for name, value, says, about, unit, phrase in declared:
        yield Feature(
            name,
            Relation.CONTEXT,
            Expression(value),
            says,
            about,
            unit,
            phrase=phrase,
            is_common=True,
        )
    yield from calendar(Relation.CONTEXT)


def _peers(vocabulary: Vocabulary) -> Iterator[Feature]:
    """Where the lead ranks among the others of the day, and how overdue the next touch is."""
    compared = {
        "age_days": Comparison(AGE, "age", "older than", "the oldest"),
        "days_since_touch": Comparison(
            RECENCY, "wait", "waiting longer than", "waiting the longest", NOT_YET
        ),
    }
    # Only numbers have a rank: a column of words is named with its list.
    if vocabulary.columns.get("leads.value", ()) is None:
        name = slugs(own_columns(vocabulary))["leads.value"]
        worth = About(name, "value", Who.LEAD)
        compared[name] = Comparison(worth, "value", "worth more than", "worth the most")
    yield from peer_ranks(vocabulary, "leads", compared)
    yield Feature(
        "overdue",
        Relation.COLUMNS,
        Ratio("days_since_touch", "days_between_touches", 0.1),
        "the wait since the last activity, as a multiple of the usual one",
        RECENCY,
        Unit.RATIO,
        phrase=Phrase("waiting {} times as long as is usual for it", TOO_FEW),
    )
