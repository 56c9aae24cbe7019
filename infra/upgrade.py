"""Move the settings of an earlier layout to today's: `python -m infra.upgrade --stage prod`.

Deployments up to 21 November 2026 kept groups, and lists of templates and strategies, under other
keys. Each row is put under its new key and deleted under the old one in one transaction. So the
command can be ended anywhere and repeated. Earlier messages are deleted. All other items stay, and
are read as they are. Stop the senders, run the command, and deploy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import config
from chalicelib.domain import keys
from chalicelib.domain.groups import GROUPS, Family
from infra import aws_errors
from infra.stacks import DeploymentFailed, aws

Item = dict[str, Any]

FAMILIES = {family.value: GROUPS[family].name for family in Family}
SINCE = "callbacks"  # a table that the earlier layout lacks
LISTED = {**FAMILIES, "template": "template", "strategy": "strategy"}  # kinds that have an owner


def moved(item: Item) -> Item | None:
    """Return an item of the table `settings` as today's layout has it, or None if it stays."""
    parts = keys.split(item["pk"]["S"])
    match parts:
        case ("group", family, number):
            pk = keys.join(FAMILIES[family], number)
            return {**item, "pk": {"S": pk}, "family": {"S": family}}
        case ("list", scoped) if keys.SEPARATOR in scoped:
            kind, owner = keys.split(scoped)
            return {**item, "pk": {"S": keys.join("list", LISTED[kind], owner)}}
        case ("name", scoped, name) if scoped.partition(keys.SEPARATOR)[0] in FAMILIES:
            family, owner = keys.split(scoped)
            return {**item, "pk": {"S": keys.join("name", FAMILIES[family], owner, name)}}
        case ("number", family) if family in FAMILIES:
            return {**item, "pk": {"S": keys.join("number", FAMILIES[family])}}
        case _:
            return None


def upgrade(session: Any, stage: str) -> int:
    """Move all rows of the earlier layout, and return their number."""
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "settings")
    number = 0
    for item in list(_scanned(dynamodb, table)):
        new = moved(item)
        if new is not None:
            _move(dynamodb, table, item, new)
            number += 1
    return number


def forget_messages(session: Any, stage: str) -> int:
    """Delete messages of the earlier layout, whose plans today's code does not know.

    Otherwise a timer could plan and send them again. Addresses of their short links stay. Where
    today's version is deployed already, nothing is deleted.
    """
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "messages")
    if _has_table(dynamodb, config.table_name(stage, SINCE)):
        return 0
    kept = {
        "FilterExpression": "sk <> :links AND NOT begins_with(pk, :import)",
        "ExpressionAttributeValues": {":links": {"S": "links"}, ":import": {"S": "import"}},
        "ProjectionExpression": "pk, sk",
    }
    rows = list(_scanned(dynamodb, table, **kept))
    for row in rows:
        dynamodb.delete_item(TableName=table, Key=row)
    return len(rows)


def _has_table(dynamodb: Any, table: str) -> bool:
    try:
        dynamodb.describe_table(TableName=table)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True


def _scanned(dynamodb: Any, table: str, **more: Any) -> Iterator[Item]:
    scan = dynamodb.get_paginator("scan")
    pages = scan.paginate(TableName=table, ConsistentRead=True, **more)
    return (item for page in pages for item in page["Items"])


def _move(dynamodb: Any, table: str, old: Item, new: Item) -> None:
    """Put the new row and delete the old one. A new row that is there already stands."""
    unless: Mapping[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if "last" in new:  # the last number that was given, which never goes down
        unless = {
            "ConditionExpression": "attribute_not_exists(pk) OR #last < :last",
            "ExpressionAttributeNames": {"#last": "last"},
            "ExpressionAttributeValues": {":last": new["last"]},
        }
    gone = {"TableName": table, "Key": {name: old[name] for name in ("pk", "sk")}}
    put = {"Put": {"TableName": table, "Item": new, **unless}}
    try:
        dynamodb.transact_write_items(TransactItems=[put, {"Delete": gone}])
    except dynamodb.exceptions.TransactionCanceledException as error:
        reasons = error.response.get("CancellationReasons", [{}])
        if reasons[0].get("Code") != "ConditionalCheckFailed":
            raise
        dynamodb.delete_item(**gone)


def main(arguments: Sequence[str] | None = None, *, session_of: Callable[[], Any] = aws) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    options = parser.parse_args(arguments)
    try:
        session = session_of()
        number = upgrade(session, options.stage)
        messages = forget_messages(session, options.stage)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))
    print(f"{number} rows were moved, {messages} items of messages were deleted; now deploy")


if __name__ == "__main__":
    main()
