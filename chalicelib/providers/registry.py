"""Which provider speaks to which platform. A provider is imported when it is asked for, and kept for the life of a container."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Capabilities
from chalicelib.ports import Provider
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.web.egress import Policy

if TYPE_CHECKING:
    from chalicelib.web.http import Http

ALONE = AccessTokens(MemoryTokens())  # for who only wants to know what a provider can do


class ProviderDeps(NamedTuple):
    """What a provider is made with."""

    policy: Policy
    timeout: float
    tokens: AccessTokens

    @property
    def http(self) -> Http:
        from chalicelib.web.http import Http

        return Http(self.policy, self.timeout)


def _jpush(means: ProviderDeps) -> Provider:
    from chalicelib.providers.app.jpush import JPush

    return JPush(means.http)


def _jpush_private(means: ProviderDeps) -> Provider:
    from chalicelib.providers.app.jpush import JPush

    return JPush(means.http, platform="jpush_private")


def _jsms(means: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.jsms import Jsms

    return Jsms(means.http)


def _chuanglan(means: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.chuanglan import Chuanglan

    return Chuanglan(means.http)


def _montnets(means: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.montnets import Montnets

    return Montnets(means.http)


def _cmpp(means: ProviderDeps) -> Provider:
    from chalicelib.providers.sms.cmpp.provider import Cmpp

    return Cmpp(means.policy, means.timeout)


def _smtp(means: ProviderDeps) -> Provider:
    from chalicelib.providers.email.smtp import Smtp

    return Smtp(means.policy, means.timeout)


def _alipay(means: ProviderDeps) -> Provider:
    from chalicelib.providers.alipay_life.alipay import Alipay

    return Alipay(means.http)


def _dingtalk(means: ProviderDeps) -> Provider:
    from chalicelib.providers.dingtalk.dingtalk import DingTalk

    return DingTalk(means.http, means.tokens)


def _wecom(means: ProviderDeps) -> Provider:
    from chalicelib.providers.wecom.wecom import WeCom

    return WeCom(means.http, means.tokens)


def _wecom_linkedcorp(means: ProviderDeps) -> Provider:
    from chalicelib.providers.wecom.linkedcorp import LinkedCorp

    return LinkedCorp(means.http, means.tokens)


def _official_account(means: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.official_account import OfficialAccount

    return OfficialAccount(means.http, means.tokens)


def _official_account_authorised(means: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.official_account import OfficialAccount

    return OfficialAccount(means.http, means.tokens, component=True)


def _mini_program(means: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.mini_program import MiniProgram

    return MiniProgram(means.http, means.tokens)


def _mini_program_authorised(means: ProviderDeps) -> Provider:
    from chalicelib.providers.wechat.mini_program import MiniProgram

    return MiniProgram(means.http, means.tokens, component=True)


_PLATFORMS: Mapping[str, Callable[[ProviderDeps], Provider]] = {
    "jpush": _jpush,
    "jpush_private": _jpush_private,
    "jsms": _jsms,
    "chuanglan": _chuanglan,
    "montnets": _montnets,
    "cmpp": _cmpp,
    "smtp": _smtp,
    "alipay": _alipay,
    "dingtalk": _dingtalk,
    "wecom": _wecom,
    "wecom_linkedcorp": _wecom_linkedcorp,
    "wechatoa": _official_account,
    "wechatoa_component": _official_account_authorised,
    "wechatmp": _mini_program,
    "wechatmp_component": _mini_program_authorised,
}


@cache
def load(
    platform: str, policy: Policy, timeout: float = 10.0, tokens: AccessTokens = ALONE
) -> Provider:
    """The provider of a platform, the same one each time; raises Invalid for a platform that nobody speaks to."""
    return make(platform, ProviderDeps(policy, timeout, tokens))


def make(platform: str, means: ProviderDeps) -> Provider:
    """One of one's own."""
    maker = _PLATFORMS.get(platform)
    if maker is None:
        raise Invalid("platform", "must be one of " + ", ".join(sorted(_PLATFORMS)))
    return maker(means)


def capabilities() -> Mapping[str, Capabilities]:
    """What every platform can do: the support matrix."""
    return {platform: load(platform, Policy()).capabilities for platform in _PLATFORMS}


def platforms_of(channel_type: ChannelType) -> tuple[str, ...]:
    return tuple(platform for platform, can in capabilities().items() if can.type is channel_type)
