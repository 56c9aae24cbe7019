"""Write what calls have to record with few requests.

The single sends of a batch are written together, and the calls of a large message by the second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.jobs import Timer
from chalicelib.domain.plans import CallKey
from chalicelib.flow import matching, receipts
from chalicelib.flow.delivery.answers import Answers
from chalicelib.flow.follow_up import FollowUp
from chalicelib.observability import log
from chalicelib.ports import Lookup, Recording, World

HELD = 1000  # ms: after a longer job nothing waits any more
SHORT = 2  # timeouts of a provider. With less time left, nothing waits.
FULL = 24  # records. One request writes 25, and most calls have one to three.


class Part:
    """The records of one job. Those of a single send wait for the other jobs of its batch.

    Those of other messages wait for the next calls: a second at most, so that receipts find their
    lookups, or until a request is full.
    """

    def __init__(self, name: str, follow_up: FollowUp, calls: int) -> None:
        self.name, self.follow_up = name, follow_up
        self._world, message, at = follow_up.world, follow_up.message, follow_up.chunk.plan.id
        self.begun = self._world.clock.now()
        self.kept = Answers(self._world, message, at, follow_up.capabilities, calls)
        self.answers: Sequence[CallAnswer] = ()
        self.lookups: dict[str, Lookup] = {}
        self._unwritten: dict[str, Lookup] = {}
        self._known = set[CallKey]()  # answers whose lookups are among these
        self._since: int | None = None  # the first record that waits
        self._is_single = message.is_single
        self._written_at: int | None = None  # when all was written

    def add(self, answer: CallAnswer) -> None:
        """Take note of the answer to a call, while others follow."""
        if self._is_single:
            return
        self._look_up([answer])
        now, number = self._world.clock.now(), len(self.kept) + len(self._unwritten)
        self._since = now if self._since is None else self._since
        if self.kept.is_urgent or number >= FULL or now > self._since + HELD:
            self._write([])

    def follow(self, answers: Sequence[CallAnswer]) -> None:
        """Take note of what follows from all answers. What does not wait is done now."""
        if not answers:
            return
        self.answers = answers
        self._look_up(answers)
        if not self._is_single:
            self._write(self.follow_up.timers(answers))
            if self.lookups:
                ids = {self.follow_up.channel.code: tuple(self.lookups)}
                receipts.record_parked(self._world, ids)
            self.follow_up.finish(answers)

    def _look_up(self, answers: Sequence[CallAnswer]) -> None:
        lookups = self.follow_up.lookups([a for a in answers if a.key not in self._known])
        self._known |= {answer.key for answer in answers}
        self._unwritten |= lookups
        self.lookups |= lookups

    def _write(self, timers: Sequence[Timer]) -> None:
        if self.kept or self._unwritten or timers:
            self._world.recordings.put([self._recording(timers)])
        self._unwritten, self._since = {}, None
        self.kept.clear()

    @property
    def waits(self) -> bool:
        follows = self._is_single and self.answers
        return self._written_at is None and bool(self.kept or follows)

    @property
    def is_written(self) -> bool:
        """Everything is written, and something follows."""
        return self._written_at is not None and bool(self.answers)

    def has_been_written(self) -> None:
        self._written_at = self._world.clock.now()

    @property
    def is_prompt(self) -> bool:
        """Tell if the calls were first attempts whose lookups were written soon after their start.

        Whoever parks a receipt of them finds these lookups.
        """
        follow_up, at = self.follow_up, self._written_at
        if follow_up.chunk.is_read or follow_up.capabilities.worker or at is None:
            return False
        return at <= self.begun + matching.PROMPT

    def recording(self) -> Recording:
        return self._recording(self.follow_up.timers(self.answers))

    def _recording(self, timers: Sequence[Timer]) -> Recording:
        message, at = self.follow_up.message, self.follow_up.chunk.plan.id
        code, answers = self.follow_up.channel.code, self.kept.to_write()
        return Recording(message, at, answers, code, self._unwritten, timers)


class Recorder:
    """The parts of a batch. Parts that cannot be written or finished fail their jobs alone."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parts: list[Part] = []
        self._failed: dict[str, Exception] = {}

    def part(self, name: str, follow_up: FollowUp, calls: int) -> Part:
        """Return the part of a job. Others do not wait for one that makes several calls."""
        if calls > 1:
            self.write()
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
        sought = [part for part in written if part.lookups and not part.is_prompt]
        self._together(sought, self._record_parked)
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
