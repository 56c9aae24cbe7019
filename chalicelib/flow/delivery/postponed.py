"""The exception that puts a call off."""

from __future__ import annotations

from chalicelib.domain.errors import OpenUMSError

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


def backoff(tries: int) -> float:
    """Return seconds: 1, 1, 2, 4 … up to a quarter of an hour."""
    return min(2.0 ** min(tries - 1, 10), MAX_DELAY)
