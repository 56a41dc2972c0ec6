"""Features that a company declares itself, in Python modules that params.yaml names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module

from features.errors import InputError
from features.feature import Feature, Relation
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams

Declare = Callable[[Vocabulary, FeatureParams], Iterable[Feature]]
OF_LEADS = (
    *(Relation.TOUCHES, Relation.TOUCH_DAYS, Relation.TOUCH_REPS, Relation.STAGES),
    *(Relation.LEAD, Relation.CONTEXT, Relation.COLUMNS),
)
"""The rows that a feature of a lead can be made of."""


def own_features(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Declare the features that `features.own` names, in its order.

    Args:
        vocabulary: the words of the data.
        params: calendar and windows, and the names.

    Raises:
        InputError: a name leads to no function, or the function returns something other than
            features of leads.
    """
    for name in params.own:
        for feature in _function(name)(vocabulary, params):
            if not isinstance(feature, Feature):
                kind = type(feature).__name__
                raise InputError(
                    f"features.own: {name} returns a {kind}; it should return Features"
                )
            if feature.source not in OF_LEADS:
                sources = ", ".join(f"Relation.{relation.name}" for relation in OF_LEADS)
                raise InputError(
                    f"features.own: {name} makes {feature.name} of Relation."
                    f"{feature.source.name}; a feature of a lead is made of {sources}"
                )
            yield feature


def _function(name: str) -> Declare:
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        raise InputError(
            f"features.own: {name} cannot be imported: {error}; install the module, or put its "
            "folder on PYTHONPATH"
        ) from None
    except AttributeError:
        raise InputError(f"features.own: the module {module} has no function {function}") from None
