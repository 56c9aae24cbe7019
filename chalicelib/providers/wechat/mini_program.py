"""WeChat mini-programs: subscription messages.

Sending:
developers.weixin.qq.com/miniprogram/dev/server/API/mp-message-management/subscribe-message/api_sendmessage.
There is no idempotency token: the operator chooses per channel what to do with a call whose answer
did not come. By AppID and secret "delivered" means accepted. The platform of an authorised account
is told what became of a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.provider_io import (
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    OutgoingCall,
    ProviderIds,
)
from chalicelib.domain.third_party import Registers, Sort
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import api, content, receipts
from chalicelib.providers.wechat.provider import WeChatProvider
from chalicelib.providers.wechat.registry import NOTICES, fields_of
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.providers.wechat.values import KINDS
from chalicelib.web.http import Http

MESSAGES = 10_000_000  # per day. With payments 30 million (the page of sending).


class MiniProgramSession(WeChatSession):
    """Implements Session."""

    account_type = "2"
    sorts = (Sort.NOTICE,)

    def send(self, call: OutgoingCall) -> Answer:
        body = content.mini_body(call.recipients[0].content)
        return self.deliver(
            "subscribe/send",
            call,
            body,
            lambda _: receipts.notice_ids(call, self._tokens.now) if self.authorised else "",
        )


class MiniProgram(WeChatProvider):
    """Implements Provider, for `wechatmp` (AppID and secret) and `wechatmp_component` (QR code)."""

    def __init__(self, http: Http, tokens: AccessTokens, *, component: bool = False) -> None:
        capabilities = Capabilities(
            type=ChannelType.WECHATMP,
            platform="wechatmp_component" if component else "wechatmp",
            call_size=api.CALL_SIZE,
            content_per_recipient=True,
            provider_ids=ProviderIds.PER_RECIPIENT if component else ProviderIds.NONE,
            delivery_report=DeliveryReport.REAL if component else DeliveryReport.ACCEPTED,
            click_report=ClickReport.NONE,
            receipt_modes=frozenset({ReceiptMode.WEBHOOK} if component else ()),
            authorisation=component,
            preparation=2 if component else 1,
            hands_on_token=not component,
            credentials=api.credentials(component=component, callback=component),
            options=api.OPTIONS,
            registers=Registers(
                actions={Sort.NOTICE: NOTICES},
                uses=content.uses_mini,
                fields=fields_of,
                kinds=KINDS,
            ),
            deliveries_per_day=MESSAGES,
        )
        super().__init__(http, tokens, capabilities, MiniProgramSession)

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check_mini(content_)
