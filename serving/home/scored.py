"""What the service answers from: everything that one look at a home made, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from features.errors import NotReady

if TYPE_CHECKING:
    import pandas as pd

    from serving.home.lead_outlook import LeadOutlook
    from serving.home.rep_outlook import QuotaOutlook, Spans


@dataclass(frozen=True, eq=False)
class LeadSheet:
    """Open leads as of a moment.

    Attributes:
        outlook: the warehouse and the model.
        as_of: the moment.
        table: every open lead, ranked.
        reps: every rep the warehouse knows.
    """

    outlook: LeadOutlook
    as_of: datetime
    table: pd.DataFrame
    reps: frozenset[str]

    @classmethod
    def of(cls, outlook: LeadOutlook) -> LeadSheet:
        """Score as of the extract's end."""
        moment = outlook.moment()
        return cls(outlook, moment, outlook.score(moment), outlook.reps())

    def at(self, moment: datetime) -> LeadSheet:
        """Score as of another moment."""
        return replace(self, as_of=moment, table=self.outlook.score(moment))


@dataclass(frozen=True, eq=False)
class RepSheet:
    """Reps with a running quota as of a moment.

    Attributes:
        outlook: the warehouse and the model.
        as_of: the moment.
        table: every rep with a running quota, the least likely to make it first.
        teams: the same added up to managers, territories and the company.
        reps: every rep the warehouse knows, with when the rep's quotas run.
        managers: every manager it knows.
    """

    outlook: QuotaOutlook
    as_of: datetime
    table: pd.DataFrame
    teams: pd.DataFrame
    reps: Spans
    managers: frozenset[str]

    @classmethod
    def of(cls, outlook: QuotaOutlook) -> RepSheet:
        """Forecast as of the extract's end."""
        moment = outlook.moment()
        return cls(outlook, moment, *outlook.tables(moment), outlook.reps(), outlook.managers())

    def at(self, moment: datetime) -> RepSheet:
        """Forecast as of another moment."""
        table, teams = self.outlook.tables(moment)
        return replace(self, as_of=moment, table=table, teams=teams)


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one look made; it never changes.

    Attributes:
        leads: the open leads, or why there is nothing to say of them.
        reps: the reps with a quota, or why there is nothing to say of them.
        data_until: the end of the extract that both are made from.
        made_at: when, UTC.
        mark: what the home held.
        fault: what went wrong with one of the two, if anything did that should not.
    """

    leads: LeadSheet | str
    reps: RepSheet | str
    data_until: datetime
    made_at: datetime
    mark: tuple[str, ...]
    fault: str | None = None

    @property
    def kinds(self) -> list[str]:
        """Name the kinds of forecasts there are."""
        parts = {"leads": self.leads, "quota": self.reps}
        return [kind for kind, part in parts.items() if not isinstance(part, str)]


Part = TypeVar("Part", LeadSheet, RepSheet)


def there(part: Part | str) -> Part:
    """Take a part of a sheet that may be lacking.

    Raises:
        NotReady: it is; says why.
    """
    if isinstance(part, str):
        raise NotReady(part)
    return part
