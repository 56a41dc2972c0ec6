"""The context of leads by hand: the company, owners' records and load, who had worked."""

from __future__ import annotations

from typing import Any

import numpy as np
from by_hand import MICRO, Opened, answer, day, snapshots
from extract import Row, lead, touch

from features.as_of.leads import open_lead_snapshots
from features.as_of.outcomes import (
    WHO,
    first_touches,
    owner_outcomes,
    rep_outcomes,
    resolution_snapshots,
    touches_of_reps,
)
from features.as_of.owners import (
    HIRING,
    RESOLUTIONS,
    CompanyHistory,
    OwnerContext,
    Panel,
    company_state,
    describe_owners,
    owner_context,
)
from features.clock import to_us
from features.history.relations import SnapshotSet, resolved_leads
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.snapshot import CUTOFF, SNAPSHOT
from features.spine import Spine
from features.storage.warehouse import Warehouse

PARAMS = FeatureParams(owner_window_days=30, owner_prior=2.0)
VOCABULARY = Vocabulary(columns={"reps.team": None})


def won(lead_id: str, at: float, rep_id: str | None = "a", **more: Any) -> Row:
    """Write a lead from day 0 that was won."""
    return lead(lead_id, day(0), converted_at=day(at), rep_id=rep_id, **more)


def lost(lead_id: str, at: float, rep_id: str | None = "a", **more: Any) -> Row:
    """Write a lead from day 0 that was lost."""
    return lead(lead_id, day(0), lost_at=day(at), rep_id=rep_id, **more)


def test_a_panel_counts_each_person_at_each_cutoff(opened: Opened) -> None:
    """All cutoffs of the first, then of the next; somebody who is not asked about is left out."""
    leads = [won("p", 3), lost("q", 8), won("r", 8, "b"), won("s", 3, "c")]
    panel = Panel(["a", "b"], [day(5), day(8), day(20)])
    with opened(leads=leads) as warehouse:
        rows = resolved_leads(warehouse)
        counts = panel.counts(warehouse, rows.mutate(**{WHO: rows.rep_id}), RESOLUTIONS)
    assert counts.count().tolist() == [1, 1, 2, 0, 0, 1]
    assert counts.total("won").tolist() == [1, 1, 1, 0, 0, 1]
    assert counts.count(12).tolist() == [1, 1, 1, 0, 0, 1]


def test_the_company_is_counted_over_four_weeks_a_week_and_ever(opened: Opened) -> None:
    """28 days back from day 40 is day 12, 7 days back is day 33, to the moment."""
    leads = [
        won("before", 12 - MICRO),
        won("in reach", 12),
        won("of the week", 33),
        lost("lost", 39),
        won("at the cutoff", 40),
        lead("new", day(39)),
        lead("not there yet", day(40)),
    ]
    with opened(leads=leads) as warehouse:
        state = company_state(warehouse, [day(12), day(40)], "UTC")
    counts = {name: values.tolist() for name, values in state.items()}
    assert counts["won"] == [1, 2]
    assert counts["won_week"] == [1, 1]
    assert counts["resolved"] == [1, 3]
    assert (counts["won_ever"], counts["resolved_ever"]) == ([1, 3], [1, 4])
    # Five leads of day 0; that of day 39 makes six.
    assert (counts["created"], counts["created_ever"]) == ([5, 1], [5, 6])
    assert counts["backlog"] == [4, 2]
    assert counts["weekday"] == [5, 5]


def history_of(warehouse: Warehouse) -> tuple[SnapshotSet, Spine]:
    """Take snapshots of all open leads on day 50, and line them up."""
    taken = open_lead_snapshots(warehouse, VOCABULARY, [day(50)], PARAMS)
    frame = warehouse.arrow(taken.snapshots).sort_by(SNAPSHOT)
    same = np.zeros(len(frame), dtype=np.bool_)
    moments = to_us(frame[CUTOFF].to_numpy())
    return taken, Spine(same, moments, frame["lead_age_us"].to_numpy())


def test_a_rate_is_shrunk_towards_the_companys(opened: Opened) -> None:
    """As if each person began with so many leads at the company's rate."""
    leads = [won("p", 3), won("q", 4), won("r", 10, "b"), lost("s", 4, "b"), lead("open", day(1))]
    with opened(leads=leads) as warehouse:
        history = CompanyHistory(*history_of(warehouse))
        rows = owner_outcomes(warehouse, history.ended)
        rates = history.win_rate(history.counts(["a", "b", "c"], rows))
    # The company won 3 of 4: (3 + 1) / (4 + 2) = 2/3. Two leads at that rate are 4/3 won.
    np.testing.assert_allclose(rates, [(2 + 4 / 3) / 4, (1 + 4 / 3) / 4, (4 / 3) / 2], rtol=1e-15)


def test_an_outcome_belongs_to_who_owned_the_lead_at_that_moment(opened: Opened) -> None:
    """Not to whom it was handed over afterwards, nor to who first had it."""
    changes = [
        {"entity_type": "lead", "entity_id": "p", "field": "rep_id", "value": "b", "changed_at": at}
        for at in (day(2), day(3))
    ]
    changes[1]["value"] = "c"
    with opened(leads=[won("p", 3), lost("q", 4, None)], changes=changes) as warehouse:
        rows = owner_outcomes(warehouse, resolution_snapshots(warehouse))
        assert answer(warehouse, rows, WHO, "resolved_at", "won") == [
            (None, day(4), 0),
            ("b", day(3), 1),
        ]


def test_an_outcome_is_shared_by_all_who_had_worked_on_the_lead(opened: Opened) -> None:
    """Before it ended; work at the end or afterwards has no part in it."""
    touches = [
        touch("p", day(1), rep_id="a"),
        touch("p", day(2), rep_id="a"),
        touch("p", day(3 - MICRO), rep_id="b"),
        touch("p", day(3), rep_id="c"),
        touch("p", day(1), rep_id="d", known_at=day(9)),
        touch("p", day(1)),
    ]
    with opened(leads=[won("p", 3)], activities=touches) as warehouse:
        rows = rep_outcomes(
            resolution_snapshots(warehouse), first_touches(touches_of_reps(warehouse))
        )
        assert answer(warehouse, rows, WHO, "won") == [("a", 1), ("b", 1)]


def test_a_first_touch_is_the_first_to_be_seen(opened: Opened) -> None:
    """The later of an activity's clocks; both clocks hold it."""
    touches = [
        touch("p", day(1), rep_id="a", known_at=day(7)),
        touch("p", day(4), rep_id="a"),
        touch("p", day(5), rep_id="b"),
    ]
    with opened(activities=touches) as warehouse:
        rows = answer(
            warehouse,
            first_touches(touches_of_reps(warehouse)),
            "rep_id",
            "occurred_at",
            "known_at",
        )
    assert rows == [("a", day(4), day(4)), ("b", day(5), day(5))]


def context(warehouse: Warehouse) -> OwnerContext:
    """Compute the context of the open leads on day 50."""
    taken, spine = history_of(warehouse)
    keys = warehouse.arrow(taken.snapshots).sort_by(SNAPSHOT)
    return owner_context(taken, spine, keys["owner"])


def test_leads_of_one_owner_share_a_row(opened: Opened) -> None:
    """With the owner's load and record; leads of nobody share one too, without a record."""
    leads = [
        lead("open 1", day(1), rep_id="a"),
        lead("open 2", day(1)),
        lead("open 3", day(1), rep_id="a"),
        won("p", 20),
        lost("q", 20 - MICRO),
        lost("r", 30, "b"),
    ]
    with opened(leads=leads) as warehouse:
        around = context(warehouse)
        owners = answer(warehouse, around.rows, "place", "owner", "won_ever")
        columns = ("load", "owner_resolved", "owner_rate")
        figures = answer(warehouse, around.rows, "place", *columns)
    assert owners == [(0, "a", 1), (1, None, 1)]
    assert around.place.tolist() == [0, 1, 0]
    # The company won 1 of 3: (1 + 1) / (3 + 2) = 0.4. Of a's, only the win lies within 30 days.
    expected = [(0, 2, 1, (1 + 2 * 0.4) / (1 + 2)), (1, np.nan, np.nan, np.nan)]
    np.testing.assert_allclose(figures, expected, rtol=1e-15)


def test_the_reps_who_had_worked_on_a_lead_bring_their_records(opened: Opened) -> None:
    """The mean and the best of them; of a lead that nobody worked on there is nothing to say."""
    leads = [lead("x", day(1)), lead("y", day(1)), won("p", 20), lost("q", 20)]
    touches = [
        touch("p", day(5), rep_id="a"),
        touch("q", day(5), rep_id="b"),
        touch("x", day(6), rep_id="a"),
        touch("x", day(7), rep_id="b"),
        touch("x", day(8), rep_id="b"),
        touch("y", day(50), rep_id="a"),
    ]
    with opened(leads=leads, activities=touches) as warehouse:
        ready = context(warehouse).ready
    # The company won 1 of 2, rate 0.5. a: (1 + 1) / (1 + 2), b: (0 + 1) / (1 + 2).
    np.testing.assert_allclose(ready["reps_rate_mean"], [0.5, np.nan], atol=1e-9)
    np.testing.assert_allclose(ready["reps_rate_best"], [2 / 3, np.nan], atol=1e-9)


def test_an_owner_is_described_as_the_cutoff_knows_it(opened: Opened) -> None:
    """A rep hired at the cutoff is not known; a column that was seen to change is the new one."""
    reps = [
        {"rep_id": "a", "team": "red", "hired_at": day(10 - MICRO)},
        {"rep_id": "b", "team": "red", "hired_at": day(10)},
        {"rep_id": "c", "team": "red"},
        {"rep_id": "d", "team": "red"},
    ]
    moved = {"entity_type": "rep", "field": "team", "value": "blue"}
    changes = [
        {**moved, "entity_id": "c", "changed_at": day(9)},
        {**moved, "entity_id": "d", "changed_at": day(10)},
    ]
    records = snapshots(*((10, who) for who in "abcd"), owner="string")
    vocabulary = Vocabulary(columns={"reps.team": ("red",)})
    with opened(reps=reps, changes=changes) as warehouse:
        rows = describe_owners(warehouse, records, vocabulary)
        assert answer(warehouse, rows, "owner", "reps__team", "hired_at") == [
            ("a", "red", day(10 - MICRO)),
            ("b", None, None),
            ("c", "blue", None),
            ("d", "red", None),
        ]


def test_a_date_of_hire_is_an_end_like_any_other() -> None:
    """So the one door empties it."""
    assert HIRING.end_of_story == ("hired_at",)
