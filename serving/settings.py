"""All settings, read in this one place and from params.yaml alone.

No environment variable changes a setting.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from pydantic import ValidationError

from features.errors import ParamsError
from features.params import FeatureParams, Section
from features.problems import say_problems
from serving.params import ServingParams
from training.params import TrainingParams

FILE = "params.yaml"
STRAY = ("BENTOML_", "MLFLOW_", "PROMETHEUS_")
"""How variables begin that are meant for another program's use of libraries used in here too."""


def ignore_stray_variables() -> None:
    """Take variables of libraries out of this process's environment, before these are imported.

    A machine may set them for another program: a folder of Prometheus's that is not there would
    fail every request, and a tracking server of MLflow's would get this home's runs.
    """
    for name in [name for name in os.environ if name.upper().startswith(STRAY)]:
        del os.environ[name]


class Settings(Section):
    """The three sections of params.yaml; a key left out keeps its default."""

    features: FeatureParams = FeatureParams()
    training: TrainingParams = TrainingParams()
    serving: ServingParams = ServingParams()

    @classmethod
    def load(cls, home: Path, params: Path | None = None) -> Settings:
        """Read the settings file, or return the defaults where there is none.

        Args:
            home: its params.yaml is read where `params` is None, else ./params.yaml.
            params: the file to read instead.

        Raises:
            ParamsError: `params` does not exist, or the file is not valid.
        """
        if params is not None:
            if not params.is_file():
                raise ParamsError(params, ["there is no such file; --params needs a YAML file"])
            return cls.read(params)
        files = (path for path in (home / FILE, Path(FILE)) if path.is_file())
        path = next(files, None)
        return cls() if path is None else cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read one file.

        Raises:
            ParamsError: it is not YAML, or holds an unknown key or a wrong value.
        """
        try:
            sections = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise ParamsError(path, [f"cannot be read as YAML: {reason}"]) from error
        if sections is None:
            return cls()
        if not isinstance(sections, dict):
            held = type(sections).__name__
            right = f"it should hold the sections {', '.join(cls.model_fields)}"
            raise ParamsError(path, [f"holds a {held}; {right}"])
        try:
            return cls.model_validate(sections)
        except ValidationError as error:
            raise ParamsError(path, [say_problems(error, cls)]) from error
