"""Sets up matplotlib before threads draw."""

from __future__ import annotations


def prepare_canvases() -> None:
    """Make one canvas of each kind that is drawn on.

    The first canvas of a kind asks IPython, where that is imported, for its version. MLflow imports
    IPython, and a canvas made meanwhile in another thread fails on a half-imported one; so canvases
    come first.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - takes a while
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    for canvas in (FigureCanvasAgg, FigureCanvasSVG):
        canvas(Figure())
