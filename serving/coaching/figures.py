"""The numbers of a sheet: at most five, each with a name by which it can be contested."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serving.coaching.causes import Cause, told_of
from serving.coaching.company import Company
from serving.coaching.numbers import amount, bare, count, whole
from training.coaching.goals.measures import OF_CAUSE, WINDOW_DAYS

MOST_NUMBERS = 5
NEXT_TO_NOTHING = 0.05
"""Where less is expected and nothing came, there is nothing to show."""
COUNTED = {
    "wins": ("deal won", "deals won"),
    "conversions": ("lead turned into a deal", "leads turned into deals"),
}


@dataclass(frozen=True)
class Number:
    """One number of a sheet.

    Attributes:
        figure: its name, by which it can be contested.
        value: as people read it.
        label: what it is.
        note: what it rests on.
    """

    figure: str
    value: str
    label: str
    note: str = ""


def numbers_of(company: Company, rep_id: str, causes: Sequence[Cause]) -> Iterator[Number]:
    """Yield the numbers that are known of a rep, the most important ones first.

    Attainment, the chance of making quota (where it may be told), deals won and leads converted
    beside those to be expected, and the measure of the main told cause in the rep's hands.
    """
    period = company.periods.get(rep_id)
    if period is not None and period.share is not None:
        note = f"{amount(period.attained)} of {amount(period.quota)}"
        yield Number("attained", whole(period.share), "of quota closed", note)
    forecast = company.forecast_of(rep_id)
    if forecast is not None and forecast["chance_withheld"] is None:
        low, high = forecast["range_low"], forecast["range_high"]
        note = f"8 of 10 cases end between {whole(low)} and {whole(high)}"
        yield Number("chance", whole(forecast["p_attain"]), "chance to make quota", note)
    for ground in company.grounds_of(rep_id):
        if ground.metric in COUNTED and (ground.actual or ground.expected > NEXT_TO_NOTHING):
            one, many = COUNTED[ground.metric]
            note = f"about {count(ground.expected)} expected on the same grounds"
            yield Number(
                ground.metric, f"{ground.actual:.0f}", one if ground.actual == 1 else many, note
            )
    for cause in told_of(causes):
        measure = OF_CAUSE.get(cause.name)
        own = measure and company.goals.value(rep_id, measure)
        if measure is not None and own:
            note = f"in {WINDOW_DAYS // 7} weeks, counted over {own[1]:,.0f}"
            label = f"{measure.label} {measure.unit}".strip()
            yield Number(measure.name, bare(measure, own[0]), label, note)
            return
