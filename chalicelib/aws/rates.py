"""Rate limits: each delivery channel has two reservations of time, for urgent calls and for others.

A reservation is the time (ms) until which calls are placed. A caller extends it by the duration of
its calls. The calls start at the previous end, or now if that has passed. DynamoDB cannot take a
maximum. So the caller says which of the two it expects, as a condition of the update. While calls
wait, any number of callers extend the reservation without a second try.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import from_item, to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.values import frozen
from chalicelib.ports import Clock

SHARE = 0.2  # of the rate is for urgent calls
REMEMBERED = 1000  # channels
ROUNDS = 20
KEPT = 86400  # seconds that a reservation stays stored after its end


@frozen
class Reservations:
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
            took = math.ceil(calls * 1000 / share)
            is_extended, stored = _extend(channel, seen, now, took, urgent=urgent)
            seen = _merged(seen, stored) if is_extended else stored
            self._remember(channel, seen)
            if is_extended:
                return (seen.urgent if urgent else seen.rest) - took
        raise TimeoutError("the rate limit was contended in every round")

    def knows(self, channel: str) -> bool:
        return channel in self._seen

    def _remember(self, channel: str, seen: Reservations) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[channel] = seen


def share_of(rate: float, *, urgent: bool, others_wait: bool) -> float:
    """Return the calls per second of a reservation."""
    if urgent:
        return rate * SHARE if others_wait else rate
    return rate * (1 - SHARE)


def _merged(seen: Reservations, updated: Reservations) -> Reservations:
    """Return what was seen, with the reservation that an update has returned."""
    return Reservations(updated.urgent or seen.urgent, updated.rest or seen.rest)


def _extend(
    channel: str, seen: Reservations, now: int, took: int, *, urgent: bool
) -> tuple[bool, Reservations]:
    """Extend a reservation by `took` ms, if calls wait or do not wait for it as was seen.

    Returns True and what was updated, or False and all that is stored.
    """
    from botocore.exceptions import ClientError

    is_waiting = (seen.urgent if urgent else seen.rest) > now
    try:
        answer = client("dynamodb").update_item(
            TableName=table("lookups"),
            Key=to_item({"pk": keys.join("pace", channel)}),
            **_update(seen, now, took, is_waiting=is_waiting, urgent=urgent),
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        return False, _read(error.response.get("Item", {}))
    return True, _read(answer["Attributes"])


def _read(item: Mapping[str, Any]) -> Reservations:
    row = from_item(item)
    return Reservations(row.get("urgent", 0), row.get("rest", 0))


def _update(
    seen: Reservations, now: int, took: int, *, is_waiting: bool, urgent: bool
) -> dict[str, Any]:
    """Build the expressions of an update.

    For urgent calls it also matters whether others wait.
    """
    names, values = {"#extended": "urgent" if urgent else "rest"}, {":now": now}
    if is_waiting:
        change = "SET #extended = #extended + :took, expires = expires + :seconds"
        values |= {":took": took, ":seconds": math.ceil(took / 1000)}
        conditions = ["#extended > :now"]
    else:
        change = "SET #extended = :end, expires = :expires"
        values |= {":end": now + took, ":expires": (now + took) // 1000 + KEPT}
        conditions = ["(attribute_not_exists(#extended) OR #extended <= :now)"]
    if urgent:
        names["#rest"] = "rest"
        nobody_waits = "(attribute_not_exists(#rest) OR #rest <= :now)"
        conditions.append("#rest > :now" if seen.rest > now else nobody_waits)
    return {
        "UpdateExpression": change,
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_item(values),
    }
