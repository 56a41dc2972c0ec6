"""What we depend on, checked: versions as locked, licences as listed, no known weakness.

`python tests/supply` exits 1 if an installed package is not the one in the lock file, has a licence
that is not allowed or that LICENCES.md does not show, or has a published weakness.
`python tests/supply --write` writes LICENCES.md anew. Advisories are read from the package index;
without a network, or from an index that publishes none, it says so: that is no failure of ours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import licences
import lock
from rich.console import Console

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAYS, WARNS = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
LISTED = HERE / "LICENCES.md"
WEAKNESSES_ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern us, by their id, with the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check everything, or write the list; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write LICENCES.md anew")
    options = parser.parse_args(arguments)
    locked = lock.locked(ROOT / "requirements-dev.lock")
    serving = set(lock.locked(ROOT / "requirements.lock"))
    found = licences.installed()
    if options.write:
        LISTED.write_text(licences.page(found, locked, serving), encoding="utf-8")
    problems = [
        *lock.differences(locked, lock.versions()),
        *licences.problems(found, locked, LISTED.read_text(encoding="utf-8")),
        *_weaknesses(ROOT / "requirements-dev.lock"),
    ]
    for problem in problems:
        WARNS.print(problem, markup=False)
    if not problems:
        SAYS.print(f"{len(locked)} locked packages: versions and licences are as listed")
    return bool(problems)


def _weaknesses(locked: Path) -> list[str]:
    """Ask for published weaknesses of the locked packages; says what could not be asked."""
    command = ["-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner=off"]
    asked = subprocess.run(
        [sys.executable, *command, "--format=json", f"--requirement={locked}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not asked.stdout:
        reason = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
        SAYS.print(f"advisories were not read: {reason[:200]}")
        return []
    packages = json.loads(asked.stdout)["dependencies"]
    unread = [package["name"] for package in packages if "skip_reason" in package]
    SAYS.print(
        f"advisories were read for {len(packages) - len(unread)} of {len(packages)} packages"
        + (": the package index publishes none here" if len(unread) == len(packages) else "")
    )
    return weaknesses(packages)


def weaknesses(packages: Sequence[dict[str, object]]) -> list[str]:
    """Return a line for each published weakness that nobody accepted with a reason.

    Args:
        packages: pip-audit's `dependencies`.
    """
    return [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}; lock another version, or "
        "accept it in tests/supply with a reason"
        for package in packages
        for weakness in package.get("vulns", ())  # type: ignore[attr-defined]  # plain JSON
        if weakness["id"] not in WEAKNESSES_ACCEPTED
    ]


if __name__ == "__main__":
    sys.exit(main())
