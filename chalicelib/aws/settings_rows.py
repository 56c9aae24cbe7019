"""Settings as items of their table, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalicelib.aws.items import Item, pack, to_item, unpack
from chalicelib.aws.settings_table import Values
from chalicelib.aws.strategies import read_strategy
from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.strategies import StrategyEntry
from chalicelib.domain.templates import Template

Row = Mapping[str, Any]


def access_values(channel: AccessChannel) -> Values:
    """Everything but its authorisations."""
    return {
        "name": channel.name,
        "enabled": int(channel.enabled),
        "secret_hashes": json.dumps(channel.secret_hashes),
        "retiring": json.dumps(dict(channel.retiring)),
        "restricted": int(channel.restricted),
        "rate": channel.rate or 0,
    }


def access_channel(row: Row | None) -> AccessChannel | None:
    if row is None:
        return None
    return AccessChannel(
        key=keys.split(row["pk"])[1],
        name=row["name"],
        secret_hashes=tuple(json.loads(row["secret_hashes"])),
        channels={code: bool(on) for code, on in row["channels"].items()},
        enabled=bool(row["enabled"]),
        restricted=bool(row.get("restricted")),
        rate=row.get("rate") or None,
        retiring=json.loads(row.get("retiring", "{}")),
        version=row.get("version", 1),
    )


def channel_item(channel: Channel) -> Item:
    plain: Values = {
        "number": channel.number,
        "name": channel.name,
        "type": channel.type.value,
        "platform": channel.platform,
        "on_uncertain": channel.on_uncertain.value,
        "receipts": channel.receipts.value,
        "options": pack(dict(channel.options)),
        "labels": pack(dict(channel.labels)),
        "default_label": channel.default_label,
    }
    limits = {
        "calls_per_second": channel.calls_per_second,
        "deliveries_per_day": channel.deliveries_per_day,
    }
    plain |= {name: limit for name, limit in limits.items() if limit is not None}
    secret: Values = {"credentials": channel.sealed_credentials, "webhook": channel.sealed_webhook}
    token: Values = {"token_hash": channel.webhook_token_hash}
    return to_item(
        {"pk": keys.join("channel", channel.code), "sk": "-", **plain, **secret, **token}
    )


def channel(row: Row | None) -> Channel | None:
    if row is None:
        return None
    labels = (
        {"labels": unpack(row["labels"]), "default_label": row["default_label"]}
        if "labels" in row
        else {}
    )
    return Channel(
        code=keys.split(row["pk"])[1],
        number=row["number"],
        name=row["name"],
        type=ChannelType(row["type"]),
        platform=row["platform"],
        sealed_credentials=row["credentials"],
        sealed_webhook=row["webhook"],
        webhook_token_hash=row["token_hash"],
        on_uncertain=OnUncertain(row["on_uncertain"]),
        receipts=ReceiptMode(row["receipts"]),
        options=unpack(row["options"]),
        calls_per_second=row.get("calls_per_second"),
        deliveries_per_day=row.get("deliveries_per_day"),
        version=row.get("version", 1),
        **labels,
    )


def version_key(number: int) -> str:
    """The sort key of a template's version."""
    return f"v{number:06d}"


def template_item(template: Template) -> Item:
    body = {
        "contents": {k.value: v for k, v in template.contents.items()},
        "links": sorted(template.links),
    }
    values: Values = {
        "channel_key": template.channel_key,
        "name": template.name,
        "body": pack(body),
        "archived": int(template.archived),
    }
    return to_item(
        {
            "pk": keys.join("template", template.number),
            "sk": version_key(template.version),
            **values,
        }
    )


def template(row: Row) -> Template:
    body = unpack(row["body"])
    contents = {ChannelType(kind): content for kind, content in body["contents"].items()}
    number, version = int(keys.split(row["pk"])[1]), int(row["sk"][1:])
    links, archived = frozenset(body["links"]), bool(row.get("archived"))
    return Template(number, version, row["channel_key"], row["name"], contents, links, archived)


def strategy_item(entry: StrategyEntry) -> Item:
    values: Values = {
        "channel_key": entry.channel_key,
        "name": entry.name,
        "body": pack(asdict(entry.strategy)),
    }
    return to_item({"pk": keys.join("strategy", entry.number), "sk": "-", **values})


def strategy_entry(row: Row | None) -> StrategyEntry | None:
    if row is None:
        return None
    number, strategy = int(keys.split(row["pk"])[1]), read_strategy(unpack(row["body"]))
    return StrategyEntry(number, row["channel_key"], row["name"], strategy, row.get("version", 1))
