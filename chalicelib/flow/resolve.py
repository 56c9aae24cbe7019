"""1b. What a request asks for: its contents, strategy and delivery channels. Raises a Refusal or Invalid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType, Priority
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
from chalicelib.domain.groups import KINDS, Family
from chalicelib.domain.messages import INLINE_TARGETS
from chalicelib.domain.strategies import Step, Strategy
from chalicelib.domain.templates import Content, Template, values_of
from chalicelib.flow import validity
from chalicelib.flow.content import attachments, render
from chalicelib.ports import World

CONTENT_LIMIT = 256 * 1024  # bytes of a message's contents, so that it stays one item

# UMS has one `msg_wechatwk` for both.
ENTERPRISE = (ChannelType.WECHATWK, ChannelType.WECHATWK_LINKEDCORP)


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """A send, already checked for shape: of a template or, where `template` is None, of an ordinary message with its own contents."""

    channel: AccessChannel
    userids: tuple[str, ...] = ()
    contacts: Mapping[ChannelType, Sequence[str]] = field(
        default_factory=dict, repr=False
    )  # named by what a channel knows them by
    tags: tuple[str, ...] = ()
    segment: int | None = None
    everyone: bool = False
    label: str = ""  # the name of the contact label to use where a user has one
    template: int | None = None
    template_version: int | None = None  # None: the newest
    template_para: Mapping[str, Any] = field(default_factory=dict, repr=False)
    contents: Mapping[ChannelType, Sequence[Content]] = field(
        default_factory=dict, repr=False
    )  # of an ordinary message: alternatives
    app_para: Mapping[str, Any] = field(default_factory=dict)
    rule_id: int = 0
    sendno: str = ""
    owner: str = ""
    priority: Priority = Priority.MEDIUM
    black_id: int | None = None
    white_id: int | None = None
    callback: Mapping[str, Any] = field(default_factory=dict)


class ResolvedSend(NamedTuple):
    """What a message is made of."""

    strategy: Strategy
    channels: Sequence[Channel]
    contents: Mapping[str, Content]  # by code of the delivery channel
    links: Mapping[str, str]
    template: tuple[int, int]


def resolve(world: World, request: SendRequest) -> ResolvedSend:
    _check_groups(world, request)
    enabled = validity.open_channels(world, request.channel)
    opened = frozenset(c.type for c in enabled)
    template = _template(world, request) if request.template is not None else None
    rule = _rule(world, request, opened)
    if template is None:
        template = _ordinary(
            world, request, request.contacts or (rule.channels if rule else opened)
        )
    elif shut := validity.closed(template.contents, opened):
        raise TemplateClosed("template_id", types=shut)
    strategy = _strategy(request, template, rule)
    channels = _channels(enabled, strategy.channels)
    contents, links = _contents(
        world, request, template, channels, _worth_a_call(request, strategy)
    )
    return ResolvedSend(strategy, channels, contents, links, (template.number, template.version))


def _check_groups(world: World, request: SendRequest) -> None:
    """The lists and the segment that are named: the access channel's own, and of the kind that is asked for."""
    for path, number, family, kinds, error in (
        ("option.black_id", request.black_id, Family.LIST, ("black",), UnknownBlacklist),
        ("option.white_id", request.white_id, Family.LIST, ("white",), UnknownWhitelist),
        ("aud_segment", request.segment, Family.SEGMENT, KINDS[Family.SEGMENT], UnknownSegment),
    ):
        found = world.groups.get(family, number) if number else None
        if number is not None and (
            found is None or found.channel_key != request.channel.key or found.kind not in kinds
        ):
            raise error(path, number=number)


def _template(world: World, request: SendRequest) -> Template:
    template = world.settings.template(request.template or 0)
    if template is None or template.channel_key != request.channel.key:
        raise UnknownTemplate("template_id", number=request.template)
    if request.template_version is not None:
        template = world.settings.template_version(template.number, request.template_version)
        if template is None:
            raise UnknownTemplateVersion(
                "option.template_version",
                number=request.template,
                version=request.template_version,
            )
    if ChannelType.APP in template.contents and not request.app_para.get("platform"):
        raise PlatformMissing("app_para.platform", why="the template has app content")
    return template


def _ordinary(world: World, request: SendRequest, wanted: Collection[ChannelType]) -> Template:
    """An ordinary message as a template without variables. Of the two types of WeCom it has those that are wanted."""
    for kind, given in request.contents.items():
        for n, one in enumerate(given):
            _check(world, kind, one, f"msg_{kind}[{n}]")
    contents: dict[ChannelType, Sequence[Content]] = dict(request.contents)
    if ChannelType.WECHATWK in contents:
        given = contents.pop(ChannelType.WECHATWK)
        contents |= dict.fromkeys(
            [kind for kind in ENTERPRISE if kind in wanted] or ENTERPRISE[:1], given
        )
    return Template(0, 0, request.channel.key, "", contents)


def _check(world: World, kind: ChannelType, one: Content, path: str) -> None:
    if not world.providers.platforms(kind):
        raise NotAuthorised(path, kind)
    try:
        render.check_plain(world, kind, one)
    except Invalid as error:
        is_sms_template = kind is ChannelType.SMS and error.field == "temp_id"
        if is_sms_template:
            raise SmsTemplateWrong(f"{path}.{error.field}", reason=error.reason) from error
        raise _below(path, error) from error


def _below(path: str, error: Invalid) -> Invalid:
    """Return the error with its field below `path`."""
    return Invalid(".".join(part for part in (path, error.field) if part), error.reason)


def _rule(world: World, request: SendRequest, opened: frozenset[ChannelType]) -> Strategy | None:
    if (
        not request.rule_id or request.contacts
    ):  # a strategy follows people; of these only a contact is known
        return None
    found = world.settings.strategy(request.rule_id)
    if found is None or found[0] != request.channel.key:
        raise UnknownStrategy("rule_id", number=request.rule_id)
    if shut := validity.closed(found[1].channels, opened):
        raise StrategyClosed("rule_id", types=shut)
    return found[1]


def _strategy(request: SendRequest, template: Template, rule: Strategy | None) -> Strategy:
    if request.contacts:
        return Strategy((Step(_named(request, template)),))
    if rule is None:
        return Strategy((Step(tuple(template.contents)),))
    if set(rule.channels) != set(template.contents):
        raise StrategyDiffers("rule_id", of="message" if request.template is None else "template")
    return rule


def _named(request: SendRequest, template: Template) -> tuple[ChannelType, ...]:
    """The types of contacts that are named. Each needs content; and content of an ordinary message needs somebody to go to."""
    for kind in request.contacts:
        if kind not in template.contents:
            what = _msg(kind) if request.template is None else "content in the template"
            raise ContentMissing(f"aud_{kind}", needs=what)
    for kind in template.contents if request.template is None else ():
        if kind not in request.contacts:
            raise ContentMissing(f"msg_{kind}", needs=f"aud_{kind}")
    return tuple(request.contacts)


def _check_filled(world: World, channel: Channel, made: Content, links: Mapping[str, str]) -> None:
    """Values may be too long, or empty, for a field that the template was good for."""
    try:
        render.check_complete(world, channel, made, links)
    except Invalid as error:
        reason = f"with these values {channel.platform} does not take the content ({error.field}: {error.reason})"
        raise Invalid("template_para", reason) from error


def _check_files(world: World, request: SendRequest, channel: Channel, made: Content) -> None:
    files = made.get("files") if channel.type is ChannelType.EMAIL else None
    try:
        attachments.check(world, request.channel.key, files if isinstance(files, list) else ())
    except Invalid as error:
        raise _below(
            "template_para" if request.template is not None else _msg(channel.type), error
        ) from error


def _msg(kind: ChannelType) -> str:
    return f"msg_{ENTERPRISE[0] if kind in ENTERPRISE else kind}"


def _channels(enabled: Sequence[Channel], kinds: Sequence[ChannelType]) -> list[Channel]:
    """The delivery channels that serve each type; raises NotAuthorised when a type has none."""
    for kind in kinds:
        if not any(c.type is kind for c in enabled):
            raise NotAuthorised(_msg(kind), kind)
    chosen: dict[str, Channel] = {}
    for channel in enabled:
        if channel.type in kinds:
            # Contacts that are not bound by code have one delivery channel per type; the first by code, should there be more.
            key = channel.code if channel.type.bound_by_code else channel.type.value
            chosen.setdefault(key, channel)
    return list(chosen.values())


def _worth_a_call(request: SendRequest, strategy: Strategy) -> Collection[ChannelType]:
    """Where it is worth a call for each person to know who clicks: where the strategy asks for it, and anywhere if they are few."""
    named = len(request.userids) or sum(len(contacts) for contacts in request.contacts.values())
    return frozenset(ChannelType) if 0 < named <= INLINE_TARGETS else strategy.clicks


def _contents(
    world: World,
    request: SendRequest,
    template: Template,
    channels: Sequence[Channel],
    worth: Collection[ChannelType],
) -> tuple[Mapping[str, Content], Mapping[str, str]]:
    values: Mapping[str, str] = {}
    if request.template is not None:
        values = values_of(template, request.template_para)
    contents: dict[str, Content] = {}
    links: dict[str, str] = {}
    for channel in channels:
        try:
            made, links = render.prepare(world, template, values, [channel], links, worth)
        except Invalid as error:
            path = "template_id" if request.template is not None else _msg(channel.type)
            reason = f"{channel.platform} takes none of it ({error.field}: {error.reason})"
            raise Invalid(path, reason) from error
        if request.template is not None:
            _check_filled(world, channel, made[channel.code], links)
        _check_files(world, request, channel, made[channel.code])
        contents |= made
    if render.size(contents) > CONTENT_LIMIT:
        path = "template_para" if request.template is not None else "body"
        raise ContentTooLarge(path, limit=CONTENT_LIMIT)
    return contents, links
