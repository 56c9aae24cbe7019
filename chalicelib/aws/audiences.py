"""Who is in a set: a tag of a scope, a segment, a list. Rows stand in the order of users, spread over groups of buckets.

A contact leads to its users by its HMAC, in the same table.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import READ_BATCH, Item, from_item, get_many, to_item, write_many
from chalicelib.aws.tables import table
from chalicelib.domain import audiences, keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User
from chalicelib.ports import Vault

GROUP = 32  # buckets of a partition: a set is walked with so few requests, and fills so many partitions at once
LISTED = 5  # requests for what was said of all contacts: of more than some 40,000 each is asked for by itself
REFUSED = "of_"  # how the names of attributes with opt-outs begin
POSITION = 4  # characters of a position before the userid

Key = tuple[str, str]


class Audiences:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._can_list = True  # what was said of all contacts: until that is too much

    def scan(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        merged = heapq.merge(*(_members(name, buckets, after, limit) for name in sorted(set(sets))))
        return [position[POSITION:] for position in islice(_once(merged), limit)]

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        wanted = ({"pk": _partition(name, keys.bucket(u)), "sk": keys.position(u)} for u in userids)
        return frozenset(
            row["sk"][POSITION:] for row in get_many(table("audiences"), wanted, consistent=True)
        )

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        puts, deletes = (
            [row((_partition(name, keys.bucket(u)), keys.position(u))) for u in some]
            for some in (add, remove)
        )
        write_many(table("audiences"), puts, deletes, key=("pk", "sk"))

    def estimate(self, sets: Sequence[str]) -> int:
        return sum(_count(f"{name}{keys.SEPARATOR}000") for name in sets) * (keys.BUCKETS // GROUP)

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        values: dict[str, str | int | bytes] = {
            ":pk": name_of(scope, "")[0],
            **({":after": after} if after else {}),
        }
        return list(
            islice(
                _query(values, "pk = :pk AND sk > :after" if after else "pk = :pk", limit), limit
            )
        )

    def users_of(self, kind: ChannelType, contact: str) -> Sequence[str]:
        pk = _contact(self._vault, kind, contact)
        return list(_query({":pk": pk}, "pk = :pk", 1000))

    def set_opt_out(
        self, kind: ChannelType, contact: str, channel_keys: Sequence[str], time: int, out: bool
    ) -> None:
        """One attribute for each access channel: the time, below 0 for who is in again. Only an older one is replaced."""
        from botocore.exceptions import ClientError

        for channel_key in channel_keys:
            try:
                client("dynamodb").update_item(
                    TableName=table("audiences"),
                    Key=to_item(self._refusal(kind, contact)),
                    UpdateExpression="SET #of = :said",
                    ConditionExpression="attribute_not_exists(#of) OR #of BETWEEN :least AND :most",
                    ExpressionAttributeNames={"#of": REFUSED + channel_key},
                    ExpressionAttributeValues=to_item(
                        {":said": time if out else -time, ":least": -time, ":most": time}
                    ),
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise

    def opt_outs(
        self, wanted: Mapping[ChannelType, Collection[str]]
    ) -> Mapping[ChannelType, Mapping[str, Mapping[str, int]]]:
        named = {
            self._refusal(kind, contact)["sk"]: (kind, contact)
            for kind, contacts in wanted.items()
            for contact in contacts
        }
        rows = self._listed(len(named) // READ_BATCH)
        if rows is None:
            rows = get_many(
                table("audiences"), ({"pk": "refused", "sk": sk} for sk in named), consistent=True
            )
        found: dict[ChannelType, dict[str, Mapping[str, int]]] = {kind: {} for kind in wanted}
        for row in rows:
            if row["sk"] in named:
                kind, contact = named[row["sk"]]
                found[kind][contact] = {
                    n.removeprefix(REFUSED): v for n, v in row.items() if n.startswith(REFUSED)
                }
        return found

    def _listed(self, most: int) -> list[dict[str, Any]] | None:
        """What was said of all contacts, where that takes fewer than so many requests, else None."""
        rows: list[dict[str, Any]] = []
        request: dict[str, Any] = {
            "TableName": table("audiences"),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":pk": "refused"}),
            "ConsistentRead": True,
        }
        for _ in range(min(most - 1, LISTED) if self._can_list else 0):
            answer = client("dynamodb").query(**request)
            rows += map(from_item, answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return rows
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        self._can_list = self._can_list and most <= LISTED
        return None

    def _refusal(self, kind: ChannelType, contact: str) -> dict[str, str]:
        return {
            "pk": "refused",
            "sk": keys.join(*keys.split(_contact(self._vault, kind, contact))[1:]),
        }


def rows_of(vault: Vault, user: User) -> frozenset[Key]:
    """The keys of all that a user is found by."""
    bucket, position = keys.bucket(user.userid), keys.position(user.userid)
    tags = {
        (_partition(audiences.tag(scope, name), bucket), position) for scope, name in user.all_tags
    }
    return frozenset(
        tags
        | {(_contact(vault, kind, contact), user.userid) for kind, contact in user.all_contacts}
    )


def name_of(scope: str, tag: str) -> Key:
    """Where a tag's name stands."""
    return keys.join("tags", scope), tag


def row(key: Key) -> Item:
    return to_item({"pk": key[0], "sk": key[1]})


def _partition(name: str, bucket: int) -> str:
    return f"{name}{keys.SEPARATOR}{bucket // GROUP:03d}"


def _contact(vault: Vault, kind: ChannelType, contact: str) -> str:
    return keys.join(
        "contact",
        kind.value,
        vault.mac("contact", f"{kind.value}:{contact}".encode("utf-8", "surrogatepass")).hex()[:32],
    )


def _members(name: str, buckets: range, after: str, limit: int) -> Iterator[str]:
    """Positions of a set, in order; asked for as they are needed."""
    start, end = max(after, f"{buckets.start:03d}"), f"{buckets.stop:03d}"
    for group in range(int(start[:3]) // GROUP, (buckets.stop - 1) // GROUP + 1):
        values: dict[str, str | int | bytes] = {
            ":pk": f"{name}{keys.SEPARATOR}{group:03d}",
            ":start": start,
            ":end": end,
        }
        # BETWEEN includes its ends: the position itself was taken before, and nobody stands at a bare bucket.
        yield from (
            sk
            for sk in _query(values, "pk = :pk AND sk BETWEEN :start AND :end", limit)
            if sk > after
        )


def _query(values: dict[str, str | int | bytes], condition: str, size: int) -> Iterator[str]:
    request: dict[str, Any] = {
        "TableName": table("audiences"),
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_item(values),
        "ConsistentRead": True,
        "Limit": size + 1,
    }
    while True:
        answer = client("dynamodb").query(**request)
        yield from (str(from_item(item)["sk"]) for item in answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _count(pk: str) -> int:
    """As far as one request counts."""
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
