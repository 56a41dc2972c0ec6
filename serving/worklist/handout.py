"""Where the list of a day is made and kept: the rules are pure, and this is their edge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd

from features.params import FeatureParams
from features.storage.warehouse import Warehouse
from serving.params import WorklistParams
from serving.store.worklist import DayList, Listing, LotState, WorklistLog
from serving.worklist.day import make_day, refilled
from serving.worklist.inputs import ListParams, leads_of
from serving.worklist.lots import LotDraw
from serving.worklist.marks import NO_MARKS, Marks, local_day
from serving.worklist.pools import pools_of
from serving.worklist.rules import Lead
from training.call_params import CallParams

PARTS = ("p", "reach", "gain", "rank", "band", "call_evidence", "call_reasons", "reasons")
"""Columns of the scores that stand beside a listed lead, as far as there are."""


@dataclass(frozen=True)
class Handout:
    """Makes the lists of one moment.

    Attributes:
        warehouse: the history.
        scores: the rows of `lead_scores.parquet`, of that moment.
        features: the working days, and the business's zone.
        params: places, cool-down, long tail and lots.
        calls: the weights of the priority.
        marks: what people have said about leads by now, and who is away.
        today: the day of the lists by the business's calendar; None: that of the moment.
    """

    warehouse: Warehouse
    scores: pd.DataFrame
    features: FeatureParams
    params: WorklistParams
    calls: CallParams
    marks: Marks = NO_MARKS
    today: date | None = None

    @property
    def as_of(self) -> datetime:
        """The moment; there is at least one lead."""
        moment: datetime = self.scores["as_of"].iloc[0].to_pydatetime()
        return moment

    @property
    def day(self) -> date:
        """The day of the lists."""
        return self.today or local_day(self.as_of, self.features.timezone)

    def keep(self, log: WorklistLog, by: str) -> Sequence[Listing]:
        """Return the lists of the day, made and written down unless they were already.

        Args:
            log: where lists and lots are kept.
            by: who makes them, for the log.
        """
        return () if self.scores.empty else log.once(self.day, by, self.make)

    def look(self, log: WorklistLog) -> Sequence[Listing]:
        """Return the lists that would be made for the moment, and keep nothing."""
        return () if self.scores.empty else self.make(log.state(self.day)).listings

    def make(self, state: LotState) -> DayList:
        """Make the lists and draw the lots.

        Args:
            state: what lots and lists of earlier days mean.
        """
        lots = self._lots(state)
        return make_day(self._leads(state), lots, self.params, self.day)

    def refill(self, log: WorklistLog, by: str, leads: Collection[str]) -> Sequence[Listing]:
        """Fill the places that leads have left which were snoozed or called wrong.

        Args:
            log: where lists and lots are kept.
            by: who asks for it, for the log.
            leads: those of which it was said; the marks know it.

        Returns:
            What was added: nothing where the lists are full all the same, or nobody is left.
        """

        def make(state: LotState, listed: Sequence[Listing]) -> DayList:
            keys = {row.list_key for row in listed if row.lead_id in leads}
            if not keys:
                return DayList((), ())
            return refilled(self._leads(state), listed, keys, self._lots(state), self.params)

        return () if self.scores.empty else log.more(self.day, by, make)

    def _leads(self, state: LotState) -> list[Lead]:
        """Return every scored lead as the rules see it, with what people have said."""
        marks, day = self.marks, np.datetime64(self.day, "D")
        contacts = _latest(state.last_listed, marks.done_on)
        params = ListParams(self.params.cool_down_days, self.calls)
        leads = leads_of(self.scores, self.warehouse, self.features, params, contacts, day)
        pools = pools_of(self.warehouse, self.as_of, marks.away)
        return [
            replace(
                lead,
                is_set_aside=lead.lead_id in marks.aside,
                pool_of=pools.get(lead.rep_id or ""),
            )
            for lead in leads
        ]

    def _lots(self, state: LotState) -> LotDraw:
        params = self.params
        return LotDraw(
            state.secret, params.hold_out, params.hold_out_days, self.as_of, state.enrolments
        )

    def table(self, listings: Sequence[Listing]) -> pd.DataFrame:
        """Return lists as `worklist.parquet` has them, the parts of each priority beside it.

        Parts are those of the scores; they are empty for a lead that is not open any more.
        """
        columns = ["day", "as_of", "rep_id", "pool_of", "position", "lead_id", "why", "priority"]
        rows = pd.DataFrame(
            [{**vars(row), "why": row.why.value} for row in listings],
            columns=[*columns, "model_version"],
        )
        rows["as_of"] = rows["as_of"].astype("datetime64[us]")
        parts = [name for name in PARTS if name in self.scores.columns]
        return rows.merge(self.scores[["lead_id", *parts]], on="lead_id", how="left")


def _latest(first: Mapping[str, date], second: Mapping[str, date]) -> dict[str, date]:
    """Return the later day of each lead."""
    return {
        lead: max(day for day in (first.get(lead), second.get(lead)) if day is not None)
        for lead in {*first, *second}
    }
