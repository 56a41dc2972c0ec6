"""The kinds of models there are. Whoever handles one loops over `KINDS` and asks nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from features.errors import NotFoundError

if TYPE_CHECKING:
    from features.storage.warehouse import Warehouse
    from training.loop.steps import Steps


@dataclass(frozen=True)
class Files:
    """What a kind's files are called in the contract."""

    predictions: str
    scores: str


@dataclass(frozen=True)
class Kind:
    """One kind of model, as a value: what it needs, and how it is handled.

    Attributes:
        name: "leads" or "quota"; names the experiment and the registered model too.
        subject: what it forecasts, in words.
        scored: what its scores are of, in words.
        units: what is drawn whole where luck is measured, in words.
        needs: the tables it cannot do without.
        files: what its files are called.
        headline: the metrics that a terminal shows, and what they are called there.
        load: imports the steps. They bring libraries that take seconds to load, and naming the
            kinds, or finding that there is no data, waits for none of them.
    """

    name: str
    subject: str
    scored: str
    units: str
    needs: tuple[str, ...]
    files: Files
    headline: Mapping[str, str]
    load: Callable[[], Steps]

    @property
    def steps(self) -> Steps:
        """How it is trained, backtested, graded, reported, scored and compared."""
        return self.load()

    def require(self, warehouse: Warehouse, purpose: str) -> None:
        """Refuse a warehouse that lacks a table.

        Args:
            warehouse: the extract.
            purpose: what is wanted of the kind, in words: "a backtest of".

        Raises:
            InputError: names the table and what it is needed for.
        """
        warehouse.require(*self.needs, purpose=f"{purpose} {self.subject}")


def _lead_steps() -> Steps:
    from training.loop.lead_kind import STEPS  # noqa: PLC0415 - see `Kind.load`

    return STEPS


def _quota_steps() -> Steps:
    from training.loop.quota_kind import STEPS  # noqa: PLC0415 - see `Kind.load`

    return STEPS


LEADS = Kind(
    name="leads",
    subject="lead conversion",
    scored="open leads",
    units="leads",
    needs=("leads", "activities"),
    files=Files("lead_predictions.parquet", "lead_scores.parquet"),
    headline=MappingProxyType(
        {
            "auc": "AUC",
            "average_precision": "avg. precision",
            "lift": "lift at capacity",
            "brier": "Brier",
            "ece": "ECE",
        }
    ),
    load=_lead_steps,
)
QUOTA = Kind(
    name="quota",
    subject="quota attainment",
    scored="reps with a running quota",
    units="reps",
    needs=("deals", "quotas"),
    files=Files("quota_predictions.parquet", "rep_scores.parquet"),
    headline=MappingProxyType(
        {
            "auc": "AUC",
            "brier": "Brier",
            "pinball": "pinball loss",
            "coverage": "80 % range covers",
        }
    ),
    load=_quota_steps,
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in (LEADS, QUOTA)})


def kind_of(name: str) -> Kind:
    """Return the kind of a name.

    Raises:
        NotFoundError: there is no such kind; names those there are.
    """
    if name not in KINDS:
        raise NotFoundError(f"there is no kind of model {name!r}; known are {', '.join(KINDS)}")
    return KINDS[name]
