"""Laws of what is told, advised and agreed: conditions of plays, sureness, luck, and fair looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
from coached import AS_OF, END, GOALS, OURS, RECORD, START, Make, cause, ground

from serving.coaching.actions import CLOSES, Writer
from serving.coaching.advice import MOST, advise, cause_sentence
from serving.coaching.causes import (
    FIRM_FROM,
    HINT_FROM,
    LABELS,
    LEANING_FROM,
    LUCK,
    TIMELESS,
    Cause,
    Told,
    causes_of,
    open_of,
    told_of,
)
from serving.coaching.commitments import baseline, became, items_of
from serving.coaching.company import Ground
from serving.coaching.figures import MOST_NUMBERS, numbers_of
from serving.coaching.goal_words import goal_json, goal_sentence
from serving.coaching.numbers import amount, bare, count, plural, value_of, whole
from serving.coaching.pairs import propose_pairs
from serving.coaching.plan import LEAST_SIZE, LOOK_DAYS, propose_plan
from serving.coaching.playbook import CAUSAL, UNKIND, playbook, tone_of
from serving.coaching.praise import BEYOND_LUCK, below_expectation, ground_sentence, praise
from serving.coaching.sheet import make_sheet
from serving.coaching.voice import MANAGER, REP, Voice
from serving.store.coaching import BEGINS, CoachingEvent, CoachingLine
from training.coaching.causes.told import OWN
from training.coaching.goals.levels import CLOSING, QUALIFYING, Ratio
from training.coaching.goals.measures import MEASURES, OF_CAUSE, WINDOW_DAYS, Scale, measured

BOOK = playbook()
TOUCHES = MEASURES["touches"]


def one(name: str = "closing", **values: object) -> Cause:
    """Make a cause: firm, and the rep's own where its name says so."""
    row = {
        "rep_id": "r0", "period_start": START, "rank": 1, "name": name, "size": 0.3, "low": 0.1,
        "high": 0.5, "share": 0.6, "since": None, "p": 0.9, "theirs": name not in OURS,
        "evidence": "4 of 14 such deals went on; 7 is usual",
    }  # fmt: skip
    return Cause(**(row | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in LABELS if name != LUCK])
@pytest.mark.parametrize("since", [None, START])
def test_every_told_cause_has_a_play_whenever_it_began(name: str, since: datetime | None) -> None:
    """Firm or leaning, lasting or a spell: something fits, and all that fits is of the cause."""
    for p in (LEANING_FROM, FIRM_FROM):
        fitting = BOOK.fitting(one(name, since=since, p=p))
        assert fitting
        assert {play.cause for play in fitting} == {name}


@pytest.mark.parametrize("play", BOOK.plays, ids=lambda play: play.name)
def test_every_play_has_a_condition_that_can_fail(play: object) -> None:
    """It fits its cause as sure and as old as it says, and not one that is open or another's."""
    own = next(p for p in BOOK.plays if p is play)
    since = START if own.spell else None
    fits = one(own.cause, since=since, p=FIRM_FROM if own.told == "firm" else LEANING_FROM)
    assert own.answers(fits)
    assert not own.answers(replace(fits, p=LEANING_FROM - 0.01))
    assert not own.answers(replace(fits, low=-0.1))
    assert not own.answers(replace(fits, name=LUCK))
    if own.told == "firm":
        assert not own.answers(replace(fits, p=FIRM_FROM - 0.01))
    if own.spell is not None:
        assert not own.answers(replace(fits, since=None if own.spell else START))


@pytest.mark.parametrize("play", BOOK.plays, ids=lambda play: play.name)
def test_every_play_is_looked_back_at_in_time_and_by_its_own_measure(play: object) -> None:
    """Where a rep's own lever has a measure, the play names that one, and not another cause's."""
    own = next(p for p in BOOK.plays if p is play)
    assert own.measure == (OF_CAUSE[own.cause].name if own.cause in OF_CAUSE else None)
    assert 1 <= own.weeks <= WINDOW_DAYS // 7
    assert own.addressee == "company" or own.cause in OWN
    for text in (own.manager, own.rep, own.ask, own.lever, own.needs):
        assert tone_of(text, may_claim=False) is None
        assert "%" not in text
    assert own.manager.replace("{name}", "").count("{") == 0


@pytest.mark.parametrize("word", [*UNKIND, *CAUSAL])
def test_no_unkind_word_and_no_claim_gets_past(word: str) -> None:
    """In any case of letters, beside any sign; a part of another word is none."""
    for text in (f"{word.upper()}!", f"It is, {word}: so.", f"x ({word})"):
        assert tone_of(text, may_claim=False) is not None
    assert tone_of(f"pre{word.replace(' ', '')}ness", may_claim=False) is None
    is_claim = word in CAUSAL
    assert (tone_of(f"It {word} a lot.", may_claim=True) is None) == is_claim


@pytest.mark.parametrize(
    ("p", "low", "size", "told"),
    [
        (0.80, 0.010, 0.3, Told.FIRM),
        (0.79, 0.010, 0.3, Told.LEANING),
        (0.95, 0.000, 0.3, Told.LEANING),
        (0.60, 0.100, 0.3, Told.LEANING),
        (0.59, 0.100, 0.3, Told.OPEN),
        (0.95, -0.01, 0.3, Told.OPEN),
        (0.95, 0.001, 0.004, Told.OPEN),
    ],
)
def test_how_firmly_a_cause_is_told(p: float, low: float, size: float, told: Told) -> None:
    """By its chance and by whether its interval crosses nothing; luck is never told."""
    assert one(p=p, low=low, size=size).told is told
    assert one(LUCK, p=p, low=low, size=size).told is Told.OPEN


def test_more_sureness_never_makes_a_cause_less_told() -> None:
    """With the chance, and with the lower end of the interval."""
    order = [Told.OPEN, Told.LEANING, Told.FIRM]
    for rising in (
        [one(p=p) for p in np.linspace(0, 1, 41)],
        [one(low=low) for low in np.linspace(-0.3, 0.3, 41)],
    ):
        places = [order.index(cause.told) for cause in rising]
        assert places == sorted(places)
        assert set(places) >= {0, 2}


@pytest.mark.parametrize("seed", range(4))
def test_told_and_open_causes_have_nothing_in_common(seed: int) -> None:
    """No name is in both, each in both keeps its order, and neither holds luck or a faint hint."""
    chance = np.random.default_rng(seed)
    causes = [
        one(str(name), rank=rank, p=float(chance.random()), low=float(chance.uniform(-0.1, 0.2)))
        for rank, name in enumerate(chance.choice([*LABELS], 9), start=1)
    ]
    told, unsure = told_of(causes), open_of(causes)
    names = [cause.name for cause in told]
    assert len(names) == len(set(names))
    assert not set(names) & {cause.name for cause in unsure}
    assert LUCK not in {*names, *(cause.name for cause in unsure)}
    assert all(cause.p >= HINT_FROM for cause in unsure)
    for some in (told, unsure):
        assert [cause.rank for cause in some] == sorted(cause.rank for cause in some)


@pytest.mark.parametrize("name", LABELS)
def test_a_sentence_never_pretends_to_know(name: str) -> None:
    """What is not told has no size; what is told has its interval; what is not theirs says so."""
    unsure = cause_sentence(one(name, p=0.3))
    assert "points of quota" not in unsure
    assert "ask rather than tell" in unsure
    if name != LUCK:
        firm, leaning = cause_sentence(one(name)), cause_sentence(one(name, p=0.65))
        assert "about 30 points of quota (10 to 50)" in firm
        assert ("Not {yours} to change" in firm) == (name in OURS)
        assert "may still be chance" in leaning
        assert "may still be chance" not in firm
        assert ("as far" in firm or "data reach back" in firm) == (
            name not in OURS and name not in TIMELESS
        )


@pytest.mark.parametrize("seed", range(4))
def test_advice_is_short_and_takes_turns(seed: int) -> None:
    """At most three pieces, none twice, and no cause a second time before each had one."""
    chance = np.random.default_rng(seed)
    names = chance.choice(
        [n for n in LABELS if n != LUCK], int(chance.integers(1, 6)), replace=False
    )
    causes = [one(str(name), rank=k) for k, name in enumerate(names, start=1)]
    advice = advise(causes, BOOK)
    assert 1 <= len(advice) <= MOST
    assert len({piece.play.name for piece in advice}) == len(advice)
    assert [piece.cause.name for piece in advice][: len(names)] == list(names)[:MOST]
    for piece in advice:
        said = piece.to_json("Ada Abel")
        assert said["because"]["cause"] == piece.play.cause
        assert said["basis"] == "association"
        assert "Ada Abel" not in said["rep"]
    assert advise([], BOOK) == []
    assert advise([one(p=0.2)], BOOK) == []


@pytest.mark.parametrize("name", [name for name in LABELS if name != LUCK])
def test_a_plan_is_dated_in_order_and_ends_with_a_look_back(name: str) -> None:
    """Four steps that lie ahead; a measured one is looked at beside what was expected anyway."""
    advice = advise([one(name)], BOOK)
    steps = propose_plan(advice, AS_OF)
    days = [(step.due - AS_OF).days for step in steps]
    assert len(steps) == 4
    assert days == sorted(set(days))
    assert days[1] == LOOK_DAYS
    assert ("to be expected anyway" in steps[-1].text) == (advice[0].play.measure is not None)
    assert {step.who for step in steps} <= {"rep", "manager", "both"}
    if advice[0].play.addressee == "company":
        assert "rep" not in {step.who for step in steps}
    assert propose_plan(advise([one(name, size=LEAST_SIZE - 0.01)], BOOK), AS_OF) == ()


@pytest.mark.parametrize("seed", range(4))
def test_at_most_five_numbers_and_each_named_once(make_company: Make, seed: int) -> None:
    """However many grounds and causes are known; a number that is withheld is not shown."""
    chance = np.random.default_rng(seed)
    names = chance.choice([*OWN], 3, replace=False)
    rows = [cause("r0", str(name), k) for k, name in enumerate(names, start=1)]
    metrics = ("wins", "conversions", "bookings", "wins")[: int(chance.integers(2, 4))]
    company = make_company(rows, [ground("r0", metric, 9, 5.0, 2) for metric in metrics])
    sheet = make_sheet(company, "r0", BOOK, ())
    assert 1 <= len(sheet.numbers) <= MOST_NUMBERS
    figures = [number.figure for number in sheet.numbers]
    assert len(figures) == len(set(figures))
    assert "chance" not in figures
    assert set(figures) <= set(sheet.figures)
    every = list(numbers_of(company, "r0", causes_of(company.inputs.causes, "r0")))
    assert list(sheet.numbers) == every[:MOST_NUMBERS]
    main = next(c for c in sheet.told if c.name in OF_CAUSE)
    assert every[-1].figure == OF_CAUSE[main.name].name


def test_where_nothing_was_expected_and_nothing_came_no_number_stands(make_company: Make) -> None:
    """A nought beside a nought tells nobody anything; one win is one deal."""
    nothing = make_company([], [ground("r0", "wins", 0, 0.01, 0.1)])
    assert [n.figure for n in numbers_of(nothing, "r0", ())] == ["attained"]
    single = make_company([], [ground("r0", "wins", 1, 0.01, 0.1)])
    assert [n.label for n in numbers_of(single, "r0", ())][1] == "deal won"


def below(make_company: Make, actual: float, expected: float, wide: float) -> Ground | None:
    """Return what is found below expectation for a count."""
    return below_expectation(make_company([], [ground("r0", "wins", actual, expected, wide)]), "r0")


def test_only_what_lies_beyond_luck_is_below_expectation(make_company: Make) -> None:
    """Two fewer than four is luck; ten fewer than twenty is not, unless that is vague."""
    assert below(make_company, 2, 4, 0.5) is None
    assert below(make_company, 10, 20, 3) is not None
    assert below(make_company, 10, 20, 12) is None
    assert below(make_company, 24, 20, 3) is None
    edge = 20 - BEYOND_LUCK * np.sqrt(20)
    assert below(make_company, edge + 0.1, 20, 1) is None
    assert below(make_company, edge - 0.1, 20, 1) is not None


def test_a_difference_that_may_be_luck_is_said_to_be(make_company: Make) -> None:
    """In the sentence of the count, with the range of the expectation."""
    company = make_company(
        [], [ground("r0", "wins", 6, 5, 0.5), ground("r0", "conversions", 30, 12, 4)]
    )
    near, far = company.grounds_of("r0")
    assert "may be luck" in ground_sentence(near)
    assert "luck" not in ground_sentence(far)
    assert ground_sentence(far).startswith(
        "Leads turned into deals: 30, where about 12 (8.0 to 16)"
    )


def test_praise_never_speaks_of_what_is_held_against_the_rep(make_company: Make) -> None:
    """A measure of a told cause is not praised, however many others are left."""
    company = make_company()
    for avoided in ([*OF_CAUSE][:k] for k in range(len(OF_CAUSE) + 1)):
        said = praise(company, "r3", avoided)
        assert tone_of(said, may_claim=False) is None
        for name in avoided:
            assert OF_CAUSE[name].label not in said.lower() or "year" in said


def committed(make_company: Make, days: int, facts: dict[str, float], due: int = 0) -> str:
    """Say what became of a commitment to touches that began so many days ago."""
    begun = AS_OF - timedelta(days=days)
    line = CoachingLine(
        begun, "Ann", "r0", CoachingEvent.COMMITTED, "Two slots a day", 1, "touches",
        AS_OF - timedelta(days=due), {"as_of": begun.isoformat(), **facts},
    )  # fmt: skip
    company = make_company(log=[line])
    return became(company, items_of(company.log_of("r0"))[0])


@pytest.mark.parametrize("name", MEASURES)
def test_what_was_to_be_expected_lies_between_the_value_and_the_usual(
    make_company: Make, name: str
) -> None:
    """The guard against regression to the mean: reps off the usual are expected nearer to it."""
    company, moves = make_company(), GOALS.of[name]
    line = moves.now.assign(distance=np.abs(moves.now["value"] - moves.now["value"].median()))
    furthest = line.sort_values("distance").iloc[-1]
    facts = baseline(company, str(furthest["rep_id"]), name)
    assert facts["value"] == furthest["value"]
    assert facts["low"] <= facts["expected"] <= facts["high"]
    usual = moves.expected(float(moves.now["value"].median()), float(furthest["count"]))[0]
    assert abs(facts["expected"] - usual) <= abs(facts["value"] - usual) + 1e-9


@pytest.mark.parametrize("days", [0, 1, 45, 90, 91, 200])
def test_nothing_is_judged_before_its_window_is_over(make_company: Make, days: int) -> None:
    """Less than 91 days after it was agreed, no value is set beside what was expected."""
    said = committed(make_company, days, {"value": 1.0, "expected": 1.0, "low": 0.9, "high": 1.1})
    assert ("Without doing anything" in said) == (days >= WINDOW_DAYS)
    assert ("of the 91 days" in said) == (1 <= days < WINDOW_DAYS)
    for word in ("success", "worked", "thanks to", "because", *CAUSAL):
        assert f" {word} " not in said


def test_a_value_is_read_when_it_was_due_and_not_later(make_company: Make) -> None:
    """A commitment that was due a month ago is judged by the window that ended then."""
    facts = {"value": 50.0, "expected": 50.0, "low": 0.0, "high": 1e6}
    then, now = (committed(make_company, 200, facts, due=due) for due in (30, 0))
    for said, end in ((then, AS_OF - timedelta(days=30)), (now, AS_OF)):
        rows = measured(RECORD, TOUCHES, [end]).set_index("rep_id")["value"]
        assert f"{value_of(TOUCHES, float(rows['r0']))} now" in said
        assert "within it, so it says little either way" in said


def test_where_too_little_was_known_nothing_is_compared(make_company: Make) -> None:
    """Without a value no measure is spoken of; without an expectation that is said."""
    assert "Measured" not in committed(make_company, 120, {})
    assert "is not known" in committed(make_company, 120, {"value": 40.0})
    company = make_company()
    unknown = baseline(company, "nobody", "touches")
    assert set(unknown) == {"as_of"}


def test_each_later_event_has_something_that_it_may_close() -> None:
    """And what it closes is something that begins an item."""
    for later, firsts in CLOSES.items():
        assert later not in BEGINS
        assert set(firsts) <= set(BEGINS)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measured_commitment_is_due_when_its_window_is_over(
    make_company: Make, measure: str
) -> None:
    """Whatever is measured, and unless somebody says otherwise; an unmeasured one has no date."""
    sheet = make_sheet(make_company(), "r1", BOOK, ())
    writer = Writer(sheet, "Ann", AS_OF)
    (line,) = writer.commit("Look again", None, measure)
    assert line.due == AS_OF + timedelta(days=WINDOW_DAYS)
    (other,) = writer.commit("Look again", END, measure)
    assert other.due == END
    (plain,) = writer.commit("Look again", None, None)
    assert (plain.due, plain.facts, plain.figure) == (None, {}, None)


@pytest.mark.parametrize("cause_name", OF_CAUSE)
def test_a_goal_is_said_with_its_chance_and_what_comes_anyway(cause_name: str) -> None:
    """Every goal that is proposed: both numbers, the date, and no promise."""
    said = [
        (goal, goal_sentence(goal))
        for rep in RECORD.people["rep_id"]
        for goal in GOALS.propose(str(rep), cause_name)
    ]
    assert said
    for goal, sentence in said:
        assert whole(goal.chance) in sentence
        assert f"{goal.due:%Y-%m-%d}" in sentence
        assert "drift back by themselves" in sentence
        assert tone_of(sentence, may_claim=False) is None
        assert goal_json(goal)["expected"] == goal.expected


def test_pairs_hold_nobody_twice_and_name_both(make_company: Make) -> None:
    """Of eight reps with needs of two kinds; in any order of rows the same pairs are proposed."""
    rows = [cause(f"r{k}", ("closing", "qualifying")[k % 2], size=0.2 + k / 50) for k in range(7)]
    pairs = propose_pairs(make_company(rows))
    members = [rep for pair in pairs for rep in (pair.opens, pair.closes)]
    assert pairs
    assert len(members) == len(set(members))
    for pair in pairs:
        assert pair.other(pair.opens) == pair.closes
        assert pair.other("r99") is None
        assert tone_of(pair.says, may_claim=False) is None
    assert [p.to_json() for p in propose_pairs(make_company(rows[::-1]))] == [
        p.to_json() for p in pairs
    ]


@pytest.mark.parametrize(("level", "is_proposed"), [(0.9, True), (0.8, False)])
def test_a_pair_lacks_nothing_that_weighs_in_what_it_is_to_give(
    level: float, make_company: Make, *, is_proposed: bool
) -> None:
    """A year surely below the rates keeps an opener out only from where it is a need itself."""
    rows = [cause("r0", "closing", size=0.3), cause("r1", "qualifying", size=0.3)]
    company = make_company(rows)
    own = Ratio(200, int(80 * level), 80.0, level, level - 0.05, level + 0.05)
    ratios = {QUALIFYING: {"r0": own}, CLOSING: {}}
    pairs = propose_pairs(replace(company, levels=ratios))
    assert [(p.opens, p.closes) for p in pairs if p.both] == ([("r0", "r1")] if is_proposed else [])


VERBS = ("have", "are", "were", "do", "need", "know", "stand", "win", "close", "work")


@pytest.mark.parametrize(
    ("word", "is_capital"), [*product(("you", "your", "yours", *VERBS), (0, 1))]
)
def test_every_word_of_address_is_put_for_both(word: str, *, is_capital: int) -> None:
    """No brace is left, at the beginning of a sentence or within."""
    braced = f"{{{word.capitalize() if is_capital else word}}}"
    for reader in (MANAGER, REP):
        said = Voice(reader, "Ada Abel").says(f"{braced} x {braced}")
        assert "{" not in said
        assert said[:1].isupper() == (bool(is_capital) or said.startswith("Ada"))
    assert Voice(REP, "Ada Abel").is_rep


@pytest.mark.parametrize("value", [0.0, 4.4, 9.96, 10.0, 873.2, 44_786.0, 1e7, -2500.0])
def test_numbers_claim_no_more_than_three_digits(value: float) -> None:
    """Amounts are right to three digits, counts to one decimal, shares to a percent."""
    read = float(amount(value).replace(",", ""))
    assert read == pytest.approx(value, rel=0.006, abs=0.5)
    assert float(count(value)) == pytest.approx(value, abs=0.51)
    assert whole(value / 100) == f"{round(value)} %"
    for measure in MEASURES.values():
        assert value_of(measure, value).startswith(bare(measure, value))
        assert ("%" in bare(measure, value)) == (measure.scale is Scale.SHARE)
    assert plural(1, "deal") == "1 deal"
    assert plural(2000, "company", "companies") == "2,000 companies"


def test_people_without_a_row_have_no_causes() -> None:
    """An empty frame of causes is read as none, for anybody."""
    nothing = pd.DataFrame({"rep_id": [], "rank": []})
    assert causes_of(nothing, "r0") == ()
    assert told_of(()) == open_of(()) == ()
