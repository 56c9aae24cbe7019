"""Rate limits: each delivery channel has two reservations of time, for urgent calls and for others.

A reservation is the time (ms) until which calls are placed. A caller extends it by the duration of
its calls and starts at the previous end, or now if that has passed. The update is conditional
because DynamoDB cannot take a maximum. A container first tries what it has seen last.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.ports import Clock

SHARE = 0.2  # of the rate is for urgent calls
REMEMBERED = 1000  # channels
ROUNDS = 20
KEPT = 86400  # seconds that a reservation stays stored after its end


class Reservations(NamedTuple):
    urgent: int = 0
    rest: int = 0


class RateLimiter:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Reservations] = {}

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        seen = self._seen.get(channel, Reservations())
        for _ in range(ROUNDS):
            now = self._clock.now()
            share = share_of(rate, urgent=urgent, others_wait=seen.rest > now)
            begin = max(now, seen.urgent if urgent else seen.rest)
            end = begin + math.ceil(calls * 1000 / share)
            stored = _extend(channel, seen, now, end, urgent=urgent)
            if stored is None:
                self._remember(channel, _with_end(seen, end, urgent=urgent))
                return begin
            seen = stored
            self._remember(channel, seen)
        raise TimeoutError("the rate limit was contended in every round")

    def _remember(self, channel: str, seen: Reservations) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[channel] = seen


def share_of(rate: float, *, urgent: bool, others_wait: bool) -> float:
    """Return the calls per second of a reservation."""
    if urgent:
        return rate * SHARE if others_wait else rate
    return rate * (1 - SHARE)


def _with_end(seen: Reservations, end: int, *, urgent: bool) -> Reservations:
    return Reservations(end, seen.rest) if urgent else Reservations(seen.urgent, end)


def _extend(
    channel: str, seen: Reservations, now: int, end: int, *, urgent: bool
) -> Reservations | None:
    """Extend a reservation if it is as it was seen, or return the stored values."""
    from botocore.exceptions import ClientError

    names, condition, values = _unchanged(seen, now, urgent=urgent)
    try:
        client("dynamodb").update_item(
            TableName=table("lookups"),
            Key=to_item({"pk": keys.join("pace", channel)}),
            UpdateExpression="SET #extended = :end, expires = :expires",
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=to_item(
                {**values, ":end": end, ":expires": end // 1000 + KEPT}
            ),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        row = from_item(error.response.get("Item", {}))
        return Reservations(row.get("urgent", 0), row.get("rest", 0))
    return None


def _unchanged(
    seen: Reservations, now: int, *, urgent: bool
) -> tuple[dict[str, str], str, dict[str, int]]:
    """Build the condition that a reservation is as it was seen: names, expression and values.

    All past times count as equal. For urgent calls it also matters whether others wait.
    """
    extended, before = ("urgent", seen.urgent) if urgent else ("rest", seen.rest)
    names = {"#extended": extended}
    conditions = ["(attribute_not_exists(#extended) OR #extended <= :now)"]
    if before > now:
        conditions = ["#extended = :before"]
    if urgent:
        names["#rest"] = "rest"
        nobody_waits = "(attribute_not_exists(#rest) OR #rest <= :now)"
        conditions.append("#rest > :now" if seen.rest > now else nobody_waits)
    expression = " AND ".join(conditions)
    # DynamoDB refuses a value that no expression uses.
    values = {":before": before, ":now": now}
    return names, expression, {name: value for name, value in values.items() if name in expression}
