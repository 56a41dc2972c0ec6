"""A bundle in the form MLflow's own tools load: an MLmodel file beside the bundle's folder.

Nothing is pickled. `mlflow.pyfunc.load_model` finds this module by its name, so it works wherever
pacesetter is installed, and reads the very files that `load_bundle` reads. Pacesetter itself never
takes that way.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from features.arrays import Floats
from training.tracking.loading import AnyBundle, load_bundle

BUNDLE = "bundle"
"""The folder of a registered model that holds the bundle."""

NEEDED = ("ibis-framework", "lightgbm", "numpy", "pandas", "pydantic", "scipy")


@dataclass(frozen=True)
class Registered:
    """What `mlflow.pyfunc.load_model` gives people to predict with."""

    bundle: AnyBundle

    def predict(self, X: pd.DataFrame, params: dict[str, Any] | None = None) -> Floats:
        """Forecast what the bundle's trees are about, one a row; the bundle's `predict` says what.

        Args:
            X: one column for each feature of the bundle, as `features.build` makes them.
            params: part of MLflow's interface; there are none.
        """
        del params
        return self.bundle.predict(X)


def _load_pyfunc(path: str) -> Registered:
    """Answer MLflow's loader, which asks for this function by this name."""
    return Registered(load_bundle(Path(path)))


def save_registered(bundle: AnyBundle, folder: Path) -> None:
    """Write a bundle, its signature and the versions it was made with into a new folder.

    `mlflow.pyfunc.save_model` is not used: it looks for a uv project in the working directory and
    copies that into the model. Every column of the signature is a double: a whole number with gaps
    would silently drop MLflow's signature.
    """
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415 - takes seconds
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415 - takes seconds

    bundle.save(folder / BUNDLE)
    columns = [ColSpec("double", name) for name in bundle.columns]
    signature = ModelSignature(
        inputs=Schema(columns) if columns else None, outputs=Schema([ColSpec("double", "p")])
    )
    model = Model(signature=signature)
    model.add_flavor(
        "python_function",
        loader_module=__name__,
        data=BUNDLE,
        python_version=platform.python_version(),
    )
    model.save(str(folder / "MLmodel"))
    pins = "".join(f"{name}=={version(name)}\n" for name in NEEDED)
    (folder / "requirements.txt").write_text(pins, encoding="utf-8")
