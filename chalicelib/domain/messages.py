"""A message: one accepted send request, frozen as it was when it was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.rules import callbacks
from chalicelib.domain.rules.caps import Cap
from chalicelib.domain.rules.personal import Personal
from chalicelib.domain.strategies import Strategy
from chalicelib.domain.templates import Content
from chalicelib.domain.values import frozen

if TYPE_CHECKING:  # few messages have one
    from chalicelib.domain.rules.ab_tests import Split
    from chalicelib.domain.rules.schedules import Occasion

CHUNK_TARGETS = 1000
SCHEDULE = "schedule"  # the origin of a message that waited for its time
AB_TEST = "ab_test"  # the origin of a variant's message
INLINE_TARGETS = 100  # a send to at most so many named targets is planned in the request


@frozen
class Summary:
    """The line of a message in a list. Its id holds the time."""

    msgid: str
    audience: AudienceKind
    targets: int | None  # None if the audience is scanned
    priority: Priority
    template: tuple[int, int]
    rule_id: int
    channels: tuple[ChannelType, ...]
    sendno: str
    owner: str = ""
    name: str = ""
    origin: str = ""  # where it was asked for, empty: the API
    sender: str = ""  # the member who sent it, empty: the access channel itself


class Entry(NamedTuple):
    """A message's place in the list of its access channel, until its history expires."""

    channel_key: str
    summary: Summary
    expires: int  # epoch seconds
    targets: tuple[str, ...] = ()  # those that it names
    segment: int = 0  # to which it is sent, 0: none


class Sent(NamedTuple):
    """A message that names a target."""

    channel_key: str
    msgid: str


class Hold(NamedTuple):
    """A reason to send later. `until`: epoch milliseconds."""

    until: int
    reason: str


@frozen
class Ending:
    """The time (ms) at which a message was withdrawn, or its record deleted."""

    time: int
    is_deleted: bool = False


@frozen
class Retention:
    """Retention of a message's items, and notes by which the streams pass them on."""

    expires: int  # epoch seconds
    counted: bool
    start: int = 0  # ms: the end of the message's hold or review, 0: it had none
    callbacks: str = ""  # the channel key of the access channel that gets them, empty for none
    followed: bool = False  # the interactions of its users are kept


@frozen
class Message:
    """A message as every step needs it. Later changes of settings do not touch it."""

    msgid: str
    channel_key: str
    accepted: int  # ms
    priority: Priority
    strategy: Strategy
    # delivery channels by code, as authorised and enabled when accepted
    channels: Mapping[str, ChannelType]
    # deliveries per call, by code: frozen, since a call is identified by its range
    call_sizes: Mapping[str, int]
    # by code, rendered except for link variables
    contents: Mapping[str, Content] = field(repr=False)
    links: Mapping[str, str] = field(repr=False)  # link variable -> address
    # the named targets in order. If the audience is scanned, users that belong to it besides
    userids: tuple[str, ...] = field(repr=False)
    expires: int  # epoch seconds: when its history is deleted
    template: tuple[int, int] = (0, 0)  # number and version
    rule_id: int = 0
    app_para: Mapping[str, Any] = field(default_factory=dict)
    sendno: str = ""
    owner: str = ""
    name: str = ""  # for people, in lists
    origin: str = ""  # where it was asked for, empty: the API
    sender: str = ""  # the member who sent it, empty: the access channel itself
    black_id: int | None = None
    white_id: int | None = None
    callback: Mapping[str, Any] = field(default_factory=dict, repr=False)
    audience: Audience = field(default_factory=Audience)
    # per code, the contact labels to look in, in order
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    restricted: bool = False  # only to users that have a binding of this access channel's own
    # the workers of channels that a worker serves, by code: their jobs go to its queues
    workers: Mapping[str, str] = field(default_factory=dict)
    occasion: Occasion | None = None  # of a schedule whose occurrences are not the same for all
    hold: Hold | None = None  # nothing is planned before it ends
    # of steps that choose by rates: choice -> channel type -> rate when it was accepted
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rated: bool = False  # what becomes of it counts for the own rates of its users
    # the rules of sending, by stem, that a later step of the strategy has to pass
    step_rules: tuple[str, ...] = ()
    # frequency caps that count this message
    caps: tuple[Cap, ...] = ()
    budget: bool = False  # it counts for the budget of its access channel
    topic: int = 0  # 0: none
    opt_in: bool = False  # the topic is only for people who have chosen it
    purpose: str = ""  # that contacts must have consented to
    split: Split | None = None  # of an A/B test: the part of the audience that it is for
    # by code, the attributes of users that a content takes
    personal: Mapping[str, Personal] = field(default_factory=dict)
    # the body as its sender wrote it, without targets that stand elsewhere. Empty if it is long
    written: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # of a message whose first jobs were sent before it was stored
    plan: Plan | None = field(default=None, repr=False)
    unplanned: bool = False  # one person, whom the first job plans
    followed: bool = False  # the interactions of its users are kept

    @property
    def summary(self) -> Summary:
        targets = None if self.audience.is_scanned else len(self.userids)
        return Summary(
            self.msgid,
            self.audience.kind,
            targets,
            self.priority,
            self.template,
            self.rule_id,
            self.strategy.channels,
            self.sendno,
            self.owner,
            self.name,
            self.origin,
            self.sender,
        )

    @property
    def starts(self) -> int:
        """The time (ms) from which it may be planned: accepted, or the end of its hold."""
        return self.hold.until if self.hold else self.accepted

    @property
    def inline(self) -> bool:
        """The message is small enough to be planned in its request and counted when read."""
        return not self.audience.is_scanned and len(self.userids) <= INLINE_TARGETS

    @property
    def counts_once(self) -> bool:
        """A plan of the message must be looked for before another is made."""
        return self.inline or bool(self.caps) or self.budget

    def plan_of(self, chunk: ChunkId) -> Plan | None:
        """Return the plan of a chunk if the message holds it."""
        return self.plan if self.plan is not None and self.plan.id == chunk else None

    @property
    def is_single(self) -> bool:
        """The message has one target, whose job was sent before the message was stored."""
        return self.unplanned or (self.plan is not None and len(self.plan.targets) == 1)

    @property
    def has_clock(self) -> bool:
        """Checks find what a crash left. Otherwise the queue keeps each job until it is done."""
        return self.plan is None and not self.unplanned

    @property
    def retention(self) -> Retention:
        # Its id is older than the message after a hold, or a review of its request.
        start = self.starts if self.starts > keys.message_time(self.msgid) else 0
        return Retention(self.expires, not self.inline, start, self.callbacks, self.followed)

    @property
    def callbacks(self) -> str:
        """Return the channel key if the message has callbacks, otherwise an empty text."""
        return self.channel_key if callbacks.TO in self.callback else ""

    @property
    def first_chunks(self) -> range:
        """The first chunk of each partition.

        The chunks of a partition are as far apart as there are partitions.
        """
        return range(self.audience.partitions)

    def partition(self, chunk: int) -> int:
        return chunk % self.audience.partitions

    def chunk_after(self, chunk: int) -> int:
        return chunk + self.audience.partitions

    def codes_of(self, step: int) -> tuple[str, ...]:
        """Return the delivery channels of a step, in a fixed order."""
        types = self.strategy.steps[step].channels
        return tuple(
            sorted(code for code, channel_type in self.channels.items() if channel_type in types)
        )
