"""Purposes of requests, told by the keys that they name: figures and lists of messages, or else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from infra.local.units import Used

MESSAGES = re.compile(
    r"(notes|part|figures|days|spans|history|sent|segment-messages)#.*"  # partitions of their own
    r"|[^#]+#(figures|line)#.*"  # items of a message
)
TIMERS = re.compile(r"\d+#\d+#(figures|day)#.*")


def share_of_figures(used: Sequence[Used]) -> float | None:
    """Return which share of a request's items serves figures and lists of messages.

    None: the keys do not tell, as when the sweep asks what is due.
    """
    known = [each for each in used if each.sort or not each.table.endswith("-due")]
    return sum(map(is_for_figures, known)) / len(known) if known else None


def is_for_figures(used: Used) -> bool:
    """Tell if an item serves figures or lists of messages."""
    key = f"{used.partition}#{used.sort}"
    if used.table.endswith("-messages"):
        return bool(MESSAGES.fullmatch(key))
    return used.table.endswith("-due") and bool(TIMERS.fullmatch(key))
