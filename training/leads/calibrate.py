"""The calibrator of a lead model, chosen on the newest mature cutoffs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.snapshot import CUTOFF
from training.estimators.calibration import Calibrator, choose_calibrator, trust_in
from training.leads.dataset import TrainingSet
from training.params import CalibrationParams

USUAL = CalibrationParams()


def calibrate(
    training_set: TrainingSet, margins: Floats, params: CalibrationParams = USUAL
) -> tuple[Calibrator, dict[str, float]]:
    """Choose a calibrator on the calibration window, trusted as far as the window is long.

    Args:
        training_set: holds the window.
        margins: log-odds of the window's rows, of a model that has not seen it.
        params: how far the calibrator is trusted.

    Returns:
        The calibrator, and the log loss of each candidate.
    """
    window = training_set.split.calibrate
    rows = training_set.rows(window)
    keys = training_set.examples.keys[rows]
    middle = np.datetime64(window[len(window) // 2], "us")
    later = keys[CUTOFF].to_numpy() >= middle
    weights = row_weights(keys["lead_id"])
    chosen, losses = choose_calibrator(margins, training_set.y[rows], weights, later, params.ridge)
    days = (window[-1] - window[0]).days + 1
    return chosen.trusted(trust_in(days, params.swing_days)), losses


def row_weights(leads: pd.Series) -> Floats:
    """Weigh rows alike, all together as much as there are leads.

    One lead stands in a window at many cutoffs, so that its rows tell less than their number. A
    weight of one over the cutoffs of its lead would know the future: a lead that converts leaves
    the window, and would weigh the more for it. Of two leads at five cutoffs, one of which converts
    after the first:

    | rows of the lead | weights here | one over its cutoffs |
    |------------------|--------------|----------------------|
    | 1, converts      | 0.33         | 1                    |
    | 5, does not      | 0.33 each    | 0.2 each             |
    | said to convert  | 17 %         | 50 %                 |

    Args:
        leads: the id of each row's lead.
    """
    return np.full(len(leads), leads.nunique() / max(1, len(leads)))
