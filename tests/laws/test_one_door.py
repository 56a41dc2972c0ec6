"""Only `features.snapshot` decides what a cutoff may see, and nobody looks past a cut."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from engines import Engine
from histories import MICROSECOND, Case
from looks import look_at

from features.errors import LeakageError
from features.history.vocabulary import read_vocabulary
from features.tables import COMMITS, TABLES, ColumnKind

ROOT = Path(__file__).parents[2]
FLOORS = ("features", "training", "serving")
NOT_READ = ("features/snapshot.py", "features/simulation/")
"""The door itself, and the sample company: it makes a past, and may import nothing that reads one.

Of ingestion the Python is read; its SQL judges the rows of one extract, before there is a cutoff.
"""
CLOCKS = sorted(
    {
        *(
            column.name
            for table in (*TABLES.values(), COMMITS)
            for column in table.columns
            if column.kind is ColumnKind.TIME
        ),
        # Moments that are made of these, and the moments that are asked about.
        *("ended_at", "resolved_at", "event_time", "available_at", "valid_from", "valid_to"),
        *("as_of", "cut_at", "cutoff", "data_until", "deadline", "moment", "until"),
        *("deleted_at", "record_from", "left_from"),
    },
    key=lambda name: (-len(name), name),
)
ORDERS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
BY_ORDER = {"between", "asof_join", "merge_asof", "searchsorted", "lt", "le", "gt", "ge"}
"""Functions that compare by order."""

GUARD = "the guard against asking for what lies beyond a cut"
PLACE = "a cutoff's place among cutoffs: no row is looked at"
NUMBER = "how many there are, not which comes first"
CALENDAR = "what the business's clock shows at a moment"
LABEL = "a label looks ahead of the cutoff, from the end of the story"
MATURE = "which labels are mature, which outcomes had come when a model learns"
WINDOW = "which cutoffs share a window of a split or a fold of a backtest"
SPAN = "how long a past there is"
ORDER = "the order of rows that are seen"
STORY = "two moments of one story, whatever the cutoff"
AUDIT = "an audit of the whole extract: nothing is forecast from it"
SAID = "chooses a sentence or an error; no figure comes of it"
SEEN = "whether a model has seen what it would be judged on"
CUT = "the extract is cut already: which period is asked about, and what is over by then"
RUNS = "which earlier scoring run stands for a day: no row of the extract"
LOT = "which lots were drawn by a moment, and which stand: no row of the extract"
KEPT = "how long people are kept, by the clock on the wall; nothing is forecast from it"
FRESH = "the age of a cached result, by the clock on the wall"
TODAY = "which day it is, and what people had said by then: no row of the extract"
ALLOWED = (
    ("features/as_of/owners.py", "searchsorted: cutoff", PLACE),
    ("features/as_of/outcomes.py", "record_from >= cutoff", STORY),
    ("features/build.py", "cutoff > cut_at", GUARD),
    ("features/build.py", "searchsorted: cutoff", PLACE),
    ("features/history/calendar.py", "moment <= other", CALENDAR),
    ("features/history/calendar.py", "searchsorted: moment", CALENDAR),
    ("features/history/event_log.py", "event_time < other", ORDER),
    ("features/history/relations.py", "converted_at <= lost_at", STORY),
    ("features/history/versions.py", "available_at < other", ORDER),
    ("features/history/versions.py", "available_at <= valid_from", ORDER),
    ("features/history/versions.py", "deleted_at > valid_from", ORDER),
    ("features/history/versions.py", "valid_from < valid_to", STORY),
    ("features/history/versions.py", "other > created_at", STORY),
    ("features/history/windows.py", "event_time >= other", STORY),
    ("features/history/windows.py", "event_time >= other", ORDER),
    ("features/history/windows.py", "event_time >= other", ORDER),
    ("features/ingest/commits.py", "made_at >= other", STORY),
    ("features/ingest/freshness.py", "until > other", SAID),
    ("features/ingest/freshness.py", "until > other", SAID),
    ("features/ingest/oddities.py", "until <= other", SAID),
    ("features/ingest/readiness.py", "data_until > other", SAID),
    ("features/kpi/ledger.py", "other <= data_until", MATURE),
    ("features/labels/attainment.py", "closed_at < cutoff", LABEL),
    ("features/labels/attainment.py", "created_at >= cutoff", LABEL),
    ("features/labels/attainment.py", "created_at >= cutoff", LABEL),
    ("features/labels/attainment.py", "other <= until", MATURE),
    ("features/labels/attainment.py", "other <= until", MATURE),
    ("features/labels/attainment.py", "other >= cutoff", LABEL),
    ("features/labels/attainment.py", "period_end > until", MATURE),
    ("features/labels/conversion.py", "moment < cutoff", LABEL),
    ("features/labels/conversion.py", "moment >= cutoff", LABEL),
    ("features/labels/conversion.py", "other <= data_until", MATURE),
    ("features/spine.py", "cutoff <= moment", PLACE),
    ("features/spine.py", "cutoff > moment", PLACE),
    ("serving/store/trend.py", "as_of <= moment", RUNS),
    ("serving/store/trend.py", "other <= as_of", RUNS),
    ("training/checks/audit.py", "data_until < other", SPAN),
    ("training/checks/canaries.py", "cutoff >= other", WINDOW),
    ("training/checks/canaries.py", "other >= data_until", AUDIT),
    ("training/checks/health.py", "created_at < other", AUDIT),
    ("training/checks/health.py", "occurred_at < other", AUDIT),
    ("training/checks/health.py", "occurred_at > other", AUDIT),
    ("training/checks/health.py", "occurred_at >= other", AUDIT),
    ("training/checks/health.py", "other >= moment", AUDIT),
    ("training/checks/lead_outcomes.py", "created_at <= data_until", MATURE),
    ("training/checks/lead_outcomes.py", "created_at <= other", AUDIT),
    ("training/checks/quota_leak.py", "period_end <= other", MATURE),
    ("training/checks/suspicion.py", "other < cutoff", PLACE),
    ("training/coaching/causes/channels.py", "other < as_of", CUT),
    ("training/coaching/causes/channels.py", "other >= as_of", CUT),
    ("training/coaching/causes/find.py", "other < as_of", CUT),
    ("training/coaching/causes/find.py", "other >= as_of", CUT),
    ("training/coaching/causes/funnel_rates.py", "other < as_of", CUT),
    ("training/coaching/causes/ground.py", "other < as_of", CUT),
    ("training/coaching/causes/ground.py", "other >= as_of", CUT),
    ("training/coaching/causes/stays.py", "other < until", STORY),
    ("training/coaching/causes/stays.py", "searchsorted: moment", PLACE),
    ("training/coaching/causes/stocks.py", "other < as_of", CUT),
    ("training/coaching/causes/stocks.py", "until <= other", WINDOW),
    ("training/coaching/goals/queries.py", "occurred_at >= other", STORY),
    ("training/cutoffs.py", "closed_at < other", SPAN),
    ("training/cutoffs.py", "created_at < other", SPAN),
    ("training/cutoffs.py", "created_at < other", NUMBER),
    ("training/cutoffs.py", "other > created_at", STORY),
    ("training/cutoffs.py", "searchsorted: moment", SPAN),
    ("training/cutoffs.py", "searchsorted: moment", SPAN),
    ("training/evaluation/truth.py", "other > cutoff", NUMBER),
    ("training/leads/calibrate.py", "cutoff >= other", WINDOW),
    ("training/leads/fit.py", "cutoff < other", SPAN),
    ("training/leads/fit.py", "cutoff > other", NUMBER),
    ("training/leads/naming.py", "cutoff <= other", WINDOW),
    ("training/leads/naming.py", "cutoff >= other", WINDOW),
    ("training/leads/steadiness.py", "searchsorted: cutoff", WINDOW),
    ("training/leads/steadiness.py", "searchsorted: moment", WINDOW),
    ("training/loop/record.py", "other > data_until", SAID),
    ("training/loop/retrain.py", "until <= other", SEEN),
    ("training/monitoring/streams.py", "changed_at >= other", STORY),
    ("training/monitoring/streams.py", "event_time >= other", STORY),
    ("training/monitoring/windows.py", "until < other", WINDOW),
    ("training/quota/amounts.py", "closed_at < deadline", LABEL),
    ("training/quota/amounts.py", "deadline <= until", MATURE),
    ("training/quota/dataset.py", "other <= until", MATURE),
    ("training/quota/deals.py", "closed_at < until", MATURE),
    ("training/quota/deals.py", "cutoff < other", SPAN),
    ("training/quota/deals.py", "deadline <= other", MATURE),
    ("training/quota/deals.py", "deadline <= other", MATURE),
    ("training/quota/deals.py", "deadline <= until", MATURE),
    ("training/quota/deals.py", "other < deadline", LABEL),
    ("training/quota/fallback.py", "period_end <= until", MATURE),
    ("training/quota/later.py", "other <= data_until", MATURE),
    ("training/quota/later.py", "other <= data_until", MATURE),
    ("training/quota/new_business.py", "period_end <= other", MATURE),
    ("training/quota/train.py", "period_end <= other", MATURE),
    ("training/rolling.py", "cutoff >= other", WINDOW),
    ("serving/access/retention.py", "moment < other", KEPT),
    ("serving/api/event_answers.py", "data_until <= other", SAID),
    ("serving/api/lead_answers.py", "as_of > until", SAID),
    ("serving/api/lead_answers.py", "until > as_of", SAID),
    ("serving/api/lead_contracts.py", "other < created_at", SAID),
    ("serving/cli/demo.py", "period_end <= data_until", MATURE),
    ("serving/cli/session.py", "until > as_of", SAID),
    ("serving/coaching/actions.py", "as_of <= other", SAID),
    ("serving/coaching/gather.py", "until > moment", SAID),
    ("serving/home/cache.py", "moment > moment", NUMBER),
    ("serving/home/lookup.py", "created_at >= moment", SAID),
    ("serving/home/lookup.py", "other < moment", SAID),
    ("serving/pages/desk.py", "made_at >= other", FRESH),
    ("serving/pages/preview.py", "cutoff > period_start", CUT),
    ("serving/worklist/lots.py", "as_of < other", LOT),
    ("serving/worklist/marks.py", "as_of <= other", TODAY),
    ("serving/worklist/marks.py", "moment < other", TODAY),
    ("serving/worklist/marks.py", "other <= as_of", TODAY),
    ("serving/worklist/outcomes.py", "other <= as_of", LOT),
)
"""Module, comparison, and why it is none of those that decide what a cutoff may see."""


def clocks_in(node: ast.AST) -> str:
    """Name the clocks that take part in an expression, `other` if there is none."""
    words = [
        str(word).lower()
        for inner in ast.walk(node)
        for word in (
            getattr(inner, "id", None),
            getattr(inner, "attr", None),
            getattr(inner, "value", None) if isinstance(inner, ast.Constant) else None,
        )
        if isinstance(word, str)
    ]
    clocks = {next((clock for clock in CLOCKS if clock in word), None) for word in words}
    return " & ".join(sorted(clock for clock in clocks if clock is not None)) or "other"


def clock_comparisons(source: str) -> Iterator[str]:
    """Find comparisons by order in which a clock takes part, told by their clocks.

    Told so, and not letter by letter, the name of a variable does not matter. A clock that hides
    behind a name that says nothing is not found.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            for left, order, right in zip(
                (node.left, *node.comparators), node.ops, node.comparators, strict=False
            ):
                sides = (clocks_in(left), clocks_in(right))
                if type(order) in ORDERS and set(sides) != {"other"}:
                    yield f"{sides[0]} {ORDERS[type(order)]} {sides[1]}"
        if isinstance(node, ast.Call):
            name = (
                node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            )
            if name in BY_ORDER and (clocks := clocks_in(node)) != "other":
                yield f"{name}: {clocks}"


def test_no_other_module_compares_a_clock() -> None:
    """What a cutoff may see is decided in `snapshot` alone: all other comparisons are known."""
    modules = (
        path
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith(NOT_READ)
    )
    comparisons = Counter(
        (path.relative_to(ROOT).as_posix(), comparison)
        for path in modules
        for comparison in clock_comparisons(path.read_text(encoding="utf-8"))
    )
    assert comparisons == Counter((module, comparison) for module, comparison, _ in ALLOWED)


@pytest.mark.parametrize(
    ("source", "comparison"),
    [
        ("rows.occurred_at < t", "occurred_at < other"),
        ("t >= rows['known_at']", "other >= known_at"),
        ("a <= rows[CUTOFF]", "other <= cutoff"),
        ("asked < cutoffs", "other < cutoff"),
        ("start < row.closed_at <= until", "other < closed_at"),
        ("x.changed_at.between(a, b)", "between: changed_at"),
        ("frame['lost_at'].lt(moment)", "lt: lost_at & moment"),
        ("np.searchsorted(cutoffs, x)", "searchsorted: cutoff"),
        ("merge_asof(a, b, on='created_at')", "merge_asof: created_at"),
    ],
)
def test_the_search_for_comparisons_finds_them(source: str, comparison: str) -> None:
    """The guard is not blind."""
    assert comparison in list(clock_comparisons(source))


def test_the_search_for_comparisons_leaves_others_alone() -> None:
    """Equality, and an order of what is no clock, decide nothing about time."""
    assert not list(clock_comparisons("a == rows.known_at; n < len(rows); x.between(1, 2)"))


def test_asking_past_a_cut_is_refused(duckdb: Engine, crm: Callable[[int], Case]) -> None:
    """A history cut at a moment answers up to that moment, and not a microsecond later."""
    case = crm(11)
    cut_at = case.cutoffs[0]
    with duckdb.open(case.extract) as warehouse:
        past = warehouse.until(cut_at)
        words = read_vocabulary(past, case.params)
        assert len(look_at(past, words, [cut_at], case.params))
        with pytest.raises(LeakageError, match=f"{cut_at + MICROSECOND}"):
            look_at(past, words, [cut_at, cut_at + MICROSECOND], case.params)


def test_a_cut_never_reaches_past_the_extract(duckdb: Engine, crm: Callable[[int], Case]) -> None:
    """A cut beyond the extract's end, and one without a moment, is a cut at its end."""
    case = crm(11)
    end = case.extract.data_until
    with duckdb.open(case.extract) as warehouse:
        for moment in (None, end, end + timedelta(days=1)):
            past = warehouse.until(moment)
            assert (past.data_until, past.cut_at) == (end, end)
