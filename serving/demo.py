"""The main job from nothing: a sample company, models, a call list, a running service."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from features.ingest import ingest
from features.leadforge import KNOWN_AT_CREATION, write_company
from features.snapshot import midnight
from serving import tokens
from serving.backtest_run import backtest_to
from serving.cli import Session
from serving.forecaster import Forecaster
from serving.training_run import train_leads
from serving.verbs import show_calls
from training.audit import audit
from training.backtest import Range

TESTED_DAYS = 28
"""How much of the newest ripe past the demo walks through."""
EVERY_DAYS = 7
SHOWN_CALLS = 5
REFITS = 2
"""How often the demo's backtest refits: enough to show it, and quick."""


def run_demo(session: Session, *, serves: bool) -> None:
    """Do everything a newcomer would do, one step after the other."""
    session = _knowing(session)
    console, home = session.console, session.home
    company = home / "data" / "sample-company"
    console.say(
        "1/6  a sample company (made by leadforge; three of its columns tell the outcome)",
        style="bold",
    )
    with console.progress("making the company", 1) as advance:
        write_company(company)
        advance(1)
    console.say("2/6  ingest", style="bold")
    report = ingest(str(company), home, session.settings.features, None, None, console.progress)
    for finding in report.verdict:
        console.say(f"  {finding.says}")
    console.say("3/6  audit: which columns would leak?", style="bold")
    _audit(session)
    console.say("4/6  train", style="bold")
    train_leads(session, None, None, promote=False)
    console.say("5/6  backtest", style="bold")
    backtest_to(_quick(session), _newest(session), None, home / "data" / "demo-backtest")
    console.say("6/6  score", style="bold")
    calls = _calls(session)
    owner = calls["rep_id"].iloc[0]
    whose = "Leads without an owner" if pd.isna(owner) else f"{owner}"
    show_calls(session, calls, f"{whose}: whom to call next, and why")
    if serves:
        _serve(session)
    else:
        console.say("next: `pacesetter serve`, or `pacesetter ingest FOLDER` with data of your own")


def _knowing(session: Session) -> Session:
    """Add the columns that the sample company fills when a lead or an account is created."""
    features, training = session.settings.features, session.settings.training
    known = tuple(sorted({*features.known_at_creation, *KNOWN_AT_CREATION}))
    told = features.model_copy(update={"known_at_creation": known})
    # One refit in the backtest and cutoffs three days apart: enough to show how it goes.
    leads = training.leads.model_copy(update={"most_refits": 2})
    split = training.split.model_copy(update={"every_days": 3})
    quick = training.model_copy(update={"leads": leads, "split": split})
    settings = session.settings.model_copy(update={"features": told, "training": quick})
    return replace(session, settings=settings)


def _quick(session: Session) -> Session:
    """Let the backtest refit less often than it would by itself."""
    training = session.settings.training
    most = min(training.leads.most_refits, REFITS)
    leads = training.leads.model_copy(update={"most_refits": most})
    told = training.model_copy(update={"leads": leads})
    return replace(session, settings=session.settings.model_copy(update={"training": told}))


def _audit(session: Session) -> None:
    warehouse = Forecaster(session.home, session.settings).warehouse()
    found = audit(warehouse, session.settings.features, session.settings.training)
    for finding in found:
        if finding.severity != "info":
            session.console.say(f"  {finding.severity}: {finding.says}")


def _newest(session: Session) -> Range:
    """The newest cutoffs whose labels are ripe."""
    warehouse = Forecaster(session.home, session.settings).warehouse()
    horizon = session.settings.training.leads.horizon_days
    end: datetime = midnight(warehouse.data_until - timedelta(days=horizon))
    return Range(end - timedelta(days=TESTED_DAYS), end, EVERY_DAYS)


def _calls(session: Session) -> pd.DataFrame:
    """Score everything, keep the file, and give the list of the rep with the best leads."""
    with session.console.progress("scoring", 1) as advance:
        scores = Forecaster(session.home, session.settings).score()
        advance(1)
    path = session.home / "data" / "lead_scores.parquet"
    scores.to_parquet(path, index=False)
    session.console.say(f"{len(scores):,} open leads scored: {path}")
    best = scores.sort_values(["priority", "lead_id"], ascending=[False, True]).iloc[0]["rep_id"]
    own = scores["rep_id"].isna() if pd.isna(best) else scores["rep_id"] == best
    return scores[own].head(SHOWN_CALLS)


def _serve(session: Session) -> None:
    from serving.service import serve  # noqa: PLC0415 - bentoml takes seconds; --no-serve skips it

    own = session.settings.serving
    name = "demo"
    _, secret = tokens.create(session.home, name)
    address = f"http://{own.host}:{own.port}"
    session.console.say(f"the service listens on {address}; Ctrl-C ends it", style="bold")
    session.console.say(f"  token for this demo: {secret}")
    session.console.say(
        f"  curl -s {address}/next_calls -H 'Authorization: Bearer {secret}' "
        "-H 'Content-Type: application/json' -d '{\"rep_id\": null, \"limit\": 3}'"
    )
    serve(session.home, session.settings, own.host, own.port)
