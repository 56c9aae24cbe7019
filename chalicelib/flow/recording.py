"""Write what the single sends of a batch have to record with one request for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.chunks import CallAnswer
from chalicelib.flow import receipts
from chalicelib.flow.delivery.answers import Answers
from chalicelib.flow.follow_up import FollowUp
from chalicelib.observability import log
from chalicelib.ports import Lookup, Recording, World

HELD = 1000  # ms: after a longer job nothing waits any more
SHORT = 2  # timeouts of a provider. With less time left, nothing waits.


class Part:
    """The records of one job. Those of a single send wait for the other jobs of its batch."""

    def __init__(self, name: str, follow_up: FollowUp, calls: int) -> None:
        self.name, self.follow_up = name, follow_up
        world, message, at = follow_up.world, follow_up.message, follow_up.chunk.plan.id
        self.begun = world.clock.now()
        self.kept = Answers(world, message, at, follow_up.capabilities, calls)
        self.answers: Sequence[CallAnswer] = ()
        self.lookups: Mapping[str, Lookup] = {}
        self._is_written = False

    def follow(self, answers: Sequence[CallAnswer]) -> None:
        """Take note of what follows from answers. What does not wait is done now."""
        if not self.follow_up.message.is_single:
            self.follow_up.of(answers)
        elif answers:
            self.answers, self.lookups = answers, self.follow_up.lookups(answers)

    @property
    def waits(self) -> bool:
        return not self._is_written and bool(self.kept or self.answers)

    @property
    def is_written(self) -> bool:
        """Everything is written, and something follows."""
        return self._is_written and bool(self.answers)

    def has_been_written(self) -> None:
        self._is_written = True

    def recording(self) -> Recording:
        message, channel = self.follow_up.message, self.follow_up.channel
        at, timers = self.follow_up.chunk.plan.id, self.follow_up.timers(self.answers)
        return Recording(message, at, self.kept.to_write(), channel.code, self.lookups, timers)


class Recorder:
    """The parts of a batch. Parts that cannot be written or finished fail their jobs alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parts: list[Part] = []
        self._failed: dict[str, Exception] = {}

    def part(self, name: str, follow_up: FollowUp, calls: int) -> Part:
        part = Part(name, follow_up, calls)
        self._parts.append(part)
        return part

    def write_in_time(self, world: World) -> None:
        """Write before a job, if something should not wait for it."""
        now = world.clock.now()
        waiting = self._waiting
        is_late = world.ends is not None and (
            world.ends < now + SHORT * world.limits.provider_timeout * 1000
        )
        if is_late or any(part.kept.is_urgent or now > part.begun + HELD for part in waiting):
            self.write()

    def write(self) -> None:
        """Write what waits. If that fails, it is tried part by part, and again at the end."""
        self._together(self._waiting, self._write)

    def end(self) -> Mapping[str, Exception]:
        """Write the rest, and do what follows. Return the errors of jobs by name."""
        self.write()
        written = [part for part in self._parts if part.is_written]
        self._together([part for part in written if part.lookups], self._record_parked)
        for part in written:
            self._together([part], _finish)
        return self._failed

    @property
    def _waiting(self) -> list[Part]:
        return [part for part in self._parts if part.waits]

    def _together(self, parts: Sequence[Part], work: Callable[[Sequence[Part]], None]) -> None:
        """Work on all parts at once. If that fails, work on one after the other."""
        if not parts:
            return
        try:
            work(parts)
        except Exception as error:
            if len(parts) == 1:
                self._failed[parts[0].name] = error
                return
            log.warning("not_recorded_together", exc_info=error, extra={"jobs": len(parts)})
            for part in parts:
                self._together([part], work)

    def _write(self, parts: Sequence[Part]) -> None:
        self._world.recordings.put([part.recording() for part in parts])
        for part in parts:
            part.has_been_written()
            self._failed.pop(part.name, None)

    def _record_parked(self, parts: Sequence[Part]) -> None:
        ids: dict[str, list[str]] = {}
        for part in parts:
            ids.setdefault(part.follow_up.channel.code, []).extend(part.lookups)
        receipts.record_parked(self._world, ids)


def _finish(parts: Sequence[Part]) -> None:
    for part in parts:
        part.follow_up.finish(part.answers)
