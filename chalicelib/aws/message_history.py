"""Summaries of messages: one small item each, in a partition per access channel and month."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Item, from_item, pack, to_item, unpack
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.messages import Message, Summary


def newest(channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
    """Return the newest messages before an id, but none that is older than `since` (ms)."""
    summaries: list[Summary] = []
    for month in _months(since, keys.message_time(before)):
        if len(summaries) < limit:
            summaries += _of_month(channel_key, month, before, limit - len(summaries))
    return [summary for summary in summaries if keys.message_time(summary.msgid) >= since]


def item(message: Message) -> Item:
    month = _months(message.accepted, message.accepted)[0]
    return to_item(
        {
            "pk": keys.join("history", message.channel_key, month),
            "sk": message.msgid,
            "expires": message.expires,
            "body": pack(astuple(message.summary)),
        }
    )


def _of_month(channel_key: str, month: str, before: str, limit: int) -> list[Summary]:
    answer = client("dynamodb").query(
        TableName=table("messages"),
        KeyConditionExpression="pk = :pk AND sk < :before",
        ExpressionAttributeValues=to_item(
            {":pk": keys.join("history", channel_key, month), ":before": before}
        ),
        ScanIndexForward=False,
        Limit=limit,
    )
    return [_summary(unpack(from_item(stored)["body"])) for stored in answer["Items"]]


def _summary(body: Sequence[Any]) -> Summary:
    msgid, audience, targets, priority, template, rule_id, channels, sendno = body
    kinds = tuple(ChannelType(kind) for kind in channels)
    return Summary(
        msgid,
        AudienceKind(audience),
        targets,
        Priority(priority),
        tuple(template),
        rule_id,
        kinds,
        sendno,
    )


def _months(first: int, last: int) -> list[str]:
    """Return months such as `2026-11`, newest first, between two times in ms."""
    begin, end = (time.gmtime(ms // 1000) for ms in (first, last))
    numbers = range(end.tm_year * 12 + end.tm_mon - 1, begin.tm_year * 12 + begin.tm_mon - 2, -1)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
