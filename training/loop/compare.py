"""Champion and challenger on the same later rows, and what the gate says of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from features.progress import Progress, silent
from features.storage.warehouse import Warehouse
from training.evaluation.later import LaterCutoffs, pair
from training.loop.gate import judge
from training.loop.kinds import Kind
from training.loop.verdict import Verdict, withheld

if TYPE_CHECKING:
    from training.params import GateParams
    from training.tracking.records import LoadedModel


@dataclass(frozen=True)
class Comparison:
    """A challenger beside the champion.

    Attributes:
        kind: what both forecast.
        champion: the version in use.
        challenger: the version that may take its place.
        since: neither had seen what lies at or after it.
        cutoffs: those they were compared at; none where nothing is mature yet.
        verdict: what the gate decided, and why.
    """

    kind: Kind
    champion: str
    challenger: str
    since: datetime
    cutoffs: tuple[datetime, ...]
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values fit for JSON."""
        return {
            "kind": self.kind.name,
            "champion": self.champion,
            "challenger": self.challenger,
            "since": self.since.isoformat(),
            "cutoffs": [cutoff.isoformat() for cutoff in self.cutoffs],
            **self.verdict.to_json(),
        }


def compare(
    kind: Kind,
    warehouse: Warehouse,
    models: tuple[LoadedModel, LoadedModel],
    params: GateParams,
    progress: Progress = silent,
) -> Comparison:
    """Let both models forecast what neither had learned from, and judge them.

    Args:
        kind: what both forecast.
        warehouse: the whole extract.
        models: the champion and the challenger.
        params: level, margin, minimum rows, and the step between cutoffs.
        progress: told of every model.

    Raises:
        InputError: the models forecast different events.
    """
    champion, challenger = models
    since = max(champion.bundle.until, challenger.bundle.until)
    later = kind.steps.later(warehouse, champion.bundle, since, params.every_days)
    if later.cutoffs:
        forecasts = []
        with progress("comparing on later data", len(models)) as advance:
            for model in models:
                forecasts.append(kind.steps.forecast(warehouse, model.bundle, later.cutoffs))
                advance(1)
        verdict = judge(pair(forecasts[0], forecasts[1], kind.units), params)
    else:
        verdict = withheld(_nothing_yet(later, since, warehouse.data_until), 0, params)
    return Comparison(kind, champion.version, challenger.version, since, later.cutoffs, verdict)


def _nothing_yet(later: LaterCutoffs, since: datetime, data_until: datetime) -> str:
    """Say that no outcome is known that both have not seen, and when one will be."""
    says = (
        f"nothing that neither model has seen is mature yet: the later one saw the data up to "
        f"{since:%Y-%m-%d}, and the extract ends at {data_until:%Y-%m-%d}"
    )
    if later.mature_from is None:
        return f"{says}; no quota runs after that, so ingest the next quotas first"
    days = -(-(later.mature_from - data_until).total_seconds() // 86_400)
    return (
        f"{says}; the first outcomes are known once it reaches {later.mature_from:%Y-%m-%d}, "
        f"{days:.0f} days later, and a sound comparison takes some weeks more"
    )
