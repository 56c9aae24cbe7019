"""Builders of domain values, so that a test shows only the fact that it is about.

By default there are three delivery channels: `push` (app), `text` (sms) and `mail` (email). Their
providers are in tests/fakes/providers.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import (
    Channel,
    ChannelType,
    OnUncertain,
    Priority,
    ReceiptMode,
)
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target, TargetLoss
from chalicelib.domain.strategies import Missing, Operator, Step, Strategy, Term
from chalicelib.domain.templates import Template
from chalicelib.domain.users import ALL, User
from chalicelib.flow.validity import OpenChannel, with_provider
from chalicelib.ports import World
from tests.fakes.clock import START
from tests.fakes.secrets import FakeCredentials

SHOP = "shop"  # the channel key of the usual access channel
SECRET = "s3cret"
PLATFORMS = {ChannelType.APP: "push", ChannelType.SMS: "text", ChannelType.EMAIL: "mail"}
CALL_SIZES = {"push": 1000, "text": 1000, "mail": 25}
WEBHOOK_TOKEN = "webhook-token"


def a_msgid(number: int = 1, at: int = START) -> str:
    return keys.message_id(at, number.to_bytes(4, "big"))


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def a_channel(code: str = "push", type: ChannelType | None = None, **changes: Any) -> Channel:
    """Build a delivery channel. Any code but `push`, `text` and `mail` needs a type."""
    channel_type = type or {p: t for t, p in PLATFORMS.items()}[code]
    secrets = FakeCredentials()
    fields: dict[str, Any] = {
        "code": code,
        "number": 1 + sorted(CALL_SIZES).index(code) if code in CALL_SIZES else 99,
        "name": f"channel {code}",
        "type": channel_type,
        "platform": PLATFORMS.get(channel_type, "push"),
        "sealed_credentials": secrets.seal_credentials({"key": "k"}),
        "sealed_webhook": secrets.seal_webhook({"secret": "webhook-of-k"}),
        "webhook_token_hash": hashed(WEBHOOK_TOKEN),
        "on_uncertain": OnUncertain.UNKNOWN,
        "receipts": ReceiptMode.WEBHOOK,
    }
    return Channel(**{**fields, **changes})


def an_access_channel(
    key: str = SHOP, channels: Sequence[str] = ("push", "text", "mail"), **changes: Any
) -> AccessChannel:
    fields: dict[str, Any] = {
        "name": f"the {key}",
        "secret_hashes": (hashed(SECRET),),
        "channels": dict.fromkeys(channels, True),
    }
    return AccessChannel(key=key, **{**fields, **changes})


def a_user(
    userid: str = "ann",
    *,
    push: Sequence[str] = (),
    text: str = "",
    mail: str = "",
    tags: Sequence[str] = (),
    version: int = 0,
) -> User:
    """Build a user.

    `push`: registration ids on the channel `push`. `text` and `mail`: a phone number and an
    address for all senders.
    """
    contacts: dict[ChannelType, dict[str, tuple[str, ...]]] = {}
    if push:
        contacts[ChannelType.APP] = {"push": tuple(push)}
    if text:
        contacts[ChannelType.SMS] = {ALL: (text,)}
    if mail:
        contacts[ChannelType.EMAIL] = {ALL: (mail,)}
    return User(userid, contacts, {ALL: tuple(tags)} if tags else {}, version)


def a_reachable_user(userid: str = "ann", version: int = 0) -> User:
    """Build a user with a contact on each of the three channels. Contacts contain the user id."""
    return a_user(
        userid,
        push=(f"reg-{userid}",),
        text=f"+86-{userid}",
        mail=f"{userid}@example.com",
        version=version,
    )


def a_strategy(
    *steps: str, missing: str = "delivered", within: int = 60, operator: str = "and"
) -> Strategy:
    """Build a strategy whose steps have channels like `app` or `app,email`.

    `a_strategy("app", "sms")` sends an SMS to targets that the app did not reach within a minute.
    """
    built: list[Step] = []
    before: tuple[ChannelType, ...] = ()
    for step in steps or ("app", "sms"):
        channels = tuple(ChannelType(name) for name in step.split(","))
        terms = tuple(Term(channel, Missing(missing), within) for channel in before)
        built.append(Step(channels, terms, Operator(operator)))
        before = channels
    return Strategy(tuple(built))


def at_once(*channels: str) -> Strategy:
    """Build the strategy of a message without `rule_id`: one step with all its channels."""
    return Strategy((Step(tuple(ChannelType(c) for c in channels)),))


def a_template(
    number: int = 1,
    channels: Sequence[str] = ("app", "sms", "email"),
    text: str = "Hello {{name}}",
    **changes: Any,
) -> Template:
    contents = {ChannelType(c): {"text": text} for c in channels}
    fields: dict[str, Any] = {
        "version": 1,
        "channel_key": SHOP,
        "name": f"template {number}",
        "contents": contents,
    }
    return Template(number=number, **{**fields, **changes})


def a_message(
    *userids: str,
    number: int = 1,
    strategy: Strategy | None = None,
    text: str = "Hello",
    links: Mapping[str, str] | None = None,
    **changes: Any,
) -> Message:
    """Build a message, by default to `ann` over push. `number` tells messages apart."""
    strategy = strategy or at_once("app")
    channels = {PLATFORMS[channel_type]: channel_type for channel_type in strategy.channels}
    accepted = changes.get("accepted", START)
    fields: dict[str, Any] = {
        "msgid": a_msgid(number, accepted),
        "channel_key": SHOP,
        "accepted": accepted,
        "priority": Priority.MEDIUM,
        "strategy": strategy,
        "channels": channels,
        "call_sizes": {code: CALL_SIZES[code] for code in channels},
        "contents": {code: {"text": text} for code in channels},
        "links": dict(links or {}),
        "userids": userids or ("ann",),
        "expires": accepted // 1000 + strategy.length + 7 * 86400,
    }
    return Message(**{**fields, **changes})


def a_big_message(count: int = 101, **changes: Any) -> Message:
    """Build a message that is not planned in the request. The stream reports its changes."""
    return a_message(*(f"u{n:05d}" for n in range(count)), **changes)


def a_plan(
    message: Message, chunk: int = 0, users: Sequence[User] | None = None, **changes: Any
) -> Plan:
    """Build the plan of a message for these users, as if there were no others.

    By default, every named user exists and has every contact.
    """
    if users is None:
        users = [a_reachable_user(userid) for userid in message.userids]
    by_id = {user.userid: user for user in users}
    chosen = [_chosen(message, by_id.get(userid)) for userid in message.userids]
    targets = [
        _target(userid, userid in by_id, contacts)
        for userid, contacts in zip(message.userids, chosen, strict=True)
    ]
    fields: dict[str, Any] = {
        "targets": tuple(targets),
        "contacts": tuple(chosen),
        "time": message.accepted,
        "next": None,
    }
    return Plan(id=ChunkId(message.msgid, chunk), **{**fields, **changes})


def _chosen(message: Message, user: User | None) -> dict[str, tuple[str, ...]]:
    if user is None:
        return {}
    by_code = {
        code: tuple(user.contacts_on((code, channel_type), message.channel_key))
        for code, channel_type in sorted(message.channels.items())
    }
    return {code: contacts for code, contacts in by_code.items() if contacts}


def _target(userid: str, is_user: bool, contacts: Mapping[str, tuple[str, ...]]) -> Target:
    loss = None if contacts else TargetLoss.NO_CONTACT
    if not is_user:
        loss = TargetLoss.UNKNOWN_USER
    return Target(userid, loss, {code: len(addresses) for code, addresses in contacts.items()})


def opened(world: World, *channels: Channel) -> list[OpenChannel]:
    """Delivery channels as they are while they can be used."""
    return [with_provider(world, channel) for channel in channels]


def text_of(value: Any) -> str:
    """Return everything in a value as text, to search it for marked contacts."""
    return json.dumps(value, default=repr, ensure_ascii=False)
