"""Elements: the contents of a message for one delivery channel, from a `msg_…` or a template.

Each element has deliveries of its own, under a code of its own. The first has the code of the
delivery channel, such as `sms1`, and the second has `sms1-2`.
Codes of delivery channels have letters and digits only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chalicelib.domain.delivery_channels import ChannelType

# UMS has one `msg_wechatwk` for both.
ENTERPRISE = (ChannelType.WECHATWK, ChannelType.WECHATWK_LINKEDCORP)
_SEPARATOR = "-"


def served(kind: ChannelType, types: Collection[ChannelType]) -> Sequence[ChannelType]:
    """Return the types that a `msg_…` serves: WeCom's serves those of its two in `types`."""
    enterprise = [name for name in ENTERPRISE if name in types] or ENTERPRISE[:1]
    return enterprise if kind is ChannelType.WECHATWK else [kind]


def code_of(channel: str, number: int) -> str:
    """Return the code of a delivery channel's element. The first has the number 1."""
    return channel if number == 1 else f"{channel}{_SEPARATOR}{number}"


def channel_of(code: str) -> str:
    """Return the code of the delivery channel that sends an element."""
    return code.partition(_SEPARATOR)[0]


def number_of(code: str) -> int:
    """Return the number of an element among those of its delivery channel."""
    return int(code.partition(_SEPARATOR)[2] or 1)
