"""What operators configure: access channels, delivery channels, templates, strategies.

Everything here raises Invalid naming the field, LookupError for what is not there, and Refused (409) for a name that is taken.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain import options
from chalicelib.domain.channels import AccessChannel, Channel, ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.errors import Conflict, Invalid, Refused
from chalicelib.domain.sending import ProviderIds
from chalicelib.domain.strategy import Strategy, check
from chalicelib.domain.templates import Content, Template, is_link, variables, walk
from chalicelib.domain.users import ALL
from chalicelib.flow.ports import Provider, World

PARAMETER = 4004  # UMS: invalid parameter
OPTION_BYTES = 80_000  # a certificate may be among them
TEMPLATE_BYTES = 100_000  # of all contents of a template: what is larger will go to S3

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def new_secret() -> str:
    """24 hex digits, as UMS's keys and secrets are."""
    return secrets.token_hex(12)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def add_access_channel(world: World, name: str) -> tuple[AccessChannel, str]:
    """The new access channel and its master secret, of which only the hash is kept."""
    secret = new_secret()
    channel = AccessChannel(key=new_secret(), name=name, secret_hashes=(digest(secret),))
    try:
        world.settings.put_access_channel(channel)
    except Conflict:
        raise _taken("name", "an access channel") from None
    return channel, secret


def _taken(field: str, what: str) -> Refused:
    return Refused(PARAMETER, f"{field}: there is {what} with this {field} already", field=field, status=409)


def access_channel(world: World, key: str) -> AccessChannel:
    found = world.settings.access_channel(key)
    if found is None:
        raise LookupError("no such access channel")
    return found


def authorise(world: World, key: str, code: str, enabled: bool | None) -> None:
    """Authorise a delivery channel for an access channel and switch it, or (None) take that back."""
    if enabled is not None:
        channel(world, code)
    if not world.settings.authorise(key, code, enabled):
        raise LookupError("no such access channel")


@dataclass(frozen=True, kw_only=True)
class ChannelOrder:
    """A delivery channel as an operator describes it."""

    code: str
    name: str
    type: ChannelType
    platform: str
    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    on_uncertain: OnUncertain = OnUncertain.UNKNOWN
    receipts: ReceiptMode | None = None


def add_channel(world: World, order: ChannelOrder) -> tuple[Channel, str]:
    """The new delivery channel and the token of its webhook, of which only the hash is kept."""
    provider = _provider(world, order)
    provider.check_credentials(order.credentials, options.check(order.options))
    if _size(order.options) > OPTION_BYTES:
        raise Invalid("options", f"more than {OPTION_BYTES} bytes")
    token = secrets.token_urlsafe(24)
    channel = Channel(
        code=order.code,
        number=world.settings.next_number("channel"),
        name=order.name,
        type=order.type,
        platform=order.platform,
        sealed_credentials=world.credentials.seal_credentials(order.credentials),
        sealed_webhook=world.credentials.seal_webhook(provider.webhook_secret(order.credentials)),
        webhook_token_hash=digest(token),
        on_uncertain=order.on_uncertain,
        receipts=_receipt_mode(provider, order.receipts),
        options=order.options,
    )
    try:
        world.settings.put_channel(channel)
    except Conflict:
        raise _taken("code" if world.settings.channel(order.code) else "name", "a delivery channel") from None
    return channel, token


def channel(world: World, code: str) -> Channel:
    found = world.settings.channel(code)
    if found is None:
        raise LookupError("no such delivery channel")
    return found


def has_webhook(world: World, channel: Channel) -> bool:
    return ReceiptMode.WEBHOOK in world.providers.of(channel.platform).capabilities.receipt_modes


def _provider(world: World, order: ChannelOrder) -> Provider:
    if order.code == ALL:
        raise Invalid("code", f"{ALL} means every channel in bindings")
    try:
        provider = world.providers.of(order.platform)
    except (KeyError, Invalid):
        known = ", ".join(world.providers.platforms(order.type)) or "none yet"
        raise Invalid("platform", f"is not known; for {order.type} there is: {known}") from None
    if provider.capabilities.type is not order.type:
        raise Invalid("platform", f"{order.platform} delivers on {provider.capabilities.type}, not on {order.type}")
    return provider


def _receipt_mode(provider: Provider, wanted: ReceiptMode | None) -> ReceiptMode:
    modes = provider.capabilities.receipt_modes
    if wanted is None:
        per_recipient = provider.capabilities.provider_ids is ProviderIds.PER_RECIPIENT
        if ReceiptMode.POLL in modes and per_recipient:  # a post for every few receipts costs more than all else of a delivery
            return ReceiptMode.POLL
        return ReceiptMode.WEBHOOK if ReceiptMode.WEBHOOK in modes or not modes else min(modes)
    if modes and wanted not in modes:
        raise Invalid("receipts", "this provider has: " + ", ".join(sorted(modes)))
    return wanted


def add_template(
    world: World, channel_key: str, name: str, contents: Mapping[ChannelType, Content], links: Sequence[str] | None
) -> Template:
    """`links` None: the variables named `url` or `…_url` are addresses that short links may stand for."""
    access_channel(world, channel_key)
    _check_contents(world, contents)
    mentioned = frozenset(v for content in contents.values() for v in variables(content))
    for n, link in enumerate(links or ()):
        if link not in mentioned:
            raise Invalid(f"links[{n}]", "no content has this variable")
    tracked = frozenset(v for v in mentioned if is_link(v)) if links is None else frozenset(links)
    template = Template(world.settings.next_number("template"), 1, channel_key, name, contents, tracked)
    world.settings.put_template(template)
    return template


def template(world: World, number: int) -> Template:
    found = world.settings.template(number)
    if found is None:
        raise LookupError("no such template")
    return found


def _check_contents(world: World, contents: Mapping[ChannelType, Content]) -> None:
    if not contents:
        raise Invalid("contents", "at least one channel type")
    for kind, content in contents.items():
        _check_content(world, kind, content)
        walk(content, lambda text, kind=kind: _check_placeholders(kind, text))  # type: ignore[misc]
    if _size({k.value: c for k, c in contents.items()}) > TEMPLATE_BYTES:
        raise Invalid("contents", f"more than {TEMPLATE_BYTES} bytes")


def _size(value: Mapping[str, Any]) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _check_content(world: World, kind: ChannelType, content: Content) -> None:
    """Platforms of one type may differ in content: one of them must take it."""
    refusals: list[Invalid] = []
    for platform in world.providers.platforms(kind):
        try:
            return world.providers.of(platform).check_content(content)
        except Invalid as error:
            refusals.append(error)
    if not refusals:
        raise Invalid(f"contents.{kind}", "nothing delivers on this channel type yet")
    first = refusals[0]
    raise Invalid(".".join(part for part in (f"contents.{kind}", first.field) if part), first.reason)


def _check_placeholders(kind: ChannelType, text: str) -> str:
    for found in _PLACEHOLDER.findall(text):
        if not variables(found):
            raise Invalid(f"contents.{kind}", "{{…}} must hold the name of a variable: letters, digits, _ . - and Chinese, at most 64")
    return text


def add_strategy(world: World, channel_key: str, name: str, strategy: Strategy) -> int:
    """The new strategy's number: `rule_id` when sending."""
    access_channel(world, channel_key)
    check(strategy)
    number = world.settings.next_number("strategy")
    world.settings.put_strategy(number, channel_key, name, strategy)
    return number


def strategies(world: World, channel_key: str) -> Sequence[tuple[int, str, Strategy]]:
    access_channel(world, channel_key)
    return world.settings.strategies(channel_key)


def templates(world: World, channel_key: str) -> Sequence[Template]:
    access_channel(world, channel_key)
    return world.settings.templates(channel_key)
