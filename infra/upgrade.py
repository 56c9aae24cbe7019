"""Move the settings of an earlier layout to today's: `python -m infra.upgrade --stage prod`.

Deployments up to 21 November 2026 kept groups, and lists of templates and strategies, under other
keys. Each row is put under its new key and deleted under the old one in one transaction. So the
command can be ended anywhere and repeated. A row whose new key another one has stays, and is named.
Earlier messages are deleted. Earlier users come into the index of ids. All other items stay, and
are read as they are. Without `--yes` and the stage's name it only says what would change. Stop the
senders, run the command, and deploy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import config
from chalicelib.aws import user_lists
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


@dataclass(frozen=True)
class Moved:
    number: int
    kept: Sequence[str]  # keys of rows that stay, since another row has their new key


def upgrade(session: Any, stage: str) -> Moved:
    """Move all rows of the earlier layout."""
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "settings")
    kept, number = list[str](), 0
    for item, new in list(of_then(dynamodb, table)):
        if _move(dynamodb, table, item, new):
            number += 1
        else:
            kept.append(item["pk"]["S"])
    return Moved(number, kept)


def is_needed(session: Any, stage: str) -> bool:
    """Tell if a stage has rows of the earlier layout."""
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "settings")
    return any(of_then(dynamodb, table, ProjectionExpression="pk"))


def of_then(dynamodb: Any, table: str, **more: Any) -> Iterator[tuple[Item, Item]]:
    """Yield rows of the earlier layout, each with what it becomes."""
    for item in _scanned(dynamodb, table, **more):
        new = moved(item)
        if new is not None:
            yield item, new


def fill_index(session: Any, stage: str) -> int:
    """Add users of earlier releases to the index of ids, and return their number."""
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "users")
    number, after = user_lists.fill_parts(dynamodb, table)
    while after:
        added, after = user_lists.fill_parts(dynamodb, table, after)
        number += added
    return number


def forget_messages(session: Any, stage: str) -> int:
    """Delete messages of the earlier layout, whose plans today's code does not know.

    Otherwise a timer could plan and send them again. Addresses of their short links stay. Where
    today's version is deployed already, nothing is deleted.
    """
    dynamodb, table = session.client("dynamodb"), config.table_name(stage, "messages")
    rows = list(_messages_of_then(dynamodb, stage, table))
    for row in rows:
        dynamodb.delete_item(TableName=table, Key=row)
    return len(rows)


def _messages_of_then(dynamodb: Any, stage: str, table: str) -> Iterator[Item]:
    if _has_table(dynamodb, config.table_name(stage, SINCE)):
        return iter(())
    kept = {
        "FilterExpression": "sk <> :links AND NOT begins_with(pk, :import)",
        "ExpressionAttributeValues": {":links": {"S": "links"}, ":import": {"S": "import"}},
        "ProjectionExpression": "pk, sk",
    }
    return _scanned(dynamodb, table, **kept)


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


def _move(dynamodb: Any, table: str, old: Item, new: Item) -> bool:
    """Put the new row and delete the old one, unless another row has the new key.

    Return whether the new key has all that the old row said.
    """
    gone = {"Delete": {"TableName": table, "Key": _key(old)}}
    there = dynamodb.get_item(TableName=table, Key=_key(new), ConsistentRead=True).get("Item")
    if there is None or _follows(new, there):
        put = {"Put": {"TableName": table, "Item": new, **_unless_changed(there)}}
        dynamodb.transact_write_items(TransactItems=[put, gone])
        return True
    if there == new or _follows(there, new):
        dynamodb.delete_item(**gone["Delete"])
        return True
    return False


def _key(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk")}


def _follows(first: Item, second: Item) -> bool:
    """Tell if both are last numbers that were given, and the first one is higher or equal."""
    return "last" in first and "last" in second and _last(first) >= _last(second)


def _last(item: Item) -> int:
    return int(item["last"]["N"])


def _unless_changed(there: Item | None) -> dict[str, Any]:
    """Return a condition: the key is free, or has the last number that was read."""
    if there is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#last = :last",
        "ExpressionAttributeNames": {"#last": "last"},
        "ExpressionAttributeValues": {":last": there["last"]},
    }


def main(arguments: Sequence[str] | None = None, *, session_of: Callable[[], Any] = aws) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", required=True)
    parser.add_argument("--yes", default="", metavar="STAGE", help="the name of the stage again")
    options = parser.parse_args(arguments)
    try:
        _run(session_of(), options.stage, is_sure=options.yes == options.stage)
    except DeploymentFailed as failure:
        sys.exit(str(failure))
    except (BotoCoreError, ClientError) as error:
        sys.exit(aws_errors.explain(error))


def _run(session: Any, stage: str, *, is_sure: bool) -> None:
    if not is_sure:
        dynamodb = session.client("dynamodb")
        rows = sum(1 for _ in of_then(dynamodb, config.table_name(stage, "settings")))
        table = config.table_name(stage, "messages")
        messages = sum(1 for _ in _messages_of_then(dynamodb, stage, table))
        print(f"{rows} rows would be moved, {messages} items of messages would be deleted")
        raise DeploymentFailed(f"nothing was changed; to upgrade, add --yes {stage}")
    moved_rows = upgrade(session, stage)
    messages, users = forget_messages(session, stage), fill_index(session, stage)
    print(
        f"{moved_rows.number} rows were moved, {messages} items of messages were deleted,"
        f" {users} users came into the index of ids"
    )
    if moved_rows.kept:
        raise DeploymentFailed(
            f"{len(moved_rows.kept)} rows of {config.table_name(stage, 'settings')} stay, since"
            f" others have their new keys: {', '.join(moved_rows.kept)}. Look at both, and delete"
            " the old ones"
        )
    print("now deploy")


if __name__ == "__main__":
    main()
