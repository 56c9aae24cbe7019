"""What operators configure. Reads are cached for SETTINGS_CACHE seconds: so long a revoked key may still work."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import Cancelled, Item, from_item, get_many, pack, to_item, transact, unpack
from chalicelib.aws.strategies import read_strategy
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain import keys
from chalicelib.domain.channels import AccessChannel, Channel, ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.errors import Conflict
from chalicelib.domain.strategy import Strategy
from chalicelib.domain.templates import Template

T = TypeVar("T")
Values = dict[str, str | int | bytes]
CACHED = 1000
NEW = "attribute_not_exists(pk)"


class Administration:
    """Implements ports.Settings and ports.Administration."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[float, Any]] = {}

    def _cached(self, key: str, read: Callable[[], T]) -> T:
        now = time.monotonic()
        held = self._cache.get(key)
        if held is None or held[0] <= now:
            if len(self._cache) >= CACHED:
                self._cache.clear()
            held = self._cache[key] = (now + settings().settings_cache, read())
        value: T = held[1]
        return value

    # -- reading

    def access_channel(self, key: str) -> AccessChannel | None:
        return self._cached(keys.join("access", key), lambda: _access(_get(keys.join("access", key))))

    def channel(self, code: str) -> Channel | None:
        return self._cached(keys.join("channel", code), lambda: _channel(_get(keys.join("channel", code))))

    def template(self, number: int) -> Template | None:
        return self._cached(f"template#{number}", lambda: _newest(number))

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        def read() -> tuple[str, Strategy] | None:
            row = _get(keys.join("strategy", number))
            return (row["channel_key"], read_strategy(unpack(row["body"]))) if row else None

        return self._cached(f"strategy#{number}", read)

    def channels(self) -> Sequence[Channel]:
        return self._cached("channels", lambda: [c for row in _listed("channel") if (c := _channel(row))])

    def access_key_hash(self, access_key: str) -> str | None:
        row = self._cached(keys.join("access-key", access_key), lambda: _get(keys.join("access-key", access_key)))
        return str(row["secret_hash"]) if row else None

    def access_channels(self) -> Sequence[AccessChannel]:
        return [a for row in _listed("access") if (a := _access(row))]

    def templates(self, channel_key: str) -> Sequence[Template]:
        entries = _entries(keys.join("template", channel_key))
        newest = ({"pk": keys.join("template", int(entry["sk"])), "sk": _version(entry["version"])} for entry in entries)
        return sorted(map(_template, get_many(table("settings"), newest, consistent=True)), key=lambda template: template.number)

    def strategies(self, channel_key: str) -> Sequence[tuple[int, str, Strategy]]:
        wanted = ({"pk": keys.join("strategy", int(e["sk"])), "sk": "-"} for e in _entries(keys.join("strategy", channel_key)))
        rows = get_many(table("settings"), wanted, consistent=True)
        found = [(int(keys.split(row["pk"])[1]), row["name"], read_strategy(unpack(row["body"]))) for row in rows]
        return sorted(found, key=lambda each: each[0])

    # -- writing

    def next_number(self, kind: str) -> int:
        answer = client("dynamodb").update_item(
            TableName=table("settings"),
            Key=to_item({"pk": keys.join("number", kind), "sk": "-"}),
            UpdateExpression="ADD #last :one",
            ExpressionAttributeNames={"#last": "last"},
            ExpressionAttributeValues=to_item({":one": 1}),
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["last"]["N"])

    def put_access_channel(self, channel: AccessChannel) -> None:
        values: Values = {"name": channel.name, "enabled": int(channel.enabled), "secret_hashes": json.dumps(channel.secret_hashes)}
        granted = {"M": {code: {"N": str(int(on))} for code, on in channel.channels.items()}}
        item = {**to_item({"pk": keys.join("access", channel.key), "sk": "-", **values}), "channels": granted}
        self._put(item, _entry("access", channel.key), _name("access", channel.name))

    def authorise(self, key: str, code: str, enabled: bool | None) -> bool:
        from botocore.exceptions import ClientError

        change = "REMOVE channels.#code" if enabled is None else "SET channels.#code = :on"
        values = {} if enabled is None else {"ExpressionAttributeValues": to_item({":on": int(enabled)})}
        try:
            client("dynamodb").update_item(
                TableName=table("settings"),
                Key=to_item({"pk": keys.join("access", key), "sk": "-"}),
                UpdateExpression=change,
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#code": code},
                **values,
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        self._cache.clear()
        return True

    def put_channel(self, channel: Channel) -> None:
        plain: Values = {
            "number": channel.number, "name": channel.name, "type": channel.type.value, "platform": channel.platform,
            "on_uncertain": channel.on_uncertain.value, "receipts": channel.receipts.value, "options": pack(dict(channel.options)),
        }  # fmt: skip
        secret: Values = {"credentials": channel.sealed_credentials, "webhook": channel.sealed_webhook}
        token: Values = {"token_hash": channel.webhook_token_hash}
        item = to_item({"pk": keys.join("channel", channel.code), "sk": "-", **plain, **secret, **token})
        self._put(item, _entry("channel", channel.code), _name("channel", channel.name))

    def put_template(self, template: Template) -> None:
        body = {"contents": {k.value: v for k, v in template.contents.items()}, "links": sorted(template.links)}
        values: Values = {"channel_key": template.channel_key, "name": template.name, "body": pack(body)}
        item = to_item({"pk": keys.join("template", template.number), "sk": _version(template.version), **values})
        entry = _entry(keys.join("template", template.channel_key), keys.join(template.number), version=template.version)
        older: Item = {
            "ConditionExpression": f"{NEW} OR version < :version",
            "ExpressionAttributeValues": to_item({":version": template.version}),
        }
        self._put(item, newest=[{"Item": entry, **older}])

    def put_strategy(self, number: int, channel_key: str, name: str, strategy: Strategy) -> None:
        values: Values = {"channel_key": channel_key, "name": name, "body": pack(asdict(strategy))}
        item = to_item({"pk": keys.join("strategy", number), "sk": "-", **values})
        self._put(item, _entry(keys.join("strategy", channel_key), keys.join(number)))

    def _put(self, *items: Item, newest: Sequence[Item] = ()) -> None:
        """All or nothing, and nothing is overwritten; `newest` are puts with conditions of their own."""
        puts = [*({"Item": item, "ConditionExpression": NEW} for item in items), *newest]
        try:
            transact([{"Put": {"TableName": table("settings"), **put}} for put in puts])
        except Cancelled as error:
            raise Conflict("taken") from error
        finally:
            self._cache.clear()


def _version(number: int) -> str:
    return f"v{number:06d}"


def _entry(kind: str, name: str, **more: int) -> Item:
    return to_item({"pk": keys.join("list", kind), "sk": name, **more})


def _name(kind: str, name: str) -> Item:
    return to_item({"pk": keys.join("name", kind, name), "sk": "-"})


def _get(pk: str) -> dict[str, Any] | None:
    row = client("dynamodb").get_item(TableName=table("settings"), Key=to_item({"pk": pk, "sk": "-"}), ConsistentRead=True).get("Item")
    return from_item(row) if row else None


def _entries(kind: str) -> list[dict[str, Any]]:
    """What there is of a kind, in order: `sk` is its id."""
    wanted = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": to_item({":pk": keys.join("list", kind)})}
    request: dict[str, Any] = {**wanted, "TableName": table("settings"), "ConsistentRead": True}
    found: list[dict[str, Any]] = []
    while True:
        answer = client("dynamodb").query(**request)
        found += map(from_item, answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return found
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _listed(kind: str) -> list[dict[str, Any]]:
    rows = get_many(table("settings"), ({"pk": keys.join(kind, each["sk"]), "sk": "-"} for each in _entries(kind)), consistent=True)
    return sorted(rows, key=lambda row: str(row["pk"]))


def _newest(number: int) -> Template | None:
    answer = client("dynamodb").query(
        TableName=table("settings"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=to_item({":pk": keys.join("template", number)}),
        ScanIndexForward=False,
        Limit=1,
        ConsistentRead=True,  # what a replica does not know yet would be remembered as missing
    )
    rows = [from_item(item) for item in answer["Items"]]
    return _template(rows[0]) if rows else None


def _template(row: Mapping[str, Any]) -> Template:
    body = unpack(row["body"])
    contents = {ChannelType(kind): content for kind, content in body["contents"].items()}
    number, version = int(keys.split(row["pk"])[1]), int(row["sk"][1:])
    return Template(number, version, row["channel_key"], row["name"], contents, frozenset(body["links"]))


def _access(row: Mapping[str, Any] | None) -> AccessChannel | None:
    if row is None:
        return None
    channels = {code: bool(on) for code, on in row["channels"].items()}
    return AccessChannel(keys.split(row["pk"])[1], row["name"], tuple(json.loads(row["secret_hashes"])), channels, bool(row["enabled"]))


def _channel(row: Mapping[str, Any] | None) -> Channel | None:
    if row is None:
        return None
    return Channel(
        code=keys.split(row["pk"])[1], number=row["number"], name=row["name"], type=ChannelType(row["type"]), platform=row["platform"],
        sealed_credentials=row["credentials"], sealed_webhook=row["webhook"], webhook_token_hash=row["token_hash"],
        on_uncertain=OnUncertain(row["on_uncertain"]), receipts=ReceiptMode(row["receipts"]), options=unpack(row["options"]),
    )  # fmt: skip
