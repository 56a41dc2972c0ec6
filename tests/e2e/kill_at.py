"""Runs pacesetter, and kills it as the system would, when a function is entered or left.

    python tests/e2e/kill_at.py FUNCTION enter|leave COUNT ARGUMENT...

FUNCTION is its qualified name (`PromotionLog.append`), COUNT the how-manieth time.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib.machinery import SourceFileLoader
from types import FunctionType, ModuleType
from typing import Any


def watch(function: str, event: str, count: int) -> None:
    """Kill this process when a function is entered, or left, for so many times; in any thread.

    The function is wrapped wherever a module defines it, as soon as the module is there: a profiler
    would look at every call of the program and double its time.
    """
    left = [count]

    def strike(now: str) -> None:
        left[0] -= now == event
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def call(*arguments: Any, **named: Any) -> Any:
            strike("enter")
            try:
                return original(*arguments, **named)
            finally:
                strike("leave")

        return call

    def wrap(module: ModuleType) -> None:
        owner: Any = module
        *path, name = function.split(".")
        for part in path:
            owner = vars(owner).get(part) if hasattr(owner, "__dict__") else None
        original = vars(owner).get(name) if hasattr(owner, "__dict__") else None
        if isinstance(original, FunctionType) and original.__module__ == module.__name__:
            setattr(owner, name, watched(original))

    load = SourceFileLoader.exec_module

    def exec_module(self: SourceFileLoader, module: ModuleType) -> None:
        load(self, module)
        wrap(module)

    SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign]
    for module in list(sys.modules.values()):
        wrap(module)


if __name__ == "__main__":
    function, event, count, *arguments = sys.argv[1:]
    watch(function, event, int(count))
    from serving.cli.main import main

    sys.exit(main(arguments))
