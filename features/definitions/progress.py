"""How far a lead or a deal has come: its stage, and other fields with a history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from features.definitions.wording import column_as_it_is, quoted
from features.feature import Aggregate, Aggregation, Feature, Relation, Segment, Unit
from features.history.vocabulary import Vocabulary
from features.texts import About, Phrase, Theme, Who, slugs

STAGE_CHANGES = Phrase(
    "changed its stage {} times", zero="never changed its stage", one="changed its stage once"
)
NO_STAGE = "no stage yet"
STAGE = About("stage", "stage", Who.LEAD, named_theme=Theme.PROGRESS)
"""A stage is what it is."""
IN_ITS_STAGE = About(
    "stage_pace", "time in its stage", Who.COMPANY, "next step", named_theme=Theme.PROGRESS
)
"""How long a stage lasts is in the company's hands."""
IN_STAGE = Phrase("in this stage for {}", NO_STAGE)


def stages(vocabulary: Vocabulary) -> Iterator[Feature]:
    """The stage it is in, how long, how it came there, and when each stage was first reached."""
    if not vocabulary.stages:
        return
    yield Feature(
        "stage",
        Relation.STAGES,
        Aggregate(Aggregation.LAST_WORD, "stage"),
        "stage",
        STAGE,
        Unit.CATEGORY,
        categories=vocabulary.stages,
        phrase=Phrase(empty=NO_STAGE),
        segment=Segment.STAGE,
    )
    since, count = Aggregate(Aggregation.SINCE_LAST, "stage"), Aggregate(Aggregation.COUNT, "stage")
    for name, how, says, unit, phrase in (
        ("days_in_stage", since, "days in this stage", Unit.DAYS, IN_STAGE),
        (
            "working_hours_in_stage",
            since,
            "working hours in this stage",
            Unit.WORKING_HOURS,
            IN_STAGE,
        ),
        ("stage_changes", count, "changes of stage so far", Unit.COUNT, STAGE_CHANGES),
    ):
        yield Feature(name, Relation.STAGES, how, says, IN_ITS_STAGE, unit, phrase=phrase)
    yield from _first_reached(vocabulary)


def _first_reached(vocabulary: Vocabulary) -> Iterator[Feature]:
    """How long ago it first reached each stage."""
    names = slugs(vocabulary.stages)
    for code, stage in enumerate(vocabulary.stages):
        plain = quoted(stage)
        yield Feature(
            f"days_since_stage_{names[stage]}",
            Relation.STAGES,
            Aggregate(Aggregation.SINCE_FIRST, "stage", code),
            f"days since it first reached {plain}",
            STAGE,
            Unit.DAYS,
            phrase=Phrase(f"first reached {plain} {{}} ago", f"has not reached {plain} yet"),
        )


def fields(vocabulary: Vocabulary, source: Relation) -> Iterator[Feature]:
    """Other fields with a history: their last visible value."""
    names = slugs(vocabulary.fields)
    for column, name in vocabulary.field_columns.items():
        field = column_as_it_is(
            f"field_{names[name]}",
            (source, column),
            name.replace("_", " "),
            Who.COMPANY,
            vocabulary.fields[name],
        )
        yield replace(field, about=replace(field.about, named_theme=Theme.KIND))
