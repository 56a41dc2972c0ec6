"""What laws of the digest share with those of the pages."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / "pages"), str(Path(__file__).parent)]
