"""Ask all parts of one home what they know as of a moment, and say what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.errors import InputError, NotReady
from features.history.values import last_shown
from features.progress import Progress, silent
from features.snapshot import hired
from features.storage.warehouse import Warehouse
from serving.coaching.company import Company, Inputs, require_rep
from serving.home.extract import moment_of
from serving.home.rep_outlook import plain
from serving.store.coaching import CoachingLog
from serving.store.database import Store
from training.coaching.causes import rep_causes
from training.coaching.goals.record import read_record
from training.coaching.grounds import (
    audit_grounds,
    equal_grounds,
    ground_inputs,
    grounds_limits,
    leaderboard,
)
from training.files import EQUAL_GROUNDS, REP_CAUSES, FileSchema

if TYPE_CHECKING:
    from serving.home.home import Home

NEEDS = ("deals", "quotas")


@dataclass
class _Gaps:
    """What could not be asked, and why."""

    says: list[str] = field(default_factory=list)

    def ask(self, what: str, question: Callable[[], Any], otherwise: Any) -> Any:
        """Return an answer, or another value where the data or a model do not allow one."""
        try:
            return question()
        except (InputError, NotReady) as error:
            self.says.append(f"{what}: {error}.")
            return otherwise


def log_of(home: Home) -> CoachingLog:
    """Return the coaching log of a home, or the one its company shares."""
    shared = home.settings.serving.database.shared
    return CoachingLog(Store(home.place, None if shared is None else shared.store))


def gather(
    home: Home,
    as_of: datetime | None,
    rep_id: str | None = None,
    progress: Progress = silent,
    *,
    is_log: bool = False,
    is_team: bool = False,
) -> Company:
    """Gather what the sheets of a home rest on.

    Args:
        home: whose.
        as_of: the moment; the extract's end if None.
        rep_id: looked for before the long work begins, if any.
        progress: shows how far it is.
        is_log: only the log is asked for: causes, grounds and forecasts are left out.
        is_team: the team sheet is asked for: with an audit, and the leaderboard if it is on.

    Raises:
        NotReady: there is no data yet, or it holds no event.
        NotFoundError: nobody has the rep's id.
    """
    warehouse = home.warehouse()
    moment = moment_of(warehouse, as_of)
    record = read_record(warehouse, moment)
    if rep_id is not None:
        require_rep(record, rep_id)
    known = {} if is_log else _known(home, warehouse, moment, progress)
    none = {"causes": empty(REP_CAUSES), "grounds": empty(EQUAL_GROUNDS)}
    team = _team(home, warehouse, moment, known) if is_team else {}
    inputs = Inputs(**none | known | team, log=tuple(log_of(home).lines()))
    return Company.gathered(warehouse, record, inputs)


def _known(
    home: Home, warehouse: Warehouse, moment: datetime, progress: Progress
) -> dict[str, Any]:
    """Ask for causes, grounds and forecasts; `missing` says what could not be had, and why."""
    gaps, params = _Gaps(), home.settings.training

    def causes() -> pd.DataFrame:
        warehouse.require(*NEEDS, purpose="explaining a gap to quota")
        return typed(rep_causes(warehouse, params, moment, progress), REP_CAUSES)

    def grounds() -> pd.DataFrame:
        return typed(equal_grounds(warehouse, params, moment, progress), EQUAL_GROUNDS)

    known: dict[str, Any] = {
        "causes": gaps.ask("Causes of a gap are not told", causes, empty(REP_CAUSES)),
        "grounds": gaps.ask("Equal grounds are not told", grounds, empty(EQUAL_GROUNDS)),
        "forecasts": gaps.ask(
            "Chances to make quota and the reasons behind them are not told",
            lambda: _forecasts(home, warehouse, moment, gaps),
            {},
        ),
    }
    limits = grounds_limits(warehouse, params, moment, known["grounds"])
    return known | {"missing": (*gaps.says, *limits)}


def _team(
    home: Home, warehouse: Warehouse, moment: datetime, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Audit equal grounds by groups of reps, and rank by them if the settings ask for it."""
    params, grounds = home.settings.training, known["grounds"]
    if grounds.empty:
        return {}
    past = warehouse.until(moment)
    columns = [c for c in params.fairness.attributes if c in past["reps"].columns]
    reps = past["reps"].filter(hired(past["reps"], moment)).select("rep_id", *columns)
    frame = past.arrow(last_shown(past, reps, "reps", *columns)).to_pandas().set_index("rep_id")
    groups = {name: frame[name].dropna().astype(str).to_dict() for name in columns}
    groups = {name: values for name, values in groups.items() if values}
    found = ground_inputs(warehouse, params, moment)
    audit = audit_grounds(grounds, groups, params.fairness, found)
    board = leaderboard(grounds, params.coaching)
    lines = (*board.says, *(place.says(board.metric) for place in board.places))
    return {"fairness": audit.says, "board": lines if board.places else ()}


def _forecasts(
    home: Home, warehouse: Warehouse, moment: datetime, gaps: _Gaps
) -> dict[str, list[dict[str, Any]]]:
    """Return each rep's forecasts of running periods; hindsight is said."""
    outlook = home.open_quota(warehouse)
    if outlook.bundle.until > moment:
        gaps.says.append(
            f"The chance to make quota comes from a model that learned up to "
            f"{outlook.bundle.until:%Y-%m-%d}, later than {moment:%Y-%m-%d}: it knows what came "
            "after."
        )
    table = outlook.score(moment)
    forecasts: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        forecasts.setdefault(str(row["rep_id"]), []).append(plain(row))
    return forecasts


def typed(frame: pd.DataFrame, schema: FileSchema) -> pd.DataFrame:
    """Return the columns of a file in their order and of their types."""
    dtypes = {column.name: column.dtype for column in schema.columns}
    return frame[[*dtypes]].astype(dtypes)


def empty(schema: FileSchema) -> pd.DataFrame:
    """Return a file's columns without a row."""
    return typed(pd.DataFrame(columns=[*schema.names]), schema)
