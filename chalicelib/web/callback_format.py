"""The body of a callback as UMS writes it: a bare array of records.

Sources: docs.jiguang.cn/jums/advanced/callback (2021-12-15), and the published Go client of UMS for
the fields that this page does not show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.callbacks import CallbackType, Record
from chalicelib.domain.delivery_channels import ChannelType

# UMS does not publish the codes of `error`. These are this project's own, one per type.
ERRORS: Mapping[CallbackType, int] = {
    CallbackType.TARGET_INVALID: 1019201,
    CallbackType.SUBMIT_FAILED: 1019203,
    CallbackType.DELIVERY_FAILED: 1019205,
    CallbackType.WITHDRAW_FAILED: 1019208,
}

UMS = 0  # as a sender: the record comes from planning, not from a channel
# UMS's numbers of channels. Its client skips 8, so WeCom is 10.
SENDERS: Mapping[ChannelType, int] = {
    ChannelType.APP: 1,
    ChannelType.WECHATOA: 2,
    ChannelType.WECHATMP: 3,
    ChannelType.EMAIL: 4,
    ChannelType.SMS: 5,
    ChannelType.DINGTALK_CC: 6,
    ChannelType.ALIPAY_LIFE: 7,
    ChannelType.WECHATWK: 10,
    ChannelType.WECHATWK_LINKEDCORP: 10,
}
CORPORATIONS = {ChannelType.WECHATWK: 0, ChannelType.WECHATWK_LINKEDCORP: 1}


def body(records: Sequence[Record]) -> bytes:
    """Return the body of a request with these records."""
    plain = [_plain(record) for record in records]
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    # Half of a surrogate pair in a parameter has no other form.
    return text.encode("utf-8", "replace")


def _plain(record: Record) -> dict[str, Any]:
    kind = record.channel_type
    plain: dict[str, Any] = {
        "type": record.type.value,
        "channelkey": record.channel_key,
        "msgid": record.msgid,
        "userid": record.userid,
    }
    if record.contact:
        plain["sender_id"] = record.contact
    plain["sender"] = UMS if kind is None else SENDERS[kind]
    if kind in CORPORATIONS:
        plain["wechatwk_sender"] = CORPORATIONS[kind]
    plain["sent_time"] = record.time // 1000
    if record.type in ERRORS:
        plain["error"] = {"code": ERRORS[record.type], "message": record.reason}
    if record.params:
        plain["params"] = record.params
    return plain
