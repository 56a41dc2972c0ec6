"""`score` as the command line runs it: what can be scored is, what cannot is said."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import InputError, NotReady
from features.evidence import EvidenceState
from serving.cli.backtest import made_folder
from serving.cli.session import Session
from serving.home.home import Home
from serving.home.kept import KeptScores
from serving.store.scores import ScoreLog
from training.files import FILES, checked
from training.loop.kinds import KINDS


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
    home, console = Home(session.home, session.settings), session.console
    kept = KeptScores(ScoreLog(home.store), session.settings)
    trained = home.trained()
    made_folder(out)
    rows: dict[str, int] = {}
    left_out = {
        name: f"there is no {name} champion; `pacesetter train {name}` makes one"
        for name, kind in KINDS.items()
        if kind not in trained
    }
    failures: list[InputError | NotReady] = []
    for kind in trained:
        try:
            outlook = home.open(kind)
            session.warn_of_hindsight(outlook.bundle.until, as_of)
            with console.progress(f"scoring {kind.name}", 1) as advance:
                # Scores of the data's end are those that the service answers with.
                scores, unkept = (
                    kept.table(outlook) if as_of is None else (outlook.score(as_of), None)
                )
                advance(1)
        except (InputError, NotReady) as error:
            failures.append(error)
            left_out[kind.name] = str(error)
            continue
        if unkept is not None:
            console.warn(f"the store does not hold these scores: {unkept}")
        path = out / kind.files.scores
        checked(scores, FILES[kind.files.scores]).to_parquet(path, index=False)
        rows[kind.name] = len(scores)
        console.say(f"{len(scores):,} {kind.scored} scored: {path}")
        if outlook.bundle.evidence.state is EvidenceState.NONE:
            console.warn(f"{kind.name}: {outlook.bundle.evidence.says}")
    if not rows:
        reasons = list(dict.fromkeys(map(str, failures)))
        raise failures[0] if len(reasons) == 1 else InputError("; ".join(reasons))
    for name, why in left_out.items():
        path = out / KINDS[name].files.scores
        tell = console.warn if KINDS[name] in trained else console.say
        tell(f"no {path.name}: {why}")
        if path.is_file():
            console.warn(f"{path} is left from an earlier run")
    return {
        "files": [str(out / KINDS[name].files.scores) for name in rows],
        "rows": sum(rows.values()),
        "rows_by_kind": rows,
        "left_out": left_out,
    }
