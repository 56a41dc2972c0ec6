"""The page of `worth` stands alone, draws the running interval, and shows nothing not told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lot_samples import ASKED, START, lots

from training.calls.holdout import answer
from training.calls.worth_page import render, thinned, told


@pytest.mark.parametrize("days", [2, 92])
def test_the_page_shows_what_is_known(days: int) -> None:
    """Charts and a table once there are figures; before, how it is measured and no figure."""
    known = answer(lots(1, 0.2, days=days), START + timedelta(days=122), ASKED)
    page = render(known, "Büro <3>")
    assert "Büro &lt;3&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
    is_known = days > 2
    assert page.count('<svg class="chart"') == 2 * is_known
    assert ("The list helps" in page) == is_known
    assert "How it is measured" in page
    if is_known:
        newest = told(known.looks["conversion"])[-1]
        assert f"{newest.day:%Y-%m-%d}</th><td>{newest.listed:,}" in page


def test_a_long_course_is_thinned_from_its_newest_day() -> None:
    """At most 14 rows, the newest first."""
    looks = told(answer(lots(1), START + timedelta(days=122), ASKED).looks["conversion"])
    rows = thinned(looks)
    assert rows[0] is looks[-1]
    assert 7 <= len(rows) <= 14
    assert [row.day for row in rows] == sorted((row.day for row in rows), reverse=True)
    assert thinned([]) == []
