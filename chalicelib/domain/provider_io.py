"""Values between the flow and a provider: calls, answers, receipts, and capabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.third_party import Registers, Report
from chalicelib.domain.values import frozen

_DERIVED = "~"


class ProviderIds(StrEnum):
    """The things that a provider's id names. They decide how many lookups a call writes."""

    PER_CALL = "per_call"
    PER_RECIPIENT = "per_recipient"
    OURS = "ours"  # our reference, which reports give back: it needs no lookup
    NONE = "none"


class DeliveryReport(StrEnum):
    REAL = "real"  # the provider reports what reached the person
    ACCEPTED = "accepted"  # accepted by the provider's server means delivered
    NONE = "none"


class ClickReport(StrEnum):
    PROVIDER = "provider"  # the provider reports clicks
    LINK = "link"  # our short links count them
    NONE = "none"


@frozen
class Clickable:
    """Fields of a content in which people can open an address.

    `*` stands for every entry, as in `news.articles.*.url`.
    """

    addresses: tuple[str, ...] = ()  # fields that hold one
    texts: tuple[str, ...] = ()  # texts in which some may stand
    instead: tuple[str, ...] = ()  # fields that are opened instead, such as a mini-program


@frozen(kw_only=True)
class Capabilities:
    """The abilities of a provider. The support matrix of docs and API is generated from them."""

    type: ChannelType
    platform: str
    call_size: int  # deliveries that one call takes at most, and that one call record stands for
    content_per_recipient: bool  # whether the deliveries of one call may differ in content
    provider_ids: ProviderIds
    delivery_report: DeliveryReport
    click_report: ClickReport
    receipt_modes: frozenset[ReceiptMode] = frozenset()
    # seconds for which a repeated idempotency token is recognised, None: it has no such token
    token_life: int | None = None
    recall: bool = False
    authorisation: bool = False  # an account lets us in by a page that its owner opens
    # senders may have the account's access token, which must be the account's own
    hands_on_token: bool = False
    credentials: Mapping[str, bool] = field(default_factory=dict)  # name -> whether required
    options: Mapping[str, bool] = field(default_factory=dict)  # name -> whether required
    address: str = "base_url"  # the option that says where sends go, instead of the vendor's host
    # the process that sends for it from its own queues, and brings its receipts, empty: a function
    worker: str = ""
    # places for short links, None: wherever the template's author put a variable for a link
    clickable: Clickable | None = None
    # limits of an account, unless the delivery channel has its own, None: unknown
    calls_per_second: float | None = None
    rate_of_deliveries: bool = False  # whether a channel's own rate counts people, too
    deliveries_per_minute: int | None = None  # where it counts people instead of calls
    deliveries_per_day: int | None = None
    # provider timeouts that a call takes at most, or the first part of one that goes in parts
    exchanges: int = 1
    preparation: int = 0  # provider timeouts that may pass before it: connection, token
    # hours by which its day is ahead of UTC's, None: the deployment's. Most vendors have China's.
    utc_offset: float | None = 8
    receipt_delay: int = 60  # seconds within which most receipts come. No vendor promises any.
    poll_first: int = 30  # seconds after a submission until its receipts are polled
    poll_window: int = 86400  # seconds for which they can be polled
    polled_by_call: bool = False  # call by call, and not all receipts of an account at once
    registers: Registers | None = None  # templates that its accounts register


@frozen
class Account:
    """A delivery channel opened for sending: plain credentials and settings.

    `credentials_fingerprint` tells these credentials from earlier ones.
    """

    code: str
    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    credentials_fingerprint: str = ""
    calls_per_second: float | None = None  # the channel's own rate, None: its platform's


def token_name(code: str, credentials_fingerprint: str) -> str:
    """Name the stored access token of a delivery channel.

    New credentials never use the token that earlier ones brought.
    """
    return keys.join(code, "access", credentials_fingerprint)


@frozen
class Recipient:
    """One delivery of a call.

    `reference` names it: nobody else can make one. `content` has its links filled in.
    """

    contact: str = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    reference: str = ""
    unsubscribe: str = ""  # address to opt out with one click, empty: not offered


@frozen
class Attachment:
    name: str
    type: str  # media type
    body: bytes = field(repr=False)


@frozen
class CallTime:
    """Seconds of a call, from its beginning.

    After `begin` no further part may begin. All must have ended within `end`: its worker ends then.
    """

    begin: float = math.inf
    end: float = math.inf


UNLIMITED = CallTime()


@frozen
class OutgoingCall:
    msgid: str
    # all with the same content, unless the provider has `content_per_recipient`
    recipients: Sequence[Recipient]
    token: str | None = None
    # from the sender, e.g. app_para: platform, time_to_live, apns_production
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[Attachment] = ()
    time: CallTime = UNLIMITED
    # earlier tries: a call that goes in parts begins with another recipient each time
    turn: int = 0


class Loss(StrEnum):
    """The place in the channel funnel at which a refused delivery falls out."""

    INVALID_TARGET = "invalid_target"  # planned → valid
    SUBMIT_FAILED = "submit_failed"  # valid → submitted


@frozen
class Outcome:
    """The provider's answer for one delivery. `loss` is None when the provider took it.

    `uncertain`: the provider may or may not have the delivery. `later`: the provider surely does
    not have the delivery, so try it again. `untried`: it was not even offered, as the time was over
    or another one failed. So it is later, but was not put off.
    """

    loss: Loss | None = None
    code: str = ""  # the provider's own word for a loss
    # if ids are per recipient, several if the delivery goes in parts, see `parts_of`
    provider_id: str = ""
    uncertain: bool = False
    later: bool = False
    untried: bool = False
    # refused with its whole call, because of somebody in the call: nothing was sent, so `later`
    together: bool = False
    # the contact itself is dead (bounced for good, no such number, unfollowed): stop sending to it
    undeliverable: bool = False


@frozen
class Answer:
    """The provider's answer to a call: one outcome per recipient, in their order."""

    outcomes: Sequence[Outcome]
    # if the id is per call, several that receipts may use are joined by blanks
    provider_id: str = ""


class ReceiptKind(StrEnum):
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CLICKED = "clicked"
    BOUNCED = "bounced"  # the mail came back
    COMPLAINED = "complained"  # the reader reported it as spam
    OTHER = "other"  # a status that we do not know, named by `code`: kept, and means nothing


@frozen
class Receipt:
    """A provider's report. `time` (ms) is the provider's own, 0 if the report has none."""

    provider_id: str
    kind: ReceiptKind
    time: int
    contact: str = field(default="", repr=False)  # if the id is per call
    code: str = ""
    undeliverable: bool = False  # the contact itself is dead, see Outcome
    soft: bool = False  # it came back for now. Several of these make the contact undeliverable
    may_be_derived: bool = False  # `provider_id` may be one that we derived, see `derived_name`


@frozen
class ContactReport:
    """A report on a contact alone, as bounced or complained. Its delivery is not known."""

    contact: str = field(repr=False)
    kind: ReceiptKind
    time: int  # ms, 0: the report has none
    code: str = ""
    undeliverable: bool = False
    soft: bool = False


@frozen
class Reply:
    """A person's reply, such as an SMS with a word to unsubscribe. `id` tells repeats apart."""

    contact: str = field(repr=False)
    text: str = field(repr=False)
    time: int  # ms
    id: str = ""
    shows_life: bool = True  # messages reach the contact, so it is not dead


@frozen
class WebhookRequest:
    method: str
    headers: Mapping[str, str]  # names in lower case
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    now: int = 0  # milliseconds


@frozen
class Webhook:
    """A verified webhook: its receipts, and the reply that the provider wants.

    `nonce` may be used with one body only. `channel`: the code of the channel that must read the
    webhook instead, if several accounts share an address. `authorised`: the code of the channel
    whose account has just let us in, or "" for this channel. Otherwise it is None.
    """

    receipts: Sequence[Receipt] = ()
    reply: str = ""
    nonce: str = ""
    replies: Sequence[Reply] = ()
    contacts: Sequence[ContactReport] = ()
    # tokens that the provider handed over, to be kept under these names
    kept: Mapping[str, Token] = field(default_factory=dict)
    channel: str = ""
    media: str = "text/plain"  # of the reply
    authorised: str | None = None
    reviews: Sequence[Report] = ()  # of templates and signatures


@frozen
class Token:
    """A provider's token for a limited time, which each call must show.

    Times are ms. From `renew` on, a new token is fetched.
    """

    value: str = field(repr=False)
    expires: int
    renew: int


def parts_of(provider_id: str) -> tuple[str, ...]:
    """Split the id of a delivery in parts: `a b` has two, each with a report of its own."""
    return tuple(provider_id.split(" "))


def derived_name(name: str) -> str:
    """Mark a name that the provider has not told us, but may use. A told name always goes first."""
    return _DERIVED + name


def reported_name(name: str) -> str:
    """Return a name as the provider reports it, derived or not."""
    return name.removeprefix(_DERIVED)


def names_of(part: str) -> tuple[str, ...]:
    """Split the names of a part: the provider may report `a|b` under either name."""
    return tuple(part.split("|"))
