"""Put back what a stage has lost since a moment: `python -m infra.restore --stage prod --at TIME`.

DynamoDB makes a copy of each table as it was then. Items that the running stage lacks are put back
from the copies, and nothing that is there is changed. A user and a record come after all rows that
lead to them. So as long as one of their rows may be missing, a repeat finds them missing, too.
Callers go on, and the command can be ended anywhere and repeated. Copies that exist already are
used. They are deleted at the end.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import config
from chalicelib.aws import user_lists
from chalicelib.domain import keys
from infra import aws_errors
from infra.lost_items import Item, Lost, erasures, is_beside, opted_out
from infra.stacks import DeploymentFailed, aws

TABLES = ("settings", "users", "audiences")
BATCH = 100  # keys of one read

Say = Callable[[str], None]


def restore(
    session: Any,
    stage: str,
    at: datetime,
    *,
    poll: float = 20.0,
    keep: bool = False,
    say: Say = print,
) -> dict[str, int]:
    """Return the number of items that were put back, by table."""
    dynamodb = session.client("dynamodb")
    names = {table: config.table_name(stage, table) for table in TABLES}
    for name in names.values():
        _start_copy(dynamodb, name, at)
    for name in names.values():
        _await(dynamodb, copy_of(name, at), poll)
    numbers = _Stage(dynamodb, names, at, say).put_back()
    for table, name in names.items():
        say(f"{name}: {numbers[table]} items were put back")
    for name in () if keep else names.values():
        dynamodb.delete_table(TableName=copy_of(name, at))
    return numbers


def copy_of(name: str, at: datetime) -> str:
    return f"{name}-at-{at:%Y%m%dT%H%M%S}"


def _start_copy(dynamodb: Any, name: str, at: datetime) -> None:
    try:
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=name, TargetTableName=copy_of(name, at), RestoreDateTime=at
        )
    except ClientError as error:
        if aws_errors.code_of(error) not in ("TableAlreadyExistsException", "TableInUseException"):
            raise


def _await(dynamodb: Any, copy: str, poll: float) -> None:
    while dynamodb.describe_table(TableName=copy)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(poll)


class _Stage:
    """The tables of a stage and their copies. Each copy is scanned once."""

    def __init__(self, dynamodb: Any, names: Mapping[str, str], at: datetime, say: Say) -> None:
        self._dynamodb, self._names, self._at, self._say = dynamodb, names, at, say
        self._lost = Lost()

    def put_back(self) -> dict[str, int]:
        """Put back rows of `audiences`, then users, then records. Return the numbers by table."""
        beside, records = self._lost_settings()
        for item in self._missing("users"):
            self._lost.users.add(item["userid"]["S"])
        # Whoever is erased after this is a user that was there, and is not put back.
        self._lost.erase(set(erasures(self._dynamodb, self._names["settings"], self._at)))
        self._leave_out()
        rows = filter(self._lost.comes_back, self._missing("audiences"))
        numbers = {"audiences": self._put("audiences", rows)}
        self._leave_out()  # who has opted out while rows were put back, which may take hours
        users = map(_key_of, sorted(self._lost.users))
        numbers["users"] = self._put("users", map(_with_part, self._copied("users", users)))
        numbers["users"] -= self._take_back(self._leave_out())
        numbers["settings"] = self._put("settings", filter(self._lost.has_record_of, beside))
        numbers["settings"] += self._put("settings", self._copied("settings", records))
        return numbers

    def _leave_out(self) -> list[str]:
        """Leave out people who opted out since then, and name them."""
        name = self._names["audiences"]
        out = opted_out(self._dynamodb, name, copy_of(name, self._at), self._at)
        left_out = sorted(self._lost.leave_out(set(out)))
        for userid in left_out:
            self._say(f"{userid} has opted out since then and stays away: upload this user anew")
        return left_out

    def _take_back(self, userids: Sequence[str]) -> int:
        """Delete users that opted out when others were put back, unless they have changed since.

        A user that was there already has the opt-out, and so has changed.
        """
        users = self._copied("users", map(_key_of, userids))
        return sum(_delete(self._dynamodb, self._names["users"], user) for user in users)

    def _lost_settings(self) -> tuple[list[Item], list[Item]]:
        """Return missing rows that lead to records, and the keys of missing records."""
        beside, records = list[Item](), list[Item]()
        for item in self._missing("settings"):
            if is_beside(item):
                beside.append(item)
            elif self._lost.record(item):
                records.append({part: item[part] for part in ("pk", "sk")})
        return beside, records

    def _missing(self, table: str) -> Iterator[Item]:
        """Yield the items of a copy whose keys the table lacks."""
        name = self._names[table]
        described = self._dynamodb.describe_table(TableName=name)["Table"]
        key = [each["AttributeName"] for each in described["KeySchema"]]
        for items in _batches(_scanned(self._dynamodb, copy_of(name, self._at))):
            asked = [{part: item[part] for part in key} for item in items]
            present = _read(self._dynamodb, name, asked, only=key)
            yield from (
                item for item, its_key in zip(items, asked, strict=True) if its_key not in present
            )

    def _copied(self, table: str, keys_of_items: Iterable[Item]) -> Iterator[Item]:
        """Yield items of a copy by their keys."""
        for asked in _batches(keys_of_items):
            yield from _read(self._dynamodb, copy_of(self._names[table], self._at), asked)

    def _put(self, table: str, items: Iterable[Item]) -> int:
        partition = "bucket" if table == "users" else "pk"
        return sum(_put(self._dynamodb, self._names[table], partition, item) for item in items)


def _key_of(userid: str) -> Item:
    return {"bucket": {"N": str(keys.bucket(userid))}, "userid": {"S": userid}}


def _with_part(user: Item) -> Item:
    """Return a user with its part of the index of ids, which older items lack."""
    return {"part": {"N": str(user_lists.part(user["userid"]["S"]))}, **user}


def _scanned(dynamodb: Any, table: str) -> Iterator[Item]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return (item for page in pages for item in page["Items"])


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _read(dynamodb: Any, name: str, asked: Sequence[Item], only: Sequence[str] = ()) -> list[Item]:
    """Return the items that a table has of these keys, with all attributes or `only` some."""
    names = {f"#{part}": part for part in only}
    projected = {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
    unread, items = list(asked), list[Item]()
    while unread:
        request = {"Keys": unread, "ConsistentRead": True, **(projected if only else {})}
        answer = dynamodb.batch_get_item(RequestItems={name: request})
        items += answer["Responses"].get(name, [])
        unread = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
    return items


def _put(dynamodb: Any, name: str, partition: str, item: Item) -> int:
    """Put an item, unless somebody has just made it again. Return how many were put."""
    try:
        dynamodb.put_item(
            TableName=name,
            Item=item,
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": partition},
        )
    except ClientError as error:
        if aws_errors.code_of(error) != "ConditionalCheckFailedException":
            raise
        return 0
    return 1


def _delete(dynamodb: Any, name: str, user: Item) -> int:
    """Delete a user that is as its copy: its sealed part differs in each version."""
    try:
        dynamodb.delete_item(
            TableName=name,
            Key=_key_of(user["userid"]["S"]),
            ConditionExpression="sealed = :sealed",
            ExpressionAttributeValues={":sealed": user["sealed"]},
        )
    except ClientError as error:
        if aws_errors.code_of(error) != "ConditionalCheckFailedException":
            raise
        return 0
    return 1


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone, such as 2026-11-29T10:00:00Z")
    return moment.astimezone(UTC)


def main(arguments: Sequence[str] | None = None, *, session_of: Callable[[], Any] = aws) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    parser.add_argument("--at", required=True, help="such as 2026-11-29T10:00:00Z")
    parser.add_argument("--keep-copies", action="store_true", help="leave the copies, to look at")
    options = parser.parse_args(arguments)
    try:
        at = _moment(options.at)
        restore(session_of(), options.stage, at, keep=options.keep_copies)
    except (DeploymentFailed, ValueError) as failure:
        sys.exit(str(failure))
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))


if __name__ == "__main__":
    main()
