"""Numbers as people read them on a sheet."""

from __future__ import annotations

from training.coaching.goals.measures import Measure, Scale

SMALL = 10.0


def whole(share: float) -> str:
    """Write a share as a whole percentage.

    >>> whole(0.1438)
    '14 %'
    """
    return f"{round(100 * share)} %"


def amount(value: float) -> str:
    """Write an amount to three digits: more would claim more than anybody knows.

    >>> amount(44_786.0), amount(873.2)
    ('44,800', '873')
    """
    return f"{float(f'{value:.3g}'):,.0f}"


def count(value: float) -> str:
    """Write an expected count: whole from ten on, else with one digit.

    >>> count(17.3), count(5.44)
    ('17', '5.4')
    """
    return f"{value:.0f}" if abs(value) >= SMALL else f"{value:.1f}"


def bare(measure: Measure, value: float) -> str:
    """Write a measure's value alone."""
    return whole(value) if measure.scale is Scale.SHARE else amount(value)


def value_of(measure: Measure, value: float) -> str:
    """Write a measure's value with what it counts."""
    return f"{bare(measure, value)} {measure.unit}".strip()


def plural(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun.

    >>> plural(1, "deal"), plural(4, "deal")
    ('1 deal', '4 deals')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
