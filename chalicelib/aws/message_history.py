"""Lists of messages: summaries in bundles, in a partition per access channel and month.

A bundle holds messages of one minute of one access channel. A record that is read again from the
stream is in several bundles, and readers drop what they have. The digest in a bundle's key keeps a
smaller bundle from replacing a larger one.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import groupby, islice
from typing import Any

from chalicelib.aws import sent_messages
from chalicelib.aws.items import Item, from_image, pack, to_item, unpack
from chalicelib.aws.queries import query
from chalicelib.aws.strategies import read_strategy
from chalicelib.domain import keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.messages import Entry, Summary

MINUTE = 60_000  # ms
BUNDLE = 100  # messages
PAGE = 100  # bundles per request
FIGURES = 30 * 86400  # seconds for which figures are kept longer than their message
DELETED = "deleted"  # in place of a bundle's digest


def entry(image: Mapping[str, Any]) -> Entry:
    """Read a message's entry from the image of its item. Nothing sealed is opened."""
    row = from_image(image)
    body = unpack(row["body"])
    audience = Audience(AudienceKind(body["audience"]["kind"]))
    keys.message_id_bytes(row["pk"])
    summary = Summary(
        row["pk"],
        audience.kind,
        None if audience.is_scanned else len(unpack(row["userids"])),
        Priority(body["priority"]),
        tuple(body["template"]),
        body["rule_id"],
        read_strategy(body["strategy"]).channels,
        body["sendno"],
        body.get("owner", ""),
        body.get("name", ""),
        body.get("origin", ""),
        body.get("sender", ""),
    )
    named = () if audience.is_scanned else tuple(unpack(row["userids"]))
    segment = body["audience"].get("segment", 0)
    return Entry(body["channel_key"], summary, row["expires"], named, segment)


def of_lists(entries: Sequence[Entry]) -> list[Item]:
    """Build the items of entries, in bundles by access channel and minute."""
    groups: defaultdict[tuple[str, int], dict[str, Entry]] = defaultdict(dict)
    for each in entries:
        msgid = each.summary.msgid
        groups[each.channel_key, _minute(msgid)][msgid] = each
    bundles = [
        _bundle(channel_key, [group[msgid] for msgid in msgids])
        for (channel_key, _), group in groups.items()
        for msgids in _slices(sorted(group))
    ]
    of_segments = [_of_segment(each) for each in entries if each.segment]
    return [*bundles, *sent_messages.bundles(entries), *of_segments]


def _of_segment(each: Entry) -> Item:
    """Build the item by which a segment knows its message, as long as its figures are kept."""
    return to_item(
        {
            "pk": keys.join("segment-messages", each.segment),
            "sk": each.summary.msgid,
            "expires": each.expires + FIGURES,
            "body": pack(astuple(each.summary)),
        }
    )


def of_segment(number: int, limit: int) -> list[Summary]:
    """Return the newest messages to a segment, newest first."""
    values = {":pk": keys.join("segment-messages", number)}
    rows = query("messages", "pk = :pk", values, ScanIndexForward=False, Limit=limit)
    return [_summary(unpack(row["body"])) for row in islice(rows, limit)]


def newest(channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
    """Return the newest messages before an id, but none that is older than `since` (ms).

    The bundles of a minute may overlap and come in any order, so a minute is read to its end.
    """
    summaries: dict[str, Summary] = {}
    until = max(since, keys.message_time(before))
    for minute in _minutes(channel_key, since, until, min(limit + 1, PAGE)):
        for summary in minute:
            if summary.msgid < before and keys.message_time(summary.msgid) >= since:
                summaries[summary.msgid] = summary
        if len(summaries) >= limit:
            break
    return [summaries[msgid] for msgid in sorted(summaries, reverse=True)[:limit]]


def _bundle(channel_key: str, entries: Sequence[Entry]) -> Item:
    """Build the item of a bundle, whose entries are in the order of their ids."""
    msgids = [each.summary.msgid for each in entries]
    digest = hashlib.sha256("".join(msgids).encode()).hexdigest()[:12]
    at = keys.message_time(msgids[-1])
    return to_item(
        {
            "pk": keys.join("history", channel_key, _months(at, at)[0]),
            "sk": keys.join(msgids[-1], digest),
            "expires": max(each.expires for each in entries),
            "body": pack([[each.expires, *astuple(each.summary)] for each in entries]),
        }
    )


def deleted(channel_key: str, msgid: str, expires: int) -> Item:
    """Build the item that takes a message out of its list. It stands in the message's minute."""
    at = keys.message_time(msgid)
    pk = keys.join("history", channel_key, _months(at, at)[0])
    return to_item({"pk": pk, "sk": keys.join(msgid, DELETED), "expires": expires})


def _minutes(channel_key: str, since: int, until: int, page: int) -> Iterator[list[Summary]]:
    """Yield the summaries of each minute that has some, the newest minute first."""
    for month in _months(since, until):
        bundles = _bundles(keys.join("history", channel_key, month), since, until, page)
        for _, rows in groupby(bundles, lambda bundle: _minute(keys.split(bundle["sk"])[0])):
            yield _summaries(list(rows))


def _summaries(rows: Sequence[Mapping[str, Any]]) -> list[Summary]:
    """Return the summaries of a minute without those of messages that were deleted."""
    gone = {msgid for msgid, rest in (keys.split(row["sk"]) for row in rows) if rest == DELETED}
    bundles = [row for row in rows if "body" in row]
    kept = (summary for bundle in bundles for summary in _kept(unpack(bundle["body"])))
    return [summary for summary in kept if summary.msgid not in gone]


def _bundles(pk: str, since: int, until: int, page: int) -> Iterator[dict[str, Any]]:
    """Yield bundles of a month from the end of one minute back to the begin of another."""
    ends = (since // MINUTE, until // MINUTE + 1)
    first, last = (keys.message_id(minute * MINUTE, bytes(4)) for minute in ends)
    condition = "pk = :pk AND sk BETWEEN :first AND :last"
    values = {":pk": pk, ":first": first, ":last": last}
    more = {"ScanIndexForward": False, "Limit": page, "later": PAGE}
    return query("messages", condition, values, **more)


def _kept(rows: Sequence[Sequence[Any]]) -> Iterator[Summary]:
    """Yield what has not expired. A bundle stays as long as the longest-lived of its messages."""
    now = time.time()
    return (_summary(body) for expires, *body in rows if expires > now)


def _summary(body: Sequence[Any]) -> Summary:
    msgid, audience, targets, priority, template, rule_id, channels, *texts = body
    kinds = tuple(ChannelType(kind) for kind in channels)
    return Summary(
        msgid,
        AudienceKind(audience),
        targets,
        Priority(priority),
        tuple(template),
        rule_id,
        kinds,
        *texts,
    )


def _slices(msgids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (msgids[start : start + BUNDLE] for start in range(0, len(msgids), BUNDLE))


def _minute(msgid: str) -> int:
    return keys.message_time(msgid) // MINUTE


def _months(first: int, last: int) -> list[str]:
    """Return months such as `2026-11`, newest first, between two times in ms."""
    begin, end = (time.gmtime(ms // 1000) for ms in (first, last))
    numbers = range(end.tm_year * 12 + end.tm_mon - 1, begin.tm_year * 12 + begin.tm_mon - 2, -1)
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
