"""The verbs `calls` and `worth`: today's call lists, and whether they help."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from features.clock import zulu
from features.errors import NotFoundError
from serving.cli.session import MomentParam, Session, verb
from serving.wording.calls import reasons_in_words

if TYPE_CHECKING:
    import pandas as pd

POOL = "leads without an owner"
REASONS = ("call_reasons", "reasons")
"""Columns that hold JSON."""


@click.command("calls", short_help="Make today's call list of each rep.")
@click.option("--rep", "rep_id", metavar="REP", help="Show only this rep's list.")
@click.option(
    "--as-of",
    type=MomentParam(),
    help="Only look: the list of another moment.  [default: the extract's end, and it is kept]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write worklist.parquet.  [default: tables here]",
)
@verb
def calls(session: Session, rep_id: str | None, as_of: datetime | None, out: Path | None) -> None:
    """Say whom each rep calls today, best first, with the parts of each priority beside it.

    `score` ranks every lead; this makes the list of a day of it. Each rep has so many places. A
    lead that had one on an earlier day counts as touched then, whether or not a call was logged.
    One that must not be contacted is never listed, and some places go to those that wait longest. A
    small share of leads leaves or enters by lot: what becomes of them tells what the list is worth
    (`pacesetter worth`). A lead keeps its lot for its whole time. The settings are in
    serving.worklist; cool_down_days there leaves leads alone for some working days.

    The first list of a day is kept, with its lots and their chances, and stays that day's list
    whoever asks again. `retrain` makes and keeps it too. With --as-of nothing is kept.

    What comes in during the day is called first, before the list: it is on the next one.

    \b
    pacesetter calls
    pacesetter calls --rep R0000017
    pacesetter calls --out today --json
    """
    session.require_extract()
    from serving.cli.backtest import made_folder
    from serving.cli.call_lists import FILE, day_lists

    if out is not None:
        made_folder(out)
    rows = day_lists(session, as_of, "calls")
    if rep_id is not None:
        rows = _of_rep(rows, rep_id)
    files = []
    if out is not None:
        files.append(str(out / FILE))
        rows.to_parquet(out / FILE, index=False)
        session.console.say(f"{len(rows):,} leads on the lists: {files[0]}")
    else:
        _show(session, rows)
    session.console.give({"files": files, "calls": _plain(rows)})


@click.command("worth", short_help="Say whether the call list helps, as far as lots have shown.")
@click.option("--as-of", type=MomentParam(), help="The moment.  [default: the extract's end]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write worth.html, the page with the course of the interval.",
)
@verb
def worth(session: Session, as_of: datetime | None, out: Path | None) -> None:
    """Answer: does the list help? From leads that a lot kept on it or held out, and nothing else.

    The effect of being listed for the whole time of a lot (serving.worklist.hold_out_days) on
    conversion and on converted value, per lead. Its interval may be looked at every day and acted
    on at any time: it covers the effect on all days at once, at the price of being 1.7 times as
    wide as one that is looked at once. Below it: how long until an effect of 1, 2 and 5 percentage
    points would show, at the number of lots drawn lately.

    "Helps" and "does harm" are said once the interval lies on one side of 0; "does no harm beyond"
    once its lower end is above -serving.worklist.harm; otherwise it is not yet known. Exit code 0,
    whatever the answer; where no lot was drawn it says how to begin.

    With --json: `verdict`, `says`, `conversion` and `value` (value, low, high), `arms`, `waiting`,
    `would_show`, and `looks`, the same day by day.

    \b
    pacesetter worth
    pacesetter worth --as-of 2026-07-01 --out worth
    """
    session.require_extract()
    from serving.cli.backtest import made_folder
    from serving.cli.call_lists import answer_of
    from training.calls.worth_words import details, headline, to_json

    if out is not None:
        made_folder(out)
    answer, gone = answer_of(session, as_of)
    console = session.console
    if gone:
        console.warn(f"{gone:,} leads with a lot are not in the data any more and do not count")
    console.say(headline(answer), "bold")
    for line in details(answer):
        console.say(line)
    rows = [
        [
            arm.place,
            f"{arm.listed:,}",
            _share(arm.listed_rate),
            f"{arm.held_out:,}",
            _share(arm.held_out_rate),
        ]
        for arm in answer.arms
    ]
    if rows:
        columns = ["the rules put it", "listed", "converted", "held out", "converted "]
        console.show("Leads whose time is over", columns, rows)
    files = []
    if out is not None:
        from training.calls.worth_page import render

        page = out / "worth.html"
        page.write_text(render(answer, session.home.name), encoding="utf-8")
        files.append(str(page))
        console.say(f"the page: {page}")
    console.give({**to_json(answer), "gone": gone, "files": files})


def _of_rep(rows: pd.DataFrame, rep_id: str) -> pd.DataFrame:
    own = rows[(rows["rep_id"] == rep_id) & rows["pool_of"].isna()]
    if own.empty:
        some = ", ".join(sorted(rows["rep_id"].dropna().unique())[:5]) or "nobody"
        raise NotFoundError(f"{rep_id!r} has no list this day; lists have, for example: {some}")
    return own


def _show(session: Session, rows: pd.DataFrame) -> None:
    if rows.empty:
        session.console.say("there is no lead to call: none is open, or all were touched lately")
    whose = [_whose(*pair) for pair in zip(rows["rep_id"], rows["pool_of"], strict=True)]
    for who, own in rows.groupby(whose, sort=False):
        table = [
            [
                str(row["position"]),
                row["lead_id"],
                f"{row['priority']:,.0f}",
                reasons_in_words(row["call_reasons"]),
                row["why"],
            ]
            for row in own.to_dict("records")
        ]
        title = f"Calls of {who}, {own['day'].iloc[0]:%Y-%m-%d}"
        session.console.show(title, ["place", "lead", "worth", "why now", "listed by"], table)


def _whose(rep_id: object, pool_of: object) -> str:
    """Name the list that a lead is on."""
    if isinstance(pool_of, str) and pool_of:
        return f"the pool of {pool_of}"
    return rep_id if isinstance(rep_id, str) and not isinstance(pool_of, str) else POOL


def _share(share: float) -> str:
    return "" if share is None or share != share else f"{share:.1%}"  # noqa: PLR0124 - NaN


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON has them: null where there is no number, reasons as they are."""
    return [
        {str(k): None if v is None or v != v else v for k, v in row.items()}  # noqa: PLR0124 - NaN
        | {"as_of": zulu(row["as_of"].to_pydatetime())}
        | {name: _reasons(row[name]) for name in REASONS if name in row}
        for row in rows.to_dict("records")
    ]


def _reasons(text: object) -> object:
    return json.loads(text) if isinstance(text, str) else None
