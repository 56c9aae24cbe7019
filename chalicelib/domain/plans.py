"""Plans, go lists and calls: what was decided for a chunk, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.facts import DeliveryRef


class TargetLoss(StrEnum):
    """Why a target is invalid: the losses from planned to valid users."""

    UNKNOWN_USER = "unknown_user"
    NO_CONTACT = "no_contact"
    OPTED_OUT = "opted_out"
    CONTACT_GONE = "contact_gone"
    BLACKLISTED = "blacklisted"
    NOT_WHITELISTED = "not_whitelisted"


class Target(NamedTuple):
    """A member of a message's audience. `contacts`: how many it has on each delivery channel, by code."""

    id: str
    loss: TargetLoss | None
    contacts: Mapping[str, int]
    refused: Mapping[
        str, str
    ] = {}  # code -> why a contact there was left out: opted_out, contact_gone


class ChunkId(NamedTuple):
    msgid: str
    chunk: int


@dataclass(frozen=True)
class Plan:
    """Written once: who is in the chunk, what each has, and where the audience goes on."""

    id: ChunkId
    targets: tuple[Target, ...]
    contacts: tuple[Mapping[str, tuple[str, ...]], ...] = field(
        repr=False
    )  # per target: code -> contacts; sealed at rest
    time: int
    next: (
        str | None
    )  # position in the audience after which the walker's next chunk begins; None: this is its last chunk

    def deliveries(self, code: str, members: Sequence[int]) -> tuple[DeliveryRef, ...]:
        """The deliveries of these targets on one channel, in the order that call ranges count in."""
        return tuple(
            DeliveryRef(t, code, c)
            for t in members
            for c in range(self.targets[t].contacts.get(code, 0))
        )

    def contact(self, ref: DeliveryRef) -> str:
        return self.contacts[ref.target][ref.channel][ref.contact]

    @property
    def valid(self) -> tuple[int, ...]:
        return tuple(t for t, target in enumerate(self.targets) if target.loss is None)


@dataclass(frozen=True)
class Entrants:
    """Who of a chunk goes on to a step of the strategy, frozen once. A target is in one list of a step at most."""

    step: int
    number: int
    members: tuple[int, ...]
    time: int


class CallKey(NamedTuple):
    """A call is a range of a list's deliveries on a channel. `attempt` > 0: those that an earlier answer put off."""

    step: int
    number: int
    channel: str
    start: int
    attempt: int = 0

    @property
    def text(self) -> str:
        return keys.join(self.step, self.number, self.channel, self.start, self.attempt)

    @staticmethod
    def of(text: str) -> CallKey:
        step, number, channel, start, attempt = keys.split(text)
        return CallKey(int(step), int(number), channel, int(start), int(attempt))


class CallState(StrEnum):
    LEASED = "leased"  # a worker is about to call, or died doing so
    RELEASED = "released"  # the provider surely did not take it
    UNCERTAIN = "uncertain"  # the provider may have taken it
    CLOSED = "closed"  # expired: can no longer be claimed
    ABANDONED = "abandoned"  # the same, but its worker died or the provider never answered: it may have been taken


@dataclass(frozen=True)
class Call:
    """The record of a call, put before the call is made, so that a crash leaves a trace."""

    key: CallKey
    state: CallState
    lease: (
        int  # ms until which the call belongs to its worker; once given back, when its job returns
    )
    token: str = ""  # the provider's idempotency token
    token_time: int = 0
    skipped: tuple[int, ...] = ()  # members (positions in the call) that were reached meanwhile

    def is_live(self, now: int) -> bool:
        return self.state is CallState.LEASED and self.lease > now

    @property
    def is_over(self) -> bool:
        """Whether nobody may claim it any more."""
        return self.state in (CallState.CLOSED, CallState.ABANDONED)
