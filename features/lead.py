"""What is known of a lead at a cutoff: declarations only, filled with the words of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import ibis.expr.types as ir

from features.calendar import local
from features.feature import (
    DAY_US,
    Aggregate,
    Expression,
    Feature,
    FeatureSet,
    Kind,
    Ratio,
    Source,
    Standing,
    Unit,
    Who,
    slugs,
)
from features.params import FeatureParams
from features.relations import code_of
from features.vocabulary import Vocabulary, as_number

LAST_YEAR = 2045
"""The last year for which rules of time zones are looked at."""
PER_TYPE_WINDOWS = 2
"""Each activity type is counted over so many of the windows only, spread over all of them."""


def lead_features(words: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of a lead for the words of one extract."""
    families = (
        _story(params),
        _columns(words),
        _touches(params),
        _types(words, params),
        _directions(words, params),
        _numbers(words),
        _coverage(params),
        _stages(words),
        _fields(words),
        _owner(words),
        _market(),
        _standings(words),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("lead", features, _rows(words))


def _rows(words: Vocabulary) -> dict[Source, dict[str, str]]:
    """The columns that expressions over a lead and its surroundings may use."""

    def kind(categories: tuple[str, ...] | None) -> str:
        return "float64" if categories is None else "string"

    moments = {"created_at": "timestamp(6)", "do_not_contact_at": "timestamp(6)"}
    own = {n: kind(c) for n, c in own_columns(words).items()}
    fields = dict.fromkeys(words.field_columns, "string")
    of_rep = words.columns_of("reps")
    about_rep = {column: kind(words.columns[f"reps.{name}"]) for column, name in of_rep.items()}
    counts = ("load", "owner_resolved", "won", "won_week", "resolved", "created", "backlog")
    calendar = ("weekday", "day_of_month", "days_to_month_end", "days_to_quarter_end")
    whole = dict.fromkeys((*counts, *calendar), "int64")
    shares = dict.fromkeys(("owner_rate", "reps_rate_mean", "reps_rate_best"), "float64")
    clocks = {"cutoff": "timestamp(6)", "hired_at": "timestamp(6)", **shares}
    return {
        Source.LEAD: {
            "lead_age_us": "int64",
            **moments,
            **{name.replace(".", "__"): dtype for name, dtype in own.items()},
            **fields,
        },
        Source.SURROUNDINGS: {**clocks, **whole, **about_rep},
    }


def _days(us: ir.Value) -> ir.Value:
    return us / DAY_US


def _in_window(days: int | None) -> str:
    if days is None:
        return "so far"
    return "in the last day" if days == 1 else f"in the last {days} days"


def _suffix(days: int | None) -> str:
    return "all" if days is None else f"{days}d"


def _windows_per_type(params: FeatureParams) -> tuple[int | None, ...]:
    windows = params.windows_days
    step = max(1, len(windows) // PER_TYPE_WINDOWS)
    return (*windows[step - 1 :: step][:PER_TYPE_WINDOWS], None)


def _row(
    name: str, value: Callable[[ir.Table], ir.Value], says: str, who: Who, unit: Unit = Unit.COUNT
) -> Feature:
    source = Source.LEAD if who is Who.LEAD else Source.SURROUNDINGS
    return Feature(name, source, Expression(value), says, who, unit)


def _story(params: FeatureParams) -> Iterator[Feature]:
    """The lead's own beginning."""

    def wall(rows: ir.Table) -> ir.TimestampValue:
        return local(rows.created_at, params.timezone, LAST_YEAR)

    yield _row(
        "age_days", lambda r: _days(r.lead_age_us), "days since it came in", Who.LEAD, Unit.DAYS
    )
    yield _row(
        "age_working_hours",
        lambda r: r.lead_age_us,
        "working hours since it came in",
        Who.LEAD,
        Unit.WORKING_HOURS,
    )
    yield _row("created_hour", lambda r: wall(r).hour(), "hour of the day it came in", Who.LEAD)
    yield _row(
        "created_weekday",
        lambda r: wall(r).day_of_week.index(),
        "weekday it came in (0 = Monday)",
        Who.LEAD,
    )
    yield _row(
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
        yield _word(names[full], (Source.LEAD, column), says, Who.LEAD, categories)


def _word(
    name: str,
    place: tuple[Source, str],
    says: str,
    who: Who,
    categories: tuple[str, ...] | None,
) -> Feature:
    """A column of a surrounding as it stands: a number, or a word of a frozen list."""
    source, column = place
    if categories is None:
        value = Expression(lambda rows: as_number(rows[column]))
        return Feature(name, source, value, says, who, Unit.AMOUNT)
    value = Expression(lambda rows: code_of(rows[column], categories))
    return Feature(name, source, value, says, who, Unit.CATEGORY, categories=categories)


def _touch(
    name: str, how: Aggregate, says: str, unit: Unit = Unit.COUNT, days: int | None = None
) -> Feature:
    return Feature(name, Source.TOUCHES, how, says, Who.REP, unit, days)


def _touches(params: FeatureParams) -> Iterator[Feature]:
    """All activities together: how many, how recent, how long, how fast at the start."""
    for days in (*params.windows_days, None):
        yield _touch(
            f"touches_{_suffix(days)}",
            Aggregate(Kind.COUNT),
            f"activities {_in_window(days)}",
            days=days,
        )
    for days in (params.windows_days[-1], None):
        yield _touch(
            f"duration_hours_{_suffix(days)}",
            Aggregate(Kind.SUM, column="duration"),
            f"hours spent on it {_in_window(days)}",
            Unit.HOURS,
            days,
        )
    last, first = Aggregate(Kind.SINCE_LAST), Aggregate(Kind.SINCE_FIRST)
    yield _touch("days_since_touch", last, "days since the last activity", Unit.DAYS)
    yield _touch(
        "working_hours_since_touch",
        last,
        "working hours since the last activity",
        Unit.WORKING_HOURS,
    )
    yield _touch("days_since_first_touch", first, "days since the first activity", Unit.DAYS)
    yield _touch(
        "duration_hours_mean",
        Aggregate(Kind.MEAN, column="duration"),
        "hours an activity took on average",
        Unit.HOURS,
    )
    yield _touch(
        "days_between_touches",
        Aggregate(Kind.RHYTHM),
        "days between its activities on average",
        Unit.DAYS,
    )
    yield _touch(
        "first_response_hours",
        Aggregate(Kind.RESPONSE),
        "hours from its arrival to the first activity",
        Unit.HOURS,
    )
    for short, wide in zip(params.windows_days[1:-1:2], params.windows_days[2::2], strict=False):
        yield _touch(
            f"touch_trend_{short}d_{wide}d",
            Aggregate(Kind.TREND, wide_days=wide),
            f"activities a day in the last {short} days, less those of the {wide - short} before",
            Unit.SHARE,
            short,
        )


def _types(words: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Each activity type: how many in each window, how recent; and the latest type."""
    names = slugs(words.types)
    for code, word in enumerate(words.types):
        plain = word.replace("_", " ")
        for days in _windows_per_type(params):
            yield _touch(
                f"type_{names[word]}_{_suffix(days)}",
                Aggregate(Kind.COUNT, "type", code),
                f"'{plain}' {_in_window(days)}",
                days=days,
            )
        yield _touch(
            f"days_since_type_{names[word]}",
            Aggregate(Kind.SINCE_LAST, "type", code),
            f"days since the last '{plain}'",
            Unit.DAYS,
        )
        yield _touch(
            f"days_since_first_type_{names[word]}",
            Aggregate(Kind.SINCE_FIRST, "type", code),
            f"days since the first '{plain}'",
            Unit.DAYS,
        )
        yield _touch(
            f"duration_hours_type_{names[word]}_all",
            Aggregate(Kind.SUM, "type", code, column="duration"),
            f"hours spent on '{plain}' so far",
            Unit.HOURS,
        )
    if words.types:
        yield Feature(
            "last_type",
            Source.TOUCHES,
            Aggregate(Kind.LAST_WORD, "type"),
            "the last activity's type",
            Who.REP,
            Unit.CATEGORY,
            categories=words.types,
        )
        yield Feature(
            "second_last_type",
            Source.TOUCHES,
            Aggregate(Kind.SECOND_WORD, "type"),
            "the type of activity before that",
            Who.REP,
            Unit.CATEGORY,
            categories=words.types,
        )
        yield Feature(
            "newest_type",
            Source.TOUCHES,
            Aggregate(Kind.NEWEST_WORD, "type"),
            "the latest type that was new to it",
            Who.REP,
            Unit.CATEGORY,
            categories=words.types,
        )
        yield _touch(
            "days_since_newest_type",
            Aggregate(Kind.SINCE_NEWEST, "type"),
            "days since something new was done",
            Unit.DAYS,
        )


INBOUND = frozenset({"inbound", "in", "incoming", "received"})
"""Directions in which the lead, not the rep, was the one who acted."""


def _directions(words: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Directions and outcomes of activities: how many, how recent."""
    for column, found, phrase in (
        ("direction", words.directions, "'{}' activities"),
        ("outcome", words.outcomes, "activities with the outcome '{}'"),
    ):
        names = slugs(found)
        for code, word in enumerate(found):
            says = phrase.format(word.replace("_", " "))
            who = Who.LEAD if word.lower() in INBOUND else Who.REP
            for days in _windows_per_type(params):
                yield Feature(
                    f"{column}_{names[word]}_{_suffix(days)}",
                    Source.TOUCHES,
                    Aggregate(Kind.COUNT, column, code),
                    f"{says} {_in_window(days)}",
                    who,
                    window_days=days,
                )
            yield Feature(
                f"days_since_{column}_{names[word]}",
                Source.TOUCHES,
                Aggregate(Kind.SINCE_LAST, column, code),
                f"days since the last of the {says}",
                who,
                Unit.DAYS,
            )


def _numbers(words: Vocabulary) -> Iterator[Feature]:
    """Further numbers that activities carry: their mean and their sum."""
    names = slugs(words.numbers)
    for word in words.numbers:
        for kind in (Kind.MEAN, Kind.SUM):
            yield _touch(
                f"{kind.value}_{names[word]}",
                Aggregate(kind, column=f"number__{word}"),
                f"{kind.value} of the {word.replace('_', ' ')} of its activities",
                Unit.AMOUNT,
            )


def _coverage(params: FeatureParams) -> Iterator[Feature]:
    """On how many days, and by how many reps, it was worked."""
    for source, what, plain in (
        (Source.TOUCH_DAYS, "active_days", "days with an activity"),
        (Source.TOUCH_REPS, "reps", "reps who worked on it"),
    ):
        for days in (*params.windows_days[-2:], None):
            yield Feature(
                f"{what}_{_suffix(days)}",
                source,
                Aggregate(Kind.COUNT),
                f"{plain} {_in_window(days)}",
                Who.REP,
                window_days=days,
            )


def _stages(words: Vocabulary) -> Iterator[Feature]:
    """The stage it is in, how long, how it came there, and when each stage was first reached."""
    if not words.stages:
        return
    yield Feature(
        "stage",
        Source.STAGES,
        Aggregate(Kind.LAST_WORD, "stage"),
        "stage",
        Who.LEAD,
        Unit.CATEGORY,
        categories=words.stages,
    )
    names = slugs(words.stages)
    declared: list[tuple[str, Aggregate, str, Unit]] = [
        ("days_in_stage", Aggregate(Kind.SINCE_LAST, "stage"), "days in this stage", Unit.DAYS),
        (
            "working_hours_in_stage",
            Aggregate(Kind.SINCE_LAST, "stage"),
            "working hours in this stage",
            Unit.WORKING_HOURS,
        ),
        ("stage_changes", Aggregate(Kind.COUNT, "stage"), "changes of stage so far", Unit.COUNT),
    ]
    declared += [
        (
            f"days_since_stage_{names[word]}",
            Aggregate(Kind.SINCE_FIRST, "stage", code),
            f"days since it first reached '{word}'",
            Unit.DAYS,
        )
        for code, word in enumerate(words.stages)
    ]
    for name, how, says, unit in declared:
        yield Feature(name, Source.STAGES, how, says, Who.COMPANY, unit)


def _fields(words: Vocabulary) -> Iterator[Feature]:
    """Other fields with a history: their last visible value."""
    names = slugs(words.fields)
    for column, word in words.field_columns.items():
        says = word.replace("_", " ")
        place, categories = (Source.LEAD, column), words.fields[word]
        yield _word(f"field_{names[word]}", place, says, Who.COMPANY, categories)


def _owner(words: Vocabulary) -> Iterator[Feature]:
    """The owner's record, load and place."""
    yield _row(
        "owner_rate",
        lambda r: r.owner_rate,
        "the owner's share of leads won, of those that ended lately",
        Who.REP,
        Unit.SHARE,
    )
    yield _row(
        "owner_resolved",
        lambda r: r.owner_resolved,
        "the owner's leads that ended lately",
        Who.COMPANY,
    )
    yield _row(
        "reps_rate_mean",
        lambda r: r.reps_rate_mean,
        "how often leads were won that its reps had worked on, on average",
        Who.REP,
        Unit.SHARE,
    )
    yield _row(
        "reps_rate_best",
        lambda r: r.reps_rate_best,
        "how often leads were won that its best rep had worked on",
        Who.REP,
        Unit.SHARE,
    )
    yield _row("owner_load", lambda r: r.load, "open leads of the owner", Who.COMPANY)
    yield _row(
        "owner_tenure_days",
        lambda r: _days(r.cutoff.delta(r.hired_at, unit="microsecond")),
        "days since the owner was hired",
        Who.COMPANY,
        Unit.DAYS,
    )
    # The first names are taken already.
    taken = ("rate", "resolved", "load", "tenure_days")
    names = slugs((*taken, *words.columns_of("reps").values()))
    for column, name in words.columns_of("reps").items():
        place, categories = (Source.SURROUNDINGS, column), words.columns[f"reps.{name}"]
        says = f"the owner's {name.replace('_', ' ')}"
        yield _word(f"owner_{names[name]}", place, says, Who.COMPANY, categories)


def _market() -> Iterator[Feature]:
    """The company's pace and the calendar at the cutoff."""
    declared: list[tuple[str, Callable[[ir.Table], ir.Value], str, Unit]] = [
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
        ("weekday", lambda r: r.weekday, "weekday (0 = Monday)", Unit.COUNT),
        ("day_of_month", lambda r: r.day_of_month, "day of the month", Unit.COUNT),
        ("days_to_month_end", lambda r: r.days_to_month_end, "days to month's end", Unit.COUNT),
        (
            "days_to_quarter_end",
            lambda r: r.days_to_quarter_end,
            "days to quarter's end",
            Unit.COUNT,
        ),
    ]
    for name, value, says, unit in declared:
        yield _row(name, value, says, Who.MARKET, unit)


def _standings(words: Vocabulary) -> Iterator[Feature]:
    """Where the lead stands among the others of the day, and how overdue the next touch is."""
    within = "stage" if words.stages else None
    among = "leads in its stage" if within else "open leads"
    compared = [("age_days", "how old it is"), ("days_since_touch", "how long it has waited")]
    if "leads.value" in words.columns:
        compared.append((slugs(own_columns(words))["leads.value"], "how much it is worth"))
    for name, what in compared:
        yield Feature(
            f"standing_{name}",
            Source.COLUMNS,
            Standing(name, within),
            f"{what} among {among} (0 lowest, 1 highest)",
            Who.LEAD,
            Unit.SHARE,
        )
    yield Feature(
        "overdue",
        Source.COLUMNS,
        Ratio("days_since_touch", "days_between_touches", 0.1),
        "the wait since the last activity, against its usual rhythm",
        Who.REP,
        Unit.SHARE,
    )
