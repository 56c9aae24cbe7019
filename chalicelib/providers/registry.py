"""Providers by the name of their platform.

A provider is imported when it is first used, and kept for the life of a container.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Capabilities
from chalicelib.ports import OwnRole, Provider
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.web.egress import Policy

if TYPE_CHECKING:
    from chalicelib.web.http import Http

ALONE = AccessTokens(MemoryTokens())  # enough to read the capabilities of a provider


class ProviderDeps(NamedTuple):
    """Dependencies of a provider."""

    policy: Policy
    timeout: float
    tokens: AccessTokens
    role: OwnRole | None = None  # as which mails may be sent, None: no role may

    @property
    def http(self) -> Http:
        from chalicelib.web.http import Http

        return Http(self.policy, self.timeout)


Maker = Callable[[ProviderDeps], Provider]

_PLATFORMS: dict[str, Maker] = {}


def _platform(name: str) -> Callable[[Maker], Maker]:
    """Register a function that imports and builds the provider of a platform."""

    def register(maker: Maker) -> Maker:
        _PLATFORMS[name] = maker
        return maker

    return register


@_platform("jpush")
def _jpush(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.app.jpush import JPush

    return JPush(deps.http)


@_platform("jpush_private")
def _jpush_private(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.app.jpush import JPush

    return JPush(deps.http, platform="jpush_private")


@_platform("jsms")
def _jsms(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.jsms import Jsms

    return Jsms(deps.http)


@_platform("chuanglan")
def _chuanglan(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.chuanglan import Chuanglan

    return Chuanglan(deps.http)


@_platform("montnets")
def _montnets(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.montnets import Montnets

    return Montnets(deps.http)


@_platform("cmpp")
def _cmpp(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.cmpp.provider import Cmpp

    return Cmpp(deps.policy, deps.timeout)


@_platform("smtp")
def _smtp(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.email.smtp import Smtp

    return Smtp(deps.policy, deps.timeout)


@_platform("ses")
def _ses(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.email.ses import Ses

    return Ses(deps.http, role=deps.role)


@_platform("alipay")
def _alipay(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.alipay_life.alipay import Alipay

    return Alipay(deps.http)


@_platform("dingtalk")
def _dingtalk(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.dingtalk.dingtalk import DingTalk

    return DingTalk(deps.http, deps.tokens)


@_platform("wecom")
def _wecom(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.wecom.wecom import WeCom

    return WeCom(deps.http, deps.tokens)


@_platform("wecom_linkedcorp")
def _wecom_linkedcorp(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.wecom.linkedcorp import LinkedCorp

    return LinkedCorp(deps.http, deps.tokens)


@_platform("wechatoa")
def _official_account(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.official_account import OfficialAccount

    return OfficialAccount(deps.http, deps.tokens)


@_platform("wechatoa_component")
def _official_account_authorised(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.official_account import OfficialAccount

    return OfficialAccount(deps.http, deps.tokens, component=True)


@_platform("wechatmp")
def _mini_program(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.mini_program import MiniProgram

    return MiniProgram(deps.http, deps.tokens)


@_platform("wechatmp_component")
def _mini_program_authorised(deps: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.mini_program import MiniProgram

    return MiniProgram(deps.http, deps.tokens, component=True)


@cache
def load(
    platform: str,
    policy: Policy,
    timeout: float = 10.0,
    tokens: AccessTokens = ALONE,
    role: OwnRole | None = None,
) -> Provider:
    """Return the provider of a platform, always the same object.

    Raises Invalid for an unknown platform.
    """
    return make(platform, ProviderDeps(policy, timeout, tokens, role))


def make(platform: str, deps: ProviderDeps) -> Provider:
    """Build a provider that is not shared."""
    maker = _PLATFORMS.get(platform)
    if maker is None:
        raise Invalid("platform", "must be one of {allowed}", allowed=sorted(_PLATFORMS))
    return maker(deps)


def capabilities() -> Mapping[str, Capabilities]:
    """Return the capabilities of every platform: the support matrix."""
    return {platform: load(platform, Policy()).capabilities for platform in _PLATFORMS}


def platforms_of(channel_type: ChannelType) -> tuple[str, ...]:
    return tuple(platform for platform, can in capabilities().items() if can.type is channel_type)
