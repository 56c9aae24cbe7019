"""Users: one item each, contacts sealed. Writes are guarded by the version, so that no update is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.aws.items import TRANSACTION, Cancelled, Item, Unprocessed, get_many, pack, to_item, transact, unpack
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.channels import ChannelType
from chalicelib.domain.users import User
from chalicelib.flow.ports import Vault


class Users:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def get(self, userids: Sequence[str]) -> Mapping[str, User]:
        wanted: list[dict[str, str | int]] = [{"bucket": keys.bucket(u), "userid": u} for u in userids]
        rows = get_many(table("users"), wanted, consistent=True)  # who is uploaded and sent to at once must not be unknown
        return {row["userid"]: self._user(row) for row in rows}

    def save(self, users: Sequence[User]) -> frozenset[str]:
        first = {user.userid: user for user in reversed(users)}
        lost = {user.userid for user in users if first[user.userid] is not user}  # of two versions at once, one is late
        unique = list(first.values())
        for start in range(0, len(unique), TRANSACTION):
            lost |= self._save(unique[start : start + TRANSACTION])
        return frozenset(lost)

    def _save(self, users: list[User]) -> set[str]:
        """All whose version still is the stored one; those that somebody else has changed are left out of a second transaction."""
        lost: set[str] = set()
        while users:
            try:
                transact([{"Put": self._put(user)} for user in users])
                return lost
            except Cancelled as error:
                lost |= {user.userid for user, failed in zip(users, error.failed, strict=True) if failed}
                users = [user for user in users if user.userid not in lost]
            except Unprocessed:  # others write the same users all the time: as if they had been faster
                return lost | {user.userid for user in users}
        return lost

    def _put(self, user: User) -> Item:
        put: Item = {"TableName": table("users"), "Item": self._item(user)}
        if user.version == 0:
            return {**put, "ConditionExpression": "attribute_not_exists(userid)"}
        return {**put, "ConditionExpression": "version = :version", "ExpressionAttributeValues": to_item({":version": user.version})}

    def _item(self, user: User) -> Item:
        contacts = pack({kind.value: scoped for kind, scoped in user.contacts.items()})
        row: dict[str, Any] = {"bucket": keys.bucket(user.userid), "userid": user.userid, "version": user.version + 1}
        return to_item({**row, "contacts": self._vault.seal(contacts, _context(user.userid)), "tags": pack(user.tags)})

    def _user(self, row: Mapping[str, Any]) -> User:
        contacts = unpack(self._vault.open(row["contacts"], _context(row["userid"])))
        return User(
            row["userid"],
            {ChannelType(kind): {bind: tuple(v) for bind, v in scoped.items()} for kind, scoped in contacts.items()},
            {bind: tuple(v) for bind, v in unpack(row["tags"]).items()},
            row["version"],
        )


def _context(userid: str) -> str:
    return f"user#{userid}"
