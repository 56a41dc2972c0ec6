"""What tests of the service share is found here by its plain name."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from service_people import SETTINGS, Service, running


@pytest.fixture(scope="module")
def desk(sales: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the company with leads, deals and quotas that a module may write into."""
    home = tmp_path_factory.mktemp("desk") / "home"
    # Without the store: other modules may have made the day's lists by other rules.
    shutil.copytree(sales, home, ignore=shutil.ignore_patterns("store*"))
    return home


@pytest.fixture(scope="module")
def service(desk: Path) -> Iterator[Service]:
    """Its service, once it is ready."""
    with running(desk, SETTINGS) as service:
        yield service
