"""Where a search looks for better settings: the ranges that stand beside the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from training.loop.kinds import KINDS, Kind
from training.params import TrainingParams
from training.trials import SearchRange, Value


def search_ranges(kind: Kind, params: TrainingParams) -> tuple[SearchRange, ...]:
    """Return the ranges of the settings that a kind of model reads.

    | the field                                      | searched for leads | for quota |
    |------------------------------------------------|--------------------|-----------|
    | of the section `leads`                         | yes                | no        |
    | of the section `booster`, without `only`       | yes                | yes       |
    | of the section `booster`, with `only: leads`   | yes                | no        |
    | without a `search` range                       | no                 | no        |

    Args:
        kind: the kind.
        params: the present values.
    """
    return tuple(_ranges(kind, params))


def _ranges(kind: Kind, params: TrainingParams) -> Iterator[SearchRange]:
    for section in TrainingParams.model_fields:
        if section in KINDS and section != kind.name:
            continue
        values = getattr(params, section)
        for name, field in type(values).model_fields.items():
            extra = field.json_schema_extra
            if not isinstance(extra, Mapping) or extra.get("only", kind.name) != kind.name:
                continue
            search = extra.get("search")
            if isinstance(search, list):
                default, is_whole = getattr(values, name), field.annotation is int
                ends = [float(str(end)) for end in search] + [default]
                low, high = min(ends), max(ends)
                low, high = (int(low), int(high)) if is_whole else (low, high)
                yield SearchRange(f"{section}.{name}", low, high, is_whole, default)


def with_values(params: TrainingParams, values: Mapping[str, Value]) -> TrainingParams:
    """Return settings with some values changed, by their places."""
    sections: dict[str, dict[str, Value]] = {}
    for place, value in values.items():
        section, _, name = place.partition(".")
        sections.setdefault(section, {})[name] = value
    changed = {
        section: type(getattr(params, section)).model_validate(
            {**getattr(params, section).model_dump(), **new}
        )
        for section, new in sections.items()
    }
    return params.model_copy(update=changed)
