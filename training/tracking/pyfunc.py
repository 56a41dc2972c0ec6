"""A bundle in the form that MLflow's own tools load: an MLmodel file beside the bundle's folder.

Nothing is pickled. `mlflow.pyfunc.load_model` imports this module by its name, so it works wherever
pacesetter is installed, and reads the same files as `load_bundle`. Pacesetter itself does not load
models through MLflow.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.tracking.loading import load_bundle

if TYPE_CHECKING:
    import pandas as pd

    from features.arrays import Floats
    from training.tracking.loading import AnyBundle

BUNDLE = "bundle"
"""The folder of a registered model that holds the bundle."""

REQUIREMENTS = ("ibis-framework", "lightgbm", "numpy", "pandas", "pydantic", "scipy")
"""Packages that a bundle needs to predict; their versions are written beside it."""


@dataclass(frozen=True)
class BundlePredictor:
    """The model that `mlflow.pyfunc.load_model` returns."""

    bundle: AnyBundle

    def predict(self, X: pd.DataFrame, params: dict[str, Any] | None = None) -> Floats:
        """Return one forecast for each row; the bundle's `predict` says of what.

        Args:
            X: one column for each feature that the bundle uses, as `features.build` makes them.
            params: part of MLflow's interface; there are none.
        """
        del params
        return self.bundle.predict(X)


def _load_pyfunc(path: str) -> BundlePredictor:
    """Load a model for MLflow, which calls this function by this name."""
    return BundlePredictor(load_bundle(Path(path)))


def save_registered(bundle: AnyBundle, folder: Path) -> None:
    """Write a bundle, its signature and the versions of its requirements into a new folder.

    `mlflow.pyfunc.save_model` is not used: it looks for a uv project in the working directory and
    copies that into the model. Every column of the signature is a double: for whole numbers with
    gaps MLflow would silently drop the signature.
    """
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415 - takes seconds
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415 - takes seconds

    bundle.save(folder / BUNDLE)
    columns = [ColSpec("double", name) for name in bundle.used]
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
    pins = "".join(f"{name}=={version(name)}\n" for name in REQUIREMENTS)
    (folder / "requirements.txt").write_text(pins, encoding="utf-8")
