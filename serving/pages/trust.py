"""How good is this? What a model's own test has measured, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from features.evidence import EvidenceState
from serving.pages.facts import LEADS, ModelFacts
from serving.pages.region import Region

PURPOSE = "For coaching, not for employment decisions."


def trust_lines(model: ModelFacts, region: Region) -> list[str]:
    """Say how good forecasts of a model have been on a past that it had not learned from.

    Args:
        model: the champion.
        region: writes numbers.
    """
    if model.evidence is EvidenceState.NONE:
        return [f"No learned model answers here; simple averages do. {model.evidence_says}."]
    if not model.metrics or model.metrics["overall"].get("withheld"):
        why = model.metrics["overall"]["withheld"] if model.metrics else "its figures are gone"
        return [f"How good it is was not measured: {why}."]
    lines = _lead_lines if model.kind == LEADS else _quota_lines
    return [*lines(model.metrics, region), _made_of(model, region)]


def _made_of(model: ModelFacts, region: Region) -> str:
    return (
        f"Measured on the newest past that was kept from the model. Model {model.version} learned "
        f"from what was known by {region.day(model.until)}."
    )


def _lead_lines(metrics: Mapping[str, Any], region: Region) -> Iterator[str]:
    overall = metrics["overall"]
    own, rate = overall["model"], overall["base_rate"]["value"]
    capacity = metrics["settings"]["capacity"]
    yield (
        f"Tested on {region.count(metrics['n_leads'])} leads, of which "
        f"{region.share(rate)} converted within {metrics['horizon_days']} days: the first "
        f"{region.share(capacity)} by chance held {region.share(own['capture']['value'])} of those "
        f"that converted, {region.number(own['lift']['value'])} times as many as a random choice."
    )
    yield (
        f"A chance is off by {region.number(100 * own['ece']['value'])} points on average; a "
        f"perfect one would be off by {region.number(100 * overall['ece_floor']['value'])}, since "
        "outcomes are partly luck."
    )
    yield (
        f"Of two leads, one that converted and one that did not, it puts the right one first in "
        f"{region.share(own['auc']['value'])} of cases ({_between(own['auc'], region)}); a coin "
        "does in half of them."
    )


def _quota_lines(metrics: Mapping[str, Any], region: Region) -> Iterator[str]:
    overall = metrics["overall"]
    own = overall["model"]
    periods = metrics["n_periods"]
    yield (
        f"Tested on {region.count(metrics['n_reps'])} reps in {periods} quota "
        f"{'period' if periods == 1 else 'periods'}: of two reps, one who missed and one who made "
        f"it, the one who missed had the lower chance in {region.share(own['auc']['value'])} of "
        f"cases ({_between(own['auc'], region)}); a coin does in half of them."
    )
    if overall.get("withheld_ranges") is None and own["coverage"]["value"] is not None:
        yield (
            f"Of the ranges, {region.share(own['coverage']['value'])} held what happened "
            f"({_between(own['coverage'], region)}); {region.share(overall['ranges_should_hold'])} "
            "should."
        )
    if periods == 1:
        yield (
            "One period is little: a quarter that went well or badly for everybody would look the "
            "same as a model that is off."
        )


def _between(figure: Mapping[str, float | None], region: Region) -> str:
    low, high = figure["low"], figure["high"]
    if low is None or high is None:
        return "no interval"
    return f"{region.share(low)} to {region.share(high)} with luck taken into account"
