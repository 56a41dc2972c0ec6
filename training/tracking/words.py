"""What MLflow's pages say of experiments, models, runs and comparisons, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.tracking.records import RunRecord

_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "leads": "the chance that an open lead converts within the horizon",
        "quota": "the chance that a rep reaches the running quota, and by how much",
    }
)
_HEADLINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"leads": ("auc", "log_loss", "brier", "ece"), "quota": ("auc", "brier", "pinball", "coverage")}
)
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "auc": "AUC",
        "log_loss": "log loss",
        "brier": "Brier score",
        "ece": "ECE",
        "pinball": "pinball loss",
        "coverage": "80 % range covers",
    }
)
_FOR = "It is for coaching, not for employment decisions."


def experiment(kind: str) -> str:
    """Describe the experiment that holds the trainings of a kind of model."""
    return (
        f"Trainings of the {kind} model, which forecasts {_SUBJECTS[kind]}. {_FOR}\n\n"
        "Each run is one training, named by its data and the day up to which it saw them. The tag "
        "`alias` says which one is champion, challenger or previous now. Comparisons with the "
        "champion are nested under the challenger's run; `report.html`, of lead models "
        "`calls.html` and, for every champion, `card.html` are among the artifacts."
    )


def tuning(kind: str) -> str:
    """Describe the experiment that holds the searches for better settings of a kind of model."""
    return (
        f"Searches for better settings of the {kind} model, which forecasts "
        f"{_SUBJECTS[kind]}. Each run is one search, with its trials nested under it; trial 0 is "
        "the defaults. The description of a search says what came of it."
    )


def model(kind: str) -> str:
    """Describe the registered model of a kind."""
    return (
        f"Forecasts {_SUBJECTS[kind]}. {_FOR} The alias `champion` answers; change it with "
        f"`pacesetter promote {kind}` or `pacesetter rollback {kind}`, which keep the promotion "
        "log, and not on this page. The tags `live from ...` say since when and why."
    )


def run_name(run: RunRecord) -> str:
    """Name a training by its kind, the day up to which it saw data, and the data."""
    return " · ".join(
        part for part in (f"{run.kind} until {run.bundle.until:%Y-%m-%d}", run.source) if part
    )


def training(run: RunRecord) -> str:
    """Describe a training and the version that came of it."""
    evidence = run.bundle.evidence
    figures = _figures(run)
    tested = f"{figures}, on a later past that a like model had not seen." if figures else ""
    lines = [
        # Lists show the first words, as plain text.
        tested or "Not tested: history is too short.",
        (
            f"Learned from `{run.source or 'an extract'}`, fingerprint "
            f"`{run.data_fingerprint[:12]}`, until {run.bundle.until:%Y-%m-%d %H:%M} UTC; looks "
            f"ahead {run.bundle.horizon}."
        ),
        f"Evidence: {evidence.state.value}, {evidence.says}.",
    ]
    return "\n\n".join(lines)


def _figures(run: RunRecord) -> str:
    found = ((name, run.metrics.get(name)) for name in _HEADLINES[run.kind])
    return ", ".join(
        f"{WORDS[name]} {value:.4f}{_interval(run.metrics, name)}"
        for name, value in found
        if value is not None
    )


def _interval(metrics: Mapping[str, float | None], name: str) -> str:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return "" if low is None or high is None else f" ({low:.4f} to {high:.4f})"


def verdict(comparison: Mapping[str, Any]) -> str:
    """Return what a gate decided, in a word."""
    if comparison["withheld"] is not None:
        return "withheld"
    return "passed" if comparison["promotes"] else "refused"


def comparison_name(comparison: Mapping[str, Any]) -> str:
    """Name a comparison by the champion and what the gate decided."""
    return f"against version {comparison['champion']}: {verdict(comparison)}"


def comparison(comparison: Mapping[str, Any]) -> str:
    """Describe a comparison of a challenger with the champion.

    Args:
        comparison: as plain values: kind, champion, challenger, since, cutoffs, and the verdict.
    """
    cutoffs = comparison["cutoffs"]
    span = f", cutoffs {cutoffs[0][:10]} to {cutoffs[-1][:10]}" if cutoffs else ""
    lines = [
        (
            f"Version {comparison['challenger']} of {comparison['kind']} against version "
            f"{comparison['champion']}, the champion, on data that neither had seen: "
            f"{comparison['n_rows']:,} forecasts{span}."
        ),
        f"**{verdict(comparison).capitalize()}**: {'; '.join(comparison['reasons'])}.",
    ]
    if figures := comparison["figures"]:
        lines.append("| figure | champion | challenger | difference |\n| --- | --- | --- | --- |")
        lines[-1] += "".join(
            f"\n| {name} | {_plain(f['champion'])} | {_plain(f['challenger'])} | "
            f"{_plain(f['difference'])} |"
            for name, f in figures.items()
        )
    worse = [f"{s['segment']} {s['part']}" for s in comparison["segments"] if s["is_worse"]]
    if worse:
        lines.append(f"Worse beyond luck in: {', '.join(worse)}.")
    return "\n\n".join(lines)


def _plain(estimate: Mapping[str, float | None]) -> str:
    value, low, high = estimate["value"], estimate["low"], estimate["high"]
    if value is None:
        return "unknown"
    return (
        f"{value:.4f}" if low is None or high is None else f"{value:.4f} ({low:.4f} to {high:.4f})"
    )
