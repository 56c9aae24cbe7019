"""Imports as items of one partition, in the order of time. Each has a partition of bad rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.items import Cancelled, Item, Values, from_item, pack, to_item, transact, unpack
from chalicelib.aws.queries import query
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.imports import BadRow, FileFormat, Import, ImportKind, ImportState

ALL = "imports"


class Imports:
    def create(self, new: Import) -> None:
        put = {"TableName": table("messages"), "Item": _item(new, 1)}
        transact([{"Put": {**put, "ConditionExpression": "attribute_not_exists(pk)"}}])

    def get(self, id: str) -> Import | None:
        key = to_item({"pk": ALL, "sk": id})
        answer = client("dynamodb").get_item(
            TableName=table("messages"), Key=key, ConsistentRead=True
        )
        return _import(from_item(answer["Item"])) if "Item" in answer else None

    def advance(self, after: Import, bad: Sequence[BadRow] = ()) -> bool:
        condition = {
            "ConditionExpression": "version = :v",
            "ExpressionAttributeValues": to_item({":v": after.version - 1}),
        }
        puts: list[Item] = [{"Item": _item(after, after.version), **condition}]
        if bad:
            rows = pack([(row.row, row.field, row.reason) for row in bad])
            key: Values = {
                "pk": keys.join("import", after.id),
                "sk": keys.join("bad", after.rows),
            }
            puts.append({"Item": to_item({**key, "expires": after.expires, "rows": rows})})
        try:
            transact([{"Put": {"TableName": table("messages"), **put}} for put in puts])
        except Cancelled:
            return False
        return True

    def bad_rows(self, id: str) -> Sequence[BadRow]:
        parts = query("messages", "pk = :pk", {":pk": keys.join("import", id)}, ConsistentRead=True)
        return [BadRow(*row) for part in parts for row in unpack(part["rows"])]

    def newest(self, before: str, limit: int) -> Sequence[Import]:
        condition = "pk = :pk AND sk < :before" if before else "pk = :pk"
        values: Values = {":pk": ALL, ":before": before} if before else {":pk": ALL}
        rows = query("messages", condition, values, ScanIndexForward=False, Limit=limit)
        return [_import(row) for row in islice(rows, limit)]


def _item(stored: Import, version: int) -> Item:
    values = asdict(stored)
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
