"""The licences of what is installed: named alike, allowed or not, and listed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping

from packaging.utils import canonicalize_name

SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""The short names of licences that packages spell out."""

READ = {"axe-playwright-python": "MIT", "huey": "MIT", "skops": "MIT"}
"""Packages that name no licence, and what their own LICENSE file is."""

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause",
    "BSD-3-Clause-Clear", "CC0-1.0", "ISC", "LGPL-3.0-only", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0",
    "PSF-2.0", "Zlib",
}  # fmt: skip
"""Licences that ask nothing of who installs pacesetter and runs it. LGPL (psycopg) and MPL are for
libraries that are installed beside it, unchanged and replaceable."""

HEAD = """# Licences

What pacesetter is installed with, from `requirements-dev.lock`; written by `python tests/supply
--write` and checked by `make check`. BSD without a number: the package says no more. *Running* is
what a service needs; the rest is for tests, notebooks and Spark.

| package | licence | for |
|---|---|---|
"""


def installed() -> dict[str, str]:
    """Return the licence of every installed package, in short names."""
    told = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-system"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = ((canonicalize_name(p["Name"]), p["License"]) for p in json.loads(told.stdout))
    return {name: READ.get(name, short(licence)) for name, licence in packages}


def short(licence: str) -> str:
    """Return a licence's short name; of a whole text its first line says which."""
    first = licence.strip().splitlines()[0] if licence.strip() else "UNKNOWN"
    return SPDX.get(first, first)


def is_allowed(licence: str) -> bool:
    """Whether an expression such as `MIT AND (BSD-2-Clause OR GPL-2.0)` can be kept to.

    Of alternatives one is enough; of what is joined all count.
    """
    if " AND " in licence:
        return all(is_allowed(part) for part in licence.split(" AND "))
    return any(part.strip("() ") in ALLOWED for part in licence.split(" OR "))


def problems(found: Mapping[str, str], locked: Collection[str], listed: str) -> Iterator[str]:
    """Yield a line for each package whose licence is not allowed or not as listed.

    Args:
        found: the licences of what is installed.
        locked: the packages that count.
        listed: LICENCES.md.
    """
    rows = (line.strip("| ").split(" | ") for line in listed.splitlines() if line.count("|") == 4)
    shown = {row[0]: row[1] for row in rows if len(row) == 3}
    for name in sorted(set(found) & set(locked)):
        if not is_allowed(found[name]):
            yield f"{name} is under {found[name]}, which is not among the licences allowed"
        if shown.get(name) != found[name]:
            yield (
                f"LICENCES.md shows {shown.get(name, 'nothing')} for {name}, installed is "
                f"{found[name]}: look at it, then `python tests/supply --write`"
            )


def page(found: Mapping[str, str], locked: Collection[str], running: Collection[str]) -> str:
    """Return LICENCES.md."""
    rows = (
        f"| {name} | {found[name]} | {'running' if name in running else 'development'} |\n"
        for name in sorted(set(found) & set(locked))
    )
    return HEAD + "".join(rows)
