"""Requests that wait for their time or for approval, and the clock that wakes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from chalicelib.ports.messages import IdempotencyKey

if TYPE_CHECKING:  # few containers need them
    from chalicelib.domain.stored_requests import Result, StoredRequest


class StoredRequests(Protocol):
    """Stored requests with their bodies, and the results of their occurrences.

    A request that waits has a timer, which finds it if its wake-up gets lost. Bodies, reviews and
    results are sealed. Lists are read consistently.
    """

    def create(
        self, request: StoredRequest, once: IdempotencyKey | None = None
    ) -> IdempotencyKey | None:
        """Store a new request with its timer: all or nothing.

        If `once` is stored already, store nothing and return it. Raise Conflict if the id exists.
        """

    def get(self, id: str) -> StoredRequest | None:
        """Return a request with its body, read consistently."""

    def update(
        self, before: StoredRequest, after: StoredRequest, result: Result | None = None
    ) -> None:
        """Store the next version, its timer, and a result: all or nothing.

        Raise Stale if the stored version is not that of `before`.
        """

    def scheduled(
        self,
        channel_key: str,
        after: str,
        until: str,
        limit: int,
        wanted: Callable[[StoredRequest], bool],
    ) -> Sequence[StoredRequest]:
        """Return scheduled requests between two positions, in the order of their next occurrence.

        Their bodies are empty. A position is `<ms of 13 digits>#<id>`.
        """

    def asked(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        """Return the reviews that a member asked for, newest first, from an id on."""

    def to_review(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        """Return the requests that a member may decide now, newest first."""

    def decided(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        """Return the requests that a member has decided, newest first."""

    def ab_tests(self, channel_key: str, before: str, limit: int) -> Sequence[StoredRequest]:
        """Return the A/B tests of an access channel, newest first. Their bodies are empty."""

    def results(self, of: str, before: str, limit: int) -> Sequence[Result]:
        """Return results of a request or of an access channel, newest first, from a position on."""


class Wakeups(Protocol):
    """The clock of schedules. It calls back once at a time, within a minute after it."""

    def set(self, id: str, at: int) -> None:
        """Wake a request at a time (ms). A repeat changes nothing."""

    def cancel(self, id: str, at: int) -> None:
        """Take a wake-up back. No effect on a wake-up that was never set, or has come."""
