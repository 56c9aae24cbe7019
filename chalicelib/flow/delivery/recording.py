"""Write what the single sends of a batch have to record with one request for all of them.

A call that nobody had claimed before is its worker's alone while the lease lives. So its answer
needs no condition, and can wait for the others. Some calls have no token that outlives the worker.
Their answers wait for the end of the job only, and only if it has no other call. So a worker that
dies leaves one such call unknown at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, ChunkId
from chalicelib.flow import receipts
from chalicelib.flow.delivery.follow_up import FollowUp
from chalicelib.observability import log
from chalicelib.ports import Lookup, Recording, World

HELD = 1000  # ms: after a longer job nothing waits any more
MARGIN = 15_000  # ms of a lease that a write may take with all its retries
# Leases until the job of a worker that died comes back. Its queue hides it for six.
RETURN = 7
SHORT = 2  # timeouts of a provider. With less time left, nothing waits.


class Part:
    """The records of one job. Those of a single send wait for the other jobs of its batch."""

    def __init__(self, name: str, follow_up: FollowUp, calls: int) -> None:
        self.name, self.follow_up = name, follow_up
        self.begun = follow_up.world.clock.now()
        self.waits = follow_up.message.is_single
        self.is_written, self.is_urgent = True, False
        self.answers: Sequence[CallAnswer] = ()
        self.lookups: Mapping[str, Lookup] = {}
        self._kept: list[tuple[CallAnswer, int]] = []  # answers, and until when their leases live
        life = follow_up.capabilities.token_life or 0
        self._has_tokens = life > RETURN * follow_up.world.limits.lease
        self._is_alone = calls == 1

    def keep(self, answer: CallAnswer, record: Call) -> bool:
        """Keep the answer to a call of this record. Return False if it must not wait."""
        has_token = self._has_tokens and bool(record.token)
        if not self.waits or answer.later or not (has_token or self._is_alone):
            return False
        self._kept.append((answer, record.lease))
        self.is_written = False
        self.is_urgent = self.is_urgent or not has_token
        return True

    def follow(self, answers: Sequence[CallAnswer]) -> None:
        """Take note of what follows from answers. What does not wait is done now."""
        if not self.waits:
            self.follow_up.of(answers)
        elif answers:
            self.answers, self.lookups = answers, self.follow_up.lookups(answers)
            self.is_written = False

    def recording(self) -> Recording:
        """Return what is to be written. An answer whose lease ends soon is put here."""
        message, at = self.follow_up.message, self.follow_up.chunk.plan.id
        world, answers = self.follow_up.world, list[CallAnswer]()
        for answer, lease in self._kept:
            if lease > world.clock.now() + MARGIN:
                answers.append(answer)
            else:
                put_answer(world, at, answer, message)
        timers = self.follow_up.timers(self.answers)
        return Recording(message, at, answers, self.follow_up.channel.code, self.lookups, timers)


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
        if is_late or any(part.is_urgent or now > part.begun + HELD for part in waiting):
            self.write()

    def write(self) -> None:
        """Write what waits. If that fails, it is tried part by part, and again at the end."""
        self._together(self._waiting, self._write)

    def end(self) -> Mapping[str, Exception]:
        """Write the rest, and do what follows. Return the errors of jobs by name."""
        self.write()
        written = [part for part in self._parts if part.is_written and part.answers]
        self._together([part for part in written if part.lookups], self._record_parked)
        for part in written:
            self._together([part], _finish)
        return self._failed

    @property
    def _waiting(self) -> list[Part]:
        return [part for part in self._parts if not part.is_written]

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
            part.is_written = True
            self._failed.pop(part.name, None)

    def _record_parked(self, parts: Sequence[Part]) -> None:
        ids: dict[str, list[str]] = {}
        for part in parts:
            ids.setdefault(part.follow_up.channel.code, []).extend(part.lookups)
        receipts.record_parked(self._world, ids)


def _finish(parts: Sequence[Part]) -> None:
    for part in parts:
        part.follow_up.finish(part.answers)


def put_answer(world: World, at: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer:
    """Put an answer once. If another worker's answer stands, add facts that it lacks."""
    stored = world.ledger.put_answer(at, answer, message)
    if stored == answer:
        return answer
    stored_facts = {(f.ref, f.kind, f.provider_id) for f in stored.facts}
    missing = [f for f in answer.facts if (f.ref, f.kind, f.provider_id) not in stored_facts]
    if missing:
        world.ledger.add(at, missing, message)
    return replace(answer, later=stored.later, untried=stored.untried)
