"""Lookups of deliveries: a provider's id leads to a chunk.

Receipts that come before their submission was recorded are parked under their id.
"""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.aws import lookup_items
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
from chalicelib.domain.provider_io import Receipt
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

_HALF_PAIR = "[\ud800-\udfff]"  # compiled with the first id


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
        used = self._read(names, lookup_items.nonce_key(nonce), fresh=True)
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
                self._remember(row["pk"], lookup_items.lookup(row))
        return other

    def _found(self, names: Mapping[str, tuple[str, str]]) -> dict[tuple[str, str], Lookup]:
        return {name: self._known[key] for key, name in names.items() if key in self._known}

    def _remember(self, key: str, lookup: Lookup) -> None:
        self._known[key] = lookup
        if len(self._known) > CACHED:
            self._known.popitem(last=False)

    def park(
        self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int
    ) -> Mapping[str, str]:
        """Park receipts. Drop those of an id that holds more than our largest call could produce.

        Such an id belongs to another system.
        """
        ids = {_parked_key(channel, id): id for id in _possible(receipts)}
        updates: list[Item] = []
        for key, id in ids.items():
            update = None if key in self._full else self._parking(key, receipts[id], expires)
            if update is not None:
                updates.append(update)
        for start in range(0, len(updates), PARKED_AT_ONCE):
            self._park(updates[start : start + PARKED_AT_ONCE])
        held = [update for update in updates if _pk(update) not in self._full]
        return {ids[_pk(update)]: _attribute(update) for update in held}

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
        packed = pack([lookup_items.packed(receipt) for receipt in receipts])
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
            _parked_key(channel, id): channel
            for channel, of_channel in ids.items()
            for id in _possible(of_channel)
        }
        receipts: dict[str, dict[Receipt, None]] = {}
        for row in get_many(table("lookups"), ({"pk": key} for key in channels), consistent=True):
            of_channel = receipts.setdefault(channels[row["pk"]], {})
            for name in sorted(name for name in row if name.startswith(PARKED)):
                of_channel.update(dict.fromkeys(self._opened(row, name)))
        return {channel: list(of_channel) for channel, of_channel in receipts.items()}

    def parked_by(self, channel: str, posts: Mapping[str, str]) -> Sequence[Receipt]:
        names = {_parked_key(channel, id): posts[id] for id in _possible(posts)}
        rows = get_many(table("lookups"), ({"pk": key} for key in names), consistent=True)
        parked = (self._opened(row, names[row["pk"]]) for row in rows if names[row["pk"]] in row)
        return [receipt for of_id in parked for receipt in of_id]

    def _opened(self, row: Mapping[str, Any], name: str) -> list[Receipt]:
        return [
            lookup_items.unpacked(raw) for raw in unpack(self._vault.open(row[name], row["pk"]))
        ]

    def use_nonce(self, nonce: Nonce) -> bool:
        stored = put_once(table("lookups"), lookup_items.nonce_row(nonce))
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


def _parked_key(channel: str, id: str) -> str:
    return keys.join("parked", channel, id)


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


def _names(ids: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """Return the keys of ids by channel, each with its channel and id."""
    return {
        keys.join("receipt", channel, id): (channel, id)
        for channel, of_channel in ids.items()
        for id in _possible(of_channel)
    }


def _possible(provider_ids: Iterable[str]) -> list[str]:
    """Leave out ids that no key can hold. A post to a webhook may contain any text."""
    return [
        id
        for id in provider_ids
        if len(id.encode("utf-8", "surrogatepass")) <= LONGEST_ID and not re.search(_HALF_PAIR, id)
    ]
