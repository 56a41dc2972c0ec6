"""What a rep sells and is given: pace, open deals and leads, as declarations."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, PACE_DAYS
from features.definitions.deal_context import PRIOR_WINS
from features.definitions.wording import Value, number_of, quoted
from features.feature import Expression, Feature, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import PLAIN, About, Phrase, Who, slugs

PRIOR_DAYS = 20.0
"""Working days at the company's pace that a rep's own pace starts from."""


PACE = About("pace", "selling pace", Who.REP, "closing")
SIZE = About("deal_size", "size of wins", Who.REP, "deal size")
OPEN = About("open", "open deals", Who.REP, "pipeline")
DUE = About("due", "deals due in the period", Who.REP, "pipeline")
OVERDUE = About("overdue", "overdue deals", Who.REP, "close date")
CONVERSIONS = About("conversions", "leads converted", Who.REP, "lead follow-up")
NO_WIN = "no win yet"
MADE = "nothing is missing any more"


def of_rep(
    name: str,
    value: Value,
    says: str,
    about: About,
    unit: Unit = Unit.COUNT,
    phrase: Phrase = PLAIN,
) -> Feature:
    """Declare a figure about a rep in a quota period; without a phrase the number stands alone."""
    return Feature(name, Relation.REP, Expression(value), says, about, unit, phrase=phrase)


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
    """Return what a rep won a working day, shrunk towards what all reps with a quota won a day."""
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
        lately = f"in the last {days} days"
        yield of_rep(
            f"pace_won_amount_{days}d",
            paced("won_amount", days),
            f"won a working day, {lately}",
            PACE,
            Unit.AMOUNT,
            Phrase("won {} a working day", zero="won nothing").followed_by(lately),
        )
        yield of_rep(
            f"pace_won_{days}d",
            paced("won", days),
            f"deals won a working day, {lately}",
            PACE,
            Unit.RATIO,
            Phrase(f"won {{}} deals a working day, {lately}"),
        )
        number = Phrase("won {} deals", zero="won no deal", one="won 1 deal").followed_by(lately)
        says = f"deals won {lately}"
        yield of_rep(f"won_{days}d", column(f"won_{days}d"), says, PACE, phrase=number)
    says, phrase = "mean amount of a win", Phrase("a win brings {} on average", NO_WIN)
    yield of_rep("mean_won", _mean_won, says, SIZE, Unit.AMOUNT, phrase)
    says, phrase = "usual amount of a win", Phrase("a win usually brings {}", NO_WIN)
    yield of_rep("median_won", _median_won, says, SIZE, Unit.AMOUNT, phrase)
    yield of_rep(
        "win_rate",
        win_rate,
        "share of deals won, of those closed in a year",
        About("win_rate", "win rate", Who.REP, "closing"),
        Unit.SHARE,
        Phrase("won {} of the deals closed in a year"),
    )
    yield of_rep(
        "needed_against_pace",
        needed,
        "what is missing, as a multiple of a year's pace over the days left",
        About("needed_pace", "pace needed", Who.REP, "closing"),
        Unit.RATIO,
        Phrase("{} times a year's pace is needed", "no time is left"),
    )


def _mean_won(rows: ir.Table) -> ir.Value:
    company = rows.all_won_amount_ever / rows.all_won_ever.nullif(0)
    total = rows.won_amount_ever + PRIOR_WINS * company
    return total / (rows.won_ever + PRIOR_WINS) / 1000


def _median_won(rows: ir.Table) -> ir.Value:
    own = rows.median_won.fill_null(rows.all_median_won)
    total = own * rows.won_ever + rows.all_median_won * PRIOR_WINS
    return total / (rows.won_ever + PRIOR_WINS) / 1000


def pipeline(vocabulary: Vocabulary) -> Iterator[Feature]:
    """Open deals: how many, how much, in which stage, expected when, and how many are new."""

    def covering(amount: str) -> Value:
        return lambda rows: rows[amount] / missing(rows)

    # The columns of count and amount, the feature's name, which open deals they are, the topic.
    families = [
        ("open", "open_amount", "open", "", OPEN),
        ("due", "due_amount", "due", " expected to close within the period", DUE),
        ("overdue", "overdue_amount", "overdue", " whose expected close has passed", OVERDUE),
    ]
    names = slugs(vocabulary.stages)
    for place, stage in enumerate(vocabulary.stages):
        name, which = f"open_stage_{names[stage]}", f" in {quoted(stage)}"
        about = About(name, f"open deals{which}", Who.REP, "pipeline")
        families.append((f"open_stage_{place}", f"open_amount_stage_{place}", name, which, about))
    for count, amount, name, which, about in families:
        one, many = f"open deal{which}", f"open deals{which}"
        yield of_rep(name, column(count), many, about, phrase=number_of(one, many))
        says, worth = f"amount of {many}", Phrase(f"{{}} in {many}", zero=f"nothing in {many}")
        yield of_rep(f"{name}_amount", column(amount, 1000), says, about, Unit.AMOUNT, worth)
    for name, amount, which, about in (
        ("coverage", "open_amount", "open deals", OPEN),
        ("due_coverage", "due_amount", "open deals due in the period", DUE),
    ):
        says = f"amount of {which}, as a multiple of what is missing"
        times = Phrase(f"{which} come to {{}} times what is missing", MADE)
        yield of_rep(name, covering(amount), says, about, Unit.RATIO, times)
    opened = About("created", "new deals", Who.REP, "prospecting")
    for days in FLOW_DAYS:
        name, when = f"created_{days}d", f"opened in the last {days} days"
        number = number_of(f"deal {when}", f"deals {when}")
        yield of_rep(name, column(name), f"deals {when}", opened, phrase=number)


def leads(params: FeatureParams) -> Iterator[Feature]:
    """Leads: how many are open, came in and became deals."""

    def share(rows: ir.Table) -> ir.Value:
        """The rep's share of leads won, shrunk towards that of all reps with a quota."""
        company = (rows.company_leads_won + 1) / (rows.company_leads_ended + 2)
        prior = params.owner_prior
        return (rows.leads_won + prior * company) / (rows.leads_ended + prior)

    load = About("open_leads", "open leads", Who.COMPANY, "lead supply")
    supply = About("leads", "leads received", Who.COMPANY, "lead supply")
    yield of_rep(
        "open_leads",
        lambda r: r.open_leads,
        "open leads",
        load,
        phrase=number_of("open lead", "open leads"),
    )
    for days in FLOW_DAYS:
        for name, what, about in (
            (f"leads_{days}d", "received", supply),
            (f"conversions_{days}d", "converted", CONVERSIONS),
        ):
            one, many = (f"{noun} {what} in the last {days} days" for noun in ("lead", "leads"))
            yield of_rep(name, column(name), many, about, phrase=number_of(one, many))
    yield of_rep(
        "lead_rate",
        share,
        "share of leads converted, of those that ended lately",
        CONVERSIONS,
        Unit.SHARE,
        Phrase("converted {} of the leads that ended lately"),
    )
