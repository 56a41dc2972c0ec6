"""Where two results that should be identical to the bit first differ, in a few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

LONGEST = 40
"""Letters of a value that are shown."""


def text_differences(these: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Name each file that is missing, is one too many, or differs, and where.

    Args:
        these: texts by the name of their file.
        wanted: what they should be.
    """
    differences = [f"no {name}" for name in wanted if name not in these]
    differences += [f"{name} is one too many" for name in these if name not in wanted]
    for name in wanted:
        if name in these and these[name] != wanted[name]:
            differences.append(f"{name} at {_place(name, these[name], wanted[name])}")
    return differences


def frame_differences(
    these: Mapping[str, pd.DataFrame], wanted: Mapping[str, pd.DataFrame]
) -> list[str]:
    """Name each table that is missing, is one too many, or differs, and in which columns.

    Args:
        these: tables by name.
        wanted: what they should be.
    """
    differences = [f"no {name}" for name in wanted if name not in these]
    differences += [f"{name} is one too many" for name in these if name not in wanted]
    for name in wanted:
        if name in these and (difference := _frame_difference(these[name], wanted[name])):
            differences.append(f"{name}{difference}")
    return differences


def _frame_difference(frame: pd.DataFrame, wanted: pd.DataFrame) -> str:
    """Say how a table differs from the wanted one; nothing where it does not."""
    if list(frame.columns) != list(wanted.columns):
        odd = sorted(set(frame.columns) ^ set(wanted.columns))
        return f": other columns ({', '.join(odd) or 'their order'})"
    if len(frame) != len(wanted):
        return f": {len(frame):,} rows, not {len(wanted):,}"
    if list(frame.dtypes) != list(wanted.dtypes):
        return f": other types ({', '.join(frame.columns[frame.dtypes != wanted.dtypes])})"
    # `repr` tells every float from its neighbour, 0.0 from -0.0, and takes gaps for equal.
    unlike = frame.map(repr) != wanted.map(repr)
    columns = [str(name) for name in frame.columns[unlike.any()]]
    if not columns:
        return ""
    first = columns[0]
    row = int(unlike[first].to_numpy().argmax())
    said = f"{_short(frame[first].iloc[row])}, not {_short(wanted[first].iloc[row])}"
    more = f", also {', '.join(columns[1:])}" if len(columns) > 1 else ""
    count = f"{int(unlike[first].sum()):,} of {len(frame):,} rows"
    return f".{first}: {count}{_furthest(frame[first], wanted[first])}, first {said}{more}"


def _furthest(column: pd.Series, wanted: pd.Series) -> str:
    """Say by how much numbers differ at most."""
    if not pd.api.types.is_float_dtype(column):
        return ""
    return f", by up to {(column - wanted).abs().max():.2g}"


def _place(name: str, text: str, wanted: str) -> str:
    """Return the first place in which two texts differ: a path into JSON, else a line."""
    if name.endswith(".json"):
        return _path(json.loads(text), json.loads(wanted)) or "its layout"
    lines, others = text.splitlines(), wanted.splitlines()
    pairs = enumerate(zip(lines, others, strict=False), start=1)
    number = next((n for n, (one, other) in pairs if one != other), min(len(lines), len(others)))
    return f"line {number} of {len(others)}"


def _path(value: Any, wanted: Any, path: str = "") -> str:
    """Return the path to the first difference of two JSON values, and both; nothing if equal."""
    if isinstance(value, dict) and isinstance(wanted, dict) and value.keys() == wanted.keys():
        pairs = [(f"{path}.{key}".lstrip("."), value[key], wanted[key]) for key in wanted]
    elif isinstance(value, list) and isinstance(wanted, list) and len(value) == len(wanted):
        pairs = [(f"{path}[{n}]", value[n], wanted[n]) for n in range(len(wanted))]
    elif repr(value) == repr(wanted):
        return ""
    elif isinstance(value, dict | list) and isinstance(wanted, dict | list):
        extra = [key for key in value if key not in wanted][:3]
        gone = [key for key in wanted if key not in value][:3]
        return f"{path}: {_short(extra)} too many, {_short(gone)} missing"
    else:
        return f"{path}: {_short(value)}, not {_short(wanted)}"
    return next((found for name, one, other in pairs if (found := _path(one, other, name))), "")


def _short(value: object) -> str:
    text = str(value).replace("|", "/").replace("\n", " ")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
