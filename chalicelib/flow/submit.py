"""1. Accept a request once: check it, store it, start it."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain import audiences, keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.channels import AccessChannel, Channel, ChannelType, Priority
from chalicelib.domain.errors import Conflict, Invalid, Refused
from chalicelib.domain.jobs import Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.pages import Page
from chalicelib.domain.plans import PageId, Plan
from chalicelib.domain.strategy import Step, Strategy
from chalicelib.domain.templates import Template, values_of
from chalicelib.domain.users import ALL
from chalicelib.flow import audience, content, dispatch
from chalicelib.flow.ports import World

log = logging.getLogger("openums")

# UMS business codes: docs.jiguang.cn/jums, "message_code" (2021-12-15). WeCom has none there, hence codes of our own.
NOT_AUTHORISED = {
    ChannelType.APP: 1015006, ChannelType.SMS: 1015007, ChannelType.WECHATOA: 1015008, ChannelType.WECHATMP: 1015009,
    ChannelType.EMAIL: 1015010, ChannelType.ALIPAY_LIFE: 1015011, ChannelType.DINGTALK_CC: 1015012,
    ChannelType.WECHATWK: 1019013, ChannelType.WECHATWK_LINKEDCORP: 1019014,
}  # fmt: skip
PARAMETER, NO_TEMPLATE, STRATEGY_INVALID, PLATFORM_MISSING = 4004, 1015031, 1015026, 1015084
STRATEGY_DIFFERS = 1019001
PER_WALKER, MAX_WALKERS = 50_000, 16  # users that one walker comes by; walkers of one message
CONTENT_LIMIT = 256 * 1024  # bytes of a message's contents, so that it stays one item


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """A template send, already checked for shape."""

    channel: AccessChannel
    userids: tuple[str, ...] = ()
    contacts: Mapping[ChannelType, Sequence[str]] = field(default_factory=dict, repr=False)  # named by what a channel knows them by
    tags: tuple[str, ...] = ()
    segment: int | None = None
    everyone: bool = False
    label: str = ""  # the name of the contact label to use where a user has one
    template: int
    template_para: Mapping[str, Any]
    app_para: Mapping[str, Any] = field(default_factory=dict)
    rule_id: int = 0
    sendno: str = ""
    owner: str = ""
    priority: Priority = Priority.MEDIUM
    black_id: int | None = None
    white_id: int | None = None
    callback: Mapping[str, Any] = field(default_factory=dict)


def submit(world: World, request: SendRequest) -> str:
    """The new message's id; raises Refused, and then nothing is stored. Three AWS calls where settings are cached."""
    message = _message(world, request)
    contacts = tuple(_contacts(world, request).values())
    for _ in range(3):
        plan = audience.make_plan(world, message, 0, "", contacts) if message.inline else None
        first_look = Timer(message.accepted + world.limits.check_after * 1000, TimerKind.LOOK, PageId(message.msgid, 0), message.priority)
        try:
            world.messages.create(message, plan, first_look, contacts)
            break
        except Conflict:  # another message has the same random bits in the same millisecond
            message = replace(message, msgid=_new_id(message.accepted))
    else:
        raise Refused(5000, "no free message id, please try again", status=503)
    try:
        world.queues.send(_first_jobs(message, plan))
    except Exception as error:
        log.error("first_jobs_not_sent", exc_info=error, extra={"msgid": message.msgid})
    log.info(
        "message_accepted",
        extra={
            "msgid": message.msgid,
            "channel_key": message.channel_key,
            "targets": len(message.userids),
            "audience": message.audience.kind.value,
        },
    )
    return message.msgid


def _new_id(now: int) -> str:
    return keys.message_id(now, secrets.token_bytes(4))


def _message(world: World, request: SendRequest) -> Message:
    template = world.settings.template(request.template)
    if template is None or template.channel_key != request.channel.key:
        raise Refused(NO_TEMPLATE, f"模板ID不存在 (template_id {request.template} does not exist)", field="template_id")
    strategy = _strategy(world, request, template)
    channels = _channels(world, request.channel, strategy.channels)
    values = _values(template, request)
    if ChannelType.APP in template.contents and not request.app_para.get("platform"):
        raise Refused(PLATFORM_MISSING, "app_para.platform 缺失 (required: the template has app content)", field="app_para.platform")
    contents, links = content.prepare(world, template, values, channels)
    if content.size(contents) > CONTENT_LIMIT:
        raise Refused(PARAMETER, f"template_para: with these values, the contents exceed {CONTENT_LIMIT} bytes", field="template_para")
    now = world.clock.now()
    workers = {c.code: world.providers.of(c.platform).capabilities.worker for c in channels}
    return Message(
        msgid=_new_id(now), channel_key=request.channel.key, accepted=now, priority=request.priority, strategy=strategy,
        channels={c.code: c.type for c in channels}, call_sizes={c.code: _call_size(world, c, contents) for c in channels},
        contents=contents, links=links, userids=request.userids or tuple(_contacts(world, request)), audience=_audience(world, request),
        labels={c.code: c.labels_to_try(request.label) for c in channels},
        expires=now // 1000 + strategy.length + world.limits.history_days * 86400,
        template=(template.number, template.version), rule_id=request.rule_id, app_para=request.app_para, sendno=request.sendno,
        owner=request.owner, black_id=request.black_id, white_id=request.white_id, callback=request.callback,
        workers={code: worker for code, worker in workers.items() if worker},
    )  # fmt: skip


def _contacts(world: World, request: SendRequest) -> Mapping[str, str]:
    """The contacts that are named, by the names of their targets, which tell nothing: the type and the contact's HMAC."""

    def name(kind: ChannelType, contact: str) -> str:
        return keys.join(kind.value, world.vault.mac("target", contact.encode("utf-8", "surrogatepass")).hex()[:16])

    return {name(kind, contact): contact for kind, contacts in request.contacts.items() for contact in contacts}


def _audience(world: World, request: SendRequest) -> Audience:
    if request.contacts:
        return Audience(AudienceKind.CONTACTS)
    if request.userids:
        return Audience()
    if request.everyone:
        return Audience(AudienceKind.EVERYONE, walkers=_walkers(world.users.estimate()))
    if request.segment is not None:
        sets: tuple[str, ...] = (audiences.segment(request.segment),)
    else:
        sets = tuple(dict.fromkeys(_tag(world, request.channel, name) for name in request.tags))
    return Audience(AudienceKind.SETS, sets, _walkers(world.audiences.estimate(sets)))


def _tag(world: World, access: AccessChannel, name: str) -> str:
    """The tag as it is bound to the access channel; where nobody has it so, as it is bound to all."""
    own = audiences.tag(access.key, name)
    return own if world.audiences.walk([own], range(keys.BUCKETS), "", 1) else audiences.tag(ALL, name)


def _walkers(size: int) -> int:
    return min(MAX_WALKERS, max(1, math.ceil(size / PER_WALKER)))


def _strategy(world: World, request: SendRequest, template: Template) -> Strategy:
    if not request.rule_id or request.contacts:  # a strategy follows people; of these only a contact is known
        return Strategy((Step(tuple(template.contents)),))
    found = world.settings.strategy(request.rule_id)
    if found is None or found[0] != request.channel.key:
        raise Refused(STRATEGY_INVALID, f"发送策略已失效 (rule_id {request.rule_id} does not exist)", field="rule_id")
    if set(found[1].channels) != set(template.contents):
        raise Refused(STRATEGY_DIFFERS, "rule_id: the strategy's channels and the template's channels must be the same", field="rule_id")
    return found[1]


def _channels(world: World, access: AccessChannel, kinds: Sequence[ChannelType]) -> list[Channel]:
    """The delivery channels that serve each type; raises Refused when a type has none."""
    enabled = [c for code in access.enabled_codes() if (c := world.settings.channel(code)) is not None]
    for kind in kinds:
        if not any(c.type is kind for c in enabled):
            raise Refused(NOT_AUTHORISED[kind], f"{kind}: no delivery channel of this type is authorised and enabled", field="template_id")
    chosen: dict[str, Channel] = {}
    for channel in enabled:
        if channel.type in kinds:
            # Contacts that are not bound by code have one delivery channel per type; the first by code, should there be more.
            key = channel.code if channel.type.bound_by_code else channel.type.value
            chosen.setdefault(key, channel)
    return list(chosen.values())


def _values(template: Template, request: SendRequest) -> Mapping[str, str]:
    try:
        return values_of(template, request.template_para)
    except Invalid as error:
        raise Refused(PARAMETER, f"{error.field}: {error.reason}", field=error.field) from error


def _call_size(world: World, channel: Channel, contents: Mapping[ChannelType, Mapping[str, Any]]) -> int:
    able = world.providers.of(channel.platform).capabilities
    return able.call_size if able.content_per_recipient or not content.is_personal(contents[channel.type]) else 1


def _first_jobs(message: Message, plan: Plan | None) -> list[Envelope]:
    """The delivery jobs themselves when one queue takes them all; else jobs that plan and send them on."""
    if plan is None or plan.next is not None:
        return audience.first_jobs(message)
    envelopes = dispatch.jobs(message, Page(plan), 0, 0)
    one_queue = len({(e.channel_type, e.worker) for e in envelopes}) == 1
    if one_queue and not audience.somebody_cannot_start(message, plan):
        return envelopes
    return audience.first_jobs(message) if plan.valid else []
