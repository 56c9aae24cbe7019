"""WeChat mini-programs: subscription messages.

Sending: developers.weixin.qq.com/miniprogram/dev/server/API/mp-message-management/subscribe-message/api_sendmessage. There is no
idempotency token: what happens with a call whose answer stayed away is the operator's choice per channel. By AppID and secret "delivered"
means accepted; of an account that has authorised a third-party platform, the platform is told what became of a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Unverified
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Capabilities,
    ClickReport,
    DeliveryReport,
    OutgoingCall,
    ProviderIds,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Session
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import api, content, receipts
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.web.http import Http

MESSAGES = 10_000_000  # a day; with payments 30 million (the page of sending)


class MiniProgram:
    """Implements Provider, for `wechatmp` (AppID and secret) and `wechatmp_component` (QR code)."""

    def __init__(self, http: Http, tokens: AccessTokens, *, component: bool = False) -> None:
        self._http, self._tokens, self._component = http, tokens, component
        self.capabilities = Capabilities(
            type=ChannelType.WECHATMP,
            platform="wechatmp_component" if component else "wechatmp",
            call_size=api.CALL_SIZE,
            content_per_recipient=True,
            provider_ids=ProviderIds.PER_RECIPIENT if component else ProviderIds.NONE,
            delivery_report=DeliveryReport.REAL if component else DeliveryReport.ACCEPTED,
            click_report=ClickReport.NONE,
            receipt_modes=frozenset({ReceiptMode.WEBHOOK} if component else ()),
            authorisation=component,
            credentials=api.credentials(component=component, callback=component),
            options=api.OPTIONS,
            deliveries_per_day=MESSAGES,
        )

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        api.check_credentials(raw, component=self._component, callback=self._component)
        api.check_options(options, self._http.policy)

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check_mini(content_)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return receipts.secret_of(credentials)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(
            MiniProgramSession(self._http, self._tokens, account, "2", component=self._component)
        )

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        if not self._component:
            raise Unverified("reports nothing")
        return receipts.read(request, secret)


class MiniProgramSession(WeChatSession):
    """Implements Session."""

    def send(self, call: OutgoingCall) -> Answer:
        body = content.mini_body(call.recipients[0].content)
        return self.deliver(
            "subscribe/send",
            call,
            body,
            lambda _: receipts.notice_ids(call, self._tokens.now) if self.authorised else "",
        )
