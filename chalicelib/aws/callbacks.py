"""Batches of callbacks, and what items of the streams tell.

The batches of an access channel are in eight parts, so that no key is hot. Within a part they are
in the order of time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Item, from_image, from_item, pack, to_item, unpack
from chalicelib.aws.ledger_items import chunk_of
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.callbacks import OF_FACTS, Attempt, Batch, BatchState, Events, News
from chalicelib.domain.facts import decode
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import Vault

PARTS = 8
PAGE = 100  # batches of a part in one request
MARK = "callbacks"  # of items whose message has callbacks
_LISTED = "pk, sk, address, records, expires, #state, tries, attempts"


class Callbacks:
    """Implements ports.Callbacks."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def news(self, image: Mapping[str, Any], time: int) -> News | None:
        if MARK not in image:
            return None
        row = from_image(image)
        events = _events(row)
        return News(row[MARK], time, events) if events.size else None

    def put(self, batch: Batch) -> None:
        client("dynamodb").put_item(TableName=table("callbacks"), Item=item(self._vault, batch))

    def get(self, channel_key: str, id: str) -> Batch | None:
        answer = client("dynamodb").get_item(
            TableName=table("callbacks"), Key=to_item(_key(channel_key, id)), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        row = from_item(answer["Item"])
        body = unpack(self._vault.open(row["body"], _context(channel_key, id)))
        return _batch(row, str(body).encode())

    def list(
        self, channel_key: str, since: str, until: str, limit: int, *, newest_first: bool = False
    ) -> Sequence[Batch]:
        between = (since, until)
        of_parts = (
            _rows(channel_key, part, between, limit, newest_first=newest_first)
            for part in range(PARTS)
        )
        rows = heapq.merge(*of_parts, key=lambda row: row["sk"], reverse=newest_first)
        batches = (_batch(row, b"") for row in rows)
        return (
            [batch for batch, _ in zip(batches, range(limit), strict=False)]
            if limit
            else [*batches]
        )


def item(vault: Vault, batch: Batch) -> Item:
    """Build the item of a batch, whose records are compressed and sealed."""
    sealed = vault.seal(pack(batch.body.decode()), _context(batch.channel_key, batch.id))
    return to_item(
        {
            **_key(batch.channel_key, batch.id),
            "address": batch.address,
            "records": batch.records,
            "body": sealed,
            "expires": batch.expires,
            "state": batch.state.value,
            "tries": batch.tries,
            "attempts": pack(batch.attempts),
        }
    )


def _events(row: Mapping[str, Any]) -> Events:
    """Read what an item tells: a plan, also one that its message holds, or a bundle of facts."""
    kind = row["sk"].split(keys.SEPARATOR, 1)[0]
    if kind in ("plan", "message"):
        at = chunk_of(row["pk"]) if kind == "plan" else ChunkId(row["pk"], 0)
        keys.message_id_bytes(at.msgid)
        return Events(at, (), (0, len(unpack(row["targets"])) if "targets" in row else 0))
    at = chunk_of(row["pk"])
    keys.message_id_bytes(at.msgid)
    facts = decode(unpack(row["facts"]).encode())
    return Events(at, tuple(fact for fact in facts if fact.kind in OF_FACTS))


def _rows(
    channel_key: str, part: int, between: tuple[str, str], limit: int, *, newest_first: bool
) -> Iterator[dict[str, Any]]:
    """Yield the items of a part between two ids, without their bodies."""
    since, until = between
    rows = query(
        "callbacks",
        "pk = :pk AND sk BETWEEN :since AND :until",
        {":pk": keys.join(channel_key, part), ":since": since, ":until": until},
        ExpressionAttributeNames={"#state": "state"},
        ProjectionExpression=_LISTED,
        Limit=min(limit or PAGE, PAGE),
        ScanIndexForward=not newest_first,
    )
    return (row for row in rows if since < row["sk"] < until)


def _batch(row: Mapping[str, Any], body: bytes) -> Batch:
    channel_key, _ = keys.split(row["pk"])
    return Batch(
        id=row["sk"],
        channel_key=channel_key,
        address=row["address"],
        records=row["records"],
        body=body,
        expires=row["expires"],
        state=BatchState(row["state"]),
        tries=row["tries"],
        attempts=tuple(Attempt(*attempt) for attempt in unpack(row["attempts"])),
    )


def _key(channel_key: str, id: str) -> dict[str, Any]:
    return {"pk": keys.join(channel_key, keys.message_id_bytes(id)[-1] % PARTS), "sk": id}


def _context(channel_key: str, id: str) -> str:
    return keys.join("callbacks", channel_key, id)
