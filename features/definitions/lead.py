"""What is known of a lead at a cutoff: declarations only, filled with the words of the data."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir

from features.definitions.context import CALENDAR, calendar, owner_description, standings
from features.definitions.lead_activity import coverage, directions, numbers, touches, types
from features.definitions.wording import Value, in_days, kind, row, word
from features.feature import (
    Aggregate,
    Aggregation,
    Feature,
    FeatureSet,
    Ratio,
    Ready,
    Relation,
    Unit,
    Who,
    slugs,
)
from features.history.calendar import local
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams

LAST_YEAR = 2045
"""The last year for which rules of time zones are looked at."""


def lead_features(words: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of a lead for the words of one extract."""
    families = (
        _story(params),
        _columns(words),
        touches(params),
        types(words, params),
        directions(words, params),
        numbers(words),
        coverage(params),
        stages(words),
        fields(words, Relation.LEAD),
        _owner(words),
        _market(),
        _standings(words),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("lead", features, _rows(words))


def _rows(words: Vocabulary) -> dict[Relation, dict[str, str]]:
    """The columns that expressions over a lead and its surroundings may use."""
    moments = {"created_at": "timestamp(6)", "do_not_contact_at": "timestamp(6)"}
    own = {n: kind(c) for n, c in own_columns(words).items()}
    fields = dict.fromkeys(words.field_columns, "string")
    of_rep = words.columns_of("reps")
    about_rep = {column: kind(words.columns[f"reps.{name}"]) for column, name in of_rep.items()}
    counts = ("load", "owner_resolved", "won", "won_week", "resolved", "created", "backlog")
    whole = dict.fromkeys((*counts, *CALENDAR), "int64")
    clocks = {"cutoff": "timestamp(6)", "hired_at": "timestamp(6)", "owner_rate": "float64"}
    return {
        Relation.LEAD: {
            "lead_age_us": "int64",
            **moments,
            **{name.replace(".", "__"): dtype for name, dtype in own.items()},
            **fields,
        },
        Relation.CONTEXT: {**clocks, **whole, **about_rep},
    }


def _story(params: FeatureParams) -> Iterator[Feature]:
    """The lead's own beginning."""

    def wall(rows: ir.Table) -> ir.TimestampValue:
        return local(rows.created_at, params.timezone, LAST_YEAR)

    yield row(
        "age_days", lambda r: in_days(r.lead_age_us), "days since it came in", Who.LEAD, Unit.DAYS
    )
    yield row(
        "age_working_hours",
        lambda r: r.lead_age_us,
        "working hours since it came in",
        Who.LEAD,
        Unit.WORKING_HOURS,
    )
    yield row("created_hour", lambda r: wall(r).hour(), "hour of the day it came in", Who.LEAD)
    yield row(
        "created_weekday",
        lambda r: wall(r).day_of_week.index(),
        "weekday it came in (0 = Monday)",
        Who.LEAD,
    )
    yield row(
        "is_do_not_contact",
        lambda r: r.do_not_contact_at.notnull().cast("int64"),
        "asked not to be contacted",
        Who.LEAD,
    )


def own_columns(words: Vocabulary) -> dict[str, tuple[str, ...] | None]:
    """Columns of the lead and its account that are known from the beginning."""
    return {n: c for n, c in words.columns.items() if not n.startswith("reps.")}


def _columns(words: Vocabulary) -> Iterator[Feature]:
    """Columns of the lead and its account that are known from the beginning."""
    own = own_columns(words)
    names = slugs(own)
    for full, categories in own.items():
        plain = full.split(".", 1)[1].replace("_", " ")
        says = plain if full.startswith("leads.") else f"the account's {plain}"
        column = full.replace(".", "__")
        yield word(names[full], (Relation.LEAD, column), says, Who.LEAD, categories)


def stages(words: Vocabulary) -> Iterator[Feature]:
    """The stage it is in, how long, how it came there, and when each stage was first reached."""
    if not words.stages:
        return
    yield Feature(
        "stage",
        Relation.STAGES,
        Aggregate(Aggregation.LAST_WORD, "stage"),
        "stage",
        Who.LEAD,
        Unit.CATEGORY,
        categories=words.stages,
    )
    names = slugs(words.stages)
    declared: list[tuple[str, Aggregate, str, Unit]] = [
        (
            "days_in_stage",
            Aggregate(Aggregation.SINCE_LAST, "stage"),
            "days in this stage",
            Unit.DAYS,
        ),
        (
            "working_hours_in_stage",
            Aggregate(Aggregation.SINCE_LAST, "stage"),
            "working hours in this stage",
            Unit.WORKING_HOURS,
        ),
        (
            "stage_changes",
            Aggregate(Aggregation.COUNT, "stage"),
            "changes of stage so far",
            Unit.COUNT,
        ),
    ]
    declared += [
        (
            f"days_since_stage_{names[stage]}",
            Aggregate(Aggregation.SINCE_FIRST, "stage", code),
            f"days since it first reached '{stage}'",
            Unit.DAYS,
        )
        for code, stage in enumerate(words.stages)
    ]
    for name, how, says, unit in declared:
        yield Feature(name, Relation.STAGES, how, says, Who.COMPANY, unit)


def fields(words: Vocabulary, source: Relation) -> Iterator[Feature]:
    """Other fields with a history: their last visible value."""
    names = slugs(words.fields)
    for column, name in words.field_columns.items():
        says = name.replace("_", " ")
        place, categories = (source, column), words.fields[name]
        yield word(f"field_{names[name]}", place, says, Who.COMPANY, categories)


def _owner(words: Vocabulary) -> Iterator[Feature]:
    """The owner's record, load and place."""
    yield row(
        "owner_rate",
        lambda r: r.owner_rate,
        "the owner's share of leads won, of those that ended lately",
        Who.REP,
        Unit.SHARE,
    )
    yield row(
        "owner_resolved",
        lambda r: r.owner_resolved,
        "the owner's leads that ended lately",
        Who.COMPANY,
    )
    yield Feature(
        "reps_rate_mean",
        Relation.CONTEXT,
        Ready("reps_rate_mean"),
        "how often leads were won that its reps had worked on, on average",
        Who.REP,
        Unit.SHARE,
    )
    yield Feature(
        "reps_rate_best",
        Relation.CONTEXT,
        Ready("reps_rate_best"),
        "how often leads were won that its best rep had worked on",
        Who.REP,
        Unit.SHARE,
    )
    yield row("owner_load", lambda r: r.load, "open leads of the owner", Who.COMPANY)
    yield from owner_description(words, Relation.CONTEXT, ("rate", "resolved", "load"))


def _market() -> Iterator[Feature]:
    """The company's pace and the calendar at the cutoff."""
    declared: list[tuple[str, Value, str, Unit]] = [
        (
            "company_rate",
            lambda r: (r.won + 1) / (r.resolved + 2),
            "the company's share of leads won, of those that ended in the last four weeks",
            Unit.SHARE,
        ),
        (
            "inflow_against_outflow",
            lambda r: (r.created + 1) / (r.resolved + 1),
            "leads that came in for each that ended, in the last four weeks",
            Unit.SHARE,
        ),
        ("backlog", lambda r: r.backlog, "open leads of the company", Unit.COUNT),
        (
            "won_of_backlog_week",
            lambda r: r.won_week / (r.backlog + 1),
            "leads won last week for each open one",
            Unit.SHARE,
        ),
        (
            "won_of_backlog_month",
            lambda r: r.won / (r.backlog + 1),
            "leads won in the last four weeks for each open one",
            Unit.SHARE,
        ),
    ]
    for name, value, says, unit in declared:
        yield row(name, value, says, Who.MARKET, unit)
    yield from calendar(Relation.CONTEXT)


def _standings(words: Vocabulary) -> Iterator[Feature]:
    """Where the lead stands among the others of the day, and how overdue the next touch is."""
    compared = {"age_days": "how old it is", "days_since_touch": "how long it has waited"}
    if "leads.value" in words.columns:
        compared[slugs(own_columns(words))["leads.value"]] = "how much it is worth"
    yield from standings(words, "leads", compared, Who.LEAD)
    yield Feature(
        "overdue",
        Relation.COLUMNS,
        Ratio("days_since_touch", "days_between_touches", 0.1),
        "the wait since the last activity, against its usual rhythm",
        Who.REP,
        Unit.SHARE,
    )
