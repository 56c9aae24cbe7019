"""Messages: stored in one transaction with the first timer and the plan of a small message."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.aws import ledger_items, message_history, message_items, sent_messages
from chalicelib.aws.clients import client, error_code
from chalicelib.aws.idempotency import once_put, read_once
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
    write_many,
)
from chalicelib.aws.queries import query
from chalicelib.aws.remembered import Remembered
from chalicelib.aws.tables import table
from chalicelib.aws.timers import Timers
from chalicelib.domain import keys
from chalicelib.domain.errors import Conflict
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Ending, Entry, Message, Sent, Summary
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.ports import IdempotencyKey, Vault

PART = 500  # contacts of an item: a message may name nine thousand


class Messages:
    def __init__(self, vault: Vault, timers: Timers) -> None:
        self._vault, self._timers = vault, timers
        self._known = Remembered()
        self._contacts: tuple[str, Sequence[str]] = ("", ())  # of the message that was planned last

    def create(
        self,
        message: Message,
        plan: Plan | None,
        timer: Timer | None,
        contacts: Sequence[str] = (),
        once: IdempotencyKey | None = None,
    ) -> IdempotencyKey | None:
        long_body = self._written(message)
        held = plan if timer is None else message.plan
        message = replace(message, plan=held, written={} if long_body else message.written)
        puts = self._puts(message, plan, timer, contacts) + long_body
        if len(puts) == 1 and once is None:
            self._put_alone(message, puts[0][1])
            return None
        actions = [{"Put": {"TableName": table(name), "Item": item}} for name, item in puts]
        actions[0]["Put"]["ConditionExpression"] = "attribute_not_exists(pk)"
        if once is not None:
            actions.append({"Put": once_put(once, message.msgid)})
        try:
            transact(actions)
        except Cancelled as error:
            if once is not None and error.failed[-1]:
                return read_once(from_item(error.stored[-1] or {}))
            raise Conflict(message.msgid) from error
        self._known.put(message)
        return None

    def _put_alone(self, message: Message, item: Item) -> None:
        stored = put_once(table("messages"), item)
        # When an answer gets lost, the SDK tries again: the stored item may be its first try.
        if stored is not None and stored != item:
            raise Conflict(message.msgid)
        self._known.put(message)

    def _puts(
        self, message: Message, plan: Plan | None, timer: Timer | None, contacts: Sequence[str]
    ) -> list[tuple[str, Item]]:
        """Return tables and items of a new message, its own item first.

        The first check of a chunk only finds what a crash left, so it needs no execution of its
        own. Accepting a message stays within three calls.
        """
        puts = [("messages", message_items.item(self._vault, message))]
        if timer is None:
            return puts + self._links(message)
        puts.append(("due", self._timers.row(timer)))
        if plan is not None:
            puts.append(("ledger", ledger_items.plan_item(self._vault, plan, message)))
        puts += self._links(message)
        if plan is None or plan.next is not None:
            for number, start in enumerate(range(0, len(contacts), PART)):
                part = contacts[start : start + PART]
                puts.append(
                    ("messages", message_items.contacts_item(self._vault, message, number, part))
                )
        return puts

    def _links(self, message: Message) -> list[tuple[str, Item]]:
        is_needed = bool(message.links)
        return [("messages", message_items.links_item(self._vault, message))] if is_needed else []

    def _written(self, message: Message) -> list[tuple[str, Item]]:
        item = message_items.written_item(self._vault, message)
        return [] if item is None else [("messages", item)]

    def withdraw(self, message: Message, time: int, timer: Timer) -> bool:
        marker = to_item(
            {"pk": message.msgid, "sk": "withdrawn", "expires": message.expires, "time": time}
        )
        put = {
            "TableName": table("messages"),
            "Item": marker,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        put_timer = {"TableName": table("due"), "Item": self._timers.row(timer)}
        try:
            transact([{"Put": put}, {"Put": put_timer}])
        except Cancelled:
            return False
        return True

    def withdrawn(self, msgid: str) -> int | None:
        ending = self.ending(msgid)
        return ending.time if ending else None

    def ending(self, msgid: str) -> Ending | None:
        row = _get(msgid, "withdrawn")
        return Ending(row["time"], bool(row.get("deleted"))) if row else None

    def endings(self, msgids: Sequence[str]) -> Mapping[str, Ending]:
        row_keys = ({"pk": msgid, "sk": "withdrawn"} for msgid in msgids)
        rows = get_many(table("messages"), row_keys)
        return {row["pk"]: Ending(row["time"], bool(row.get("deleted"))) for row in rows}

    def delete(self, message: Message, time: int) -> None:
        transact(message_items.deletion(message, time))
        self._known.forget(message.msgid)
        contacts = [{"pk": row["pk"], "sk": row["sk"]} for row in _rows(message.msgid, "contacts#")]
        rest = [*contacts, {"pk": message.msgid, "sk": "written"}]
        write_many(table("messages"), (), map(to_item, rest), key=("pk", "sk"))

    def once(self, name: str) -> IdempotencyKey | None:
        answer = client("dynamodb").get_item(
            TableName=table("lookups"), Key=to_item({"pk": name}), ConsistentRead=True
        )
        row = from_item(answer.get("Item", {}))
        return read_once(row) if row and row["expires"] > time.time() else None

    def newest(self, channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
        return message_history.newest(channel_key, before, since, limit)

    def entry(self, image: Mapping[str, Any]) -> Entry:
        return message_history.entry(image)

    def sent_to(
        self, target: str, before: str, since: int, limit: int
    ) -> tuple[Sequence[Sent], str]:
        return sent_messages.newest(target, before, since, limit)

    def of_segment(self, number: int, limit: int) -> Sequence[Summary]:
        return message_history.of_segment(number, limit)

    def contacts(self, msgid: str) -> Sequence[str]:
        if self._contacts[0] != msgid:
            parts = [
                unpack(self._vault.open(row["sealed"], message_items.context(msgid)))
                for row in _rows(msgid, "contacts", consistent=True)
            ]
            self._contacts = (msgid, [contact for part in parts for contact in part])
        return self._contacts[1]

    def written(self, msgid: str) -> Mapping[str, Any]:
        row = _get(msgid, "written")
        if row is None:
            return {}
        body: Mapping[str, Any] = unpack(
            self._vault.open(row["sealed"], message_items.context(msgid))
        )
        return body

    def get(self, msgid: str) -> Message | None:
        known = self._known.get(msgid)
        if known is None and (row := _get(msgid, "message")) is not None:
            known = message_items.read(self._vault, row)
            self._known.put(known)
        return _living({msgid: known}).get(msgid) if known is not None else None

    def known(self, msgids: Iterable[str]) -> dict[str, Message]:
        """Return the messages that this container remembers and that have not expired."""
        known = ((msgid, self._known.get(msgid)) for msgid in msgids)
        return _living({msgid: message for msgid, message in known if message is not None})

    def unknown(self, msgids: Iterable[str]) -> list[dict[str, str]]:
        """Return the keys of messages that this container does not remember."""
        return [{"pk": msgid, "sk": "message"} for msgid in msgids if msgid not in self._known]

    def read(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, Message]:
        """Read messages from their rows, and remember them."""
        messages = {row["pk"]: message_items.read(self._vault, row) for row in rows}
        for message in messages.values():
            self._known.put(message)
        return _living(messages)

    def links(self, msgid: str) -> Mapping[str, str] | None:
        known = self._known.get(msgid)
        if known is not None:
            return known.links
        row = _get(msgid, "links")
        if row is None or row["expires"] <= time.time():  # the TTL may take some days
            return None
        addresses: Mapping[str, str] = unpack(
            self._vault.open(row["sealed"], message_items.context(msgid))
        )
        return addresses

    def put_counts(self, chunk: ChunkId, counts: Counts, expires: int) -> None:
        from botocore.exceptions import ClientError

        key: Values = {
            "pk": chunk.msgid,
            "sk": keys.join("chunk", chunk.number),
            "expires": expires,
        }
        try:
            client("dynamodb").put_item(
                TableName=table("messages"),
                Item=to_item({**key, "seen": counts.seen, "counts": pack(counts.plain())}),
                ConditionExpression="attribute_not_exists(pk) OR seen <= :seen",
                ExpressionAttributeValues=to_item({":seen": counts.seen}),
            )
        except ClientError as error:
            # The condition fails when a later count is stored.
            if error_code(error) != "ConditionalCheckFailedException":
                raise

    def counts(self, msgid: str) -> Mapping[int, Counts]:
        return {
            int(keys.split(row["sk"])[1]): Counts(**unpack(row["counts"]))
            for row in _rows(msgid, "chunk#")
        }


def _living(messages: Mapping[str, Message]) -> dict[str, Message]:
    """Leave out what has expired. The TTL takes some days, and items go in any order."""
    now = time.time()
    return {msgid: message for msgid, message in messages.items() if message.expires > now}


def _get(msgid: str, sk: str) -> dict[str, Any] | None:
    key = to_item({"pk": msgid, "sk": sk})
    answer = client("dynamodb").get_item(TableName=table("messages"), Key=key, ConsistentRead=True)
    return from_item(answer["Item"]) if "Item" in answer else None


def _rows(msgid: str, kind: str, *, consistent: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the items of a kind that a message may have several of, in order."""
    values = {":pk": msgid, ":kind": kind}
    condition = "pk = :pk AND begins_with(sk, :kind)"
    return query("messages", condition, values, ConsistentRead=consistent)
