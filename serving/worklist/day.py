"""All reps' lists of a day, with the lots drawn for them: frozen values in, frozen values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
    day_list = DayList((), ())
    for key, own in _by_list(leads):
        day_list += _listed(own, places_of(key, params), lots, params.long_tail, day)
    return day_list


def refilled(
    leads: Iterable[Lead],
    listed: Sequence[Listing],
    keys: Collection[tuple[bool, str]],
    lots: LotDraw,
    params: WorklistParams,
) -> DayList:
    """Return further places for lists on which places came free; those there are stay.

    Of 3 places, a, b, c are listed; d, e are next. Somebody snoozes b: d gets place 4. Whoever is
    done with b gets nothing more: the call was made. What a lot says of a lead holds here too.

    Args:
        leads: every scored lead.
        listed: the lists of the day.
        keys: the lists to fill.
        lots: how lots are drawn; those of the day stand.
        params: places, and the share of the long tail.
    """
    day_list, taken = DayList((), ()), {row.lead_id for row in listed}
    for key, own in _by_list(leads):
        rows = [row for row in listed if row.list_key == key]
        if key not in keys or not rows:
            continue
        gone = sum(lead.is_set_aside for lead in own if lead.lead_id in taken)
        free = places_of(key, params) - len(rows) + gone
        others = [lead for lead in own if lead.lead_id not in taken]
        behind = max(row.position for row in rows)
        if free > 0:
            day_list += _listed(others, free, lots, params.long_tail, rows[0].day, behind)
    return day_list


def places_of(key: tuple[bool, str], params: WorklistParams) -> int:
    """Return how many calls a list has room for."""
    is_pool, whose = key
    return params.calls_a_day if is_pool else params.calls_by_rep.get(whose, params.calls_a_day)


def _by_list(leads: Iterable[Lead]) -> Iterator[tuple[tuple[bool, str], list[Lead]]]:
    """Return the leads of each list, those of a pool ranked as one order."""
    in_lists = sorted(leads, key=lambda lead: lead.list_key)
    for key, own in groupby(in_lists, key=lambda lead: lead.list_key):
        leads_of_list = list(own)
        yield key, _ranked_together(leads_of_list) if key[0] else leads_of_list


def _listed(
    leads: Sequence[Lead],
    places: int,
    lots: LotDraw,
    long_tail: float,
    day: date,
    behind: int = 0,
) -> DayList:
    """Return the places of one list, behind those that it has already."""
    rep_list = make_list(leads, places, lots, long_tail)
    listings = [
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
        for position, (lead, why) in enumerate(rep_list.leads, behind + 1)
    ]
    return DayList(listings, rep_list.enrolments)


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
