"""The backtest's page in a browser: it stands alone, draws, and complains of nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from outside import Walked

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=2000",
]


@pytest.fixture(scope="module")
def chromium() -> str:
    """A browser; in CI it must be there."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None and os.environ.get("CI", "").lower() == "true":
        pytest.fail("there is no Chromium, which CI must have")
    if browser is None:
        pytest.skip("there is no Chromium on this machine")
    return browser


def test_the_report_opens_and_shows_its_headline(
    chromium: str, tested: Walked, tmp_path: Path
) -> None:
    """The page opens from disk without an error on its console, and shows headline and figures."""
    page = tested.out / "report.html"
    done = subprocess.run(
        [chromium, *QUIET, f"--user-data-dir={tmp_path}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr
    assert re.search(r"<h1[^>]*>\s*Which leads will convert\?", done.stdout)
    verdict = re.search(r'<h2 id="verdict">(.+?)</h2>', done.stdout, flags=re.DOTALL)
    assert verdict is not None
    assert verdict[1].strip()
    assert "<svg" in done.stdout


def test_the_report_stands_alone(tested: Walked) -> None:
    """The page fetches nothing: no script, sheet, picture or font from anywhere else."""
    text = (tested.out / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["']?(?!#|data:)[^\s>]+""", text)
    assert not re.findall(r"@import|url\((?!['\"]?data:)", text)
