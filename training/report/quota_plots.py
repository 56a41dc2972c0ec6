"""The charts of a backtest of quotas: warnings, ranking, the split and the company's total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from training.evaluation.bootstrap import Estimate
from training.evaluation.early_warning import EarlyWarning
from training.evaluation.lead_forecasts import MODEL
from training.evaluation.quota import QuotaEvaluation
from training.evaluation.quota_truth import TRUTH
from training.evaluation.totals import SplitWeek, TotalPeriod
from training.report.chart import Axis, Band, Bar, Chart, Line, Mark, Panel, Point, Text, Tick
from training.report.plots import (
    NO_CHART,
    WIDTH,
    interval_band,
    number_label,
    rival_styles,
    share_label,
    value_range,
)

WIDE = 1120
TEN = 10
NUMBERED = (2, 4, 6, 8, 10)
"""Weeks at which the chart of warnings writes the model's number."""
SHOWN_PERIODS = 4
PARTS = {"closed": "main", "from open deals": "open", "still to be created": "new"}
"""What the expected total is made of, and the colour of each part."""
MOST_WEEKS = 8
"""With more weeks than these, every other one is labelled."""

Curves = Mapping[str, Sequence[Estimate]]
"""Forecast -> a figure week by week, the model first."""


def warnings(early: EarlyWarning) -> Markup:
    """Draw, week by week, how many of 10 misses are flagged and how many of 10 flags are wrong."""
    if early.withheld or len(early.weeks) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    weeks = early.weeks
    flagged, wrong = (
        {name: [_of_ten(row[str(week)]) for week in weeks] for name, row in curves.items()}
        for curves in (early.misses_flagged, early.flags_wrong)
    )
    axes = _week_axis(weeks), Axis(0, TEN, write=number_label, most=5)
    left = Panel(
        (46, 34, 420, 300),
        *axes,
        [*_curves(weeks, flagged), *_numbers(weeks, flagged[MODEL])],
        "Of 10 reps who will miss: flagged by then, for good",
    )
    right = Panel(
        (620, 34, 980, 300),
        *axes,
        _curves(weeks, wrong),
        "Of 10 flags that week: the rep made quota after all",
    )
    says = "; ".join(
        f"week {week}: {a.value or 0:.1f} of 10 flagged, {b.value or 0:.1f} of 10 flags wrong"
        for week, a, b in zip(weeks, flagged[MODEL], wrong[MODEL], strict=True)
    )
    return Chart((WIDE, 344), "How early misses are known", says, [left, right]).to_svg()


def _of_ten(share: Estimate) -> Estimate:
    ends = (None if v is None else TEN * v for v in (share.value, share.low, share.high))
    return Estimate(*ends)


def _numbers(weeks: Sequence[int], figures: Sequence[Estimate]) -> Iterator[Mark]:
    for week, figure in zip(weeks, figures, strict=True):
        if week in NUMBERED and figure.value is not None:
            yield Point(week, figure.value, f"week {week}: {figure.value:.1f} of 10")
            yield Text(week, figure.value, f"{figure.value:.1f}", lift=14, bold=True, colour="ink")


def _curves(weeks: Sequence[int], curves: Curves) -> list[Mark]:
    """Draw a line for each forecast, the model's last and over its interval."""
    styles = rival_styles(list(curves))
    lines = [_line(weeks, curves[name], styles[name], name) for name in reversed(list(curves))]
    return [*interval_band(weeks, curves[MODEL]), *(line for line in lines if line.x)]


def _line(weeks: Sequence[int], figures: Sequence[Estimate], style: str, label: str) -> Line:
    known = [(w, f.value) for w, f in zip(weeks, figures, strict=True) if f.value is not None]
    return Line([week for week, _ in known], [value for _, value in known], style, label)


def _week_axis(weeks: Sequence[int]) -> Axis:
    step = 2 if len(weeks) > MOST_WEEKS else 1
    ticks: list[Tick] = [(week, str(week)) for week in weeks[::step]]
    return Axis(weeks[0], weeks[-1], "week of the period", ticks, grid=False)


def auc_by_week(evaluation: QuotaEvaluation) -> Markup:
    """Draw the AUC week by week, with the baselines, and the truth's where it is known."""
    groups = {int(g.label.split()[-1]): g for g in evaluation.weeks if g.withheld is None}
    if len(groups) < 2:  # noqa: PLR2004 - a line needs two points
        return NO_CHART
    weeks = sorted(groups)
    curves = {
        name: [groups[w].scores[name]["auc"] for w in weeks] for name in groups[weeks[0]].scores
    }
    low, _ = value_range([figure for row in curves.values() for figure in row], [0.5])
    panel = Panel(
        (56, 14, 430, 290),
        _week_axis(weeks),
        Axis(max(low - 0.02, 0.0), 1.0, write=number_label),
        [
            Line((weeks[0], weeks[-1]), (0.5, 0.5), "reference", "a coin"),
            *_curves(weeks, curves),
            *_true_auc(evaluation),
        ],
    )
    says = "; ".join(
        f"week {w} {f.value:.3f}" for w, f in zip(weeks, curves[MODEL], strict=True) if f.value
    )
    return Chart((WIDTH, 334), "AUC by week of the period", says, [panel]).to_svg()


def _true_auc(evaluation: QuotaEvaluation) -> list[Line]:
    groups = evaluation.truth.groups if evaluation.truth else {}
    points = [
        (int(label.split()[-1]), group.scores[TRUTH]["auc"].value)
        for label, group in groups.items()
        if label in {week.label for week in evaluation.weeks if week.withheld is None}
    ]
    known = sorted((week, value) for week, value in points if value is not None)
    if not known:
        return []
    return [Line([w for w, _ in known], [v for _, v in known], "truth", "the true chances")]


def split(weeks: Sequence[SplitWeek]) -> Markup:
    """Draw what the expected total was made of, week by week, and the actual total."""
    if not weeks:
        return NO_CHART
    high = 1.08 * max(1.0, *(max(sum(w.parts), w.actual) for w in weeks))
    first, last = weeks[0].week - 0.5, weeks[-1].week + 0.5
    step = 2 if len(weeks) > MOST_WEEKS else 1
    ticks = [(float(w.week), str(w.week)) for w in weeks[::step]]
    panel = Panel(
        (56, 14, 534, 290),
        Axis(first, last, "week of the period", ticks, grid=False),
        Axis(0, high, write=share_label),
        [
            *(bar for week in weeks for bar in _split_bars(week)),
            Line((first, last), (1, 1), "quota"),
            *(Line((w.week - 0.45, w.week + 0.45), (w.actual,) * 2, "happened") for w in weeks),
        ],
    )
    says = "; ".join(
        f"week {w.week}: "
        + ", ".join(f"{share_label(p)} {n}" for p, n in zip(w.parts, PARTS, strict=True))
        for w in weeks
    )
    return Chart((WIDTH, 334), "What the expected total is made of", says, [panel]).to_svg()


def _split_bars(week: SplitWeek) -> Iterator[Bar]:
    bottom = 0.0
    for part, (name, colour) in zip(week.parts, PARTS.items(), strict=True):
        words = f"week {week.week}: {share_label(part)} of all quotas {name} ({week.n_rows} rows)"
        # Corrections can make a part negative; such a bar hangs down.
        yield Bar(week.week - 0.4, bottom, 0.8, part, colour, words)
        bottom += part


def totals(periods: Sequence[TotalPeriod]) -> Markup:
    """Draw how the range of the company's total narrowed in each period, and the actual total."""
    drawn = [p for p in periods if len(p.weeks) > 1][-SHOWN_PERIODS:]
    if not drawn:
        return NO_CHART
    ends = [v for p in drawn for w in p.weeks for v in (w.low, w.high)]
    ends += [1.0, *(p.actual for p in drawn if p.actual is not None)]
    low, high = min(0.0, *ends), 1.05 * max(ends)
    step = (WIDE - 66) / len(drawn)
    panels = [
        Panel(
            (56 + k * step, 30, 32 + (k + 1) * step, 250),
            Axis(0, 1),
            Axis(low, high, write=share_label if k == 0 else _nothing, most=5),
            [
                *_fan(period),
                Text(0, low, "start", "left", lift=-16),
                Text(1, low, "end", "right", lift=-16),
            ],
            f"from {period.label}: {_outcome(period)}",
        )
        for k, period in enumerate(drawn)
    ]
    says = "; ".join(
        f"{p.label}: first {share_label(p.weeks[0].middle)}, last "
        f"{share_label(p.weeks[-1].middle)}, actual "
        + (share_label(p.actual) if p.actual is not None else "not known yet")
        for p in drawn
    )
    return Chart((WIDE, 290), "The company's total, week by week", says, panels).to_svg()


def _nothing(_value: float) -> str:
    return ""


def _outcome(period: TotalPeriod) -> str:
    if period.actual is None:
        return "still running"
    return f"ended at {share_label(round(period.actual, 2))}"


def _fan(period: TotalPeriod) -> Iterator[Mark]:
    x = [week.share_gone for week in period.weeks]
    yield Band(x, [week.low for week in period.weeks], [week.high for week in period.weeks])
    yield Line((0, 1), (1, 1), "quota")
    yield Line(x, [week.middle for week in period.weeks], "model")
    if period.actual is not None:
        yield Line((0, 1), (period.actual,) * 2, "happened")
        yield Point(1, period.actual, f"actual: {share_label(period.actual)}", colour="ink")
