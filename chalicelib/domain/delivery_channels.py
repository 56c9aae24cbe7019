"""Ways to reach a person: channel types, priorities, and configured delivery channels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any


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
        """Whether a user's contact is bound to a delivery channel's code (else to a channel key or `all`)."""
        return self in _BOUND_BY_CODE


_BOUND_BY_CODE = frozenset(
    {ChannelType.APP, ChannelType.WECHATOA, ChannelType.WECHATMP, ChannelType.ALIPAY_LIFE}
)


# The contact label that every delivery channel starts with.
FIRST_LABEL, DEFAULT_CONTACT, DEFAULT_CONTACT_ENGLISH = "1", "默认联系", "Default Contact"


class Priority(IntEnum):
    """Kept all the way: each has queues of its own at every step."""

    HIGH = 1
    MEDIUM = 2
    LOW = 3


class OnUncertain(StrEnum):
    """What to do when a provider without idempotency token may or may not have taken a call."""

    UNKNOWN = "unknown"  # record the fact `unknown`; a strategy goes on
    RESEND = "resend"  # call again: somebody may get it twice


class ReceiptMode(StrEnum):
    WEBHOOK = "webhook"
    POLL = "poll"


@dataclass(frozen=True)
class Channel:
    """A configured way out. `sealed_credentials` can be opened by delivery functions only, `sealed_webhook` by the API only."""

    code: str
    number: int  # the numeric id of Operation Growth
    name: str
    type: ChannelType
    platform: str
    sealed_credentials: bytes = field(repr=False)
    sealed_webhook: bytes = field(repr=False)
    webhook_token_hash: str = field(repr=False)
    version: int = 1
    calls_per_second: int | None = (
        None  # that are made to the provider; None: as its options or its platform have it; 0: no limit
    )
    deliveries_per_day: int | None = None  # None: as its platform has it; 0: no limit
    on_uncertain: OnUncertain = OnUncertain.UNKNOWN
    receipts: ReceiptMode = ReceiptMode.WEBHOOK
    options: Mapping[str, Any] = field(default_factory=dict)  # not secret: server addresses, limits
    labels: Mapping[str, str] = field(
        default_factory=lambda: {FIRST_LABEL: DEFAULT_CONTACT}
    )  # id of a contact label -> name
    default_label: str = FIRST_LABEL

    @property
    def credentials_fingerprint(self) -> str:
        """Tells credentials from others before: sealing the same ones again makes another one, too."""
        return hashlib.sha256(self.sealed_credentials).hexdigest()[:16]

    def label(self, name: str) -> str | None:
        """The id of a contact label by its name. The first one is known by its English name too, unless another has that."""
        names = (name, DEFAULT_CONTACT) if name == DEFAULT_CONTACT_ENGLISH else (name,)
        return next(
            (label for each in names for label, known in self.labels.items() if known == each), None
        )

    def labels_to_try(self, name: str = "") -> tuple[str, ...]:
        """Where to look for a contact: the label of this name, then the default one."""
        wanted = self.label(name) if name else None
        return tuple(dict.fromkeys(label for label in (wanted, self.default_label) if label))
