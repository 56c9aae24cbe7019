"""The exception that puts a call off, and the record of it."""

from __future__ import annotations

from chalicelib.domain.chunks import Chunk, Deferral
from chalicelib.domain.errors import OpenUMSError
from chalicelib.domain.messages import Message
from chalicelib.ports import World

PAUSE = 300  # seconds after which the jobs of a paused delivery channel ask again
MAX_DELAY = 900  # seconds: the longest that a queue holds a message back


class Postponed(OpenUMSError):
    """The call is made later, after `delay` seconds. This is not a failure: it costs no receive.

    `for_quota`: a queue cannot hold the job so long. `of_job`: nothing was claimed, and all calls
    of the job wait for the same. `fetches`: how often its files could not be had. `is_try`: the
    provider was asked in vain.
    """

    def __init__(
        self,
        delay: float,
        *,
        for_quota: bool = False,
        of_job: bool = False,
        fetches: int = 0,
        is_try: bool = False,
    ) -> None:
        super().__init__()
        self.delay, self.for_quota = delay, for_quota
        self.of_job, self.fetches, self.is_try = of_job, fetches, is_try


def put_off(world: World, message: Message, chunk: Chunk, deferral: Deferral) -> None:
    """Record a deferral in a chunk, which may have no plan yet if it was not read."""
    if message.unplanned and not chunk.is_read:
        world.ledger.put_plan(chunk.plan, message)
    world.ledger.put_deferral(chunk.plan.id, deferral, message)


def backoff(tries: int) -> float:
    """Return seconds: 1, 1, 2, 4 … up to a quarter of an hour."""
    return min(2.0 ** min(tries - 1, 10), MAX_DELAY)
