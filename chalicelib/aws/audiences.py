"""Sets of users: a tag of a scope, a segment, a list. Rows are in the order of users.

A set is spread over groups of buckets. The HMAC of a contact leads to its users in the same table.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import (
    READ_BATCH,
    Cancelled,
    Item,
    Values,
    from_item,
    get_many,
    pack,
    to_item,
    transact,
    unpack,
    write_many,
)
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import audiences, contacts, keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.notes import OptOut
from chalicelib.domain.users import SUPPRESSED, User
from chalicelib.ports import SuppressedContact, Vault

# Buckets of a partition. A larger group takes fewer requests to scan a set.
# A smaller one spreads writes over more partitions.
GROUP = 32
# Requests that read the opt-outs of all contacts. Above some 40,000 opt-outs, contacts are read
# one by one.
LISTED = 5
OPT_OUT = "of_"  # prefix of attributes with opt-outs
POSITION = 4  # characters of a position before the userid

Key = tuple[str, str]


class Audiences:
    def __init__(self, vault: Vault, listed: int = LISTED) -> None:
        self._vault, self._most_listed = vault, listed
        self._can_list = True  # False once all opt-outs are too many to list

    def scan(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        merged = heapq.merge(*(_members(name, buckets, after, limit) for name in sorted(set(sets))))
        return [position[POSITION:] for position in islice(_once(merged), limit)]

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        rows = get_many(
            table("audiences"),
            ({"pk": _partition(name, keys.bucket(u)), "sk": keys.position(u)} for u in userids),
            consistent=True,
        )
        return frozenset(row["sk"][POSITION:] for row in rows)

    def sets_of(self, userid: str, names: Sequence[str]) -> frozenset[str]:
        by_pk = {_partition(name, keys.bucket(userid)): name for name in names}
        position = keys.position(userid)
        row_keys = ({"pk": pk, "sk": position} for pk in by_pk)
        rows = get_many(table("audiences"), row_keys, consistent=True)
        return frozenset(by_pk[row["pk"]] for row in rows)

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        write_many(
            table("audiences"),
            [_member_row(name, userid) for userid in add],
            [_member_row(name, userid) for userid in remove],
            key=("pk", "sk"),
        )

    def estimate(self, sets: Sequence[str]) -> int:
        return sum(_count(f"{name}{keys.SEPARATOR}000") for name in sets) * (keys.BUCKETS // GROUP)

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        values: Values = {":pk": name_of(scope, "")[0]}
        condition = "pk = :pk"
        if after:
            values[":after"], condition = after, "pk = :pk AND sk > :after"
        return list(islice(_query(values, condition, limit), limit))

    def known_tags(self, tags: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        by_key = {name_of(*tag): tag for tag in tags}
        rows = get_many(table("audiences"), ({"pk": pk, "sk": sk} for pk, sk in by_key))
        return frozenset(by_key[row["pk"], row["sk"]] for row in rows)

    def users_of(self, kind: ChannelType, contact: str) -> Sequence[str]:
        userids: set[str] = set()
        for name in contacts.owner_names(kind, contact):
            pk = _contact(self._vault, kind, name)
            userids.update(_query({":pk": pk}, "pk = :pk", 1000))
        return sorted(userids)

    def set_opt_out(
        self,
        kind: ChannelType,
        contact: str,
        channel_keys: Sequence[str],
        time: int,
        out: bool,
        counted: Sequence[OptOut] = (),
    ) -> None:
        """Replace the older time of each access channel: of an opt-out, negative for an opt-in."""
        key = self._opt_out_key(kind, contacts.identity(kind, contact))
        for n, channel_key in enumerate(channel_keys):
            if counted and _is_new(key, channel_key, time, counted[n]):
                continue
            values: Values = {":time": time if out else -time, ":least": -time, ":most": time}
            change = "SET #of = :time"
            if channel_key == SUPPRESSED:  # an export needs the contact itself
                values[":sealed"] = self._vault.seal(pack([kind, contact]), _sealed_for(key["sk"]))
                change += ", sealed = :sealed"
            _put_opt_out(key, channel_key, change, values)

    def suppressed(self, after: str, limit: int) -> Sequence[SuppressedContact]:
        more: dict[str, Any] = {
            "FilterExpression": "#of > :zero",
            "ExpressionAttributeNames": {"#of": OPT_OUT + SUPPRESSED},
        }
        if after:
            more["ExclusiveStartKey"] = to_item({"pk": "refused", "sk": after})
        rows = query("audiences", "pk = :pk", {":pk": "refused", ":zero": 0}, **more)
        return [self._suppressed(row) for row in islice(rows, limit)]

    def _suppressed(self, row: Mapping[str, Any]) -> SuppressedContact:
        kind, contact = unpack(self._vault.open(row["sealed"], _sealed_for(row["sk"])))
        return SuppressedContact(row["sk"], ChannelType(kind), contact, row[OPT_OUT + SUPPRESSED])

    def opt_outs(
        self, contacts_by_type: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, Mapping[str, Mapping[str, int]]]:
        by_key: dict[str, list[tuple[ChannelType, str]]] = {}
        for kind, of_kind in contacts_by_type.items():
            for contact in of_kind:
                for name in contacts.opt_out_names(kind, contact):
                    key = self._opt_out_key(kind, name)["sk"]
                    by_key.setdefault(key, []).append((kind, contact))
        rows = self._all_opt_outs(len(by_key) // READ_BATCH)
        if rows is None:
            rows = get_many(
                table("audiences"), ({"pk": "refused", "sk": sk} for sk in by_key), consistent=True
            )
        opt_outs: dict[ChannelType, dict[str, Mapping[str, int]]]
        opt_outs = {kind: {} for kind in contacts_by_type}
        for row in rows:
            for kind, contact in by_key.get(row["sk"], ()):
                opt_outs[kind][contact] = _latest(opt_outs[kind].get(contact, {}), _times(row))
        return opt_outs

    def _all_opt_outs(self, most: int) -> list[dict[str, Any]] | None:
        """Return the opt-outs of all contacts, or None if that takes `most` requests or more."""
        rows: list[dict[str, Any]] = []
        request: dict[str, Any] = {
            "TableName": table("audiences"),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":pk": "refused"}),
            "ConsistentRead": True,
        }
        for _ in range(min(most - 1, self._most_listed) if self._can_list else 0):
            answer = client("dynamodb").query(**request)
            rows += map(from_item, answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return rows
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        self._can_list = self._can_list and most <= self._most_listed
        return None

    def _opt_out_key(self, kind: ChannelType, contact: str) -> dict[str, str]:
        _, *rest = keys.split(_contact(self._vault, kind, contact))
        return {"pk": "refused", "sk": keys.join(*rest)}


def _sealed_for(sk: str) -> str:
    return f"suppressed#{sk}"


def _times(row: Mapping[str, Any]) -> Mapping[str, int]:
    """Return the time of each opt-out in the row of a contact, by channel key."""
    return {
        name.removeprefix(OPT_OUT): time for name, time in row.items() if name.startswith(OPT_OUT)
    }


def _latest(first: Mapping[str, int], second: Mapping[str, int]) -> Mapping[str, int]:
    """Return the later times of both, by channel key. A time below 0 is that of an opt-in."""
    return {key: max(first.get(key, 0), second.get(key, 0), key=abs) for key in {*first, *second}}


def rows_of(vault: Vault, user: User) -> frozenset[Key]:
    """Return the keys of the rows that lead to a user."""
    bucket, position = keys.bucket(user.userid), keys.position(user.userid)
    tags = {
        (_partition(audiences.tag(scope, name), bucket), position) for scope, name in user.all_tags
    }
    return frozenset(
        tags | {_owner_row(vault, user, kind, contact) for kind, contact in user.all_contacts}
    )


def respelt_rows_of(vault: Vault, user: User) -> tuple[frozenset[Key], frozenset[Key]]:
    """Return keys of rows that a user of an earlier release lacks, and of those that it has."""
    return (
        frozenset(_owner_row(vault, user, kind, spelt) for kind, spelt in user.respelt),
        frozenset((_contact(vault, kind, spelt), user.userid) for kind, spelt in user.respelt),
    )


def _owner_row(vault: Vault, user: User, kind: ChannelType, contact: str) -> Key:
    return _contact(vault, kind, contacts.identity(kind, contact)), user.userid


def name_of(scope: str, tag: str) -> Key:
    """Return the key of the row that lists a tag."""
    return keys.join("tags", scope), tag


def row(key: Key) -> Item:
    return to_item({"pk": key[0], "sk": key[1]})


def _member_row(name: str, userid: str) -> Item:
    return row((_partition(name, keys.bucket(userid)), keys.position(userid)))


def _partition(name: str, bucket: int) -> str:
    return f"{name}{keys.SEPARATOR}{bucket // GROUP:03d}"


def _contact(vault: Vault, kind: ChannelType, contact: str) -> str:
    mac = vault.mac("contact", f"{kind.value}:{contact}".encode("utf-8", "surrogatepass"))
    return keys.join("contact", kind.value, mac.hex()[:32])


def _members(name: str, buckets: range, after: str, limit: int) -> Iterator[str]:
    """Yield the positions of a set in order, reading them as they are needed."""
    start, end = max(after, f"{buckets.start:03d}"), f"{buckets.stop:03d}"
    for group in range(int(start[:3]) // GROUP, (buckets.stop - 1) // GROUP + 1):
        values: Values = {
            ":pk": f"{name}{keys.SEPARATOR}{group:03d}",
            ":start": start,
            ":end": end,
        }
        # BETWEEN includes both ends. The page before had the start.
        # The end is a bare bucket, which is not a position.
        for position in _query(values, "pk = :pk AND sk BETWEEN :start AND :end", limit):
            if position > after:
                yield position


def _query(values: Values, condition: str, size: int) -> Iterator[str]:
    rows = query("audiences", condition, values, ConsistentRead=True, Limit=size + 1)
    return (str(row["sk"]) for row in rows)


def _count(pk: str) -> int:
    """Return the number of items, as far as one request counts."""
    answer = client("dynamodb").query(
        TableName=table("audiences"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=to_item({":pk": pk}),
        Select="COUNT",
    )
    return int(answer["Count"])


def _once(positions: Iterator[str]) -> Iterator[str]:
    last = ""
    for position in positions:
        if position != last:
            yield position
        last = position


def _is_new(key: Mapping[str, str], channel_key: str, time: int, opt_out: OptOut) -> bool:
    """Write an opt-out with its note, if the contact was in. Otherwise write nothing."""
    from chalicelib.aws.figures import opt_out_put

    values: Values = {":time": time, ":least": -time, ":none": 0}
    update = {
        "TableName": table("audiences"),
        "Key": to_item(key),
        "UpdateExpression": "SET #of = :time",
        "ConditionExpression": "attribute_not_exists(#of) OR #of BETWEEN :least AND :none",
        "ExpressionAttributeNames": {"#of": OPT_OUT + channel_key},
        "ExpressionAttributeValues": to_item(values),
    }
    try:
        transact([{"Update": update}, opt_out_put(opt_out)])
    except Cancelled:
        return False
    return True


def _put_opt_out(key: Mapping[str, str], channel_key: str, change: str, values: Values) -> None:
    """Change the time of an access channel, unless a later one is stored."""
    from botocore.exceptions import ClientError

    try:
        client("dynamodb").update_item(
            TableName=table("audiences"),
            Key=to_item(key),
            UpdateExpression=change,
            ConditionExpression="attribute_not_exists(#of) OR #of BETWEEN :least AND :most",
            ExpressionAttributeNames={"#of": OPT_OUT + channel_key},
            ExpressionAttributeValues=to_item(values),
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
