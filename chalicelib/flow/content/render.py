"""4. Render content for a channel: variables once per message, short links per delivery."""

from __future__ import annotations

import base64
import hmac
import html
import json
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from chalicelib.domain import channel_options, elements, keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.email import is_html
from chalicelib.domain.errors import UNKNOWN_FIELD, ForgedToken, Invalid
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import ClickReport
from chalicelib.domain.rules import personal as personal_values
from chalicelib.domain.templates import (
    Content,
    Template,
    elements_in,
    fill,
    map_texts,
    render,
    variables,
)
from chalicelib.domain.values import frozen
from chalicelib.flow.content.links import Links, in_html, map_addresses
from chalicelib.flow.validity import OpenChannel
from chalicelib.ports import Provider, Vault, World

LINK, OPEN = "link", "open"  # the purposes of tokens


def prepare(
    world: World,
    template: Template,
    values: Mapping[str, str],
    channels: Sequence[OpenChannel],
    before: Mapping[str, str] | None = None,
    click_types: Collection[ChannelType] = frozenset(ChannelType),
) -> tuple[dict[str, Content], dict[str, str]]:
    """Return the contents by the code of their element, and the link variables left in them.

    `before` are the link variables of other channels of the message, which keep their names.
    On `click_types`, counting clicks is worth a call for each person.
    Raises Invalid when a channel's platform takes none of the contents for its type.
    """
    contents: dict[str, Content] = {}
    links: dict[str, str] = dict(before or {})
    names = {*values, *variables(template.contents)}
    for target in channels:
        chosen = _choose(target.provider, elements_in(template.contents[target.channel.type]))
        for number, raw in enumerate(chosen, 1):
            code = elements.code_of(target.channel.code, number)
            contents[code] = plain = _fill(raw, values, target.channel.type)
            if _counts_clicks(target, click_types):
                tracked, used = _track(target, raw, values, template.links, Links(links, names))
                if used and _is_better(world, target.provider, tracked, used, plain):
                    contents[code] = tracked
                    links |= used
    return contents, links


def _is_better(
    world: World,
    provider: Provider,
    tracked: Content,
    links: Collection[str],
    plain: Content,
) -> bool:
    """Prefer short links, unless the platform takes the content only without them."""
    is_taken = _is_taken(world, provider, tracked, links)
    return is_taken or not _is_taken(world, provider, plain)


def _is_taken(
    world: World, provider: Provider, content: Content, links: Collection[str] = ()
) -> bool:
    try:
        check_complete(world, provider, content, links)
    except Invalid:
        return False
    return True


def check_complete(
    world: World, provider: Provider, content: Content, links: Collection[str] = ()
) -> None:
    """Check a content with short links of their full length. Raises Invalid."""
    provider.check_content(filled(world, content, links))


def filled(world: World, content: Content, links: Collection[str]) -> Content:
    """Return a content with links that lead nowhere, and defaults or letters for attributes."""
    needed = personal_values.names_in(content).needed
    typical = personal_values.fill(content, dict.fromkeys(needed, "x"))
    return render(typical, dict.fromkeys(links, _address(world, "x" * TOKEN)))


def check(world: World, channel_types: Sequence[ChannelType], content: Content) -> None:
    """Accept the content if any platform of these channel types accepts it.

    Otherwise raise the most useful Invalid: one that is not "unknown field". To a platform for
    which the content was not meant, its fields are unknown.
    """
    errors: list[Invalid] = []
    for channel_type in channel_types:
        for platform in world.providers.platforms(channel_type):
            try:
                return world.providers.of(platform).check_content(content)
            except Invalid as error:
                errors.append(error)
    if not errors:
        raise Invalid("", "nothing delivers on this channel type yet")
    raise next((error for error in errors if error.reason != UNKNOWN_FIELD), errors[0])


def check_plain(world: World, channel_types: Sequence[ChannelType], content: Content) -> None:
    """Check a content in which braces are ordinary text. Raises Invalid.

    In a template braces stand for values, whose length is not known.
    """
    check(world, channel_types, map_texts(content, lambda text: text.replace("{{", "[[")))


def _choose(provider: Provider, contents: Sequence[Content]) -> Sequence[Content]:
    """Return the contents that the provider takes, or raise the Invalid of the first one.

    The others are for other platforms.
    """
    chosen: list[Content] = []
    errors: list[Invalid] = []
    for content in contents:
        try:
            provider.check_content(content)
        except Invalid as error:
            errors.append(error)
        else:
            chosen.append(content)
    if not chosen:
        raise errors[0]
    return chosen


def _counts_clicks(target: OpenChannel, click_types: Collection[ChannelType]) -> bool:
    """Decide if links count clicks: only where the provider does not, and unless switched off.

    Where the calls of a platform share one content, a link for each person needs a call for each.
    That is a hundred or a thousand times as many. Unless an operator says otherwise, such links
    are made for a message that needs them. A variable for a link in an SMS is such a need.
    """
    capabilities = target.provider.capabilities
    setting = channel_options.of(target.channel.options).track_links
    if capabilities.click_report is not ClickReport.LINK or setting is False:
        return False
    is_cheap = capabilities.content_per_recipient or capabilities.clickable is None
    return setting is True or is_cheap or target.channel.type in click_types


def _track(
    target: OpenChannel,
    raw: Content,
    values: Mapping[str, str],
    template_links: Collection[str],
    links: Links,
) -> tuple[Content, dict[str, str]]:
    """Return the content with only link variables left, and the addresses of these variables."""
    keep = frozenset(
        name
        for name in variables(raw) & frozenset(template_links)
        if links.keep(name, values[name])
    )
    channel_type, clickable = target.channel.type, target.provider.capabilities.clickable
    if clickable is not None:
        tracked = map_addresses(raw, clickable, links, values, keep)
    else:
        text = raw.get("text")
        if channel_type is ChannelType.EMAIL and isinstance(text, str) and is_html(raw):
            linked = in_html(text, links, lambda address: fill(address, values))
            raw = {**raw, "text": linked}
        tracked = _fill(raw, values, channel_type, keep)
    left = variables(tracked)
    return tracked, {name: address for name, address in links.addresses.items() if name in left}


def with_values(content: Content, values: Mapping[str, str], channel_type: ChannelType) -> Content:
    """Return a content with the attributes of one user, escaped as other values are."""
    return _fill(content, values, channel_type, (), personal_values.fill)


def _fill(
    raw: Content,
    values: Mapping[str, str],
    channel_type: ChannelType,
    keep: Collection[str] = (),
    replaced_by: Callable[..., Content] = render,
) -> Content:
    """Fill values in. `replaced_by` replaces one kind of placeholders."""
    if channel_type is not ChannelType.EMAIL:
        return replaced_by(raw, values, keep=keep)
    # In a mail, values are escaped for HTML. A line break in one must not start another header.
    # Only the texts of a mail have links.
    as_html = is_html(raw)
    escape = html.escape if as_html else str
    one_line = {name: " ".join(value.split()) for name, value in values.items()}
    in_headers = {"subject": raw.get("subject", ""), **_of(raw, "reply_to", "headers")}
    content = {
        **replaced_by(raw, values),
        **replaced_by(in_headers, one_line),
        **replaced_by(_of(raw, "plain_text"), values, keep=keep),
        **replaced_by(_of(raw, "text"), values, escape=escape, keep=keep),
    }
    return content if is_html(content) is as_html else {**content, "html": as_html}


def _of(raw: Content, *names: str) -> dict[str, Any]:
    return {name: field for name, field in raw.items() if name in names}


def size(contents: Mapping[str, Content]) -> int:
    return len(json.dumps(dict(contents), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def files(message: Message, code: str) -> Sequence[Any]:
    """Return the addresses of a mail's attachments."""
    named = message.contents[code].get("files")
    return named if isinstance(named, list) else ()


def is_personal(content: Content, links: Collection[str]) -> bool:
    """Tell if deliveries differ in content. Only short links are still variables in `content`."""
    return not variables(content).isdisjoint(links)


def personal(
    world: World,
    message: Message,
    chunk: ChunkId,
    ref: DeliveryRef,
    values: Mapping[str, str] = MappingProxyType({}),
) -> Content:
    """Return the complete content of one delivery. `values`: attributes of its target."""
    content = message.contents[ref.channel]
    names = variables(content) & frozenset(message.links)
    if names:
        tokens = {name: link_token(world.vault, message, chunk, ref, name) for name in names}
        content = render(content, {name: _address(world, token) for name, token in tokens.items()})
    if ref.channel in message.personal:
        content = with_values(content, values, message.channels[ref.channel])
    return content


def _address(world: World, token: str) -> str:
    return f"{world.limits.public_url}/l/{token}"


@frozen
class Link:
    """The contents of a short link's token."""

    chunk: ChunkId
    target: int
    channel: int  # position in the sorted codes of the message
    contact: int
    variable: int  # position in the sorted link variables of the message


MAX_ELEMENTS = 256  # of a message: a link has one byte for the element that it stands in
_LINK = struct.Struct(">10sIHBHB")
_MAC = 7  # bytes. With them a token has 27, which fill 36 characters exactly, in one spelling.
TOKEN = 36


def link_token(
    vault: Vault, message: Message, chunk: ChunkId, ref: DeliveryRef, variable: str
) -> str:
    """Make the 36 characters of a short link: chunk, delivery, variable and a truncated HMAC.

    Links need no write per recipient.
    """
    return _token(vault, LINK, message, chunk, ref, sorted(message.links).index(variable))


def open_token(vault: Vault, message: Message, chunk: ChunkId, ref: DeliveryRef) -> str:
    """Make the token of the picture that a mail loads when it is opened."""
    return _token(vault, OPEN, message, chunk, ref, 0)


def _token(
    vault: Vault, label: str, message: Message, chunk: ChunkId, ref: DeliveryRef, number: int
) -> str:
    code = sorted(message.channels).index(ref.channel)
    body = _LINK.pack(
        keys.message_id_bytes(chunk.msgid), chunk.number, ref.target, code, ref.contact, number
    )
    return base64.urlsafe_b64encode(body + vault.mac(label, body)[:_MAC]).decode()


def read_link(vault: Vault, token: str, label: str = LINK) -> Link:
    """Read a token. Raises ForgedToken for a token that was not made here.

    A phone takes the words that follow an address into the link, so they are ignored.
    """
    try:
        raw = base64.b64decode(token[:TOKEN], altchars=b"-_", validate=True)
    except ValueError:
        raise ForgedToken("link") from None
    body, mac = raw[: _LINK.size], raw[_LINK.size :]
    if len(mac) != _MAC or not hmac.compare_digest(mac, vault.mac(label, body)[:_MAC]):
        raise ForgedToken("link")
    msgid, chunk, target, code, contact, name = _LINK.unpack(body)
    at = ChunkId(base64.b32hexencode(msgid).decode().lower(), chunk)
    return Link(at, target, code, contact, name)
