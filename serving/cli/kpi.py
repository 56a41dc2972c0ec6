"""`kpi` as the command line runs it: measure, show or write, and say where it is blocked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import rich_click as click

from features.params import Every
from serving.cli.session import MomentParam, Session, verb

if TYPE_CHECKING:
    import pandas as pd

    from training.report.kpi_view import KpiView

SHOWN_PERIODS = 3
"""Newest whole periods in the terminal's table."""


@click.command("kpi", short_help="Measure key figures, and say where a team is held back.")
@click.option("--team", help="A team, beside comparable reps.  [default: the company]")
@click.option("--rep", help="A rep's id, beside comparable reps.")
@click.option(
    "--every",
    type=click.Choice(get_args(Every)),
    default="month",
    show_default=True,
    help="How long periods are; quota: the quota periods.",
)
@click.option("--by", help="A column to slice by, such as source, territory or accounts.industry.")
@click.option("--from", "start", type=MomentParam(), help="The first period.  [default: 25 back]")
@click.option("--as-of", type=MomentParam(), help="The cutoff.  [default: the extract's end]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write kpis.html, kpis.parquet and kpis.csv.  [default: a table here]",
)
@verb
def kpi(  # noqa: PLR0913, PLR0917 - the command's own options
    session: Session,
    team: str | None,
    rep: str | None,
    every: Every,
    by: str | None,
    start: datetime | None,
    as_of: datetime | None,
    out: Path | None,
) -> None:
    """Measure what people do, what it leads to and what comes of it, as of a moment.

    The page shows the newest whole quota period (else quarter) as a tree: leads, deals per lead,
    closings, win rate, deal size and quota, beside comparable reps and earlier periods; where the
    river is blocked, if that is beyond chance; lines over time; and people beside comparable
    people. It defines every figure. What counts as a call or a proposal is recognised by words,
    which are settings (training.kpi). For coaching, not for employment decisions.

    \b
    pacesetter kpi
    pacesetter kpi --team "team 2" --by source --out kpis
    pacesetter kpi --rep R0000012 --every quota --json
    """
    if team and rep:
        raise click.UsageError("give --team or --rep, not both")
    session.require_extract()
    from serving.home.home import Home
    from training.report.kpi_page import render
    from training.report.kpi_view import Ask, collect

    settings = session.settings
    ask = Ask(team, rep, every, by, as_of, start)
    warehouse = Home(session.home, settings).warehouse()
    view = collect(warehouse, settings.features, settings.training.kpi, ask)
    files: dict[str, str] = {}
    if out is not None:
        from training.report.kpi_files import write

        files = write(view, render(view, session.home.name), out)
        session.console.say(f"the page: {files['page']}")
    else:
        _show(session, view)
    _say(session, view)
    from training.report.kpi_files import to_json

    session.console.give({**to_json(view), "files": files})


def _say(session: Session, view: KpiView) -> None:
    from training.report.kpi_words import COACHING, explained, headline

    session.console.say(headline(view.tree), "bold")
    for difference in view.tree.differences:
        session.console.say(explained(view.tree, difference))
    for words in (*view.tree.silent, *view.notes, COACHING):
        session.console.say(words)


def _show(session: Session, view: KpiView) -> None:
    """Show the newest periods as a table, figures in the order of the catalogue."""
    from features.kpi.catalogue import KPIS
    from training.report.kpi_words import period_name

    rows = view.slices if view.ask.by else view.lines
    starts = sorted(rows["period_start"].unique())[-SHOWN_PERIODS - 1 :]
    over = dict(zip(rows["period_start"], rows["is_over"], strict=True))
    heads = [
        period_name(start, view.ask.every) + ("" if over[start] else ", so far") for start in starts
    ]
    members = sorted(rows[view.ask.by].fillna("(none)").unique()) if view.ask.by else [""]
    table = []
    for name in KPIS:
        for member in members:
            own = rows[rows["kpi"] == name]
            if view.ask.by:
                own = own[own[view.ask.by].fillna("(none)") == member]
            if len(own):
                by_start = own.set_index("period_start")
                cells = [_cell(view, name, by_start, start) for start in starts]
                table.append([KPIS[name].label, *([member] if view.ask.by else []), *cells])
    columns = ["figure", *([view.ask.by] if view.ask.by else []), *heads]
    title = f"Key figures of {view.ask.who or 'the company'} as of {view.as_of:%Y-%m-%d %H:%M}"
    session.console.show(title, columns, table)


def _cell(view: KpiView, name: str, rows: pd.DataFrame, start: Any) -> str:
    from features.kpi.catalogue import KPIS
    from training.report.kpi_words import NOTHING, written

    if start not in rows.index:
        return NOTHING
    row = rows.loc[start]
    if KPIS[name].is_estimate and row["n"] < view.params.minimum_cases and row["n"] > 0:
        return f"few ({row['n']})"
    return written(float(row["value"]), KPIS[name].unit)
