"""What tests of coaching share is found by its plain name: tests are no package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import coached


@pytest.fixture(scope="session")
def make_company() -> coached.Make:
    """Return a maker of companies from rows of causes and grounds, and lines of the log."""
    return coached.make_company
