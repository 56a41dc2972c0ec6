"""What MLflow's pages say of experiments, models and versions, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "leads": "the chance that an open lead converts within the horizon",
        "quota": "the chance that a rep reaches the running quota, and by how much",
    }
)


def experiment(kind: str) -> str:
    """Describe the experiment that holds the trainings of a kind of model."""
    return (
        f"Trainings of the **{kind}** model, which forecasts {_SUBJECTS[kind]}. Each run is one "
        "training. Comparisons with the champion are nested under the challenger's run."
    )


def tuning(kind: str) -> str:
    """Describe the experiment that holds the searches for better settings of a kind of model."""
    return (
        f"Searches for better settings of the **{kind}** model, which forecasts "
        f"{_SUBJECTS[kind]}. Each run is one search, with its trials nested under it; trial 0 is "
        "the defaults. The description of a search says what came of it."
    )
