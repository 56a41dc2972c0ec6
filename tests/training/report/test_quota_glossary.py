"""The page says of each simple rule what it forecasts."""

from __future__ import annotations

from training.quota import baselines
from training.report.quota_glossary import RULES


def test_every_rule_has_its_words() -> None:
    """No rule without words, and no words about a rule that is not there."""
    names = {baselines.LINEAR, baselines.SEASONAL, baselines.COVERAGE, baselines.DUE_DEALS}
    assert {*names, baselines.LAST, baselines.COMMITS} == set(RULES)
