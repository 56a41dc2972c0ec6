"""The lock file, read, and set beside what is installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def locked(path: Path) -> dict[str, set[str]]:
    """Return the versions a lock file names for this machine, by package.

    A package may have several lines, of which a marker picks one: `tomli==2 ; python < 3.12`.
    """
    versions: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            (pin,) = requirement.specifier
            versions.setdefault(canonicalize_name(requirement.name), set()).add(pin.version)
    return versions


def versions() -> dict[str, str]:
    """Return what is installed, by package."""
    return {canonicalize_name(d.metadata["Name"]): d.version for d in distributions()}


def differences(locked: Mapping[str, set[str]], installed: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for every locked package that is missing or of another version."""
    for name, pins in sorted(locked.items()):
        if name not in installed:
            yield f"{name} is locked but not installed: run `make install` or `make check` again"
        elif installed[name] not in pins:
            yield f"{name} {installed[name]} is installed, {' or '.join(sorted(pins))} is locked"
