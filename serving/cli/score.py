"""`score` as the command line runs it: what can be scored is, what cannot is said."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import InputError, NotReady
from serving.cli.backtest import made_folder
from serving.cli.session import Session
from serving.home.home import Forecaster
from serving.home.lead_outlook import Outlook
from serving.home.rep_outlook import QuotaOutlook
from training.leads.bundle import LEADS
from training.quota.bundle import QUOTA

FILES = {LEADS: "lead_scores.parquet", QUOTA: "rep_scores.parquet"}
SCORED = {LEADS: "open leads scored", QUOTA: "reps with a running quota forecast"}


def score_to(session: Session, as_of: datetime | None, out: Path) -> dict[str, Any]:
    """Score what the champions and the tables allow.

    Args:
        session: what the verb works with.
        as_of: the cutoff; the extract's end if None.
        out: the folder for the files.

    Returns:
        `files`, `rows` in all, `rows_by_kind`, and `left_out`: why a kind was not scored.

    Raises:
        InputError: nothing could be scored.
        NotReady: there is no model, or no data yet.
    """
    forecaster, console = Forecaster(session.home, session.settings), session.console
    kinds = forecaster.trained()
    made_folder(out)
    rows: dict[str, int] = {}
    left_out = {
        kind: f"there is no {kind} champion; `pacesetter train {kind}` makes one"
        for kind in FILES
        if kind not in kinds
    }
    failed: list[InputError | NotReady] = []
    for kind in kinds:
        try:
            outlook = forecaster.open() if kind == LEADS else forecaster.open_quota()
            warn_of_hindsight(session, outlook, as_of)
            with console.progress(f"scoring {kind}", 1) as advance:
                scores = outlook.score(as_of)
                advance(1)
        except (InputError, NotReady) as error:
            failed.append(error)
            left_out[kind] = str(error)
            continue
        scores.to_parquet(out / FILES[kind], index=False)
        rows[kind] = len(scores)
        console.say(f"{len(scores):,} {SCORED[kind]}: {out / FILES[kind]}")
    if not rows:
        whys = list(dict.fromkeys(map(str, failed)))
        raise failed[0] if len(whys) == 1 else InputError("; ".join(whys))
    for kind, why in left_out.items():
        tell = console.warn if kind in kinds else console.say
        tell(f"no {FILES[kind]}: {why}")
        if (out / FILES[kind]).is_file():
            console.warn(f"{out / FILES[kind]} is left from an earlier run")
    return {
        "files": [str(out / FILES[kind]) for kind in rows],
        "rows": sum(rows.values()),
        "rows_by_kind": rows,
        "left_out": left_out,
    }


def warn_of_hindsight(
    session: Session, outlook: Outlook | QuotaOutlook, as_of: datetime | None
) -> None:
    """Warn of a champion that has learned from what came after the moment it is asked about."""
    until = outlook.bundle.until
    if as_of is not None and until > as_of:
        session.console.warn(
            f"the champion learned from data up to {until:%Y-%m-%d}, later than {as_of:%Y-%m-%d}: "
            "what it says knows what came after"
        )
