"""Records as attributes of an item, and back: an encoder and a decoder for each kind.

The store adds the key and the version. A decoder gets the key as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Generic, TypeVar

from chalicelib.aws.items import Values, pack, unpack
from chalicelib.aws.settings_table import Row
from chalicelib.aws.strategies import read_strategy
from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.delivery_channels import (
    DELIVERY_CHANNELS,
    Channel,
    ChannelType,
    OnUncertain,
    ReceiptMode,
)
from chalicelib.domain.drafts import DRAFTS, Draft
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.logins import LOGINS, Login
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.prices import PRICE_LISTS, PriceList
from chalicelib.domain.records import Versioned
from chalicelib.domain.strategies import STRATEGIES, StrategyEntry
from chalicelib.domain.suppressions import SUPPRESSION_LIST, SuppressionList
from chalicelib.domain.third_party import (
    LIBRARIES,
    REGISTERED,
    Field,
    Keyword,
    Library,
    Registered,
    Review,
    Sort,
    Title,
)
from chalicelib.domain.topics import TOPICS, Topic
from chalicelib.domain.values import frozen

T = TypeVar("T", bound=Versioned)


@frozen
class Codec(Generic[T]):
    encode: Callable[[T], Values]
    decode: Callable[[str, Row], T]


def _encode_access_channel(channel: AccessChannel) -> Values:
    return {
        "name": channel.name,
        "enabled": channel.enabled,
        "secret_hashes": json.dumps(channel.secret_hashes),
        "retiring": json.dumps(dict(channel.retiring)),
        "restricted": channel.restricted,
        "changes_all": channel.changes_all,
        "rate": channel.rate,
        "channels": channel.channels,
        "rules": pack(dict(channel.rules)) if channel.rules else None,
    }


def _decode_access_channel(key: str, row: Row) -> AccessChannel:
    return AccessChannel(
        key=key,
        name=row["name"],
        secret_hashes=tuple(json.loads(row["secret_hashes"])),
        channels={code: bool(enabled) for code, enabled in row["channels"].items()},
        enabled=bool(row["enabled"]),
        restricted=bool(row.get("restricted")),
        changes_all=None if row.get("changes_all") is None else bool(row["changes_all"]),
        rate=row.get("rate") or None,  # 0 in items that are older than NULL
        retiring=json.loads(row.get("retiring", "{}")),
        rules=unpack(row["rules"]) if row.get("rules") else {},
        version=row.get("version", 1),
    )


def _encode_channel(channel: Channel) -> Values:
    return {
        "number": channel.number,
        "name": channel.name,
        "type": channel.type.value,
        "platform": channel.platform,
        "credentials": channel.sealed_credentials,
        "webhook": channel.sealed_webhook,
        "token_hash": channel.webhook_token_hash,
        "on_uncertain": channel.on_uncertain.value,
        "receipts": channel.receipts.value,
        "options": pack(dict(channel.options)),
        "labels": pack(dict(channel.labels)),
        "default_label": channel.default_label,
        "calls_per_second": channel.calls_per_second,
        "deliveries_per_day": channel.deliveries_per_day,
        "price": None if channel.price is None else repr(channel.price),
        "prefixes": pack(dict(channel.prefixes)) if channel.prefixes else None,
        "priced_since": channel.priced_since or None,
        "paused": channel.paused or None,
        "has_templates": channel.has_templates or None,
    }


def _decode_channel(code: str, row: Row) -> Channel:
    labels = (
        {"labels": unpack(row["labels"]), "default_label": row["default_label"]}
        if "labels" in row
        else {}
    )
    return Channel(
        code=code,
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
        price=None if row.get("price") is None else float(row["price"]),
        prefixes=unpack(row["prefixes"]) if row.get("prefixes") else {},
        priced_since=row.get("priced_since") or 0,
        paused=bool(row.get("paused")),
        has_templates=bool(row.get("has_templates")),
        version=row.get("version", 1),
        **labels,
    )


def _encode_price_list(prices: PriceList) -> Values:
    return {
        "code": prices.code,
        "since": prices.since,
        "body": pack([prices.price, dict(prices.prefixes)]),
    }


def _decode_price_list(key: str, row: Row) -> PriceList:
    price, prefixes = unpack(row["body"])
    return PriceList(row["code"], row["since"], price, prefixes, row["version"])


def _encode_strategy(entry: StrategyEntry) -> Values:
    return {
        "channel_key": entry.channel_key,
        "name": entry.name,
        "body": pack(asdict(entry.strategy)),
    }


def _decode_strategy(number: str, row: Row) -> StrategyEntry:
    return StrategyEntry(
        int(number),
        row["channel_key"],
        row["name"],
        read_strategy(unpack(row["body"])),
        row.get("version", 1),
    )


def _encode_group(group: Group) -> Values:
    return {
        "family": group.family.value,
        "channel_key": group.channel_key,
        "name": group.name,
        "kind": group.kind,
        "rule": pack(dict(group.rule)) if group.rule else None,
        "daily": group.daily,
    }


def _decode_group(number: str, row: Row) -> Group:
    family = Family(row["family"])
    return Group(
        family,
        int(number),
        row["channel_key"],
        row["name"],
        row["kind"],
        row["version"],
        unpack(row["rule"]) if row.get("rule") else {},
        bool(row.get("daily")),
    )


def _encode_topic(topic: Topic) -> Values:
    names = ("channel_key", "name", "description", "opt_in", "purpose")
    return {name: getattr(topic, name) for name in names}


def _decode_topic(number: str, row: Row) -> Topic:
    return Topic(
        int(number),
        row["channel_key"],
        row["name"],
        row["description"],
        bool(row["opt_in"]),
        row["purpose"],
        row["version"],
    )


def _encode_draft(draft: Draft) -> Values:
    names = ("channel_key", "member", "name", "sealed", "changed", "broadcast")
    return {name: getattr(draft, name) for name in names}


def _decode_draft(id: str, row: Row) -> Draft:
    return Draft(
        id,
        row["channel_key"],
        row["member"],
        row["name"],
        row["sealed"],
        row["changed"],
        bool(row["broadcast"]),
        row["version"],
    )


def _encode_member(member: Member) -> Values:
    return {
        "name": member.name,
        "role": member.role.value,
        "secret_hash": member.secret_hash,
        "enabled": member.enabled,
        "preferences": json.dumps(dict(member.preferences)) if member.preferences else None,
        "roles": pack(member.roles) if member.roles else None,
    }


def _decode_member(key: str, row: Row) -> Member:
    """Read a member. A global key of the deployment has nothing but the hash of its secret."""
    roles = unpack(row["roles"]) if row.get("roles") else {}
    return Member(
        key=key,
        name=row.get("name", ""),
        role=Role(row.get("role", Role.ADMINISTRATOR)),
        secret_hash=row["secret_hash"],
        enabled=bool(row.get("enabled", 1)),
        preferences=json.loads(row.get("preferences") or "{}"),
        version=row.get("version", 1),
        roles={of: Role(role) for of, role in roles.items()},
    )


def _encode_login(login: Login) -> Values:
    return {
        "name": login.name,
        "password": login.password,
        "must_change": login.must_change,
        "totp": login.totp,
        "totp_step": login.totp_step,
        "sessions": login.sessions,
    }


def _decode_login(key: str, row: Row) -> Login:
    return Login(
        key=key,
        name=row["name"],
        password=row["password"],
        must_change=bool(row["must_change"]),
        totp=row["totp"],
        totp_step=row["totp_step"],
        sessions=row["sessions"],
        version=row.get("version", 1),
    )


def _encode_registered(registered: Registered) -> Values:
    return {"code": registered.code, "body": pack(asdict(registered))}


def _decode_registered(key: str, row: Row) -> Registered:
    raw = unpack(row["body"])
    fields = tuple(Field(**{**each, "allowed": tuple(each["allowed"])}) for each in raw["fields"])
    known = {"sort": Sort(raw["sort"]), "review": Review(raw["review"]), "fields": fields}
    return Registered(**{**raw, **known, "version": row["version"]})


def _encode_library(library: Library) -> Values:
    return {"code": library.code, "body": pack(asdict(library))}


def _decode_library(code: str, row: Row) -> Library:
    raw = unpack(row["body"])
    titles = tuple(Title(**each) for each in raw["titles"])
    keywords = {
        id: tuple(Keyword(**each) for each in listed) for id, listed in raw["keywords"].items()
    }
    return Library(**{**raw, "titles": titles, "keywords": keywords, "version": row["version"]})


CODECS: Mapping[str, Codec[Any]] = {
    ACCESS_CHANNELS.name: Codec(_encode_access_channel, _decode_access_channel),
    DELIVERY_CHANNELS.name: Codec(_encode_channel, _decode_channel),
    PRICE_LISTS.name: Codec(_encode_price_list, _decode_price_list),
    STRATEGIES.name: Codec(_encode_strategy, _decode_strategy),
    DRAFTS.name: Codec(_encode_draft, _decode_draft),
    TOPICS.name: Codec(_encode_topic, _decode_topic),
    LOGINS.name: Codec(_encode_login, _decode_login),
    MEMBERS.name: Codec(_encode_member, _decode_member),
    SUPPRESSION_LIST.name: Codec(lambda note: {}, lambda key, row: SuppressionList(row["version"])),
    LIBRARIES.name: Codec(_encode_library, _decode_library),
    **{kind.name: Codec(_encode_registered, _decode_registered) for kind in REGISTERED.values()},
    **{kind.name: Codec(_encode_group, _decode_group) for kind in GROUPS.values()},
}
