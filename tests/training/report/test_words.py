"""Laws of how figures are written, and of what the glossaries say."""

from __future__ import annotations

import pytest

from training.evaluation import lead_group, quota_metrics
from training.evaluation.bootstrap import WITHHELD, Estimate
from training.report.lead_glossary import TERMS, Term
from training.report.page import across
from training.report.quota_glossary import QUOTA_TERMS
from training.report.words import NBSP, between, listing, of_ten, percent, points

ALL_TERMS = [*TERMS.values(), *QUOTA_TERMS.values()]


@pytest.mark.parametrize(
    ("share", "digits", "words"),
    [
        (0.0, 0, "0 %"),
        (0.004, 0, "0.4 %"),
        (-0.004, 0, "-0.4 %"),
        (0.0994, 0, "9.9 %"),
        (0.0996, 0, "10 %"),
        (0.48, 0, "48 %"),
        (0.48, 1, "48.0 %"),
        (1.0, 0, "100 %"),
        (None, 0, "withheld"),
    ],
)
def test_small_percentages_keep_a_digit(share: float | None, digits: int, words: str) -> None:
    """0.4 % is not 0 %, and 48.2 % is no better known than 48 %."""
    assert percent(share, digits).replace(NBSP, " ") == words


def test_a_percentage_is_not_broken_over_two_lines() -> None:
    """Number and sign are joined by a no-break space."""
    assert percent(0.48) == f"48{NBSP}%"


def test_differences_of_shares_are_points() -> None:
    """With one digit, or withheld."""
    assert [points(0.0072), points(None)] == ["0.7 percentage points", "withheld"]


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.3, "3 of 10"), (0.531, "5.3 of 10"), (1.0, "10 of 10"), (0.0, "0 of 10")],
)
def test_shares_of_ten_are_whole_where_they_can_be(share: float, words: str) -> None:
    """3 of 10, and not 3.0 of 10."""
    assert of_ten(share) == words


def test_an_interval_is_written_only_where_there_is_one() -> None:
    """As numbers or as percentages; an estimate without interval says so."""
    figure = Estimate(0.7, 0.614, 0.8)
    assert between(figure) == "0.61 to 0.80"
    assert between(figure, digits=1) == "0.6 to 0.8"
    assert between(figure, as_percent=True).replace(NBSP, " ") == "61 % to 80 %"
    assert between(Estimate(0.7)) == between(WITHHELD) == "no interval"


@pytest.mark.parametrize(
    ("names", "words"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_joined_as_in_a_sentence(names: list[str], words: str) -> None:
    """With commas and a last `and`."""
    assert listing(names) == words


def test_the_glossaries_explain_every_metric_and_nothing_else() -> None:
    """For leads and for quotas."""
    assert set(TERMS) == set(lead_group.METRICS)
    assert set(QUOTA_TERMS) == set(quota_metrics.METRICS)


@pytest.mark.parametrize("term", ALL_TERMS, ids=lambda term: term.key)
def test_a_term_has_a_title_and_a_sentence(term: Term) -> None:
    """A capital, a full stop, and the words of the page: forecast, outcome, scored."""
    assert term.title[0].isupper()
    assert term.meaning[0].isupper()
    assert term.meaning.endswith(".")
    assert not {"said", "told", "judged"} & set(term.meaning.lower().split())


@pytest.mark.parametrize(
    ("terms", "higher", "neutral"),
    [
        (TERMS, lead_group.LeadGroup.higher, lead_group.LeadGroup.neutral),
        (QUOTA_TERMS, quota_metrics.HIGHER, quota_metrics.NEUTRAL),
    ],
    ids=["leads", "quotas"],
)
def test_the_direction_on_the_page_is_that_of_the_verdicts(
    terms: dict[str, Term], higher: frozenset[str], neutral: frozenset[str]
) -> None:
    """Higher where the verdict says so, lower elsewhere, and neither for neutral metrics."""
    for key, term in terms.items():
        if key in neutral:
            assert term.better not in ("higher", "lower"), key
        else:
            assert term.better == ("higher" if key in higher else "lower"), key
        assert term.direction == (f"{term.better} is better" if term.better else "")


@pytest.mark.parametrize(
    ("key", "value", "signed", "words"),
    [
        ("auc", 0.77149, False, "0.771"),
        ("auc", -0.0123, True, "-0.012"),
        ("auc", 0.0004, True, "0.000"),
        ("brier", 0.05501, False, "0.0550"),
        ("lift", 2.346, False, "2.35x"),
        ("lift", 0.5, True, "+0.50x"),
        ("capture", 0.534, False, "53 %"),
        ("capture", 0.123, True, "+12.3 pts"),
        ("capture", None, False, "withheld"),
    ],
)
def test_figures_are_written_in_their_unit(
    key: str,
    value: float | None,
    signed: bool,  # noqa: FBT001 - a case of the table
    words: str,
) -> None:
    """Differences carry a sign, unless they round to nothing; those of shares are points."""
    assert TERMS[key].write(value, signed=signed).replace(NBSP, " ") == words


def test_an_interval_is_written_in_the_unit_too() -> None:
    """Empty where there is none."""
    figure = Estimate(0.5, 0.4, 0.6)
    assert TERMS["capture"].interval(figure).replace(NBSP, " ") == "40 % to 60 %"
    assert TERMS["auc"].interval(figure, signed=True) == "+0.400 to +0.600"
    assert TERMS["auc"].interval(Estimate(0.5)) == ""


@pytest.mark.parametrize(
    ("value", "place"), [(0.5, "0.00%"), (0.75, "50.00%"), (1.0, "100.00%"), (0.1, "0.00%")]
)
def test_marks_stay_on_their_line(value: float, place: str) -> None:
    """A value beyond the span is drawn at its end."""
    assert across(value, (0.5, 1.0)) == place


def test_a_span_of_nothing_is_no_error() -> None:
    """Where all values are the same there is nothing to divide by."""
    assert across(0.5, (0.5, 0.5)) == "0.00%"
