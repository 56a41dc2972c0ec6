"""The tables of a model card, each from one of the files that a training left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.evaluation.bootstrap import Estimate
from training.evaluation.fairness import CALIBRATION, FALSE_ALARMS, MISSES
from training.report.card_page import Table
from training.report.lead_glossary import TERMS, Term
from training.report.quota_glossary import QUOTA_TERMS
from training.report.words import percent

Plain = Mapping[str, Any]
GLOSSARIES: Mapping[str, Mapping[str, Term]] = {"leads": TERMS, "quota": QUOTA_TERMS}
MODEL_ROW = "this model"
BINS = 5
"""Rows of the calibration table, at most: every third of 15 bins would hide the ends."""


def figure(term: Term, plain: Mapping[str, float | None]) -> str:
    """Write a figure with its interval: `0.776 (0.760 to 0.792)`."""
    estimate = Estimate(**plain)
    interval = term.interval(estimate)
    return f"{term.write(estimate.value)} ({interval})" if interval else term.write(estimate.value)


def rate(plain: Mapping[str, float | None]) -> str:
    """Write a share with its interval: `19.6 % (7.3 % to 31.9 %)`."""
    if plain["value"] is None:
        return "withheld"
    if plain["low"] is None or plain["high"] is None:
        return percent(plain["value"], 1)
    ends = f"{percent(plain['low'], 1)} to {percent(plain['high'], 1)}"
    return f"{percent(plain['value'], 1)} ({ends})"


def extract_table(extract: Plain) -> Table:
    """Return what was read, accepted and quarantined of each table, and why."""
    rows = []
    for name, table in extract["tables"].items():
        counts = (f"{table[count]:,}" for count in ("read", "accepted", "quarantined"))
        reasons = (f"{why}: {n:,}" for why, n in table.get("quarantine_reasons", {}).items())
        notes = (f"{what}: {n:,}" for what, n in table.get("notes", {}).items())
        rows.append([name, *counts, "; ".join(reasons) or "none", "; ".join(notes) or "none"])
    return Table(
        "Rows of the extract",
        ("Table", "Read", "Accepted", "Quarantined", "Why", "Noted, and kept"),
        rows,
        "A quarantined row was not learned from. Nothing was repaired or filled in.",
    )


def figures_table(kind: str, metrics: Plain, keys: Sequence[str], own: str | None) -> Table:
    """Return how each forecast did on the same rows.

    Args:
        kind: whose glossary counts.
        metrics: metrics.json.
        keys: the figures to show.
        own: the forecast that this card is about, if it is among them; None for the model.
    """
    terms, overall = GLOSSARIES[kind], metrics["overall"]
    forecasts = {MODEL_ROW if own is None else "the learned model": overall["model"]}
    for name, scores in overall["baselines"].items():
        forecasts[f"{name} ({MODEL_ROW})" if name == own else name] = scores
    rows = [
        [name, *(figure(terms[key], scores[key]) for key in keys)]
        for name, scores in forecasts.items()
    ]
    heads = [
        f"{terms[key].title}, {terms[key].direction}" if terms[key].better else terms[key].title
        for key in keys
    ]
    level = percent(metrics["settings"]["level"])
    return Table(
        f"All forecasts on the same {overall['n_rows']:,} rows, with {level} intervals",
        ("Forecast", *heads),
        rows,
        overall["withheld"] or "",
    )


def reliability_table(metrics: Plain, event: str) -> Table:
    """Return what happened to forecasts of about the same chance."""
    bins = metrics["reliability"]
    step = max(1, -(-len(bins) // BINS))
    # The first and the last tell most: they are always among those shown.
    shown = sorted({*range(0, len(bins), step), len(bins) - 1}) if bins else []
    rows = [
        [
            f"{percent(bins[at]['low'], 1)} to {percent(bins[at]['high'], 1)}",
            percent(bins[at]["mean_forecast"], 1),
            rate(bins[at]["rate"]),
            f"{bins[at]['n_rows']:,}",
        ]
        for at in shown
    ]
    return Table(
        "Forecasts and what happened",
        ("Chances", "On average", f"Share that {event}", "Forecasts"),
        rows,
        f"{len(shown)} of {len(bins)} groups of about equally many forecasts, the lowest and the "
        "highest among them; all are in metrics.json.",
    )


def segment_tables(kind: str, metrics: Plain, keys: Sequence[str]) -> Iterator[Table]:
    """Yield a table for each segment; parts with too little are named and withheld."""
    terms = GLOSSARIES[kind]
    for name, parts in metrics["segments"].items():
        rows = [
            [
                part["label"],
                f"{part['n_rows']:,}",
                *(
                    [f"withheld: {part['withheld']}"]
                    if part["withheld"]
                    else [figure(terms[key], part["model"][key]) for key in keys]
                ),
            ]
            for part in parts
        ]
        yield Table(f"By {name}", ("Part", "Forecasts", *(terms[key].title for key in keys)), rows)


def fairness_tables(fairness: Plain) -> Iterator[Table]:
    """Yield a table for each attribute by which groups were compared."""
    flag = fairness["words"]["flag"]
    heads = (
        *("Group", "Reps", "Forecasts", f'Called "{flag}"', "Ratio", "False flags"),
        *("Missing flags", "Forecast minus actual", "Beyond luck"),
    )
    for attribute, groups in fairness["attributes"].items():
        if len(groups) > 1:
            rows = [[*_group_row(group)] for group in groups]
            yield Table(f"By {attribute}", heads, rows)


def _group_row(group: Plain) -> Iterator[str]:
    yield from (group["part"], f"{group['n_reps']:,}", f"{group['n_rows']:,}")
    if group["withheld"]:
        yield f"withheld: {group['withheld']}"
        return
    yield rate(group["flagged"])
    ratio = Estimate(**group["ratio"])
    yield "" if ratio.value is None else f"{ratio.value:.2f}{_ends(ratio)}"
    figures = group["figures"]
    for key in (FALSE_ALARMS, MISSES, CALIBRATION):
        yield _points(figures[key]) if key == CALIBRATION else rate(figures[key])
    marks = [*group["differs"], *(["ratio"] if group["is_below"] else [])]
    yield ", ".join(mark.replace("_", " ") for mark in marks) or "nothing"


def _ends(figure: Estimate) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f" ({figure.low:.2f} to {figure.high:.2f})"


def _points(plain: Mapping[str, float | None]) -> str:
    value, low, high = plain["value"], plain["low"], plain["high"]
    if value is None or low is None or high is None:
        return "withheld"
    return f"{100 * value:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
