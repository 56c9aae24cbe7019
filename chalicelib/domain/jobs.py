"""What the queues carry: small, and without contacts or contents."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.plans import ChunkId


@dataclass(frozen=True)
class PlanJob:
    """Plan an audience from this chunk on, which begins after `position`: a user's place in the order of users, or how many named
    targets came before."""

    msgid: str
    chunk: int
    position: str = ""


@dataclass(frozen=True)
class DeliverJob:
    """Call the provider for deliveries `start` to `end` of a list on one channel. `tries` counts throttled rounds; `slot` (ms) is the
    turn that it has reserved, 0: none; `day` is the one in whose quota its deliveries are reserved, empty: in none."""

    msgid: str
    chunk: int
    step: int
    number: int
    channel: str
    start: int
    end: int
    tries: int = 0
    slot: int = 0
    day: str = ""


class Question(StrEnum):
    """What only a delivery function can ask a provider, since only it opens credentials."""

    CHECK = "check"  # are address and credentials right?
    TOKEN = "token"  # noqa: S105 the provider's own access token
    AUTHORISATION = "authorisation"  # the page on which the account's owner lets us in


@dataclass(frozen=True)
class QueryJob:
    """Ask the provider of a delivery channel something. `id` is the random one under which the API finds the answer."""

    channel: str
    question: Question
    id: str
    redirect_uri: str = ""  # of an authorisation: where its chunk leads afterwards


@dataclass(frozen=True)
class PollJob:
    """Ask a provider for the receipts of one delivery channel."""

    channel: str


@dataclass(frozen=True)
class WithdrawJob:
    """Let nothing more leave of a walker's chunks, from this one on."""

    msgid: str
    chunk: int


@dataclass(frozen=True)
class RecallJob:
    """Ask a provider to take back what a chunk has submitted on one delivery channel."""

    msgid: str
    chunk: int
    channel: str
    tries: int = 0


class TimerKind(StrEnum):
    CHECK = "look"  # is a chunk started, submitted, due for the next step?
    RECOUNT = "recount"
    WITHDRAW = "withdraw"  # has all of a chunk been stopped or taken back that can be? Of the first chunk: of every chunk
    POLL = "poll"  # ask the provider for a chunk's receipts


@dataclass(frozen=True)
class Timer:
    """A row that says what must happen at a time (ms). The same timer of the same clock slot is one row."""

    at: int
    kind: TimerKind
    chunk: ChunkId
    priority: Priority
    channel: str = ""  # for polls

    @property
    def what(self) -> str:
        return keys.join(
            self.kind.value, self.chunk.msgid, self.chunk.chunk, self.priority.value, self.channel
        )


@dataclass(frozen=True)
class TimersJob:
    """Timers that have come due, handed to the steps that they wake."""

    timers: tuple[Timer, ...]


@dataclass(frozen=True)
class ImportJob:
    """Go on with an import."""

    id: str


AudienceJob = PlanJob | WithdrawJob | TimersJob
ChannelJob = DeliverJob | RecallJob | PollJob | QueryJob | TimersJob


@dataclass(frozen=True)
class Envelope:
    """A job with where it goes. `group` keeps tenants fair within a queue; `delay` is seconds, at most 900."""

    job: AudienceJob | ChannelJob | ImportJob
    priority: Priority
    channel_type: ChannelType | None  # None: the audience queue, or that of imports
    group: str
    delay: int = 0
    worker: str = ""  # whose queues it goes to, where a worker serves the channel's platform
