"""What is declared of every feature: a topic, a lever or none, words, and the columns' order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random

import pytest
from engines import Engine
from histories import Case, random_case
from sales_histories import sales_case

from features.build import Examples, build
from features.definitions.deal import deal_features
from features.definitions.lead import lead_features
from features.definitions.lead_activity import acted
from features.definitions.rep import rep_features
from features.feature import Aggregate, Feature, FeatureSet, PeerRank, Ratio, Segment, Unit
from features.history.vocabulary import Vocabulary, read_vocabulary
from features.params import FeatureParams
from features.subjects import DEAL, LEAD, REP, Subject
from features.texts import Theme, Who

Declare = Callable[[Vocabulary, FeatureParams], FeatureSet]
DECLARED: dict[Subject, Declare] = {LEAD: lead_features, DEAL: deal_features, REP: rep_features}
CASES: dict[Subject, Callable[[Random], Case]] = {
    LEAD: random_case,
    DEAL: sales_case,
    REP: sales_case,
}
SEEDS = {LEAD: (11, 30), DEAL: (12,), REP: (12,)}
"""Companies with open leads, open deals and running quotas, and most kinds of words."""
WORDS = Vocabulary(
    types=("call", "e-mail", "Call", "demo_booked"),
    directions=("inbound", "outbound"),
    outcomes=("reached", "no answer"),
    numbers=("pages",),
    stages=("new", "offer"),
    fields={"priority": ("low", "high"), "budget": None},
    columns={
        "accounts.size": None,
        "leads.source": ("web", "fair"),
        "leads.value": None,
        "reps.team": ("red", "blue"),
    },
)
PARAMS = FeatureParams(windows_days=(1, 3, 7, 14, 30, 90))
SAMPLES = (math.nan, 0.0, 1.0, 2.0, 0.96, 137.25, -3.0)


@pytest.fixture(scope="module")
def built(duckdb: Engine) -> dict[Subject, list[Examples]]:
    """Build everything that is declared for random companies."""

    def build_one(subject: Subject, seed: int) -> Examples:
        case = CASES[subject](Random(seed))  # noqa: S311 - no secret
        with duckdb.open(case.extract) as warehouse:
            words = read_vocabulary(warehouse.until(None), case.params, subject)
            declared = DECLARED[subject](words, case.params)
            return build(warehouse, declared, words, case.cutoffs, case.params)

    return {s: [build_one(s, seed) for seed in seeds] for s, seeds in SEEDS.items()}


def sets(built: dict[Subject, list[Examples]], subject: Subject) -> Iterator[FeatureSet]:
    """The declarations for a hand-made vocabulary, and those for random companies."""
    yield DECLARED[subject](WORDS, PARAMS)
    yield from (examples.feature_set for examples in built[subject])


def subjects(test: Callable[..., None]) -> Callable[..., None]:
    """Try a law on the features of leads, of deals and of reps."""
    return pytest.mark.parametrize("subject", list(DECLARED), ids=lambda s: s.kind)(test)


@subjects
def test_every_feature_has_a_topic_that_people_can_read(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """No feature is without a topic, a label or words, and a topic has one label."""
    for declared in sets(built, subject):
        labels: dict[str, set[str]] = {}
        for feature in declared:
            assert feature.topic.strip()
            assert feature.about.label.strip()
            assert feature.says.strip()
            labels.setdefault(feature.topic, set()).add(feature.about.label)
        assert not {topic: found for topic, found in labels.items() if len(found) > 1}


@subjects
def test_windows_of_the_same_activity_share_a_topic(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """Features that look at the same rows through other windows are about the same thing."""
    for declared in sets(built, subject):
        topics: dict[object, set[str]] = {}
        for feature in declared:
            if isinstance(feature.how, Aggregate) and feature.how.wide_days is None:
                topics.setdefault((feature.source, feature.how), set()).add(feature.topic)
        assert not {how: found for how, found in topics.items() if len(found) > 1}


@subjects
def test_a_word_of_the_data_has_a_topic_of_its_own(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """Whatever is counted or timed of one activity type, and of it alone, is one topic."""
    for declared in sets(built, subject):
        topics: dict[tuple[object, ...], set[str]] = {}
        for feature in declared:
            how = feature.how
            # Stages follow each other, and are one topic.
            if isinstance(how, Aggregate) and how.code is not None and how.by != "stage":
                topics.setdefault((feature.source, how.by, how.code), set()).add(feature.topic)
        every = [topic for group in topics.values() for topic in group]
        assert len(every) == len(set(every)) == len(topics)


@subjects
def test_a_rank_is_about_what_is_ranked(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """A rank by age is about the age, and a ratio of two waits about the activity."""
    for declared in sets(built, subject):
        by_name = {feature.name: feature for feature in declared}
        for feature in declared:
            if isinstance(feature.how, PeerRank | Ratio):
                compared = by_name[feature.how.of]
                assert (feature.topic, feature.who) == (compared.topic, compared.who)


@subjects
def test_a_topic_has_one_theme(built: dict[Subject, list[Examples]], subject: Subject) -> None:
    """What makes one reason belongs together: one label, one theme."""
    for declared in sets(built, subject):
        topics: dict[str, set[tuple[str, Theme]]] = {}
        for feature in declared:
            topics.setdefault(feature.topic, set()).add((feature.about.label, feature.about.theme))
        assert not {topic: found for topic, found in topics.items() if len(found) > 1}


def test_what_people_would_do_differently_is_told_apart() -> None:
    """More work, sooner work and steadier work are three topics; so are a stage and the wait."""
    topics = {feature.name: feature.topic for feature in lead_features(WORDS, PARAMS)}
    amount = {topics[n] for n in ("touches_7d", "touches_all", "active_days_all")}
    recency = {topics[n] for n in ("days_since_touch", "rank_days_since_touch", "overdue")}
    pace = {topics[n] for n in ("days_between_touches", "days_since_first_touch")}
    assert [len(found) for found in (amount, recency, pace)] == [1, 1, 1]
    assert len(amount | recency | pace) == 3
    assert topics["stage"] != topics["days_in_stage"] == topics["stage_changes"]


def test_what_came_back_is_not_our_work() -> None:
    """Calls are the rep's, what came of them and what came in is the lead's."""
    abouts = {feature.name: feature.about for feature in lead_features(WORDS, PARAMS)}
    for name in ("touches_7d", "type_call_7d", "direction_outbound_7d", "first_response_hours"):
        assert (abouts[name].theme, abouts[name].who) == (Theme.WORK, Who.REP), name
    outcomes = [name for name in abouts if "outcome_" in name]
    assert outcomes
    for name in ("direction_inbound_7d", *outcomes):
        assert (abouts[name].theme, abouts[name].who) == (Theme.ANSWERS, Who.LEAD), name


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("call", Who.REP),
        ("web_visit", Who.LEAD),
        ("site visit", Who.REP),
        ("Inbound-call", Who.LEAD),
        ("check in", Who.REP),
        ("in", Who.LEAD),
        ("email opened", Who.LEAD),
    ],
)
def test_words_say_whose_doing_an_activity_is(word: str, who: Who) -> None:
    """A visit to the web site is the lead's, a visit on site the rep's."""
    assert acted("x", word, word, Who.LEAD).who is who


@subjects
def test_only_reps_and_the_company_hold_levers(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """Nobody acts on the market, the lead or the customer; some levers there are."""
    for declared in sets(built, subject):
        held = {feature.who for feature in declared if feature.lever is not None}
        assert held == {Who.REP, Who.COMPANY}
        assert all(len(feature.lever or "") < 16 for feature in declared)


def test_what_nobody_can_act_on_has_no_lever() -> None:
    """Age, source, weekday and the company's pace are as they are; calls and the owner are not."""
    levers = {feature.name: feature.lever for feature in lead_features(WORDS, PARAMS)}
    for name in ("age_days", "leads_source", "weekday", "company_rate", "stage", "rank_age_days"):
        assert levers[name] is None
    assert levers["touches_7d"] == levers["type_call_7d"] == levers["overdue"] == "activity"
    assert levers["direction_outbound_7d"] == "activity"
    assert levers["direction_inbound_7d"] is None
    assert levers["owner_load"] == "assignment"


def test_reports_are_split_by_source_stage_and_team() -> None:
    """Three features of a lead name a part of the company, each another one."""
    segments = {f.name: f.segment for f in lead_features(WORDS, PARAMS) if f.segment is not None}
    assert segments == {
        "leads_source": Segment.SOURCE,
        "stage": Segment.STAGE,
        "owner_team": Segment.TEAM,
    }


@subjects
def test_what_is_common_has_one_value_at_each_cutoff(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """The calendar and the company's pace are the same for all; an age or an amount is not."""
    for examples in built[subject]:
        values = examples.X.groupby(examples.keys["cutoff"].to_numpy()).nunique(dropna=False).max()
        common = [feature.name for feature in examples.feature_set if feature.is_common]
        assert {"weekday", "day_of_month", "days_to_month_end", "days_to_quarter_end"} < {*common}
        assert (values[common] == 1).all()
        assert not {"age_days", "tenure_days", "amount"} & {*common}


def test_dates_of_deals_are_declared() -> None:
    """The deal model does without these columns while no season has come twice."""
    assert {f.name for f in deal_features(WORDS, PARAMS) if f.is_common} == {
        "weekday",
        "day_of_month",
        "days_to_month_end",
        "days_to_quarter_end",
        "company_rate",
        "company_open",
        "company_inflow",
    }


@subjects
def test_yes_or_no_is_one_or_zero(built: dict[Subject, list[Examples]], subject: Subject) -> None:
    """Each kind has a feature that is yes or no, and it is never anything else."""
    for examples in built[subject]:
        boolean = [f.name for f in examples.feature_set if f.unit is Unit.BOOLEAN]
        assert boolean
        assert examples.X[boolean].isin([0.0, 1.0]).all(axis=None)


@subjects
def test_ranks_are_shares_above_nothing(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """A rank says 'older than 96 %': it lies above 0 and reaches 1 for the first of all."""
    for examples in built[subject]:
        ranks = [f.name for f in examples.feature_set if isinstance(f.how, PeerRank)]
        assert bool(ranks) == (subject is not REP)
        for name in ranks:
            values = examples.X[name].dropna()
            assert ((values > 0) & (values <= 1)).all()
            assert values.empty or values.max() > 0.5  # of two that are equal each ranks 0.75


@subjects
def test_every_value_has_its_sentence(
    built: dict[Subject, list[Examples]], subject: Subject
) -> None:
    """Of any value something is said, with nothing left open; of none, that it is missing."""
    for declared in sets(built, subject):
        for feature in declared:
            for value in SAMPLES:
                said = feature.phrase.says(value, "<{:g}>".format)
                assert said.strip()
                assert "{}" not in said
                assert "nan" not in said
                assert ("<" in said) <= (not math.isnan(value))


def words_of(feature: Feature) -> list[str]:
    """Everything that people read of a feature."""
    phrase = feature.phrase
    forms = (phrase.some, phrase.empty, phrase.zero, phrase.one, phrase.below, *phrase.names)
    return [feature.says, feature.about.label, *(form for form in forms if form is not None)]


@subjects
def test_words_are_plain(built: dict[Subject, list[Examples]], subject: Subject) -> None:
    """No underscores, no doubled spaces, no legend of numbers ("0 lowest, 1 highest")."""
    for declared in sets(built, subject):
        for feature in declared:
            for text in words_of(feature):
                assert text == " ".join(text.split()) or feature.categories is not None
                assert "_" not in text
                assert "highest" not in text


@subjects
def test_labels_tell_columns_apart(subject: Subject) -> None:
    """In a picture of all features no two have the same words."""
    says = [feature.says for feature in DECLARED[subject](WORDS, PARAMS)]
    assert sorted(says) == sorted(set(says))


FEW_WORDS = Vocabulary(
    types=("call",),
    directions=("inbound",),
    stages=("new", "offer"),
    columns={"leads.source": ("web", "fair"), "reps.team": ("red", "blue")},
)
NAMES = {
    LEAD: """
        age_days age_working_hours created_hour created_weekday is_do_not_contact leads_source
        touches_7d touches_30d touches_all duration_hours_30d duration_hours_all days_since_touch
        working_hours_since_touch days_since_first_touch duration_hours_mean days_between_touches
        first_response_hours type_call_7d type_call_30d type_call_all days_since_type_call
        days_since_first_type_call duration_hours_type_call_all last_type second_last_type
        newest_type days_since_newest_type direction_inbound_7d direction_inbound_30d
        direction_inbound_all days_since_direction_inbound active_days_7d active_days_30d
        active_days_all reps_7d reps_30d reps_all stage days_in_stage working_hours_in_stage
        stage_changes days_since_stage_new days_since_stage_offer owner_rate owner_resolved
        reps_rate_mean reps_rate_best owner_load owner_tenure_days owner_team company_rate
        inflow_against_outflow backlog won_of_backlog_week won_of_backlog_month weekday
        day_of_month days_to_month_end days_to_quarter_end rank_age_days rank_days_since_touch
        overdue
    """,
    DEAL: """
        age_days amount days_to_expected_close expected_days_in_all lead_to_deal_days has_lead
        leads_source stage_forward_30d stage_forward_all days_since_stage_forward stage_back_30d
        stage_back_all days_since_stage_back amount_up_30d amount_up_all days_since_amount_up
        amount_down_30d amount_down_all days_since_amount_down close_pushed_30d close_pushed_all
        days_since_close_pushed close_pulled_in_30d close_pulled_in_all days_since_close_pulled_in
        days_pushed days_since_change touches_7d touches_30d touches_all duration_hours_30d
        duration_hours_all days_since_touch working_hours_since_touch days_since_first_touch
        duration_hours_mean days_between_touches first_response_hours type_call_7d type_call_30d
        type_call_all days_since_type_call days_since_first_type_call duration_hours_type_call_all
        last_type second_last_type newest_type days_since_newest_type direction_inbound_7d
        direction_inbound_30d direction_inbound_all days_since_direction_inbound active_days_7d
        active_days_30d active_days_all reps_7d reps_30d reps_all stage days_in_stage
        working_hours_in_stage stage_changes days_since_stage_new days_since_stage_offer owner_rate
        owner_closed owner_won_90d owner_open owner_created_30d amount_against_owner
        owner_tenure_days owner_team company_rate company_open company_inflow
        amount_against_company weekday day_of_month days_to_month_end days_to_quarter_end
        rank_age_days rank_amount rank_days_since_touch
    """,
    REP: """
        quota share_gone working_share_gone days_left working_days_left period_days attained
        attained_deals attained_ratio linear_attainment company_curve seasonal_attainment missing
        past_periods last_attainment mean_attainment last_attainment_by_now mean_attainment_by_now
        quota_against_past quota_against_past_won pace_won_amount_90d pace_won_90d won_90d
        pace_won_amount_180d pace_won_180d won_180d pace_won_amount_365d pace_won_365d won_365d
        mean_won median_won win_rate needed_against_pace open open_amount due due_amount overdue
        overdue_amount open_stage_new open_stage_new_amount open_stage_offer
        open_stage_offer_amount coverage due_coverage created_30d created_90d open_leads leads_30d
        conversions_30d leads_90d conversions_90d lead_rate tenure_days tenure_at_start_days
        has_left rep_team company_attained_ratio company_past_attainment
        company_open_against_quota company_leads_per_rep company_reps territory_attained_ratio
        territory_past_attainment territory_open_against_quota territory_leads_per_rep
        territory_reps manager_attained_ratio manager_past_attainment manager_open_against_quota
        manager_leads_per_rep manager_reps company_win_rate weekday day_of_month days_to_month_end
        days_to_quarter_end start_month touches_7d touches_30d active_days_7d active_days_30d
        days_since_touch type_call_7d type_call_30d direction_inbound_7d direction_inbound_30d
    """,
}


@subjects
def test_columns_stand_in_their_order(subject: Subject) -> None:
    """The order of columns decides the last bits of a model, so that it does not change by chance.

    Adding a feature on purpose is a line here; moving one is a mistake.
    """
    declared = DECLARED[subject](FEW_WORDS, FeatureParams(windows_days=(7, 30)))
    assert declared.names == NAMES[subject].split()


def test_categories_and_windows_are_those_of_the_data() -> None:
    """A category's words are the frozen list; each type is counted over two windows and all."""
    declared = {feature.name: feature for feature in lead_features(WORDS, PARAMS)}
    assert declared["stage"].categories == ("new", "offer")
    assert declared["leads_source"].categories == ("web", "fair")
    assert declared["last_type"].categories == WORDS.types
    assert declared["leads_value"].categories is None
    windows = [f.window_days for f in declared.values() if f.name.startswith("type_e_mail_")]
    assert windows == [7, 90, None]


def test_words_that_differ_in_case_alone_are_two_columns() -> None:
    """'call' and 'Call' are two types of activity, with names and topics of their own."""
    declared = {feature.name: feature for feature in lead_features(WORDS, PARAMS)}
    assert declared["type_call_7d"].about.label == "'call'"
    assert declared["type_call_2_7d"].about.label == "'Call'"
    assert declared["type_call_7d"].topic != declared["type_call_2_7d"].topic
    assert declared["type_demo_booked_7d"].about.label == "'demo booked'"
