"""Messages by the targets that they name: bundles of a minute, in four groups of targets.

A bundle holds what one batch of the stream says of a group. Batches are read again at times, so
readers drop what they have. Bundles stand in the order of time, 90 days in a partition.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.aws.items import Item, packed, to_item, unpack
from chalicelib.aws.queries import pages
from chalicelib.domain import keys
from chalicelib.domain.messages import Entry, Sent

MINUTE = 60_000  # ms
SPAN = 90 * 86_400_000  # ms of a partition
GROUPS = 4  # of targets whose messages are found together
REQUESTS = 3  # of a search, each of 1 MB at most, where one minute does not need more

Row = dict[str, Any]


def bundles(entries: Sequence[Entry]) -> Iterator[Item]:
    """Yield bundles of targets with their messages, by groups of targets and minutes."""
    groups: defaultdict[tuple[int, int], dict[Sent, list[str]]] = defaultdict(dict)
    expires: defaultdict[tuple[int, int], int] = defaultdict(int)
    for each in entries:
        sent = Sent(each.channel_key, each.summary.msgid)
        for target in each.targets:
            group = (keys.bucket(target) % GROUPS, _minute(sent.msgid))
            groups[group].setdefault(sent, []).append(target)
            expires[group] = max(expires[group], each.expires)
    for group, messages in groups.items():
        for part, body in packed([[*sent, targets] for sent, targets in sorted(messages.items())]):
            last = max(msgid for _, msgid, _ in part)
            pk = _partition(group[0], keys.message_time(last) // SPAN)
            sk = keys.join(last, hashlib.sha256(body).hexdigest()[:12])
            yield to_item({"pk": pk, "sk": sk, "expires": expires[group], "body": body})


def newest(target: str, before: str, since: int, limit: int) -> tuple[list[Sent], str]:
    """Return the newest messages before an id that name a target, none older than `since` (ms).

    The id from which a search goes on comes beside them, empty at the end. A search takes some
    requests, and those that one minute needs. Then it may end with fewer messages than the limit.
    """
    found: set[Sent] = set()
    until = _last_before(before)
    minute = begin = until // MINUTE
    for number, rows in enumerate(_pages(target, since, until), 1):
        for row in rows:
            last = _minute(keys.split(row["sk"])[0])
            if last != minute and len(found) >= limit:
                return _ordered(found, limit)
            minute = last
            found.update(_named(row, target, before, since))
        # A minute is read to its end, because its bundles come in any order.
        if number >= REQUESTS and minute != begin:
            end = keys.message_id((minute + 1) * MINUTE, bytes(4))
            return _ordered({sent for sent in found if sent.msgid >= end}, limit, end)
    return _ordered(found, limit)


def _last_before(msgid: str) -> int:
    """Return the time (ms) of the last id before another, so that a minute is not read twice."""
    at = keys.message_time(msgid)
    return at if msgid > keys.message_id(at, bytes(4)) else at - 1


def _ordered(found: set[Sent], limit: int, end: str = "") -> tuple[list[Sent], str]:
    ordered = sorted(found, key=lambda sent: sent.msgid, reverse=True)
    return ordered[:limit], ordered[limit - 1].msgid if len(ordered) >= limit else end


def _named(row: Row, target: str, before: str, since: int) -> Iterator[Sent]:
    for channel_key, msgid, targets in unpack(row["body"]):
        if target in targets and msgid < before and keys.message_time(msgid) >= since:
            yield Sent(channel_key, msgid)


def _pages(target: str, since: int, until: int) -> Iterator[list[Row]]:
    """Yield bundles from a time back to another, with a request for each page."""
    first, last = (
        keys.message_id(minute * MINUTE, bytes(4))
        for minute in (since // MINUTE, until // MINUTE + 1)
    )
    for span in range(until // SPAN, since // SPAN - 1, -1):
        pk = _partition(keys.bucket(target) % GROUPS, span)
        values = {":pk": pk, ":first": first, ":last": last}
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        yield from pages("messages", condition, values, ScanIndexForward=False)


def _partition(group: int, span: int) -> str:
    return keys.join("sent", group, span)


def _minute(msgid: str) -> int:
    return keys.message_time(msgid) // MINUTE
