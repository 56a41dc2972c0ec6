"""Runs pacesetter, and kills it as the system would, when a function is entered or left.

    python tests/e2e/kill_at.py FUNCTION enter|leave COUNT ARGUMENT...

FUNCTION is its qualified name (`PromotionLog.append`), COUNT the how-manieth time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

EVENTS = {"enter": "call", "leave": "return"}


def watch(function: str, event: str, count: int) -> None:
    """Kill this process when a function is entered, or left, for so many times; in any thread."""
    left = [count]

    def profile(frame: FrameType, what: str, _argument: Any) -> None:
        if what == event and frame.f_code.co_qualname == function:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(profile)
    sys.setprofile(profile)


if __name__ == "__main__":
    function, event, count, *arguments = sys.argv[1:]
    from serving.cli.main import main

    watch(function, EVENTS[event], int(count))
    sys.exit(main(arguments))
