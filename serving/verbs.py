"""The verbs. Each imports what it needs itself, so that no verb waits for another's libraries."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from features.errors import CheckFailed
from serving.cli import Moment, Session, pacesetter, verb
from serving.sample_company import PRESETS, simulate

if TYPE_CHECKING:
    import pandas as pd

    from serving.forecaster import Outlook

GROUP = pacesetter
GROUP.add_command(simulate)
LEAST_POINTS = 0.5
"""Reasons smaller than this would read as 0 in a call list."""
KIND = click.argument("kind", type=click.Choice(["leads"]), required=False, default="leads")
OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write."
)
HORIZON = click.option("--horizon-days", type=click.IntRange(1), help="How far to look ahead.")
UNTIL = click.option("--until", type=Moment(), help="Nothing at or after this moment is seen.")
AS_OF = click.option("--as-of", type=Moment(), help="The cutoff.  [default: the extract's end]")


@pacesetter.command(short_help="Validate an extract into the warehouse, which it replaces.")
@click.argument("source")
@click.option("--mapping", type=click.Path(path_type=Path), help="YAML: their names for ours.")
@click.option("--data-until", type=Moment(), help="The extract is complete up to this moment.")
@verb
def ingest(
    session: Session, source: str, mapping: Path | None, data_until: datetime | None
) -> None:
    """Read a folder of CSV or parquet files, or a database URL, into the warehouse.

    SOURCE holds leads, activities, reps, deals, changes, quotas, accounts: as many of them as
    there are. Every row is accepted, or kept aside in data/quarantine with its reason.

    \b
    pacesetter ingest exports/march
    pacesetter ingest postgresql://crm@db/sales --data-until 2024-04-01
    """
    from features.ingest import ingest as read

    console = session.console
    report = read(
        source, session.home, session.settings.features, mapping, data_until, console.progress
    )
    rows = [
        [name, f"{t.read:,}", f"{t.accepted:,}", f"{t.quarantined:,}"]
        for name, t in report.tables.items()
    ]
    console.show("What was read", ["table", "read", "accepted", "quarantined"], rows)
    for name, table in report.tables.items():
        for reason, count in table.quarantine_reasons.items():
            console.warn(f"{name}: {count:,} rows quarantined: {reason}")
    for finding in report.verdict:
        console.say(finding.says)
    console.give(json.loads(report.to_json()))


@pacesetter.command(short_help="Audit the data for leaks and for health.")
@UNTIL
@verb
def check(session: Session, until: datetime | None) -> None:
    """Look for columns that know the outcome, for broken history, and for gaps.

    Ends with exit code 1 only if a finding is an error.
    """
    from serving.forecaster import Forecaster
    from training.audit import audit

    warehouse = Forecaster(session.home, session.settings).warehouse().until(until)
    found = audit(warehouse, session.settings.features, session.settings.training)
    rows = [[f.severity, f.table, f.column or "", f.kind, f.says] for f in found]
    session.console.show("Findings", ["severity", "table", "column", "kind", "says"], rows)
    session.console.give({"findings": [f.to_json() for f in found]})
    errors = [f for f in found if f.severity == "error"]
    if errors:
        raise CheckFailed(f"{len(errors)} of {len(found)} findings are errors: {errors[0].says}")


@pacesetter.command(short_help="Fit, calibrate, evaluate, log and register a model.")
@KIND
@UNTIL
@HORIZON
@click.option("--promote", is_flag=True, help="Make it champion whatever it is compared with.")
@verb
def train(
    session: Session,
    kind: str,
    until: datetime | None,
    horizon_days: int | None,
    promote: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Learn a model from the warehouse and register it with MLflow.

    The first model becomes champion; later ones stay challengers unless --promote.

    \b
    pacesetter train leads --until 2024-03-01 --horizon-days 14
    """
    from serving.training_run import train_leads

    told = train_leads(session, until, horizon_days, promote=promote)
    session.console.give({"kind": kind, **told})


@pacesetter.command(short_help="Forecast the past as it would have been forecast then.")
@KIND
@click.option("--from", "start", required=True, type=Moment(), help="The first cutoff.")
@click.option("--to", "end", required=True, type=Moment(), help="The last cutoff, inclusive.")
@click.option("--every", type=click.IntRange(1), default=7, show_default=True, help="Days.")
@HORIZON
@click.option(
    "--truth",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A sample company's folder: grade against the true chances.",
)
@OUT
@verb
def backtest(  # noqa: PLR0913, PLR0917 - the command's own options
    session: Session,
    kind: str,
    start: datetime,
    end: datetime,
    every: int,
    horizon_days: int | None,
    truth: Path | None,
    out: Path,
) -> None:
    """Walk through history, refitting as time goes on, and judge every forecast.

    Writes lead_predictions.parquet, metrics.json and report.html, which stands alone.

    \b
    pacesetter backtest leads --from 2024-01-01 --to 2024-03-01 --out backtest
    """
    from serving.backtest_run import backtest_to
    from training.backtest import Range

    told = backtest_to(session, Range(start, end, every), horizon_days, out, truth)
    session.console.give({"kind": kind, **told})


@pacesetter.command(short_help="Rank every open lead with the champion.")
@AS_OF
@OUT
@verb
def score(session: Session, as_of: datetime | None, out: Path) -> None:
    """Write lead_scores.parquet: chance, band, rank within the owner, and the reasons."""
    from serving.backtest_run import made_folder
    from serving.forecaster import Forecaster

    outlook = Forecaster(session.home, session.settings).open()
    _warn_of_hindsight(session, outlook, as_of)
    made_folder(out)
    with session.console.progress("scoring", 1) as advance:
        scores = outlook.score(as_of)
        scores.to_parquet(out / "lead_scores.parquet", index=False)
        advance(1)
    session.console.say(f"{len(scores):,} open leads scored: {out / 'lead_scores.parquet'}")
    session.console.give({"files": [str(out / "lead_scores.parquet")], "rows": len(scores)})


def _warn_of_hindsight(session: Session, outlook: Outlook, as_of: datetime | None) -> None:
    until = outlook.bundle.until
    if as_of is not None and until > as_of:
        session.console.warn(
            f"the champion learned from data up to {until:%Y-%m-%d}, later than {as_of:%Y-%m-%d}: "
            "these scores know what came after"
        )


@pacesetter.group(short_help="Tell the reasons behind a score.")
def explain() -> None:
    """Tell the reasons behind a score, in percentage points that add up to it."""


@explain.command("lead")
@click.argument("lead_id", metavar="ID")
@AS_OF
@verb
def explain_lead(session: Session, lead_id: str, as_of: datetime | None) -> None:
    """Tell why a lead's chance is what it is."""
    from serving.forecaster import Forecaster

    row = Forecaster(session.home, session.settings).one_lead(lead_id, as_of)
    told = json.loads(row["reasons"])
    rows = [["a lead like any other", "", f"{told['base']:+.1f}", ""]]
    rows += [[i["label"], i["value"], f"{i['points']:+.1f}", i["who"]] for i in told["items"]]
    rows += [["everything else", "", f"{told['rest']:+.1f}", ""]]
    rows += [[f"chance within {row['horizon_days']} days, in %", "", f"{row['score']:.1f}", ""]]
    title = f"Lead {lead_id} as of {row['as_of']:%Y-%m-%d %H:%M} ({row['band']})"
    session.console.show(title, ["because of", "value", "points", "who can change it"], rows)
    session.console.give({**row, "reasons": told})


@pacesetter.group(short_help="Create, list and revoke access tokens.")
def token() -> None:
    """Access to the service: a token stands for one person or program."""


@token.command("create")
@click.argument("name")
@verb
def token_create(session: Session, name: str) -> None:
    """Create a token; it is shown this once and never again."""
    from serving import tokens

    made, secret = tokens.create(session.home, name)
    session.console.say(f"token {made} for {name}; keep it, it is not shown again:")
    if session.console.is_json:
        session.console.give({"id": made, "name": name, "token": secret})
    else:
        click.echo(secret)


@token.command("list")
@verb
def token_list(session: Session) -> None:
    """List tokens, the revoked ones too."""
    from serving import tokens

    found = [vars(entry) for entry in tokens.list_tokens(session.home)]
    columns = list(found[0]) if found else ["id", "name"]
    rows = [[str(entry[c] or "") for c in columns] for entry in found]
    session.console.show("Tokens", columns, rows)
    session.console.give({"tokens": found})


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@verb
def token_revoke(session: Session, token_id: str) -> None:
    """Take a token's access away, at once."""
    from serving import tokens

    tokens.revoke(session.home, token_id)
    session.console.say(f"token {token_id} has no access any more")
    session.console.give({"id": token_id, "revoked": True})


@pacesetter.command(short_help="Run the service.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: 3000]")
@verb
def serve(session: Session, host: str | None, port: int | None) -> None:
    """Answer over HTTP: whom to call next, scores of given leads, reasons; until Ctrl-C."""
    from serving.service import serve as run

    own = session.settings.serving
    run(session.home, session.settings, host or own.host, port or own.port)


@pacesetter.command(short_help="Go from nothing to a call list and a running service.")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="demo",
    show_default=True,
    help="Which sample company; `small` is quicker.",
)
@click.option("--no-serve", is_flag=True, help="End after the call list.")
@verb
def demo(session: Session, preset: str, no_serve: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Make a sample company, ingest it, train, backtest, score, and serve until Ctrl-C."""
    from serving.demo import run_demo

    run_demo(session, preset, serves=not no_serve)


def show_calls(session: Session, calls: pd.DataFrame, title: str) -> None:
    """Show a call list as a small table, the strongest reasons beside each lead."""
    rows = []
    for call in calls.itertuples():
        items = [i for i in json.loads(str(call.reasons))["items"] if round(i["points"])]
        said = "; ".join(f"{i['label']}: {i['value']} ({i['points']:+.0f})" for i in items)
        score = f"{call.score:.0f}"
        rows.append([str(call.rank), str(call.lead_id), score, str(call.band), said])
    session.console.show(title, ["rank", "lead", "score", "band", "because"], rows)
