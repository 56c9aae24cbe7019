"""4. Content for a channel: variables are filled in once per message, short links per delivery."""

from __future__ import annotations

import base64
import hmac
import html
import json
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain import channel_options, keys
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.email import is_html
from chalicelib.domain.errors import UNKNOWN_FIELD, Invalid, NotFound
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import ClickReport
from chalicelib.domain.templates import (
    Content,
    Template,
    alternatives,
    fill,
    render,
    variables,
    walk,
)
from chalicelib.flow.content import links as tracking
from chalicelib.ports import Vault, World

LINK, OPEN = "link", "open"  # what tokens are for


def prepare(
    world: World,
    template: Template,
    values: Mapping[str, str],
    channels: Sequence[Channel],
    before: Mapping[str, str] | None = None,
    worth: Collection[ChannelType] = frozenset(ChannelType),
) -> tuple[dict[str, Content], dict[str, str]]:
    """Each delivery channel's content by its code, and the link variables that are left in it for short links to stand for.

    `before`: those of other channels of the message, which keep their names. `worth`: where clicks are worth a call for each person.
    Raises Invalid when a channel's platform takes none of the alternatives for its type.
    """
    contents: dict[str, Content] = {}
    links: dict[str, str] = dict(before or {})
    for channel in channels:
        raw = choose(world, channel, alternatives(template.contents[channel.type]))
        contents[channel.code] = plain = _fill(raw, values, channel.type)
        if _counts_clicks(world, channel, worth):
            found = tracking.Links(links, {*values, *variables(template.contents)})
            tracked = _track(world, channel, raw, values, template.links, found)
            used = {
                name: address for name, address in found.found.items() if name in variables(tracked)
            }
            if used and (
                _is_taken(world, channel, tracked, used) or not _is_taken(world, channel, plain)
            ):
                contents[channel.code] = tracked
                links |= used
    return contents, links


def _is_taken(world: World, channel: Channel, made: Content, links: Collection[str] = ()) -> bool:
    try:
        check_complete(world, channel, made, links)
    except Invalid:
        return False
    return True


def check_complete(
    world: World, channel: Channel, made: Content, links: Collection[str] = ()
) -> None:
    """Raises Invalid for a content that the platform does not take when it is complete, with short links as long as they are."""
    world.providers.of(channel.platform).check_content(
        render(made, dict.fromkeys(links, _address(world, "x" * TOKEN)))
    )


def check(world: World, kind: ChannelType, one: Content) -> None:
    """Platforms of one type may differ in content: one of them must take it. Raises Invalid as the platform whose shape was meant does:
    to others, a field of it is unknown."""
    opt_outs: list[Invalid] = []
    for platform in world.providers.platforms(kind):
        try:
            return world.providers.of(platform).check_content(one)
        except Invalid as error:
            opt_outs.append(error)
    if not opt_outs:
        raise Invalid("", "nothing delivers on this channel type yet")
    raise next((refusal for refusal in opt_outs if refusal.reason != UNKNOWN_FIELD), opt_outs[0])


def check_plain(world: World, kind: ChannelType, one: Content) -> None:
    """The same where braces count like anything else: in a template they stand for values, whose length is not known."""
    check(world, kind, walk(one, lambda text: text.replace("{{", "[[")))


def choose(world: World, channel: Channel, offered: Sequence[Content]) -> Content:
    """The first of the alternatives that the channel's platform takes; raises Invalid as for the first one."""
    opt_outs: list[Invalid] = []
    for one in offered:
        try:
            world.providers.of(channel.platform).check_content(one)
        except Invalid as error:
            opt_outs.append(error)
        else:
            return one
    raise opt_outs[0]


def _counts_clicks(world: World, channel: Channel, worth: Collection[ChannelType]) -> bool:
    """Links count clicks only where the provider does not, and nobody has switched that off.

    Where the calls of a platform share one content, a link for each person is a call for each, a hundred or a thousand times as many.
    Unless an operator says otherwise they are made for a message that needs them. A variable for a link in an SMS is such a need.
    """
    able, wanted = (
        world.providers.of(channel.platform).capabilities,
        channel_options.of(channel.options).track_links,
    )
    if able.click_report is not ClickReport.LINK or wanted is False:
        return False
    return (
        wanted is True
        or able.content_per_recipient
        or able.clickable is None
        or channel.type in worth
    )


def _track(
    world: World,
    channel: Channel,
    raw: Content,
    values: Mapping[str, str],
    own: Collection[str],
    links: tracking.Links,
) -> Content:
    """The content with its variables filled in, but for those that short links will stand for. `own`: the template's."""
    keep = frozenset(
        name for name in variables(raw) & frozenset(own) if links.keep(name, values[name])
    )
    where = world.providers.of(channel.platform).capabilities.clickable
    if where is not None:
        return tracking.in_places(raw, where, links, values, keep)
    text = raw.get("text")
    if channel.type is ChannelType.EMAIL and isinstance(text, str) and is_html(raw):
        raw = {**raw, "text": tracking.in_html(text, links, lambda address: fill(address, values))}
    return _fill(raw, values, channel.type, keep)


def _fill(
    raw: Content, values: Mapping[str, str], kind: ChannelType, keep: Collection[str] = ()
) -> Content:
    if kind is not ChannelType.EMAIL:
        return render(raw, values, keep=keep)
    # In a mail, values are escaped for HTML, and a line break in one must not start another header. Only its text has links.
    as_html = is_html(raw)
    escape = html.escape if as_html else str
    flat = {name: " ".join(value.split()) for name, value in values.items()}
    made = {**render(raw, values), **render({"subject": raw.get("subject", "")}, flat)}
    made = {
        **made,
        **render({k: v for k, v in raw.items() if k == "text"}, values, escape=escape, keep=keep),
    }
    return made if is_html(made) is as_html else {**made, "html": as_html}


def size(contents: Mapping[str, Content]) -> int:
    return len(json.dumps(dict(contents), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def files(message: Message, code: str) -> Sequence[Any]:
    """The addresses of a mail's attachments."""
    listed = message.contents[code].get("files")
    return listed if isinstance(listed, list) else ()


def is_personal(prepared: Content, links: Collection[str]) -> bool:
    """Whether deliveries differ in content: what is left to fill in are short links."""
    return not variables(prepared).isdisjoint(links)


def personal(world: World, message: Message, chunk: ChunkId, ref: DeliveryRef) -> Content:
    """The content of one delivery, complete."""
    shared = message.contents[ref.channel]
    names = variables(shared) & frozenset(message.links)
    if not names:
        return shared
    return render(
        shared,
        {
            name: _address(world, link_token(world.vault, message, chunk, ref, name))
            for name in names
        },
    )


def _address(world: World, token: str) -> str:
    return f"{world.limits.public_url}/l/{token}"


class Link(NamedTuple):
    """What a short link's token says."""

    chunk: ChunkId
    target: int
    channel: int  # position in the sorted codes of the message
    contact: int
    variable: int  # position in the sorted link variables of the message


_LINK = struct.Struct(">10sIHBHB")
_MAC = 7  # bytes: with it a token has 27, which fill 36 characters exactly, so that each link has one spelling
TOKEN = 36


def link_token(
    vault: Vault, message: Message, chunk: ChunkId, ref: DeliveryRef, variable: str
) -> str:
    """36 characters: chunk, delivery and variable, with a truncated HMAC, so that links need no write per recipient."""
    return _token(vault, LINK, message, chunk, ref, sorted(message.links).index(variable))


def open_token(vault: Vault, message: Message, chunk: ChunkId, ref: DeliveryRef) -> str:
    """The same for the picture of a mail."""
    return _token(vault, OPEN, message, chunk, ref, 0)


def _token(
    vault: Vault, label: str, message: Message, chunk: ChunkId, ref: DeliveryRef, number: int
) -> str:
    code = sorted(message.channels).index(ref.channel)
    body = _LINK.pack(
        keys.message_id_bytes(chunk.msgid), chunk.chunk, ref.target, code, ref.contact, number
    )
    return base64.urlsafe_b64encode(body + vault.mac(label, body)[:_MAC]).decode()


def read_link(vault: Vault, token: str, label: str = LINK) -> Link:
    """Raises NotFound for a token that we did not make."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        body, mac = raw[: _LINK.size], raw[_LINK.size :]
        known = len(mac) == _MAC and hmac.compare_digest(mac, vault.mac(label, body)[:_MAC])
    except ValueError:
        known = False
    if not known:
        raise NotFound("link")
    msgid, chunk, target, code, contact, name = _LINK.unpack(body)
    return Link(
        ChunkId(base64.b32hexencode(msgid).decode().lower(), chunk), target, code, contact, name
    )
