"""How figures are written in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence

from training.evaluation.bootstrap import Estimate

NBSP = "\N{NO-BREAK SPACE}"
TEN = 10


def percent(share: float | None, digits: int = 0) -> str:
    """Write a share as a percentage; small ones keep a digit so they do not read as nothing."""
    if share is None:
        return "withheld"
    points = 100 * share
    if digits == 0 and 0 < abs(points) < 9.95:  # noqa: PLR2004 - below ten a digit tells
        digits = 1
    return f"{points:.{digits}f}{NBSP}%"


def points(share: float | None) -> str:
    """Write a difference between shares in percentage points.

    >>> points(0.0072)
    '0.7 percentage points'
    """
    return "withheld" if share is None else f"{100 * share:.1f} percentage points"


def of_ten(share: float | None) -> str:
    """Write a share as so many of ten; whole numbers where there is one.

    >>> of_ten(0.531), of_ten(0.9), of_ten(None)
    ('5.3 of 10', '9 of 10', 'withheld')
    """
    return "withheld" if share is None else f"{round(TEN * share, 1):g} of 10"


def between(figure: Estimate, *, as_percent: bool = False, digits: int = 2) -> str:
    """Write an interval.

    >>> between(Estimate(0.7, 0.61, 0.8))
    '0.61 to 0.80'
    """
    if figure.low is None or figure.high is None:
        return "no interval"
    if as_percent:
        return f"{percent(figure.low)} to {percent(figure.high)}"
    return f"{figure.low:.{digits}f} to {figure.high:.{digits}f}"


def listing(names: Sequence[str]) -> str:
    """Join names with commas and a last `and`.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
