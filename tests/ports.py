"""Ports of this machine on which nobody else can listen meanwhile.

A port that was free is soon taken: the kernel gives it to the next who asks for any. So a server
listens on port 0 where it can, and says which port it got.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

# Below those that the kernel gives away, on Linux (32768) and elsewhere (49152).
FIRST, LAST = 20_000, 32_000


@contextmanager
def taken() -> Iterator[int]:
    """Yield a port on which nobody listens within the block."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def apart(number: int) -> list[int]:
    """Return free ports for a server that cannot choose any. The kernel gives them to nobody."""
    candidates = random.SystemRandom().sample(range(FIRST, LAST), 100)
    return list(filter(_is_free, candidates))[:number]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
