"""What is known of an open deal at a cutoff: declarations only, filled with words of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ibis.expr.types as ir

from features.as_of.deal_totals import FLOW_DAYS, PACE_DAYS
from features.as_of.deals import MOVES
from features.definitions.context import CALENDAR, Comparison, peer_ranks
from features.definitions.deal_context import NO_AMOUNT, company, owner
from features.definitions.lead_activity import (
    NOT_YET,
    RECENCY,
    coverage,
    directions,
    numbers,
    touches,
    types,
)
from features.definitions.progress import fields, stages
from features.definitions.wording import Value, column_as_it_is, counts, in_days, kind
from features.feature import (
    Aggregate,
    Aggregation,
    Expression,
    Feature,
    FeatureSet,
    Relation,
    Unit,
)
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import PLAIN, About, Phrase, Who, slugs

AGE = About("age", "age", Who.CUSTOMER)
AMOUNT = About("amount", "amount", Who.CUSTOMER)
NO_CLOSE = "no expected close"
COMPARED = {
    "age_days": Comparison(AGE, "age", "older than", "the oldest"),
    "amount": Comparison(AMOUNT, "amount", "larger than", "the largest", NO_AMOUNT),
    "days_since_touch": Comparison(
        RECENCY, "wait", "waiting longer than", "waiting the longest", NOT_YET
    ),
}
"""What is compared with that of the other open deals."""


def deal_features(vocabulary: Vocabulary, params: FeatureParams) -> FeatureSet:
    """Declare every feature of an open deal for the words of one extract.

    Args:
        vocabulary: the words, as `read_vocabulary(warehouse, params, DEAL)` returns them.
        params: windows, and how strongly own records are drawn to the company's.
    """
    families = (
        _story(),
        _columns(vocabulary),
        _moves(params),
        touches(params),
        types(vocabulary, params),
        directions(vocabulary, params),
        numbers(vocabulary),
        coverage(params),
        stages(vocabulary),
        fields(vocabulary, Relation.DEAL),
        owner(vocabulary, params),
        company(),
        peer_ranks(vocabulary, "deals", COMPARED),
    )
    features = tuple(feature for family in families for feature in family)
    return FeatureSet("deal", features, _rows(vocabulary))


def _rows(vocabulary: Vocabulary) -> dict[Relation, dict[str, str]]:
    """The columns that expressions over a deal and its context may use."""
    moments = ("cutoff", "created_at", "expected_close_at", "hired_at")
    clocks = dict.fromkeys(moments, "timestamp(6)")
    own = {n.replace(".", "__"): kind(c) for n, c in vocabulary.columns.items()}
    ages = dict.fromkeys(("deal_age_us", "lead_us", "thousandths"), "int64")
    fields_ = dict.fromkeys(vocabulary.field_columns, "string")
    windows = [f"{what}_{days}d" for what in ("won", "lost") for days in PACE_DAYS]
    created = [f"created_{days}d" for days in FLOW_DAYS]
    totals = ("won_ever", "lost_ever", "open", *windows, *created)
    of_both = {f"{whose}_{name}": "int64" for whose in ("owner", "all") for name in totals}
    medians = dict.fromkeys(("owner_median_won", "all_median_won"), "float64")
    days = dict.fromkeys(CALENDAR, "int64")
    own_rows = {**clocks, "amount": "float64", **ages, **own, **fields_}
    return {
        Relation.DEAL: own_rows,
        Relation.DEAL_CONTEXT: {**own_rows, **of_both, **medians, **days},
    }


def _story() -> Iterator[Feature]:
    """The deal's own beginning, its amount, and when it is expected to close."""

    def until_due(rows: ir.Table) -> ir.Value:
        return in_days(rows.expected_close_at.delta(rows.cutoff, unit="microsecond"))

    def planned(rows: ir.Table) -> ir.Value:
        return in_days(rows.expected_close_at.delta(rows.created_at, unit="microsecond"))

    declared: list[tuple[str, Value, str, About, Unit, Phrase]] = [
        (
            "age_days",
            lambda r: in_days(r.deal_age_us),
            "days since it was opened",
            AGE,
            Unit.DAYS,
            Phrase("opened {} ago"),
        ),
        ("amount", lambda r: r.amount, "amount", AMOUNT, Unit.AMOUNT, Phrase("{}", NO_AMOUNT)),
        (
            "days_to_expected_close",
            until_due,
            "days until it is expected to close",
            About("to_expected_close", "expected close", Who.REP, "close date"),
            Unit.DAYS,
            Phrase("expected to close in {}", NO_CLOSE, below="should have closed {} ago"),
        ),
        (
            "expected_days_in_all",
            planned,
            "days from its opening to its expected close",
            About("expected_days_in", "expected length", Who.REP, "close date"),
            Unit.DAYS,
            Phrase(
                "{} from its opening to its expected close",
                NO_CLOSE,
                below="expected to close {} before it was opened",
            ),
        ),
        (
            "lead_to_deal_days",
            lambda r: in_days(r.lead_us - r.deal_age_us),
            "days from the lead's arrival to the deal",
            About("lead_to_deal", "from lead to deal", Who.REP, "response time"),
            Unit.DAYS,
            Phrase(
                "opened {} after its lead came in",
                "came from no lead",
                below="opened {} before its lead came in",
            ),
        ),
        (
            "has_lead",
            lambda r: r.lead_us.notnull().cast("int64"),
            "came from a lead",
            About("has_lead", "came from a lead", Who.COMPANY, "lead supply"),
            Unit.BOOLEAN,
            PLAIN,
        ),
    ]
    for name, value, says, about, unit, phrase in declared:
        yield Feature(name, Relation.DEAL, Expression(value), says, about, unit, phrase=phrase)


def _columns(vocabulary: Vocabulary) -> Iterator[Feature]:
    """Columns of the deal, its lead and its account that are known from the beginning."""
    own = {n: c for n, c in vocabulary.columns.items() if not n.startswith("reps.")}
    names = slugs(own)
    whose = {"deals": "{}", "leads": "the lead's {}", "accounts": "the account's {}"}
    for full, categories in own.items():
        table, column = full.split(".", 1)
        label = whose[table].format(column.replace("_", " "))
        place = (Relation.DEAL, full.replace(".", "__"))
        yield column_as_it_is(names[full], place, label, Who.CUSTOMER, categories)


@dataclass(frozen=True)
class _Move:
    """How one kind of move is said: "times its amount was cut", and by whom it can be changed."""

    what: str
    label: str
    who: Who
    lever: str | None = None


_MOVES = {
    "stage forward": _Move("went on to a later stage", "steps forward", Who.COMPANY, "next step"),
    "stage back": _Move("went back to an earlier stage", "steps back", Who.CUSTOMER),
    "amount up": _Move("had its amount raised", "amount raised", Who.CUSTOMER),
    "amount down": _Move("had its amount cut", "amount cut", Who.CUSTOMER),
    "close pushed": _Move("had its close put off", "close put off", Who.CUSTOMER),
    "close pulled in": _Move(
        "had its close brought forward", "close brought forward", Who.CUSTOMER
    ),
}


def _moves(params: FeatureParams) -> Iterator[Feature]:
    """How often its stage, its amount and its expected close were moved, and how lately."""
    for code, name in enumerate(MOVES):
        move, topic = _MOVES[name], name.replace(" ", "_")
        about = About(topic, move.label, move.who, move.lever)
        rows = (Relation.MOVES, Aggregate(Aggregation.COUNT, "move", code))
        times = Phrase(
            f"{move.what} {{}} times", zero=f"never {move.what}", one=f"{move.what} once"
        )
        words = (f"times it {move.what}", times)
        yield from counts(topic, rows, words, about, (params.windows_days[-1], None))
        yield Feature(
            f"days_since_{topic}",
            Relation.MOVES,
            Aggregate(Aggregation.SINCE_LAST, "move", code),
            f"days since it last {move.what}",
            about,
            Unit.DAYS,
            phrase=Phrase(f"last {move.what} {{}} ago", f"never {move.what}"),
        )
    yield Feature(
        "days_pushed",
        Relation.MOVES,
        Aggregate(Aggregation.SUM, "move", MOVES.index("close pushed"), column="days"),
        "days by which its close was put off in all",
        About("close_pushed", _MOVES["close pushed"].label, Who.CUSTOMER),
        Unit.AMOUNT,
        phrase=Phrase(
            "its close was put off by {} days in all", zero="its close was never put off"
        ),
    )
    yield Feature(
        "days_since_change",
        Relation.MOVES,
        Aggregate(Aggregation.SINCE_LAST),
        "days since anything changed",
        About("since_change", "the last change", Who.REP, "next step"),
        Unit.DAYS,
        phrase=Phrase("last changed {} ago", "never changed"),
    )
