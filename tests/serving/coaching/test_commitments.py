"""Laws of what people agree on: nothing starts by itself, and outcomes are judged fairly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from coached import AS_OF, GOALS, Make, cause

from features.errors import InputError
from serving.coaching.actions import Writer
from serving.coaching.commitments import became, contested, items_of
from serving.coaching.company import Company
from serving.coaching.pages import render, sheet_page
from serving.coaching.playbook import playbook
from serving.coaching.sheet import Sheet, make_sheet
from serving.coaching.voice import MANAGER, REP, Voice
from serving.store.coaching import CoachingEvent, CoachingLine
from training.coaching.goals.measures import MEASURES

NOW = datetime(2026, 6, 1, 9, 30)
TOUCHES = MEASURES["touches"]


def sheet_of(company: Company, rep_id: str = "r0") -> Sheet:
    """Make a rep's sheet without pairs."""
    return make_sheet(company, rep_id, playbook(), ())


def numbered(lines: Sequence[CoachingLine], first: int = 1) -> list[CoachingLine]:
    """Number lines as the log does."""
    return [replace(line, item=line.item or first + k) for k, line in enumerate(lines)]


def begun_before(facts: dict[str, float], days: int) -> CoachingLine:
    """Make a commitment to touches that was agreed so many days ago and is due now."""
    begun = AS_OF - timedelta(days=days)
    return CoachingLine(
        begun, "Ann", "r0", CoachingEvent.COMMITTED, "Two slots a day", 1, "touches", AS_OF,
        {"as_of": begun.isoformat(), **facts},
    )  # fmt: skip


def test_a_commitment_keeps_what_was_known(make_company: Make) -> None:
    """The measure's value now and what is to be expected anyway stand in the log, and the date."""
    writer = Writer(sheet_of(make_company()), "Ann Lee", NOW)
    (line,) = writer.commit("Two slots a day", None, "touches")
    assert (line.by, line.at, line.figure) == ("Ann Lee", NOW, "touches")
    assert line.due == AS_OF + timedelta(days=91)
    own = GOALS.value("r0", TOUCHES)
    assert own is not None
    assert line.facts["value"] == own[0]
    assert line.facts["low"] < line.facts["expected"] < line.facts["high"]


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(0.0, 1.0, "this is more"), (1e6, 2e6, "this is less"), (0.0, 1e6, "little either way")],
)
def test_what_became_is_set_beside_what_was_to_be_expected(
    make_company: Make, low: float, high: float, says: str
) -> None:
    """A rise within what happens anyway is not called a success, nor a fall a defeat."""
    line = begun_before({"value": 40.0, "expected": (low + high) / 2, "low": low, "high": high}, 91)
    company = make_company(log=[line])
    said = became(company, items_of(company.log_of("r0"))[0])
    assert "40 a week when agreed" in said
    assert "Without doing anything about" in said
    assert says in said


def test_a_short_while_is_said_to_be_short(make_company: Make) -> None:
    """A measure whose window lies mostly before the commitment is not judged."""
    line = begun_before({"value": 40.0, "expected": 41.0, "low": 30.0, "high": 50.0}, 20)
    company = make_company(log=[line])
    said = became(company, items_of(company.log_of("r0"))[0])
    assert "Only 20 of the 91 days" in said
    assert "Without doing anything" not in said


def test_a_plan_starts_only_when_somebody_starts_it(make_company: Make) -> None:
    """Making sheets writes nothing; a started plan is shown with its progress, not doubled."""
    rows = [cause("r0", "closing")]
    proposed = sheet_of(make_company(rows))
    assert proposed.items == ()
    lines = numbered(Writer(proposed, "Ann", NOW).start_plan())
    assert [line.due for line in lines] == [step.due for step in proposed.plan]
    lines.append(CoachingLine(NOW, "Ann", "r0", CoachingEvent.DONE, "went well", 1))
    running = sheet_of(make_company(rows, log=lines))
    assert running.plan == ()
    text = render(sheet_page(running, Voice(MANAGER, running.name)), "sheet", "txt")
    assert "1 of 4 steps are done or dropped" in text
    assert "Done. Ann: went well" in text
    with pytest.raises(InputError, match="one is running already"):
        Writer(running, "Ann", NOW).start_plan()
    with pytest.raises(InputError, match="no cause is told"):
        Writer(sheet_of(make_company()), "Ann", NOW).start_plan()


def test_a_contested_figure_is_marked_for_both_until_it_is_answered(make_company: Make) -> None:
    """Rep and manager read the same mark, the words, and later the answer."""
    writer = Writer(sheet_of(make_company()), "Ada", NOW)
    lines = numbered(writer.contest("attained", "One deal is not mine"))
    disputed = sheet_of(make_company(log=lines))
    for reader in (MANAGER, REP):
        page = sheet_page(disputed, Voice(reader, disputed.name))
        assert page.contested == ("attained",)
        assert "One deal is not mine" in render(page, "sheet", "html")
        assert ">contested<" in render(page, "sheet", "html")
    with pytest.raises(InputError, match="contested already"):
        Writer(disputed, "Ada", NOW).contest("attained", "again")
    answer = Writer(disputed, "Ann", NOW).close(CoachingEvent.ANSWERED, 1, "It is moved")
    answered = sheet_of(make_company(log=[*lines, *answer]))
    assert contested(answered.company.log_of("r0")) == {}
    assert "Ann answered: It is moved" in render(
        sheet_page(answered, Voice(REP, answered.name)), "sheet", "txt"
    )


def test_wrong_wishes_say_what_would_be_right(make_company: Make) -> None:
    """Unknown figures, measures and items, and dates that are over, are told with what is there."""
    writer = Writer(sheet_of(make_company([cause("r0", "closing")])), "Ann", NOW)
    with pytest.raises(InputError, match="no figure 'mood'; it has: attained, win_rate, closing"):
        writer.contest("mood", "why")
    with pytest.raises(InputError, match="no measure is called 'mood': one of conversion"):
        writer.commit("x", None, "mood")
    with pytest.raises(InputError, match="does not lie after 2026-05-20"):
        writer.commit("x", datetime(2026, 5, 1), None)
    with pytest.raises(InputError, match=r"no open item 7 .*open are: none"):
        writer.close(CoachingEvent.DONE, 7, "")


def test_only_what_is_open_can_be_closed(make_company: Make) -> None:
    """A commitment is done once; a note has nothing to be done."""
    lines = numbered(
        [
            CoachingLine(NOW, "Ann", "r0", CoachingEvent.COMMITTED, "Call early"),
            CoachingLine(NOW, "Ann", "r0", CoachingEvent.NOTE, "A hard month"),
        ]
    )
    writer = Writer(sheet_of(make_company(log=lines)), "Ann", NOW)
    (done,) = writer.close(CoachingEvent.DONE, 1, "")
    with pytest.raises(InputError, match="open are: 1"):
        writer.close(CoachingEvent.DONE, 2, "")
    after = Writer(sheet_of(make_company(log=[*lines, done])), "Ann", NOW)
    with pytest.raises(InputError, match="open are: none"):
        after.close(CoachingEvent.DROPPED, 1, "")
