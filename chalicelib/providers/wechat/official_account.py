"""WeChat Official Accounts: template messages and subscription notices.

Sending: developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage and …/notify/api_sendnewsubscribemsg.

**The idempotency token.** `client_msg_id`: of one openid and one such id, WeChat sends one message within 10 minutes. Subscription notices
have none: what happens with one whose answer stayed away is the operator's choice per channel.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
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
from chalicelib.providers.base import identifier
from chalicelib.providers.tokens import AccessTokens
from chalicelib.providers.wechat import api, content, receipts
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.web.http import Http

# A day, of an account with up to 100,000 followers; more have more, which its backend shows:
# developers.weixin.qq.com/doc/service/en/guide/product/template_message/Template_Message_Interface
TEMPLATE_MESSAGES = 100_000
TOKEN_LIFE = 540  # seconds: the documented 10 minutes, less the time of a call


class OfficialAccount:
    """Implements Provider, for `wechatoa` (AppID and secret) and `wechatoa_component` (QR code)."""

    def __init__(self, http: Http, tokens: AccessTokens, *, component: bool = False) -> None:
        self._http, self._tokens, self._component = http, tokens, component
        self.capabilities = Capabilities(
            type=ChannelType.WECHATOA,
            platform="wechatoa_component" if component else "wechatoa",
            call_size=api.CALL_SIZE,
            content_per_recipient=True,
            provider_ids=ProviderIds.PER_RECIPIENT,
            delivery_report=DeliveryReport.REAL,
            click_report=ClickReport.LINK,
            clickable=content.CLICKABLE,
            receipt_modes=frozenset({ReceiptMode.WEBHOOK}),
            token_life=TOKEN_LIFE,
            authorisation=component,
            credentials=api.credentials(component=component, callback=True),
            options=api.OPTIONS,
            deliveries_per_day=TEMPLATE_MESSAGES,
        )

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        api.check_credentials(raw, component=self._component, callback=True)
        api.check_options(options, self._http.policy)

    def check_content(self, content_: Mapping[str, Any]) -> None:
        content.check_official(content_)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return receipts.secret_of(credentials)

    def connect(self, account: Account) -> AbstractContextManager[Session]:
        return nullcontext(
            OfficialAccountSession(
                self._http, self._tokens, account, "1", component=self._component
            )
        )

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return receipts.read(request, secret)


class OfficialAccountSession(WeChatSession):
    """Implements Session."""

    def token(self) -> str | None:
        return secrets.token_hex(16)

    def token_for(self, content_: Mapping[str, Any]) -> str | None:
        return self.token() if content.kind_of(content_) == content.TEMPLATE else None

    def send(self, call: OutgoingCall) -> Answer:
        what = call.recipients[0].content
        if content.kind_of(what) == content.TEMPLATE:
            return self.deliver(
                "template/send",
                call,
                content.template_body(what, call.token),
                lambda said: identifier(said.body.get("msgid")),
            )
        body = content.notice_body(what)
        return self.deliver(
            "subscribe/bizsend", call, body, lambda _: receipts.notice_ids(call, self._tokens.now)
        )
