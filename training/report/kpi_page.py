"""The page of key figures: where a team stands, what leads to it, and where it is blocked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from features.kpi.catalogue import KPIS
from features.kpi.declare import Good, Kpi, Level
from features.kpi.ledger import PERIOD
from training.report.kpi_factors import Difference
from training.report.kpi_people import Cell
from training.report.kpi_plots import Node, line_chart, lines_shown, tree_chart
from training.report.kpi_tree import Tree
from training.report.kpi_view import KpiView, reference
from training.report.kpi_words import (
    COACHING,
    NOTHING,
    explained,
    factor_value,
    headline,
    period_name,
    points,
    result_label,
    result_unit,
    tone,
    written,
)
from training.report.page import across, page_template

LIGHT, STRONG = 1.28, 2.33
"""Deviations beyond which one figure in five, and one in fifty, would lie by chance."""
TITLES = {
    Level.RESULT: "Results: what came of it",
    Level.KPI: "Key figures: what leads to results",
    Level.DRIVER: "Drivers: what people do, and what they get",
}
MOST_COLUMNS = 12
"""Figures in the table of people."""
MOST_SLICES = 20
"""Values of a column that get a row, the ones with most cases first."""
SLICE_FIGURES = ("bookings", "leads_converted", "deals_won", "win_rate", "deal_size", "cycle_days")
MORE_SLICE_FIGURES = ("conversion_ended", "leads_received", "deals_opened", "activities")


@dataclass(frozen=True)
class Shade:
    """A cell of the table of people, as it is shown.

    Attributes:
        text: the value.
        css: its shade.
        hover: the same in a sentence.
    """

    text: str
    css: str
    hover: str


def render(view: KpiView, source: str) -> str:
    """Return the page as text.

    Args:
        view: what was measured.
        source: what the page calls the data.
    """
    against = view.tree.differences[0].against if view.tree.differences else ""
    return page_template("kpi.html.j2").render(
        title=f"How is {_who(view)} doing, and why?"
        if view.ask.who
        else "How are we doing, and why?",
        source=source,
        view=view,
        who=_who(view),
        headline=headline(view.tree),
        tone="warn" if view.tree.differences and view.tree.differences[0].blocked else "good",
        tiles=_tiles(view),
        sentences=[explained(view.tree, d) for d in view.tree.differences] + list(view.tree.silent),
        tree=tree_chart(view.tree, "What the result is made of", _result(view.tree), against),
        against=against,
        differences=[(d, _bars(view, d)) for d in view.tree.differences],
        lines={
            TITLES[level]: _charts(view, level) for level in reversed(Level) if _charts(view, level)
        },
        columns=[KPIS[name] for name in _heat_columns(view)],
        people=_people(view),
        slices=_slices(view),
        definitions={TITLES[level]: _defined(view, level) for level in reversed(Level)},
        absent={KPIS[name].label: why for name, why in view.absent.items()},
        coaching=COACHING,
        minimum=view.params.minimum_cases,
    )


def _who(view: KpiView) -> str:
    if view.ask.rep is not None:
        return view.names.get(view.ask.rep, view.ask.rep)
    return view.ask.team or "the company"


def _result(tree: Tree) -> Node:
    first = tree.differences[0] if tree.differences else None
    unit = result_unit(tree)
    own = math.prod(tree.own.value(factor) for factor in tree.factors)
    beside = f"against {written(first.other, unit)}" if first else ""
    adds = points(tree, first.own - first.other) if first else ""
    return Node(0, 0, 0, 0, result_label(tree), written(own, unit), beside, adds)


def _tiles(view: KpiView) -> list[tuple[str, str, str]]:
    """Choose up to four figures of the newest whole period of the lines."""
    tiles: list[tuple[str, str, str]] = []
    whole = view.lines[view.lines["is_over"]]
    for name in ("bookings", "leads_converted", "win_rate", "conversion_ended", "cycle_days"):
        rows = whole[(whole["kpi"] == name) & whole["value"].notna()]
        if rows.empty or len(tiles) == len(TITLES) + 1:
            continue
        kpi, row = KPIS[name], rows.iloc[-1]
        if kpi.is_estimate and row["n"] < view.params.minimum_cases:
            continue
        before = rows.iloc[-2]["value"] if len(rows) > 1 else np.nan
        note = period_name(row[PERIOD], view.ask.every)
        if np.isfinite(before):
            note += f"; before: {written(float(before), kpi.unit)}"
        tiles.append((written(float(row["value"]), kpi.unit), kpi.label, note))
    return tiles


def _bars(view: KpiView, difference: Difference) -> list[Mapping[str, object]]:
    """Return a row for each factor of a comparison: values, points, and where its bar lies."""
    ends = [abs(v) for share in difference.shares for v in (share.low, share.high)]
    reach = max([*ends, 1e-9])
    span = (-reach, reach)
    return [
        {
            "label": share.factor.label,
            "own": factor_value(share.own, share.factor),
            "other": factor_value(share.other, share.factor),
            "points": points(view.tree, share.points),
            "interval": f"{points(view.tree, share.low)} to {points(view.tree, share.high)}",
            "low": across(share.low, span),
            "width": f"{100 * (share.high - share.low) / (2 * reach):.2f}%",
            "at": across(share.points, span),
            "tone": tone(share, difference),
            "blocked": difference.blocked is share,
        }
        for share in difference.shares
    ]


def _charts(view: KpiView, level: Level) -> list[tuple[str, Markup]]:
    charts = []
    for name in lines_shown(view.absent):
        kpi = KPIS[name]
        if kpi.level is not level:
            continue
        rows = view.lines[view.lines["kpi"] == name]
        if rows.empty or not (rows["n"] > 0).any():
            continue
        values = rows.set_index(PERIOD)["value"].astype("float64")
        if kpi.is_estimate:
            values = values.where(rows.set_index(PERIOD)["n"] >= view.params.minimum_cases)
        chart = line_chart(kpi, values, reference(view, name), _open_periods(view, kpi, rows))
        charts.append((kpi.label, chart))
    return charts


def _open_periods(view: KpiView, kpi: Kpi, rows: pd.DataFrame) -> int:
    """Count the newest periods whose value is not settled yet."""
    if not kpi.still_rises:
        return int((~rows["is_over"]).sum())
    now = pd.Timestamp(view.as_of)
    ages = now - rows[PERIOD].shift(-1).fillna(now)
    return int((ages < pd.Timedelta(days=view.params.settled_days)).sum())


def _people(view: KpiView) -> list[tuple[str, list[Shade]]]:
    """Return a row for each rep in the order of their names, which ranks nobody."""
    rows: dict[str, list[Shade]] = {}
    shown = set(_heat_columns(view))
    for cell in view.heat:
        if cell.kpi not in shown:
            continue
        rows.setdefault(cell.rep_id, []).append(_shade(view, cell))
    named = [(_named(view, rep), shades) for rep, shades in rows.items()]
    return sorted(named, key=lambda row: row[0])


def _named(view: KpiView, rep: str) -> str:
    name = view.names.get(rep, rep)
    return f"{name} (came or left)" if rep in view.partly_there else name


def _heat_columns(view: KpiView) -> list[str]:
    """Choose the figures that are told for a third of the people or more, the first twelve."""
    told: dict[str, int] = {}
    for cell in view.heat:
        is_told = _shade(view, cell).css != "few" and math.isfinite(cell.value)
        told[cell.kpi] = told.get(cell.kpi, 0) + is_told
    people = len(view.heat) / max(len(told), 1)
    return [name for name, count in told.items() if 3 * count >= people][:MOST_COLUMNS]


def _shade(view: KpiView, cell: Cell) -> Shade:
    kpi = KPIS[cell.kpi]
    if not math.isfinite(cell.value):
        return Shade(NOTHING, "", "nothing to measure")
    if kpi.is_estimate and cell.n < view.params.minimum_cases:
        return Shade("few", "few", f"{cell.n} cases: too few to say anything")
    text = written(cell.value, kpi.unit)
    beside = f"usual among comparable reps: {written(cell.usual, kpi.unit)}"
    hover = f"{text} from {cell.n} cases; {beside}" if math.isfinite(cell.usual) else text
    return Shade(text, _css(kpi, cell.z), hover)


def _css(kpi: Kpi, z: float) -> str:
    """Name a shade: whether a figure is off, how far, and whether that is the good way."""
    if not math.isfinite(z) or abs(z) < LIGHT:
        return ""
    strength = "2" if abs(z) >= STRONG else "1"
    if kpi.good is Good.NEITHER:
        return f"off{strength}"
    return f"{'good' if (z > 0) == (kpi.good is Good.HIGHER) else 'bad'}{strength}"


def _slices(view: KpiView) -> tuple[list[Kpi], list[tuple[str, list[str]]]]:
    """Return figures by what was asked to slice by, over the newest whole period."""
    if view.slices.empty or view.ask.by is None:
        return [], []
    rows = view.slices[view.slices["is_over"]]
    rows = rows[rows[PERIOD] == rows[PERIOD].max()]
    names = [n for n in (*SLICE_FIGURES, *MORE_SLICE_FIGURES) if (rows["kpi"] == n).any()]
    rows = rows.assign(member=rows[view.ask.by].fillna("(none)"))
    members = rows.groupby("member")["n"].sum().sort_values(ascending=False).index[:MOST_SLICES]
    table = []
    for member in members:
        own = rows[rows["member"] == member].set_index("kpi")
        table.append((str(member), [_sliced(view, own, name) for name in names]))
    return [KPIS[name] for name in names], table


def _sliced(view: KpiView, own: pd.DataFrame, name: str) -> str:
    kpi = KPIS[name]
    if name not in own.index:
        return NOTHING
    value, n = float(own["value"][name]), int(own["n"][name])
    if kpi.is_estimate and math.isfinite(value) and n < view.params.minimum_cases:
        return "few"
    return written(value, kpi.unit)


def _defined(view: KpiView, level: Level) -> Sequence[Kpi]:
    return [k for k in KPIS.values() if k.level is level and k.name not in view.absent]
