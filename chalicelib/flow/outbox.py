"""An outbox: the jobs that follow from several others are sent together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.jobs import Envelope
from chalicelib.domain.values import frozen
from chalicelib.ports import Queues, World

HELD = 1000  # ms: after a longer job nothing waits any more


@frozen
class _Drawer:
    """The queues of one job, which keep what they get in the outbox."""

    outbox: Outbox
    name: str

    def send(self, envelopes: Sequence[Envelope]) -> None:
        self.outbox.waiting += [(self.name, envelope) for envelope in envelopes]

    def hand_back(self, queue: str, jobs: Sequence[tuple[str, str]]) -> None:
        self.outbox.queues.hand_back(queue, jobs)


class Outbox:
    """Holds what the jobs of a batch send. If their worker dies, they come back and send again."""

    def __init__(self, world: World) -> None:
        self.queues: Queues = world.queues
        self.waiting: list[tuple[str, Envelope]] = []
        self._since = 0
        self._failed: dict[str, Exception] = {}

    def of(self, world: World, name: str = "") -> World:
        """Return the world for a job of this name."""
        return replace(world, queues=_Drawer(self, name))

    def flush_in_time(self, now: int) -> None:
        """Send before another job begins, if something should not wait for it."""
        if now > self._since + HELD:
            self.flush()
        if not self.waiting:
            self._since = now

    def flush(self) -> Mapping[str, Exception]:
        """Send what waits. Return the errors up to now, by the names of the jobs."""
        waiting, self.waiting = self.waiting, []
        try:
            if waiting:
                self.queues.send([envelope for _, envelope in waiting])
        except Exception as error:  # noqa: BLE001 the jobs are done again
            self._failed |= {name: error for name, _ in waiting}
        return self._failed
