"""The picture of a model's reasons is drawn, or left out where there is nothing to draw."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from training.leads.beeswarm import beeswarm
from training.leads.bundle import Bundle
from training.leads.dataset import TrainingSet

PNG = b"\x89PNG\r\n\x1a\n"


# shap 0.51 on matplotlib 3.10, when it is first imported
@pytest.mark.filterwarnings("ignore:The set_(bad|over|under) function:PendingDeprecationWarning")
def test_a_model_has_a_picture(bundle: Bundle, training_set: TrainingSet) -> None:
    """It is a PNG of some size, drawn without a warning, and no figure stays open."""
    picture = beeswarm(bundle, training_set.examples)
    assert picture is not None
    assert picture.startswith(PNG)
    assert len(picture) > 10_000
    assert plt.get_fignums() == []


def test_nothing_to_draw_gives_none(bundle: Bundle, training_set: TrainingSet) -> None:
    """Neither a fallback nor a moment without open leads has a picture."""
    nobody = training_set.examples.take(np.zeros(len(training_set.y), dtype=bool))
    assert beeswarm(bundle, nobody) is None
    assert beeswarm(replace(bundle, blend=None, columns=()), training_set.examples) is None
