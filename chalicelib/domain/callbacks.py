"""Callbacks: records for the sender, their batches, the times of retries, and signatures.

The records are UMS's (docs.jiguang.cn/jums/advanced/callback, 2021-12-15). The signatures are those
of Standard Webhooks (github.com/standard-webhooks, `v1`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.callbacks import Retries
from chalicelib.domain.values import frozen

BATCH = 100  # records of a callback
MAX_DELAY = 900  # seconds that a queue holds a job back
JITTER = 0.2  # of a delay of the long schedule, to either side
SIGNING_PREFIX = "whsec_"
# Seconds from one try to the next.
DELAYS: Mapping[Retries, tuple[int, ...]] = {
    Retries.UMS: (50, 50, 50),
    Retries.LONG: (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
}


class CallbackType(IntEnum):
    """UMS's types of records."""

    TARGET_VALID = 0
    TARGET_INVALID = 1
    SUBMITTED = 2
    SUBMIT_FAILED = 3
    DELIVERED = 4
    DELIVERY_FAILED = 5
    CLICKED = 6
    WITHDRAWN = 7
    WITHDRAW_FAILED = 8


OF_FACTS: Mapping[FactKind, CallbackType] = {
    FactKind.SUBMITTED: CallbackType.SUBMITTED,
    FactKind.SUBMIT_FAILED: CallbackType.SUBMIT_FAILED,
    FactKind.INVALID_TARGET: CallbackType.SUBMIT_FAILED,
    FactKind.UNKNOWN: CallbackType.SUBMIT_FAILED,
    FactKind.EXPIRED: CallbackType.SUBMIT_FAILED,
    FactKind.DELIVERED: CallbackType.DELIVERED,
    FactKind.DELIVERY_FAILED: CallbackType.DELIVERY_FAILED,
    FactKind.BOUNCED: CallbackType.DELIVERY_FAILED,
    FactKind.CLICKED: CallbackType.CLICKED,
    FactKind.WITHDRAWN: CallbackType.WITHDRAWN,
    FactKind.WITHDRAW_FAILED: CallbackType.WITHDRAW_FAILED,
}


class Record(NamedTuple):
    """A record of a callback: what became of a target or of a delivery.

    `userid` or `contact` is empty where there is none. `channel_type` None: it is of a target.
    """

    type: CallbackType
    channel_key: str
    msgid: str
    userid: str
    contact: str
    channel_type: ChannelType | None
    time: int  # ms
    reason: str  # of a loss or a failure
    params: Mapping[str, Any]


@frozen
class Events:
    """Changes of deliveries in a chunk that one item of the ledger tells.

    `targets`: the range of the plan's targets that were decided on.
    """

    chunk: ChunkId
    facts: tuple[Fact, ...] = ()
    targets: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        """The number of records that follow from it, at most."""
        return len(self.facts) + self.targets[1] - self.targets[0]


@frozen
class News:
    """An item whose message has callbacks: the access channel, the time (ms), and the events."""

    channel_key: str
    time: int
    events: Events


def parts(events: Events) -> Iterator[Events]:
    """Yield the events in parts of at most a batch each, without facts that have no record."""
    facts = tuple(fact for fact in events.facts if fact.kind in OF_FACTS)
    for start in range(0, len(facts), BATCH):
        yield Events(events.chunk, facts[start : start + BATCH])
    first, behind = events.targets
    for start in range(first, behind, BATCH):
        yield Events(events.chunk, (), (start, min(start + BATCH, behind)))


class BatchState(StrEnum):
    DELIVERED = "delivered"
    WAITING = "waiting"  # for its next try
    HELD = "held"  # its address is paused
    FAILED = "failed"  # tried as often as its schedule says


class Attempt(NamedTuple):
    """A try to deliver a batch. `status` 0: no answer came, and `code` says why."""

    time: int
    status: int
    code: str = ""


@frozen
class Batch:
    """Records that go to one address in one request, with all attempts. It keeps its id."""

    id: str
    channel_key: str
    address: str  # the id of the address
    records: int
    body: bytes = field(repr=False)
    expires: int  # epoch seconds
    state: BatchState = BatchState.WAITING
    tries: int = 0  # failed ones since it was made or replayed
    attempts: tuple[Attempt, ...] = ()

    @property
    def time(self) -> int:
        """The time (ms) of the latest of its records."""
        return keys.message_time(self.id)


def batch_id(time: int, address: str, body: bytes) -> str:
    """Return an id that sorts by time. The same time, address and body have the same id."""
    return keys.message_id(time, hashlib.sha256(address.encode() + b"\0" + body).digest())


def delay(retries: Retries, tries: int, id: str) -> float | None:
    """Return the seconds to the next try after `tries` failures, or None after the last one.

    The long schedule has jitter, which the id of the batch decides.
    """
    delays = DELAYS[retries]
    if tries > len(delays):
        return None
    seconds = delays[tries - 1]
    if retries is Retries.UMS:
        return seconds
    share = hashlib.sha256(f"{id}#{tries}".encode()).digest()[0] / 255
    return seconds * (1 - JITTER + 2 * JITTER * share)


def signature(secrets: Sequence[str], id: str, seconds: int, body: bytes) -> str:
    """Sign a body with each secret (`whsec_…`), as `webhook-signature` has it."""
    content = f"{id}.{seconds}.".encode() + body
    digests = (hmac.digest(_key(secret), content, "sha256") for secret in secrets)
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SIGNING_PREFIX))
