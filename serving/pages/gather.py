"""Works out the facts behind the pages from the current scores of a home."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from features.clock import utc_now
from features.errors import InputError, NotFoundError, NotReady
from features.snapshot import CUTOFF
from serving.home.scored import HomeScores, LeadScores, RepScores, Unavailable
from serving.home.today import WorkDesk
from serving.pages.facts import LEADS, QUOTA, Coaching, Facts, LeadFacts, ModelFacts, QuotaFacts
from serving.pages.staff import Staff
from serving.store.worklist import Listing
from serving.wording.forecasts import RepForecast
from serving.worklist.outcomes import lots_drawn
from training.calls.holdout import Answer, Asked, answer
from training.coaching.goals.record import read_record
from training.leads.score import value_of
from training.quota.explain import open_amounts
from training.quota.what_if import WhatIf

if TYPE_CHECKING:
    from serving.home.home import Home

BY = "pages"
"""Who makes the lists of a day that nobody has made yet, for the log."""
METRICS, NOTES = "metrics.json", "notes.json"
HISTORY = ("forecast-history", "demo-backtest-quota")
"""Folders of HOME/data in which `backtest quota` may have left forecasts; the first that is."""
PREDICTIONS = "quota_predictions.parquet"
MONITORED = "findings.json"


def quick_facts(home: Home, scores: HomeScores) -> Facts:
    """Return everything but what coaching rests on, which takes much longer.

    Args:
        home: whose.
        scores: its current scores.
    """
    scores = apart(home, scores)
    warehouse = _warehouse(scores)
    record = read_record(warehouse, scores.data_until)
    won = record.endings[record.endings["won"] == 1][["rep_id", "at", "amount"]]
    leads, reps = scores.leads, scores.reps
    return Facts(
        mark=scores.mark,
        data_until=scores.data_until,
        made_at=utc_now(),
        staff=Staff.of(record.people),
        leads=leads.why if isinstance(leads, Unavailable) else _leads(home, leads),
        quota=reps.why if isinstance(reps, Unavailable) else _quota(home, reps),
        won=won,
        worth=None if isinstance(leads, Unavailable) else _worth(home, leads),
        history=_history(home.place),
        watched=_watched(home.place),
    )


def apart(home: Home, scores: HomeScores) -> HomeScores:
    """Return scores with a connection to the warehouse of their own.

    The pages work for many seconds, and requests that need the warehouse must not wait for them.

    Raises:
        NotReady: another extract has been ingested since the scores were made.
    """
    live = home.live()
    if live.extract.data_until != scores.data_until:
        raise NotReady("new data were ingested; the pages follow as soon as they are scored")
    warehouse = live.at()

    def moved(part: Any) -> Any:
        if isinstance(part, Unavailable):
            return part
        return replace(part, outlook=replace(part.outlook, warehouse=warehouse), live=live)

    return replace(scores, leads=moved(scores.leads), reps=moved(scores.reps))


def coaching_of(home: Home, facts: Facts) -> Coaching:
    """Return what coaching rests on, as of the facts.

    Raises:
        NotReady: the home has no data any more.
    """
    from serving.coaching.gather import gather  # noqa: PLC0415 - statistics take seconds to load
    from serving.coaching.pairs import propose_pairs  # noqa: PLC0415
    from serving.coaching.playbook import playbook  # noqa: PLC0415
    from serving.coaching.sheet import make_sheet  # noqa: PLC0415

    company = gather(home, facts.data_until)
    pairs, book = propose_pairs(company), playbook()
    sheets = {rep: make_sheet(company, rep, book, pairs) for rep in company.present()}
    return Coaching(company, tuple(pairs), sheets)


def _warehouse(scores: HomeScores) -> Any:
    part = scores.reps if isinstance(scores.leads, Unavailable) else scores.leads
    if isinstance(part, Unavailable):
        raise NotReady(part.why)
    return part.outlook.warehouse


def _leads(home: Home, scores: LeadScores) -> LeadFacts:
    outlook, table = scores.outlook, scores.table
    desk = WorkDesk(home.place, home.settings)
    keys = table[["lead_id"]].assign(**{CUTOFF: table["as_of"]}).reset_index(drop=True)
    amounts = value_of(outlook.warehouse, keys)["value"].to_numpy()
    handout = desk.handout(outlook.warehouse, table)
    listings = handout.keep(desk.lists, BY)
    indexed = table.assign(amount=amounts).set_index("lead_id", drop=False)
    bundle = outlook.bundle
    return LeadFacts(
        as_of=scores.as_of,
        table=indexed,
        day=handout.day,
        lists=by_rep(listings),
        trends=scores.trends,
        model=_model(home, LEADS, outlook.version, bundle),
    )


def by_rep(listings: Sequence[Listing]) -> dict[str, list[Listing]]:
    """Return lists by whose they are: a rep's, or those of a manager's pool."""
    lists: dict[str, list[Listing]] = {}
    for listing in listings:
        whose = listing.rep_id if listing.pool_of is None else listing.pool_of
        lists.setdefault(whose or "", []).append(listing)
    return lists


def _quota(home: Home, scores: RepScores) -> QuotaFacts:
    outlook = scores.outlook
    monday = week_start(scores.as_of, home.settings.features.timezone)
    what_if = WhatIf.at(outlook.warehouse, outlook.bundle, scores.as_of)
    forecasts = _forecasts(scores.table)
    rows = {(row["rep_id"], row["period_start"]): row for row in scores.table.to_dict("records")}
    firsts = {rep: own[0] for rep, own in forecasts.items()}
    amounts = _open_amount(what_if)
    then = _forecasts(scores.at(monday).table)
    return QuotaFacts(
        as_of=scores.as_of,
        forecasts=forecasts,
        reasons={
            rep: json.loads(rows[rep, pd.Timestamp(first.period_start)]["reasons"])
            for rep, first in firsts.items()
        },
        monday=monday,
        on_monday={
            rep: own[0]
            for rep, own in then.items()
            if rep in firsts and own[0].period_start == firsts[rep].period_start
        },
        teams=scores.teams,
        open_amount={rep: amounts[rep, first.period_start] for rep, first in firsts.items()},
        what_if=what_if,
        model=_model(home, QUOTA, outlook.version, outlook.bundle),
    )


def week_start(moment: datetime, zone: str) -> datetime:
    """Return when the week of a moment began in a zone: its Monday 0:00, as naive UTC.

    >>> week_start(datetime(2026, 8, 5, 22, 50), "Europe/Berlin")
    datetime.datetime(2026, 8, 2, 22, 0)
    """
    utc, local = ZoneInfo("UTC"), ZoneInfo(zone)
    there = moment.replace(tzinfo=utc).astimezone(local)
    monday = (there - timedelta(days=there.weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return monday.astimezone(utc).replace(tzinfo=None)


def _open_amount(what_if: WhatIf) -> dict[tuple[str, datetime], float]:
    """Return the amount of the open deals that each rep's forecast of a period counts."""
    inputs, keys = what_if.inputs, what_if.reps.keys
    amounts = open_amounts(len(keys), inputs.rep, inputs.amount)
    return {
        (str(rep), start.to_pydatetime()): float(amount)
        for rep, start, amount in zip(keys["rep_id"], keys["period_start"], amounts, strict=True)
    }


def _forecasts(table: pd.DataFrame) -> dict[str, list[RepForecast]]:
    """Return each rep's forecasts, the period that ends first before the others."""
    ordered = table.sort_values(["rep_id", "period_end", "period_start"])
    forecasts: dict[str, list[RepForecast]] = {}
    for row in ordered.to_dict("records"):
        plain = {k: v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for k, v in row.items()}
        forecasts.setdefault(str(row["rep_id"]), []).append(RepForecast.from_row(plain))
    return forecasts


def _model(home: Home, kind: str, version: str, bundle: Any) -> ModelFacts:
    """Read what the training of a champion left behind."""
    try:
        folder, _ = home.tracking.folders(kind, version)
    except (NotFoundError, NotReady):
        # The model answers from memory; what its training measured is gone from the registry.
        folder = home.place / "data" / "nowhere"
    files = {name: folder / name for name in ("card.html", "report.html", "calls.html")}
    evidence = bundle.evidence
    return ModelFacts(
        kind=kind,
        version=version,
        until=bundle.until,
        evidence=evidence.state,
        evidence_says=evidence.says,
        metrics=_json(folder / METRICS) or {},
        notes=_json(folder / NOTES) or (),
        files={name: path for name, path in files.items() if path.is_file()},
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _worth(home: Home, scores: LeadScores) -> Answer:
    params = home.settings.serving.worklist
    enrolments = WorkDesk(home.place, home.settings).lists.enrolments()
    lots, _ = lots_drawn(enrolments, scores.outlook.warehouse, scores.as_of)
    asked = Asked(params.level, params.least_leads, params.least_converted, params.harm)
    return answer(lots, scores.as_of, asked)


def _history(home: Path) -> pd.DataFrame | None:
    files = (home / "data" / folder / PREDICTIONS for folder in HISTORY)
    found = next((file for file in files if file.is_file()), None)
    try:
        return None if found is None else pd.read_parquet(found)
    except (OSError, ValueError) as error:
        raise InputError(f"{found} cannot be read: {error}; make it again or remove it") from None


def _watched(home: Path) -> Mapping[str, Any] | None:
    """Return what the newest monitoring run found."""
    runs = sorted((home / "data" / "monitor").glob(f"*/{MONITORED}"))
    found: Mapping[str, Any] | None = _json(runs[-1]) if runs else None
    return found
