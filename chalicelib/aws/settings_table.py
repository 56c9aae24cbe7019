"""How items of the table `settings` are read, listed, and written so that nothing is overwritten unseen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Cancelled, Item, from_item, get_many, to_item, transact
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.errors import Conflict, Stale

Values = dict[str, str | int | bytes]
Row = dict[str, Any]

NEW = "attribute_not_exists(pk)"
_UNCHANGED = "version = :before OR (:before = :one AND attribute_exists(pk) AND attribute_not_exists(version))"  # of before versions


def read(pk: str) -> Row | None:
    row = (
        client("dynamodb")
        .get_item(
            TableName=table("settings"), Key=to_item({"pk": pk, "sk": "-"}), ConsistentRead=True
        )
        .get("Item")
    )
    return from_item(row) if row else None


def query(
    pk: str, *, after: str = "", before: str = "", limit: int = 0, newest_first: bool = False
) -> list[Row]:
    """The items of a partition in the order of their sort keys, or in the opposite one; limit 0: all."""
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
    found: list[Row] = []
    while True:
        answer = client("dynamodb").query(
            **request, **({"Limit": limit - len(found)} if limit else {})
        )
        found += map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey") or (limit and len(found) >= limit):
            return found
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def listed(
    kind: str, key_of: Callable[[Row], tuple[str, str]], after: str | int = "", limit: int = 0
) -> list[Row]:
    """What there is of a kind, in the order of its entries, whose `sk` is an id; `key_of` says where the item of an entry stands.

    An item that goes after its entry was read is replaced by the next one: a page that is short is the last.
    """
    found: list[Row] = []
    last = keys.join(after) if after else ""
    while True:
        entries = query(keys.join("list", kind), after=last, limit=limit and limit - len(found))
        places = [key_of(each) for each in entries]
        rows = get_many(
            table("settings"), ({"pk": pk, "sk": sk} for pk, sk in places), consistent=True
        )
        there = {(row["pk"], row["sk"]): row for row in rows}
        found += [there[place] for place in places if place in there]
        if len(there) == len(places) or not limit:
            return found
        last = str(entries[-1]["sk"])


def named(kind: str, after: str = "", limit: int = 0) -> list[Row]:
    """The same of a kind whose items stand under its own name and their ids."""
    return listed(kind, lambda entry: (keys.join(kind, entry["sk"]), "-"), after, limit)


def entry(kind: str, name: str, **more: int) -> Item:
    return to_item({"pk": keys.join("list", kind), "sk": name, **more})


def name_row(kind: str, name: str) -> Item:
    return to_item({"pk": keys.join("name", kind, name), "sk": "-"})


def put_new(*items: Item, others: Sequence[Item] = (), gone: Sequence[Item] = ()) -> None:
    """All or nothing, and nothing is overwritten; `others` are puts with conditions of their own, `gone` are deleted with it."""
    puts = [*({"Item": item, "ConditionExpression": NEW} for item in items), *others]
    actions = [{"Put": {"TableName": table("settings"), **put}} for put in puts]
    try:
        transact([*actions, *map(_deletion, gone)])
    except Cancelled as error:
        raise Conflict("taken") from error


def replace(
    item: Item, version: int, freed: Sequence[Item] = (), taken: Sequence[Item] = ()
) -> None:
    """Put an item in the place of the version before; rows that keep names unique go and come with it."""
    put = {
        "Put": {
            "TableName": table("settings"),
            "Item": {**item, **to_item({"version": version})},
            **_unchanged(version),
        }
    }
    _change(put, freed, taken)


def update(
    key: Mapping[str, str],
    values: Values,
    version: int,
    freed: Sequence[Item] = (),
    taken: Sequence[Item] = (),
) -> None:
    """The same for some attributes of an item, the others stay as they are."""
    named = {**values, "version": version}
    sets = ", ".join(f"#{n} = :{n}" for n in named)
    condition = _unchanged(version)
    change = {
        "TableName": table("settings"),
        "Key": to_item(key),
        "UpdateExpression": f"SET {sets}",
        "ExpressionAttributeNames": {f"#{n}": n for n in named},
        "ConditionExpression": condition["ConditionExpression"],
        "ExpressionAttributeValues": {
            **to_item({f":{n}": v for n, v in named.items()}),
            **condition["ExpressionAttributeValues"],
        },
    }
    _change({"Update": change}, freed, taken)


def remove(pk: str, version: int, freed: Sequence[Item] = ()) -> None:
    """Delete an item that is still of the version before, and what stands beside it."""
    _change(
        {
            "Delete": {
                "TableName": table("settings"),
                "Key": to_item({"pk": pk, "sk": "-"}),
                **_unchanged(version),
            }
        },
        freed,
    )


def _change(first: Item, freed: Sequence[Item], taken: Sequence[Item] = ()) -> None:
    new = [
        {"Put": {"TableName": table("settings"), "Item": row, "ConditionExpression": NEW}}
        for row in taken
    ]
    try:
        transact([first, *map(_deletion, freed), *new])
    except Cancelled as error:
        raise (
            Stale("somebody else changed this meanwhile") if error.failed[0] else Conflict("taken")
        ) from error


def _deletion(row: Item) -> Item:
    return {
        "Delete": {
            "TableName": table("settings"),
            "Key": {name: row[name] for name in ("pk", "sk")},
        }
    }


def _unchanged(version: int) -> Item:
    values: Values = {":before": version - 1, ":one": 1}
    return {"ConditionExpression": _UNCHANGED, "ExpressionAttributeValues": to_item(values)}
