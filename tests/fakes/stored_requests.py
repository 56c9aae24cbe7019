"""Stored requests and their wake-ups, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.stored_requests import Result, StoredRequest
from chalicelib.ports import IdempotencyKey
from tests.fakes.clock import FakeTimers
from tests.fakes.copies import copy_of
from tests.fakes.messages import FakeMessages
from tests.fakes.steps import Steps

AFTER = 10 * 60_000


class FakeStoredRequests:
    def __init__(self, steps: Steps, messages: FakeMessages, timers: FakeTimers) -> None:
        self.steps, self.messages, self.timers = steps, messages, timers
        self.stored: dict[str, StoredRequest] = {}
        self.kept: dict[tuple[str, str], Result] = {}  # partition, position

    def create(
        self, request: StoredRequest, once: IdempotencyKey | None = None
    ) -> IdempotencyKey | None:
        with self.steps.around("stored.create", write=True):
            if once is not None and (stands := self.messages.standing(once.name)) is not None:
                return stands
            if request.id in self.stored:
                raise Conflict("a request with this id exists")
            self.stored[request.id] = copy_of(request)
            self._set_timer(request)
            if once is not None:
                self.messages.use(once, request.id)
            return None

    def get(self, id: str) -> StoredRequest | None:
        with self.steps.around("stored.get", write=False):
            return copy_of(self.stored.get(id))

    def update(
        self, before: StoredRequest, after: StoredRequest, result: Result | None = None
    ) -> None:
        with self.steps.around("stored.update", write=True):
            stored = self.stored.get(before.id)
            if stored is None or stored.version != before.version:
                raise Stale("somebody else changed this meanwhile")
            self.stored[after.id] = copy_of(after)
            if result is not None:
                for of in (after.id, after.channel_key):
                    self.kept[of, result.position] = result
            if after.waits and (after.next, after.state) != (before.next, before.state):
                self._set_timer(after)

    def _set_timer(self, request: StoredRequest) -> None:
        at = ChunkId(request.id, 0)
        self.timers.put_row(Timer(request.next + AFTER, TimerKind.WAKE, at, Priority.MEDIUM))

    def scheduled(
        self,
        channel_key: str,
        after: str,
        until: str,
        limit: int,
        wanted: Callable[[StoredRequest], bool],
    ) -> Sequence[StoredRequest]:
        with self.steps.around("stored.scheduled", write=False):
            found = [
                r
                for r in sorted(self.stored.values(), key=lambda r: r.position)
                if r.channel_key == channel_key
                and r.is_scheduled
                and r.position > after
                and (not until or r.position < until)
                and wanted(r)
            ]
            return [_header(r) for r in found[:limit]]

    def asked(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        return self._newest(member, before, limit, lambda r: r.review.askers)

    def to_review(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        def waiting(request: StoredRequest) -> Iterable[str]:
            return request.review.reviewers if request.is_in_review and request.review else ()

        return self._newest(member, before, limit, waiting)

    def decided(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        return self._newest(
            member, before, limit, lambda r: [d.member for d in r.review.all_decisions]
        )

    def _newest(
        self, member: str, before: str, limit: int, members: Callable[..., Iterable[str]]
    ) -> Sequence[StoredRequest]:
        with self.steps.around("stored.newest", write=False):
            found = [
                r
                for id, r in sorted(self.stored.items(), reverse=True)
                if r.review and member in members(r) and (not before or id < before)
            ]
            return [_header(r) for r in found[:limit]]

    def ab_tests(self, channel_key: str, before: str, limit: int) -> Sequence[StoredRequest]:
        with self.steps.around("stored.newest", write=False):
            found = [
                r
                for id, r in sorted(self.stored.items(), reverse=True)
                if r.ab_test and r.channel_key == channel_key and (not before or id < before)
            ]
            return [_header(r) for r in found[:limit]]

    def results(self, of: str, before: str, limit: int) -> Sequence[Result]:
        with self.steps.around("stored.results", write=False):
            return [
                result
                for (partition, position), result in sorted(self.kept.items(), reverse=True)
                if partition == of and (not before or position < before)
            ][:limit]


def _header(request: StoredRequest) -> StoredRequest:
    """Return a request as a list has it, without its body."""
    return replace(copy_of(request), written=request.written._replace(body={}))


class FakeWakeups:
    """Wake-ups by (time, id). `lost`: they never come."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.waiting: set[tuple[int, str]] = set()

    def set(self, id: str, at: int) -> None:
        with self.steps.around("wakeups.set", write=True):
            self.waiting.add((at, id))

    def cancel(self, id: str, at: int) -> None:
        with self.steps.around("wakeups.cancel", write=True):
            self.waiting.discard((at, id))

    def next(self) -> int | None:
        return min((at for at, _ in self.waiting), default=None)

    def take(self, now: int) -> list[str]:
        """Return the ids whose time has come."""
        due = sorted(entry for entry in self.waiting if entry[0] <= now)
        self.waiting -= set(due)
        return [id for _, id in due]


def waiting(
    steps: Steps, messages: FakeMessages, timers: FakeTimers
) -> tuple[FakeStoredRequests, FakeWakeups]:
    return FakeStoredRequests(steps, messages, timers), FakeWakeups(steps)
