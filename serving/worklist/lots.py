"""Lots: which leads leave or enter a list by chance, so that its worth can be measured.

A lot is drawn once for a lead and stands for the whole horizon. Drawn anew every morning, a lead
would be called a few days later at most, and nothing could be learned of what being called is
worth; drawn per rep, forty reps would be forty cases. So each lead is one case, and its effect is
that of a place on the list for the horizon.

    where the rules put it   takes part with   then                       propensity
    on the list              chance 1          held out with `share`      1 - share
    next in line             chance `share`    let in or kept off, even   0.5

Only the first takes the list as it is and measures what it brings; the second measures whether
those just below would bring as much, and may be few. A lead that does not take part follows the
rules. The lot is a hash of a secret, the lead and the number of its earlier lots: the same morning
gives the same lots, and nobody without the secret can tell them beforehand.

Source: randomisation with known propensities, as in Horvitz and Thompson (1952), "A generalization
of sampling without replacement from a finite universe".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from serving.store.worklist import Arm, Enrolment, Place
from serving.worklist.rules import Lead

BYTES = 8
EVEN = 0.5


@dataclass(frozen=True)
class LotDraw:
    """How lots are drawn for the list of a moment.

    Attributes:
        secret: begins every hash.
        share: of the leads on the list that are held out; 0 draws no lots.
        days: how long a lot stands.
        as_of: the moment the list is made for.
        earlier: each lead's newest lot, if it had one.
    """

    secret: str
    share: float
    days: int
    as_of: datetime
    earlier: Mapping[str, Enrolment]

    def standing(self, lead_id: str) -> Arm | None:
        """Return what a lead's lot says that still stands; None without one."""
        lot = self.earlier.get(lead_id)
        return lot.arm if lot is not None and self.as_of < lot.ends_at else None

    def draw(self, leads: Sequence[Lead], place: Place) -> list[Enrolment]:
        """Draw lots for leads without one that stands; those that do not take part have none."""
        if self.share <= 0:
            return []
        fresh = [lead for lead in leads if self.standing(lead.lead_id) is None]
        if place is Place.ON_THE_LIST:
            return [self._enrolled(lead, place, 1 - self.share) for lead in fresh]
        taking_part = [lead for lead in fresh if self._chance(lead, "takes part") < self.share]
        return [self._enrolled(lead, place, EVEN) for lead in taking_part]

    def _enrolled(self, lead: Lead, place: Place, propensity: float) -> Enrolment:
        is_listed = self._chance(lead, place) < propensity
        return Enrolment(
            lead_id=lead.lead_id,
            number=self._number(lead.lead_id),
            rep_id=lead.rep_id,
            enrolled_at=self.as_of,
            ends_at=self.as_of + timedelta(days=self.days),
            place=place,
            arm=Arm.LISTED if is_listed else Arm.HELD_OUT,
            propensity=propensity,
            p=lead.p,
            value=lead.value,
            priority=lead.priority,
            model_version=lead.model_version,
        )

    def _number(self, lead_id: str) -> int:
        lot = self.earlier.get(lead_id)
        return 0 if lot is None else lot.number + 1

    def _chance(self, lead: Lead, what: str) -> float:
        """Return a number between 0 and 1 for a lead, its number of lots, and a question."""
        number = self._number(lead.lead_id)
        text = "\0".join((self.secret, lead.lead_id, str(number), what))
        digest = hashlib.sha256(text.encode()).digest()
        return float(int.from_bytes(digest[:BYTES]) / 2 ** (8 * BYTES))
