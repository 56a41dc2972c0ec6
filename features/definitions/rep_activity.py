"""What a rep does: declarations over the rep's activities."""

from __future__ import annotations

from collections.abc import Iterator

from features.definitions.lead_activity import (
    ACTIVITIES,
    ACTIVITY,
    DAYS_WORKED,
    acted,
    trends,
)
from features.definitions.wording import counts, number_of, quoted
from features.feature import Aggregate, Aggregation, Feature, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import Phrase, Who, slugs


def work(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Activities by type and direction, on how many days, how lately, and their trend.

    Counts look through windows only: how long the extract reaches back says nothing of a rep.
    """
    windows, count = params.windows_days, Aggregate(Aggregation.COUNT)
    all_rows, days = (Relation.TOUCHES, count), (Relation.TOUCH_DAYS, count)
    yield from counts("touches", all_rows, ("activities", ACTIVITIES), ACTIVITY, windows)
    worked = ("days with an activity", DAYS_WORKED)
    yield from counts("active_days", days, worked, ACTIVITY, windows[-2:])
    yield Feature(
        "days_since_touch",
        Relation.TOUCHES,
        Aggregate(Aggregation.SINCE_LAST),
        "days since the last activity",
        ACTIVITY,
        Unit.DAYS,
        phrase=Phrase("last activity {} ago", "no activity yet"),
    )
    yield from trends(params)
    yield from _by_word("type", vocabulary.types, windows[-2:])
    yield from _by_word("direction", vocabulary.directions, windows[-2:])


def _by_word(column: str, words: tuple[str, ...], windows: tuple[int, ...]) -> Iterator[Feature]:
    """Activities of each type, or of each direction."""
    names = slugs(words)
    for code, word in enumerate(words):
        topic, plain = f"{column}_{names[word]}", quoted(word)
        about = acted(topic, f"{plain} activities", word, Who.CUSTOMER)
        number = number_of(f"{plain} activity", f"{plain} activities")
        rows = (Relation.TOUCHES, Aggregate(Aggregation.COUNT, column, code))
        yield from counts(topic, rows, (f"{plain} activities", number), about, windows)
