"""Stored requests: a header, a sealed body in parts, rows in lists, and results."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.aws.idempotency import once_put, read_once
from chalicelib.aws.items import (
    Cancelled,
    Item,
    Values,
    from_item,
    get_many,
    pack,
    to_item,
    transact,
    unpack,
)
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.aws.timers import Timers
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import IdempotencyKey, Vault

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import Result, StoredRequest

PART = 300_000  # bytes of an item: the body of a request may have a few megabytes
AFTER = 10 * 60_000  # ms after an occurrence at which its timer finds what its wake-up did not do
PAGE = 200  # rows of a list that are read together

Row = dict[str, Any]


class StoredRequests:
    """Implements ports.StoredRequests."""

    def __init__(self, vault: Vault, timers: Timers) -> None:
        self._vault, self._timers = vault, timers

    def create(
        self, request: StoredRequest, once: IdempotencyKey | None = None
    ) -> IdempotencyKey | None:
        header = {**_put(self._header(request)), "ConditionExpression": "attribute_not_exists(pk)"}
        puts = [header, *map(_put, self._body(request)), *map(_put, _rows(request))]
        actions = [{"Put": put} for put in [*puts, self._timer(request)]]
        if once is not None:
            actions.append({"Put": once_put(once, request.id)})
        try:
            transact(actions)
        except Cancelled as error:
            if once is not None and error.failed[-1]:
                return read_once(from_item(error.stored[-1] or {}))
            raise Conflict(request.id) from error
        return None

    def get(self, id: str) -> StoredRequest | None:
        rows = list(_query(id, "stored", consistent=True))
        if not rows or _has_expired(rows[0]):
            return None
        sealed = b"".join(row["sealed"] for row in rows[1:])
        return self._read(rows[0], unpack(self._vault.open(sealed, _context(id, "body"))))

    def update(
        self, before: StoredRequest, after: StoredRequest, result: Result | None = None
    ) -> None:
        header = {
            **_put(self._header(after)),
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": to_item({":before": before.version}),
        }
        old, new = _rows(before), _rows(after)
        kept = [_key(row) for row in new]
        gone = [row for row in old if _key(row) not in kept]
        puts = [row for row in new if row not in old]
        is_other = after.written.body != before.written.body or after.expires != before.expires
        if is_other:
            body, earlier = self._body(after), self._body(before)
            puts += body
            gone += earlier[len(body) :]
        if result is not None:
            puts += self._result_items(after, result)
        actions = [{"Put": put} for put in [header, *map(_put, puts)]]
        actions += [{"Delete": {"TableName": table("messages"), "Key": _key(row)}} for row in gone]
        if after.waits and (after.next, after.state) != (before.next, before.state):
            actions.append({"Put": self._timer(after)})
        try:
            transact(actions)
        except Cancelled as error:
            raise Stale("somebody else changed this meanwhile") from error

    def scheduled(
        self,
        channel_key: str,
        after: str,
        until: str,
        limit: int,
        wanted: Callable[[StoredRequest], bool],
    ) -> Sequence[StoredRequest]:
        partition = keys.join("schedules", channel_key)
        requests: list[StoredRequest] = []
        while True:
            rows = _page(partition, PAGE, after=after or "0", before=until or ":")
            requests += [r for r in self._headers(rows) if r.is_scheduled and wanted(r)]
            if len(rows) < PAGE or len(requests) >= limit:
                return requests[:limit]
            after = rows[-1]["sk"]

    def asked(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        return self._newest(keys.join("asked", member), before, limit)

    def to_review(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        return self._newest(keys.join("reviews", member), before, limit)

    def decided(self, member: str, before: str, limit: int) -> Sequence[StoredRequest]:
        return self._newest(keys.join("decided", member), before, limit)

    def _newest(self, partition: str, before: str, limit: int) -> Sequence[StoredRequest]:
        requests: list[StoredRequest] = []
        while True:
            rows = _page(partition, limit, before=before or "~", newest_first=True)
            requests += self._headers(rows)
            if len(rows) < limit or len(requests) >= limit:
                return requests[:limit]
            before = rows[-1]["sk"]

    def ab_tests(self, channel_key: str, before: str, limit: int) -> Sequence[StoredRequest]:
        return self._newest(keys.join("ab-tests", channel_key), before, limit)

    def results(self, of: str, before: str, limit: int) -> Sequence[Result]:
        from chalicelib.aws.stored_request_codec import read_result

        rows = _page(keys.join("results", of), limit, before=before or "~", newest_first=True)
        opened = (self._vault.open(row["sealed"], _context(row["id"], "result")) for row in rows)
        return [result for raw in opened if (result := read_result(unpack(raw)))]

    def _headers(self, rows: Sequence[Row]) -> list[StoredRequest]:
        """Return the requests of rows in a list, in their order, without their bodies."""
        ids = [str(row["sk"]).rpartition(keys.SEPARATOR)[2] for row in rows]
        stored = {
            row["pk"]: row
            for row in get_many(
                table("messages"), ({"pk": id, "sk": "stored"} for id in ids), consistent=True
            )
        }
        living = (stored[id] for id in ids if id in stored and not _has_expired(stored[id]))
        return [self._read(row, {}) for row in living]

    # -- items

    def _header(self, request: StoredRequest) -> Item:
        from chalicelib.aws import stored_request_codec as codec

        sealed = self._vault.seal(pack(codec.secret(request)), _context(request.id, "header"))
        item: Values = {
            "pk": request.id,
            "sk": "stored",
            "version": request.version,
            "facts": pack(codec.facts(request)),
            "sealed": sealed,
        }
        return to_item({**item, **_lifetime(request)})

    def _read(self, row: Row, body: Mapping[str, Any]) -> StoredRequest:
        from chalicelib.aws import stored_request_codec as codec

        secret = unpack(self._vault.open(row["sealed"], _context(row["pk"], "header")))
        return codec.read(
            row["pk"], row["version"], row.get("expires"), unpack(row["facts"]), secret, body
        )

    def _body(self, request: StoredRequest) -> list[Item]:
        packed = pack(dict(request.written.body))
        sealed = self._vault.seal(packed, _context(request.id, "body"))
        parts = [sealed[start : start + PART] for start in range(0, len(sealed), PART)]
        return [
            to_item(
                {
                    "pk": request.id,
                    "sk": keys.join("stored", number),
                    "sealed": part,
                    **_lifetime(request),
                }
            )
            for number, part in enumerate(parts)
        ]

    def _result_items(self, request: StoredRequest, result: Result) -> Iterator[Item]:
        sealed = self._vault.seal(pack(result._asdict()), _context(request.id, "result"))
        for of in (request.id, request.channel_key):
            pk = keys.join("results", of)
            item: Values = {"pk": pk, "sk": result.position, "id": request.id, "sealed": sealed}
            yield to_item({**item, "expires": result.expires})

    def _timer(self, request: StoredRequest) -> Item:
        timer = Timer(request.next + AFTER, TimerKind.WAKE, ChunkId(request.id, 0), Priority.MEDIUM)
        return {"TableName": table("due"), "Item": self._timers.row(timer)}


def _context(id: str, what: str) -> str:
    return f"stored#{what}#{id}"


def _has_expired(row: Row) -> bool:
    """Tell if the time of an item is over. The TTL takes some days, and items go in any order."""
    return bool(row.get("expires", math.inf) <= time.time())


def _lifetime(request: StoredRequest) -> dict[str, int]:
    return {} if request.expires is None else {"expires": request.expires}


def _put(item: Item) -> Item:
    return {"TableName": table("messages"), "Item": item}


def _rows(request: StoredRequest) -> list[Item]:
    """Return the rows by which lists find a request."""
    places: list[tuple[str, str]] = []
    if request.ab_test is not None:
        places.append((keys.join("ab-tests", request.channel_key), request.id))
    if request.is_scheduled:
        places.append((keys.join("schedules", request.channel_key), request.position))
    if request.review is not None:
        review = request.review
        waiting = review.reviewers if request.is_in_review else ()
        members = {
            "reviews": waiting,
            "asked": review.askers,
            "decided": tuple(decision.member for decision in review.all_decisions),
        }
        for name, of_list in members.items():
            places += [(keys.join(name, member), request.id) for member in dict.fromkeys(of_list)]
    return [to_item({"pk": pk, "sk": sk, **_lifetime(request)}) for pk, sk in places]


def _key(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk")}


def _query(pk: str, kind: str, *, consistent: bool) -> Iterator[Row]:
    values = {":pk": pk, ":kind": kind}
    condition = "pk = :pk AND begins_with(sk, :kind)"
    return query("messages", condition, values, ConsistentRead=consistent)


def _page(
    pk: str, limit: int, *, after: str = "", before: str, newest_first: bool = False
) -> list[Row]:
    """Return rows between two sort keys, both left out."""
    values = {":pk": pk, ":before": before}
    condition = "pk = :pk AND sk < :before"
    if after:
        condition = "pk = :pk AND sk BETWEEN :after AND :before"
        values[":after"] = f"{after}!"  # just behind it
    more = {"ScanIndexForward": not newest_first, "ConsistentRead": True, "Limit": limit}
    return list(islice(query("messages", condition, values, **more), limit))
