"""Plans, entrants and calls: decisions about a chunk, each made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.values import frozen


class TargetLoss(StrEnum):
    """A reason why a target is invalid: a loss between planned and valid users."""

    UNKNOWN_USER = "unknown_user"
    NO_CONTACT = "no_contact"
    UNWANTED = "unwanted"
    QUIET_TIME = "quiet_time"
    NO_CONSENT = "no_consent"
    NO_VALUE = "no_value"
    UNFIT_VALUE = "unfit_value"
    SENSITIVE_VALUE = "sensitive_value"
    SUPPRESSED = "suppressed"
    OPTED_OUT = "opted_out"
    CONTACT_GONE = "contact_gone"
    BLACKLISTED = "blacklisted"
    NOT_WHITELISTED = "not_whitelisted"
    OTHER_DAY = "other_day"
    HOLDOUT = "holdout"
    CAPPED = "capped"


class Unchosen(StrEnum):
    """A reason why a step that chooses one channel left a contact out. It is not a loss."""

    DEARER = "dearer"
    LOWER_RATE = "lower_rate"
    LOWER_OWN_RATE = "lower_own_rate"
    LESS_PREFERRED = "less_preferred"
    STANDS_LATER = "stands_later"  # and is as good as the chosen one


UNCHOSEN = frozenset(Unchosen)


class Target(NamedTuple):
    """A member of a message's audience.

    `contacts`: how many contacts it has on each delivery channel, by code.
    """

    id: str
    loss: TargetLoss | None
    contacts: Mapping[str, int]
    # code -> why a contact there was left out: a TargetLoss of the contacts, or an Unchosen
    refused: Mapping[str, str] = {}

    def lacks(self, code: str) -> bool:
        """Tell if all contacts on a delivery channel are dead or have opted out."""
        reason = self.refused.get(code)
        return reason is not None and reason not in UNCHOSEN and code not in self.contacts

    def has_another_than(self, codes: Iterable[str]) -> bool:
        """Tell if the step of these delivery channels chose another channel type."""
        return any(self.refused.get(code) in UNCHOSEN for code in codes)


class ChunkId(NamedTuple):
    msgid: str
    number: int


@frozen
class Plan:
    """The targets of a chunk, their contacts, and where the audience goes on. Written once."""

    id: ChunkId
    targets: tuple[Target, ...]
    # per target: code -> contacts, sealed at rest
    contacts: tuple[Mapping[str, tuple[str, ...]], ...] = field(repr=False)
    time: int
    # position after which the partition's next chunk begins, None: this is its last chunk
    next: str | None
    # per target: attribute -> text, sealed at rest, empty where no content takes one
    values: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    # when (ms) each target enters the first step, empty: all of them at once
    starts: tuple[int, ...] = ()
    # target -> its quiet time, as domain/rules/topics.py has it, if later steps have to wait for it
    quiet: Mapping[int, tuple[str, str, str]] = field(default_factory=dict)

    def deliveries(self, code: str, entrants: Entrants) -> tuple[DeliveryRef, ...]:
        """Return the deliveries of entrants on one channel, in the order of call ranges."""
        return tuple(
            DeliveryRef(t, code, c)
            for t in entrants.members
            if (t, code) not in entrants.refused
            for c in range(self.targets[t].contacts.get(code, 0))
        )

    def contact(self, ref: DeliveryRef) -> str:
        return self.contacts[ref.target][ref.channel][ref.contact]

    def values_of(self, target: int) -> Mapping[str, str]:
        return self.values[target] if self.values else {}

    def has(self, ref: DeliveryRef) -> bool:
        """Tell if the plan has this delivery."""
        of_target = self.contacts[ref.target] if ref.target < len(self.contacts) else {}
        return ref.contact < len(of_target.get(ref.channel, ()))

    @property
    def size(self) -> int:
        """Return the bytes of its ids and contacts, about what they take before compression."""
        ids = sum(len(target.id.encode()) for target in self.targets)
        contacts = [contact for of_target in self.contacts for contact in of_target.values()]
        values = [tuple(of_target.values()) for of_target in self.values]
        return ids + sum(len(text.encode()) for texts in (*contacts, *values) for text in texts)

    @property
    def valid(self) -> tuple[int, ...]:
        return tuple(t for t, target in enumerate(self.targets) if target.loss is None)


@frozen
class Entrants:
    """Targets of a chunk that enter a step of the strategy, frozen once.

    A step may have several lists of entrants. A target is in at most one of them.
    """

    step: int
    number: int
    members: tuple[int, ...]
    time: int
    # (target, code) -> why the step leaves out the target's contacts there
    refused: Mapping[tuple[int, str], str] = field(default_factory=dict)


class CallKey(NamedTuple):
    """A call: a range of the deliveries of a step's entrants on a channel.

    An `attempt` above 0 has the deliveries that an earlier answer put off, or half of them.
    """

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
    # closed, but its worker died or the provider never answered: it may have been taken
    ABANDONED = "abandoned"


@frozen
class Call:
    """The record of a call, put before the call is made, so that a crash leaves a trace."""

    key: CallKey
    state: CallState
    lease: int  # ms until which the call belongs to its worker, once released: when its job returns
    token: str = ""  # the provider's idempotency token
    token_time: int = 0
    skipped: tuple[int, ...] = ()  # members (positions in the call) that were reached meanwhile

    def is_live(self, now: int) -> bool:
        return self.state is CallState.LEASED and self.lease > now

    @property
    def is_over(self) -> bool:
        """The call can no longer be claimed."""
        return self.state in (CallState.CLOSED, CallState.ABANDONED)
