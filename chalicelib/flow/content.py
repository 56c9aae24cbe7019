"""4. Content for a channel: variables are filled in once per message, short links per delivery."""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.domain import keys, options
from chalicelib.domain.channels import Channel, ChannelType
from chalicelib.domain.errors import UNKNOWN_FIELD, Invalid
from chalicelib.domain.facts import Place
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import PageId
from chalicelib.domain.sending import ClickReport
from chalicelib.domain.templates import Content, Template, alternatives, render, variables
from chalicelib.flow import tracking
from chalicelib.flow.ports import Vault, World

LINK, OPEN = "link", "open"  # what tokens are for

_MARKUP = re.compile(r"<\s*(html|body|p|div|a|br|table|span|h[1-6])\b", re.IGNORECASE)


def prepare(
    world: World, template: Template, values: Mapping[str, str], channels: Sequence[Channel], before: Mapping[str, str] | None = None
) -> tuple[dict[str, Content], dict[str, str]]:
    """Each delivery channel's content by its code, and the link variables that are left in it for short links to stand for.

    `before`: those of other channels of the message, which keep their names.
    Raises Invalid when a channel's platform takes none of the alternatives for its type.
    """
    contents: dict[str, Content] = {}
    links: dict[str, str] = dict(before or {})
    for channel in channels:
        raw = choose(world, channel, alternatives(template.contents[channel.type]))
        tracked = _tracked(world, channel, template) & variables(raw)
        given = {name: value for name, value in values.items() if name not in tracked}
        links.update({name: values[name] for name in tracked})
        contents[channel.code], links = _track(world, channel, _fill(raw, given, channel.type), links, values)
    return contents, links


def check(world: World, kind: ChannelType, one: Content) -> None:
    """Platforms of one type may differ in content: one of them must take it. Raises Invalid as the platform whose shape was meant does:
    to others, a field of it is unknown."""
    refusals: list[Invalid] = []
    for platform in world.providers.platforms(kind):
        try:
            return world.providers.of(platform).check_content(one)
        except Invalid as error:
            refusals.append(error)
    if not refusals:
        raise Invalid("", "nothing delivers on this channel type yet")
    raise next((refusal for refusal in refusals if refusal.reason != UNKNOWN_FIELD), refusals[0])


def choose(world: World, channel: Channel, offered: Sequence[Content]) -> Content:
    """The first of the alternatives that the channel's platform takes; raises Invalid as for the first one."""
    refusals: list[Invalid] = []
    for one in offered:
        try:
            world.providers.of(channel.platform).check_content(one)
        except Invalid as error:
            refusals.append(error)
        else:
            return one
    raise refusals[0]


def _tracked(world: World, channel: Channel, template: Template) -> frozenset[str]:
    """Links count clicks only where the provider does not, and nobody has switched that off."""
    return template.links if _counts_clicks(world, channel) else frozenset()


def _counts_clicks(world: World, channel: Channel) -> bool:
    able = world.providers.of(channel.platform).capabilities
    return able.click_report is ClickReport.LINK and options.of(channel.options).track_links


def _track(
    world: World, channel: Channel, filled: Content, links: Mapping[str, str], values: Mapping[str, str]
) -> tuple[Content, dict[str, str]]:
    """Variables also for the addresses that stand in the content itself."""
    found = tracking.Links(links, values)
    if _counts_clicks(world, channel):
        filled = tracking.in_fields(filled, world.providers.of(channel.platform).capabilities.link_fields, found)
        text = filled.get("text")
        if channel.type is ChannelType.EMAIL and isinstance(text, str) and is_markup(text):
            filled = {**filled, "text": tracking.in_html(text, found)}
    return filled, found.found


def is_markup(text: str) -> bool:
    """Whether a mail's text is HTML."""
    return _MARKUP.search(text) is not None


def _fill(raw: Content, values: Mapping[str, str], kind: ChannelType) -> Content:
    if kind is not ChannelType.EMAIL:
        return render(raw, values)
    # In a mail, values are escaped for HTML, and a line break in one must not start another header.
    escape = html.escape if is_markup(str(raw.get("text", ""))) else str
    body = {k: render({k: v}, values, escape=escape)[k] for k, v in raw.items() if k != "subject"}
    flat = {name: " ".join(value.split()) for name, value in values.items()}
    return {**body, **render({"subject": raw.get("subject", "")}, flat)}


def size(contents: Mapping[str, Content]) -> int:
    return len(json.dumps(dict(contents), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def files(message: Message, code: str) -> Sequence[Any]:
    """The addresses of a mail's attachments, with nothing shortened."""
    listed: Any = render({"files": message.contents[code].get("files") or ()}, message.links)["files"]
    return listed if isinstance(listed, list) else ()


def is_personal(prepared: Content, links: Collection[str]) -> bool:
    """Whether deliveries differ in content: what is left to fill in are short links."""
    return not variables(prepared).isdisjoint(links)


def personal(world: World, message: Message, page: PageId, place: Place) -> Content:
    """The content of one delivery, complete."""
    shared = message.contents[place.channel]
    names = variables(shared) & frozenset(message.links)
    if not names:
        return shared
    return render(shared, {name: f"{world.limits.public_url}/l/{link_token(world.vault, message, page, place, name)}" for name in names})


class Link(NamedTuple):
    """What a short link's token says."""

    page: PageId
    target: int
    channel: int  # position in the sorted codes of the message
    contact: int
    variable: int  # position in the sorted link variables of the message


_LINK = struct.Struct(">10sIHBHB")
_MAC = 7  # bytes: with it a token has 27, which fill 36 characters exactly, so that each link has one spelling


def link_token(vault: Vault, message: Message, page: PageId, place: Place, variable: str) -> str:
    """36 characters: page, delivery and variable, with a truncated HMAC, so that links need no write per recipient."""
    return _token(vault, LINK, message, page, place, sorted(message.links).index(variable))


def open_token(vault: Vault, message: Message, page: PageId, place: Place) -> str:
    """The same for the picture of a mail."""
    return _token(vault, OPEN, message, page, place, 0)


def _token(vault: Vault, label: str, message: Message, page: PageId, place: Place, number: int) -> str:
    code = sorted(message.channels).index(place.channel)
    body = _LINK.pack(keys.message_id_bytes(page.msgid), page.page, place.target, code, place.contact, number)
    return base64.urlsafe_b64encode(body + vault.mac(label, body)[:_MAC]).decode()


def read_link(vault: Vault, token: str, label: str = LINK) -> Link:
    """Raises LookupError for a token that we did not make."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        body, mac = raw[: _LINK.size], raw[_LINK.size :]
        known = len(mac) == _MAC and hmac.compare_digest(mac, vault.mac(label, body)[:_MAC])
    except ValueError:
        known = False
    if not known:
        raise LookupError("no such link")
    msgid, page, target, code, contact, name = _LINK.unpack(body)
    return Link(PageId(base64.b32hexencode(msgid).decode().lower(), page), target, code, contact, name)
