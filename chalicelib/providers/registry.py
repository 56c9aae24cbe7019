"""Which provider speaks to which platform. A provider is imported when it is asked for, and kept for the life of a container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from chalicelib.domain.channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.sending import Capabilities
from chalicelib.flow.ports import Provider
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.web.egress import Policy

ALONE = AccessTokens(MemoryTokens())  # for who only wants to know what a provider can do


def _jpush(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.app.jpush import JPush
    from chalicelib.web.http import Http

    return JPush(Http(policy, timeout))


def _jpush_private(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.app.jpush import JPush
    from chalicelib.web.http import Http

    return JPush(Http(policy, timeout), platform="jpush_private")


def _jsms(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.sms.jsms import Jsms
    from chalicelib.web.http import Http

    return Jsms(Http(policy, timeout))


def _cmpp(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.sms.cmpp import Cmpp

    return Cmpp(policy, timeout)


def _smtp(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.email.smtp import Smtp

    return Smtp(policy, timeout)


def _wecom(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.wecom.wecom import WeCom
    from chalicelib.web.http import Http

    return WeCom(Http(policy, timeout), tokens)


def _wecom_linkedcorp(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.wecom.linkedcorp import LinkedCorp
    from chalicelib.web.http import Http

    return LinkedCorp(Http(policy, timeout), tokens)


def _dingtalk(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.dingtalk.dingtalk import DingTalk
    from chalicelib.web.http import Http

    return DingTalk(Http(policy, timeout), tokens)


_PLATFORMS: Mapping[str, Callable[[Policy, float, AccessTokens], Provider]] = {
    "jpush": _jpush,
    "jpush_private": _jpush_private,
    "jsms": _jsms,
    "cmpp": _cmpp,
    "smtp": _smtp,
    "wecom": _wecom,
    "wecom_linkedcorp": _wecom_linkedcorp,
    "dingtalk": _dingtalk,
}


@cache
def load(platform: str, policy: Policy, timeout: float = 10.0, tokens: AccessTokens = ALONE) -> Provider:
    """The provider of a platform, the same one each time; raises Invalid for a platform that nobody speaks to."""
    make = _PLATFORMS.get(platform)
    if make is None:
        raise Invalid("platform", "must be one of " + ", ".join(sorted(_PLATFORMS)))
    return make(policy, timeout, tokens)


def capabilities() -> Mapping[str, Capabilities]:
    """What every platform can do: the support matrix."""
    return {platform: load(platform, Policy()).capabilities for platform in _PLATFORMS}


def platforms_of(channel_type: ChannelType) -> tuple[str, ...]:
    return tuple(platform for platform, can in capabilities().items() if can.type is channel_type)
