"""A ranking that is off by default, and says what it cannot tell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.coaching.grounds import leaderboard
from training.coaching_params import CoachingParams

ON = CoachingParams(leaderboard=True)


def frame(residuals: dict[str, float], factor: float = 0.5, metric: str = "wins") -> pd.DataFrame:
    """Return a comparison with given residuals, shrunk by a factor, of nine expected outcomes."""
    rows = pd.DataFrame({"rep_id": list(residuals), "residual": list(residuals.values())})
    return rows.assign(
        metric=metric,
        expected=9.0,
        actual=rows["residual"] + 9,
        low=rows["residual"] - 1,
        high=rows["residual"] + 1,
        shrunk=factor * rows["residual"],
    )


def test_there_is_none_by_default() -> None:
    """Off, it names nobody and says how to switch it on."""
    board = leaderboard(frame({"a": 9, "b": -9}), CoachingParams())
    assert board.places == ()
    assert "training.coaching.leaderboard" in board.says[0]


def test_the_best_come_first_whatever_they_won(compared: pd.DataFrame) -> None:
    """Places are by what is left on equal grounds: few wins of poor leads are no last place."""
    board = leaderboard(compared, ON)
    places = {place.rep_id: place for place in board.places}
    assert board.places[0].rep_id == "r3"
    wins = compared[compared["metric"] == "wins"].set_index("rep_id")["actual"]
    assert wins.idxmin() == "r6"
    assert places["r6"].best < len(places)


def test_overlapping_intervals_are_not_told_apart() -> None:
    """Whoever lies within luck of each other shares the places; whoever does not, does not."""
    board = leaderboard(frame({"a": 20, "b": 19, "c": -20}), ON)
    ranges = {place.rep_id: (place.best, place.worst) for place in board.places}
    assert ranges == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    assert "place 1 to 2" in board.places[0].says(board.metric)
    assert "2 are told apart" in board.says[1]


def test_luck_alone_gives_no_order() -> None:
    """With everything shrunk to nothing, or all alike, no two are told apart."""
    rng = np.random.default_rng(1)
    residuals = {f"r{k}": float(x) for k, x in enumerate(rng.normal(0, 3, 12))}
    board = leaderboard(frame(residuals, factor=0.05), ON)
    assert all((place.best, place.worst) == (1, 12) for place in board.places)
    assert "within luck" in board.says[1]


def test_conversions_take_the_place_of_wins_where_there_are_no_deals() -> None:
    """It says what it counts, and nobody to compare is no error."""
    assert leaderboard(frame({"a": 1.0}, metric="conversions"), ON).metric == "conversions"
    assert leaderboard(frame({}), ON).places == ()
