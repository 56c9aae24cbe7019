"""Put back what a stage has lost since a moment: `python -m infra.restore --stage prod --at TIME`.

DynamoDB makes a copy of each table as it was then. Items that the running stage lacks are put back
from the copies, and nothing that is there is changed. So callers go on, and the command can be
ended anywhere and repeated. Copies that exist already are used. They are deleted at the end.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import config
from infra import aws_errors
from infra.lost_items import Item, Lost
from infra.stacks import DeploymentFailed, aws

# The order matters: what belongs to a user or a record comes back with it.
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
    lost, numbers = Lost(at), dict[str, int]()
    for table, name in names.items():
        numbers[table] = _put_back(dynamodb, table, name, copy_of(name, at), lost)
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
        if aws_errors.code_of(error) != "TableAlreadyExistsException":
            raise


def _await(dynamodb: Any, copy: str, poll: float) -> None:
    while dynamodb.describe_table(TableName=copy)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(poll)


def _put_back(dynamodb: Any, table: str, name: str, copy: str, lost: Lost) -> int:
    """Put back the lost items of a table. Those that others depend on are looked at first."""
    described = dynamodb.describe_table(TableName=name)["Table"]
    key = [each["AttributeName"] for each in described["KeySchema"]]
    lost.erased |= set(lost.erasures(_scanned(dynamodb, name))) if table == "settings" else set()
    number = 0
    for belongs in (False, True):
        for items in _batches(_scanned(dynamodb, copy)):
            chosen = [item for item in items if lost.belongs(table, item) is belongs]
            for item in _missing(dynamodb, name, key, chosen):
                if lost.comes_back(table, item):
                    number += _put(dynamodb, name, key[0], item)
    return number


def _scanned(dynamodb: Any, table: str) -> Iterator[Item]:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return (item for page in pages for item in page["Items"])


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _missing(dynamodb: Any, name: str, key: Sequence[str], items: Sequence[Item]) -> list[Item]:
    """Return the items whose keys the table lacks."""
    unread = [{part: item[part] for part in key} for item in items]
    present: list[Item] = []
    names = {f"#{part}": part for part in key}
    while unread:
        asked = {
            "Keys": unread,
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
        }
        answer = dynamodb.batch_get_item(RequestItems={name: asked})
        present += answer["Responses"].get(name, [])
        unread = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
    return [item for item in items if {part: item[part] for part in key} not in present]


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
