"""The main job from nothing: a sample company, models, a call list, a running service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd

from features.ingest.load import ingest
from features.labels.attainment import final_quotas
from features.labels.conversion import last_mature_cutoff
from features.simulation.live import live
from features.simulation.settings import company_settings
from features.simulation.truth import write_truth
from serving.access import tokens
from serving.cli.backtest import backtest
from serving.cli.session import Session
from serving.cli.tables import show_calls, show_risks
from serving.cli.train import train
from serving.home.home import Home
from training.checks.audit import audit
from training.evaluation.truth import LEADS as TRUE_CHANCES
from training.evaluation.truth import read_truth
from training.files import LEAD_SCORES, REP_SCORES, checked
from training.loop.kinds import KINDS, LEADS, QUOTA
from training.rolling import Range

SEED = 1
TRUTH_CUTOFFS = 4
"""Cutoffs whose true chances are computed; the newest has no outcomes yet."""
REPLAYS = 40
"""Futures replayed from each of them: a fifth of what grading uses, and quick."""
TRAINED_EVERY = 14
"""Days between training cutoffs: a lead changes little in two weeks, and training is faster."""
SHOWN_CALLS = 5
SHOWN_RISKS = 5
FUTURES = 400
"""Futures drawn for each rep: chances are then right to two or three points."""
TESTED_EVERY = 14
"""Days between the cutoffs at which quotas are forecast again."""
REFITS = 2
"""How often the demo's backtest refits: enough to show it, and quick."""


def run_demo(session: Session, preset: str, *, serves: bool) -> None:
    """Do everything a newcomer would do, one step after the other.

    Args:
        session: what the verb works with.
        preset: which sample company.
        serves: end with the running service.
    """
    session = _quick(session)
    console, home = session.console, session.home
    company, tested = home / "data" / "sample-company", home / "data" / "demo-backtest"
    missed = home / "data" / "demo-backtest-quota"
    console.say("1/6  a sample company: its reps, leads, calls and deals are made up", style="bold")
    _simulate(session, preset, company)
    console.say("2/6  ingest", style="bold")
    report = ingest(str(company), home, session.settings.features, None, None, console.progress)
    for finding in report.verdict:
        console.say(f"  {finding.says}")
    for line in report.proposals.says(session.settings.features.known_at_creation):
        console.say(f"  {line}")
    console.say("3/6  audit: which columns would leak?", style="bold")
    _audit(session)
    console.say("4/6  train", style="bold")
    train(session, list(KINDS.values()), None, promote=False)
    console.say("5/6  backtest, leads graded against the true chances", style="bold")
    backtest(session, LEADS, _grid(session, company), tested, company)
    backtest(session, QUOTA, _last_quarter(session), missed)
    console.say("6/6  score", style="bold")
    calls, risks = _calls(session), _risks(session)
    owner = calls["rep_id"].iloc[0]
    whose = "Leads without an owner" if pd.isna(owner) else f"{owner}"
    show_risks(session, risks.head(SHOWN_RISKS), "Who is least likely to make quota, and why")
    show_calls(session, calls, f"{whose}: whom to call next, and why")
    _say_where(session, company, tested, missed)
    if serves:
        _serve(session, None if pd.isna(owner) else str(owner))
    else:
        console.say("next: `pacesetter serve`, or `pacesetter ingest FOLDER` with data of your own")


def _simulate(session: Session, preset: str, out: Path) -> None:
    """Make the company, and the true chances of its leads at a few moments."""
    settings = company_settings(
        preset,
        seed=SEED,
        lead_cutoffs=TRUTH_CUTOFFS,
        replays=REPLAYS,
        cause_replays=0,
        quota_quarters=0,
    )
    out.mkdir(parents=True, exist_ok=True)
    write_truth(live(settings, out, session.console.progress), out, session.console.progress)


def _quick(session: Session) -> Session:
    """Return a session that trains on fewer cutoffs and refits less often, to be quick."""
    training = session.settings.training
    most = min(training.leads.most_refits, REFITS)
    every = max(training.split.every_days, TRAINED_EVERY)
    quota = {"most_refits": 1, "futures": FUTURES}
    quick = training.model_copy(
        update={
            "quota": training.quota.model_copy(update=quota),
            "leads": training.leads.model_copy(update={"most_refits": most}),
            "split": training.split.model_copy(update={"every_days": every}),
        }
    )
    return replace(session, settings=session.settings.model_copy(update={"training": quick}))


def _audit(session: Session) -> None:
    warehouse = Home(session.home, session.settings).warehouse()
    findings = audit(warehouse, session.settings.features, session.settings.training)
    for finding in findings:
        if finding.severity != "info":
            session.console.say(f"  {finding.severity}: {finding.says}")


def _grid(session: Session, company: Path) -> Range:
    """Return the cutoffs whose true chances and outcomes are both known."""
    warehouse = Home(session.home, session.settings).warehouse()
    horizon = session.settings.training.leads.horizon_days
    mature = last_mature_cutoff(horizon, warehouse.data_until)
    cutoffs = [c for c in read_truth(company, TRUE_CHANCES).cutoffs if c <= mature]
    return Range(cutoffs[0], cutoffs[-1], (cutoffs[1] - cutoffs[0]).days)


def _calls(session: Session) -> pd.DataFrame:
    """Score all open leads, write the file, and return the list of the rep with the best leads."""
    with session.console.progress("scoring", 1) as advance:
        scores = Home(session.home, session.settings).score(LEADS)
        advance(1)
    path = session.home / "data" / "lead_scores.parquet"
    checked(scores, LEAD_SCORES).to_parquet(path, index=False)
    session.console.say(f"{len(scores):,} open leads scored: {path}")
    best = scores.sort_values(["priority", "lead_id"], ascending=[False, True]).iloc[0]["rep_id"]
    own = scores["rep_id"].isna() if pd.isna(best) else scores["rep_id"] == best
    return scores[own].head(SHOWN_CALLS)


def _last_quarter(session: Session) -> Range:
    """Return the last quota period that has ended, from its third week on."""
    warehouse = Home(session.home, session.settings).warehouse()
    quotas = final_quotas(warehouse)
    ended = quotas[quotas["period_end"] <= warehouse.data_until]
    last = ended[ended["period_end"] == ended["period_end"].max()]
    start = last["period_start"].max().to_pydatetime() + timedelta(days=TESTED_EVERY)
    end = last["period_end"].max().to_pydatetime() - timedelta(days=1)
    return Range(start, end, TESTED_EVERY)


def _risks(session: Session) -> pd.DataFrame:
    """Forecast every rep with a running quota, and write the file."""
    with session.console.progress("scoring reps", 1) as advance:
        risks = Home(session.home, session.settings).score(QUOTA)
        advance(1)
    path = session.home / "data" / "rep_scores.parquet"
    checked(risks, REP_SCORES).to_parquet(path, index=False)
    session.console.say(f"{len(risks):,} reps with a running quota forecast: {path}")
    return risks


def _say_where(session: Session, company: Path, tested: Path, missed: Path) -> None:
    """List the files that were written, and what to open first."""
    home, say = session.home, session.console.say
    say("what was written, and what to open:", style="bold")
    say(f"  {tested / 'report.html'}: open it in a browser; how good the forecasts are, and how")
    say("    near they come to the true chances, which only a made-up company can tell")
    say(f"  {missed / 'report.html'}: how early it was known who would miss quota")
    say(f"  {home / 'data' / 'rep_scores.parquet'}: every rep's chance to make quota, with reasons")
    say(f"  {home / 'data' / 'lead_scores.parquet'}: every open lead with its chance and reasons")
    say(f"  {company}: the company's tables, as a CRM would export them; truth/ is what no CRM has")
    say(f"  {session.tracking.mlruns.folder}: the models and their runs; see them with")
    say(f"    mlflow ui --backend-store-uri {session.tracking.mlruns.uri}")


def _serve(session: Session, owner: str | None) -> None:
    from serving.api.service import serve  # noqa: PLC0415 - bentoml takes seconds; --no-serve skips it

    own = session.settings.serving
    name = "demo"
    _, secret = tokens.create(session.store, name)
    address = f"http://{own.host}:{own.port}"
    whose = f'"{owner}"' if owner else "null"
    session.console.say(f"the service listens on {address}; Ctrl-C ends it", style="bold")
    session.console.say(f"  token for this demo: {secret}")
    session.console.say(
        f"  curl -s {address}/next_calls -H 'Authorization: Bearer {secret}' "
        f"-H 'Content-Type: application/json' -d '{{\"rep_id\": {whose}, \"limit\": 3}}'"
    )
    session.console.say(
        f"  curl -s {address}/at_risk_reps -H 'Authorization: Bearer {secret}' "
        "-H 'Content-Type: application/json' -d '{\"manager_id\": null}'"
    )
    serve(session.home, session.settings, own.host, own.port)
