"""Users: one item each, with sealed contacts. Writes are guarded by the version of the user.

Rows that lead to a user are in the table `audiences`: by tag, and by the HMAC of a contact. These
rows change in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from chalicelib.aws import audiences, traces, user_lists
from chalicelib.aws.clients import client
from chalicelib.aws.items import (
    TRANSACTION,
    Cancelled,
    Contended,
    Item,
    Values,
    get_many,
    pack,
    to_item,
    transact,
    unpack,
    write_many,
)
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.notes import OptOut
from chalicelib.domain.traces import Logs
from chalicelib.domain.users import Suppression, User
from chalicelib.ports import Vault

IDENTITIES = 1  # what rows of contacts are named by, in users of this release
# Bytes of a transaction, which DynamoDB bounds to 4 MB. A log of many events may have 300 KB.
TRANSACTION_BYTES = 3_000_000
NAMES = 10_000  # of tags that a container remembers


Write = tuple[User, list[Item]]  # a user with the actions of its transaction


class Users:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._named: set[tuple[str, str]] = set()  # tags whose names this container has written

    def get(self, userids: Sequence[str], *, fresh: bool = True) -> Mapping[str, User]:
        users = self.read(
            get_many(table("users"), map(user_lists.key_of, userids), consistent=fresh)
        )
        # A user may be uploaded and be sent to at once.
        missing = () if fresh else [userid for userid in userids if userid not in users]
        return {**users, **self.get(missing)} if missing else users

    def read(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, User]:
        return {row["userid"]: self._user(row) for row in rows}

    def scan(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        users: list[User] = []
        first = int(after[:3]) if after else buckets.start
        for bucket in range(first, buckets.stop):
            begin = after[4:] if after and bucket == first else ""
            users += map(self._user, user_lists.bucket(bucket, begin, prefix, limit - len(users)))
            if len(users) >= limit:
                break
        return users

    def listed(self, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        if not prefix:
            return list(map(self._user, user_lists.any_order(after, limit)))
        listed: list[User] = []
        while True:  # the index may still name users who are gone
            missing = limit - len(listed)
            userids = user_lists.beginning_with(prefix, after, missing)
            users = self.get(userids)
            listed += [users[userid] for userid in userids if userid in users]
            if len(listed) == limit or len(userids) < missing:
                return listed
            after = userids[-1]

    def estimate(self) -> int:
        """Multiply the number in one bucket, as far as one request counts."""
        answer = client("dynamodb").query(
            TableName=table("users"),
            KeyConditionExpression="#bucket = :b",
            ExpressionAttributeNames=user_lists.RESERVED,
            ExpressionAttributeValues=to_item({":b": 0}),
            Select="COUNT",
        )
        return int(answer["Count"]) * keys.BUCKETS

    def userids(self, bucket: int, most: int) -> Sequence[str]:
        rows = query(
            "users",
            "#bucket = :b",
            {":b": bucket},
            ExpressionAttributeNames=user_lists.RESERVED,
            ProjectionExpression="userid",
        )
        return [str(row["userid"]) for row in islice(rows, most)]

    def save(
        self,
        users: Sequence[User],
        before: Mapping[str, User] | None = None,
        logs: Logs | None = None,
        counted: Mapping[str, Sequence[OptOut]] | None = None,
    ) -> frozenset[str]:
        first = {user.userid: user for user in reversed(users)}
        # Of two versions of a user in one call, the second is late.
        lost = {user.userid for user in users if first[user.userid] is not user}
        changes = [
            (user, (before or {}).get(user.userid, User(user.userid))) for user in first.values()
        ]
        new_tags: set[tuple[str, str]] = set()
        for user, stored in changes:
            new_tags |= user.all_tags - stored.all_tags
        self._name_tags(new_tags)
        of_user = self._log_puts(logs or {})
        if counted:
            from chalicelib.aws.figures import opt_out_put

            for userid, opt_outs in counted.items():
                of_user.setdefault(userid, []).extend(map(opt_out_put, opt_outs))
        writes = [
            (user, [self._put(user), *of_user.get(user.userid, ()), *self._sets(user, stored)])
            for user, stored in changes
        ]
        return frozenset(lost | self._write(writes))

    def _log_puts(self, logs: Logs) -> dict[str, list[Item]]:
        """Return the actions that write logs, by user id."""
        puts: dict[str, list[Item]] = {}
        for (userid, name), log in logs.items():
            item = traces.log_item(self._vault, userid, name, log)
            puts.setdefault(userid, []).append(
                {"Put": {"TableName": table("messages"), "Item": item}}
            )
        return puts

    def _name_tags(self, tags: set[tuple[str, str]]) -> None:
        """Write names of tags for lists, before a user has them. Each container does so once."""
        unnamed = tags - self._named
        if unnamed:
            rows = [audiences.row(audiences.name_of(*tag)) for tag in sorted(unnamed)]
            write_many(table("audiences"), rows, key=("pk", "sk"))
            self._named = (self._named if len(self._named) < NAMES else set()) | unnamed

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        first = {user.userid: user for user in reversed(users)}
        writes = [
            (user, [self._removal(user), *self._sets(User(user.userid), user)])
            for user in first.values()
        ]
        return frozenset(self._write(writes))

    def _write(self, writes: Sequence[Write]) -> set[str]:
        lost: set[str] = set()
        for some in _transactions(writes):
            lost |= self._transact(some)
        return lost

    def _transact(self, writes: list[Write]) -> set[str]:
        """Write users whose version is the stored one. Return the userids of the others.

        Those are left out of a second transaction.
        """
        lost: set[str] = set()
        while writes:
            try:
                _commit([action for _, actions in writes for action in actions])
                return lost
            except Cancelled as error:
                owners: list[str] = []
                for user, actions in writes:
                    owners += [user.userid] * len(actions)
                lost |= {
                    userid for userid, failed in zip(owners, error.failed, strict=False) if failed
                }
                writes = [(user, actions) for user, actions in writes if user.userid not in lost]
            except Contended:  # others wrote these users in every round, so they were faster
                return lost | {user.userid for user, _ in writes}
        return lost

    def _sets(self, user: User, before: User) -> Iterator[Item]:
        """Yield the actions by which a user joins and leaves sets."""
        now, then = audiences.rows_of(self._vault, user), audiences.rows_of(self._vault, before)
        missing, left_over = audiences.respelt_rows_of(self._vault, before)
        for key in sorted(now - (then - missing)):
            yield {"Put": {"TableName": table("audiences"), "Item": audiences.row(key)}}
        for key in sorted((then | left_over) - now):
            yield {"Delete": {"TableName": table("audiences"), "Key": audiences.row(key)}}

    def _put(self, user: User) -> Item:
        put: Item = {"TableName": table("users"), "Item": self._item(user)}
        if user.version == 0:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(userid)"}}
        return {"Put": {**put, **_unchanged(user)}}

    def _removal(self, user: User) -> Item:
        key = to_item(user_lists.key_of(user.userid))
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
            "claimed": user.claimed,
            "preferences": user.preferences,
            "names": IDENTITIES,
        }
        sealed = self._vault.seal(
            pack({name: value for name, value in secret.items() if value}), _context(user.userid)
        )
        part = user_lists.part(user.userid)
        values: Values = {"version": user.version + 1, "sealed": sealed, "part": part}
        values["tags"] = pack(user.tags)
        return to_item({**user_lists.key_of(user.userid), **values})

    def _user(self, row: Mapping[str, Any]) -> User:
        secret = unpack(self._vault.open(row["sealed"], _context(row["userid"])))
        return User(
            row["userid"],
            _by_type(secret.get("contacts", {}), _tuples),
            _tuples(unpack(row["tags"])),
            row["version"],
            labels=_by_type(secret.get("labels", {}), dict),
            undeliverable=_by_type(secret.get("gone", {}), _suppressions),
            opt_outs=_by_type(secret.get("refusals", {}), _opt_outs),
            attributes=secret.get("attributes", {}),
            events=_tuples(secret.get("events", {})),
            recent=tuple(secret.get("recent", ())),
            claimed=tuple(secret.get("claimed", ())),
            preferences=secret.get("preferences", {}),
            is_older=secret.get("names") != IDENTITIES,
        )


def _by_type(
    raw: Mapping[str, Any], read: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[ChannelType, Any]:
    return {ChannelType(kind): read(value) for kind, value in raw.items()}


def _tuples(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(values) for name, values in raw.items()}


def _suppressions(raw: Mapping[str, Any]) -> dict[str, Suppression]:
    return {name: Suppression(*suppression) for name, suppression in raw.items()}


def _opt_outs(raw: Mapping[str, Any]) -> dict[str, dict[str, Suppression]]:
    return {contact: _suppressions(by_key) for contact, by_key in raw.items()}


def _unchanged(user: User) -> Item:
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": to_item({":version": user.version}),
    }


def _transactions(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Yield users in groups that fit into a transaction each. A group has at least one user."""
    some: list[Write] = []
    room, actions = TRANSACTION_BYTES, TRANSACTION
    for write in writes:
        size = sum(map(_size, write[1]))
        if some and (size > room or len(write[1]) > actions):
            yield some
            some, room, actions = [], TRANSACTION_BYTES, TRANSACTION
        some.append(write)
        room, actions = room - size, actions - len(write[1])
    if some:
        yield some


def _size(action: Item) -> int:
    """Return about how many bytes an action takes of a transaction."""
    item = action["Put"]["Item"] if "Put" in action else action["Delete"]["Key"]
    inner = ((name, next(iter(value.values()))) for name, value in item.items())
    return sum(len(name) + (len(value) if value is not True else 1) for name, value in inner)


def _commit(actions: list[Item]) -> None:
    """Write in one transaction.

    If a user's rows exceed one transaction, extra rows are added before it and deleted after it.
    A set may briefly list a former member, but never misses a current one. Extra logs come after
    it, since only its condition tells that nobody else has changed them.
    """
    within, rest = actions[:TRANSACTION], actions[TRANSACTION:]
    puts = [action["Put"] for action in rest if "Put" in action]
    joins = [put["Item"] for put in puts if put["TableName"] == table("audiences")]
    logs = [put["Item"] for put in puts if put["TableName"] == table("messages")]
    leaves = [action["Delete"]["Key"] for action in rest if "Delete" in action]
    if joins:
        write_many(table("audiences"), joins, key=("pk", "sk"))
    transact(within)
    if logs:
        write_many(table("messages"), logs, key=("pk", "sk"))
    if leaves:
        write_many(table("audiences"), [], leaves, key=("pk", "sk"))


def _context(userid: str) -> str:
    return f"user#{userid}"
