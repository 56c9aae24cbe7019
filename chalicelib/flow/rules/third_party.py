"""Refuse a message that its third-party template does not take, or whose template is gone.

A delivery channel of which no templates are kept costs nothing: its record, which is read anyway,
says so. Otherwise each template costs a read that is cached as other settings are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.errors import (
    Invalid,
    ThirdPartyInvalid,
)
from chalicelib.domain.messages import Hold
from chalicelib.domain.rules import third_party as rules
from chalicelib.domain.templates import Content, Elements, elements_in
from chalicelib.domain.third_party import (
    State,
    Use,
    ValueKind,
)
from chalicelib.flow import third_party, validity
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.ports import World


def for_message(world: World, request: SendRequest, resolved: ResolvedSend) -> Hold | None:
    """Raise ThirdPartyInvalid or Invalid for a message that a provider would surely refuse."""
    for element in resolved.elements:
        is_ordinary = request.template is None
        path = f"msg_{element.channel.type}" if is_ordinary else "template_para"
        _check(world, element.channel, element.content, path, is_ordinary=is_ordinary)
    return None


def _check(
    world: World, channel: Channel, content: Content, path: str, *, is_ordinary: bool
) -> None:
    for use, registered in third_party.named(world, channel, content):
        if registered.state(channel) is State.INVALID:
            field = f"{path}.{use.field}" if is_ordinary else "template_id"
            raise _gone(field, use, channel)
        try:
            rules.check(use, registered, _kinds(world, channel))
        except Invalid as error:
            if is_ordinary:
                raise Invalid(f"{path}.{error.field}", error.reason) from None
            reason = "with these values {field} {reason}"
            raise Invalid(path, reason, **vars(error)) from None


def _gone(field: str, use: Use, channel: Channel) -> ThirdPartyInvalid:
    return ThirdPartyInvalid(field, what=use.family.value, id=use.id, channel=channel.code)


def _kinds(world: World, channel: Channel) -> Mapping[str, ValueKind]:
    registers = world.providers.of(channel.platform).capabilities.registers
    return registers.kinds if registers else {}


# -- when a template is saved or shown


def check_contents(
    world: World, access: AccessChannel, contents: Mapping[ChannelType, Elements]
) -> None:
    """Raise Invalid or ThirdPartyInvalid for a template that no delivery channel's one takes."""
    for channel, path, element in _elements(world, access, contents):
        try:
            _check(world, channel, element, path, is_ordinary=True)
        except (Invalid, ThirdPartyInvalid):
            if not _is_taken_elsewhere(world, access, channel, element):
                raise


def _elements(
    world: World, access: AccessChannel, contents: Mapping[ChannelType, Elements]
) -> Iterator[tuple[Channel, str, Content]]:
    """Yield elements with each delivery channel whose platform takes them, and their path."""
    for channel, provider in validity.open_channels(world, access):
        if not channel.has_templates:
            continue
        elements = contents.get(channel.type, ())
        for n, element in enumerate(elements_in(elements)):
            try:
                provider.check_content(element)
            except Invalid:
                continue
            index = "" if isinstance(elements, Mapping) else f"[{n}]"
            yield channel, f"contents.{channel.type}{index}", element


def _is_taken_elsewhere(
    world: World, access: AccessChannel, refused: Channel, element: Content
) -> bool:
    """Tell if another account has the template, and takes the content."""
    for channel, _, _ in _elements(world, access, {refused.type: element}):
        if channel.code == refused.code or not list(third_party.named(world, channel, element)):
            continue
        try:
            _check(world, channel, element, "", is_ordinary=True)
        except (Invalid, ThirdPartyInvalid):
            continue
        return True
    return False


def shown(
    world: World, access: AccessChannel, contents: Mapping[ChannelType, Elements]
) -> dict[ChannelType, list[str]]:
    """Return the texts that people see, where the providers' templates are known."""
    texts: dict[ChannelType, list[str]] = {}
    for channel, _, element in _elements(world, access, contents):
        named = list(third_party.named(world, channel, element))
        text = rules.shown((registered for _, registered in named), (use for use, _ in named))
        if text and text not in texts.setdefault(channel.type, []):
            texts[channel.type].append(text)
    return {kind: listed for kind, listed in texts.items() if listed}
