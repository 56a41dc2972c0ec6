"""What is written of a search: settings to use, a page, and every trial as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import yaml

from training.evaluation.bootstrap import Estimate
from training.loop.tune import BEST, PRESENT, Tuned
from training.loop.verdict import WORDS
from training.report.tuning import Part, TuningPage

HEAD = """# Settings by `pacesetter tune {kind}`, search {name}.
# {says}
# Use it with `--params FILE`, or put it in place of HOME/params.yaml: it holds all that differs
# from the defaults, your own settings included.
"""


def params_yaml(tuned: Tuned, settings: Mapping[str, Any]) -> str:
    """Return the settings to use as a params.yaml: the better ones, else the present ones.

    Args:
        tuned: what came of the search.
        settings: all that differs from the defaults, with those settings in it.
    """
    says = " ".join(tuned.says.split())
    head = HEAD.format(kind=tuned.plan.kind.name, name=tuned.plan.name, says=says)
    body = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True) if settings else ""
    return head + body


def trials_csv(tuned: Tuned) -> str:
    """Return every trial as a row: number, state, loss, the loss after each fold, the settings."""
    names = [searched.name for searched in tuned.plan.ranges]
    folds = [f"loss_after_fold_{k + 1}" for k in range(len(tuned.plan.folds))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "loss", *folds, *names])
    for trial in tuned.trials:
        losses = [*trial.losses, *[""] * (len(folds) - len(trial.losses))]
        loss = "" if trial.loss is None else trial.loss
        values = [trial.values.get(name, "") for name in names]
        writer.writerow([trial.number, trial.state, loss, *losses, *values])
    return text.getvalue()


def tuning_page(tuned: Tuned) -> TuningPage:
    """Return the page."""
    plan = tuned.plan
    headline = "Better settings were found" if tuned.improves else "Keep the present settings"
    return TuningPage(
        title=f"Which settings forecast {plan.kind.subject} best?",
        source=plan.recipe.source,
        name=plan.name,
        improves=tuned.improves,
        headline=headline,
        sentences=tuple(_sentences(tuned)),
        trials=tuned.trials,
        ranges=plan.ranges,
        present=tuned.present,
        best=tuned.best,
        importance=tuned.importance,
        parts=tuple(_parts(tuned)),
        figures=tuple(_figures(tuned)),
    )


def _sentences(tuned: Tuned) -> Iterator[str]:
    yield f"{tuned.says[0].upper()}{tuned.says[1:]}."
    if tuned.comparison is None:
        return
    level = f"{tuned.comparison.verdict.level:.0%}".replace("%", " %")
    yield (
        f"The search tried {len(tuned.trials)} settings on the same folds, so the best of them "
        f"looks better than it is; the test on an unseen period, with its {level} interval, "
        "does not."
    )
    if not tuned.improves:
        yield (
            "params.yaml holds the present settings. More data, or more trials, may show more; a "
            "difference within luck is no reason to change."
        )


def _parts(tuned: Tuned) -> Iterator[Part]:
    plan = tuned.plan
    for k, (fold, loss) in enumerate(zip(plan.folds, plan.present, strict=True), 1):
        ends = (fold.cutoffs[0], fold.cutoffs[-1])
        yield Part(f"fold {k}", fold.start, ends, len(fold.y), loss)
    if tuned.comparison is not None and tuned.comparison.cutoffs:
        cutoffs = tuned.comparison.cutoffs
        n_rows = tuned.comparison.verdict.n_rows
        yield Part("test", plan.test_from, (cutoffs[0], cutoffs[-1]), n_rows, None)


def _figures(tuned: Tuned) -> Iterator[tuple[str, str, str, str]]:
    if tuned.comparison is None:
        return
    for figure in tuned.comparison.verdict.figures:
        yield (
            WORDS[figure.metric],
            _number(figure.champion),
            _number(figure.challenger),
            _number(figure.difference, with_ends=True),
        )


def _number(estimate: Estimate, *, with_ends: bool = False) -> str:
    if estimate.value is None:
        return "unknown"
    if not with_ends or estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:+.4f} ({estimate.low:+.4f} to {estimate.high:+.4f})"


def to_json(tuned: Tuned) -> dict[str, Any]:
    """Return what came of a search as plain values."""
    plan = tuned.plan
    return {
        "kind": plan.kind.name,
        "search": plan.name,
        "improves": tuned.improves,
        "says": tuned.says,
        "trials": [vars(trial) | {"loss": trial.loss} for trial in tuned.trials],
        "best": vars(tuned.best) | {"loss": tuned.best.loss},
        "present_loss": tuned.present,
        "search_gain": tuned.search_gain,
        "importance": tuned.importance,
        "folds": [
            {"learned_until": _iso(fold.start), "cutoffs": [_iso(c) for c in fold.cutoffs]}
            for fold in plan.folds
        ],
        "test_from": _iso(plan.test_from),
        "test": None if tuned.comparison is None else tuned.comparison.to_json(),
        "settings": {
            searched.name: {PRESENT: searched.default, BEST: tuned.best.values[searched.name]}
            for searched in plan.ranges
        },
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat()
