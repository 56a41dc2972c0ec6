"""What a company calls a call, a proposal, a referral: recognised by words, and said aloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.history.values import changes_of, last_shown
from features.history.vocabulary import STAGE
from features.params import FeatureParams, KpiParams
from features.storage.warehouse import Warehouse
from features.tables import ColumnKind

INBOUND = "inbound"
MOST_KINDS = 30
"""A column with more values does not tell a deal's kind."""


@dataclass(frozen=True)
class Recognised:
    """The values of an extract that key figures look for.

    Attributes:
        calls: activity types; so are the next four.
        emails: sent or received.
        meetings: demonstrations and visits included.
        events: fairs, webinars.
        proposals: types that say that an offer was made.
        deal_stages: stages of deals in which an offer lies with the customer.
        lead_stages: the same of leads.
        lost_stages: stages that are a loss.
        referrals: sources of leads.
        renewal_column: the column of deals that tells renewals apart, if any.
        renewals: its values that are renewals.
    """

    calls: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    meetings: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    deal_stages: tuple[str, ...] = ()
    lead_stages: tuple[str, ...] = ()
    lost_stages: tuple[str, ...] = ()
    referrals: tuple[str, ...] = ()
    renewal_column: str | None = None
    renewals: tuple[str, ...] = ()

    def says(self) -> Iterator[str]:
        """Say in sentences what was taken for what."""
        named = {
            "Calls": ("activities of type", self.calls),
            "E-mails": ("activities of type", self.emails),
            "Meetings": ("activities of type", self.meetings),
            "Events": ("activities of type", self.events),
            "Proposals": self._proposals(),
            "Referrals": ("leads of source", self.referrals),
            "Renewals": (f"deals whose {self.renewal_column} is", self.renewals),
        }
        for what, (where, values) in named.items():
            if values:
                yield f"{what}: {where} {', '.join(values)}."

    def _proposals(self) -> tuple[str, tuple[str, ...]]:
        if self.deal_stages:
            return "deals that reach the stage", self.deal_stages
        if self.lead_stages:
            return "leads that reach the stage", self.lead_stages
        return "first activities of type", self.proposals


def recognise(warehouse: Warehouse, features: FeatureParams, params: KpiParams) -> Recognised:
    """Find the values that mean what the settings' words say.

    A value matches where one of its words begins with one of the list: "Phone calls" is a call,
    "recall" is not.

    Args:
        warehouse: cut to what may be read.
        features: name the columns known at creation.
        params: the words.
    """
    types = _values(warehouse, by_reps(warehouse), "type")
    stages = {kind: _stages(warehouse, kind) for kind in ("deal", "lead")}
    leads = last_shown(warehouse, warehouse["leads"], "leads", "source")
    column, renewals = _renewals(warehouse, features, params)
    return Recognised(
        calls=matching(types, params.call_words),
        emails=matching(types, params.email_words),
        meetings=matching(types, params.meeting_words),
        events=matching(types, params.event_words),
        proposals=matching(types, params.proposal_words),
        deal_stages=matching(stages["deal"], params.proposal_words),
        lead_stages=matching(stages["lead"], params.proposal_words),
        lost_stages=matching((*stages["deal"], *stages["lead"]), params.lost_words),
        referrals=matching(_values(warehouse, leads, "source"), params.referral_words),
        renewal_column=column,
        renewals=renewals,
    )


def by_reps(warehouse: Warehouse) -> ir.Table:
    """Return the activities of reps; what came in from customers is not theirs."""
    rows = warehouse.ever("activities")
    is_inbound = (rows.direction.lower() == INBOUND).fill_null(ibis.literal(value=False))
    return rows.filter(rows.rep_id.notnull() & ~is_inbound)


def matching(values: Iterable[str], words: Sequence[str]) -> tuple[str, ...]:
    """Return the values that hold a word beginning with one of the list, each once, by name.

    >>> matching(["Phone call", "recall", "e-mail"], ["call", "mail"])
    ('Phone call', 'e-mail')
    """
    return tuple(sorted({value for value in values if _has_word(value, words)}))


def _has_word(value: str, words: Sequence[str]) -> bool:
    parts = "".join(letter if letter.isalnum() else " " for letter in value.lower()).split()
    return any(part.startswith(word.lower()) for part in parts for word in words)


def _values(warehouse: Warehouse, rows: ir.Table, column: str) -> list[str]:
    values = rows.filter(rows[column].notnull()).select(value=rows[column].cast("string"))
    return [row["value"] for row in warehouse.arrow(values.distinct()).to_pylist()]


def _stages(warehouse: Warehouse, kind: str) -> list[str]:
    changes = changes_of(warehouse, kind, f"{kind}_id")
    return _values(warehouse, changes.filter(changes["field"] == STAGE), "value")


def _renewals(
    warehouse: Warehouse, features: FeatureParams, params: KpiParams
) -> tuple[str | None, tuple[str, ...]]:
    """Find the column of deals that tells renewals apart, if there is one."""
    for column, kind in warehouse.attributes("deals").items():
        is_usable = f"deals.{column}" in features.known_at_creation or warehouse.has_history(
            "deal", column
        )
        if kind is not ColumnKind.TEXT or not is_usable:
            continue
        rows = last_shown(warehouse, warehouse["deals"], "deals", column)
        values = _values(warehouse, rows, column)
        if len(values) <= MOST_KINDS and (found := matching(values, params.renewal_words)):
            return column, found
    return None, ()
