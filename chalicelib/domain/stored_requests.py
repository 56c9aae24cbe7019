"""Stored requests: sends that wait, templates under review, and A/B tests.

An A/B test waits for the end of its variants. Its body is that of a send, with their differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.rules.reviews import Kind, Origin, Review
from chalicelib.domain.rules.schedules import Occurrence, Outcome, Timing, next_after
from chalicelib.domain.values import frozen

if TYPE_CHECKING:  # few requests belong to one
    from chalicelib.domain.rules.ab_tests import AbTest, Split


class Form(StrEnum):
    """The kind of a stored body, hence how it is read."""

    SEND = "send"
    BROADCAST = "broadcast"
    TEMPLATE = "template"  # a template, new or changed
    AB_TEST = "ab_test"


class State(StrEnum):
    IN_REVIEW = "in_review"
    REJECTED = "rejected"  # may be changed, and asked for again
    PENDING = "pending"  # waits for its time, or is carried out just now
    DONE = "done"  # has no time left
    CANCELLED = "cancelled"


class Result(NamedTuple):
    """The result of an occurrence. `at` (ms) is its time, `time` when it was carried out."""

    id: str
    at: int
    time: int
    outcome: Outcome
    msgid: str = ""
    code: int = 0  # of the error of a refusal
    reason: str = ""  # text of the error
    number: int = 1  # of occurrences that were missed in a row, beginning with this one
    expires: int = 0  # epoch seconds

    @property
    def position(self) -> str:
        """Its place among results, which sorts by the time of the occurrence."""
        return f"{self.at:013d}#{self.id}"


class Written(NamedTuple):
    """A request as its sender wrote it, and the interface by which it came."""

    form: Form
    body: Mapping[str, Any]
    origin: Origin = Origin.API
    member: str = ""  # the access key of the member who sends


def origin_of(written: Written) -> str:
    """Return the origin of a message that is sent without waiting for a time."""
    return "" if written.origin is Origin.API else written.origin.value


class About(NamedTuple):
    """Facts about a stored send that lists show and filter by."""

    kind: Kind
    audience: AudienceKind
    channels: tuple[ChannelType, ...]
    sendno: str = ""
    priority: int = 2
    template: int = 0
    rule_id: int = 0


@frozen
class StoredRequest:
    """A request that waits. Every change makes the next version.

    The id has the form of a message id. A message without a time of its own is sent under it.
    """

    id: str
    channel_key: str
    created: int  # ms
    state: State
    written: Written = field(repr=False)
    about: About
    owner: str = ""  # who asked, as the request says
    name: str = ""
    timing: Timing | None = None
    # ms of the next occurrence. Without a timing: when the review ends, or when it was approved
    next: int = 0
    local: str = ""  # its local time, ISO 8601
    review: Review | None = field(default=None, repr=False)
    last: Result | None = None
    ab_test: AbTest | None = field(default=None, repr=False)
    split: Split | None = None  # of a send that belongs to an A/B test
    version: int = 1
    expires: int | None = None  # epoch seconds, None: not while it waits

    @property
    def waits(self) -> bool:
        return self.state in (State.IN_REVIEW, State.PENDING, State.REJECTED)

    @property
    def is_in_review(self) -> bool:
        return self.state is State.IN_REVIEW

    @property
    def position(self) -> str:
        """Its place among schedules, which sorts by the next occurrence."""
        return f"{self.next:013d}#{self.id}"

    @property
    def is_scheduled(self) -> bool:
        return self.timing is not None and self.waits

    @property
    def is_send(self) -> bool:
        return self.written.form in (Form.SEND, Form.BROADCAST)

    @property
    def is_put_elsewhere(self) -> bool:
        """The request is an approved template, which its reviewer's request puts."""
        return self.written.form is Form.TEMPLATE and self.state is State.PENDING

    @property
    def became(self) -> str:
        """The id of the message that a request with one time was sent as, or empty."""
        is_one = self.state is State.DONE and (self.timing is None or not self.timing.cron)
        return self.last.msgid if is_one and self.last else ""

    @property
    def status(self) -> str:
        """The status in the report of a message that was not sent."""
        if self.state is State.PENDING:
            return "scheduled" if self.timing else "accepted"
        if self.state is not State.DONE or self.last is None:
            return self.state.value
        not_in_time = self.last.outcome is Outcome.IN_REVIEW
        return "expired" if not_in_time else self.last.outcome.value

    def is_due(self, now: int) -> bool:
        return self.waits and self.next <= now

    @property
    def occurrence(self) -> Occurrence:
        return Occurrence(datetime.fromisoformat(self.local), self.next)

    def at(self, occurrence: Occurrence) -> StoredRequest:
        """Return the request with its next occurrence."""
        return replace(self, next=occurrence.at, local=occurrence.local.isoformat())

    def following(self, after: int) -> Occurrence | None:
        """Return the first occurrence later than a time (ms)."""
        return next_after(self.timing, after) if self.timing else None

    def changed(self, **changes: Any) -> StoredRequest:
        """Return the next version."""
        return replace(self, **changes, version=self.version + 1)
