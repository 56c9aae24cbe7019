"""Functions of the standard library that a test replaces, for its own thread alone.

Modules of the emulator that a test imports start threads, which sleep and work in turn. With a
sleep that takes no time they never rest, and their sleeps count as those of the test.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest


def replace(patch: pytest.MonkeyPatch, name: str, instead: Callable[..., Any]) -> None:
    """Replace a function, such as `time.sleep`, where the present thread calls it."""
    module, _, function = name.rpartition(".")
    original, own = getattr(import_module(module), function), threading.get_ident()

    def of_this_thread(*arguments: Any) -> Any:
        is_own = threading.get_ident() == own
        return (instead if is_own else original)(*arguments)

    patch.setattr(name, of_this_thread)
