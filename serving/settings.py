"""All settings, read in this one place: params.yaml and three variables of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from features.errors import ParamsError
from features.params import FeatureParams, Section
from serving.params import ServingParams
from training.params import TrainingParams

FILE = "params.yaml"


class Settings(Section):
    """The three sections of params.yaml; what a file leaves out keeps its default."""

    features: FeatureParams = FeatureParams()
    training: TrainingParams = TrainingParams()
    serving: ServingParams = ServingParams()

    @classmethod
    def load(cls, home: Path, params: Path | None = None) -> Settings:
        """Read the file named, else HOME/params.yaml, else ./params.yaml, else the defaults.

        Raises:
            ParamsError: the file is missing, is no YAML, or holds a key or value we do not know.
        """
        if params is not None and not params.is_file():
            raise ParamsError(params, ["there is no such file; --params names a YAML file"])
        places = [params] if params is not None else [home / FILE, Path(FILE)]
        found = next((place for place in places if place.is_file()), None)
        return cls() if found is None else cls.read(found)

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read one file."""
        try:
            plain = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            told = " ".join(str(error).split())
            raise ParamsError(path, [f"cannot be read as YAML: {told}"]) from error
        if plain is None:
            return cls()
        if not isinstance(plain, dict):
            raise ParamsError(path, [f"holds a {type(plain).__name__}; it should hold sections"])
        try:
            return cls.model_validate(plain)
        except ValidationError as error:
            raise ParamsError(path, [_say(problem) for problem in error.errors()]) from error


def _say(problem: Any) -> str:
    """Say in one sentence where a setting is wrong, what was given, and what would be right."""
    where = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{where}' (given {problem['input']!r}); {_known(problem['loc'])}"
    return f"'{where}' was given {problem['input']!r}: {problem['msg']}"


def _known(where: tuple[int | str, ...]) -> str:
    """List the keys that would be right at a place."""
    section: type[Section] = Settings
    for step in where[:-1]:
        annotation = section.model_fields[str(step)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, Section)):
            return "remove it"
        section = annotation
    return f"known keys there: {', '.join(section.model_fields)}"
