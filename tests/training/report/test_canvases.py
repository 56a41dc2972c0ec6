"""Canvases do not ask a half-imported IPython."""

from __future__ import annotations

import subprocess
import sys

DRAW = """
import sys, types
from training.report.canvases import prepare_canvases
{first}
sys.modules["IPython"] = types.ModuleType("IPython")  # as another thread is still importing it
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
FigureCanvasSVG(Figure())
"""


def draws(first: str) -> bool:
    """Tell whether a canvas can be made while IPython is half imported."""
    program = DRAW.format(first=first)
    return not subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False
    ).returncode


def test_a_half_imported_ipython_stops_no_drawing() -> None:
    """Without the preparation the same program fails, so the test would see it."""
    assert draws("prepare_canvases()")
    assert not draws("")
