"""Settings of params.yaml with an admin's changes laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from features.errors import InputError
from features.problems import say_problems
from serving.params import ServingParams
from serving.settings import Settings
from serving.store.database import Store
from serving.store.overrides import OverrideLog


def overlaid(settings: Settings, store: Store) -> Settings:
    """Return settings with the newest changes of an admin laid over them.

    Raises:
        InputError: a value is not one that the setting takes; says what would be right.
    """
    newest = OverrideLog(store).newest()
    return replaced(settings, {n: o.value for n, o in newest.items() if o.value is not None})


def replaced(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return settings with other values of the section `serving`, checked like params.yaml.

    Args:
        settings: as they are.
        values: by dotted name, such as `worklist.calls_a_day`.

    Raises:
        InputError: there is no such setting, or it does not take the value.
    """
    plain = settings.serving.model_dump()
    for name, value in values.items():
        section, _, key = name.partition(".")
        own = plain.get(section)
        if not isinstance(own, dict) or key not in own:
            raise InputError(f"there is no setting serving.{name}")
        own[key] = value
    try:
        serving = ServingParams.model_validate(plain)
    except ValidationError as error:
        raise InputError(say_problems(error, ServingParams)) from None
    return settings.model_copy(update={"serving": serving})
