"""What a rep does: declarations over the rep's activities."""

from __future__ import annotations

from collections.abc import Iterator

from features.definitions.lead_activity import INBOUND, trends
from features.definitions.wording import in_window, touch
from features.feature import Aggregate, Aggregation, Feature, Relation, Unit, Who, slugs
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams


def work(words: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Activities by type and direction, on how many days, how lately, and their trend.

    Counts look through windows only: how long the extract reaches back says nothing of a rep.
    """
    windows = params.windows_days
    for days in windows:
        says = f"activities {in_window(days)}"
        yield touch(f"touches_{days}d", Aggregate(Aggregation.COUNT), says, days=days)
    for days in windows[-2:]:
        yield Feature(
            f"active_days_{days}d",
            Relation.TOUCH_DAYS,
            Aggregate(Aggregation.COUNT),
            f"days with an activity {in_window(days)}",
            Who.REP,
            window_days=days,
        )
    says = "days since the last activity"
    yield touch("days_since_touch", Aggregate(Aggregation.SINCE_LAST), says, Unit.DAYS)
    yield from trends(params)
    for column, found, phrase in (
        ("type", words.types, "'{}'"),
        ("direction", words.directions, "'{}' activities"),
    ):
        names = slugs(found)
        for code, name in enumerate(found):
            says = phrase.format(name.replace("_", " "))
            who = Who.CUSTOMER if name.lower() in INBOUND else Who.REP
            for days in windows[-2:]:
                how = Aggregate(Aggregation.COUNT, column, code)
                label, told = f"{column}_{names[name]}_{days}d", f"{says} {in_window(days)}"
                yield Feature(label, Relation.TOUCHES, how, told, who, window_days=days)
