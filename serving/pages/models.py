"""What an analyst asks of the models: calibration, lead time, drift, promotions, worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from serving.pages.facts import LEADS, QUOTA, Facts, ModelFacts
from serving.pages.quarter import Figure
from serving.pages.region import Region
from serving.pages.trust import trust_lines
from serving.store.promotions import Entry
from training.calls.worth_words import details, headline
from training.evaluation.bootstrap import Estimate
from training.evaluation.leads import ReliabilityBin
from training.report.plots import reliability
from training.report.words import between

TITLES = {LEADS: "Lead conversion", QUOTA: "Quota attainment"}
MOST_FINDINGS, MOST_PROMOTIONS = 5, 10


@dataclass(frozen=True)
class ModelView:
    """One champion.

    Attributes:
        kind: `leads` or `quota`.
        title: what it forecasts.
        facts: version, data and evidence, in a line each.
        figures: at most four.
        trust: how good it is, in sentences.
        calibration: what was forecast beside what happened; None where it was not measured.
        lead_time: how early misses are known, in sentences; of quotas.
        notes: what its training had to say.
        files: names of its reports.
    """

    kind: str
    title: str
    facts: tuple[str, ...]
    figures: tuple[Figure, ...]
    trust: tuple[str, ...]
    calibration: Markup | None
    lead_time: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class ModelsPage:
    """The page of the models.

    Attributes:
        models: the champions.
        absent: why there is no model of a kind, in sentences.
        drift: what the newest monitoring run found, in sentences.
        watched_at: when that was looked at, in words; empty without one.
        promotions: who made which model champion, the newest first.
        worth: what the list is worth, in sentences.
    """

    models: tuple[ModelView, ...]
    absent: tuple[str, ...]
    drift: tuple[str, ...]
    watched_at: str
    promotions: tuple[str, ...]
    worth: tuple[str, ...]


def models_page(facts: Facts, promotions: Sequence[Entry], region: Region) -> ModelsPage:
    """Return the page.

    Args:
        facts: of the home.
        promotions: the promotion log, the oldest first.
        region: writes numbers.
    """
    watched = facts.watched
    return ModelsPage(
        models=tuple(_model(facts, model, region) for model in facts.models.values()),
        absent=tuple(part for part in (facts.leads, facts.quota) if isinstance(part, str)),
        drift=() if watched is None else tuple(_drift(watched)),
        watched_at="" if watched is None else str(watched["as_of"])[:10],
        promotions=tuple(_promotion(e, region) for e in reversed(promotions))[:MOST_PROMOTIONS],
        worth=() if facts.worth is None else (f"{headline(facts.worth)}.", *_details(facts)),
    )


def _details(facts: Facts) -> Sequence[str]:
    assert facts.worth is not None  # noqa: S101 - asked before
    return [f"{line[:1].upper()}{line[1:]}." for line in details(facts.worth)]


def _model(facts: Facts, model: ModelFacts, region: Region) -> ModelView:
    metrics = model.metrics
    return ModelView(
        kind=model.kind,
        title=TITLES[model.kind],
        facts=(
            f"Version {model.version}",
            f"learned from what was known by {region.day(model.until)}",
            f"evidence: {model.evidence.value}",
        ),
        figures=tuple(_figures(metrics, region)),
        trust=tuple(trust_lines(model, region)),
        calibration=facts.once(("calibration", model.kind), lambda: _calibration(metrics)),
        lead_time=tuple(_lead_time(metrics)) if model.kind == QUOTA else (),
        notes=tuple(model.notes),
        files=tuple(sorted(model.files)),
    )


def _figures(metrics: Mapping[str, Any], region: Region) -> Sequence[Figure]:
    """Return AUC, calibration error, Brier score, and lift or coverage, as far as measured."""
    if not metrics or metrics["overall"].get("withheld"):
        return []
    own = metrics["overall"]["model"]
    shown = {
        "auc": ("AUC", 2),
        "ece": ("calibration error", 3),
        "brier": ("Brier score", 3),
        "lift": ("times as many as chance, at capacity", 1),
        "coverage": ("of ranges held what happened", 2),
    }
    figures = []
    for name, (label, digits) in shown.items():
        estimate = own.get(name)
        if estimate is not None and estimate["value"] is not None:
            value = region.number(estimate["value"], digits)
            interval = between(Estimate(**estimate), digits=digits)
            figures.append(Figure(value, label, interval))
    return figures[:4]


def _calibration(metrics: Mapping[str, Any]) -> Markup | None:
    bins = metrics.get("reliability") or []
    if not bins:
        return None
    known = [ReliabilityBin(**{**row, "rate": Estimate(**row["rate"])}) for row in bins]
    counts = [(row["up_to"], row["n_rows"]) for row in metrics.get("histogram") or []]
    return reliability(known, counts or [(row.high, row.n_rows) for row in known])


def _lead_time(metrics: Mapping[str, Any]) -> Sequence[str]:
    """Say for each rule that raises a flag how many days before the end misses were known."""
    lines = []
    for rule in metrics.get("warnings") or []:
        if rule["withheld"]:
            lines.append(f"Flag at a {rule['raised']}: {rule['withheld']}.")
            continue
        days, flagged, wrong = (
            rule["model"][name] for name in ("lead_days", "flagged", "false_alarms")
        )
        interval = between(Estimate(**days), digits=0)
        early = f"{days['value']:.0f}"
        lines.append(
            f"Flag at a {rule['raised']}: half of {rule['n_missed']} misses were known "
            f"{early} {'day' if early == '1' else 'days'} before the period's end ({interval}); "
            f"{100 * flagged['value']:.0f} of 100 misses were flagged for good, and "
            f"{100 * wrong['value']:.0f} of 100 early flags were wrong."
        )
    return lines


def _drift(watched: Mapping[str, Any]) -> Sequence[str]:
    findings = watched["findings"]
    if not findings:
        return ["Nothing is out of the ordinary."]
    shown = [f"{row['severity']}: {row['says']}" for row in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        shown.append(f"and {len(findings) - MOST_FINDINGS} more in the report of `monitor`")
    return shown


def _promotion(entry: Entry, region: Region) -> str:
    # No name: whoever asks for models has no business with people's.
    before = f", instead of version {entry.from_version}" if entry.from_version else ""
    return (
        f"{region.day(entry.at)}: {TITLES.get(entry.kind, entry.kind)}, version "
        f"{entry.to_version}{before} ({entry.how.value}): {entry.reason}"
    )
