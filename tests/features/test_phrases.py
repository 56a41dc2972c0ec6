"""Words become names of columns, values become sentences, topics have a name and a label."""

from __future__ import annotations

import math
import re
from random import Random

import pytest

from features.errors import FeatureError
from features.texts import PLAIN, About, Phrase, Who, slugs

LETTERS = "aB 0_-é'?!{}"


@pytest.mark.parametrize("seed", range(20))
def test_unlike_words_get_unlike_names(seed: int) -> None:
    """However words are spelt, each has a name of its own that a file would not change."""
    rng = Random(seed)  # noqa: S311 - no secret
    words = list({"".join(rng.choices(LETTERS, k=rng.randrange(1, 9))) for _ in range(60)})
    names = slugs(words)
    assert list(names) == words
    assert len(set(names.values())) == len(words)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names.values())


def test_names_are_kept_short_and_counted() -> None:
    """Long words are cut, and what is then alike is numbered in the order of the words."""
    long = "a" * 60
    assert slugs([long, long + "b", long + "c"]) == {
        long: "a" * 40,
        long + "b": "a" * 40 + "_2",
        long + "c": "a" * 40 + "_3",
    }
    assert slugs(["x_2", "x", "X"]) == {"x_2": "x_2", "x": "x", "X": "x_3"}
    assert slugs([]) == {}


def number(value: float) -> str:
    """Write a number as it is."""
    return f"{value:g}"


def test_a_phrase_chooses_its_form() -> None:
    """None, one, several, fewer than none, and no value at all."""
    phrase = Phrase("{} more calls", "not known", "as many calls", "1 more call", "{} fewer calls")
    said = [phrase.says(value, number) for value in (0.0, 1.0, 2.5, -2.5, math.nan)]
    assert said == [
        "as many calls",
        "1 more call",
        "2.5 more calls",
        "2.5 fewer calls",
        "not known",
    ]


def test_without_a_form_of_their_own_all_values_are_said_alike() -> None:
    """The plain phrase says the value, whatever it is."""
    assert [PLAIN.says(v, number) for v in (0.0, 1.0, -2.0)] == ["0", "1", "-2"]
    assert PLAIN.says(math.nan, number) == "not known"


def test_whole_numbers_may_have_names() -> None:
    """0 is Monday, 1 is Tuesday; what has no name is said as a number."""
    day = Phrase("it is a {}", names=("Monday", "Tuesday"))
    said = [day.says(value, number) for value in (0.0, 1.0, 2.0, 0.5, math.inf)]
    assert said == ["it is a Monday", "it is a Tuesday", "it is a 2", "it is a 0.5", "it is a inf"]


def test_a_value_may_be_said_twice() -> None:
    """Every place for it is filled."""
    hour = Phrase("between {}:00 and {}:59")
    assert hour.says(14.0, number) == "between 14:00 and 14:59"


def test_words_may_follow_every_form_but_the_empty_one() -> None:
    """A window belongs to what was counted, not to what is unknown."""
    phrase = Phrase("{} calls", "no call yet", "no call", "1 call", "minus {} calls")
    lately = phrase.followed_by("lately")
    assert lately == Phrase(
        "{} calls lately", "no call yet", "no call lately", "1 call lately", "minus {} calls lately"
    )
    assert PLAIN.followed_by("ago") == Phrase("{} ago")


@pytest.mark.parametrize("phrase", [{"some": "no place"}, {"below": "no place"}])
def test_a_phrase_without_a_place_for_its_value_is_refused(phrase: dict[str, str]) -> None:
    """A sentence that would say the same of every value says nothing."""
    with pytest.raises(FeatureError, match="no place for its value"):
        Phrase(**phrase)  # type: ignore[arg-type]


@pytest.mark.parametrize(("topic", "label"), [("", "calls"), ("calls", "")])
def test_a_topic_has_a_name_and_a_label(topic: str, label: str) -> None:
    """What features are about can be named, by files and by people."""
    with pytest.raises(FeatureError, match="one is empty"):
        About(topic, label, Who.REP)


@pytest.mark.parametrize("who", [Who.LEAD, Who.CUSTOMER, Who.MARKET])
def test_levers_are_in_the_companys_hands(who: Who) -> None:
    """Nobody here changes the market, a lead or a customer, so that they have no lever."""
    assert About("age", "age", who).lever is None
    with pytest.raises(FeatureError, match="nobody pulls a lever"):
        About("age", "age", who, "age")
