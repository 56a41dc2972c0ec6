"""The verbs. Each imports what it needs itself, so that no verb waits for another's libraries."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import rich_click as click

from features.errors import CheckFailed
from features.simulation.settings import PRESETS
from serving.cli.backup import backup, restore, upgrade
from serving.cli.bento import bento
from serving.cli.calls import calls, worth
from serving.cli.coach import coach
from serving.cli.commits import commits as commits_verb
from serving.cli.digest import digest
from serving.cli.export import export
from serving.cli.forget import forget
from serving.cli.ingest import ingest
from serving.cli.kpi import kpi
from serving.cli.monitor import monitor
from serving.cli.promote import promote, rollback
from serving.cli.retrain import retrain
from serving.cli.session import Common, MomentParam, Session, common, verb
from serving.cli.simulate import simulate
from serving.cli.tables import show_lead, show_rep
from serving.cli.tokens import token
from serving.cli.tune import tune

KIND = click.argument("kind", type=click.Choice(["leads", "quota"]), required=False)
OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write."
)
HORIZON = click.option("--horizon-days", type=click.IntRange(1), help="How far to look ahead.")
UNTIL = click.option("--until", type=MomentParam(), help="Nothing at or after this moment is seen.")
AS_OF = click.option(
    "--as-of", type=MomentParam(), help="The cutoff.  [default: the extract's end]"
)


EPILOG = "Times are UTC. Words and progress go to stderr, data to stdout; --json makes it JSON."


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Print the version that is installed, or that there is none, and end."""
    if not value or ctx.resilient_parsing:
        return
    try:
        click.echo(f"pacesetter {version('pacesetter')}")
    except PackageNotFoundError:
        click.echo("pacesetter, run from its source without being installed")
    ctx.exit()


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@common
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def pacesetter(
    ctx: click.Context,
    home: Path | None,
    params: Path | None,
    is_json: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Forecasts for sales teams, from the history of a CRM: whom to call next, and why.

    Start with `pacesetter demo`, or with your own extract:
    `pacesetter ingest FOLDER`, `pacesetter train`, `pacesetter score --out DIR`.
    """
    ctx.obj = Common(home, params, is_json)


for _verb in (
    ingest, simulate, token, forget, backup, restore, upgrade,
    promote, rollback, retrain, tune, monitor, bento,
    coach, kpi, calls, commits_verb, worth, digest, export,
):  # fmt: skip
    pacesetter.add_command(_verb)


@pacesetter.command(short_help="Audit the data for leaks and for health.")
@UNTIL
@verb
def check(session: Session, until: datetime | None) -> None:
    """Look for columns that know the outcome, for broken history, and for gaps.

    Ends with exit code 1 only if a finding is an error.
    """
    session.require_extract()
    from serving.home.data_findings import data_findings
    from serving.home.home import Home
    from training.loop.check import check as find

    home, settings = Home(session.home, session.settings), session.settings
    warehouse = home.warehouse().until(until)
    delivered = data_findings(session.home)
    findings = find(warehouse, settings.features, settings.training, delivered)
    rows = [[f.severity, f.table, f.column or "", f.kind, f.says] for f in findings]
    session.console.show("Findings", ["severity", "table", "column", "kind", "says"], rows)
    session.console.give({"findings": [f.to_json() for f in findings]})
    for kind, why in home.doubts().items():
        session.console.warn(f"{kind}: {why}")
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        raise CheckFailed(f"{len(errors)} of {len(findings)} findings are errors: {errors[0].says}")


@pacesetter.command(short_help="Fit, calibrate, evaluate, log and register a model.")
@KIND
@UNTIL
@HORIZON
@click.option("--promote", is_flag=True, help="Make it champion whatever it is compared with.")
@verb
def train(
    session: Session,
    kind: str | None,
    until: datetime | None,
    horizon_days: int | None,
    promote: bool,  # noqa: FBT001 - click passes flags by name
) -> None:
    """Learn from the warehouse and register with MLflow: leads, quota, or all the tables allow.

    The first model of a kind becomes champion; later ones stay challengers until
    `promote` finds them better, or --promote is given. A
    first lead model that is not shown to beat the base rate and age alone on the newest mature past
    gives way to the fallback. With --json: `models`, each with kind, version, alias, evidence,
    says, doubt (why it is not shown to know more than age, or null) and metrics; and `left_out`,
    which tells of each kind that the tables do not allow why.

    \b
    pacesetter train
    pacesetter train leads --until 2024-03-01 --horizon-days 14
    pacesetter train quota
    """
    session = session.looking_ahead(horizon_days, kind)
    session.require_extract()
    from serving.cli.train import train as train_kinds
    from serving.home.data_findings import data_warnings
    from serving.home.home import Home
    from training.loop.kinds import kind_of

    home = Home(session.home, session.settings)
    kinds = [kind_of(kind)] if kind else home.supported()
    left_out = {} if kind else home.unsupported()
    for why in left_out.values():
        session.console.say(f"left out: {why}")
    models = train_kinds(session, kinds, until, promote=promote)
    warnings = data_warnings(session.home)
    # Said last, so that nobody overlooks them.
    for says in warnings:
        session.console.warn(says)
    session.console.give({"models": models, "left_out": left_out, "warnings": warnings})


@pacesetter.command(short_help="Forecast the past as it would have been forecast then.")
@KIND
@click.option("--from", "start", required=True, type=MomentParam(), help="The first cutoff.")
@click.option("--to", "end", required=True, type=MomentParam(), help="The last cutoff, inclusive.")
@click.option("--every", type=click.IntRange(1), default=7, show_default=True, help="Days.")
@HORIZON
@click.option(
    "--truth",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A sample company's folder: grade against the true chances.",
)
@click.option(
    "--commits",
    type=click.Path(path_type=Path),
    help="Quota: CSV or parquet of what people committed to, one more forecast to compare with.",
)
@OUT
@verb
def backtest(  # noqa: PLR0913, PLR0917 - the command's own options
    session: Session,
    kind: str | None,
    start: datetime,
    end: datetime,
    every: int,
    horizon_days: int | None,
    truth: Path | None,
    commits: Path | None,
    out: Path,
) -> None:
    """Walk through history, refitting as time goes on, and judge every forecast.

    Writes lead_predictions.parquet (or quota_predictions.parquet), metrics.json and report.html,
    which stands alone. Without a kind: leads, or quota where there are no leads.

    A file of --commits has rep_id, period_start, made_at and amount: what the rep (or a manager)
    committed to bring in that period in all, in the quota's currency. At a cutoff the newest one
    made before it counts. Rows that cannot be used go to OUT/commits_quarantine.parquet.

    \b
    pacesetter backtest leads --from 2024-01-01 --to 2024-03-01 --out backtest
    pacesetter backtest quota --from 2024-01-01 --to 2024-12-31 --out backtest-quota
    pacesetter backtest quota --from 2024-01-01 --to 2024-12-31 --commits calls.csv --out compared
    """
    if commits and kind != "quota":
        raise click.UsageError("--commits is for quota: write `pacesetter backtest quota`")
    session = session.looking_ahead(horizon_days, kind)
    session.require_extract()
    from serving.cli.backtest import backtest as backtest_kind
    from serving.home.home import Home
    from training.loop.kinds import kind_of
    from training.rolling import Range

    chosen = kind_of(kind) if kind else Home(session.home, session.settings).supported()[0]
    made = backtest_kind(session, chosen, Range(start, end, every), out, truth, commits)
    session.console.give({"kind": chosen.name, **made})


@pacesetter.command(short_help="Rank open leads and tell reps' risks, with the champions.")
@AS_OF
@OUT
@verb
def score(session: Session, as_of: datetime | None, out: Path) -> None:
    """Write lead_scores.parquet and rep_scores.parquet, as far as there are champions.

    Leads: chance, band, rank within the owner, reasons. Reps: chance to make quota, the range in
    which attainment will land, reasons. For coaching, not for decisions on employment.

    Where one kind cannot be scored (no champion, or its tables are gone), the other is, the reason
    is told, and the exit code is 0; it is 2 only if nothing could be scored.
    """
    session.require_extract()
    from serving.cli.score import score_to

    session.console.give(score_to(session, as_of, out))


@pacesetter.group(short_help="Tell the reasons behind a score.")
def explain() -> None:
    """Tell the reasons behind a score, in percentage points that add up to it."""


@explain.command("lead")
@click.argument("lead_id", metavar="ID")
@AS_OF
@verb
def explain_lead(session: Session, lead_id: str, as_of: datetime | None) -> None:
    """Tell why a lead's chance is what it is."""
    session.require_extract()
    from serving.home.home import Home
    from serving.home.kept import with_trend

    home = Home(session.home, session.settings)
    outlook = home.open_leads()
    row = with_trend(home, outlook.one_lead(lead_id, as_of))
    session.warn_of_hindsight(outlook.bundle.until, as_of)
    show_lead(session, row)
    session.console.give(row)


@explain.command("rep")
@click.argument("rep_id", metavar="ID")
@AS_OF
@verb
def explain_rep(session: Session, rep_id: str, as_of: datetime | None) -> None:
    """Tell where a rep stands in each running quota period, and why.

    Where too little is known of a rep, words withhold what would only seem to be known; --json
    gives every number.
    """
    session.require_extract()
    from serving.home.home import Home

    outlook = Home(session.home, session.settings).open_quota()
    rows = outlook.one_rep(rep_id, as_of)
    session.warn_of_hindsight(outlook.bundle.until, as_of)
    session.keep_view(rep_id, "explain rep")
    for row in rows:
        show_rep(session, row)
    session.console.give({"rep_id": rep_id, "periods": rows})


@pacesetter.command(short_help="Run the service.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[default: 3000]")
@verb
def serve(session: Session, host: str | None, port: int | None) -> None:
    """Answer over HTTP: whom to call next, who may miss the quota, and why; until Ctrl-C."""
    from serving.api.service import serve as run

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
    from serving.cli.demo import run_demo

    run_demo(session, preset, serves=not no_serve)
