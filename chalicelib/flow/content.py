"""4. Content for a channel: variables are filled in once per message, short links per delivery."""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain import keys, options
from chalicelib.domain.channels import Channel, ChannelType
from chalicelib.domain.facts import Place
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import PageId
from chalicelib.domain.sending import ClickReport
from chalicelib.domain.templates import Content, Template, render, variables
from chalicelib.flow import tracking
from chalicelib.flow.ports import Vault, World

LINK, OPEN = "link", "open"  # what tokens are for

_MARKUP = re.compile(r"<\s*(html|body|p|div|a|br|table|span|h[1-6])\b", re.IGNORECASE)


def prepare(
    world: World, template: Template, values: Mapping[str, str], channels: Sequence[Channel]
) -> tuple[dict[ChannelType, Content], dict[str, str]]:
    """Each type's content, and the link variables that are left in it for short links to stand for."""
    contents: dict[ChannelType, Content] = {}
    links: dict[str, str] = {}
    for channel in channels:
        raw = template.contents[channel.type]
        tracked = _tracked(world, channel, template) & variables(raw)
        given = {name: value for name, value in values.items() if name not in tracked}
        links.update({name: values[name] for name in tracked})
        contents[channel.type], links = _track(world, channel, _fill(raw, given, channel.type), links, values)
    return contents, links


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


def size(contents: Mapping[ChannelType, Content]) -> int:
    return len(json.dumps({k.value: v for k, v in contents.items()}, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def is_personal(prepared: Content) -> bool:
    """Whether deliveries differ in content: what is left to fill in are short links."""
    return bool(variables(prepared))


def personal(world: World, message: Message, page: PageId, place: Place) -> Content:
    """The content of one delivery, complete."""
    shared = message.contents[message.channels[place.channel]]
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
