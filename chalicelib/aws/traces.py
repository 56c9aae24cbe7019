"""Traces of users, in the order of users: a partition for each event or access channel and bucket.

The key of a row begins with the user id and a NUL, which no user id has. So a range of users is a
range of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from chalicelib.aws.items import Item, from_image, get_many, pack, to_item, unpack, write_many
from chalicelib.aws.ledger_items import chunk_of
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.callbacks import Events
from chalicelib.domain.facts import decode
from chalicelib.domain.traces import (
    DAY,
    KEPT,
    Interacted,
    Interaction,
    Log,
    Logs,
    Occurrence,
)
from chalicelib.ports import Vault

END = "\0"  # of a user id in a key
BEHIND = "\1"  # after every key of a user
_KEY = ("pk", "sk")


class Traces:
    """Implements ports.Traces."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def followed(self, image: Mapping[str, Any]) -> Events | None:
        if "followed" not in image or "facts" not in image:
            return None
        row = from_image({name: image[name] for name in ("pk", "facts")})
        at = chunk_of(row["pk"])
        keys.message_id_bytes(at.msgid)
        return Events(at, decode(unpack(row["facts"]).encode()))

    def logs(self, wanted: Sequence[tuple[str, str]]) -> Logs:
        row_keys = (_log_key(*name) for name in wanted)
        rows = get_many(table("messages"), row_keys, consistent=True)
        return {(_userid(row), keys.split(row["pk"])[1]): self._log(row) for row in rows}

    def logs_between(self, userids: Sequence[str], name: str) -> Mapping[str, Log]:
        return {_userid(row): self._log(row) for row in _between("events", name, userids)}

    def forget_logs(self, userid: str, names: Sequence[str]) -> None:
        _delete(_log_key(userid, name) for name in names)

    def _log(self, row: Mapping[str, Any]) -> Log:
        context = log_context(_userid(row), keys.split(row["pk"])[1])
        return tuple(Occurrence(*one) for one in unpack(self._vault.open(row["sealed"], context)))

    def interact(self, channel_key: str, new: Sequence[tuple[str, Interacted]]) -> None:
        items = (_interaction(channel_key, userid, one) for userid, one in new)
        write_many(table("messages"), items, key=_KEY)

    def interactions_between(
        self, channel_key: str, userids: Sequence[str]
    ) -> Mapping[str, Sequence[Interacted]]:
        rows = _between("interactions", channel_key, userids)
        return {
            userid: [_interacted(row["sk"]) for row in of_user]
            for userid, of_user in groupby(rows, _userid)
        }

    def forget_interactions(self, channel_key: str, userid: str) -> None:
        rows = _between("interactions", channel_key, [userid])
        _delete([{"pk": row["pk"], "sk": row["sk"]} for row in rows])


def log_item(vault: Vault, userid: str, name: str, log: Log) -> Item:
    """Build the item of a log, whose events are sealed."""
    sealed = vault.seal(pack(log), log_context(userid, name))
    expires = (log[-1].time + KEPT) // 1000 if log else 0
    return to_item({**_log_key(userid, name), "sealed": sealed, "expires": expires})


def log_context(userid: str, name: str) -> str:
    return keys.join("events", name, userid)


def _log_key(userid: str, name: str) -> dict[str, str | int]:
    return {"pk": _partition("events", name, keys.bucket(userid)), "sk": userid + END}


def _partition(kind: str, of: str, bucket: int) -> str:
    return f"{keys.join(kind, of)}{keys.SEPARATOR}{bucket:03d}"


def _between(kind: str, of: str, userids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of users who are in order, by buckets."""
    for bucket, users in groupby(userids, keys.bucket):
        members = list(users)
        values = {
            ":pk": _partition(kind, of, bucket),
            ":first": members[0] + END,
            ":last": members[-1] + BEHIND,
        }
        yield from query("messages", "pk = :pk AND sk BETWEEN :first AND :last", values)


def _userid(row: Mapping[str, Any]) -> str:
    return str(row["sk"]).partition(END)[0]


def _interaction(channel_key: str, userid: str, one: Interacted) -> Item:
    what = f"{one.day:06d}{keys.SEPARATOR}{one.kind.value}"
    of = f"{one.template}{keys.SEPARATOR}{one.topic}"
    return to_item(
        {
            "pk": _partition("interactions", channel_key, keys.bucket(userid)),
            "sk": f"{userid}{END}{what}{keys.SEPARATOR}{of}",
            "expires": (one.day * DAY + DAY + KEPT) // 1000,
        }
    )


def _interacted(sk: str) -> Interacted:
    day, kind, template, topic = sk.partition(END)[2].split(keys.SEPARATOR)
    return Interacted(Interaction(kind), int(day), int(template), int(topic))


def _delete(rows: Iterable[Mapping[str, str | int]]) -> None:
    write_many(table("messages"), [], [to_item(row) for row in rows], key=_KEY)
