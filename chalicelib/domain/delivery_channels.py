"""Ways to reach a person: channel types, priorities, and configured delivery channels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum, StrEnum
from typing import Any

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen


class ChannelType(StrEnum):
    """The suffix of `aud_…` and `msg_…` in the UMS API."""

    APP = "app"
    WECHATOA = "wechatoa"
    WECHATMP = "wechatmp"
    SMS = "sms"
    EMAIL = "email"
    ALIPAY_LIFE = "alipay_life"
    DINGTALK_CC = "dingtalk_cc"
    WECHATWK = "wechatwk"
    WECHATWK_LINKEDCORP = "wechatwk_linkedcorp"

    @property
    def bound_by_code(self) -> bool:
        """Contacts are bound to a delivery channel's code, else to a channel key or `all`."""
        return self in _BOUND_BY_CODE


_BOUND_BY_CODE = frozenset(
    {ChannelType.APP, ChannelType.WECHATOA, ChannelType.WECHATMP, ChannelType.ALIPAY_LIFE}
)


# The contact label that every delivery channel starts with.
FIRST_LABEL, DEFAULT_CONTACT, DEFAULT_CONTACT_ENGLISH = "1", "默认联系", "Default Contact"


class Priority(IntEnum):
    """A message's priority, kept all the way: each has queues of its own at every step."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3


class OnUncertain(StrEnum):
    """The reaction when a provider may or may not have taken a call.

    It concerns providers without idempotency token.
    """

    UNKNOWN = "unknown"  # record the fact `unknown`: a strategy goes on
    RESEND = "resend"  # call again: somebody may get it twice


class ReceiptMode(StrEnum):
    WEBHOOK = "webhook"
    POLL = "poll"


@frozen
class Channel:
    """A configured delivery channel.

    `sealed_credentials` can be opened by delivery functions only, `sealed_webhook` by the API only.
    """

    code: str
    number: int  # the numeric id of Operation Growth
    name: str
    type: ChannelType
    platform: str
    sealed_credentials: bytes = field(repr=False)
    sealed_webhook: bytes = field(repr=False)
    webhook_token_hash: str = field(repr=False)
    version: int = 1
    # calls to the provider, None: its options or its platform decide, 0: without a limit
    calls_per_second: int | None = None
    deliveries_per_day: int | None = None  # None: its platform decides, 0: without a limit
    # what the operator pays for a delivery, or for a part of an SMS, in any currency, None: nothing
    price: float | None = None
    on_uncertain: OnUncertain = OnUncertain.UNKNOWN
    receipts: ReceiptMode = ReceiptMode.WEBHOOK
    options: Mapping[str, Any] = field(default_factory=dict)  # not secret: server addresses, limits
    # id of a contact label -> name
    labels: Mapping[str, str] = field(default_factory=lambda: {FIRST_LABEL: DEFAULT_CONTACT})
    default_label: str = FIRST_LABEL
    # third-party templates of it are kept here. Without any, no message looks for them.
    has_templates: bool = False

    @property
    def credentials_fingerprint(self) -> str:
        """A hash of the sealed credentials. It changes on every seal, even of the same values."""
        return hashlib.sha256(self.sealed_credentials).hexdigest()[:16]

    def label(self, name: str) -> str | None:
        """Return the id of a contact label by its name, or None.

        The first label also answers to its English name, unless another label has that name.
        """
        names = (name, DEFAULT_CONTACT) if name == DEFAULT_CONTACT_ENGLISH else (name,)
        for candidate in names:
            for label, label_name in self.labels.items():
                if label_name == candidate:
                    return label
        return None

    def labels_to_try(self, name: str = "") -> tuple[str, ...]:
        """Return the labels to look for a contact in: the one of this name, then the default."""
        named = self.label(name) if name else None
        return tuple(dict.fromkeys(label for label in (named, self.default_label) if label))


DELIVERY_CHANNELS = Kind[Channel](
    "channel",
    "delivery channel",
    key=lambda channel: channel.code,
    unique=lambda channel: channel.name,
)
