"""Python values as DynamoDB items and back, batches, and transactions."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.aws import retries
from chalicelib.aws.clients import Busy, client

Item = dict[str, Any]
Values = dict[str, str | int | bytes | Mapping[str, int] | None]
Put = tuple[str, Sequence[str], Item]  # a table, the names of its key, an item
Undone = Mapping[str, int]  # how much of a batch is to be done, by table

READ_BATCH, WRITE_BATCH, TRANSACTION, ROUNDS = 100, 25, 100, 8
LARGEST = 300_000  # bytes of compressed JSON that fit into an item beside its other attributes


def to_item(values: Mapping[str, str | int | bytes | Mapping[str, int] | None]) -> Item:
    return {name: _to(value) for name, value in values.items()}


def _to(value: str | int | bytes | Mapping[str, int] | None) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case int():
            return {"N": str(int(value))}  # a bool is an int
        case _:
            return {"M": to_item(value)}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _from(value) for name, value in item.items()}


def from_image(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an item in a stream's record, whose bytes are Base64."""
    return from_item(
        {
            name: {"B": base64.b64decode(value["B"])} if "B" in value else value
            for name, value in image.items()
        }
    )


def _from(value: Mapping[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    if kind == "NULL":
        return None
    if kind == "N":
        return int(inner)
    if kind == "L":
        return [_from(element) for element in inner]
    return from_item(inner) if kind == "M" else inner


def pack(value: Any) -> bytes:
    """Return compressed JSON. The cost of an item grows with its size.

    Ids and counts of a chunk shrink to a tenth.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 6)


def unpack(raw: bytes) -> Any:
    return json.loads(zlib.decompress(raw).decode("utf-8", "surrogatepass"))


def packed(values: Sequence[Any], most: int = LARGEST) -> Iterator[tuple[Sequence[Any], bytes]]:
    """Yield values with their compressed JSON, in as many parts as fit into an item each."""
    body = pack(values)
    if len(body) <= most or len(values) < 2:
        yield values, body
        return
    middle = len(values) // 2
    yield from packed(values[:middle], most)
    yield from packed(values[middle:], most)


class Unprocessed(Busy):
    """DynamoDB did not do a batch or a transaction in any round. The job is repeated later."""


class Contended(Unprocessed):
    """Others wrote an item of a transaction in every round, of several rounds."""


class Cancelled(Exception):
    """A condition of a transaction failed, and nothing was written.

    `failed` tells of each action whether its condition failed. `stored` has the items that
    failed a condition, for actions that ask for them.
    """

    def __init__(self, failed: Sequence[bool], stored: Sequence[Item | None] = ()) -> None:
        super().__init__(f"{sum(failed)} of {len(failed)} conditions failed")
        self.failed, self.stored = failed, stored


def _batches(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def get_many(
    table: str, keys: Iterable[Mapping[str, str | int]], *, consistent: bool = False
) -> list[dict[str, Any]]:
    """Return the items that exist, unordered, with one request per 100 keys.

    A repeated key is read once.
    """
    fresh = {table} if consistent else ()
    return get_all([(table, key) for key in keys], consistent=fresh).get(table, [])


def get_all(
    keys: Iterable[tuple[str, Mapping[str, str | int]]], *, consistent: Collection[str] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Return the items that exist by table, as `get_many` does. `keys` have a table each.

    `consistent`: the tables that are read consistently, which costs twice as much.
    """
    unique = {(table, *sorted(key.items())): (table, to_item(key)) for table, key in keys}
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for batch in _batches(list(unique.values()), READ_BATCH):
        unread: Any = {}
        for table, key in batch:
            asked = unread.setdefault(table, {"Keys": [], "ConsistentRead": table in consistent})
            asked["Keys"].append(key)
        failures = 0
        while unread:
            answer = client("dynamodb").batch_get_item(RequestItems=unread)
            for table, items in answer["Responses"].items():
                rows[table] += map(from_item, items)
            asked, unread = unread, answer.get("UnprocessedKeys") or {}
            failures = _wait(failures, _keys(asked), _keys(unread))
    return rows


def _keys(requests: Mapping[str, Any]) -> Undone:
    return {table: len(asked["Keys"]) for table, asked in requests.items()}


def write_many(
    table: str, puts: Iterable[Item], deletes: Iterable[Item] = (), *, key: Sequence[str]
) -> None:
    """Put and delete items, with one request per 25. The last of two puts with one key stands."""
    requests = {_key_of(item, key): {"PutRequest": {"Item": item}} for item in puts}
    requests |= {_key_of(item, key): {"DeleteRequest": {"Key": item}} for item in deletes}
    _write([(table, request) for request in requests.values()])


def put_all(puts: Iterable[Put]) -> None:
    """Put items into several tables, with one request per 25.

    The last of two puts with one key stands.
    """
    requests = {
        (table, _key_of(item, key)): (table, {"PutRequest": {"Item": item}})
        for table, key, item in puts
    }
    _write(list(requests.values()))


def _write(requests: Sequence[tuple[str, Item]]) -> None:
    for batch in _batches(requests, WRITE_BATCH):
        unwritten: Any = defaultdict(list)
        for table, request in batch:
            unwritten[table].append(request)
        failures = 0
        while unwritten:
            answer = client("dynamodb").batch_write_item(RequestItems=dict(unwritten))
            asked, unwritten = unwritten, answer.get("UnprocessedItems") or {}
            failures = _wait(failures, _lengths(asked), _lengths(unwritten))


def _lengths(requests: Mapping[str, Any]) -> Undone:
    return {table: len(asked) for table, asked in requests.items()}


def _key_of(item: Item, key: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(item[name]) for name in key)


def _wait(failures: int, asked: Undone, left: Undone) -> int:
    """Wait until the next round of a batch, if something is left. Return the failures until now.

    An answer may end at 16 MB, or where a table is throttled. Rounds that do something go on.
    """
    if not left:
        return 0
    failures = failures + 1 if left == asked else min(failures + 1, ROUNDS // 2)
    _pause(failures, left)
    return failures


def _pause(failures: int, undone: Iterable[str], reason: type[Unprocessed] = Unprocessed) -> None:
    """Wait until the next round. Raise `reason` after the last one."""
    if failures >= ROUNDS or not retries.wait(failures, min(0.025 * 2**failures, 2)):
        raise reason(", ".join(undone))


CONTENDED = 3  # rounds with nothing but conflicts, fewer say only that there is no time left

_CONFLICTS = frozenset({"TransactionConflict", "None"})
_DISTURBED = _CONFLICTS | {"ThrottlingError", "ProvisionedThroughputExceeded"}


def transact(actions: Sequence[Item]) -> None:
    """Write all or nothing. Raise Cancelled when a condition failed.

    Retry on a transaction conflict or throttling: no condition has been evaluated yet.
    """
    from botocore.exceptions import ClientError

    conflicts = 0
    for failures in itertools.count(1):
        try:
            client("dynamodb").transact_write_items(TransactItems=actions)
            return
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            codes = [str(reason.get("Code")) for reason in reasons]
            if "ConditionalCheckFailed" in codes:
                failed = [code == "ConditionalCheckFailed" for code in codes]
                raise Cancelled(failed, [reason.get("Item") for reason in reasons]) from error
            if not codes or not _DISTURBED.issuperset(codes):
                raise
        conflicts += _CONFLICTS.issuperset(codes)
        is_contended = conflicts == failures >= CONTENDED
        _pause(failures, ["transaction"], Contended if is_contended else Unprocessed)


def put_once(table: str, item: Item) -> Item | None:
    """Put an item under a new key. Return the item that is stored there already, if any.

    The answer to the failed put has the stored item, so nothing is read again.
    """
    from botocore.exceptions import ClientError

    try:
        client("dynamodb").put_item(
            TableName=table,
            Item=item,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if "Item" not in error.response:
            raise
        return dict(error.response["Item"])
    return None
