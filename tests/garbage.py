"""The garbage collector rests while tests are collected, and looks at what tests make alone.

It took a tenth of the time of all tests. Modules and collected tests are most of all objects, and
they stay to the end.
"""

from __future__ import annotations

import gc

OBJECTS = 10_000  # until the collector looks again, instead of 700


def rest() -> None:
    """Collect nothing, since almost all that is made while tests are collected stays."""
    gc.disable()


def work() -> None:
    """Collect from now on, and leave out what there is."""
    gc.freeze()
    gc.set_threshold(OBJECTS)
    gc.enable()
