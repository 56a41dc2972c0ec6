"""The page of what a call is worth stands alone and shows what was checked, or why nothing was."""

from __future__ import annotations

from typing import Any

import pytest

from training.calls.checks_page import render

ARM = [0.03, 0.1, 0.2, 0.27, 0.33, 0.4, 0.6]
ABOUT: dict[str, Any] = {
    "says": "calls: of 9,000 past attempts 23 % got through; checks: they are below",
    "average": {"value": 0.023, "low": 0.02, "high": 0.027},
    "overlap": {"treated": ARM, "control": [0.8 * share for share in ARM]},
    "balance": {
        "unbalanced_before": 3,
        "unbalanced_after": 0,
        "widest": [
            {"name": "a", "before": 0.4, "after": 0.01, "says": "visits <b>of late</b>"},
            {"name": "b", "before": -0.2, "after": -0.02, "says": "days without a touch"},
        ],
    },
    "e_value_of_limit": 1.7,
    "placebos": [
        {"name": "dealt out anew", "passes": True, "value": 0.001, "low": -0.01, "high": 0.01}
    ],
}


def test_the_page_shows_overlap_balance_and_what_must_be_zero() -> None:
    """Three charts; words of the data are escaped, and nothing is fetched."""
    page = render(ABOUT)
    assert page.count('<svg class="chart"') == 3
    assert "Getting through has gone along with +2.3 points (+2.0 to +2.7)" in page
    assert "3 features differ between reached and missed, 0 after weighting" in page
    assert "visits &lt;b&gt;of late&lt;/b&gt;: +0.40 before, +0.01 after" in page
    assert "they are below" not in page
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_a_placebo_that_could_not_be_made_is_left_out() -> None:
    """Without any there is no chart of them."""
    nothing = {"name": "dealt out anew", "passes": False, "value": None, "low": None, "high": None}
    assert render({**ABOUT, "placebos": [nothing]}).count('<svg class="chart"') == 2


@pytest.mark.parametrize(
    ("about", "headline"),
    [
        ({"says": "the data do not say how calls ended"}, "Past calls do not tell"),
        (
            {"says": "not beyond luck", "average": {"value": 0.001, "low": -0.01, "high": 0.01}},
            "Getting through has gone along with +0.1 points (-1.0 to +1.0)",
        ),
    ],
)
def test_where_nothing_was_learned_the_page_says_why(about: dict[str, Any], headline: str) -> None:
    """No chart, and the reason."""
    page = render(about)
    assert headline in page
    assert about["says"][1:] in page
    assert "<svg class" not in page
