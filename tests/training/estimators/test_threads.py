"""LightGBM's count of threads is the whole process's; nothing we do side by side may trip on it."""

from __future__ import annotations

import subprocess
import sys

STRESS = """
import time
from concurrent.futures import ThreadPoolExecutor
import numpy as np, pandas as pd
from training.estimators.boosting import TrainingRows, fit_ensembles
from training.params import BoosterParams

rng = np.random.default_rng(0)
many = rng.standard_normal((8_000, 120)) * (rng.random((8_000, 120)) < 0.05)
X = pd.DataFrame(many, columns=[f"f{k}" for k in range(120)])
y = (rng.random(len(X)) < 0.1).astype(float)
rows = TrainingRows(X, y, np.ones(len(X)))
params = BoosterParams(bags=2, threads=2)
(model,) = fit_ensembles([(rows, 5)], (), params)
expected, until = model.margins(X), time.monotonic() + 10

def forecast():
    while time.monotonic() < until:
        assert np.array_equal(model.margins(X), expected)
        assert len(model.contributions(X.head(20))) == 20

def train():
    while time.monotonic() < until:
        assert fit_ensembles([(rows, 5)], (), params) == [model]

with ThreadPoolExecutor(4) as pool:
    for ended in [pool.submit(what) for what in (forecast, train, forecast, train)]:
        ended.result()
print("done")
"""


def test_forecasts_and_trainings_side_by_side_do_not_end_the_process() -> None:
    """Ten seconds of both at once: the service forecasts while a model trains.

    Forecasts that asked for all threads ended the process with signal 11, mostly within seconds.
    """
    ran = subprocess.run(
        [sys.executable, "-c", STRESS], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "done", ran.stderr
