"""The charts of a backtest of quotas: warnings, ranking, the split and the company's total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from training.evaluation.bootstrap import WITHHELD, Estimate
from training.evaluation.early_warning import Warnings
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.quota import QuotaEvaluation
from training.evaluation.quota_group import QuotaGroup
from training.evaluation.quota_truth import TRUTH
from training.evaluation.totals import SplitWeek, TotalPeriod
from training.report.plots import WIDTH, band, course
from training.report.svg import Axes, bar, dot, drawing, frame, line, path, share_label, text, ticks

RIVALS = 5
WIDE = 1120
TEN = 10
SAID_AT = (2, 4, 6, 8, 10)
"""Weeks at which the chart of warnings writes its number."""
SHOWN_PERIODS = 4
PARTS = ("closed", "from open deals", "still to be created")


def warnings(found: Warnings) -> Markup:
    """Draw, week by week, how many of 10 misses are flagged and how many of 10 flags are wrong."""
    if found.withheld or len(found.weeks) < 2:  # noqa: PLR2004 - one point is no course
        return Markup()
    left = Axes((found.weeks[0], found.weeks[-1]), (0, TEN), (46, 34, 610, 300))
    right = Axes((found.weeks[0], found.weeks[-1]), (0, TEN), (716, 34, 1100, 300))
    parts = [text((46, 18), "Of 10 reps who will miss: flagged by then, for good", "strong")]
    parts += [text((716, 18), "Of 10 flags that week: rep made quota after all", "strong")]
    for axes, curves in ((left, found.found), (right, found.wrong)):
        parts += [frame(axes, ((), (0, 2, 4, 6, 8, 10)), percent=False)]
        parts += _week_labels(axes, found.weeks)
        parts += _curves(axes, found.weeks, curves)
    for week in SAID_AT:
        figure = found.found[MODEL].get(str(week), WITHHELD)
        if figure.value is not None:
            x, y = left.at((week, TEN * figure.value))
            words = f"week {week}: {TEN * figure.value:.1f} of 10"
            parts += [dot((x, y), "point", words)]
            parts += [text((x, y - 10), f"{TEN * figure.value:.1f}", "tick mid strong")]
    says = "; ".join(
        f"week {w}: {TEN * (found.found[MODEL][str(w)].value or 0):.1f} of 10 flagged, "
        f"{TEN * (found.wrong[MODEL][str(w)].value or 0):.1f} of 10 flags wrong"
        for w in found.weeks
    )
    return drawing((WIDE, 340), ("How early misses are known", says), parts)


def _curves(
    axes: Axes, weeks: Sequence[int], curves: Mapping[str, Mapping[str, Estimate]]
) -> list[Markup]:
    def scaled(figure: Estimate) -> Estimate:
        ends = (None if v is None else TEN * v for v in (figure.value, figure.low, figure.high))
        return Estimate(*ends)

    rows = {name: [scaled(row[str(w)]) for w in weeks] for name, row in curves.items()}
    parts = [band(axes, weeks, rows[MODEL])]
    rivals = [name for name in rows if name != MODEL]
    for k, name in enumerate(rivals):
        parts += [_known_course(axes, weeks, rows[name], f"rival thin r{k % RIVALS}")]
    return [*parts, _known_course(axes, weeks, rows[MODEL], "model")]


def _known_course(
    axes: Axes, weeks: Sequence[float], figures: Sequence[Estimate], kind: str
) -> Markup:
    known = [(w, f.value) for w, f in zip(weeks, figures, strict=True) if f.value is not None]
    return course(axes, [w for w, _ in known], [v for _, v in known], kind)


def _week_labels(axes: Axes, weeks: Sequence[int]) -> list[Markup]:
    step = 2 if len(weeks) > 8 else 1  # noqa: PLR2004 - labels fit
    bottom = axes.box[3]
    parts = [text((axes.at((w, 0))[0], bottom + 18), w, "tick mid") for w in weeks[::step]]
    middle = (axes.box[0] + axes.box[2]) / 2
    return [*parts, text((middle, bottom + 36), "week of the period", "axis")]


def auc_by_week(evaluation: QuotaEvaluation) -> Markup:
    """Draw the AUC week by week, with the baselines, and the truth's where it is known."""
    groups = {int(g.label.split()[-1]): g for g in evaluation.weeks if g.withheld is None}
    if len(groups) < 2:  # noqa: PLR2004 - one point is no course
        return Markup()
    weeks = sorted(groups)
    rows = {
        name: [groups[w].scores[name]["auc"] for w in weeks] for name in groups[weeks[0]].scores
    }
    best = _truth_of(evaluation, weeks, "auc")
    values = [v for row in rows.values() for f in row for v in (f.value, f.low) if v is not None]
    low = max(min([*values, 0.5]) - 0.02, 0.0)
    axes = Axes((weeks[0], weeks[-1]), (low, 1.0), (56, 14, 534, 290))
    parts = [frame(axes, ((), ticks(*axes.y, 6)), percent=False)]
    parts += [line(axes.at((weeks[0], 0.5)), axes.at((weeks[-1], 0.5)), "chance")]
    parts += [band(axes, weeks, rows[MODEL])]
    for k, name in enumerate(n for n in rows if n != MODEL):
        parts += [_known_course(axes, weeks, rows[name], f"rival thin r{k % RIVALS}")]
    if best:
        parts += [_known_course(axes, weeks, best, "truth")]
    parts += [_known_course(axes, weeks, rows[MODEL], "model"), *_week_labels(axes, weeks)]
    says = "; ".join(
        f"week {w} {f.value:.3f}" for w, f in zip(weeks, rows[MODEL], strict=True) if f.value
    )
    return drawing((WIDTH, 332), ("AUC by week of the period", says), parts)


def _truth_of(evaluation: QuotaEvaluation, weeks: Sequence[int], metric: str) -> list[Estimate]:
    if evaluation.truth is None:
        return []
    groups: Mapping[str, QuotaGroup] = evaluation.truth.groups
    return [groups[f"week {w}"].scores[TRUTH][metric] for w in weeks if f"week {w}" in groups]


def split(weeks: Sequence[SplitWeek]) -> Markup:
    """Draw what the expected total was made of, week by week, beside what came."""
    if not weeks:
        return Markup()
    high = 1.08 * max(1.0, *(max(sum(w.parts), w.actual) for w in weeks))
    edge = (weeks[0].week - 0.5, weeks[-1].week + 0.5)
    axes = Axes(edge, (0, high), (56, 14, 534, 290))
    parts = [frame(axes, ((), ticks(0, high)), percent=True)]
    width = 0.8 * (axes.at((1, 0))[0] - axes.at((0, 0))[0])
    for one in weeks:
        start = 0.0
        for k, (part, name) in enumerate(zip(one.parts, PARTS, strict=True)):
            x, top = axes.at((one.week - 0.4, start + part))
            bottom = axes.at((one.week, start))[1]
            words = f"week {one.week}: {share_label(part)} of all quotas {name} ({one.n_rows} rows)"
            # Corrections can make a part negative; such a bar hangs down.
            corner = (x, min(top, bottom))
            parts += [bar(corner, (width, abs(bottom - top)), f"part p{k}", words)]
            start += part
        came = one.week - 0.45, one.week + 0.45
        parts += [line(axes.at((came[0], one.actual)), axes.at((came[1], one.actual)), "came")]
    parts += [line(axes.at((edge[0], 1)), axes.at((edge[1], 1)), "quota")]
    parts += _week_labels(axes, [w.week for w in weeks])
    says = "; ".join(
        f"week {w.week}: "
        + ", ".join(f"{share_label(p)} {n}" for p, n in zip(w.parts, PARTS, strict=True))
        for w in weeks
    )
    return drawing((WIDTH, 332), ("What the expected total is made of", says), parts)


def totals(periods: Sequence[TotalPeriod]) -> Markup:
    """Draw how the range of the company's total narrowed, period by period, and what came."""
    shown = [p for p in periods if len(p.weeks) > 1][-SHOWN_PERIODS:]
    if not shown:
        return Markup()
    ends = [v for p in shown for w in p.weeks for v in (w.low, w.high)]
    ends += [1.0, *(p.actual for p in shown if p.actual is not None)]
    low, high = min(0.0, *ends), 1.05 * max(ends)
    wide = (WIDE - 66) / len(shown)
    parts: list[Markup] = []
    for k, period in enumerate(shown):
        left = 56 + k * wide
        axes = Axes((0, 1), (low, high), (left, 30, left + wide - 24, 250))
        parts += _fan(axes, period, labels=k == 0)
    says = "; ".join(
        f"{p.label}: first {share_label(p.weeks[0].middle)}, last "
        f"{share_label(p.weeks[-1].middle)}, came "
        + (share_label(p.actual) if p.actual is not None else "not known yet")
        for p in shown
    )
    return drawing((WIDE, 290), ("The company's total, week by week", says), parts)


def _fan(axes: Axes, period: TotalPeriod, *, labels: bool) -> list[Markup]:
    left, _, right, bottom = axes.box
    marks = ticks(*axes.y, 5)
    parts = [line(axes.at((0, m)), axes.at((1, m)), "grid") for m in marks]
    if labels:
        parts += [
            text((left - 8, axes.at((0, m))[1] + 4), share_label(m), "tick end") for m in marks
        ]
    x = [w.share_gone for w in period.weeks]
    parts += [band(axes, x, [Estimate(w.middle, w.low, w.high) for w in period.weeks])]
    parts += [line(axes.at((0, 1)), axes.at((1, 1)), "quota")]
    parts += [course(axes, x, [w.middle for w in period.weeks], "model")]
    words = "still running"
    if period.actual is not None:
        parts += [path([axes.at((0, period.actual)), axes.at((1, period.actual))], "came")]
        parts += [dot(axes.at((1, period.actual)), "final", f"came: {share_label(period.actual)}")]
        words = f"came to {share_label(round(period.actual, 2))}"
    parts += [text((left, 18), f"from {period.label}: {words}", "tick strong")]
    parts += [
        text((left, bottom + 18), "start", "tick"),
        text((right, bottom + 18), "end", "tick end"),
    ]
    return parts
