"""The time of one job: no part of it begins that might not end before its worker does.

A worker that ends in the middle of a call leaves a claim. Nobody knows then if the provider took
the call. So calls, files and connections get their time from here.
"""

from __future__ import annotations

from chalicelib.domain.provider_io import CallTime, Capabilities
from chalicelib.ports import World

SHARE = 4  # further parts of a job begin only in this part of a lease
RECORDING = 1  # seconds to record an answer and to send the jobs that follow from it


class Budget:
    """The seconds that are left to a job, for its calls and what comes before them.

    `share`: those in which another part of it may begin. `began`: when the job began (ms).
    """

    def __init__(self, world: World, capabilities: Capabilities, share: float) -> None:
        self._world, self._seconds = world, share
        self.began = self._begun = world.clock.now()
        self._ends = world.end_of_job(self._begun)
        self._call = capabilities.exchanges * world.limits.provider_timeout
        self._preparation = capabilities.preparation * world.limits.provider_timeout

    def begin_calls(self) -> None:
        """Count the share from now on: the files are there."""
        self._begun = self._world.clock.now()

    @property
    def _end(self) -> float:
        return (self._ends - self._world.clock.now()) / 1000 - RECORDING

    @property
    def _share(self) -> float:
        return self._seconds - (self._world.clock.now() - self._begun) / 1000

    @property
    def may_go_on(self) -> bool:
        """Tell if another call may begin after those that were made."""
        return self._share > 0 and self.may_prepare

    @property
    def may_prepare(self) -> bool:
        """Tell if a call would end in time, even with a slow connection before it."""
        return self._end >= self._preparation + self._call

    @property
    def may_call(self) -> bool:
        """Tell if a call that is prepared would end in time."""
        return self._end >= self._call

    @property
    def for_files(self) -> float:
        """The seconds that fetching all files of the job may take.

        `share` does not limit this time, since files take permits of their own (permits.py).
        """
        usual = self._world.limits.lease / SHARE
        return min(usual, self._end - self._preparation - self._call)

    @property
    def for_call(self) -> CallTime:
        return CallTime(self._share, self._end)
