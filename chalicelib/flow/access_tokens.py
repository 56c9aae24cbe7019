"""A provider's own access token, for senders who call the provider besides. Only delivery functions can open what fetches one."""

from __future__ import annotations

import time
from collections.abc import Callable

from chalicelib.domain import keys
from chalicelib.domain.channels import AccessChannel, ChannelType, Priority
from chalicelib.domain.errors import Refused
from chalicelib.domain.jobs import Envelope, TokenJob
from chalicelib.domain.sending import Token
from chalicelib.flow.ports import World
from chalicelib.flow.resolve import NOT_AUTHORISED
from chalicelib.flow.sessions import connect

TYPES = {
    "wechatoa": ChannelType.WECHATOA, "wechatmp": ChannelType.WECHATMP, "dingtalkcc": ChannelType.DINGTALK_CC,
    "dingtalk_cc": ChannelType.DINGTALK_CC, "wechatwk": ChannelType.WECHATWK,
}  # fmt: skip
PATIENCE, PAUSE = 8.0, 0.25  # seconds
NOT_THERE = 1019052


def token(world: World, access: AccessChannel, kind: ChannelType, sleep: Callable[[float], None] = time.sleep) -> Token:
    """The token of the first delivery channel of this type; raises Refused where there is none, or none can be had in time."""
    codes = access.enabled_codes()
    channel = next((c for code in codes if (c := world.settings.channel(code)) is not None and c.type is kind), None)
    if channel is None:
        raise Refused(NOT_AUTHORISED[kind], f"{kind}: no delivery channel of this type is authorised and enabled", field="type")
    name, asked = keys.join(channel.code, "access"), False
    for _ in range(int(PATIENCE / PAUSE)):
        found = world.tokens.read(name)
        if found is not None:
            return found
        if not asked:
            world.queues.send([Envelope(TokenJob(channel.code), Priority.HIGH, kind, access.key)])
            asked = True
        sleep(PAUSE)
    raise Refused(NOT_THERE, "the provider has not given a token in time; please try again", field="type", status=503)


def fetch(world: World, job: TokenJob) -> None:
    """In a delivery function: make sure that there is one. The provider keeps what it fetches where the API finds it."""
    channel = world.settings.channel(job.channel)
    if channel is not None:
        with connect(world, channel) as session:
            session.access_token()
