"""Everything that the pages say of one home, worked out once and replaced whole.

A page only looks things up here, so that it answers in milliseconds whatever the models cost.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from features.evidence import EvidenceState
from serving.pages.staff import Staff

if TYPE_CHECKING:
    from serving.coaching.company import Company
    from serving.coaching.pairs import Pair
    from serving.coaching.sheet import Sheet
    from serving.store.coaching import CoachingLine
    from serving.store.trend import Trend
    from serving.store.worklist import Listing
    from serving.wording.forecasts import RepForecast
    from training.calls.holdout import Answer
    from training.quota.what_if import WhatIf

LEADS, QUOTA = "leads", "quota"
MOST_DRAWN = 1000
Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class ModelFacts:
    """A champion, and what its own test has measured.

    Attributes:
        kind: `leads` or `quota`.
        version: its number in the registry.
        until: nothing at or after it was learned from.
        evidence: how much it rests on.
        evidence_says: the same in words.
        metrics: what its training measured on the newest mature past; empty without one.
        notes: what the training had to say, in sentences.
        files: reports of the training, by name.
    """

    kind: str
    version: str
    until: datetime
    evidence: EvidenceState
    evidence_says: str
    metrics: Mapping[str, Any]
    notes: Sequence[str]
    files: Mapping[str, Path]


@dataclass(frozen=True, eq=False)
class LeadFacts:
    """What is known of open leads.

    Attributes:
        as_of: the moment of the scores.
        table: rows of `lead_scores.parquet` with `amount`, by lead.
        day: the day of the lists.
        lists: by rep the list in its order, and by manager the pool of those who are away; of the
            empty text: the leads of nobody.
        trends: by lead, how its score has moved, as far as earlier ones are kept.
        model: the model behind it.
    """

    as_of: datetime
    table: pd.DataFrame
    day: date
    lists: Mapping[str, Sequence[Listing]]
    trends: Mapping[str, Sequence[Trend]]
    model: ModelFacts

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """The scores as plain values, by lead."""
        plain = self.table.to_dict("records")
        return {row["lead_id"]: {str(k): v for k, v in row.items()} for row in plain}


@dataclass(frozen=True, eq=False)
class QuotaFacts:
    """What is known of reps with a running quota.

    Attributes:
        as_of: the moment of the forecasts.
        forecasts: by rep, those of running periods, the one that ends first before the others.
        reasons: by rep, the reasons behind the first of them.
        monday: when the week began, naive UTC.
        on_monday: by rep, the first forecast as of then, by the same model.
        teams: the roll-ups: managers, territories and the company.
        open_amount: by rep, the amount of the open deals that the first forecast counts.
        what_if: draws the forecasts anew under other assumptions.
        model: the model behind it.
    """

    as_of: datetime
    forecasts: Mapping[str, Sequence[RepForecast]]
    reasons: Mapping[str, Mapping[str, Any]]
    monday: datetime
    on_monday: Mapping[str, RepForecast]
    teams: pd.DataFrame
    open_amount: Mapping[str, float]
    what_if: WhatIf
    model: ModelFacts

    def first(self, rep_id: str) -> RepForecast | None:
        """Return a rep's forecast of the period that ends first; None without a running quota."""
        own = self.forecasts.get(rep_id, ())
        return own[0] if own else None


@dataclass(frozen=True, eq=False)
class Coaching:
    """What the 1:1 sheets rest on.

    Attributes:
        company: causes, equal grounds, goals.
        pairs: proposed pairs.
        sheets: by rep of those present, without what was agreed and contested since.
    """

    company: Company
    pairs: Sequence[Pair]
    sheets: Mapping[str, Sheet]

    def sheet(self, rep_id: str, lines: Sequence[CoachingLine]) -> Sheet:
        """Make a rep's sheet.

        Args:
            rep_id: whose.
            lines: what was agreed and contested by now.

        Raises:
            NotFoundError: nobody has the id.
        """
        from serving.coaching.playbook import playbook  # noqa: PLC0415 - takes seconds
        from serving.coaching.sheet import make_sheet  # noqa: PLC0415 - takes seconds

        inputs = replace(self.company.inputs, log=tuple(lines))
        company = replace(self.company, inputs=inputs)
        return make_sheet(company, rep_id, playbook(), self.pairs)


@dataclass(frozen=True, eq=False)
class Facts:
    """Everything that the pages say of one home.

    Attributes:
        mark: the warehouse and the champions it was worked out from.
        data_until: the end of the data.
        made_at: when it was worked out, naive UTC.
        staff: who works here.
        leads: open leads, or why there are none.
        quota: reps with a quota, or why there are none.
        won: deals won: `rep_id, at, amount`.
        coaching: what sheets rest on; None while it is being worked out.
        worth: what the lots have shown of the list; None where there are no leads.
        history: past forecasts beside what became of them; None where none were kept.
        watched: what the newest monitoring run found; None where there was none.
        drawn: what was made of these facts already; see `once`.
    """

    mark: tuple[str, ...]
    data_until: datetime
    made_at: datetime
    staff: Staff
    leads: LeadFacts | str
    quota: QuotaFacts | str
    won: pd.DataFrame
    coaching: Coaching | None = None
    worth: Answer | None = None
    history: pd.DataFrame | None = None
    watched: Mapping[str, Any] | None = None
    drawn: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made under a key, or make it: a chart takes longer than all the rest.

        Args:
            key: names what depends on these facts alone, the reader's region included.
            make: makes it.
        """
        if key not in self.drawn:
            if len(self.drawn) >= MOST_DRAWN:
                # Readers choose their region; no number of regions may fill the memory.
                self.drawn.clear()
            self.drawn[key] = make()
        made: Made = self.drawn[key]
        return made

    @property
    def models(self) -> Mapping[str, ModelFacts]:
        """The champions by kind, as far as there are."""
        parts = {LEADS: self.leads, QUOTA: self.quota}
        return {kind: part.model for kind, part in parts.items() if not isinstance(part, str)}
