"""All reps' lists of a day, with the lots drawn for them: frozen values in, frozen values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from serving.params import WorklistParams
from serving.store.worklist import Arm, DayList, Enrolment, Listing, Place, Why
from serving.worklist.lots import LotDraw
from serving.worklist.rules import Lead, in_order


@dataclass(frozen=True)
class RepList:
    """One rep's list.

    Attributes:
        leads: in the order of calling, with why each is listed.
        enrolments: the lots drawn for it.
    """

    leads: Sequence[tuple[Lead, Why]]
    enrolments: Sequence[Enrolment]


def make_day(leads: Iterable[Lead], lots: LotDraw, params: WorklistParams, day: date) -> DayList:
    """Make the list of every rep, of every manager's pool, and of leads without an owner.

    Args:
        leads: every scored lead.
        lots: how lots are drawn.
        params: places, and the share of the long tail.
        day: the business's day that the lists are for.
    """
    listings, enrolments = list[Listing](), list[Enrolment]()
    in_lists = sorted(leads, key=lambda lead: lead.list_key)
    for (is_pool, whose), own in groupby(in_lists, key=lambda lead: lead.list_key):
        own_places = params.calls_by_rep.get(whose, params.calls_a_day)
        places = params.calls_a_day if is_pool else own_places
        leads_of_list = list(own)
        ranked = _ranked_together(leads_of_list) if is_pool else leads_of_list
        rep_list = make_list(ranked, places, lots, params.long_tail)
        enrolments += rep_list.enrolments
        listings += [
            Listing(
                day=day,
                as_of=lots.as_of,
                rep_id=lead.rep_id,
                lead_id=lead.lead_id,
                position=position,
                why=why,
                priority=lead.priority,
                model_version=lead.model_version,
                pool_of=lead.pool_of,
            )
            for position, (lead, why) in enumerate(rep_list.leads, 1)
        ]
    return DayList(listings, enrolments)


def make_list(leads: Sequence[Lead], places: int, lots: LotDraw, long_tail: float) -> RepList:
    """Make one rep's list.

    Leads are taken in this order until the places are filled; whom a lot holds out gets none.

        1. let in by lot, today or earlier: next in line then
        2. those the rules list, the long tail before the others
        3. whoever comes next, for the places that the lots have freed

    Of 3 places, the rules list a, b, c; d and e are next. The lots hold b out and let e in:
    the list is a, c, e. Had they let e in and held nobody out, it would be a, b, e.

    Args:
        leads: of one rep.
        places: how many calls the day has room for.
        lots: how lots are drawn.
        long_tail: the share of the places for those that wait longest.
    """
    present = [lead for lead in leads if lots.standing(lead.lead_id) is not Arm.HELD_OUT]
    let_in = [lead for lead in present if lead.may_be_listed and _is_let_in(lots, lead)][:places]
    is_in = {lead.lead_id for lead in let_in}
    order = in_order(
        [lead for lead in present if lead.lead_id not in is_in], places - len(let_in), long_tail
    )
    next_in_line = order.rest[:places]
    enrolments = [
        *lots.draw(order.listed, Place.ON_THE_LIST),
        *lots.draw(next_in_line, Place.NEXT_IN_LINE),
    ]
    arm = {lot.lead_id: lot.arm for lot in enrolments}
    entering = [lead for lead in next_in_line if arm.get(lead.lead_id) is Arm.LISTED]
    candidates = (
        *((lead, Why.LOT) for lead in (*let_in, *entering)),
        *((lead, Why.LONG_TAIL) for lead in order.tail),
        *((lead, Why.ORDER) for lead in order.first),
        *((lead, Why.ORDER) for lead in order.rest if lead not in entering),
    )
    staying = [(lead, why) for lead, why in candidates if arm.get(lead.lead_id) is not Arm.HELD_OUT]
    return RepList(sorted(staying[:places], key=lambda pair: pair[0].rank or 0), enrolments)


def _ranked_together(leads: Sequence[Lead]) -> list[Lead]:
    """Rank the leads of several owners as one order, by what a call is worth."""
    if all(lead.pool_of is None for lead in leads):
        return [*leads]
    able = [lead for lead in leads if lead.rank is not None]
    order = sorted(able, key=lambda lead: (-lead.priority, lead.lead_id))
    place = {lead.lead_id: rank for rank, lead in enumerate(order, 1)}
    return [replace(lead, rank=place.get(lead.lead_id)) for lead in leads]


def _is_let_in(lots: LotDraw, lead: Lead) -> bool:
    """Tell whether an earlier lot that stands gives a place to a lead that was next in line."""
    lot = lots.earlier.get(lead.lead_id)
    is_next = lot is not None and lot.place is Place.NEXT_IN_LINE
    return is_next and lots.standing(lead.lead_id) is Arm.LISTED
