"""Items of a message: what was accepted, the addresses of its links, the contacts that it names."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from chalicelib.aws import ledger_items, message_history
from chalicelib.aws.items import Item, Values, pack, to_item, unpack
from chalicelib.aws.strategies import read_strategy
from chalicelib.aws.tables import LINK_DAYS, table
from chalicelib.domain import keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.caps import settings_of
from chalicelib.domain.rules.personal import Personal
from chalicelib.ports import Vault

_SEALED = ("contents", "links", "callback")
SHORT = 8000  # characters of a body that stands in its message's item
LONGEST = 390_000  # bytes of a body that is kept
# Left out where a message has none.
_RARE = (
    *("hold", "step_rules", "rates", "rated", "occasion", "name", "origin", "sender"),
    *("unplanned", "followed", "caps", "topic", "opt_in", "purpose", "personal", "split"),
)


def item(vault: Vault, message: Message) -> Item:
    values = {f.name: getattr(message, f.name) for f in fields(message)}
    written = {"written": message.written} if _is_short(message.written) else {}
    secret = pack({**{name: values.pop(name) for name in _SEALED}, **written})
    del values["userids"], values["expires"], values["msgid"], values["plan"], values["written"]
    for name in _RARE:
        if not values[name]:
            del values[name]
    body = {
        **values,
        "strategy": asdict(message.strategy),
        "audience": _stored_audience(message.audience),
    }
    if message.occasion is not None:
        body["occasion"] = asdict(message.occasion)
    sealed = vault.seal(secret, context(message.msgid))
    key: Values = {
        "pk": message.msgid,
        "sk": "message",
        "expires": message.expires,
        **({"callbacks": message.callbacks} if message.callbacks else {}),
    }
    plan = ledger_items.plan_values(vault, message.plan) if message.plan else {}
    stored = {"body": pack(body), "userids": pack(message.userids), "sealed": sealed}
    return to_item({**key, **stored, **plan})


def read(vault: Vault, row: Mapping[str, Any]) -> Message:
    body = unpack(row["body"])
    sealed = unpack(vault.open(row["sealed"], context(row["pk"])))
    typed = {
        "strategy": read_strategy(body["strategy"]),
        "channels": {code: ChannelType(kind) for code, kind in body["channels"].items()},
        "priority": Priority(body["priority"]),
        "template": tuple(body["template"]),
        "userids": tuple(unpack(row["userids"])),
        "audience": _audience(body["audience"]),
        "labels": {code: tuple(labels) for code, labels in body["labels"].items()},
        "hold": Hold(*body["hold"]) if "hold" in body else None,
        "step_rules": tuple(body.get("step_rules", ())),
        "caps": settings_of(body.get("caps")),
        "personal": {code: Personal.of(raw) for code, raw in body.get("personal", {}).items()},
    }
    if "occasion" in body:  # few messages have one
        from chalicelib.aws.stored_request_codec import read_occasion

        typed["occasion"] = read_occasion(body["occasion"])
    if "split" in body:
        from chalicelib.domain.rules.ab_tests import Split

        typed["split"] = Split(*body["split"])
    plan = None
    if "targets" in row:
        plan = ledger_items.read_plan_of(vault, ChunkId(row["pk"], 0), row)
    key = {"msgid": row["pk"], "expires": row["expires"], "plan": plan}
    return Message(**{**body, **sealed, **typed, **key})


def links_item(vault: Vault, message: Message) -> Item:
    expires = max(message.expires, int(time.time()) + LINK_DAYS * 86400)
    sealed = vault.seal(pack(dict(message.links)), context(message.msgid))
    return to_item({"pk": message.msgid, "sk": "links", "expires": expires, "sealed": sealed})


def _is_short(written: Mapping[str, Any]) -> bool:
    return len(written) > 0 and len(str(written)) <= SHORT


def written_item(vault: Vault, message: Message) -> Item | None:
    """Build the item of a long body, None for a short one. One beyond all bounds is not kept."""
    if not message.written or _is_short(message.written):
        return None
    packed = pack(dict(message.written))
    if len(packed) > LONGEST:
        return None
    sealed = vault.seal(packed, context(message.msgid))
    key: Values = {"pk": message.msgid, "sk": "written", "expires": message.expires}
    return to_item({**key, "sealed": sealed})


def contacts_item(vault: Vault, message: Message, number: int, contacts: Sequence[str]) -> Item:
    sealed = vault.seal(pack(list(contacts)), context(message.msgid))
    return to_item(
        {
            "pk": message.msgid,
            "sk": keys.join("contacts", number),
            "expires": message.expires,
            "sealed": sealed,
        }
    )


def _stored_audience(audience: Audience) -> dict[str, Any]:
    stored = {"kind": audience.kind, "sets": audience.sets, "walkers": audience.partitions}
    rare = {"rule": audience.rule, "segment": audience.segment}
    return {**stored, **{name: value for name, value in rare.items() if value}}


def _audience(raw: Mapping[str, Any]) -> Audience:
    rare = {name: raw[name] for name in ("rule", "segment") if name in raw}
    return Audience(AudienceKind(raw["kind"]), tuple(raw["sets"]), raw["walkers"], **rare)


def context(msgid: str) -> str:
    return f"message#{msgid}"


def deletion(message: Message, time: int) -> Sequence[Item]:
    """Build the actions that delete a message, mark it as deleted, and take it from its list."""
    key, name = to_item({"pk": message.msgid, "sk": "withdrawn"}), {"TableName": table("messages")}
    values: Values = {":time": time, ":expires": message.expires, ":one": 1}
    mark = {
        **name,
        "Key": key,
        "UpdateExpression": "SET #time = if_not_exists(#time, :time), expires = :expires,"
        " deleted = :one",
        "ExpressionAttributeNames": {"#time": "time"},
        "ExpressionAttributeValues": to_item(values),
    }
    listed = message_history.deleted(message.channel_key, message.msgid, message.expires)
    return [
        {"Update": mark},
        {"Put": {**name, "Item": listed}},
        {"Delete": {**name, "Key": to_item({"pk": message.msgid, "sk": "message"})}},
    ]
