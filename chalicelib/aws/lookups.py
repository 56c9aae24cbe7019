"""Lookups of deliveries: a provider's id leads to a chunk.

Receipts that come before their submission was recorded are parked under their id.
"""

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
    Values,
    from_item,
    get_many,
    pack,
    put_once,
    to_item,
    transact,
    unpack,
)
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.messages import Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.ports import Lookup, Nonce, Vault

CACHED = 20_000
# Bytes. An id is escaped, and must fit into a key of 2,048 with the channel's code.
LONGEST_ID = 600
EXPECT_EVERY = 30_000  # ms
PARKED = "said_"  # prefix of attributes with parked receipts
# Bytes under one id: more than the largest call needs, even with a post for each of its receipts.
# Further receipts are of messages that another system sends over the same account.
PARKED_BYTES = 200_000
PARKED_AT_ONCE = 20  # ids whose receipts fit into a transaction of 4 MB

_HALF_PAIR = re.compile("[\ud800-\udfff]")


class Lookups:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: OrderedDict[str, Lookup] = OrderedDict()
        self._expected: dict[str, int] = {}  # channel -> time that this container has written
        self._full: set[str] = set()  # keys of ids of another system, see `park`

    def get(
        self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False
    ) -> Mapping[str, Lookup]:
        names = _names({channel: provider_ids})
        self._read(names, fresh=fresh)
        return {id: to for (_, id), to in self._found(names).items()}

    def find(self, ids: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Lookup]:
        names = _names(ids)
        self._read(names, fresh=False)
        return self._found(names)

    def of_post(self, nonce: Nonce, provider_ids: Sequence[str]) -> Mapping[str, Lookup] | None:
        names = _names({nonce.channel: provider_ids})
        used = self._read(names, _nonce_key(nonce), fresh=True)
        if used is not None and used["digest"] != nonce.digest:
            return None
        return {id: to for (_, id), to in self._found(names).items()}

    def _read(self, names: Iterable[str], beside: str = "", *, fresh: bool) -> Any:
        """Read the lookups that are not known yet. Return the row of the key `beside`, if any."""
        unknown = [key for key in names if key not in self._known]
        wanted = [beside, *unknown] if beside else unknown
        other = None
        for row in get_many(table("lookups"), ({"pk": key} for key in wanted), consistent=fresh):
            if row["pk"] == beside:
                other = row
            else:
                self._remember(row["pk"], _lookup(row))
        return other

    def _found(self, names: Mapping[str, tuple[str, str]]) -> dict[tuple[str, str], Lookup]:
        return {name: self._known[key] for key, name in names.items() if key in self._known}

    def _remember(self, key: str, lookup: Lookup) -> None:
        self._known[key] = lookup
        if len(self._known) > CACHED:
            self._known.popitem(last=False)

    def park(self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int) -> None:
        """Park receipts. Drop those of an id that holds more than our largest call could produce.

        Such an id belongs to another system.
        """
        by_key = {keys.join("parked", channel, id): receipts[id] for id in _possible(receipts)}
        updates: list[Item] = []
        for key, of_id in by_key.items():
            update = None if key in self._full else self._parking(key, of_id, expires)
            if update is not None:
                updates.append(update)
        for start in range(0, len(updates), PARKED_AT_ONCE):
            self._park(updates[start : start + PARKED_AT_ONCE])

    def _park(self, updates: Sequence[Item]) -> None:
        while updates:
            try:
                _update_all(updates)
                return
            except Cancelled as error:
                for update, stored in zip(updates, error.stored, strict=True):
                    if stored and _attribute(update) not in stored:
                        self._remember_full(_pk(update))
                updates = [
                    update
                    for update, has_failed in zip(updates, error.failed, strict=True)
                    if not has_failed
                ]

    def _remember_full(self, key: str) -> None:
        if len(self._full) >= CACHED:
            self._full.clear()
        self._full.add(key)

    def _parking(self, key: str, receipts: Sequence[Receipt], expires: int) -> Item | None:
        """Build the update that parks the receipts of one post, or None if they are too large.

        The name of their attribute is a hash of them, so a repeated post fails the condition.
        """
        packed = pack([_written(receipt) for receipt in receipts])
        name = PARKED + self._vault.mac("parked", packed).hex()[:24]
        sealed = self._vault.seal(packed, key)
        size = len(name) + len(sealed)
        if size > PARKED_BYTES:
            return None
        values: Values = {
            ":receipts": sealed,
            ":expires": expires,
            ":size": size,
            ":room": PARKED_BYTES - size,
        }
        return {
            "TableName": table("lookups"),
            "Key": to_item({"pk": key}),
            "UpdateExpression": "SET #post = :receipts, expires = :expires ADD held :size",
            "ConditionExpression": "attribute_not_exists(#post)"
            " AND (attribute_not_exists(held) OR held <= :room)",
            "ExpressionAttributeNames": {"#post": name},
            "ExpressionAttributeValues": to_item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        return self.parked_of({channel: provider_ids}).get(channel, ())

    def parked_of(self, ids: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[Receipt]]:
        channels = {
            keys.join("parked", channel, id): channel
            for channel, of_channel in ids.items()
            for id in _possible(of_channel)
        }
        receipts: dict[str, dict[Receipt, None]] = {}
        for row in get_many(table("lookups"), ({"pk": key} for key in channels), consistent=True):
            of_channel = receipts.setdefault(channels[row["pk"]], {})
            for name in sorted(name for name in row if name.startswith(PARKED)):
                parked = unpack(self._vault.open(row[name], row["pk"]))
                of_channel.update(dict.fromkeys(map(_read, parked)))
        return {channel: list(of_channel) for channel, of_channel in receipts.items()}

    def use_nonce(self, nonce: Nonce) -> bool:
        stored = put_once(table("lookups"), nonce_row(nonce))
        return stored is None or from_item(stored)["digest"] == nonce.digest

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


def _attribute(update: Item) -> str:
    return str(update["ExpressionAttributeNames"]["#post"])


def _update_all(updates: Sequence[Item]) -> None:
    """Update all or nothing. Raise Cancelled when a condition failed.

    A single update goes without a transaction, which would cost twice as much.
    """
    from botocore.exceptions import ClientError

    if len(updates) > 1:
        return transact([{"Update": update} for update in updates])
    try:
        client("dynamodb").update_item(**updates[0])
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        raise Cancelled([True], [error.response.get("Item")]) from error


def nonce_row(nonce: Nonce) -> Item:
    return to_item({"pk": _nonce_key(nonce), "digest": nonce.digest, "expires": nonce.expires})


def _nonce_key(nonce: Nonce) -> str:
    return keys.join("nonce", nonce.channel, nonce.name)


def _names(ids: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """Return the keys of ids by channel, each with its channel and id."""
    return {
        keys.join("receipt", channel, id): (channel, id)
        for channel, of_channel in ids.items()
        for id in _possible(of_channel)
    }


def rows(channel: str, lookups: Mapping[str, Lookup], expires: int) -> list[Item]:
    """Build the items of lookups by provider id."""
    return [_row(keys.join("receipt", channel, id), to, expires) for id, to in lookups.items()]


def _row(key: str, to: Lookup, expires: int) -> Item:
    """Build the item of a lookup. Its message expires with it, if a retention is known."""
    known: Values = {} if to.retention is None else {"counted": int(to.retention.counted)}
    if to.retention is not None and to.retention.start:
        known["start"] = to.retention.start
    if to.retention is not None and to.retention.callbacks:
        known["callbacks"] = to.retention.callbacks
    if to.retention is not None and to.retention.followed:
        known["followed"] = 1
    return to_item({"pk": key, "to": _text(to), "expires": expires, **known})


def _text(to: Lookup) -> str:
    element = [{"element": to.element}] if to.element > 1 else []
    return json.dumps([*to.chunk, *(to.ref or ()), *([to.parts] if to.parts else ()), *element])


def _lookup(row: Mapping[str, Any]) -> Lookup:
    msgid, chunk, *rest = json.loads(row["to"])
    element = rest.pop()["element"] if rest and isinstance(rest[-1], dict) else 1
    ref = (rest[0], rest[1]) if rest else None
    retention: Retention | None = None
    if "counted" in row:
        marks = (row.get("start", 0), row.get("callbacks", ""), bool(row.get("followed")))
        retention = Retention(row["expires"], bool(row["counted"]), *marks)
    parts = tuple(rest[2]) if len(rest) > 2 else ()
    return Lookup(ChunkId(msgid, chunk), ref, parts, element, retention)


def _possible(provider_ids: Iterable[str]) -> list[str]:
    """Leave out ids that no key can hold. A post to a webhook may contain any text."""
    return [
        id
        for id in provider_ids
        if len(id.encode("utf-8", "surrogatepass")) <= LONGEST_ID and not _HALF_PAIR.search(id)
    ]


def _written(receipt: Receipt) -> list[str | int]:
    return [
        receipt.provider_id,
        receipt.kind.value,
        receipt.time,
        receipt.contact,
        receipt.code,
        *_flags(receipt),
    ]


def _flags(receipt: Receipt) -> list[int]:
    """Return what is rare. Most receipts have none of it."""
    flags = [receipt.undeliverable, receipt.may_be_derived, receipt.soft]
    while flags and not flags[-1]:
        flags.pop()
    return list(map(int, flags))


def _read(raw: Sequence[Any]) -> Receipt:
    provider_id, kind, time, contact, code, *flags = raw
    undeliverable, may_be_derived, soft, *_ = (*map(bool, flags), False, False, False)
    fields: dict[str, Any] = {
        "contact": contact,
        "code": code,
        "undeliverable": undeliverable,
        "soft": soft,
        "may_be_derived": may_be_derived,
    }
    return Receipt(provider_id, ReceiptKind(kind), time, **fields)
