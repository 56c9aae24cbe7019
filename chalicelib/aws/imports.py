"""Imports: one item each, all in one partition in the order of time; bad rows in a partition of each import's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Cancelled, Item, from_item, pack, to_item, transact, unpack
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.imports import BadRow, FileFormat, Import, ImportKind, ImportState

ALL = "imports"


class Imports:
    def create(self, one: Import) -> None:
        put = {"TableName": table("messages"), "Item": _item(one, 1)}
        transact([{"Put": {**put, "ConditionExpression": "attribute_not_exists(pk)"}}])

    def get(self, id: str) -> Import | None:
        key = to_item({"pk": ALL, "sk": id})
        row = (
            client("dynamodb")
            .get_item(TableName=table("messages"), Key=key, ConsistentRead=True)
            .get("Item")
        )
        return _import(from_item(row)) if row else None

    def advance(self, one: Import, bad: Sequence[BadRow] = ()) -> bool:
        condition = {
            "ConditionExpression": "version = :v",
            "ExpressionAttributeValues": to_item({":v": one.version - 1}),
        }
        puts: list[Item] = [{"Item": _item(one, one.version), **condition}]
        if bad:
            rows = pack([(each.row, each.field, each.reason) for each in bad])
            key: dict[str, str | int | bytes] = {
                "pk": keys.join("import", one.id),
                "sk": keys.join("bad", one.rows),
            }
            puts.append({"Item": to_item({**key, "expires": one.expires, "rows": rows})})
        try:
            transact([{"Put": {"TableName": table("messages"), **put}} for put in puts])
        except Cancelled:
            return False
        return True

    def bad_rows(self, id: str) -> Sequence[BadRow]:
        found: list[BadRow] = []
        request: dict[str, Any] = {
            "TableName": table("messages"),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_item({":pk": keys.join("import", id)}),
            "ConsistentRead": True,
        }
        while True:
            answer = client("dynamodb").query(**request)
            found += [
                BadRow(*row) for item in answer["Items"] for row in unpack(from_item(item)["rows"])
            ]
            if not answer.get("LastEvaluatedKey"):
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def newest(self, before: str, limit: int) -> Sequence[Import]:
        condition = "pk = :pk AND sk < :before" if before else "pk = :pk"
        answer = client("dynamodb").query(
            TableName=table("messages"),
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(
                {":pk": ALL, **({":before": before} if before else {})}
            ),
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_import(from_item(item)) for item in answer["Items"]]


def _item(one: Import, version: int) -> Item:
    values = asdict(one)
    id, expires = values.pop("id"), values.pop("expires")
    return to_item(
        {
            "pk": ALL,
            "sk": id,
            "expires": expires,
            "version": version,
            "body": pack({**values, "version": version}),
        }
    )


def _import(row: Mapping[str, Any]) -> Import:
    body = unpack(row["body"])
    typed = {
        "kind": ImportKind(body["kind"]),
        "format": FileFormat(body["format"]),
        "state": ImportState(body["state"]),
    }
    return Import(**{**body, **typed, "id": row["sk"], "expires": row["expires"]})
