"""The dated rows of an extract, laid out once, from which figures of any group are added up.

One pass over each kind of fact and grouping, whatever the number of figures. Only rows that the
moment may see are read: the extract is cut there by the one door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from features.errors import InputError
from features.kpi import deal_facts, lead_facts, quotas, work_facts
from features.kpi.attributes import REP, Attribute, find_attribute, rep_values, with_attribute
from features.kpi.available import absent
from features.kpi.declare import Fact
from features.kpi.periods import Period, calendar_periods, quota_periods
from features.kpi.words import recognise
from features.params import Every, FeatureParams, KpiParams
from features.snapshot import within
from features.storage.warehouse import Warehouse

PERIOD = "period_start"
NOBODY = ""
"""Stands for an empty group while frames are lined up."""
LEAD_IN: Mapping[Every, int] = {"day": 366, "week": 53, "month": 13, "quarter": 5, "quota": 5}
"""Earlier periods laid out beside those shown, so that a year's growth can be told."""
THOUSANDTHS = frozenset(
    {
        *("won_amount", "attained", "first_amount", "given_up", "account_amount"),
        *("repeat_amount", "open_at_start", "open_at_end", "quota"),
    }
)
"""Columns that hold whole thousandths, which add up alike in any order."""
MOST_PERIODS = 10_000
STATES = frozenset({Fact.DEALS_DUE, Fact.PIPELINE, Fact.QUOTAS})
"""Facts that hang on the borders of periods."""
BEGINNINGS = {"leads": "created_at", "deals": "created_at", "activities": "occurred_at"}
"""The clocks that tell when an extract begins."""


class Ledger:
    """The facts of an extract as of a moment.

    Attributes:
        warehouse: the extract, cut at the moment, in a workspace.
        every: how long periods are.
        periods: those that are laid out, rising, earlier ones for growth included.
        shown: those of them that were asked for.
        recognised: what was taken for calls, proposals and so on.
        absent: figures that cannot be known, with the reasons.
        has_lead_owners: the extract says who owns leads; else whoever worked on one last stands
            for it, so that figures of single reps tell how work is divided.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        features: FeatureParams,
        params: KpiParams,
        every: Every = "month",
        start: datetime | None = None,
    ) -> None:
        """Lay out the periods; facts are made when they are first asked for.

        Args:
            warehouse: `until` a moment, in a `workspace`: every row in it may be read.
            features: name columns known at creation.
            params: the words by which things are recognised.
            every: how long periods are.
            start: no period shown ends before this; None: the newest so many of the settings.
        """
        self.warehouse, self.every = warehouse, every
        self._features, self._params = features, params
        self.recognised = recognise(warehouse, features, params)
        self.absent = absent(warehouse, self.recognised)
        self.has_lead_owners = _says_who_owns_leads(warehouse)
        self._quotas = quotas.known_quotas(warehouse)
        self.periods, self.shown = self.laid_out(every, start)
        self._events: dict[Fact, ir.Table] = {}
        self._states: dict[Fact, ir.Table] = {}
        self._found: dict[str, Attribute] = {}
        self._reps: dict[Attribute, ir.Table] = {}

    def over(self, periods: Sequence[Period]) -> Ledger:
        """Return the same facts over other periods; they may overlap, but no two start at once."""
        other = copy(self)
        other.periods = other.shown = list(periods)
        other._states, other._reps = {}, {}  # noqa: SLF001 - of the same class
        return other

    def is_over(self, period: Period) -> bool:
        """Tell whether all of a period may be read."""
        return period.end <= self.warehouse.data_until

    def sums(
        self, fact: Fact, added: Sequence[str], medians: Sequence[str], by: Sequence[str]
    ) -> pd.DataFrame | None:
        """Add up columns of one kind of fact by period and group.

        Args:
            fact: the rows.
            added: columns that are added up.
            medians: columns of which the median is taken.
            by: `rep_id` and attributes.

        Returns:
            Indexed by period and groups, one column each; None where these facts cannot be told
            apart so. An empty group is `NOBODY`.

        Raises:
            InputError: an attribute is not there, or its past is not known.
        """
        rows, keys = self.fact(fact), []
        for name in by:
            if name == REP:
                keys.append(REP)
                continue
            attribute = self.find(name)
            sliced = self._with(rows, attribute)
            if sliced is None:
                return None
            rows, keys = sliced, [*keys, attribute.name]
        columns = {name: rows[name].sum() for name in added}
        columns |= {name: rows[name].median() for name in medians}
        frame = self.warehouse.arrow(rows.group_by(PERIOD, *keys).aggregate(**columns)).to_pandas()
        for key, name in zip(keys, by, strict=True):
            values = frame[key].astype(object)
            frame[key] = values.where(values.notna(), NOBODY)
            frame = frame.rename(columns={key: name})
        frame = frame.set_index([PERIOD, *by]).astype("float64")
        exact = sorted(THOUSANDTHS & set(added))
        frame[exact] /= 1000
        return frame

    def rep_attributes(self, names: Sequence[str]) -> pd.DataFrame:
        """Return attributes of reps when each period ended, or now.

        Returns:
            `rep_id, period_start` and a column for each name, texts or None; names that the
            extract does not know are left out.
        """
        frames = []
        for name in names:
            attribute = Attribute("reps", name.removeprefix("reps."))
            if not self.knows(attribute.name):
                continue
            frame = self.warehouse.arrow(self._rep_values(attribute)).to_pandas()
            frames.append(
                frame.rename(columns={attribute.name: name}).set_index(["rep_id", PERIOD])
            )
        if not frames:
            return pd.DataFrame({"rep_id": [], PERIOD: []})
        joined = pd.concat(frames, axis=1)
        return joined.astype(object).where(joined.notna(), None).reset_index()

    def knows(self, name: str) -> bool:
        """Tell whether figures can be sliced by a column."""
        try:
            self.find(name)
        except InputError:
            return False
        return True

    def find(self, name: str) -> Attribute:
        """Find a column to slice by; see `find_attribute`."""
        if name not in self._found:
            self._found[name] = find_attribute(self.warehouse, self._features, name)
        return self._found[name]

    def fact(self, fact: Fact) -> ir.Table:
        """Return the rows of a kind of fact that lie in a period, with its `period_start`."""
        if fact in STATES:
            if fact not in self._states:
                self._states[fact] = self._state(fact)
            return self._states[fact]
        if fact not in self._events:
            for kind, rows in self._made(fact).items():
                self._events[kind] = self.warehouse.keep(rows)
        return self._dated(self._events[fact])

    def _state(self, fact: Fact) -> ir.Table:
        """Make rows that hang on the periods: how things stood at their borders, and quotas."""
        if fact is Fact.QUOTAS:
            # A table in memory: the engine has nothing to keep of it.
            spread = quotas.spread_quotas(self._quotas, self.periods)
            return quotas.as_table(spread).rename({PERIOD: "at"})
        if fact is Fact.DEALS_DUE:
            over = [period for period in self.periods if self.is_over(period)]
            rows = deal_facts.deals_due(self.warehouse, over)
        else:
            rows = deal_facts.pipeline(self.warehouse, self.periods)
        return self.warehouse.keep(rows.rename({PERIOD: "at"}))

    def _made(self, fact: Fact) -> dict[Fact, ir.Table]:
        """Make the rows of a kind of fact; proposals made and accepted come together."""
        warehouse, recognised = self.warehouse, self.recognised
        if fact in (Fact.PROPOSALS, Fact.ACCEPTED):
            tables = work_facts.proposals(warehouse, recognised)
            return dict(zip((Fact.PROPOSALS, Fact.ACCEPTED), tables, strict=True))
        make = {
            Fact.LEADS_CREATED: lambda: lead_facts.leads_created(
                warehouse, recognised, self._params, warehouse.data_until
            ),
            Fact.LEADS_ENDED: lambda: lead_facts.leads_ended(warehouse),
            Fact.DEALS_CREATED: lambda: deal_facts.deals_created(warehouse),
            Fact.DEALS_CLOSED: lambda: deal_facts.deals_closed(
                warehouse, recognised, quotas.as_table(self._quotas)
            ),
            Fact.ACTIVITIES: lambda: work_facts.activities(warehouse, recognised),
        }
        return {fact: make[fact]()}

    def _dated(self, rows: ir.Table) -> ir.Table:
        columns = {
            PERIOD: pa.array([p.start for p in self.periods], pa.timestamp("us")),
            "period_end": pa.array([p.end for p in self.periods], pa.timestamp("us")),
        }
        periods = ibis.memtable(pa.table(columns), schema=dict.fromkeys(columns, "timestamp(6)"))
        inside = within(rows["at"], periods[PERIOD], periods.period_end)
        return rows.inner_join(periods, inside).drop("at", "period_end")

    def _with(self, rows: ir.Table, attribute: Attribute) -> ir.Table | None:
        reps = None
        if attribute.table == "reps":
            reps = self._rep_values(attribute)
        return with_attribute(self.warehouse, rows, attribute, reps)

    def _rep_values(self, attribute: Attribute) -> ir.Table:
        if attribute not in self._reps:
            rows = rep_values(self.warehouse, attribute, self.periods)
            self._reps[attribute] = self.warehouse.keep(rows)
        return self._reps[attribute]

    def laid_out(
        self, every: Every, start: datetime | None = None
    ) -> tuple[list[Period], list[Period]]:
        """Return all periods of a kind with earlier ones, and those that were asked for.

        Raises:
            InputError: there are no quotas, and so no quota periods.
        """
        most = self._params.periods if start is None else MOST_PERIODS
        wide = most + LEAD_IN[every]
        if every == "quota":
            pairs = zip(self._quotas["period_start"], self._quotas["period_end"], strict=True)
            spans = [(low.to_pydatetime(), high.to_pydatetime()) for low, high in pairs]
            periods = quota_periods(spans, wide)
        else:
            until = self.warehouse.data_until
            periods = calendar_periods(every, until, wide, self._beginning(until))
        asked = periods[-most:]
        if start is not None:
            asked = [period for period in periods if start < period.end]
        first = max(len(periods) - len(asked) - LEAD_IN[every], 0)
        return periods[first:], asked

    def _beginning(self, until: datetime) -> datetime:
        """Return the first moment of the extract, or its end where it is empty."""
        firsts = [
            self.warehouse.arrow(
                self.warehouse[table].aggregate(at=self.warehouse[table][clock].min())
            )
            for table, clock in BEGINNINGS.items()
        ]
        moments = [found for rows in firsts if (found := rows["at"][0].as_py()) is not None]
        return min(moments, default=until)


def _says_who_owns_leads(warehouse: Warehouse) -> bool:
    if warehouse.has_history("lead", "rep_id"):
        return True
    leads = warehouse["leads"]
    return bool(warehouse.arrow(leads.aggregate(n=leads.rep_id.count()))["n"][0].as_py())
