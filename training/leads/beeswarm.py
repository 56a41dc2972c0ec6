"""The picture of a model's reasons, for people who know SHAP: the only module that imports shap."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from features.build import Examples
from training.leads.bundle import Bundle
from training.leads.explain import explain

MOST_ROWS = 800
MOST_FEATURES = 20


def beeswarm(bundle: Bundle, examples: Examples) -> bytes | None:
    """Draw each feature's percentage points over a sample of rows (PNG); None without trees."""
    if bundle.blend is None or not len(examples):
        return None
    import matplotlib.pyplot as plt  # noqa: PLC0415 - shap draws on pyplot's current figure only
    import shap  # noqa: PLC0415 - takes seconds to import, and only a training run draws

    step = -(-len(examples) // MOST_ROWS)
    sample = examples.take(np.arange(len(examples)) % step == 0)
    explanation = explain(bundle, sample)
    values = shap.Explanation(
        values=explanation.points,
        base_values=explanation.base,
        data=sample.X[list(bundle.columns)].to_numpy(),
        feature_names=[feature.says for feature in explanation.features],
    )
    figure = plt.figure()
    try:
        shap.plots.beeswarm(values, max_display=MOST_FEATURES, show=False)
        figure.axes[0].set_xlabel("percentage points added to the chance to convert")
        buffer = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    finally:
        plt.close(figure)
    return buffer.getvalue()
