"""What a rep sells and is given: pace, open deals and leads, as declarations."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, PACE_DAYS
from features.definitions.deal import PRIOR_WINS
from features.definitions.wording import Value, fact
from features.feature import Feature, Relation, Unit, Who, slugs
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams

PRIOR_DAYS = 20.0
"""Working days at the company's pace that a rep's own pace starts from."""


def of_rep(name: str, value: Value, says: str, who: Who, unit: Unit = Unit.COUNT) -> Feature:
    """Declare a figure about a rep in a quota period."""
    return fact(Relation.REP, name, value, says, who, unit)


def column(name: str, over: float = 1.0) -> Value:
    """Take a column as it is, or as a share of a constant."""
    return lambda rows: rows[name] / over


def working_days(minutes: ir.Value, params: FeatureParams) -> ir.Value:
    """Turn working minutes into working days."""
    first, end = params.working_hours
    return minutes / (60 * (end - first))


def missing(rows: ir.Table) -> ir.Value:
    """What is left to sell, in thousandths; empty once the quota is made."""
    left = (rows.quota_thousandths - rows.attained_amount).cast("float64")
    return ibis.ifelse(left > 0, left, ibis.null("float64"))


def shrunk_pace(rows: ir.Table, what: str, days: int, params: FeatureParams) -> ir.Value:
    """Give what a rep won a working day, drawn to what all reps with a quota won a day."""
    own_days = working_days(rows[f"minutes_{days}d"], params)
    all_days = working_days(rows[f"company_minutes_{days}d"], params)
    company = rows[f"company_{what}_{days}d"] / all_days.nullif(0)
    return (rows[f"{what}_{days}d"] + PRIOR_DAYS * company.fill_null(0.0)) / (own_days + PRIOR_DAYS)


def pace(params: FeatureParams) -> Iterator[Feature]:
    """How much was won a day, how large wins are, and how many deals are won at all."""

    def needed(rows: ir.Table) -> ir.Value:
        usual = shrunk_pace(rows, "won_amount", PACE_DAYS[-1], params)
        to_come = usual * working_days(rows.minutes_left, params)
        return missing(rows).fill_null(0.0) / to_come.nullif(0)

    def win_rate(rows: ir.Table) -> ir.Value:
        company = (rows.all_won_ever + 1) / (rows.all_won_ever + rows.all_lost_ever + 2)
        closed, prior = rows.won_365d + rows.lost_365d, params.owner_prior
        return (rows.won_365d + prior * company) / (closed + prior)

    def paced(what: str, days: int) -> Value:
        over = 1000 if what == "won_amount" else 1
        return lambda rows: shrunk_pace(rows, what, days, params) / over

    for days in PACE_DAYS:
        for what, says, unit in (
            ("won_amount", "won a working day", Unit.AMOUNT),
            ("won", "deals won a working day", Unit.SHARE),
        ):
            yield of_rep(
                f"pace_{what}_{days}d",
                paced(what, days),
                f"{says}, in the last {days} days",
                Who.REP,
                unit,
            )
        says = f"deals won in the last {days} days"
        yield of_rep(f"won_{days}d", column(f"won_{days}d"), says, Who.REP)
    yield of_rep("mean_won", _mean_won, "mean amount of a win", Who.REP, Unit.AMOUNT)
    yield of_rep("median_won", _median_won, "usual amount of a win", Who.REP, Unit.AMOUNT)
    says = "share of deals won, of those closed in a year"
    yield of_rep("win_rate", win_rate, says, Who.REP, Unit.SHARE)
    says = "what is missing, against a year's pace over the days left"
    yield of_rep("needed_against_pace", needed, says, Who.REP, Unit.SHARE)


def _mean_won(rows: ir.Table) -> ir.Value:
    company = rows.all_won_amount_ever / rows.all_won_ever.nullif(0)
    total = rows.won_amount_ever + PRIOR_WINS * company
    return total / (rows.won_ever + PRIOR_WINS) / 1000


def _median_won(rows: ir.Table) -> ir.Value:
    own = rows.median_won.fill_null(rows.all_median_won)
    total = own * rows.won_ever + rows.all_median_won * PRIOR_WINS
    return total / (rows.won_ever + PRIOR_WINS) / 1000


def pipeline(words: Vocabulary) -> Iterator[Feature]:
    """Open deals: how many, how much, in which stage, expected when, and how many are new."""

    def covering(amount: str) -> Value:
        return lambda rows: rows[amount] / missing(rows)

    kinds = [
        ("open", "open_amount", "open", "open deals"),
        ("due", "due_amount", "due", "open deals expected to close within the period"),
        ("overdue", "overdue_amount", "overdue", "open deals whose expected close has passed"),
    ]
    names = slugs(words.stages)
    for place, stage in enumerate(words.stages):
        label, says = f"open_stage_{names[stage]}", f"open deals in '{stage}'"
        kinds.append((f"open_stage_{place}", f"open_amount_stage_{place}", label, says))
    for count, amount, name, says in kinds:
        yield of_rep(name, column(count), says, Who.REP)
        of_amount = f"amount of {says}"
        yield of_rep(f"{name}_amount", column(amount, 1000), of_amount, Who.REP, Unit.AMOUNT)
    for name, amount in (("coverage", "open_amount"), ("due_coverage", "due_amount")):
        says = "amount of open deals, against what is missing"
        says = says.replace("deals", "deals due in the period") if amount == "due_amount" else says
        yield of_rep(name, covering(amount), says, Who.REP, Unit.SHARE)
    for days in FLOW_DAYS:
        says = f"deals opened in the last {days} days"
        yield of_rep(f"created_{days}d", column(f"created_{days}d"), says, Who.REP)


def leads(params: FeatureParams) -> Iterator[Feature]:
    """Leads: how many are open, came in and became deals."""

    def share(rows: ir.Table) -> ir.Value:
        """The rep's share of leads won, drawn to that of all reps with a quota."""
        company = (rows.company_leads_won + 1) / (rows.company_leads_ended + 2)
        prior = params.owner_prior
        return (rows.leads_won + prior * company) / (rows.leads_ended + prior)

    yield of_rep("open_leads", lambda r: r.open_leads, "open leads", Who.COMPANY)
    for days in FLOW_DAYS:
        says = f"leads received in the last {days} days"
        yield of_rep(f"leads_{days}d", column(f"leads_{days}d"), says, Who.COMPANY)
        says = f"leads converted in the last {days} days"
        yield of_rep(f"conversions_{days}d", column(f"conversions_{days}d"), says, Who.REP)
    says = "share of leads converted, of those that ended lately"
    yield of_rep("lead_rate", share, says, Who.REP, Unit.SHARE)
