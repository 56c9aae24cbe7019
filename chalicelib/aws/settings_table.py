"""Items of the table `settings`, written so that no change of others is overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import (
    Cancelled,
    Item,
    Values,
    from_item,
    get_many,
    to_item,
    transact,
)
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.errors import Conflict, Stale

Row = dict[str, Any]

NEW = "attribute_not_exists(pk)"
# Items that are older than versions have none, which counts as version 1.
_UNCHANGED = (
    "version = :before"
    " OR (:before = :one AND attribute_exists(pk) AND attribute_not_exists(version))"
)


def read(pk: str) -> Row | None:
    answer = client("dynamodb").get_item(
        TableName=table("settings"), Key=_key(pk), ConsistentRead=True
    )
    return from_item(answer["Item"]) if "Item" in answer else None


def query(
    pk: str, *, after: str = "", before: str = "", limit: int = 0, newest_first: bool = False
) -> list[Row]:
    """Return the items of a partition in the order of their sort keys. Limit 0 means all."""
    values, condition = {":pk": pk}, "pk = :pk"
    if after:
        values[":from"], condition = after, "pk = :pk AND sk > :from"
    elif before:
        values[":from"], condition = before, "pk = :pk AND sk < :from"
    request: dict[str, Any] = {
        "TableName": table("settings"),
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": to_item(values),
        "ScanIndexForward": not newest_first,
        "ConsistentRead": True,
    }
    rows: list[Row] = []
    while True:
        if limit:
            request["Limit"] = limit - len(rows)
        answer = client("dynamodb").query(**request)
        rows += map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey") or (limit and len(rows) >= limit):
            return rows
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def listed(
    pk: str, key_of: Callable[[Row], tuple[str, str]], after: str | int = "", limit: int = 0
) -> list[Row]:
    """Return the items that the entries of a list name, in the order of the entries' sort keys.

    `key_of` returns the key of an entry's item. An item that is deleted after its entry was read
    is replaced by the next one, because a short page means the end of the list.
    """
    rows: list[Row] = []
    last = keys.join(after) if after else ""
    while True:
        entries = query(pk, after=last, limit=limit and limit - len(rows))
        item_keys = [key_of(entry) for entry in entries]
        stored = {
            (row["pk"], row["sk"]): row
            for row in get_many(
                table("settings"), ({"pk": pk, "sk": sk} for pk, sk in item_keys), consistent=True
            )
        }
        rows += [stored[key] for key in item_keys if key in stored]
        if len(stored) == len(item_keys) or not limit:
            return rows
        last = str(entries[-1]["sk"])


def entry(pk: str, key: str | int, **more: int) -> Item:
    """Return a row of a list. Numbers are padded, so that entries sort by them."""
    return to_item({"pk": pk, "sk": keys.join(key), **more})


def next_number(kind: str) -> int:
    """Return the next number of a kind, in one request."""
    answer = client("dynamodb").update_item(
        TableName=table("settings"),
        Key=_key(keys.join("number", kind)),
        UpdateExpression="ADD #last :one",
        ExpressionAttributeNames={"#last": "last"},
        ExpressionAttributeValues=to_item({":one": 1}),
        ReturnValues="UPDATED_NEW",
    )
    return int(answer["Attributes"]["last"]["N"])


def put_new(*items: Item, others: Sequence[Item] = (), gone: Sequence[Item] = ()) -> None:
    """Put items in one transaction. Raise Conflict if one of them exists.

    `others` are puts with conditions of their own. `gone` are deleted in the same transaction.
    """
    puts = [*({"Item": item, "ConditionExpression": NEW} for item in items), *others]
    actions = [{"Put": {"TableName": table("settings"), **put}} for put in puts]
    try:
        transact([*actions, *map(_deletion, gone)])
    except Cancelled as error:
        raise Conflict("taken") from error


def update(
    pk: str, values: Values, before: int, freed: Sequence[Item], taken: Sequence[Item]
) -> None:
    """Set attributes of an item that is still of the version `before`.

    Rows that keep names unique are freed and taken in the same transaction. Raise Stale for
    another version, and Conflict for a name that is taken.
    """
    condition = _unchanged(before)
    change = {
        "TableName": table("settings"),
        "Key": _key(pk),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
        "ExpressionAttributeNames": {f"#{name}": name for name in values},
        "ConditionExpression": condition["ConditionExpression"],
        "ExpressionAttributeValues": {
            **to_item({f":{name}": value for name, value in values.items()}),
            **condition["ExpressionAttributeValues"],
        },
    }
    names = [
        {"Put": {"TableName": table("settings"), "Item": row, "ConditionExpression": NEW}}
        for row in taken
    ]
    _change([{"Update": change}, *map(_deletion, freed), *names])


def remove(pk: str, before: int, freed: Sequence[Item]) -> None:
    """Delete an item that is still of the version `before`, and the rows beside it."""
    deletion = {"TableName": table("settings"), "Key": _key(pk), **_unchanged(before)}
    _change([{"Delete": deletion}, *map(_deletion, freed)])


def set_entry(pk: str, field: str, entry: str, value: int | None) -> bool:
    """Set or remove (None) an entry of a map attribute and count the version up, in one request."""
    from botocore.exceptions import ClientError

    counted = "version = if_not_exists(version, :one) + :one"
    change = f"SET #field.#entry = :value, {counted}"
    values: Values = {":one": 1, ":value": value}
    if value is None:
        change = f"REMOVE #field.#entry SET {counted}"
        del values[":value"]
    try:
        client("dynamodb").update_item(
            TableName=table("settings"),
            Key=_key(pk),
            UpdateExpression=change,
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames={"#field": field, "#entry": entry},
            ExpressionAttributeValues=to_item(values),
        )
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _change(actions: Sequence[Item]) -> None:
    """Raise Stale if the condition of the first action failed, Conflict if another one did."""
    try:
        transact(actions)
    except Cancelled as error:
        if error.failed[0]:
            raise Stale("somebody else changed this meanwhile") from error
        raise Conflict("taken") from error


def _key(pk: str) -> Item:
    return to_item({"pk": pk, "sk": "-"})


def _deletion(row: Item) -> Item:
    key = {name: row[name] for name in ("pk", "sk")}
    return {"Delete": {"TableName": table("settings"), "Key": key}}


def _unchanged(before: int) -> Item:
    values: Values = {":before": before, ":one": 1}
    return {"ConditionExpression": _UNCHANGED, "ExpressionAttributeValues": to_item(values)}
