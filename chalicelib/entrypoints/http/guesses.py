"""The bound of wrong secrets: for each key and each source, over all containers.

The right secret is always taken. Else whoever guesses could lock out the holder of the key. Secrets
have 128 random bits, so the bound does not protect them: it keeps guesses cheap, and shows them.
A right secret costs nothing here. A wrong one costs two updates, until it is bounded.
"""

from __future__ import annotations

from collections import OrderedDict

from chalicelib import observability
from chalicelib.domain import keys
from chalicelib.ports import World

WINDOW = 60  # seconds
PER_KEY, PER_SOURCE = 20, 60  # wrong secrets in a window
LONGEST = 900  # seconds of a pause. Each is twice as long as the one before.
KEPT = 3600  # seconds for which a window's counter stays
REMEMBERED = 1000  # keys and sources of a container


class _Pause:
    def __init__(self) -> None:
        self.until = 0  # ms
        self.seconds = 0


class Guesses:
    """The wrong secrets that a container knows of."""

    def __init__(self) -> None:
        self._pauses: OrderedDict[str, _Pause] = OrderedDict()

    def forget(self) -> None:
        self._pauses.clear()

    def wrong(self, world: World, key: str, source: str) -> int:
        """Count a wrong secret. Return the seconds until the next try, 0 while there are few.

        During a pause nothing is counted.
        """
        subjects = [("key", key, PER_KEY), ("source", source, PER_SOURCE)]
        pauses = [self._count(world, *subject) for subject in subjects if subject[1]]
        return max(pauses, default=0)

    def _count(self, world: World, kind: str, subject: str, most: int) -> int:
        now = world.clock.now()
        # Neither what people type for a key nor an address is stored.
        name = world.vault.mac("guess", f"{kind}#{subject}".encode()).hex()[:24]
        pause = self._pauses.get(name, _Pause())
        if pause.until > now:
            return -(-(pause.until - now) // 1000)
        window = now // 1000 // WINDOW
        counter = keys.join("guess", name, window)
        if world.counters.take(counter, 1, most, now // 1000 + KEPT).granted:
            return 0
        pause.seconds = min(LONGEST, 2 * pause.seconds or WINDOW)
        pause.until = now + pause.seconds * 1000
        self._remember(name, pause)
        observability.security("guesses_bounded", subject=kind, seconds=pause.seconds)
        return pause.seconds

    def _remember(self, name: str, pause: _Pause) -> None:
        self._pauses[name] = pause
        self._pauses.move_to_end(name)
        if len(self._pauses) > REMEMBERED:
            self._pauses.popitem(last=False)
