"""Turns at a provider: for each delivery channel two lines of reserved time, one of what is urgent and one of the rest.

A line is the time (ms) until which it is reserved. Who asks moves it on by what their calls take and begins where it stood, or now
where it had come to an end: a conditional update, since DynamoDB has no maximum. What a container has seen last tells which of the two
to try first.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.ports import Clock

SHARE = 0.2  # of the rate is for what is urgent
REMEMBERED = 1000  # channels
ROUNDS = 20
KEPT = 86400  # seconds for which a line that nobody asks for stays


class Lines(NamedTuple):
    urgent: int = 0
    rest: int = 0


class RateLimiter:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Lines] = {}

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        lines = self._seen.get(channel, Lines())
        for _ in range(ROUNDS):
            now = self._clock.now()
            begin = max(now, lines.urgent if urgent else lines.rest)
            end = begin + math.ceil(
                calls * 1000 / share_of(rate, urgent=urgent, others_wait=lines.rest > now)
            )
            found = _move(channel, lines, now, end, urgent=urgent)
            if found is None:
                self._remember(
                    channel, Lines(end, lines.rest) if urgent else Lines(lines.urgent, end)
                )
                return begin
            lines = found
            self._remember(channel, lines)
        raise TimeoutError("others reserve turns all the time")

    def _remember(self, channel: str, lines: Lines) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[channel] = lines


def share_of(rate: float, *, urgent: bool, others_wait: bool) -> float:
    """Calls per second of a line."""
    if urgent:
        return rate * SHARE if others_wait else rate
    return rate * (1 - SHARE)


def _move(channel: str, seen: Lines, now: int, end: int, *, urgent: bool) -> Lines | None:
    """Move the line if things are as they were seen; else how they are. A line in the past is as good as any other in the past."""
    from botocore.exceptions import ClientError

    mine, other = (seen.urgent, seen.rest) if urgent else (seen.rest, seen.urgent)
    conditions = [
        "#mine = :mine" if mine > now else "(attribute_not_exists(#mine) OR #mine <= :now)"
    ]
    if urgent:
        conditions.append(
            "#other > :now" if other > now else "(attribute_not_exists(#other) OR #other <= :now)"
        )
    condition = " AND ".join(conditions)
    names = {"#mine": "urgent" if urgent else "rest", **({"#other": "rest"} if urgent else {})}
    values: dict[str, Any] = {
        ":end": end,
        ":expires": end // 1000 + KEPT,
        ":now": now,
        ":mine": mine,
    }
    try:
        client("dynamodb").update_item(
            TableName=table("lookups"),
            Key=to_item({"pk": keys.join("pace", channel)}),
            UpdateExpression="SET #mine = :end, expires = :expires",
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item(
                {
                    name: value
                    for name, value in values.items()
                    if name in f"{condition} :end :expires"
                }
            ),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        row = from_item(error.response.get("Item", {}))
        return Lines(row.get("urgent", 0), row.get("rest", 0))
    return None
