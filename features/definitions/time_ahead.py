"""The working days ahead: how much time there is for anything to happen."""

from __future__ import annotations

from features.feature import Feature, Relation, Unit, WorkingDaysAhead
from features.history.calendar import usual_working_days
from features.params import FeatureParams
from features.texts import About, Phrase, Who

DAYS_AHEAD = "working_days_ahead"


def days_ahead(horizon_days: int, params: FeatureParams) -> Feature:
    """Declare the working days up to a horizon.

    Args:
        horizon_days: how far the forecast looks ahead.
        params: the working days of a week.
    """
    usual = usual_working_days(horizon_days, params)
    return Feature(
        DAYS_AHEAD,
        Relation.AHEAD,
        WorkingDaysAhead(horizon_days),
        f"working days in the next {horizon_days} days",
        About("time_ahead", "working time ahead", Who.MARKET),
        Unit.COUNT,
        phrase=Phrase(
            f"{{}} working days in the next {horizon_days} days, where {usual:.0f} are usual",
            zero=f"no working day in the next {horizon_days} days",
        ),
        is_common=True,
    )
