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


def _smtp(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.email.smtp import Smtp

    return Smtp(policy, timeout)


def _alipay(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.alipay_life.alipay import Alipay
    from chalicelib.web.http import Http

    return Alipay(Http(policy, timeout))


def _chuanglan(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.sms.chuanglan import Chuanglan
    from chalicelib.web.http import Http

    return Chuanglan(Http(policy, timeout))


def _montnets(policy: Policy, timeout: float, tokens: AccessTokens) -> Provider:
    from chalicelib.providers.sms.montnets import Montnets
    from chalicelib.web.http import Http

    return Montnets(Http(policy, timeout))


_PLATFORMS: Mapping[str, Callable[[Policy, float, AccessTokens], Provider]] = {
    "jpush": _jpush,
    "jpush_private": _jpush_private,
    "jsms": _jsms,
    "smtp": _smtp,
    "alipay": _alipay,
    "chuanglan": _chuanglan,
    "montnets": _montnets,
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
