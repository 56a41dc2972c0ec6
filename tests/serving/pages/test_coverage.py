"""Laws of the pipeline that a quota needs: the sum is right, and whoever checks it comes out."""

from __future__ import annotations

import re
from random import Random

import pytest
from made import forecast

from serving.pages.coverage import Coverage, coverage_of
from serving.pages.region import region_of

EN = region_of("en-US")
CHECKS = 0.02
"""Figures have three digits, so a sum of three of them is off by so much at most."""


def drawn(seed: int) -> Coverage:
    """Coverage of a random quota that is not reached yet."""
    chance = Random(seed)  # noqa: S311 - no secret
    quota = chance.uniform(10_000, 900_000)
    own = forecast(
        quota=quota,
        attained=quota * chance.uniform(0, 0.4),
        expected_new=quota * chance.uniform(0, 0.3),
        expected_open=quota * chance.uniform(0.005, 0.4),
    )
    return coverage_of(own, quota * chance.uniform(0.5, 6.0), EN)


def figures(line: str) -> list[float]:
    """Return the numbers of a line."""
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", line)]


@pytest.mark.parametrize("seed", range(40))
def test_whoever_checks_the_division_comes_out(seed: int) -> None:
    """The gap on the page divided by the share on the page is the pipeline on the page."""
    gap, share, needed = figures(drawn(seed).steps[-1])[:3]
    assert gap / (share / 100) == pytest.approx(needed, rel=CHECKS)


@pytest.mark.parametrize("seed", range(40))
def test_whoever_checks_the_subtraction_comes_out(seed: int) -> None:
    """Quota less closed less new deals is what is left for open deals."""
    quota, closed, new, gap = (figures(line)[-1] for line in drawn(seed).steps[:4])
    assert quota - closed - new == pytest.approx(gap, abs=CHECKS * quota)


@pytest.mark.parametrize("seed", range(40))
def test_whoever_checks_the_share_comes_out(seed: int) -> None:
    """What open deals bring, divided by their amount, is the share that is named."""
    amount, brings, share = figures(drawn(seed).steps[4])[:3]
    assert brings / amount == pytest.approx(share / 100, rel=CHECKS)


@pytest.mark.parametrize("seed", range(40))
def test_at_the_needed_pipeline_the_quota_is_just_reached(seed: int) -> None:
    """Closed, new, and the needed pipeline at its share add up to the quota."""
    coverage = drawn(seed)
    assert coverage.needed is not None
    assert coverage.yield_ is not None
    assert coverage.needed * coverage.yield_ == pytest.approx(coverage.gap)
    assert coverage.is_enough == (coverage.open_amount >= coverage.needed)


@pytest.mark.parametrize("seed", range(20))
def test_a_higher_quota_never_needs_less(seed: int) -> None:
    """All else equal, the pipeline that is needed rises with the quota."""
    chance = Random(seed)  # noqa: S311 - no secret
    quotas = sorted(chance.uniform(1, 500) for _ in range(8))
    needed = [coverage_of(forecast(quota=quota), 200.0, EN).needed or 0.0 for quota in quotas]
    assert needed == sorted(needed)


@pytest.mark.parametrize("attained", [90.0, 95.0, 250.0])
def test_a_quota_that_is_filled_needs_nothing(attained: float) -> None:
    """Without a gap, no division is shown, and what is open is enough, even if it is nothing."""
    for open_amount in (0.0, 100.0):
        coverage = coverage_of(forecast(attained=attained), open_amount, EN)
        assert coverage.gap <= 0
        assert coverage.is_enough
        assert not any("/" in line for line in coverage.steps)
        assert coverage.steps[3] == "leaves for open deals: 0"


@pytest.mark.parametrize(("open_amount", "brings"), [(0.0, 0.0), (500.0, 0.0)])
def test_where_nothing_comes_in_nothing_is_divided(open_amount: float, brings: float) -> None:
    """Neither an empty pipeline nor a worthless one says what would be needed, or is enough."""
    coverage = coverage_of(forecast(expected_open=brings), open_amount, EN)
    assert coverage.needed is None
    assert not coverage.is_enough
    assert not any("/" in line for line in coverage.steps)
    assert len(coverage.steps) == (5 if open_amount else 4)


def test_steps_are_written_for_the_reader() -> None:
    """A German reads his own marks in every line, and the currency of the company."""
    own = forecast(quota=120_000.0, attained=30_000.0, expected_new=10_000.0, expected_open=24_000)
    lines = coverage_of(own, 100_000.0, region_of("de-DE", "EUR")).steps
    assert "120.000" in lines[0]
    assert "100.000" in lines[4]
    assert all("€" in line for line in lines)
