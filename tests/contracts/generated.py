"""A table of users of any size, whose items are made when they are read.

It stands before the emulator: requests about users and their tags are answered here, as DynamoDB
would answer them, and all others go on.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from botocore.awsrequest import AWSResponse

from chalicelib.aws import user_lists
from chalicelib.aws.items import to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.ports import World
from tests.builders import a_user

WIDTH = 9  # of a user id: u00000001
TAGS = 5000
COUNTED = 15_000  # rows of a tag that one request counts: 1 MB

Body = Mapping[str, Any]


class _Raw:
    """The body of an answer, which botocore reads as a stream."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._content


class Generated:
    def __init__(self, world: World, client: Any, number: int) -> None:
        self._users: Any = world.users
        self._client, self._number = client, number

    def __enter__(self) -> None:
        self._client.meta.events.register("before-send.dynamodb", self._send)

    def __exit__(self, *_: Any) -> None:
        self._client.meta.events.unregister("before-send.dynamodb", self._send)

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        operation = request.headers["X-Amz-Target"]
        text = operation.decode() if isinstance(operation, bytes) else operation
        answer = self._answer(text.partition(".")[2], json.loads(request.body))
        if answer is None:
            return None
        headers = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, _Raw(json.dumps(answer).encode()))

    def _answer(self, operation: str, body: Body) -> Body | None:
        name = body.get("TableName", "")
        if operation == "BatchGetItem":
            return self._batch(body)
        if name == table("users") and operation == "Scan":
            return self._scan(body)
        if name == table("users") and operation == "Query":
            return self._index(body) if "IndexName" in body else self._counted(body)
        values = body.get("ExpressionAttributeValues", {})
        pk = values.get(":pk", {}).get("S", "")
        if name == table("audiences") and operation == "Query":
            return self._tags(body) if pk.startswith("tags#") else self._members(body)
        return None

    def _scan(self, body: Body) -> Body:
        after = body.get("ExclusiveStartKey", {}).get("userid", {}).get("S", "u")
        first = int(after[1:] or 0) + 1
        ids = [self._id(n) for n in range(first, min(first + body["Limit"], self._number + 1))]
        return self._page([self._item(userid) for userid in ids], ids, first + len(ids))

    def _index(self, body: Body) -> Body:
        values = body["ExpressionAttributeValues"]
        part, low = int(values[":part"]["N"]), values[":low"]["S"]
        if not low.startswith("u"):
            return {"Items": [], "Count": 0}
        number, ids = int(low.strip("u\0") or 0), list[str]()
        while len(ids) < body["Limit"] and number < self._number:
            number += 1
            if user_lists.part(self._id(number)) == part:
                ids.append(self._id(number))
        rows = [to_item({**user_lists.key_of(userid), "part": part}) for userid in ids]
        return self._page(rows, ids, number)

    def _page(self, rows: list[Any], ids: list[str], following: int) -> Body:
        page: dict[str, Any] = {"Items": list(map(_on_the_wire, rows)), "Count": len(rows)}
        if following <= self._number:
            page["LastEvaluatedKey"] = to_item(user_lists.key_of(ids[-1]))
        return page

    def _counted(self, body: Body) -> Body:
        return {"Count": self._number // keys.BUCKETS, "ScannedCount": 0}

    def _members(self, body: Body) -> Body | None:
        return {"Count": COUNTED} if body.get("Select") == "COUNT" else None

    def _tags(self, body: Body) -> Body:
        pk = body["ExpressionAttributeValues"][":pk"]["S"]
        names = [f"t{n:05d}" for n in range(min(body["Limit"], TAGS))]
        items = [to_item({"pk": pk, "sk": name}) for name in names]
        return {"Items": items, "Count": len(items), "LastEvaluatedKey": items[-1]}

    def _batch(self, body: Body) -> Body | None:
        wanted = body["RequestItems"].get(table("users"))
        if wanted is None or len(body["RequestItems"]) > 1:
            return None
        ids = [key["userid"]["S"] for key in wanted["Keys"]]
        rows = [_on_the_wire(self._item(userid)) for userid in ids if userid != "nobody"]
        return {"Responses": {table("users"): rows}, "UnprocessedKeys": {}}

    def _item(self, userid: str) -> Any:
        return self._users._item(a_user(userid, text="13800000000", tags=["vip"]))

    def _id(self, number: int) -> str:
        return f"u{number:0{WIDTH - 1}d}"


def _on_the_wire(item: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for kind, value in typed.items()
        }
        for name, typed in item.items()
    }
