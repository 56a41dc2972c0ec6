"""The verb `commits`: what reps committed to, read from a file and set beside what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from serving.cli.session import Session, verb

if TYPE_CHECKING:
    from serving.home.commits import CommitPeriod
    from training.evaluation.commit_history import RepBias

SET_ASIDE = "commits.parquet"
LEVEL = 0.9
"""Coverage of the interval about a bias."""


@click.command("commits", short_help="Read what reps commit to, and tell bias apart from luck.")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--by", metavar="NAME", default="import", show_default=True, help="Who enters it.")
@verb
def commits(session: Session, file: Path | None, by: str) -> None:
    """Keep what reps commit to, and say how far their numbers are off as a rule.

    FILE is CSV or parquet with `rep_id, period_start, made_at, amount`, as for `backtest quota
    --commits`. Rows are added to the store beside the model's forecasts and never overwrite
    anything; a row that was read before counts once. Rows that cannot be used are set aside with
    their reasons. Without FILE nothing is read.

    A number is judged by the last one said before the middle of its period. An error is the amount
    committed less the one attained, as a share of the quota. Bias is the mean error less what luck
    could have added: one bad quarter says little about anybody.

    \b
    pacesetter commits forecasts.csv --by "Ann Lee"
    pacesetter commits --json
    """
    session.require_extract()
    from serving.home.commits import bias_of, commit_periods
    from serving.home.home import Home
    from serving.store.commits import CommitLog

    home = Home(session.home, session.settings)
    log, warehouse = CommitLog(home.store), home.warehouse()
    read = _read(session, log, warehouse, file, by) if file else None
    periods = commit_periods(warehouse, log.all(), warehouse.data_until)
    bias = bias_of(periods, LEVEL)
    _show(session, bias)
    session.console.give(
        {
            "file": read,
            "periods": [_plain(row) for row in periods],
            "bias": [vars(row) | {"verdict": row.verdict.value} for row in bias.values()],
        }
    )


def _read(session: Session, log: Any, warehouse: Any, file: Path, by: str) -> dict[str, int]:
    """Add the usable rows of a file, and say what became of all of them."""
    from features.ingest.commits import read_commits
    from serving.home.commits import of_file
    from training.quota.commits import reading_notes

    aside = session.home / "data" / "quarantine" / SET_ASIDE
    aside.parent.mkdir(parents=True, exist_ok=True)
    usable = read_commits(file, warehouse, session.settings.features.ingest, aside)
    for words in reading_notes(usable):
        session.console.warn(words)
    receipts = log.add(of_file(usable), by)
    repeated = sum(receipt.is_repeated for receipt in receipts)
    report = usable.report
    session.console.say(
        f"{report.read:,} rows read: {len(receipts) - repeated:,} kept, {repeated:,} were kept "
        f"before, {report.quarantined:,} set aside"
    )
    return {
        "read": report.read,
        "kept": len(receipts) - repeated,
        "repeated": repeated,
        "quarantined": report.quarantined,
    }


def _show(session: Session, bias: Any) -> None:
    if not bias:
        session.console.say("No period with a number has ended yet, so nothing is said of bias.")
        return
    rows: list[RepBias] = list(bias.values())
    table = [
        [row.rep_id, str(row.periods), f"{row.mean_error:+.0%}", f"{row.bias:+.0%}",
         f"{row.low:+.0%} to {row.high:+.0%}", row.verdict.value]
        for row in rows
    ]  # fmt: skip
    columns = ["rep", "periods", "mean error", "bias", "90 % interval", "what that shows"]
    session.console.show("Numbers that reps committed to, in shares of quota", columns, table)


def _plain(row: CommitPeriod) -> dict[str, Any]:
    from features.clock import zulu

    return {
        "rep_id": row.rep_id,
        "period_start": zulu(row.period_start),
        "period_end": zulu(row.period_end),
        "quota": row.quota,
        "said": [
            {"said_at": zulu(one.said_at), "by": one.by, "amount": one.amount,
             "best_case": one.best_case}
            for one in row.said
        ],
        "judged": row.judged.amount,
        "attained": row.attained,
        "error": row.error,
    }  # fmt: skip
