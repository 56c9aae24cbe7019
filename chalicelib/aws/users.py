"""Users: one item each, contacts sealed. Writes are guarded by the version, so that no update is lost.

What a user is found by (tags, contacts by their HMAC) stands in the table `audiences` and changes in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.aws import audiences
from chalicelib.aws.clients import client
from chalicelib.aws.items import (
    TRANSACTION,
    Cancelled,
    Item,
    Unprocessed,
    from_item,
    get_many,
    pack,
    to_item,
    transact,
    unpack,
    write_many,
)
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import Suppression, User
from chalicelib.ports import Vault

LAST = "\U0010ffff"  # the last of all characters
NAMES = 10_000  # of tags that a container remembers

_RESERVED = {"#bucket": "bucket"}  # a word that an expression must not use bare

Write = tuple[User, list[Item]]  # a user with the actions of its transaction


class Users:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._named: set[tuple[str, str]] = set()  # tags whose names were written

    def get(self, userids: Sequence[str]) -> Mapping[str, User]:
        wanted: list[dict[str, str | int]] = [
            {"bucket": keys.bucket(u), "userid": u} for u in userids
        ]
        rows = get_many(
            table("users"), wanted, consistent=True
        )  # who is uploaded and sent to at once must not be unknown
        return {row["userid"]: self._user(row) for row in rows}

    def scan(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        found: list[User] = []
        first = int(after[:3]) if after else buckets.start
        for bucket in range(first, buckets.stop):
            begin = after[4:] if after and bucket == first else ""
            found += map(self._user, _bucket(bucket, begin, prefix, limit - len(found)))
            if len(found) >= limit:
                break
        return found

    def estimate(self) -> int:
        """From the number in one bucket, as far as one request counts."""
        answer = client("dynamodb").query(
            TableName=table("users"),
            KeyConditionExpression="#bucket = :b",
            ExpressionAttributeNames=_RESERVED,
            ExpressionAttributeValues=to_item({":b": 0}),
            Select="COUNT",
        )
        return int(answer["Count"]) * keys.BUCKETS

    def save(
        self, users: Sequence[User], before: Mapping[str, User] | None = None
    ) -> frozenset[str]:
        first = {user.userid: user for user in reversed(users)}
        lost = {
            user.userid for user in users if first[user.userid] is not user
        }  # of two versions at once, one is late
        known = before or {}
        self._name_tags(
            {
                tag
                for user in first.values()
                for tag in user.all_tags - known.get(user.userid, User(user.userid)).all_tags
            }
        )
        writes = [
            (user, self._actions(user, known.get(user.userid, User(user.userid))))
            for user in first.values()
        ]
        return frozenset(lost | self._write(writes))

    def _name_tags(self, tags: set[tuple[str, str]]) -> None:
        """Tags are listed by their names, which stand there before anybody has them; each container writes a name once."""
        fresh = tags - self._named
        if fresh:
            write_many(
                table("audiences"),
                [audiences.row(audiences.name_of(*tag)) for tag in sorted(fresh)],
                key=("pk", "sk"),
            )
            self._named = (self._named if len(self._named) < NAMES else set()) | fresh

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        first = {user.userid: user for user in reversed(users)}
        return frozenset(
            self._write(
                [
                    (user, [self._removal(user), *self._sets(User(user.userid), user)])
                    for user in first.values()
                ]
            )
        )

    def _write(self, writes: Sequence[Write]) -> set[str]:
        lost: set[str] = set()
        for some in _transactions(writes):
            lost |= self._transact(some)
        return lost

    def _transact(self, writes: list[Write]) -> set[str]:
        """All whose version still is the stored one; those that somebody else has changed are left out of a second transaction."""
        lost: set[str] = set()
        while writes:
            try:
                _commit([action for _, actions in writes for action in actions])
                return lost
            except Cancelled as error:
                owners = [user.userid for user, actions in writes for _ in actions]
                lost |= {
                    userid for userid, failed in zip(owners, error.failed, strict=False) if failed
                }
                writes = [(user, actions) for user, actions in writes if user.userid not in lost]
            except (
                Unprocessed
            ):  # others write the same users all the time: as if they had been faster
                return lost | {user.userid for user, _ in writes}
        return lost

    def _actions(self, user: User, before: User) -> list[Item]:
        return [self._put(user), *self._sets(user, before)]

    def _sets(self, user: User, before: User) -> Iterator[Item]:
        """What joins and leaves sets, as actions of a transaction."""
        now, then = audiences.rows_of(self._vault, user), audiences.rows_of(self._vault, before)
        for key in sorted(now - then):
            yield {"Put": {"TableName": table("audiences"), "Item": audiences.row(key)}}
        for key in sorted(then - now):
            yield {"Delete": {"TableName": table("audiences"), "Key": audiences.row(key)}}

    def _put(self, user: User) -> Item:
        put: Item = {"TableName": table("users"), "Item": self._item(user)}
        if user.version == 0:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(userid)"}}
        return {"Put": {**put, **_unchanged(user)}}

    def _removal(self, user: User) -> Item:
        key = to_item({"bucket": keys.bucket(user.userid), "userid": user.userid})
        return {"Delete": {"TableName": table("users"), "Key": key, **_unchanged(user)}}

    def _item(self, user: User) -> Item:
        secret = {
            "contacts": user.contacts,
            "labels": user.labels,
            "gone": user.undeliverable,
            "refusals": user.opt_outs,
            "attributes": user.attributes,
            "events": user.events,
            "recent": user.recent,
        }
        sealed = self._vault.seal(
            pack({name: value for name, value in secret.items() if value}), _context(user.userid)
        )
        row: dict[str, Any] = {
            "bucket": keys.bucket(user.userid),
            "userid": user.userid,
            "version": user.version + 1,
        }
        return to_item({**row, "sealed": sealed, "tags": pack(user.tags)})

    def _user(self, row: Mapping[str, Any]) -> User:
        secret = unpack(self._vault.open(row["sealed"], _context(row["userid"])))
        opt_outs = {
            kind: {c: _marks(by) for c, by in of.items()}
            for kind, of in _typed(secret.get("refusals", {})).items()
        }
        return User(
            row["userid"],
            {
                kind: {bind: tuple(v) for bind, v in scoped.items()}
                for kind, scoped in _typed(secret.get("contacts", {})).items()
            },
            {bind: tuple(v) for bind, v in unpack(row["tags"]).items()},
            row["version"],
            labels=_typed(secret.get("labels", {})),
            undeliverable={kind: _marks(of) for kind, of in _typed(secret.get("gone", {})).items()},
            opt_outs=opt_outs,
            attributes=secret.get("attributes", {}),
            events={
                name: (often, last) for name, (often, last) in secret.get("events", {}).items()
            },
            recent=tuple(secret.get("recent", ())),
        )


def _typed(by_type: Mapping[str, Any]) -> dict[ChannelType, Any]:
    return {ChannelType(kind): value for kind, value in by_type.items()}


def _marks(raw: Mapping[str, Any]) -> dict[str, Suppression]:
    return {name: Suppression(*suppression) for name, suppression in raw.items()}


def _unchanged(user: User) -> Item:
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": to_item({":version": user.version}),
    }


def _transactions(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """As many users as fit into one transaction, at least one."""
    some: list[Write] = []
    for write in writes:
        if some and sum(len(actions) for _, actions in some) + len(write[1]) > TRANSACTION:
            yield some
            some = []
        some.append(write)
    if some:
        yield some


def _commit(actions: list[Item]) -> None:
    """One transaction. Of a user with more sets than one holds, the rest joins before and leaves after it: a set may then name who is
    not in it any more, never leave out who is."""
    within, rest = actions[:TRANSACTION], actions[TRANSACTION:]
    joins = [action["Put"]["Item"] for action in rest if "Put" in action]
    leaves = [action["Delete"]["Key"] for action in rest if "Delete" in action]
    if joins:
        write_many(table("audiences"), joins, key=("pk", "sk"))
    transact(within)
    if leaves:
        write_many(table("audiences"), [], leaves, key=("pk", "sk"))


def _bucket(bucket: int, after: str, prefix: str, limit: int) -> list[dict[str, Any]]:
    """The next items of a bucket."""
    # Texts are ordered by their bytes in UTF-8: nothing is between a text and the same with a NUL behind it.
    low, high = max(after + "\0" if after else "", prefix), prefix + LAST
    if low > high:
        return []
    bounds = {":low": low, ":high": high} if low else {":high": high}
    request: dict[str, Any] = {
        "TableName": table("users"),
        "KeyConditionExpression": "#bucket = :b AND userid "
        + ("BETWEEN :low AND :high" if low else "<= :high"),
        "ExpressionAttributeNames": _RESERVED,
        "ExpressionAttributeValues": to_item({":b": bucket, **bounds}),
        "ConsistentRead": True,
    }
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        answer = client("dynamodb").query(**request, Limit=limit - len(found))
        found += map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def _context(userid: str) -> str:
    return f"user#{userid}"
