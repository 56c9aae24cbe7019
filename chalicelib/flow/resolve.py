"""Resolve a request: the strategy, the delivery channels and the contents that it asks for.

The order is: load, check, choose channels, render, check what was rendered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain import elements
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.errors import (
    ContentMissing,
    ContentTooLarge,
    Invalid,
    NotAuthorised,
    PlatformMissing,
    SmsTemplateWrong,
    StrategyClosed,
    StrategyDiffers,
    TemplateClosed,
    UnknownBlacklist,
    UnknownSegment,
    UnknownStrategy,
    UnknownTemplate,
    UnknownTemplateVersion,
    UnknownWhitelist,
)
from chalicelib.domain.groups import GROUPS, KINDS, Family
from chalicelib.domain.limits import MAX_CONTENT
from chalicelib.domain.messages import INLINE_TARGETS
from chalicelib.domain.strategies import Step, Strategy
from chalicelib.domain.templates import Content, Template, values_of
from chalicelib.flow import validity
from chalicelib.flow.content import attachments, render
from chalicelib.flow.delivery import quota, rate
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.select import target_of
from chalicelib.flow.validity import OpenChannel
from chalicelib.ports import World


class ResolvedElement(NamedTuple):
    """An element of a message, with what the message freezes of its delivery channel."""

    code: str  # of the element
    channel: Channel
    content: Content
    call_size: int
    worker: str  # empty where a function delivers


class ResolvedSend(NamedTuple):
    """Everything that a message is made of. Nothing of it needs to be computed again."""

    strategy: Strategy
    template: tuple[int, int]  # number and version, zeros for an ordinary message
    elements: Sequence[ResolvedElement]
    links: Mapping[str, str]  # link variable -> address
    contacts: Mapping[str, str]  # target name -> contact, where the request names contacts


def resolve(world: World, request: SendRequest) -> ResolvedSend:
    """Resolve a request, or raise the Refusal or Invalid of the first thing that is wrong."""
    _check_groups(world, request)
    stored, rule = _load_template(world, request), _load_strategy(world, request)
    opened = validity.open_channels(world, request.channel)
    types = frozenset(channel.type for channel, _ in opened)
    _check(world, request, stored, rule, types)
    template = stored or _ordinary(request, request.contacts or (rule.channels if rule else types))
    strategy = _strategy(request, template, rule)
    channels = _choose(opened, strategy.channels)
    contents, links = _render(world, request, template, strategy, channels)
    return ResolvedSend(
        strategy,
        (template.number, template.version),
        _freeze(channels, contents, links),
        links,
        _name_contacts(world, request),
    )


# -- load


def _load_template(world: World, request: SendRequest) -> Template | None:
    """Return the stored template, None for an ordinary message."""
    if request.template is None:
        return None
    template = world.settings.template(request.template)
    if template is None or template.channel_key != request.channel.key:
        raise UnknownTemplate("template_id", number=request.template)
    if request.template_version is not None:
        template = world.settings.template_version(template.number, request.template_version)
    if template is None:
        version = request.template_version
        raise UnknownTemplateVersion(
            "option.template_version", number=request.template, version=version
        )
    if ChannelType.APP in template.contents and not request.app_para.get("platform"):
        raise PlatformMissing("app_para.platform", why="the template has app content")
    return template


def _load_strategy(world: World, request: SendRequest) -> Strategy | None:
    """Return the stored strategy. A request that names contacts ignores its own.

    A strategy follows people, and of a named contact nothing else is known.
    """
    if not request.rule_id or request.contacts:
        return None
    stored = world.settings.strategy(request.rule_id)
    if stored is None or stored[0] != request.channel.key:
        raise UnknownStrategy("rule_id", number=request.rule_id)
    return stored[1]


# -- check


def _check_groups(world: World, request: SendRequest) -> None:
    """Check that the named lists and segment are the access channel's, and of the right kind."""
    for path, number, family, kinds, error in (
        ("option.black_id", request.black_id, Family.LIST, ("black",), UnknownBlacklist),
        ("option.white_id", request.white_id, Family.LIST, ("white",), UnknownWhitelist),
        ("aud_segment", request.segment, Family.SEGMENT, KINDS[Family.SEGMENT], UnknownSegment),
    ):
        if number is None:
            continue
        group = world.records.of(GROUPS[family]).get(number) if number else None
        is_usable = group and group.channel_key == request.channel.key and group.kind in kinds
        if not is_usable:
            raise error(path, number=number)


def _check(
    world: World,
    request: SendRequest,
    template: Template | None,
    rule: Strategy | None,
    opened: frozenset[ChannelType],
) -> None:
    """Check that strategy and template are open, and the contents of an ordinary message."""
    if rule and (shut := validity.closed(rule.channels, opened)):
        raise StrategyClosed("rule_id", types=shut)
    if template and (shut := validity.closed(template.contents, opened)):
        raise TemplateClosed("template_id", types=shut)
    if template is None:
        for channel_type, contents in request.contents.items():
            served = elements.served(
                channel_type, request.contacts or (rule.channels if rule else opened)
            )
            for n, content in enumerate(contents):
                _check_content(world, served, content, f"msg_{channel_type}[{n}]")


def _check_content(
    world: World, served: Sequence[ChannelType], content: Content, path: str
) -> None:
    """Check that a platform of the channel types that an element serves takes it."""
    if not any(world.providers.platforms(channel_type) for channel_type in served):
        raise NotAuthorised(path, served[0])
    try:
        render.check_plain(world, served, content)
    except Invalid as error:
        if ChannelType.SMS in served and error.field == "temp_id":
            raise SmsTemplateWrong(f"{path}.{error.field}", reason=error.reason) from error
        raise _below(path, error) from error


def _below(path: str, error: Invalid) -> Invalid:
    """Return the error with its field below `path`."""
    return Invalid(".".join(part for part in (path, error.field) if part), error.reason)


# -- choose


def _ordinary(request: SendRequest, served_types: Collection[ChannelType]) -> Template:
    """Build the template of an ordinary message, which has no variables."""
    contents: dict[ChannelType, Sequence[Content]] = dict(request.contents)
    if ChannelType.WECHATWK in contents:
        of_both = contents.pop(ChannelType.WECHATWK)
        contents |= dict.fromkeys(elements.served(ChannelType.WECHATWK, served_types), of_both)
    return Template(0, 0, request.channel.key, "", contents)


def _strategy(request: SendRequest, template: Template, rule: Strategy | None) -> Strategy:
    """Choose the strategy: the stored one, or one step with all channel types."""
    if request.contacts:
        _check_contact_types(request, template)
        return Strategy((Step(tuple(request.contacts)),))
    if rule and set(rule.channels) != set(template.contents):
        raise StrategyDiffers("rule_id", of="message" if request.template is None else "template")
    return rule or Strategy((Step(tuple(template.contents)),))


def _check_contact_types(request: SendRequest, template: Template) -> None:
    """Check that each type of contacts has content, and in an ordinary message the reverse."""
    is_ordinary = request.template is None
    for kind in request.contacts:
        if kind not in template.contents:
            needs = _msg(kind) if is_ordinary else "content in the template"
            raise ContentMissing(f"aud_{kind}", needs=needs)
    for kind in template.contents if is_ordinary else ():
        if kind not in request.contacts:
            raise ContentMissing(f"msg_{kind}", needs=f"aud_{kind}")


def _choose(opened: Sequence[OpenChannel], types: Sequence[ChannelType]) -> list[OpenChannel]:
    """Choose the delivery channels of each type. NotAuthorised: a type has none.

    Contacts that are not bound by code have one delivery channel per type: the first by code.
    """
    for kind in types:
        if not any(channel.type is kind for channel, _ in opened):
            raise NotAuthorised(_msg(kind), kind)
    chosen: dict[str, OpenChannel] = {}
    for candidate in opened:
        channel = candidate.channel
        if channel.type in types:
            key = channel.code if channel.type.bound_by_code else channel.type.value
            chosen.setdefault(key, candidate)
    return list(chosen.values())


# -- render, and check what was rendered


def _render(
    world: World,
    request: SendRequest,
    template: Template,
    strategy: Strategy,
    channels: Sequence[OpenChannel],
) -> tuple[Mapping[str, Content], Mapping[str, str]]:
    """Return the contents by code of the element, and their links."""
    is_ordinary, clicks = request.template is None, _click_types(request, strategy)
    values = {} if is_ordinary else values_of(template, request.template_para)
    contents, links = dict[str, Content](), dict[str, str]()
    for target in channels:
        platform = target.channel.platform
        try:
            rendered, links = render.prepare(world, template, values, [target], links, clicks)
        except Invalid as error:
            path = _msg(target.channel.type) if is_ordinary else "template_id"
            reason = "{platform} takes none of it ({field}: {reason})"
            raise Invalid(path, reason, platform=platform, **vars(error)) from error
        contents |= rendered
        for content in rendered.values():
            _check_rendered(world, request, target, content, links)
    if len(contents) > render.MAX_ELEMENTS:
        reason = "more than {most} elements on all delivery channels together"
        raise Invalid("body" if is_ordinary else "template_id", reason, most=render.MAX_ELEMENTS)
    if render.size(contents) > MAX_CONTENT:
        raise ContentTooLarge("body" if is_ordinary else "template_para", limit=MAX_CONTENT)
    return contents, links


def _click_types(request: SendRequest, strategy: Strategy) -> Collection[ChannelType]:
    """Return the channel types on which a call for each person is worth knowing who clicks.

    A strategy asks about some. All count where few people are named, or a test compares clicks.
    """
    is_all = 0 < request.named <= INLINE_TARGETS or (request.split and request.split.clicks)
    return frozenset(ChannelType) if is_all else strategy.clicks


def _check_rendered(
    world: World,
    request: SendRequest,
    target: OpenChannel,
    content: Content,
    links: Mapping[str, str],
) -> None:
    """Check a complete content: values may be too long, or empty, for a field of the template."""
    channel, is_ordinary = target.channel, request.template is None
    if not is_ordinary:
        try:
            render.check_complete(world, target.provider, content, links)
        except Invalid as error:
            with_values = {"platform": channel.platform, **vars(error)}
            reason = "with these values {platform} does not take the content ({field}: {reason})"
            raise Invalid("template_para", reason, **with_values) from error
    files = content.get("files") if channel.type is ChannelType.EMAIL else None
    try:
        attachments.check(world, request.channel.key, files if isinstance(files, list) else ())
    except Invalid as error:
        raise _below(_msg(channel.type) if is_ordinary else "template_para", error) from error


def _msg(channel_type: ChannelType) -> str:
    return f"msg_{elements.ENTERPRISE[0] if channel_type in elements.ENTERPRISE else channel_type}"


# -- freeze


def _freeze(
    channels: Sequence[OpenChannel], contents: Mapping[str, Content], links: Mapping[str, str]
) -> list[ResolvedElement]:
    targets = {target.channel.code: target for target in channels}
    frozen: list[ResolvedElement] = []
    for code, content in contents.items():
        channel, provider = targets[elements.channel_of(code)]
        limits = provider.capabilities
        is_shared = limits.content_per_recipient or not render.is_personal(content, links)
        size = quota.call_size(channel, limits, limits.call_size if is_shared else 1)
        size = rate.call_size(channel, limits, size)
        frozen.append(ResolvedElement(code, channel, content, size, limits.worker))
    return frozen


def _name_contacts(world: World, request: SendRequest) -> Mapping[str, str]:
    """Return the named contacts by the names of their targets, one HMAC each."""
    names: dict[str, str] = {}
    for kind, contacts in request.contacts.items():
        names |= {target_of(world.vault, kind, contact): contact for contact in contacts}
    return names
