"""The key figures there are. To add one, declare it here: query, files and page follow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from features.feature import Unit
from features.kpi.declare import Fact, Good, Kpi, Level, Made, Part, Since

DRIVER, MIDDLE, RESULT = Level.DRIVER, Level.KPI, Level.RESULT
HIGHER, LOWER, NEITHER = Good.HIGHER, Good.LOWER, Good.NEITHER

WON_AMOUNT = Part(Fact.DEALS_CLOSED, "won_amount")
WON = Part(Fact.DEALS_CLOSED, "won")
CLOSED = Part(Fact.DEALS_CLOSED, "closed")
OPENED = Part(Fact.DEALS_CREATED, "opened")
LEADS = Part(Fact.LEADS_CREATED, "leads")
LEADS_WON = Part(Fact.LEADS_ENDED, "won")
LEADS_ENDED = Part(Fact.LEADS_ENDED, "ended")
QUOTA = Part(Fact.QUOTAS, "quota")

_RESULTS = (
    Kpi(
        "attainment", "Quota attained",
        "The amount won within their quota periods by reps with a quota, over that quota. A deal "
        "counts for the rep who owns it now. Where a period is shorter than the quota's, the "
        "quota is spread evenly over its days.",
        Unit.SHARE, RESULT, HIGHER, ("deals", "quotas"), Part(Fact.DEALS_CLOSED, "attained"),
        QUOTA, cases=WON, made=Made.RATIO,
    ),
    Kpi(
        "bookings", "Bookings",
        "The amount of the deals won in the period, as last known; a missing amount counts 0.",
        Unit.AMOUNT, RESULT, HIGHER, ("deals",), WON_AMOUNT, cases=WON,
    ),
    Kpi(
        "growth", "Growth on the period before",
        "Bookings against those of the period before, as a share of them.",
        Unit.SHARE, RESULT, HIGHER, ("deals",), WON_AMOUNT, cases=WON,
        made=Made.CHANGE, since=Since.PERIOD,
    ),
    Kpi(
        "growth_year", "Growth on the year before",
        "Bookings against those of the same period a year before, as a share of them.",
        Unit.SHARE, RESULT, HIGHER, ("deals",), WON_AMOUNT, cases=WON,
        made=Made.CHANGE, since=Since.YEAR,
    ),
    Kpi(
        "deals_won", "Deals won", "Deals closed as won in the period.",
        Unit.COUNT, RESULT, HIGHER, ("deals",), WON,
    ),
    Kpi(
        "leads_converted", "Leads converted", "Leads that converted in the period.",
        Unit.COUNT, RESULT, HIGHER, ("leads",), LEADS_WON,
    ),
    Kpi(
        "renewal_rate", "Renewals kept",
        "Of the renewals closed in the period, the share won. A deal is a renewal where a column "
        "that tells its kind says so.",
        Unit.SHARE, RESULT, HIGHER, ("deals",), Part(Fact.DEALS_CLOSED, "renewals_won"),
        Part(Fact.DEALS_CLOSED, "renewals"), made=Made.RATIO,
    ),
    Kpi(
        "repeat_share", "Business with earlier customers",
        "Of the amount won in the period from known accounts, the share from accounts that had "
        "bought before. It stands in for retention where no renewals are loaded.",
        Unit.SHARE, RESULT, NEITHER, ("deals",), Part(Fact.DEALS_CLOSED, "repeat_amount"),
        Part(Fact.DEALS_CLOSED, "account_amount"),
        cases=Part(Fact.DEALS_CLOSED, "account_won"), made=Made.RATIO,
    ),
)  # fmt: skip

_MIDDLE = (
    Kpi(
        "conversion", "Conversion of leads received",
        "Of the leads received in the period, the share converted so far, whenever that was. A "
        "lead counts for the first rep who owned it. Leads that came lately have had less time, so "
        "the newest periods still rise.",
        Unit.SHARE, MIDDLE, HIGHER, ("leads",), Part(Fact.LEADS_CREATED, "converted"), LEADS,
        made=Made.RATIO, still_rises=True,
    ),
    Kpi(
        "conversion_ended", "Conversion of leads ended",
        "Of the leads that ended in the period, converted or lost, the share converted. A lead "
        "counts for the rep who owns it now.",
        Unit.SHARE, MIDDLE, HIGHER, ("leads",), LEADS_WON, LEADS_ENDED, made=Made.RATIO,
    ),
    Kpi(
        "deals_per_lead", "Deals opened per lead",
        "Deals opened in the period over leads received in it.",
        Unit.SHARE, MIDDLE, HIGHER, ("leads", "deals"), OPENED, LEADS, made=Made.RATIO,
    ),
    Kpi(
        "win_rate", "Win rate",
        "Of the deals closed in the period, the share won.",
        Unit.SHARE, MIDDLE, HIGHER, ("deals",), WON, CLOSED, made=Made.RATIO,
    ),
    Kpi(
        "deal_size", "Deal size", "The mean amount of the deals won in the period.",
        Unit.AMOUNT, MIDDLE, HIGHER, ("deals",), WON_AMOUNT, WON, made=Made.RATIO,
    ),
    Kpi(
        "cycle_days", "Cycle",
        "From a deal's creation to its closing: the median over the deals won in the period.",
        Unit.DAYS, MIDDLE, LOWER, ("deals",), Part(Fact.DEALS_CLOSED, "cycle_days"), cases=WON,
        made=Made.MEDIAN,
    ),
    Kpi(
        "discount", "Discount",
        "How far the amount of won deals lies below what it was when they were created, as a "
        "share of the latter; below 0 where deals grew.",
        Unit.SHARE, MIDDLE, NEITHER, ("deals", "changes"), Part(Fact.DEALS_CLOSED, "given_up"),
        Part(Fact.DEALS_CLOSED, "first_amount"), cases=Part(Fact.DEALS_CLOSED, "priced"),
        made=Made.RATIO,
    ),
    Kpi(
        "slipped", "Deals slipped",
        "Of the deals open at the period's start and then expected to close within it, the share "
        "that did not close. Known once the period is over.",
        Unit.SHARE, MIDDLE, LOWER, ("deals",), Part(Fact.DEALS_DUE, "slipped"),
        Part(Fact.DEALS_DUE, "due"), made=Made.RATIO,
    ),
    Kpi(
        "coverage", "Pipeline coverage",
        "The amount open at the period's start over the quota that falls into the period.",
        Unit.RATIO, MIDDLE, HIGHER, ("deals", "quotas"), Part(Fact.PIPELINE, "open_at_start"),
        QUOTA, cases=Part(Fact.PIPELINE, "deals_at_start"), made=Made.RATIO,
    ),
    Kpi(
        "open_pipeline", "Open pipeline",
        "The amount of the deals open when the period ends, or now while it runs.",
        Unit.AMOUNT, MIDDLE, NEITHER, ("deals",), Part(Fact.PIPELINE, "open_at_end"),
        cases=Part(Fact.PIPELINE, "deals_at_end"),
    ),
    Kpi(
        "proposals_accepted", "Proposals accepted",
        "Proposals that led on for the first time in the period: the deal was won, or moved to a "
        "stage it had not been in before and that is not a loss.",
        Unit.COUNT, MIDDLE, HIGHER, ("deals|leads",), Part(Fact.ACCEPTED, "accepted"),
    ),
)  # fmt: skip

_DRIVERS = (
    Kpi(
        "leads_received", "Leads received",
        "Leads created in the period. A lead counts for the first rep who owned it.",
        Unit.COUNT, DRIVER, NEITHER, ("leads",), LEADS,
    ),
    Kpi(
        "referrals", "Referrals", "Leads received whose source is a recommendation.",
        Unit.COUNT, DRIVER, HIGHER, ("leads",), Part(Fact.LEADS_CREATED, "referrals"),
    ),
    Kpi(
        "deals_opened", "Deals opened",
        "Deals created in the period. A deal counts for the first rep who owned it.",
        Unit.COUNT, DRIVER, HIGHER, ("deals",), OPENED,
    ),
    Kpi(
        "proposals_made", "Proposals made",
        "Deals that reached a stage such as proposal or offer for the first time; where no stage "
        "says so, leads or deals with a first activity of that kind.",
        Unit.COUNT, DRIVER, HIGHER, ("deals|leads",), Part(Fact.PROPOSALS, "made"),
    ),
    Kpi(
        "activities", "Activities",
        "What reps logged in the period; what came in from customers is not counted.",
        Unit.COUNT, DRIVER, NEITHER, ("activities",), Part(Fact.ACTIVITIES, "activities"),
    ),
    Kpi(
        "calls", "Calls", "Calls that reps logged, whether or not somebody answered.",
        Unit.COUNT, DRIVER, NEITHER, ("activities",), Part(Fact.ACTIVITIES, "calls"),
    ),
    Kpi(
        "emails", "E-mails", "E-mails that reps logged as sent.",
        Unit.COUNT, DRIVER, NEITHER, ("activities",), Part(Fact.ACTIVITIES, "emails"),
    ),
    Kpi(
        "meetings", "Meetings", "Meetings, demonstrations and visits that reps logged.",
        Unit.COUNT, DRIVER, HIGHER, ("activities",), Part(Fact.ACTIVITIES, "meetings"),
    ),
    Kpi(
        "events", "Events", "Fairs, webinars and other events that reps logged.",
        Unit.COUNT, DRIVER, NEITHER, ("activities",), Part(Fact.ACTIVITIES, "events"),
    ),
    Kpi(
        "touches_per_lead", "Early activities per lead",
        "Activities of reps on a lead in its first days, over the leads received in the period "
        "that are old enough.",
        Unit.RATIO, DRIVER, NEITHER, ("leads", "activities"),
        Part(Fact.LEADS_CREATED, "touches"), Part(Fact.LEADS_CREATED, "touched_of"),
        made=Made.RATIO,
    ),
    Kpi(
        "first_response", "First response",
        "From a lead's creation to the first activity of a rep on it, as the clock runs: the "
        "median over the leads received in the period that were answered. Leads that came before "
        "the first activity was logged are left out.",
        Unit.HOURS, DRIVER, LOWER, ("leads", "activities"),
        Part(Fact.LEADS_CREATED, "response_hours"), cases=Part(Fact.LEADS_CREATED, "answered"),
        made=Made.MEDIAN,
    ),
    Kpi(
        "answered_in_time", "Answered in time",
        "Of the leads received in the period, the share that a rep worked on within a day (or "
        "what the settings say); leads younger than that are left out, and those that came "
        "before the first activity was logged.",
        Unit.SHARE, DRIVER, HIGHER, ("leads", "activities"),
        Part(Fact.LEADS_CREATED, "in_time"), Part(Fact.LEADS_CREATED, "in_time_of"),
        made=Made.RATIO,
    ),
)  # fmt: skip

KPIS: Mapping[str, Kpi] = MappingProxyType(
    {kpi.name: kpi for kpi in (*_RESULTS, *_MIDDLE, *_DRIVERS)}
)
"""All figures by name, results first."""
