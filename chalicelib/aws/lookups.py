"""Receipts find their delivery: a provider's id leads to a chunk. What comes too early is parked under its id."""

from __future__ import annotations

import contextlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import (
    Cancelled,
    Item,
    from_item,
    get_many,
    pack,
    put_once,
    to_item,
    transact,
    unpack,
    write_many,
)
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.ports import Lookup, Vault

CACHED = 20_000
LONGEST_ID = 600  # bytes: escaped and with the channel's code, it must fit into a key of 2,048
EXPECT_EVERY = 30_000  # ms
PARKED = "said_"  # how the names of attributes with parked receipts begin
# Under one id: more than the largest call needs, even if each of its receipts is a post of its own. What comes on top is of messages that
# others send over the same account, which nobody will ever ask for. So many of these fit into a transaction's 4 MB.
PARKED_BYTES, PARKED_AT_ONCE = 200_000, 20

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Lookups:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: OrderedDict[str, Lookup] = OrderedDict()
        self._expected: dict[str, int] = {}  # what this container has written
        self._full: set[str] = set()  # keys of ids that are not ours, see `park`

    def put(self, channel: str, found: Mapping[str, Lookup], expires: int) -> None:
        rows = [
            to_item({"pk": keys.join("receipt", channel, i), "to": _text(to), "expires": expires})
            for i, to in found.items()
        ]
        write_many(table("lookups"), rows, key=("pk",))

    def get(
        self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False
    ) -> Mapping[str, Lookup]:
        by_key = {keys.join("receipt", channel, i): i for i in _possible(provider_ids)}
        unknown = [key for key in by_key if key not in self._known]
        for row in get_many(table("lookups"), ({"pk": key} for key in unknown), consistent=fresh):
            self._remember(row["pk"], _lookup(row["to"]))
        return {i: self._known[key] for key, i in by_key.items() if key in self._known}

    def _remember(self, key: str, lookup: Lookup) -> None:
        self._known[key] = lookup
        if len(self._known) > CACHED:
            self._known.popitem(last=False)

    def park(self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int) -> None:
        """An id of which more is said than of any call of ours is not ours: what else is said of it is left out."""
        by_key = {keys.join("parked", channel, i): receipts[i] for i in _possible(receipts)}
        updates = [
            update
            for key, said in by_key.items()
            if key not in self._full and (update := self._parking(key, said, expires))
        ]
        for start in range(0, len(updates), PARKED_AT_ONCE):
            self._park(updates[start : start + PARKED_AT_ONCE])

    def _park(self, updates: Sequence[Item]) -> None:
        while updates:
            try:
                _update_all(updates)
                return
            except Cancelled as error:
                if len(self._full) >= CACHED:
                    self._full.clear()
                self._full.update(
                    _pk(update)
                    for update, is_full in zip(updates, error.failed, strict=True)
                    if is_full
                )
                updates = [update for update in updates if _pk(update) not in self._full]

    def _parking(self, key: str, receipts: Sequence[Receipt], expires: int) -> Item | None:
        """What one post says is one attribute, named after it: when the post is repeated, the item does not grow."""
        said = pack([_written(receipt) for receipt in receipts])
        name, sealed = (
            PARKED + self._vault.mac("parked", said).hex()[:24],
            self._vault.seal(said, key),
        )
        size = len(name) + len(sealed)
        if size > PARKED_BYTES:
            return None
        values: dict[str, str | int | bytes] = {
            ":said": sealed,
            ":expires": expires,
            ":size": size,
            ":room": PARKED_BYTES - size,
        }
        return {
            "TableName": table("lookups"),
            "Key": to_item({"pk": key}),
            "UpdateExpression": f"SET {name} = :said, expires = :expires ADD held :size",
            "ConditionExpression": "attribute_not_exists(held) OR held <= :room",
            "ExpressionAttributeValues": to_item(values),
        }

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        wanted = ({"pk": keys.join("parked", channel, i)} for i in _possible(provider_ids))
        rows = get_many(table("lookups"), wanted, consistent=True)
        posts = [
            self._vault.open(value, row["pk"])
            for row in rows
            for name, value in sorted(row.items())
            if name.startswith(PARKED)
        ]
        return list(dict.fromkeys(_read(raw) for post in posts for raw in unpack(post)))

    def use_nonce(self, channel: str, nonce: str, digest: str, expires: int) -> bool:
        item = to_item(
            {"pk": keys.join("nonce", channel, nonce), "digest": digest, "expires": expires}
        )
        found = put_once(table("lookups"), item)
        return found is None or from_item(found)["digest"] == digest

    def expect(self, channel: str, time: int, expires: int) -> None:
        if time < self._expected.get(channel, 0) + EXPECT_EVERY:
            return
        update = {
            "TableName": table("lookups"),
            "Key": to_item({"pk": keys.join("expecting", channel)}),
            "UpdateExpression": "SET since = :time, expires = :expires",
            "ConditionExpression": "attribute_not_exists(since) OR since < :time",
            "ExpressionAttributeValues": to_item({":time": time, ":expires": expires}),
        }
        with contextlib.suppress(Cancelled):  # a later submission is known
            _update_all([update])
        if len(self._expected) >= CACHED:
            self._expected.clear()
        self._expected[channel] = time

    def expected(self, channels: Sequence[str]) -> Mapping[str, int]:
        by_key = {keys.join("expecting", channel): channel for channel in channels}
        rows = get_many(table("lookups"), ({"pk": key} for key in by_key), consistent=True)
        return {by_key[row["pk"]]: row["since"] for row in rows}


def _pk(update: Item) -> str:
    return str(update["Key"]["pk"]["S"])


def _update_all(updates: Sequence[Item]) -> None:
    """All or nothing; raises Cancelled. One alone costs half of what it does in a transaction."""
    from botocore.exceptions import ClientError

    if len(updates) > 1:
        return transact([{"Update": update} for update in updates])
    try:
        client("dynamodb").update_item(**updates[0])
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        raise Cancelled([True]) from error


def _text(to: Lookup) -> str:
    return json.dumps([*to.chunk, *(to.ref or ()), *([to.parts] if to.parts else ())])


def _lookup(text: str) -> Lookup:
    msgid, chunk, *place = json.loads(text)
    return Lookup(
        ChunkId(msgid, chunk),
        (place[0], place[1]) if place else None,
        tuple(place[2]) if len(place) > 2 else (),
    )


def _possible(provider_ids: Iterable[str]) -> list[str]:
    """Without those that no key can hold, which are nobody's: what is posted to us may say anything."""
    return [
        i
        for i in provider_ids
        if len(i.encode("utf-8", "surrogatepass")) <= LONGEST_ID and not _HALF_PAIR.search(i)
    ]


def _written(receipt: Receipt) -> list[str | int]:
    return [
        receipt.provider_id,
        receipt.kind.value,
        receipt.time,
        receipt.contact,
        receipt.code,
        *([1] if receipt.undeliverable else []),
    ]


def _read(raw: Sequence[Any]) -> Receipt:
    provider_id, kind, time, contact, code, *undeliverable = raw
    fields: dict[str, Any] = {
        "contact": contact,
        "code": code,
        "undeliverable": bool(undeliverable),
    }
    return Receipt(provider_id, ReceiptKind(kind), time, **fields)
