"""1b. What a request asks for: its contents, strategy and delivery channels. Raises Refused with UMS's business codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType, Priority
from chalicelib.domain.errors import Invalid, Refused
from chalicelib.domain.groups import KINDS, Family
from chalicelib.domain.messages import INLINE_TARGETS
from chalicelib.domain.strategies import Step, Strategy
from chalicelib.domain.templates import Content, Template, values_of
from chalicelib.flow import validity
from chalicelib.flow.content import attachments, render
from chalicelib.ports import World

# UMS business codes: docs.jiguang.cn/jums, "message_code" (2021-12-15). WeCom has none there, hence codes of our own.
NOT_AUTHORISED = {
    ChannelType.APP: 1015006,
    ChannelType.SMS: 1015007,
    ChannelType.WECHATOA: 1015008,
    ChannelType.WECHATMP: 1015009,
    ChannelType.EMAIL: 1015010,
    ChannelType.ALIPAY_LIFE: 1015011,
    ChannelType.DINGTALK_CC: 1015012,
    ChannelType.WECHATWK: 1019013,
    ChannelType.WECHATWK_LINKEDCORP: 1019014,
}
PARAMETER, NO_TEMPLATE, PLATFORM_MISSING, SMS_TEMPLATE = 4004, 1015031, 1015084, 1015095
STRATEGY_INVALID, TEMPLATE_INVALID = 1015026, 1015073
STRATEGY_DIFFERS, CHANNELS_DIFFER = 1019001, 1019003
NO_BLACKLIST, NO_WHITELIST, NO_SEGMENT = 1015046, 1019005, 1019006
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
        raise Refused(
            TEMPLATE_INVALID,
            f"template_id: 通用模板已失效 ({_no_channel(shut)})",
            field="template_id",
        )
    strategy = _strategy(request, template, rule)
    channels = _channels(enabled, strategy.channels)
    contents, links = _contents(
        world, request, template, channels, _worth_a_call(request, strategy)
    )
    return ResolvedSend(strategy, channels, contents, links, (template.number, template.version))


def _check_groups(world: World, request: SendRequest) -> None:
    """The lists and the segment that are named: the access channel's own, and of the kind that is asked for."""
    for path, number, family, kinds, code in (
        ("option.black_id", request.black_id, Family.LIST, ("black",), NO_BLACKLIST),
        ("option.white_id", request.white_id, Family.LIST, ("white",), NO_WHITELIST),
        ("aud_segment", request.segment, Family.SEGMENT, KINDS[Family.SEGMENT], NO_SEGMENT),
    ):
        found = world.groups.get(family, number) if number else None
        if number is not None and (
            found is None or found.channel_key != request.channel.key or found.kind not in kinds
        ):
            raise Refused(code, f"{path}: 不存在 ({number} does not exist)", field=path)


def _template(world: World, request: SendRequest) -> Template:
    template = world.settings.template(request.template or 0)
    if template is None or template.channel_key != request.channel.key:
        raise Refused(
            NO_TEMPLATE,
            f"模板ID不存在 (template_id {request.template} does not exist)",
            field="template_id",
        )
    if request.template_version is not None:
        template = world.settings.template_version(template.number, request.template_version)
        if template is None:
            path = "option.template_version"
            raise Refused(
                PARAMETER,
                f"{path}: template_id {request.template} has no version {request.template_version}",
                field=path,
            )
    if ChannelType.APP in template.contents and not request.app_para.get("platform"):
        raise Refused(
            PLATFORM_MISSING,
            "app_para.platform 缺失 (required: the template has app content)",
            field="app_para.platform",
        )
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
        raise Refused(
            NOT_AUTHORISED[kind], f"{path}: nothing delivers on this channel type yet", field=path
        )
    try:
        render.check_plain(world, kind, one)
    except Invalid as error:
        is_sms_template = kind is ChannelType.SMS and error.field == "temp_id"
        raise _wrong(path, error, SMS_TEMPLATE if is_sms_template else PARAMETER) from error


def _wrong(path: str, error: Invalid, code: int = PARAMETER) -> Refused:
    name = ".".join(part for part in (path, error.field) if part)
    return Refused(code, f"{name}: {error.reason}", field=name)


def _rule(world: World, request: SendRequest, opened: frozenset[ChannelType]) -> Strategy | None:
    if (
        not request.rule_id or request.contacts
    ):  # a strategy follows people; of these only a contact is known
        return None
    found = world.settings.strategy(request.rule_id)
    if found is None or found[0] != request.channel.key:
        raise Refused(
            STRATEGY_INVALID,
            f"发送策略已失效 (rule_id {request.rule_id} does not exist)",
            field="rule_id",
        )
    if shut := validity.closed(found[1].channels, opened):
        raise Refused(
            STRATEGY_INVALID, f"rule_id: 发送策略已失效 ({_no_channel(shut)})", field="rule_id"
        )
    return found[1]


def _no_channel(kinds: Sequence[ChannelType]) -> str:
    return f"no delivery channel for {', '.join(kinds)} is authorised and enabled"


def _strategy(request: SendRequest, template: Template, rule: Strategy | None) -> Strategy:
    if request.contacts:
        return Strategy((Step(_named(request, template)),))
    if rule is None:
        return Strategy((Step(tuple(template.contents)),))
    if set(rule.channels) != set(template.contents):
        what = "the message's" if request.template is None else "the template's"
        raise Refused(
            STRATEGY_DIFFERS,
            f"rule_id: the strategy's channels and {what} channels must be the same",
            field="rule_id",
        )
    return rule


def _named(request: SendRequest, template: Template) -> tuple[ChannelType, ...]:
    """The types of contacts that are named. Each needs content; and content of an ordinary message needs somebody to go to."""
    for kind in request.contacts:
        if kind not in template.contents:
            what = _msg(kind) if request.template is None else "content in the template"
            raise Refused(CHANNELS_DIFFER, f"aud_{kind}: needs {what}", field=f"aud_{kind}")
    for kind in template.contents if request.template is None else ():
        if kind not in request.contacts:
            raise Refused(
                CHANNELS_DIFFER,
                f"msg_{kind}: needs aud_{kind}, since registration ids are given",
                field=f"msg_{kind}",
            )
    return tuple(request.contacts)


def _check_filled(world: World, channel: Channel, made: Content, links: Mapping[str, str]) -> None:
    """Values may be too long, or empty, for a field that the template was good for."""
    try:
        render.check_complete(world, channel, made, links)
    except Invalid as error:
        reason = f"template_para: with these values {channel.platform} does not take the content ({error.field}: {error.reason})"
        raise Refused(PARAMETER, reason, field="template_para") from error


def _check_files(world: World, request: SendRequest, channel: Channel, made: Content) -> None:
    files = made.get("files") if channel.type is ChannelType.EMAIL else None
    try:
        attachments.check(world, request.channel.key, files if isinstance(files, list) else ())
    except Invalid as error:
        raise _wrong(
            "template_para" if request.template is not None else _msg(channel.type), error
        ) from error


def _msg(kind: ChannelType) -> str:
    return f"msg_{ENTERPRISE[0] if kind in ENTERPRISE else kind}"


def _channels(enabled: Sequence[Channel], kinds: Sequence[ChannelType]) -> list[Channel]:
    """The delivery channels that serve each type; raises Refused when a type has none."""
    for kind in kinds:
        if not any(c.type is kind for c in enabled):
            raise Refused(
                NOT_AUTHORISED[kind], f"{_msg(kind)}: {_no_channel([kind])}", field=_msg(kind)
            )
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
        try:
            values = values_of(template, request.template_para)
        except Invalid as error:
            raise _wrong("", error) from error
    contents: dict[str, Content] = {}
    links: dict[str, str] = {}
    for channel in channels:
        try:
            made, links = render.prepare(world, template, values, [channel], links, worth)
        except Invalid as error:
            path = "template_id" if request.template is not None else _msg(channel.type)
            reason = f"{path}: {channel.platform} takes none of it ({error.field}: {error.reason})"
            raise Refused(PARAMETER, reason, field=path) from error
        if request.template is not None:
            _check_filled(world, channel, made[channel.code], links)
        _check_files(world, request, channel, made[channel.code])
        contents |= made
    if render.size(contents) > CONTENT_LIMIT:
        path = "template_para" if request.template is not None else "body"
        raise Refused(PARAMETER, f"{path}: the contents exceed {CONTENT_LIMIT} bytes", field=path)
    return contents, links
