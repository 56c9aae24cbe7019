"""Jobs that the queues carry: small, and without contacts or contents."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from chalicelib.domain import keys
from chalicelib.domain.callbacks import Events
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.values import frozen


@frozen
class PlanJob:
    """Plan an audience from this chunk on.

    The chunk begins after `position`. That is a user's position (`keys.position`), or the number of
    named targets before the chunk.
    """

    msgid: str
    chunk: int
    position: str = ""


@frozen
class DeliverJob:
    """Call the provider for deliveries `start` to `end` of a step's entrants on one channel.

    `step` and `number` name the entrants. `tries` counts throttled rounds. `slot` is the time (ms)
    that the rate limit has reserved for the job, or 0. `turns` are the calls or deliveries that it
    has reserved then. 0: as many as the job needs. `day` is the day in whose quota its
    deliveries are reserved, or empty. `fetches` counts the times that its files could not be had.
    `priority` is that of a job which may come before its message, and `group` is its tenant's.
    `early` counts these times.
    `userid` is the person whom the job plans.
    """

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
    fetches: int = 0
    priority: int = 0
    early: int = 0
    userid: str = ""
    group: str = ""
    turns: int = 0


class Query(StrEnum):
    """A query that only a delivery function can make, since only it opens credentials."""

    CHECK = "check"  # whether address and credentials are right
    TOKEN = "token"  # noqa: S105 the provider's own access token
    AUTHORISATION = "authorisation"  # the page on which the account's owner lets us in
    TEMPLATES = "templates"  # something about its templates, which a stored order tells


@frozen
class QueryJob:
    """Query the provider of a delivery channel. The API finds the result under the random `id`."""

    channel: str
    question: Query
    id: str
    redirect_uri: str = ""  # of an authorisation: the address that its page leads to afterwards


@frozen
class PollJob:
    """Ask a provider for the receipts of one delivery channel."""

    channel: str


@frozen
class ReceiptsJob:
    """Look again for the submissions of receipts of a delivery channel.

    `posts`: by hash of the provider's id, the name under which a post's receipts are parked.
    """

    channel: str
    posts: Mapping[str, str]


@frozen
class WithdrawJob:
    """Stop everything in the chunks of a partition, from this chunk on."""

    msgid: str
    chunk: int


@frozen
class RecallJob:
    """Ask a provider to take back what a chunk has submitted on one delivery channel."""

    msgid: str
    chunk: int
    channel: str
    tries: int = 0


class TimerKind(StrEnum):
    CHECK = "look"  # whether a chunk is started, submitted, due for the next step
    RECOUNT = "recount"
    # whether all that can be is stopped or taken back in a chunk
    # (for the first chunk: in every chunk)
    WITHDRAW = "withdraw"
    FIGURES = "figures"  # what a block of small messages adds to the figures
    DAY = "day"  # the sum of a day's figures
    FACTS = "facts"  # the fact files of a unit
    SEGMENT = "segment"  # the daily count of a segment, whose number stands for a message's id
    POLL = "poll"  # ask the provider for a chunk's receipts
    WAKE = "wake"  # whether a stored request, whose id stands for a message's, missed its wake-up


@frozen
class Timer:
    """Work that is due at a time (ms). Timers of a slot that are set together are one row.

    A sweep hands out the same timer of the same slot once. The chunk of a timer for figures is a
    block, or an access channel's day. That of a timer for fact files is a unit.
    """

    at: int
    kind: TimerKind
    chunk: ChunkId
    priority: Priority
    channel: str = ""  # for polls

    @property
    def what(self) -> str:
        return keys.join(
            self.kind.value, self.chunk.msgid, self.chunk.number, self.priority.value, self.channel
        )


@frozen
class TimersJob:
    """Timers that have come due, for the steps that they wake."""

    timers: tuple[Timer, ...]


@frozen
class ImportJob:
    """Go on with an import."""

    id: str


@frozen
class CoverageJob:
    """Count the contacts of the next users. `key`: an access channel, empty for all users."""

    key: str
    version: int


@frozen
class SegmentJob:
    """Count the next members of a segment."""

    number: int
    version: int


@frozen
class InteractionsJob:
    """Keep the interactions of users that facts tell."""

    events: tuple[Events, ...]


@frozen
class ExportJob:
    """Write the next file of an export."""

    id: str


@frozen
class FactsJob:
    """Write the fact files of a unit anew. Without a message it is a quarter of an hour."""

    msgid: str
    number: int


@frozen
class CallbackJob:
    """Report events to their sender. `time` (ms): of the items that told them."""

    channel_key: str
    time: int
    events: tuple[Events, ...]


@frozen
class CallbackRetry:
    """Deliver a stored batch, not before `at` (ms).

    `tries`: the failures so far. `again`: deliver the batch even if it was delivered before.
    """

    channel_key: str
    batch: str
    tries: int = 0
    at: int = 0
    again: bool = False


@frozen
class CallbackReplay:
    """Deliver stored batches again, from ids above `since` to below `until`.

    `states` and `address` choose among them, where an empty text means all.
    """

    channel_key: str
    since: str
    until: str
    states: str = ""  # joined by commas
    address: str = ""


@frozen
class CallbackTest:
    """Test an address. The API finds the result under the random `id`."""

    channel_key: str
    address: str
    id: str


ChunkJob = PlanJob | WithdrawJob | TimersJob | CoverageJob | SegmentJob | InteractionsJob
ChannelJob = DeliverJob | RecallJob | PollJob | ReceiptsJob | QueryJob | TimersJob
FileJob = ImportJob | ExportJob
AnyCallbackJob = CallbackJob | CallbackRetry | CallbackReplay | CallbackTest


@frozen
class Envelope:
    """A job with its destination.

    `group` keeps tenants fair within a queue. `delay` is seconds, at most 900.
    """

    job: ChunkJob | ChannelJob | FileJob | FactsJob | AnyCallbackJob
    priority: Priority
    channel_type: ChannelType | None  # None: the queue of chunks, or of the job's kind
    group: str
    delay: int = 0
    worker: str = ""  # the worker that serves the channel's platform, which has queues of its own
