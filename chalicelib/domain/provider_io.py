"""What passes between the flow and a provider: a call and its answer, receipts, and what a provider can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode


class ProviderIds(StrEnum):
    """What a provider's id stands for, hence how many lookups a call writes."""

    PER_CALL = "per_call"
    PER_RECIPIENT = "per_recipient"
    NONE = "none"


class DeliveryReport(StrEnum):
    REAL = "real"  # the provider reports what reached the person
    ACCEPTED = "accepted"  # accepted by the provider's server means delivered
    NONE = "none"


class ClickReport(StrEnum):
    PROVIDER = "provider"  # the provider reports clicks
    LINK = "link"  # our short links count them
    NONE = "none"


@dataclass(frozen=True)
class Clickable:
    """Where people can open an address in a content; `*` stands for every entry: `news.articles.*.url`."""

    addresses: tuple[str, ...] = ()  # fields that hold one
    texts: tuple[str, ...] = ()  # texts in which some may stand
    instead: tuple[
        str, ...
    ] = ()  # what stands beside an address and is opened instead, such as a mini-program


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do; the support matrix of docs and API is generated from these."""

    type: ChannelType
    platform: str
    call_size: int  # deliveries that one call takes at most, and that one call record stands for
    content_per_recipient: bool  # whether the deliveries of one call may differ in content
    provider_ids: ProviderIds
    delivery_report: DeliveryReport
    click_report: ClickReport
    receipt_modes: frozenset[ReceiptMode] = frozenset()
    token_life: int | None = (
        None  # seconds for which a repeated token is recognised; None: no idempotency token
    )
    recall: bool = False
    authorisation: bool = False  # an account lets us in by a page that its owner opens
    credentials: Mapping[str, bool] = field(
        default_factory=dict
    )  # name of each -> whether it must be given
    options: Mapping[str, bool] = field(default_factory=dict)  # the same
    worker: str = ""  # the long-lived process that sends for it, from queues of its own, and brings its receipts; empty: a function
    clickable: Clickable | None = (
        None  # where short links may stand; None: where the template's author put a variable for one
    )
    # What the provider allows an account, unless the delivery channel says otherwise. None: not known.
    calls_per_second: float | None = None
    deliveries_per_minute: int | None = None  # where it counts people instead of calls
    deliveries_per_day: int | None = None
    utc_offset: float | None = (
        8  # hours by which its day is ahead of UTC's: most vendors have China's; None: the deployment's
    )
    poll_first: int = 30  # seconds after a submission until its receipts are asked for
    poll_window: int = 86400  # seconds for which they can be asked for


@dataclass(frozen=True)
class Account:
    """A delivery channel opened for sending: plain credentials and settings. `edition` tells these credentials from others before."""

    code: str
    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    credentials_fingerprint: str = ""


def token_name(code: str, credentials_fingerprint: str) -> str:
    """Under which a delivery channel's access token is kept: other credentials never use the token that earlier ones brought."""
    return keys.join(code, "access", credentials_fingerprint)


@dataclass(frozen=True)
class Recipient:
    """One delivery of a call. `reference` names it in our words (for a Message-ID); `content` is complete, with links filled in."""

    contact: str = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    reference: str = ""
    unsubscribe: str = ""  # where the person opts out with one click; empty: not offered


@dataclass(frozen=True)
class Attachment:
    name: str
    type: str  # media type
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class OutgoingCall:
    msgid: str
    recipients: Sequence[
        Recipient
    ]  # where a provider's calls share one content, all have the same one
    token: str | None = None
    options: Mapping[str, Any] = field(
        default_factory=dict
    )  # the sender's own, e.g. app_para: platform, time_to_live, apns_production
    files: Sequence[Attachment] = ()


class Loss(StrEnum):
    """Where in the channel funnel a refused delivery falls out."""

    INVALID_TARGET = "invalid_target"  # planned → valid
    SUBMIT_FAILED = "submit_failed"  # valid → submitted


@dataclass(frozen=True)
class Outcome:
    """What a provider answered for one delivery. `loss` is None when it was taken.

    `uncertain`: the provider may or may not have this one. `later`: it surely has not; try this delivery again.
    """

    loss: Loss | None = None
    code: str = ""  # the provider's own word for a loss
    provider_id: str = (
        ""  # where ids are per recipient; several where it goes in parts, see `parts_of`
    )
    uncertain: bool = False
    later: bool = False
    undeliverable: bool = False  # the contact itself is dead (bounced for good, no such number, unfollowed): sending should stop


@dataclass(frozen=True)
class Answer:
    """What a provider answered to a call: one outcome per recipient, in their order."""

    outcomes: Sequence[Outcome]
    provider_id: str = ""  # where the id is per call; several by which its receipts may name it are joined by blanks


class ReceiptKind(StrEnum):
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CLICKED = "clicked"
    OTHER = "other"  # a status that we do not know, named by `code`: kept, and means nothing


@dataclass(frozen=True)
class Receipt:
    """What a provider reported, in our words. `time` (ms) is the provider's own, so that a repeat is the same; 0: it says none."""

    provider_id: str
    kind: ReceiptKind
    time: int
    contact: str = field(default="", repr=False)  # where the id is per call
    code: str = ""
    undeliverable: bool = False  # the contact itself is dead, see Outcome


@dataclass(frozen=True)
class Reply:
    """What a person wrote back, such as an SMS with a word to unsubscribe. `id` tells repeats apart."""

    contact: str = field(repr=False)
    text: str = field(repr=False)
    time: int  # ms
    id: str = ""


@dataclass(frozen=True)
class WebhookRequest:
    method: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    now: int = 0  # milliseconds


@dataclass(frozen=True)
class Webhook:
    """A verified webhook: its receipts, and the reply that the provider wants. `nonce` may be used with one body only.

    `channel`: where several accounts share an address, the code of the channel that this is about; that one shall read it.
    `authorised`: the code of the channel whose account has just let us in, "" for this one; None when that is not what was told.
    """

    receipts: Sequence[Receipt] = ()
    reply: str = ""
    nonce: str = ""
    replies: Sequence[Reply] = ()
    kept: Mapping[str, Token] = field(
        default_factory=dict
    )  # what the provider handed over, to be kept under these names
    channel: str = ""
    media: str = "text/plain"  # of the reply
    authorised: str | None = None


@dataclass(frozen=True)
class Token:
    """What a provider gives for a time and wants to see with each call. Times in ms; from `renew` on a new one is fetched."""

    value: str = field(repr=False)
    expires: int
    renew: int


def parts_of(provider_id: str) -> tuple[str, ...]:
    """`a b`: it went in two parts, each with a report of its own."""
    return tuple(provider_id.split(" "))


def names_of(part: str) -> tuple[str, ...]:
    """`a|b`: the provider may report it under either name."""
    return tuple(part.split("|"))
